"""Cases of losses that are no `Loss` objects: of embeddings, of masks, of samples on a line.

Which data such a loss gets follows from the names of the arrays it is called with (`FORMS`), so that a loss that the
registry gains has a case here as soon as it takes arrays like another's.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl
from fastloss.benchmark.case import SEED, Case, Truth
from fastloss.benchmark.data import predictions

__all__ = ["FORMS", "ArraysCase", "Form", "arguments_of", "cases_of"]

WIDTH = 128  # of embeddings
POOL = 4096  # distinct samples of a loss whose samples count for themselves
Arrays = tuple[NDArray[Any], ...]
Shape = tuple[int, ...]


# -- data --------------------------------------------------------------------------------------------------------------


@cache
def _digits() -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Unit vectors of the digits' 64 pixels, randomly projected to 128 dimensions, and the digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    z = (x - x.mean(axis=0)) @ np.random.default_rng(SEED).standard_normal((x.shape[1], WIDTH))
    return z / np.linalg.norm(z, axis=1, keepdims=True), y


def _view(rng: np.random.Generator, index: NDArray[Any]) -> NDArray[np.float64]:
    """Embeddings of digits with a little noise, so that none is another's twin."""
    z: NDArray[np.float64] = _digits()[0][index]
    return z + 0.02 * rng.standard_normal(z.shape)


def _showing(rng: np.random.Generator, digits: NDArray[Any]) -> NDArray[Any]:
    """For each digit the index of a random image that shows it."""
    y = _digits()[1]
    order, counts = np.argsort(y, kind="stable"), np.bincount(y)
    found: NDArray[Any] = order[(np.cumsum(counts) - counts)[digits] + rng.integers(0, counts[digits])]
    return found


