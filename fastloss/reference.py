"""The NumPy backend: the same calls as the compiled engine, on each loss's own reference.

It serves where there is no compiled extension, for dtypes without a kernel (longdouble), and as the tests' oracle.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import activations, settings, validation
from fastloss.domains import _CLOSED, OPEN_LOW, Domain
from fastloss.operations import EXACT, FISHER, MAJORIZE, PRODUCT, SHARES, VALUE, VALUE_GRADIENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss
    from fastloss.losses.overlap import OverlapLoss


class Runner:
    """Runs one loss on its NumPy reference."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.rows = loss._of_rows()._runner if loss.takes_labels and loss.takes_rows else None

    def run(
        self,
        operation: int,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any,
        reduction: str,
        out: Any,
        n_threads: Any,
        floor: float = -math.inf,
        converted: bool = False,
        vector: Any = None,
    ) -> Any:
        """One pass, as the compiled ``Runner.run``."""
        if not converted:
            return validation.run_converted(
                self, operation, y_true, y_pred, sample_weight, reduction, out, n_threads, floor, vector
            )
        loss, y, z, w = self.loss, y_true, y_pred, sample_weight
        classes = loss.layout == "classes"
        factors = loss.params.get(loss.per_class)
        if classes and factors is not None and len(factors) != z.shape[-1]:
            raise ValueError(validation.class_weight_length(loss, z.shape[-1]))
        _check(loss, y, z, w)
        if not loss.takes_labels:
            y = y.astype(z.dtype)
        shape = z.shape[:-1] if loss.has_rows else z.shape
        n = math.prod(shape)
        weight = _per_element(w, shape, z.dtype)
        total_weight = float(n)
        if classes:
            total_weight = float(np.sum(weight * loss.row_weight(y, z.shape[-1]), dtype=np.longdouble))
        elif w is not None:
            total_weight = float(np.sum(weight, dtype=np.longdouble))
        scale = z.dtype.type(1)
        if reduction == "mean":
            if not total_weight > 0:
                raise ValueError(validation.empty_mean(loss, n))
            scale = z.dtype.type(1 / total_weight)

        with np.errstate(all="ignore"):  # infinite and NaN are results, as the engine's are
            value, gradient, curvature = loss.reference(y, z)
            if operation == MAJORIZE:
                curvature = loss.majorizer(y, z)
            elif operation == FISHER:
                curvature = loss.fisher(y, z)
            elif operation == PRODUCT:
                gradient = loss.hessian_product(y, z, vector)
        if floor > -math.inf:
            curvature = np.where(curvature < floor, z.dtype.type(floor), curvature)
            if loss.params.get("ignore_index") is not None:  # these rows have none
                curvature = np.where((y == loss.params["ignore_index"])[..., None], 0, curvature)
        spread = (weight[..., None] if loss.has_rows else weight) * scale
        with np.errstate(over="ignore", invalid="ignore"):
            # a weight of 0 leaves an element out, whatever it holds
            weighted = np.where(weight == 0, 0, np.asarray(value * weight, z.dtype))
            out_of_it = spread == 0
            results: list[Any] = []
            if operation in (VALUE, VALUE_GRADIENT):
                results.append(_reduced(weighted, reduction, total_weight))
            outs = iter(out if isinstance(out, tuple) else (out,))
            if operation != VALUE:
                results.append(_into(next(outs), np.where(out_of_it, 0, np.asarray(gradient * spread, z.dtype))))
            if operation == SHARES:
                results.append(_into(next(outs, None), activations.softmax(z)))
            elif EXACT <= operation < PRODUCT:
                results.append(_into(next(outs, None), np.where(out_of_it, 0, np.asarray(curvature * spread, z.dtype))))
        return results[0] if len(results) == 1 else tuple(results)


def overlap_sums(
    loss: OverlapLoss, y_true: Any, y_pred: Any, weight: Any, shape: tuple[int, int, int], n_threads: Any
) -> tuple[NDArray[Any], int, int]:
    """The first pass of a loss of masks, as the compiled function of this name."""
    t, p = y_true.astype(y_pred.dtype).reshape(shape), y_pred.reshape(shape)
    with np.errstate(all="ignore"):
        both = t * p
        parts = (_per_sample(part, weight) for part in (both, p - both, t - both))
        sums = np.stack([np.sum(part, axis=(0, 2), dtype=np.longdouble) for part in parts], axis=1)
    good = inside(p.ravel(), loss.prediction_domain)
    if not settings.check_finite():
        good |= np.isnan(p.ravel())
    return sums, _first(~inside(t.ravel(), loss.target_domain)), _first(~good)


