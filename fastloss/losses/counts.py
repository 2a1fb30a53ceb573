"""Losses of counts and positive targets: the negative log-likelihoods of generalised linear models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import cross_entropy_of_score, float32_and_rest, logistic_bound, sigmoid, xlogy
from fastloss.parameters import choice, flag, positive, real
from fastloss.registry import register

_SMALL_THETA = 2.0**-10  # of a negative binomial; below it the rounding of z + log(theta) would cost mu three bits
_PI = 4 * np.arctan(np.longdouble(1))
# Stirling's series of log x!: coefficients of 1/x, 1/x^3, ...
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def _log_factorial(y: Any) -> Any:
    """log y!, by Stirling's series for y >= 32 and by x! = (x + 1)! / (x + 1) below."""
    x = np.asarray(y, dtype=np.longdouble)
    factor = np.ones_like(x)
    for _ in range(32):
        x, factor = np.where(x < 32, (x + 1, factor * (x + 1)), (x, factor))
    with np.errstate(invalid="ignore"):
        series = sum(np.longdouble(c) / x ** (2 * k + 1) for k, c in enumerate(_STIRLING))
        found = (x + 0.5) * np.log(x) - x + np.log(2 * _PI) / 2 + series - np.log(factor)
    return np.where((y == 0) | (y == 1), 0, np.where(np.isinf(y), y, found)).astype(y.dtype)


class _Mean(Loss):
    """Losses of a mean mu, through its link: whatever the distribution, the constant of least loss is the mean."""

    task = "count"

    @property
    def _log_link(self) -> bool:
        return bool(self.params.get("link", "log") == "log")

    @property
    def activation(self) -> str:
        return "exp" if self._log_link else "identity"

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.ANY if self._log_link else domains.MEAN

    def _closed_form(self, y: Any, w: Any) -> float:
        mean = max(0.0, float(np.average(y, weights=w)))  # targets may be negative, a mean may not
        with np.errstate(divide="ignore"):
            return float(np.log(mean)) if self._log_link else mean


@register
class Poisson(_Mean):
    r"""Poisson loss: mu - y_true log mu.

    The negative log-likelihood of a Poisson count of mean mu, without log(y_true!) unless `full`. With the log link
    y_pred = z is a raw score, mu = exp(z): value mu - y z, gradient mu - y, Hessian mu. With the identity link
    y_pred = mu: gradient 1 - y/mu, Hessian y/mu^2. ``"fisher"`` gives mu, respectively 1/mu.

    Parameters
    ----------
    link : {"log", "identity"}, default="log"
        Whether y_pred is the logarithm of the mean or the mean itself.
    full : bool, default=False
        Add log(y_true!), exactly (torch's ``full`` is Stirling's approximation). The derivatives do not change.

    Notes
    -----
    Convex. Targets: finite, >= 0, not necessarily integers; y_true = 0 contributes mu (0 log 0 = 0). Under the
    identity link y_pred >= 0, and mu = 0 under a positive count is infinitely bad.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder, "Generalized Linear Models", 2nd ed., Chapman & Hall 1989, chapter 6.
       https://doi.org/10.1201/9780203753736

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Poisson()([0, 3], [0.0, 0.0])
    1.0
    >>> fl.Poisson(link="identity")([0, 3], [1.0, 1.0])
    1.0
    """

    name = "poisson"
    when = "Counts or rates whose variance is about their mean: events, visits, claims."

    def __init__(self, link: str = "log", full: bool = False) -> None:
        super().__init__(link=choice("link", link, ("log", "identity")), full=flag("full", full))

    @property
    def target_domain(self) -> domains.Domain:
        return domains.NON_NEGATIVE

    def _kernel(self) -> KernelSpec:
        return KernelSpec(f"poisson_{self.link}" + ("_full" if self.full else ""))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y, z = y_true.astype(y_pred.dtype), y_pred + 0  # -0 is 0
        constant = _log_factorial(y) if self.full else 0
        with np.errstate(all="ignore"):
            if self.link == "log":
                mu = np.exp(z)
                return np.where(np.isinf(mu), mu, mu - np.where(y == 0, 0, y * z)) + constant, mu - y, mu
            zero = np.where(np.isnan(z), z, 0)
            return (
                np.where(np.isinf(z), z, z - xlogy(y, z)) + constant,
                1 - np.where(y == 0, zero, y / z),
                np.where(y == 0, zero, y / z / z),
            )

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.exp(y_pred) if self.link == "log" else 1 / (y_pred + 0)


