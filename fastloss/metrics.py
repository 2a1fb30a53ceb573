"""The losses among ``sklearn.metrics``, by the same names, with the same arguments and results, computed by the engine.

They follow scikit-learn's conventions where those differ from fastloss's: probabilities are clipped, labels may be
anything that sorts, several outputs are averaged. scikit-learn itself is not needed. What is not finite raises where it
shows in the result; weights are non-negative.

>>> from fastloss.metrics import log_loss, mean_squared_error
>>> log_loss(["spam", "ham", "spam"], [0.9, 0.2, 1.0]).__round__(6)
0.109501
>>> mean_squared_error([[0.5, 1.0], [-1.0, 1.0]], [[0.0, 2.0], [-1.0, 2.0]], multioutput="raw_values")
array([0.125, 1.   ])
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastloss import backend, validation
from fastloss.loss import Loss
from fastloss.losses.binary import BinaryCrossEntropy, Brier, Hinge
from fastloss.losses.counts import Tweedie
from fastloss.losses.margins import CategoricalHinge
from fastloss.losses.pieces import float32_and_rest
from fastloss.losses.regression import AbsoluteError, Linex, Quantile, SquaredError
from fastloss.losses.relative import AbsolutePercentageError, SquaredLogError
from fastloss.parameters import flag

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "brier_score_loss",
    "hinge_loss",
    "log_loss",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
]

_BLOCK = 8192  # samples, so that what lies between two passes over them stays in the cache

MultiOutput = Literal["uniform_average", "raw_values"] | Sequence[float]

# -- numbers ----------------------------------------------------------------------------------------------------------


def mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Mean squared error, as `sklearn.metrics.mean_squared_error`.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n_samples,) or (n_samples, n_outputs)
        Targets and predictions.
    sample_weight : array_like of shape (n_samples,), optional
        Weights.
    multioutput : {"uniform_average", "raw_values"} or array_like of shape (n_outputs,)
        The mean over outputs, the loss of each, or weights of outputs.

    Returns
    -------
    float, or ndarray of shape (n_outputs,)

    Examples
    --------
    >>> mean_squared_error([1.0, 2.0], [1.5, 4.0])
    2.125
    """
    return _averaged(_of_outputs(SquaredError(), y_true, y_pred, sample_weight), multioutput)


def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Root of the mean squared error of each output; parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> root_mean_squared_error([0.0, 0.0], [3.0, 3.0])
    3.0
    """
    return _averaged(np.sqrt(_of_outputs(SquaredError(), y_true, y_pred, sample_weight)), multioutput)


def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Mean absolute error; parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_error([1.0, 2.0], [1.5, 4.0])
    1.25
    """
    return _averaged(_of_outputs(AbsoluteError(), y_true, y_pred, sample_weight), multioutput)


def mean_pinball_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.5,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Mean pinball loss of the quantile `alpha`; the other parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_pinball_loss([1.0, 2.0], [2.0, 1.0], alpha=0.9)
    0.5
    """
    return _averaged(_of_outputs(Quantile(alpha), y_true, y_pred, sample_weight), multioutput)


def mean_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Mean absolute error over max(|y_true|, 2.2e-16), a share; parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_percentage_error([2.0, 4.0], [3.0, 3.0])
    0.375
    """
    return _averaged(_of_outputs(AbsolutePercentageError("epsilon"), y_true, y_pred, sample_weight), multioutput)


