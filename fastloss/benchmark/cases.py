"""From the registry of losses to the rows of a run.

A *case* is a loss with parameters and the form of the data that it takes. A *row* is a case with an operation, a
dtype and a size; every engine that can is timed on it. The *plan* is the list of rows, in the order in which they
are measured.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl
from fastloss.benchmark.data import SOURCES, Predictions, predictions, source_of

__all__ = ["DTYPES", "OPERATIONS", "Case", "Pool", "Row", "bootstrap", "cases_of", "make_plan"]

OPERATIONS = ("value", "value_and_gradient", "gradient_and_hessian")
DTYPES = ("float32", "float64")
SEED = 20260101  # of the bootstrap and of the random projections

# Rows x classes beside the digits' ten classes at the sizes asked for: a wide softmax as in retrieval; in full runs
# also a narrow one and one over the vocabulary of a language model.
WIDE_SHAPES = ((4096, 1000),)
FULL_SHAPES = ((100_000, 3), (4096, 1000), (512, 50_257))
DIGITS = 10
WIDE_FROM = 1_000_000  # who asks for small sizes only does not want millions of elements for softmax
LARGE = 5_000_000
POOL_ELEMENTS = 4_000_000  # of a wide pool: 32 MB in float64


@dataclass(frozen=True)
class Pool:
    """The distinct samples a row is bootstrapped from, in the dtype of the row."""

    y: NDArray[Any]
    z: NDArray[Any]


def bootstrap(pool_size: int, samples: int) -> NDArray[np.uint16]:
    """Which sample of the pool each sample is: drawn with replacement and a fixed seed, the same in every process."""
    return np.random.default_rng(SEED).integers(0, pool_size, samples, dtype=np.uint16)


@dataclass(frozen=True)
class Case:
    """A loss with its parameters, and what it is fed.

    Parameters
    ----------
    loss : str
        Name in the registry.
    params : tuple of (str, value)
        Parameters that differ from the defaults.
    source : str
        Which predictions it takes (`data.SOURCES`).
    classes : bool
        Whether the last axis of the prediction are the classes.
    targets : {"plain", "index", "probability"}
        Form of y: as the data set has it, class indices, or one row of probabilities per sample.
    predictions : {"raw", "probability", "log_probability"}
        Form of z.
    main : bool
        Whether a quick run has it.
    outputs : int
        Length of the prediction's last axis where it holds several outputs of one value, else 0.
    """

    loss: str
    params: tuple[tuple[str, Any], ...]
    source: str
    classes: bool
    targets: str
    predictions: str
    main: bool = True
    outputs: int = 0

    @property
    def label(self) -> str:
        """The loss as one would write it: ``binary_cross_entropy(from_logits=True)``."""
        if not self.params:
            return self.loss
        return f"{self.loss}({', '.join(f'{name}={value!r}' for name, value in self.params)})"

    def make_loss(self) -> Any:
        """The loss object."""
        return fl.get_loss(self.loss, **dict(self.params))

    def pool(self, width: int, dtype: str, limit: int | None = None) -> Pool:
        """Distinct samples with `width` classes (ignored for pointwise losses), at most `limit` of them."""
        data = predictions(self.source)
        z = data.z
        y: NDArray[Any] = data.y
        if self.classes:
            y, z = _at_width(data, width, limit, self.targets)
        if self.outputs:
            assert data.log_scale is not None
            z = np.stack([z, data.log_scale], axis=1)
        real = np.dtype(dtype)
        if self.predictions != "raw":
            z = _probabilities(z, self.classes)
        if self.predictions == "log_probability":
            z = np.log(z)
        if self.targets == "index":
            y = y.astype(np.int64)
        return Pool(np.ascontiguousarray(y if self.targets == "index" else y.astype(real)), z.astype(real))


def _softmax(z: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p: NDArray[np.float64] = e / e.sum(axis=1, keepdims=True)
    return p


def _probabilities(z: NDArray[np.float64], classes: bool) -> NDArray[np.float64]:
    """Probabilities of raw scores, kept from 0 and 1, where float32 has log(0) and no loss a finite gradient."""
    p = np.clip(_softmax(z) if classes else 1.0 / (1.0 + np.exp(-z)), 1e-6, 1.0 - 1e-6)
    return p / p.sum(axis=1, keepdims=True) if classes else p


def _at_width(data: Predictions, width: int, limit: int | None, targets: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Logits over `width` classes with matching targets.

    Up to ten classes are the digits' own (the samples of the first `width` digits). More classes are random projections
    of the ten real logits, scaled to keep their variance, with the label drawn from their softmax: correlated like
    logits of a model, as wide as asked for.
    """
    z = data.z
    if width <= DIGITS:
        keep = data.y < width
        z, labels = z[keep, :width], data.y[keep]
        teacher = None if data.teacher is None else data.teacher[keep, :width] + 1e-12
    else:
        rng = np.random.default_rng(SEED)
        z = z[:limit] @ rng.standard_normal((DIGITS, width)) / np.sqrt(DIGITS)
        # argmax(z + Gumbel noise) is a draw from softmax(z)
        labels = np.argmax(z + rng.gumbel(size=z.shape), axis=1)
        teacher = _softmax(0.5 * z) if targets == "probability" else None
    if targets == "index":
        return labels, z
    if data.teacher is not None and teacher is not None:
        return teacher / teacher.sum(axis=1, keepdims=True), z
    return np.eye(width)[labels], z


