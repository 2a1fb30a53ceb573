"""What is true: the reference of the loss, in float64, on the samples a row is bootstrapped from.

Samples are drawn from a pool of a few hundred distinct ones, so the reference is evaluated on the pool and gathered
like the data: the whole result of 2e7 elements is checked, element by element, for the price of some thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.benchmark.cases import Row, bootstrap
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
    pool = row.pool()
    y = pool.y if row.case.targets == "index" else pool.y.astype(np.float64)
    with np.errstate(all="ignore"):
        value, gradient, hessian = row.case.make_loss().reference(y, pool.z.astype(np.float64))
    np.savez(path, y=pool.y, z=pool.z, value=value, gradient=gradient, hessian=hessian)


@dataclass
class Bootstrap:
    """The data of a row: the pool with the reference's results, and which of its samples were drawn."""

    pool: dict[str, NDArray[Any]]
    index: NDArray[Any]

    @classmethod
    def draw(cls, path: Path, samples: int) -> Bootstrap:
        """Draw `samples` samples with replacement from a pool file."""
        with np.load(path) as file:
            pool = dict(file)
        return cls(pool, bootstrap(len(pool["z"]), samples))

    def data(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Targets and predictions."""
        return self.pool["y"][self.index], self.pool["z"][self.index]


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
        terms = bootstrap.pool["value"]
        count = np.bincount(bootstrap.index, minlength=len(terms))
        per_sample = terms.reshape(len(terms), -1).sum(axis=1)
        size = max(float(count @ np.abs(per_sample)), np.finfo(np.float64).tiny)
        true = float(count @ per_sample) / len(bootstrap.index)
        errors["value"] = abs(float(outputs.value) - true) * len(bootstrap.index) / size
    for name in ("gradient", "hessian"):
        result = getattr(outputs, name)
        if result is not None and name not in skip:
            errors[name] = _largest_error(np.asarray(result), bootstrap.pool[name], bootstrap.index)
    # written so that NaN is a disagreement
    return Agreement(all(errors[name] <= TOLERANCES[dtype][name] for name in errors), errors)


def _largest_error(result: NDArray[Any], pool: NDArray[Any], index: NDArray[Any]) -> float:
    """Largest deviation over the largest magnitude; infinite for a wrong shape."""
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
