"""Values, gradients and Hessians at hard points, against tables that mpmath made (data/make_tables.py)."""

from __future__ import annotations

import importlib.util
import json
from fractions import Fraction
from pathlib import Path

import bounds
import numpy as np
import pytest
from cases import DTYPES

import fastloss as fl
from fastloss import registry

DATA = Path(__file__).parent / "data"
TABLES = json.loads((DATA / "tables.json").read_text())
LONG = np.longdouble
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def numbers(x):
    """Decimal text to longdouble, at full precision."""
    with np.errstate(over="ignore", under="ignore"):  # some are beyond any range: infinite, or 0
        return np.array([numbers(item) if isinstance(item, list) else LONG(item) for item in x])


def load(table):
    loss = fl.get_loss(table["loss"], **table["params"])
    y = np.array(table["y"])
    if loss.takes_rows and y.ndim == 2:
        loss = loss._of_rows()
    return loss, y if loss.takes_labels else y.astype(LONG), np.array(table["z"]).astype(LONG)


tables = pytest.mark.parametrize(
    "table", TABLES, ids=lambda t: f"{t['loss']}-{'-'.join(map(str, t['params'].values()))}"
)


@dtypes
@tables
def test_table(table, dtype):
    loss, y, z = load(table)
    assert np.array_equal(z.astype(np.float32).astype(LONG), z), "points must be float32 numbers"
    y_ = y if loss.takes_labels else y.astype(dtype)
    want = {key: numbers(table[key]) for key in ("value", "gradient", "exact")}
    with np.errstate(all="ignore"):
        scale = bounds.scales(loss, y, z, want)
    got = {"value": loss(y_, z.astype(dtype), reduction="none")}
    got["gradient"], got["exact"] = loss.gradient_and_hessian(y_, z.astype(dtype), reduction="none")
    for key, result in got.items():
        # a scale that is no number, at the ends of the domain, says nothing: there the result must be the very one
        near = np.where(np.isfinite(scale[key]), scale[key], np.abs(want[key]))
        error = bounds.ulp_error(result, want[key], near)
        at = np.unravel_index(np.argmax(error), error.shape)
        assert error[at] <= bounds.allowed(loss, key), (
            f"{key} of {loss!r} at y={y[at[0]]}, z={z[at[0]]}: {error[at]:.3g} ULP; "
            f"got {result[at]!r}, exact {want[key][at]!r}"
        )


@tables
def test_references_are_good_enough_to_be_the_oracle(table):
    loss, y, z = load(table)
    want = {key: numbers(table[key]) for key in ("value", "gradient", "exact")}
    with np.errstate(all="ignore"):
        scale = bounds.scales(loss, y, z, want)
        got = dict(zip(want, loss.reference(y, z), strict=True))
    for key, result in got.items():
        near = np.where(np.isfinite(scale[key]), scale[key], np.abs(want[key]))
        error = bounds.ulp_error(np.asarray(result, LONG), want[key], near)
        at = np.unravel_index(np.argmax(error), error.shape)
        # a hundredth of a float64 ULP
        assert error[at] <= 16, (
            f"{key} at y={y[at[0]]}, z={z[at[0]]}: {error[at]:.3g}; {result[at]!r}, exact {want[key][at]!r}"
        )


def test_every_loss_has_a_table():
    additive = {
        name for name in registry.list_losses() if registry.loss_class(name).additive
    }  # the other: test_root.py
    assert {table["loss"] for table in TABLES} == additive, "add the new loss to data/make_tables.py"


def test_the_tables_are_what_the_script_makes(tmp_path, monkeypatch):
    pytest.importorskip("mpmath")
    spec = importlib.util.spec_from_file_location("make_tables", DATA / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "make_tables.py"))
    module.main()
    made, kept = (json.loads((path / "tables.json").read_text()) for path in (tmp_path, DATA))
    assert _same_numbers(made, kept)  # to 20 of their 21 digits: in the last, versions of mpmath differ


def _same_numbers(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same_numbers(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same_numbers, a, b))
    if a == b or not isinstance(a, str):
        return a == b
    x, y = Fraction(a), Fraction(b)
    return abs(x - y) <= abs(y) / 10**19


