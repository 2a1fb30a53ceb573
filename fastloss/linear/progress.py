"""What every solver does around its iterations: keep the best point, report, and say when and why to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.solution import Solution

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.solution import Report

# So many iterations without a lower objective or a smaller gradient are the end of what the type can tell. Each is a
# draw of rounding errors there, and one of the later ones may be within the tolerance: of float32 problems with columns
# far from 0 that 20 solve, 5 leave one in eight.
PATIENCE = 20


class Course:
    """The best point of one solution so far: a context that ends at an interrupt (Ctrl-C) once there is one.

    What is best, and when to end, a solver's own course says.

    Parameters
    ----------
    problem : LinearProblem
    tol : float
    max_iter : int
    report : Report, optional
    """

    unit = "iterations"

    def __init__(self, problem: LinearProblem, tol: float, max_iter: int, report: Report | None) -> None:
        self.problem, self.tol, self.max_iter, self.report = problem, tol, max_iter, report
        self.theta: NDArray[Any] | None = None
        self.objective = self.gap = np.inf
        self.n_iter = 0
        self.converged = self.interrupted = False
        self.message = ""

    def keep(self, theta: NDArray[Any], objective: float, gap: float = np.inf) -> None:
        """Take a point for the best so far."""
        self.theta, self.objective, self.gap = theta, objective, gap

    def catch_up(self) -> None:
        """At an interrupt: find out what is not known yet."""

    def solution(self) -> Solution:
        """The best point."""
        assert self.theta is not None
        n_iter = max(self.n_iter, 0)
        return Solution(self.theta, self.objective, n_iter, self.converged, self.message, self.gap, self.interrupted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is None or not issubclass(kind, KeyboardInterrupt) or self.theta is None:
            return False
        self.interrupted = True
        self.catch_up()
        self.message = f"interrupted after {max(self.n_iter, 0)} {self.unit}"
        return True


class Progress(Course):
    """The course of a descent along gradients: its end is where no entry of the least subgradient exceeds `tol`."""

    def __init__(self, problem: LinearProblem, tol: float, max_iter: int, report: Report | None) -> None:
        super().__init__(problem, tol, max_iter, report)
        self.n_iter = -1  # the start is seen before the first iteration
        self.least_gap, self.idle = np.inf, 0

    def noise(self, objective: float) -> float:
        """Differences of the objective below this are rounding: its own, and that of scores of columns far from 0."""
        size, centre = abs(objective), self.problem.centre
        if centre is not None and self.theta is not None:
            size += float((np.abs(centre) @ np.abs(self.theta[:-1])).max())
        return 2 * float(np.finfo(self.problem.dtype).eps) * size

    def see(self, theta: NDArray[Any], value: float, gradient: NDArray[Any]) -> tuple[float, float]:
        """Take a point with F without l1 and its gradient, and keep it if it is the best: objective and gap there."""
        objective = value + self.problem.absolute(theta)
        gap = self.problem.gradient_norm(theta, gradient)
        lower = objective < self.objective - self.noise(objective)
        self.idle = 0 if lower or gap < self.least_gap else self.idle + 1
        self.least_gap = min(gap, self.least_gap)
        if self.theta is None or lower or (objective <= self.objective and gap < self.gap) or gap <= self.tol:
            self.keep(theta, objective, gap)
        return objective, gap

    def goes_on(self, theta: NDArray[Any], value: float, gradient: NDArray[Any]) -> bool:
        """Take the point that an iteration came to (the first time: the start), and say whether to go on from it."""
        self.n_iter += 1
        objective, gap = self.see(theta, value, gradient)
        if self.report is not None and self.n_iter:
            self.report(self.n_iter, objective, gap)
        if gap <= self.tol:
            self.converged, self.message = True, f"the gradient is within tol={self.tol:g}"
        elif not (np.isfinite(objective) and np.isfinite(gap)):
            self.message = "the objective or its gradient is not finite"
        elif self.n_iter >= self.max_iter:
            self.message = f"max_iter={self.max_iter} iterations were not enough"
        elif self.idle >= PATIENCE:
            self.stop_at_precision()
        return not self.message

    def stop_at_precision(self) -> None:
        """No step leads further down: what is left of the gradient is rounding, or the loss has a kink there."""
        self.message = f"no further progress is possible in {self.problem.dtype}"

    def solution(self) -> Solution:
        """The best point, and how far it is from the end."""
        if not self.converged:
            self.message += f": the largest entry of the gradient is {self.gap:.3g}, tol={self.tol:g}"
        return super().solution()

    def catch_up(self) -> None:
        """The objective of a start, which is known from its scores alone, to the last bit."""
        if self.theta is not None and not np.isfinite(self.gap):
            self.objective = self.problem.value(self.theta) + self.problem.absolute(self.theta)
