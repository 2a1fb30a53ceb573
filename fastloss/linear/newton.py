"""Newton's method: the whole Hessian while it is small, conjugate gradients with products of it where it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.curvature import definite, metric, whole_is_cheap
from fastloss.linear.line_search import wolfe
from fastloss.linear.start import solve_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.progress import Progress
    from fastloss.linear.solution import Report, Solution

    Direction = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]

MOST_PRODUCTS = 200  # of one direction


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    report: Report | None = None,
) -> Solution:
    """Minimise F, which has no l1, by Newton's method with a line search.

    With few parameters the direction solves the linear system of the Hessian, made positive definite where the loss
    is not convex or features are collinear (`curvature.definite`). With many, preconditioned conjugate gradients
    solve it with exact products, no further than pays: to a residual of min(1/2, sqrt(|g|)) |g|, or to a direction
    that curves down.

    Parameters
    ----------
    problem : LinearProblem
        Of a loss with a second derivative, convex or not. One that has it almost everywhere will do.
    start, tol, max_iter, report
        As of `lbfgs.solve`.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If the penalty has an l1 part, or the loss no Hessian by rows.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd ed., ch. 3 and 7, Springer (2006).
       https://doi.org/10.1007/978-0-387-40065-5

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import newton
    >>> from fastloss.linear.problem import LinearProblem
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> solution = newton.solve(LinearProblem(X, np.array([1.0, 2.0, 4.0]), fl.Poisson()), tol=1e-12)
    >>> np.exp(solution.theta).round(6)
    array([2., 1.])
    """
    if problem.l1:
        raise ValueError("newton takes no l1 penalty: use fastloss.linear.proximal")
    if problem.loss.curvature is None:
        raise ValueError(f"newton needs the Hessian of each row, which {problem.loss.name} has not: use lbfgs")
    return solve_from(problem, start, _descend, tol, max_iter, report)


def _descend(
    problem: LinearProblem, progress: Progress, theta: NDArray[Any], value: float, gradient: NDArray[Any]
) -> None:
    if not progress.goes_on(theta, value, gradient):
        return
    direction = _by_matrix(problem) if whole_is_cheap(problem) else _by_products(problem, theta)
    while True:
        found = wolfe(
            problem.value_and_gradient, theta, value, gradient, direction(theta, gradient), progress.noise(value)
        )
        if found is None:
            progress.stop_at_precision()
            return
        theta, value, gradient = found
        if not progress.goes_on(theta, value, gradient):
            return


def _by_matrix(problem: LinearProblem) -> Direction:
    def direction(theta: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        step: NDArray[Any] = np.linalg.solve(definite(problem, theta), -gradient.ravel()).reshape(problem.shape)
        return step

    return direction


def _by_products(problem: LinearProblem, theta: NDArray[Any]) -> Direction:
    scale = metric(problem, theta)

    def direction(theta: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        product = problem.hessian_product(theta)
        size = float(np.linalg.norm(gradient))
        enough = min(0.5, size**0.5) * size
        step, residual = np.zeros(problem.shape), gradient
        scaled = scale(residual)
        along, energy = -scaled, float(np.vdot(residual, scaled))
        for _ in range(MOST_PRODUCTS):
            image = product(along)
            curvature = float(np.vdot(along, image))
            if not curvature > 0:
                break
            length = energy / curvature
            step = step + length * along
            residual = residual + length * image
            if np.linalg.norm(residual) <= enough:
                break
            scaled = scale(residual)
            before, energy = energy, float(np.vdot(residual, scaled))
            along = -scaled + energy / before * along
        return step if step.any() else along

    return direction