def mean_squared_log_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Mean squared difference of log(1 + y), for y > -1; parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_squared_log_error([1.0, 3.0], [1.0, 1.0]).__round__(6)
    0.240227
    """
    return _averaged(_squared_logs(y_true, y_pred, sample_weight), multioutput)


def root_mean_squared_log_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: MultiOutput = "uniform_average",
) -> Any:
    """Root of the mean squared logarithmic error of each output; parameters are those of `mean_squared_error`.

    Examples
    --------
    >>> root_mean_squared_log_error([1.0, 3.0], [1.0, 1.0]).__round__(6)
    0.490129
    """
    return _averaged(np.sqrt(_squared_logs(y_true, y_pred, sample_weight)), multioutput)


def mean_tweedie_deviance(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None, power: float = 0
) -> float:
    """Mean deviance of a Tweedie distribution whose variance is mean^power.

    Twice the difference between the loss at the prediction and the least that there is, at y_true. It is computed in
    float64 and keeps its digits where the two are close, which that difference does not.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n_samples,)
        Targets and predicted means.
    sample_weight : array_like of shape (n_samples,), optional
        Weights.
    power : float
        At most 0 or at least 1. 0: squared error; 1: Poisson; 2: gamma; 3: inverse Gaussian.

    Examples
    --------
    >>> mean_tweedie_deviance([2.0, 0.0, 1.0, 4.0], [0.5, 0.5, 2.0, 2.0], power=1).__round__(6)
    1.426015
    """
    tweedie = Tweedie(power)  # checks it
    power = tweedie.power
    y, mean, w = _numbers(y_true, y_pred, sample_weight)
    if y.ndim > 1:
        raise ValueError(f"y_true has shape {y.shape}: the deviance is of one output")
    if power == 0:
        return _mean(SquaredError(), y, mean, w)
    if backend.engine is not None:
        least = -math.inf if power < 1 else 0.0 if power < 2 else math.ulp(0.0)
        exponents = [part for x in tweedie._exponents() for part in float32_and_rest(x)]
        value = backend.engine.mean_deviance(y, np.ascontiguousarray(mean), w, exponents, least)
        if math.isfinite(value):
            return float(value)
    # Without the engine, or to say what is wrong.
    _check_above("y_pred", mean, 0, "a mean > 0")
    if power >= 1:
        _check_above("y_true", y, 0, "a number > 0" if power >= 2 else "a number >= 0", or_equal=power < 2)
    deviances = np.empty(len(y))
    for first in range(0, len(y), _BLOCK):
        part = slice(first, first + _BLOCK)
        deviances[part] = _deviances(y[part].astype(np.float64), mean[part].astype(np.float64), power)
    # Of what is nowhere negative the mean is the absolute error of 0.
    value = float(AbsoluteError()(np.zeros(len(y)), deviances, w))
    return _finite(value, y, mean)


def mean_poisson_deviance(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean deviance of a Poisson distribution: `mean_tweedie_deviance` of power 1.

    Examples
    --------
    >>> mean_poisson_deviance([2.0, 0.0, 1.0, 4.0], [0.5, 0.5, 2.0, 2.0]).__round__(6)
    1.426015
    """
    return mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=1)


