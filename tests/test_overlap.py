# ruff: noqa: E501  (tables: one case a line)
"""Losses of overlapping masks: definitions, gradients, empty masks, and what they refuse."""

from __future__ import annotations

import importlib.util
import math
import os
import pickle

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl
from fastloss.losses import overlap

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


def test_a_class_that_is_empty_and_predicted_empty_costs_nothing():
    t, p = np.zeros((3, 2, 4)), np.zeros((3, 2, 4))
    t[:, 0] = 1
    assert fl.Dice(0.0, per_class=True)(t, p) == 0.5
    assert fl.Dice(0.0)(t, p) == 1


def test_nearly_equal_masks_keep_their_digits():
    p = np.ones(1000)
    p[0] = 1 - 2.0**-40
    assert fl.Dice(0.0)(np.ones(1000), p) == pytest.approx(2.0**-41 / 1000, rel=1e-9)


@losses
@dtypes
def test_pieces_do_not_matter(loss, dtype, monkeypatch):
    t, p = masks((9, 3, 50), dtype)
    w = seed_of("weights").uniform(0, 2, 9)
    want = [loss.value_and_gradient(t, p, *more) for more in ((), (w,))]
    for piece in (1, 64, 333):
        monkeypatch.setattr(overlap, "_PIECE", piece)
        for more, (value, g) in zip(((), (w,)), want, strict=True):
            got = loss.value_and_gradient(t, p, *more)
            assert got[0] == pytest.approx(value, rel=1e-14)
            np.testing.assert_allclose(got[1], g, rtol=1e-6 if dtype == np.float32 else 1e-13)


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


def test_nan_propagates():
    t, p = masks((4, 3))
    p[1, 2] = math.nan
    value, g = fl.Dice().value_and_gradient(t, p)
    assert math.isnan(value)
    assert np.isnan(g).all()


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
    "out": (lambda: fl.Dice().gradient(Y, Z, out=np.empty(4)), ValueError, r"out has shape \(4,\): expected y_pred's shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call()
