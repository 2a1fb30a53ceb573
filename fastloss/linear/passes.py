"""Passes over X: what a linear problem asks of its data, from the compiled engine or from NumPy's expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import backend, domains, settings, validation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss

# From so many columns on a Gram matrix is BLAS's: its blocks are too long for one share's cache.
WIDE = 256
CHUNK = 1 << 20  # entries of X that a Gram matrix reads at a time


def make_pass(
    loss: Loss,
    X: Any,
    y: Any,
    sample_weight: Any,
    scores_shape: tuple[int, ...],
    fit_intercept: bool,
    n_threads: int | None,
) -> Any:
    """The compiled pass, or None where the engine has none for this loss and this X.

    It looks through targets and weights here, once, and raises for them what the loss would.
    """
    engine = backend.engine
    if (
        engine is None
        or not isinstance(loss._runner, engine.Runner)
        or loss.prediction_domain != domains.ANY  # which is to be looked at in every pass
        or settings.check_finite()
        or not _is_ready(X)
    ):
        return None
    runner, y, sample_weight = validation.beside(loss._runner, y, np.empty(scores_shape, X.dtype), sample_weight)
    if loss.layout == "pointwise":
        y = y.astype(X.dtype, copy=False)  # once, instead of in every pass
    if sample_weight is not None:
        sample_weight = sample_weight.astype(X.dtype, copy=False)
    if n_threads is not None:
        n_threads = validation.thread_count("n_threads", n_threads)
    return engine.LinearPass(runner, X, y, sample_weight, scores_shape, fit_intercept, n_threads)


def _is_ready(X: Any) -> bool:
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        return False
    if type(X) is np.ndarray:
        return (X.flags.c_contiguous or X.flags.f_contiguous) and X.flags.aligned
    if X.format != "csr":
        return False
    X.check_format(full_check=True)  # its indices are addresses
    return X.indices.dtype == X.indptr.dtype and all(a.flags.c_contiguous for a in (X.data, X.indices, X.indptr))


class PlainPass:
    """The same passes as NumPy expressions: any loss, any X, one result after the other.

    Coefficients, with a row for the intercept, and gradients, without any penalty, are float64.
    """

    def __init__(
        self,
        loss: Loss,
        X: Any,
        y: Any,
        sample_weight: Any,
        scores_shape: tuple[int, ...],
        fit_intercept: bool,
        n_threads: int | None,
    ) -> None:
        self.loss, self.X, self.y, self.weight = loss, X, y, sample_weight
        self.fit_intercept, self.n_threads = fit_intercept, n_threads
        self.shape = (X.shape[1] + fit_intercept, *scores_shape[1:])

    def scores(self, theta: NDArray[Any]) -> NDArray[Any]:
        """X W + b, in X's type."""
        validation.check_coefficients(theta, self.shape)
        w = theta.astype(self.X.dtype, copy=False)
        z: NDArray[Any] = self.X @ w[: self.X.shape[1]]
        if self.fit_intercept:
            z += w[-1]
        return z

    def value(self, theta: NDArray[Any]) -> float:
        """The weighted mean of the losses."""
        result: float = self.loss(self.y, self.scores(theta), self.weight, n_threads=self.n_threads)
        return result

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """The weighted mean of the losses, and its gradient."""
        value, slope = self.loss.value_and_gradient(self.y, self.scores(theta), self.weight, n_threads=self.n_threads)
        return value, self.pull_back(slope)

    def pull_back(self, slope: NDArray[Any]) -> NDArray[Any]:
        """(X, 1)^T slope, of slopes in the scores."""
        result = np.empty(self.shape)
        p = self.X.shape[1]
        result[:p] = self.X.T @ slope
        if self.fit_intercept:
            result[p] = slope.sum(axis=0, dtype=np.float64)
        return result

    def product(self, theta: NDArray[Any], at: NDArray[Any], diagonal: bool) -> NDArray[Any]:
        """X^T times the Hessian of the mean times X theta.

        `at`: where it is taken, of the shape of the scores, or the Hessian itself if it is `diagonal`.
        """
        along = self.scores(theta)
        if diagonal:
            return self.pull_back(at * along)
        return self.pull_back(
            self.loss.hessian_vector_product(self.y, at, along, self.weight, n_threads=self.n_threads)
        )

    def gram(self, h: NDArray[Any]) -> NDArray[Any]:
        """(X, 1)^T diag(h) (X, 1): the upper triangle; what stands below it means nothing."""
        n, p = self.X.shape
        result = np.zeros((self.shape[0], self.shape[0]))
        step = max(1, CHUNK // max(1, p)) if type(self.X) is np.ndarray else max(1, n)
        root = np.sqrt(h) if (h >= 0).all() else None  # a matrix times itself is half the work
        for begin in range(0, n, step):
            rows, by = self.X[begin : begin + step], h[begin : begin + step]
            if type(rows) is np.ndarray and root is not None:
                half = rows * root[begin : begin + step, None]
                result[:p, :p] += half.T @ half
            elif type(rows) is np.ndarray:
                result[:p, :p] += rows.T @ (rows * by[:, None])
            else:
                result[:p, :p] += (rows.T @ rows.multiply(by[:, None]).tocsr()).toarray()
        if self.fit_intercept:
            result[:p, p] = self.X.T @ h
            result[p, p] = h.sum(dtype=np.float64)
        return result


class CentredPass:
    """A pass over X - centre, which is never formed: the intercept is that of these columns.

    Parameters
    ----------
    of_x : LinearPass or PlainPass
        The pass over X, with an intercept.
    centre : ndarray of shape (n_features,)
    dtype : dtype
        Of X, in which the pass takes coefficients: what it rounds off them would be multiplied by the centre.
    """

    def __init__(self, of_x: Any, centre: NDArray[Any], dtype: Any) -> None:
        self.of_x, self.centre, self.dtype = of_x, centre, dtype

    def scores(self, theta: NDArray[Any]) -> NDArray[Any]:
        """(X - centre) W + b, in X's type."""
        result: NDArray[Any] = self.of_x.scores(uncentred(theta, self.centre, self.dtype))
        return result

    def value(self, theta: NDArray[Any]) -> float:
        """The weighted mean of the losses."""
        result: float = self.of_x.value(uncentred(theta, self.centre, self.dtype))
        return result

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """The weighted mean of the losses, and its gradient."""
        value, gradient = self.of_x.value_and_gradient(uncentred(theta, self.centre, self.dtype))
        return value, self._centred(gradient)

    def pull_back(self, slope: NDArray[Any]) -> NDArray[Any]:
        """(X - centre, 1)^T slope, of slopes in the scores."""
        return self._centred(self.of_x.pull_back(slope))

    def product(self, theta: NDArray[Any], at: NDArray[Any], diagonal: bool) -> NDArray[Any]:
        """As of `PlainPass`."""
        return self._centred(self.of_x.product(uncentred(theta, self.centre, self.dtype), at, diagonal))

    def gram(self, h: NDArray[Any]) -> NDArray[Any]:
        """(X - centre, 1)^T diag(h) (X - centre, 1): the upper triangle; what stands below it means nothing."""
        result: NDArray[Any] = self.of_x.gram(h)
        result[:-1, :-1] -= np.multiply.outer(self.centre, result[:-1, -1])
        result[:-1, -1] -= self.centre * result[-1, -1]
        result[:-1, :-1] -= np.multiply.outer(result[:-1, -1], self.centre)
        return result

    def _centred(self, gradient: NDArray[Any]) -> NDArray[Any]:
        gradient[:-1] -= np.multiply.outer(self.centre, gradient[-1])
        return gradient


def uncentred(theta: NDArray[Any], centre: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
    """Coefficients and intercept for X that are theta for X - centre; coefficients are rounded to `dtype`."""
    result = np.array(theta, dtype=np.float64)
    result[:-1] = result[:-1].astype(dtype)
    result[-1] -= centre @ result[:-1]
    return result
