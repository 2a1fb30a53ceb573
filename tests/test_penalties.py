"""Penalties: their definitions, derivatives, proximal operators, and what they refuse."""

from __future__ import annotations

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl

PENALTIES = [
    fl.L1(),
    fl.L1(0.3),
    fl.L2(),
    fl.L2(0.3),
    fl.ElasticNet(),
    fl.ElasticNet(0.7, l1_ratio=0.9),
    fl.ElasticNet(2.5, l1_ratio=0.0),
    fl.ElasticNet(2.5, l1_ratio=1.0),
]
DTYPES = (np.float16, np.float32, np.float64, np.longdouble)
INF, NAN = math.inf, math.nan

penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def coefficients(*shape, dtype=np.float64):
    """Ordinary, small and large ones, and zeros."""
    rng = seed_of("coefficients", shape)
    w = rng.normal(size=shape) * 10 ** rng.uniform(-2, 1, shape)
    w[rng.random(shape) < 0.2] = 0
    return w.astype(dtype)


def definition(penalty, w):
    """As scikit-learn writes it, in longdouble."""
    w = np.asarray(w).astype(np.longdouble)
    ratio = {"l1": 1.0, "l2": 0.0}.get(penalty.name, penalty.params.get("l1_ratio"))
    return penalty.alpha * (ratio * np.abs(w) + (1 - np.longdouble(ratio)) / 2 * w * w)


@penalties
def test_identity(penalty):
    again = eval(repr(penalty), {name: getattr(fl, name) for name in fl.__all__})
    for twin in (again, pickle.loads(pickle.dumps(penalty)), copy.copy(penalty), copy.deepcopy(penalty)):
        assert twin == penalty
        assert hash(twin) == hash(penalty)
        assert repr(twin) == repr(penalty)
    assert list(penalty.params) == list(inspect.signature(type(penalty)).parameters)
    assert penalty == type(penalty)(**penalty.params)
    assert sum(penalty == other for other in PENALTIES) == 1
    with pytest.raises(AttributeError, match=rf"{type(penalty).__name__} is immutable: make a new one"):
        penalty.alpha = 2.0


@penalties
@dtypes
def test_value(penalty, dtype):
    for shape in ((0,), (1,), (1000,), (7, 30), (3, 4, 5), ()):
        w = coefficients(*shape, dtype=dtype) if shape else dtype(-1.5)
        want = math.fsum(definition(penalty, w).ravel())
        got = penalty(w)
        assert type(got) is float
        assert got == pytest.approx(want, rel=1e-15)
        assert penalty.value_and_gradient(w)[0] == got


@penalties
def test_a_long_sum_keeps_its_digits(penalty):
    w = seed_of("long").normal(size=300_000).astype(np.float32)
    assert penalty(w) == pytest.approx(math.fsum(definition(penalty, w)), rel=3e-16)


@penalties
def test_gradient_and_hessian_by_differences(penalty):
    w = coefficients(200).astype(np.longdouble)
    w = w[w != 0]
    h = np.minimum(np.abs(w) / 4, np.longdouble(2.0**-13))
    slope = (definition(penalty, w + h) - definition(penalty, w - h)) / (2 * h)  # exact: no third derivative
    np.testing.assert_allclose(penalty.gradient(w), slope, rtol=1e-13)
    bend = (penalty.gradient(w + h) - penalty.gradient(w - h)) / (2 * h)
    np.testing.assert_allclose(penalty.hessian(w), bend, rtol=1e-12, atol=1e-13)


@penalties
@dtypes
def test_arrays_keep_shape_and_dtype(penalty, dtype):
    """Each is right to two roundings of the type, strengths included."""
    for shape in ((0,), (50,), (7, 30), (3, 4, 5)):
        w = coefficients(*shape, dtype=dtype)
        l1, l2 = (np.longdouble(x) for x in penalty.strengths)
        wide = w.astype(np.longdouble)
        want = l1 * np.sign(wide) + l2 * wide
        size = l1 * np.abs(np.sign(wide)) + l2 * np.abs(wide)
        gradient, hessian, prox = penalty.gradient(w), penalty.hessian(w), penalty.prox(w, 0.6)
        eps = max(np.finfo(dtype).eps, 1e-16)
        assert (np.abs(gradient - want) <= 2 * eps * size).all()
        assert (np.abs(hessian - l2) <= eps * l2).all()
        want = np.sign(wide) * np.maximum(np.abs(wide) - np.longdouble(0.6) * l1, 0) / (1 + np.longdouble(0.6) * l2)
        assert (np.abs(prox - want) <= 2 * eps * (np.abs(wide) + l1)).all()
        for array in (gradient, hessian, prox):
            assert array.shape == shape
            assert array.dtype == dtype
    assert penalty.gradient(dtype(2)).shape == penalty.prox(dtype(2)).shape == penalty.hessian(dtype(2)).shape == ()


