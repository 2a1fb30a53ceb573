"""The estimators are scikit-learn's kind, take every loss that fits, and find the minimum of what they say."""

from __future__ import annotations

import copy
import os
import pickle
import pty
import subprocess
import sys
import warnings

import numpy as np
import pytest
from cases import seed_of

import fastloss as fl

pytest.importorskip("sklearn")
sparse = pytest.importorskip("scipy.sparse")

import sklearn  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import HuberRegressor, Lasso, LogisticRegression, PoissonRegressor, Ridge, SGDClassifier  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from fastloss.estimators import (  # noqa: E402
    LossClassifier,
    LossRegressor,
    base,
)
from fastloss.linear import stochastic  # noqa: E402

rng = seed_of("estimators")
X = rng.normal(size=(300, 4))
SCORES = X @ [1.0, -2.0, 0.5, 0.0] + 0.3
NUMBERS = SCORES + rng.normal(size=300)
COUNTS = rng.poisson(np.exp(SCORES / 2))
TWO = np.where(rng.random(300) < 1 / (1 + np.exp(-SCORES)), "yes", "no")
THREE = np.array(["a", "b", "c"])[np.argmax(X[:, :3] + rng.gumbel(size=(300, 3)), axis=1)]


def names(estimator):
    """All losses that fit, as the refusal of another lists them."""
    with pytest.raises(ValueError, match="does not fit") as refusal:
        estimator("total_variation").fit(X, TWO if estimator is LossClassifier else NUMBERS)
    return str(refusal.value).split("losses that do are ")[1].removesuffix(", and sums of them").split(", ")


# -- scikit-learn's own checks: none fails, none is expected to -----------------------------------------------------