def overlap_gradient(
    y_true: Any, weight: Any, slopes: Any, out: Any, shape: tuple[int, int, int], n_threads: Any
) -> None:
    """The second pass of a loss of masks, as the compiled function of this name."""
    t = y_true.astype(out.dtype).reshape(shape)
    most = np.finfo(out.dtype).max
    at_one, at_zero = (np.clip(slopes[:, k, np.newaxis], -most, most) for k in range(2))
    with np.errstate(all="ignore"):
        out.reshape(shape)[...] = _per_sample(t * at_one + (1 - t) * at_zero, weight)


def _per_sample(x: NDArray[Any], weight: NDArray[Any] | None) -> NDArray[Any]:
    """Times the weight of each sample; 0 leaves it out, whatever it holds."""
    if weight is None:
        return x
    w = weight[:, np.newaxis, np.newaxis]
    return np.where(w == 0, 0, x * w)


def _into(out: NDArray[Any] | None, array: NDArray[Any]) -> NDArray[Any]:
    if out is None:
        return np.ascontiguousarray(array).reshape(array.shape)
    out[...] = array
    return out


def _reduced(weighted: NDArray[Any], reduction: str, total_weight: float) -> Any:
    if reduction == "none":
        return weighted
    total = float(np.sum(weighted, dtype=np.longdouble))
    if reduction == validation.PARTS:
        return total, total_weight
    return total / total_weight if reduction == "mean" else total


def _per_element(w: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if w is None:
        return np.ones(shape, dtype)
    w = w.astype(dtype)
    return w if w.shape == shape else np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - 1)), shape)


def inside(x: NDArray[Any], domain: Domain, infinite: bool = False) -> NDArray[np.bool_]:
    """Which elements are in the domain; an infinite end is, for predictions only."""
    if domain.code is None:
        return np.ones(x.shape, bool)
    found: NDArray[np.bool_]
    if domain.code == _CLOSED:
        found = (x >= domain.low) & (x <= domain.high)
    elif domain.code == OPEN_LOW:
        found = (x > domain.low) & (x <= domain.high)
    else:
        found = (x == domain.low) | (x == domain.high)
    return found & np.isfinite(x) if domain.high == math.inf and not infinite else found


def _first(bad: NDArray[np.bool_]) -> int:
    return int(np.argmax(bad)) if bad.any() else -1


def _check(loss: Loss, y: NDArray[Any], z: NDArray[Any], w: NDArray[Any] | None) -> None:
    """Raise on the first element outside its domain, in the order in which the engine looks."""
    if w is not None:
        at = _first(~((w >= 0) & (w <= np.finfo(z.dtype).max)).ravel())  # finite in the type that it is cast to
        if at >= 0:
            validation.bad_weight(w, at)
    if loss.takes_labels:
        _check_labels(loss, y, z.shape[-1])
    elif loss.target_domain.code is not None:
        domain, values = loss.target_domain, y.astype(z.dtype).ravel()
        at = _first(~inside(values, domain))
        if domain.alternative is not None:  # the one that neither coding allows together with those before it
            other = _first(~inside(values, domain.alternative))
            at = max(at, other) if at >= 0 and other >= 0 else -1
        if at >= 0:
            validation.bad_target(loss, y, at)
        _check_rows(loss, "y_true", y, domain)
    domain = loss.prediction_domain
    if domain.code is not None:
        at = _first(~(inside(z.ravel(), domain, infinite=True) | np.isnan(z.ravel())))
        if at >= 0:
            validation.bad_prediction(loss, z, at)
        _check_rows(loss, "y_pred", z, domain)
    if settings.check_finite():
        for name, array in (("y_pred", z), ("y_true", y)):
            at = _first(~np.isfinite(array).ravel())
            if at >= 0 and not (name == "y_true" and loss.takes_labels):
                validation.not_finite(name, array, at)


def _check_rows(loss: Loss, name: str, rows: NDArray[Any], domain: Domain) -> None:
    if domain.rows_sum_to_one:
        off = np.abs(rows.sum(axis=-1, dtype=np.float64) - 1) > validation.ROW_SUM_TOLERANCE
        at = _first(off.ravel())
        if at >= 0:
            validation.bad_row(loss, name, rows, at)


def _check_labels(loss: Loss, y: NDArray[Any], n_classes: int) -> None:
    ignore = loss.params.get("ignore_index")
    good = (y >= 0) & (y < n_classes) & (y == np.floor(y) if y.dtype.kind == "f" else True)
    at = _first(~(good | (y == ignore if ignore is not None else False)).ravel())
    if at >= 0:
        validation.bad_label(loss, y, at, n_classes)
