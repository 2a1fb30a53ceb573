"""Linear scores fitted with any loss: to recalibrate predictions, and in cross-validation."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.choice import fitting
from fastloss.linear.problem import LinearProblem
from fastloss.linear.start import origin
from fastloss.penalties import L2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss

__all__ = ["fit", "fitting_solvers", "in_loss_type", "scores"]

# Of a gradient at a constant, so much may be left; and of the curvature, so much is a penalty on the coefficients of
# standardised features, which keeps those of separable classes finite.
TOLERANCE, RIDGE = 1e-5, 1e-4
MOST_ITERATIONS = 200


def in_loss_type(loss: Loss, y: NDArray[Any], n_outputs: int) -> NDArray[Any]:
    """A target as the loss takes it: of indices, rows where it takes rows."""
    if loss.layout == "classes" and y.ndim == 1 and not loss.takes_labels:
        return np.eye(n_outputs)[y.astype(np.intp)]
    return y


def _problem(
    loss: Loss,
    X: NDArray[Any],
    y: NDArray[Any],
    weight: NDArray[Any] | None,
    n_outputs: int,
    penalty: float,
    n_threads: int | None,
) -> LinearProblem:
    targets = in_loss_type(loss, y, n_outputs)
    return LinearProblem(
        X, targets, loss, sample_weight=weight, penalty=L2(penalty), n_outputs=n_outputs, n_threads=n_threads
    )


def fitting_solvers(loss: Loss, y: NDArray[Any], n_outputs: int) -> tuple[str, ...]:
    """What `LossRegressor` and `LossClassifier` would solve it with."""
    return fitting(_problem(loss, np.zeros((len(y), 1)), y, None, n_outputs, 0.0, None))


def fit(
    loss: Loss,
    X: NDArray[Any],
    y: NDArray[Any],
    weight: NDArray[Any] | None,
    unit: float,
    n_outputs: int = 1,
    n_threads: int | None = None,
) -> NDArray[Any]:
    """Coefficients and, last, the intercept of least loss.

    Tolerance and penalty follow from the slopes of the loss at a constant, so that its units play no part.

    Parameters
    ----------
    loss : Loss
        Of raw scores.
    X : ndarray of shape (n_samples, n_features)
        Standardised.
    y : ndarray
    weight : ndarray, optional
        Of the rows.
    unit : float
        The size of a score that matters: the robust scale of y, or 1 of scores of another link.
    n_outputs : int
    n_threads : int, optional
    """
    plain = _problem(loss, X, y, weight, n_outputs, 0.0, n_threads)
    of_classes = loss.layout == "classes"
    start = _log_shares(plain) if of_classes else origin(plain)
    slopes = loss.gradient(plain.y, plain.scores(start), reduction="none", n_threads=n_threads)
    slope = float(np.sqrt(np.average(np.square(slopes), axis=0, weights=weight).mean())) or 1.0
    problem = _problem(loss, X, y, weight, n_outputs, RIDGE * slope / unit, n_threads)
    solver = fitting(problem)[0]
    options: dict[str, Any] = {}
    if solver == "adam":
        from fastloss.linear.stochastic import Settings

        solver, options = "stochastic", {"settings": Settings(rule="adam")}
    module = importlib.import_module(f"fastloss.linear.{solver}")
    tolerance = TOLERANCE if solver == "interior" else TOLERANCE * slope
    solution = module.solve(problem, start if of_classes else None, tol=tolerance, max_iter=MOST_ITERATIONS, **options)
    if solution.interrupted:
        raise KeyboardInterrupt
    theta: NDArray[Any] = solution.theta
    return theta


def _log_shares(problem: LinearProblem) -> NDArray[Any]:
    """No coefficients, and for intercepts the logarithms of the classes' shares: near the best constant of any loss
    over classes, which most have to search for."""
    rows = problem.y if problem.y.ndim == 2 else np.eye(problem.n_outputs)[problem.y]
    theta = np.zeros(problem.shape)
    shares = np.average(rows, axis=0, weights=problem.sample_weight)
    theta[-1] = np.log(np.maximum(shares, 1 / (2 * problem.n_samples)))
    return theta


def scores(theta: NDArray[Any], X: NDArray[Any]) -> NDArray[Any]:
    """The raw scores of a fit."""
    result: NDArray[Any] = X @ theta[:-1] + theta[-1]
    return result
