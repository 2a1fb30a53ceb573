"""Sums of terms over the classes: targets that are rows, the Hessian times a vector, probabilities and gradient."""

from __future__ import annotations

import bounds
import numpy as np
import pytest
from cases import CLASSES, DTYPES, OF_ROWS, WIDE, call, data, everything, for_classes, n_classes_of, same_bits, seed_of

import fastloss as fl
from fastloss import reference

LONG = np.longdouble
SOFTMAX = [loss for loss in CLASSES if loss.curvature == "softmax"]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
of_rows = pytest.mark.parametrize("loss", OF_ROWS, ids=repr)
softmax = pytest.mark.parametrize("loss", SOFTMAX, ids=repr)
K = (1, 2, 3, 16, 17, WIDE)


def weights(loss, n):
    w = seed_of(loss.name, n).uniform(0, 2, n)
    w[::7] = 0
    return w


@dtypes
@of_rows
def test_rows_against_the_reference(loss, dtype):
    for classes in K:
        some = for_classes(loss, classes)._of_rows()
        y, z = data(some, 200, dtype, classes)
        found = bounds.exact(some, y, z)
        scale = bounds.scales(some, y, z, found)
        for operation, options in everything(some):
            quantity = options.get("hessian", operation)
            got = call(some, operation, y, z, reduction="none", **options)[-1]
            if quantity in found:
                error = bounds.ulp_error(got, found[quantity], scale[quantity]).max()
                assert error <= bounds.allowed(some, quantity), (quantity, classes)


@of_rows
def test_a_loss_of_labels_runs_the_one_of_rows(loss):
    labels = type(loss)(**loss.params)
    y, z = data(loss, 50, np.float64, n_classes_of(loss))
    w = weights(loss, 50)
    for operation, options in everything(loss):
        for ours, its in zip(
            call(labels, operation, y, z, w, **options), call(loss, operation, y, z, w, **options), strict=True
        ):
            assert same_bits(ours, its)
    accumulator = labels.accumulator()
    accumulator.update(y[:20], z[:20], w[:20])
    accumulator.update(y[20:], z[20:], w[20:])
    assert accumulator.value() == pytest.approx(labels(y, z, w), rel=1e-12)
    np.testing.assert_allclose(labels.optimum(y, w), loss.optimum(y, w), rtol=0, atol=0)


@of_rows
def test_rows_of_one_class_are_its_label(loss):
    """With what a label may be: an integer of any width."""
    labels = type(loss)(**loss.params)
    rng = seed_of(repr(loss))
    classes = n_classes_of(loss)
    index = rng.integers(0, classes, 60)
    index[index == loss.params.get("ignore_index")] = 0
    _, z = data(labels, 60, np.float64, classes)
    rows = np.eye(classes)[index]
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        y = index.astype(kind)
        assert labels(y, z) == pytest.approx(loss(rows, z), rel=1e-12)
        for operation, options in everything(loss):
            for of_label, of_row in zip(
                call(labels, operation, y, z, **options), call(loss, operation, rows, z, **options), strict=True
            ):
                np.testing.assert_allclose(of_label, of_row, rtol=1e-9, atol=1e-14)


@dtypes
@softmax
def test_hessian_times_a_vector(loss, dtype):
    """Against differences of the exact gradient, and the diagonal."""
    for classes in (2, 3, 17, WIDE):
        some = for_classes(loss, classes)
        y, z = data(some, 40, dtype, classes, kinks=False)
        z = np.clip(z - z.max(-1, keepdims=True), -12, 0).astype(dtype)
        if some.name == "reverse_kl_divergence":  # whose slope has no end where a target is 0
            y = ((y + dtype(0.01)) / (1 + dtype(0.01) * classes)).astype(dtype)
        u = seed_of(repr(loss), classes).normal(size=z.shape).astype(dtype)
        got = some.hessian_vector_product(y, z, u, reduction="none")
        step = LONG(1e-6)
        y_, z_, u_ = (x if x.dtype.kind != "f" else x.astype(LONG) for x in (y, z, u))
        if some.name != "total_variation":  # a kink may lie between
            above, below = (some.reference(y_, z_ + s * step * u_)[1] for s in (1, -1))
            size = np.abs(u_).max() * 4 * (1 + some.params.get("z_loss", 0) * 50)
            error = np.abs(got - (above - below) / (2 * step)).max()
            assert error <= (1e-10 + 40 * np.finfo(dtype).eps) * size, classes
        np.testing.assert_allclose(got, some.hessian_product(y_, z_, u_), rtol=0, atol=float(100 * np.finfo(dtype).eps))
        one = np.zeros_like(z)
        one[:, 1] = 1
        h = some.gradient_and_hessian(y, z, reduction="none")[1][:, 1]
        product = some.hessian_vector_product(y, z, one, reduction="none")[:, 1]
        np.testing.assert_allclose(product, h, rtol=0, atol=float(60 * np.finfo(dtype).eps))


