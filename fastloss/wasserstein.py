"""The Wasserstein distance of samples on a line, with gradients in the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import backend, settings, validation
from fastloss.immutable import Immutable
from fastloss.parameters import real
from fastloss.registry import register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Wasserstein1D"]


@register
class Wasserstein1D(Immutable):
    r"""Wasserstein distance of two samples on a line: (integral over [0, 1] of |U(s) - V(s)|^p ds)^(1/p).

    U and V are the quantile functions: the cheapest transport takes the smallest of u_values to the smallest of
    v_values, and so on. For as many of either, without weights, it is (mean |u_(i) - v_(i)|^p)^(1/p) over the sorted
    samples.

    Parameters
    ----------
    p : float, default=1.0
        The power, at least 1. 1 is the earth mover's distance.

    Notes
    -----
    u_values and v_values have shape (n,) and (m,), or (k, n) and (k, m): then each row is a problem of its own. Weights
    are finite, not negative and of the shape of their values; they need not sum to 1. A sample of weight 0 counts for
    nothing, whatever it holds; another that is NaN makes the distance NaN.

    A call keeps its memory for the next one, at most 80 MiB.

    With p = 1 it is SciPy's ``wasserstein_distance``. With p > 1 it is the distance, a p-th root: POT's
    ``wasserstein_1d`` leaves the root out.

    The distance has a kink where two samples that are matched are equal, and where samples tie: their gradient is one
    of several there. What is matched with its equal has 0, and so has everything where the distance is 0; samples that
    tie are taken in the order in which they stand.

    References
    ----------
    .. [1] G. Peyre, M. Cuturi, "Computational optimal transport", Found. Trends Mach. Learn. 11 (2019), section 2.6.
       https://doi.org/10.1561/2200000073

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Wasserstein1D()([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    5.0
    >>> value, (in_u, in_v) = fl.Wasserstein1D().value_and_gradients([0.0, 1.0], [3.0, 0.0], u_weights=[3.0, 1.0])
    >>> value
    1.25
    >>> in_u
    array([-0.25, -0.25])
    """

    name = "wasserstein_1d"
    task = "transport"
    when = "Samples of two distributions on a line that may not overlap: histograms, forecasts, generators."
    p: float

    def __init__(self, p: float = 1.0) -> None:
        super().__init__(p=real("p", p, 1.0))

    def __call__(
        self,
        u_values: ArrayLike,
        v_values: ArrayLike,
        u_weights: ArrayLike | None = None,
        v_weights: ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> Any:
        """The distance.

        Parameters
        ----------
        u_values, v_values : array_like of shape (n,) and (m,), or (k, n) and (k, m)
            Samples of the two distributions, in any order. Their common dtype is that of the gradients: float32 and
            float64 run in the engine, float16 is computed in float32, integers become float64.
        u_weights, v_weights : array_like of the shape of their values, optional
            Finite, non-negative weights, not all 0 in a row.
        n_threads : int, optional
            Threads for this call. The result has the same bits for any number.

        Returns
        -------
        float, or ndarray of shape (k,)
            In float64.

        Raises
        ------
        ValueError, TypeError
            Naming the argument, the first offending position, what was expected and the likely fix.
        """
        return self._call(u_values, v_values, u_weights, v_weights, n_threads, wants_gradients=False)[0]

    def gradients(
        self,
        u_values: ArrayLike,
        v_values: ArrayLike,
        u_weights: ArrayLike | None = None,
        v_weights: ArrayLike | None = None,
        *,
        out: Sequence[NDArray[Any]] | None = None,
        n_threads: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The gradients in u_values and in v_values. Parameters are those of `value_and_gradients`."""
        return self.value_and_gradients(u_values, v_values, u_weights, v_weights, out=out, n_threads=n_threads)[1]

    def value_and_gradients(
        self,
        u_values: ArrayLike,
        v_values: ArrayLike,
        u_weights: ArrayLike | None = None,
        v_weights: ArrayLike | None = None,
        *,
        out: Sequence[NDArray[Any]] | None = None,
        n_threads: int | None = None,
    ) -> tuple[Any, tuple[NDArray[Any], NDArray[Any]]]:
        """The distance, and its gradients in u_values and in v_values, in one pass.

        Parameters are those of `__call__`, and

        Parameters
        ----------
        out : tuple of ndarray, optional
            Where to write the two gradients: C-contiguous arrays of the values' shapes and common dtype, neither of
            which shares memory with the other or with an argument.
        """
        return self._call(u_values, v_values, u_weights, v_weights, n_threads, out, wants_gradients=True)

    def _call(
        self, u: Any, v: Any, a: Any, b: Any, n_threads: Any, out: Any = None, *, wants_gradients: bool
    ) -> tuple[Any, tuple[Any, Any]]:
        engine = backend.engine
        if engine is not None:  # small calls are many
            found = engine.transport(self.p, u, v, a, b, wants_gradients, out, n_threads)
            if found is not None:
                return found  # type: ignore[no-any-return]
        threads = None if n_threads is None else validation.thread_count("n_threads", n_threads)
        u, v = validation.as_array("u_values", u), validation.as_array("v_values", v)
        _check_shapes(u, v)
        dtype = np.result_type(validation.result_dtype(u), validation.result_dtype(v))
        work = np.dtype(np.float32) if dtype == np.float16 else dtype
        if settings.check_finite():
            for name, x in (("u_values", u), ("v_values", v)):
                if not np.isfinite(x).all():
                    validation.not_finite(name, x, int(np.argmin(np.isfinite(x))))
        a, b = _weights("u_weights", a, "u_values", u), _weights("v_weights", b, "v_values", v)
        if out is not None:
            _check_out(out, dtype, {"u_values": u, "v_values": v, "u_weights": a, "v_weights": b})
        values, found = self._distances(_ready(u, work), _ready(v, work), a, b, wants_gradients, threads)
        if found is not None:
            found = _converted(found, out, dtype)
        return values, found

    def _distances(self, u: Any, v: Any, a: Any, b: Any, wants_gradients: bool, threads: int | None) -> tuple[Any, Any]:
        """What `_call` returns, of arrays that are ready."""
        found = None
        if backend.engine is not None:
            found = backend.engine.transport(self.p, u, v, a, b, wants_gradients, None, threads, True)
        if found is None:
            _check_weights(a, b)  # they may be fine, only too large or too small to be added up
            a, b = _moderate(a), _moderate(b)
            if backend.engine is not None:
                found = backend.engine.transport(self.p, u, v, a, b, wants_gradients, None, threads, True)
        return _reference(self.p, u, v, a, b, wants_gradients) if found is None else found


def _reference(p: float, u: Any, v: Any, a: Any, b: Any, wants_gradients: bool) -> tuple[Any, Any]:
    """The definition, row by row: the quantile functions are constant between the levels at which a sample ends."""
    gradients = (np.empty_like(u), np.empty_like(v)) if wants_gradients else None
    rows: list[Any] = [None if x is None else np.atleast_2d(x) for x in (u, v, a, b, *(gradients or (None, None)))]
    values = np.empty(len(rows[0]))
    for row in range(len(values)):
        here: list[Any] = [None if array is None else array[row] for array in rows]
        x, y, of_x, of_y, in_x, in_y = here
        (i, ends_x), (j, ends_y) = _in_order(x, of_x), _in_order(y, of_y)
        levels = np.union1d(ends_x, ends_y)
        mass = np.diff(levels, prepend=0)
        i, j = i[np.searchsorted(ends_x, levels)], j[np.searchsorted(ends_y, levels)]
        x, y = (values_of.astype(np.result_type(values_of, np.float64)) for values_of in (x, y))
        with np.errstate(all="ignore"):  # NaN and infinity propagate
            exponent = _exponent(np.maximum(np.abs(x[i]), np.abs(y[j]))) + 1  # lest a difference overflows
            r = np.ldexp(x[i], -exponent) - np.ldexp(y[j], -exponent)
            more = _exponent(np.abs(r))  # lest powers vanish
            exponent, r = exponent + more, np.ldexp(r, -more)
            longest = np.max(np.abs(r)) if p >= 512 else 1.0  # a power of two is then too far from it
            r = r / longest if np.isfinite(longest) and longest > 0 else r
            mean = np.sum(mass * np.abs(r) ** p)
            values[row] = np.ldexp(longest * mean ** (1 / p), exponent)
            if in_x is not None:
                slope = mass * np.sign(r) * np.abs(r) ** (p - 1) * (mean ** (1 / p - 1) if mean != 0 else 0)
                for gradient, at, slopes in ((in_x, i, slope), (in_y, j, -slope)):
                    gradient[...] = 0
                    np.add.at(gradient, at, slopes.astype(gradient.dtype))
    return values if u.ndim == 2 else float(values[0]), gradients


def _exponent(x: Any) -> int:
    """That of the largest number, or 0 if it is not finite."""
    most = np.max(x)
    return int(np.frexp(most)[1]) if np.isfinite(most) else 0


def _in_order(x: Any, weights: Any) -> tuple[Any, Any]:
    """Where the samples with weight stand, in order, and the level at which each ends, the last one at 1."""
    w = np.ones(len(x)) if weights is None else weights
    order = np.argsort(x, kind="stable")
    order = order[w[order] > 0]
    ends = np.cumsum(w[order].astype(np.longdouble))
    return order, ends / ends[-1]


# -- arguments --------------------------------------------------------------------------------------------------------


def _ready(x: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array itself where the engine can read it, else a copy."""
    if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous and x.flags.aligned:
        return x
    return np.require(np.asarray(x), dtype, ["C", "A"])


def _check_shapes(u: NDArray[Any], v: NDArray[Any]) -> None:
    for name, x in (("u_values", u), ("v_values", v)):
        if x.ndim not in (1, 2):
            raise ValueError(
                f"{name} has shape {x.shape}: expected (n_samples,), or (n_problems, n_samples); reshape or ravel it"
            )
        if x.shape[-1] == 0:
            raise ValueError(f"{name} is empty, of shape {x.shape}: a distribution needs at least one sample")
    if u.shape[:-1] != v.shape[:-1]:
        raise ValueError(
            f"u_values has shape {u.shape} and v_values has shape {v.shape}: expected both 1-D, or as many rows in "
            "both; a row is a problem of its own"
        )


def _weights(name: str, weights: Any, of: str, values: NDArray[Any]) -> NDArray[Any] | None:
    if weights is None:
        return None
    w = validation.as_array(name, weights)
    if w.shape != values.shape:
        raise ValueError(
            f"{name} has shape {w.shape}: expected the shape of {of}, {values.shape}; a weight belongs to one sample"
        )
    return _ready(w, np.dtype(np.float64))


def _check_weights(a: NDArray[Any] | None, b: NDArray[Any] | None) -> None:
    """Raise if weights are bad. The engine has seen whether they are; where, is looked up here."""
    for name, w in (("u_weights", a), ("v_weights", b)):
        if w is None:
            continue
        good = (w >= 0) & (w < math.inf)
        if not good.all():
            at = int(np.argmin(good))
            raise ValueError(
                f"{name}{validation.position(w, at)} is {w.flat[at]}: expected a finite number >= 0; a weight of 0 "
                "leaves a sample out"
            )
        empty = np.atleast_1d(w.max(axis=-1) == 0)
        if empty.any():
            place = f"{name}[{int(np.argmax(empty))}]" if w.ndim == 2 else name
            raise ValueError(
                f"{place} is all 0: a distribution needs a sample with weight; leave {name} out for equal weights"
            )


def _moderate(weights: NDArray[Any] | None) -> NDArray[Any] | None:
    """Weights up to 1, whose sum neither overflows nor vanishes."""
    return None if weights is None else weights / weights.max(axis=-1, keepdims=True)


def _check_out(out: Any, dtype: np.dtype[Any], arrays: dict[str, Any]) -> None:
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        raise TypeError(f"out is {type(out).__name__}: expected a tuple of two arrays, for u_values and for v_values")
    for k, of in enumerate(("u_values", "v_values")):
        others = [(name, array) for name, array in arrays.items() if name != of]
        validation.check_out(f"out[{k}]", out[k], of, arrays[of], dtype, others)
    if np.shares_memory(*out):
        raise ValueError("out[0] and out[1] overlap: use two buffers")


def _converted(found: tuple[Any, Any], out: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Gradients in the caller's dtype, in the caller's buffers if there are some."""
    if out is None:
        return found[0].astype(dtype, copy=False), found[1].astype(dtype, copy=False)
    out[0][...], out[1][...] = found
    return out[0], out[1]
