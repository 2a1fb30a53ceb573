"""Arguments that are not ready for a kernel: converted, or refused with the argument, the place and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from fastloss.domains import LABEL_SETS, ROW_SUM_TOLERANCE
from fastloss.operations import EXACT, PRODUCT, SHARES, VALUE, VALUE_GRADIENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss

__all__ = ["PARTS", "ROW_SUM_TOLERANCE", "ElementError", "run_converted"]

REDUCTIONS = ("mean", "sum", "none")
MOST_THREADS = 1 << 12  # more is a mistake, and OpenMP ends the process when it cannot start them
PARTS = "(sum of w l, sum of w)"  # the reduction of an accumulator
_INTERNAL = (*REDUCTIONS, PARTS)


def run_converted(
    runner: Any,
    operation: int,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    reduction: str,
    out: Any,
    n_threads: Any,
    floor: float,
    vector: Any = None,
) -> Any:
    """Convert the arguments to what a kernel takes, run it, and convert the result back."""
    loss: Loss
    if reduction not in _INTERNAL:
        raise ValueError(f"reduction={reduction!r}: expected one of {', '.join(map(repr, REDUCTIONS))}")
    if n_threads is not None:
        n_threads = thread_count("n_threads", n_threads)
    given = as_array("y_pred", y_pred)
    result_type = result_dtype(given)
    long = result_type == np.longdouble and result_type != np.float64
    work_type = np.dtype(np.float32) if result_type == np.float16 else result_type
    z = contiguous(given, work_type)
    runner, y, w = beside(runner, y_true, z, sample_weight)
    loss = runner.loss
    u = None if vector is None else contiguous(_like("vector", vector, z), work_type)
    outs = _outs(operation, out, given, result_type, (y, w))
    if outs is not None and operation == PRODUCT:
        for name, array in (("y_pred", given), ("vector", vector)):
            if np.may_share_memory(outs[0], array):
                raise ValueError(f"out overlaps {name}, which the product reads to the end: use another buffer")
    if long:
        from fastloss.reference import Runner

        runner = Runner(loss)
    direct = outs is not None and work_type == result_type and all(type(o) is np.ndarray for o in outs)
    target = None if not direct else outs if writes_two(operation) else outs[0]  # type: ignore[index]
    if direct and (z is not given or not loss.in_place) and any(np.may_share_memory(o, given) for o in outs or ()):
        target = None  # y_pred was copied, so the kernel cannot know that it works in place; or it cannot work so
    result = runner.run(operation, y, z, w, reduction, target, n_threads, floor, True, u)
    if (result_type == work_type and target is not None) or (outs is None and result_type == work_type):
        return result
    return _convert_back(operation, result, outs, result_type)


def beside(runner: Any, y_true: Any, z: NDArray[Any], sample_weight: Any) -> tuple[Any, NDArray[Any], Any]:
    """The runner for such targets; targets, and weights or None, as a kernel takes them beside predictions z."""
    y = as_array("y_true", y_true)
    if runner.rows is not None and y.ndim == z.ndim:
        runner = runner.rows
    loss: Loss = runner.loss
    y = _target(loss, label_mask(loss, y, z.shape), z)
    check_shapes(loss, y, z)
    return runner, y, None if sample_weight is None else _weight(loss, as_array("sample_weight", sample_weight), z)


def writes_two(operation: int) -> bool:
    """Whether a pass writes an array beside the gradient."""
    return EXACT <= operation < PRODUCT


def vector(given: Any, y_pred: Any) -> NDArray[Any]:
    """What a Hessian is to be multiplied by: of the shape of y_pred."""
    return _like("vector", given, as_array("y_pred", y_pred))


def _like(name: str, given: Any, z: NDArray[Any]) -> NDArray[Any]:
    array = as_array(name, given)
    if array.shape != z.shape:
        raise ValueError(f"{name} has shape {array.shape}: expected y_pred's shape {z.shape}")
    return array


def _convert_back(operation: int, result: Any, outs: Any, dtype: np.dtype[Any]) -> Any:
    """Results in the caller's dtype, in the caller's buffers."""
    parts = result if isinstance(result, tuple) else (result,)
    arrays = iter(outs or ())
    converted = []
    for i, part in enumerate(parts):
        is_value = i == 0 and operation in (VALUE, VALUE_GRADIENT)
        if not isinstance(part, np.ndarray):
            converted.append(part)
        elif outs is None or is_value:
            with np.errstate(over="ignore"):  # beyond float16: infinite, as IEEE arithmetic has it
                converted.append(part.astype(dtype, copy=False))
        else:
            buffer = next(arrays)
            with np.errstate(over="ignore"):
                buffer[...] = part
            converted.append(buffer)
    return tuple(converted) if isinstance(result, tuple) else converted[0]


# -- arrays -----------------------------------------------------------------------------------------------------------


def as_array(name: str, value: Any) -> NDArray[Any]:
    """Anything that is an array of numbers: NumPy, DLPack, `__array__`, lists."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass sample_weight=~mask instead")
    if value is None:
        raise TypeError(f"{name} is None: expected an array of numbers")
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            array = np.from_dlpack(value)
        else:
            array = np.asarray(value)
    except Exception as error:  # whatever the other library raises, the user hears which argument it was
        raise TypeError(f"{name} cannot be read as an array of numbers: {error}") from error
    if array.dtype == object:
        array = _from_objects(name, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}: expected real numbers")
    return array