@dtypes
def test_tails_of_binary_cross_entropy(dtype):
    """A5: where the formulas of other libraries return 0 or noise (scikit-learn's, pytorch#195529)."""
    loss = fl.BinaryCrossEntropy(from_logits=True)
    for z in (14.6, 20.0, 33.3, 40.0, 87.0, 700.0):
        score = np.array([z], dtype)
        tail = np.log1p(np.exp(-score.astype(LONG)))  # 4.2e-18 at 40; at 700 it has no float32
        for label, at in ((1, score), (0, -score)):
            value, gradient = loss.value_and_gradient([label], at, reduction="none")
            assert bounds.ulp_error(value, tail) <= 1, f"value at {label}, {at}"
            assert bounds.ulp_error(np.abs(gradient), -np.expm1(-tail)) <= 1.5, f"gradient at {label}, {at}"
        for label, at in ((0, score), (1, -score)):
            assert bounds.ulp_error(loss([label], at, reduction="none"), score + tail) <= 1


@dtypes
def test_all_losses_are_finite_far_out(dtype):
    """scikit-learn#28046: NaN at a raw score of -1000. Losses of scores that grow at most linearly stay finite."""
    z = np.array([1e4, -1e4, 3e38, -3e38, 1e-45, -1e-45], dtype)
    for name in (
        "binary_cross_entropy",
        "hinge",
        "absolute_error",
        "huber",
        "smooth_l1",
        "log_cosh",
        "quantile",
        "binary_focal",
    ):
        loss = fl.get_loss(name, **({"from_logits": True} if name.startswith("binary") else {}))
        for y in (np.zeros(6), np.ones(6)):
            for kind in loss.hessian_kinds:
                results = [
                    loss(y, z, reduction="none"),
                    *loss.gradient_and_hessian(y, z, reduction="none", hessian=kind),
                ]
                for result in results:
                    assert np.isfinite(result).all(), f"{name} y={y[0]} hessian={kind}: {result}"


@dtypes
def test_infinite_scores_of_binary_losses(dtype):
    """The limits: a loss of infinity where the sign is wrong, of 0 where it is right, and finite derivatives."""
    z = np.array([np.inf, -np.inf], dtype)
    for loss in (
        fl.BinaryCrossEntropy(True),
        fl.BinaryFocal(from_logits=True),
        fl.BinaryFocal(0.5, from_logits=True),
        fl.Hinge(),
    ):
        for label, wrong in ((0, 0), (1, 1)):
            value, gradient = loss.value_and_gradient(np.full(2, label), z, reduction="none")
            hessian = loss.gradient_and_hessian(np.full(2, label), z, reduction="none")[1]
            assert value[wrong] == np.inf, loss
            assert value[1 - wrong] == 0, loss
            assert abs(gradient[wrong]) == 1, loss
            assert gradient[1 - wrong] == 0, loss
            assert hessian.tolist() == [0, 0], loss


@dtypes
def test_infinite_scores_of_counts(dtype):
    """A mean of 0 under a count of 0 is a perfect fit, under any other infinitely bad."""
    z = np.array([-np.inf, -np.inf], dtype)
    value, gradient = fl.Poisson().value_and_gradient([0, 2], z, reduction="none")
    assert value.tolist() == [0, np.inf]
    assert gradient.tolist() == [0, -2]
    mu = np.zeros(2, dtype)
    value, gradient = fl.Poisson("identity").value_and_gradient([0, 2], mu, reduction="none")
    assert value.tolist() == [0, np.inf]
    assert gradient.tolist() == [1, -np.inf]


def test_the_saturated_probability():
    """LOSSES.md: the exact value is 20; torch says 100, Keras 16.118, scikit-learn 15.942 in float32."""
    assert fl.BinaryCrossEntropy(from_logits=True)([0.0], np.float32([20])) == 20.0
    assert fl.BinaryCrossEntropy(from_logits=True)([0.0], [20.0]) == pytest.approx(20.0, rel=1e-9)
    assert fl.BinaryCrossEntropy()([0.0], np.float32([1.0])) == np.inf
    assert fl.BinaryCrossEntropy()([1.0], np.float32([1.0])) == 0.0
    for dtype in DTYPES:  # scikit-learn#24315: a clip below the dtype's eps
        for clip in (1e-7, 1e-15):
            loss = fl.BinaryCrossEntropy(clip=clip)
            for y, p in ((0.0, 1.0), (1.0, 0.0)):
                assert loss([y], np.array([p], dtype)) == pytest.approx(-np.log(clip), rel=1e-6)
            assert loss.gradient([0.0], np.array([1.0], dtype)) == 0


def test_tiny_beta():
    """pytorch#96813: NaN gradients at beta = 0."""
    z = np.array([0.0, 1e-3, -2.0, 1e-45], np.float32)
    for beta in (0.0, 1e-45, 1e-30):
        value, gradient = fl.SmoothL1(beta).value_and_gradient(np.zeros(4), z, reduction="none")
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        np.testing.assert_allclose(value[:3], np.abs(z[:3]), rtol=1e-6)
        assert gradient[:3].tolist() == [0, 1, -1]
