"""Digits at any scale; GeneralRobust has no seam in alpha, and AdaptiveRobust is the likelihood that it says it is."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from bounds import ulp_error
from cases import same_bits, seed_of

import fastloss as fl

mpmath = pytest.importorskip("mpmath", reason="mpmath is not installed")
mpf = mpmath.mpf
EPS = np.finfo(np.float64).eps
RESIDUALS = 10 ** np.arange(-30, 30.25, 0.25)


def computed(alpha, residuals, c=1.0):
    """Value, gradient and Hessian at residuals."""
    loss, zero = fl.GeneralRobust(alpha, c), np.zeros_like(residuals)
    return loss(zero, residuals, reduction="none"), *loss.gradient_and_hessian(zero, residuals, reduction="none")


def exact(alpha, r, c=1):
    """The definition, with its limits: value, gradient, Hessian and the weight gradient / r."""
    u = (mpf(r) / c) ** 2
    if alpha == -math.inf:
        weight = mpmath.exp(-u / 2) / mpf(c) ** 2
        return 1 - mpmath.exp(-u / 2), r * weight, (1 - u) * weight, weight
    alpha = mpf(alpha)
    b = abs(alpha - 2) or mpf(1)
    weight = (u / b + 1) ** (alpha / 2 - 1) / mpf(c) ** 2
    bend = (1 + u * (alpha - 1) / b) / (1 + u / b) if alpha != 2 else 1
    value = b / alpha * mpmath.expm1(alpha / 2 * mpmath.log1p(u / b)) if alpha else mpmath.log1p(u / 2)
    return (value if alpha != 2 else u / 2), r * weight, weight * bend, weight


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(80):
        yield


def inside(alpha):
    """alpha, or so little above 0 that it makes no difference."""
    return mpf(alpha) or mpf("1e-20")


# -- the scale ---------------------------------------------------------------------------------------------------------


def gaussian_weight(u):
    """exp(-u^2), but no number with more digits in its exponent than there are."""
    return mpmath.exp(-min(u * u, mpf(10) ** 4))


# Of c and u = |r|/c: value, gradient, Hessian, gradient / r, and the Hessian's terms without the minus between them.
AT_SCALE = {
    fl.Cauchy: lambda c, u: (
        *(c * c / 2 * mpmath.log1p(u * u), c * u / (1 + u * u), (1 - u * u) / (1 + u * u) ** 2, 1 / (1 + u * u)),
        abs(1 - u * u) / (1 + u * u) ** 2,
    ),
    fl.Fair: lambda c, u: (
        c * c * (u - mpmath.log1p(u) if u > 1e-20 else u * u * (mpf(1) / 2 - u / 3)),
        *(c * u / (1 + u), 1 / (1 + u) ** 2, 1 / (1 + u), 1 / (1 + u) ** 2),
    ),
    fl.GemanMcClure: lambda c, u: (
        *(c * c / 2 * u * u / (1 + u * u), c * u / (1 + u * u) ** 2, (1 - 3 * u * u) / (1 + u * u) ** 3),
        *(1 / (1 + u * u) ** 2, (1 + 3 * u * u) / (1 + u * u) ** 3),
    ),
    fl.Welsch: lambda c, u: (
        *(-c * c / 2 * mpmath.expm1(-u * u), c * u * gaussian_weight(u), (1 - 2 * u * u) * gaussian_weight(u)),
        *(gaussian_weight(u), (1 + 2 * u * u) * gaussian_weight(u)),
    ),
    fl.Tukey: lambda c, u: (
        (
            *(c * c * u * u * (3 - 3 * u * u + u**4) / 6, c * u * (1 - u * u) ** 2, (1 - u * u) * (1 - 5 * u * u)),
            *((1 - u * u) ** 2, (1 - u * u) * (1 + 5 * u * u)),
        )
        if u < 1
        else (c * c / 6, 0, 0, 0, 0)
    ),
    fl.Arctan: lambda c, u: (
        *(c * c / 2 * mpmath.atan(u * u), c * u / (1 + u**4), (1 - 3 * u**4) / (1 + u**4) ** 2, 1 / (1 + u**4)),
        (1 + 3 * u**4) / (1 + u**4) ** 2,
    ),
}


def at_scale(loss, r):
    """The exact results at residuals, in longdouble."""
    c, of = mpf(loss.c), AT_SCALE[type(loss)]
    with np.errstate(all="ignore"):
        return np.array([[np.longdouble(mpmath.nstr(x, 25)) for x in of(c, abs(mpf(float(x))) / c)] for x in r]).T


def results(loss, r):
    """Value, gradient, Hessian and majorizer at positive residuals."""
    zero = np.zeros_like(r)
    bound = loss.gradient_and_hessian(zero, r, reduction="none", hessian="majorize")[1]
    return loss(zero, r, reduction="none"), *loss.gradient_and_hessian(zero, r, reduction="none"), bound


@pytest.mark.engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("kind", AT_SCALE, ids=lambda kind: kind.name)
def test_any_scale_and_any_residual(kind, dtype):
    """Over the whole range of the type, where c^2, r^2, r/c and c/r are no numbers of it any more."""
    rng, info = seed_of("scale", kind.name), np.finfo(dtype)
    ends = math.log10(info.tiny) + 1, math.log10(info.max) - 0.5
    allowed = {"value": 4, "gradient": 2 if kind is fl.Arctan else 3, "hessian": 5, "majorizer": 4}
    for exponent in (*rng.uniform(*ends, 40), *rng.uniform(-3, 3, 6)):
        c = dtype(10**exponent)
        with np.errstate(over="ignore"):
            r = np.concatenate([float(c) * 10 ** rng.uniform(-3, 3, 30), 10 ** rng.uniform(*ends, 30)])
        r = np.append(r[(r < info.max) & (r > info.tiny)], [info.max, info.tiny, info.smallest_subnormal]).astype(dtype)
        loss = kind(float(c))
        value, gradient, hessian, bound, terms = at_scale(loss, r)
        for (name, most), got, want, scale in zip(
            allowed.items(),
            results(loss, r),
            (value, gradient, hessian, bound),
            (value, gradient, terms, bound),
            strict=True,
        ):
            error = ulp_error(got, want, scale)
            at = np.argmax(error)
            assert error[at] <= most, f"{name}, c={c!r}, r={r[at]!r}: {error[at]:.3g} ULP, {got[at]!r}, not {want[at]}"


@pytest.mark.engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("kind", AT_SCALE, ids=lambda kind: kind.name)
def test_an_infinite_residual_at_any_scale(kind, dtype):
    """It has the loss's limit, and no pull where the loss is redescending."""
    for exponent in np.linspace(math.log10(np.finfo(dtype).tiny), math.log10(np.finfo(dtype).max) - 0.5, 30):
        c = dtype(10**exponent)
        loss, half_square = kind(float(c)), np.longdouble(c) * np.longdouble(c) / 2
        most = {"geman_mcclure": 1, "welsch": 1, "tukey": 1 / 3, "arctan": math.pi / 2}.get(loss.name, np.inf)
        value, gradient, hessian, bound = results(loss, np.array([np.inf], dtype))
        assert ulp_error(value, half_square * most).max() <= 2
        if kind is fl.GemanMcClure and c > 1e15:  # as far as the largest number is
            continue
        assert gradient[0] == (c if kind is fl.Fair else 0)
        assert hessian[0] == bound[0] == 0