@register
class Gamma(_Mean):
    r"""Gamma loss with log link: z + y_true exp(-z).

    The negative log-likelihood of a gamma variable of mean mu = exp(z) and unit shape, log mu + y/mu; constants in y
    and the dispersion are left out. The gradient is 1 - y exp(-z), the Hessian y exp(-z); ``"fisher"`` gives 1.

    Notes
    -----
    Convex in the raw score z = y_pred. Targets: finite, > 0. The constant of least loss is the logarithm of the mean.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder, "Generalized Linear Models", 2nd ed., Chapman & Hall 1989, chapter 8.
       https://doi.org/10.1201/9780203753736

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Gamma()([1.0, 3.0], [0.0, 0.0])
    2.0
    """

    name = "gamma"
    when = "Positive, right-skewed amounts whose standard deviation is proportional to their mean."

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.POSITIVE

    def _kernel(self) -> KernelSpec:
        return KernelSpec("gamma_log")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        with np.errstate(all="ignore"):
            ratio = y_true / np.exp(y_pred)
            return np.where(np.isinf(ratio), ratio, y_pred + ratio), 1 - ratio, ratio

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(np.isnan(y_pred), y_pred, np.ones_like(y_pred))


@register
class InverseGaussian(_Mean):
    r"""Inverse Gaussian loss with log link: y_true/(2 mu^2) - 1/mu, mu = exp(y_pred).

    The negative log-likelihood of an inverse Gaussian variable of mean mu and unit shape; constants in y and the
    dispersion are left out. The gradient in the raw score is 1/mu - y/mu^2, the Hessian 2 y/mu^2 - 1/mu; ``"fisher"``
    gives 1/mu.

    Notes
    -----
    Not convex: the Hessian is negative where mu > 2 y. Targets: finite, > 0. The constant of least loss is the
    logarithm of the mean.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder, "Generalized Linear Models", 2nd ed., Chapman & Hall 1989, chapter 8.
       https://doi.org/10.1201/9780203753736

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.InverseGaussian()([1.0, 3.0], [0.0, 0.0])
    0.0
    """

    name = "inverse_gaussian"
    convex = False
    when = "Positive, very skewed targets whose variance grows with the cube of the mean: claim sizes, durations."

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.POSITIVE

    def _kernel(self) -> KernelSpec:
        return KernelSpec("inverse_gaussian_log")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        with np.errstate(all="ignore"):
            i = self.fisher(y_true, y_pred)
            ratio = y_true.astype(y_pred.dtype) * i
            return i * (ratio / 2 - 1), i * (1 - ratio), i * (2 * ratio - 1)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.exp(-y_pred)


