"""fastloss beside itself: what a call costs, what threads bring, what other types of target cost.

    python tools/calls.py         prints the tables that docs/performance.md ends with

Whatever stands in one table row is measured in turns, so that a busy machine slows all of it alike.
"""

from __future__ import annotations

import timeit
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np

import fastloss as fl

ROUNDS = 15
SECONDS = 0.004  # of a sample
MOST_THREADS = 16  # of the docs

LOSSES: dict[str, tuple[Any, int]] = {  # and classes
    "squared_error": (fl.SquaredError(), 0),
    "binary_cross_entropy(from_logits=True)": (fl.BinaryCrossEntropy(from_logits=True), 0),
    "sparse_categorical_cross_entropy(from_logits=True), K = 10": (
        fl.SparseCategoricalCrossEntropy(from_logits=True),
        10,
    ),
}
TARGETS = ("float64", "bool", "uint8", "int32", "int64")


def nanoseconds(statement: str, calls: dict[Any, dict[str, Any]]) -> dict[Any, float]:
    """Of a statement with each call's names: the median of samples taken in turns, each after a warm-up."""
    timers = {key: timeit.Timer(statement, globals=names) for key, names in calls.items()}
    loops = {}
    for key, timer in timers.items():
        timer.timeit(1)
        number, spent = timer.autorange()
        loops[key] = max(1, round(number * SECONDS / spent))
    samples: dict[Any, list[float]] = {key: [] for key in calls}
    for _ in range(ROUNDS):
        for key, timer in timers.items():
            timer.timeit(loops[key])
            samples[key].append(timer.timeit(loops[key]) / loops[key] * 1e9)
    return {key: median(found) for key, found in samples.items()}


def case(loss: Any, n: int, classes: int, dtype: str = "float32") -> dict[str, Any]:
    """Names of a call: the method, targets, predictions, room for the gradient."""
    rng = np.random.default_rng(0)
    if not classes:
        z = rng.standard_normal(n).astype(dtype)
        y = rng.integers(0, 2, n).astype(dtype)
    else:
        z = rng.standard_normal((max(1, n // classes), classes)).astype(dtype)
        y = rng.integers(0, classes, len(z))
    return {"call": loss.value_and_gradient, "y": y, "z": z, "g": np.empty_like(z)}


def small() -> Iterator[str]:
    """Microseconds of one call."""
    sizes = (1, 10, 100, 1000)
    yield "| nanoseconds a call | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|" + "--:|" * len(sizes)
    for name, (loss, classes) in LOSSES.items():
        if classes:
            continue
        for how, statement in (("with `out=`", "call(y, z, out=g)"), ("allocating", "call(y, z)")):
            found = nanoseconds(statement, {n: case(loss, n, 0) for n in sizes})
            yield f"| `{name}`, {how} | " + " | ".join(f"{found[n]:.0f}" for n in sizes) + " |"


def threads(most: int) -> Iterator[str]:
    """Speed of more threads over one."""
    counts = [t for t in (2, 4, 8, 16) if t <= most] or [most]
    sizes = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    yield "| one thread's time over that of | n = " + " | ".join(f"{n:.0e}".replace("e+0", "e") for n in sizes) + " |"
    yield "|---|" + "--:|" * len(sizes)
    for name, (loss, classes) in LOSSES.items():
        ratios: dict[int, list[float]] = {t: [] for t in counts}
        for n in sizes:
            names = case(loss, n, classes)
            found = nanoseconds("call(y, z, out=g, n_threads=t)", {t: {**names, "t": t} for t in (1, *counts)})
            for t in counts:
                ratios[t].append(found[1] / found[t])
        for t in counts:
            yield f"| {t} threads, `{name}` | " + " | ".join(f"{ratio:.2f}" for ratio in ratios[t]) + " |"


def types() -> Iterator[str]:
    """Time with targets of other types over that with targets of the predictions' type."""
    yield "| n = 1e6, time over that of native targets | " + " | ".join(TARGETS) + " |"
    yield "|---|" + "--:|" * len(TARGETS)
    for name, (loss, classes) in LOSSES.items():
        if classes:
            continue
        for dtype in ("float32", "float64"):
            names = case(loss, 1_000_000, 0, dtype)
            calls = {target: {**names, "y": names["y"].astype(target)} for target in (dtype, *TARGETS)}
            found = nanoseconds("call(y, z, out=g)", calls)
            cells = ["" if target == dtype else f"{found[target] / found[dtype]:.2f}" for target in TARGETS]
            yield f"| `{name}`, {dtype} predictions | {' | '.join(cells)} |"
    for dtype in map(np.dtype, ("float32", "float64")):  # targets, predictions and gradient
        moved = {target: np.dtype(target).itemsize + 2 * dtype.itemsize for target in (dtype.name, *TARGETS)}
        cells = ["" if target == dtype else f"{moved[target] / moved[dtype.name]:.2f}" for target in TARGETS]
        yield f"| bytes moved, {dtype} predictions | {' | '.join(cells)} |"


def tables(most_threads: int) -> str:
    """The section."""
    parts = (
        ["## Small calls, threads, targets of other types", "", "Value and gradient, float32 unless said."],
        small(),
        threads(most_threads),
        types(),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


if __name__ == "__main__":
    print(tables(min(fl.get_num_threads(), MOST_THREADS)), end="")
