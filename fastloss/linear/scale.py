"""Huber's loss in units of a scale that is estimated with the coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.problem import LinearProblem
from fastloss.losses.regression import Huber

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Hessian


class HuberWithScale(LinearProblem):
    """F(theta) = min over s > 0 of the mean of w (s/2 + s huber(r / s)) over the total weight, and a penalty on W.

    r = X W + b - y, and `delta` of the loss is in units of the scale s. 2 n times F is what scikit-learn's
    ``HuberRegressor`` minimises in theta and s together, for epsilon = delta and alpha = n l2 [1]_ [2]_. That is convex
    in both, and so is F, which has the best s for each theta put in: its gradient is that at the best s, as the
    derivative in s is 0 there. Any solver of smooth problems takes it.

    Parameters
    ----------
    X, y, loss, **options
        Of `LinearProblem`. The loss is `Huber` with delta > 1: with 1 the best scale would be 0, and F the mean
        absolute error.

    Raises
    ------
    ValueError
        For another loss.

    References
    ----------
    .. [1] P. J. Huber, E. M. Ronchetti, "Robust Statistics", 2nd ed., ch. 7.7, Wiley (2009).
       https://doi.org/10.1002/9780470434697
    .. [2] A. B. Owen, "A robust hybrid of lasso and ridge regression", Contemp. Math. 443 (2007).
       https://doi.org/10.1090/conm/443/08555

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import lbfgs
    >>> from fastloss.linear.scale import HuberWithScale
    >>> X = np.arange(8.0)[:, None]
    >>> y = 2 * X[:, 0] + [0.1, -0.1, -0.1, 0.1, 0.1, -0.1, -0.1, 40]
    >>> problem = HuberWithScale(X, y, fl.Huber(delta=1.35))
    >>> theta = lbfgs.solve(problem, tol=1e-9).theta
    >>> theta.round(2), round(problem.scale(theta), 2)
    (array([ 2.01, -0.02]), 0.11)
    """

    additive = False  # the scale is that of all samples

    def __init__(self, X: Any, y: NDArray[Any], loss: Huber, **options: Any) -> None:
        if not isinstance(loss, Huber) or loss.delta <= 1:
            raise ValueError(f"a scale is estimated for Huber(delta) with delta > 1, not for {loss!r}")
        super().__init__(X, y, loss, **options)
        w = self.sample_weight
        size = np.abs(self.y if w is None else self.y[w > 0], dtype=np.float64)
        # Of a fit without residuals, for most of the weight, only rounding is left: that of a common target.
        self._least = max(10 * np.finfo(self.dtype).eps * float(np.median(size)), float(np.finfo(self.dtype).tiny))

    def scale(self, theta: NDArray[Any]) -> float:
        """The best scale of the residuals at theta."""
        scale: float = self._best_scale(self.scores(theta))
        return scale

    def value(self, theta: NDArray[Any]) -> float:
        """F without the l1 term."""
        return self.value_of_scores(self.scores(theta)) + self._ridge(theta)

    def value_of_scores(self, z: NDArray[Any]) -> float:
        """F without the penalty, of scores."""
        scale, loss = self._at(z)
        mean: float = loss(self.y, z, self.sample_weight, n_threads=self.n_threads)
        return scale / 2 + mean / scale

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """F without the l1 term, and its gradient, float64 in the shape of theta."""
        z = self.scores(theta)
        scale, loss = self._at(z)
        mean, slope = loss.value_and_gradient(self.y, z, self.sample_weight, n_threads=self.n_threads)
        return scale / 2 + mean / scale + self._ridge(theta), self._with_ridge(self.pull_back(slope) / scale, theta)

    def score_curvature(self, z: NDArray[Any], kind: Hessian) -> NDArray[Any]:
        """That at a scale held fixed: the Hessian of F is less than what comes of it, by a matrix of rank one."""
        scale, loss = self._at(z)
        _, h = loss.gradient_and_hessian(self.y, z, self.sample_weight, hessian=kind, n_threads=self.n_threads)
        result: NDArray[Any] = h / scale
        return result

    def _at(self, z: NDArray[Any]) -> tuple[float, Huber]:
        """The best scale of scores, and s^2 huber(r / s), which is the loss with delta s for delta."""
        scale = self._best_scale(z)
        return scale, Huber(delta=self.loss.delta * scale)

    def _best_scale(self, z: NDArray[Any]) -> float:
        """The root in s of W - sum of inliers' w r^2 / s^2 - delta^2 (weight of outliers): an increasing function.

        Inliers are within delta s. Sorted by size, residuals are inliers up to where the function, at the scale that
        makes the next one an inlier, is no longer negative.
        """
        size = np.abs(np.subtract(z, self.y, dtype=np.float64))
        if self.sample_weight is None:
            size.sort()
            weight = np.arange(1.0, len(size) + 1)
            squares = np.cumsum(np.square(size))
        else:
            order = np.argsort(size)
            order = order[self.sample_weight[order] > 0]  # nothing is known of the others, nor how large they may be
            size, w = size[order], self.sample_weight[order].astype(np.float64)
            weight = np.cumsum(w)
            squares = np.cumsum(w * np.square(size))
        delta, total = float(self.loss.delta), float(weight[-1])
        positive = np.maximum(size, np.finfo(np.float64).tiny)
        rising = total - delta**2 * (squares / positive / positive + (total - weight)) >= 0
        inliers = int(np.argmax(rising)) if rising[-1] else len(size)
        low = size[inliers - 1] / delta if inliers else 0.0
        high = size[inliers] / delta if inliers < len(size) else np.inf
        left = total - delta**2 * (total - (weight[inliers - 1] if inliers else 0.0))
        squared = squares[inliers - 1] if inliers else 0.0
        root = float(np.sqrt(squared / left)) if left > 0 else np.inf
        return float(max(min(max(root, low), high), self._least))