@register
class Tweedie(_Mean):
    r"""Tweedie loss: -y_true mu^(1-p)/(1-p) + mu^(2-p)/(2-p), p the power of the variance function.

    The negative log-likelihood of a variable of mean mu and variance mu^p; constants in y and the dispersion are left
    out. With the log link y_pred = z is a raw score, mu = exp(z): gradient mu^(2-p) - y mu^(1-p), Hessian
    (2-p) mu^(2-p) - (1-p) y mu^(1-p); ``"fisher"`` gives mu^(2-p). With the identity link y_pred = mu: gradient
    mu^(1-p) - y mu^-p, ``"fisher"`` mu^-p.

    Parameters
    ----------
    power : float, default=1.5
        p: 0 is the Gaussian distribution, 1 `Poisson`, between 1 and 2 compound Poisson-gamma (zeros, and positive
        amounts), 2 `Gamma`, 3 inverse Gaussian. At most 0 or at least 1: between them there is no distribution.
    link : {"log", "identity"}, default="log"
        Whether y_pred is the logarithm of the mean or the mean itself.

    Notes
    -----
    Convex with the log link for 1 <= p <= 2. Targets: any number for p <= 0, >= 0 for 1 <= p < 2, > 0 for p >= 2. At
    p = 1 and p = 2, where the formula has no value, it is that of `Poisson` and `Gamma`. The constant of least loss is
    the mean (its logarithm with the log link), whatever p.

    References
    ----------
    .. [1] B. Jorgensen, "Exponential dispersion models", J. R. Stat. Soc. B 49 (1987).
       https://doi.org/10.1111/j.2517-6161.1987.tb01685.x

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Tweedie(power=1.5)([0.0, 4.0], [0.0, 0.0], reduction="none")
    array([ 2., 10.])
    """

    name = "tweedie"
    when = "Amounts with many exact zeros, such as claims per policy: a power between 1 and 2."

    def __init__(self, power: float = 1.5, link: str = "log") -> None:
        power = real("power", power)
        if 0 < power < 1:
            raise ValueError(f"power is {power!r}: expected a number <= 0 or >= 1, as no distribution lies between")
        super().__init__(power=power, link=choice("link", link, ("log", "identity")))

    def _same(self) -> Loss | None:
        """The loss that this is at powers 1 and, with the log link, 2."""
        if self.power == 1:
            return Poisson(self.link)
        return Gamma() if self.power == 2 and self.link == "log" else None

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return bool(1 <= self.power <= 2 if self.link == "log" else self.power in (0, 1))

    @property
    def target_domain(self) -> domains.Domain:
        return domains.ANY if self.power <= 0 else domains.NON_NEGATIVE if self.power < 2 else domains.POSITIVE

    def _exponents(self, of: Any = np.longdouble) -> tuple[Any, Any]:
        """1 - p and 2 - p, of which a small p - 1 or p - 2 keeps its digits."""
        p = np.longdouble(self.power)
        return of(1 - p), of(2 - p)

    def _at_zero(self) -> tuple[float, float]:
        """mu^-p and p mu^(-p - 1) at mu = 0."""
        p = self.power
        slope = 0.0 if p == 0 or p < -1 else -1.0 if p == -1 else math.copysign(math.inf, p)
        return math.inf if p > 0 else 1.0 if p == 0 else 0.0, slope

    def _kernel(self) -> KernelSpec:
        if (same := self._same()) is not None:
            return same._kernel()
        if self.power == 2:
            return KernelSpec("gamma_identity")
        if self.power == 1.5 and self.link == "log":
            return KernelSpec("tweedie_log_3_2")
        a, b = self._exponents()
        return KernelSpec(f"tweedie_{self.link}", (*float32_and_rest(a), *float32_and_rest(b), *self._at_zero()))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        if (same := self._same()) is not None:
            return same.reference(y_true, y_pred)
        y, z, (a, b) = y_true.astype(y_pred.dtype), y_pred + 0, self._exponents(y_pred.dtype.type)
        zero = np.where(np.isnan(z), z, 0)
        with np.errstate(all="ignore"):
            if self.link == "log":
                lower, upper = np.where(y == 0, zero, y * np.exp(a * z)), np.exp(b * z)
                both = np.isinf(lower) & np.isinf(upper)  # their ratio is mu/y
                lower, upper = np.where(both & (z > 0), 0, lower), np.where(both & (z < 0), 0, upper)
                return upper / b - lower / a, upper - lower, b * upper - a * lower
            ratio = np.where(y == 0, zero, y / z)
            if self.power == 2:
                return np.where(z == 0, np.inf, np.log(z) + ratio), (1 - ratio) / z, (2 * ratio - 1) / z / z
            lower, upper = np.where(y == 0, zero, y * z**a), z**b
            both = np.isinf(lower) & np.isinf(upper)
            lower, upper = np.where(both & (z > y), 0, lower), np.where(both & (z < y), 0, upper)
            gradient, power = z**a * (1 - ratio), z**a / z
            hessian = power * (np.where((y == 0) | (a == 1), zero, (1 - a) * ratio) + a)
            if self.power <= 0:
                power, slope = self._at_zero()
                gradient = np.where(z == 0, -y * power, gradient)
                hessian = np.where(z == 0, a * power + np.where(y == 0, 0, y * slope), hessian)
            return upper / b - lower / a, gradient, hessian

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        if (same := self._same()) is not None:
            return same.fisher(y_true, y_pred)
        a, b = self._exponents(y_pred.dtype.type)
        with np.errstate(all="ignore"):
            if self.link == "log":
                return np.exp(b * y_pred)
            mu = y_pred + 0
            return np.where(mu == 0, self._at_zero()[0], mu**a / mu)


