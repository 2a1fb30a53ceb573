# ruff: noqa: E501  (tables: one case a line)
"""Write tables.json: values, gradients and Hessians of every loss at hard points, by mpmath with 50 digits or more.

    python tests/data/make_tables.py

The formulas are the definitions, written a third time: neither the C nor the NumPy references are asked. Points and
parameters are float32 numbers, so that both dtypes can be held against one table.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

mp.mp.dps = 60
DIGITS = 21  # more than longdouble holds

Point = tuple[Any, Any, Any]  # value, gradient, Hessian

MAGNITUDES = (
    1e-45,
    1e-38,
    1e-30,
    1e-10,
    1e-5,
    0.01,
    0.3,
    0.5,
    1,
    2.5,
    5,
    10,
    14.6,
    20,
    33.3,
    40,
    87,
    89,
    104,
    700,
    745,
    1e4,
    1e10,
    1e30,
)
SCORES = [0.0, -0.0, *(sign * x for x in MAGNITUDES for sign in (1, -1))]  # fmt: skip
MILD = [x for x in SCORES if abs(x) <= 745]  # of scores that an exponential meets
# exp of these is a normal number, or far outside the range, in either dtype: a subnormal factor has few digits to give
NORMAL = [x for x in MILD if abs(x) not in (89, 104, 745)]
PROBABILITIES = (0, 1e-45, 1e-38, 1e-30, 1e-10, 1e-3, 0.25, 0.5, 0.75, 1 - 2**-10, 1 - 2**-24, 1)
MEANS = (0, 1e-38, 1e-10, 0.01, 0.5, 1, 3, 100, 1e10, 1e30)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def softplus(z: Any) -> Any:
    return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))


def sign(x: Any) -> Any:
    return mp.sign(x)


def times(a: Any, b: Any) -> Any:
    """a b, and 0 for a = 0: nothing is lost on what has no weight."""
    return mp.mpf(0) if a == 0 else a * b


def over(a: Any, b: Any) -> Any:
    """a / b with the limits that a loss has at the ends of its domain."""
    return mp.mpf(0) if a == 0 else mp.inf * sign(a) if b == 0 else a / b


def log(x: Any) -> Any:
    return -mp.inf if x == 0 else mp.log(x)


# -- the losses: f(y, z, **parameters) -> value, gradient, Hessian -------------------------------------------------------


def squared_error(y: Any, z: Any) -> Point:
    return (z - y) ** 2, 2 * (z - y), 2


def half_squared_error(y: Any, z: Any) -> Point:
    return (z - y) ** 2 / 2, z - y, 1


def absolute_error(y: Any, z: Any) -> Point:
    return abs(z - y), sign(z - y), 0


def huber(y: Any, z: Any, delta: Any) -> Point:
    r = z - y
    return (r**2 / 2, r, 1) if abs(r) <= delta else (delta * (abs(r) - delta / 2), delta * sign(r), 0)


def smooth_l1(y: Any, z: Any, beta: Any) -> Point:
    r = z - y
    return (r**2 / 2 / beta, r / beta, 1 / beta) if abs(r) < beta else (abs(r) - beta / 2, sign(r), 0)


def log_cosh(y: Any, z: Any) -> Point:
    r = z - y
    if abs(r) > 1e5:
        return abs(r) - mp.log(2), sign(r), 0
    return mp.log1p(2 * mp.sinh(r / 2) ** 2), mp.tanh(r), mp.sech(r) ** 2


def quantile(y: Any, z: Any, quantile: Any) -> Point:
    u = y - z
    return max(quantile * u, (quantile - 1) * u), 0 if u == 0 else -quantile if u > 0 else 1 - quantile, 0


def pseudo_huber(y: Any, z: Any, delta: Any) -> Point:
    u = (z - y) / delta
    root = mp.sqrt(1 + u**2)
    return delta**2 * u**2 / (1 + root), (z - y) / root, root**-3


def expectile(y: Any, z: Any, expectile: Any) -> Point:
    w = 1 - expectile if z > y else expectile
    return w * (z - y) ** 2, 2 * w * (z - y), 2 * w


def epsilon_insensitive(y: Any, z: Any, epsilon: Any) -> Point:
    m = abs(z - y) - epsilon
    return max(0, m), sign(z - y) if m > 0 else 0, 0


def squared_epsilon_insensitive(y: Any, z: Any, epsilon: Any) -> Point:
    m = max(0, abs(z - y) - epsilon)
    return m**2, 2 * m * sign(z - y), 2 if m > 0 else 0


def fair(y: Any, z: Any, c: Any) -> Point:
    u = abs(z - y) / c
    return (
        c**2 * (u - mp.log1p(u)) if u > 1e-12 else c**2 * (u**2 / 2 - u**3 / 3 + u**4 / 4 - u**5 / 5),
        (z - y) / (1 + u),
        (1 + u) ** -2,
    )


def smooth_quantile(y: Any, z: Any, quantile: Any, width: Any) -> Point:
    x = (z - y) / width
    value = (1 - quantile) * softplus(x) + quantile * softplus(-x)
    gradient = (1 - quantile) * sigmoid(x) - quantile * sigmoid(-x)
    return width * value, gradient, sigmoid(x) * sigmoid(-x) / width


def lq(y: Any, z: Any, q: Any) -> Point:
    r, a = z - y, abs(z - y)
    hessian = q * (q - 1) * a ** (q - 2) if a or q >= 2 else mp.inf
    return a**q, q * a ** (q - 1) * sign(r), hessian


def linex(y: Any, z: Any, a: Any, b: Any) -> Point:
    x = a * (z - y)
    excess = mp.exp(x) - x - 1 if abs(x) > 1e-12 else x**2 / 2 + x**3 / 6 + x**4 / 24 + x**5 / 120
    return b * excess, a * b * mp.expm1(x), a**2 * b * mp.exp(x)


def squared_log_error(y: Any, z: Any) -> Point:
    d = mp.log1p(z) - mp.log1p(y)
    return d**2 / 2, d / (1 + z), (1 - d) / (1 + z) ** 2


def absolute_percentage_error(y: Any, z: Any, zero: str) -> Point:
    r, d = z - y, abs(y) if zero == "inf" else max(abs(y), mp.mpf(2) ** -52)
    return over(abs(r), d), over(sign(r), d), 0


def symmetric_absolute_percentage_error(y: Any, z: Any) -> Point:
    r, s = z - y, abs(y) + abs(z)
    if r == 0 or sign(y) * sign(z) <= 0:
        return 2 * over(abs(r), s), 0, 0
    return 2 * abs(r) / s, 4 * abs(y) * sign(r) / s**2, -8 * abs(y) * sign(r) * sign(z) / s**3


def wing(y: Any, z: Any, w: Any, epsilon: Any) -> Point:
    r, a = z - y, abs(z - y)
    if a < w:
        return w * mp.log1p(a / epsilon), sign(r) * w / (epsilon + a), -w / (epsilon + a) ** 2
    return a - w + w * mp.log1p(w / epsilon), sign(r), 0


def cauchy(y: Any, z: Any, c: Any) -> Point:
    q = ((z - y) / c) ** 2
    return c**2 * mp.log1p(q) / 2, (z - y) / (1 + q), (1 - q) / (1 + q) ** 2


def geman_mcclure(y: Any, z: Any, c: Any) -> Point:
    q = ((z - y) / c) ** 2
    return c**2 * q / (1 + q) / 2, (z - y) / (1 + q) ** 2, (1 - 3 * q) / (1 + q) ** 3


def welsch(y: Any, z: Any, c: Any) -> Point:
    q = ((z - y) / c) ** 2
    if q > 1e8:
        return c**2 / 2, 0, 0
    return -(c**2) * mp.expm1(-q) / 2, (z - y) * mp.exp(-q), (1 - 2 * q) * mp.exp(-q)


def tukey(y: Any, z: Any, c: Any) -> Point:
    q = ((z - y) / c) ** 2
    if q >= 1:
        return c**2 / 6, 0, 0
    return c**2 * (3 * q - 3 * q**2 + q**3) / 6, (z - y) * (1 - q) ** 2, (1 - q) * (1 - 5 * q)


def arctan(y: Any, z: Any, c: Any) -> Point:
    q = ((z - y) / c) ** 2
    return c**2 * mp.atan(q) / 2, (z - y) / (1 + q**2), (1 - 3 * q**2) / (1 + q**2) ** 2


def general_robust(y: Any, z: Any, alpha: Any, c: Any) -> Point:
    r = z - y
    u = (r / c) ** 2
    if alpha == -mp.inf:
        value, gradient, hessian = welsch(y, z, c * mp.sqrt(2))
        return value / c**2, gradient / c**2, hessian / c**2
    if alpha == 2:
        return u / 2, r / c**2, 1 / c**2
    b = abs(alpha - 2)
    L = mp.log1p(u / b)
    value = b * L / 2 if alpha == 0 else b / alpha * mp.expm1(alpha * L / 2)
    weight = mp.exp((alpha / 2 - 1) * L)
    return value, r / c**2 * weight, weight / c**2 * (1 + u * (alpha - 1) / b) / (1 + u / b)


@functools.cache
def log_partition(alpha: Any) -> Any:
    ends = [0, 0.1, 1, 10, 100, 10**4, 10**8, 10**16, mp.inf]
    return mp.log(2 * mp.quad(lambda x: mp.exp(-general_robust(mp.mpf(0), x, alpha, mp.mpf(1))[0]), ends))


def adaptive_robust(y: Any, z: Any, alpha: Any, c: Any) -> Point:
    value, gradient, hessian = general_robust(y, z, alpha, c)
    return value + mp.log(c) + log_partition(alpha), gradient, hessian


def poisson(y: Any, z: Any, link: str, full: bool) -> Point:
    constant = mp.loggamma(y + 1) if full else 0
    if link == "log":
        mu = mp.exp(z)
        return mu - y * z + constant, mu - y, mu
    return z - times(y, log(z)) + constant, 1 - over(y, z), over(over(y, z), z)


def gamma(y: Any, z: Any) -> Point:
    return z + y * mp.exp(-z), 1 - y * mp.exp(-z), y * mp.exp(-z)


def inverse_gaussian(y: Any, z: Any) -> Point:
    i = mp.exp(-z)
    return y * i**2 / 2 - i, i - y * i**2, 2 * y * i**2 - i


def tweedie(y: Any, z: Any, power: Any, link: str) -> Point:
    a, b = 1 - power, 2 - power
    if link == "log":
        A, B = mp.exp(a * z), mp.exp(b * z)
        return B / b - y * A / a, B - y * A, b * B - a * y * A
    return z**b / b - y * z**a / a, z**a - y * z ** (a - 1), a * z ** (a - 1) + power * y * z ** (a - 2)


def negative_binomial(y: Any, z: Any, theta: Any) -> Point:
    mu, x = mp.exp(z), z + mp.log(theta)
    value = softplus(x) / theta + y * (softplus(-x) + mp.log(theta))
    return value, (mu - y) / (1 + theta * mu), mu * (1 + theta * y) / (1 + theta * mu) ** 2


def gaussian_nll(y: Any, z: list[Any], full: bool) -> Point:
    m, s = z
    t, precision = (m - y) * mp.exp(-s), mp.exp(-2 * s)
    constant = mp.log(2 * mp.pi) / 2 if full else 0
    return s + t**2 / 2 + constant, [(m - y) * precision, 1 - t**2], [precision, 2 * t**2]


def gaussian_crps(y: Any, z: list[Any]) -> Point:
    m, s = z
    sigma, w = mp.exp(s), (y - m) * mp.exp(-s)
    density = mp.exp(-(w**2) / 2) / mp.sqrt(2 * mp.pi) if abs(w) < 1e3 else 0
    surplus = 2 * density - 1 / mp.sqrt(mp.pi)
    slope = mp.erf(w / mp.sqrt(2))
    return (
        (y - m) * slope + sigma * surplus,
        [-slope, sigma * surplus],
        [2 * density / sigma, sigma * (surplus + 2 * w**2 * density)],
    )


def binary_cross_entropy(y: Any, z: Any, from_logits: bool, pos_weight: Any, label_smoothing: Any, clip: Any) -> Point:
    t = y * (1 - label_smoothing) + label_smoothing / 2
    no, yes = 1 - t, pos_weight * t
    if from_logits:
        p, q = sigmoid(z), sigmoid(-z)
        return no * softplus(z) + yes * softplus(-z), no * p - yes * q, (no + yes) * p * q
    p = min(max(z, clip), 1 - clip)
    value = -times(no, log(1 - p)) - times(yes, log(p))
    if p != z:
        return value, 0, 0
    return value, over(no, 1 - p) - over(yes, p), over(over(no, 1 - p), 1 - p) + over(over(yes, p), p)


def binary_focal(y: Any, z: Any, gamma: Any, alpha: Any, from_logits: bool) -> Point:
    s = 1 if y > 0 else -1
    a = 1 if alpha is None else alpha if y > 0 else 1 - alpha
    if from_logits:
        t, u, log_t = sigmoid(s * z), sigmoid(-s * z), -softplus(-s * z)
        power = u**gamma
        bend = gamma * u * log_t - gamma**2 * t * log_t + (2 * gamma + 1) * u
        return -a * power * log_t, a * s * power * (gamma * t * log_t - u), a * t * power * bend
    t = z if y > 0 else 1 - z

    def f(t: Any) -> Any:
        return -a * (1 - t) ** gamma * mp.log(t)

    return f(t), s * mp.diff(f, t), mp.diff(f, t, 2)  # at inner points: the table has no others


def hinge_embedding(y: Any, z: Any, margin: Any) -> Point:
    return (z, 1, 0) if y > 0 else (max(0, margin - z), -1 if z < margin else 0, 0)


def hinge(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    return max(0, 1 - s * z), -s if s * z < 1 else 0, 0


def squared_hinge(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    m = max(0, 1 - s * z)
    return m**2, -2 * s * m, 2 if s * z < 1 else 0


def smooth_hinge(y: Any, z: Any, delta: Any = 1) -> Point:
    s = 1 if y > 0 else -1
    m = max(0, 1 - s * z)
    c = min(m, delta)
    return delta * c * (m - mp.mpf(c) / 2), -s * delta * c, delta if 0 < m <= delta else 0


def modified_huber(y: Any, z: Any) -> Point:
    return smooth_hinge(y, z, 2)


def perceptron(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    return max(0, -s * z), -s if s * z <= 0 else 0, 0


def exponential(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    return mp.exp(-s * z), -s * mp.exp(-s * z), mp.exp(-s * z)


def soft_margin(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    return softplus(-s * z), -s * sigmoid(-s * z), sigmoid(z) * sigmoid(-z)


def asymmetric_focal(y: Any, z: Any, gamma_pos: Any, gamma_neg: Any, margin: Any) -> Point:
    if y > 0:
        return binary_focal(y, z, gamma_pos, None, True)
    if margin == 0:
        return binary_focal(y, z, gamma_neg, None, True)
    q, rest, tu, g = sigmoid(z) - margin, sigmoid(-z) + margin, sigmoid(z) * sigmoid(-z), gamma_neg
    if q <= 0:
        return 0, 0, 0
    ell = -mp.log(rest)
    first = g * q ** (g - 1) * ell + q**g / rest
    second = g * (g - 1) * q ** (g - 2) * ell + 2 * g * q ** (g - 1) / rest + q**g / rest**2
    return q**g * ell, first * tu, second * tu**2 + first * tu * (sigmoid(-z) - sigmoid(z))


def brier(y: Any, z: Any, from_logits: bool) -> Point:
    if not from_logits:
        return squared_error(y, z)
    p, q = sigmoid(z), sigmoid(-z)
    d = (1 - y) * p - y * q
    return d**2, 2 * d * p * q, 2 * p * q * (p * q + d * (q - p))


def gan_discriminator(y: Any, z: Any, kind: str) -> Point:
    if kind == "least_squares":
        return half_squared_error(y, z)
    if kind == "hinge":
        return hinge(y, z)
    s = 1 if y > 0 else -1
    return (-s * z, -s, 0) if kind == "wasserstein" else soft_margin(y, z)


def gan_generator(y: Any, z: Any, kind: str) -> Point:
    if kind == "minimax":
        return -softplus(z), -sigmoid(z), -sigmoid(z) * sigmoid(-z)
    return gan_discriminator(y, z, "wasserstein" if kind == "hinge" else kind)


def softmax(q: list[Any], z: list[Any], z_loss: Any = 0) -> Point:
    """sum_k q_k (lse - z_k) + z_loss lse^2."""
    top, total = max(z), sum(q)
    e = [mp.exp(x - top) for x in z]
    at = z.index(top)
    log_sum = mp.log1p(sum(e[:at] + e[at + 1 :]))  # log(sum(e)) would lose what is below 1e-60
    lse = top + log_sum
    p = [x / sum(e) for x in e]
    value = sum(times(a, log_sum + (top - x)) for a, x in zip(q, z, strict=True)) + z_loss * lse**2
    others = [sum(e[:k] + e[k + 1 :]) / sum(e) for k in range(len(e))]
    slopes = [(total - b) - total * c if a > 0.5 else total * a - b for a, b, c in zip(p, q, others, strict=True)]
    gradient = [slope + 2 * z_loss * lse * a for slope, a in zip(slopes, p, strict=True)]
    return (
        value,
        gradient,
        [a * c * (total + 2 * z_loss * lse) + 2 * z_loss * a * a for a, c in zip(p, others, strict=True)],
    )


def cross_entropy(
    t: list[Any], z: list[Any], from_logits: bool, class_weight: Any, label_smoothing: Any, z_loss: Any
) -> Point:
    K = len(z)
    q = [x * (1 - label_smoothing) + label_smoothing / K for x in t]
    if class_weight is not None:
        q = [a * mp.mpf(c) for a, c in zip(q, class_weight, strict=True)]
    if from_logits:
        return softmax(q, z, z_loss)
    pairs = list(zip(q, z, strict=True))
    return (
        -sum(times(a, log(x)) for a, x in pairs),
        [-over(a, x) for a, x in pairs],
        [over(over(a, x), x) for a, x in pairs],
    )


def sparse_categorical_cross_entropy(y: int, z: list[Any], ignore_index: int | None, **options: Any) -> Point:
    if y == ignore_index:
        return 0, [0] * len(z), [0] * len(z)
    return cross_entropy([mp.mpf(k == y) for k in range(len(z))], z, **options)


Term = Callable[[Any, Any], tuple[Any, Any, Any]]


def sum_of_terms(term: Term, t: list[Any], z: list[Any], from_logits: bool, z_loss: Any = 0) -> Point:
    """sum_k f(t_k, p_k) of a term that gives f, f' and f''."""
    K = len(z)
    with mp.workdps(mp.mp.dps + 200):
        top = max(z)
        e = [mp.exp(x - top) for x in z]
        p = [x / sum(e) for x in e] if from_logits else [mp.mpf(x) for x in z]
        lse = top + mp.log(sum(e)) if z_loss else mp.mpf(0)
        values, first, second = ([*x] for x in zip(*(term(x, y) for x, y in zip(t, p, strict=True)), strict=True))
        if not from_logits:
            return sum(values), first, second
        gradient, hessian = [], []
        for j in range(K):
            slopes = [p[k] * ((k == j) - p[j]) for k in range(K)]
            bends = [slopes[k] * ((k == j) - p[j]) - p[k] * p[j] * (1 - p[j]) for k in range(K)]
            penalty = 2 * mp.mpf(z_loss)
            gradient.append(sum(f * s for f, s in zip(first, slopes, strict=True)) + penalty * lse * p[j])
            hessian.append(
                sum(s * x * x + f * y for f, s, x, y in zip(first, second, slopes, bends, strict=True))
                + penalty * (p[j] ** 2 + lse * p[j] * (1 - p[j]))
            )
        return sum(values) + mp.mpf(z_loss) * lse**2, gradient, hessian