@parametrize_with_checks(
    [
        LossRegressor(),
        LossRegressor("huber", penalty="l1"),
        LossRegressor("quantile"),
        LossRegressor(fl.Huber(delta=1.5), estimate_scale=True),
        LossRegressor(solver="sgd"),
        LossClassifier(),
        LossClassifier("cross_entropy"),
        LossClassifier("hinge", tol=1e-10),  # interior points come within tol of the minimum on a way that knows rows
        LossClassifier("cross_entropy", solver="adam"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# -- every loss ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names(LossRegressor))
def test_every_loss_of_numbers(name):
    y = COUNTS + 1.0 if fl.get_loss(name).task == "count" else NUMBERS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of losses that are not convex
        model = LossRegressor(name).fit(X, y)
    predictions = model.predict(X)
    assert predictions.shape == y.shape
    assert np.corrcoef(predictions, SCORES)[0, 1] > 0.7
    assert model.n_iter_ == len(model.loss_curve_)


@pytest.mark.parametrize("name", names(LossClassifier))
def test_every_loss_of_classes(name):
    for y, n_classes in ((TWO, 2), (THREE, 3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LossClassifier(name, alpha=1e-2).fit(X, y)
        rows = 1 if n_classes == 2 else 3
        assert model.coef_.shape == (rows, 4)
        assert model.intercept_.shape == (rows,)
        assert model.decision_function(X).shape == ((300,) if n_classes == 2 else (300, 3))
        # the minimum of the perceptron's loss is at 0, so that its path, not its end, decides
        assert name == "perceptron" or model.score(X, y) > 0.6
        if hasattr(model, "predict_proba"):
            p = model.predict_proba(X)
            np.testing.assert_allclose(p.sum(axis=1), 1)
            chosen = np.searchsorted(model.classes_, model.predict(X))
            np.testing.assert_array_equal(p[np.arange(300), chosen], p.max(axis=1))  # modified_huber's may tie
            np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p)


def test_the_minima_are_those_of_scikit_learn():
    alpha, tight = 0.1, {"tol": 1e-9}
    lasso = Lasso(alpha=alpha, tol=1e-12).fit(X, NUMBERS)
    machine = LinearSVC(C=1 / (300 * alpha), fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, TWO)
    ridge = Ridge(alpha=alpha * 300).fit(X, NUMBERS)
    poisson = PoissonRegressor(alpha=alpha, tol=1e-10).fit(X, COUNTS)
    two, three = (LogisticRegression(C=1 / (300 * alpha), tol=1e-10, max_iter=1000).fit(X, y) for y in (TWO, THREE))
    for theirs, ours, y in (
        (ridge, LossRegressor("half_squared_error", alpha=alpha, **tight), NUMBERS),
        (ridge, LossRegressor("squared_error", alpha=2 * alpha, **tight), NUMBERS),
        (lasso, LossRegressor("half_squared_error", penalty="l1", alpha=alpha, **tight), NUMBERS),
        (machine, LossClassifier("squared_hinge", alpha=alpha, fit_intercept=False, **tight), TWO),
        (poisson, LossRegressor("poisson", alpha=alpha, **tight), COUNTS),
        (two, LossClassifier("log_loss", alpha=alpha, **tight), TWO),
        (three, LossClassifier("cross_entropy", alpha=alpha, **tight), THREE),
    ):
        ours.fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        LossClassifier("cross_entropy", alpha=alpha, **tight).fit(X, THREE).predict_proba(X),
        three.predict_proba(X),
        rtol=1e-5,
    )
    # Of two classes, the difference of two columns of a softmax has half the ridge of one column.
    np.testing.assert_allclose(
        LossClassifier("cross_entropy", alpha=2 * alpha, **tight).fit(X, TWO).coef_, two.coef_, rtol=1e-5
    )


def test_one_against_the_rest_is_three_fits():
    model = LossClassifier("squared_hinge").fit(X, THREE)
    for k, label in enumerate("abc"):
        alone = LossClassifier("squared_hinge").fit(X, label == THREE)
        np.testing.assert_array_equal(model.coef_[k], alone.coef_[0])
    assert len(model.loss_curve_) == 3
    assert model.n_iter_ == max(map(len, model.loss_curve_))


def test_sums_objects_and_standard_deviations():
    mixed = LossRegressor(0.5 * fl.Huber() + 0.5 * fl.LogCosh()).fit(X, NUMBERS)
    assert mixed.score(X, NUMBERS) > 0.7
    assert LossClassifier(fl.BinaryFocal(gamma=1.0, from_logits=True)).fit(X, TWO).score(X, TWO) > 0.7
    model = LossRegressor("gaussian_nll").fit(X, NUMBERS)
    location, scale = model.predict(X, return_std=True)
    np.testing.assert_array_equal(model.predict(X), location)
    assert 0.8 < scale.mean() < 1.2
    assert model.coef_.shape == (2, 4)
    with pytest.raises(ValueError, match="squared_error has no scale"):
        LossRegressor().fit(X, NUMBERS).predict(X, return_std=True)


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (
            LossRegressor("log_loss"),
            NUMBERS,
            "task 'binary', for LossClassifier. The losses that do are squared_error,",
        ),
        (
            LossClassifier("huber"),
            TWO,
            "task 'regression', for LossRegressor. The losses that do are binary_cross_entropy,",
        ),
        (LossClassifier(fl.BinaryCrossEntropy()), TWO, "pass from_logits=True"),
        (LossRegressor(fl.Poisson(link="identity")), COUNTS, "pass link='log'"),
        (LossRegressor("quantil"), NUMBERS, "did you mean 'quantile'"),
        (LossClassifier("mise"), TWO, r"no loss named 'mise'; those of LossClassifier are (?!.*squared_error)"),
        (
            LossClassifier("perceptron", solver="interior"),
            TWO,
            "is 0 at coefficients of 0: use 'hinge', or solver='sgd'",
        ),
        (
            LossClassifier(class_weight={"yes": -2.0}),
            TWO,
            "class_weight of 'yes' is -2: expected a number of at least 0",
        ),
        (LossRegressor("poisson"), NUMBERS, r"out of the valid range of the loss 'poisson': y\[\d+\] is -"),
        (LossRegressor("quantile", solver="lbfgs"), NUMBERS, "the solvers that do are interior, sgd"),
        (LossRegressor("huber", penalty="l1", solver="newton"), NUMBERS, "the solvers that do are proximal, sgd"),
        (LossRegressor("root_mean_squared_error", solver="adam"), NUMBERS, "solver='adam' does not fit"),
        (LossClassifier(), np.full(300, "yes"), "one class only"),
        (LossRegressor(alpha=-1.0), NUMBERS, "The 'alpha' parameter of LossRegressor must be a float in the range"),
        (LossRegressor(solver="bfgs"), NUMBERS, "The 'solver' parameter of LossRegressor must be a str among"),
    ],
    ids=lambda x: repr(x) if isinstance(x, (LossRegressor, LossClassifier)) else "",
)
def test_refused(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_methods_that_are_not_there():
    assert not hasattr(LossClassifier("hinge"), "predict_proba")
    assert not hasattr(LossRegressor(), "partial_fit")
    assert hasattr(LossRegressor(solver="adam"), "partial_fit")
    with pytest.raises(ValueError, match="balanced"):
        LossClassifier(solver="sgd", class_weight="balanced").partial_fit(X, TWO, classes=["no", "yes"])
    model = LossClassifier(solver="sgd").partial_fit(X, TWO, classes=["no", "yes"])
    with pytest.raises(ValueError, match=r"y\[0\] is 'a'"):
        model.partial_fit(X, THREE)
    with pytest.raises(ValueError, match="at least 2 classes: classes has one class only, 'no'"):
        LossClassifier(solver="sgd").partial_fit(X, np.full(300, "no"), classes=["no"])


# -- data: types, orders, names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["auto", "sgd"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_and_orders_are_kept_and_nothing_is_copied(dtype, solver, monkeypatch):
    seen = []
    problem = base.LinearProblem

    def watched(given, *args, **kwargs):
        seen.append(given)
        return problem(given, *args, **kwargs)

    monkeypatch.setattr(base, "LinearProblem", watched)
    coefficients = []
    for make in (np.ascontiguousarray, np.asfortranarray, sparse.csr_array):
        given = make(X.astype(dtype))
        model = LossClassifier("cross_entropy", solver=solver, random_state=0, tol=1e-6).fit(given, THREE)
        assert model.coef_.dtype == model.intercept_.dtype == model.decision_function(given).dtype == dtype
        assert model.predict_proba(given).dtype == dtype
        coefficients.append(model.coef_)
        assert np.shares_memory(*(x.data if sparse.issparse(x) else x for x in (seen[-1], given)))
        regression = LossRegressor("huber", solver=solver, random_state=0).fit(given, NUMBERS)
        assert regression.coef_.dtype == regression.intercept_.dtype == regression.predict(given).dtype == dtype
    for other in coefficients[1:]:
        np.testing.assert_allclose(other, coefficients[0], rtol=2e-2 if dtype == np.float32 else 1e-4, atol=1e-4)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_of_features(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate("abcd")})
    model = LossRegressor().fit(frame, NUMBERS)
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_allclose(model.predict(frame), LossRegressor().fit(X, NUMBERS).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = make_pipeline(StandardScaler(), LossRegressor("poisson")).set_output(transform=library)
        assert list(pipeline.fit(frame, COUNTS)[-1].feature_names_in_) == list("abcd")


# -- scikit-learn's tools -----------------------------------------------------------------------------------------


def test_search_over_losses():
    search = GridSearchCV(LossRegressor(), {"loss": ["squared_error", "huber", "poisson", fl.Quantile(0.4)]}, cv=3)
    search.fit(X, COUNTS)
    assert search.best_params_ == {"loss": "poisson"}
    classes = GridSearchCV(LossClassifier(), {"loss": ["log_loss", "hinge", "cross_entropy"]}, cv=3).fit(X, THREE)
    assert classes.best_score_ > 0.6


def test_clones_and_pickles():
    model = LossRegressor(fl.Huber(delta=0.7), penalty=fl.ElasticNet(0.1, 0.3), random_state=0, solver="adam")
    assert clone(model).get_params() == model.get_params()
    model.partial_fit(X, NUMBERS)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(
            again.partial_fit(X, NUMBERS).coef_, copy.deepcopy(model).partial_fit(X, NUMBERS).coef_
        )


def test_metadata_routing():
    weight = np.linspace(0, 1, 300)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            LossRegressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True),
            {"alpha": [0.1]},
            cv=3,
        ).fit(X, NUMBERS, sample_weight=weight)
    direct = LossRegressor(alpha=0.1).fit(X, NUMBERS, sample_weight=weight)
    np.testing.assert_array_equal(search.best_estimator_.coef_, direct.coef_)


