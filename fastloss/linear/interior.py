"""An interior-point method for losses with kinks, whose answer comes with a bound on what is left to gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.hinges import HingeSum
from fastloss.linear.problem import LinearProblem
from fastloss.linear.solution import Solution

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.solution import Report

# A step ends this share of the way to where a variable would be 0.
SHORT_OF_THE_BOUNDARY = 0.9995


class _Path:
    """The way to the minimum of a sum of hinges, through the interior of the primal and of the dual feasible set.

    A hinge's distance x = line - place is above - below, both positive; its slope is lower, what is left of the rise
    upper. At the minimum lower * below = upper * above = 0, and all slopes balance. Newton's method is applied to
    these equations with mu for 0, and mu goes to 0 (Mehrotra's predictor and corrector). A step solves two systems
    with one matrix, a weighted X^T X.
    """

    def __init__(self, hinges: HingeSum, theta: NDArray[Any]) -> None:
        self.hinges, self.theta = hinges, theta
        self.x = hinges.lines(theta) - hinges.places
        # Slopes in the middle, and off the boundary by half the mean distance: the start that took the fewest steps,
        # cold or warm, of those tried on quantiles, tubes and margins.
        self.lower = hinges.rises / 2
        self.upper = self.lower.copy()
        off = float(hinges.rises @ np.abs(self.x)) / float(hinges.rises.sum()) / 2
        off = max(off, np.finfo(np.float64).eps * float(np.abs(hinges.places).max(initial=0.0)), 1e-300)
        self.above, self.below = np.maximum(self.x, 0.0) + off, np.maximum(-self.x, 0.0) + off
        self.has_ridge = bool(hinges.ridge.any())

    def complementarity(self) -> float:
        """The gap, once the slopes balance."""
        return float(self.lower @ self.below + self.upper @ self.above)

    def value(self) -> float:
        return self.hinges.value(self.theta, self.x)

    def step(self) -> None:
        """One step of predictor and corrector."""
        hinges, lower, upper, above, below, x = (
            self.hinges, self.lower, self.upper, self.above, self.below, self.x,
        )
        gap = self.complementarity()
        mu = gap / (2 * len(x))
        bend = 1 / (above / upper + below / lower)
        solve = _factor(hinges.curvature(bend))
        ridge_slope = hinges.ridge * self.theta

        def direction(towards_below: Any, towards_above: Any) -> tuple[NDArray[Any], ...]:
            """Newton's step to where lower * below and upper * above have these values."""
            pull = x + towards_below / lower - towards_above / upper
            along = -solve(hinges.pull_back(lower + bend * pull) + ridge_slope)
            moved = hinges.lines(along)
            change = bend * (moved + pull)
            change_below = (towards_below - below * change) / lower - below
            change_above = (towards_above + above * change) / upper - above
            return along, moved, change, change_below, change_above

        _, _, change, change_below, change_above = direction(0.0, 0.0)
        primal, dual = self._lengths(change, change_below, change_above)
        left = float((lower + dual * change) @ (below + primal * change_below))
        left += float((upper - dual * change) @ (above + primal * change_above))
        centre = (left / gap) ** 3 * mu
        along, moved, change, change_below, change_above = direction(
            centre - change * change_below, centre + change * change_above
        )
        primal, dual = self._lengths(change, change_below, change_above)
        self.theta = self.theta + primal * along
        self.x = x + primal * moved
        above += primal * change_above
        below += primal * change_below
        lower += dual * change
        upper -= dual * change

    def _lengths(self, change: Any, change_below: Any, change_above: Any) -> tuple[float, float]:
        """How far theta and the slopes may go; a ridge ties them together."""
        primal = min(_length(self.below, change_below), _length(self.above, change_above))
        dual = min(_length(self.lower, change), _length(self.upper, -change))
        return (min(primal, dual),) * 2 if self.has_ridge else (primal, dual)

    def certify(self) -> float:
        """Move the slopes to where they balance, and return a bound on what is left to gain.

        Slopes between their bounds that balance have F(theta) - min F at most sum lower max(-x, 0) + upper max(x, 0),
        plus what the ridge leaves: a sum of positive terms, without cancellation. Balance is up to rounding; what
        would be needed to make it perfect is some factor kappa times the slopes' distance from their bounds, and adds
        at most kappa times that sum.
        """
        hinges = self.hinges
        for _ in range(4):
            room = np.minimum(self.lower, self.upper)
            rest = hinges.pull_back(self.lower) + hinges.ridge * self.theta
            needed = hinges.lines(_factor(hinges.curvature(room))(rest))
            kappa = float(np.abs(needed).max(initial=0.0))
            if not kappa < 1:
                return np.inf
            if kappa < 1e-9:
                break
            self.lower -= room * needed
            self.upper += room * needed
        ridge = hinges.ridge > 0
        left = float(self.lower @ np.maximum(-self.x, 0.0) + self.upper @ np.maximum(self.x, 0.0))
        return (1 + kappa) * left + float((rest[ridge] ** 2 / hinges.ridge[ridge]).sum()) / 2


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 500,
    report: Report | None = None,
) -> Solution:
    """Minimise F."""
    theta = origin(problem) if start is None else np.array(start, dtype=np.float64).reshape(problem.shape)
    if problem.dtype != np.float64:
        problem = _in_float64(problem)
    course = _Course(problem, tol, max_iter, report)
    course.see(theta, 0.0)
    _descend(problem, HingeSum.of(problem), theta, course, tol)
    return course


