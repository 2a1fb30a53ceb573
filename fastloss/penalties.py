"""Penalties on coefficients: value, gradient, curvature and proximal operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastloss import settings, validation
from fastloss.immutable import Immutable
from fastloss.losses.pieces import nan_like
from fastloss.parameters import positive, real

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["L1", "L2", "ElasticNet", "Penalty"]


class Penalty(Immutable):
    """l1 ||w||_1 + l2/2 ||w||^2: small, immutable, comparable, picklable. A subclass says what l1 and l2 are.

    Coefficients may have any shape; the penalty is the sum over all of them. Their dtype is that of every array that
    comes out: float16, float32, float64 and longdouble are kept, integers and bools become float64. NaN propagates;
    with strength 0 the value and the gradient are 0 all the same.
    """

    name: ClassVar[str]
    alpha: float

    @property
    def strengths(self) -> tuple[float, float]:
        """The factors (l1, l2) of ||w||_1 and of ||w||^2 / 2."""
        raise NotImplementedError

    def __call__(self, w: ArrayLike) -> float:
        """The penalty.

        Parameters
        ----------
        w : array_like
            Coefficients, of any shape.

        Returns
        -------
        float
            Summed in longdouble.
        """
        return self._value(_coefficients(w)[0])

    def gradient(self, w: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """d(penalty)/dw: l1 sign(w) + l2 w, where the sign of 0 is 0, a subgradient of the kink there.

        Parameters
        ----------
        w : array_like
            Coefficients, of any shape.
        out : ndarray, optional
            A C-contiguous array of the shape and dtype of the result to write to, which may be `w` itself.
        """
        x, out = _coefficients(w, out)
        return self._gradient(x, out)

    def value_and_gradient(self, w: ArrayLike, *, out: NDArray[Any] | None = None) -> tuple[float, NDArray[Any]]:
        """The penalty and its gradient. Parameters are those of `gradient`."""
        x, out = _coefficients(w, out)
        return self._value(x), self._gradient(x, out)

    def hessian(self, w: ArrayLike) -> NDArray[Any]:
        """The diagonal of the Hessian: l2, in the shape and dtype of `w`; the kink of |w| at 0 adds nothing."""
        x, _ = _coefficients(w)
        with np.errstate(over="ignore"):
            hessian: NDArray[Any] = nan_like(x, self.strengths[1])
        return hessian

    def prox(self, w: ArrayLike, step: float = 1.0, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The proximal operator: argmin_v 1/2 ||v - w||^2 + step * penalty(v).

        It is sign(w) max(|w| - step l1, 0) / (1 + step l2) for each coefficient: what lies within the threshold comes
        out as 0.

        Parameters
        ----------
        w : array_like
            Coefficients, of any shape.
        step : float
            Positive: the step of proximal gradient descent.
        out : ndarray, optional
            As for `gradient`.
        """
        step = positive("step", step)
        x, out = _coefficients(w, out)
        l1, l2 = self.strengths
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite threshold leaves nothing, as it should
            threshold, divisor = x.dtype.type(step * l1), x.dtype.type(1 + step * l2)
            result: NDArray[Any] = np.divide(x - np.clip(x, -threshold, threshold), divisor, out=out)
        return result

    # A strength of 0 leaves its term out: 0 times an infinite coefficient would be NaN.

    def _value(self, x: NDArray[Any]) -> float:
        l1, l2 = self.strengths
        wide = x.astype(np.longdouble)  # squares keep their digits and their range
        total = np.longdouble(0)
        if l1:
            total += l1 * np.abs(wide).sum()
        if l2:
            total += l2 / 2 * np.square(wide).sum()
        return float(total)

    def _gradient(self, x: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        if max(self.strengths) > float(np.finfo(x.dtype).max):  # infinite in this type, and 0 times that is NaN
            x = x.astype(np.float64)
        l1, l2 = map(x.dtype.type, self.strengths)
        zero = x.dtype.type(0)
        with np.errstate(over="ignore"):  # beyond the type: infinite, as IEEE arithmetic has it
            result: NDArray[Any] = np.add(l1 * np.sign(x) if l1 else zero, l2 * x if l2 else zero, out=out)
        return result


class L1(Penalty):
    """Lasso penalty: alpha * sum_j |w_j|.

    The gradient is alpha sign(w), 0 at 0; the Hessian is 0. `prox` is soft thresholding at step * alpha: the
    coefficients below it become exactly 0.

    Parameters
    ----------
    alpha : float, default 1.0
        Strength, not negative; 0 is no penalty.

    Notes
    -----
    The penalty of scikit-learn's ``Lasso(alpha)``, which adds it to *half* the mean squared error: to the mean of
    `HalfSquaredError`.

    References
    ----------
    .. [1] R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Stat. Soc. B 58 (1996).
       https://doi.org/10.1111/j.2517-6161.1996.tb02080.x
    .. [2] N. Parikh, S. Boyd, "Proximal algorithms", Found. Trends Optim. 1 (2014).
       https://doi.org/10.1561/2400000003

    Examples
    --------
    >>> import fastloss as fl
    >>> penalty = fl.L1(alpha=0.5)
    >>> penalty([3.0, 0.0, -1.0])
    2.0
    >>> penalty.gradient([3.0, 0.0, -1.0])
    array([ 0.5,  0. , -0.5])
    >>> penalty.prox([3.0, 0.25, -1.0])
    array([ 2.5,  0. , -0.5])
    """

    name = "l1"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=real("alpha", alpha, 0.0))

    @property
    def strengths(self) -> tuple[float, float]:
        """(alpha, 0)."""
        return self.alpha, 0.0


