"""Losses of a number predicted by a normal distribution: its location and the logarithm of its standard deviation."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.activations import exp, identity
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import erf, nan_like
from fastloss.parameters import flag
from fastloss.registry import register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def _scaled(r: Any, sigma: Any) -> Any:
    """r / sigma, also where both are 0 or infinite: there r has the say."""
    return np.where((r == 0) | np.isinf(r), r + nan_like(sigma, 0), r / sigma)


def _within_one(y: Any) -> tuple[float, float, Any]:
    """low, width and x in [0, 1] with y = low + width x, so that no square of y is out of range."""
    low = float(y.min())
    width = float(y.max()) - low or 1.0
    return low, width, (y - low) / width


class _Normal(Loss):
    """Losses of a location and the logarithm of a standard deviation."""

    task = "regression"
    layout = "outputs"
    outputs = ("location", "log scale")

    def inverse_link(self, y_pred: ArrayLike) -> NDArray[Any]:
        """The location and the standard deviation, both on the scale of the target."""
        found = identity(y_pred)
        found[..., 1] = exp(found[..., 1])
        return found


@register
class GaussianNLL(_Normal):
    r"""Negative log-likelihood of a normal distribution: s + r^2 exp(-2 s) / 2.

    The prediction is a row of two: the location m = y_pred[..., 0] and the logarithm s = y_pred[..., 1] of the standard
    deviation; r = m - y_true, and t = r exp(-s) is the residual in standard deviations. The gradient is t exp(-s) in m
    and 1 - t^2 in s, the diagonal of the Hessian exp(-2 s) and 2 t^2. ``"fisher"`` gives exp(-2 s) and 2.

    To boost a distribution use ``hessian="fisher"``, which is positive and the whole matrix: m and s do not interact in
    it. The loss is squared in the residual: where outliers must not decide the width, `GaussianCRPS` grows linearly.

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
    convex = False
    when = "The noise differs from sample to sample and is predicted too: intervals, boosting a distribution."

    def __init__(self, full: bool = False) -> None:
        super().__init__(full=flag("full", full))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("gaussian_nll", (math.log(2 * math.pi) / 2 if self.full else 0.0,))

    def _closed_form(self, y: Any, w: Any) -> Any:
        low, width, x = _within_one(y)
        mean = np.average(x, weights=w)
        with np.errstate(divide="ignore"):
            spread = np.log(np.average((x - mean) ** 2, weights=w)) / 2
        return np.array([low + width * mean, math.log(width) + spread])

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


