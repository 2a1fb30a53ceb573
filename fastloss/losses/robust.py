"""Losses of a residual r = y_pred - y_true that grow more slowly than |r|, so that outliers lose their pull."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.loss import KernelSpec, Loss, Reduction
from fastloss.losses.pieces import float32_and_rest
from fastloss.parameters import positive, real
from fastloss.registry import register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class _Robust(Loss):
    """What they share: a scale c beyond which a residual counts as an outlier."""

    task = "regression"
    convex = False

    def __init__(self, c: float = 1.0) -> None:
        super().__init__(c=positive("c", c))

    def _kernel(self) -> KernelSpec:
        return KernelSpec(self.name, (self.c, 1.0, 0.0))

    def _scaled(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """c, and r/c."""
        c = y_pred.dtype.type(self.c)
        return c, (y_pred - y_true) / c

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        """gradient / r: as functions of r^2 these losses are concave."""
        with np.errstate(all="ignore"):
            return self._weight(self._scaled(y_true, y_pred)[1])

    def _weight(self, u: Any) -> Any:
        raise NotImplementedError


@register
class Cauchy(_Robust):
    r"""Cauchy (Lorentzian) loss: c^2/2 log(1 + (r/c)^2).

    With r = y_pred - y_true and u = r/c: about r^2/2 near 0, it grows like a logarithm. The gradient is r/(1 + u^2),
    the Hessian (1 - u^2)/(1 + u^2)^2. ``"majorize"`` gives 1/(1 + u^2).

    Parameters
    ----------
    c : float, default=1.0
        Scale, in units of the target: the pull of a residual is largest at |r| = c. Positive.

    Notes
    -----
    Not convex: the exact Hessian is negative where |r| > c. The negative log-likelihood of a Cauchy distribution, times
    c^2/2, less its constant. SciPy's ``cauchy`` is the same.

    References
    ----------
    .. [1] M. J. Black, P. Anandan, "The robust estimation of multiple motions: parametric and piecewise-smooth flow
       fields", Comput. Vis. Image Underst. 63 (1996). https://doi.org/10.1006/cviu.1996.0006

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Cauchy(c=2.0)([0.0, 0.0], [2.0, 0.0], reduction="none").round(6)
    array([1.386294, 0.      ])
    """

    name = "cauchy"
    when = "Heavy tails and many outliers, none of which may be ignored altogether."

    def _weight(self, u: Any) -> Any:
        return 1 / (1 + np.square(u))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        a, weight = np.abs(u), self.majorizer(y_true, y_pred)
        with np.errstate(all="ignore"):
            value = np.where(a > 1, 2 * np.log(a) + np.log1p(np.square(1 / a)), np.log1p(np.square(a)))
            gradient = np.where(a > 1, np.sign(u) / (a + 1 / a), u * weight)
            return c * (c * value) / 2, c * gradient, weight * (2 * weight - 1)


@register
class GemanMcClure(_Robust):
    r"""Geman-McClure loss: r^2/2 / (1 + (r/c)^2).

    With r = y_pred - y_true and u = r/c: about r^2/2 near 0, at most c^2/2. The gradient is r/(1 + u^2)^2, the Hessian
    (1 - 3 u^2)/(1 + u^2)^3. ``"majorize"`` gives 1/(1 + u^2)^2.

    Parameters
    ----------
    c : float, default=1.0
        Scale, in units of the target: the pull of a residual is largest at |r| = c/sqrt(3). Positive.

    Notes
    -----
    Not convex, and bounded: a gross outlier has next to no pull.

    References
    ----------
    .. [1] M. J. Black, A. Rangarajan, "On the unification of line processes, outlier rejection, and robust statistics
       with applications in early vision", Int. J. Comput. Vis. 19 (1996). https://doi.org/10.1007/BF00131148

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.GemanMcClure(c=2.0)([0.0, 0.0], [2.0, 0.0], reduction="none")
    array([1., 0.])
    """

    name = "geman_mcclure"
    when = "Gross outliers, such as false matches in registration or optical flow, and a good starting point."

    def _weight(self, u: Any) -> Any:
        return 1 / np.square(1 + np.square(u))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        a = np.abs(u)
        with np.errstate(all="ignore"):
            weight = 1 / (1 + np.square(u))
            share = np.where(a > 1, 1 / (1 + np.square(1 / a)), np.square(a) * weight)
            gradient = np.where(a > 1, np.sign(u) / (a + 1 / a), u * weight) * weight
            return c * (c * share) / 2, c * gradient, np.square(weight) * (4 * weight - 3)


def _with_rest(c: Any) -> tuple[float, float, float]:
    """A scale, and what rounding it to float32 and to float64 takes from it."""
    with np.errstate(over="ignore"):
        rests = np.longdouble(c) - np.array([np.float32(c), np.float64(c)], np.longdouble)
    in_float, in_double = (float(rest) if np.isfinite(rest) else 0.0 for rest in rests)
    return float(c), in_float, in_double


@register
class Welsch(_Robust):
    r"""Welsch (Leclerc, correntropy) loss: c^2/2 (1 - exp(-(r/c)^2)).

    With r = y_pred - y_true and u = r/c: about r^2/2 near 0, at most c^2/2. The gradient is r exp(-u^2), the Hessian
    (1 - 2 u^2) exp(-u^2). ``"majorize"`` gives exp(-u^2).

    Parameters
    ----------
    c : float, default=1.0
        Scale, in units of the target: the pull of a residual is largest at |r| = c/sqrt(2). Positive.

    Notes
    -----
    Not convex, and bounded: the pull of an outlier falls off like a Gaussian.

    References
    ----------
    .. [1] P. W. Holland, R. E. Welsch, "Robust regression using iteratively reweighted least-squares", Commun. Stat.
       Theory Methods 6 (1977). https://doi.org/10.1080/03610927708827533

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Welsch(c=1.0)([0.0, 0.0], [1.0, 100.0], reduction="none").round(6)
    array([0.31606, 0.5    ])
    """

    name = "welsch"
    when = "Gross outliers that should not count at all, though with no sharp limit from where on they are such."

    def _kernel(self) -> KernelSpec:
        return KernelSpec("welsch", (*_with_rest(self.c), self.c / 2, self.c, 1.0, 1.0))

    def _weight(self, u: Any) -> Any:
        return np.exp(-np.square(u))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        weight = self.majorizer(y_true, y_pred)
        with np.errstate(all="ignore"):
            square = np.square(u)
            gradient = np.where(weight == 0, 0, u * weight)
            return -c * (c * np.expm1(-square)) / 2, c * gradient, np.where(weight == 0, 0, (1 - 2 * square) * weight)


@register
class Tukey(_Robust):
    r"""Tukey's biweight loss: c^2/6 (1 - (1 - (r/c)^2)^3) where |r| <= c, c^2/6 beyond.

    With r = y_pred - y_true and u = r/c: about r^2/2 near 0. Inside, the gradient is r (1 - u^2)^2, the Hessian
    (1 - u^2) (1 - 5 u^2); both are 0 beyond. ``"majorize"`` gives (1 - u^2)^2, 0 beyond.

    Parameters
    ----------
    c : float, default=4.685
        Where the loss becomes constant, in units of the target. 4.685 standard deviations of Gaussian errors give 95 %
        of the efficiency of least squares. Positive.

    Notes
    -----
    Not convex, twice differentiable. An outlier beyond c has no pull at all, so that a good starting point is needed:
    a robust one, such as the median.

    References
    ----------
    .. [1] A. E. Beaton, J. W. Tukey, "The fitting of power series, meaning polynomials, illustrated on
       band-spectroscopic data", Technometrics 16 (1974). https://doi.org/10.1080/00401706.1974.10489171

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Tukey(c=3.0).gradient([0.0, 0.0], [1.5, 4.0], reduction="none")
    array([0.84375, 0.     ])
    """

    name = "tukey"
    when = "Gross outliers that should not count at all, and Gaussian errors otherwise: M-estimation in statistics."

    def __init__(self, c: float = 4.685) -> None:
        super().__init__(c=c)

    def _weight(self, u: Any) -> Any:
        a = np.minimum(np.abs(u), 1)
        return np.square((1 - a) * (1 + a))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        a = np.minimum(np.abs(u), 1)
        s, t = np.square(a), (1 - a) * (1 + a)
        return c * (c * (s * (3 + s * (s - 3)))) / 6, c * np.sign(u) * (a * np.square(t)), t * (1 - 5 * s)


@register
class Arctan(_Robust):
    r"""Arctan loss: c^2/2 arctan((r/c)^2).

    With r = y_pred - y_true and u = r/c: about r^2/2 near 0, at most pi c^2/4. The gradient is r/(1 + u^4), the Hessian
    (1 - 3 u^4)/(1 + u^4)^2. ``"majorize"`` gives 1/(1 + u^4).

    Parameters
    ----------
    c : float, default=1.0
        Scale, in units of the target: the pull of a residual is largest at |r| = c/3^(1/4). Positive.

    Notes
    -----
    Not convex, and bounded. SciPy's ``arctan`` is the same.

    References
    ----------
    .. [1] SciPy, "least_squares".
       https://docs.scipy.org/doc/scipy/reference/generated/scipy.optimize.least_squares.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Arctan(c=2.0)([0.0, 0.0], [2.0, 0.0], reduction="none").round(6)
    array([1.570796, 0.      ])
    """

    name = "arctan"
    when = "Nonlinear least squares in which no single residual may cost more than a limit."

    def _weight(self, u: Any) -> Any:
        return 1 / (1 + np.square(np.square(u)))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        a, weight = np.abs(u), self.majorizer(y_true, y_pred)
        with np.errstate(all="ignore"):
            gradient = np.where(a > 1, np.sign(u) / a**3 / (1 + 1 / a**4), u * weight)
            return c * (c * np.arctan(np.square(u))) / 2, c * gradient, weight * (4 * weight - 3)


# Below this, rounding tells alpha from -inf no more: the exponent differs by u^2/4|alpha|, and exp(-u/2) is 0 from
# u = 1500 on.
_LIKE_MINUS_INFINITY = -1e25

# Losses that it is at some alpha, times 1/c^2, and their scale in units of c.
_NAMED = {1.0: ("pseudo_huber", 1.0), 0.0: ("cauchy", math.sqrt(2)), -2.0: ("geman_mcclure", 2.0)}


@register
class GeneralRobust(_Robust):
    r"""Barron's general robust loss: (b/alpha) ((u/b + 1)^(alpha/2) - 1), u = (r/c)^2, b = |alpha - 2|.

    One number goes from loss to loss: u/2 at alpha = 2, sqrt(u + 1) - 1 at 1 (pseudo-Huber), log(1 + u/2) at 0
    (Cauchy), 2u/(u + 4) at -2 (Geman-McClure), 1 - exp(-u/2) at -inf (Welsch). With r = y_pred - y_true the gradient is
    r/c^2 (u/b + 1)^(alpha/2 - 1), the Hessian (u/b + 1)^(alpha/2 - 2) (1 + u (alpha - 1)/b)/c^2. ``"majorize"``, for
    alpha <= 2, gives gradient / r.

    Parameters
    ----------
    alpha : float, default=1.0
        Shape; -inf is allowed. The smaller, the less an outlier pulls.
    c : float, default=1.0
        Scale, in units of the target: within it the loss is about r^2/(2 c^2). Positive.

    Notes
    -----
    Convex for alpha >= 1. Exact, and smooth in alpha, through all its limits. At a common scale it is 1/c^2 times the
    losses of those names; `AdaptiveRobust` learns alpha and c.

    References
    ----------
    .. [1] J. T. Barron, "A general and adaptive robust loss function", CVPR 2019.
       https://doi.org/10.48550/arXiv.1701.03077

    Examples
    --------
    >>> import fastloss as fl
    >>> [round(fl.GeneralRobust(alpha)([0.0], [2.0]), 6) for alpha in (2, 1, 0, -2, float("-inf"))]
    [2.0, 1.236068, 1.098612, 1.0, 0.864665]
    """

    name = "general_robust"
    when = "How robust the loss should be is tuned, or annealed from a convex loss to one that ignores outliers."

    def __init__(self, alpha: float = 1.0, c: float = 1.0) -> None:
        limit = isinstance(alpha, (int, float, np.floating)) and alpha == -math.inf
        Loss.__init__(self, alpha=-math.inf if limit else real("alpha", alpha), c=positive("c", c))

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return bool(self.alpha >= 1)

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        kinds = super().hessian_kinds
        return kinds if self.alpha <= 2 else tuple(kind for kind in kinds if kind != "majorize")  # no parabola is above

    def _b(self) -> float:
        """b; at alpha = 2 any serves."""
        return float(abs(self.alpha - 2)) or 1.0

    def _kernel(self) -> KernelSpec:
        c = self.c
        if self.alpha < _LIKE_MINUS_INFINITY:
            unit = math.ldexp(1, min(1 - math.frexp(c)[1], 1022))  # 1/c^2 in two factors, of about 1/c
            scale = _with_rest(np.sqrt(np.longdouble(2)) * c)
            return KernelSpec("welsch", (*scale, 1.0, 1.0, unit, 1 / c / (c * unit)))
        if self.alpha in _NAMED and 1e-15 < c < 1e15:  # whose kernels need no power, nor 1/c^2 out of float32's range
            name, stretch = _NAMED[self.alpha]
            return KernelSpec(name, (c * stretch, 1 / c / c, 0.0))
        b, less_1 = self._b(), float32_and_rest(np.longdouble(self.alpha) - 1)
        return KernelSpec("general_robust", (c, math.sqrt(b), self.alpha, b, *less_1, 0.0))

    def _grown(self, x: Any) -> tuple[Any, Any, Any]:
        """m and q with 1 + x^2/b = m^2 (1 + q^2), m the larger of x/sqrt(b) and 1; and log(1 + q^2)."""
        d = np.sqrt(x.dtype.type(self._b()))
        q = np.where(x > d, d / x, x / d)
        return np.maximum(x / d, 1), q, np.log1p(np.square(q))

    def _weight(self, u: Any) -> Any:
        x, alpha = np.abs(u), u.dtype.type(self.alpha)
        if self.alpha < _LIKE_MINUS_INFINITY:
            return np.exp(-np.square(x) / 2)
        m, _, rest = self._grown(x)
        return m ** (alpha - 2) * np.exp((alpha / 2 - 1) * rest)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return super().majorizer(y_true, y_pred) / np.square(y_pred.dtype.type(self.c))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        c, u = self._scaled(y_true, y_pred)
        of, x = c.dtype.type, np.abs(u)
        with np.errstate(all="ignore"):
            weight = self._weight(u)
            if self.alpha < _LIKE_MINUS_INFINITY:
                value, bend = -np.expm1(-np.square(x) / 2), 1 - np.square(x)
                gradient = np.where(weight == 0, 0, u * weight)
            else:
                alpha, b = of(self.alpha), of(self._b())
                (m, q, rest), beyond = self._grown(x), x > np.sqrt(b)
                log = 2 * np.log(m) + rest
                t = alpha / 2 * log
                near = b / 2 * log * np.where(np.abs(t) < of(1e-25), 1, np.expm1(t) / t)
                far = b * (m**alpha * np.exp(alpha / 2 * rest) - 1) / alpha
                value = np.where(t < 1, near, far)
                value = np.where(np.isposinf(x), x if self.alpha >= 0 else -b / alpha, value)
                steep = np.sqrt(b) * m ** (alpha - 1) * np.exp((alpha / 2 - 1) * rest)  # x times the weight, beyond
                gradient = np.where(beyond, np.sign(u) * steep, u * weight)
                bend = np.where(beyond, np.square(q) + (alpha - 1), 1 + (alpha - 1) * np.square(q)) / (1 + np.square(q))
            return value, gradient / c, np.where(weight == 0, 0, weight * bend) / np.square(c)


@register
class AdaptiveRobust(GeneralRobust):
    r"""Barron's adaptive robust loss: GeneralRobust(alpha, c) + log c + log Z(alpha).

    The negative log-likelihood of a density whose tails and scale are parameters, so that they can be learned with the
    model: Z(alpha), the integral of exp(-GeneralRobust(alpha, 1)) over the line, is what keeps alpha from falling
    without end. `value_and_gradients` gives the gradients in alpha and c too.

    Parameters
    ----------
    alpha : float, default=1.0
        Shape, in [0, 2): 0 is the Cauchy distribution, 2 would be the Gaussian, where the derivative in alpha is
        infinite.
    c : float, default=1.0
        Scale, in units of the target. Positive.

    Notes
    -----
    Convex in y_pred for alpha >= 1. May be negative, as log-densities may. The gradient and Hessian in y_pred are those
    of `GeneralRobust`.

    References
    ----------
    .. [1] J. T. Barron, "A general and adaptive robust loss function", CVPR 2019.
       https://doi.org/10.48550/arXiv.1701.03077

    Examples
    --------
    >>> import fastloss as fl
    >>> loss = fl.AdaptiveRobust(alpha=1.0, c=2.0)
    >>> value, gradient, parameters = loss.value_and_gradients([0.0, 0.0], [1.0, -8.0])
    >>> round(value, 6), {name: round(x, 6) for name, x in parameters.items()}
    (3.499212, {'alpha': 0.574815, 'c': -0.526044})
    """

    name = "adaptive_robust"
    when = "How heavy the tails of the errors are is unknown, or differs between outputs, and is learned."

    def __init__(self, alpha: float = 1.0, c: float = 1.0) -> None:
        super().__init__(alpha=real("alpha", alpha, 0.0, 2.0, open_high=True), c=c)

    def _constant(self) -> Any:
        return np.log(np.longdouble(self.c)) + _log_partition(self.alpha)[0]

    def _kernel(self) -> KernelSpec:
        spec = super()._kernel()
        return spec._replace(parameters=(*spec.parameters[:-1], float(self._constant())))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        value, gradient, hessian = super().reference(y_true, y_pred)
        return value + y_pred.dtype.type(self._constant()), gradient, hessian

    def value_and_gradients(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> tuple[float, NDArray[Any], dict[str, float]]:
        """The loss, its gradient in y_pred, and its derivatives in ``alpha`` and ``c``.

        Parameters are those of `value_and_gradient`, but `reduction` is "mean" or "sum" and `out` is not y_pred itself.

        Returns
        -------
        value : float
        gradient : ndarray
        parameters : dict
            ``{"alpha": d(value)/d(alpha), "c": d(value)/d(c)}``.
        """
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction={reduction!r}: expected 'mean' or 'sum'")
        if out is not None and np.shares_memory(out, np.asarray(y_pred)):
            raise ValueError("out is y_pred, which the derivatives in alpha and c are read from: use another buffer")
        value, gradient = self.value_and_gradient(
            y_true, y_pred, sample_weight, reduction=reduction, out=out, n_threads=n_threads
        )
        y, z = np.asarray(y_true, np.float64).ravel(), np.asarray(y_pred, np.float64).ravel()
        w = np.ones(1) if sample_weight is None else np.asarray(sample_weight, np.float64)
        repeat = z.size // w.size if w.size else 0
        totals = np.zeros(3)
        for at in range(0, z.size, _CHUNK):  # in pieces that stay in cache
            part = slice(at, at + _CHUNK)
            x = np.abs(z[part] - y[part]) / self.c
            weight = np.ones(1) if sample_weight is None else w.ravel()[np.arange(at, at + x.size) // repeat]
            kept = np.broadcast_to(weight, x.shape)
            slopes = np.stack([*_slopes(x, self.alpha), np.ones_like(x)])
            with np.errstate(invalid="ignore"):  # infinite slopes that do not count
                slopes = np.where(kept > 0, slopes * kept, 0)
            totals += slopes.sum(axis=1)
        by_alpha, by_c, total = (float(t) for t in totals)
        by_alpha += total * float(_log_partition(self.alpha)[1])
        by_c = (by_c + total) / self.c
        by = total if reduction == "mean" else 1.0
        return value, gradient, {"alpha": by_alpha / by, "c": by_c / by}


_CHUNK = 1 << 14


def _slopes(x: Any, alpha: float) -> tuple[Any, Any]:
    """Derivatives of GeneralRobust(alpha, c) at residuals of x c, x >= 0, for 0 <= alpha < 2: in alpha, and in log c.

    With L = log(1 + w), w = x^2/b, t = alpha L/2 and P = exp(t - L) the derivative in alpha is
    L^2/2 psi(t) - L/2 exp(t) + w P/2, psi(t) = (t exp(t) - exp(t) + 1)/t^2, which passes through alpha = 0. From alpha
    = 1 on its terms grow like w = x^2/b and cancel; collected, they grow like x^2. That in log c is -x^2 P. Of w alone
    its logarithm and w/(1 + w) are taken, for it may overflow where P makes up for it.
    """
    b = 2 - alpha
    with np.errstate(all="ignore"):
        w = np.square(x) / b
        L = np.where(np.isinf(w), 2 * np.log(x) - np.log(b), np.log1p(w))
        t = alpha / 2 * L
        P, grown, share = np.exp(t - L), np.exp(t), 1 / (1 + 1 / w)
        by_scale = -b * grown * share
        if alpha >= 1:
            return b * grown * (L - (alpha + 2) / alpha) / (2 * alpha) - P / 2 + 2 / alpha**2, by_scale
        near = np.minimum(t, 0.5)
        series = sum(near**k / (math.factorial(k) * (k + 2)) for k in range(16))
        psi = np.where(t < 0.5, series, (t * grown - np.expm1(t)) / np.square(np.maximum(t, 0.5)))
        return np.square(L) / 2 * psi - L / 2 * grown + grown * share / 2, by_scale


@lru_cache(maxsize=256)
def _log_partition(alpha: float) -> tuple[Any, Any]:
    """log Z(alpha) and its derivative, for 0 <= alpha < 2, as longdouble.

    The trapezoidal rule in x = d sinh(s), d = sqrt(2 - alpha): the integrand falls off like exp(-s) or faster, and the
    rule converges exponentially, for 1 + (x/d)^2 has its zeros at a distance from the line that does not shrink with d.
    """
    d = np.sqrt(2 - np.longdouble(alpha))
    s = np.arange(0, 48 - np.log(d), np.longdouble(1) / 128)
    x, width = d * np.sinh(s), d * np.cosh(s) / 128
    width[1:] *= 2  # either side
    density = np.exp(-GeneralRobust(alpha).reference(np.zeros_like(x), x)[0]) * width
    total = density.sum()
    slope = np.where(density > 0, density * _slopes(x, alpha)[0], 0)
    return np.log(total), -slope.sum() / total
