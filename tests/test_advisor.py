"""`recommend` sees what a target is, says so, ranks by what it derives or measures, and says what it cannot tell."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastloss as fl

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("scipy", reason="SciPy is not installed")

from fastloss.advisor import trial
from fastloss.advisor.baseline import read
from fastloss.advisor.candidates import choose
from fastloss.advisor.expectation import expect, make_folds
from fastloss.advisor.metric import SCORES, find_metric
from fastloss.advisor.reasons import code, written
from fastloss.advisor.target import describe
from fastloss.advisor.trial import Trial
from fastloss.specification import parse_loss

N = 400


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _names(report):
    return [advice.loss.name for advice in report.ranking]


# -- what a target is -------------------------------------------------------------------------------------------------


def _targets():
    rng = np.random.default_rng(1)
    return {
        "continuous": rng.normal(size=N),
        "positive": rng.gamma(0.8, size=N),
        "semicontinuous": np.where(rng.random(N) < 0.3, 0.0, rng.gamma(0.8, size=N)),
        "counts": rng.poisson(2.0, N),
        "proportions": rng.beta(2, 3, N),
        "binary": rng.random(N) < 0.2,
        "classes": rng.choice(["a", "b", "c"], N),
        "multilabel": rng.integers(0, 2, (N, 5)),
        "distributions": rng.dirichlet([1, 2, 3], N),
    }


@pytest.mark.parametrize("kind", _targets())
def test_kind_of_target(kind):
    report = fl.recommend(_targets()[kind])
    assert report.target.kind == kind
    assert report.ranking[0].loss == report.best
    assert all(len(line) <= 80 for line in repr(report).splitlines() if "https://" not in line)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["best"] == report.best.name


def test_codings_of_two_labels_are_one():
    y = np.arange(40) % 3 == 0
    for coding in (y, y * 1, y * 2 - 1, np.where(y, "yes", "no"), y * 1.0):
        assert describe(coding).kind == "binary"
        np.testing.assert_array_equal(describe(coding).y, y)


def test_one_hot_rows_are_labels():
    y = np.arange(60) % 4
    target = describe(np.eye(4)[y])
    assert target.kind == "classes"
    assert "one-hot" in target.remarks[-1]
    np.testing.assert_array_equal(target.y, y)


def test_integers_that_look_ordinal_are_named_so():
    target = describe(np.arange(100) % 5 + 1)
    assert target.kind == "classes"
    assert "ratings" in target.remarks[-1]
    assert describe(np.arange(100) % 5 + 1, "count").kind == "counts"
    assert describe(np.arange(100) % 5 + 1, "regression").kind in ("continuous", "positive")


def test_censoring_and_zero_inflation_are_seen(rng):
    assert any("cut off" in remark for remark in describe(np.minimum(rng.normal(size=N), 1.0)).remarks)
    many = np.where(rng.random(N) < 0.5, 0, rng.poisson(4, N))
    assert any("zero-inflated" in remark for remark in describe(many).remarks)
    assert not any("zero-inflated" in remark for remark in describe(rng.poisson(1, N)).remarks)


def test_label_noise_is_seen(rng):
    score = 4 * rng.normal(size=4000)
    clean = rng.random(4000) < 1 / (1 + np.exp(-score))
    for rate in (0.0, 0.2):
        y = clean ^ (rng.random(4000) < rate)
        p = rate + (1 - 2 * rate) / (1 + np.exp(-score))
        assert fl.recommend(y, p).facts["contradicted of the surest tenth"] == pytest.approx(rate, abs=0.04)


# -- parameters from the data -----------------------------------------------------------------------------------------


def test_parameters_are_set_from_the_data(rng):
    residual = 3.0 * rng.standard_t(3, 5000)
    report = fl.recommend(np.linspace(0, 50, 5000) + residual, np.linspace(0, 50, 5000))
    huber = next(a.loss for a in report.ranking if a.loss.name == "huber")
    assert huber.delta == pytest.approx(1.345 * 1.4826 * np.median(np.abs(residual - np.median(residual))), rel=0.01)

    y = np.arange(600) % 6 == 0
    weighted = next(
        a.loss for a in fl.recommend(y, metric="balanced_accuracy").ranking if a.loss.params.get("pos_weight", 1) != 1
    )
    assert weighted.pos_weight == 5.0


def test_variance_and_mean_give_tweedie_and_negative_binomial(rng):
    mean = np.exp(rng.uniform(0, 3, 20_000))
    y = rng.poisson(mean * rng.gamma(2.0, 0.5, len(mean)))
    found = {a.loss.name: a.loss for a in fl.recommend(y, mean, task="count").ranking}
    assert found["negative_binomial"].theta == pytest.approx(0.5, rel=0.15)
    assert "negative_binomial" in fl.recommend(rng.poisson(mean), mean, task="count").rejected

    amounts = mean * rng.gamma(1 / (0.5 * mean ** (-0.5)), 0.5 * mean ** (-0.5))  # variance 0.5 mean^1.5
    tweedie = next(a.loss for a in fl.recommend(amounts, mean, metric="mse").ranking if a.loss.name == "tweedie")
    assert tweedie.power == pytest.approx(1.5, abs=0.1)


# -- expectations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["squared_error", "absolute_error", "huber:delta=1.345", "cauchy:c=2.3849"])
def test_expected_noise_is_that_of_theory(spec, rng):
    """Of Gaussian residuals: d/n over the efficiency, which textbooks give."""
    efficiency = {"squared_error": 1.0, "absolute_error": 2 / np.pi, "huber": 0.95, "cauchy": 0.95}
    s = rng.normal(size=20_000)
    target = describe(s + rng.normal(size=len(s)))
    loss, metric = parse_loss(spec), find_metric("mse", target)
    folds = make_folds(target, 10, rng)
    found = expect(loss, metric, target, read(s, target), folds, 0.02, np.random.default_rng(0))
    tolerance = 0.05 if loss.smoothness else 0.1  # three errors of a density at a point
    assert found.noise == pytest.approx(0.02 / efficiency[loss.name], rel=tolerance)
    assert found.limit == pytest.approx(1.0, abs=0.03)


def test_expectation_of_logistic_regression_is_that_of_training(rng):
    """Log loss above that of the truth: d/(2n) in theory, as training has it."""
    n, d = 20_000, 200
    s = rng.normal(size=n)
    target = describe(rng.random(n) < 1 / (1 + np.exp(-s)))
    metric = find_metric("log_loss", target)
    folds = make_folds(target, 5, rng)
    found = expect(fl.BinaryCrossEntropy(from_logits=True), metric, target, read(s, target), folds, d / n, rng)
    assert found.noise == pytest.approx(d / (2 * n), rel=0.1)


def test_the_median_is_not_the_mean(rng):
    """A biased loss is told by its bias, however little its noise."""
    y = np.exp(1.5 * rng.normal(size=3000)) - 5
    report = fl.recommend(y, task="regression", metric="mse")
    assert report.best.name == "squared_error"
    assert fl.recommend(y, task="regression", metric="mae").best.name != "squared_error"


def test_many_rows_are_sampled(rng):
    report = fl.recommend(rng.standard_t(2, 50_000), metric="mae")
    assert any("rows, drawn at random" in remark for remark in report.remarks)
    assert report.target.n == 50_000


def test_a_metric_brings_its_own_loss(rng):
    y = rng.normal(size=N)
    assert fl.recommend(y, metric="quantile:quantile=0.9").best == fl.Quantile(0.9)
    assert fl.recommend(y, metric=fl.Expectile(0.1)).best == fl.Expectile(0.1)


def test_imbalance_matters_to_some_metrics(rng):
    s = rng.normal(size=3000)
    y = rng.random(3000) < 1 / (1 + np.exp(3.5 - s))
    p = 1 / (1 + np.exp(3.5 - s))
    assert written(fl.recommend(y, p).best) == "BinaryCrossEntropy(from_logits=True)"
    balanced = fl.recommend(y, p, metric="balanced_accuracy")
    assert balanced.best.params.get("pos_weight", 1) > 1 or balanced.best.params.get("alpha")
    assert "squared_hinge" in fl.recommend(y, p).rejected  # no probabilities


@pytest.mark.parametrize("metric", SCORES)
def test_metrics_are_those_of_sklearn(metric, rng):
    from sklearn import metrics

    y, z = (rng.random(200) < 0.3).astype(float), rng.normal(size=200)
    ours = find_metric(metric, describe(y))
    theirs = {"f1": "f1_score", "accuracy": "accuracy_score", "balanced_accuracy": "balanced_accuracy_score"}
    function = getattr(metrics, theirs.get(metric, f"{metric}_score"))
    expected = function(y, z > 0 if metric in theirs else z)
    assert ours.shown(ours.mean(y, fl.Hinge(), z)) == pytest.approx(expected)


# -- cross-validation -------------------------------------------------------------------------------------------------


def test_verification_measures_and_repeats(rng):
    X = rng.normal(size=(N, 4))
    y = X @ [1.0, -1.0, 0.5, 0.0] + rng.standard_cauchy(N)
    first, again = (fl.recommend(y, X=X, metric="mae", random_state=3) for _ in range(2))
    assert repr(first) == repr(again)
    assert first.best.name != "squared_error"
    last = next(a for a in first.ranking if a.loss.name == "squared_error")
    assert last.trials["linear"]["difference"] > 0
    assert {"linear", "trees"} <= set(first.ranking[0].trials)


def test_the_interval_is_nadeau_and_bengios():
    one, other = Trial(np.array([8.0, 6.0, 7.0, 11.0]), 0.25), Trial(np.full(4, 5.0), 0.25)
    mean, low, high = one.above(other)
    half = 3.182446305284263 * np.sqrt((1 / 4 + 1 / 4) * np.var([3, 1, 2, 6], ddof=1))
    assert (mean, low, high) == pytest.approx((3.0, 3 - half, 3 + half))


def test_a_model_that_explodes_is_not_level():
    """However wide it makes its interval: of costs above 0, one that is a thousand times another is no chance."""
    one, other = Trial(np.array([1.0, 2e3, 1.0, 1.0]), 0.25), Trial(np.array([1.0, 1.1, 0.9, 1.0]), 0.25)
    mean, low, high = one.above(other)
    assert 0 < low < mean < high
    assert other.above(one) == pytest.approx((-mean, -high, -low))
    no_errors = Trial(np.zeros(4), 0.25)
    assert Trial(np.array([0.0, 0.01, 0.0, 0.0]), 0.25).above(no_errors)[1] < 0  # one error is no more than chance
    rng = np.random.default_rng(3)
    X = rng.standard_t(2, size=(N, 3))  # of which a log link makes means beyond all bounds
    y = np.exp(0.5 * np.clip(X[:, 0], -2, 2)) * rng.gamma(2, 0.5, N)
    report = fl.recommend(y, X=X, metric="mse", models=["linear"])
    costs = [advice.trials["linear"]["value"] for advice in report.ranking if advice.trials]
    assert costs[0] < 2 * min(costs)


def test_time_budget_ends_early(rng):
    X = rng.normal(size=(N, 3))
    report = fl.recommend(X[:, 0] + rng.normal(size=N), X=X, time_budget=1e-9, models=["linear"])
    assert any("2 splits" in remark for remark in report.remarks)


def test_interrupt_gives_no_half_result(rng, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(trial, "_linear", interrupted)
    X = rng.normal(size=(N, 3))
    with pytest.raises(KeyboardInterrupt):
        fl.recommend(X[:, 0] + rng.normal(size=N), X=X)


# -- what goes with a loss --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", _targets())
def test_code_for_all_libraries(kind):
    report = fl.recommend(_targets()[kind])
    for advice in report.ranking:
        assert {"fastloss", "torch", "Keras", "scikit-learn", "XGBoost", "LightGBM"} <= set(advice.code)
        assert eval(advice.code["fastloss"], {"fl": fl}) == advice.loss
        assert advice.references
        assert advice.optimizer
        assert advice.activation


def test_code_of_adapters_runs():
    from fastloss.adapters.sklearn import as_base_loss

    target = describe(np.arange(90) % 3)
    line = code(fl.GeneralizedCrossEntropy(from_logits=True), target)["scikit-learn"]
    names = {"fl": fl, "as_base_loss": as_base_loss, "HistGradientBoostingClassifier": lambda loss: loss}
    assert eval(line, names).n_classes == 3


def test_notes_name_start_and_scale(rng):
    report = fl.recommend(1000 + 200 * rng.normal(size=N))
    notes = " ".join(report.ranking[0].watch)
    assert "output bias at 9" in notes or "output bias at 1" in notes
    assert "scale the target" in notes


def test_html_is_one_file_of_its_own(rng, tmp_path):
    pytest.importorskip("matplotlib")
    X = rng.normal(size=(N, 3))
    fl.recommend(X[:, 0] + rng.normal(size=N), X=X, models=["linear"]).to_html(tmp_path / "advice.html")
    page = (tmp_path / "advice.html").read_text()
    assert page.count("<img") == 2
    assert page.count("data:image/png;base64,") == 2
    assert 'src="http' not in page
    assert "<link" not in page
    assert "<script" not in page


@pytest.mark.parametrize("kind", _targets())
def test_html_of_every_kind(kind, tmp_path):
    pytest.importorskip("matplotlib")
    fl.recommend(_targets()[kind]).to_html(tmp_path / "advice.html")
    assert "Recommended" in (tmp_path / "advice.html").read_text()


# -- bad input --------------------------------------------------------------------------------------------------------

BAD = {
    "constant": ({"y_true": np.ones(50)}, "constant"),
    "one label": ({"y_true": ["a"] * 50}, "constant"),
    "nan": ({"y_true": [1.0, np.nan, 2.0]}, r"y_true\[1\] is nan"),
    "all missing": ({"y_true": [np.nan] * 20}, "every row"),
    "none": ({"y_true": ["a", None, "b"]}, r"y_true\[1\] is missing"),
    "empty": ({"y_true": []}, "no samples"),
    "text and numbers": ({"y_true": np.array(["1", 1, "0"], dtype=object)}, "mixes text and numbers"),
    "codings": ({"y_true": [-1, 1, 0, 1, -1, 0]}, "mixed with"),
    "names": ({"y_true": [f"id{k}" for k in range(40)]}, "names or text"),
    "task": ({"y_true": [0.5, 1.5], "task": "regresion"}, "did you mean 'regression'"),
    "several columns": ({"y_true": np.random.default_rng(0).normal(size=(50, 3))}, "one column at a time"),
    "metric": ({"y_true": np.arange(50) / 7, "metric": "hubber"}, "did you mean 'huber'"),
    "metric of labels": ({"y_true": np.arange(50) / 7 - 2, "metric": "roc_auc"}, "for binary"),
    "metric of numbers": ({"y_true": np.arange(50) % 3, "metric": "mae"}, "task 'regression'"),
    "length": ({"y_true": np.arange(50) / 7, "y_pred": np.zeros(49)}, "49 rows"),
    "hard labels": ({"y_true": np.arange(50) % 2, "y_pred": np.arange(50) % 2}, "predict_proba"),
    "columns": ({"y_true": np.arange(60) % 3, "y_pred": np.zeros(60)}, "a column per class"),
    "verify": ({"y_true": np.arange(50) / 7, "verify": True}, "no X"),
    "gaps": ({"y_true": np.arange(50) / 7, "X": np.full((50, 1), np.nan)}, r"X\[:, 0\] is missing in every row"),
    "text": ({"y_true": np.arange(50) / 7, "X": np.array([["a"]] * 50)}, "not numeric"),
    "constant X": ({"y_true": np.arange(50) / 7, "X": np.ones((50, 2))}, "X is constant"),
    "perfect": ({"y_true": np.arange(50) / 7, "y_pred": np.arange(50) / 7}, "not seen"),
    "class": ({"y_true": np.arange(50) / 7, "metric": fl.Quantile}, r"call it, Quantile\(\)"),
    "no name": ({"y_true": np.arange(50) / 7, "metric": 3}, "expected a name or a loss"),
    "metric of other numbers": ({"y_true": [*np.arange(50) / 7, -2.5], "metric": "gamma"}, "y_true has 0: drop"),
    "logarithms of means": ({"y_true": np.arange(50) % 4, "y_pred": -np.ones(50), "task": "count"}, "pass exp"),
    "means of 0": ({"y_true": np.arange(50) % 4, "y_pred": np.zeros(50), "task": "count"}, "no value above 0"),
    "two outputs": ({"y_true": np.arange(50) / 7, "metric": "gaussian_nll"}, "one prediction"),
    "cv": ({"y_true": np.arange(50) / 7, "X": np.arange(50) % 9, "cv": 1}, "at least 2"),
    "cv of nothing": ({"y_true": np.arange(50) / 7, "cv": 3}, "^cv=3 is for the cross-validation, and there is no X"),
    "models of nothing": ({"y_true": np.arange(50) / 7, "models": ["trees"]}, r"^models=\['trees'\] is for .* no X"),
    "time for nothing": ({"y_true": np.arange(50) / 7, "time_budget": 9}, "^time_budget=9 is for .* no X"),
    "dates": ({"y_true": ["2024-01-01", "2024-02-01"] * 20}, "holds dates such as '2024-01-01'"),
    "times": ({"y_true": np.arange(50).astype("M8[D]")}, r"timedelta64\(1, 'D'\)"),
    "text and numbers in a list": ({"y_true": ["a", 1] * 50}, "mixes text and numbers, such as 'a' and 1"),
    "text and truth in a list": ({"y_true": [True, "no"] * 30}, "mixes text and numbers, such as 'no' and True"),
    "text and nan in a list": ({"y_true": ["a", float("nan")] * 50}, r"y_true\[1\] is missing, as are 50 of 100"),
    "text of two codings": (
        {"y_true": ["1", "0", "yes", "no"] * 50},
        r"y_true\[2\] is 'yes', and other rows hold numbers such as '0'",
    ),
    "no label": ({"y_true": ["a", "", "b", " "] * 40}, r"y_true\[1\] is empty, as are 80 of 160"),
    "large": (
        {"y_true": np.arange(50) * 1e300 / 7, "y_pred": np.zeros(50)},
        "y_true has values of size 7e.300, .*: scale",
    ),
    "small": ({"y_true": np.arange(50) * 1e-300 - 1e-299}, "y_true has values of size 4e-299, .*: scale it"),
    "infinite": (
        {"y_true": np.arange(50) / 7, "X": [[k, np.inf] for k in range(50)]},
        r"X\[:, 1\] is infinite in every",
    ),
    "few infinite": (
        {"y_true": np.arange(50) / 7, "X": [np.inf, 1.0] * 25},
        r"X\[:, 0\] is infinite in 25 rows: clip these values",
    ),
    "few gaps": (
        {"y_true": np.arange(50) / 7, "X": [[1, 2], [3, None]] * 25},
        r"X\[:, 1\] is missing in 25 rows: impute",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_explained(case):
    arguments, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        fl.recommend(**arguments)


@pytest.mark.parametrize(
    "y", [[1.5, 2.5, 3.5, -1.0], ["a", "b", "a", "b"], [0] * 100 + [1] * 2, [0, 1, 2], [0, 1, 2, 0, 1], range(1, 21)]
)
def test_too_little_is_said_to_be(y):
    report = fl.recommend(y)
    assert any("not enough data" in remark for remark in report.remarks)
    assert len(report.ranking) == 1
    assert report.ranking[0].expected is None


def test_a_column_by_its_name():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"age": np.arange(50.0), "city": ["x"] * 50})
    with pytest.raises(ValueError, match="city is not numeric"):
        fl.recommend(np.arange(50) / 7, X=X)


def test_gaps_of_pandas_are_no_text():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"c": np.arange(60.0), "d": pd.array([1, 2, None] * 20, dtype="Int64")})
    with pytest.raises(ValueError, match=r"^d is missing in 20 rows: impute"):
        fl.recommend(np.arange(60) / 7, X=X)


def test_sparse_features_are_named():
    from scipy import sparse

    with pytest.raises(ValueError, match=r"^X is sparse: pass X.toarray\(\)"):
        fl.recommend(np.arange(50) / 7, X=sparse.csr_array(np.eye(50)))


def test_counts_are_described_as_they_are():
    for low in (0, 5):
        target = describe(np.arange(300) % 3 * 2 + low)
        assert target.kind == "counts"
        assert f"integers from {low} up: read as counts" in target.remarks[-1]


def test_wrong_labels_speak_for_a_bounded_loss(rng):
    """Where nothing else does: decisions, which barely tell losses apart."""
    score = 3 * rng.normal(size=1500)
    for rate, first in ((0.0, "binary_cross_entropy"), (0.35, "brier")):
        y = (rng.random(1500) < 1 / (1 + np.exp(-score))) ^ (rng.random(1500) < rate)
        p = rate + (1 - 2 * rate) / (1 + np.exp(-score))
        assert fl.recommend(y, p, metric="accuracy").best.name == first


@pytest.mark.parametrize("kind", ["string", "category", "Int64"])
def test_missing_labels_of_pandas(kind):
    pd = pytest.importorskip("pandas")
    values = [1, 2, None] if kind == "Int64" else ["a", "b", None]
    with pytest.raises(ValueError, match=r"y_true\[2\] is"):
        fl.recommend(pd.Series(values * 20, dtype=kind))


def test_labels_alone_tell_nothing():
    """Of rows that all look the same a loss that shrinks to even odds would be best, wherever the odds are even."""
    for y in (np.arange(200) % 2, np.arange(300) % 3):
        report = fl.recommend(y)
        assert report.best == report.metric.loss
        assert all(advice.expected is None for advice in report.ranking)
        assert any("pass y_pred" in remark for remark in report.remarks)
    assert fl.recommend(np.arange(200) % 2, metric="brier").best.name == "brier"


def test_the_likelihood_has_the_least_noise():
    """A few positives by chance do not make Brier's score the better estimate of probabilities."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.zeros(300)
    y[[3, 7, 50, 51, 120, 121, 200, 210]] = 1
    report = fl.recommend(y, X=X, verify=False, y_pred=1 / (1 + np.exp(3.6 + 0.1 * X[:, 0])))
    expected = {written(a.loss): a.expected for a in report.ranking}
    assert report.best.name == "binary_cross_entropy"
    assert expected["Brier(from_logits=True)"] >= expected["BinaryCrossEntropy(from_logits=True)"]


