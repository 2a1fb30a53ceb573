"""Sums keep their digits at any length and in any order."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fastloss as fl
from fastloss.accumulator import Accumulator

LOSS = fl.AbsoluteError()  # its values are exact: the sum alone is on trial


def total(values, **more):
    return LOSS(np.zeros_like(values), values, reduction="sum", **more)


@pytest.mark.parametrize("n", [2**24 - 1, 2**24, 2**24 + 1, 2**24 + 2**20 + 3])
def test_ones(n):
    """A float32 sum of ones stops at 2^24 (numpy#22956)."""
    ones = np.ones(n, np.float32)
    assert total(ones) == n
    assert LOSS(np.zeros(1, np.float32).repeat(n), ones) == 1.0
    assert LOSS(np.zeros_like(ones), ones, ones, reduction="sum") == n


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("order", ["as drawn", "up", "down"])
def test_lognormal(order, dtype):
    for n in (1000, 1_000_003):
        values = np.exp(np.random.default_rng(n).normal(0, 4, n)).astype(dtype)
        values = values if order == "as drawn" else np.sort(values)[:: 1 if order == "up" else -1]
        exact = math.fsum(values)
        limit = 2.0**-23 if dtype == np.float32 else 2.0**-50
        assert abs(total(np.ascontiguousarray(values)) - exact) <= limit * exact


def test_float64_mixtures():
    """Within 2^-50 of the sum of magnitudes, however much cancels."""
    rng = np.random.default_rng(0)
    loss = fl.Poisson()  # mu - y z: terms of both signs
    z = np.concatenate([np.full(50_000, 20.0), rng.normal(0, 1, 50_000), np.full(50_000, -700.0)])
    y = np.concatenate([np.full(50_000, 1e15), rng.integers(0, 9, 50_000), rng.integers(0, 3, 50_000)])
    for order in (np.arange(150_000), rng.permutation(150_000)):
        each = loss(y[order], z[order], reduction="none")
        got = loss(y[order], z[order], reduction="sum")
        assert abs(got - math.fsum(each)) <= 2.0**-50 * math.fsum(np.abs(each))


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_alternating_giants(dtype):
    """+1e30 and -1e30 leave the ones between them, within 2^-50 (2^-23) of the magnitudes."""
    n = 100_000
    loss = fl.KLDivergence(from_log_probabilities=True)
    t = np.tile(np.array([[1.0, 0.0]], dtype), (n, 1))
    z = np.zeros((n, 2), dtype)
    z[:, 0] = -1.0
    z[::2, 0] = -1e30
    each = loss(t, z, reduction="none").astype(np.float64)
    got = loss(t, z, reduction="sum")
    assert abs(got - math.fsum(each)) <= (2.0**-23 if dtype == np.float32 else 2.0**-50) * math.fsum(np.abs(each))


def test_compensation_within_a_block():
    """16 lanes of 1, then what is lost beside a 1: all of it must still be there at the end of one block."""
    values = np.full(4096, 2.0**-56)
    values[:64] = np.repeat([1.0, 0.0], [16, 48])
    exact = math.fsum(values)
    assert abs(total(values) - exact) <= 2.0**-52 * exact
    assert total(values) > 16


def test_float32_values_near_the_top():
    """Their sum is a float64, so it does not overflow."""
    for n in (1, 3, 64, 5000):
        values = np.full(n, 3e38, np.float32)
        assert total(values) == pytest.approx(n * 3e38, rel=1e-6), f"n={n}"


def test_compensation_between_blocks():
    """1 + 1e-16 four million times: plain float64 addition returns 1."""
    n = 4_000_000
    values = np.full(n, 1e-16)
    values[0] = 1.0
    assert total(values) == pytest.approx(math.fsum(values), rel=2.0**-50)
    assert total(values) > 1 + 3.9e-10


def test_infinite_and_nan_terms():
    values = np.ones(10_000)
    values[5000] = np.inf
    for dtype in (np.float32, np.float64):
        assert total(values.astype(dtype)) == np.inf
    values[7000] = np.nan
    assert math.isnan(total(values))
    assert total(np.full(3, 1e308)) == np.inf
    assert LOSS(np.zeros(3), np.full(3, 1e308)) == np.inf


def test_mean_divides_in_float64():
    """A count of 2^24 + 1 is no float32 (numba#10647); nor is a total weight."""
    n = 2**24 + 1
    ones = np.ones(n, np.float32)
    zeros = np.zeros(n, np.float32)
    assert LOSS(zeros, ones) == 1.0
    assert LOSS(zeros, ones, np.ones(n, np.uint8)) == 1.0
    assert fl.SquaredError()(zeros, ones, ones) == 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_accumulator_of_any_chunks(dtype):
    """B5: 50 random ways to cut; the same bits where cuts fall on blocks of 4096."""
    rng = np.random.default_rng(5)
    n = 40_000
    y, z = rng.normal(size=n).astype(dtype), rng.normal(size=n).astype(dtype)
    w = rng.uniform(0, 2, n)
    loss = fl.SquaredError()
    whole, whole_sum = loss(y, z, w), loss(y, z, w, reduction="sum")
    for trial in range(50):
        aligned = trial < 10
        cuts = np.sort(
            rng.choice(n // 4096, 5, replace=False) * 4096 if aligned else rng.integers(0, n, rng.integers(1, 30))
        )
        pieces = np.split(np.arange(n), cuts)
        order = rng.permutation(len(pieces))
        a, b = loss.accumulator(), loss.accumulator()
        for i in order:
            (a if rng.random() < 0.5 else b).update(y[pieces[i]], z[pieces[i]], w[pieces[i]])
        a.merge(b)
        assert isinstance(a, Accumulator)
        assert a.value() == pytest.approx(whole, rel=2.0**-50 if dtype == np.float64 else 2.0**-23)
        assert a.value("sum") == pytest.approx(whole_sum, rel=2.0**-50 if dtype == np.float64 else 2.0**-23)
        if aligned:
            assert abs(a.value("sum") - whole_sum) <= math.ulp(whole_sum)


def test_sums_that_overflow_in_float32_do_not_depend_on_the_tile():
    """Streamed passes have smaller tiles; a pass with a gradient moves more bytes and is streamed earlier."""
    z = np.random.default_rng(0).normal(size=3_500_000).astype("f4") * np.float32(1e17)
    z[640:704:16] = 1.2e19  # four squares of which exceed float32
    y = np.zeros_like(z)
    value = fl.SquaredError()(y, z, reduction="sum")
    assert np.isfinite(value)
    assert fl.SquaredError().value_and_gradient(y, z, reduction="sum")[0] == value
    parts = fl.SquaredError()(y[: 1 << 20], z[: 1 << 20], reduction="sum")
    assert fl.SquaredError().value_and_gradient(y[: 1 << 20], z[: 1 << 20], reduction="sum")[0] == parts
