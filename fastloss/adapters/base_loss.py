"""scikit-learn's private loss interface, BaseLoss, on a fastloss loss; `fastloss.adapters.sklearn` makes it.

A module of its own because what it imports is private, and may move: only those who ask for it depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn._loss.link import IdentityLink, Interval, LogitLink, LogLink, MultinomialLogit
from sklearn._loss.loss import BaseLoss

from fastloss import domains
from fastloss.adapters import boosting
from fastloss.adapters.boosting import Native

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.domains import Domain
    from fastloss.loss import Loss

ONE_SCORE = "for two classes pass a loss of one score, such as BinaryCrossEntropy(from_logits=True)"

_LINKS = {"identity": IdentityLink, "sigmoid": LogitLink, "softmax": MultinomialLogit, "exp": LogLink}


class LeafwiseObjective(boosting.Objective):
    """What scikit-learn's trees take: of a kinked loss of the residual they renew the leaves, and need no curvature."""

    host = "scikit-learn"
    target_rows = outputs = False
    natives: ClassVar[Mapping[str, Native]] = {
        "half_squared_error": Native(),  # squared_error
        "absolute_error": Native("unit"),  # absolute_error
        "quantile": Native("unit"),  # quantile
        "poisson": Native(),  # poisson
        "gamma": Native(),  # gamma
        "binary_cross_entropy": Native(),  # log_loss
        "sparse_categorical_cross_entropy": Native(),  # log_loss
    }

    renews_leaves: bool

    def __init__(self, loss: Loss | str, hessian: str = "auto", n_threads: int | None = 1) -> None:
        loss = self.trainable(loss)
        renewable = loss.smoothness == 0 and renews_by_residuals(loss)
        super().__init__(loss, "unit" if hessian == "auto" and renewable else hessian, n_threads)
        self.__dict__["renews_leaves"] = renewable and self._kind == "unit"

    def where_slopes_are_taken(self, y: Any, z: NDArray[Any]) -> NDArray[Any]:
        """Raw scores; at a kink the host's own losses have the slope below it, and fastloss 0."""
        if self.hessian != "native" or self.loss.smoothness > 0:
            return z
        return np.where(z == y, np.nextafter(z, -np.inf), z)


def renews_by_residuals(loss: Loss) -> bool:
    """Whether the best constant of a leaf is that of its residuals, and is found quickly enough for every leaf.

    So it is where the loss depends on y_pred - y_true alone: moving both along changes nothing.
    """
    if loss.task != "regression" or loss.has_rows or loss.prediction_domain.code is not None:
        return False
    y, z = np.array([1.0, 1.5, 2.0, 8.0]), np.array([3.0, 1.0, 2.25, 0.5])  # whose differences are exact
    (_, term), *others = loss._terms()
    known = not others and term._closed_form(y, np.ones(4)) is not None
    return known and np.array_equal(loss(y, z, reduction="none"), loss(y + 4, z + 4, reduction="none"))