def test_weights_of_samples_and_classes():
    weight = np.where(TWO == "yes", 3.0, 1.0)
    by_sample = LossClassifier().fit(X, TWO, sample_weight=weight)
    by_class = LossClassifier(class_weight={"yes": 3.0, "no": 1.0}).fit(X, TWO)
    np.testing.assert_allclose(by_class.coef_, by_sample.coef_)
    balanced = LossClassifier(class_weight="balanced", tol=1e-8).fit(X, TWO, sample_weight=weight)
    theirs = LogisticRegression(C=1 / (300 * 1e-4), class_weight="balanced", tol=1e-9, max_iter=1000)
    theirs.set_params(C=1 / (weight.sum() * 1e-4)).fit(X, TWO, sample_weight=weight)
    np.testing.assert_allclose(balanced.coef_, theirs.coef_, rtol=1e-4)


def test_a_class_without_weight_is_balanced_by_nothing():
    weight = np.where(THREE == "c", 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LossClassifier(class_weight="balanced", alpha=0.1).fit(X, THREE, sample_weight=weight)
        held = LossClassifier(class_weight="balanced", alpha=0.1).fit(X, THREE, sample_weight=np.where(weight, 2.0, 0))
    assert np.isfinite(model.coef_).all()
    np.testing.assert_allclose(model.coef_, held.coef_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_numbers_that_overflow_are_refused(dtype):
    largest = float(np.finfo(dtype).max)
    with pytest.raises(ValueError, match=r"sample_weight sums to .*: divide the weights by their largest"):
        LossRegressor().fit(X.astype(dtype), NUMBERS, sample_weight=np.full(300, largest / 10))
    if dtype == np.float32:
        far = NUMBERS.copy()
        far[7] = 1e39
        with pytest.raises(ValueError, match=r"y\[7\] is 1e\+39: .* float32"):
            LossRegressor().fit(X.astype(dtype), far)


# -- the course of a fit ------------------------------------------------------------------------------------------


def test_warm_start():
    model = LossClassifier("cross_entropy", warm_start=True, tol=1e-8)
    for y in (TWO, THREE):
        cold = clone(model).fit(X, y)
        first = cold.coef_.copy()
        assert cold.n_iter_ > cold.fit(X, y).n_iter_
        np.testing.assert_allclose(cold.coef_, first, atol=1e-6)
    with pytest.raises(ValueError, match=r"warm_start=True, and coef_ of shape \(3, 4\)"):
        cold.fit(X[:, :2], THREE)
    for known, other in ((THREE, TWO), (TWO, THREE)):
        with pytest.raises(ValueError, match=r"warm_start=True, and coef_ of shape \([13], 4\)"):
            clone(model).fit(X, known).fit(X, other)
    huber = LossRegressor("huber", warm_start=True, tol=1e-8).fit(X, NUMBERS)
    assert huber.n_iter_ >= huber.fit(X, NUMBERS).n_iter_


@pytest.mark.parametrize("solver", stochastic.RULES)
def test_partial_fit_is_the_epochs_of_fit(solver):
    fitted = LossClassifier("cross_entropy", solver=solver, max_iter=3, tol=0, random_state=0, batch_size=50)
    with pytest.warns(ConvergenceWarning, match="not converged after 3 epochs"):
        fitted.fit(X, THREE)
    pieces = clone(fitted)
    pieces.partial_fit(X, THREE, classes=["a", "b", "c"])
    pieces.coef_ = np.zeros((3, 4))
    pieces._descents = []  # begins again, from what fit begins with
    pieces.intercept_ = np.log(np.bincount(np.unique(THREE, return_inverse=True)[1]) / 300)
    for _ in range(3):
        pieces.partial_fit(X, THREE)
    np.testing.assert_allclose(pieces.loss_curve_, fitted.loss_curve_, rtol=1e-6)
    assert pieces.n_iter_ == 3


def test_partial_fit_takes_what_set_params_says():
    model = LossRegressor(solver="adam", random_state=0, batch_size=50).partial_fit(X, NUMBERS)
    same, slower, other = (copy.deepcopy(model) for _ in range(3))
    same.partial_fit(X, NUMBERS)
    slower.set_params(eta0=1e-9).partial_fit(X, NUMBERS)
    assert np.abs(same.coef_ - model.coef_).max() > 1e-3
    np.testing.assert_allclose(slower.coef_, model.coef_, atol=1e-6)
    slower.set_params(eta0=None)  # the moments went on, and so do the steps
    assert slower._descents[0].steps == same._descents[0].steps == 12
    other.set_params(solver="sgd", eta0=1e-9).partial_fit(X, NUMBERS)
    np.testing.assert_allclose(other.coef_, model.coef_, atol=1e-6)
    assert other._descents[0].settings.rule == "sgd"


def test_partial_fit_after_a_change_of_the_model():
    model = LossRegressor(solver="sgd", random_state=0, eta0=1e-9).partial_fit(X, NUMBERS)
    model.set_params(fit_intercept=False).partial_fit(X, NUMBERS)
    assert model.intercept_ == 0
    model.set_params(fit_intercept=True, loss="huber").partial_fit(X, NUMBERS)
    model.set_params(loss="gaussian_nll")
    with pytest.raises(ValueError, match=r"coef_ of shape \(4,\) is from other features, classes or another kind"):
        model.partial_fit(X, NUMBERS)
    classes = LossClassifier(solver="sgd", random_state=0).partial_fit(X, THREE, classes=["a", "b", "c"])
    before = classes.coef_.copy()
    classes.set_params(loss="cross_entropy", eta0=1e-9).partial_fit(X, THREE)
    np.testing.assert_allclose(classes.coef_, before, atol=1e-6)


def test_batches_may_be_larger_than_the_data():
    whole, more = (
        LossRegressor(solver="adam", random_state=0, batch_size=size).partial_fit(X, NUMBERS) for size in (300, 10**20)
    )
    np.testing.assert_array_equal(more.coef_, whole.coef_)


def test_early_stopping_splits_rows_with_weight():
    model = LossRegressor(solver="adam", early_stopping=True, max_iter=300)
    weight = np.zeros(300)
    weight[:6] = 1
    for seed in range(10):
        model.set_params(random_state=seed).fit(X, NUMBERS, sample_weight=weight)
        assert np.isfinite(model.validation_curve_).all()
    weight[1:] = 0
    with pytest.raises(ValueError, match=r"early_stopping=True needs 2 samples with weight, .*: 1 has"):
        model.fit(X, NUMBERS, sample_weight=weight)
    model.set_params(early_stopping=False).fit(X, NUMBERS)
    assert not hasattr(model, "validation_curve_")


def test_early_stopping_keeps_the_best():
    model = LossClassifier(
        solver="adam",
        early_stopping=True,
        validation_fraction=0.3,
        random_state=0,
        batch_size=10,
        max_iter=50,
        eta0=0.3,
    ).fit(X, TWO)
    assert model.n_iter_ < 50
    assert len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_
    assert int(np.argmin(model.validation_curve_)) < model.n_iter_ - 1


def test_early_stopping_of_a_solver_without_it():
    with pytest.warns(UserWarning, match="early_stopping=True is for the solvers sgd, .*, and 'newton' does not"):
        LossRegressor(early_stopping=True).fit(X, NUMBERS)


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "proximal"])
def test_scale_is_estimated_as_by_huber_regressor(solver):
    y = 1000 * NUMBERS  # in units in which the default delta means nothing
    y[::10] += 1e5
    theirs = HuberRegressor(epsilon=1.5, alpha=3.0, max_iter=10_000, tol=1e-10).fit(X, y)
    ours = LossRegressor(fl.Huber(delta=1.5), estimate_scale=True, alpha=3.0 / len(y), tol=1e-8, solver=solver)
    assert ours.fit(X, y).scale_ == pytest.approx(theirs.scale_, rel=1e-4)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=0.05)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-3)
    again = clone(ours).set_params(warm_start=True, tol=1e-6).fit(X, y)
    assert again.fit(X, y).n_iter_ == 0
    assert not hasattr(ours.set_params(estimate_scale=False, tol=1.0).fit(X, y), "scale_")


