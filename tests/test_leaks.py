"""Calls, failing ones too, keep no memory and no references."""

from __future__ import annotations

import gc
import pickle
import sys
import tracemalloc

import numpy as np
import pytest

import fastloss as fl
from fastloss import backend

Y, Z, W = np.linspace(0, 1, 500), np.linspace(0.1, 0.9, 500), np.ones(500)
OUT, OTHER = np.empty(500), np.empty(500)
ROWS, LABELS = np.full((500, 4), 0.25), np.arange(500) % 4
SPARSE = fl.SparseCategoricalCrossEntropy(class_weight=[1, 2, 3, 4], ignore_index=0)
BAD = Z.copy()
BAD[400] = 2.0


def fails(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except (ValueError, TypeError):
        return
    raise AssertionError("should have failed")


CALLS = {
    "value": lambda: fl.BinaryCrossEntropy()(Y, Z, W),
    "arrays": lambda: fl.BinaryCrossEntropy().value_and_gradient(Y, Z, W, reduction="none"),
    "out": lambda: fl.LogCosh().gradient_and_hessian(Y, Z, W, out=(OUT, OTHER)),
    "classes": lambda: SPARSE.value_and_gradient(LABELS, ROWS, W),
    "converted": lambda: fl.Huber().gradient(list(range(20)), np.arange(20, dtype=">i4")),
    "float16": lambda: fl.Huber().gradient(Y, Z.astype(np.float16)),
    "reference": lambda: fl.Huber().gradient(Y, Z.astype(np.longdouble)),
    "function": lambda: fl.huber(Y, Z, delta=1.25),
    "function with lists": lambda: fl.sparse_categorical_cross_entropy(LABELS, ROWS, class_weight=[1, 2, 3, 4]),
    "objects": lambda: pickle.loads(pickle.dumps(fl.Quantile(0.3))),
    "sum": lambda: (0.5 * fl.Huber() + fl.LogCosh()).value_and_gradient(Y, Z),
    "accumulator": lambda: fl.Huber().accumulator().update(Y, Z),
    "shapes": lambda: fails(fl.Huber(), Y, Z[:-1]),
    "bad value": lambda: fails(fl.BinaryCrossEntropy().gradient, Y, BAD, out=OUT),
    "bad weight": lambda: fails(fl.Huber(), Y, Z, -W),
    "bad label": lambda: fails(SPARSE, LABELS + 1, ROWS),
    "bad out": lambda: fails(fl.Huber().gradient, Y, Z, out=OUT[:-1]),
    "bad option": lambda: fails(fl.Huber(), Y, Z, reduction="all"),
    "bad class weights": lambda: fails(fl.SparseCategoricalCrossEntropy(class_weight=[1, 2]), LABELS, ROWS),
    "empty mean": lambda: fails(fl.Huber(), [], []),
    "bad object": lambda: fails(fl.Huber(), [1.0, None], [1.0, 2.0]),
}


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def _growth(call):
    """Bytes that Python holds more after 1000 calls."""
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(50):
            call()
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            call()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", CALLS)
def test_python_memory(name):
    call = CALLS[name]
    for _ in range(200):
        call()
    # Caches come and go, and a thread of the test runner may allocate meanwhile; a leak grows every time.
    for _ in range(10):
        if (grown := _growth(call)) < 16_000:
            break
    assert grown < 16_000, f"{grown} bytes more after 1000 calls"  # the least object has 24


def test_resident_memory():
    """What malloc hands out to C is not traced: 10^5 calls, every second one failing, leave the process as large."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    loss, bce = fl.SquaredError(), fl.BinaryCrossEntropy()
    wide = np.zeros(40_000), np.full(40_000, 0.5)

    def work(times):
        for _ in range(times):
            loss.value_and_gradient(Y, Z, W, out=OUT)
            fails(bce, Y, BAD)
        for _ in range(times // 50):
            bce(*wide, n_threads=2)  # blocks of sums are allocated
            SPARSE.value_and_gradient(LABELS, ROWS)

    work(2000)
    gc.collect()
    before = resident()
    work(50_000)
    gc.collect()
    assert resident() - before < 2**20


@pytest.mark.parametrize("name", CALLS)
def test_references(name):
    held = [Y, Z, W, OUT, OTHER, ROWS, LABELS, BAD, SPARSE, None, "mean", np.dtype(float)]
    for _ in range(5):
        CALLS[name]()
    changes = []
    for _ in range(3):  # the rest of the process holds None and "mean" too, and may let go of many at any time
        gc.collect()  # a loss and its runner refer to each other
        before = [sys.getrefcount(x) for x in held]
        for _ in range(100):
            CALLS[name]()
        gc.collect()
        changes.append([sys.getrefcount(x) - b for x, b in zip(held, before, strict=True)])
    for x, of_x in zip(held, zip(*changes, strict=True), strict=True):
        least = min(map(abs, of_x))
        assert least < 50, (
            f"{name}: each 100 calls change the references to {type(x).__name__} {str(x)[:20]!r} by {least}"
        )


@pytest.mark.engine
def test_outputs_are_owned_by_the_caller():
    gradient = fl.Huber().gradient(Y, Z)
    assert gradient.flags.owndata
    assert sys.getrefcount(gradient) == 2
    kept = gradient.copy()
    fl.Huber().gradient(Y + 1, Z)
    assert (gradient == kept).all(), "a result was overwritten by a later call"
    assert backend.NAME == "compiled"