def test_balanced_accuracy_asks_for_weights_where_nothing_is_told(rng):
    X = rng.normal(size=(300, 3))
    y = rng.random(300) < 1 / (1 + np.exp(3 - X @ [2.0, -1.0, 0.5]))
    assert fl.recommend(y, X=X, models=["linear"], metric="balanced_accuracy").best.pos_weight > 1
    assert fl.recommend(y, metric="balanced_accuracy").best.pos_weight > 1


def test_predictions_of_the_other_class_are_named(rng):
    s = rng.normal(size=N)
    y = np.where(rng.random(N) < 1 / (1 + np.exp(-s)), "stayed", "churned")
    asked = "is it of the other class"
    assert any(asked in remark for remark in fl.recommend(y, 1 / (1 + np.exp(s))).remarks)
    for p in (1 / (1 + np.exp(-s)), np.full(N, 0.4)):
        assert not any(asked in remark for remark in fl.recommend(y, p).remarks)


def test_means_below_0_are_named(rng):
    s = rng.normal(size=N)
    y = rng.poisson(np.exp(s))
    assert any("log link" in remark for remark in fl.recommend(y, s, task="count").remarks)
    assert not any("log link" in remark for remark in fl.recommend(y, np.exp(s), task="count").remarks)


def test_too_few_rows_for_trees_are_named(rng):
    X = rng.normal(size=(100, 2))
    report = fl.recommend(X[:, 0] + rng.normal(size=100), X=X, models=["trees"])
    assert any("nothing was cross-validated" in remark for remark in report.remarks)


