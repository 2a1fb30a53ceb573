"""RootMeanSquaredError: no sum over elements, so that the tests that walk the additive losses leave it out."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl
from fastloss import reference

LOSS = fl.RootMeanSquaredError()
SIZES = (1, 2, 3, 17, 4097, 50_000)
DTYPES = (np.float16, np.float32, np.float64, np.longdouble)
KINDS = ("exact", "majorize", "floor")
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
sizes = pytest.mark.parametrize("n", SIZES)
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])


def sample(n, weighted=False, dtype=np.float64):
    """Numbers that every type holds exactly, so that it computes with the same; a third of the weights are 0."""
    rng = seed_of("root", n)
    y, z = (rng.normal(0, 3, n).astype(np.float16).astype(dtype) for _ in range(2))
    w = np.where(rng.random(n) < 0.3, 0, rng.uniform(0, 2, n)).astype(np.float16).astype(np.float64)
    w[-1] = 1.5
    return y, z, w if weighted else None


def exact(y, z, w):
    """Value, gradient and Hessian diagonal in longdouble, from the definition."""
    y, z = np.asarray(y, np.longdouble), np.asarray(z, np.longdouble)
    w = np.ones_like(z) if w is None else np.asarray(w, np.longdouble)
    share, r = w / w.sum(), z - y
    root = np.sqrt((share * r**2).sum())
    return root, share * r / root, share / root - (share * r) ** 2 / root**3


def tolerance(dtype):
    """A dozen roundings; sums and the root are float64 at most."""
    return 12 * float(max(np.finfo(dtype).eps, np.finfo(np.float64).eps))


@dtypes
@weighted
@sizes
def test_numbers(n, weighted, dtype):
    y, z, w = sample(n, weighted, dtype)
    value, gradient, hessian = exact(y, z, w)
    rtol = tolerance(dtype)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    assert LOSS(y, z, w) == pytest.approx(float(value), rel=tolerance(np.float32 if dtype == np.float16 else dtype))
    both = LOSS.value_and_gradient(y, z, w)
    assert both[0] == LOSS(y, z, w)
    assert same_bits(both[1], LOSS.gradient(y, z, w))
    assert both[1].dtype == dtype
    np.testing.assert_allclose(both[1].astype(np.longdouble), gradient, rtol=rtol, atol=tiny)
    found = LOSS.gradient_and_hessian(y, z, w)
    np.testing.assert_allclose(found[0].astype(np.longdouble), gradient, rtol=rtol, atol=tiny)
    # a difference: as precise as its terms, and 0 for one element
    largest = float(np.max(hessian + gradient**2 / value))
    np.testing.assert_allclose(found[1].astype(np.longdouble), hessian, rtol=rtol, atol=max(tiny, rtol * largest))


@weighted
def test_derivatives_are_those_of_the_value(weighted):
    """By central differences in float64."""
    y, z, w = sample(17, weighted)
    gradient, hessian = LOSS.gradient_and_hessian(y, z, w)
    h = 1e-4
    for i, step in enumerate(h * np.eye(17)):
        up, down = (LOSS(y, z + s, w) for s in (step, -step))
        assert (up - down) / (2 * h) == pytest.approx(gradient[i], abs=1e-8)
        up, down = (LOSS.gradient(y, z + s, w)[i] for s in (step, -step))
        assert (up - down) / (2 * h) == pytest.approx(hessian[i], abs=1e-8)


@weighted
def test_the_majorizer_is_a_parabola_above(weighted):
    """One that touches at z, for steps in all predictions at once."""
    y, z, w = sample(17, weighted)
    gradient, bound = LOSS.gradient_and_hessian(y, z, w, hessian="majorize")
    value, rng = LOSS(y, z, w), seed_of("steps")
    for size in (1e-3, 0.1, 1, 10, 1000):
        for _ in range(20):
            step = rng.normal(0, size, 17)
            above = value + gradient @ step + bound @ step**2 / 2
            assert LOSS(y, z + step, w) <= above * (1 + 1e-14)
    towards = y - z  # along the residual it bends least: the parabola meets the loss where that is 0
    assert value + gradient @ towards + bound @ towards**2 / 2 == pytest.approx(value / 2)


@weighted
def test_the_floor_is_that_of_other_losses(weighted):
    """1e-6 times the element's share of the weight: 0 for an element left out."""
    y, z, w = sample(2, False)[0], np.array([2.0, 300.0]), np.array([1.0, 3.0]) if weighted else None
    y[0] = z[0]
    share = np.array([1.0, 3.0]) / 4 if weighted else np.full(2, 0.5)
    floor = LOSS.gradient_and_hessian(y, z, w, hessian="floor")[1]
    plain = LOSS.gradient_and_hessian(y, z, w)[1]
    np.testing.assert_array_equal(floor, np.maximum(plain, 1e-6 * share))
    far = LOSS.gradient_and_hessian([0.0, 0.0, 0.0], [0.0, 1e9, 2.0], [1.0, 1.0, 0.0], hessian="floor")[1]
    assert far.tolist() == [5e-7, 5e-7, 0.0]
    assert LOSS.hessian_kinds == KINDS
    with pytest.raises(ValueError, match=r"hessian='fisher': root_mean_squared_error has 'exact', 'majorize', 'floor'"):
        LOSS.gradient_and_hessian(y, z, hessian="fisher")


