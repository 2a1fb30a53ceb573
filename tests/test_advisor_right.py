"""The advisor is right: beside an oracle with 20 times the data, and on real data sets."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_advisor", ROOT / "bench" / "advisor.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("family", ["gaussian", "contaminated 10 %", "asymmetric", "poisson", "binary 1:5"])
def test_the_oracles_best_is_among_the_first_two(bench, family):
    tally, misses = bench.judge(family, number=0, draws=10, verify=False)
    assert tally.two >= 9, misses


@pytest.mark.long
@pytest.mark.parametrize("verify", [False, True])
def test_right_in_all_families(bench, verify):
    results = bench.run(list(bench.FAMILIES), draws=200, settings=10, verify=verify, processes=2)
    for family, result in results.items():
        hits = result["first" if verify else "two"]
        assert hits >= 0.9 * result["draws"], (family, result)


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer", "wine", "iris"])
def test_advice_on_real_data_is_no_worse_than_the_usual(name):
    """By the cross-validation that verifies it: the usual loss is never better beyond the noise."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    report = fl.recommend(y, X=X, models=["linear"])
    usual = {"diabetes": "squared_error", "breast_cancer": "binary_cross_entropy"}
    usual = usual.get(name, "sparse_categorical_cross_entropy")
    others = [a for a in report.ranking if a.loss.name == usual and a.trials]
    assert report.ranking[0].trials
    assert report.best.name == usual or any(a.trials["linear"]["high"] >= 0 for a in others)


def test_advice_on_digits_is_no_worse_than_the_usual():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    report = fl.recommend(y, X=X, models=["linear"])
    usual = next(a for a in report.ranking if a.loss == fl.SparseCategoricalCrossEntropy(from_logits=True))
    assert usual is report.ranking[0] or usual.trials["linear"]["high"] >= 0


def test_of_twenty_rows_nothing_is_claimed():
    from sklearn.datasets import load_linnerud

    X, Y = load_linnerud(return_X_y=True)
    for column in Y.T:
        report = fl.recommend(column, X=X, task="regression")
        assert any("not enough data" in remark for remark in report.remarks)
        assert report.best.name == "squared_error"


def test_advice_without_training_on_real_data():
    """Chosen on one half, judged on the other by linear models of both losses."""
    from sklearn import datasets
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import cross_val_predict, train_test_split

    from fastloss.estimators import LossRegressor

    X, y = datasets.load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    best = fl.recommend(y, cross_val_predict(LinearRegression(), X, y)).best
    ours, usual = (
        np.square(LossRegressor(loss, alpha=0).fit(X, y).predict(X_test) - y_test) for loss in (best, "squared_error")
    )
    difference = ours - usual
    assert difference.mean() <= 2 * difference.std() / np.sqrt(len(difference))