def test_html_of_two_rows(tmp_path):
    pytest.importorskip("matplotlib")
    fl.recommend([0, 1]).to_html(tmp_path / "advice.html")
    assert "not enough data" in (tmp_path / "advice.html").read_text()


# -- weights of rows --------------------------------------------------------------------------------------------------


def test_rows_of_weight_0_are_none(rng):
    X = rng.normal(size=(N, 3))
    y = X @ [1.0, -1.0, 0.5] + rng.laplace(size=N)
    kept = rng.random(N) < 0.7
    options = {"models": ["linear"], "metric": "mae"}
    weighted = fl.recommend(y, X=X, sample_weight=1.0 * kept, **options)
    without = fl.recommend(y[kept], X=X[kept], sample_weight=np.ones(kept.sum()), **options)
    for part in ("ranking", "target"):
        assert weighted.to_dict()[part] == without.to_dict()[part]
    assert any("rows of weight 0 are left out" in remark for remark in weighted.remarks)


def test_rows_of_weight_0_do_not_say_what_the_target_is(rng):
    amounts = rng.gamma(1, 1, N)
    amounts[0] = -1
    assert fl.recommend(amounts, sample_weight=np.arange(N) > 0).target.kind == "positive"
    with pytest.raises(ValueError, match="constant"):
        fl.recommend(amounts, sample_weight=np.arange(N) == 3)


