"""Divergences between rows: how they are related, their limits, the digits of rows that are close or confident."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import DTYPES

import fastloss as fl

KL, REVERSE, JS, TV = fl.KLDivergence, fl.ReverseKLDivergence, fl.JensenShannon, fl.TotalVariation
INF = math.inf
LONG = np.longdouble
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def rows(n=200, classes=5):
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(classes), n), rng.dirichlet(np.ones(classes), n)


def test_how_they_are_related():
    t, p = rows()
    m = (t + p) / 2
    each = {"reduction": "none"}
    np.testing.assert_allclose(REVERSE()(t, p, **each), KL()(p, t, **each), rtol=1e-11)
    np.testing.assert_allclose(JS()(t, p, **each), (KL()(t, m, **each) + KL()(p, m, **each)) / 2, rtol=1e-11)
    for loss in (JS(), TV()):
        np.testing.assert_allclose(loss(t, p, **each), loss(p, t, **each), rtol=1e-14)
    tv, js = TV()(t, p, **each), JS()(t, p, **each)
    assert (tv**2 / 2 <= js).all()  # Pinsker's inequality, for either half
    assert (js <= tv * math.log(2)).all()  # Lin 1991
    assert (2 * tv**2 <= KL()(t, p, **each)).all()


@dtypes
def test_the_most_and_the_least(dtype):
    t, p = np.array([[1, 0], [0.5, 0.5]], dtype), np.array([[0, 1], [0.5, 0.5]], dtype)
    assert JS()(t, p, reduction="none") == pytest.approx([math.log(2), 0])
    assert TV()(t, p, reduction="none").tolist() == [1, 0]
    assert REVERSE()(t, p, reduction="none").tolist() == [INF, 0]
    for cls in (REVERSE, JS, TV):
        value, gradient = cls(from_logits=True).value_and_gradient(np.ones((3, 1), dtype), np.zeros((3, 1), dtype))
        assert (value, gradient.tolist()) == (0, [[0]] * 3)


@dtypes
def test_digits_of_rows_that_are_close(dtype):
    """Jensen-Shannon is a square of the difference: 1e-12 here, which sums of t log t lose."""
    t, _ = rows()
    p = (t * (1 + 1e-6 * np.random.default_rng(1).normal(size=t.shape))).astype(dtype)
    t = t.astype(dtype)
    loss = JS()
    got = loss.value_and_gradient(t, p, reduction="none")
    want = loss.reference(t.astype(LONG), p.astype(LONG))
    for ours, exact in zip(got, want, strict=False):
        np.testing.assert_allclose(ours, exact.astype(np.float64), rtol=4 * np.finfo(dtype).eps)


@dtypes
def test_digits_of_confident_rows(dtype):
    share = np.exp(np.array([-20, -40], LONG))  # that the other class has
    z, t = np.array([[0, -20], [0, -40]], dtype), np.array([[1, 0], [1, 0]], dtype)
    close = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(TV(from_logits=True)(t, z, reduction="none"), share / (1 + share), **close)
    value, gradient = JS(from_logits=True).value_and_gradient(t, z, reduction="none")
    p = share / (1 + share)  # the other class's terms: (p log 2)/2; the leading one's are of its square
    np.testing.assert_allclose(value, p * np.log(LONG(2)) / 2 + p * p / 8, **close)
    np.testing.assert_allclose(gradient[:, 0], -gradient[:, 1], **close)
    # log-probabilities: 1 - p is -expm1
    z = np.array([[-1e-12, math.log(1e-12)]], dtype)
    for cls, slope in ((JS, -1e-12 / 4), (TV, -0.5)):
        found = cls(from_log_probabilities=True).gradient(t[:1], z)[0, 0]
        assert found == pytest.approx(slope, rel=1e-6, abs=0)


@dtypes
def test_reverse_kl_of_what_the_target_rules_out(dtype):
    """As if the logarithm of its probability were a large negative number."""
    t = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0]], dtype)
    z = np.array([[0, 1, 0], [0, 1, -INF]], dtype)
    value, gradient = REVERSE(from_logits=True).value_and_gradient(t, z, reduction="none")
    assert value[0] == INF
    assert gradient[0].tolist() == [-INF, -INF, INF]
    assert np.isfinite(value[1])
    assert gradient[1, 2] == 0
    assert np.isfinite(gradient[1]).all()
    tiny = np.array([[2.0**-140, 1 - 2.0**-140]], dtype)  # subnormal in float32
    assert REVERSE()(tiny, np.array([[0.5, 0.5]], dtype)) == pytest.approx(-math.log(2) + 70 * math.log(2))


@pytest.mark.parametrize("cls", [REVERSE, JS, TV])
def test_optimum(cls):
    """No other row is better."""
    t, _ = rows(40)
    w = np.random.default_rng(2).random(40)
    best = cls().optimum(t, w)
    assert best.sum() == pytest.approx(1)
    least = cls()(t, np.tile(best, (40, 1)), w)
    rng = np.random.default_rng(3)
    for size in (1e-4, 1e-2, 0.1):
        for _ in range(50):
            other = np.maximum(best + rng.normal(0, size, 5), 1e-12)
            assert cls()(t, np.tile(other / other.sum(), (40, 1)), w) >= least - 1e-15
    np.testing.assert_allclose(np.exp(cls(from_logits=True).optimum(t, w)), best, rtol=1e-13)
    assert cls().optimum(t[:1]) == pytest.approx(t[0])


def test_no_optimum():
    with pytest.raises(ValueError, match="the optimum of reverse_kl_divergence is undefined: every class has a row"):
        REVERSE().optimum(np.eye(3))
