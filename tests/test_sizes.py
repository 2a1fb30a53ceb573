"""Every size and every start: the bits of an element depend on it alone, not on where it lies or what is beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import DEFAULTS, DTYPES, WIDE, data, everything, for_classes, same_bits

import fastloss as fl

TILE, BLOCK, ROWS = 512, 4096, 512  # of src_c/tile.h and the driver
SIZES = [
    *range(258),
    *(edge + d for edge in (TILE, 2 * TILE, BLOCK, 2 * BLOCK) for d in (-17, -16, -15, -1, 0, 1, 15, 16, 17)),
]
CLASSES = (1, 2, 3, 7, 10, 16, 17, 47, 48, 49, 64, 100, 127, 128, 129, 255, 256, 257, WIDE, 1000)

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
no_classes = pytest.mark.parametrize("loss", [loss for loss in DEFAULTS if loss.layout != "classes"], ids=repr)
classes = pytest.mark.parametrize("loss", [loss for loss in DEFAULTS if loss.layout == "classes"], ids=repr)


def every_array(loss, y, z, w):
    """All that the loss says about each element, unreduced."""
    for operation, arguments in everything(loss)[2:]:
        call = getattr(loss, operation)
        for part, array in zip(
            "vg" if operation == "value_and_gradient" else "gh",
            call(y, z, w, reduction="none", **arguments),
            strict=True,
        ):
            yield f"{part} of {operation} {arguments}", array


@dtypes
@no_classes
def test_every_size(loss, dtype):
    n = max(SIZES)
    y, z = data(loss, n, dtype)
    w = np.random.default_rng(0).uniform(0.1, 2, n).astype(dtype)
    for weight in (None, w):
        whole = dict(every_array(loss, y, z, weight))
        for size in SIZES:
            part = every_array(loss, y[:size], z[:size], None if weight is None else weight[:size])
            for name, array in part:
                assert same_bits(array, whole[name][:size]), f"{name}, n={size}, weighted={weight is not None}"


@dtypes
@no_classes
def test_every_start(loss, dtype):
    """Offsets of 0..63 elements into a buffer: no alignment is taken for granted."""
    y, z = data(loss, 700, dtype)
    w = np.random.default_rng(0).uniform(0.1, 2, 700)
    whole = dict(every_array(loss, y, z, w))
    for start in range(64):
        for name, array in every_array(loss, y[start:], z[start:], w[start:]):
            assert same_bits(array, whole[name][start:]), f"{name} from {start}"
        for other in (0, 1):  # y, z and w need not be aligned alike
            piece = slice(start, start + 300)
            copy = y[piece].copy(), w[piece].copy()
            target, weight = copy if other else (y[piece], w[piece])
            assert same_bits(
                loss.gradient(target, z[piece], weight, reduction="none"), whole["g of value_and_gradient {}"][piece]
            )


@dtypes
@no_classes
def test_sums_of_every_size(loss, dtype):
    n = max(SIZES)
    y, z = data(loss, n, dtype)
    each = loss(y, z, reduction="none").astype(np.float64)
    for size in SIZES:
        got = loss(y[:size], z[:size], reduction="sum")
        exact = math.fsum(each[:size])
        assert abs(got - exact) <= 2.0**-23 * math.fsum(np.abs(each[:size])), f"n={size}"


@dtypes
@classes
def test_every_number_of_rows(loss, dtype):
    for n_classes in (3, WIDE):
        this = for_classes(loss, n_classes)
        n = ROWS + 40 if n_classes == 3 else 200
        y, z = data(this, n, dtype, n_classes)
        w = np.random.default_rng(0).uniform(0.1, 2, n)
        whole = dict(every_array(this, y, z, w))
        sizes = [*range(70), *range(ROWS - 18, ROWS + 40)] if n_classes == 3 else [*range(40), *range(140, 200)]
        for size in sizes:
            start = size % 13 if size < 40 else 0
            rows = slice(start, start + size)
            for name, array in every_array(this, y[rows], z[rows], w[rows]):
                assert same_bits(array, whole[name][rows]), f"{name} of {size} rows from {start}, K={n_classes}"


@dtypes
@classes
@pytest.mark.parametrize("n_classes", CLASSES)
def test_every_number_of_classes(n_classes, loss, dtype):
    """Blocks of rows are shorter the more classes there are; the layout of the lanes changes at 128 or 256."""
    this = for_classes(loss, n_classes)
    n = min(700, max(20, 20_000 // n_classes))
    y, z = data(this, n, dtype, n_classes)
    whole = dict(every_array(this, y, z, None))
    for size in (1, 2, 15, 16, 17, n - 1):
        for name, array in every_array(this, y[-size:], z[-size:], None):
            assert same_bits(array, whole[name][-size:]), f"{name} of the last {size} rows"
    exact = dict(zip(("v", "g"), this.reference(y, z.astype(np.longdouble))[:2], strict=True))
    eps = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(whole["v of value_and_gradient {}"], exact["v"].astype(float), rtol=eps, atol=eps)
    np.testing.assert_allclose(whole["g of value_and_gradient {}"], exact["g"].astype(float), rtol=eps, atol=eps)


def test_one_class_is_certain():
    for loss in (fl.SparseCategoricalCrossEntropy(from_logits=True), fl.SparseCategoricalCrossEntropy()):
        value, gradient = loss.value_and_gradient([0, 0], [[1.0], [1.0]], reduction="none")
        assert value.tolist() == [0, 0]
        assert gradient.ravel().tolist() == ([0, 0] if loss.from_logits else [-1, -1])


@pytest.mark.long  # a row of 1 GiB
def test_more_classes_than_a_float_counts():
    """Beyond 2^24 groups of lanes: one score stands out, the others are nothing beside it."""
    scores = np.full((1, (16 << 24) + 128), -200, np.float32)
    scores[0, 5] = 0
    assert fl.SparseCategoricalCrossEntropy(from_logits=True)([5], scores) == 0


@dtypes
@pytest.mark.parametrize("loss", [fl.Huber(), fl.GaussianNLL()], ids=repr)
def test_large_arrays_go_past_the_cache_with_the_same_bits(loss, dtype):
    """Beyond the last-level cache outputs are streamed; starts of any alignment, a remainder at the end."""
    n = 5_000_003
    rng = np.random.default_rng(3)
    y, z = rng.normal(size=n).astype(dtype), rng.normal(size=(n, *([2] if loss.has_rows else []))).astype(dtype)
    out = np.empty(z.size + 3, dtype)
    for start in (0, 1, 3):
        into = out[start : start + z.size].reshape(z.shape)
        value, gradient = loss.value_and_gradient(y, z, reduction="none", out=into)
        g, h = loss.gradient_and_hessian(y, z, reduction="none")
        for piece in (slice(0, 5000), slice(2_500_000, 2_500_777), slice(n - 5000, n)):
            small = loss.value_and_gradient(y[piece], z[piece], reduction="none")
            assert same_bits(value[piece], small[0])
            assert same_bits(gradient[piece], small[1])
            assert same_bits(h[piece], loss.gradient_and_hessian(y[piece], z[piece], reduction="none")[1])
        assert same_bits(g, gradient)