@pytest.mark.parametrize(
    "loss", [loss for loss in (*CLASSES, *OF_ROWS) if loss.takes_rows and "fisher" in loss.hessian_kinds], ids=repr
)
def test_the_fisher_kind_of_the_focal_family(loss):
    """A p (1 - p), A = -p phi'(p) by the gradient in the scores; of rows the sum over classes of t A."""
    y, z = data(loss, 60, np.float64, n_classes_of(loss))
    gradient, fisher = loss.gradient_and_hessian(y, z, hessian="fisher", reduction="none")
    p = loss.inverse_link(z)
    assert (fisher >= 0).all()
    spread = (p.max(1) < 0.99) & (p.min(1) > 1e-4)
    assert spread.sum() > 20
    y, p, gradient = y[spread], p[spread], gradient[spread]
    weight = fisher[spread] / (p * (1 - p))
    np.testing.assert_allclose(weight, weight[:, [0]] + 0 * p, rtol=1e-9)
    if loss.takes_labels and not loss.label_smoothing:  # the gradient elsewhere than at the label is A p
        other = np.where(np.arange(p.shape[1]) == np.reshape(y, (-1, 1)), -np.inf, gradient / p).max(1)
        np.testing.assert_allclose(other, weight[:, 0], rtol=1e-9)


@pytest.mark.parametrize("gamma", [0.0, 0.7, 2.0, 3.0])
def test_binary_focal_has_the_fisher_kind_of_two_classes(gamma):
    rng = np.random.default_rng(5)
    y, z = rng.integers(0, 2, 200), rng.normal(scale=4, size=200)
    binary = fl.BinaryFocal(gamma, alpha=0.25, from_logits=True)
    rows = fl.CategoricalFocal(gamma, class_weight=(0.75, 0.25), from_logits=True)
    _, found = binary.gradient_and_hessian(y, z, hessian="fisher", reduction="none")
    _, want = rows.gradient_and_hessian(y, np.stack([0 * z, z], axis=1), hessian="fisher", reduction="none")
    np.testing.assert_allclose(found, want[:, 1], rtol=1e-13)


@softmax
def test_products_and_probabilities_of_weighted_means(loss):
    for classes in (3, WIDE):
        some = for_classes(loss, classes)
        y, z = data(some, 700, np.float32, classes)
        w = weights(loss, 700)
        if loss.name == "reverse_kl_divergence":  # whose slope has no end where a target is 0
            y = ((y + np.float32(0.01)) / (1 + np.float32(0.01) * classes)).astype(np.float32)
        u = seed_of(repr(loss)).normal(size=z.shape).astype(np.float32)
        g, p = some.gradient_and_probabilities(y, z, w)
        assert same_bits(g, some.gradient(y, z, w))
        np.testing.assert_allclose(p, some.inverse_link(z), rtol=1e-4, atol=1e-30)
        product = some.hessian_vector_product(y, z, u, w)
        assert not product[::7].any()
        alone = some.hessian_vector_product(y, z, u, reduction="none")
        mean = np.sum(w * some.row_weight(y, classes))
        np.testing.assert_allclose(product, alone * (w / mean)[:, None].astype(np.float32), rtol=1e-5, atol=1e-12)
        out = np.empty_like(z)
        assert some.hessian_vector_product(y, z, u, w, out=out, n_threads=2) is out
        assert same_bits(out, product)
        outs = np.empty_like(z), np.empty_like(z)
        found = some.gradient_and_probabilities(y, z, w, out=outs, n_threads=2)
        assert found[0] is outs[0]
        assert same_bits(found[1], p)


@softmax
def test_the_numpy_backend_computes_them_too(loss):
    y, z = data(loss, 30, np.float64, n_classes_of(loss))
    u = seed_of(repr(loss)).normal(size=z.shape)
    runner = reference.Runner(loss)
    from fastloss.operations import PRODUCT, SHARES

    ours = loss.hessian_vector_product(y, z, u)
    theirs = runner.run(PRODUCT, y, z, None, "mean", None, None, vector=u)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(
        loss.gradient_and_probabilities(y, z), runner.run(SHARES, y, z, None, "mean", None, None), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-14)


