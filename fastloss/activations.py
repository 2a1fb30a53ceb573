"""From a raw score to the scale of the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def _floats(x: ArrayLike) -> NDArray[Any]:
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def identity(y_pred: ArrayLike) -> NDArray[Any]:
    """The score itself."""
    return _floats(y_pred).copy()


def sigmoid(y_pred: ArrayLike) -> NDArray[Any]:
    """1 / (1 + exp(-z)), exact in both tails."""
    z = _floats(y_pred)
    e = np.exp(-np.abs(z))
    p: NDArray[Any] = np.where(z >= 0, 1, e) / (1 + e)
    return p


def softmax(y_pred: ArrayLike) -> NDArray[Any]:
    """exp(z_k) / sum_j exp(z_j) along the last axis."""
    z = _floats(y_pred)
    top = z.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        e = np.exp(np.where(z == top, 0, z - top))  # infinite scores tie with themselves
    p: NDArray[Any] = e / e.sum(axis=-1, keepdims=True)
    return p


def exp(y_pred: ArrayLike) -> NDArray[Any]:
    """exp(z)."""
    with np.errstate(over="ignore"):
        mean: NDArray[Any] = np.exp(_floats(y_pred))
    return mean


FUNCTIONS: dict[str, Callable[[ArrayLike], NDArray[Any]]] = {
    "identity": identity,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "exp": exp,
}