def test_weights_are_of_any_size(rng):
    y, w = rng.normal(size=N), rng.random(N)
    one, *others = ([a.expected for a in fl.recommend(y, sample_weight=w * s).ranking] for s in (1, 1e308, 1e-300))
    for other in others:
        assert one == pytest.approx(other)


def test_equal_weights_change_nothing(rng):
    X = rng.normal(size=(N, 3))
    for y in (X[:, 0] + rng.laplace(size=N), rng.random(N) < 1 / (1 + np.exp(1 - X[:, 0])), np.arange(N) % 3):
        weighted, plain = (fl.recommend(y, X=X, models=["linear"], sample_weight=w) for w in (np.full(N, 7.0), None))
        for one, other in zip(weighted.ranking, plain.ranking, strict=True):
            assert one.loss == other.loss
            assert one.expected == pytest.approx(other.expected, rel=1e-6)
            assert one.trials["linear"]["value"] == pytest.approx(other.trials["linear"]["value"], rel=1e-6)


def test_weights_count_rows_in_shares_and_metrics(rng):
    """A row of weight 3 is three rows in whatever is a mean."""
    from fastloss.advisor.fit import fit

    y, z = (rng.random(200) < 0.3).astype(float), rng.normal(size=200)
    w = rng.integers(1, 4, 200)
    target = describe(y, weight=w)
    repeated = describe(np.repeat(y, w))
    np.testing.assert_allclose(target.shares, repeated.shares)
    assert target.facts["imbalance"] == pytest.approx(repeated.facts["imbalance"])
    for name in (*SCORES, "log_loss", "rmse"):
        metric = find_metric(name, target)
        loss = fl.BinaryCrossEntropy(from_logits=True)
        assert metric.mean(y, loss, z, target.weight) == pytest.approx(
            metric.mean(np.repeat(y, w), loss, np.repeat(z, w))
        )
    one = fit(loss, z[:, None], y, target.weight, 1.0)
    np.testing.assert_allclose(one, fit(loss, np.repeat(z, w)[:, None], np.repeat(y, w), None, 1.0), rtol=1e-4)