@penalties
def test_other_input_is_converted(penalty):
    values = [[1, 0, -2], [3, 0, 0]]
    want = penalty.gradient(np.array(values, float))
    for w in (values, np.array(values), np.array(values, np.int8), np.asfortranarray(np.array(values, ">f8"))):
        got = penalty.gradient(w)
        assert got.dtype == np.float64
        assert got.dtype.isnative
        assert got.flags.c_contiguous
        assert same_bits(got, want)
        assert penalty(w) == penalty(np.array(values, float))
        assert same_bits(penalty.prox(w), penalty.prox(np.array(values, float)))
    strided = coefficients(40)[::2]
    assert same_bits(penalty.gradient(strided), penalty.gradient(strided.copy()))


@penalties
def test_prox_is_the_minimum(penalty):
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
    for step in (0.1, 1.0, 3.0):
        for w in (-4.0, -0.3, 0.0, 0.05, 1.2, 7.0):
            found = optimize.minimize_scalar(
                lambda v, w=w, step=step: 0.5 * (v - w) ** 2 + step * penalty([v]),
                bounds=(-10, 10),
                method="bounded",
                options={"xatol": 1e-11},
            )
            assert float(penalty.prox(w, step)) == pytest.approx(found.x, abs=1e-6)  # found to the root of eps


@penalties
def test_prox_satisfies_the_subgradient_condition(penalty):
    """0 is in v - w + step * d penalty(v): with the sign of v, or anything in [-1, 1] for v = 0."""
    l1, l2 = penalty.strengths
    for step in (0.1, 1.0, 3.0):
        w = coefficients(500)
        v = penalty.prox(w, step)
        rest = w - v - step * l2 * v
        zero = v == 0
        assert (np.abs(rest[zero]) <= step * l1).all()
        np.testing.assert_allclose(rest[~zero], step * l1 * np.sign(v[~zero]), rtol=1e-12, atol=1e-14)
        assert (np.abs(w[~zero]) > step * l1).all()
        assert not np.signbit(v[zero]).any() or l1 == 0
    assert (penalty.prox(np.zeros(3)) == 0).all()


def test_within_the_threshold_is_exactly_zero():
    w = np.float32([0.1, -0.1, 0.05, 0.0, -0.0, np.nextafter(np.float32(0.1), np.float32(1))])
    assert (fl.L1(0.1).prox(w) == 0).tolist() == [True] * 5 + [False]
    assert fl.ElasticNet(0.2, 0.5).prox(w)[:5].tolist() == [0.0] * 5


def test_special_cases_agree():
    w = coefficients(30, 4)
    for one, other in ((fl.L1(0.7), fl.ElasticNet(0.7, 1.0)), (fl.L2(0.7), fl.ElasticNet(0.7, 0.0))):
        assert one(w) == other(w)
        for method in ("gradient", "hessian", "prox"):
            assert same_bits(getattr(one, method)(w), getattr(other, method)(w))
        assert one != other
    for nothing in (fl.L1(0), fl.L2(0.0), fl.ElasticNet(0)):
        assert nothing(w) == 0
        assert (nothing.gradient(w) == 0).all()
        assert same_bits(nothing.prox(w), w)


@penalties
def test_nan_and_infinity_propagate(penalty):
    l1, l2 = penalty.strengths
    w = np.array([NAN, INF, -INF, 1.0])
    assert math.isnan(penalty(w))
    assert penalty(w[1:]) == INF
    for array in (penalty.gradient(w), penalty.hessian(w), penalty.prox(w)):
        assert np.isnan(array).tolist() == [True, False, False, False]
    limit = INF if l2 else l1
    assert penalty.gradient(w)[1:3].tolist() == [limit, -limit]
    assert penalty.prox(w)[1:3].tolist() == [INF, -INF]
    fl.set_check_finite(True)
    for method in (penalty, penalty.gradient, penalty.value_and_gradient, penalty.hessian, penalty.prox):
        with pytest.raises(ValueError, match=r"w\[1\] is inf: finite numbers expected"):
            method(np.array([1.0, INF, NAN]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32], ids=lambda dtype: dtype.__name__)
def test_strengths_and_products_beyond_the_type_are_infinite(dtype):
    """Silently, and 0 stays 0."""
    strong = 100 * float(np.finfo(dtype).max)
    with np.errstate(over="raise", invalid="raise"):
        for penalty in (fl.L1(strong), fl.L2(strong), fl.ElasticNet(strong)):
            w = np.array([1, 0, -1], dtype)
            got = penalty.gradient(w)
            assert got.dtype == dtype
            assert got.tolist() == [INF, 0, -INF]
            assert penalty.hessian(w)[1] == (INF if penalty.strengths[1] else 0)
            assert penalty.gradient(w, out=w) is w
            assert same_bits(w, got)
        assert fl.L2(2.0).gradient(np.array([np.finfo(dtype).max, 1], dtype)).tolist() == [INF, 2]


