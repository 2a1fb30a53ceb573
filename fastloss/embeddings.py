"""Losses of embeddings: calls on several arrays of rows, with a gradient for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from fastloss import backend, settings, validation
from fastloss.immutable import Immutable
from fastloss.spelling import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastloss.loss import Reduction

__all__ = ["Batch", "EmbeddingLoss", "check_label_shape"]


class Batch(NamedTuple):
    """The arguments of a call, ready to be computed with."""

    labels: NDArray[Any] | None  # 0 and 1, one per row; of a loss with labels of its own kind, those
    inputs: tuple[NDArray[Any], ...]  # contiguous, of one float type
    weight: NDArray[Any] | None  # one per row
    by: float  # what sums are divided by: the total weight, or 1
    values: NDArray[Any] | None  # where a value per row goes, if it is wanted
    gradients: tuple[NDArray[Any], ...] | None  # where the gradients go, if they are wanted
    n_threads: int | None


class EmbeddingLoss(Immutable):
    """A loss of embeddings with its gradients: small, immutable, comparable, picklable.

    A call takes the arrays that `arguments` names, in their order or by name, then ``sample_weight``. Embeddings are
    rows of numbers along the last axis, (n_samples, width) or with more axes of samples; all have one shape, and their
    common dtype is that of the gradients: float32 and float64 run in kernels, float16 is computed in float32, integers
    become float64. A subclass says in `reference` what it is, or computes in `_pass` itself.
    """

    name: ClassVar[str]
    task: ClassVar[str] = "embedding"
    arguments: ClassVar[tuple[str, ...]]  # of a call
    coding: ClassVar[str] = ""  # what the labels are, if the first argument is labels
    width: ClassVar[bool] = True  # whether the last axis of an input is its width; else each number is a sample
    batch: ClassVar[bool] = False  # whether samples are compared with each other: they have one axis
    when: ClassVar[str]

    def __call__(
        self, *arrays: ArrayLike, reduction: Reduction = "mean", n_threads: int | None = None, **named: Any
    ) -> Any:
        """The loss.

        Parameters
        ----------
        *arrays : array_like
            What `arguments` names, then ``sample_weight``; or by name.
        sample_weight : array_like, optional
            Finite, non-negative weights, one per sample (or per entry of the first axis); 0 leaves a sample out, except
            of a loss that compares samples with each other, where it is only the weight of the sample's own term.
        reduction : {"mean", "sum", "none"}
            "mean": sum of w l over sum of w; "sum": sum of w l; "none": w l of each sample.
        n_threads : int, optional
            Threads for this call. The result has the same bits for any number.

        Returns
        -------
        float or ndarray
            An array for ``reduction="none"``.

        Raises
        ------
        ValueError, TypeError
            Naming the argument, the first offending position, what was expected and the likely fix.
        """
        return self._call(arrays, named, reduction, n_threads, wants_gradients=False)[0]

    def gradients(
        self,
        *arrays: ArrayLike,
        reduction: Reduction = "mean",
        out: Sequence[NDArray[Any]] | None = None,
        n_threads: int | None = None,
        **named: Any,
    ) -> tuple[NDArray[Any], ...]:
        """The gradients in each input, in the order of `arguments`. Parameters are those of `value_and_gradients`."""
        return self.value_and_gradients(*arrays, reduction=reduction, out=out, n_threads=n_threads, **named)[1]

    def value_and_gradients(
        self,
        *arrays: ArrayLike,
        reduction: Reduction = "mean",
        out: Sequence[NDArray[Any]] | None = None,
        n_threads: int | None = None,
        **named: Any,
    ) -> tuple[Any, tuple[NDArray[Any], ...]]:
        """The loss, and a tuple of its gradients in each input, in the order of `arguments`, in one pass.

        Parameters are those of `__call__`, and

        Parameters
        ----------
        out : tuple of ndarray, optional
            Where to write the gradients: C-contiguous arrays of the inputs' shape and dtype, none of which shares
            memory with another or with an argument.
        """
        value, gradients = self._call(arrays, named, reduction, n_threads, wants_gradients=True, out=out)
        return value, gradients

    # -- what a subclass writes ----------------------------------------------------------------------------------------

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        """The kernel of `src_c/pairs.h` that computes this loss, and its parameters."""
        raise NotImplementedError

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        """NumPy value of each row and its gradients, in the dtype of the inputs; labels are 0 and 1."""
        raise NotImplementedError

    def _labels(self, labels: NDArray[Any], inputs: tuple[NDArray[Any], ...]) -> NDArray[Any]:
        """Labels {0, 1} or {-1, 1}, as 0 and 1 in the type of the inputs; or what is wrong with them."""
        check_label_shape(self, labels, inputs[0])
        signs = "-1" in self.coding
        good = (labels == 1) | (labels == (-1 if signs and (labels == -1).any() else 0))
        if not good.all():
            at = int(np.argmin(good))
            fix = "use one coding for the whole array" if signs else "map the labels to 0 and 1"
            raise ValueError(
                f"{self.arguments[0]}{validation.position(labels, at)} is {labels.flat[at]}: {self.name} expects "
                f"{self.coding}; {fix}"
            )
        return np.ascontiguousarray(labels > 0, inputs[0].dtype)

    def _counted(self, labels: NDArray[Any] | None, weight: NDArray[Any] | None, n: int) -> float:
        """The total weight that a mean divides by."""
        return float(n) if weight is None else float(weight.sum(dtype=np.longdouble))

    def _pass(self, batch: Batch) -> float:
        """Compute: fill in values and gradients; the sum of the weighted values, divided."""
        name, parameters = self._kernel()
        if backend.engine is not None and batch.inputs[0].dtype in (np.float32, np.float64):
            labels, inputs, weight, by, values, gradients, n_threads = batch
            run = backend.engine.run_pairs
            return float(run(name, parameters, labels, inputs, weight, values, gradients, by, n_threads, self.width))
        with np.errstate(all="ignore"):  # infinite and NaN are results, as the engine's are
            value, found = self.reference(batch.labels, *batch.inputs)
            return _weigh(batch, value, found)

    # -- a call --------------------------------------------------------------------------------------------------------

    def _call(
        self,
        given: tuple[Any, ...],
        named: dict[str, Any],
        reduction: str,
        n_threads: Any,
        *,
        wants_gradients: bool,
        out: Any = None,
    ) -> tuple[Any, Any]:
        if backend.engine is not None and not named and not self.batch:  # small calls are many
            name, parameters = self._kernel()
            found = backend.engine.call_pairs(
                name, parameters, given, self.coding, self.width, reduction, out, wants_gradients, n_threads
            )
            if found is not None:
                return found  # type: ignore[no-any-return]
        if reduction not in validation.REDUCTIONS:
            expected = ", ".join(map(repr, validation.REDUCTIONS))
            raise ValueError(f"reduction={reduction!r}: expected one of {expected}")
        if n_threads is not None:
            n_threads = validation.thread_count("n_threads", n_threads)
        arrays, weight = self._bound(given, named)
        of_labels = bool(self.coding)
        names = self.arguments[of_labels:]
        raw = tuple(validation.as_array(name, arrays[name]) for name in names)
        _check_shapes(self, names, raw)
        dtype = np.result_type(*(validation.result_dtype(x) for x in raw)).newbyteorder("=")
        labels = validation.as_array(self.arguments[0], arrays[self.arguments[0]]) if of_labels else None
        others = [*zip(names, raw, strict=True), (self.arguments[0], labels), ("sample_weight", weight)]
        outs = _checked_outs(out, names, raw, dtype, others)
        work = np.dtype(np.float32) if dtype == np.float16 else dtype
        inputs = tuple(validation.contiguous(x, work) for x in raw)
        if settings.check_finite():
            for name, x in zip(names, raw, strict=True):
                if not np.isfinite(x).all():
                    validation.not_finite(name, x, int(np.argmin(np.isfinite(x))))
        samples = raw[0].shape[:-1] if self.width else raw[0].shape
        if labels is not None:
            labels = self._labels(labels, inputs)
        w = None if weight is None else _weight(self, weight, samples, work)
        n = math.prod(samples)
        by = 1.0
        if reduction == "mean":
            by = self._counted(labels, w, n)
            if not by > 0:
                raise ValueError(_empty_mean(self, n))
        values = np.empty(samples, work) if reduction == "none" else None
        direct = outs is not None and work == dtype
        gradients = None
        if wants_gradients:
            gradients = outs if direct else tuple(np.empty(x.shape, work) for x in inputs)
        total = self._pass(Batch(labels, inputs, w, by, values, gradients, n_threads))
        with np.errstate(over="ignore"):  # beyond float16: infinite, as IEEE arithmetic has it
            value = total if values is None else values.astype(dtype, copy=False)
            if gradients is not None and outs is not None and not direct:
                for to, gradient in zip(outs, gradients, strict=True):
                    to[...] = gradient
                gradients = outs
            elif gradients is not None:
                gradients = tuple(gradient.astype(dtype, copy=False) for gradient in gradients)
        return value, gradients

    def _bound(self, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """The arguments by name, and the weights."""
        known = (*self.arguments, "sample_weight")
        takes = f"{type(self).__name__} is called with {', '.join(self.arguments)} and, optionally, sample_weight"
        if len(given) > len(known):
            raise TypeError(f"{takes}: {len(given)} arrays were given")
        found = dict(zip(known, given, strict=False))
        for name, value in named.items():
            if name not in known:
                raise TypeError(f"unknown argument {name!r}{did_you_mean(name, [*known])}; {takes}")
            if name in found:
                raise TypeError(f"{name} was given twice; {takes}")
            found[name] = value
        for name in self.arguments:
            if name not in found:
                raise TypeError(f"{name} is missing; {takes}")
        weight = found.pop("sample_weight", None)
        return found, weight


def _weigh(batch: Batch, value: Any, gradients: tuple[Any, ...]) -> float:
    """Write weighted values and gradients to where they are wanted; the sum of the values, divided."""
    value = np.asarray(value, batch.inputs[0].dtype)
    w = np.ones_like(value) if batch.weight is None else batch.weight
    weighted = np.where(w == 0, 0, value * w)  # a weight of 0 leaves a sample out, whatever it holds
    if batch.values is not None:
        batch.values[...] = weighted
    if batch.gradients is not None:
        for to, gradient in zip(batch.gradients, gradients, strict=True):
            of = w.reshape(w.shape + (1,) * (to.ndim - w.ndim))
            to[...] = np.where(of == 0, 0, gradient * (of / to.dtype.type(batch.by)))
    return float(weighted.sum(dtype=np.longdouble)) / batch.by


# -- what may come in --------------------------------------------------------------------------------------------------


def _check_shapes(loss: EmbeddingLoss, names: tuple[str, ...], arrays: tuple[NDArray[Any], ...]) -> None:
    first = arrays[0]
    for name, array in zip(names, arrays, strict=True):
        if array.shape != first.shape:
            raise ValueError(
                f"{names[0]} has shape {first.shape} and {name} has shape {array.shape}: shapes must be equal"
            )
    if loss.width and (first.ndim < 2 or first.shape[-1] < 1 or (loss.batch and first.ndim > 2)):
        fix = f"; for one sample use {names[0]}[numpy.newaxis], for numbers {names[0]}[:, numpy.newaxis]"
        raise ValueError(
            f"{names[0]} has shape {first.shape}: {loss.name} expects embeddings of shape (n_samples, width)"
            f"{fix if first.ndim == 1 else ''}"
        )


def check_label_shape(loss: EmbeddingLoss, labels: NDArray[Any], x: NDArray[Any]) -> None:
    """Raise unless there is a label per sample."""
    samples = x.shape[:-1] if loss.width else x.shape
    if labels.shape != samples:
        names = loss.arguments
        fix = f" (use {names[0]}.ravel() if the extra axis is no axis of the data)"
        extra = labels.ndim == len(samples) + 1 and labels.size == math.prod(samples)
        raise ValueError(
            f"{names[0]} has shape {labels.shape} and {names[1]} has shape {x.shape}: expected {names[0]} of shape "
            f"{samples}{fix if extra else ''}"
        )


def _weight(loss: EmbeddingLoss, weight: Any, samples: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    w = validation.as_array("sample_weight", weight)
    if w.shape != samples and w.shape != samples[:1]:
        wanted = f"{samples}" if len(samples) < 2 else f"{samples[:1]} or {samples}"
        raise ValueError(f"sample_weight has shape {w.shape}: expected {wanted}, one per sample")
    good = (w >= 0) & (w <= np.finfo(dtype).max)
    if not good.all():
        at = int(np.argmin(good))
        raise ValueError(
            f"sample_weight{validation.position(w, at)} is {w.flat[at]}: expected a finite number >= 0 (in the "
            "embeddings' dtype)"
        )
    spread = w.reshape(w.shape + (1,) * (len(samples) - w.ndim))
    return np.ascontiguousarray(np.broadcast_to(spread, samples), dtype)


def _checked_outs(
    out: Any, names: tuple[str, ...], inputs: tuple[NDArray[Any], ...], dtype: np.dtype[Any], arguments: list[Any]
) -> tuple[NDArray[Any], ...] | None:
    if out is None:
        return None
    if not isinstance(out, (tuple, list)) or len(out) != len(names):
        found = f"{type(out).__name__}" + (f" of {len(out)}" if isinstance(out, (tuple, list)) else "")
        raise TypeError(
            f"out is {found}: expected a tuple of {len(names)} arrays, for the gradients in {', '.join(names)}"
        )
    others = [(name, x) for name, x in arguments if isinstance(x, np.ndarray)]
    for k, array in enumerate(out):
        validation.check_out(f"out[{k}]", array, names[0], inputs[0], dtype, others)
        others.append((f"out[{k}]", array))
    return tuple(out)


def _empty_mean(loss: EmbeddingLoss, n: int) -> str:
    what = "there are no samples" if n == 0 else "the total weight is zero"
    return f"the mean of {loss.name} is undefined: {what}; use reduction='sum' to get 0.0"