def test_scale_is_of_huber_alone():
    with pytest.raises(ValueError, match=r"Huber\(delta\) with delta > 1, not for Huber\(delta=1.0\)"):
        LossRegressor("huber", estimate_scale=True).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="with delta > 1, not for Squared"):
        LossRegressor(estimate_scale=True).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="the solvers that do are newton, lbfgs, proximal"):
        LossRegressor(fl.Huber(delta=2.0), estimate_scale=True, solver="adam").fit(X, NUMBERS)


def test_probabilities_of_modified_huber_are_those_of_scikit_learn():
    theirs = SGDClassifier("modified_huber", random_state=0)
    for y in (TWO, THREE):
        ours = LossClassifier("modified_huber").fit(X, y)
        theirs.fit(X, y)
        theirs.coef_, theirs.intercept_ = ours.coef_, ours.intercept_
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-15)


@pytest.mark.parametrize("name", ["tukey", "welsch", "geman_mcclure", "arctan", "cauchy"])
def test_robust_losses_of_targets_that_are_not_scaled(name):
    data, y = load_diabetes(return_X_y=True)
    data = StandardScaler().fit_transform(data)
    assert LossRegressor(name).fit(data, y).score(data, y) > 0.4


@pytest.mark.parametrize("solver", ["sgd", "rmsprop"])
def test_a_descent_that_never_falls_below_its_start_says_so(solver):
    data, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="has diverged .* scale the features"):
        model = LossClassifier(solver=solver, random_state=0).fit(data, y)
    assert (model.coef_ == 0).all()
    assert model.score(data, y) == pytest.approx(y.mean())


