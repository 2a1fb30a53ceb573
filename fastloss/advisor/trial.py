"""Losses compared by cross-validation on the user's metric: paired differences, and how sure they are."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.advisor.baseline import Baseline, unit
from fastloss.advisor.expectation import make_folds
from fastloss.advisor.fit import fit, scores
from fastloss.advisor.target import is_missing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastloss.advisor.metric import Metric
    from fastloss.advisor.target import Target
    from fastloss.loss import Loss

__all__ = ["MODELS", "Trial", "cross_fitted", "cross_validate", "features", "progress"]

MODELS = ("linear", "trees", "lightgbm")
REPEATS = 2  # of the cross-validation, with other folds
TREES = {"max_iter": 60, "max_leaf_nodes": 15, "early_stopping": False}
LIGHTGBM = {"num_leaves": 15, "seed": 0, "deterministic": True, "verbose": -1}  # the same size of trees
# LightGBM's objectives that renew leaves, and its names of their parameters.
RENEWING: dict[str, tuple[str, dict[str, str]]] = {
    "absolute_error": ("regression_l1", {}),
    "quantile": ("quantile", {"quantile": "alpha"}),
}
FEWEST_FOR_TREES, FEW_FOR_THREADS = 200, 20_000
LEAST_MEAN = 1e-300  # whose logarithm is finite


@dataclass(frozen=True)
class Trial:
    """The costs of a loss on the splits of a cross-validation.

    Parameters
    ----------
    costs : ndarray of shape (n_splits,)
    overlap : float
        Rows tested over rows trained on, in a split.
    """

    costs: NDArray[np.float64]
    overlap: float

    @property
    def cost(self) -> float:
        """The mean over the splits."""
        return float(self.costs.mean())

    def above(self, other: Trial, confidence: float = 0.95) -> tuple[float, float, float]:
        """The mean difference of the costs with its interval: the corrected resampled t-test [1]_.

        Splits share rows, so that their costs are not independent; the variance of the mean is (1/J + n2/n1) s^2. A few
        splits where a model explodes make that interval as wide as they are bad. But of positive costs the expectation
        is above 0.025 times what is found, but for a chance of 0.025 (Markov's inequality): where that is still more
        than the other costs on its worst split, the end of the interval gives way.

        References
        ----------
        .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Mach. Learn. 52 (2003).
           https://doi.org/10.1023/A:1024068626366
        """
        from scipy.stats import t

        difference = self.costs - other.costs
        if not np.isfinite(difference).all():
            return float(difference.mean()), -np.inf, np.inf
        j, mean = len(difference), float(difference.mean())
        half = float(t.ppf((1 + confidence) / 2, j - 1)) * float(
            np.sqrt((1 / j + self.overlap) * np.var(difference, ddof=1))
        )
        low, high = mean - half, mean + half
        if min(self.costs.min(), other.costs.min()) > 0:  # also of the other: no error in few rows is no cost of 0
            chance = (1 - confidence) / 2
            low = max(low, chance * self.cost - float(other.costs.max()))
            high = min(high, float(self.costs.max()) - chance * other.cost)
        return mean, low, high


def features(X: ArrayLike, n: int, called: str = "X") -> tuple[NDArray[np.float64], list[str]]:
    """Features as numbers, and their names. Errors call them as the user does.

    Raises
    ------
    ValueError
        Naming the column that is no number, has gaps or is infinite.
    """
    if hasattr(X, "toarray"):
        raise ValueError(f"{called} is sparse: pass {called}.toarray(), or some of its columns if that is too large")
    names = [str(name) for name in getattr(X, "columns", [])]
    array = np.asarray(X)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{called} has shape {array.shape}: expected (n_samples, n_features), dense")
    names = names or [f"X[:, {k}]" for k in range(array.shape[1])]
    if len(array) != n:
        raise ValueError(f"{called} has {len(array)} rows, y_true has {n}")
    if array.shape[1] == 0:
        raise ValueError(f"{called} has no columns: there is nothing to learn from")
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.column_stack([_numbers(column, name) for column, name in zip(array.T, names, strict=True)])
    for bad, what, remedy in ((np.isnan, "missing", "impute"), (np.isinf, "infinite", "clip")):
        counts = bad(numbers).sum(axis=0)
        if counts.any():
            at = int((counts > 0).argmax())
            all_of_it, some = f"is {what} in every row: leave it out", f"is {what} in {counts[at]} rows"
            raise ValueError(
                f"{names[at]} " + (all_of_it if counts[at] == n else f"{some}: {remedy} these values, or drop the rows")
            )
    if not np.ptp(numbers, axis=0).any():
        raise ValueError(f"{called} is constant: every column has one value, and there is nothing to learn from")
    return numbers, names


def _numbers(column: NDArray[Any], name: str) -> NDArray[np.float64]:
    """A column of objects, where what is missing need not be a number."""
    try:
        return np.where([is_missing(value) for value in column.tolist()], np.nan, column).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not numeric: encode it (one-hot, ordinal) or leave it out") from None


def _standardised(X: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
    """By the mean and the standard deviation of these rows."""
    spread = X[rows].std(axis=0)
    result: NDArray[Any] = (X - X[rows].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return result


def cross_fitted(
    loss: Loss, X: NDArray[Any], target: Target, folds: NDArray[np.intp], n_threads: int | None
) -> Baseline:
    """Predictions of a linear model, of each row by one that has not seen it."""
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    raw = np.empty(target.n if n_outputs == 1 else (target.n, n_outputs))
    size = unit(loss, target, None)
    for k in range(folds.max() + 1):
        train = folds != k
        Z = _standardised(X, train)
        some = target.of(train)
        raw[~train] = scores(fit(loss, Z[train], some.y, some.weight, size, n_outputs, n_threads), Z[~train])
    value = loss.inverse_link(raw)
    return Baseline(value, None if loss.task in ("regression", "count") else raw)


def cross_validate(
    losses: Sequence[Loss],
    X: NDArray[Any],
    target: Target,
    metric: Metric,
    *,
    model: str,
    cv: int,
    deadline: float | None,
    rng: np.random.Generator,
    n_threads: int | None = None,
    report: Callable[[], object] = lambda: None,
) -> list[Trial | None]:
    """Train a model on each loss, on the same splits.

    Parameters
    ----------
    losses : sequence of Loss
    X : ndarray of shape (n_samples, n_features)
    target : Target
    metric : Metric
    model : str
        A value of `MODELS`: "linear", scikit-learn's gradient boosting ("trees"), or "lightgbm".
    cv : int
        Folds; they are drawn `REPEATS` times.
    deadline : float, optional
        Of `time.monotonic`: no split begins later, but two are done in any case.
    rng : Generator
    n_threads : int, optional
    report : function, optional
        Called after each fit.

    Returns
    -------
    list of Trial or None
        None of a loss that this model cannot be trained with.
    """
    run = {"linear": _linear, "trees": _trees, "lightgbm": _lightgbm}[model]
    costs: list[list[float] | None] = [[] for _ in losses]
    done = 0
    for _ in range(REPEATS):
        folds = make_folds(target, cv, rng)
        for k in range(cv):
            if done >= 2 and deadline is not None and time.monotonic() > deadline:
                break
            train = folds != k
            for i, loss in enumerate(losses):
                known = costs[i]
                if known is not None:
                    try:
                        raw = run(loss, X, target, train, n_threads)
                        test = target.of(~train)
                        known.append(metric.mean(test.y, loss, raw, test.weight))
                    except _UntrainableError:
                        costs[i] = None
                report()
            done += 1
    overlap = 1 / (cv - 1)
    return [None if known is None else Trial(np.array(known), overlap) for known in costs]


class _UntrainableError(ValueError):
    """A model that does not take this loss."""


def _linear(
    loss: Loss, X: NDArray[Any], target: Target, train: NDArray[np.bool_], n_threads: int | None
) -> NDArray[Any]:
    Z = _standardised(X, train)
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    some = target.of(train)
    theta = fit(loss, Z[train], some.y, some.weight, unit(loss, target, None), n_outputs, n_threads)
    return scores(theta, Z[~train])


def _trees(
    loss: Loss, X: NDArray[Any], target: Target, train: NDArray[np.bool_], n_threads: int | None
) -> NDArray[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from fastloss.adapters.sklearn import as_base_loss

    of_labels = target.of_labels and loss.task in ("binary", "multiclass")
    try:
        adapted = as_base_loss(loss, n_classes=len(target.labels) if loss.layout == "classes" else None)
        if loss.layout == "classes" and (not of_labels or len(target.labels) < 3):
            raise _UntrainableError(f"{loss!r} is not for trees of one score")
    except (ImportError, ValueError) as error:
        raise _UntrainableError(str(error)) from error
    kind = HistGradientBoostingClassifier if of_labels else HistGradientBoostingRegressor
    model = kind(loss=adapted, random_state=0, **TREES)
    some = target.of(train)
    with warnings.catch_warnings(), threadpool_limits(_threads(len(X), n_threads), user_api="openmp"):
        warnings.simplefilter("ignore", RuntimeWarning)
        model.fit(X[train], some.y, some.weight)
    if of_labels:
        raw: NDArray[Any] = model.decision_function(X[~train])
        return raw
    value: NDArray[Any] = model.predict(X[~train])
    return np.log(np.maximum(value, LEAST_MEAN)) if loss.activation == "exp" else value


def _lightgbm(
    loss: Loss, X: NDArray[Any], target: Target, train: NDArray[np.bool_], n_threads: int | None
) -> NDArray[Any]:
    import lightgbm

    from fastloss.adapters.lightgbm import objective

    if loss.layout == "classes" and not loss.takes_labels:
        raise _UntrainableError(f"{loss!r} takes rows of targets, and a Dataset has a number of each")
    some = target.of(train)
    options: dict[str, Any] = {**LIGHTGBM, "num_threads": _threads(len(X), n_threads) or 0}
    if loss.task == "regression" and loss.smoothness == 0:  # leaves are to be renewed, which only its own objectives do
        if loss.name not in RENEWING:
            raise _UntrainableError(f"LightGBM renews no leaves for {loss!r}")
        options["objective"], names = RENEWING[loss.name]
        options |= {theirs: loss.params[ours] for ours, theirs in names.items()}
        start, init_score = np.zeros(1), None
    else:
        try:
            options["objective"] = adapted = objective(loss)
        except ValueError as error:
            raise _UntrainableError(str(error)) from error
        if loss.layout == "classes":
            options["num_class"] = len(target.labels)
        start, init_score = adapted.start(some.y, some.weight), adapted.init_score(some.y, some.weight)
    data = lightgbm.Dataset(X[train], some.y, weight=some.weight, init_score=init_score)
    raw: NDArray[Any] = start + lightgbm.train(options, data, TREES["max_iter"]).predict(X[~train])
    return raw


def _threads(n: int, n_threads: int | None) -> int | None:
    """Trees of few rows wait for threads longer than they work."""
    return 1 if n < FEW_FOR_THREADS else n_threads


@contextmanager
def progress(total: int) -> Iterator[Callable[[], object]]:
    """A bar on a terminal, if rich is installed; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield lambda: None
        return
    columns = (TextColumn("cross-validating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
