"""Losses of the overlap of two masks: no sum over samples, but a ratio of such sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from fastloss import backend, domains, reference, validation
from fastloss.immutable import Immutable
from fastloss.parameters import flag, real
from fastloss.registry import register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Dice", "Jaccard", "OverlapLoss", "Tversky"]


class OverlapLoss(Immutable):
    """(E / (TP + E + s))^gamma, E = alpha FP + beta FN: small, immutable, comparable, picklable.

    With t the mask and p the probabilities, TP = sum of t p, FP = sum of (1 - t) p, FN = sum of t (1 - p). E is summed
    as it stands, for 1 - TP/(...) cancels where the masks agree. Arrays of any shape; the dtype of y_pred is that of
    the gradient: float32 and float64 are computed in, float16 in float32, integers become float64. Sums are in float64.
    Where nothing counts, as in an empty mask that is predicted empty, the loss is 0, and so is the gradient at E = 0.
    """

    name: ClassVar[str]
    task: ClassVar[str] = "segmentation"
    when: ClassVar[str]
    smooth: float
    per_class: bool
    target_domain: ClassVar[domains.Domain] = domains.PROBABILITY_TARGET
    prediction_domain: ClassVar[domains.Domain] = domains.Domain(
        domains.PROBABILITY.code,
        0.0,
        1.0,
        domains.PROBABILITY.expected,
        "apply a sigmoid or a softmax if these are raw scores",
    )

    def _shape(self) -> tuple[float, float, float, float]:
        """alpha, beta, s and gamma."""
        raise NotImplementedError

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> float:
        """The loss; with ``per_class`` the mean over the classes.

        Parameters
        ----------
        y_true : array_like
            Masks: labels in {0, 1}, or probabilities. With ``per_class`` (n_samples, n_classes, ...).
        y_pred : array_like
            Predicted probabilities, of the same shape.
        sample_weight : array_like of shape (n_samples,), optional
            Finite, non-negative weights: of the sums, so that a sample of weight 2 counts like two, and one of weight 0
            not at all.
        n_threads : int, optional
            Threads to use; the default is that of `fastloss.set_num_threads`. Any number gives the same bits.
        """
        return self._value_and_gradient(y_true, y_pred, sample_weight, None, n_threads, wanted=False)[0]

    def gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> NDArray[Any]:
        """d(loss)/d(y_pred). Parameters are those of `value_and_gradient`."""
        return self.value_and_gradient(y_true, y_pred, sample_weight, out=out, n_threads=n_threads)[1]

    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        out: NDArray[Any] | None = None,
        n_threads: int | None = None,
    ) -> tuple[float, NDArray[Any]]:
        """The loss and its gradient: one pass over the arrays for the sums, one over the masks for the gradient.

        Parameters are those of `__call__`; `out` is a C-contiguous array of the shape and dtype of `y_pred` to write
        to, which may be `y_pred` itself.
        """
        return self._value_and_gradient(y_true, y_pred, sample_weight, out, n_threads, wanted=True)

    def _no_part(self, _: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} can be no part of a sum of losses: it is no sum over elements, so it has no "
            "reductions and no Hessian to add; add the values and gradients of both, or make it a task of "
            "fastloss.UncertaintyWeighting"
        )

    __add__ = __radd__ = __mul__ = __rmul__ = _no_part

    def _value_and_gradient(
        self, y_true: Any, y_pred: Any, sample_weight: Any, out: Any, n_threads: Any, *, wanted: bool
    ) -> tuple[float, Any]:
        if n_threads is not None:
            n_threads = validation.thread_count("n_threads", n_threads)
        given, y = validation.as_array("y_pred", y_pred), validation.as_array("y_true", y_true)
        if y.shape != given.shape:
            raise ValueError(f"y_true has shape {y.shape} and y_pred has shape {given.shape}: shapes must be equal")
        if self.per_class and given.ndim < 2:
            raise ValueError(f"y_pred has shape {given.shape}: with per_class expected (n_samples, n_classes, ...)")
        dtype = validation.result_dtype(given)
        work = np.dtype(np.float32) if dtype == np.float16 else dtype
        n = given.shape[0] if given.ndim else 1
        w = None if sample_weight is None else _weight(sample_weight, n, work)
        if out is not None:
            validation.check_out("out", out, "y_pred", given, dtype, (("y_true", y), ("sample_weight", w)))
        classes = given.shape[1] if self.per_class else 1
        if w is None and classes == 1:
            n = 1  # all of it is one row
        shape = (n, classes, given.size // max(1, n * classes))
        p = validation.contiguous(given, work)
        run: Any = reference
        if backend.engine is not None and work in (np.float32, np.float64):
            run = backend.engine
        t = validation.loadable(y, work)
        sums, bad_target, bad_prediction = run.overlap_sums(self, t, p, w, shape, n_threads)
        if bad_target >= 0:
            validation.bad_target(self, y, bad_target)  # type: ignore[arg-type]
        if bad_prediction >= 0:
            if np.isnan(given.flat[bad_prediction]):  # where set_check_finite(True) refuses it
                validation.not_finite("y_pred", given, bad_prediction)
            validation.bad_prediction(self, given, bad_prediction)  # type: ignore[arg-type]
        value, slopes = self._score(sums)
        if not wanted:
            return value, None
        gradient = np.asarray(out) if out is not None and dtype == work else np.empty(given.shape, work)
        run.overlap_gradient(t, w, slopes, gradient, shape, n_threads)
        if out is None:
            return value, gradient.astype(dtype, copy=False)
        if dtype != work:
            out[...] = gradient
        return value, out

    def _score(self, sums: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """The mean over the classes, and for each the gradient where the target is 1 and where it is 0."""
        tp, fp, fn = sums.T
        alpha, beta, smooth, gamma = self._shape()
        with np.errstate(all="ignore"):  # NaN in, NaN out
            error, agreed = alpha * fp + beta * fn, tp + smooth
            whole = agreed + error
            whole = np.where(whole == 0, 1, whole)  # of nothing all shares are 0
            share = error / whole
            steep = np.where(error == 0, float(gamma == 1), gamma * np.power(share, gamma - 1))
            value = float(np.mean(np.power(share, gamma))) if len(tp) else 0.0
            # The square of `whole` may be 0; and 0 times infinity is NaN.
            factor = np.minimum(steep / whole, np.finfo(whole.dtype).max) / max(1, len(tp))
            shares = np.stack([-(beta * agreed + error), alpha * agreed], axis=1) / whole[:, np.newaxis]
            return value, factor[:, np.newaxis] * shares


def _weight(weight: Any, n: int, dtype: np.dtype[Any]) -> Any:
    w = validation.as_array("sample_weight", weight)
    if w.shape != (n,):
        raise ValueError(f"sample_weight has shape {w.shape}: expected {(n,)}, one per sample")
    good = (w >= 0) & (w <= np.finfo(dtype).max)
    if not good.all():
        validation.bad_weight(w, int(np.argmin(good)))
    return validation.contiguous(w, dtype)


@register
class Dice(OverlapLoss):
    r"""Dice loss: 1 - (2 sum t p + smooth)/(sum p + sum t + smooth), t the mask, p = y_pred.

    With N and D the numerator and the denominator, the gradient is -(2 t D - N)/D^2.

    Parameters
    ----------
    smooth : float, default=1.0
        Added above and below: what an empty mask is worth. Positive or 0.
    per_class : bool, default=False
        Whether there is a ratio for each class, along axis 1, over all samples, of which the mean is taken; else there
        is one over everything.

    Notes
    -----
    An empty mask that is predicted empty has the loss 0, also with ``smooth=0``. Keras's ``Dice`` has an epsilon in the
    place of smooth, 1e-7; SMP's leaves out empty classes. Probabilities are expected and checked.

    References
    ----------
    .. [1] F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net: fully convolutional neural networks for volumetric medical
       image segmentation", 3DV 2016. https://doi.org/10.1109/3DV.2016.79

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Dice(smooth=0.0)([1, 1, 0, 0], [1.0, 0.5, 0.5, 0.0])
    0.25
    """

    name = "dice"
    when = "Masks of a small foreground, whose pixels would drown in cross-entropy."

    def __init__(self, smooth: float = 1.0, per_class: bool = False) -> None:
        super().__init__(smooth=real("smooth", smooth, 0.0), per_class=flag("per_class", per_class))

    def _shape(self) -> tuple[float, float, float, float]:
        return 0.5, 0.5, self.smooth / 2, 1.0


@register
class Jaccard(OverlapLoss):
    r"""Jaccard (soft IoU) loss: 1 - (sum t p + smooth)/(sum p + sum t - sum t p + smooth), t the mask, p = y_pred.

    With N and D the numerator and the denominator, the gradient is -(t D - (1 - t) N)/D^2.

    Parameters
    ----------
    smooth : float, default=1.0
        As in `Dice`.
    per_class : bool, default=False
        As in `Dice`.

    Notes
    -----
    An empty mask that is predicted empty has the loss 0. Of the same masks it is larger than `Dice`: 2 L/(1 + L) of
    that, where smooth is 0.

    References
    ----------
    .. [1] M. A. Rahman, Y. Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation",
       ISVC 2016. https://doi.org/10.1007/978-3-319-50835-1_22

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Jaccard(smooth=0.0)([1, 1, 0, 0], [1.0, 0.5, 0.5, 0.0])
    0.4
    """

    name = "jaccard"
    when = "Masks that will be judged by intersection over union."

    def __init__(self, smooth: float = 1.0, per_class: bool = False) -> None:
        super().__init__(smooth=real("smooth", smooth, 0.0), per_class=flag("per_class", per_class))

    def _shape(self) -> tuple[float, float, float, float]:
        return 1.0, 1.0, self.smooth, 1.0


@register
class Tversky(OverlapLoss):
    r"""Tversky loss: (1 - (TP + smooth)/(TP + alpha FP + beta FN + smooth))^gamma.

    TP = sum of t p, FP = sum of (1 - t) p, FN = sum of t (1 - p), t the mask, p = y_pred. With E = alpha FP + beta FN,
    A = TP + smooth, D = A + E the gradient is gamma (E/D)^(gamma - 1) (alpha A - t ((alpha + beta) A + E))/D^2.

    Parameters
    ----------
    alpha : float, default=0.5
        Cost of false positives. Positive or 0.
    beta : float, default=0.5
        Cost of false negatives: raise it for recall. Positive or 0.
    gamma : float, default=1.0
        Focus on ill-segmented masks, as an exponent. Positive. The focal Tversky loss of Abraham and Khan has 1/gamma.
    smooth : float, default=1.0
        As in `Dice`.
    per_class : bool, default=False
        As in `Dice`.

    Notes
    -----
    alpha = beta = 1/2 is `Dice` (with half its smooth), 1 is `Jaccard`. alpha is of false positives, as in SMP; Keras
    documents the same, but its code (3.15) takes them the other way round. At a perfect fit the gradient is 0 unless
    gamma is 1.

    References
    ----------
    .. [1] S. S. M. Salehi, D. Erdogmus, A. Gholipour, "Tversky loss function for image segmentation using 3D fully
       convolutional deep networks", MLMI 2017. https://doi.org/10.1007/978-3-319-67389-9_44
    .. [2] N. Abraham, N. M. Khan, "A novel focal Tversky loss function with improved attention U-Net for lesion
       segmentation", ISBI 2019. https://doi.org/10.1109/ISBI.2019.8759329

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.Tversky(alpha=0.3, beta=0.7, smooth=0.0)([1, 1, 0, 0], [1.0, 0.5, 0.5, 0.0]), 6)
    0.25
    """

    name = "tversky"
    when = "Masks of which false negatives cost more than false positives, or the reverse: lesions."
    alpha: float
    beta: float
    gamma: float

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
        smooth: float = 1.0,
        per_class: bool = False,
    ) -> None:
        super().__init__(
            alpha=real("alpha", alpha, 0.0),
            beta=real("beta", beta, 0.0),
            gamma=real("gamma", gamma, 0.0, open_low=True),
            smooth=real("smooth", smooth, 0.0),
            per_class=flag("per_class", per_class),
        )

    def _shape(self) -> tuple[float, float, float, float]:
        return self.alpha, self.beta, self.smooth, self.gamma