def test_partial_fit_starts_at_the_best_constant_of_the_first_batch():
    model = LossRegressor("absolute_error", solver="sgd", eta0=1e-9).partial_fit(X, NUMBERS + 100)
    assert model.intercept_ == pytest.approx(np.median(NUMBERS) + 100, abs=0.01)


def test_not_converged():
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        LossRegressor("log_cosh", max_iter=1, tol=1e-12).fit(X, NUMBERS)
    with pytest.warns(ConvergenceWarning, match="after 2 epochs: raise eta0 or max_iter, or standardise y"):
        LossRegressor(solver="sgd", max_iter=2).fit(X, NUMBERS)


@pytest.mark.parametrize("model", [LossRegressor("log_cosh", tol=1e-9), LossRegressor(solver="adam")], ids=repr)
def test_interrupts_keep_the_best(model, monkeypatch):
    call = base.Display.__call__

    def interrupted(self, iteration, objective, gap):
        call(self, iteration, objective, gap)
        if iteration == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(base.Display, "__call__", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted after"):
        model.fit(X, NUMBERS)
    assert model.n_iter_ == 2
    assert model.score(X, NUMBERS) > 0


def test_an_interrupt_ends_one_against_the_rest(monkeypatch):
    model = LossClassifier("squared_hinge", tol=1e-9, warm_start=True)
    call, fits = base.Display.__call__, []

    def interrupted(self, iteration, objective, gap):
        call(self, iteration, objective, gap)
        if iteration == 1:
            fits.append(self)
            if len(fits) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(base.Display, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt, match="1 of 3 classes have no coefficients yet"):
        model.fit(X, THREE)
    assert len(fits) == 2
    before = model.fit(X, THREE).coef_.copy()
    fits.clear()
    with pytest.warns(ConvergenceWarning, match="after 1 .*; 1 of 3 classes keep the coefficients of"):
        model.fit(X[:200], THREE[:200])
    assert len(fits) == 2
    assert (model.coef_[:2] != before[:2]).all()
    np.testing.assert_array_equal(model.coef_[2], before[2])
    assert model.score(X, THREE) > 0.6


def test_shows_a_line_per_iteration_in_a_pipe_and_nothing_unasked(capsys):
    LossRegressor(solver="adam", max_iter=500).fit(X, NUMBERS)
    assert capsys.readouterr() == ("", "")
    model = LossRegressor("log_cosh", verbose=1).fit(X, NUMBERS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[0].startswith(f"LossRegressor: iteration 1, loss {model.loss_curve_[0]:.6g}, gap ")


def test_shows_a_bar_on_a_terminal():
    pytest.importorskip("rich")
    code = (
        "import numpy as np; from fastloss.estimators import LossRegressor; X = np.arange(200.0).reshape(-1, 2) / 200;"
        "LossRegressor('log_cosh', verbose=1, tol=1e-9).fit(X, X[:, 0])"
    )
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", code], stdout=theirs, check=True, env=os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "━" in shown
    assert "gap" in shown
    assert "iteration" not in shown


def test_says_what_is_missing():
    code = "import sys; sys.modules['sklearn'] = None; import fastloss.estimators"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'fastloss[estimators]'" in run.stderr


def test_a_scale_is_not_that_of_samples_left_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ [1.0, 2.0, 3.0] + 1e-3 * rng.normal(size=200)
    kept = LossRegressor(fl.Huber(delta=1.35), estimate_scale=True, tol=1e-8).fit(X[1:], y[1:])
    y[0] = 1e16
    left_out = LossRegressor(fl.Huber(delta=1.35), estimate_scale=True, tol=1e-8).fit(X, y, np.r_[0.0, np.ones(199)])
    assert left_out.scale_ == pytest.approx(kept.scale_, rel=1e-4)


@pytest.mark.parametrize(
    ("dtype", "unit", "outlier"), [(np.float32, 1.0, 1e4), (np.float64, 1.0, 2e12), (np.float64, 1e-13, 1.0)]
)
def test_a_scale_is_not_that_of_an_outlier_nor_of_the_units(dtype, unit, outlier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = X @ [1.0, 2.0, 3.0] + 1e-3 * rng.normal(size=500)
    model = LossRegressor(fl.Huber(delta=1.35), estimate_scale=True, tol=1e-8)
    plain = model.fit(X, y).scale_
    y[7] = outlier
    found = model.fit(X.astype(dtype), (unit * y).astype(dtype)).scale_ / unit
    assert found == pytest.approx(plain, rel=0.05)
