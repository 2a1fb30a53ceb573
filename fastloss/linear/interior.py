"""Losses that are linear between kinks: their true optimum, with a bound on what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.central_path import CentralPath
from fastloss.linear.hinges import HingeSum, least
from fastloss.linear.passes import uncentred
from fastloss.linear.problem import LinearProblem
from fastloss.linear.progress import Course
from fastloss.linear.start import far_from_zero, origin, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.linear.solution import Report, Solution

# A sample of SAMPLE (n^2 q)^(1/3) of n rows, q the number of parameters, has as many rows as lie so near to their
# kinks, at its solution, that the solution for all rows may have them on the other side; some more are looked at.
SAMPLE, NEAR = 2.0, 1.2
# A sample of this share of the rows, or more, saves nothing.
TOO_MANY = 1 / 3
# A sample is solved to this share of what it is wrong by, and rows near their kinks to this share of it.
OF_SAMPLING, OF_LAST = 0.1, 0.1
# Parameters have so many rows near a kink, at least, to be decided by.
LEAST_NEAR = 20
# Lines that are so many times as far from their kinks as those are from 0 are on their way to infinity.
GONE = 1e6
# So many steps that do not make the gap smaller are the end of what the type can tell.
PATIENCE = 10


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 500,
    report: Report | None = None,
) -> Solution:
    """Minimise F for a loss that is linear between kinks, by a primal-dual interior-point method.

    The optimum, not a smoothed one: `Solution.gap` bounds F - min F, by duality, over all rows.

    Most rows are not near a kink, and what they do to the optimum is known once it is known on which side they are.
    So many rows are solved in rounds [1]_: a sample says where the optimum is; rows far from their kinks there are
    kept on their side, as a linear term; the others are solved; and all rows are looked at again, until the gap over
    all of them, wrong sides included, is within `tol`. The closer the last round came, the fewer rows have to be
    near in the next.

    Parameters
    ----------
    problem : LinearProblem
        With a loss whose `piecewise_linear` is true. It is solved in float64: X in float32 is copied.
    start : ndarray, optional
        theta to start from.
    tol : float
        The end is where the gap is at most tol times F, or within the rounding of F.
    max_iter : int
        Steps, of all rounds together. One costs about 2 n q^2 operations for the n rows that it looks at.
    report : Report, optional
        Its third argument is the gap, before it is certified; the objective counts rows of the round only, and is F
        as far as the others are on the right side.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If the loss is not linear between kinks, or infinitely steep.

    References
    ----------
    .. [1] S. Portnoy, R. Koenker, "The Gaussian hare and the Laplacian tortoise", Stat. Sci. 12 (1997).
       https://doi.org/10.1214/ss/1030037960

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import interior
    >>> from fastloss.linear.problem import LinearProblem
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    >>> y = np.array([1.0, 3.0, 5.0, 0.0, 9.0])
    >>> solution = interior.solve(LinearProblem(X, y, fl.AbsoluteError()))
    >>> solution.theta.round(6), solution.converged
    (array([2., 1.]), True)
    """
    if not problem.loss.piecewise_linear or problem.loss.has_rows:
        raise ValueError(f"{problem.loss!r} is not linear between kinks: use a solver for smooth losses")
    given, centre = problem, far_from_zero(problem)
    if centre is not None or problem.dtype != np.float64:
        problem = _in_float64(problem, centre)
    course = _Course(problem, tol, max_iter, report)
    theta = origin(problem) if start is None else np.array(start, dtype=np.float64).reshape(problem.shape)
    if centre is not None and start is not None:
        theta = uncentred(theta, -centre)
    with np.errstate(all="ignore"), course:  # what is not finite ends a path
        objective = _objective(problem, theta)
        hinges = HingeSum.of(problem)
        course.noise, course.size = hinges.noise(theta), hinges.size(theta)
        course.bound = least(problem)
        course.see(theta, objective, np.inf)
        try:
            if course.gap > course.noise:
                _solve(course, problem, hinges, theta, tol)
            if course.gone:
                course.message = "coefficients grow without end (a plane separates samples; a penalty bounds them)"
        except _Over:
            course.catch_up()
            course.message = f"max_iter={max_iter} steps were not enough"
    solution = course.solution()
    if centre is not None:
        theta = uncentred(solution.theta, centre)
        solution = solution._replace(theta=theta, objective=_objective(given, theta))
    return solution


def _solve(course: _Course, problem: LinearProblem, hinges: HingeSum, theta: NDArray[Any], tol: float) -> NDArray[Any]:
    """The solution for all rows of `problem`, which may be a sample of the course's, to a relative gap of `tol`."""
    n, q, certified = hinges.data.n_samples, len(theta), problem is course.problem
    size = int(SAMPLE * (n * n * q) ** (1 / 3))
    objective = _objective(problem, theta)
    count, error, wanted = n, np.inf, tol
    if size < TOO_MANY * n:
        few = sample(problem, size)
        found = _solve(course, few, HingeSum.of(few), theta, OF_SAMPLING * q / size)
        value = _objective(problem, found)
        if value < objective:
            theta, objective = found, value
        count, error = int(NEAR * size), q / size
        wanted = max(tol / 2, OF_LAST * error)
    per_error = count / np.sqrt(error)
    x = hinges.lines(theta) - hinges.places
    while True:
        rows = hinges.nearest(x, count) if count < n else np.arange(n)
        part = hinges.part(rows, x > 0) if count < n else hinges
        floor = course.bound if certified else least(problem)
        found, gap = _follow(course, part, theta, objective, wanted, floor, certified)
        there = hinges.lines(found) - hinges.places
        gap += hinges.misplaced(rows, x > 0, there)
        value = _objective(problem, found)
        if certified:
            course.see(found, value, gap)
        if value <= objective:
            theta, objective, x = found, value, there
        if gap <= course.goal(value, tol) or count == n:
            return theta
        # How far rows may yet go is as the root of what is left to gain; of too few rows nothing was learnt.
        wanted = tol / 2
        if gap < error * abs(value) / 4:
            error = gap / abs(value)
        else:
            per_error *= 2
        count = int(min(n, max(per_error * np.sqrt(error), LEAST_NEAR * q)))


