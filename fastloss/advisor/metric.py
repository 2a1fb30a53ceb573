"""What is to be small or large on new data: a loss of the catalogue, or a score of decisions or ranks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastloss import domains
from fastloss.advisor.fit import in_loss_type
from fastloss.advisor.target import DEFAULTS
from fastloss.estimators.losses import to_probabilities
from fastloss.loss import Loss, Reduction
from fastloss.losses.regression import SquaredError
from fastloss.losses.root import RootMeanSquaredError
from fastloss.reference import inside
from fastloss.registry import ALIASES, for_raw_scores, list_losses
from fastloss.specification import parse_loss
from fastloss.spelling import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.advisor.target import Target

__all__ = ["SCORES", "Metric", "UnfitError", "default_loss", "find_metric"]

_NUMBERS = ("continuous", "positive", "semicontinuous", "counts", "proportions")
# Tasks of losses that can judge predictions of each kind of target.
_TASKS = {
    **dict.fromkeys(_NUMBERS, ("regression", "count")),
    "proportions": ("regression", "binary"),
    "binary": ("binary", "regression"),
    "classes": ("multiclass",),
    "multilabel": ("multilabel",),
    "distributions": ("multiclass", "distribution"),
}


class UnfitError(ValueError):
    """Why a metric cannot judge the scores of a loss."""


class _Score(NamedTuple):
    """A metric that is no loss: greater is better."""

    kinds: tuple[str, ...]
    needs: str  # "decision" or "score"
    cost: Callable[[NDArray[Any], NDArray[Any], Any], Any]  # of each row, or of all; from weights or None, too


def _wrong(y: NDArray[Any], decision: NDArray[Any], weight: Any) -> NDArray[Any]:
    wrong: NDArray[Any] = (decision != y).astype(np.float64)
    return wrong


def _wrong_by_class(y: NDArray[Any], decision: NDArray[Any], weight: Any) -> NDArray[Any]:
    labels = y.astype(np.intp)
    totals = np.bincount(labels, weight)
    present = int(np.count_nonzero(totals))
    wrong: NDArray[Any] = totals.sum() / (present * totals[labels]) * (decision != y)
    return wrong


def _one_minus_auc(y: NDArray[Any], score: NDArray[Any], weight: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return 1 - float(roc_auc_score(y, score, sample_weight=weight))


def _one_minus_precision(y: NDArray[Any], score: NDArray[Any], weight: Any) -> float:
    from sklearn.metrics import average_precision_score

    return 1 - float(average_precision_score(y, score, sample_weight=weight))


def _one_minus_f1(y: NDArray[Any], decision: NDArray[Any], weight: Any) -> float:
    from sklearn.metrics import f1_score

    average = "binary" if y.max() <= 1 else "macro"
    return 1 - float(f1_score(y, decision, average=average, sample_weight=weight, zero_division=0.0))


SCORES = {
    "accuracy": _Score(("binary", "classes"), "decision", _wrong),
    "balanced_accuracy": _Score(("binary", "classes"), "decision", _wrong_by_class),
    "f1": _Score(("binary", "classes"), "decision", _one_minus_f1),
    "roc_auc": _Score(("binary",), "score", _one_minus_auc),
    "average_precision": _Score(("binary",), "score", _one_minus_precision),
}
R2 = "r2"  # the squared error, on a scale of its own
_BY_ROW = ("accuracy", "balanced_accuracy")


class Metric:
    """A metric as a cost: what is better is less.

    Parameters
    ----------
    name : str
        As it was asked for.
    loss : Loss, optional
        Whose value is the cost; without one the metric is a score of `SCORES`, and the cost what it lacks of 1.
    scale : function, optional
        The metric from the cost: monotone, so that both rank alike. By default the cost itself, of a score 1 - cost.
    """

    def __init__(self, name: str, loss: Loss | None = None, scale: Callable[[float], float] | None = None) -> None:
        self.name, self.loss = name, loss
        self.shown = scale or (_itself if loss is not None else _lacking)
        self.greater_is_better = self.shown(1.0) < self.shown(0.0)
        self.by_row = loss.additive if loss is not None else name in _BY_ROW

    def changed(self, cost: float, difference: float) -> float:
        """By how much the metric itself differs where its cost does."""
        if not math.isfinite(difference):
            return -difference if self.greater_is_better else difference
        return self.shown(cost + difference) - self.shown(cost)

    def costs(self, y: NDArray[Any], loss: Loss, raw: NDArray[Any], weight: NDArray[Any] | None = None) -> Any:
        """The cost of raw scores of a loss, of each row (whose mean with these weights it is) or, if not `by_row`, of
        all.

        Raises
        ------
        UnfitError
            Where these scores do not mean what the metric judges.
        """
        if self.loss is None:
            score = SCORES[self.name]
            return score.cost(y, _decision(loss, raw) if score.needs == "decision" else raw, weight)
        return self._loss_of(self.loss, y, loss, raw, weight)

    def mean(self, y: NDArray[Any], loss: Loss, raw: NDArray[Any], weight: NDArray[Any] | None = None) -> float:
        """The cost of all rows."""
        costs = self.costs(y, loss, raw, weight)
        return float(np.average(costs, weights=weight)) if self.by_row else float(costs)

    def _loss_of(self, metric: Loss, y: NDArray[Any], loss: Loss, raw: NDArray[Any], weight: Any) -> Any:
        how: Reduction = "none" if metric.additive else "mean"
        of_all = None if metric.additive else weight
        if metric.layout == "classes":
            prediction = _for_rows(metric, loss, raw)
            return metric(in_loss_type(metric, y, raw.shape[1]), prediction, of_all, reduction=how)
        if metric.task == "binary":
            return metric(y, _for_binary(metric, loss, raw), of_all, reduction=how)
        value = _value(loss, raw)
        if metric.activation != "exp" and metric.prediction_domain.code is None:
            return metric(y, value, of_all, reduction=how)
        if metric.activation == "exp":
            positive = value > 0
            result = metric(y, np.log(np.where(positive, value, 1.0)), of_all, reduction=how)
            return np.where(positive, result, np.inf)
        low = metric.prediction_domain.low
        inside = value >= low
        return np.where(inside, metric(y, np.where(inside, value, max(low, 0.0)), of_all, reduction=how), np.inf)


def _itself(cost: float) -> float:
    return cost


def _lacking(cost: float) -> float:
    return 1 - cost


def _value(loss: Loss, raw: NDArray[Any]) -> NDArray[Any]:
    """Predictions on the scale of the target."""
    if loss.task == "binary":
        return _probability(loss, raw)
    return loss.inverse_link(raw)


def _decision(loss: Loss, raw: NDArray[Any]) -> NDArray[Any]:
    cut = 0.0 if loss.task == "binary" else 0.5
    decision: NDArray[Any] = raw.argmax(axis=1) if raw.ndim == 2 else (raw > cut).astype(np.float64)
    return decision


def _probability(loss: Loss, raw: NDArray[Any]) -> NDArray[Any]:
    probabilities = to_probabilities(loss) if loss.task in ("binary", "multiclass", "distribution") else None
    if probabilities is None:
        raise UnfitError(f"scores of {loss.name} are no probabilities, which the metric judges")
    return probabilities(raw)


def _for_binary(metric: Loss, loss: Loss, raw: NDArray[Any]) -> NDArray[Any]:
    if metric.prediction_domain.code is not None:  # of a probability
        p: NDArray[Any] = np.clip(_probability(loss, raw) if loss.task == "binary" else raw, 0.0, 1.0)
        return p
    if metric.activation == "sigmoid":
        if loss.activation == "sigmoid":
            return raw
        p = _probability(loss, raw) if loss.task == "binary" else np.clip(raw, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            logit: NDArray[Any] = np.log(p) - np.log1p(-p)
        return logit
    if loss.task != "binary":
        raise UnfitError(f"scores of {loss.name} are no margins, which the metric judges")
    return raw


def _for_rows(metric: Loss, loss: Loss, raw: NDArray[Any]) -> NDArray[Any]:
    if metric.prediction_domain is domains.ANY and metric.activation == "identity":  # margins
        return raw
    if metric.activation == loss.activation and metric.prediction_domain.code is None:
        return raw
    p = _probability(loss, raw)
    return p if metric.prediction_domain.high == 1 else np.log(p)


def default_loss(target: Target) -> Loss:
    """The loss that is taken for this kind by convention, of raw scores."""
    found: Loss = for_raw_scores(DEFAULTS[target.kind])
    return found


def _check_targets(name: str, loss: Loss, target: Target) -> None:
    """Before rows are drawn, after which an error would name the wrong one."""
    if loss.layout != "pointwise" or target.y.ndim != 1:
        return
    outside = target.y[~inside(target.y, loss.target_domain)]
    if len(outside):
        domain = loss.target_domain
        raise ValueError(f"metric={name!r} takes {domain.expected}, and y_true has {outside[0]:g}: {domain.fix}")


def find_metric(metric: str | Loss | None, target: Target) -> Metric:
    """The metric that a user means.

    Parameters
    ----------
    metric : str or Loss, optional
        A name of `SCORES`, or a loss as on the command line, ``"quantile:quantile=0.9"``, or as an object. Without
        one, the value of `default_loss`.
    target : Target

    Raises
    ------
    ValueError
        For a name that there is not, or a metric of other targets.

    Examples
    --------
    >>> from fastloss.advisor.target import describe
    >>> find_metric("brier", describe([0, 1, 1, 0])).loss
    Brier(from_logits=True)
    """
    if metric is None:
        loss = default_loss(target)
        return Metric(loss.name, loss)
    if isinstance(metric, Loss):
        name, loss = repr(metric), metric
    elif not isinstance(metric, str):
        called = f": call it, {metric.__name__}()" if isinstance(metric, type) else ""
        raise ValueError(f"metric={metric!r}: expected a name or a loss{called}")
    elif metric == R2:
        if target.kind not in _NUMBERS:
            raise ValueError(f"metric={metric!r} is for {' and '.join(_NUMBERS)}; y_true is {target.kind}")
        spread = float(np.cov(target.y, aweights=target.weight, ddof=0))
        return Metric(metric, SquaredError(), lambda cost: 1 - cost / spread)
    elif metric in SCORES:
        if target.kind not in SCORES[metric].kinds:
            raise ValueError(f"metric={metric!r} is for {' and '.join(SCORES[metric].kinds)}; y_true is {target.kind}")
        return Metric(metric)
    else:
        name = metric
        try:
            loss = parse_loss(metric, from_logits=True)
        except ValueError as error:
            known = [*SCORES, R2, *list_losses(), *ALIASES]
            guess = did_you_mean(metric.partition(":")[0], known)
            raise ValueError(
                f"metric={metric!r}: {error if ':' in metric or not guess else f'unknown{guess}'}"
            ) from None
        if target.kind == "classes" and loss.name == "binary_cross_entropy":  # scikit-learn's log_loss is of both
            loss = for_raw_scores("cross_entropy")
        if target.kind == "classes" and loss.name == "brier":
            loss = for_raw_scores("categorical_brier")
    if isinstance(loss, Loss) and loss.layout == "outputs":
        raise ValueError(
            f"metric={name!r} judges {' and '.join(loss.outputs)}: only metrics of one prediction are compared"
        )
    if not isinstance(loss, Loss) or loss.task not in _TASKS[target.kind]:
        raise ValueError(
            f"metric={name!r} is a loss of task {loss.task!r}; y_true is {target.kind}, judged by losses of "
            f"{' or '.join(_TASKS[target.kind])}"
        )
    _check_targets(name, loss, target)
    if isinstance(loss, RootMeanSquaredError):  # least where the squared error is, which is a mean over rows
        return Metric(name, SquaredError(), lambda mean: math.sqrt(max(mean, 0.0)))
    return Metric(name, loss)
