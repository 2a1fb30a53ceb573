"""Primal-dual interior points: the way to the minimum of a sum of hinges, and a bound on what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.hinges import inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.hinges import HingeSum

# A step ends at this share of the way to where a variable would be 0.
SHORT_OF_THE_BOUNDARY = 0.9995
# Distances from kinks of this share of the numbers' own size are none.
AT_KINKS = 1e-9
# Slopes are in balance when what is missing is this share of their distance from their bounds.
BALANCED, MOST_BALANCINGS = 1e-9, 4
# On a diagonal of ones, so much more than rounding makes a semidefinite matrix definite.
LIFT = 1e-14


class CentralPath:
    """A point inside the primal and the dual feasible set, and its way to the minimum.

    A hinge's distance x = line - place is above - below, both positive; its slope is `lower`, what is left of its
    rise `upper`. At the minimum lower * below = 0 = upper * above, and the slopes balance: their sum in theta is 0.
    A step is Newton's for these equations with mu for 0: a predictor with mu = 0 tells how small mu may be, the
    corrector goes there and accounts for the products of changes that Newton's method leaves out [1]_, [2]_. Both
    solve a system with the same matrix, X^T diag X: the passes over X are that matrix and four products with a vector.

    Parameters
    ----------
    hinges : HingeSum
    theta : ndarray
        Where to start: anywhere.

    References
    ----------
    .. [1] S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM J. Optim. 2 (1992).
       https://doi.org/10.1137/0802028
    .. [2] S. Portnoy, R. Koenker, "The Gaussian hare and the Laplacian tortoise", Stat. Sci. 12 (1997).
       https://doi.org/10.1214/ss/1030037960
    """

    def __init__(self, hinges: HingeSum, theta: NDArray[Any]) -> None:
        self.hinges, self.theta = hinges, theta
        self.x = hinges.lines(theta) - hinges.places
        # Slopes in the middle, and inside by half the mean distance: of the starts tried on quantiles, tubes and
        # margins, cold and warm, the one that took the fewest steps.
        self.lower = hinges.rises / 2
        self.upper = self.lower.copy()
        inside, self.size = self.reach(), hinges.size(theta)
        # A start with all lines at their kinks says nothing of how far they will go from there.
        inside = (inside if inside > AT_KINKS * self.size else self.size or 1.0) / 2
        self.above, self.below = np.maximum(self.x, 0.0) + inside, np.maximum(-self.x, 0.0) + inside

    def value(self) -> float:
        """Of the sum of hinges."""
        return self.hinges.value(self.theta, self.x)

    def complementarity(self) -> float:
        """What is left to gain, where the slopes balance."""
        return inner(self.lower, self.below) + inner(self.upper, self.above)

    def reach(self) -> float:
        """How far lines are from their kinks, on average."""
        return inner(np.abs(self.x), self.hinges.rises) / float(self.hinges.rises.sum())

    def step(self) -> None:
        """One step of predictor and corrector."""
        hinges, lower, upper, above, below = self.hinges, self.lower, self.upper, self.above, self.below
        here = self.complementarity()
        bend = 1 / (above / upper + below / lower)
        solve = factor(hinges.curvature(bend))
        ridge_slope = hinges.ridge * self.theta

        def direction(toward_below: Any, toward_above: Any) -> tuple[NDArray[Any], ...]:
            """Changes after which lower * below and upper * above have these values, to first order."""
            excess = self.x + toward_below / lower - toward_above / upper
            along = -solve(hinges.pull_back(lower + bend * excess) + ridge_slope)
            moved = hinges.lines(along)
            slope = bend * (moved + excess)
            d_below = (toward_below - below * slope) / lower - below
            d_above = (toward_above + above * slope) / upper - above
            return along, moved, slope, d_below, d_above

        _, _, slope, d_below, d_above = direction(0.0, 0.0)
        primal, dual = self._lengths(slope, d_below, d_above)
        there = inner(lower + dual * slope, below + primal * d_below)
        there += inner(upper - dual * slope, above + primal * d_above)
        mu = (there / here) ** 3 * here / (2 * len(lower))
        along, moved, slope, d_below, d_above = direction(mu - slope * d_below, mu + slope * d_above)
        primal, dual = self._lengths(slope, d_below, d_above)
        self.theta = self.theta + primal * along
        self.x = self.x + primal * moved
        self.above = above + primal * d_above
        self.below = below + primal * d_below
        self.lower = lower + dual * slope
        self.upper = upper - dual * slope

    def _lengths(self, slope: NDArray[Any], d_below: NDArray[Any], d_above: NDArray[Any]) -> tuple[float, float]:
        """How far distances and slopes may go. A ridge has both in one equation: then they go equally far."""
        primal = min(_length(self.below, d_below), _length(self.above, d_above))
        dual = min(_length(self.lower, slope), _length(self.upper, -slope))
        return (primal, dual) if not self.hinges.ridge.any() else (min(primal, dual),) * 2

    def certify(self) -> float:
        """Balance the slopes, and return a bound on what is left to gain: infinite if they cannot be balanced.

        Any slopes between their bounds that balance prove that F(theta) - min F is at most the sum of
        lower max(-x, 0) + upper max(x, 0), and of rest^2 / (2 ridge) for coefficients with a ridge, where `rest` is
        what their balance lacks. All terms are positive: nothing cancels. Where there is no ridge rounding leaves a
        rest too. Slopes that balance exactly are no further from these than kappa times the distance from the bounds,
        so that the sum is at most 1 + kappa times as large.
        """
        hinges = self.hinges
        self.x = hinges.lines(self.theta) - hinges.places  # without what the steps' roundings add up to
        lower, upper, rest, kappa = self._balanced(self.lower, self.upper)
        if kappa < 1:
            self.lower, self.upper = lower, upper
        else:  # rows that a plane separates from the others balance at their bounds only
            far = self.size * np.minimum(self.lower, self.upper) < hinges.rises * np.abs(self.x)
            lower = np.where(far, np.where(self.x > 0, hinges.rises, 0.0), self.lower)
            upper = np.where(far, hinges.rises - lower, self.upper)
            lower, upper, rest, kappa = self._balanced(lower, upper)
        if not kappa < 1:
            return np.inf
        left = inner(lower, np.maximum(-self.x, 0.0)) + inner(upper, np.maximum(self.x, 0.0))
        ridge = hinges.ridge > 0
        return (1 + kappa) * left + float((rest[ridge] ** 2 / hinges.ridge[ridge]).sum()) / 2

    def _balanced(
        self, lower: NDArray[Any], upper: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], float]:
        """Slopes in balance, what their balance lacks, and kappa: they are not in balance unless it is less than 1."""
        hinges = self.hinges
        for _ in range(MOST_BALANCINGS):
            room = np.minimum(lower, upper)
            rest = hinges.pull_back(lower) + hinges.ridge * self.theta
            share = hinges.lines(factor(hinges.curvature(room))(rest))
            kappa = float(np.abs(share).max())
            if not BALANCED <= kappa < 1:
                break
            lower, upper = lower - room * share, upper + room * share
        return lower, upper, rest, kappa


def _length(x: NDArray[Any], change: NDArray[Any]) -> float:
    """How much of a change keeps x positive, at most all of it."""
    most = float(np.max(-change / x))
    return min(1.0, SHORT_OF_THE_BOUNDARY / most) if most > 0 else 1.0


def factor(matrix: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What solves systems with a positive semidefinite matrix: Cholesky's factors, scaled to a diagonal of ones.

    The scale makes the units of columns and the range of the weights matter little. Columns that depend on each other
    leave a pivot of 0; a lifted diagonal makes it a small one, and a step of refinement takes its effect away. Raises
    LinAlgError where the matrix is not finite.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    scale = np.sqrt(np.diag(matrix))
    scale[scale == 0] = 1.0
    matrix = matrix / scale / scale[:, None]
    lift = LIFT
    while np.isfinite(matrix).all():
        try:
            factors = cho_factor(matrix + lift * np.eye(len(matrix)), lower=True, check_finite=False)
            break
        except LinAlgError:  # a pivot is not positive
            lift *= 100
    else:
        raise LinAlgError("the matrix is not finite")

    def solve(b: NDArray[Any]) -> NDArray[Any]:
        b = b / scale
        y = cho_solve(factors, b, check_finite=False)
        y += cho_solve(factors, b - matrix @ y, check_finite=False)
        result: NDArray[Any] = y / scale
        return result

    return solve