@pytest.mark.engine
@pytest.mark.parametrize("alpha", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("c", [1e-14, 1e-12, 1e12, 1e14])
def test_a_named_shape_at_a_scale_whose_square_is_hardly_a_float32(alpha, c):
    """It is 1/c^2 times another loss, which must not be multiplied too early, nor too late."""
    r = np.array([4e-9 * c, 1e-3 * c, c, 1e3, 1e20], np.float32)
    loss, zero = fl.GeneralRobust(alpha, c), np.zeros_like(r)

    def results(y, z):
        kinds = (loss.gradient_and_hessian(y, z, reduction="none", hessian=kind)[1] for kind in ("exact", "majorize"))
        return *loss.value_and_gradient(y, z, reduction="none"), *kinds

    for got, exact in zip(results(zero, r), results(zero.astype(float), r.astype(float)), strict=True):
        with np.errstate(over="ignore", under="ignore"):
            np.testing.assert_allclose(got, exact.astype(np.float32), rtol=2e-6, atol=1e-37)


@pytest.mark.engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("c", [1e-15, 0.3, 1.0, 3.0, 1e15, 1e25])
def test_minus_infinity_keeps_its_digits_far_out(c, dtype):
    """exp(-(r/c)^2/2): c sqrt(2), which is rounded, would be multiplied by (r/c)^2."""
    r = (c * np.concatenate([np.linspace(0.1, 12.5, 60), 10.0 ** np.arange(-9, 0)])).astype(dtype)
    u = [mpf(float(x)) / mpf(float(c)) for x in r]
    weight = [mpmath.exp(-x * x / 2) / mpf(c) ** 2 for x in u]
    gradient = np.array([np.longdouble(mpmath.nstr(w * x * mpf(c), 25)) for w, x in zip(weight, u, strict=True)])
    got = fl.GeneralRobust(-np.inf, c).gradient(np.zeros_like(r), r, reduction="none")
    assert ulp_error(got, gradient).max() <= 3


@pytest.mark.engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("alpha", [-3.0, -2.0, 0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("c", [1e-18, 1e-3, 1.0, 1e3, 1e18])
def test_an_infinite_residual_does_not_pull_below_alpha_1(c, alpha, dtype):
    r = np.array([np.inf, -np.inf], dtype)
    gradient = fl.GeneralRobust(alpha, c).gradient(np.zeros_like(r), r, reduction="none")
    assert gradient.tolist() == [0, 0]


# -- alpha -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("limit", [2.0, 1.0, 0.0, -2.0])
def test_limits_are_approached_in_proportion(limit, side):
    """As far as the losses themselves differ, and no further.

    With L = log(1 + u/b), |d log(gradient)/d(alpha)| <= (L + 1)/2, so that on the way from the limit, also from
    alpha = 2, where L grows without end but can be integrated, the logarithm of the gradient changes by less than
    (L/2 + 3/2) |alpha - limit|. What holds of the gradient at every residual holds of its integral, the value. The
    Hessian is the gradient / r times a factor that is at most max(1, |alpha - 1|) and changes by at most
    5/4 |alpha - limit|.
    """
    there = computed(limit, RESIDUALS)
    for k in range(1, 17):
        alpha = limit + side * 10.0**-k
        step, b = abs(alpha - limit), abs(alpha - 2) or 1.0
        here = computed(alpha, RESIDUALS)
        change = np.expm1(step * (np.log1p(RESIDUALS**2 / b) / 2 + 1.5))
        weight = np.maximum(here[1], there[1]) / RESIDUALS
        factor = max(1, abs(limit - 1) + step)
        for name, a, b, scale, allowed in (
            ("value", here[0], there[0], np.minimum(here[0], there[0]), change),
            ("gradient", here[1], there[1], np.minimum(here[1], there[1]), change),
            ("hessian", here[2], there[2], weight, factor * change + 1.25 * step),
        ):
            assert np.isfinite(a).all(), f"{name} at alpha={alpha!r}"
            excess = np.abs(a - b) - (allowed + 16 * EPS) * scale
            assert (excess <= 0).all(), f"{name} at alpha={alpha!r}, r={RESIDUALS[np.argmax(excess / scale)]}"


def test_minus_infinity_is_approached_in_proportion():
    """1 + u/b to the power of b/2 falls short of exp(u/2) by a factor of at most exp(u^2/4b)."""
    there = computed(-np.inf, RESIDUALS)
    u = RESIDUALS**2
    for k in range(1, 27):
        alpha = -(10.0**k)
        here = computed(alpha, RESIDUALS)
        for name, a, b, most in zip(("value", "gradient", "hessian"), here, there, (2, 1, 1), strict=True):
            assert np.isfinite(a).all(), f"{name} at alpha={alpha!r}"
            assert np.abs(a - b).max() <= most / abs(alpha) + 4 * EPS, f"{name} at alpha={alpha!r}"
        near = u < 1000
        with np.errstate(over="ignore"):
            ratio, largest = here[1][near] / there[1][near], np.exp(u[near] ** 2 / (4 * (2 - alpha)))
        rounding = (8 + u[near]) * EPS
        assert (ratio >= 1 - rounding).all()
        assert (ratio <= largest * (1 + rounding)).all()
    for alpha in (-1e26, -1e100, -np.finfo(float).max):
        for a, b in zip(computed(alpha, RESIDUALS), there, strict=True):
            np.testing.assert_allclose(a, b, rtol=4 * EPS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_relative_precision_for_any_alpha(dtype):
    """A rounding of r/c is multiplied by up to |alpha - 2|; nothing else costs digits. alpha is no float32 number."""
    rng, eps = seed_of("alpha"), float(np.finfo(dtype).eps)
    low, high = float(np.finfo(dtype).tiny) / eps, float(np.finfo(dtype).max)
    compared = 0
    for i in range(1500):
        alpha = float(rng.uniform(-50, 10)) if i % 4 else float(rng.integers(-50, 11))
        c = float(dtype(10 ** rng.uniform(-3, 3))) if i % 3 else 1.0
        r = dtype(rng.choice([-1, 1]) * c * 10 ** rng.uniform(-12, 12))
        *want, weight = exact(alpha, mpf(float(r)), c)
        scales = abs(want[0]), abs(want[1]), weight * max(1, abs(alpha - 1))
        got = computed(alpha, np.array([r]), c)
        assert not np.isnan(got).any()
        if max(scales) > high or min(*scales, weight * mpf(c) ** 2) < low:
            continue
        compared += 1
        for name, a, b, scale in zip(("value", "gradient", "hessian"), got, want, scales, strict=True):
            error = float(abs(mpf(float(a[0])) - b) / scale / eps)
            assert error <= 2 + 1.5 * abs(alpha), f"{name} at alpha={alpha!r}, c={c!r}, r={r!r}: {error:.3g} eps"
    assert compared > 500


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("alpha", [-np.inf, -1e300, -1e25, -50.0, -2.0, 0.0, 1e-300, 1.0, 1.99, 2.0, 2.01, 10.0])
def test_extremes(alpha, dtype):
    """Values rise with the residual, from 0 at a perfect fit to their limit; nothing is NaN."""
    info = np.finfo(dtype)
    eps = float(info.eps)
    r = np.array([0, info.smallest_subnormal, info.tiny, 1e-20, 1, 1e18, info.max / 100], dtype)
    value, gradient, hessian = computed(alpha, r)
    for x in (value, gradient, hessian):
        assert not np.isnan(x).any()
    assert value[0] == gradient[0] == 0
    assert hessian[0] == pytest.approx(1, rel=4 * eps)
    assert (value[1:] >= value[:-1] * (1 - 4 * eps)).all()
    if alpha < 0:
        assert value[-1] == pytest.approx(float(exact(alpha, float(r[-1]))[0]), rel=2 * (1 + min(-alpha, 2)) * eps)
    for mine, other in zip(computed(alpha, -r), (value, -gradient, hessian), strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("alpha", [-np.inf, -50.0, -2.0, 0.5, 1.0, 1.5, 2.0, 2.5])
def test_infinite_residuals(alpha, dtype):
    value, gradient, hessian = (x[0] for x in computed(alpha, np.array([np.inf], dtype)))
    assert value == (np.inf if alpha >= 0 else pytest.approx(1 + 2 / abs(alpha)))
    assert gradient == (np.inf if alpha > 1 else pytest.approx(float(alpha == 1), abs=1e-9))
    assert hessian == (np.inf if alpha > 2 else float(alpha == 2))


# -- the density -------------------------------------------------------------------------------------------------------


def slope(alpha, x):
    """d/d(alpha) of the loss at alpha in (0, 2)."""
    b, w = 2 - alpha, x * x / (2 - alpha)
    grown = (1 + w) ** (alpha / 2)
    outer = (-1 / alpha - b / alpha**2) * (grown - 1)
    return outer + b / alpha * grown * (mpmath.log1p(w) / 2 + alpha / 2 * (w / b) / (1 + w))


@functools.cache
def log_partition(alpha):
    """log Z and its derivative, by quadrature."""
    alpha = inside(alpha)
    with mpmath.workdps(80 if alpha < 1e-6 else 40):
        scale = mpmath.sqrt(2 - alpha)  # where the derivative bends, with the places where the density does
        points = sorted({mpf(0), scale / 10, scale, 10 * scale, *map(mpf, (0.1, 1, 3, 10, 100, mpmath.inf))})
        total = 2 * mpmath.quad(lambda x: mpmath.exp(-exact(alpha, x)[0]), points)
        down = -2 * mpmath.quad(lambda x: mpmath.exp(-exact(alpha, x)[0]) * slope(alpha, x), points)
        return mpmath.log(total), down / total


def expected(alpha, c, x, w):
    """Mean and its derivatives in alpha and c, at x = r/c."""
    log_z, down = log_partition(alpha)
    a, total = inside(alpha), mpmath.fsum(w)

    def mean(f):
        return mpmath.fsum(mpf(v) * f(mpf(z)) for v, z in zip(w, x, strict=True)) / total

    value = mean(lambda z: exact(a, z)[0]) + mpmath.log(c) + log_z
    by_c = (1 - mean(lambda z: z * exact(a, z)[1])) / c
    return float(value), float(mean(lambda z: slope(a, z)) + down), float(by_c)


ALPHAS = (0.0, 1e-12, 1e-3, 0.3, 0.999, 1.0, 1.001, 1.5, 1.9, 1.999, 2 - 1e-4, 2 - 1e-6, 2 - 1e-9)


def test_partition_functions_in_closed_form():
    for alpha, z in ((0.0, mpmath.pi * mpmath.sqrt(2)), (1.0, 2 * mpmath.e * mpmath.besselk(1, 1))):
        assert fl.AdaptiveRobust(alpha)([0.0], [0.0]) == pytest.approx(float(mpmath.log(z)), rel=2 * EPS)
    assert fl.AdaptiveRobust(2 - 1e-15)([0.0], [0.0]) == pytest.approx(math.log(2 * math.pi) / 2, rel=1e-13)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_density_integrates_to_1(alpha):
    """exp(-loss) over all targets."""
    loss = fl.AdaptiveRobust(alpha, 0.7)
    s = np.arange(-40, 40, 1 / 64)  # the trapezoidal rule in r = sinh(s)
    r = np.sinh(s)
    density = np.exp(-loss(np.zeros_like(r), r, reduction="none"))
    assert (density * np.cosh(s)).sum() / 64 == pytest.approx(1, rel=1e-11)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_derivatives_in_alpha_and_c(alpha, weighted):
    """To 1e-13 of their largest term."""
    rng, c = seed_of("adaptive"), 0.7
    z = np.concatenate([rng.normal(0, 2, 20), rng.choice([-1, 1], 12) * 10 ** rng.uniform(-8, 6, 12), [0.0]])
    y, w = np.zeros_like(z), np.where(rng.random(33) < 0.3, 0, rng.uniform(0, 2, 33)) if weighted else None
    loss = fl.AdaptiveRobust(alpha, c)
    x, kept = [mpf(r) / mpf(c) for r in z], np.ones(33) if w is None else w
    value, by_alpha, by_c = expected(alpha, mpf(c), x, kept)
    terms = float(max(abs(slope(inside(alpha), r)) for r in x))
    got, gradient, parameters = loss.value_and_gradients(y, z, w)
    assert got == loss(y, z, w) == pytest.approx(value, rel=1e-14)
    assert same_bits(gradient, loss.gradient(y, z, w))
    assert set(parameters) == {"alpha", "c"}
    assert parameters["alpha"] == pytest.approx(by_alpha, rel=1e-13, abs=1e-13 * max(1, terms))
    assert parameters["c"] == pytest.approx(by_c, rel=1e-13, abs=1e-13)
    # sums, of any number of axes and chunks
    total, gradient, parameters = loss.value_and_gradients(y, z, w, reduction="sum")
    assert total == loss(y, z, w, reduction="sum")
    assert same_bits(gradient, loss.gradient(y, z, w, reduction="sum"))
    assert parameters["alpha"] == pytest.approx(by_alpha * kept.sum(), rel=1e-13, abs=1e-12 * max(1, terms))
    assert parameters["c"] == pytest.approx(by_c * kept.sum(), rel=1e-13, abs=1e-12)


def test_derivatives_are_those_of_the_value():
    """By differences of losses with other parameters."""
    rng = seed_of("parameters")
    y, z, w = rng.normal(size=(50, 3)), rng.standard_cauchy((50, 3)), rng.uniform(0, 2, 50)
    for alpha, c in ((0.2, 0.5), (1.0, 3.0), (1.8, 1.0)):
        found = fl.AdaptiveRobust(alpha, c).value_and_gradients(y, z, w)[2]
        for name, loss in (
            ("alpha", lambda h, alpha=alpha, c=c: fl.AdaptiveRobust(alpha + h, c)),
            ("c", lambda h, alpha=alpha, c=c: fl.AdaptiveRobust(alpha, c + h)),
        ):
            difference = (loss(1e-5)(y, z, w) - loss(-1e-5)(y, z, w)) / 2e-5
            assert found[name] == pytest.approx(difference, rel=1e-7), name


def test_weights_and_shapes():
    """(n,) and (n, m) with weights of samples or elements; more than a chunk."""
    rng, loss = seed_of("shapes"), fl.AdaptiveRobust(0.6, 1.3)
    y, z, w = rng.normal(size=(9000, 3)), rng.normal(size=(9000, 3)), rng.uniform(0, 2, 9000)
    each = np.repeat(w, 3)
    for reduction in ("mean", "sum"):
        value, gradient, parameters = loss.value_and_gradients(y, z, w, reduction=reduction)
        flat = loss.value_and_gradients(y.ravel(), z.ravel(), each, reduction=reduction)
        full = loss.value_and_gradients(y, z, each.reshape(9000, 3), reduction=reduction)
        assert gradient.shape == (9000, 3)
        assert value == pytest.approx(flat[0], rel=1e-14) == pytest.approx(full[0], rel=1e-14)
        for other in (flat, full):
            np.testing.assert_allclose(gradient.ravel(), other[1].ravel(), rtol=1e-14)
            assert other[2] == pytest.approx(parameters, rel=1e-12)
    assert loss.value_and_gradients(y, z, np.ones(9000))[2] == pytest.approx(
        loss.value_and_gradients(y, z)[2], rel=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble], ids=lambda dtype: dtype.__name__)
def test_types_and_out(dtype):
    loss = fl.AdaptiveRobust(0.6, 1.3)
    y, z = np.zeros(5, dtype), np.array([0, 1, -2, 3, 40], dtype)
    out = np.empty_like(z)
    value, gradient, parameters = loss.value_and_gradients(y, z, out=out)
    assert gradient is out
    assert gradient.dtype == dtype
    wide = loss.value_and_gradients(y.astype(float), z.astype(float))
    assert parameters == wide[2]  # of exact residuals, in float64
    assert value == pytest.approx(wide[0], rel=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.7])
def test_extreme_residuals(alpha):
    """The square of r/c may be out of range where the derivatives are not; nothing is said about it."""
    loss = fl.AdaptiveRobust(alpha, 1.0)
    for r in (5e-324, 1e-200, 1e100, 1e154, 1e160, 1e180):
        value, by_alpha, by_c = expected(alpha, mpf(1), [mpf(r)], [1])
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            got, _, parameters = loss.value_and_gradients([0.0], [r])
        assert got == pytest.approx(value, rel=1e-13)
        assert parameters == pytest.approx({"alpha": by_alpha, "c": by_c}, rel=1e-12)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        ignoring = loss.value_and_gradients([0.0, 0.0, 0.0], [1.0, np.inf, np.nan], [1.0, 0.0, 0.0])[2]
        assert ignoring == loss.value_and_gradients([0.0], [1.0])[2]
        assert all(map(math.isnan, loss.value_and_gradients([0.0, 0.0], [1.0, np.nan])[2].values()))
        loss.value_and_gradients([0.0], [np.inf])


def test_learning_finds_the_parameters():
    """Of Cauchy noise, by steps down the derivatives: alpha to the end of its range, c to the scale."""
    r = seed_of("cauchy").standard_cauchy(5000) * 3
    alpha, log_c = 1.0, 0.0
    for _ in range(150):
        by = fl.AdaptiveRobust(alpha, math.exp(log_c)).value_and_gradients(np.zeros_like(r), r)[2]
        alpha = max(0.0, alpha - 0.5 * by["alpha"])
        log_c -= 0.5 * by["c"] * math.exp(log_c)
    assert alpha < 0.1
    assert math.exp(log_c) * math.sqrt(2) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("alpha", [-1e-9, 2.0, 2.5, math.nan, -math.inf, math.inf])
def test_alpha_out_of_range(alpha):
    with pytest.raises(ValueError, match="alpha is"):
        fl.AdaptiveRobust(alpha)


def test_bad_input():
    loss, z = fl.AdaptiveRobust(), np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"reduction='none': expected 'mean' or 'sum'"):
        loss.value_and_gradients(z, z, reduction="none")
    with pytest.raises(ValueError, match="out is y_pred"):
        loss.value_and_gradients(np.zeros(2), z, out=z)
    with pytest.raises(ValueError, match="the total weight is zero"):
        loss.value_and_gradients(np.zeros(2), z, [0, 0])
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        loss.value_and_gradients(np.zeros(2), z, [1, 1, 1])
    with pytest.raises(ValueError, match="there are no samples"):
        loss.value_and_gradients([], [])
    assert z.tolist() == [1, 2]
    assert loss.value_and_gradients([], [], reduction="sum")[2] == {"alpha": 0, "c": 0}
    assert loss.value_and_gradients(np.zeros(2), z, [0, 0], reduction="sum")[2] == {"alpha": 0, "c": 0}