@dtypes
def test_a_perfect_fit_has_no_slope(dtype):
    z = np.array([1, -2, 3], dtype)
    value, gradient = LOSS.value_and_gradient(z, z)
    assert value == 0
    assert gradient.tolist() == [0, 0, 0]
    kinds = {"exact": 0, "floor": 1e-6 / 3} | (
        {} if dtype == np.float16 else {"majorize": 1e6 / 3}
    )  # float16: infinite
    for kind, expected in kinds.items():
        gradient, hessian = LOSS.gradient_and_hessian(z, z, hessian=kind)
        assert gradient.tolist() == [0, 0, 0]
        np.testing.assert_allclose(hessian.astype(float), expected, rtol=0.2 if dtype == np.float16 else 1e-6)


@weighted
def test_float16_is_computed_in_float32(weighted):
    """Also where the mean of the squares, or its derivatives, are out of float16's range."""
    for scale in (1e-3, 1.0, 1e4):
        z = (seed_of("half").normal(0, 1, 3000) * scale).astype(np.float16)
        y, w = np.zeros_like(z), np.full(3000, 1000.0) if weighted else None
        value, gradient = LOSS.value_and_gradient(y, z, w)
        assert value == LOSS(y, z.astype(np.float32), w)
        assert same_bits(gradient, LOSS.gradient(y, z.astype(np.float32), w).astype(np.float16))
        for kind in KINDS:
            wide = LOSS.gradient_and_hessian(y, z.astype(np.float32), w, hessian=kind)
            for a, b in zip(LOSS.gradient_and_hessian(y, z, w, hessian=kind), wide, strict=True):
                assert same_bits(a, b.astype(np.float16))
        work = z.copy()
        assert LOSS.gradient(y, work, w, out=work) is work
        assert same_bits(work, gradient)
        assert same_bits(z, (seed_of("half").normal(0, 1, 3000) * scale).astype(np.float16))


@dtypes
@weighted
def test_out_and_in_place(weighted, dtype):
    y, z, w = sample(4097, weighted, dtype)
    gradient = LOSS.gradient(y, z, w)
    out, other = np.full_like(z, 7), np.full_like(z, 7)
    assert LOSS.gradient(y, z, w, out=out) is out
    assert same_bits(out, gradient)
    work = z.copy()
    value, found = LOSS.value_and_gradient(y, work, w, out=work)
    assert found is work
    assert value == LOSS(y, z, w)
    assert same_bits(work, gradient)
    for kind in KINDS:
        want = LOSS.gradient_and_hessian(y, z, w, hessian=kind)
        for first, second in ((out, other), (z.copy(), other), (out, z.copy())):
            source = first if same_bits(first, z) else second if same_bits(second, z) else z
            got = LOSS.gradient_and_hessian(y, source, w, hessian=kind, out=(first, second))
            assert got[0] is first
            assert got[1] is second
            assert all(map(same_bits, got, want))


@pytest.mark.engine
@weighted
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_threads_do_not_change_bits(weighted, dtype):
    y, z, w = sample(300_000, weighted, dtype)
    for operation in (LOSS, LOSS.value_and_gradient, *(_hessian(kind) for kind in KINDS)):
        one = operation(y, z, w, n_threads=1)
        for n_threads in (2, 3, 7):
            many = operation(y, z, w, n_threads=n_threads)
            parts = zip(*(x if isinstance(x, tuple) else (x,) for x in (one, many)), strict=True)
            assert all(same_bits(a, b) for a, b in parts)


def _hessian(kind):
    return lambda *args, **more: LOSS.gradient_and_hessian(*args, hessian=kind, **more)


@dtypes
@weighted
def test_without_the_engine(weighted, dtype):
    slow = fl.RootMeanSquaredError()
    slow._runner.squares = reference.Runner(slow)
    y, z, w = sample(1000, weighted, dtype)
    rtol = tolerance(np.float32 if dtype == np.float16 else dtype)
    assert slow(y, z, w) == pytest.approx(LOSS(y, z, w), rel=rtol)
    for kind in KINDS:
        got, want = (loss.gradient_and_hessian(y, z, w, hessian=kind) for loss in (slow, LOSS))
        for a, b in zip(got, want, strict=True):
            assert a.dtype == dtype
            np.testing.assert_allclose(a.astype(np.longdouble), b, rtol=tolerance(dtype), atol=tolerance(dtype) / 1000)
    work = z.copy()
    assert slow.gradient(y, work, w, out=work) is work
    assert same_bits(work, slow.gradient(y, z, w))


