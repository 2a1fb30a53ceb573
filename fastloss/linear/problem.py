"""The objective of a linear model: a loss of the scores X W + b, plus a penalty on W."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.linear.passes import WIDE, CentredPass, PlainPass, make_pass
from fastloss.penalties import L2, Penalty

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.loss import Hessian, Loss


class LinearProblem:
    """F(theta) = mean of w l(y, X W + b) over the total weight, plus l2/2 ||W||^2 + l1 ||W||_1.

    What solvers ask of data and loss. X is read here and in the pass over it; of the solvers `interior` alone looks at
    it, to solve a copy in float64. theta has a row per feature and, with an intercept,
    one more: shape (n_features + fit_intercept,), or (n_features + fit_intercept, n_outputs) for a loss of rows. It is
    float64, whatever X is; scores, gradients of scores and the pass over X have the type of X.

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
    centre : ndarray of shape (n_features,), optional
        Read X - centre for X. It is not formed, so that sparse X stays sparse; dense rows of a `subset` are moved.
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
        centre: NDArray[Any] | None = None,
    ) -> None:
        if isinstance(X, np.ma.MaskedArray):
            raise TypeError("X is a masked array, whose mask would be lost: fill what it hides, or leave out its rows")
        if isinstance(X, np.ndarray):
            X = np.asarray(X)  # of a subclass, such as a memory map, the array that it is
        self.X, self.y, self.loss, self.sample_weight = X, y, loss, sample_weight
        self.penalty = L2(0.0) if penalty is None else penalty
        self.l1, self.l2 = self.penalty.strengths
        self.fit_intercept, self.n_outputs, self.n_threads = fit_intercept, n_outputs, n_threads
        self.centre = centre
        self.n_samples, self.n_features = X.shape
        self.dtype = X.dtype
        rows = self.n_features + fit_intercept
        if not rows:
            raise ValueError(f"X has shape {X.shape} and there is no intercept: there is nothing to fit")
        columns: tuple[int, ...] = (n_outputs,) if loss.has_rows else ()
        self.shape = (rows, *columns)
        arguments = (loss, X, y, sample_weight, (self.n_samples, *columns), fit_intercept, n_threads)
        self._plain: Any = PlainPass(*arguments)
        self._pass: Any = make_pass(*arguments) or self._plain
        if centre is not None:
            self._plain, self._pass = (CentredPass(of_x, centre, self.dtype) for of_x in (self._plain, self._pass))
        narrow = isinstance(X, np.ndarray) and self.n_features < WIDE
        self._gram_pass = self._pass if narrow else self._plain
        _check_total(sample_weight, self.dtype)

    @property
    def additive(self) -> bool:
        """Whether F without the penalty is a mean over samples, of which a batch could stand for all."""
        return self.loss.additive

    @property
    def compiled(self) -> Any:
        """The compiled pass over X, or None where there is none, or it is centred."""
        return None if isinstance(self._pass, PlainPass | CentredPass) else self._pass

    def scores(self, theta: NDArray[Any]) -> NDArray[Any]:
        """X W + b, of shape (n_samples,) or (n_samples, n_outputs)."""
        result: NDArray[Any] = self._pass.scores(theta)
        return result

    def value(self, theta: NDArray[Any]) -> float:
        """F without the l1 term."""
        mean: float = self._pass.value(theta)
        return mean + self._ridge(theta)

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """F without the l1 term, and its gradient, float64 in the shape of theta."""
        mean, gradient = self._pass.value_and_gradient(theta)
        return mean + self._ridge(theta), self._with_ridge(gradient, theta)

    def value_of_scores(self, z: NDArray[Any]) -> float:
        """F without the penalty, of scores."""
        mean: float = self.loss(self.y, z, self.sample_weight, n_threads=self.n_threads)
        return mean

    def value_of_constant(self, theta: NDArray[Any]) -> float:
        """`value` where all coefficients are 0, which takes no pass over X."""
        z = np.zeros((self.n_samples, *self.shape[1:]), self.dtype)
        return self.value_of_scores(z + theta[-1].astype(self.dtype) if self.fit_intercept else z)

    def absolute(self, theta: NDArray[Any]) -> float:
        """The l1 term."""
        return self.l1 * float(np.abs(theta[: self.n_features]).sum()) if self.l1 else 0.0

    def pull_back(self, slope: NDArray[Any]) -> NDArray[Any]:
        """X^T slope and, for the intercept, the sum of slope, float64: what a slope in the scores is in theta."""
        result: NDArray[Any] = self._pass.pull_back(self._like_scores(slope))
        return result

    def mean_squares(self) -> NDArray[Any]:
        """The mean square of each feature and, for the intercept, 1."""
        squares = np.square(self.X) if isinstance(self.X, np.ndarray) else self.X.multiply(self.X)
        means = np.asarray(squares.mean(axis=0, dtype=np.float64)).ravel()
        if self.centre is not None:
            means -= self.centre * (2 * np.asarray(self.X.mean(axis=0, dtype=np.float64)).ravel() - self.centre)
        return np.append(means, 1.0) if self.fit_intercept else means

    def hessian(self, theta: NDArray[Any], kind: Hessian = "exact") -> NDArray[Any]:
        """The matrix of second derivatives of F without l1, for scores of shape (n_samples,), by `gram`."""
        result = self.gram(self.score_curvature(self.scores(theta), kind))
        result[np.diag_indices(self.n_features)] += self.l2
        return result

    def gram(self, h: NDArray[Any]) -> NDArray[Any]:
        """(X, 1)^T diag(h) (X, 1), float64: h has the weights and the division by their total in it."""
        upper: NDArray[Any] = np.triu(self._gram_pass.gram(self._like_scores(h)))
        whole: NDArray[Any] = upper + np.triu(upper, 1).T
        return whole

    def score_curvature(self, z: NDArray[Any], kind: Hessian) -> NDArray[Any]:
        """The diagonal of the Hessian, in the scores z, of F without the penalty."""
        return self.loss.gradient_and_hessian(self.y, z, self.sample_weight, hessian=kind, n_threads=self.n_threads)[1]

    def hessian_product(self, theta: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """What multiplies a vector of the shape of theta by the exact Hessian of F without l1, at theta."""
        z = self.scores(theta)
        diagonal = self.loss.curvature == "diagonal"
        at = self.score_curvature(z, "exact") if diagonal else z
        hessian_pass = self._pass if self.loss.curvature is not None else self._plain  # where the loss says why not

        def product(vector: NDArray[Any]) -> NDArray[Any]:
            return self._with_ridge(hessian_pass.product(vector, at, diagonal), vector)

        return product

    def gradient_norm(self, theta: NDArray[Any], gradient: NDArray[Any]) -> float:
        """The largest entry of the least subgradient of F with l1; `gradient` is that of F without, at theta."""
        if not self.l1:
            return float(np.abs(gradient).max(initial=0.0))
        p = self.n_features
        w, g = theta[:p], gradient[:p]
        least = np.where(w != 0, np.abs(g + self.l1 * np.sign(w)), np.maximum(np.abs(g) - self.l1, 0.0))
        return float(max(least.max(initial=0.0), np.abs(gradient[p:]).max(initial=0.0)))

    @property
    def options(self) -> dict[str, Any]:
        """What beside X, y, loss and weights makes a problem."""
        names = ("penalty", "fit_intercept", "n_outputs", "n_threads", "centre")
        return {name: getattr(self, name) for name in names}

    def subset(self, rows: Any) -> LinearProblem:
        """The same problem on some of the samples: a slice, indices or a mask."""
        X, options = self.X[rows], self.options
        if self.centre is not None and isinstance(X, np.ndarray):
            X, options["centre"] = np.subtract(X, self.centre).astype(self.dtype), None
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return type(self)(X, self.y[rows], self.loss, sample_weight=weight, **options)

    def centred(self, centre: NDArray[Any]) -> LinearProblem:
        """The same problem on X - centre."""
        return self._of(self.X, centre)

    def by_rows(self) -> LinearProblem:
        """The same problem, with a copy of an X that lies by columns: for what reads rows here and there."""
        X = np.ascontiguousarray(self.X) if isinstance(self.X, np.ndarray) else self.X
        return self if X is self.X else self._of(X, self.centre)

    def _of(self, X: Any, centre: NDArray[Any] | None) -> LinearProblem:
        options = self.options | {"centre": centre}
        return type(self)(X, self.y, self.loss, sample_weight=self.sample_weight, **options)

    def _like_scores(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(array, self.dtype)

    def _ridge(self, theta: NDArray[Any]) -> float:
        return self.l2 / 2 * float(np.square(theta[: self.n_features]).sum()) if self.l2 else 0.0

    def _with_ridge(self, gradient: NDArray[Any], theta: NDArray[Any]) -> NDArray[Any]:
        if self.l2:
            gradient[: self.n_features] += self.l2 * theta[: self.n_features]
        return gradient


def _check_total(weight: NDArray[Any] | None, dtype: np.dtype[Any]) -> None:
    """The total weight, which the mean divides by, must have an inverse: another would make a gradient of 0."""
    if weight is None:
        return
    with np.errstate(over="ignore"):
        total = float(np.sum(weight, dtype=np.float64))
    if total * float(np.finfo(np.float32 if dtype == np.float32 else np.float64).tiny) > 1:
        raise ValueError(
            f"sample_weight sums to {total:g}: divide the weights by their largest, which changes nothing else"
        )
