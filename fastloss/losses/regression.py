"""Losses of a residual r = y_pred - y_true."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import (
    cross_entropy_of_score,
    expm1_excess,
    float32_and_rest,
    log1p_excess,
    nan_like,
)
from fastloss.parameters import positive, real
from fastloss.registry import register

# The majorizer of |r| has curvature 1/|r|; at a perfect fit no finite one exists, so |r| is taken to be at least
# this (the perturbation of Hunter & Lange, 2000).
LEAST_RESIDUAL = 1e-6
# So close, relatively, a sum of weights must come to the share of a quantile to count as equal to it.
_HIT = 1e-12


def _mean(y: Any, w: Any) -> float:
    return float(np.average(y, weights=w))


def weighted_quantile(y: Any, w: Any, q: float) -> float:
    """The least y whose cumulative weight reaches the share q; halfway to the next where it is hit exactly."""
    n = len(y)
    if (w == w[0]).all():  # then the place is known, and what lies before and behind it need not be sorted
        target = q * n
        i = min(max(math.ceil(target * (1 - _HIT)) - 1, 0), n - 1)
        both = [i, i + 1] if i + 1 < n and abs(i + 1 - target) <= _HIT * target else [i]
        return float(np.partition(y, both)[both].mean())
    order = np.argsort(y)
    cumulative = np.cumsum(w[order])
    target = q * cumulative[-1]
    i = min(int(np.searchsorted(cumulative, target * (1 - _HIT))), n - 1)
    hit = i + 1 < n and abs(cumulative[i] - target) <= _HIT * target
    return float((y[order[i]] + y[order[i + 1]]) / 2 if hit else y[order[i]])


@register
class SquaredError(Loss):
    r"""Squared error: (y_pred - y_true)^2.

    With r = y_pred - y_true the value is r^2, the gradient 2r, the Hessian 2. The mean of it is the mean squared
    error of scikit-learn and torch; `HalfSquaredError` is the form with the factor 1/2.

    Notes
    -----
    Convex and smooth; targets and predictions may be any numbers. The constant of least loss is the mean.

    References
    ----------
    .. [1] C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1823; translated by
       G. W. Stewart, SIAM 1995. https://doi.org/10.1137/1.9781611971248

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SquaredError()([1.0, 2.0], [1.5, 4.0])
    2.125
    """

    name = "squared_error"
    task = "regression"
    when = "The conditional mean is wanted: errors are about Gaussian, or their cost grows with the square."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_error")

    def _closed_form(self, y: Any, w: Any) -> float:
        return _mean(y, w)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        return np.square(r), r + r, nan_like(r, np.full(r.shape, 2))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.full(y_pred.shape, 2))

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.full(y_pred.shape, 2))


@register
class HalfSquaredError(Loss):
    r"""Half squared error: (y_pred - y_true)^2 / 2.

    With r = y_pred - y_true the value is r^2/2, the gradient r, the Hessian 1: the negative log-likelihood of a
    Gaussian of unit variance, less its constant.

    Notes
    -----
    scikit-learn's private losses, Optax's ``l2_loss`` and the boosters use this form.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2nd ed., Springer 2009,
       section 10.6. https://doi.org/10.1007/978-0-387-84858-7

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.HalfSquaredError()([1.0, 2.0], [1.5, 4.0])
    1.0625
    """

    name = "half_squared_error"
    task = "regression"
    when = "Boosting with squared error, where the gradient should be the residual itself and the Hessian 1."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("half_squared_error")

    def _closed_form(self, y: Any, w: Any) -> float:
        return _mean(y, w)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        return np.square(r) / 2, r, nan_like(r, np.ones(r.shape))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.ones(y_pred.shape))

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.ones(y_pred.shape))


@register
class AbsoluteError(Loss):
    r"""Absolute error: |y_pred - y_true|.

    The gradient is the sign of the residual, 0 at a tie (as in torch); the exact Hessian is 0. ``"majorize"`` gives
    1/|r| (with |r| at least 1e-6), the curvature of iteratively reweighted least squares.

    Notes
    -----
    Convex, with a kink at r = 0. The constant of least loss is the median.

    References
    ----------
    .. [1] D. R. Hunter, K. Lange, "Quantile regression via an MM algorithm", J. Comput. Graph. Stat. 9 (2000).
       https://doi.org/10.1080/10618600.2000.10474866

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.AbsoluteError()([1.0, 2.0], [1.5, 4.0])
    1.25
    """

    name = "absolute_error"
    task = "regression"
    smoothness = 0
    when = "The conditional median is wanted, or outliers in the target must not move the model much."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("absolute_error", (LEAST_RESIDUAL,))

    def _closed_form(self, y: Any, w: Any) -> float:
        return weighted_quantile(y, w, 0.5)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        return np.abs(r), np.sign(r), nan_like(r, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        return -1.0, y_true[None], 2.0

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return 1 / np.maximum(np.abs(y_pred - y_true), LEAST_RESIDUAL)


@register
class Huber(Loss):
    r"""Huber loss: r^2/2 where |r| <= delta, delta (|r| - delta/2) beyond.

    With r = y_pred - y_true the gradient is r clipped to [-delta, delta], the Hessian 1 where |r| <= delta and 0
    beyond. ``"majorize"`` gives min(1, delta/|r|).

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola ends, in units of the target. Positive.

    Notes
    -----
    Convex, once differentiable. The slope of the linear part is delta, as in torch, Keras and Optax; `SmoothL1` has
    slope 1.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35 (1964).
       https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Huber(delta=1.0)([1.0, 2.0], [1.5, 4.0], reduction="none")
    array([0.125, 1.5  ])
    """

    name = "huber"
    task = "regression"
    smoothness = 1
    when = "Mostly Gaussian errors with some outliers, which begin at a size delta that is known or tuned."

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__(delta=positive("delta", delta))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("huber", (self.delta,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r, delta = y_pred - y_true, y_pred.dtype.type(self.delta)
        a = np.abs(r)
        with np.errstate(over="ignore"):
            value = np.where(a <= delta, np.square(r) / 2, delta * (a - delta / 2))
        return value, np.clip(r, -delta, delta), nan_like(r, a <= delta)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        a, delta = np.abs(y_pred - y_true), y_pred.dtype.type(self.delta)
        return np.minimum(1, delta / np.maximum(a, delta))


@register
class SmoothL1(Loss):
    r"""Smooth L1 loss: r^2/(2 beta) where |r| < beta, |r| - beta/2 beyond.

    It is `Huber` with delta = beta, divided by beta: the linear part has slope 1. The gradient is r/beta clipped to
    [-1, 1], the Hessian 1/beta where |r| < beta and 0 beyond.

    Parameters
    ----------
    beta : float, default=1.0
        Where the parabola ends, in units of the target. Non-negative; 0 gives the absolute error.

    References
    ----------
    .. [1] R. Girshick, "Fast R-CNN", ICCV 2015. https://doi.org/10.1109/ICCV.2015.169

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SmoothL1(beta=2.0)([1.0, 2.0], [1.5, 6.0], reduction="none")
    array([0.0625, 3.    ])
    """

    name = "smooth_l1"
    task = "regression"
    when = "Bounding boxes and other targets of deep networks, where no gradient should exceed 1."

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(beta=real("beta", beta, 0.0))

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 1 if self.beta > 0 else 0

    def _kernel(self) -> KernelSpec:
        return (
            KernelSpec("smooth_l1", (self.beta,)) if self.beta > 0 else KernelSpec("absolute_error", (LEAST_RESIDUAL,))
        )

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r, beta = y_pred - y_true, y_pred.dtype.type(self.beta)
        if beta == 0:
            return AbsoluteError().reference(y_true, y_pred)
        a = np.abs(r)
        with np.errstate(over="ignore"):
            value = np.where(a < beta, a / beta * a / 2, a - beta / 2)
            return value, np.clip(r / beta, -1, 1), nan_like(r, np.where(a < beta, 1 / beta, 0))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        least = LEAST_RESIDUAL if self.beta == 0 else y_pred.dtype.type(self.beta)
        return 1 / np.maximum(np.abs(y_pred - y_true), least)


@register
class PseudoHuber(Loss):
    r"""Pseudo-Huber loss: delta^2 (sqrt(1 + (r/delta)^2) - 1).

    With r = y_pred - y_true and u = r/delta: about r^2/2 near 0 and delta |r| - delta^2 far away. The gradient is
    r / sqrt(1 + u^2), the Hessian (1 + u^2)^(-3/2). ``"majorize"`` gives (1 + u^2)^(-1/2).

    Parameters
    ----------
    delta : float, default=1.0
        Slope far away, in units of the target. Positive.

    Notes
    -----
    Convex and smooth: a `Huber` loss for solvers that use second derivatives. SciPy's ``soft_l1`` is twice this.

    References
    ----------
    .. [1] P. Charbonnier, L. Blanc-Feraud, G. Aubert, M. Barlaud, "Deterministic edge-preserving regularization in
       computed imaging", IEEE Trans. Image Process. 6 (1997). https://doi.org/10.1109/83.551699

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.PseudoHuber(delta=3.0)([0.0, 0.0], [4.0, 0.0], reduction="none")
    array([6., 0.])
    """

    name = "pseudo_huber"
    task = "regression"
    when = "Some outliers as for Huber, and Newton steps or boosting, which want curvature everywhere."

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__(delta=positive("delta", delta))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("pseudo_huber", (self.delta, 1.0, 0.0))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r, delta = y_pred - y_true, y_pred.dtype.type(self.delta)
        root, cosine = np.hypot(r, delta), self.majorizer(y_true, y_pred)
        with np.errstate(invalid="ignore"):
            sine = np.where(np.isinf(r), np.sign(r), r / root)
            share = np.where(np.isinf(r), 1, np.abs(r) / (root + delta))
        return delta * (np.abs(r) * share), delta * sine, cosine**3

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        delta = y_pred.dtype.type(self.delta)
        return delta / np.hypot(y_pred - y_true, delta)


@register
class LogCosh(Loss):
    r"""Log-cosh loss: log cosh r.

    With r = y_pred - y_true: about r^2/2 near 0 and |r| - log 2 far away. The gradient is tanh r, the Hessian
    1 - tanh^2 r. ``"majorize"`` gives tanh(r)/r.

    Notes
    -----
    Convex and smooth. Relative precision holds for every r: neither the overflow of cosh nor the cancellation near
    0 that other libraries show.

    References
    ----------
    .. [1] R. A. Saleh, A. K. Md. E. Saleh, "Statistical properties of the log-cosh loss function used in machine
       learning", 2022. https://doi.org/10.48550/arXiv.2208.04564

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.LogCosh()([0.0, 0.0], [1e-8, 1000.0], reduction="sum"), 6)
    999.306853
    """

    name = "log_cosh"
    task = "regression"
    when = "Between squared and absolute error, smooth, with no parameter to tune: on a standardised target."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("log_cosh")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        a = np.abs(r)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            near = np.log1p(2 * np.square(np.sinh(np.minimum(a, 1) / 2)))  # cosh r = 1 + 2 sinh^2(r/2)
            far = np.logaddexp(r, -r) - np.log(r.dtype.type(2))
            value = np.where(a < 1, near, np.where(np.isinf(a), a, far))
            return value, np.tanh(r), np.square(1 / np.cosh(r))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        r = y_pred - y_true
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(r == 0, 1, np.tanh(r) / r)


@register
class Quantile(Loss):
    r"""Quantile (pinball) loss: q u where u >= 0, (q - 1) u where u < 0, u = y_true - y_pred.

    The gradient in y_pred is -q where y_true > y_pred, 1 - q where y_true < y_pred, and 0 at a tie; the exact
    Hessian is 0. ``"majorize"`` gives 1/(2|r|) (with |r| at least 1e-6).

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile to predict, in [0, 1]. 0.5 is half the absolute error.

    Notes
    -----
    Convex, with a kink. The constant of least loss is the quantile of the targets.

    References
    ----------
    .. [1] R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46 (1978). https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Quantile(quantile=0.9)([1.0, 2.0], [2.0, 1.0], reduction="none")
    array([0.1, 0.9])
    """

    name = "quantile"
    task = "regression"
    smoothness = 0
    when = "A conditional quantile is wanted: prediction intervals, or a cost that differs above and below."

    def __init__(self, quantile: float = 0.5) -> None:
        super().__init__(quantile=real("quantile", quantile, 0.0, 1.0))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("quantile", (self.quantile, 1 - self.quantile, LEAST_RESIDUAL))

    def _closed_form(self, y: Any, w: Any) -> float:
        return weighted_quantile(y, w, self.quantile)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        u, real_ = y_true - y_pred, y_pred.dtype.type
        q, rest = real_(self.quantile), real_(1 - np.longdouble(self.quantile))
        with np.errstate(invalid="ignore"):
            value = np.where(u == 0, 0, np.maximum(q * u, -rest * u))
            value = np.where(np.isinf(u), np.where(u > 0, q, rest) * np.abs(u), value)
        return value, nan_like(u, np.where(u > 0, -q, np.where(u < 0, rest, 0))), nan_like(u, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        return -self.quantile, y_true[None], 1.0

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return 1 / (2 * np.maximum(np.abs(y_pred - y_true), LEAST_RESIDUAL))


@register
class Expectile(Loss):
    r"""Expectile loss: e r^2 below the target, (1 - e) r^2 above it, r = y_pred - y_true.

    e is `expectile`. With w = e where y_true >= y_pred and 1 - e elsewhere the gradient is 2 w r, the Hessian 2 w.
    ``"majorize"`` gives 2 max(e, 1 - e).

    Parameters
    ----------
    expectile : float, default=0.5
        Which expectile to predict, in [0, 1]. 0.5 is half the squared error.

    Notes
    -----
    Convex, once differentiable. CatBoost's gradient has the same factor 2.

    References
    ----------
    .. [1] W. K. Newey, J. L. Powell, "Asymmetric least squares estimation and testing", Econometrica 55 (1987).
       https://doi.org/10.2307/1911031

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Expectile(expectile=0.75)([1.0, 2.0], [3.0, 0.0], reduction="none")
    array([1., 3.])
    """

    name = "expectile"
    task = "regression"
    when = "A cost that grows with the square and differs above and below, or a quantile's smooth relative: risk."

    def __init__(self, expectile: float = 0.5) -> None:
        super().__init__(expectile=real("expectile", expectile, 0.0, 1.0))

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 2 if self.expectile == 0.5 else 1

    def _kernel(self) -> KernelSpec:
        return KernelSpec("expectile", (self.expectile, 1 - self.expectile, self._most()))

    def _most(self) -> float:
        """Curvature of the steeper side."""
        return 2 * float(max(self.expectile, 1 - self.expectile))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        w = np.where(r > 0, r.dtype.type(1 - self.expectile), r.dtype.type(self.expectile))
        return w * np.square(r), 2 * (w * r), nan_like(r, 2 * w)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.full(y_pred.shape, self._most()))


@register
class EpsilonInsensitive(Loss):
    r"""Epsilon-insensitive loss: max(0, |r| - epsilon), r = y_pred - y_true.

    The gradient is the sign of r where |r| > epsilon and 0 inside the tube; the exact Hessian is 0. ``"majorize"``
    gives 1/(2 ||r| - epsilon|) + 1/(2 (|r| + epsilon)) (with each distance at least 1e-6).

    Parameters
    ----------
    epsilon : float, default=0.1
        Half-width of the tube, in units of the target. Non-negative; 0 gives the absolute error.

    Notes
    -----
    Convex, with kinks at +-epsilon: the loss of support vector regression.

    References
    ----------
    .. [1] V. N. Vapnik, "The Nature of Statistical Learning Theory", Springer 1995.
       https://doi.org/10.1007/978-1-4757-2440-0

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.EpsilonInsensitive(epsilon=0.5)([1.0, 2.0], [1.25, 4.0], reduction="none")
    array([0. , 1.5])
    """

    name = "epsilon_insensitive"
    task = "regression"
    smoothness = 0
    when = "Errors up to a tolerance do not matter: support vector regression."

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__(epsilon=real("epsilon", epsilon, 0.0))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("epsilon_insensitive", (self.epsilon, LEAST_RESIDUAL))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        m = np.abs(r) - r.dtype.type(self.epsilon)
        return np.maximum(m, 0), nan_like(r, np.where(m > 0, np.sign(r), 0)), nan_like(r, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        return -1.0, np.stack([y_true - self.epsilon, y_true + self.epsilon]), 1.0

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        a, epsilon = np.abs(y_pred - y_true), y_pred.dtype.type(self.epsilon)
        return sum(1 / (2 * np.maximum(x, LEAST_RESIDUAL)) for x in (np.abs(a - epsilon), a + epsilon))


@register
class SquaredEpsilonInsensitive(Loss):
    r"""Squared epsilon-insensitive loss: max(0, |r| - epsilon)^2, r = y_pred - y_true.

    With m = max(0, |r| - epsilon) the gradient is 2 m sign(r), the Hessian 2 where |r| > epsilon and 0 inside the
    tube; ``"majorize"`` gives 2.

    Parameters
    ----------
    epsilon : float, default=0.1
        Half-width of the tube, in units of the target. Non-negative; 0 gives the squared error.

    Notes
    -----
    Convex, once differentiable.

    References
    ----------
    .. [1] A. J. Smola, B. Schoelkopf, "A tutorial on support vector regression", Stat. Comput. 14 (2004).
       https://doi.org/10.1023/B:STCO.0000035301.49549.88

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SquaredEpsilonInsensitive(epsilon=0.5)([1.0, 2.0], [1.25, 4.0], reduction="none")
    array([0.  , 2.25])
    """

    name = "squared_epsilon_insensitive"
    task = "regression"
    when = "Errors up to a tolerance do not matter, and the solver wants a gradient everywhere."

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__(epsilon=real("epsilon", epsilon, 0.0))

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 1 if self.epsilon > 0 else 2

    def _kernel(self) -> KernelSpec:
        if self.epsilon == 0:  # no tube, within which the Hessian would be 0
            return SquaredError()._kernel()
        return KernelSpec("squared_epsilon_insensitive", (self.epsilon,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        if self.epsilon == 0:
            return SquaredError().reference(y_true, y_pred)
        r = y_pred - y_true
        m = np.maximum(np.abs(r) - r.dtype.type(self.epsilon), 0)
        return np.square(m), 2 * m * np.sign(r), nan_like(m, np.where(m > 0, 2, 0))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.full(y_pred.shape, 2))


@register
class Fair(Loss):
    r"""Fair loss: c |r| - c^2 log(1 + |r|/c).

    With r = y_pred - y_true and u = |r|/c: about r^2/2 near 0 and c |r| far away, which it approaches more slowly than
    `Huber`. The gradient is r/(1 + u), the Hessian 1/(1 + u)^2. ``"majorize"`` gives 1/(1 + u).

    Parameters
    ----------
    c : float, default=1.0
        Slope far away, in units of the target. Positive.

    Notes
    -----
    Convex; twice differentiable, with a kink in the Hessian at 0. LightGBM's ``fair`` is the same. Relative precision
    holds for every r.

    References
    ----------
    .. [1] P. W. Holland, R. E. Welsch, "Robust regression using iteratively reweighted least-squares", Commun. Stat.
       Theory Methods 6 (1977). https://doi.org/10.1080/03610927708827533

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Fair(c=2.0).gradient([0.0, 0.0], [2.0, -6.0], reduction="none")
    array([ 1. , -1.5])
    """

    name = "fair"
    task = "regression"
    when = "Some outliers, which should lose weight gradually: iteratively reweighted least squares."

    def __init__(self, c: float = 1.0) -> None:
        super().__init__(c=positive("c", c))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("fair", (self.c,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r, c = y_pred - y_true, y_pred.dtype.type(self.c)
        weight = self.majorizer(y_true, y_pred)
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = np.where(np.isinf(r), np.sign(r) * c, r * weight)
            return c * (c * log1p_excess(np.abs(r) / c)), gradient, np.square(weight)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        c = y_pred.dtype.type(self.c)
        with np.errstate(over="ignore"):
            return c / (c + np.abs(y_pred - y_true))


@register
class SmoothQuantile(Loss):
    r"""Smooth quantile loss: q u + h log(1 + exp(-u/h)), u = y_true - y_pred.

    h is `width`: `Quantile` with its kink rounded over some widths, and never below it. The gradient in y_pred is
    sigmoid(-u/h) - q, the Hessian sigmoid(u/h) sigmoid(-u/h)/h. ``"majorize"`` gives tanh(u/2h)/(2u).

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile to predict, in [0, 1].
    width : float, default=0.1
        Width of the rounding, in units of the target. Positive.

    Notes
    -----
    Convex and smooth. At u = 0 the loss is h log 2, not 0. Its constant of least loss is the quantile of the targets
    smeared by a logistic distribution of scale h.

    References
    ----------
    .. [1] S. Zheng, "Gradient descent algorithms for quantile regression with smooth approximation", Int. J. Mach.
       Learn. Cybern. 2 (2011). https://doi.org/10.1007/s13042-011-0031-2

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SmoothQuantile(quantile=0.75).gradient([1.0, 2.0], [1.0, 9.0], reduction="none")
    array([-0.25,  0.25])
    """

    name = "smooth_quantile"
    task = "regression"
    when = "A conditional quantile is wanted, and Newton steps or boosting need curvature."

    def __init__(self, quantile: float = 0.5, width: float = 0.1) -> None:
        super().__init__(quantile=real("quantile", quantile, 0.0, 1.0), width=positive("width", width))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("smooth_quantile", (self.width, self.quantile, 1 - self.quantile))

    def _pieces(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any, Any]:
        of = y_pred.dtype.type
        return (y_pred - y_true) / of(self.width), of(self.width), of(self.quantile), of(1 - self.quantile)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        x, h, q, rest = self._pieces(y_true, y_pred)
        value, gradient, hessian = cross_entropy_of_score(rest, q, x)
        return h * value, gradient, hessian / h

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        r = np.abs(y_pred - y_true)
        h = r.dtype.type(self.width)
        with np.errstate(all="ignore"):
            x = r / h
            return np.where(x < 1e-12, 0.25 / h, np.tanh(x / 2) / (2 * r))


@register
class Lq(Loss):
    r"""Power loss: |r|^q, r = y_pred - y_true.

    Between the absolute error (q = 1) and the squared error (q = 2), and beyond. The gradient is
    q |r|^(q-1) sign(r), the Hessian q (q-1) |r|^(q-2), infinite at r = 0 for q < 2. ``"majorize"``, for q <= 2, gives
    q |r|^(q-2) (with |r| at least 1e-6).

    Parameters
    ----------
    q : float, default=1.5
        The power, at least 1.

    Notes
    -----
    Convex. CatBoost's ``Lq`` is the same.

    References
    ----------
    .. [1] A. H. Money, J. F. Affleck-Graves, M. L. Hart, G. D. I. Barr, "The linear regression model: Lp norm
       estimation and the choice of p", Commun. Stat. Simul. Comput. 11 (1982).
       https://doi.org/10.1080/03610918208812247

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Lq(q=1.5)([0.0, 0.0], [4.0, -1.0], reduction="none")
    array([8., 1.])
    """

    name = "lq"
    task = "regression"
    when = "Errors with tails between the Laplace and the Gaussian distribution (q < 2), or shorter ones (q > 2)."

    def __init__(self, q: float = 1.5) -> None:
        super().__init__(q=real("q", q, 1.0))

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 0 if self.q == 1 else 1 if self.q < 2 else 2

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        kinds = super().hessian_kinds
        return kinds if self.q <= 2 else tuple(kind for kind in kinds if kind != "majorize")  # no parabola is above

    def _same(self) -> Loss | None:
        """The loss that this is at q = 1 and q = 2."""
        return AbsoluteError() if self.q == 1 else SquaredError() if self.q == 2 else None

    def _kernel(self) -> KernelSpec:
        if (same := self._same()) is not None:
            return same._kernel()
        if self.q == 1.5:
            return KernelSpec("lq_3_2", (1.5 * LEAST_RESIDUAL**-0.5,))
        powers = (*float32_and_rest(self.q - 1), *float32_and_rest(self.q - 2))
        return KernelSpec("lq", (self.q, *powers, self.q * LEAST_RESIDUAL ** (self.q - 2)))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        if (same := self._same()) is not None:
            return same.reference(y_true, y_pred)
        r, of = y_pred - y_true, y_pred.dtype.type
        a, q, less_1, less_2 = np.abs(r), of(self.q), of(self.q - 1), of(self.q - 2)  # small ones keep their digits
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            return a**q, q * a**less_1 * np.sign(r), q * less_1 * a**less_2

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        if (same := self._same()) is not None:
            return same.majorizer(y_true, y_pred)
        q = y_pred.dtype.type(self.q)
        return q * np.maximum(np.abs(y_pred - y_true), LEAST_RESIDUAL) ** (q - 2)


@register
class Linex(Loss):
    r"""LINEX loss: b (exp(a r) - a r - 1), r = y_pred - y_true.

    For a > 0 an overestimate costs exponentially, an underestimate linearly; for a < 0 the other way round. Near 0
    about a^2 b r^2/2. The gradient is a b (exp(a r) - 1), the Hessian a^2 b exp(a r).

    Parameters
    ----------
    a : float, default=1.0
        Asymmetry, in units of 1/target; not 0.
    b : float, default=1.0
        Scale. Positive.

    Notes
    -----
    Convex and smooth. The constant of least loss is -log(mean(exp(-a y_true)))/a. Relative precision holds for every r.

    References
    ----------
    .. [1] A. Zellner, "Bayesian estimation and prediction using asymmetric loss functions", J. Am. Stat. Assoc. 81
       (1986). https://doi.org/10.1080/01621459.1986.10478289

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Linex(a=1.0)([0.0, 0.0], [2.0, -2.0], reduction="none").round(4)
    array([4.3891, 1.1353])
    """

    name = "linex"
    task = "regression"
    when = "Over- and underestimates differ in cost by orders of magnitude: property assessment, the height of a dam."

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        super().__init__(a=real("a", a), b=positive("b", b))
        if self.a == 0:
            raise ValueError("a is 0: expected a number other than 0; for a -> 0 the loss becomes SquaredError")

    def _kernel(self) -> KernelSpec:
        return KernelSpec("linex", (self.a, self.b, self.a * self.b, float32_and_rest(self.a)[1]))

    def _closed_form(self, y: Any, w: Any) -> float:
        x = -self.a * y
        top = x.max()
        return float(-(top + np.log1p(np.average(np.expm1(x - top), weights=w))) / self.a)  # a may be small

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        a, b = (y_pred.dtype.type(x) for x in (self.a, self.b))
        x = a * (y_pred - y_true)
        with np.errstate(over="ignore", under="ignore"):
            return b * expm1_excess(x), a * b * np.expm1(x), a * b * (a * np.exp(x))


@register
class Wing(Loss):
    r"""Wing loss: w log(1 + |r|/epsilon) where |r| < w, |r| - C beyond.

    With r = y_pred - y_true and C = w - w log(1 + w/epsilon), so that the two parts meet. The gradient is
    w/(epsilon + |r|) in the direction of r inside, 1 outside, 0 at r = 0; the Hessian -w/(epsilon + |r|)^2 inside.

    Parameters
    ----------
    w : float, default=10
        Where the logarithm ends, in units of the target. Positive.
    epsilon : float, default=2
        Curvature of the logarithm, in units of the target. Positive.

    Notes
    -----
    Not convex, with kinks at 0 and at |r| = w: small errors pull harder than large ones.

    References
    ----------
    .. [1] Z.-H. Feng, J. Kittler, M. Awais, P. Huber, X.-J. Wu, "Wing loss for robust facial landmark localisation with
       convolutional neural networks", CVPR 2018. https://doi.org/10.48550/arXiv.1711.06753

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Wing(w=10.0, epsilon=2.0)([0.0, 0.0], [2.0, 12.0], reduction="none").round(4)
    array([ 6.9315, 19.9176])
    """

    name = "wing"
    task = "regression"
    convex = False
    smoothness = 0
    when = "Locating landmarks in images, where small errors must be made smaller still."

    def __init__(self, w: float = 10.0, epsilon: float = 2.0) -> None:
        super().__init__(w=positive("w", w), epsilon=positive("epsilon", epsilon))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("wing", (self.w, self.epsilon, float(self.w * np.log1p(self.w / self.epsilon))))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r, w, epsilon = y_pred - y_true, y_pred.dtype.type(self.w), y_pred.dtype.type(self.epsilon)
        a = np.abs(r)
        inside, end = a < w, w * np.log1p(w / epsilon)
        return (
            np.where(inside, w * np.log1p(a / epsilon), (a - w) + end),
            np.sign(r) * np.where(inside, w / (epsilon + a), 1),
            nan_like(r, np.where(inside, -w / np.square(epsilon + a), 0)),
        )