def test_the_numpy_backend(fresh):
    code = """
import fastloss as fl, numpy as np
loss = fl.RootMeanSquaredError()
value, gradient = loss.value_and_gradient([0.0, 0.0], [3.0, 4.0])
a = loss.accumulator(); a.update([0.0], [3.0]); a.update([0.0], [4.0], [0.0])
print(fl.show_config(mode="dict")["backend"], value, gradient[1], a.value())
"""
    backend, value, slope, streamed = fresh(code, FASTLOSS_BACKEND="numpy").split()
    assert backend == "numpy"
    assert float(value) == math.sqrt(12.5)
    assert float(slope) == pytest.approx(2 / math.sqrt(12.5), rel=1e-15)
    assert float(streamed) == 3


# -- streaming, sums, optimum ------------------------------------------------------------------------------------------


@weighted
def test_pieces_are_the_whole(weighted):
    y, z, w = sample(10_000, weighted)
    whole, parts = LOSS.accumulator(), [LOSS.accumulator() for _ in range(3)]
    cuts = [0, 1, 17, 4000, 9999, 10_000]
    for i, (low, high) in enumerate(itertools.pairwise(cuts)):
        piece = [None if x is None else x[low:high] for x in (y, z, w)]
        whole.update(*piece)
        parts[i % 3].update(*piece)
    total = pickle.loads(pickle.dumps(parts[2]))
    for part in parts[:2]:
        total.merge(part)
    assert total.value() == whole.value() == pytest.approx(LOSS(y, z, w), rel=1e-15)
    means = [LOSS(y[i : i + 100], z[i : i + 100], None if w is None else w[i : i + 100]) for i in range(0, 10_000, 100)]
    assert np.mean(means) < 0.999 * whole.value(), "the mean of roots is not the root of the mean"
    with pytest.raises(ValueError, match=r"root_mean_squared_error is no sum over elements, so expected 'mean'"):
        whole.value("sum")
    with pytest.raises(ValueError, match="cannot merge"):
        whole.merge(fl.SquaredError().accumulator())
    with pytest.raises(ValueError, match="nothing with weight was added"):
        LOSS.accumulator().value()


@weighted
def test_in_a_sum_of_losses(weighted):
    y, z, w = sample(1000, weighted)
    other = fl.AbsoluteError()
    both = 0.25 * LOSS + 2 * other
    assert not both.additive
    assert both(y, z, w) == 0.25 * LOSS(y, z, w) + 2 * other(y, z, w)
    value, gradient = both.value_and_gradient(y, z, w)
    assert same_bits(gradient, 0.25 * LOSS.gradient(y, z, w) + 2 * other.gradient(y, z, w))
    np.testing.assert_allclose(
        both.gradient_and_hessian(y, z, w, hessian="majorize")[1],
        0.25 * LOSS.gradient_and_hessian(y, z, w, hessian="majorize")[1]
        + 2 * other.gradient_and_hessian(y, z, w, hessian="majorize")[1],
        rtol=1e-15,
    )
    a, b = both.accumulator(), both.accumulator()
    a.update(*(None if x is None else x[:10] for x in (y, z, w)))
    b.update(*(None if x is None else x[10:] for x in (y, z, w)))
    a.merge(b)
    assert a.value() == pytest.approx(value, rel=1e-14)
    for reduction in ("sum", "none"):
        with pytest.raises(ValueError, match="root of a mean is no sum over elements"):
            both(y, z, w, reduction=reduction)


def test_the_optimum_is_the_mean():
    y, w = [1.0, 2.0, 9.0], [1.0, 1.0, 0.0]
    assert LOSS.optimum(y) == 4
    assert LOSS.optimum(y, w) == (2 * LOSS).optimum(y, w) == 1.5
    both = LOSS + fl.AbsoluteError()
    best = both.optimum(y)
    assert all(both(y, np.full(3, best)) <= both(y, np.full(3, best + step)) for step in (-1, -1e-3, 1e-3, 1))


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["__call__", "gradient", "value_and_gradient", "gradient_and_hessian"])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_there_is_no_reduction_but_the_mean(operation, reduction):
    z = np.array([1.0, 2.0])
    expected = rf"reduction='{reduction}': the root of a mean is no sum over elements, so expected 'mean'; SquaredError"
    with pytest.raises(ValueError, match=expected):
        getattr(LOSS, operation)([0.0, 0.0], z, reduction=reduction)


def test_a_mean_of_nothing():
    with pytest.raises(ValueError, match=r"is undefined: there are no samples$"):
        LOSS([], [])
    with pytest.raises(ValueError, match=r"is undefined: the total weight is zero$"):
        LOSS([0.0], [1.0], [0.0])