class L2(Penalty):
    """Ridge penalty: alpha/2 * sum_j w_j^2.

    The gradient is alpha w, the Hessian alpha. `prox` shrinks: w / (1 + step * alpha).

    Parameters
    ----------
    alpha : float, default 1.0
        Strength, not negative; 0 is no penalty.

    Notes
    -----
    With the factor 1/2, like ``ElasticNet(alpha, l1_ratio=0)`` and like ``LogisticRegression`` with alpha = 1/C.
    scikit-learn's ``Ridge(alpha)`` has no 1/2, and adds its penalty to the *sum* of squared errors: with n samples
    its optimum is that of the mean of `HalfSquaredError` plus ``L2(alpha / n)``.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
       Technometrics 12 (1970). https://doi.org/10.1080/00401706.1970.10488634

    Examples
    --------
    >>> import fastloss as fl
    >>> penalty = fl.L2(alpha=0.5)
    >>> penalty([4.0, 0.0, -2.0])
    5.0
    >>> penalty.gradient([4.0, 0.0, -2.0])
    array([ 2.,  0., -1.])
    >>> penalty.prox([4.0, 0.0, -2.0], step=2.0)
    array([ 2.,  0., -1.])
    """

    name = "l2"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=real("alpha", alpha, 0.0))

    @property
    def strengths(self) -> tuple[float, float]:
        """(0, alpha)."""
        return 0.0, self.alpha


class ElasticNet(Penalty):
    """Elastic net: alpha * l1_ratio * sum_j |w_j| + alpha * (1 - l1_ratio)/2 * sum_j w_j^2.

    The gradient is alpha l1_ratio sign(w) + alpha (1 - l1_ratio) w, with sign 0 at 0; the Hessian is
    alpha (1 - l1_ratio). `prox` is soft thresholding at step * alpha * l1_ratio, then
    shrinkage by 1 + step * alpha * (1 - l1_ratio).

    Parameters
    ----------
    alpha : float, default 1.0
        Strength, not negative; 0 is no penalty.
    l1_ratio : float, default 0.5
        Share of the absolute values, in [0, 1]: 1 is `L1`, 0 is `L2`.

    Notes
    -----
    The penalty of scikit-learn's ``ElasticNet(alpha, l1_ratio)``, which adds it to *half* the mean squared error: to
    the mean of `HalfSquaredError`.

    References
    ----------
    .. [1] H. Zou, T. Hastie, "Regularization and variable selection via the elastic net", J. R. Stat. Soc. B 67
       (2005). https://doi.org/10.1111/j.1467-9868.2005.00503.x

    Examples
    --------
    >>> import fastloss as fl
    >>> penalty = fl.ElasticNet(alpha=1.0, l1_ratio=0.5)
    >>> penalty([2.0, 0.0, -4.0])
    8.0
    >>> penalty.gradient([2.0, 0.0, -4.0])
    array([ 1.5,  0. , -2.5])
    >>> penalty.prox([2.0, 0.25, -3.5])
    array([ 1.,  0., -2.])
    """

    name = "elastic_net"
    l1_ratio: float

    def __init__(self, alpha: float = 1.0, l1_ratio: float = 0.5) -> None:
        super().__init__(alpha=real("alpha", alpha, 0.0), l1_ratio=real("l1_ratio", l1_ratio, 0.0, 1.0))

    @property
    def strengths(self) -> tuple[float, float]:
        """(alpha l1_ratio, alpha (1 - l1_ratio))."""
        return self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)


def _coefficients(w: ArrayLike, out: NDArray[Any] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """`w` in the type of the results, and where they go."""
    given = validation.as_array("w", w)
    dtype = validation.result_dtype(given)
    if out is not None:
        validation.check_out("out", out, "w", given, dtype)
    if settings.check_finite() and not np.isfinite(given).all():
        validation.not_finite("w", given, int(np.argmin(np.isfinite(given))))
    x = given.astype(dtype, copy=False)
    return x, np.empty(x.shape, dtype) if out is None else out