class LossKernels:
    """What BaseLoss keeps as its ``closs``: loss, gradient and Hessian per sample, written to given arrays."""

    def __init__(self, objective: LeafwiseObjective) -> None:
        self.objective = objective

    def loss(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any, loss_out: NDArray[Any], n_threads: int = 1
    ) -> NDArray[Any]:
        """w l of each sample."""
        z = np.ascontiguousarray(raw_prediction)
        loss_out[...] = self.objective.loss(y_true, z, sample_weight, reduction="none", n_threads=n_threads)
        return loss_out

    def loss_gradient(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        loss_out: NDArray[Any],
        gradient_out: NDArray[Any],
        n_threads: int = 1,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """w l of each sample and its gradient."""
        z = self.objective.where_slopes_are_taken(y_true, np.ascontiguousarray(raw_prediction))
        loss_out[...], gradient_out[...] = self.objective.loss.value_and_gradient(
            y_true, z, sample_weight, reduction="none", n_threads=n_threads
        )
        return loss_out, gradient_out

    def gradient(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any, gradient_out: NDArray[Any], n_threads: int = 1
    ) -> NDArray[Any]:
        """The gradient of w l of each sample."""
        z = self.objective.where_slopes_are_taken(y_true, np.ascontiguousarray(raw_prediction))
        gradient_out[...] = self.objective.loss.gradient(
            y_true, z, sample_weight, reduction="none", n_threads=n_threads
        )
        return gradient_out

    def gradient_hessian(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        gradient_out: NDArray[Any],
        hessian_out: NDArray[Any],
        n_threads: int = 1,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient and curvature of w l of each sample; `n_threads` is that of the objective."""
        z = self.objective.where_slopes_are_taken(y_true, raw_prediction)
        self.objective.derivatives_of_all(y_true, z, sample_weight, (gradient_out, hessian_out))
        return gradient_out, hessian_out


class BaseLossOfScores(BaseLoss):  # type: ignore[misc]  # of an untyped library
    """A fastloss loss as scikit-learn's BaseLoss."""

    def __init__(self, loss: Loss | str, hessian: str, n_classes: int | None, n_threads: int | None) -> None:
        objective = LeafwiseObjective(loss, hessian, n_threads)
        loss = objective.loss
        multiclass = loss.layout == "classes"
        super().__init__(LossKernels(objective), _LINKS[loss.activation](), n_classes)
        self.is_multiclass = multiclass
        self.differentiable = not objective.renews_leaves
        self.approx_hessian = objective._kind != "exact"
        self.interval_y_true = _interval(loss.target_domain, multiclass)

    @property
    def objective(self) -> LeafwiseObjective:
        """The loss, with the curvature that goes with it."""
        objective: LeafwiseObjective = self.closs.objective
        return objective

    def __getattr__(self, name: str) -> Any:  # of what a loss has not: to scikit-learn as well, for it looks
        if name == "predict_proba":
            raise AttributeError(
                f"{self.objective.loss!r} is no loss of classes: a classifier takes one of raw scores such as "
                "BinaryCrossEntropy(from_logits=True)"
            )
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def __repr__(self) -> str:
        classes = "" if self.n_classes is None else f", n_classes={self.n_classes}"
        return f"as_base_loss({self.objective.loss!r}, hessian={self.objective.hessian!r}{classes})"

    def __call__(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None, n_threads: int = 1) -> float:
        """The weighted mean."""
        z = raw_prediction[:, 0] if raw_prediction.ndim > 1 and not self.is_multiclass else raw_prediction
        value: float = self.objective.loss(y_true, np.ascontiguousarray(z), sample_weight, n_threads=n_threads)
        return value

    def in_y_true_range(self, y: Any) -> bool:
        """Whether y may be targets."""
        return bool(super().in_y_true_range(y) and (not self.is_multiclass or np.all(y == np.floor(y))))

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> Any:
        """The raw score of least loss; a classifier's y has each of the classes."""
        if not self.is_multiclass:
            return self.objective.start(y_true, sample_weight)
        found = int(np.max(y_true, initial=0)) + 1
        if found != self.n_classes:
            fix = ONE_SCORE if found == 2 else f"pass n_classes={found}"
            raise ValueError(f"y has {found} classes and n_classes is {self.n_classes}: {fix}")
        return self.objective.start(y_true, sample_weight)


class ClassBaseLoss(BaseLossOfScores):
    """Of classes. By `predict_proba` scikit-learn tells that targets are classes, of which a split must have its share.

    So losses of numbers have none.
    """

    def predict_proba(self, raw_prediction: Any) -> NDArray[Any]:
        """Refused: a classifier asks for it whatever the loss."""
        raise ValueError(
            f"scores of {self.objective.loss!r} are no probabilities: ask for decision_function, or take a loss of "
            "probabilities, such as BinaryCrossEntropy(from_logits=True)"
        )


class ProbabilisticBaseLoss(ClassBaseLoss):
    """Of raw scores that mean probabilities."""

    def gradient_proba(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any = None,
        gradient_out: Any = None,
        proba_out: Any = None,
        n_threads: int = 1,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient of w l and softmax of the scores of each sample, of a loss over classes."""
        gradient, proba = self.objective.loss.gradient_and_probabilities(
            y_true, np.ascontiguousarray(raw_prediction), sample_weight, reduction="none", n_threads=n_threads
        )
        for result, out in ((gradient, gradient_out), (proba, proba_out)):
            if out is not None:
                out[...] = result
        return gradient if gradient_out is None else gradient_out, proba if proba_out is None else proba_out

    def predict_proba(self, raw_prediction: Any) -> NDArray[Any]:
        """Probabilities, a column per class."""
        p = self.objective.predict(np.ascontiguousarray(raw_prediction))
        if not self.is_multiclass:
            p = p.reshape(-1)
            p = np.stack([1 - p, p], axis=1)
        return p


def _interval(domain: Domain, labels: bool) -> Any:
    if labels:
        return Interval(0, np.inf, True, False)
    if domain.code is None:
        return Interval(-np.inf, np.inf, False, False)
    low = min(domain.low, domain.alternative.low) if domain.alternative else domain.low
    return Interval(low, domain.high, domain.code != domains.OPEN_LOW, domain.high < np.inf)
