"""What a call costs beside its arithmetic: tiny arrays, allocation, weights, reductions, lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastloss as fl

RNG = np.random.default_rng(0)
Y, Z, W = (RNG.random(100, dtype=np.float32) for _ in range(3))
G = np.empty_like(Z)
LOSS = fl.SquaredError()

CALLS = {
    "value": lambda: LOSS(Y, Z),
    "value none": lambda: LOSS(Y, Z, reduction="none"),
    "value weighted": lambda: LOSS(Y, Z, W),
    "gradient out": lambda: LOSS.gradient(Y, Z, out=G),
    "value and gradient out": lambda: LOSS.value_and_gradient(Y, Z, out=G),
    "value and gradient allocating": lambda: LOSS.value_and_gradient(Y, Z),
    "value of lists": lambda: LOSS([1.0, 2.0], [1.5, 2.5]),
    "function form": lambda: fl.squared_error(Y, Z),
    "make a loss": lambda: fl.Huber(delta=1.5),
}


@pytest.mark.parametrize("name", CALLS)
def test_call(name: str, benchmark: Any) -> None:
    benchmark.group = "calls at n = 100"
    benchmark(CALLS[name])


@pytest.mark.parametrize("n", [1, 10, 100, 1000])
def test_size(n: int, benchmark: Any) -> None:
    benchmark.group = "value and gradient with out="
    y, z = RNG.random(n, dtype=np.float32), RNG.random(n, dtype=np.float32)
    benchmark(LOSS.value_and_gradient, y, z, out=np.empty_like(z))