def mean_gamma_deviance(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean deviance of a gamma distribution: `mean_tweedie_deviance` of power 2.

    Examples
    --------
    >>> mean_gamma_deviance([2.0, 0.5, 1.0, 4.0], [0.5, 0.5, 2.0, 2.0]).__round__(6)
    1.056853
    """
    return mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=2)


# -- labels -----------------------------------------------------------------------------------------------------------


def log_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """Minus the logarithm of the true class's probability, which is clipped by the epsilon of its type.

    Parameters
    ----------
    y_true : array_like of shape (n_samples,) or (n_samples, n_classes)
        Labels: whole numbers, strings; or rows with a 1 in the column of the true class, 0 elsewhere.
    y_proba : array_like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the larger of two labels, or of each label in sorted order.
    normalize : bool
        The mean, or the sum.
    sample_weight : array_like of shape (n_samples,), optional
        Weights.
    labels : array_like, optional
        All labels, where y_true need not have them all.

    Examples
    --------
    >>> log_loss([0, 1], [[0.9, 0.1], [0.2, 0.8]]).__round__(6)
    0.164252
    """
    p, w = _probabilities(y_proba), _weights(sample_weight)
    classes, y = _encoded(y_true, labels, one_hot=True)
    if p.ndim == 2 and p.shape[1] == 1:
        p = p[:, 0]
    _check_classes(classes, 2 if p.ndim == 1 else p.shape[1], len(y), len(p), labels)
    loss = BinaryCrossEntropy(clip=float(np.finfo(p.dtype).eps))
    if p.ndim == 2:  # only the true class's probability counts, and it is true
        _check_rows(p)
        y, p = np.ones(len(y)), p[np.arange(len(y)), y]
    return _mean(loss, y, np.ascontiguousarray(p), w, "mean" if flag("normalize", normalize) else "sum")


def brier_score_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    pos_label: Any = None,
    labels: ArrayLike | None = None,
    scale_by_half: bool | Literal["auto"] = "auto",
) -> float:
    """Squared distance of predicted probabilities from the certain truth.

    Parameters
    ----------
    y_true : array_like of shape (n_samples,)
        Labels.
    y_proba : array_like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the positive label, or of each label in sorted order.
    sample_weight : array_like of shape (n_samples,), optional
        Weights.
    pos_label : label, optional
        The positive one, which strings need; by default the larger, or 1 where 0 or -1 is the only label.
    labels : array_like, optional
        All labels, where y_true need not have them all.
    scale_by_half : bool or "auto"
        Whether the sum over classes is halved; "auto": of two classes, so that the loss is in [0, 1].

    Examples
    --------
    >>> brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]).__round__(6)
    0.0375
    """
    p, w = _probabilities(y_proba), _weights(sample_weight)
    if p.ndim == 2 and p.shape[1] == 1:
        p = p[:, 0]
    two = p.ndim == 1 or p.shape[1] < 3
    halved = two if scale_by_half == "auto" else flag("scale_by_half", scale_by_half)
    if p.ndim == 1:
        positive = _positives(y_true, pos_label)
        value = _mean(Brier(), positive, p, w)
        return value if halved else 2 * value
    classes, y = _encoded(y_true, labels, one_hot=True)
    _check_classes(classes, p.shape[1], len(y), len(p), labels)
    _check_rows(p)
    truth = np.zeros_like(p)
    truth[np.arange(len(y)), y] = 1
    return float(_mean(SquaredError(), truth, p, w) * p.shape[1] / (2 if halved else 1))


def hinge_loss(
    y_true: ArrayLike,
    pred_decision: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean of max(0, 1 - margin): the score on the true side, or of the true class less that of the best other.

    Parameters
    ----------
    y_true : array_like of shape (n_samples,)
        Labels.
    pred_decision : array_like of shape (n_samples,) or (n_samples, n_classes)
        Raw scores, as ``decision_function`` returns them.
    labels : array_like, optional
        All labels, where y_true need not have them all.
    sample_weight : array_like of shape (n_samples,), optional
        Weights.

    Examples
    --------
    >>> hinge_loss([-1, 1, 1], [-2.0, 0.5, 3.0]).__round__(6)
    0.166667
    """
    z, w = _floats("pred_decision", pred_decision), _weights(sample_weight)
    _check_axes("pred_decision", z, "n_classes")
    classes, y = _encoded(y_true, labels)
    if len(classes) <= 2:
        # Of a single label scikit-learn makes the negative one, whatever labels= has.
        classes, y = _encoded(y_true, None)
        return _mean(Hinge(), np.where(y == 1, 1.0, -1.0), z.reshape(len(z)), w)
    _check_classes(classes, z.shape[1] if z.ndim > 1 else 2, len(y), len(z), labels)
    return _mean(CategoricalHinge(), y, z, w)


# -- what they share --------------------------------------------------------------------------------------------------


def _of_outputs(loss: Loss, y_true: Any, y_pred: Any, sample_weight: Any) -> NDArray[Any]:
    """The mean loss of each output."""
    y, z, w = _numbers(y_true, y_pred, sample_weight)
    if y.ndim == 1:
        return np.array([_mean(loss, y, z, w)])
    columns = ((np.ascontiguousarray(y[:, k]), np.ascontiguousarray(z[:, k])) for k in range(y.shape[1]))
    return np.array([_mean(loss, target, prediction, w) for target, prediction in columns])


def _squared_logs(y_true: Any, y_pred: Any, sample_weight: Any) -> NDArray[Any]:
    z = _floats("y_pred", y_pred)
    _check_above("y_pred", z, -1, "a number > -1")
    return 2 * _of_outputs(SquaredLogError(), y_true, z, sample_weight)