def target_row(y: Any, K: int, label_smoothing: Any, class_weight: Any = None) -> list[Any]:
    """The smoothed, weighted row of targets that a label or a row stands for."""
    row = [mp.mpf(k == y) for k in range(K)] if isinstance(y, int) else [mp.mpf(x) for x in y]
    a = mp.mpf(label_smoothing)
    return [mp.mpf(c) * (x * (1 - a) + a / K) for c, x in zip(class_weight or [1] * K, row, strict=True)]


def of_true_class(
    phi: Callable[[Any], Any],
    y: Any,
    z: list[Any],
    from_logits: bool,
    class_weight: Any,
    ignore_index: int | None,
    label_smoothing: Any = 0,
    z_loss: Any = 0,
) -> Point:
    """sum_k t_k phi(p_k), derivatives by differences, for which 200 digits more are taken."""
    if y == ignore_index:
        return 0, [0] * len(z), [0] * len(z)

    def term(t: Any, p: Any) -> tuple[Any, Any, Any]:
        if t == 0:  # which nothing is multiplied by
            return mp.mpf(0), mp.mpf(0), mp.mpf(0)
        v, step = phi(p), p * (1 - p) * mp.mpf(10) ** -(mp.mp.dps // 4)
        above, below = phi(p + step), phi(p - step)
        return t * v, t * (above - below) / (2 * step), t * (above - 2 * v + below) / step**2

    t = target_row(y, len(z), label_smoothing, class_weight)
    return sum_of_terms(term, t, z, from_logits, z_loss)


def categorical_brier(y: Any, z: list[Any], from_logits: bool, label_smoothing: Any, ignore_index: int | None) -> Point:
    if y == ignore_index:
        return 0, [0] * len(z), [0] * len(z)
    t = target_row(y, len(z), label_smoothing)
    return sum_of_terms(lambda t, p: ((p - t) ** 2, 2 * (p - t), mp.mpf(2)), t, z, from_logits)


def categorical_focal(y: int, z: list[Any], gamma: Any, alpha: Any, **options: Any) -> Point:
    return of_true_class(lambda p: -(alpha or 1) * (1 - p) ** mp.mpf(gamma) * mp.log(p), y, z, **options)


def generalized_cross_entropy(y: int, z: list[Any], q: Any, **options: Any) -> Point:
    return of_true_class(lambda p: (1 - p ** mp.mpf(q)) / mp.mpf(q), y, z, **options)


def poly1(y: int, z: list[Any], epsilon: Any, **options: Any) -> Point:
    return of_true_class(lambda p: -mp.log(p) + mp.mpf(epsilon) * (1 - p), y, z, **options)


def negative_log_likelihood(
    y: int, z: list[Any], class_weight: Any, label_smoothing: Any, ignore_index: int | None
) -> Point:
    K = len(z)
    weights = class_weight or [1] * K
    q = [
        ((k == y) * (1 - label_smoothing) + label_smoothing / K) * mp.mpf(weights[k]) * (y != ignore_index)
        for k in range(K)
    ]
    return -sum(times(a, x) for a, x in zip(q, z, strict=True)), [-a for a in q], [0] * K


def weighted(y: int, value: Any, gradient: list[Any], hessian: list[Any], class_weight: Any, ignored: Any) -> Point:
    """A row's results times the weight of its label."""
    c = 0 if y == ignored else mp.mpf((class_weight or [1] * len(gradient))[y])
    return c * value, [c * x for x in gradient], [c * x for x in hessian]


def multi_margin(y: int, z: list[Any], p: int, margin: Any, class_weight: Any, ignore_index: int | None) -> Point:
    K = len(z)
    inside = [max(0, margin + x - z[y]) * (k != y) for k, x in enumerate(z)]
    slopes = [mp.mpf(m > 0) * (1 if p == 1 else 2 * m) / K for m in inside]
    bends = [mp.mpf(m > 0) * (p - 1) * 2 / K for m in inside]
    gradient = [-sum(slopes) if k == y else x for k, x in enumerate(slopes)]
    hessian = [sum(bends) if k == y else x for k, x in enumerate(bends)]
    return weighted(y, sum(m**p for m in inside) / K, gradient, hessian, class_weight, ignore_index)


def categorical_hinge(y: int, z: list[Any], margin: Any, class_weight: Any, ignore_index: int | None) -> Point:
    top = max(x for k, x in enumerate(z) if k != y)
    rival = next(k for k, x in enumerate(z) if k != y and x == top)
    m = max(0, margin + top - z[y])
    gradient = [((k == rival) - (k == y)) * mp.mpf(m > 0) for k in range(len(z))]
    return weighted(y, m, gradient, [0] * len(z), class_weight, ignore_index)


def multi_label_soft_margin(t: list[Any], z: list[Any], weight: Any) -> Point:
    K = len(z)
    parts = [binary_cross_entropy(y, x, True, 1, 0, 0) for y, x in zip(t, z, strict=True)]
    shares = [mp.mpf(c) / K for c in weight or [1] * K]
    value, gradient, hessian = ([c * part[i] for c, part in zip(shares, parts, strict=True)] for i in range(3))
    return sum(value), gradient, hessian


def multi_label_margin(t: list[Any], z: list[Any]) -> Point:
    K = len(z)
    pairs = [(j, i) for j in range(K) for i in range(K) if t[j] == 1 and t[i] == 0]
    inside = [(j, i) for j, i in pairs if 1 + z[i] - z[j] > 0]
    gradient = [mp.mpf(sum(i == k for _, i in inside) - sum(j == k for j, _ in inside)) / K for k in range(K)]
    return mp.mpf(sum(1 + z[i] - z[j] for j, i in inside)) / K, gradient, [0] * K


def kl_divergence(t: list[Any], z: list[Any], from_logits: bool, from_log_probabilities: bool) -> Point:
    negative_entropy = sum(times(x, log(x)) for x in t)
    if from_logits:
        value, gradient, hessian = softmax(t, z)
        return value + negative_entropy, gradient, hessian
    if from_log_probabilities:
        return negative_entropy - sum(times(a, x) for a, x in zip(t, z, strict=True)), [-a for a in t], [0] * len(t)
    value, gradient, hessian = cross_entropy(t, z, False, None, 0, 0)
    return value + negative_entropy, gradient, hessian


def divergence(f: Callable[..., Any], slope: Callable[..., Any], bend: Callable[..., Any]) -> Callable[..., Point]:
    """sum_k f(t_k, p_k, p_k - t_k) of a row, from its derivatives f' and p f'' in p."""

    def function(t: list[Any], z: list[Any], from_logits: bool, from_log_probabilities: bool) -> Point:
        K = range(len(z))
        p = z if not from_log_probabilities else [mp.exp(x) for x in z]
        if from_logits:
            e = [mp.exp(x - max(z)) for x in z]
            p = [x / sum(e) for x in e]
        others = [sum(p[j] for j in K if j != k) for k in K]
        d = [(1 - t[k]) - others[k] if from_logits and p[k] > 0.5 else p[k] - t[k] for k in K]
        value, v, w = sum(map(f, t, p, d)), list(map(slope, t, p, d)), list(map(bend, t, p, d))
        if from_log_probabilities:
            return value, list(map(times, p, v)), [times(p[k], v[k] + w[k]) for k in K]
        if not from_logits:
            return value, v, list(map(over, w, p))

        def of_others(x: list[Any], k: int) -> Any:
            return sum(times(p[j], x[j]) for j in K if j != k)

        off = [v[k] if v[k] == mp.inf else times(others[k], v[k]) - of_others(v, k) for k in K]
        bent = [times(others[k] - p[k], off[k]) + others[k] ** 2 * w[k] + p[k] * of_others(w, k) for k in K]
        return value, list(map(times, p, off)), list(map(times, p, bent))

    function.__name__ = slope.__name__
    return function


def log_ratio(t: Any, p: Any, d: Any) -> Any:
    """log(p / t); 0 for a class that neither has."""
    return mp.mpf(0) if t == p == 0 else mp.inf if t == 0 else mp.log1p(d / t) if abs(d) < t / 2 else log(p / t)


def log_share(p: Any, t: Any, d: Any) -> Any:
    """log(p / m), m = (p + t)/2."""
    return -mp.inf if p == 0 else mp.log1p(d / (p + t)) if abs(d) < p else log(2 * p / (p + t))


def reverse_kl_term(t: Any, p: Any, d: Any) -> Any:
    return times(p, log_ratio(t, p, d))


def reverse_kl_divergence(t: Any, p: Any, d: Any) -> Any:
    return log_ratio(t, p, d) + (t + p > 0)


def jensen_shannon_term(t: Any, p: Any, d: Any) -> Any:
    return (times(t, log_share(t, p, -d)) + times(p, log_share(p, t, d))) / 2


def jensen_shannon(t: Any, p: Any, d: Any) -> Any:
    return (log_share(p, t, d) if t else mp.log(2)) / 2


def total_variation(t: Any, p: Any, d: Any) -> Any:
    return mp.sign(d) / mp.mpf(2)


REVERSE_KL = divergence(reverse_kl_term, reverse_kl_divergence, lambda t, p, d: int(t + p > 0))
JENSEN_SHANNON = divergence(jensen_shannon_term, jensen_shannon, lambda t, p, d: t / (t + p) / 2 if t else 0)
TOTAL_VARIATION = divergence(lambda t, p, d: abs(d) / 2, total_variation, lambda t, p, d: 0)


# -- the points ---------------------------------------------------------------------------------------------------------


def grid(ys: Iterable[float], zs: Iterable[float]) -> list[tuple[float, float]]:
    return [(float(np.float32(y)), float(np.float32(z))) for y in ys for z in zs]


RESIDUALS = grid((0, 1, -3.5), SCORES)
AT_ZERO = grid((0,), SCORES)  # the prediction is the residual
BINARY = grid((0, 1), SCORES)
SOFT = grid((0, 1, 0.125, 0.5), SCORES)
LOG_ROWS = [[-1, -2, -0.5, -104], [-1e-5, -40, -700, -1e4]]
ROW_SCORES = [
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [-1, 0.5, 20, 3],
    [-40, 0, -40, 40],
    [700, -700, 0, 1],
    [1e4, 1e4, 1e4 - 1, 0],
    [1e30, 0, -1e30, 5],
    [0.25, 0.25, -87, -104],
    [-1e-30, 1e-30, 0, -0.0],
    [5, 5, 5, -1e10],
]
ROW_PROBABILITIES = [
    [0.25] * 4,
    [0.5, 0.25, 0.125, 0.125],
    [1, 0, 0, 0],
    [0, 0.5, 0.5, 0],
    [1 - 2**-20, 2**-20, 0, 0],
    [2**-24, 0.5, 0.25, 0.25],
]
FINITE_ROW_SCORES = [row for row in ROW_SCORES if max(row) - min(row) < 150]  # no probability is 0 or 1 in 60 digits
INNER_PROBABILITIES = [row for row in ROW_PROBABILITIES if min(row) > 0 and max(row) < 1]
TARGET_ROWS = [[0, 0, 1, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0.125, 0.5, 0.25, 0.125]]  # fmt: skip


def rows(ys: Iterable[Any], zs: Iterable[list[float]]) -> list[tuple[Any, list[float]]]:
    ys = list(ys)
    return [(y, [float(np.float32(x)) for x in z]) for z in zs for y in ys]


LOG_ROWS = [[-1, -2, -0.5, -104], [-1e-5, -40, -700, -1e4]]
# With targets that rule out no class, which a p that underflows would not notice; and that no p ties with.
POSITIVE_ROWS, UNEVEN_ROWS = (
    [[0.25] * 4, [0.125, 0.5, 0.25, 0.125]],
    [[0, 0, 1, 0], [0.4375, 0.5625, 0, 0], [0.125, 0.5625, 0.125, 0.1875]],
)
DIVERGENCES = ((REVERSE_KL, POSITIVE_ROWS), (JENSEN_SHANNON, TARGET_ROWS), (TOTAL_VARIATION, UNEVEN_ROWS))
# Rows that differ by little, and by as much as 2^100; a class that neither has.
NEAR_ROWS = rows([[0.25] * 4], [[0.25 + x, 0.25 - x, 0.25, 0.25] for x in (2.0**-24, 2.0**-12, 2.0**-5)])
NEAR_ROWS += rows([[2.0**-130, 0.5, 0.5, 0]], [[0.5, 2.0**-140, 0.5, 0], [2.0**-131, 0.5, 0.5, 0]])


OUTPUT_ROWS = [[m, s] for m in (-0.3, 0, 5, 1e-38, 1e10, -1e30) for s in MILD]


def options(base: dict[str, Any], *changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**base, **change} for change in changes]