@dtypes
@pytest.mark.parametrize(
    ("y", "w", "message"),
    [
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], "the total weight is zero"),
        ([0.0, 0.0, 0.0], [1.0, -1.0, 1.0], r"sample_weight\[1\] is -1"),
        ([0.0, 0.0], None, r"y_true has shape \(2,\)"),
        ([0.0, 0.0, 0.0], [1.0], r"sample_weight has shape \(1,\)"),
    ],
)
def test_bad_input_loses_nothing(y, w, message, dtype):
    z = np.array([1, 2, 3], dtype)
    for call in (
        lambda: LOSS.gradient(y, z, w, out=z),
        lambda: LOSS.value_and_gradient(y, z, w, out=z),
        lambda: LOSS.gradient_and_hessian(y, z, w, out=(z, np.empty_like(z))),
    ):
        with pytest.raises(ValueError, match=message):
            call()
        assert z.tolist() == [1, 2, 3]


@dtypes
def test_bad_buffers(dtype):
    z = np.array([1, 2, 3], dtype)
    with pytest.raises(ValueError, match="out has shape"):
        LOSS.gradient(z, z, out=np.empty(2, dtype))
    with pytest.raises(TypeError, match="out has dtype int64"):
        LOSS.gradient(z, z, out=np.empty(3, np.int64))
    with pytest.raises(ValueError, match="out overlaps y_true"):
        LOSS.gradient(z, z + 1, out=z)
    with pytest.raises(TypeError, match=r"expected a tuple \(gradient, hessian\)"):
        LOSS.gradient_and_hessian(z, z + 1, out=z.copy())


@dtypes
def test_nan_and_infinity_propagate(dtype):
    """An element that is no number is in the root, and so in every derivative, unless its weight is 0."""
    y, z = np.zeros(3, dtype), np.array([1, np.nan, 3], dtype)
    value, gradient = LOSS.value_and_gradient(y, z)
    assert math.isnan(value)
    assert np.isnan(gradient).all()
    assert all(np.isnan(x).all() for kind in KINDS for x in LOSS.gradient_and_hessian(y, z, hessian=kind))
    w = [1.0, 0.0, 1.0]
    assert LOSS(y, z, w) == pytest.approx(math.sqrt(5))
    assert np.isfinite(LOSS.gradient(y, z, w)).all()
    z[1] = np.inf
    with np.errstate(divide="raise", over="raise", invalid="raise"):  # silently
        assert LOSS(y, z) == np.inf
        assert np.isnan(LOSS.gradient(y, z)[1])
        assert all(np.isnan(LOSS.gradient_and_hessian(y, z, hessian=kind)[0][1]) for kind in KINDS)
    fl.set_check_finite(True)
    with pytest.raises(ValueError, match=r"y_pred\[1\] is inf"):
        LOSS(y, z)


@pytest.mark.parametrize(("dtype", "least", "nothing"), [(np.float32, 1e-19, 2e-23), (np.float64, 1e-154, 1e-162)])
def test_residuals_too_small_for_squares(dtype, least, nothing):
    """Where, as the docstring says, digits end and all is 0; and the gradient does not depend on the scale."""
    y, z, _ = sample(50, dtype=dtype)
    r = z - y
    r /= np.abs(r).max()
    zero = np.zeros_like(r)
    value, gradient = LOSS.value_and_gradient(zero, r)
    np.testing.assert_allclose(LOSS.gradient(zero, r * dtype(4 * least)), gradient, rtol=1e-5, atol=1e-5)
    assert abs(LOSS(zero, r * dtype(100 * least)) / (100 * least * value) - 1) < tolerance(dtype)
    assert abs(LOSS(zero, r * dtype(least / 1000)) / (least / 1000 * value) - 1) > tolerance(dtype)
    assert LOSS(zero, r * dtype(nothing)) == 0
    assert not LOSS.gradient(zero, r * dtype(nothing)).any()


def test_shapes():
    y, z, _ = sample(12)
    flat = LOSS.gradient(y, z)
    assert same_bits(LOSS.gradient(y.reshape(3, 4), z.reshape(3, 4)), flat.reshape(3, 4))
    assert LOSS(y.reshape(3, 4), z.reshape(3, 4), [1, 0, 0]) == LOSS(y[:4], z[:4])
    assert LOSS(y[::2], z[::2]) == LOSS(y[::2].copy(), z[::2].copy())
    assert LOSS(3, 7) == 4
    assert LOSS.gradient([0, 0], [3, 4]).dtype == np.float64
    assert fl.root_mean_squared_error(y, z) == LOSS(y, z)
    assert fl.get_loss("root_mean_squared_error") == LOSS
    assert pickle.loads(pickle.dumps(LOSS)) == LOSS
