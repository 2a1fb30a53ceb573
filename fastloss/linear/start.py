"""Where a solver starts: at a constant, at a convex fit, or at the solution for a sample of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.passes import uncentred
from fastloss.linear.problem import LinearProblem
from fastloss.linear.progress import Progress
from fastloss.losses.binary import Perceptron
from fastloss.losses.regression import AbsoluteError, PseudoHuber

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.line_search import Point
    from fastloss.linear.solution import Report, Solution
    from fastloss.loss import Loss

    Descend = Callable[[LinearProblem, Progress, NDArray[Any], float, NDArray[Any]], None]

# A sample has so many rows, and so many per parameter: its solution is then off by a few hundredths of what theta says.
ROWS, ROWS_PER_PARAMETER = 5_000, 10
# For a constant, which is only where to start, so many will do.
ROWS_OF_CONSTANT = 500
# Columns that lie so many of their standard deviations from 0, by so many rows, are moved.
FAR, ROWS_OF_CENTRE = 10.0, 1000
# A convex fit to start from has a gradient of at most this share of the largest slope of its loss.
START = 1e-3
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


def far_from_zero(problem: LinearProblem) -> NDArray[Any] | None:
    """Where the columns of X lie, if one can hardly be told from the intercept: so far from 0 for its spread.

    What solvers see of such columns is a mean, and their gradient is a small difference of large numbers. With the
    columns moved there, which changes the intercept and nothing else, they are as good as any.
    """
    if not problem.fit_intercept:
        return None
    X = sample(problem, ROWS_OF_CENTRE).X
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    squares = np.square(X - mean).mean(axis=0) if isinstance(X, np.ndarray) else X.multiply(X).mean(axis=0) - mean**2
    far = np.square(mean) > FAR**2 * np.asarray(squares).ravel()
    return np.where(far, mean, 0.0) if far.any() else None


def solve_from(
    problem: LinearProblem,
    start: NDArray[Any] | None,
    descend: Descend,
    tol: float,
    max_iter: int,
    report: Report | None,
) -> Solution:
    """Where `descend` leads to from where `begin` begins."""
    centre = far_from_zero(problem)
    if centre is not None:
        problem = problem.centred(centre)
        start = None if start is None else uncentred(start, -centre)
    progress = Progress(problem, tol, max_iter, report)
    with np.errstate(over="ignore", invalid="ignore"), progress:  # a step too far is taken back
        descend(problem, progress, *begin(problem, progress, start, descend))
    solution = progress.solution()
    return solution if centre is None else solution._replace(theta=uncentred(solution.theta, centre))


def starts_at_its_minimum(loss: Loss) -> bool:
    """Whether coefficients of 0 are least, and no answer: of the perceptron, which learns on the way."""
    return isinstance(loss, Perceptron)


def constant_or_robust(problem: LinearProblem, progress: Progress, descend: Descend) -> NDArray[Any]:
    """`origin`; for a loss of residuals that is not convex, the solution of a convex robust one for a sample.

    Beyond its scale such a loss is nearly flat: from a constant it descends to a fit of the few samples nearest to it,
    which may be a low minimum and is never an answer. A pseudo-Huber loss has its one minimum near the bulk of the
    samples, and from there the nearest minimum is wanted, as of an MM-estimate [1]_. It bends at the median size of
    the residuals.

    References
    ----------
    .. [1] V. J. Yohai, "High breakdown-point and high efficiency robust estimates for regression", Ann. Statist. 15
       (1987). https://doi.org/10.1214/aos/1176350366
    """
    theta, loss = origin(problem), problem.loss
    if loss.convex or loss.task != "regression" or loss.has_rows or loss.activation != "identity":
        return theta
    few = sample(problem, enough(problem))
    size = float(AbsoluteError().optimum(np.abs(few.y - few.scores(theta)), few.sample_weight))
    if not 0 < size < np.inf:
        return theta
    convex = LinearProblem(few.X, few.y, PseudoHuber(delta=size), sample_weight=few.sample_weight, **few.options)
    known = Progress(convex, START * size, progress.max_iter, None)
    descend(convex, known, *begin(convex, known, None, descend))
    assert known.theta is not None
    return known.theta


def begin(problem: LinearProblem, progress: Progress, start: NDArray[Any] | None, descend: Descend) -> Point:
    """The given start; without one, what `descend` makes of a sample of rows, if better than `constant_or_robust`.

    Of a constant the objective is known without a pass over X. The sample is solved from a sample of its own, and no
    further than to what it knows about the whole. A few iterations over all rows are left.
    """
    if start is None:
        theta = constant_or_robust(problem, progress, descend)
    else:
        theta = np.array(start, dtype=np.float64).reshape(problem.shape)
    size = max(enough(problem), problem.n_samples // SHARE)
    if start is not None or 2 * size > problem.n_samples:
        return _whole(problem, progress, theta)
    if theta[: problem.n_features].any():
        objective = problem.value(theta) + problem.absolute(theta)
    else:
        objective = problem.value_of_constant(theta)
    progress.see(theta, objective - problem.absolute(theta), np.full_like(theta, np.inf))  # to keep, if interrupted
    few = sample(problem, size)
    known = Progress(few, max(progress.tol, 0.1 / float(np.sqrt(size))), progress.max_iter, None)
    descend(few, known, *begin(few, known, None, descend))
    there = known.theta
    assert there is not None
    with np.errstate(over="ignore", invalid="ignore"):
        reached, slope = problem.value_and_gradient(there)
    if reached + problem.absolute(there) < objective:
        return there, reached, slope
    return _whole(problem, progress, theta)


def _whole(problem: LinearProblem, progress: Progress, theta: NDArray[Any]) -> Point:
    """theta, with what all rows say of it."""
    value, gradient = problem.value_and_gradient(theta)
    progress.see(theta, value, gradient)
    return theta, value, gradient