def _from_objects(name: str, array: NDArray[Any]) -> NDArray[Any]:
    for at, item in enumerate(array.flat):  # NumPy alone would make NaN of None
        try:
            float(item)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(
                f"{name}{position(array, at)} is {item!r}: expected real numbers; drop or fill missing values first"
            ) from None
    return array.astype(np.float64)


def result_dtype(array: NDArray[Any]) -> np.dtype[Any]:
    """The type of what is computed from an array: its own, float64 for integers and bools."""
    return np.dtype(np.float64) if array.dtype.kind in "biu" else array.dtype.newbyteorder("=")


def contiguous(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array` itself where a kernel can read it, else one copy."""
    array = np.require(array, dtype, ["C", "A"])
    return array if type(array) is np.ndarray else array.view(np.ndarray)


def _target(loss: Loss, y: NDArray[Any], z: NDArray[Any]) -> NDArray[Any]:
    """Targets in a type that the kernels load: y_pred's, or the caller's own narrow or integer type."""
    rows = loss.layout == "classes" and not loss.takes_labels
    if rows or (z.dtype not in _LOADABLE and not loss.takes_labels):
        return contiguous(y, z.dtype)
    return loadable(y, z.dtype)


def loadable(array: NDArray[Any], otherwise: np.dtype[Any]) -> NDArray[Any]:
    """`array` in its own type if the kernels load that from memory, otherwise in the other one."""
    dtype = array.dtype.newbyteorder("=")
    return contiguous(array, dtype if dtype in _LOADABLE else otherwise)


_LOADABLE = frozenset(
    map(
        np.dtype,
        ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"),
    )
)


def _weight(loss: Loss, w: NDArray[Any], z: NDArray[Any]) -> NDArray[Any]:
    shape = z.shape[:-1] if loss.has_rows else z.shape
    samples = shape[:1] or (1,)
    if w.shape != shape and w.shape != samples:
        wanted = f"{samples}" if samples == shape else f"{samples} or {shape}"
        raise ValueError(f"sample_weight has shape {w.shape}: expected {wanted}, as y_pred has shape {z.shape}")
    dtype = w.dtype.newbyteorder("=")
    w = contiguous(w, dtype if dtype in _LOADABLE else np.dtype(np.float64) if z.dtype in _LOADABLE else z.dtype)
    if not shape:
        return w.reshape(shape)
    if loss.layout == "classes" and w.shape != shape:
        w = np.ascontiguousarray(np.broadcast_to(w.reshape(samples + (1,) * (len(shape) - 1)), shape))
    return w


def check_coefficients(theta: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Coefficients have a row for each column of X and, with an intercept, one more."""
    if theta.shape != shape:
        raise ValueError(
            f"theta has shape {theta.shape}: expected {shape}, with a row for each column of X and, last, one for the "
            "intercept if there is one"
        )


def check_shapes(loss: Loss, y: NDArray[Any], z: NDArray[Any]) -> None:
    """Shapes must be equal; nothing broadcasts silently."""
    if not loss.has_rows:
        if y.shape != z.shape:
            raise ValueError(
                f"y_true has shape {y.shape} and y_pred has shape {z.shape}: shapes must be equal{_reshape_hint(y, z)}"
            )
        return
    if loss.layout == "outputs" and z.shape[-1:] != (len(loss.outputs),):
        raise ValueError(
            f"y_pred has shape {z.shape}: {loss.name} expects (n_samples, {len(loss.outputs)}), with "
            f"{' and '.join(loss.outputs)} along the last axis"
        )
    if z.ndim < 1 or z.shape[-1] < 1:
        raise ValueError(f"y_pred has shape {z.shape}: expected (n_samples, n_classes) with at least one class")
    labels = loss.takes_labels
    wanted: Any = z.shape[:-1] if labels or loss.layout == "outputs" else z.shape
    if y.shape != wanted:
        hint = ""
        if loss.takes_rows:
            wanted = f"{z.shape[:-1]} for class indices, or {z.shape} for rows of probabilities"
        elif loss.layout == "outputs":
            hint = _reshape_hint(y, z[..., 0])
        elif labels and y.shape == z.shape:
            hint = "; take y_true.argmax(axis=-1) of one-hot rows, for probabilities fastloss.CategoricalCrossEntropy"
        elif y.shape == z.shape[:-1] and not loss.target_domain.rows_sum_to_one:
            hint = f"; of one label per row make rows: numpy.eye({z.shape[-1]})[y_true]"
        elif y.shape == z.shape[:-1]:
            hint = "; for class indices use fastloss.SparseCategoricalCrossEntropy"
        raise ValueError(
            f"y_true has shape {y.shape} and y_pred has shape {z.shape}: expected y_true of shape {wanted}{hint}"
        )


def _reshape_hint(y: NDArray[Any], z: NDArray[Any]) -> str:
    if y.size != z.size or {y.ndim, z.ndim} != {1, 2}:
        return ""
    name = "y_true" if y.ndim == 2 else "y_pred"
    return f" (use {name}.ravel() if the extra axis is no axis of the data)"


def _outs(
    operation: int, out: Any, y_pred: NDArray[Any], dtype: np.dtype[Any], inputs: tuple[Any, ...]
) -> tuple[NDArray[Any], ...] | None:
    """The output buffers, checked."""
    if out is None:
        return None
    if not writes_two(operation):
        outs, names = (out,), ["out"]
    elif isinstance(out, (tuple, list)) and len(out) == 2:
        outs, names = tuple(out), ["out[0]", "out[1]"]
    else:
        second = "probabilities" if operation == SHARES else "hessian"
        raise TypeError(f"out is {type(out).__name__}: expected a tuple (gradient, {second}) of two arrays")
    others = (("y_true", inputs[0]), ("sample_weight", inputs[1]))
    for name, array in zip(names, outs, strict=True):
        check_out(name, array, "y_pred", y_pred, dtype, others)
    if len(outs) == 2 and np.shares_memory(*outs):
        raise ValueError("out[0] and out[1] overlap: use two buffers")
    return outs


def check_out(
    name: str,
    array: Any,
    of: str,
    like: NDArray[Any],
    dtype: np.dtype[Any],
    others: Iterable[tuple[str, NDArray[Any] | None]] = (),
) -> None:
    """Raise unless `array` can be written results to: of the shape of the input `like`, whose name is `of`.

    It may be that input itself, but shares no memory with part of it, nor with any of the others.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is {type(array).__name__}: expected a NumPy array")
    if array.shape != like.shape:
        raise ValueError(f"{name} has shape {array.shape}: expected {of}'s shape {like.shape}")
    if array.dtype != dtype:
        raise TypeError(
            f"{name} has dtype {array.dtype}: expected {dtype}; use numpy.empty({array.shape}, {str(dtype)!r})"
        )
    if not array.flags.c_contiguous or not array.flags.aligned:
        raise ValueError(f"{name} is not a C-contiguous, aligned array: use numpy.empty({array.shape})")
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only")
    for other_name, other in others:
        if other is not None and np.shares_memory(array, other):
            raise ValueError(f"{name} overlaps {other_name}: use another buffer")
    same = array.ctypes.data == like.ctypes.data and like.flags.c_contiguous
    if not same and np.shares_memory(array, like):
        raise ValueError(f"{name} overlaps {of} without being {of}: use {of} itself or another buffer")


def thread_count(name: str, n: Any) -> int:
    """A positive number of threads."""
    try:
        count = n.__index__()
    except AttributeError:
        raise TypeError(f"{name} is {n!r}: expected a positive integer") from None
    if not 1 <= count <= MOST_THREADS or isinstance(n, bool):
        raise ValueError(f"{name} is {n!r}: expected a positive integer up to {MOST_THREADS}, or None for the default")
    return int(count)


# -- values -----------------------------------------------------------------------------------------------------------


def position(array: Any, at: int) -> str:
    """The place of element `at` as one would index it: [3] or [3, 1]."""
    return _indexed(_at(array, at))


class ElementError(ValueError):
    """An element, or a row, that is not what an argument is to hold.

    Parameters
    ----------
    argument : str
        Its name.
    index : tuple of int
        Where in it; a row has the indices of the row.
    said : str
        What is wrong, and what was expected: a sentence that begins with the element.
    before : str
        What is said before that sentence, such as which of several arrays of that name it is about.
    """

    def __init__(self, argument: str, index: tuple[int, ...], said: str, before: str = "") -> None:
        super().__init__(argument, index, said, before)
        self.argument, self.index, self.said, self.before = argument, index, said, before

    def __str__(self) -> str:
        return f"{self.before}{self.argument}{_indexed(self.index)} {self.said}"


def _indexed(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _at(array: Any, at: int) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(at, np.shape(array)))


def _wrong(name: str, array: Any, at: int, said: str) -> ElementError:
    """Of element `at`, counted through the array, which is named by its place and value before what is said."""
    return ElementError(name, _at(array, at), f"is {np.asarray(array).flat[at]}{said}")


def bad_weight(array: Any, at: int) -> NoReturn:
    """Raise for a weight that is negative or not finite."""
    raise _wrong("sample_weight", array, at, ": expected a finite number >= 0 (in y_pred's dtype)")


def bad_label(loss: Loss, array: Any, at: int, classes: int) -> NoReturn:
    """Raise for a label that is no class."""
    ignore = loss.params.get("ignore_index")
    extra = "" if ignore is None else f" or ignore_index={ignore}"
    value = np.asarray(array).flat[at]
    fix = "count classes from 0"
    if value < 0 and ignore is None:
        fix = f"pass ignore_index={value} to leave such rows out"
    elif value != int(value) if np.isfinite(value) else True:
        fix = "labels are class indices; for probabilities use fastloss.CategoricalCrossEntropy"
    said = f": expected an integer label in 0..{classes - 1}{extra}, as y_pred has {classes} classes; {fix}"
    raise _wrong("y_true", array, at, said)


def label_mask(loss: Loss, y: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Rows of label indices, filled up with -1 (what follows the first is not looked at), as a mask.

    Only integers are such rows, of a loss that takes sets of labels; any other array is returned as it is.
    """
    if loss.target_domain != LABEL_SETS or y.dtype.kind not in "iu" or y.shape != shape:
        return y
    n_classes = shape[-1]
    rows = y.reshape(-1, n_classes)
    mask = np.zeros(rows.shape, bool)
    going = np.arange(len(rows))
    wrong, twice = rows.size, rows.size  # where the first of each is
    for column in range(n_classes):  # as many as the longest row has labels
        labels = rows[going, column]
        going, labels = going[labels != -1], labels[labels != -1]
        if not going.size:
            break
        outside = (labels < 0) | (labels >= n_classes)
        if outside.any():
            wrong = min(wrong, int(going[outside][0]) * n_classes + column)
            going, labels = going[~outside], labels[~outside]
        marked = mask[going, labels]
        if marked.any():
            twice = min(twice, int(going[marked][0]) * n_classes + column)
        mask[going, labels] = True
    if wrong < twice:
        said = (
            f": expected label indices in 0..{n_classes - 1}, filled up with -1, as y_pred has {n_classes} classes; "
            "count classes from 0"
        )
        raise _wrong("y_true", y, wrong, said)
    if twice < rows.size:
        said = (
            " for the second time in its row: expected different label indices, filled up with -1; pass a mask of "
            "zeros and ones as y_true.astype(bool)"
        )
        raise _wrong("y_true", y, twice, said)
    return mask.reshape(shape)


def bad_target(loss: Loss, array: Any, at: int) -> NoReturn:
    """Raise for a target outside the loss's domain."""
    domain = loss.target_domain
    raise _wrong("y_true", array, at, f": {loss.name} expects {domain.expected}; {domain.fix}")


def bad_coding(loss: Loss, array: Any, at: int, low: int) -> NoReturn:
    """Raise for a label that is of the other of two codings than those of pieces before, which has this lower label."""
    domain = loss.target_domain
    raise _wrong("y_true", array, at, f": {loss.name} expects {domain.expected}; pieces before had {low}; {domain.fix}")


def bad_prediction(loss: Loss, array: Any, at: int) -> NoReturn:
    """Raise for a prediction outside the loss's domain."""
    domain = loss.prediction_domain
    raise _wrong("y_pred", array, at, f": {loss.name} expects {domain.expected}; {domain.fix}")


def bad_row(loss: Loss, name: str, array: Any, row: int) -> NoReturn:
    """Raise for a row of probabilities that does not sum to 1."""
    rows = np.asarray(array)
    total = float(np.sum(rows.reshape(-1, rows.shape[-1])[row], dtype=np.float64))
    domain = loss.target_domain if name == "y_true" else loss.prediction_domain
    said = f"sums to {total:.6g}: {loss.name} expects rows that sum to 1; {domain.fix}"
    raise ElementError(name, _at(rows[..., 0], row), said)


def not_finite(name: str, array: Any, at: int) -> NoReturn:
    """Raise for NaN or infinity under set_check_finite(True)."""
    asked = "as set_check_finite(True) asks; drop these rows or clip the values"
    raise _wrong(name, array, at, f": finite numbers expected, {asked}")


def class_weight_length(loss: Loss, classes: int) -> str:
    """Message for class weights that do not match the predictions."""
    name = loss.per_class
    return f"{name} has {len(loss.params[name])} entries and y_pred has {classes} classes: give one per class"


def empty_mean(loss: Loss, n: int) -> str:
    """Message for a mean over nothing."""
    what = "there are no samples" if n == 0 else "the total weight is zero"
    fix = "; use reduction='sum' to get 0.0" if loss.additive else ""
    return f"the mean of {loss.name} is undefined: {what}{fix}"
