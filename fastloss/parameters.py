"""Checks of a loss's parameters: each returns the plain Python value or says what is wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def number(name: str, value: Any) -> float:
    """A number; it may be infinite or NaN."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {value!r}: expected a number") from None


def real(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    infinite: bool = False,
) -> float:
    """A finite number in an interval; or also, if it may be infinite, infinity."""
    x = number(name, value)
    below = x <= low if open_low else x < low
    above = x >= high if open_high else x > high
    if below or above or not (math.isfinite(x) or (infinite and x > 0)):
        raise ValueError(f"{name} is {value!r}: expected {_interval(low, high, open_low, open_high, infinite)}")
    return x


def _interval(low: float, high: float, open_low: bool, open_high: bool, infinite: bool) -> str:
    if infinite:
        return f"a number {'>' if open_low else '>='} {low:g}, or infinity"
    if low == -math.inf and high == math.inf:
        return "a finite number"
    if high == math.inf:
        return f"a finite number {'>' if open_low else '>='} {low:g}"
    return f"a number in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    return real(name, value, 0.0, open_low=True)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}: expected True or False")
    return bool(value)


def choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}: expected one of {', '.join(map(repr, choices))}")
    return choices[choices.index(value)]


def weights(name: str, value: Any) -> tuple[float, ...] | None:
    """None, or one finite non-negative factor per class."""
    if value is None:
        return None
    if isinstance(value, dict):
        if set(value) != set(range(len(value))):
            raise ValueError(f"{name} has keys {list(value)}: expected the class indices 0..{len(value) - 1}")
        value = [value[k] for k in range(len(value))]
    try:
        if isinstance(value, (str, bytes, set, frozenset)):
            raise TypeError
        factors = tuple(float(x) for x in value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}: expected one number per class") from None
    for k, factor in enumerate(factors):
        if not (math.isfinite(factor) and factor >= 0):
            raise ValueError(f"{name}[{k}] is {factor}: expected a finite number >= 0")
    if not factors:
        raise ValueError(f"{name} is empty: expected one number per class")
    return factors


def index(name: str, value: Any) -> int | None:
    """None, or an integer."""
    if value is None:
        return None
    try:
        number = int(value.__index__())
    except AttributeError:
        raise TypeError(f"{name} is {value!r}: expected an integer or None") from None
    if not -(2**63) < number < 2**63:  # -2^63 is what a NaN label becomes as an integer
        raise ValueError(f"{name} is {value!r}: expected an integer between -2**63 and 2**63, both excluded")
    return number