@penalties
def test_out(penalty):
    for dtype in (np.float32, np.float64):
        w = coefficients(6, 5, dtype=dtype)
        for call in (
            lambda w, **to: penalty.gradient(w, **to),
            lambda w, **to: penalty.prox(w, 0.4, **to),
            lambda w, **to: penalty.value_and_gradient(w, **to)[1],
        ):
            want = call(w)
            out = np.empty_like(w)
            assert call(w, out=out) is out
            assert same_bits(out, want)
            work = w.copy()
            assert call(work, out=work) is work
            assert same_bits(work, want)
        work = w.copy()
        assert penalty.value_and_gradient(work, out=work)[0] == penalty(w)


@penalties
def test_prox_solves_what_scikit_learn_solves(penalty):
    """The optimum of scikit-learn's coordinate descent is a fixed point of a proximal gradient step."""
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    rng = seed_of("elastic net")
    X = rng.normal(size=(80, 12))
    y = X[:, :4] @ [2.0, -1.0, 0.5, 0.1] + 0.1 * rng.normal(size=80)
    l1, l2 = (0.1 * strength for strength in penalty.strengths)
    if l1 == 0:  # their coordinate descent wants some of it
        model = linear_model.Ridge(alpha=len(y) * l2, fit_intercept=False).fit(X, y)
    else:
        model = linear_model.ElasticNet(
            alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), fit_intercept=False, tol=1e-12, max_iter=100_000
        ).fit(X, y)
    w = model.coef_
    ours = type(penalty)(**{**penalty.params, "alpha": 0.1 * penalty.alpha})
    slope = X.T @ fl.HalfSquaredError().gradient(y, X @ w)
    np.testing.assert_allclose(ours.prox(w - 0.5 * slope, 0.5), w, rtol=1e-5, atol=1e-7)
    used = w != 0
    np.testing.assert_allclose(slope[used], -ours.gradient(w)[used], rtol=1e-4, atol=1e-6)


A = np.ones(3)
FIXED = np.ones(3)
FIXED.flags.writeable = False
SHARED = np.ones(6)
BAD = {
    "alpha < 0": (lambda: fl.L1(-1.0), ValueError, r"alpha is -1.0: expected a finite number >= 0"),
    "alpha NaN": (lambda: fl.L2(NAN), ValueError, r"alpha is nan: expected a finite number >= 0"),
    "alpha inf": (lambda: fl.ElasticNet(INF), ValueError, r"alpha is inf: expected a finite number >= 0"),
    "alpha text": (lambda: fl.L1("much"), TypeError, r"alpha is 'much': expected a number"),
    "ratio > 1": (lambda: fl.ElasticNet(1.0, 1.5), ValueError, r"l1_ratio is 1.5: expected a number in \[0, 1\]"),
    "ratio < 0": (lambda: fl.ElasticNet(1.0, -0.5), ValueError, r"l1_ratio is -0.5: expected a number in \[0, 1\]"),
    "step 0": (lambda: fl.L1().prox(A, 0.0), ValueError, r"step is 0.0: expected a finite number > 0"),
    "step < 0": (lambda: fl.L1().prox(A, -1.0), ValueError, r"step is -1.0: expected a finite number > 0"),
    "steps": (lambda: fl.L1().prox(A, np.ones(3)), TypeError, r"step is array.*: expected a number"),
    "text": (lambda: fl.L1()(["a"]), TypeError, r"w has dtype <U1: expected real numbers"),
    "None": (lambda: fl.L1()(None), TypeError, r"w is None: expected an array of numbers"),
    "a hole": (lambda: fl.L1()([1.0, None]), TypeError, r"w\[1\] is None: expected real numbers"),
    "complex": (lambda: fl.L2().gradient([1j]), TypeError, r"w has dtype complex128: expected real numbers"),
    "out a list": (lambda: fl.L2().gradient(A, out=[0.0] * 3), TypeError, r"out is list: expected a NumPy array"),
    "out shape": (
        lambda: fl.L2().gradient(A, out=np.empty(4)),
        ValueError,
        r"out has shape \(4,\): expected w's shape",
    ),
    "out dtype": (
        lambda: fl.L2().prox(A, out=np.empty(3, "f4")),
        TypeError,
        r"out has dtype float32: expected float64",
    ),
    "out strided": (lambda: fl.L2().prox(A, out=np.empty(6)[::2]), ValueError, r"out is not a C-contiguous"),
    "out fixed": (lambda: fl.L2().prox(FIXED, out=FIXED), ValueError, r"out is read-only"),
    "out overlaps": (lambda: fl.L2().prox(SHARED[:4], out=SHARED[1:5]), ValueError, r"out overlaps w without being w"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call()
    for array in (A, FIXED, SHARED):
        assert (array == 1).all()


def test_ridge_has_no_half():
    w = coefficients(20)
    assert fl.L2(2 * 0.3)(w) == pytest.approx(0.3 * float(w @ w), rel=1e-14)