BCE = {"from_logits": True, "pos_weight": 1.0, "label_smoothing": 0.0, "clip": 0.0}
CE = {"from_logits": True, "class_weight": None, "label_smoothing": 0.0, "z_loss": 0.0}
TRUE_CLASS = {"from_logits": True, "class_weight": None, "ignore_index": None}
WEIGHTED = {"class_weight": [0.5, 2.0, 0.0, 1.25]}
MARGIN = {"margin": 1.0, "class_weight": None, "ignore_index": None}
LABEL_SETS = [[0, 0, 1, 0], [1, 0, 1, 1], [0, 1, 0, 1], [0] * 4, [1] * 4]
TABLES: list[tuple[Callable[..., Point], list[dict[str, Any]], list[Any]]] = [
    (squared_error, [{}], RESIDUALS),
    (half_squared_error, [{}], RESIDUALS),
    (absolute_error, [{}], RESIDUALS),
    (huber, [{"delta": 1.5}, {"delta": 2.0**-10}], RESIDUALS),
    (smooth_l1, [{"beta": 1.5}, {"beta": 2.0**-10}], RESIDUALS),
    (log_cosh, [{}], RESIDUALS),
    (quantile, [{"quantile": 0.5}, {"quantile": 0.875}], RESIDUALS),
    (pseudo_huber, [{"delta": 1.5}, {"delta": 2.0**-10}], RESIDUALS),
    (expectile, [{"expectile": 0.5}, {"expectile": 0.875}], RESIDUALS),
    (epsilon_insensitive, [{"epsilon": 0.25}, {"epsilon": 3.0}], RESIDUALS),
    (squared_epsilon_insensitive, [{"epsilon": 0.25}, {"epsilon": 3.0}], RESIDUALS),
    (fair, [{"c": 1.5}], RESIDUALS),
    (fair, [{"c": 2.0**-10}], AT_ZERO),
    (smooth_quantile, [{"quantile": 0.875, "width": 0.125}, {"quantile": 0.5, "width": 4.0}], grid((0, 1, -3.5), MILD)),
    (lq, [{"q": 1.5}, {"q": 1.25}], RESIDUALS),
    (lq, [{"q": 2.0}, {"q": 3.0}], AT_ZERO),
    (linex, [{"a": 1.0, "b": 1.0}, {"a": -0.25, "b": 3.0}], grid((0, 1, -3.5), NORMAL)),
    (squared_log_error, [{}], grid((0, 1, 1e4, -0.5), [z for z in SCORES if z >= 0] + [-1 + 2**-20, -0.75, -1e-10])),
    (absolute_percentage_error, [{"zero": "inf"}], RESIDUALS),
    (absolute_percentage_error, [{"zero": "epsilon"}], AT_ZERO),
    (symmetric_absolute_percentage_error, [{}], RESIDUALS),
    (wing, [{"w": 10.0, "epsilon": 2.0}], RESIDUALS),
    (wing, [{"w": 0.25, "epsilon": 3.0}], AT_ZERO),
    (cauchy, [{"c": 1.5}], RESIDUALS),
    (cauchy, [{"c": 2.0**-10}], AT_ZERO),
    (geman_mcclure, [{"c": 1.5}], RESIDUALS),
    (geman_mcclure, [{"c": 2.0**-10}], AT_ZERO),
    (welsch, [{"c": 1.75}], RESIDUALS),
    (welsch, [{"c": 2.0**-9}], AT_ZERO),
    (tukey, [{"c": 4.5}], RESIDUALS),
    (tukey, [{"c": 2.0**-10}], AT_ZERO),
    (arctan, [{"c": 1.5}], RESIDUALS),
    (arctan, [{"c": 2.0**-10}], AT_ZERO),
    (general_robust, [{"alpha": a, "c": 1.5} for a in (-float("inf"), -8.0, -2.0, 0.0, 2.0**-30, 0.5, 1.0, 1.75, 2 - 2.0**-40, 2.0, 4.0)], AT_ZERO),
    (adaptive_robust, [{"alpha": a, "c": 1.5} for a in (0.0, 1.0, 1.75)], AT_ZERO),
    (poisson, [{"link": "log", "full": False}, {"link": "log", "full": True}], grid((0, 1, 2.5, 7, 1000), MILD)),
    (poisson, [{"link": "identity", "full": False}], grid((0, 1, 2.5, 1000), MEANS)),
    (gamma, [{}], grid((1e-3, 1, 50), NORMAL)),
    (inverse_gaussian, [{}], grid((1e-3, 1, 50), NORMAL)),
    (tweedie, [{"power": p, "link": "log"} for p in (-1.0, 0.0, 1.5, 1.875, 3.0)], grid((1e-3, 1, 50), [z for z in NORMAL if abs(z) < 40 or abs(z) == 700])),
    (tweedie, [{"power": 1.5, "link": "log"}], grid((0,), [z for z in NORMAL if abs(z) < 40 or abs(z) == 700])),
    (tweedie, [{"power": p, "link": "identity"} for p in (-1.0, 0.0, 1.5, 1.875, 3.0)], grid((1e-3, 1, 50), (1e-8, 0.01, 0.5, 1, 3, 100, 1e8))),
    (negative_binomial, [{"theta": 1.0}, {"theta": 0.125}], grid((0, 1, 2.5, 1000), NORMAL)),
    (gaussian_nll, [{"full": False}], rows((0, 1), OUTPUT_ROWS)),
    (gaussian_nll, [{"full": True}], rows((0, 1), OUTPUT_ROWS[: len(MILD)])),
    (gaussian_crps, [{}], rows((0, 1), OUTPUT_ROWS)),
    (binary_cross_entropy, [BCE], SOFT),
    (binary_cross_entropy, options(BCE, {"pos_weight": 3.0}, {"label_smoothing": 2.0**-10}), BINARY),
    (binary_cross_entropy, options(BCE, {"from_logits": False}, {"from_logits": False, "clip": 2.0**-30}), grid((0, 1, 0.5), PROBABILITIES)),
    (binary_focal, [{"gamma": g, "alpha": None, "from_logits": True} for g in (0.0, 0.5, 1.0, 2.0, 3.5)], grid((0, 1), NORMAL)),
    (binary_focal, [{"gamma": 2.0, "alpha": 0.25, "from_logits": True}], grid((0, 1), NORMAL)),
    (binary_focal, [{"gamma": g, "alpha": None, "from_logits": False} for g in (0.5, 2.0)], grid((0, 1), [p for p in PROBABILITIES if 1e-20 < p < 1])),
    (hinge, [{}], BINARY),
    (hinge_embedding, [{"margin": 1.0}], BINARY),
    (squared_hinge, [{}], BINARY),
    (smooth_hinge, [{}], BINARY),
    (modified_huber, [{}], BINARY),
    (perceptron, [{}], BINARY),
    (exponential, [{}], grid((0, 1), NORMAL)),
    (soft_margin, [{}], grid((-1, 1), SCORES)),
    (asymmetric_focal, [{"gamma_pos": 1.0, "gamma_neg": 4.0, "margin": 0.0}, {"gamma_pos": 0.0, "gamma_neg": 2.5, "margin": 0.125}], grid((0, 1), NORMAL)),
    (brier, [{"from_logits": False}], grid((0, 1, 0.5), PROBABILITIES)),
    (brier, [{"from_logits": True}], SOFT),
    (gan_discriminator, [{"kind": kind} for kind in ("minimax", "least_squares", "hinge", "wasserstein")], BINARY),
    (gan_generator, [{"kind": kind} for kind in ("minimax", "non_saturating", "least_squares", "hinge")], grid((1,), SCORES)),
    (cross_entropy, options(CE, {}, {"label_smoothing": 0.125, **WEIGHTED}, {"z_loss": 0.125}), rows(TARGET_ROWS, ROW_SCORES)),
    (cross_entropy, options({**CE, "from_logits": False}, {}, WEIGHTED), rows(TARGET_ROWS, ROW_PROBABILITIES)),
    (sparse_categorical_cross_entropy, options({**CE, "ignore_index": 3}, {}, {"label_smoothing": 0.125, **WEIGHTED}), rows(range(4), ROW_SCORES)),
    (sparse_categorical_cross_entropy, options({**CE, "ignore_index": None, "from_logits": False}, {}), rows(range(4), ROW_PROBABILITIES)),
    (categorical_focal, options({**TRUE_CLASS, "gamma": 2.0, "alpha": None}, {}, {"gamma": 0.5, "alpha": 0.25}), rows(range(4), FINITE_ROW_SCORES)),
    (categorical_focal, options({**TRUE_CLASS, "gamma": 2.0, "alpha": None, "from_logits": False}, {}), rows(range(4), INNER_PROBABILITIES)),
    (generalized_cross_entropy, options({**TRUE_CLASS, "q": 0.75}, {}, WEIGHTED), rows(range(4), FINITE_ROW_SCORES)),
    (generalized_cross_entropy, options({**TRUE_CLASS, "q": 0.75, "from_logits": False}, {}), rows(range(4), INNER_PROBABILITIES)),
    (poly1, options({**TRUE_CLASS, "epsilon": 1.0}, {}, {"epsilon": -0.5}), rows(range(4), FINITE_ROW_SCORES)),
    (poly1, options({**TRUE_CLASS, "epsilon": 1.0, "from_logits": False}, {}), rows(range(4), INNER_PROBABILITIES)),
    (categorical_focal, options({**TRUE_CLASS, "gamma": 2.0, "alpha": None}, {}, {"label_smoothing": 0.125, **WEIGHTED}), rows(TARGET_ROWS, FINITE_ROW_SCORES)),
    (categorical_focal, options({**TRUE_CLASS, "gamma": 2.0, "alpha": None, "from_logits": False}, {}), rows(TARGET_ROWS, INNER_PROBABILITIES)),
    (generalized_cross_entropy, options({**TRUE_CLASS, "q": 0.75}, {"label_smoothing": 0.125}), rows(range(4), FINITE_ROW_SCORES)),
    (generalized_cross_entropy, options({**TRUE_CLASS, "q": 0.75, "from_logits": False}, {}), rows(TARGET_ROWS, INNER_PROBABILITIES)),
    (poly1, options({**TRUE_CLASS, "epsilon": 1.0}, {"z_loss": 0.125}), rows(range(4), FINITE_ROW_SCORES)),
    (poly1, options({**TRUE_CLASS, "epsilon": 1.0}, {"label_smoothing": 0.125, "z_loss": 0.125, **WEIGHTED}), rows(TARGET_ROWS, FINITE_ROW_SCORES)),
    *((categorical_brier, options({"from_logits": True, "label_smoothing": 0.0, "ignore_index": None}, {}, {"label_smoothing": 0.125}), rows(ys, FINITE_ROW_SCORES)) for ys in (range(4), TARGET_ROWS)),
    *((categorical_brier, options({"from_logits": False, "label_smoothing": 0.0, "ignore_index": None}, {}, {"label_smoothing": 0.125}), rows(ys, INNER_PROBABILITIES)) for ys in (range(4), TARGET_ROWS)),
    (negative_log_likelihood, options({"class_weight": None, "label_smoothing": 0.0, "ignore_index": 3}, {}, {"label_smoothing": 0.125, **WEIGHTED}), rows(range(4), LOG_ROWS)),
    (multi_margin, options({**MARGIN, "p": 1}, {}, {"p": 2}, {"p": 2, "margin": 0.25, "ignore_index": 3, **WEIGHTED}), rows(range(4), ROW_SCORES)),
    (categorical_hinge, options(MARGIN, {}, {"margin": 0.25, "ignore_index": 3, **WEIGHTED}), rows(range(4), ROW_SCORES)),
    (multi_label_soft_margin, [{"weight": None}, {"weight": WEIGHTED["class_weight"]}], rows([*LABEL_SETS, *TARGET_ROWS], ROW_SCORES)),
    (multi_label_margin, [{}], rows(LABEL_SETS, ROW_SCORES)),
    (kl_divergence, [{"from_logits": True, "from_log_probabilities": False}], rows(TARGET_ROWS, ROW_SCORES)),
    (kl_divergence, [{"from_logits": False, "from_log_probabilities": False}], rows(TARGET_ROWS, ROW_PROBABILITIES)),
    (kl_divergence, [{"from_logits": False, "from_log_probabilities": True}], rows(TARGET_ROWS, LOG_ROWS)),
    *((f, [{"from_logits": True, "from_log_probabilities": False}], rows(ts, ROW_SCORES)) for f, ts in DIVERGENCES),
    *((f, [{"from_logits": False, "from_log_probabilities": False}], rows(TARGET_ROWS, ROW_PROBABILITIES) + NEAR_ROWS) for f, _ in DIVERGENCES),
    *((f, [{"from_logits": False, "from_log_probabilities": True}], rows(ts, LOG_ROWS)) for f, ts in DIVERGENCES),
]  # fmt: skip
NAMES = {"cross_entropy": "categorical_cross_entropy"}


