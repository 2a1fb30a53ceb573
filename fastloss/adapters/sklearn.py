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

from fastloss.adapters.boosting import checked
from fastloss.adapters.host import require
from fastloss.loss import Loss
from fastloss.parameters import index

require("sklearn", "scikit-learn", "1.5")


def as_base_loss(
    loss: Loss | str, *, hessian: str = "auto", n_classes: int | None = None, n_threads: int | None = 1
) -> Any:
    """A loss that ``HistGradientBoostingRegressor`` and ``HistGradientBoostingClassifier`` accept as ``loss=``.

    It also serves where scikit-learn's own losses do inside ``LinearModelLoss``. ``GradientBoosting*`` takes names
    alone as ``loss=``; a subclass whose ``_get_loss(self, sample_weight)`` returns the loss trains on it.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores. A classifier of two classes takes a loss of one score, such as
        ``BinaryFocal(from_logits=True)``; one of more classes a loss of class indices.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature; `fastloss.adapters.boosting.Objective` says what is what. For a loss of the residual with
        kinks, such as a quantile, "auto" is what scikit-learn does itself: "unit", and each leaf's value is then
        renewed as the best constant of its residuals. "native" also has scikit-learn's slope where a score is the
        target: that from below, where fastloss has 0.
    n_classes : int, optional
        For a loss over three or more classes: how many there are.
    n_threads : int or None, default=1
        Threads of a boosting round's gradients; None: as many as other calls of fastloss have.

    Returns
    -------
    sklearn._loss.loss.BaseLoss

    Raises
    ------
    ImportError
        Where the installed scikit-learn is not one whose private interface is known.
    TypeError, ValueError
        Where the loss does not take raw scores, one for each target or class, with a list of those that do.

    Notes
    -----
    Inside ``LinearModelLoss`` the Newton solvers take the Hessian over classes to be that of cross-entropy, whatever
    the loss. Targets, scores and weights are float64, gradient and Hessian float32, one class after the other, as
    HistGradientBoosting keeps them. The start is `Loss.optimum`. Ties in the weights of a quantile are settled as
    everywhere in fastloss: halfway between two values that are equally good. There scikit-learn takes the lower one,
    and without weights interpolates quantiles between two targets, so that "native" grows its trees of a quantile
    where weights tie nowhere, as continuous ones do, and those of the absolute error also without weights.

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
    from fastloss.adapters.base_loss import (
        ONE_SCORE,
        BaseLossOfScores,
        ClassBaseLoss,
        LeafwiseObjective,
        ProbabilisticBaseLoss,
    )

    loss = LeafwiseObjective.trainable(loss)
    if (n_classes is None) == (loss.layout == "classes"):
        what = "is needed for a loss over classes" if n_classes is None else "goes with a loss over classes"
        raise ValueError(f"n_classes is {n_classes}: it {what}, and the loss is {loss!r}")
    n_classes = index("n_classes", n_classes)
    if n_classes is not None and n_classes < 3:
        raise ValueError(f"n_classes is {n_classes}: expected at least 3; {ONE_SCORE}")
    cls = BaseLossOfScores
    if loss.task in ("binary", "multiclass"):
        cls = ClassBaseLoss
    if loss.activation in ("sigmoid", "softmax"):
        cls = ProbabilisticBaseLoss
    return cls(loss, hessian, n_classes, n_threads)


def make_loss_scorer(loss: Loss | str, *, labels: Sequence[Any] | None = None) -> Any:
    """A loss as ``scoring=`` of cross-validation and searches. Greater is better there, so it is minus the loss.

    Parameters
    ----------
    loss : Loss or str
        What it takes decides what the estimator is asked for: probabilities of ``predict_proba`` (of two classes the
        second's, or both for a loss of rows), raw scores of ``decision_function`` for two or more classes, else
        ``predict``.
    labels : sequence, optional
        The classes that y may have, in the estimator's order. Labels of any kind are found in its ``classes_``, so
        that this is a check of them, and needed only where it has none.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, with metadata routing.

    Raises
    ------
    ImportError
        Where the installed scikit-learn is not one whose private interface is known.
    ValueError
        Where the loss takes what no estimator returns; of the scorer where y has a label, or `labels` are, other than
        ``classes_``.

    Examples
    --------
    >>> import fastloss as fl
    >>> from sklearn.dummy import DummyClassifier
    >>> scorer = make_loss_scorer(fl.BinaryCrossEntropy())
    >>> model = DummyClassifier(strategy="prior").fit([[0], [1]], ["no", "yes"])
    >>> round(scorer(model, [[2]], ["yes"]), 6)
    -0.693147
    """
    require("sklearn", "scikit-learn", "1.5", below="1.10")
    from fastloss.adapters.scorer import LossScorer

    return LossScorer(checked(loss), None if labels is None else tuple(labels))