def test_products_of_other_losses():
    y, z = np.array([1.0, 2.0]), np.array([1.5, 0.0])
    np.testing.assert_allclose(fl.SquaredError().hessian_vector_product(y, z, [3.0, -1.0]), [3, -1])
    both = 0.5 * fl.SquaredError() + fl.LogCosh()
    np.testing.assert_allclose(
        both.hessian_vector_product(y, z, [1.0, 1.0]), both.gradient_and_hessian(y, z)[1], rtol=1e-15
    )
    labels, scores, u = [0, 2], np.array([[1.0, 0, 2], [0, 0, 1]]), np.array([[1.0, 2, 3], [0, 1, 0]])
    one, other = fl.SparseCategoricalCrossEntropy(from_logits=True), fl.CategoricalFocal(from_logits=True)
    both = 0.25 * one + 2 * other
    np.testing.assert_allclose(
        both.hessian_vector_product(labels, scores, u),
        0.25 * one.hessian_vector_product(labels, scores, u) + 2 * other.hessian_vector_product(labels, scores, u),
        rtol=1e-14,
    )
    np.testing.assert_allclose(both.gradient_and_probabilities(labels, scores)[1], one.inverse_link(scores), rtol=1e-15)
    for loss in (fl.GaussianNLL(), fl.RootMeanSquaredError()):
        with pytest.raises(ValueError, match="has no hessian_vector_product"):
            loss.hessian_vector_product([1.0], [[1.0, 2.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="takes no raw scores of a softmax"):
        fl.SparseCategoricalCrossEntropy().gradient_and_probabilities([0], [[0.5, 0.5]])


def test_what_may_not_come_in():
    loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
    y, z, u = np.array([0, 1]), np.zeros((2, 3)), np.ones((2, 3))
    with pytest.raises(ValueError, match=r"vector has shape \(2,\): expected y_pred's shape \(2, 3\)"):
        loss.hessian_vector_product(y, z, [1.0, 2.0])
    for name, out in (("y_pred", z), ("vector", u)):
        with pytest.raises(ValueError, match=f"out overlaps {name}, which the product reads to the end"):
            loss.hessian_vector_product(y, z, u, out=out)
    assert not z.any()
    assert (u == 1).all()
    np.testing.assert_allclose(loss.hessian_vector_product(y, z, [[1, 0, 0], [0, 0, 0]])[0], [1 / 9, -1 / 18, -1 / 18])
    with pytest.raises(TypeError, match=r"expected a tuple \(gradient, probabilities\) of two arrays"):
        loss.gradient_and_probabilities(y, z, out=np.empty_like(z))
    with pytest.raises(ValueError, match=r"expected y_true of shape \(2,\) for class indices, or \(2, 3\) for rows"):
        fl.Poly1(from_logits=True)(np.zeros((2, 2)), z)
    with pytest.raises(ValueError, match=r"y_true\[1\] sums to 2: poly1 expects rows that sum to 1"):
        fl.Poly1(from_logits=True)([[0, 1, 0], [1, 1, 0]], z)


@dtypes
def test_two_classes_are_the_binary_loss(dtype):
    rng = seed_of("two classes")
    z, y = rng.normal(0, 3, 100).astype(dtype), rng.integers(0, 2, 100)
    two = np.stack([np.zeros_like(z), z], axis=1)
    close = {"rtol": 1e-4 if dtype == np.float32 else 1e-12, "atol": 1e-6 if dtype == np.float32 else 1e-14}
    for many, binary, factor in (
        (fl.CategoricalFocal(from_logits=True), fl.BinaryFocal(from_logits=True), 1),
        (fl.SparseCategoricalCrossEntropy(from_logits=True), fl.BinaryCrossEntropy(from_logits=True), 1),
        (fl.CategoricalBrier(from_logits=True), fl.Brier(from_logits=True), 2),
    ):
        value, gradient = many.value_and_gradient(y, two)
        expected = binary.value_and_gradient(y, z)
        np.testing.assert_allclose(value, factor * expected[0], **close)
        np.testing.assert_allclose(gradient[:, 1], factor * expected[1], **close)
        np.testing.assert_allclose(gradient[:, 0], -factor * expected[1], **close)


def test_very_many_classes():
    """More than blocks and tiles have room for; one row is uniform, one ruled by an infinite score."""
    n = 200_000
    z = seed_of("many").normal(0, 3, (4, n)).astype(np.float32)
    z[1] = -np.inf
    z[2, 7] = np.inf
    y = np.array([5, n - 1, 7, 0])
    for cls in (fl.Poly1, fl.CategoricalFocal, fl.GeneralizedCrossEntropy, fl.CategoricalBrier):
        for options in ({}, {"label_smoothing": 0.1}):
            loss = cls(from_logits=True, **options)
            rows = np.zeros((4, n), np.float32)
            rows[np.arange(4), y] = 1
            with np.errstate(all="ignore"):
                want = loss.reference(y, z.astype(LONG))
            for target in (y, rows):
                got = (loss(target, z, reduction="none"), loss.gradient(target, z, reduction="none"))
                for ours, exact in zip(got, want, strict=False):
                    np.testing.assert_allclose(ours, exact.astype(float), rtol=2e-4, atol=1e-9)
