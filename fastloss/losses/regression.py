"""Losses of a residual r = y_pred - y_true."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import nan_like
from fastloss.parameters import positive, real
from fastloss.registry import register

# The majorizer of |r| has curvature 1/|r|; at a perfect fit no finite one exists, so |r| is taken to be at least
# this (the perturbation of Hunter & Lange, 2000).
LEAST_RESIDUAL = 1e-6


def _mean(y: Any, w: Any) -> float:
    return float(np.average(y, weights=w))


def weighted_quantile(y: Any, w: Any, q: float) -> float:
    """The least y whose cumulative weight reaches the share q; halfway to the next where it is hit exactly."""
    order = np.argsort(y, kind="stable")
    y, cumulative = y[order], np.cumsum(w[order])
    target = q * cumulative[-1]
    i = min(int(np.searchsorted(cumulative, target)), len(y) - 1)
    exact = np.isclose(cumulative[i], target, rtol=1e-12, atol=0) and i + 1 < len(y)
    return float((y[i] + y[i + 1]) / 2 if exact else y[i])


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
    .. [1] C. F. Gauss, "Theoria combinationis observationum", 1823.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SquaredError()([1.0, 2.0], [1.5, 4.0])
    2.125
    """

    name = "squared_error"
    task = "regression"

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

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> KernelSpec:
        return KernelSpec("absolute_error", (LEAST_RESIDUAL,))

    def _closed_form(self, y: Any, w: Any) -> float:
        return weighted_quantile(y, w, 0.5)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        return np.abs(r), np.sign(r), nan_like(r, 0)

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

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__(beta=real("beta", beta, 0.0))

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

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__(delta=positive("delta", delta))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("pseudo_huber", (self.delta,))

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

    def __init__(self, expectile: float = 0.5) -> None:
        super().__init__(expectile=real("expectile", expectile, 0.0, 1.0))

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

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__(epsilon=real("epsilon", epsilon, 0.0))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("epsilon_insensitive", (self.epsilon, LEAST_RESIDUAL))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        m = np.abs(r) - r.dtype.type(self.epsilon)
        return np.maximum(m, 0), nan_like(r, np.where(m > 0, np.sign(r), 0)), nan_like(r, 0)

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

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__(epsilon=real("epsilon", epsilon, 0.0))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_epsilon_insensitive", (self.epsilon,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        r = y_pred - y_true
        m = np.maximum(np.abs(r) - r.dtype.type(self.epsilon), 0)
        return np.square(m), 2 * m * np.sign(r), nan_like(m, np.where(m > 0, 2, 0))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred - y_true, np.full(y_pred.shape, 2))