@pytest.mark.parametrize("kind", _targets())
def test_a_target_with_weights_is_one_of_repeated_rows(kind):
    y = _targets()[kind]
    w = np.random.default_rng(3).integers(1, 5, len(y))
    weighted, repeated = describe(y, weight=w), describe(np.repeat(y, w, axis=0))
    assert weighted.kind == repeated.kind == kind
    for name in repeated.facts.keys() - {"rarest"}:  # which counts rows
        assert weighted.facts[name] == pytest.approx(repeated.facts[name], rel=1e-9), name


def test_weights_can_say_what_a_target_is():
    """Of the same values, by how much of the population they stand for."""
    y = np.concatenate([np.linspace(1, 2, 200), np.geomspace(2, 200, 200)])
    rare = np.repeat([1.0, 1e-6], 200)
    assert [describe(y, weight=w).kind for w in (None, np.ones(400), rare)] == ["positive", "positive", "continuous"]


@pytest.mark.parametrize("kind", ["continuous", "positive", "semicontinuous", "counts", "binary"])
def test_parameters_of_weighted_rows_are_those_of_repeated_ones(kind, rng):
    n = 3000
    m = np.exp(rng.uniform(0, 3, n))
    w = rng.integers(1, 5, n)
    y = {
        "continuous": m + (1 + (w > 3)) * rng.standard_t(2, n),
        "positive": m * rng.gamma(2.0, 0.5, n) ** w,
        "semicontinuous": m * rng.gamma(2.0, 0.5, n) * (rng.random(n) < 0.2 * w),
        "counts": rng.poisson(m * rng.gamma(2.0 / w, 0.5 * w)),
        "binary": rng.random(n) < np.where(w > 2, 0.2, m / 25),
    }[kind]
    value = m / 25 if kind == "binary" else m
    task = "count" if kind == "counts" else None
    choices = []
    for target, of_target in (
        (describe(y, task, weight=w), value),
        (describe(np.repeat(y, w), task), np.repeat(value, w)),
    ):
        assert target.kind == kind
        metric = "accuracy" if kind == "binary" else "mae"
        choices.append(choose(target, of_target, find_metric(metric, target)))
    one, other = choices
    plain = choose(describe(y, task), value, find_metric("accuracy" if kind == "binary" else "mae", describe(y, task)))
    assert [c.loss for c in one.candidates] == [c.loss for c in other.candidates]
    assert [c.loss for c in one.candidates] != [c.loss for c in plain.candidates]  # so that there is something to see
    assert one.facts == pytest.approx(other.facts, rel=1e-9)