class _Course:
    def __init__(self, problem, tol, max_iter, report):
        self.problem, self.tol, self.max_iter, self.report = problem, tol, max_iter, report
        self.n_iter = 0
    def see(self, theta, gap):
        self.theta, self.gap = theta, gap
        self.objective = self.problem.value(theta) + self.problem.absolute(theta)


def _follow(hinges, theta, offset, course, tol):
    path = _Path(hinges, theta)
    offset -= path.value()
    gap = np.inf
    n = 0
    while True:
        path.step()
        course.n_iter += 1
        n += 1
        objective = path.value() + offset
        if course.report: course.report(course.n_iter, objective, path.complementarity())
        if path.complementarity() <= tol * abs(objective):
            gap = path.certify()
            if gap <= tol * objective: break
        if course.n_iter > course.max_iter: break
    return path.theta, gap


def _descend(problem, hinges, theta, course, tol):
    """"""
    import time
    n, q = problem.n_samples, len(theta)
    size = int(SAMPLE * (n * n * q) ** (1 / 3))
    if 3 * size > n:
        value = problem.value(theta) + problem.absolute(theta)
        theta, gap = _follow(hinges, theta, value, course, tol)
        course.see(theta, gap)
        return theta
    few = sample(problem, size)
    t=time.perf_counter()
    theta = _descend(few, HingeSum.of(few), theta, course, max(tol, 0.1*q / size))
    print(n, size, 'sample', course.n_iter, time.perf_counter()-t)
    value = problem.value(theta) + problem.absolute(theta)
    x = hinges.lines(theta) - hinges.places
    distance = np.abs(x[:hinges.n_kinks*n]).reshape(hinges.n_kinks, n).min(0)
    m = int(SHARE * size)
    keep = np.flatnonzero(distance <= np.partition(distance, m)[m])
    while True:
        t=time.perf_counter()
        above = x > 0
        part = hinges.part(keep, above)
        theta, gap = _follow(part, theta, value, course, tol / 2)
        x2 = hinges.lines(theta) - hinges.places
        value = problem.value(theta) + problem.absolute(theta)
        wrong = ((x2 > 0) != above)[:hinges.n_kinks*n].reshape(hinges.n_kinks, n)
        wrong[:, keep] = False
        extra = float((hinges.rises[:hinges.n_kinks*n]*np.abs(x2[:hinges.n_kinks*n])).reshape(hinges.n_kinks,n)[wrong].sum())
        print(n, len(keep), 'wrong', wrong.sum(), extra, gap, value, course.n_iter, time.perf_counter()-t)
        if gap + extra <= tol * value: break
        moved = np.abs(x2 - x)
        bad = (np.abs(x2) < MOVE * np.sqrt(np.mean(moved**2)))[:hinges.n_kinks*n].reshape(hinges.n_kinks,n).any(0)
        bad |= wrong.any(0)
        bad[keep] = True
        keep = np.flatnonzero(bad)
        x = x2
    course.see(theta, gap + extra)
    return theta
MOVE = 1.0
SAMPLE, SHARE = 2.0, 1.2


def sample(problem, size):
    edges = np.linspace(0, problem.n_samples, size + 1).astype(np.intp)
    chosen = edges[:-1] + (np.random.default_rng(0).random(size) * np.diff(edges)).astype(np.intp)
    return problem.subset(chosen)


def origin(problem):
    theta = np.zeros(problem.shape)
    if problem.fit_intercept:
        few = problem if problem.n_samples <= 5000 else sample(problem, 5000)
        theta[-1] = few.loss.optimum(few.y, few.sample_weight)
    return theta


def _in_float64(problem: LinearProblem) -> LinearProblem:
    raise NotImplementedError


def _length(x: NDArray[Any], change: NDArray[Any]) -> float:
    most = float(np.max(-change / x, initial=0.0))
    return min(1.0, SHORT_OF_THE_BOUNDARY / most) if most > 0 else 1.0


def _factor(matrix: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What solves a system with a positive semidefinite matrix: Cholesky, of the matrix scaled to a diagonal of 1.

    Columns that depend on each other leave a pivot of 0. A diagonal that is larger by some roundings takes its place,
    and one step of refinement takes its effect away.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    scale = np.sqrt(np.diag(matrix))
    scale[scale == 0] = 1.0
    matrix = matrix / scale / scale[:, None]
    lift = 1e-14
    while True:
        try:
            factor = cho_factor(matrix + lift * np.eye(len(matrix)), lower=True, check_finite=True)
            break
        except LinAlgError:
            lift *= 100

    def solve(b: NDArray[Any]) -> NDArray[Any]:
        b = b / scale
        y = cho_solve(factor, b, check_finite=False)
        y += cho_solve(factor, b - matrix @ y, check_finite=False)
        return y / scale

    return solve
