# ruff: noqa: E501  (tables: one case a line)
"""Losses of overlapping masks: definitions, gradients, empty masks, and what they refuse."""

from __future__ import annotations

import importlib.util
import math
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl
from fastloss import backend

LONG = np.longdouble
LOSSES = [
    fl.Dice(),
    fl.Dice(0.0),
    fl.Dice(0.3, per_class=True),
    fl.Jaccard(),
    fl.Jaccard(0.0, per_class=True),
    fl.Tversky(),
    fl.Tversky(0.3, 0.7),
    fl.Tversky(0.3, 0.7, 0.75, per_class=True),
    fl.Tversky(0.9, 0.1, 1.5, smooth=0.0),
]
SHAPES = [(7, 3), (4, 3, 5), (2, 3, 9, 8), (3, 2, 200, 181)]
UNITS = [(1100, 3), (70, 2, 1), (200, 3, 7), (31, 2, 63), (3, 2, 64), (5, 3, 129), (2, 2, 9001)]

losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)


def masks(shape, dtype=np.float64, *, soft=False):
    rng = seed_of("masks", shape)
    t = rng.uniform(size=shape) if soft else rng.integers(0, 2, shape)
    return t.astype(dtype), rng.uniform(size=shape).astype(dtype)


def definition(loss, t, p, w=None):
    """As the docstrings have it, in longdouble."""
    t, p = np.asarray(t).astype(LONG), np.asarray(p).astype(LONG)
    w = np.ones(t.shape[:1]) if w is None else w
    w = w.reshape(-1, *[1] * (t.ndim - 1)) * np.ones(t.shape)
    axes = tuple(k for k in range(t.ndim) if k != 1) if loss.per_class else None
    tp, of_p, of_t = ((w * x).sum(axis=axes) for x in (t * p, p, t))
    s = LONG(loss.smooth)
    if loss.name == "dice":
        return np.mean(1 - (2 * tp + s) / (of_p + of_t + s))
    if loss.name == "jaccard":
        return np.mean(1 - (tp + s) / (of_p + of_t - tp + s))
    index = (tp + s) / (tp + LONG(loss.alpha) * (of_p - tp) + LONG(loss.beta) * (of_t - tp) + s)
    return np.mean((1 - index) ** LONG(loss.gamma))


@losses
@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("soft", [False, True])
def test_values(loss, dtype, shape, soft):
    t, p = masks(shape, dtype, soft=soft)
    w = seed_of("weights").uniform(0, 2, shape[0])
    rel = 4 * float(np.finfo(dtype).eps)
    assert loss(t, p) == pytest.approx(float(definition(loss, t, p)), rel=rel)
    assert loss(t, p, w) == pytest.approx(float(definition(loss, t, p, w)), rel=rel)
    assert loss.value_and_gradient(t, p, w)[0] == loss(t, p, w)
    assert loss(t, p, np.full(shape[0], 1.0)) == pytest.approx(loss(t, p), rel=rel)


@losses
@pytest.mark.parametrize("soft", [False, True])
def test_gradient_by_differences(loss, soft):
    t, p = masks((4, 3, 5), soft=soft)
    w = seed_of("weights").uniform(0.1, 2, 4)
    g = loss.gradient(t, p, w)
    h = LONG(2.0**-20)
    for at in np.ndindex(p.shape):
        ends = []
        for step in (h, -h):
            moved = p.astype(LONG)
            moved[at] += step
            ends.append(definition(loss, t, moved, w))
        assert g[at] == pytest.approx(float((ends[0] - ends[1]) / (2 * h)), rel=1e-9, abs=1e-12)


@losses
def test_torch(loss):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    t, p = masks((3, 2, 6, 7))
    tensor, mask = torch.tensor(p, requires_grad=True), torch.tensor(t)
    axes = (0, 2, 3) if loss.per_class else (0, 1, 2, 3)
    tp, fp, fn = (x.sum(axes) for x in (mask * tensor, (1 - mask) * tensor, mask * (1 - tensor)))
    alpha, beta, s, gamma = loss._shape()
    theirs = ((1 - (tp + s) / (tp + alpha * fp + beta * fn + s)) ** gamma).mean()
    theirs.backward()
    value, g = loss.value_and_gradient(t, p)
    assert value == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=1e-10, atol=1e-16)


def test_keras(tmp_path):
    # as tests/test_peers_keras.py does, for Keras looks once in a process
    os.environ.setdefault("KERAS_BACKEND", next(x for x in ("torch", "jax", "numpy") if importlib.util.find_spec(x)))
    os.environ.setdefault("KERAS_HOME", str(tmp_path))
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    t, p = masks((5, 40))
    assert fl.Dice(smooth=1e-7)(t, p) == pytest.approx(float(keras.losses.Dice()(t, p)), rel=1e-5)
    theirs = keras.losses.Tversky(alpha=0.7, beta=0.3)(t, p)  # whose fp is sum of (1 - p) t, against its documentation
    assert fl.Tversky(0.3, 0.7, smooth=1e-7)(t, p) == pytest.approx(float(theirs), rel=1e-5)


