"""A scorer of scikit-learn on a fastloss loss; `fastloss.adapters.sklearn` makes it.

A module of its own because what it builds on is private, and may move: only those who ask for it depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics._scorer import _BaseScorer

from fastloss import domains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss


class LossScorer(_BaseScorer):  # type: ignore[misc]  # of an untyped library
    """``scorer(estimator, X, y, sample_weight=None)``: minus the loss, with y as places in the estimator's classes."""

    def __init__(self, loss: Loss, labels: tuple[Any, ...] | None = None) -> None:
        self.loss, self.labels = loss, labels
        self.of_classes = loss.task in ("binary", "multiclass")
        if labels is not None and not self.of_classes:
            raise ValueError(f"labels={list(labels)} goes with a loss of classes, and the loss is {loss!r}")
        super().__init__(_LossOfPredictions(loss), -1, {}, response_method(loss))

    def __repr__(self) -> str:
        return f"make_loss_scorer({self.loss!r}{'' if self.labels is None else f', labels={list(self.labels)}'})"

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> float:
        # Not by method_caller: of two classes it gives one column, from which the other's small numbers are not found.
        given = getattr(estimator, self._response_method)(X)
        if self.of_classes:
            classes = self._classes(estimator)
            y_true, given = self._target(y_true, classes), self._prediction(np.asarray(given), classes)
        return -float(self._score_func(y_true, given, **kwargs))

    def _classes(self, estimator: Any) -> NDArray[Any]:
        found = getattr(estimator, "classes_", self.labels)
        if found is None:
            raise ValueError(f"{estimator!r} has no classes_: pass labels=[...], in the order of its columns")
        classes = np.asarray(found)
        if self.labels is not None and classes.tolist() != list(self.labels):
            raise ValueError(
                f"labels={list(self.labels)} and the estimator's classes_ are {classes.tolist()}: expected the same, "
                "in the same order; leave labels out, or take folds that have every class"
            )
        if self.loss.layout == "pointwise" and len(classes) != 2:
            raise ValueError(f"{self.loss!r} is of two classes, and the estimator has {len(classes)}")
        return classes

    def _target(self, y_true: Any, classes: NDArray[Any]) -> NDArray[Any]:
        y = np.asarray(y_true)
        order = np.argsort(classes)
        place = order[np.searchsorted(classes, y, sorter=order) % len(classes)]
        wrong = np.flatnonzero(classes[place] != y)
        if len(wrong):
            label = y[wrong[0]].item() if hasattr(y[wrong[0]], "item") else y[wrong[0]]
            raise ValueError(
                f"y[{wrong[0]}] is {label!r}, which the estimator was not fitted on: expected one of {classes.tolist()}"
            )
        return np.eye(len(classes))[place] if self.loss.has_rows and not self.loss.takes_labels else place

    def _prediction(self, given: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
        if self.loss.layout == "pointwise":
            return np.ascontiguousarray(given[:, 1]) if given.ndim > 1 else given
        # One score of two classes is what the second has more than the first.
        return given if given.ndim > 1 else np.stack([-given / 2, given / 2], axis=1)


def response_method(loss: Loss) -> str:
    """The method of an estimator whose result the loss takes."""
    if loss.prediction_domain in (domains.PROBABILITY, domains.PROBABILITY_ROWS):
        return "predict_proba"
    if loss.prediction_domain in (domains.LOG_PROBABILITY, domains.LOG_SOFTMAX):
        return "predict_log_proba"
    if loss.task in ("binary", "multiclass"):
        return "decision_function"
    if loss.activation != "identity" or loss.has_rows:
        raise ValueError(
            f"{loss!r} takes raw scores, which no method of a regressor returns: score the predictions themselves, "
            "with link='identity' where the loss has it"
        )
    return "predict"


class _LossOfPredictions:
    """The score function of a scorer, from whose signature scikit-learn reads what may be routed to it."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.__name__ = loss.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(self.loss(y_true, y_pred, sample_weight))
