# ruff: noqa: E501  (a table: one case a line)
"""Wasserstein1D: equal to SciPy and POT, its gradients, edges, and what it refuses."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl
from fastloss import backend, wasserstein

INF, NAN = math.inf, math.nan
POWERS = (1.0, 2.0, 1.5, 3.0)
SIZES = ((1, 1), (1, 5), (7, 7), (12, 9), (1000, 1000), (1000, 777), (50_000, 40_001))
weighted = pytest.mark.parametrize("weighted", ["", "u", "v", "uv"])
powers = pytest.mark.parametrize("p", POWERS)


def samples(n, m, weighted="", dtype=np.float64, ties=True):
    """Two samples, some of them equal, with some weights of 0."""
    rng = seed_of("samples", n, m)
    u, v = rng.normal(0, 3, n), rng.normal(1, 2, m)
    if ties:
        u, v = u.round(1), v.round(1)
    weights = {}
    for name, size in (("u", n), ("v", m)):
        w = rng.uniform(0, 5, size) * (rng.random(size) > 0.2)
        w[0] = 1
        if name in weighted:
            weights[f"{name}_weights"] = w
    return u.astype(dtype), v.astype(dtype), weights


def definition(u, v, p, u_weights=None, v_weights=None):
    """By the quantile functions, in longdouble."""
    ends = []
    for x, w in ((u, u_weights), (v, v_weights)):
        w = np.ones(len(x)) if w is None else w
        order = np.argsort(x)
        sums = np.cumsum(w[order].astype(np.longdouble))
        ends.append((x[order].astype(np.longdouble), sums / sums[-1]))
    levels = np.unique(np.concatenate([end for _, end in ends]))
    middle = levels - np.diff(levels, prepend=0) / 2
    at_u, at_v = (x[np.minimum(np.searchsorted(end, middle), len(x) - 1)] for x, end in ends)
    return (np.abs(at_u - at_v) ** p @ np.diff(levels, prepend=0)) ** (1 / np.longdouble(p))


@weighted
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_equals_scipy(n, m, weighted):
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    u, v, weights = samples(n, m, weighted)
    assert fl.Wasserstein1D()(u, v, **weights) == pytest.approx(stats.wasserstein_distance(u, v, **weights), rel=1e-12)


@powers
@weighted
@pytest.mark.parametrize(("n", "m"), SIZES[:-1])
def test_equals_pot(n, m, weighted, p):
    """Theirs is the p-th power; it wants masses that sum to 1."""
    ot = pytest.importorskip("ot", reason="POT is not installed")
    u, v, weights = samples(n, m, weighted)
    a, b = (w if w is None else w / w.sum() for w in (weights.get("u_weights"), weights.get("v_weights")))
    theirs = ot.wasserstein_1d(u, v, a, b, p=p)
    assert fl.Wasserstein1D(p)(u, v, **weights) == pytest.approx(theirs ** (1 / p), rel=1e-9)


@powers
@weighted
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_definition(n, m, weighted, p):
    u, v, weights = samples(n, m, weighted)
    want = float(definition(u, v, p, **weights))
    loss = fl.Wasserstein1D(p)
    assert loss(u, v, **weights) == pytest.approx(want, rel=1e-12)
    single = [x.astype(np.float32) for x in (u, v)]
    assert loss(*single, **weights) == pytest.approx(want, rel=1e-6)
    assert loss.value_and_gradients(u, v, **weights)[0] == pytest.approx(want, rel=1e-12)


@powers
@weighted
@pytest.mark.parametrize("size", [(7, 7), (12, 9)])
def test_gradients(size, weighted, p):
    u, v, weights = samples(*size, weighted, ties=False)
    loss = fl.Wasserstein1D(p)
    _, gradients = loss.value_and_gradients(u, v, **weights)
    for side, (x, gradient) in enumerate(zip((u, v), gradients, strict=True)):
        assert gradient.shape == x.shape
        for k in range(len(x)):
            values = []
            for step in (1e-6, -1e-6):
                moved = [u.copy(), v.copy()]
                moved[side][k] += step
                values.append(loss(*moved, **weights))
            assert gradient[k] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-9)
    assert sum(map(np.sum, gradients)) == pytest.approx(0, abs=1e-14)  # moving both changes nothing


@powers
@weighted
def test_rows_are_problems_of_their_own(weighted, p):
    rng = np.random.default_rng(0)
    loss = fl.Wasserstein1D(p)
    for rows, n, m in ((3, 5, 5), (40, 30, 20), (700, 400, 400)):
        u, v = rng.normal(size=(rows, n)), rng.normal(size=(rows, m))
        weights = {f"{name}_weights": rng.random((rows, {"u": n, "v": m}[name])) for name in weighted}
        value, gradients = loss.value_and_gradients(u, v, **weights)
        assert value.shape == (rows,)
        assert same_bits(value, loss(u, v, **weights))
        for r in range(0, rows, 1 + rows // 20):
            one, slopes = loss.value_and_gradients(u[r], v[r], **{name: w[r] for name, w in weights.items()})
            assert value[r] == one
            assert all(same_bits(whole[r], ours) for ours, whole in zip(slopes, gradients, strict=True))


@powers
@weighted
@pytest.mark.parametrize("shape", [(300_000,), (900, 300)])
def test_threads_change_no_bit(shape, weighted, p):
    rng = np.random.default_rng(1)
    u, v = rng.normal(size=shape), rng.normal(size=(*shape[:-1], shape[-1] - 7))
    weights = {f"{name}_weights": rng.random({"u": u, "v": v}[name].shape) for name in weighted}
    loss = fl.Wasserstein1D(p)
    value, gradients = loss.value_and_gradients(u, v, **weights, n_threads=1)
    for threads in (2, 5):
        again, slopes = loss.value_and_gradients(u, v, **weights, n_threads=threads)
        assert same_bits(value, again)
        assert same_bits(loss(u, v, **weights, n_threads=threads), loss(u, v, **weights, n_threads=1))
        assert all(map(same_bits, gradients, slopes))


@powers
@weighted
def test_without_the_engine(weighted, p, monkeypatch):
    u, v, weights = samples(200, 150, weighted)
    loss = fl.Wasserstein1D(p)
    value, gradients = loss.value_and_gradients(u, v, **weights)
    monkeypatch.setattr(backend, "engine", None)
    again, slopes = loss.value_and_gradients(u, v, **weights)
    assert value == pytest.approx(again, rel=1e-13)
    for ours, theirs in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-16)


def orders(rng, n):
    """Samples whose order is hard to find from some of their bits."""
    steps = rng.integers(0, 3 * n, n)
    yield "close", 1 + steps * 2.0**-52
    yield "close, beside one that is far", np.r_[1 + steps[1:] * 2.0**-52, -1e300]
    yield "tied", rng.integers(0, 5, n) * 1.0
    yield "all equal", np.full(n, 0.1)
    yield "heavy tails", rng.standard_cauchy(n) ** 5
    yield "subnormal", steps * 5e-324
    yield "both signs", np.where(steps % 2, -0.0, 0.0) * steps
    yield "times", 1.7e9 + rng.random(n)
    yield "single", rng.normal(size=n).astype(np.float32)
    yield "single, subnormal", (rng.integers(-n, n, n) * 1e-45).astype(np.float32)


@pytest.mark.skipif(backend.engine is None, reason="no engine to compare with the reference")
@pytest.mark.parametrize("weighted", ["", "uv"])
@pytest.mark.parametrize(("n", "m"), [(700, 700), (20_000, 20_000), (20_000, 9_000)])
def test_hard_orders(n, m, weighted, monkeypatch):
    """The engine and the reference find one order, that of ties too: their gradients are equal."""
    rng, loss = seed_of("orders", n, m), fl.Wasserstein1D()
    weights = {"u_weights": rng.random(n) * (rng.random(n) > 0.2), "v_weights": rng.integers(0, 4, m) * 1.0}
    weights = weights if weighted else {}
    calls = [(name, u, v) for (name, u), (_, v) in zip(orders(rng, n), orders(rng, m), strict=True)]
    found = [loss.value_and_gradients(u, v, **weights) for _, u, v in calls]
    only_values = [loss(u, v, **weights) for _, u, v in calls]
    monkeypatch.setattr(backend, "engine", None)
    for (name, u, v), (value, gradients), only in zip(calls, found, only_values, strict=True):
        assert value == only, name
        want, slopes = loss.value_and_gradients(u, v, **weights)
        assert value == pytest.approx(want, rel=1e-11, abs=0), name  # levels are 2^-53 off, ways of the same order too
        for ours, theirs in zip(gradients, slopes, strict=True):
            atol = 1e-6 / min(n, m) if ours.dtype == np.float32 else 1e-15
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol, err_msg=name)


@powers
@pytest.mark.parametrize("k", [3, 7, 1000])
def test_whole_weights_are_exact(k, p):
    """A distribution is itself, written with weights or with repetitions: not even the rounding of a weight is left."""
    rng = seed_of("whole", k)
    u, times = rng.normal(size=k), rng.integers(1, 6, k)
    v = rng.permutation(np.repeat(u, times))
    assert fl.Wasserstein1D(p)(u, v, times) == 0
    assert fl.Wasserstein1D(p)(v, u, np.full(len(v), 3), times * 7) == 0


def test_out():
    u, v, weights = samples(30, 20, "uv")
    loss, out = fl.Wasserstein1D(), (np.empty(30), np.empty(20))
    value, gradients = loss.value_and_gradients(u, v, **weights)
    again, found = loss.value_and_gradients(u, v, **weights, out=out)
    assert again == value
    assert all(a is b for a, b in zip(found, out, strict=True))
    assert all(map(same_bits, gradients, out))
    assert all(map(same_bits, gradients, loss.gradients(u, v, **weights)))
    half = tuple(x.astype(np.float16) for x in out)
    assert loss.gradients(u.astype(np.float16), v.astype(np.float16), out=half)[0] is half[0]
    assert np.any(half[0])
    in_place = u.copy(), v.copy()
    assert loss.value_and_gradients(*in_place, **weights, out=in_place)[0] == value
    assert all(map(same_bits, gradients, in_place))
    for bad, error, says in (
        (out[0], TypeError, "out is ndarray: expected a tuple of two arrays"),
        ((out[0], out[0]), ValueError, r"out\[1\] has shape \(30,\): expected v_values's shape \(20,\)"),
        ((v, u), ValueError, r"out\[0\] has shape"),
        ((out[0], u[:20]), ValueError, r"out\[1\] overlaps u_values"),
    ):
        with pytest.raises(error, match=says):
            loss.gradients(u, v, out=bad)


@pytest.mark.parametrize("last", [1e300, math.nan])
def test_in_place_a_row_further_down_costs_no_samples(last):
    """Weights that cannot be added up are found when rows before them are done, whose samples are still needed."""
    u, v = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)[::-1] + 0.5
    v, weights = np.ascontiguousarray(v), np.array([[1.0, 2.0, 3.0], [1e300, 1e300, last]])
    loss, in_place = fl.Wasserstein1D(), (u.copy(), v.copy())
    if math.isnan(last):
        with pytest.raises(ValueError, match=r"u_weights\[1, 2\] is nan"):
            loss.gradients(*in_place, weights, out=in_place)
        assert same_bits(in_place[0], u)
    else:
        want = loss.gradients(u, v, weights)
        assert all(map(same_bits, loss.gradients(*in_place, weights, out=in_place), want))


@powers
def test_ties_and_equals(p):
    loss = fl.Wasserstein1D(p)
    for u, v in (([1.0, 2.0, 2.0], [2.0, 1.0, 2.0]), ([1.0, 2.0], [1.0, 1.0, 2.0, 2.0])):
        value, gradients = loss.value_and_gradients(u, v)
        assert value == 0
        assert not any(map(np.any, gradients))
    value, (in_u, _) = fl.Wasserstein1D().value_and_gradients([0.0, 0.0, 0.0], [-1.0, 0.0, 1.0])
    assert value == pytest.approx(2 / 3)
    assert sorted(in_u) == pytest.approx([-1 / 3, 0, 1 / 3])  # one of the subgradients


def test_weights_of_0_and_of_any_sum():
    loss = fl.Wasserstein1D()
    for hidden in (5.0, INF, -INF, NAN):
        value, (in_u, _) = loss.value_and_gradients([1.0, hidden, 3.0], [2.0, 6.0], u_weights=[2.0, 0.0, 2.0])
        assert value == 2
        assert in_u.tolist() == [-0.5, 0, -0.5]
    u, v, weights = samples(30, 20, "uv")
    scaled = {name: w * 1e300 for name, w in weights.items()}
    assert loss(u, v, **scaled) == pytest.approx(loss(u, v, **weights), rel=1e-13)


@powers
def test_nan_and_infinity(p):
    loss = fl.Wasserstein1D(p)
    for weights in ({}, {"u_weights": [1.0, 2.0, 3.0]}):
        assert math.isnan(loss([1.0, NAN, 2.0], [1.0, 2.0, 3.0], **weights))
        assert math.isnan(loss([1.0, 3.0, 2.0], [1.0, NAN, 3.0], **weights))
        assert loss([1.0, INF, 2.0], [1.0, 2.0, 3.0], **weights) == INF
        assert loss([1.0, INF, 2.0], [-INF, 2.0, 3.0], **weights) == INF
    fl.set_check_finite(True)
    try:
        with pytest.raises(ValueError, match=r"v_values\[1\] is nan: finite numbers expected"):
            loss([1.0, 2.0], [1.0, NAN])
    finally:
        fl.set_check_finite(False)


@pytest.mark.parametrize("size", [1e-30, 1e30])
@pytest.mark.parametrize("p", [2.0, 3.0, 17.0])
@weighted
def test_powers_leave_no_range(size, p, weighted):
    u, v, weights = samples(40, 40, weighted)
    loss, factor = fl.Wasserstein1D(p), np.float32(size)
    value, gradients = loss.value_and_gradients(u, v, **weights)
    again, slopes = loss.value_and_gradients(np.float32(u) * factor, np.float32(v) * factor, **weights)
    assert again == pytest.approx(value * float(factor), rel=1e-5)
    for ours, theirs in zip(slopes, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_types():
    loss = fl.Wasserstein1D()
    u, v, _ = samples(20, 20)
    for dtype, want in (
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.int32, np.float64),
        (np.longdouble,) * 2,
    ):
        value, gradients = loss.value_and_gradients(u.astype(dtype), v.astype(dtype)[::2])
        assert type(value) is float
        assert all(x.dtype == want for x in gradients)
    assert loss(list(u), tuple(v)) == loss(u, v)
    before = u.copy(), v.copy()
    u.flags.writeable = v.flags.writeable = False
    loss.value_and_gradients(u, v, v_weights=np.ones(20))
    assert (u == before[0]).all()
    assert (v == before[1]).all()


def test_identity():
    loss = fl.Wasserstein1D(2)
    assert loss == fl.Wasserstein1D(p=2.0) == pickle.loads(pickle.dumps(loss)) == eval(f"fl.{loss!r}")
    assert loss != fl.Wasserstein1D()
    assert repr(loss) == "Wasserstein1D(p=2.0)"
    u, v, weights = samples(12, 9, "uv")
    assert (
        fl.wasserstein_1d(u, v, **weights, p=2)
        == fl.wasserstein_1d(u, v, *weights.values(), p=2.0)
        == loss(u, v, **weights)
    )
    assert fl.wasserstein_1d(v_values=v, u_values=u) == fl.Wasserstein1D()(u, v)
    with pytest.raises(AttributeError, match="Wasserstein1D is immutable"):
        loss.p = 3.0


X = np.arange(4.0)
BAD = {
    "p below 1": (lambda: fl.Wasserstein1D(0.5), ValueError, r"p is 0\.5: expected a finite number >= 1"),
    "p of inf": (lambda: fl.Wasserstein1D(INF), ValueError, "p is inf: expected a finite number >= 1"),
    "p in words": (lambda: fl.Wasserstein1D("1"), TypeError, "p is '1': expected a number"),
    "empty": (lambda: fl.Wasserstein1D()(X, []), ValueError, r"v_values is empty, of shape \(0,\)"),
    "a scalar": (lambda: fl.Wasserstein1D()(1.0, X), ValueError, r"u_values has shape \(\): expected \(n_samples,\)"),
    "3-D": (lambda: fl.Wasserstein1D()(X.reshape(1, 1, 4), X), ValueError, r"u_values has shape \(1, 1, 4\)"),
    "1-D and 2-D": (lambda: fl.Wasserstein1D()(X, X[None]), ValueError, r"u_values has shape \(4,\) and v_values has shape \(1, 4\)"),
    "rows": (lambda: fl.Wasserstein1D()(X.reshape(2, 2), X[None]), ValueError, "as many rows in both"),
    "text": (lambda: fl.Wasserstein1D()(["a"], X), TypeError, "u_values has dtype"),
    "weights' shape": (lambda: fl.Wasserstein1D()(X, X, X[:3]), ValueError, r"u_weights has shape \(3,\): expected the shape of u_values, \(4,\)"),
    "weight below 0": (lambda: fl.Wasserstein1D()(X, X, None, X - 1), ValueError, r"v_weights\[0\] is -1\.0: expected a finite number >= 0"),
    "weight of NaN": (lambda: fl.Wasserstein1D()(X, X, [1, 1, NAN, 1]), ValueError, r"u_weights\[2\] is nan"),
    "weight of inf": (lambda: fl.Wasserstein1D()(X[None], X[None], [[1, 1, INF, 1]]), ValueError, r"u_weights\[0, 2\] is inf"),
    "no weight": (lambda: fl.Wasserstein1D()(X, X, X * 0), ValueError, "u_weights is all 0"),
    "no weight in a row": (lambda: fl.Wasserstein1D()(X.reshape(2, 2), X.reshape(2, 2), None, [[1, 1], [0, 0]]), ValueError, r"v_weights\[1\] is all 0"),
    "threads": (lambda: fl.Wasserstein1D()(X, X, n_threads=0), ValueError, "n_threads is 0: expected a positive integer"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call()


def test_no_problems():
    assert fl.Wasserstein1D()(np.empty((0, 3)), np.empty((0, 2))).shape == (0,)


def test_all_small_problems():
    """Every pair of samples of up to three from a few numbers, against the definition."""
    loss = fl.Wasserstein1D()
    choices = [x for n in (1, 2, 3) for x in itertools.product((0.0, 1.0, 2.5), repeat=n)]
    for u, v in itertools.product(choices, choices):
        assert loss(u, v) == pytest.approx(float(definition(np.array(u), np.array(v), 1)), abs=1e-15)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_weights_lost_in_the_rounding_of_their_sum(p):
    """What ends behind the rounded sum is not moved against a sample that is none."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, m = rng.integers(2, 9, 2)
        u, v = 1e8 + rng.normal(size=n), 1e8 + rng.normal(size=m)
        a, b = np.append(rng.uniform(size=n - 1), 1e-18), np.append(np.full(m - 1, 1e-17), 1.0)
        expected = wasserstein._reference(p, u, v, a, b, False)[0]
        assert fl.Wasserstein1D(p)(u, v, a, b) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("p", [500.0, 2000.0, 1e5])
def test_high_powers_neither_overflow_nor_vanish(p):
    """The longest of three ways outweighs the others: W = longest (1/3)^(1/p), with nearly all of the gradient."""
    value, (gu, _) = fl.Wasserstein1D(p=p).value_and_gradients([0.0, 1.9, 3.8], [0.0, 0.0, 0.0])
    assert value == pytest.approx(3.8 * 3 ** (-1 / p), rel=1e-12)
    np.testing.assert_allclose(gu, [0, 0, 3 ** (-1 / p)], rtol=1e-9, atol=1e-100)