def _images(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Indices of random images, of others that show the same digit, and of others that show another."""
    some = rng.integers(0, len(_digits()[1]), n)
    digits = _digits()[1][some]
    return some, _showing(rng, digits), _showing(rng, (digits + rng.integers(1, 10, n)) % 10)


def _pairs(rng: np.random.Generator, shape: Shape) -> Arrays:
    some, like, unlike = _images(rng, shape[0])
    y = rng.integers(0, 2, shape[0])
    return y.astype(np.float64), _view(rng, some), _view(rng, np.where(y == 1, like, unlike))


def _couples(rng: np.random.Generator, shape: Shape) -> Arrays:
    some, like, _ = _images(rng, shape[0])
    return _view(rng, some), _view(rng, like)


def _triplets(rng: np.random.Generator, shape: Shape) -> Arrays:
    return tuple(_view(rng, index) for index in _images(rng, shape[0]))


def _views(rng: np.random.Generator, shape: Shape) -> Arrays:
    some = rng.integers(0, len(_digits()[1]), shape[0])
    return _view(rng, some), _view(rng, some)


def _labelled(rng: np.random.Generator, shape: Shape) -> Arrays:
    some = rng.integers(0, len(_digits()[1]), shape[0])
    return _digits()[1][some].astype(np.int64), _view(rng, some)


def _ranked(rng: np.random.Generator, shape: Shape) -> Arrays:
    data = predictions("regression")
    i, j = rng.integers(0, len(data.z), (2, *shape))
    return (data.y[i] > data.y[j]).astype(np.float64), data.z[i], data.z[j]


def _masks(rng: np.random.Generator, shape: Shape) -> Arrays:
    data, classes = predictions("multiclass"), shape[1]
    z, y = (x[data.y < classes] for x in (data.z[:, :classes], data.y))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    pixels = rng.integers(0, len(z), (shape[0], *shape[2:]))
    both = np.eye(classes)[y][pixels], (e / e.sum(axis=1, keepdims=True))[pixels]
    return tuple(np.moveaxis(x, -1, 1) for x in both)


def _samples(rng: np.random.Generator, shape: Shape) -> Arrays:
    data = predictions("regression")
    # smoothed: with 442 distinct numbers a sort would meet little but ties
    return tuple(x[rng.integers(0, len(x), shape)] + 0.3 * rng.standard_normal(shape) for x in (data.y, data.z))


# -- shapes ------------------------------------------------------------------------------------------------------------


def _rows(n: int) -> Shape:
    return max(1, n // WIDTH), WIDTH


def _batch(n: int) -> Shape:
    return min(max(16, n // WIDTH), 8192), WIDTH  # time and memory grow with the square of the rows


def _pictures(n: int) -> Shape:
    side = max(2, math.isqrt(n // 32))
    return 8, 4, side, side


def _line(n: int) -> Shape:
    return (n,)


@dataclass(frozen=True)
class Form:
    """The arrays that a loss is called with.

    Parameters
    ----------
    source, description : str
        Where they come from, in a word and in a line.
    make : function
        From a generator and a shape to arrays in float64, or of integer labels.
    shape : function
        From a number of elements to the shape of an array that has a gradient.
    labels : bool
        Whether the first array are labels, one per sample.
    gradients : tuple of str
        Which arrays have a gradient.
    quick, full : tuple of int
        Elements of an array in runs for which nobody asked for sizes.
    pooled : bool
        Whether samples count for themselves.
    """

    source: str
    description: str
    make: Callable[[np.random.Generator, Shape], Arrays]
    shape: Callable[[int], Shape]
    labels: bool
    gradients: tuple[str, ...]
    quick: tuple[int, ...]
    full: tuple[int, ...]
    pooled: bool = False


_EMBEDDED = "digits (1797 samples), 64 pixels randomly projected to 128 dimensions, unit vectors with a little noise"
_PIXELS = "digits of four classes, logistic regression, softmax: the predictions as pixels of masks"
_SMOOTHED = "diabetes (442 samples), standardised targets and ridge regression's predictions, with normal noise added"
_RANKED = "diabetes (442 samples), ridge regression: scores of two patients, and who is worse"
_OF_PAIRS, _OF_BATCHES = ((128_000,), (12_800_000,)), ((65_536,), (524_288,))

# the names of the arrays -> what they hold
FORMS: dict[tuple[str, ...], Form] = {
    ("y_true", "h1", "h2"): Form("digits", _EMBEDDED, _pairs, _rows, True, ("h1", "h2"), *_OF_PAIRS, True),
    ("h1", "h2"): Form("digits", _EMBEDDED, _couples, _rows, False, ("h1", "h2"), *_OF_PAIRS, True),
    ("anchor", "positive", "negative"): Form(
        "digits", _EMBEDDED, _triplets, _rows, False, ("anchor", "positive", "negative"), *_OF_PAIRS, True
    ),
    ("y_true", "x1", "x2"): Form(
        "regression", _RANKED, _ranked, _line, True, ("x1", "x2"), (100_000,), (1_000, 1_000_000), True
    ),
    ("z1", "z2"): Form("digits", _EMBEDDED, _views, _batch, False, ("z1", "z2"), *_OF_BATCHES),
    ("labels", "z"): Form("digits", _EMBEDDED, _labelled, _batch, True, ("z",), *_OF_BATCHES),
    ("y_true", "y_pred"): Form("multiclass", _PIXELS, _masks, _pictures, False, ("y_pred",), (131_072,), (2_097_152,)),
    ("u_values", "v_values"): Form(
        "regression", _SMOOTHED, _samples, _line, False, ("u_values", "v_values"), (10_000,), (1_000, 1_000_000)
    ),
}


# -- cases -------------------------------------------------------------------------------------------------------------


def arguments_of(loss: Any) -> tuple[str, ...]:
    """The names of the arrays that a loss cannot be called without."""
    if isinstance(loss, fl.EmbeddingLoss):
        return loss.arguments
    return tuple(p.name for p in inspect.signature(loss).parameters.values() if p.default is p.empty)


@dataclass(frozen=True)
class ArraysCase(Case):
    """A loss of several arrays.

    Parameters
    ----------
    arguments : tuple of str
        Names of the arrays: a key of `FORMS`.
    """

    arguments: tuple[str, ...]

    program = "program_of_arrays"
    operations = ("value", "value_and_gradient")

    @property
    def form(self) -> Form:
        """What the arrays hold."""
        return FORMS[self.arguments]

    @property
    def description(self) -> str:
        """The data, in a line for the report."""
        return self.form.description

    @property
    def pooled(self) -> bool:
        """Whether samples count for themselves."""
        return self.form.pooled

    def shapes(self, sizes: Sequence[int]) -> list[Shape]:
        """Those of an array that has a gradient."""
        return [self.form.shape(n) for n in sizes]

    def own_shapes(self, full: bool) -> list[Shape]:
        """What such a loss meets: a batch is no million of rows."""
        return self.shapes(self.form.full if full else self.form.quick)

    def distinct(self, shape: Shape) -> Shape:
        """What of a shape the truth depends on."""
        return shape[1:] if self.pooled else shape

    def data(self, shape: Shape, dtype: str) -> Arrays:
        """The arrays of a call."""
        arrays = list(self.form.make(np.random.default_rng(SEED), shape))
        if "-1" in getattr(self.make_loss(), "coding", ""):  # the coding of torch
            arrays[0] = 2.0 * arrays[0] - 1.0
        return tuple(np.ascontiguousarray(x if x.dtype == np.int64 else x.astype(dtype)) for x in arrays)

    def truth(self, shape: Shape, dtype: str) -> Truth:
        """What a loss gives in longdouble, for which it runs its reference.

        In float64 for losses that compare all samples with each other: NumPy takes minutes for such products of
        longdouble matrices.
        """
        data = self.data((POOL, *shape[1:]) if self.pooled else shape, dtype)
        wide = np.float64 if self.form.shape is _batch else np.longdouble
        loss = self.make_loss()
        arrays = (x if x.dtype == np.int64 else x.astype(wide) for x in data)
        options = {"reduction": "none"} if self.pooled else {}
        if len(self.form.gradients) > 1 or isinstance(loss, fl.EmbeddingLoss):
            value, gradients = loss.value_and_gradients(*arrays, **options)
        else:
            value, gradient = loss.value_and_gradient(*arrays)
            gradients = (gradient,)
        found = tuple(gradient.astype(np.float64) for gradient in gradients)
        return Truth(data, np.atleast_1d(value).astype(np.float64), {"gradient": found})

    def bytes(self, shape: Shape, dtype: str, operation: str) -> int:
        """Bytes of inputs and outputs."""
        real = np.dtype(dtype).itemsize
        labels = shape[0] * real if self.form.labels else 0
        arrays = len(self.arguments) - self.form.labels
        arrays += len(self.form.gradients) if operation == "value_and_gradient" else 0
        return labels + math.prod(shape) * real * arrays

    def task(self, shape: Shape) -> dict[str, Any]:
        """Fields of `ArraysTask`."""
        terms = shape[0] if self.pooled else 1
        return {"arguments": self.arguments, "gradients": self.form.gradients, "terms": terms}


def cases_of(loss: Any) -> list[ArraysCase]:
    """The cases of a loss: one, or two where it has a form for each class.

    Raises
    ------
    LookupError
        If there are no data for such a loss; the message says why.
    """
    arguments = arguments_of(loss)
    if arguments not in FORMS:
        raise LookupError(f"{loss.name} takes {', '.join(arguments)}, for which the benchmark has no data")
    case = ArraysCase(loss.name, (), FORMS[arguments].source, arguments)
    if "per_class" not in loss.params:
        return [case]
    return [case, ArraysCase(loss.name, (("per_class", True),), case.source, arguments, main=False)]
