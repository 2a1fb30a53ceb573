"""What is true: the reference of the loss, in at least float64, on the samples a row is bootstrapped from.

Samples are drawn from a pool of a few hundred distinct ones, so the reference is evaluated on the pool and gathered
like the data: the whole result of 2e7 elements is checked, element by element, for the price of some thousand. Where
samples do not count for themselves, the pool is the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.benchmark.case import Row, Truth, bootstrap
from fastloss.benchmark.engines.engine import Outputs

__all__ = ["TOLERANCES", "Agreement", "Bootstrap", "compare", "write_pool"]

# Allowed error relative to the largest magnitude of the result (value: to the mean magnitude of the terms).
# Not ULP: peers lose digits in the tails (scikit-learn switches formulas, torch adds float32 sums), which is no reason
# to call a time meaningless. fastloss's own digits are the business of tests/.
TOLERANCES = {
    "float32": {"value": 1e-4, "gradient": 1e-5, "hessian": 1e-5},
    "float64": {"value": 1e-10, "gradient": 1e-11, "hessian": 1e-11},
}
CHUNK = 1 << 20  # elements compared at a time


def write_pool(path: Path, row: Row) -> None:
    """Write the pool of a row and the reference's results on it."""
    truth = row.case.truth(row.shape, row.dtype)
    arrays = {"value": truth.value}
    for kind, several in {"data": truth.data, **truth.derivatives}.items():
        arrays |= {f"{kind}_{k}": array for k, array in enumerate(several)}
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _read_pool(path: Path) -> Truth:
    """What `write_pool` has written."""
    with np.load(path) as file:
        names = file.files
        several = {
            kind: tuple(file[f"{kind}_{k}"] for k in range(len(names)) if f"{kind}_{k}" in names)
            for kind in ("data", "gradient", "hessian")
        }
        return Truth(several.pop("data"), file["value"], several)


@dataclass
class Bootstrap:
    """The data of a row: the pool with the reference's results, and which of its samples were drawn; None: as it is."""

    pool: Truth
    index: NDArray[Any] | None

    @classmethod
    def draw(cls, path: Path, samples: int | None) -> Bootstrap:
        """Draw `samples` samples with replacement from a pool file, or take it as it is."""
        pool = _read_pool(path)
        return cls(pool, None if samples is None else bootstrap(len(pool.data[0]), samples))

    def data(self) -> tuple[NDArray[Any], ...]:
        """The arrays of a call: targets and predictions, or others."""
        return self.pool.data if self.index is None else tuple(array[self.index] for array in self.pool.data)

    def value(self) -> tuple[float, float]:
        """The loss, and the mean magnitude of its terms."""
        terms = self.pool.value.reshape(len(self.pool.value), -1).sum(axis=1)
        count = np.ones(len(terms)) if self.index is None else np.bincount(self.index, minlength=len(terms))
        samples = float(count.sum())
        return float(count @ terms) / samples, float(count @ np.abs(terms)) / samples


@dataclass(frozen=True)
class Agreement:
    """How far an engine's results are from the reference.

    Parameters
    ----------
    ok : bool
        Within `TOLERANCES`.
    errors : dict
        Relative error of each result that was compared.
    """

    ok: bool
    errors: dict[str, float]


def compare(outputs: Outputs, bootstrap: Bootstrap, dtype: str, skip: tuple[str, ...] = ()) -> Agreement:
    """Compare results with the reference."""
    errors: dict[str, float] = {}
    if outputs.value is not None:
        true, size = bootstrap.value()
        errors["value"] = abs(float(outputs.value) - true) / max(size, np.finfo(np.float64).tiny)
    for name in ("gradient", "hessian"):
        result = getattr(outputs, name)
        if result is not None and name not in skip:
            results = result if isinstance(result, tuple) else (result,)
            pairs = zip(results, bootstrap.pool.derivatives[name], strict=True)
            errors[name] = float(np.max([_largest_error(np.asarray(r), true, bootstrap.index) for r, true in pairs]))
    # written so that NaN is a disagreement
    return Agreement(all(errors[name] <= TOLERANCES[dtype][name] for name in errors), errors)


def _largest_error(result: NDArray[Any], pool: NDArray[Any], index: NDArray[Any] | None) -> float:
    """Largest deviation over the largest magnitude; infinite for a wrong shape."""
    index = np.arange(len(pool)) if index is None else index
    if result.shape != (len(index), *pool.shape[1:]):
        return float("inf")
    scale = max(float(np.max(np.abs(pool), initial=0.0)), np.finfo(np.float64).tiny)
    step = max(1, CHUNK // max(1, int(np.prod(pool.shape[1:]))))
    worst = 0.0
    for start in range(0, len(index), step):
        part = slice(start, start + step)
        error = float(np.max(np.abs(result[part].astype(np.float64) - pool[index[part]]), initial=0.0))
        worst = error if np.isnan(error) else max(worst, error)
        if np.isnan(worst):
            break
    return worst / scale
