"""What a solver returns, and what it reports on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Solution(NamedTuple):
    """Where a solver came to."""

    theta: NDArray[Any]  # in the shape of LinearProblem.shape; the best point seen
    objective: float  # F there, with l1
    n_iter: int
    converged: bool
    message: str  # why it ended, for a warning
    gap: float  # bound on F - min F where the solver has one (duality gap), else the largest entry of the gradient
    interrupted: bool = False  # by Ctrl-C


class Report(Protocol):
    """What is called after each iteration (epoch), for progress and curves; Ctrl-C ends a fit between two calls."""

    def __call__(self, iteration: int, objective: float, gap: float) -> None:
        """Take note of where the solver is; the gap is as of `Solution`."""
