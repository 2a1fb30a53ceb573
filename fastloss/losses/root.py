"""The root of a mean: a loss that is no sum over elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss import backend, validation
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.regression import LEAST_RESIDUAL, SquaredError
from fastloss.operations import EXACT, GRADIENT, MAJORIZE, VALUE, VALUE_GRADIENT
from fastloss.registry import register


@register
class RootMeanSquaredError(Loss):
    r"""Root mean squared error: sqrt(sum(w r^2) / sum(w)), r = y_pred - y_true.

    With S the value the gradient is w r / (S sum(w)); the diagonal of the Hessian is w / (S sum(w)) - gradient^2 / S.
    Both are 0 at a perfect fit. ``"majorize"`` gives w / (S sum(w)), the curvature of the parabola above (with S at
    least 1e-6).

    Notes
    -----
    Convex, with a kink at a perfect fit; in units of the target. It is no sum over elements: there is no ``reduction``
    but ``"mean"``, and an accumulator takes the root of the mean over all that it has seen, as the mean of the roots of
    batches is not it. Of a sum of losses it may be a part. Minimised where the squared error is, with steps that do not
    shrink near the optimum.

    Squares are summed: from |r| of 1e19 on in float32, 1e154 in float64, it is infinite. Where all |r| are below 1e-19,
    or 1e-154, digits are lost; below 2e-23, or 1e-162, value and gradient are 0. Scale targets and predictions then:
    the gradient is the same at any scale.

    References
    ----------
    .. [1] T. O. Hodson, "Root-mean-square error (RMSE) or mean absolute error (MAE): when to use them or not", Geosci.
       Model Dev. 15 (2022). https://doi.org/10.5194/gmd-15-5481-2022

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.RootMeanSquaredError()([1.0, 2.0], [4.0, -2.0])
    3.5355339059327378
    """

    name = "root_mean_squared_error"
    task = "regression"
    smoothness = 0
    additive = False
    when = "Reporting squared error in the units of the target; to train on, SquaredError has the same optimum."

    def __init__(self) -> None:
        super().__init__()

    def _make_runner(self) -> Any:
        return _Runner(self)

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_error")

    def _finished(self, mean: float) -> float:
        return math.sqrt(mean)

    def _closed_form(self, y: Any, w: Any) -> Any:
        return SquaredError()._closed_form(y, w)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Of what stands under the root."""
        return SquaredError().reference(y_true, y_pred)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        """Likewise."""
        return SquaredError().majorizer(y_true, y_pred)


class _Runner:
    """A pass over the mean of the squares M, whose root S is; then its derivatives, times dS/dM = 1/(2 S)."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.squares = backend.make_runner(loss)

    def run(
        self,
        operation: int,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any,
        reduction: str,
        out: Any,
        n_threads: Any,
        floor: float = -math.inf,
        converted: bool = False,
        vector: Any = None,  # of hessian_vector_product, which there is none of
    ) -> Any:
        if reduction == validation.PARTS:
            return self.squares.run(VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads)
        if reduction != "mean":
            raise ValueError(
                f"reduction={reduction!r}: the root of a mean is no sum over elements, so expected 'mean'; "
                "SquaredError has the others"
            )
        given = validation.as_array("y_pred", y_pred)
        dtype = validation.result_dtype(given)
        if dtype == np.float16:  # whose range M and its derivatives may leave
            inputs = tuple(None if x is None else np.asarray(x) for x in (y_true, sample_weight))
            outs = validation._outs(operation, out, given, dtype, inputs)
            wide = given.astype(np.float32)
            result = self.run(operation, y_true, wide, sample_weight, reduction, None, n_threads, floor)
            return validation._convert_back(operation, result, outs, dtype)
        if operation == VALUE:
            return math.sqrt(self.squares.run(VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads))
        if operation in (GRADIENT, VALUE_GRADIENT):
            mean, gradient = self.squares.run(VALUE_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)
            with np.errstate(all="ignore"):
                gradient *= _slope(mean)
            return (math.sqrt(mean), gradient) if operation == VALUE_GRADIENT else gradient
        mean = self.squares.run(VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads)
        gradient, hessian = self.squares.run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads)
        with np.errstate(all="ignore"):
            least = hessian * (floor / 2) if floor > -math.inf else None  # floor w / sum(w), as of other losses
            gradient *= _slope(mean)
            hessian *= _slope(max(mean, LEAST_RESIDUAL**2) if operation == MAJORIZE else mean)
            if operation == EXACT and mean != 0:
                hessian -= np.square(gradient) / math.sqrt(mean)
            if least is not None:
                np.maximum(hessian, least, out=hessian)
        return gradient, hessian


def _slope(mean: float) -> float:
    """d(root)/d(mean); 0 at a perfect fit, where it multiplies residuals of 0."""
    return 0.5 / math.sqrt(mean) if mean != 0 else 0.0