def test_noise_of_weighted_estimates_is_that_of_theory(rng):
    """Weights that have nothing to do with the residuals cost rows: d/n times the mean of their squares."""
    s = rng.normal(size=20_000)
    target = describe(s + rng.normal(size=len(s)), weight=rng.exponential(size=len(s)))
    loss, metric = fl.SquaredError(), find_metric("mse", target)
    found = expect(loss, metric, target, read(s, target), make_folds(target, 10, rng), 0.02, rng)
    assert found.noise == pytest.approx(0.02 * 2, rel=0.1)
    assert target.effective == pytest.approx(len(s) / 2, rel=0.05)


def test_weights_can_change_the_answer(rng):
    """Where the gross errors have next to no weight, they speak for no robust loss."""
    s = rng.normal(size=2000)
    gross = rng.random(2000) < 0.1
    y = s + rng.normal(size=2000) * np.where(gross, 20.0, 1.0)
    expected = [
        {a.loss.name: a.expected for a in fl.recommend(y, s, metric="mse", sample_weight=w).ranking}
        for w in (np.ones(2000), np.where(gross, 1e-6, 1.0))
    ]
    assert expected[0]["squared_error"] > expected[0]["huber"]
    assert expected[1]["squared_error"] <= expected[1]["huber"]


@pytest.mark.parametrize(
    ("w", "message"),
    [
        (np.ones(49), r"\(49,\): expected \(50,\)"),
        (np.where(np.arange(50) == 3, -1.0, 1.0), r"sample_weight\[3\] is -1"),
        (np.full(50, np.nan), r"sample_weight\[0\] is nan"),
        (np.zeros(50), "0 in every row"),
        (np.arange(50) % 2, "all rows of label 0.0"),
        (["a"] * 50, "expected numbers"),
    ],
)
def test_bad_weights_are_explained(w, message):
    with pytest.raises(ValueError, match=message):
        fl.recommend(np.arange(50) % 2, sample_weight=w)