def exact(x: Any) -> Any:
    if isinstance(x, list):
        return [exact(item) for item in x]
    return mp.mpf(x) if isinstance(x, float) else x


def text(x: Any) -> Any:
    if isinstance(x, list):
        return [text(item) for item in x]
    return (
        mp.nstr(mp.mpf(x), DIGITS, min_fixed=0, max_fixed=0)
        if mp.isfinite(x) and x != 0
        else str(mp.nstr(mp.mpf(x), 1)).replace("+", "")
    )


def main() -> None:
    entries = []
    for function, parameter_sets, points in TABLES:
        for params in parameter_sets:
            exact_params = {
                key: x if isinstance(x, (bool, str, int, list, type(None))) else mp.mpf(x) for key, x in params.items()
            }
            found = [function(exact(y), exact(z), **exact_params) for y, z in points]
            entry = {
                "loss": NAMES.get(function.__name__, function.__name__),
                "params": params,
                "y": [p[0] for p in points],
                "z": [p[1] for p in points],
            }
            for i, quantity in enumerate(("value", "gradient", "exact")):
                entry[quantity] = [text(f[i]) for f in found]
            entries.append(json.dumps(entry, separators=(",", ":")))  # -Infinity is read back by Python
    path = Path(__file__).with_name("tables.json")
    path.write_text("[\n" + ",\n".join(entries) + "\n]\n")
    print(f"{path}: {len(entries)} tables, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