@losses
@dtypes
def test_empty_and_perfect_masks(loss, dtype):
    zero, one = np.zeros((3, 2, 4), dtype), np.ones((3, 2, 4), dtype)
    for t, p in ((zero, zero), (one, one), (zero[:0], zero[:0])):
        value, g = loss.value_and_gradient(t, p)
        assert value == 0
        assert g.shape == p.shape
        assert np.isfinite(g).all()
    value, g = loss.value_and_gradient(zero, one)
    assert 0 < value <= 1
    assert np.isfinite(g).all()
    value, g = loss.value_and_gradient(zero + dtype(0.5), one, np.zeros(3))
    assert value == 0
    assert not g.any()


@losses
@pytest.mark.parametrize(
    ("dtype", "least"), [(np.float32, 1e-39), (np.float64, 1e-39), (np.float64, 1e-155), (np.float64, 1e-310)]
)
@pytest.mark.parametrize("engine", [True, False], ids=["engine", "reference"])
def test_an_empty_mask_that_is_predicted_nearly_empty(loss, dtype, least, engine, monkeypatch):
    """The square of all there is may be 0, and a slope beyond the type: that of pixels of which there are none."""
    if not engine:
        monkeypatch.setattr(backend, "engine", None)
    loss = type(loss)(**{**loss.params, "smooth": 0.0})
    t, p = np.zeros((1, 1, 4), dtype), np.full((1, 1, 4), least, dtype)
    value, g = loss.value_and_gradient(t, p)
    assert value == 1
    assert not g.any()
    t[0, 0, 0], p[0, 0, 0] = 1, 0
    assert np.isfinite(loss.gradient(t, p)).all()


def test_a_class_that_is_empty_and_predicted_empty_costs_nothing():
    t, p = np.zeros((3, 2, 4)), np.zeros((3, 2, 4))
    t[:, 0] = 1
    assert fl.Dice(0.0, per_class=True)(t, p) == 0.5
    assert fl.Dice(0.0)(t, p) == 1


def test_nearly_equal_masks_keep_their_digits():
    p = np.ones(1000)
    p[0] = 1 - 2.0**-40
    assert fl.Dice(0.0)(np.ones(1000), p) == pytest.approx(2.0**-41 / 1000, rel=1e-9)


def slopes(loss, t, p, w=None):
    """The gradient in longdouble, by the reference that runs there."""
    return loss.gradient(np.asarray(t).astype(LONG), p.astype(LONG), None if w is None else w.astype(LONG))


@losses
@dtypes
@pytest.mark.parametrize("shape", UNITS, ids=str)
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_of_every_cut(loss, dtype, shape, soft):
    """Rows that make several units, that make one, and that are gathered; whole groups of numbers, and what is over."""
    t, p = masks(shape, dtype, soft=soft)
    w = seed_of("weights", shape).uniform(0, 2, shape[0]).astype(dtype)
    w[0] = 0
    for weight in (None, w):
        want = slopes(loss, t, p, weight)
        scale = np.abs(want) if not soft else np.abs(want).max()  # between 0 and 1 the two slopes cancel
        value, g = loss.value_and_gradient(t, p, weight)
        assert value == pytest.approx(float(definition(loss, t, p, weight)), rel=4 * float(np.finfo(dtype).eps))
        assert (np.abs(g - want) <= 4 * np.finfo(dtype).eps * scale).all()


@losses
@dtypes
@pytest.mark.parametrize("shape", UNITS, ids=str)
def test_targets_of_any_type_have_the_same_bits(loss, dtype, shape):
    t, p = masks(shape, dtype)
    for weight in (None, seed_of("weights", shape).uniform(0, 2, shape[0])):
        value, g = loss.value_and_gradient(t, p, weight)
        for kind in "?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", ">i4":
            again = loss.value_and_gradient(t.astype(kind), p, weight)
            assert again[0] == value, kind
            assert same_bits(again[1], g), kind


@losses
@dtypes
@pytest.mark.parametrize("kind", ["u1", "i4", "f8"])
def test_threads_do_not_matter(loss, dtype, kind):
    """Units enough for all of them, of every cut, that do not divide evenly."""
    for shape in ((5, 3, 333, 100), (30_011, 3, 5), (1003, 2, 131)):
        t, p = masks(shape, dtype)
        t = t.astype(kind)
        for weight in (None, seed_of("weights", shape).uniform(0, 2, shape[0])):
            one = loss.value_and_gradient(t, p, weight, n_threads=1)
            assert loss(t, p, weight, n_threads=3) == one[0]
            for n_threads in (2, 3, 7):
                value, g = loss.value_and_gradient(t, p, weight, n_threads=n_threads)
                assert value == one[0], (shape, n_threads)
                assert same_bits(g, one[1]), (shape, n_threads)


