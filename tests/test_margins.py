"""Margins between classes and losses of several labels: forms of targets, ties, what is not finite."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from cases import DTYPES, everything, same_bits, seed_of

import fastloss as fl
from fastloss.reference import Runner

INF, NAN = math.inf, math.nan
SETS = fl.MultiLabelMargin()
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def on_reference(loss):
    other = copy.copy(loss)
    object.__setattr__(other, "_runner", Runner(other))
    return other


BACKENDS = pytest.mark.parametrize("backend", [lambda loss: loss, on_reference], ids=["engine", "reference"])
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def label_sets(n_classes, n=50):
    """Masks, the same as rows of indices, and scores."""
    rng = seed_of("sets", n_classes)
    mask = rng.random((n, n_classes)) < 0.4
    mask[0], mask[1] = False, True
    rows = np.full(mask.shape, -1)
    for row, labels in zip(rows, mask, strict=True):
        found = rng.permutation(np.flatnonzero(labels))
        row[: found.size] = found
    return mask, rows, rng.normal(0, 1, mask.shape)


@BACKENDS
@dtypes
@pytest.mark.parametrize("n_classes", [1, 2, 7, 300])
def test_masks_and_rows_of_labels_are_the_same(n_classes, dtype, backend):
    mask, rows, z = label_sets(n_classes)
    z, loss = z.astype(dtype), backend(SETS)
    for operation, arguments in everything(loss)[2:]:
        want = getattr(loss, operation)(mask.astype(dtype), z, **arguments)
        for y in (mask, rows, rows.tolist(), rows.astype(np.int32), np.asfortranarray(rows), mask.astype(np.float16)):
            assert all(map(same_bits, getattr(loss, operation)(y, z, **arguments), want))
    accumulator = loss.accumulator()
    accumulator.update(rows[:20], z[:20])
    accumulator.update(mask[20:], z[20:])
    assert accumulator.value() == pytest.approx(loss(mask, z), rel=1e-6)
    shaped = loss.value_and_gradient(rows.reshape(5, 10, -1), z.reshape(5, 10, -1))
    assert shaped[0] == loss(mask, z)


@pytest.mark.parametrize("name", INTEGERS)
def test_rows_of_labels_of_any_integer_type(name):
    """Unsigned ones have no -1: their rows are full."""
    _, rows, z = label_sets(7)
    z, full = z[:5], np.array([[3, 1, 0, 6, 5, 2, 4]] * 5)
    rows = full if name[0] == "u" else rows[:5]
    assert SETS(rows.astype(name), z) == SETS(rows, z)


def test_what_follows_the_end_of_a_row_is_not_looked_at():
    z = [[0.125, 0.25, 0.5, 1.0]]
    assert SETS([[3, 0, -1, 1]], z) == SETS([[3, 0, -1, 99]], z) == SETS([[0, 3, -1, -7]], z) == 0.8125
    assert SETS([[-1, 0, 1, 2]], z) == 0


@BACKENDS
@dtypes
@pytest.mark.parametrize("n_classes", [2, 5, 40, 300])
def test_subgradients_at_ties_and_on_the_margin(n_classes, dtype, backend):
    """The first of equal rivals; none exactly on the margin."""
    z = np.zeros((2, n_classes), dtype)
    y = np.array([0, n_classes - 1])
    gradient = backend(fl.CategoricalHinge()).gradient(y, z, reduction="none")
    want = np.zeros_like(z)
    want[[0, 1], y], want[[0, 1], [1, 0]] = -1, 1
    assert np.array_equal(gradient, want)
    z[[0, 1], y] = 1
    mask = np.eye(n_classes)[y]
    for loss, target in ((fl.CategoricalHinge(), y), (fl.MultiMargin(), y), (fl.MultiMargin(2), y), (SETS, mask)):
        value, gradient = backend(loss).value_and_gradient(target, z)
        assert value == 0
        assert not gradient.any()
        assert not backend(loss).gradient_and_hessian(target, z)[1].any()
        assert not np.signbit(gradient).any() or backend is on_reference


@BACKENDS
@dtypes
@pytest.mark.parametrize("n_classes", [3, 17, 130, 300])
def test_nan_shows_and_stays_in_its_row(n_classes, dtype, backend):
    z = np.ones((40, n_classes), dtype)
    z[7, 1] = NAN
    labels, mask = np.zeros(40, int), np.arange(n_classes) * np.ones((40, 1)) == 0
    for loss, y in (
        *((loss, labels) for loss in (fl.MultiMargin(), fl.MultiMargin(2), fl.CategoricalHinge())),
        *((loss, mask) for loss in (fl.MultiLabelSoftMargin(), SETS)),
    ):
        value, gradient = backend(loss).value_and_gradient(y, z, reduction="none")
        hessian = backend(loss).gradient_and_hessian(y, z, reduction="none")[1]
        for part in (value, gradient, hessian):
            assert np.isnan(part[7]).any(), loss
            assert np.isnan(gradient[7, 1]), loss
            assert np.isfinite(np.delete(part, 7, axis=0)).all(), loss
    # where no pair has it, too
    assert np.isnan(backend(SETS)(np.zeros_like(mask), z, reduction="none")).tolist() == [i == 7 for i in range(40)]


@BACKENDS
@dtypes
@pytest.mark.parametrize("n_classes", [3, 17, 130, 300])
def test_infinite_scores(n_classes, dtype, backend):
    """A masked class is no rival, though padding has its score; a label that is masked is infinitely wrong."""
    z = np.zeros((2, n_classes), dtype)
    z[0, 1] = z[1, 0] = -INF
    y = np.zeros(2, int)
    for loss, value in ((fl.MultiMargin(), (n_classes - 2) / n_classes), (fl.CategoricalHinge(), 1)):
        got, gradient = backend(loss).value_and_gradient(y, z, reduction="none")
        assert got.tolist() == pytest.approx([value, INF], rel=1e-6)
        assert gradient[0, 1] == 0
        assert np.isfinite(gradient).all()
    masks = np.eye(n_classes)[y]
    got = backend(SETS)(masks, z, reduction="none")
    assert got.tolist() == pytest.approx([(n_classes - 2) / n_classes, INF], rel=1e-6)
    assert np.isinf(backend(fl.MultiLabelSoftMargin())(masks, z, reduction="none")).tolist() == [False, True]
    nothing = (0.0,) + (1.0,) * (n_classes - 1)  # a label without weight costs nothing, however wrong
    for loss in (fl.MultiMargin(2, class_weight=nothing), fl.CategoricalHinge(class_weight=nothing)):
        assert backend(loss)(y, z, reduction="none").tolist() == [0, 0]
        assert not backend(loss).gradient(y, z, reduction="none").any()


def test_weights_of_labels_are_no_weights_of_a_mean():
    z, t = np.zeros((4, 3)), np.eye(3)[[0, 1, 2, 0]]
    doubled = fl.MultiLabelSoftMargin([2, 2, 2])
    assert doubled(t, z) == 2 * fl.MultiLabelSoftMargin()(t, z)
    assert doubled(t, z, [1.0, 0.0, 3.0, 0.0]) == pytest.approx(2 * math.log(2))
    assert fl.MultiMargin(class_weight=[2, 2, 2])([0, 1, 2, 0], z) == fl.MultiMargin()([0, 1, 2, 0], z)


def test_optimum_of_a_hinge_needs_a_majority():
    hinge = fl.CategoricalHinge(2.0)
    assert hinge.optimum([0, 1, 1, 2, 1]).tolist() == [0, 2, 0]
    assert hinge.optimum([0, 1, 1, 2]).tolist() == [0, 0, 0]
    assert hinge.optimum([0, 1, 1, 2], [5.0, 1.0, 1.0, 1.0]).tolist() == [2, 0, 0]
    assert fl.CategoricalHinge(class_weight=[9, 1, 1]).optimum([0, 1, 1, 2]).tolist() == [1, 0, 0]
    np.testing.assert_allclose(fl.MultiLabelSoftMargin().optimum([[1, 0.5], [0.5, 0]]), [math.log(3), -math.log(3)])


def test_too_many_labels_for_one_addition():
    """Values add up what is large and small without loss: 500 labels against 500 others."""
    rng = seed_of("many")
    z = rng.normal(0, 1, (3, 1000))
    mask = np.arange(1000) * np.ones((3, 1)) < 500
    d = 1 + (z[:, None, 500:] - z[:, :500, None]).astype(np.longdouble)
    want = np.maximum(d, 0).sum(axis=(1, 2)) / 1000
    np.testing.assert_allclose(SETS(mask, z, reduction="none"), want.astype(float), rtol=4e-16)
