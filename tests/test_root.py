"""The root of a mean, which is no sum over elements."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastloss as fl

LOSS = fl.RootMeanSquaredError()
LONG = np.longdouble


def exact(y, z, w):
    """Value, gradient and diagonal of the Hessian in longdouble, from the residuals' weighted norm."""
    r, share = np.asarray(z, LONG) - np.asarray(y, LONG), np.asarray(w, LONG) / np.sum(np.asarray(w, LONG))
    root = np.sqrt(np.sum(share * r * r))
    gradient = share * r / root
    return float(root), gradient, share / root - gradient**2 / root


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_derivatives(dtype):
    rng = np.random.default_rng(0)
    y, z, w = rng.normal(size=50).astype(dtype), rng.normal(size=50).astype(dtype), rng.uniform(0, 2, 50).astype(dtype)
    near = {"rtol": 20 * float(np.finfo(dtype).eps), "atol": 1e-3 * float(np.finfo(dtype).eps)}
    for weight in (None, w):
        value, gradient, hessian = exact(y, z, np.ones(50) if weight is None else w)
        assert LOSS(y, z, weight) == pytest.approx(value, rel=near["rtol"])
        np.testing.assert_allclose(LOSS.gradient(y, z, weight), gradient, **near)
        np.testing.assert_allclose(LOSS.gradient_and_hessian(y, z, weight)[1], hessian, **near)
        out, pair = z.copy(), (z.copy(), np.empty_like(z))
        assert LOSS.value_and_gradient(y, out, weight, out=out)[1] is out
        np.testing.assert_allclose(out, gradient, **near)
        assert LOSS.gradient_and_hessian(y, pair[0], weight, out=pair)[0] is pair[0]
        np.testing.assert_allclose(pair[1], hessian, **near)


def test_the_gradient_is_the_derivative():
    y, z, w = np.array([0.0, 1.0, -2.0]), np.array([1.0, 3.0, 4.0]), [1.0, 0.5, 2.0]
    h = 1e-6
    for i, step in enumerate(np.eye(3) * h):
        slope = (LOSS(y, z + step, w) - LOSS(y, z - step, w)) / (2 * h)
        assert LOSS.gradient(y, z, w)[i] == pytest.approx(slope, rel=1e-8)
        bend = (LOSS.gradient(y, z + step, w) - LOSS.gradient(y, z - step, w))[i] / (2 * h)
        assert LOSS.gradient_and_hessian(y, z, w)[1][i] == pytest.approx(bend, rel=1e-8)


def test_majorizer_lies_above():
    rng = np.random.default_rng(1)
    y, z, w = rng.normal(size=20), rng.normal(size=20), rng.uniform(0, 2, 20)
    value, (gradient, curvature) = LOSS(y, z, w), LOSS.gradient_and_hessian(y, z, w, hessian="majorize")
    for size in (1e-3, 0.1, 1.0, 10.0):
        for _ in range(20):
            step = rng.normal(0, size, 20)
            bound = value + (gradient * step + curvature * step**2 / 2).sum()
            assert LOSS(y, z + step, w) <= bound * (1 + 1e-14)


def test_a_perfect_fit():
    assert LOSS.smoothness == 0
    for kind in LOSS.hessian_kinds:
        gradient, hessian = LOSS.gradient_and_hessian([1.0, 2.0], [1.0, 2.0], hessian=kind)
        assert gradient.tolist() == [0, 0]
        assert (hessian > 0).all() or kind == "exact", "a solver divides by it"


def test_nan_shows_everywhere():
    for array in (LOSS.gradient([0.0, 0.0], [1.0, np.nan]), *LOSS.gradient_and_hessian([0.0, 0.0], [1.0, np.nan])):
        assert np.isnan(array).all()
    value, gradient = LOSS.value_and_gradient([0.0, np.nan], [2.0, 1.0], [1.0, 0.0])
    assert value == 2
    assert gradient.tolist() == [1, 0]


def test_float16_has_the_range_of_its_results():
    assert LOSS.gradient(np.float16([0]), np.float16([4e4])).tolist() == [1]
    z, weights = np.float16([10, 10]), np.array([1e4, 1e4])
    out = np.empty_like(z)
    assert LOSS.gradient(np.zeros(2), z, weights, out=out) is out
    assert out.tolist() == [0.5, 0.5]
    assert LOSS.value_and_gradient(np.zeros(2), z, weights, out=z)[0] == 10
    assert z.tolist() == [0.5, 0.5]


def test_only_the_mean():
    for reduction in ("sum", "none"):
        with pytest.raises(ValueError, match=f"reduction='{reduction}'.*expected 'mean'; SquaredError has the others"):
            LOSS([1.0], [2.0], reduction=reduction)
    with pytest.raises(ValueError, match=r"root_mean_squared_error is undefined: there are no samples$"):
        LOSS([], [])


def test_accumulator():
    y, z, w = np.zeros(3), np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 0.5])
    for loss in (LOSS, 0.5 * LOSS + fl.AbsoluteError()):
        pieces = loss.accumulator()
        pieces.update(y[:2], z[:2], w[:2])
        pieces = pickle.loads(pickle.dumps(pieces))
        pieces.update(y[2:], z[2:], w[2:])
        assert pieces.value() == pytest.approx(loss(y, z, w), rel=1e-15)
        with pytest.raises(ValueError, match="no sum over elements"):
            pieces.value("sum")


def test_optimum():
    assert LOSS.optimum([1.0, 2.0, 6.0]) == (2 * LOSS).optimum([1.0, 2.0, 6.0]) == 3
    loss, y = LOSS + fl.AbsoluteError(), np.array([1.0, 2.0, 6.0])
    best = loss.optimum(y)
    assert all(loss(y, np.full(3, best)) <= loss(y, np.full(3, best + d)) for d in (-0.1, -1e-4, 1e-4, 0.1))
