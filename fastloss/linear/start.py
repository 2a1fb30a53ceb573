"""Where a solver starts: at a constant, or at the solution for a sample of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.line_search import Point
    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.solution import Report, Solution

    Descend = Callable[[LinearProblem, Progress, NDArray[Any], float, NDArray[Any]], None]

# A sample has so many rows, and so many per parameter: its solution is then off by a few hundredths of what theta says.
ROWS, ROWS_PER_PARAMETER = 5_000, 10
# For a constant, which is only where to start, so many will do.
ROWS_OF_CONSTANT = 500
# Of large data it is this share, whose solution takes a small part of the time that it saves.
SHARE = 32


def sample(problem: LinearProblem, size: int) -> LinearProblem:
    """The same problem on `size` rows of weight, one drawn from each of as many stretches of the data.

    Always the same rows, so that a fit can be repeated; from all stretches, so that sorted data do no harm.
    """
    rows = np.arange(problem.n_samples) if problem.sample_weight is None else np.flatnonzero(problem.sample_weight)
    if size >= len(rows):
        return problem
    edges = np.linspace(0, len(rows), size + 1).astype(np.intp)
    chosen = rows[edges[:-1] + (np.random.default_rng(0).random(size) * np.diff(edges)).astype(np.intp)]
    return problem.subset(chosen)


def enough(problem: LinearProblem) -> int:
    """Rows that tell about all parameters."""
    return max(ROWS, ROWS_PER_PARAMETER * int(np.prod(problem.shape)))


def origin(problem: LinearProblem) -> NDArray[Any]:
    """No coefficients, and for intercept the constant of least loss, where one is known and finite."""
    theta = np.zeros(problem.shape)
    if problem.fit_intercept:
        few = sample(problem, ROWS_OF_CONSTANT)
        try:
            constant = few.loss.optimum(few.y, few.sample_weight)
        except ValueError:  # a sum of losses over classes; or of the sampled labels all are ignored
            return theta
        if np.shape(constant) == problem.shape[1:] and np.isfinite(constant).all():
            theta[-1] = constant
    return theta


def solve_from(
    problem: LinearProblem,
    start: NDArray[Any] | None,
    descend: Descend,
    tol: float,
    max_iter: int,
    report: Report | None,
) -> Solution:
    """Where `descend` leads to from where `begin` begins."""
    progress = Progress(problem, tol, max_iter, report)
    with progress, np.errstate(over="ignore", invalid="ignore"):  # a step too far is taken back
        descend(problem, progress, *begin(problem, progress, start, descend))
    return progress.solution()


def begin(problem: LinearProblem, progress: Progress, start: NDArray[Any] | None, descend: Descend) -> Point:
    """The given start; without one, what `descend` makes of a sample of the rows, if that is better than a constant.

    The sample is solved from a sample of its own, and no further than to what it knows about the whole. A few
    iterations over all rows are left.
    """
    theta = origin(problem) if start is None else np.array(start, dtype=np.float64).reshape(problem.shape)
    value, gradient = problem.value_and_gradient(theta)
    objective, gap = progress.see(theta, value, gradient)
    size = max(enough(problem), problem.n_samples // SHARE)
    if start is not None or gap <= progress.tol or 2 * size > problem.n_samples:
        return theta, value, gradient
    few = sample(problem, size)
    known = Progress(few, max(progress.tol, 0.1 / float(np.sqrt(size))), progress.max_iter, None)
    descend(few, known, *begin(few, known, None, descend))
    there = known.theta
    assert there is not None
    with np.errstate(over="ignore", invalid="ignore"):
        reached, slope = problem.value_and_gradient(there)
    if reached + problem.absolute(there) < objective:
        return there, reached, slope
    return theta, value, gradient
