"""Smooth losses with an l1 penalty: proximal Newton, and L-BFGS-B where the Hessian would be too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.curvature import definite, whole_is_cheap
from fastloss.linear.line_search import DECREASE, TRIALS
from fastloss.linear.start import solve_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.progress import Progress
    from fastloss.linear.solution import Report, Solution


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    report: Report | None = None,
) -> Solution:
    """Minimise F with its l1 term, so that coefficients come out as exactly 0.

    Each iteration of proximal Newton minimises F's quadratic model plus l1 ||W||_1 by an active set of coefficients
    and their signs [1]_, and searches along the way there [2]_. With more parameters than a Hessian is formed for, W is
    split into positive and negative parts, F is smooth in both, and L-BFGS-B of SciPy keeps them from crossing 0.

    Parameters
    ----------
    problem : LinearProblem
        Of a differentiable loss; convex or not. Without l1 it is solved as well.
    start, tol, max_iter, report
        As of `lbfgs.solve`; `tol` is for the least subgradient.

    Returns
    -------
    Solution

    Raises
    ------
    ImportError
        For many parameters without SciPy.

    References
    ----------
    .. [1] H. Lee, A. Battle, R. Raina, A. Y. Ng, "Efficient sparse coding algorithms", NIPS 19 (2006).
    .. [2] J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J.
       Optim. 24 (2014). https://doi.org/10.1137/130921428

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import proximal
    >>> from fastloss.linear.problem import LinearProblem
    >>> X = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, 1.0], [3.0, -1.0]])
    >>> y = np.array([1.0, 3.0, 5.0, 7.0])
    >>> proximal.solve(LinearProblem(X, y, fl.HalfSquaredError(), penalty=fl.L1(0.5)), tol=1e-10).theta.round(6)
    array([1.6, 0. , 1.6])
    """
    descend = _newton if whole_is_cheap(problem) and problem.loss.curvature is not None else _split
    return solve_from(problem, start, descend, tol, max_iter, report)


def _newton(
    problem: LinearProblem, progress: Progress, theta: NDArray[Any], value: float, gradient: NDArray[Any]
) -> None:
    strength = np.zeros(problem.shape)
    strength[: problem.n_features] = problem.l1
    while progress.goes_on(theta, value, gradient):
        target = _minimum_of_model(
            definite(problem, theta), gradient.ravel(), theta.ravel(), strength.ravel(), progress.tol / 100
        ).reshape(problem.shape)
        absolute = problem.absolute(theta)
        promise = float(np.vdot(gradient, target - theta)) + problem.absolute(target) - absolute
        step = 1.0
        for _ in range(TRIALS):
            there = theta + step * (target - theta) if step < 1 else target  # whose zeros are exact
            reached, slope = problem.value_and_gradient(there)
            fall = value + absolute - reached - problem.absolute(there)
            if fall >= -DECREASE * step * promise - progress.noise(value + absolute):
                break
            step /= 2
        else:
            progress.stop_at_precision()
            return
        theta, value, gradient = there, reached, slope


def _minimum_of_model(
    hessian: NDArray[Any], gradient: NDArray[Any], w: NDArray[Any], strength: NDArray[Any], tol: float
) -> NDArray[Any]:
    """argmin_v of g.(v - w) + (v - w).H (v - w) / 2 + sum of strength_j |v_j|, for positive definite H.

    With the signs of the coefficients known this is a linear system. Where its solution changes a sign, the lowest
    point on the way is taken, with a zero if it is one; then coefficients at 0 that would rather leave it join.
    """
    linear = gradient - hessian @ w
    v = w.copy()
    rounding = 1e-14 * float((np.abs(hessian) @ np.abs(w) + np.abs(gradient)).max())
    few = False  # whether coefficients join one at a time, which always leads down
    for _ in range(20 * len(w) + 100):
        slope = hessian @ v + linear
        free = (v != 0) | (strength == 0)
        left = np.where(free, np.abs(slope + strength * np.sign(v)), 0.0)
        sign = np.sign(v)
        if left.max(initial=0.0) <= max(tol, rounding):
            excess = np.where(free, 0.0, np.abs(slope) - strength)
            joining = excess > max(tol, rounding)
            if not joining.any():
                break
            if few:
                joining = excess == excess.max()
            sign[joining] = -np.sign(slope[joining])
            free = free | joining
        at = np.flatnonzero(free)
        inner = hessian[np.ix_(at, at)]
        way = np.linalg.solve(inner, -(linear + strength * sign)[at]) - v[at]
        length, crossed = _lowest(inner, slope[at], v[at], way, strength[at])
        few = length == 0
        v[at] += length * way
        v[at[crossed]] = 0
    return v


def _lowest(
    hessian: NDArray[Any], slope: NDArray[Any], v: NDArray[Any], way: NDArray[Any], strength: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    """The lowest of the points v + t way where t is 0 or 1 or a coefficient crosses 0: t, and which coefficients do."""
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(strength > 0, -v / way, np.nan)
    lengths = np.unique(np.append(crossing[(crossing > 0) & (crossing < 1)], [0.0, 1.0]))
    absolute = np.abs(v + lengths[:, None] * way) @ strength
    heights = lengths * (slope @ way) + lengths**2 / 2 * (way @ hessian @ way) + absolute
    length = float(lengths[np.argmin(heights)])
    return length, np.flatnonzero(crossing == length) if length < 1 else np.empty(0, np.intp)


def _split(
    problem: LinearProblem, progress: Progress, theta: NDArray[Any], value: float, gradient: NDArray[Any]
) -> None:
    try:
        from scipy.optimize import Bounds, minimize
    except ImportError as error:
        raise ImportError("l1 with many parameters needs SciPy: pip install 'fastloss[estimators]'") from error

    if not progress.goes_on(theta, value, gradient):
        return
    p = problem.n_features
    parts = np.concatenate([np.maximum(theta[:p], 0), np.maximum(-theta[:p], 0), theta[p:]])
    lower = np.zeros_like(parts)
    lower[2 * p :] = -np.inf
    last: list[Any] = []

    def joined(x: NDArray[Any]) -> NDArray[Any]:
        x = x.reshape(parts.shape)
        return np.concatenate([x[:p] - x[p : 2 * p], x[2 * p :]])

    def evaluate(x: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        value, g = problem.value_and_gradient(joined(x))
        last[:] = [x.copy(), value, g]
        slope = np.concatenate([g[:p] + problem.l1, problem.l1 - g[:p], g[p:]])
        return value + problem.l1 * float(x[: 2 * p * parts[0].size].sum()), slope.ravel()

    def after(intermediate_result: Any) -> None:
        x = intermediate_result.x
        if not np.array_equal(x, last[0]):
            evaluate(x)
        if not progress.goes_on(joined(x), *last[1:]):
            raise StopIteration

    options = {"maxiter": progress.max_iter + 1, "maxfun": 10**9, "ftol": 0.0, "gtol": 0.0, "maxls": 50}
    minimize(
        evaluate,
        parts.ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower.ravel(), np.full(parts.size, np.inf)),
        callback=after,
        options=options,
    )
    if not progress.message:
        progress.stop_at_precision()