def test_weights_that_leave_one_value():
    y = np.repeat([1.5, 2.5, 4.0], [3, 20, 20])
    with pytest.raises(ValueError, match=r"of the 3 rows with a weight above 0: y_true is constant.* 1\.5"):
        fl.recommend(y, y + np.arange(43) % 2, sample_weight=y == 1.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e308, 1e-320])
def test_weights_of_any_size(size):
    y = np.random.default_rng(0).normal(size=100)
    one, other = (fl.recommend(y, sample_weight=np.full(100, w)) for w in (size, 1.0))
    assert one.to_dict()["ranking"] == other.to_dict()["ranking"]


@pytest.mark.parametrize("kept", [slice(None), slice(10, None)], ids=["all rows", "some of weight 0"])
def test_a_metric_of_other_targets_is_named(kept, rng):
    """By the value, for its row is another one where rows are left out."""
    y = rng.normal(size=50) + 10
    y[20] = -1.5
    w = np.zeros(50)
    w[kept] = 1
    with pytest.raises(ValueError, match=r"metric='poisson' takes a finite number >= 0, and y_true has -1.5: drop"):
        fl.recommend(y, sample_weight=w, metric="poisson")
    with pytest.raises(ValueError, match=r"metric='Hinge\(\)' takes labels all in \{0, 1\}.* and y_true has 0.5"):
        fl.recommend(np.tile([0.5, 0.25, 0.75], 20), metric=fl.Hinge())


def test_few_rows_of_much_weight_are_few():
    w = np.where(np.arange(400) < 10, 1.0, 1e-9)
    report = fl.recommend(np.random.default_rng(0).normal(size=400), sample_weight=w)
    assert any("400 rows, by weight 10: not enough data" in remark for remark in report.remarks)


def test_weights_say_what_predictions_are_to_be(rng):
    """Of ratings one number, if the weights make counts of them."""
    y = np.arange(300) % 5 + 1
    assert describe(y).kind == "classes"
    w = np.where(y < 5, 1.0, 1e-3)
    report = fl.recommend(y, y + rng.normal(size=300), sample_weight=w)
    assert report.target.kind == "counts"
    with pytest.raises(ValueError, match="y_pred has 301 rows, y_true has 300"):
        fl.recommend(y, np.zeros(301), sample_weight=w)


# -- metrics that are one ---------------------------------------------------------------------------------------------


