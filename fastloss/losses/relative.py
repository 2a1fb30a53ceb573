"""Losses of an error relative to the target, or to both."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import nan_like
from fastloss.losses.regression import LEAST_RESIDUAL, weighted_quantile
from fastloss.parameters import choice
from fastloss.registry import register


@register
class SquaredLogError(Loss):
    r"""Squared logarithmic error: (log(1 + y_pred) - log(1 + y_true))^2 / 2.

    With d the difference of the logarithms the gradient is d/(1 + y_pred), the Hessian (1 - d)/(1 + y_pred)^2.

    Notes
    -----
    Not convex: the Hessian is negative where d > 1. Targets > -1, predictions >= -1. With the factor 1/2, as in
    XGBoost's ``reg:squaredlogerror``: twice this is scikit-learn's and Keras's mean squared logarithmic error. The
    constant of least loss is exp(mean(log(1 + y_true))) - 1.

    References
    ----------
    .. [1] L. Tornqvist, P. Vartia, Y. O. Vartia, "How should relative changes be measured?", Am. Stat. 39 (1985).
       https://doi.org/10.1080/00031305.1985.10479385

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SquaredLogError()([1.0, 3.0], [1.0, 1.0], reduction="none").round(6)
    array([0.      , 0.240227])
    """

    name = "squared_log_error"
    task = "regression"
    convex = False
    when = "Targets from 0 over several orders of magnitude, where ratios count rather than differences."

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.ABOVE_MINUS_ONE

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.FROM_MINUS_ONE

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_log_error")

    def _closed_form(self, y: Any, w: Any) -> float:
        return float(np.expm1(np.average(np.log1p(y), weights=w)))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y, t = y_true.astype(y_pred.dtype), 1 + y_pred
        x = (y_pred - y) / (1 + y)
        with np.errstate(divide="ignore", invalid="ignore"):
            d = np.where(x < -0.5, np.log(t / (1 + y)), np.log1p(x))
            most = np.minimum(d, np.finfo(t.dtype).max)  # of an infinite t nothing is left
            return np.square(d) / 2, most / t, (1 - most) / t / t


@register
class AbsolutePercentageError(Loss):
    r"""Absolute percentage error: |y_pred - y_true| / |y_true|.

    As a share, not times 100, as in scikit-learn. The gradient is sign(r)/|y_true|, 0 at a tie; the exact Hessian is
    0. ``"majorize"`` gives 1/(|r| |y_true|) (with |r| at least 1e-6).

    Parameters
    ----------
    zero : {"inf", "epsilon"}, default="inf"
        What a target of 0 makes of it. "inf": an infinite loss, unless the prediction is 0 too. "epsilon": the
        denominator is at least 2.2e-16, the float64 epsilon, as in scikit-learn. To leave such rows out give them
        weight 0.

    Notes
    -----
    Convex, with a kink. A prediction of 0 costs at most 1 for positive targets, one that is too high costs without
    limit: models trained on it predict low. The constant of least loss is the median weighted by 1/|y_true|.

    References
    ----------
    .. [1] A. de Myttenaere, B. Golden, B. Le Grand, F. Rossi, "Mean absolute percentage error for regression models",
       Neurocomputing 192 (2016). https://doi.org/10.1016/j.neucom.2015.12.114

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.AbsolutePercentageError()([2.0, 4.0], [3.0, 3.0], reduction="none")
    array([0.5 , 0.25])
    """

    name = "absolute_percentage_error"
    task = "regression"
    smoothness = 0
    when = "Forecasts of positive targets, none near 0, judged by their relative error."

    def __init__(self, zero: str = "inf") -> None:
        super().__init__(zero=choice("zero", zero, ("inf", "epsilon")))

    def _least(self) -> float:
        """Denominator of a target of 0."""
        return 0.0 if self.zero == "inf" else float(np.finfo(np.float64).eps)

    def _kernel(self) -> KernelSpec:
        return KernelSpec("absolute_percentage_error", (self._least(), LEAST_RESIDUAL))

    def _closed_form(self, y: Any, w: Any) -> float:
        a = np.maximum(np.abs(y), self._least())
        return 0.0 if (a == 0).any() else weighted_quantile(y, w / a, 0.5)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y = y_true.astype(y_pred.dtype)
        r, d = y_pred - y, np.maximum(np.abs(y), y_pred.dtype.type(self._least()))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(r == 0, 0, np.abs(r) / d), np.where(r == 0, 0, np.sign(r) / d), nan_like(r, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        with np.errstate(divide="ignore"):
            steepness = 1 / np.maximum(np.abs(y_true), self._least())
        return -steepness, y_true[None], 2 * steepness

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        y = y_true.astype(y_pred.dtype)
        with np.errstate(divide="ignore", over="ignore"):
            a = np.maximum(np.abs(y_pred - y), LEAST_RESIDUAL)
            return 1 / a / np.maximum(np.abs(y), y_pred.dtype.type(self._least()))


@register
class SymmetricAbsolutePercentageError(Loss):
    r"""Symmetric absolute percentage error: 2 |y_pred - y_true| / (|y_true| + |y_pred|).

    Between 0 and 2 (200 %); 0 where both are 0. With s = |y_true| + |y_pred| the gradient is 4 |y_true|/s^2 away from
    the target where both have one sign, and 0 where they have not; the Hessian is -2/s times the gradient, in y_pred's
    own direction.

    Notes
    -----
    Not convex, with a kink at the target. "Symmetric" in its two arguments, not in over- and underestimates: one that
    is too low costs more.

    References
    ----------
    .. [1] S. Makridakis, "Accuracy measures: theoretical and practical concerns", Int. J. Forecast. 9 (1993).
       https://doi.org/10.1016/0169-2070(93)90079-3

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SymmetricAbsolutePercentageError()([1.0, 0.0], [3.0, 0.0], reduction="none")
    array([1., 0.])
    """

    name = "symmetric_absolute_percentage_error"
    task = "regression"
    convex = False
    smoothness = 0
    when = "Comparing forecasts of many series, as in the M competitions; to report rather than to train on."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("symmetric_absolute_percentage_error")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        most = np.finfo(y_pred.dtype).max
        y, z = y_true.astype(y_pred.dtype), np.clip(y_pred, -most, most)
        none = (np.sign(y) * np.sign(z) <= 0) | (y == z)
        scale = np.where(np.maximum(np.abs(y), np.abs(z)) > most / 4, z.dtype.type(0.25), z.dtype.type(1))
        y, z = scale * y, scale * z  # so that no sum is infinite
        r, s, zero = z - y, np.abs(y) + np.abs(z), nan_like(z - y, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(r == 0, zero, 2 * (np.abs(r) / s))
            gradient = np.where(none, zero, np.sign(r) * (4 * (np.abs(y) / s / s)) * scale)
            return value, gradient, np.where(none, zero, -2 * np.sign(z) * (gradient / s) * scale)