@dtypes
@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
def test_any_place_in_memory(dtype, kind):
    """Nothing depends on where an array begins and ends, and nothing beyond its end is written."""
    t, p = masks((5000,), dtype)
    t = t.astype(kind)
    for n in (1, 15, 63, 64, 65, 511, 512, 513, 1025, 4095, 4096, 4097):
        for at in (0, 1, 3, 17):
            here, there = t[at : at + n], p[at : at + n]
            want = fl.Tversky().value_and_gradient(here.copy(), there.copy())
            out = np.full(n + 40, -77, dtype)
            value, g = fl.Tversky().value_and_gradient(here, there, out=out[at : at + n])
            assert value == want[0]
            assert same_bits(g, want[1])
            assert (out[:at] == -77).all()
            assert (out[at + n :] == -77).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_sums_of_float32_keep_their_digits(dtype):
    """A float32 sum of ones stops at 2^24 (numpy#22956)."""
    n, wrong = 2**24 + 1001, 12345
    t, p = np.ones(n, dtype), np.ones(n, np.float32)
    p[-wrong:] = 0
    assert fl.Dice(0.0)(t, p) == pytest.approx(wrong / (2 * n - wrong), rel=2.0**-50)
    p[:] = 0.1
    assert fl.Jaccard(0.0)(t, p) == pytest.approx(1 - float(np.float32(0.1)), rel=2.0**-23)


@dtypes
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 70)], ids=str)
def test_a_weight_of_zero_leaves_a_sample_out(dtype, shape):
    t, p = masks(shape, dtype)
    w = np.array([1, 0, 2, 0.5])
    p[1] = math.nan
    for loss in (fl.Dice(), fl.Jaccard(per_class=True)):
        value, g = loss.value_and_gradient(t, p, w)
        kept = w > 0
        assert value == pytest.approx(loss(t[kept], p[kept], w[kept]), rel=1e-6)
        assert (g[1] == 0).all()
        np.testing.assert_allclose(g[kept], loss.gradient(t[kept], p[kept], w[kept]), rtol=1e-5)


@dtypes
@pytest.mark.parametrize("shape", [(6, 2), (6, 2, 70)], ids=str)
def test_weights_of_any_size(dtype, shape):
    """Without smoothing nothing but the ratio of weights counts."""
    t, p = masks(shape, dtype)
    w = np.array([1, 2, 0.5, 1, 3, 1], dtype)
    for factor in (np.finfo(dtype).max / 4, np.finfo(dtype).tiny * 4):
        for loss in (fl.Dice(0.0), fl.Dice(0.0, per_class=True)):
            value, g = loss.value_and_gradient(t, p, w)
            if dtype == np.float64:  # whose sums have no wider type
                factor = dtype(2.0**300 if factor > 1 else 2.0**-300)
            again = loss.value_and_gradient(t, p, w * dtype(factor))
            assert again[0] == pytest.approx(value, rel=1e-6)
            np.testing.assert_allclose(again[1], g, rtol=1e-5)


@losses
def test_input_and_out(loss):
    t, p = masks((4, 3, 5))
    t = t.astype(int)
    p = (p > 0.4) * 1.0
    value, g = loss.value_and_gradient(t, p)
    for convert in (
        lambda x: x.astype(int),
        lambda x: x.astype(bool),
        lambda x: x.tolist(),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    ):
        again = loss.value_and_gradient(convert(t), convert(p))
        assert again[0] == value
        assert again[1].dtype == np.float64
        assert same_bits(again[1], g)
    for dtype in (np.float16, np.float32, np.float64, LONG):
        half = p.astype(dtype)
        found = loss.value_and_gradient(t, half)
        out = np.empty_like(half)
        assert loss.value_and_gradient(t, half, out=out)[1] is out
        assert same_bits(out, found[1])
        assert loss.value_and_gradient(t, half, out=half)[1] is half  # in place
        assert same_bits(half, out)
        assert found[0] == pytest.approx(value, rel=1e-3)


@losses
def test_identity(loss):
    for twin in (eval(repr(loss), vars(fl)), pickle.loads(pickle.dumps(loss))):
        assert twin == loss
    assert sum(loss == other for other in LOSSES) == 1
    t, p = masks((4, 3, 5))
    assert getattr(fl, loss.name)(t, p, [1, 0, 2, 1], n_threads=2, **loss.params) == loss(t, p, [1, 0, 2, 1])