def test_metrics_of_one_order_rank_alike(rng):
    """The root of the mean square and r2 are monotone in it."""
    X = rng.normal(size=(N, 4))
    y = X @ [1.0, -1.0, 0.5, 0.0] + rng.laplace(size=N)
    mse, rmse, r2 = (fl.recommend(y, X=X, metric=m, models=["linear"]) for m in ("mse", "rmse", "r2"))
    for a, b, c in zip(mse.ranking, rmse.ranking, r2.ranking, strict=True):
        assert a.loss == b.loss == c.loss
        assert b.expected == pytest.approx(a.expected**0.5)
        assert c.expected == pytest.approx(1 - a.expected / np.var(y))
        one, two, three = (x.trials["linear"] for x in (a, b, c))
        assert two["value"] == pytest.approx(one["value"] ** 0.5)
        assert np.sign([two["low"], two["high"]]).tolist() == np.sign([one["low"], one["high"]]).tolist()
        assert three["low"] == pytest.approx(-one["high"] / np.var(y))


# -- LightGBM ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["continuous", "positive", "semicontinuous", "counts", "binary", "classes"])
def test_lightgbm_verifies(kind, monkeypatch):
    pytest.importorskip("lightgbm")
    monkeypatch.setitem(trial.TREES, "max_iter", 5)
    y = _targets()[kind]
    X = np.random.default_rng(2).normal(size=(N, 3))
    report = fl.recommend(y, X=X, models=["lightgbm"], cv=2, sample_weight=np.linspace(1, 2, N))
    assert np.isfinite(report.ranking[0].trials["lightgbm"]["value"])
    assert all(len(line) <= 80 for line in repr(report).splitlines() if "https://" not in line)


def test_lightgbm_learns_a_median(rng):
    """Whose leaves have to be renewed: steps of a slope alone would not reach it."""
    pytest.importorskip("lightgbm")
    X = rng.normal(size=(N, 2))
    y = 1000 * np.sign(X[:, 0]) + 50 * rng.standard_t(2, N)
    report = fl.recommend(y, X=X, models=["lightgbm", "linear"], metric="mae")
    values = {a.loss.name: a.trials["lightgbm"]["value"] for a in report.ranking if "lightgbm" in a.trials}
    assert values["absolute_error"] < 200


def test_three_models_fit_80_columns(rng, monkeypatch):
    pytest.importorskip("lightgbm")
    monkeypatch.setitem(trial.TREES, "max_iter", 5)
    X = rng.normal(size=(N, 3))
    y = np.digitize(X[:, 0] + rng.normal(size=N), [-1.0, 0.3])
    report = fl.recommend(y, X=X, models=["linear", "trees", "lightgbm"], metric="balanced_accuracy", cv=2)
    assert report.best.class_weight is not None  # whose code is long
    text = repr(report)
    assert all(len(line) <= 80 for line in text.splitlines() if "https://" not in line)
    code = text[text.index("fastloss\n") + len("fastloss\n") : text.index("\nlinear model")]
    assert eval(code.strip(), {"fl": fl}) == report.best


def test_a_missing_lightgbm_is_named(rng, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lightgbm", None)
    X = rng.normal(size=(N, 2))
    with pytest.raises(ImportError, match="lightgbm"):
        fl.recommend(X[:, 0] + rng.normal(size=N), X=X, models=["lightgbm"])


# -- where the data cannot tell ---------------------------------------------------------------------------------------


def test_of_skewed_residuals_the_metric_has_the_say(rng):
    """Another loss finds another centre, however little its noise; of symmetric ones it may be the better one."""
    s = rng.normal(size=400)
    skewed = fl.recommend(s + rng.exponential(size=400), s + 0.7, metric="mae")
    assert skewed.best == fl.AbsoluteError()
    assert "residuals are skewed" in skewed.ranking[0].why
    symmetric = fl.recommend(s + rng.laplace(size=400), s, metric="mse")
    assert all("skewed" not in advice.why for advice in symmetric.ranking)


def test_what_is_level_is_level_in_the_order_too(rng):
    """One meaning of what cannot be told: the loss with better prior chances is first if it is marked as level."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        s = rng.normal(size=300)
        report = fl.recommend(s + rng.normal(size=300), s)
        prior = next((a for a in report.ranking if "maximum likelihood" in a.why), report.ranking[0])
        assert prior is report.ranking[0] or not prior.indistinguishable


def test_lines_of_code_stay_code():
    """However long: what follows a remark is one."""
    from fastloss.advisor.report import _code

    text = "f(a, b)  # of raw scores; of probabilities that are not clipped anywhere take another"
    library, *lines = _code("torch", text)
    assert library == "torch"
    assert all(len(line) <= 80 for line in lines)
    assert [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()] == ["f(a, b)"]
    assert " ".join(line.partition("# ")[2] for line in lines).split() == text.partition("# ")[2].split()


@pytest.mark.parametrize(
    "options", [{"models": "trees"}, {"models": [1]}, {"random_state": -1}, {"random_state": "a"}, {"time_budget": "3"}]
)
def test_wrong_options_are_named(options, rng):
    X = rng.normal(size=(50, 2))
    with pytest.raises(ValueError, match=f"{next(iter(options))}="):
        fl.recommend(X[:, 0], X=X, **options)