@register
class GaussianCRPS(_Normal):
    r"""Continuous ranked probability score of a normal distribution: sigma (w (2 Phi(w) - 1) + 2 phi(w) - 1/sqrt(pi)).

    The prediction is a row of two: the location m = y_pred[..., 0] and the logarithm s = y_pred[..., 1] of the standard
    deviation sigma = exp(s); w = (y_true - m) / sigma, and phi and Phi are the standard normal density and distribution
    function. The loss has the unit of y_true. The gradient is 1 - 2 Phi(w) in m and sigma (2 phi(w) - 1/sqrt(pi)) in s,
    the diagonal of the Hessian 2 phi(w) / sigma and sigma (2 phi(w) (1 + w^2) - 1/sqrt(pi)). ``"fisher"`` gives its
    expectation under the model, 1/(sigma sqrt(pi)) and sigma/(2 sqrt(pi)).

    Far from the target it grows linearly, like the absolute error, which it becomes for s -> -inf.

    Notes
    -----
    y_true has shape (n_samples,) or any other, y_pred that with an axis of length 2 at its end; a value per target. The
    integral of the squared difference between the distribution function and the step at y_true: never negative, and a
    strictly proper score, as the likelihood is. Convex in m and sigma together, not in m and s: far from the target the
    Hessian in s is negative. The constant of least loss, found by Newton's method, has s = -inf where one value has
    most of the weight (1/sqrt(2) of it, or more).

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, A. H. Westveld, T. Goldman, "Calibrated probabilistic forecasting using ensemble
       model output statistics and minimum CRPS estimation", Mon. Weather Rev. 133 (2005).
       https://doi.org/10.1175/MWR2904.1

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.GaussianCRPS()([0.0, 3.0], [[0.0, 0.0], [0.0, 0.0]], reduction="none").round(4)
    array([0.2337, 2.4366])
    """

    name = "gaussian_crps"
    convex = False
    when = "A forecast with its uncertainty, whose width a few outliers must not decide: weather."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("gaussian_crps")

    def _closed_form(self, y: Any, w: Any) -> Any:
        point = _point_mass(y, w)
        if point is not None:
            return np.array([point, -math.inf])
        low, width, x = _within_one(y)
        mean = np.average(x, weights=w)
        place = np.array([mean, np.sqrt(np.average((x - mean) ** 2, weights=w))])

        def rows(place: Any) -> Any:
            return np.tile([place[0], math.log(place[1])], (len(x), 1))

        # Newton in m and sigma, where the loss is convex. A step takes at most nine tenths of sigma, and is halved
        # until it does not climb, beyond rounding.
        best = self(x, rows(place), w, reduction="sum")
        for _ in range(100):
            gradient, hessian = self.gradient_and_hessian(x, rows(place), w, reduction="none")
            towards = np.stack([np.ones_like(x), (x - place[0]) / place[1]])
            slope = np.array([gradient[:, 0].sum(), gradient[:, 1].sum() / place[1]])
            step = np.linalg.lstsq((towards * hessian[:, 0]) @ towards.T, -slope)[0]
            if step[1] < 0:
                step *= min(1, -0.9 * place[1] / step[1])
            while (total := self(x, rows(place + step), w, reduction="sum")) > best * (1 + 1e-14):
                step /= 2
            place, best = place + step, min(best, total)
            if np.abs(step).max() <= 1e-12 * place[1]:
                break
        return np.array([low + width * place[0], math.log(width) + math.log(place[1])])

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        with np.errstate(all="ignore"):
            s, sigma = y_pred[..., 1], np.exp(y_pred[..., 1])
            r = y_pred[..., 0] - y_true
            w, root_pi = _scaled(r, sigma), np.sqrt(4 * np.arctan(s.dtype.type(1)))
            density = np.exp(-w * w / 2) * (np.sqrt(s.dtype.type(2)) / root_pi)  # 2 phi(w)
            slope, rest = erf(w / np.sqrt(s.dtype.type(2))), density - 1 / root_pi
            bend = rest + np.where(density == 0, 0, w * w * density)
            return (
                r * slope + sigma * rest,
                np.stack([slope, sigma * rest], axis=-1),
                np.stack([_scaled(density, sigma), sigma * bend], axis=-1),
            )

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        r, s = y_pred[..., 0] - y_true, y_pred[..., 1]
        root_pi = np.sqrt(4 * np.arctan(s.dtype.type(1)))
        with np.errstate(all="ignore"):
            return np.stack([nan_like(r, np.exp(-s) / root_pi), nan_like(r, np.exp(s) / (2 * root_pi))], axis=-1)


def _point_mass(y: Any, w: Any) -> float | None:
    """Where all of a normal distribution should be, if its continuous ranked probability score is least for no width.

    With m + u sigma and sigma -> 0 the score changes, per sigma, by E|u + Z| - 1/sqrt(pi) for targets at m, and by
    u - 1/sqrt(pi) or -u - 1/sqrt(pi) for those below and above. m is best where that is never negative, which takes
    1/sqrt(2) of the weight.
    """
    values, index = np.unique(y, return_inverse=True)
    weights = np.bincount(index, weights=w)
    top = int(weights.argmax())
    pull = (weights[:top].sum() - weights[top + 1 :].sum()) / weights[top]
    share = (1 - pull) / 2
    if not 0 < share < 1:
        return None
    normal = NormalDist()
    least = 2 * normal.pdf(normal.inv_cdf(share)) * weights[top] - w.sum() / math.sqrt(math.pi)
    return float(values[top]) if least >= 0 else None
