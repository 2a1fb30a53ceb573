"""Gradients are derivatives of values, Hessians of gradients; bounds bound, and Fisher information is expected."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LOSSES, WIDE, _inside, data, for_classes

import fastloss as fl
from fastloss import domains

LONG = np.longdouble
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)
# Central differences of fourth order with steps of 1e-4 in longdouble: truncation (1e-4)^4, rounding 1e-19 / 1e-4.
STEP = LONG(2.0**-13)
RTOL = 1e-9


def steps(loss, z):
    """A step for every prediction: relative where predictions are positive, and never out of the domain."""
    low, high = loss.prediction_domain.low, loss.prediction_domain.high
    if loss.prediction_domain.code is None or low == -np.inf:
        return np.full(z.shape, STEP)
    return STEP * np.minimum(z, (1 - z) if high == 1 and not loss.has_rows else z)


def difference(f, z, h):
    """df/dz, and how far it is to be trusted: beside a kink, half the step says something else."""

    def slope(h):
        return (8 * (f(z + h) - f(z - h)) - (f(z + 2 * h) - f(z - 2 * h))) / (12 * h)

    with np.errstate(all="ignore"):
        coarse, fine = slope(h), slope(h / 2)
        return fine, np.abs(coarse - fine)


def along(loss, y, z, which):
    """Derivative along each prediction of value (0) or gradient (1)."""
    h = steps(loss, z)
    if not loss.has_rows:
        return difference(lambda x: loss.reference(y, x)[which], z, h)
    found, unsure = np.empty_like(z), np.empty_like(z)
    for k in range(z.shape[-1]):
        axis = np.arange(z.shape[-1]) == k
        if which == 0:
            f = lambda x, axis=axis: loss.reference(y, np.where(axis, x[:, None], z))[0]  # noqa: E731
        else:
            f = lambda x, axis=axis, k=k: loss.reference(y, np.where(axis, x[:, None], z))[1][:, k]  # noqa: E731
        found[:, k], unsure[:, k] = difference(f, z[:, k], h[:, k])
    return found, unsure


@losses
def test_derivatives(loss):
    y, z = data(loss, 60 if loss.layout == "classes" else 400, np.float64, kinks=False)
    long = z.astype(LONG)
    y_long = y if loss.takes_labels else y.astype(LONG)
    value = np.abs(loss(y, z, reduction="none"))
    gradient, hessian = loss.gradient_and_hessian(y, z, reduction="none")
    for which, got, size in ((0, gradient, value), (1, hessian, np.abs(gradient))):
        want, unsure = along(loss, y_long, long, which)
        size = size[..., None] if size.ndim < got.ndim else size
        error = np.abs(got - want)
        # rounding of the differences is relative to what was subtracted
        allowed = RTOL * np.abs(want) + 1e-14 * size / (steps(loss, long) / STEP) + unsure + 1e-300
        trusted = (unsure <= 1e-10 * np.abs(want) + 1e-13) | ((want == 0) & (got == 0))
        assert trusted.mean() > 0.85, f"derivative {which + 1}: too few points to judge"
        bad = trusted & ~(error <= allowed)
        at = np.argwhere(bad)
        assert not at.size, (
            f"derivative {which + 1} at {at[0]}: got {got[tuple(at[0])]!r}, differences say {want[tuple(at[0])]!r}; "
            f"y={y[at[0][0]]}, z={z[at[0][0]]}"
        )


@losses
def test_hessian_of_a_convex_loss_and_its_floor(loss):
    y, z = data(loss, 300 if loss.layout == "classes" else 2000)
    hessian = loss.gradient_and_hessian(y, z, reduction="none")[1]
    if loss.convex:
        assert (hessian >= 0).all()
    floor = loss.gradient_and_hessian(y, z, reduction="none", hessian="floor")[1]
    assert (floor >= 1e-6).all() or loss.params.get("ignore_index") is not None
    assert np.array_equal(floor, np.where(hessian < 1e-6, 1e-6, hessian)) or loss.params.get("ignore_index") is not None


def test_a_clip_is_neither_convex_nor_smooth():
    loss = fl.BinaryCrossEntropy(clip=0.1)
    low, middle, high = loss(np.ones(3), np.array([0.0, 0.1, 0.2]), reduction="none")
    assert middle > (low + high) / 2
    assert (loss.convex, loss.smoothness) == (False, 0)
    assert (fl.BinaryCrossEntropy().convex, fl.BinaryCrossEntropy().smoothness) == (True, 2)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if "majorize" in loss.hessian_kinds], ids=repr)
def test_majorizer_lies_above(loss):
    n = 80 if loss.layout == "classes" else 300
    rng = np.random.default_rng(1)
    for n_classes in (3, WIDE) if loss.layout == "classes" else (0,):
        this = for_classes(loss, n_classes) if n_classes else loss
        y, z = data(this, n, np.float64, n_classes)
        value = this(y, z, reduction="none")
        gradient, curvature = this.gradient_and_hessian(y, z, reduction="none", hessian="majorize")
        touching = np.inf
        for size in (1e-4, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0):
            for _ in range(6):
                step = _inside(this.prediction_domain, z + rng.normal(0, size, z.shape), np.float64) - z
                if n_classes and rng.random() < 0.5:  # along one score
                    step *= np.arange(n_classes) == rng.integers(n_classes)
                change = gradient * step + curvature * step * step / 2
                bound = value + (change.sum(axis=-1) if n_classes else change)
                there = this(y, z + step, reduction="none")
                slack = 1e-12 * (1 + np.abs(value) + np.abs(there))
                if not n_classes:  # beside a kink the curvature is that of |r| = 1e-6: 2 s + 1e6 s^2/2 >= -2e-6
                    slack = slack + np.where(curvature >= 1e3, 2e-6, 0)
                worst = np.min(bound - there + slack)
                assert worst >= 0, f"the loss is {-worst:g} above its bound after a step of {size:g}"
                touching = min(touching, float(np.median(np.abs(bound - there))))
        assert touching < 1e-3, "the bound does not touch the loss"


def _has_model(loss):
    """Class weights, smoothing and ignored rows are no part of the model whose Fisher information it is.

    The focal family is no likelihood: by its definition it has that of softmax, weighed (test_terms.py).
    """
    extras = ("class_weight", "label_smoothing", "ignore_index")
    weighed = ("binary_focal", "categorical_focal", "generalized_cross_entropy", "poly1")
    plain = loss.name not in weighed and not any(loss.params.get(name) for name in extras)
    return "fisher" in loss.hessian_kinds and plain


@pytest.mark.parametrize("loss", list(filter(_has_model, LOSSES)), ids=repr)
def test_fisher_is_the_expected_hessian(loss):
    y, z = data(loss, 200, np.float64)
    mean = loss.inverse_link(z)
    if loss.layout == "outputs":  # of a normal distribution, by Gauss-Hermite quadrature; not where y - m would be lost
        z = z[np.abs(z[:, 1]) < 2]
        y, sigma = z[:, 0], np.exp(z[:, 1])
        nodes = zip(*np.polynomial.hermite_e.hermegauss(100), strict=True)
        terms = [p * loss.gradient_and_hessian(y + sigma * x, z, reduction="none")[1] for x, p in nodes]
        want = sum(terms) / np.sqrt(2 * np.pi)
    elif loss.takes_labels:
        classes = [np.full(len(z), k) for k in range(z.shape[-1])]
        want = sum(mean[:, [k[0]]] * loss.gradient_and_hessian(k, z, reduction="none")[1] for k in classes)
    elif loss.target_domain is domains.SIGNS:
        negative, positive = (loss.gradient_and_hessian(np.full(len(z), s), z, reduction="none")[1] for s in (-1, 1))
        want = mean * positive + (1 - mean) * negative
    else:  # the Hessian is linear in the target, so the expected one is that of the expected target
        inside = mean > 0 if loss.target_domain.code is not None and not loss.has_rows else np.full(len(z), True)
        y, z, mean = y[inside], z[inside], mean[inside]
        want = loss.gradient_and_hessian(mean, z, reduction="none")[1]
    fisher = loss.gradient_and_hessian(y, z, reduction="none", hessian="fisher")[1]
    np.testing.assert_allclose(fisher, want, rtol=1e-12, atol=1e-300)


@losses
def test_kinds_are_as_listed(loss):
    y, z = data(loss, 20)
    for kind in ("exact", "majorize", "fisher", "floor"):
        if kind in loss.hessian_kinds:
            loss.gradient_and_hessian(y, z, hessian=kind)
        else:
            with pytest.raises(ValueError, match=f"hessian='{kind}': {loss.name} has"):
                loss.gradient_and_hessian(y, z, hessian=kind)
    assert {"exact", "floor"} <= set(loss.hessian_kinds)


def test_known_values():
    """Some numbers by hand, so that not everything rests on differences."""
    g, h = fl.BinaryCrossEntropy(from_logits=True).gradient_and_hessian([1.0, 0.0], [0.0, 0.0], reduction="none")
    assert g.tolist() == [-0.5, 0.5]
    assert h.tolist() == [0.25, 0.25]
    g, h = fl.Huber(2.0).gradient_and_hessian([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], reduction="none")
    assert g.tolist() == [1, 2, 2]
    assert h.tolist() == [1, 1, 0]
    g, h = fl.Poisson().gradient_and_hessian([3.0], [0.0])
    assert g.tolist() == [-2]
    assert h.tolist() == [1]
    assert fl.BinaryFocal()([1, 0], [0.6, 0.6], reduction="none").round(4).tolist() == [0.0817, 0.3299]
    assert fl.SmoothL1()([0, 0], [5.0, 5.0], reduction="sum") == 9
    assert fl.SmoothL1()([0, 0], [2.0, 2.0], reduction="sum") == 3
    for loss in (fl.AbsoluteError(), fl.Quantile(0.3), fl.SmoothL1(0.0)):  # a tie is nobody's fault
        assert loss.gradient([1.0], [1.0]) == 0
