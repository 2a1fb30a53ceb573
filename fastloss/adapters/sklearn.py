"""Losses in scikit-learn: inside HistGradientBoosting, and as scorers.

>>> import fastloss as fl, numpy as np
>>> from fastloss.adapters.sklearn import as_base_loss, make_loss_scorer
>>> from sklearn.ensemble import HistGradientBoostingRegressor
>>> from sklearn.model_selection import cross_val_score
>>> X = np.arange(300.0)[:, None]
>>> y = np.sqrt(X[:, 0])
>>> model = HistGradientBoostingRegressor(loss=as_base_loss(fl.Huber(delta=1.0)))
>>> scores = cross_val_score(model, X, y, scoring=make_loss_scorer(fl.AbsoluteError()))
>>> scores.shape
(5,)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastloss import domains
from fastloss.adapters.boosting import checked
from fastloss.adapters.host import require
from fastloss.loss import Loss

require("sklearn", "scikit-learn", "1.5")


def as_base_loss(loss: Loss | str, *, hessian: str = "auto", n_classes: int | None = None) -> Any:
    """A loss that ``HistGradientBoostingRegressor`` and ``HistGradientBoostingClassifier`` accept as ``loss=``.

    It also serves where scikit-learn's own losses do inside other estimators: ``GradientBoosting*`` and
    ``LinearModelLoss``.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores. A classifier of two classes takes a loss of one score, such as
        ``BinaryFocal(from_logits=True)``; one of more classes a loss of class indices.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature; `fastloss.adapters.boosting.Objective` says what is what. For a loss of the residual with
        kinks, such as a quantile, "auto" is what scikit-learn does itself: "unit", and each leaf's value is then
        renewed as the best constant of its residuals.
    n_classes : int, optional
        For a loss over classes: how many there are.

    Returns
    -------
    sklearn._loss.loss.BaseLoss

    Raises
    ------
    ImportError
        Where the installed scikit-learn is not one whose private interface is known.
    ValueError
        Where the loss does not take raw scores, with a list of those that do.

    Notes
    -----
    Inside ``LinearModelLoss`` the Newton solvers take the Hessian over classes to be that of cross-entropy, whatever
    the loss. Targets, scores and weights are float64, gradient and Hessian float32, one class after the other, as
    HistGradientBoosting keeps them. The start is `Loss.optimum`. Ties in the weights of a quantile are settled as
    everywhere in fastloss: halfway between two values that are equally good.

    References
    ----------
    .. [1] J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Ann. Stat. 29 (2001).
       https://doi.org/10.1214/aos/1013203451

    Examples
    --------
    >>> import fastloss as fl
    >>> as_base_loss(fl.Quantile(0.9)).differentiable
    False
    >>> as_base_loss(fl.CategoricalFocal(from_logits=True), n_classes=3).n_classes
    3
    """
    require("sklearn", "scikit-learn", "1.5", below="1.10")
    from fastloss.adapters.base_loss import BaseLossOfScores, ProbabilisticBaseLoss

    loss = checked(loss)
    if loss.layout == "outputs" or (loss.layout == "classes" and not loss.takes_labels):
        raise ValueError(f"{loss!r} has several scores per target: scikit-learn knows only those of class indices")
    if (n_classes is None) == (loss.layout == "classes"):
        what = "is needed for a loss over classes" if n_classes is None else "goes with a loss over classes"
        raise ValueError(f"n_classes is {n_classes}: it {what}, and the loss is {loss!r}")
    cls = ProbabilisticBaseLoss if loss.activation in ("sigmoid", "softmax") else BaseLossOfScores
    return cls(loss, hessian, n_classes)


def make_loss_scorer(loss: Loss | str, *, labels: Sequence[Any] | None = None) -> Any:
    """A loss as ``scoring=`` of cross-validation and searches. Greater is better there, so it is minus the loss.

    Parameters
    ----------
    loss : Loss or str
        What it takes decides what the estimator is asked for: probabilities of ``predict_proba`` (of two classes the
        second's), raw scores of ``decision_function`` for two or more classes, else ``predict``.
    labels : sequence, optional
        The classes in the estimator's order, where y holds other labels than the loss takes (0 and 1, or class
        indices): for instance strings.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, with metadata routing.

    Examples
    --------
    >>> import fastloss as fl
    >>> from sklearn.dummy import DummyClassifier
    >>> scorer = make_loss_scorer(fl.BinaryCrossEntropy(), labels=["no", "yes"])
    >>> model = DummyClassifier(strategy="prior").fit([[0], [1]], ["no", "yes"])
    >>> round(scorer(model, [[2]], ["yes"]), 6)
    -0.693147
    """
    from sklearn.metrics import make_scorer

    loss = checked(loss)
    return make_scorer(
        _LossOfPredictions(loss, None if labels is None else tuple(labels)),
        greater_is_better=False,
        response_method=_response(loss),
    )


def _response(loss: Loss) -> str:
    """The method of an estimator whose result the loss takes."""
    if loss.prediction_domain in (domains.PROBABILITY, domains.PROBABILITY_ROWS):
        return "predict_proba"
    if loss.task in ("binary", "multiclass"):
        return "decision_function"
    if loss.activation != "identity" or loss.has_rows:
        raise ValueError(
            f"{loss!r} takes raw scores, which no method of a regressor returns: score the predictions themselves, "
            "with link='identity' where the loss has it"
        )
    return "predict"


class _LossOfPredictions:
    """The score function of a scorer: a class, for a scorer must pickle."""

    def __init__(self, loss: Loss, labels: tuple[Any, ...] | None) -> None:
        self.loss, self.labels = loss, labels
        self.__name__ = loss.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, **_: Any) -> float:
        y = np.asarray(y_true)
        if self.labels is not None:
            y = self._places(y)
        elif y.dtype.kind not in "biuf":
            raise ValueError(f"y has labels such as {str(y.flat[0])!r}: pass labels=[...] in the estimator's order")
        return float(self.loss(y, y_pred, sample_weight))

    def _places(self, y: Any) -> Any:
        labels = np.asarray(self.labels)
        order = np.argsort(labels)
        place = order[np.searchsorted(labels, y, sorter=order) % len(labels)]
        wrong = np.flatnonzero(labels[place] != y)
        if len(wrong):
            raise ValueError(f"y[{wrong[0]}] is {str(y[wrong[0]])!r}: expected one of labels={list(self.labels or ())}")
        return place
