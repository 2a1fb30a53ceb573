# ruff: noqa: E501  (tables: one case a line)
"""`fastloss.metrics` gives what `sklearn.metrics` gives."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from fastloss import metrics

theirs = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

RNG = np.random.default_rng(6)
N = 500
REAL = RNG.normal(size=N), RNG.normal(size=N)
POSITIVE = RNG.gamma(2, size=N), RNG.gamma(2, size=N) + 1e-3
COUNTS = RNG.poisson(1.5, N), RNG.gamma(2, size=N) + 1e-3
OUTPUTS = RNG.gamma(2, size=(N, 3)), RNG.gamma(2, size=(N, 3))
BINARY = RNG.integers(0, 2, N), np.where(RNG.random(N) < 0.1, RNG.integers(0, 2, N), RNG.random(N))
CLASSES = RNG.integers(0, 4, N), RNG.dirichlet(np.ones(4), N)
SCORES = RNG.integers(0, 4, N), RNG.normal(size=(N, 4))
WORDS = np.array(["ham", "spam"])[BINARY[0]], BINARY[1]

CASES = {
    "mean_squared_error": [(REAL, {}), (OUTPUTS, {}), (OUTPUTS, {"multioutput": "raw_values"}), (OUTPUTS, {"multioutput": [1, 2, 3]})],
    "root_mean_squared_error": [(REAL, {}), (OUTPUTS, {}), (OUTPUTS, {"multioutput": "raw_values"}), (OUTPUTS, {"multioutput": [1, 2, 3]})],
    "mean_absolute_error": [(REAL, {}), (OUTPUTS, {}), (OUTPUTS, {"multioutput": "raw_values"})],
    "mean_pinball_loss": [(REAL, {"alpha": a}) for a in (0.0, 0.1, 0.5, 1.0)] + [(OUTPUTS, {"alpha": 0.2})],
    "mean_absolute_percentage_error": [(REAL, {}), (COUNTS, {}), (OUTPUTS, {"multioutput": "raw_values"})],
    "mean_squared_log_error": [(POSITIVE, {}), (COUNTS, {}), (OUTPUTS, {})],
    "root_mean_squared_log_error": [(POSITIVE, {}), (OUTPUTS, {}), (OUTPUTS, {"multioutput": "raw_values"})],
    "mean_tweedie_deviance": [(REAL, {"power": 0})] + [((REAL[0], POSITIVE[1]), {"power": p}) for p in (-2.5, -1)] + [(COUNTS, {"power": p}) for p in (1, 1.3, 1.9)] + [(POSITIVE, {"power": p}) for p in (1, 1.5, 2, 2.5, 3)],
    "mean_poisson_deviance": [(COUNTS, {})],
    "mean_gamma_deviance": [(POSITIVE, {})],
    "log_loss": [(BINARY, {}), (BINARY, {"normalize": False}), (WORDS, {}), (CLASSES, {}), (CLASSES, {"labels": range(4)}), ((BINARY[0], np.c_[1 - BINARY[1], BINARY[1]]), {}), ((BINARY[0], BINARY[1][:, None]), {}), ((np.ones(N), BINARY[1]), {"labels": [0, 1]}), ((CLASSES[0] % 3, CLASSES[1]), {"labels": [0, 1, 2, 3]})],
    "brier_score_loss": [(BINARY, {}), (BINARY, {"pos_label": 0}), (BINARY, {"scale_by_half": False}), (WORDS, {"pos_label": "spam"}), (WORDS, {"pos_label": "ham"}), (CLASSES, {}), (CLASSES, {"scale_by_half": True}), ((BINARY[0], np.c_[1 - BINARY[1], BINARY[1]]), {})],
    "hinge_loss": [((BINARY[0], REAL[1]), {}), ((2 * BINARY[0] - 1, REAL[1]), {}), ((WORDS[0], REAL[1]), {}), ((np.ones(N), REAL[1]), {}), (SCORES, {}), ((SCORES[0] % 3, SCORES[1]), {"labels": range(4)})],
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_same_result(name, weighted, dtype):
    w = RNG.uniform(0, 2, N) if weighted else None
    for (y, p), options in CASES[name]:
        y = y.astype(dtype) if y.dtype.kind == "f" else y
        ours = getattr(metrics, name)(y, p.astype(dtype), sample_weight=w, **options)
        want = getattr(theirs, name)(y, p.astype(dtype), sample_weight=w, **options)
        np.testing.assert_allclose(
            ours, want, rtol=1e-12 if dtype == np.float64 else 1e-5, atol=1e-14, err_msg=str(options)
        )
        assert type(ours) is type(want)


def test_lists_are_taken():
    for name, cases in CASES.items():
        (y, p), options = cases[0]
        ours, want = (getattr(module, name)(y.tolist(), p.tolist(), **options) for module in (metrics, theirs))
        assert ours == pytest.approx(want, rel=1e-12), name


@pytest.mark.parametrize("name", metrics.__all__)
def test_same_arguments(name):
    ours, want = (inspect.signature(getattr(module, name)).parameters for module in (metrics, theirs))
    wanted = [p for p in want if not (name == "log_loss" and p == "y_pred")]  # deprecated
    assert list(ours) == wanted
    assert {p: ours[p].kind for p in ours} == {p: want[p].kind for p in wanted}
    assert set(CASES) == set(metrics.__all__)


def test_certain_errors_are_clipped_by_the_epsilon_of_the_type():
    for dtype in (np.float32, np.float64):
        p = np.array([0.0, 1.0, 0.5], dtype)
        assert metrics.log_loss([1, 0, 1], p) == pytest.approx(theirs.log_loss([1, 0, 1], p), rel=1e-6)


def test_rows_that_are_no_probabilities_warn_as_theirs():
    y, p = [0, 1, 2], np.full((3, 3), 0.2)
    for module in (metrics, theirs):
        with pytest.warns(UserWarning, match="sum to"):
            value = module.log_loss(y, p)
        assert value == pytest.approx(-np.log(0.2))
    with pytest.warns(UserWarning, match="sorted order"):
        metrics.log_loss(["a", "b"], [0.2, 0.8], labels=["b", "a"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("power", [-2.5, 1, 1.0001, 1.3, 1.9, 2, 2.5, 3])
@pytest.mark.parametrize("way", ["by the engine", "in blocks"])
def test_deviances_keep_their_digits(power, dtype, way, monkeypatch):
    """From means that all but equal their targets to those worlds apart, of targets of any size."""
    mpmath = pytest.importorskip("mpmath")
    if way == "in blocks":
        monkeypatch.setattr(metrics, "backend", SimpleNamespace(engine=None))
    y = np.array([1e-3, 0.7, 1.0, 1e3, 1e9, 3.0, 2.0, 1e5], dtype)
    ratio = 1 + np.array([1e-4, -1e-6, 0.3, 1e-5, -1e-7, 1e4, -0.9999, 0])
    mean = (y * ratio).astype(dtype)
    with mpmath.workdps(60):
        p = mpmath.mpf(power)

        def exact(y, m):
            y, m = mpmath.mpf(float(y)), mpmath.mpf(float(m))
            if power == 1:
                return 2 * (y * mpmath.log(y / m) - y + m)
            if power == 2:
                return 2 * (mpmath.log(m / y) + y / m - 1)
            return 2 * (y ** (2 - p) / ((1 - p) * (2 - p)) - y * m ** (1 - p) / (1 - p) + m ** (2 - p) / (2 - p))

        want = [float(exact(*pair)) for pair in zip(y, mean, strict=True)]
    got = [metrics.mean_tweedie_deviance(y[i : i + 1], mean[i : i + 1], power=power) for i in range(len(y))]
    np.testing.assert_allclose(got, want, rtol=2e-14, atol=1e-40)
    assert metrics.mean_tweedie_deviance(y, mean, power=power) == pytest.approx(np.mean(want), rel=1e-14)


@pytest.mark.parametrize(("power", "y", "mean"), [(-1, 1e-200, 1.0), (3, 1e-3, 1e-250), (3, 1e-100, 1e100), (1.5, 1e-200, 1e100), (-0.5, -2.0, 3.0), (1.5, 0.0, 2.0)])  # fmt: skip
@pytest.mark.parametrize("way", ["by the engine", "in blocks"])
def test_deviances_at_the_ends(power, y, mean, way, monkeypatch):
    if way == "in blocks":
        monkeypatch.setattr(metrics, "backend", SimpleNamespace(engine=None))
    assert metrics.mean_tweedie_deviance([y], [mean], power=power) == pytest.approx(
        theirs.mean_tweedie_deviance([y], [mean], power=power), rel=1e-12
    )


@pytest.mark.parametrize("power", [1, 1.5, 2, 3])
def test_deviances_of_many_samples_have_weights(power):
    rng = np.random.default_rng(0)
    y, mean, w = rng.gamma(2.0, 1.0, (3, 40_007))
    y[::7] = 0 if power < 2 else 1
    w[::3] = 0
    for weight in (None, w, w.astype(np.float32)):
        want = theirs.mean_tweedie_deviance(y, mean, power=power, sample_weight=weight)
        assert metrics.mean_tweedie_deviance(y, mean, power=power, sample_weight=weight) == pytest.approx(
            want, rel=1e-12
        )
    with pytest.raises(ValueError, match=r"sample_weight\[5\] is -1"):
        metrics.mean_tweedie_deviance(y, mean, power=power, sample_weight=np.where(np.arange(len(y)) == 5, -1, w))
    mean[9] = 0  # of weight 0, and no mean all the same
    with pytest.raises(ValueError, match=r"y_pred\[9\] is 0"):
        metrics.mean_tweedie_deviance(y, mean, power=power, sample_weight=w)


# A call that must do what scikit-learn's does: give the same number, or raise.
LABELS = {
    "NaN": [lambda m: m.hinge_loss([0.0, np.nan, 1.0], [0.5, 0.1, 0.2]), lambda m: m.brier_score_loss([0.0, np.nan, 1.0], [0.5, 0.1, 0.2]), lambda m: m.log_loss([0.0, np.nan, 1.0], [0.5, 0.1, 0.2]), lambda m: m.log_loss([0.0, np.nan, 1.0], [0.5, 0.1, 0.2], labels=[0, 1]), lambda m: m.log_loss(np.array(["a", np.nan], object), [0.5, 0.1]), lambda m: m.brier_score_loss([np.nan, np.nan], [0.5, 0.1])],
    "infinite": [lambda m: m.hinge_loss([0.0, np.inf], [0.5, 0.1]), lambda m: m.brier_score_loss([0.0, np.inf], [0.5, 0.1]), lambda m: m.log_loss([0.0, np.inf], [0.5, 0.1])],
    "no label": [lambda m: m.hinge_loss([0.5, 1.0], [0.5, 0.1]), lambda m: m.brier_score_loss([0.5, 1.0], [0.5, 0.1]), lambda m: m.log_loss([0.5, 1.0], [0.5, 0.1]), lambda m: m.log_loss([0.5, 1.0, 2.0], np.full((3, 3), 1 / 3))],
    "one class": [lambda m: m.brier_score_loss([2, 2], [0.1, 0.3]), lambda m: m.brier_score_loss([0, 0], [0.1, 0.3]), lambda m: m.brier_score_loss([-1, -1], [0.1, 0.3]), lambda m: m.brier_score_loss([1, 1], [0.1, 0.3]), lambda m: m.brier_score_loss([0, 0], [0.1, 0.3], pos_label=1), lambda m: m.brier_score_loss([0, 1], [0.1, 0.3], pos_label=7), lambda m: m.brier_score_loss(["a", "a"], [0.1, 0.3]), lambda m: m.brier_score_loss(["a", "a"], [0.1, 0.3], pos_label="b"), lambda m: m.brier_score_loss([False, False], [0.1, 0.3])],
    "labels given": [lambda m: m.brier_score_loss([0, 0], [0.1, 0.3], labels=[0, 1]), lambda m: m.brier_score_loss([2, 2], [0.1, 0.3], labels=[2, 3]), lambda m: m.brier_score_loss([2, 2], [[0.1, 0.9], [0.3, 0.7]], labels=[2, 3]), lambda m: m.brier_score_loss([2, 2], [[0.1, 0.9], [0.3, 0.7]]), lambda m: m.hinge_loss([1, 1], [0.1, 0.3], labels=[0, 1])],
    "one-hot": [lambda m: m.log_loss([[0, 1], [1, 0]], [[0.3, 0.7], [0.6, 0.4]]), lambda m: m.log_loss(np.eye(3), CLASSES[1][:3, :3] / CLASSES[1][:3, :3].sum(1, keepdims=True)), lambda m: m.log_loss(np.eye(4)[[1, 2, 1]], CLASSES[1][:3], sample_weight=[1, 2, 3]), lambda m: m.brier_score_loss(np.eye(4)[[1, 2, 1]], CLASSES[1][:3]), lambda m: m.log_loss(np.eye(4)[[1, 2, 1]], CLASSES[1][:3], labels=range(4)), lambda m: m.log_loss(np.eye(3), CLASSES[1][:3]), lambda m: m.log_loss([[0, 1], [1, 0]], [0.2, 0.3]), lambda m: m.log_loss(np.eye(2) / 2, np.eye(2)), lambda m: m.hinge_loss(np.eye(3), np.eye(3)), lambda m: m.brier_score_loss(np.eye(2), [0.2, 0.3])],
    "no labels given": [lambda m: m.log_loss([0, 1], [0.2, 0.7], labels=[]), lambda m: m.brier_score_loss([0, 1], np.eye(2), labels=[]), lambda m: m.brier_score_loss([0, 1], [0.2, 0.7], labels=[]), lambda m: m.hinge_loss([0, 1, 2], np.eye(3), labels=[])],
    "no True or False": [lambda m: m.brier_score_loss([0, 1], [0.2, 0.7], scale_by_half="x"), lambda m: m.brier_score_loss([0, 1], [0.2, 0.7], scale_by_half=None), lambda m: m.brier_score_loss([0, 1], [0.2, 0.7], scale_by_half=np.True_), lambda m: m.log_loss([0, 1], [0.2, 0.7], normalize="x")],
    "no samples along an axis": [lambda m: m.log_loss([0, 1], 0.3), lambda m: m.brier_score_loss([0, 1], 0.3), lambda m: m.hinge_loss([0, 1], 0.3), lambda m: m.hinge_loss([0, 1, 2], 0.3), lambda m: m.log_loss([0, 1], np.full((2, 2, 1), 0.5))],
    "two outputs": [lambda m: m.mean_tweedie_deviance(np.ones((2, 2)), np.ones((2, 2)), power=0)],
}  # fmt: skip


@pytest.mark.parametrize(("case", "at"), [(case, at) for case, calls in LABELS.items() for at in range(len(calls))])
def test_labels_as_theirs(case, at):
    call = LABELS[case][at]
    try:
        want = call(theirs)
    except (ValueError, TypeError):
        with pytest.raises((ValueError, TypeError)):
            call(metrics)
    else:
        assert call(metrics) == pytest.approx(want, rel=1e-12)


REFUSED = {
    "probability": (lambda m: m.log_loss([0, 1], [0.5, 1.5]), r"y_proba\[1\] is 1.5"),
    "NaN": (lambda m: m.mean_squared_error([0.0, np.nan], [0.0, 1.0]), r"y_true\[1\] is nan"),
    "NaN that nobody asked to be told of": (lambda m: m.mean_squared_error([1.0], [np.nan]), r"^y_pred\[0\] is nan: expected a finite number; drop these rows or clip the values$"),
    "infinite": (lambda m: m.mean_absolute_error([0.0, 1.0], [np.inf, 1.0]), r"y_pred\[0\] is inf"),
    "one label": (lambda m: m.log_loss([1, 1], [0.5, 0.5]), "pass labels="),
    "missing label": (lambda m: m.log_loss([0, 1], np.full((2, 3), 1 / 3)), "of 3 classes; pass labels="),
    "unknown label": (lambda m: m.log_loss([0, 2], [0.5, 0.5], labels=[0, 1]), r"y_true\[1\] is .*2"),
    "mean": (lambda m: m.mean_poisson_deviance([1, 1], [1.0, 0.0]), r"y_pred\[1\] is 0.0: expected a mean > 0"),
    "count": (lambda m: m.mean_poisson_deviance([1, -1], [1.0, 1.0]), r"y_true\[1\] is -1"),
    "log": (lambda m: m.mean_squared_log_error([1, 1], [-1.0, 1.0]), r"y_pred\[0\] is -1.0: expected a number > -1"),
    "shapes": (lambda m: m.mean_squared_error([1.0, 2.0], [1.0]), "they differ"),
    "no output": (lambda m: m.mean_squared_error(np.ones((2, 0)), np.ones((2, 0))), r"y_true has shape \(2, 0\): expected \(n_samples,\) or"),
    "no labels": (lambda m: m.log_loss([0, 1], [0.2, 0.7], labels=[]), "labels is empty"),
    "outputs": (lambda m: m.mean_squared_error([1.0, 2.0], [1.0, 1.0], multioutput=[1.0]), "a weight for each of 1 outputs"),
    "words": (lambda m: m.brier_score_loss(["a", "b"], [0.5, 0.5]), "pass pos_label"),
    "two outputs": (lambda m: m.mean_poisson_deviance(np.ones((2, 2)), np.ones((2, 2))), "of one output"),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in metrics.__all__ if name.startswith(("mean", "root"))])
@pytest.mark.parametrize("shape", [(), (2, 2, 2)])
def test_numbers_have_an_axis_of_samples_or_two_axes(name, shape):
    for module in (metrics, theirs):
        with pytest.raises(ValueError, match="shape" if module is metrics else None):
            getattr(module, name)(np.full(shape, 3.0)[()], np.full(shape, 4.0)[()])


def test_rows_of_several_labels_are_refused():
    """To scikit-learn they are rows of classes that exclude each other, of which several are true."""
    p = [[0.2, 0.8], [0.3, 0.7]]
    for rows in ([[1, 1], [0, 1]], [[1, 0], [0, 0]]):
        for metric in (metrics.log_loss, metrics.brier_score_loss):
            with pytest.raises(ValueError, match=r"y_true\[.\] is .*expected a single 1.*BinaryCrossEntropy"):
                metric(rows, p)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_both(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call(metrics)
    with pytest.raises(ValueError):  # noqa: PT011  the words are theirs
        call(theirs)