def cases_of(name: str) -> list[Case]:
    """The cases of a loss: one, or two where it takes raw scores and probabilities.

    Raises
    ------
    LookupError
        If there are no data for such a loss yet; the message says why.
    """
    try:
        loss = fl.get_loss(name)
    except TypeError as error:
        raise LookupError(f"{name} needs parameters that the benchmark does not know ({error})") from None
    if not loss.additive:
        raise LookupError(f"{name} is no sum over elements, by which the benchmark compares results")
    source = source_of(name, loss.task)
    if source not in SOURCES:
        raise LookupError(f"{name} is a loss for {loss.task!r}, for which the benchmark has no predictions")
    classes = getattr(loss, "layout", "pointwise") == "classes"
    only = "log_probability" if getattr(loss, "from_log_probabilities", False) else "raw"
    variants: list[tuple[tuple[tuple[str, Any], ...], str, bool]] = [((), only, True)]
    if "from_logits" in loss.params:  # raw scores are what models give and where losses differ in speed
        variants = [((("from_logits", True),), "raw", True), ((("from_logits", False),), "probability", False)]
    found = []
    for params, form, main in variants:
        for targets in ("index", "probability") if classes else ("plain",):
            case = Case(name, params, source, classes, targets, form, main, len(loss.outputs))
            if (problem := _refusal(case)) is None:
                found.append(case)
                break
    if not found:
        raise LookupError(f"{name} takes none of the benchmark's data ({problem})")
    return found


def _refusal(case: Case) -> str | None:
    """Why a loss does not take the data of a case, by asking it with a few samples."""
    pool = case.pool(DIGITS, "float64")
    try:
        case.make_loss()(pool.y[:20], pool.z[:20])
    except (ValueError, TypeError) as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Row:
    """One line of the table: a case, an operation, a dtype and a shape."""

    case: Case
    operation: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """Elements of the prediction."""
        return int(np.prod(self.shape))

    @property
    def samples(self) -> int:
        """Rows of the prediction: what a mean divides by."""
        return self.shape[0]

    def pool(self) -> Pool:
        """The distinct samples that the row is bootstrapped from."""
        width = self.shape[1] if self.case.classes else 1
        return self.case.pool(width, self.dtype, max(64, POOL_ELEMENTS // width))

    @property
    def bytes(self) -> int:
        """Bytes that have to move between memory and the cores: the inputs read once, the outputs written once."""
        real = np.dtype(self.dtype).itemsize
        target = self.samples * 8 if self.case.targets == "index" else self.n * real
        if self.case.outputs:
            target = self.samples * real
        arrays = {"value": 1, "value_and_gradient": 2, "gradient_and_hessian": 3}[self.operation]
        return target + self.n * real * arrays

    @property
    def size_label(self) -> str:
        """The shape, short: ``100``, ``1e6`` or ``1e5x10``."""
        return "x".join(_short(length) for length in self.shape)


def _short(n: int) -> str:
    text = f"{n:.0e}".replace("e+0", "e").replace("e+", "e")
    return text if n >= 1000 and float(text) == n else str(n)


def make_plan(
    names: Sequence[str],
    *,
    sizes: Sequence[int],
    dtypes: Sequence[str],
    operations: Sequence[str],
    full: bool,
    once: Collection[str] = (),
    large_only_for: set[str] | None = None,
) -> tuple[list[Row], list[str]]:
    """The rows of a run and a note for each loss that has none.

    Parameters
    ----------
    names : sequence of str
        Losses, in the order of the table.
    sizes : sequence of int
        Elements of the prediction; a loss over classes gets n / 10 rows of the digits' ten classes, one of two outputs
        n / 2 rows.
    dtypes, operations : sequence of str
        What to combine. A quick run has every size only for value and gradient in the first dtype, and the other
        combinations at one size, the largest up to a million (in cache on most machines).
    full : bool
        Every combination, and the cases that take probabilities.
    once : collection of str
        Losses of which a quick run has one row: value and gradient in the first dtype at that one size.
    large_only_for : set of str, optional
        Losses that get sizes above a few million; all by default.
    """
    plan: list[Row] = []
    notes: list[str] = []
    main_size = max([n for n in sizes if n <= 1_000_000], default=min(sizes))
    main_operation = "value_and_gradient" if "value_and_gradient" in operations else operations[0]
    for name in names:
        try:
            cases = cases_of(name)
        except LookupError as error:
            notes.append(str(error))
            continue
        for case in cases:
            if not (case.main or full):
                continue
            first = (main_operation, dtypes[0])
            combinations = dict.fromkeys([first, *((o, d) for d in dtypes for o in operations)])
            for operation, dtype in combinations:
                main = (operation, dtype) == first
                # a quick run has the second dtype for the main operation only
                second = (dtype == dtypes[0] or operation == main_operation) and name not in once
                if not (full or main or second):
                    continue
                every_size = full or (main and name not in once)
                shapes: list[tuple[int, ...]] = []
                for n in sizes if every_size else [main_size]:
                    if n <= LARGE or large_only_for is None or name in large_only_for:
                        width = DIGITS if case.classes else case.outputs
                        shapes.append((max(1, n // width), width) if width else (n,))
                if case.classes and max(sizes) >= WIDE_FROM and every_size:
                    shapes += FULL_SHAPES if full else WIDE_SHAPES
                plan += [Row(case, operation, dtype, shape) for shape in dict.fromkeys(shapes)]
    return plan, notes
