"""L-BFGS for smooth losses, started and scaled by a sample of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.curvature import metric
from fastloss.linear.line_search import wolfe
from fastloss.linear.start import solve_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.linear.curvature import Metric
    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.progress import Progress
    from fastloss.linear.solution import Report, Solution

MEMORY = 10  # pairs of steps and changes of the gradient, as everywhere


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    report: Report | None = None,
) -> Solution:
    """Minimise F, which has no l1, by L-BFGS.

    Two things keep the passes over all rows few. Without a `start` it is the solution for a sample; and the first
    guess of the inverse Hessian, which is a multiple of the identity elsewhere, is the inverse Hessian of a sample
    (`curvature.metric`), as for a preconditioned method. Where a sample is as good as the data this is Newton's
    method with a Hessian that costs next to nothing, and where it is not, the pairs make up for it.

    Parameters
    ----------
    problem : LinearProblem
        Of a differentiable loss; convex or not.
    start : ndarray, optional
        theta to start from; without one, the solution for a sample of the rows.
    tol : float
        The end is where no entry of the gradient is larger; with columns of X that lie far from 0 it is that of X
        with their means taken off.
    max_iter : int
    report : Report, optional

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If the penalty has an l1 part.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd ed., ch. 7, Springer (2006).
       https://doi.org/10.1007/978-0-387-40065-5
    .. [2] R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal, "On the use of stochastic Hessian information in
       optimization methods for machine learning", SIAM J. Optim. 21 (2011). https://doi.org/10.1137/10079923X

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import lbfgs
    >>> from fastloss.linear.problem import LinearProblem
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> solution = lbfgs.solve(LinearProblem(X, np.array([1.0, 3.0, 5.0]), fl.SquaredError()), tol=1e-8)
    >>> solution.theta.round(6), solution.converged
    (array([2., 1.]), True)
    """
    if problem.l1:
        raise ValueError("lbfgs takes no l1 penalty: use fastloss.linear.proximal")
    return solve_from(problem, start, _descend, tol, max_iter, report)


def _descend(
    problem: LinearProblem, progress: Progress, theta: NDArray[Any], value: float, gradient: NDArray[Any]
) -> None:
    if not progress.goes_on(theta, value, gradient):
        return
    scale = metric(problem, theta)
    pairs: list[tuple[NDArray[Any], NDArray[Any], float]] = []
    while True:
        direction = -_times_inverse_hessian(gradient, scale, pairs)
        found = wolfe(problem.value_and_gradient, theta, value, gradient, direction, progress.noise(value))
        if found is not None:
            step, change = found[0] - theta, found[2] - gradient
            curvature = float(np.vdot(step, change))
            if curvature > 0:
                pairs = [*pairs[1 - MEMORY :], (step, change, curvature)]
            theta, value, gradient = found
            if not progress.goes_on(theta, value, gradient):
                return
        elif pairs:
            pairs = []  # what they said led nowhere
        else:
            progress.stop_at_precision()
            return


def _times_inverse_hessian(
    gradient: NDArray[Any], scale: Metric, pairs: list[tuple[NDArray[Any], NDArray[Any], float]]
) -> NDArray[Any]:
    """The two loops of L-BFGS around the metric."""
    q, shares = gradient, []
    for step, change, curvature in reversed(pairs):
        shares.append(float(np.vdot(step, q)) / curvature)
        q = q - shares[-1] * change
    q = scale(q)
    if pairs:
        _, change, curvature = pairs[-1]
        q = q * (curvature / float(np.vdot(change, scale(change))))
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        q = q + (share - float(np.vdot(change, q)) / curvature) * step
    return q
