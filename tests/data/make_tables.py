# ruff: noqa: E501  (tables: one case a line)
"""Write tables.json: values, gradients and Hessians of every loss at hard points, by mpmath with 50 digits or more.

    python tests/data/make_tables.py

The formulas are the definitions, written a third time: neither the C nor the NumPy references are asked. Points and
parameters are float32 numbers, so that both dtypes can be held against one table.
"""

from __future__ import annotations

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


def poisson(y: Any, z: Any, link: str, full: bool) -> Point:
    constant = mp.loggamma(y + 1) if full else 0
    if link == "log":
        mu = mp.exp(z)
        return mu - y * z + constant, mu - y, mu
    return z - times(y, log(z)) + constant, 1 - over(y, z), over(over(y, z), z)


def gamma(y: Any, z: Any) -> Point:
    return z + y * mp.exp(-z), 1 - y * mp.exp(-z), y * mp.exp(-z)


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


def hinge(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    return max(0, 1 - s * z), -s if s * z < 1 else 0, 0


def squared_hinge(y: Any, z: Any) -> Point:
    s = 1 if y > 0 else -1
    m = max(0, 1 - s * z)
    return m**2, -2 * s * m, 2 if s * z < 1 else 0


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


def kl_divergence(t: list[Any], z: list[Any], from_logits: bool, from_log_probabilities: bool) -> Point:
    negative_entropy = sum(times(x, log(x)) for x in t)
    if from_logits:
        value, gradient, hessian = softmax(t, z)
        return value + negative_entropy, gradient, hessian
    if from_log_probabilities:
        return negative_entropy - sum(times(a, x) for a, x in zip(t, z, strict=True)), [-a for a in t], [0] * len(t)
    value, gradient, hessian = cross_entropy(t, z, False, None, 0, 0)
    return value + negative_entropy, gradient, hessian


# -- the points ---------------------------------------------------------------------------------------------------------


def grid(ys: Iterable[float], zs: Iterable[float]) -> list[tuple[float, float]]:
    return [(float(np.float32(y)), float(np.float32(z))) for y in ys for z in zs]


RESIDUALS = grid((0, 1, -3.5), SCORES)
BINARY = grid((0, 1), SCORES)
SOFT = grid((0, 1, 0.125, 0.5), SCORES)
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
TARGET_ROWS = [[0, 0, 1, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0.125, 0.5, 0.25, 0.125]]  # fmt: skip


def rows(ys: Iterable[Any], zs: Iterable[list[float]]) -> list[tuple[Any, list[float]]]:
    ys = list(ys)
    return [(y, [float(np.float32(x)) for x in z]) for z in zs for y in ys]


OUTPUT_ROWS = [[m, s] for m in (-0.3, 0, 5, 1e-38, 1e10, -1e30) for s in MILD]


def options(base: dict[str, Any], *changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**base, **change} for change in changes]


BCE = {"from_logits": True, "pos_weight": 1.0, "label_smoothing": 0.0, "clip": 0.0}
CE = {"from_logits": True, "class_weight": None, "label_smoothing": 0.0, "z_loss": 0.0}
WEIGHTED = {"class_weight": [0.5, 2.0, 0.0, 1.25]}
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
    (poisson, [{"link": "log", "full": False}, {"link": "log", "full": True}], grid((0, 1, 2.5, 7, 1000), MILD)),
    (poisson, [{"link": "identity", "full": False}], grid((0, 1, 2.5, 1000), MEANS)),
    (gamma, [{}], grid((1e-3, 1, 50), NORMAL)),
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
    (squared_hinge, [{}], BINARY),
    (cross_entropy, options(CE, {}, {"label_smoothing": 0.125, **WEIGHTED}, {"z_loss": 0.125}), rows(TARGET_ROWS, ROW_SCORES)),
    (cross_entropy, options({**CE, "from_logits": False}, {}, WEIGHTED), rows(TARGET_ROWS, ROW_PROBABILITIES)),
    (sparse_categorical_cross_entropy, options({**CE, "ignore_index": 3}, {}, {"label_smoothing": 0.125, **WEIGHTED}), rows(range(4), ROW_SCORES)),
    (sparse_categorical_cross_entropy, options({**CE, "ignore_index": None, "from_logits": False}, {}), rows(range(4), ROW_PROBABILITIES)),
    (kl_divergence, [{"from_logits": True, "from_log_probabilities": False}], rows(TARGET_ROWS, ROW_SCORES)),
    (kl_divergence, [{"from_logits": False, "from_log_probabilities": False}], rows(TARGET_ROWS, ROW_PROBABILITIES)),
    (kl_divergence, [{"from_logits": False, "from_log_probabilities": True}], rows(TARGET_ROWS, [[-1, -2, -0.5, -104], [-1e-5, -40, -700, -1e4]])),
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
            entries.append(json.dumps(entry, separators=(",", ":")))
    path = Path(__file__).with_name("tables.json")
    path.write_text("[\n" + ",\n".join(entries) + "\n]\n")
    print(f"{path}: {len(entries)} tables, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
