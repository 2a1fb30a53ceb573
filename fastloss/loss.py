"""The loss object: what every loss of the catalogue is and does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from fastloss import backend, domains, validation
from fastloss.immutable import Immutable
from fastloss.operations import CURVATURE, GRADIENT, PRODUCT, SHARES, VALUE, VALUE_GRADIENT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastloss.accumulator import Accumulator
    from fastloss.combination import WeightedSum

Reduction = Literal["mean", "sum", "none"]
Hessian = Literal["exact", "majorize", "fisher", "floor"]

# Least curvature of hessian="floor": a Newton step is then at most a million gradients long.
FLOOR = 1e-6


class KernelSpec(NamedTuple):
    """Which compiled kernel computes a loss, and with what parameters."""

    name: str
    parameters: tuple[float, ...] = ()
    class_weight: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None
    ignore_index: int | None = None


class Loss(Immutable):
    """A loss function with its gradient and Hessian: small, immutable, comparable, picklable.

    A subclass gives the facts below, checks its parameters in ``__init__``, names its kernel in ``_kernel`` and
    writes its NumPy reference. Calls go to the compiled engine, or to the reference where there is none.
    """

    name: ClassVar[str]
    task: ClassVar[str]
    layout: ClassVar[str] = "pointwise"  # or the last axis of y_pred is K "classes", or the `outputs` of one value
    outputs: ClassVar[tuple[str, ...]] = ()
    takes_labels: ClassVar[bool] = False  # of a loss over classes: y_true holds class indices, not rows
    takes_rows: ClassVar[bool] = False  # of one that takes labels: or rows, if y_true has the shape of y_pred
    convex: ClassVar[bool] = True  # in y_pred
    smoothness: ClassVar[int] = 2  # continuous derivatives in y_pred: 0 where there is a kink, 1, or 2 and more
    per_class: ClassVar[str] = (
        "class_weight"  # the parameter that may hold a factor per class; this one counts in a mean
    )
    in_place: ClassVar[bool] = True  # the kernel can write its results over y_pred as it reads it
    additive: ClassVar[bool] = True  # the value is a weighted mean over elements or rows
    when: ClassVar[str]  # when to use it, in a sentence; the literature stands in the docstring

    _runner: Any
    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # the parameters

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.__dict__["_runner"] = self._make_runner()

    # -- facts that may depend on the parameters --------------------------------------------------------------------

    @property
    def has_rows(self) -> bool:
        """Whether y_pred has a row of numbers for each value."""
        return self.layout != "pointwise"

    @property
    def activation(self) -> str:
        """What maps ``y_pred`` to the scale of ``y_true``: "identity", "sigmoid", "softmax" or "exp"."""
        return "identity"

    @property
    def target_domain(self) -> domains.Domain:
        """What ``y_true`` may hold."""
        return domains.ANY

    @property
    def prediction_domain(self) -> domains.Domain:
        """What ``y_pred`` may hold."""
        return domains.ANY

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        """The kinds of curvature that `gradient_and_hessian` offers for this loss."""
        has = {"majorize": self.majorizer, "fisher": self.fisher}
        base = {"majorize": Loss.majorizer, "fisher": Loss.fisher}
        known = [kind for kind in has if has[kind].__func__ is not base[kind]]  # type: ignore[attr-defined]
        return ("exact", *known, "floor")

    @property
    def piecewise_linear(self) -> bool:
        """Whether the loss is linear between `kinks`."""
        return type(self).kinks is not Loss.kinks

    @property
    def curvature(self) -> str | None:
        """What the Hessian of a row is: "diagonal", that of a "softmax", or None: something else."""
        return None if self.layout == "outputs" or not self.additive else "diagonal"

    def _make_runner(self) -> Any:
        return backend.make_runner(self)

    def _of_rows(self) -> Loss:
        """Of a loss that takes labels or rows: the one that takes rows."""
        raise LookupError(f"{self.name} takes no rows beside labels")

    def _terms(self) -> tuple[tuple[float, Loss], ...]:
        """The losses whose sums make up this one, with their factors."""
        return ((1.0, self),)

    # -- what a subclass writes -------------------------------------------------------------------------------------

    def _kernel(self) -> KernelSpec:
        """The compiled kernel that computes this loss."""
        raise LookupError(f"{type(self).__name__} names no kernel")

    def reference(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> tuple[Any, Any, Any]:
        """NumPy value, gradient and exact Hessian diagonal per element, in the dtype of `y_pred`, unweighted."""
        raise LookupError(f"{type(self).__name__} has no reference")

    def row_weight(self, y_true: NDArray[Any], n_classes: int) -> Any:
        """Losses over classes: the factor of each row in the total weight that a mean divides by."""
        return np.ones(y_true.shape if self.takes_labels else y_true.shape[:-1])

    def majorizer(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> Any:
        """NumPy curvature, per element, of a quadratic that touches the loss at `y_pred` and bounds it from above."""
        raise LookupError(f"no quadratic bound is known for {self.name}")

    def fisher(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> Any:
        """NumPy Fisher information, per element: the Hessian expected under the model."""
        raise LookupError(f"{self.name} is not a likelihood")

    def kinks(self, y_true: NDArray[Any]) -> tuple[Any, Any, Any]:
        """Where a convex loss bends that is linear in between, with K kinks.

        Its slope below all kinks, of shape (n,); where the kinks are, (K, n); and by how much the slope rises there,
        (K, n). Slope and rises may be of any shape that broadcasts to that. y_true is float64.
        """
        raise LookupError(f"{self.name} is not linear between kinks")

    def hessian_product(self, y_true: NDArray[Any], y_pred: NDArray[Any], u: NDArray[Any]) -> Any:
        """NumPy product of the Hessian of each row with a row of `u`."""
        raise LookupError(f"the Hessian of {self.name} is not that of a softmax")

    def _closed_form(self, y: NDArray[Any], w: NDArray[Any]) -> Any:
        """The constant of least loss where the loss knows it, else None; y and w are float64 (labels: as given)."""
        return None

    def _finished(self, mean: float) -> float:
        """The loss, from the weighted mean over its elements."""
        return mean

    def optimum(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The constant prediction of least weighted loss.

        Parameters
        ----------
        y_true : array_like of shape (n_samples,)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Finite, non-negative weights.

        Returns
        -------
        float, or ndarray of shape (n_classes,) or (n_outputs,)
            On the scale of `y_pred`: a raw score where the loss takes raw scores. Infinite where the least loss is
            reached only in the limit.
        """
        from fastloss import optimum

        return optimum.constant(self, y_true, sample_weight)

    # -- what a user calls -------------------------------------------------------------------------------------------

    @backend.compiled
    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        n_threads: int | None = None,
    ) -> Any:
        """The loss.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions; its dtype decides the precision of the computation.
        sample_weight : array_like of shape (n_samples,) or of the full shape, optional
            Finite, non-negative weights; 0 leaves the element out, whatever it holds.
        reduction : {"mean", "sum", "none"}
            "mean": sum of w l over sum of w; "sum": sum of w l; "none": w l per element or row.
        n_threads : int, optional
            Threads for this call. The result has the same bits for any number.

        Returns
        -------
        float or ndarray
            An array for ``reduction="none"``.

        Raises
        ------
        ValueError, TypeError
            Naming the argument, the first offending position, what was expected and the likely fix.
        """
        return self._runner.run(VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads)

    @backend.compiled
    def gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> NDArray[Any]:
        """d(reduced loss)/d(y_pred), in the shape and dtype of `y_pred`.

        Parameters are those of `__call__`; `out` is a C-contiguous array of the shape and dtype of `y_pred` to write
        to, which may be `y_pred` itself. Where data outside the domain raise, `y_pred` is as it was; a separate `out`
        may have been written. For ``reduction="none"`` the gradient is each element's own.
        """
        result: NDArray[Any] = self._runner.run(GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)
        return result

    @backend.compiled
    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> tuple[Any, NDArray[Any]]:
        """The loss and its gradient, in one pass over memory. Parameters are those of `gradient`."""
        result: tuple[Any, NDArray[Any]]
        result = self._runner.run(VALUE_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)
        return result

    def gradient_and_hessian(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        hessian: Hessian = "exact",
        out: tuple[NDArray[Any], NDArray[Any]] | None = None,
        n_threads: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The gradient and the diagonal of the Hessian, in one pass.

        Parameters are those of `gradient`, and

        Parameters
        ----------
        hessian : {"exact", "majorize", "fisher", "floor"}
            "exact": the second derivative, 0 where the loss is linear. "majorize": the curvature of a quadratic that
            bounds the loss from above. "fisher": the expected second derivative (of the focal family, which is no
            likelihood: that of softmax, weighed). "floor": the exact one, at least
            1e-6 (in a sum of losses: that of each part). A kind that the loss does not have raises; see
            `hessian_kinds`.
        out : tuple of two ndarray, optional
            Where to write gradient and Hessian.
        """
        try:
            operation = CURVATURE.get(hessian)
        except TypeError:  # it has no hash
            operation = None
        if operation is None or (hessian not in ("exact", "floor") and hessian not in self.hessian_kinds):
            raise ValueError(f"hessian={hessian!r}: {self.name} has {', '.join(map(repr, self.hessian_kinds))}")
        floor = FLOOR if hessian == "floor" else -math.inf
        result: tuple[NDArray[Any], NDArray[Any]]
        result = self._runner.run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads, floor)
        return result

    def hessian_vector_product(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        vector: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> NDArray[Any]:
        """The Hessian of the reduced loss in y_pred, exact and with all that it has off the diagonal, times a vector.

        Rows do not depend on each other: of a softmax each has a matrix of K x K numbers, which is never formed.
        Parameters are those of `gradient`, and

        Parameters
        ----------
        vector : array_like
            What is multiplied, of the shape of `y_pred`.
        out : ndarray, optional
            Where to write the product. Neither `y_pred` nor `vector`, which are read to the end.

        Returns
        -------
        ndarray
            Of the shape and dtype of `y_pred`.
        """
        if self.curvature is None:
            raise ValueError(f"{self.name} has no hessian_vector_product: its outputs depend on each other")
        if self.curvature == "diagonal":
            u = validation.vector(vector, y_pred)
            _, h = self.gradient_and_hessian(y_true, y_pred, sample_weight, reduction=reduction, n_threads=n_threads)
            if out is not None:
                validation.check_out("out", out, "y_pred", h, h.dtype)
            result: NDArray[Any] = np.multiply(h, u, out=h if out is None else out, casting="same_kind")
            return result
        result = self._runner.run(
            PRODUCT, y_true, y_pred, sample_weight, reduction, out, n_threads, -math.inf, False, vector
        )
        return result

    def gradient_and_probabilities(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        out: tuple[NDArray[Any], NDArray[Any]] | None = None,
        n_threads: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The gradient and softmax(y_pred), in one pass: of losses over classes that take raw scores.

        Parameters are those of `gradient`; `out` is a tuple of two ndarray. Weights do not touch the probabilities.
        """
        if self.curvature != "softmax":
            raise ValueError(f"{self!r} takes no raw scores of a softmax: gradient_and_probabilities is for these")
        result: tuple[NDArray[Any], NDArray[Any]]
        result = self._runner.run(SHARES, y_true, y_pred, sample_weight, reduction, out, n_threads)
        return result

    def inverse_link(self, y_pred: ArrayLike) -> NDArray[Any]:
        """Predictions on the scale of the target: raw scores through the loss's activation."""
        from fastloss import activations

        return activations.FUNCTIONS[self.activation](y_pred)

    def accumulator(self) -> Accumulator:
        """An accumulator of this loss over data that comes in pieces."""
        from fastloss.accumulator import Accumulator

        return Accumulator(self)

    # -- sums --------------------------------------------------------------------------------------------------------

    def __mul__(self, factor: float) -> WeightedSum:
        from fastloss.combination import scaled

        return scaled(self, factor)

    __rmul__ = __mul__

    def __add__(self, other: Loss) -> WeightedSum:
        from fastloss.combination import added

        return added(self, other)

    def __radd__(self, other: object) -> Any:
        return self if isinstance(other, int) and other == 0 else NotImplemented  # sum([...]) starts from 0
