"""The curvature of a linear problem: its Hessian as a matrix, and what stands for the inverse in a descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.start import enough, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.loss import Hessian

    Metric = Callable[[NDArray[Any]], NDArray[Any]]

# Parameters up to which the whole matrix is formed: of one output, and of several, for which it is a matrix of
# n_features^2 numbers per pair of outputs.
WHOLE, WHOLE_OF_ROWS = 1024, 256
# Curvature that passes for none, of a matrix scaled to a diagonal of ones: the root of what float64 can tell.
LEAST = 1e-8


def bounded_kind(problem: LinearProblem) -> Hessian:
    """The kind of Hessian that a descent may trust away from the optimum: not negative, and where the exact one
    vanishes on straight pieces of the loss, a bound."""
    loss = problem.loss
    if loss.convex and loss.smoothness > 1 and loss.curvature is not None:
        return "exact"
    kinds: tuple[Hessian, ...] = ("majorize", "fisher", "floor")
    return next((kind for kind in kinds if kind in loss.hessian_kinds), "exact")


def whole_is_cheap(problem: LinearProblem) -> bool:
    """Whether the matrix of second derivatives costs less than it saves."""
    return int(np.prod(problem.shape)) <= (WHOLE if len(problem.shape) == 1 else WHOLE_OF_ROWS)


def matrix(problem: LinearProblem, theta: NDArray[Any], kind: Hessian = "exact") -> NDArray[Any]:
    """Second derivatives of F without l1, as a square matrix for theta.ravel().

    `kind` is of losses without a matrix per row; that of a softmax is always exact.
    """
    if len(problem.shape) == 1:
        return problem.hessian(theta, kind)
    rows, n_outputs = problem.shape
    blocks = np.zeros((rows, n_outputs, rows, n_outputs))
    for j, k, h in _between_outputs(problem, theta, kind):
        blocks[:, j, :, k] = blocks[:, k, :, j] = problem.gram(h)
    result = blocks.reshape(rows * n_outputs, rows * n_outputs)
    penalised = np.arange(problem.n_features * n_outputs)
    result[penalised, penalised] += problem.l2
    return result


def definite(problem: LinearProblem, theta: NDArray[Any]) -> NDArray[Any]:
    """A positive definite matrix for Newton steps: the Hessian where it is one.

    Where it is not, because the loss is not convex or lies straight, it is that of a bound (`bounded_kind`); and what
    has no curvature even then (collinear features) or a negative one gets a small or the opposite one.
    """
    hessian = matrix(problem, theta)
    if _is_definite(hessian):
        return hessian
    if bounded_kind(problem) != "exact" and problem.loss.curvature != "softmax":
        hessian = matrix(problem, theta, bounded_kind(problem))
    scale, values, vectors = _scaled_eigen(hessian)
    half = vectors * np.sqrt(np.maximum(values, LEAST)) / scale[:, None]
    result: NDArray[Any] = half @ half.T
    return result


def _is_definite(hessian: NDArray[Any]) -> bool:
    diagonal = np.diag(hessian)
    if not (diagonal > 0).all():
        return False
    scale = 1 / np.sqrt(diagonal)
    scaled = hessian * scale * scale[:, None]
    scaled[np.diag_indices_from(scaled)] -= LEAST
    try:
        np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        return False
    return True


def metric(problem: LinearProblem, theta: NDArray[Any]) -> Metric:
    """What multiplies a gradient by nearly the inverse of the Hessian at theta, always positive definite.

    It is made from a sample of rows: of few parameters the whole matrix; of several outputs the Kronecker product of
    the curvature between outputs and the moments of the features, which is the Hessian if the two are independent
    (as where the scores are constant); of many features the diagonal.
    """
    few = sample(problem, enough(problem))
    if whole_is_cheap(few):
        return _of_matrix(matrix(few, theta, bounded_kind(few)), few)
    features = few.gram(np.full(few.n_samples, 1 / few.n_samples, few.dtype)) if few.shape[0] <= WHOLE else None
    between = _mean_between_outputs(few, theta)
    if features is not None:
        return _of_product(features, between, few)
    diagonal = np.multiply.outer(few.mean_squares(), np.abs(np.diag(between))).reshape(few.shape)
    diagonal[: few.n_features] += few.l2
    diagonal += diagonal.mean() / few.n_samples
    return lambda gradient: gradient / diagonal


def _of_matrix(hessian: NDArray[Any], problem: LinearProblem) -> Metric:
    scale = _to_ones(hessian)
    lift = 1 / problem.n_samples  # what so many rows cannot tell from 0
    lifted = hessian * scale * scale[:, None]
    lifted[np.diag_indices_from(lifted)] += lift
    try:
        np.linalg.cholesky(lifted)
        inverse = scale[:, None] * np.linalg.inv(lifted) * scale
    except np.linalg.LinAlgError:  # it curves down somewhere: much dearer
        scale, values, vectors = _scaled_eigen(hessian)
        scaled = scale[:, None] * vectors
        inverse = (scaled / (values + lift)) @ scaled.T
    return lambda gradient: (inverse @ gradient.ravel()).reshape(problem.shape)


def _of_product(features: NDArray[Any], between: NDArray[Any], problem: LinearProblem) -> Metric:
    scale, values, vectors = _scaled_eigen(features)
    of_outputs, outputs = np.linalg.eigh(between)
    values = np.multiply.outer(values, np.abs(of_outputs))
    # The penalty is no part of the product: it is taken to be as large for every direction as for a mean feature.
    values = values + problem.l2 * float(np.square(scale[: problem.n_features]).mean())
    values = values + values.mean() / problem.n_samples
    left = scale[:, None] * vectors

    def solve(gradient: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = left @ ((left.T @ gradient.reshape(len(left), -1) @ outputs) / values) @ outputs.T
        return result.reshape(problem.shape)

    return solve


def _to_ones(a: NDArray[Any]) -> NDArray[Any]:
    """1/sqrt(diagonal), which scales a matrix to a diagonal of ones; of an empty diagonal that of its mean."""
    diagonal = np.abs(np.diag(a))
    empty = diagonal <= 1e-12 * diagonal.max(initial=0.0)
    result: NDArray[Any] = 1 / np.sqrt(np.where(empty, diagonal.mean() or 1.0, diagonal))
    return result


def _scaled_eigen(a: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """1/sqrt(diagonal), and absolute eigenvalues and eigenvectors of what this scaling makes of the matrix."""
    scale = _to_ones(a)
    values, vectors = np.linalg.eigh(a * scale * scale[:, None])
    return scale, np.abs(values), vectors


def _between_outputs(
    problem: LinearProblem, theta: NDArray[Any], kind: Hessian
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Outputs j >= k and, for every row, the second derivative of the mean loss in both, where it is not always 0."""
    loss, z = problem.loss, problem.scores(theta)
    if loss.curvature == "softmax":
        for k in range(z.shape[1]):
            unit = np.zeros_like(z)
            unit[:, k] = 1
            column = loss.hessian_vector_product(problem.y, z, unit, problem.sample_weight, n_threads=problem.n_threads)
            for j in range(k, z.shape[1]):
                yield j, k, np.ascontiguousarray(column[:, j])
    else:
        h = problem.score_curvature(z, kind)
        for k in range(z.shape[1]):
            yield k, k, np.ascontiguousarray(h[:, k])


def _mean_between_outputs(problem: LinearProblem, theta: NDArray[Any]) -> NDArray[Any]:
    """The curvature of a row, on average: (n_outputs, n_outputs)."""
    if len(problem.shape) == 1:
        h = problem.score_curvature(problem.scores(theta), bounded_kind(problem))
        return np.full((1, 1), h.sum(dtype=np.float64))
    result = np.zeros((problem.shape[1], problem.shape[1]))
    for j, k, h in _between_outputs(problem, theta, bounded_kind(problem)):
        result[j, k] = result[k, j] = h.sum(dtype=np.float64)
    return result