def _follow(
    course: _Course, hinges: HingeSum, theta: NDArray[Any], objective: float, tol: float, floor: float, certified: bool
) -> tuple[NDArray[Any], float]:
    """A minimum of hinges that are `objective` at theta, but for a constant, and a bound on what is left to gain.

    All hinges together, of these rows and the others, do not go below `floor`.
    """
    path = CentralPath(hinges, theta)
    constant = objective - path.value()
    # Lower than this by more than is asked for: some of the other rows have changed sides.
    impossible = floor - course.goal(objective, tol)
    least, idle = np.inf, 0
    try:
        while idle < PATIENCE:
            course.begin_step()
            path.step()
            value, gap = path.value() + constant, path.complementarity()
            course.gone = path.reach() > GONE * course.size > 0
            if course.gone or not np.isfinite(value + gap) or value < impossible:
                return theta, np.inf
            theta = path.theta
            course.end_step(theta, value, gap)
            goal = course.goal(value, tol)
            # With rows all at their least losses there may be no end to where the path leads, nor a balance of slopes.
            above = max(value - floor, 0.0)
            if min(gap, above) <= goal:
                gap = min(path.certify() if certified else gap, above)
                if gap <= goal:
                    return theta, gap
            least, idle = (gap, 0) if gap < least else (least, idle + 1)
        return theta, path.certify()
    except np.linalg.LinAlgError:  # numbers have left their range
        return theta, np.inf


class _Over(Exception):  # noqa: N818
    """As many steps were made as are allowed."""


class _Course(Course):
    """A course that knows a bound on the minimum, and ends where the objective is near to it."""

    unit = "steps"

    def __init__(self, problem: LinearProblem, tol: float, max_iter: int, report: Report | None) -> None:
        super().__init__(problem, tol, max_iter, report)
        self.message = f"no further progress is possible in {problem.dtype}"
        self.noise, self.size, self.bound = 0.0, 0.0, -np.inf
        self.last: NDArray[Any] | None = None  # where the last step led, for a sample or for all rows
        self.gone = False  # whether the last step led towards infinity

    def goal(self, value: float, tol: float) -> float:
        """The gap to end at."""
        return max(tol * abs(value), self.noise)

    def see(self, theta: NDArray[Any], value: float, gap: float) -> None:
        """Take a point, its objective and a bound on its distance from the minimum."""
        self.bound = max(self.bound, value - gap)
        if self.theta is None or value <= self.objective:
            self.keep(theta, value, gap)
        self.gap = min(self.gap, max(self.objective - self.bound, self.noise))

    def begin_step(self) -> None:
        """Raise if no step is left."""
        if self.n_iter >= self.max_iter:
            raise _Over

    def end_step(self, theta: NDArray[Any], value: float, gap: float) -> None:
        """A step was made, to theta."""
        self.last = theta
        self.n_iter += 1
        if self.report is not None:
            self.report(self.n_iter, value, gap)

    def catch_up(self) -> None:
        """What the last step came to, over all rows."""
        if self.last is not None:
            self.see(self.last, _objective(self.problem, self.last), np.inf)

    def solution(self) -> Solution:
        """The best point, and how far it may be from the minimum."""
        self.converged = self.gap <= self.goal(self.objective, self.tol)
        if self.converged:
            self.message = f"the gap is within tol={self.tol:g} of the objective, or within its rounding"
        else:
            self.message += (
                f": the objective is within {self.gap:.3g} of the minimum, tol={self.tol:g} of it was wanted"
            )
        return super().solution()


def _objective(problem: LinearProblem, theta: NDArray[Any]) -> float:
    return problem.value(theta) + problem.absolute(theta)


def _in_float64(problem: LinearProblem, centre: NDArray[Any] | None) -> LinearProblem:
    """A copy in float64, of X - centre."""
    X = problem.X.astype(np.float64)
    if centre is not None and isinstance(X, np.ndarray):
        X -= centre
        centre = None
    options = problem.options | {"centre": centre}
    return LinearProblem(X, problem.y, problem.loss, sample_weight=problem.sample_weight, **options)
