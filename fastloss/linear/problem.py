"""The objective of a linear model: a loss of the scores X W + b, plus a penalty on W."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.penalties import L2, Penalty

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.loss import Loss


class LinearProblem:
    """F(theta) = mean of w l(y, X W + b) over the total weight, plus l2/2 ||W||^2 + l1 ||W||_1.

    What solvers ask of data and loss; they never touch X themselves. theta has a row per feature and, with an
    intercept, one more: shape (n_features + fit_intercept,), or (n_features + fit_intercept, n_outputs) for a loss
    of rows. It is float64, whatever X is; scores, gradients of scores and the pass over X have the type of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), or scipy.sparse CSR
        float32 or float64, C- or F-contiguous: made ready by the caller.
    y : ndarray
        Targets as the loss takes them.
    loss : Loss
    sample_weight : ndarray of shape (n_samples,), optional
    penalty : Penalty, optional
        On W, never on the intercept.
    fit_intercept : bool
    n_outputs : int
        Columns of the scores; 1 for scores of shape (n_samples,).
    n_threads : int, optional
    """

    def __init__(
        self,
        X: Any,
        y: NDArray[Any],
        loss: Loss,
        *,
        sample_weight: NDArray[Any] | None = None,
        penalty: Penalty | None = None,
        fit_intercept: bool = True,
        n_outputs: int = 1,
        n_threads: int | None = None,
    ) -> None:
        self.X, self.y, self.loss, self.sample_weight = X, y, loss, sample_weight
        self.penalty = L2(0.0) if penalty is None else penalty
        self.l1, self.l2 = self.penalty.strengths
        self.fit_intercept, self.n_outputs, self.n_threads = fit_intercept, n_outputs, n_threads
        self.n_samples, self.n_features = X.shape
        self.dtype = X.dtype
        rows = self.n_features + fit_intercept
        self.shape: tuple[int, ...] = (rows,) if not loss.has_rows else (rows, n_outputs)

    def scores(self, theta: NDArray[Any]) -> NDArray[Any]:
        """X W + b, of shape (n_samples,) or (n_samples, n_outputs)."""
        w = theta.astype(self.dtype, copy=False)
        z = self.X @ w[: self.n_features]
        if self.fit_intercept:
            z += w[-1]
        result: NDArray[Any] = z
        return result

    def value(self, theta: NDArray[Any]) -> float:
        """F without the l1 term."""
        mean: float = self.loss(self.y, self.scores(theta), self.sample_weight, n_threads=self.n_threads)
        return mean + self._ridge(theta)

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """F without the l1 term, and its gradient, float64 in the shape of theta."""
        value, slope = self.loss.value_and_gradient(
            self.y, self.scores(theta), self.sample_weight, n_threads=self.n_threads
        )
        return value + self._ridge(theta), self._with_ridge(self.pull_back(slope), theta)

    def absolute(self, theta: NDArray[Any]) -> float:
        """The l1 term."""
        return self.l1 * float(np.abs(theta[: self.n_features]).sum()) if self.l1 else 0.0

    def hessian(self, theta: NDArray[Any], kind: str = "exact") -> NDArray[Any]:
        """The matrix of second derivatives of F without l1, for scores of shape (n_samples,), by `gram`."""
        _, h = self.loss.gradient_and_hessian(
            self.y, self.scores(theta), self.sample_weight, hessian=kind, n_threads=self.n_threads
        )
        result = self.gram(h)
        result[np.diag_indices(self.n_features)] += self.l2
        return result

    def gram(self, h: NDArray[Any]) -> NDArray[Any]:
        """(X, 1)^T diag(h) (X, 1), float64: h has the weights and the division by their total in it."""
        result = np.empty((self.shape[0], self.shape[0]))
        p = self.n_features
        result[:p, :p] = (self.X.T * h) @ self.X
        if self.fit_intercept:
            result[p, :p] = result[:p, p] = h @ self.X
            result[p, p] = h.sum(dtype=np.float64)
        return result

    def hessian_product(self, theta: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """What multiplies a vector of the shape of theta by the exact Hessian of F without l1, at theta."""
        z = self.scores(theta)

        def product(vector: NDArray[Any]) -> NDArray[Any]:
            along = self.scores(vector)
            slope = self.loss.hessian_vector_product(self.y, z, along, self.sample_weight, n_threads=self.n_threads)
            return self._with_ridge(self.pull_back(slope), vector)

        return product

    def pull_back(self, slope: NDArray[Any]) -> NDArray[Any]:
        """X^T slope and, for the intercept, the sum of slope, float64: what a slope in the scores is in theta."""
        result = np.empty(self.shape)
        p = self.n_features
        result[:p] = self.X.T @ slope
        if self.fit_intercept:
            result[p] = slope.sum(axis=0, dtype=np.float64)
        return result

    def gradient_norm(self, theta: NDArray[Any], gradient: NDArray[Any]) -> float:
        """The largest entry of the least subgradient of F, l1 and all; `gradient` is that of the smooth part at theta."""
        if not self.l1:
            return float(np.abs(gradient).max(initial=0.0))
        p = self.n_features
        w, g = theta[:p], gradient[:p]
        least = np.where(w != 0, np.abs(g + self.l1 * np.sign(w)), np.maximum(np.abs(g) - self.l1, 0.0))
        return float(max(least.max(initial=0.0), np.abs(gradient[p:]).max(initial=0.0)))

    def subset(self, rows: Any) -> LinearProblem:
        """The same problem on some of the samples: a slice, indices or a mask."""
        return LinearProblem(
            self.X[rows],
            self.y[rows],
            self.loss,
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
            penalty=self.penalty,
            fit_intercept=self.fit_intercept,
            n_outputs=self.n_outputs,
            n_threads=self.n_threads,
        )

    def _ridge(self, theta: NDArray[Any]) -> float:
        return self.l2 / 2 * float(np.square(theta[: self.n_features]).sum()) if self.l2 else 0.0

    def _with_ridge(self, gradient: NDArray[Any], theta: NDArray[Any]) -> NDArray[Any]:
        if self.l2:
            gradient[: self.n_features] += self.l2 * theta[: self.n_features]
        return gradient
