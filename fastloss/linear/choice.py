"""Which solver for which problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastloss.linear.start import enough, starts_at_its_minimum
from fastloss.linear.stochastic import RULES

if TYPE_CHECKING:
    from fastloss.linear.problem import LinearProblem


def fitting(problem: LinearProblem) -> tuple[str, ...]:
    """The solvers that reach a minimum of the problem (of a loss that is not convex: a local one), the best first.

    ======================================= ============================================================================
    lbfgs (no l1)                           A loss with a gradient. It needs the fewest passes over X: a sample of the
                                            rows gives the start and the Hessian, which `newton` computes from all.
    newton (no l1)                          A loss with a gradient and a Hessian per row. Fewer iterations, and to the
                                            last digit, but each costs as much as several of lbfgs.
    proximal                                The same with l1, whose kink at 0 the other two would circle around.
    interior                                A convex loss that is linear between kinks (absolute, quantile, hinge, ...):
                                            no curvature for Newton's method, and no gradient where the minimum is.
    sgd, adagrad, rmsprop, adam             A mean over samples. First choice only for kinks that `interior` does not
                                            take: what an epoch costs brings the others most of the way to the minimum.
                                            And for the perceptron, whose minimum is at coefficients of 0.
    ======================================= ============================================================================

    Of so few rows that no sample is smaller, newton comes first: lbfgs would take the same Hessian, once. Otherwise the
    size of the data does not decide: it is the sample that a solver begins with that bounds the work on many rows,
    and the number of parameters decides within a solver between a matrix and products or a diagonal.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear.choice import fitting
    >>> from fastloss.linear.problem import LinearProblem
    >>> X, y = np.zeros((3, 2)), np.zeros(3)
    >>> fitting(LinearProblem(X, y, fl.Huber(), penalty=fl.L1(0.1)))
    ('proximal', 'sgd', 'adagrad', 'rmsprop', 'adam')
    >>> fitting(LinearProblem(X, y, fl.Quantile(0.9)))[0]
    'interior'
    """
    loss = problem.loss
    smooth = loss.smoothness > 0 or not problem.additive  # a root of a sum has its kink at a fit without residuals only
    deterministic: tuple[str, ...] = ()
    if starts_at_its_minimum(loss):
        deterministic = ()
    elif loss.piecewise_linear:
        deterministic = ("interior",)
    elif smooth and problem.l1:
        deterministic = ("proximal",)
    elif smooth:
        deterministic = ("lbfgs", "newton", "proximal") if loss.curvature is not None else ("lbfgs", "proximal")
        if loss.curvature is not None and problem.n_samples < 2 * enough(problem):
            deterministic = ("newton", "lbfgs", "proximal")
    stochastic = tuple(RULES) if problem.additive else ()
    return (*deterministic, *(stochastic if deterministic else reversed(stochastic)))


def choose(problem: LinearProblem) -> str:
    """What ``solver="auto"`` means: the first of `fitting`."""
    return fitting(problem)[0]