def _deviances(y: NDArray[np.float64], mean: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """The deviance of each sample.

    With u = log(mean/y), a = 1 - power, b = 2 - power and E(x) = exp(x) - 1 - x, in which nothing cancels for small u,
    it is 2 y^b (E(b u)/b - E(a u)/a); a term whose a or b is 0 is 0.
    """
    a, b = 1 - power, 2 - power
    with np.errstate(all="ignore"):
        apart = y <= 0
        base = np.where(apart, mean, y) if apart.any() else y
        step = mean - base
        u = np.copysign(np.log1p(np.abs(step) / np.minimum(mean, base)), step)
        start = np.zeros(len(u))
        terms = [
            math.copysign(1, sign * k) * Linex(k, 1 / abs(k))(start, u, reduction="none")
            for sign, k in ((1, b), (-1, a))
            if k != 0
        ]
        deviances: NDArray[np.float64] = sum(terms) * base**b
        far = 600.0  # from where exp(a u) or exp(b u) may be infinite, and y^b, by which it is multiplied, 0
        if len(u) and not max(abs(a), abs(b)) * max(u.max(), -u.min()) < far:
            apart |= np.fmax(a * u, b * u) > far
        if apart.any():  # the terms of the mean outweigh that of the target, which for y <= 0 there is not
            m, target = mean[apart], y[apart]
            deviances[apart] = (m**b / b if b else 0) - (target * m**a / a if a else 0)
        return 2 * deviances


def _check_above(name: str, x: NDArray[Any], low: float, expected: str, or_equal: bool = False) -> None:
    at = int(np.argmin(x)) if x.size else 0
    if x.size and (x.flat[at] < low or (x.flat[at] == low and not or_equal)):
        raise ValueError(f"{name}{validation.position(x, at)} is {x.flat[at]}: expected {expected}")


def _averaged(errors: NDArray[Any], multioutput: Any) -> Any:
    """Over outputs."""
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return errors
        if multioutput != "uniform_average":
            raise ValueError(f"multioutput={multioutput!r}: expected 'uniform_average', 'raw_values' or weights")
        return float(errors.mean())
    share = np.asarray(multioutput, np.float64)
    if share.shape != errors.shape or len(share) == 1:
        raise ValueError(f"multioutput has shape {share.shape}: expected a weight for each of {len(errors)} outputs")
    return float(np.average(errors, weights=share))


def _mean(loss: Loss, y: Any, z: Any, w: Any, reduction: Any = "mean") -> float:
    return _finite(float(loss(y, z, w, reduction=reduction)), y, z)


def _finite(value: float, y: Any, z: Any) -> float:
    """A result; if it is not finite because its arguments are not, where."""
    if not math.isfinite(value):
        for name, array in (("y_true", y), ("y_pred", z)):
            wrong = np.flatnonzero(~np.isfinite(array))
            if len(wrong):
                at = int(wrong[0])
                raise ValueError(
                    f"{name}{validation.position(array, at)} is {array.flat[at]}: expected a finite number; drop these "
                    "rows or clip the values"
                )
    return value


def _numbers(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Targets and predictions in one type and shape, (n_samples,) or (n_samples, n_outputs); and weights."""
    y, z = validation.as_array("y_true", y_true), validation.as_array("y_pred", y_pred)
    w = _weights(sample_weight)
    floats = [x.dtype for x in (y, z) if x.dtype.kind == "f"]
    z = z.astype(np.result_type(*floats) if floats else np.float64, copy=False)
    y, z = (x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for x in (y, z))
    if y.shape != z.shape:
        raise ValueError(f"y_true has shape {np.shape(y_true)} and y_pred has shape {np.shape(y_pred)}: they differ")
    _check_axes("y_true", y, "n_outputs")
    return y, z, w


def _check_axes(name: str, x: NDArray[Any], columns: str) -> None:
    if x.ndim not in (1, 2) or x.shape[1:] == (0,):
        raise ValueError(f"{name} has shape {x.shape}: expected (n_samples,) or (n_samples, {columns})")


def _floats(name: str, x: Any) -> NDArray[Any]:
    array = validation.as_array(name, x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _weights(sample_weight: Any) -> NDArray[Any] | None:
    return None if sample_weight is None else _floats("sample_weight", sample_weight)


def _probabilities(x: Any) -> NDArray[Any]:
    p = _floats("y_proba", x)
    _check_axes("y_proba", p, "n_classes")
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        at = int(np.flatnonzero(~((p >= 0) & (p <= 1)))[0])
        raise ValueError(f"y_proba{validation.position(p, at)} is {p.flat[at]}: expected a probability in [0, 1]")
    return p


def _encoded(y_true: Any, labels: Any, one_hot: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
    """The labels in sorted order, and which of them each sample has."""
    y = np.asarray(y_true)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if one_hot and y.ndim == 2 and labels is None:
        wrong = np.flatnonzero(~(((y == 0) | (y == 1)).all(axis=1) & ((y == 1).sum(axis=1) == 1)))
        if len(wrong):
            raise ValueError(
                f"y_true[{wrong[0]}] is {y[wrong[0]].tolist()}: expected a single 1 in the row, and 0, for the classes "
                "exclude each other; where they do not, fastloss.BinaryCrossEntropy takes a probability of each"
            )
        return np.arange(y.shape[1]), y.argmax(axis=1)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"y_true has shape {y.shape}: expected labels of shape (n_samples,)")
    _check_labels(y)
    if labels is None:
        low, high = (y.min(), y.max()) if y.dtype.kind in "biuf" else (None, None)
        if low is not None and low != high:
            positive = y == high  # two labels, the usual case, need no sorting
            if (positive | (y == low)).all():
                return np.array([low, high]), positive.astype(np.intp)
        return np.unique(y, return_inverse=True)
    classes = np.unique(np.asarray(labels))
    if not len(classes):
        raise ValueError("labels is empty: expected all labels that there are")
    if not np.array_equal(classes, labels):
        warnings.warn(
            f"labels={list(np.asarray(labels))} are taken in sorted order, as columns of y_proba are: {list(classes)}",
            UserWarning,
            stacklevel=3,
        )
    place = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    wrong = np.flatnonzero(classes[place] != y)
    if len(wrong):
        raise ValueError(f"y_true[{wrong[0]}] is {y[wrong[0]]!r}: expected one of labels={list(classes)}")
    return classes, place


def _check_labels(y: NDArray[Any]) -> None:
    """A number that is not whole is a target of regression by mistake, or a label that is missing."""
    if y.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = y - np.floor(y) == 0
    elif y.dtype.kind == "O":
        whole = y == y  # what is not equal to itself is NaN
    else:
        return
    if not whole.all():
        at = int(np.argmin(whole))
        raise ValueError(f"y_true[{at}] is {y[at]}: expected a label, a whole number or a string")


def _check_classes(classes: Any, columns: int, n: int, rows: int, labels: Any) -> None:
    if n != rows:
        raise ValueError(f"y_true has {n} samples and the predictions have {rows}")
    if len(classes) != columns:
        what = "y_true" if labels is None else "labels"
        raise ValueError(
            f"{what} has {len(classes)} different labels and the predictions are of {columns} classes"
            + ("; pass labels=[...] with all of them" if labels is None else "")
        )


def _check_rows(p: NDArray[Any]) -> None:
    if not np.allclose(p.sum(axis=1), 1, rtol=math.sqrt(np.finfo(p.dtype).eps), atol=0):
        warnings.warn("rows of y_proba do not sum to 1: are they probabilities?", UserWarning, stacklevel=3)


def _positives(y_true: Any, pos_label: Any) -> NDArray[Any]:
    """Where the positive label is, of labels that must be two at most."""
    classes, place = _encoded(y_true, None)
    if len(classes) > 2:
        raise ValueError(f"y_true has {len(classes)} different labels and y_proba is of two classes")
    if pos_label is None:
        if classes.dtype.kind in "OUS":
            raise ValueError(
                f"y_true takes values in {set(classes.tolist())}: pass pos_label, for it is none of 0, 1, -1"
            )
        pos_label = 1 if len(classes) == 1 and classes[0] in (0, -1) else classes[-1]
    positives: NDArray[Any] = (classes == pos_label)[place]
    return positives
