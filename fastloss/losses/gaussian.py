"""Losses of a number predicted by a normal distribution: its location and the logarithm of its standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import nan_like
from fastloss.parameters import flag
from fastloss.registry import register


def _scaled(r: Any, sigma: Any) -> Any:
    """r / sigma, also where both are 0 or infinite: there r has the say."""
    return np.where((r == 0) | np.isinf(r), r + nan_like(sigma, 0), r / sigma)


@register
class GaussianNLL(Loss):
    r"""Negative log-likelihood of a normal distribution: s + r^2 exp(-2 s) / 2.

    The prediction is a row of two: the location m = y_pred[..., 0] and the logarithm s = y_pred[..., 1] of the standard
    deviation; r = m - y_true, and t = r exp(-s) is the residual in standard deviations. The gradient is t exp(-s) in m
    and 1 - t^2 in s, the diagonal of the Hessian exp(-2 s) and 2 t^2. ``"fisher"`` gives exp(-2 s) and 2.

    Use it where the noise differs from sample to sample and is to be predicted too: for intervals, or for boosting a
    distribution (with ``hessian="fisher"``, which is positive, and the whole matrix: m and s do not interact in it). It
    is squared in the residual: where outliers must not decide the width, `GaussianCRPS` grows linearly.

    Parameters
    ----------
    full : bool, default=False
        Add the constant log(2 pi) / 2. The derivatives do not change.

    Notes
    -----
    y_true has shape (n_samples,) or any other, y_pred that with an axis of length 2 at its end; a value per target. Not
    convex in m and s together. Without bound from below where m meets its target and s decreases. torch's
    ``gaussian_nll_loss`` takes the variance exp(2 s), and raises it to 1e-6. The constant of least loss is the mean and
    the logarithm of the standard deviation.

    References
    ----------
    .. [1] D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target probability distribution", IEEE
       International Conference on Neural Networks 1994. https://doi.org/10.1109/ICNN.1994.374138

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.GaussianNLL()([1.0, 3.0], [[1.0, 0.5], [1.0, 0.0]], reduction="none")
    array([0.5, 2. ])
    >>> fl.GaussianNLL().optimum([1.0, 3.0])
    array([2., 0.])
    """

    name = "gaussian_nll"
    task = "regression"
    kind = "outputs"
    outputs = ("location", "log scale")
    convex = False

    def __init__(self, full: bool = False) -> None:
        super().__init__(full=flag("full", full))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("gaussian_nll", (math.log(2 * math.pi) / 2 if self.full else 0.0,))

    def _closed_form(self, y: Any, w: Any) -> Any:
        mean = np.average(y, weights=w)
        with np.errstate(divide="ignore"):
            return np.array([mean, np.log(np.average((y - mean) ** 2, weights=w)) / 2])

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        with np.errstate(all="ignore"):
            s, sigma = y_pred[..., 1], np.exp(y_pred[..., 1])
            t = _scaled(y_pred[..., 0] - y_true, sigma)
            square = t * t
            constant = np.log(8 * np.arctan(y_pred.dtype.type(1))) / 2 if self.full else 0
            value = np.where(np.isinf(square), square, s + square / 2 + constant)
            gradient = np.stack([_scaled(t, sigma), 1 - square], axis=-1)
            return value, gradient, np.stack([nan_like(t, 1 / sigma / sigma), 2 * square], axis=-1)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        r, s = y_pred[..., 0] - y_true, y_pred[..., 1]
        with np.errstate(all="ignore"):
            return np.stack([nan_like(r, np.exp(-2 * s)), nan_like(r, nan_like(s, 2))], axis=-1)