@register
class NegativeBinomial(_Mean):
    r"""Negative binomial loss with log link: (y_true + 1/theta) log(1 + theta mu) - y_true log mu, mu = exp(y_pred).

    The negative log-likelihood of a count of mean mu and variance mu + theta mu^2, without its constants in y. The
    gradient in the raw score is (mu - y)/(1 + theta mu), the Hessian mu (1 + theta y)/(1 + theta mu)^2; ``"fisher"``
    gives mu/(1 + theta mu). ``"majorize"`` is the logistic bound.

    Parameters
    ----------
    theta : float, default=1.0
        Overdispersion; theta -> 0 is `Poisson`. Positive. The same as in glum; R's ``theta`` is 1 over it.

    Notes
    -----
    Convex. Targets: finite, >= 0. The constant of least loss is the logarithm of the mean.

    References
    ----------
    .. [1] J. M. Hilbe, "Negative Binomial Regression", 2nd ed., Cambridge University Press 2011.
       https://doi.org/10.1017/CBO9780511973420

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.NegativeBinomial(theta=1.0).gradient([0.0, 3.0], [0.0, 0.0], reduction="none")
    array([ 0.5, -1. ])
    """

    name = "negative_binomial"
    when = "Counts that vary more than a Poisson model allows: their variance is mean + theta mean^2."

    def __init__(self, theta: float = 1.0) -> None:
        super().__init__(theta=positive("theta", theta))

    @property
    def target_domain(self) -> domains.Domain:
        return domains.NON_NEGATIVE

    def _kernel(self) -> KernelSpec:
        name = "negative_binomial" if self.theta >= _SMALL_THETA else "negative_binomial_small"
        return KernelSpec(name, (math.log(self.theta), 1 / self.theta, self.theta))

    def _score(self, y_pred: Any) -> tuple[Any, Any, Any]:
        """log theta, 1/theta, and the score whose cross-entropy this is; in longdouble: 1/theta may be out of range."""
        theta = np.longdouble(self.theta)
        return np.log(theta), 1 / theta, y_pred + np.log(theta)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        shift, inverse, x = self._score(y_pred)
        y = y_true.astype(y_pred.dtype)
        value, gradient, hessian = cross_entropy_of_score(inverse, y, x)
        a, b, c = (part.astype(y.dtype) for part in (value + y * shift, gradient, hessian))
        return a, b, c

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        _, inverse, x = self._score(y_pred)
        return ((y_true + inverse) * logistic_bound(x)).astype(y_pred.dtype)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        _, inverse, x = self._score(y_pred)
        return (inverse * sigmoid(x)).astype(y_pred.dtype)
