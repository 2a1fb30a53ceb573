"""Losses of counts and positive targets: the negative log-likelihoods of generalised linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import xlogy
from fastloss.parameters import choice, flag
from fastloss.registry import register

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


@register
class Poisson(Loss):
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
    task = "count"

    def __init__(self, link: str = "log", full: bool = False) -> None:
        super().__init__(link=choice("link", link, ("log", "identity")), full=flag("full", full))

    @property
    def activation(self) -> str:
        return "exp" if self.link == "log" else "identity"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.NON_NEGATIVE

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.ANY if self.link == "log" else domains.MEAN

    def _kernel(self) -> KernelSpec:
        return KernelSpec(f"poisson_{self.link}" + ("_full" if self.full else ""))

    def _closed_form(self, y: Any, w: Any) -> float:
        mean = np.average(y, weights=w)
        with np.errstate(divide="ignore"):
            return float(np.log(mean) if self.link == "log" else mean)

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
class Gamma(Loss):
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
    task = "count"

    def __init__(self) -> None:
        super().__init__()

    @property
    def activation(self) -> str:
        return "exp"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.POSITIVE

    def _kernel(self) -> KernelSpec:
        return KernelSpec("gamma_log")

    def _closed_form(self, y: Any, w: Any) -> float:
        return float(np.log(np.average(y, weights=w)))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        with np.errstate(all="ignore"):
            ratio = y_true / np.exp(y_pred)
            return np.where(np.isinf(ratio), ratio, y_pred + ratio), 1 - ratio, ratio

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(np.isnan(y_pred), y_pred, np.ones_like(y_pred))
