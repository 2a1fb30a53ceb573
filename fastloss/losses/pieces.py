"""Pieces that several losses are made of, NumPy references above all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def float32_and_rest(x: Any) -> tuple[float, float]:
    """A parameter in two parts: either kernel has all of its digits."""
    first = np.float32(x)
    return float(first), float(x - np.longdouble(first))


def in_both_types(factors: tuple[float, ...] | None) -> Any:
    """Factors per class as the kernels of either type read them."""
    return None if factors is None else (np.array(factors, np.float32), np.array(factors, np.float64))


def nan_like(x: Any, value: Any) -> Any:
    """`value` in the dtype of `x`, and NaN where `x` is NaN: a constant derivative must not hide one."""
    return np.where(np.isnan(x), x, np.asarray(value, dtype=x.dtype))


def xlogy(x: Any, y: Any) -> Any:
    """x log y, and 0 for x = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, nan_like(y, 0), x * np.log(y))


def focal_bend_at_one(gamma: float) -> float:
    """The second derivative of (1 - p)^gamma log(1/p) as p goes to 1."""
    if gamma > 1:
        return 0.0
    return 2.0 if gamma == 1 else 1.0 if gamma == 0 else math.inf


def erf(x: Any) -> Any:
    """The error function: up to 2 a series of positive terms, from there 1 less a continued fraction."""
    a = np.abs(x)
    square, root_pi = a * a, np.sqrt(4 * np.arctan(a.dtype.type(1)))
    with np.errstate(all="ignore"):
        series = term = np.ones_like(a)
        for k in range(1, 40):
            term = term * 2 * np.minimum(square, 4) / (2 * k + 1)
            series = series + term
        fraction = a
        for k in range(60, 0, -1):
            fraction = a + k / (2 * fraction)
        near, far = 2 * a * series / root_pi, 1 / (fraction * root_pi)
        return np.copysign(np.where(a < 2, np.exp(-square) * near, 1 - np.exp(-square) * far), x)


def product(q: Any, log_p: Any) -> Any:
    """q log p, and 0 where q is 0, though log p may be infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(q == 0, nan_like(log_p, 0), q * log_p)


def log1p_excess(x: Any) -> Any:
    """x - log1p(x) for x >= 0, by its series where that cancels."""
    near = np.minimum(x, 0.125)
    series = sum((-1) ** k * near ** (k - 2) / k for k in range(2, 24)) * near * near
    with np.errstate(invalid="ignore"):
        return np.where(x < 0.125, series, np.where(np.isinf(x), x, x - np.log1p(x)))


def expm1_excess(x: Any) -> Any:
    """expm1(x) - x, by its series where that cancels."""
    near = np.clip(x, -0.5, 0.5)
    series = sum(near ** (k - 2) / x.dtype.type(math.factorial(k)) for k in range(2, 22)) * near * near
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.where(np.abs(x) < 0.5, series, np.where(x == np.inf, x, np.expm1(x) - x))


def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z))."""
    with np.errstate(over="ignore", under="ignore"):
        return 1 / (1 + np.exp(-z))


def softplus(z: Any) -> Any:
    """log(1 + exp(z))."""
    return np.logaddexp(z.dtype.type(0), z)


def cross_entropy_of_score(negative: Any, positive: Any, z: Any) -> tuple[Any, Any, Any]:
    """negative softplus(z) + positive softplus(-z) with its derivatives; a side without weight adds nothing."""
    p, q = sigmoid(z), sigmoid(-z)
    with np.errstate(all="ignore"):
        value = product(negative, softplus(z)) + product(positive, softplus(-z))
        return value, negative * p - positive * q, (negative + positive) * p * q


def logistic_bound(z: Any) -> Any:
    """tanh(z/2)/(2z), the curvature of the parabola above softplus (Jaakkola & Jordan 2000); 1/4 at 0."""
    with np.errstate(all="ignore"):
        return np.where(z == 0, 0.25, np.tanh(z / 2) / (2 * z))


def log_softmax(z: Any) -> Any:
    """Row-wise log-probabilities; scores equal to the maximum, infinite ones too, share the mass."""
    top = z.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        d = np.where(z == top, 0, z - top)
        rest = np.where(z == top, 0, np.exp(d)).sum(axis=-1, keepdims=True)
        ties = (z == top).sum(axis=-1, keepdims=True).astype(z.dtype)
        return d - np.log1p(rest + (ties - 1))


def complement(p: Any) -> Any:
    """1 - p of a softmax, by summing the others: 1 - p itself has no digits left where p is near 1."""
    lead = np.arange(p.shape[-1]) == p.argmax(axis=-1)[..., None]
    others = np.where(lead, 0, p).sum(axis=-1, keepdims=True)
    return np.where(lead, others, 1 - p)
