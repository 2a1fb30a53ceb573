"""How far to go in a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Point = tuple[NDArray[Any], float, NDArray[Any]]  # theta, F without l1, its gradient

DECREASE, CURVATURE = 1e-4, 0.9  # of the conditions of Wolfe, as usual for quasi-Newton steps
TRIALS = 30


def wolfe(
    evaluate: Callable[[NDArray[Any]], tuple[float, NDArray[Any]]],
    theta: NDArray[Any],
    value: float,
    gradient: NDArray[Any],
    direction: NDArray[Any],
    noise: float,
) -> Point | None:
    """A point along `direction` where the value has fallen enough and the slope has risen enough.

    The step is bracketed, and in the bracket the slopes' secant is followed: of two values that differ by rounding
    they still tell which way is down. A value that is not finite is too far. Differences below `noise` pass for a
    decrease. The whole direction, a Newton step or nearly, is tried first.

    Returns
    -------
    tuple or None
        theta, value and gradient there; None if there is no such point within reach.
    """
    slope = float(np.vdot(gradient, direction))
    if not slope < 0:
        return None
    low, high, step = 0.0, np.inf, 1.0
    at_low, at_high = slope, np.nan
    for _ in range(TRIALS):
        there = theta + step * direction
        reached, g = evaluate(there)
        at = float(np.vdot(g, direction))
        if not reached <= value + DECREASE * step * slope + noise:
            if high < np.inf:  # the Illinois rule: where the slope far out is small, the secant comes nearer by tenths
                at_low /= 2
            high, at_high = step, at
        elif at < CURVATURE * slope:
            low, at_low = step, at
        else:
            return there, reached, g
        if high == np.inf:
            step *= 4
        else:
            share = at_low / (at_low - at_high) if np.isfinite(at_high) and at_high > 0 else 0.5
            step = low + (high - low) * min(max(share, 0.1), 0.9)
    return None