@dtypes
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 70), (1, 1, 9000)], ids=str)
def test_nan_propagates(dtype, shape):
    t, p = masks(shape, dtype)
    p[-1, -1, ...] = math.nan
    value, g = fl.Dice().value_and_gradient(t, p)
    assert math.isnan(value)
    assert np.isnan(g).all()
    fl.set_check_finite(True)
    try:
        with pytest.raises(ValueError, match=r"y_pred\[.*\] is nan: finite numbers expected"):
            fl.Dice()(t, p)
    finally:
        fl.set_check_finite(False)


@dtypes
def test_zeros_of_either_sign(dtype):
    t, p = np.full((3, 2, 70), -0.0, dtype), np.full((3, 2, 70), -0.0, dtype)
    for per_class in (False, True):
        assert fl.Dice(per_class=per_class)(t, p) == 0


@dtypes
@pytest.mark.parametrize("kind", ["u1", "i2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(40_000, 3), (3, 2, 41, 500)], ids=str)
@pytest.mark.parametrize("per_class", [False, True])
def test_the_first_offender_is_named_and_nothing_is_written(dtype, kind, shape, per_class):
    t, p = masks(shape, dtype)
    t, before = t.astype(kind), p.copy()
    where = [tuple(index - 1 for index in shape), tuple(index // 2 for index in shape)]
    for array, value, name in ((t, 2, "y_true"), (p, 1.5, "y_pred"), (p, -0.5, "y_pred")):
        for n_threads in (1, 3):
            kept = [array[at] for at in where]
            for at in where:
                array[at] = value
            before[:] = p
            says = re.escape(f"{name}[{', '.join(map(str, where[1]))}] is {array[where[1]]}")
            with pytest.raises(ValueError, match=says):
                fl.Dice(per_class=per_class).gradient(t, p, out=p, n_threads=n_threads)
            assert same_bits(p, before)
            for at, old in zip(where, kept, strict=True):
                array[at] = old


@pytest.mark.engine
def test_every_instruction_set(tmp_path):
    """The tests above, in a process per instruction set that is not the one in use here."""
    here = backend.engine.build_info()["isa_in_use"]
    others = [isa for isa in backend.engine.isa_available if isa != here]
    if not others:
        pytest.skip(f"only {here} runs here")
    for isa in others:
        quiet = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={tmp_path / isa}")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, "-m", "not engine", "-k", "not keras", __file__],
            env={**os.environ, "FASTLOSS_ISA": isa},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{isa}:\n{done.stdout[-4000:]}"


Y, Z = np.array([[1, 0], [0, 1]]), np.array([[0.5, 0.25], [0.5, 1.0]])
BAD = {
    "smooth": (lambda: fl.Dice(-1), ValueError, "smooth is -1: expected a finite number >= 0"),
    "gamma": (lambda: fl.Tversky(gamma=0), ValueError, "gamma is 0: expected a finite number > 0"),
    "per_class": (lambda: fl.Jaccard(per_class=1), TypeError, "per_class is 1: expected True or False"),
    "shapes": (lambda: fl.Dice()(Y, Z[0]), ValueError, r"y_true has shape \(2, 2\) and y_pred has shape \(2,\)"),
    "one axis": (lambda: fl.Dice(per_class=True)(Y[0], Z[0]), ValueError, r"with per_class expected \(n_samples, n_classes, ...\)"),
    "scores": (lambda: fl.Dice()(Y, 3 * Z), ValueError, r"y_pred\[0, 0\] is 1.5: dice expects a probability in \[0, 1\]; apply a sigmoid"),
    "a label": (lambda: fl.Dice()([[1, 2], [0, 0]], Z), ValueError, r"y_true\[0, 1\] is 2: dice expects a label in \{0, 1\} or a prob"),
    "a NaN label": (lambda: fl.Dice()([[1, math.nan], [0, 0]], Z), ValueError, r"y_true\[0, 1\] is nan"),
    "a weight": (lambda: fl.Dice()(Y, Z, [1, -1]), ValueError, r"sample_weight\[1\] is -1"),
    "weights": (lambda: fl.Dice()(Y, Z, [1]), ValueError, r"sample_weight has shape \(1,\): expected \(2,\)"),
    "reduction of the function": (lambda: fl.dice(Y, Z, reduction="sum"), TypeError, "dice has no argument 'reduction': it takes y_true, y_pred, sample_weight, n_threads, smooth, per_class"),
    "threads": (lambda: fl.Dice()(Y, Z, n_threads=0), ValueError, "n_threads is 0: expected a positive integer"),
    "out": (lambda: fl.Dice().gradient(Y, Z, out=np.empty(4)), ValueError, r"out has shape \(4,\): expected y_pred's shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call()
