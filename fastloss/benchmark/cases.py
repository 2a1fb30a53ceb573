"""From the registry of losses to the rows of a run.

A *case* is a loss with parameters, which knows its data and how it is called. A *row* is a case with an operation, a
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
from fastloss.benchmark import arrays
from fastloss.benchmark.case import SEED, Case, Row, Truth
from fastloss.benchmark.data import SOURCES, Predictions, predictions, source_of
from fastloss.registry import OTHER_TASKS, TASKS

__all__ = ["DTYPES", "OPERATIONS", "Pool", "PredictionCase", "cases_of", "make_plan", "names"]

OPERATIONS = ("value", "value_and_gradient", "gradient_and_hessian")
DTYPES = ("float32", "float64")

# Rows x classes beside the digits' ten classes at the sizes asked for: a wide softmax as in retrieval; in full runs
# also a narrow one and one over the vocabulary of a language model.
WIDE_SHAPES = ((4096, 1000),)
FULL_SHAPES = ((100_000, 3), (4096, 1000), (512, 50_257))
DISTRIBUTION_SHAPES = ((100_000, 100), *FULL_SHAPES)  # of their losses one as of histograms, too
DIGITS = 10
WIDE_FROM = 1_000_000  # who asks for small sizes only does not want millions of elements for softmax
LARGE = 5_000_000
POOL_ELEMENTS = 4_000_000  # of a wide pool: 32 MB in float64


@dataclass(frozen=True)
class Pool:
    """The distinct samples a row is bootstrapped from, in the dtype of the row."""

    y: NDArray[Any]
    z: NDArray[Any]


@dataclass(frozen=True)
class PredictionCase(Case):
    """A `Loss` object, fed with targets and the predictions of a model.

    Parameters
    ----------
    classes : bool
        Whether the last axis of the prediction are the classes.
    targets : {"plain", "index", "probability"}
        Form of y: as the data set has it, class indices, or one row of probabilities per sample.
    predictions : {"raw", "probability", "log_probability"}
        Form of z.
    outputs : int
        Length of the prediction's last axis where it holds several outputs of one value, else 0.
    """

    classes: bool
    targets: str
    predictions: str
    outputs: int = 0

    program = "program"
    operations = OPERATIONS
    pooled = True

    @property
    def description(self) -> str:
        """The data, in a line for the report."""
        return predictions(self.source).description

    def shapes(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """Shapes of the prediction: over ten classes, or of as many outputs as there are."""
        width = DIGITS if self.classes else self.outputs
        return [(max(1, n // width), width) if width else (n,) for n in sizes]

    def wide_shapes(self, full: bool) -> list[tuple[int, ...]]:
        """Of losses over classes, those that are not ten."""
        if not self.classes:
            return []
        of_full = DISTRIBUTION_SHAPES if self.make_loss().task == "distribution" else FULL_SHAPES
        return [*(of_full if full else WIDE_SHAPES)]

    def distinct(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The number of classes."""
        return shape[1:] if self.classes else ()

    def bytes(self, shape: tuple[int, ...], dtype: str, operation: str) -> int:
        """Bytes of inputs and outputs."""
        real, n = np.dtype(dtype).itemsize, int(np.prod(shape))
        target = shape[0] * 8 if self.targets == "index" else n * real
        if self.outputs:
            target = shape[0] * real
        return target + n * real * {"value": 1, "value_and_gradient": 2, "gradient_and_hessian": 3}[operation]

    def task(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Fields of `Task`."""
        return {"classes": self.classes, "targets": self.targets, "predictions": self.predictions}

    def truth(self, shape: tuple[int, ...], dtype: str) -> Truth:
        """The reference of the loss in float64, on the pool."""
        width = shape[1] if self.classes else 1
        pool = self.pool(width, dtype, max(64, POOL_ELEMENTS // width))
        y = pool.y if self.targets == "index" else pool.y.astype(np.float64)
        with np.errstate(all="ignore"):
            value, gradient, hessian = self.make_loss().reference(y, pool.z.astype(np.float64))
        return Truth((pool.y, pool.z), value, {"gradient": (gradient,), "hessian": (hessian,)})

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


def names() -> list[str]:
    """All losses of the registry."""
    return [name for task in (*TASKS, *OTHER_TASKS) for name in fl.list_losses(task)]


def cases_of(name: str) -> Sequence[Case]:
    """The cases of a loss: one for each form of the prediction that it takes.

    Raises
    ------
    LookupError
        If there are no data for such a loss yet; the message says why.
    """
    try:
        loss = fl.get_loss(name)
    except TypeError as error:
        raise LookupError(f"{name} needs parameters that the benchmark does not know ({error})") from None
    if not isinstance(loss, fl.Loss):
        return arrays.cases_of(loss)
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
    if "from_log_probabilities" in loss.params:
        variants.append(((("from_log_probabilities", True),), "log_probability", False))
    found = []
    for params, form, main in variants:
        for targets in ("index", "probability") if classes else ("plain",):
            case = PredictionCase(name, params, source, classes, targets, form, len(loss.outputs), main=main)
            if (problem := _refusal(case)) is None:
                found.append(case)
                break
    if not found:
        raise LookupError(f"{name} takes none of the benchmark's data ({problem})")
    return found


def _refusal(case: PredictionCase) -> str | None:
    """Why a loss does not take the data of a case, by asking it with a few samples."""
    pool = case.pool(DIGITS, "float64")
    try:
        case.make_loss()(pool.y[:20], pool.z[:20])
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def make_plan(
    names: Sequence[str],
    *,
    sizes: Sequence[int],
    dtypes: Sequence[str],
    operations: Sequence[str],
    full: bool,
    once: Collection[str] = (),
    large_only_for: set[str] | None = None,
    own_sizes: bool = False,
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
    own_sizes : bool
        Whether cases that have sizes of their own get these.
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
            combinations = {(o, d): None for o, d in combinations if o in case.operations}
            if not combinations:
                notes.append(f"{case.label} has no {' or '.join(operations)}")
            for operation, dtype in combinations:
                main = (operation, dtype) == first
                # a quick run has the second dtype for the main operation only
                second = (dtype == dtypes[0] or operation == main_operation) and name not in once
                if not (full or main or second):
                    continue
                every_size = full or (main and name not in once)
                some = [
                    n
                    for n in (sizes if every_size else [main_size])
                    if n <= LARGE or large_only_for is None or name in large_only_for
                ]
                shapes = (case.own_shapes(full) if own_sizes else []) or case.shapes(some)
                if max(sizes) >= WIDE_FROM and every_size:
                    shapes += case.wide_shapes(full)
                plan += [Row(case, operation, dtype, shape) for shape in dict.fromkeys(shapes)]
    return plan, notes
