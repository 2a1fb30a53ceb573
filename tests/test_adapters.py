# ruff: noqa: E501  (tables: one case a line)
"""Losses inside the boosters: real fits, side by side with the hosts' own objectives. A host that is missing is skipped."""

from __future__ import annotations

import copy
import importlib
import math
import pickle

import numpy as np
import pytest

import fastloss as fl
from fastloss.adapters import boosting, host

RNG = np.random.default_rng(7)
N = 1500
X = RNG.normal(size=(N, 5))
SIGNAL = X[:, 0] + X[:, 1] * X[:, 2]
W = RNG.uniform(0.3, 3.0, N)
TARGETS = {
    "regression": SIGNAL + RNG.standard_t(3, size=N),
    "binary": (SIGNAL + RNG.logistic(size=N) > 0).astype(float),
    "count": RNG.poisson(np.exp(0.4 * SIGNAL)).astype(float),
    "positive": RNG.gamma(2, np.exp(0.4 * SIGNAL)) + 1e-3,
    "multiclass": np.digitize(SIGNAL + RNG.normal(size=N), [-0.7, 0.5]).astype(float),
}
Y = TARGETS["regression"]
BCE, CE = fl.BinaryCrossEntropy(from_logits=True), fl.SparseCategoricalCrossEntropy(from_logits=True)
HOSTS = ("xgboost", "lightgbm", "catboost")
ROUNDS = 100


def adapter(name):
    pytest.importorskip(name, reason=f"{name} is not installed")
    return importlib.import_module(f"fastloss.adapters.{name}")


@pytest.fixture
def sk():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    return importlib.import_module("fastloss.adapters.sklearn")


# -- the same trees as the host's own objective -----------------------------------------------------------------------

SAME_TREES = [
    ("xgboost", fl.HalfSquaredError(), "regression", "reg:squarederror", {}),
    ("xgboost", fl.PseudoHuber(1.0), "regression", "reg:pseudohubererror", {}),
    ("xgboost", BCE, "binary", "binary:logistic", {}),
    ("xgboost", fl.Poisson(), "count", "count:poisson", {"max_delta_step": 0.7}),
    ("xgboost", fl.Gamma(), "positive", "reg:gamma", {}),
    ("xgboost", fl.Tweedie(1.5), "count", "reg:tweedie", {"tweedie_variance_power": 1.5}),
    ("xgboost", CE, "multiclass", "multi:softprob", {"num_class": 3}),
    ("lightgbm", fl.HalfSquaredError(), "regression", "regression", {}),
    ("lightgbm", fl.Huber(0.9), "regression", "huber", {"alpha": 0.9}),
    ("lightgbm", fl.Fair(2.0), "regression", "fair", {"fair_c": 2.0}),
    ("lightgbm", BCE, "binary", "binary", {}),
    ("lightgbm", fl.Poisson(), "count", "poisson", {}),
    ("lightgbm", fl.Gamma(), "positive", "gamma", {}),
    ("lightgbm", fl.Tweedie(1.5), "count", "tweedie", {"tweedie_variance_power": 1.5}),
    ("lightgbm", CE, "multiclass", "multiclass", {"num_class": 3}),
    ("catboost", fl.HalfSquaredError(), "regression", "RMSE", {}),
    ("catboost", fl.Quantile(0.8), "regression", "Quantile:alpha=0.8", {"leaf_estimation_method": "Gradient"}),
    ("catboost", fl.Expectile(0.8), "regression", "Expectile:alpha=0.8", {}),
    ("catboost", fl.Huber(0.9), "regression", "Huber:delta=0.9", {}),
    ("catboost", fl.LogCosh(), "regression", "LogCosh", {}),
    ("catboost", BCE, "binary", "Logloss", {}),
    ("catboost", fl.Poisson(), "count", "Poisson", {}),
    ("catboost", fl.Tweedie(1.5), "count", "Tweedie:variance_power=1.5", {}),
    ("catboost", CE, "multiclass", "MultiClass", {"classes_count": 3}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "loss", "task", "builtin", "params"), SAME_TREES, ids=[f"{h}-{b}" for h, _, _, b, _ in SAME_TREES]
)
def test_native_curvature_grows_the_same_trees(name, loss, task, builtin, params):
    objective = adapter(name).objective(loss, hessian="native")
    ours, theirs = TRAINED[name](objective, builtin, TARGETS[task], params)
    assert np.ptp(theirs) > 0.5
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def _xgboost(objective, builtin, y, params):
    import xgboost

    # Few bins: between two splits that are as good as equal, the last bit of a float32 gradient decides.
    data = xgboost.DMatrix(X, y, weight=W)
    start = objective.base_score(y, W, objective=builtin)
    params = {
        "eta": 0.1,
        "max_depth": 4,
        "nthread": 2,
        "base_score": start,
        "objective": builtin,
        "max_bin": 16,
        **params,
    }
    models = [xgboost.train(params, data, ROUNDS, obj=obj) for obj in (objective, None)]
    return [model.predict(data, output_margin=True) for model in models]


def _lightgbm(objective, builtin, y, params):
    import lightgbm

    params = {"learning_rate": 0.1, "num_leaves": 15, "num_threads": 2, "verbose": -1, **params}
    start = objective.init_score(y, W)
    models = [
        lightgbm.train({**params, "objective": obj}, lightgbm.Dataset(X, y, weight=W, init_score=start), ROUNDS)
        for obj in (objective, builtin)
    ]
    return [model.predict(X, raw_score=True) for model in models]


def _catboost(objective, builtin, y, params):
    import catboost

    classes = isinstance(objective, importlib.import_module("fastloss.adapters.catboost").CatBoostMulticlass)
    make = catboost.CatBoostClassifier if classes or builtin == "Logloss" else catboost.CatBoostRegressor
    rounds = ROUNDS if not classes else 10  # it asks for one sample at a time
    pool = catboost.Pool(X, y, weight=W, baseline=objective.baseline(y, W))
    common = {"iterations": rounds, "depth": 4, "learning_rate": 0.1, "thread_count": 2, "bootstrap_type": "No"}
    common |= {"leaf_estimation_iterations": 1, "silent": True, "allow_writing_files": False}
    metric = importlib.import_module("fastloss.adapters.catboost").metric(objective.loss)
    common |= {"leaf_estimation_method": "Newton", **params}
    ours, theirs = make(loss_function=objective, eval_metric=metric, **common), make(loss_function=builtin, **common)
    return [model.fit(pool).predict(X, prediction_type="RawFormulaVal") for model in (ours, theirs)]


TRAINED = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}


IN_SKLEARN = [
    (fl.HalfSquaredError(), "regression", "squared_error", {}),
    (fl.AbsoluteError(), "regression", "absolute_error", {}),
    (fl.Quantile(0.8), "regression", "quantile", {"quantile": 0.8}),
    (fl.Poisson(), "count", "poisson", {}),
    (fl.Gamma(), "positive", "gamma", {}),
    (BCE, "binary", "log_loss", {}),
    (CE, "multiclass", "log_loss", {}),
]  # fmt: skip


@pytest.mark.parametrize("weight", [W, None], ids=["weighted", ""])
@pytest.mark.parametrize(
    ("loss", "task", "builtin", "params"), IN_SKLEARN, ids=[f"{b}-{t}" for _, t, b, _ in IN_SKLEARN]
)
def test_the_same_trees_in_scikit_learn(sk, loss, task, builtin, params, weight):
    if builtin == "quantile" and weight is None:
        pytest.skip("scikit-learn interpolates between two targets where they are not weighted")
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    make = HistGradientBoostingClassifier if builtin == "log_loss" else HistGradientBoostingRegressor
    y, classes = TARGETS[task], 3 if task == "multiclass" else None
    ours = make(loss=sk.as_base_loss(loss, n_classes=classes), early_stopping=False).fit(X, y, sample_weight=weight)
    theirs = make(loss=builtin, early_stopping=False, **params).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(ours._raw_predict(X), theirs._raw_predict(X), rtol=0, atol=1e-6)
    result = "predict_proba" if builtin == "log_loss" else "predict"
    np.testing.assert_allclose(getattr(ours, result)(X), getattr(theirs, result)(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [301, 2000])
@pytest.mark.parametrize(
    ("loss", "builtin", "params", "weighted"),
    [
        (fl.AbsoluteError(), "absolute_error", {}, True),
        (fl.AbsoluteError(), "absolute_error", {}, False),
        (fl.Quantile(0.8), "quantile", {"quantile": 0.8}, True),
    ],
)
def test_native_has_the_slope_of_scikit_learn_where_a_score_is_the_target(sk, n, loss, builtin, params, weighted):
    """Targets are whole numbers, so that many are."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(n, 4)), rng.uniform(0.3, 3, n) if weighted else None
    y = np.round(x[:, 0] * x[:, 1] + rng.standard_t(3, size=n))
    ours, theirs = (
        HistGradientBoostingRegressor(loss=one, early_stopping=False, **more).fit(x, y, sample_weight=w).predict(x)
        for one, more in ((sk.as_base_loss(loss, hessian="native"), {}), (builtin, params))
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    one = sk.as_base_loss(loss, hessian="native")
    slope = one.gradient(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    assert slope[0] == slope[1] < 0
    assert one.loss_gradient(np.array([1.0, 2.0]), np.array([1.0, 1.0]))[1].tolist() == slope.tolist()


# -- arguments, order, type, weights -----------------------------------------------------------------------------------


def _as_called(name, objective, y, raw, w):
    """Gradient and curvature as the host gets them, by each of its ways to ask."""
    if name == "catboost":
        if isinstance(objective, importlib.import_module("fastloss.adapters.catboost").CatBoostMulticlass):
            rows = [objective.calc_ders_multi(raw[i], float(y[i]), float(w[i])) for i in range(len(y))]
            return [(-np.array([g for g, _ in rows]), -np.array([np.diag(h) for _, h in rows]))]
        found = objective.calc_ders_range(raw.astype(np.float64), y.astype(np.float32), w.astype(np.float32))
        assert found.shape == (len(y), 2)
        return [(-found[:, 0], -found[:, 1])]
    if name == "xgboost":
        import xgboost

        raw = raw.astype(np.float32)
        return [objective(raw, xgboost.DMatrix(np.zeros((len(y), 1)), y, weight=w)), objective(y, raw, sample_weight=w)]
    import lightgbm

    raw = np.asfortranarray(raw)
    data = lightgbm.Dataset(np.zeros((len(y), 1)), y, weight=w, params={"verbose": -1}).construct()
    return [objective(raw, data), objective(y, raw, w)]


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    "loss", [fl.Linex(0.7), fl.Quantile(0.9), fl.Huber(0.5), 0.5 * fl.Huber() + 2 * fl.Expectile(0.9)], ids=repr
)
def test_arguments_are_not_swapped(name, loss):
    objective = adapter(name).objective(loss)
    y, raw, w = Y.astype(np.float32), RNG.normal(size=N).astype(np.float32), W.astype(np.float32)
    want = loss.gradient_and_hessian(y, raw.astype(float), w, reduction="none", hessian=boosting.safe_curvature(loss))
    for got in _as_called(name, objective, y, raw, w):
        np.testing.assert_allclose(got[0], want[0], rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(got[1], want[1], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    "loss", [CE, fl.CategoricalFocal(from_logits=True), fl.MultiMargin()], ids=lambda loss: loss.name
)
def test_classes_keep_their_order(name, loss):
    objective = adapter(name).objective(loss)
    y, raw, w = TARGETS["multiclass"][:200], RNG.normal(size=(200, 3)).astype(np.float32), W[:200].astype(np.float32)
    kind = boosting.safe_curvature(loss)
    gradient, curvature = loss.gradient_and_hessian(
        y, raw.astype(float), w, reduction="none", hessian=kind if kind != "unit" else "exact"
    )
    if kind == "unit":
        curvature = np.broadcast_to(w[:, None], raw.shape)
    for got in _as_called(name, objective, y, raw, w):
        np.testing.assert_allclose(got[0], gradient, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(got[1], curvature, rtol=2e-5, atol=1e-6)


def test_catboost_gets_the_whole_hessian_of_a_softmax():
    objective = adapter("catboost").objective(CE)
    z = np.array([0.3, -1.0, 2.0])
    p = fl.Loss.inverse_link(CE, z)
    gradient, hessian = objective.calc_ders_multi(z, 2.0, 3.0)
    np.testing.assert_allclose(gradient, -3 * (p - [0, 0, 1]))
    np.testing.assert_allclose(hessian, -3 * (np.diag(p) - np.outer(p, p)))


def test_what_comes_back_needs_no_copy():
    gradient, hessian = adapter("lightgbm").objective(CE)(np.asfortranarray(np.zeros((4, 3))), _lightgbm_data())
    assert gradient.dtype == hessian.dtype == np.float32
    assert gradient.flags.f_contiguous
    assert hessian.flags.f_contiguous
    gradient, hessian = adapter("xgboost").objective(CE)(np.zeros(4), np.zeros((4, 3), np.float32))
    assert gradient.dtype == hessian.dtype == np.float32
    assert gradient.flags.c_contiguous
    assert hessian.flags.c_contiguous


def _lightgbm_data():
    import lightgbm

    return lightgbm.Dataset(np.zeros((4, 1)), np.array([0, 1, 2, 0]), params={"verbose": -1}).construct()


@pytest.mark.parametrize("way", ["by the engine", "in blocks"])
@pytest.mark.parametrize("k", [1, 2, 3, 7, 64, 65])  # from 65 on always in blocks
def test_scores_of_another_order_and_type_give_what_a_whole_pass_gives(monkeypatch, way, k):
    """A whole pass is of C-contiguous float64. There is a shorter block at the end of both ways."""
    if way == "in blocks":
        monkeypatch.setattr(boosting.Objective, "_written_apart", lambda *_: False)
    n = 2 * boosting.BLOCK // k + 77
    z = np.asfortranarray(RNG.normal(size=(n, k) if k > 1 else n))
    numbers, labels = RNG.normal(size=n), RNG.integers(0, max(k, 2), n)
    w = RNG.uniform(0, 2, n)
    w[::5] = 0
    cases = [(fl.Huber(), numbers), (fl.Quantile(0.3), numbers.astype(np.float32)), (BCE, labels)]
    if k > 1:
        cases = [(CE, labels), (CE, labels.astype(float)), (fl.MultiMargin(), labels.astype(np.uint8))]
    for loss, target in cases:
        for weight in (None, w, w.astype(np.float32)):
            objective = boosting.Objective(loss, n_threads=2)
            whole = tuple(np.empty(z.shape) for _ in range(2))
            objective.derivatives(target, np.ascontiguousarray(z), weight, whole)
            for dtype in (np.float32, np.float64):
                out = tuple(np.full(z.shape, np.nan, dtype, "F") for _ in range(2))
                objective.derivatives(target, z, weight, out)
                for a, b in zip(out, whole, strict=True):
                    np.testing.assert_array_equal(a, b.astype(dtype))


def test_what_is_wrong_in_scores_of_another_order_is_named_by_its_place():
    z, out = np.asfortranarray(np.zeros((40, 3))), tuple(np.empty((40, 3), np.float32, "F") for _ in range(2))
    y, w = np.zeros(40), np.ones(40)
    y[33] = 5
    with pytest.raises(ValueError, match=r"y_true\[33\] is 5"):
        boosting.Objective(CE).derivatives(y, z, None, out)
    w[20] = -1
    with pytest.raises(ValueError, match=r"sample_weight\[20\] is -1"):
        boosting.Objective(CE).derivatives(np.zeros(40), z, w, out)
    with pytest.raises(ValueError, match=r"y_true has shape \(39,\)"):
        boosting.Objective(CE).derivatives(np.zeros(39), z, None, out)
    fl.set_check_finite(True)
    z[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"y_pred\[7, 1\] is nan"):
        boosting.Objective(CE).derivatives(np.zeros(40), z, None, out)


# -- fits --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["xgboost", "xgboost.sklearn", "lightgbm", "lightgbm.sklearn", "catboost", "sklearn"])
def test_a_quantile_lies_above_its_share_of_targets(api):
    """A swapped argument, or a sign, would show: a tenth instead of nine tenths."""
    loss = fl.SmoothQuantile(0.9, width=0.2)
    name = api.partition(".")[0]
    module = adapter(name)
    if api == "sklearn":
        from sklearn.ensemble import HistGradientBoostingRegressor

        predicted = HistGradientBoostingRegressor(loss=module.as_base_loss(loss)).fit(X, Y, sample_weight=W).predict(X)
    else:
        objective = module.objective(loss)
        start = objective.start(Y, W)
        host_ = importlib.import_module(name)
        if api == "xgboost":
            data = host_.DMatrix(X, Y, weight=W)
            predicted = host_.train({"base_score": start}, data, 50, obj=objective).predict(data)
        elif api == "xgboost.sklearn":
            model = host_.XGBRegressor(objective=objective, base_score=objective.base_score(Y, W), n_estimators=50)
            predicted = model.fit(X, Y, sample_weight=W).predict(X)
        elif api == "lightgbm":
            data = host_.Dataset(X, Y, weight=W, init_score=objective.init_score(Y, W))
            predicted = start + host_.train({"objective": objective, "verbose": -1}, data, 50).predict(X)
        elif api == "lightgbm.sklearn":
            model = host_.LGBMRegressor(objective=objective, n_estimators=50, verbose=-1)
            predicted = start + model.fit(X, Y, sample_weight=W, init_score=objective.init_score(Y, W)).predict(X)
        else:
            pool = host_.Pool(X, Y, weight=W, baseline=objective.baseline(Y, W))
            model = host_.CatBoostRegressor(
                loss_function=objective,
                eval_metric=module.metric(loss),
                iterations=100,
                silent=True,
                allow_writing_files=False,
            )
            model.fit(pool)
            model.set_scale_and_bias(1, start)
            predicted = model.predict(X)
    assert 0.85 < np.average(predicted > Y, weights=W) < 0.95
    assert fl.quantile(Y, predicted, W, quantile=0.9) < 0.9 * fl.quantile(
        Y, np.full(N, np.quantile(Y, 0.9)), W, quantile=0.9
    )


@pytest.mark.parametrize("api", ["xgboost.sklearn", "lightgbm", "catboost", "sklearn"])
def test_classes_are_learned(api):
    loss, y = fl.CategoricalFocal(from_logits=True), TARGETS["multiclass"].astype(int)
    module = adapter(api.partition(".")[0])
    if api == "sklearn":
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(loss=module.as_base_loss(loss, n_classes=3), max_iter=20)
        probabilities = model.fit(X, y).predict_proba(X)
    else:
        objective = module.objective(loss)
        if api == "xgboost.sklearn":
            import xgboost

            model = xgboost.XGBClassifier(objective=objective, n_estimators=20, base_score=objective.base_score(y))
            probabilities = model.fit(X, y).predict_proba(X)
        elif api == "lightgbm":
            import lightgbm

            data = lightgbm.Dataset(X, y, init_score=objective.init_score(y))
            model = lightgbm.train({"objective": objective, "num_class": 3, "verbose": -1}, data, 20)
            probabilities = objective.predict(objective.start(y) + model.predict(X))
        else:
            import catboost

            model = catboost.CatBoostClassifier(
                loss_function=objective,
                eval_metric=module.metric(loss),
                classes_count=3,
                iterations=10,
                learning_rate=0.5,
                silent=True,
                allow_writing_files=False,
            )
            probabilities = model.fit(X, y).predict_proba(X)
    assert probabilities.shape == (N, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.7


@pytest.mark.parametrize("name", HOSTS)
def test_early_stopping_watches_the_metric(name):
    module, train, test = adapter(name), slice(0, 1000), slice(1000, N)
    objective, metric = module.objective(fl.Poisson()), module.metric(fl.AbsoluteError(), activation="exp")
    y = TARGETS["count"]
    if name == "xgboost":
        import xgboost

        data, held = xgboost.DMatrix(X[train], y[train]), xgboost.DMatrix(X[test], y[test], weight=W[test])
        log = {}
        params = {"base_score": objective.base_score(y[train]), "disable_default_eval_metric": True, "eta": 0.5}
        model = xgboost.train(
            params,
            data,
            500,
            obj=objective,
            custom_metric=metric,
            evals=[(held, "held")],
            early_stopping_rounds=5,
            evals_result=log,
            verbose_eval=False,
        )
        curve, raw = log["held"]["absolute_error"], model.predict(held, iteration_range=(0, model.best_iteration + 1))
    elif name == "lightgbm":
        import lightgbm

        data = lightgbm.Dataset(X[train], y[train])
        held = lightgbm.Dataset(X[test], y[test], weight=W[test], reference=data)
        log = {}
        model = lightgbm.train(
            {"objective": objective, "verbose": -1, "learning_rate": 0.5}, data, 500, valid_sets=[held], feval=metric,
            callbacks=[lightgbm.early_stopping(5, verbose=False), lightgbm.record_evaluation(log)],
        )  # fmt: skip
        curve, raw = log["valid_0"]["absolute_error"], model.predict(X[test], num_iteration=model.best_iteration)
    else:
        import catboost

        held = catboost.Pool(X[test], y[test], weight=W[test])
        model = catboost.CatBoostRegressor(
            loss_function=objective,
            eval_metric=metric,
            iterations=500,
            learning_rate=0.5,
            early_stopping_rounds=5,
            silent=True,
            allow_writing_files=False,
        )
        model.fit(catboost.Pool(X[train], y[train]), eval_set=held)
        curve, raw = model.get_evals_result()["validation"]["absolute_error"], model.predict(X[test])
    assert len(curve) < 500
    want = fl.absolute_error(y[test], objective.predict(np.asarray(raw, float)), W[test])
    assert min(curve) == pytest.approx(want, rel=1e-5)


def test_metrics_of_the_scikit_learn_interfaces():
    adapter("xgboost"), adapter("lightgbm")
    import lightgbm
    import xgboost

    from fastloss.adapters import lightgbm as for_lightgbm
    from fastloss.adapters import xgboost as for_xgboost

    y = TARGETS["binary"]
    model = xgboost.XGBClassifier(
        n_estimators=3, objective=for_xgboost.objective(BCE), eval_metric=for_xgboost.metric(fl.Brier())
    )
    model.fit(X, y, eval_set=[(X, y)], sample_weight_eval_set=[W], verbose=False)
    want = fl.brier(y, model.predict_proba(X)[:, 1].astype(float), W)
    assert model.evals_result()["validation_0"]["brier"][-1] == pytest.approx(want, rel=1e-5)
    model = lightgbm.LGBMClassifier(n_estimators=3, objective=for_lightgbm.objective(BCE), verbose=-1)
    model.fit(X, y, eval_X=(X,), eval_y=(y,), eval_sample_weight=[W], eval_metric=for_lightgbm.metric(fl.Brier()))
    want = fl.brier(y, BCE.inverse_link(model.predict(X, raw_score=True)), W)
    assert model.evals_result_["valid_0"]["brier"][-1] == pytest.approx(want, rel=1e-5)


def test_xgboost_starts_where_it_is_told():
    module = adapter("xgboost")
    import xgboost

    y = TARGETS["binary"]
    data = xgboost.DMatrix(X, y)
    for params in ({}, {"objective": "binary:logistic"}):
        start = module.objective(BCE).base_score(y, **params)
        seen = []

        def watch(raw, data, seen=seen):
            seen.append(raw.copy())
            return np.zeros_like(raw), np.ones_like(raw)

        xgboost.train({"base_score": start, **params}, data, 1, obj=watch)
        np.testing.assert_allclose(seen[0], BCE.optimum(y), rtol=1e-5)
    assert module.objective(CE).base_score([0, 1, 1]) == pytest.approx([*(np.array([-1, 1]) * math.log(2) / 2)])
    with pytest.raises(
        ValueError, match=r"objective='binary:logistic' is of one score and Sparse.* of 3: leave it out"
    ):
        module.objective(CE).base_score([0, 1, 2], objective="binary:logistic")


# -- scikit-learn ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        fl.Huber(1.0),
        fl.Quantile(0.9),
        fl.AbsoluteError(),
        fl.EpsilonInsensitive(0.3),
        fl.Cauchy(),
        fl.LogCosh(),
        fl.Expectile(0.8),
        fl.Lq(1.5),
    ],
    ids=repr,
)
def test_regression_in_hist_gradient_boosting(sk, loss):
    from sklearn.ensemble import HistGradientBoostingRegressor

    y, test = SIGNAL + RNG.normal(size=N) / 2, slice(1000, N)
    model = HistGradientBoostingRegressor(loss=sk.as_base_loss(loss), max_iter=60).fit(X[:1000], y[:1000])
    assert loss(y[test], model.predict(X[test])) < 0.7 * loss(y[test], np.full(N - 1000, loss.optimum(y[:1000])))


@pytest.mark.parametrize(("early_stopping", "n"), [(True, 500), ("auto", 10_001)])
@pytest.mark.parametrize("loss", [fl.Huber(), fl.Quantile(0.8), fl.Poisson(), fl.Gamma()], ids=repr)
def test_early_stopping_in_hist_gradient_boosting(sk, loss, early_stopping, n):
    """Where the targets are numbers, a split cannot have its share of each."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 2))
    y = rng.gamma(2, np.exp(x[:, 0] / 2)) if loss.name == "gamma" else rng.poisson(np.exp(x[:, 0] / 2)) + 0.0
    if loss.task == "regression":
        y = x[:, 0] + rng.normal(size=n)
    model = HistGradientBoostingRegressor(
        loss=sk.as_base_loss(loss), early_stopping=early_stopping, max_iter=20, random_state=0
    )
    model.fit(x, y)
    assert max(model.validation_score_) > model.validation_score_[0]


def test_scores_of_classes_that_are_no_probabilities(sk):
    from sklearn.ensemble import HistGradientBoostingClassifier

    for loss, n_classes, task in ((fl.Hinge(), None, "binary"), (fl.MultiMargin(), 3, "multiclass")):
        one = sk.as_base_loss(loss, n_classes=n_classes)
        model = HistGradientBoostingClassifier(loss=one, early_stopping=True, max_iter=5).fit(X, TARGETS[task])
        assert model.score(X, TARGETS[task]) > 0.5
        with pytest.raises(ValueError, match="are no probabilities: ask for decision_function"):
            model.predict_proba(X)


def test_a_classifier_says_what_a_loss_of_numbers_lacks(sk):
    from sklearn.ensemble import HistGradientBoostingClassifier

    loss = sk.as_base_loss("huber")
    assert not hasattr(loss, "predict_proba")  # by which scikit-learn tells that targets are classes
    model = HistGradientBoostingClassifier(loss=loss, early_stopping=False, max_iter=2).fit(X, TARGETS["binary"])
    with pytest.raises(AttributeError, match=r"Huber\(delta=1.0\) is no loss of classes: a classifier takes"):
        model.predict_proba(X)
    with pytest.raises(AttributeError, match="has no nonsense"):
        _ = loss.nonsense


def test_focal_in_hist_gradient_boosting(sk):
    from sklearn.ensemble import HistGradientBoostingClassifier

    y = np.where(TARGETS["binary"] > 0, "yes", "no")
    loss = fl.BinaryFocal(gamma=1.0, from_logits=True)
    model = HistGradientBoostingClassifier(loss=sk.as_base_loss(loss), early_stopping=True, random_state=0).fit(X, y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(p[:, 1], loss.inverse_link(model.decision_function(X)))
    assert model.score(X, y) > 0.75
    assert model.train_score_[-1] > model.train_score_[0]


def test_leaves_are_renewed_where_residuals_say_how(sk):
    renewed = {loss for loss in (fl.AbsoluteError(), fl.Quantile(0.3), fl.Huber(), fl.EpsilonInsensitive(), fl.AbsolutePercentageError(), fl.SmoothL1(0.0), 2 * fl.Quantile(0.3)) if not sk.as_base_loss(loss).differentiable}  # fmt: skip
    assert renewed == {fl.AbsoluteError(), fl.Quantile(0.3), 2 * fl.Quantile(0.3)}
    assert sk.as_base_loss(fl.AbsoluteError(), hessian="majorize").differentiable


def test_in_linear_models(sk):
    from sklearn._loss.loss import HalfMultinomialLoss, HalfPoissonLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    for ours, theirs, y, shape in (
        (sk.as_base_loss(fl.Poisson()), HalfPoissonLoss(), TARGETS["count"], (6,)),
        (sk.as_base_loss(CE, n_classes=3), HalfMultinomialLoss(n_classes=3), TARGETS["multiclass"], (3, 6)),
    ):
        coef = np.asfortranarray(RNG.normal(size=shape) / 3)
        a, b = (LinearModelLoss(base_loss=loss, fit_intercept=True) for loss in (ours, theirs))
        for weight in (None, W):
            for call in ("loss", "loss_gradient", "gradient"):
                got, want = (getattr(m, call)(coef, X, y, sample_weight=weight, l2_reg_strength=0.1) for m in (a, b))
                for g, v in zip(
                    np.atleast_1d(got) if call == "loss" else got,
                    np.atleast_1d(want) if call == "loss" else want,
                    strict=True,
                ):
                    np.testing.assert_allclose(g, v, rtol=1e-10, atol=1e-12)
            got, want = (m.gradient_hessian(coef, X, y, sample_weight=weight, l2_reg_strength=0.1) for m in (a, b))
            np.testing.assert_allclose(got[0], want[0], rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(got[1], want[1], rtol=1e-10, atol=1e-12)
            product = [m.gradient_hessian_product(coef, X, y, sample_weight=weight, l2_reg_strength=0.1)[1](coef.ravel(order="F") if coef.ndim > 1 else coef) for m in (a, b)]  # fmt: skip
            np.testing.assert_allclose(*product, rtol=1e-10, atol=1e-12)


def test_in_gradient_boosting(sk):
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import GradientBoostingRegressor

    class WithLoss(GradientBoostingRegressor):
        def _get_loss(self, sample_weight):
            return sk.as_base_loss(fl.Quantile(0.8))

    init = DummyRegressor(strategy="quantile", quantile=0.8)  # of losses that are not its own it takes the mean
    ours, theirs = (
        make(loss="quantile", alpha=0.8, init=init, n_estimators=20, random_state=0).fit(X, Y, sample_weight=W)
        for make in (WithLoss, GradientBoostingRegressor)
    )
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


def test_searches_clone_and_pickle(sk):
    from sklearn.base import clone
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import GridSearchCV

    losses = [sk.as_base_loss(loss) for loss in (fl.HalfSquaredError(), fl.Huber(1.0))]
    scorer = sk.make_loss_scorer(fl.AbsoluteError())
    search = GridSearchCV(HistGradientBoostingRegressor(max_iter=20), {"loss": losses}, scoring=scorer, cv=2).fit(X, Y)
    assert "Huber(delta=1.0)" in repr(search.best_params_["loss"])
    assert clone(search.best_estimator_).loss.objective == losses[1].objective
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert search.best_score_ == pytest.approx(
        pickle.loads(pickle.dumps(scorer))(search.best_estimator_, X, Y), rel=0.3
    )


def test_scorers(sk):
    from sklearn.linear_model import LogisticRegression, PoissonRegressor
    from sklearn.metrics import log_loss

    y = np.where(TARGETS["binary"] > 0, "yes", "no")
    model = LogisticRegression().fit(X, y)
    got = sk.make_loss_scorer(fl.BinaryCrossEntropy(), labels=["no", "yes"])(model, X, y, sample_weight=W)
    assert got == pytest.approx(-log_loss(y, model.predict_proba(X), sample_weight=W))
    assert sk.make_loss_scorer(BCE, labels=["no", "yes"])(model, X, y, sample_weight=W) == pytest.approx(got)
    assert sk.make_loss_scorer(BCE)(model, X, y, sample_weight=W) == pytest.approx(got)
    rows = fl.SparseCategoricalCrossEntropy(), CE, fl.CategoricalCrossEntropy(), fl.NegativeLogLikelihood()
    for loss in rows:  # with two columns for two classes
        assert sk.make_loss_scorer(loss)(model, X, y, sample_weight=W) == pytest.approx(got)
    with pytest.raises(ValueError, match=r"labels=\['yes', 'no'\] and the estimator's classes_ are \['no', 'yes'\]"):
        sk.make_loss_scorer(BCE, labels=["yes", "no"])(model, X, y)
    with pytest.raises(ValueError, match=r"y\[1\] is 'perhaps'.*expected one of \['no', 'yes'\]"):
        sk.make_loss_scorer(BCE)(model, X[:2], ["no", "perhaps"])
    y = TARGETS["multiclass"]
    model = LogisticRegression().fit(X, y)
    got = sk.make_loss_scorer(fl.SparseCategoricalCrossEntropy())(model, X, y)
    assert got == pytest.approx(-log_loss(y, model.predict_proba(X)))
    model = PoissonRegressor().fit(X, TARGETS["count"])
    got = sk.make_loss_scorer(fl.Poisson(link="identity"))(model, X, TARGETS["count"])
    assert got == pytest.approx(-fl.poisson(TARGETS["count"], np.log(model.predict(X))))


@pytest.mark.parametrize("names", [[0, 1, 2], [1, 2, 3], [-1, 5, 9], ["c", "a", "b"]])
def test_scorers_find_labels_of_any_kind(sk, names):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import cross_val_score

    y = np.array(names)[TARGETS["multiclass"].astype(int)]
    model = LogisticRegression().fit(X, y)
    fold = y != model.classes_[2]  # lacks a class
    got = sk.make_loss_scorer(CE, labels=model.classes_)(model, X[fold], y[fold])
    assert got == pytest.approx(-log_loss(y[fold], model.predict_proba(X[fold]), labels=model.classes_))
    scores = cross_val_score(model, X, y, scoring=sk.make_loss_scorer(fl.SparseCategoricalCrossEntropy()), cv=3)
    np.testing.assert_allclose(scores, cross_val_score(model, X, y, scoring="neg_log_loss", cv=3))
    two = np.isin(y, names[:2])
    got = cross_val_score(model, X[two], y[two], scoring=sk.make_loss_scorer(fl.BinaryCrossEntropy()), cv=3)
    np.testing.assert_allclose(got, cross_val_score(model, X[two], y[two], scoring="neg_log_loss", cv=3))
    with pytest.raises(ValueError, match="is of two classes, and the estimator has 3"):
        sk.make_loss_scorer(fl.Brier())(LogisticRegression().fit(X, y), X, y)


def test_scorers_are_routed_weights(sk):
    import sklearn
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_validate

    y, model = np.where(TARGETS["binary"] > 0, "yes", "no"), LogisticRegression()
    with sklearn.config_context(enable_metadata_routing=True):
        scoring = {
            "ours": copy.deepcopy(sk.make_loss_scorer(BCE)).set_score_request(sample_weight=True),
            "theirs": sklearn.metrics.get_scorer("neg_log_loss").set_score_request(sample_weight=True),
            "plain": sk.make_loss_scorer(BCE).set_score_request(sample_weight=False),
        }
        model.set_fit_request(sample_weight=False)
        found = cross_validate(model, X, y, scoring=scoring, cv=2, params={"sample_weight": W})
    np.testing.assert_allclose(found["test_ours"], found["test_theirs"])
    assert not np.allclose(found["test_ours"], found["test_plain"], rtol=1e-6)


# -- objects and errors ------------------------------------------------------------------------------------------------


def test_catboost_is_cloned():
    module = adapter("catboost")
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    import catboost
    from sklearn.model_selection import GridSearchCV

    model = catboost.CatBoostRegressor(
        loss_function=module.objective("huber"),
        eval_metric=module.metric("huber"),
        iterations=5,
        silent=True,
        allow_writing_files=False,
    )
    losses = [module.objective(loss) for loss in (fl.Huber(2.0), fl.LogCosh())]
    search = GridSearchCV(model, {"loss_function": losses}, cv=2, error_score="raise").fit(X[:200], Y[:200])
    assert search.best_params_["loss_function"] in losses


@pytest.mark.parametrize("name", HOSTS)
def test_objects_are_their_parameters(name):
    module = adapter(name)
    for made in (module.objective(fl.Huber(2.0), hessian="unit"), module.metric(fl.Brier()), module.objective(CE)):
        for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert other == made
            assert hash(other) == hash(made)
            assert repr(other) == repr(made)
        assert isinstance(made, boosting.Objective | boosting.Metric)
        assert eval(repr(made), {**vars(fl), **vars(module)}) == made
    assert module.objective(fl.Huber(2.0)) != module.objective(fl.Huber(3.0))


def test_a_start_is_finite_and_centred():
    assert boosting.Objective(BCE).start([0, 0]) == -boosting.FARTHEST
    assert boosting.Objective(fl.Poisson()).start([0, 0]) == -boosting.FARTHEST
    assert boosting.Objective(fl.Quantile(0.9)).start([1.0, 3.0]) == 3.0
    for loss in (CE, 0.5 * CE + fl.CategoricalFocal(from_logits=True), fl.CategoricalFocal(from_logits=True)):
        start = boosting.Objective(loss).start([0, 2, 2, 1])
        assert np.isfinite(start).all()
        assert start.argmax() == 2
        assert start.sum() == pytest.approx(0)


def test_safe_curvature_is_positive():
    """Of every loss that a booster can train on, at any score."""
    for task in ("regression", "count", "binary", "multiclass"):
        for text in boosting.Objective.fitting(task):
            loss = eval(text, vars(fl))
            objective = boosting.Objective(loss)
            y = np.ones(300) if task != "multiclass" else RNG.integers(0, 3, 300)
            y = y if loss.takes_labels or loss.layout != "classes" else np.eye(3)[y]
            shape = (300, 3) if task == "multiclass" else (300, 2) if loss.layout == "outputs" else (300,)
            out = np.empty(shape), np.empty(shape)
            objective.derivatives(y, RNG.normal(size=shape) * 3, None, out)
            assert (out[1] >= 0).all(), loss
            assert out[1].max() > 0, loss


ERRORS = {
    "probabilities": (lambda m: m.objective(fl.BinaryCrossEntropy()), ValueError, r"takes a probability.*from_logits=True.*can train on BinaryCrossEntropy\(from_logits=True\)"),
    "means": (lambda m: m.objective(fl.Poisson(link="identity")), ValueError, r"takes a mean >= 0.*link='log'.*can train on Poisson\(\)"),
    "no sum": (lambda m: m.objective(fl.RootMeanSquaredError()), ValueError, "no sum over samples"),
    "no loss": (lambda m: m.objective(3), TypeError, "loss is 3: expected a fastloss loss"),
    "embeddings": (lambda m: m.objective(fl.Triplet()), TypeError, r"a loss of embeddings: expected .* one of SquaredError\(\)"),
    "masks": (lambda m: m.objective("dice"), TypeError, r"'dice', a loss of masks: expected .* one of SquaredError\(\)"),
    "masks in a metric": (lambda m: m.metric("dice"), TypeError, "'dice', a loss of masks: expected .* one of squared_error"),
    "no such loss": (lambda m: m.objective("hubert"), ValueError, "did you mean 'huber'"),
    "nothing like it": (lambda m: m.objective("foo"), ValueError, r"no loss named 'foo': expected one of SquaredError\(\)(?!.*RootMean)"),
    "no such hessian": (lambda m: m.objective(fl.Huber(), hessian="newton"), ValueError, "hessian is 'newton': expected one of 'auto'"),
    "hessian that the loss lacks": (lambda m: m.objective(fl.Huber(), hessian="fisher"), ValueError, "huber has 'exact', 'majorize', 'floor', 'unit'"),
    "kinks": (lambda m: m.objective(fl.Quantile(0.9), hessian="exact"), ValueError, "has kinks.*hessian='majorize' or hessian='unit'"),
    "no built-in": (lambda m: m.objective(fl.Linex(), hessian="native"), ValueError, "has no linex of its own.*it has half_squared_error"),
    "no such activation": (lambda m: m.metric(fl.Huber(), activation="tanh"), ValueError, "activation is 'tanh'"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("case", ERRORS)
def test_what_does_not_fit_is_refused(name, case):
    call, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        call(adapter(name))


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_rows_of_targets_are_refused(name):
    """By name and as an object. LightGBM and CatBoost have one target per sample."""
    objective = adapter(name).objective
    for loss in ("multi_label_soft_margin", fl.MultiLabelSoftMargin()):
        with pytest.raises(ValueError, match=r"takes rows of.*on no loss for multilabel, but on Square"):
            objective(loss)
    with pytest.raises(ValueError, match=r"takes rows of.*for multiclass .* on SparseCategoricalCrossEntropy\("):
        objective(fl.CategoricalCrossEntropy(from_logits=True))


def test_catboost_has_several_scores_only_of_classes():
    for loss in ("gaussian_nll", fl.GaussianNLL()):
        with pytest.raises(ValueError, match=r"several scores per target.*for regression CatBoost can.* SquaredE"):
            adapter("catboost").objective(loss)


def test_curvature_that_vanishes_everywhere_is_refused():
    out = np.empty(3), np.empty(3)
    with pytest.raises(
        ValueError,
        match=r"hessian='exact': the curvature of Huber\(delta=1.0\) is 0 at every sample.*hessian='majorize'",
    ):
        boosting.Objective(fl.Huber(), "exact").derivatives_of_all(np.zeros(3), np.full(3, 5.0), None, out)
    with pytest.raises(ValueError, match="sample_weight is 0 everywhere"):
        boosting.Objective(fl.Huber()).derivatives_of_all(np.zeros(3), np.full(3, 5.0), np.zeros(3), out)
    saturated = fl.SparseCategoricalCrossEntropy(from_logits=True)  # whose safe curvature is the one in use
    out = np.empty((1, 3)), np.empty((1, 3))
    with pytest.raises(ValueError, match=r"0 at every sample.*pass hessian='unit'$"):
        boosting.Objective(saturated).derivatives_of_all([0], np.array([[800.0, 0, 0]]), None, out)


def test_a_part_may_be_without_curvature():
    """CatBoost asks for a thousand samples at a time, over classes for one."""
    module = adapter("catboost")
    import catboost

    common = {"iterations": 3, "silent": True, "allow_writing_files": False, "eval_metric": "RMSE"}
    x = RNG.normal(size=(3000, 1))
    ones = np.ones(3000)
    light, far = ones.copy(), x[:, 0].copy()
    light[:1000], far[:1000] = 0, 50
    for y, w, kind in ((x[:, 0], light, "auto"), (far, ones, "native")):
        model = catboost.CatBoostRegressor(loss_function=module.objective(fl.Huber(), hessian=kind), **common)
        assert np.ptp(model.fit(x, y, sample_weight=w).predict(x)) > 0
    gradient, hessian = module.objective(CE).calc_ders_multi([800, 0, 0], 0, None)
    assert not gradient.any()
    assert not hessian.any()


@pytest.mark.parametrize("name", HOSTS)
def test_native_is_refused_where_the_host_has_no_such_parameter(name):
    module = adapter(name)
    for loss in (
        fl.BinaryCrossEntropy(from_logits=True, pos_weight=2.0),
        fl.BinaryCrossEntropy(from_logits=True, label_smoothing=0.1),
        fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=[1.0, 2.0]),
        fl.SparseCategoricalCrossEntropy(from_logits=True, ignore_index=-1),
        fl.SparseCategoricalCrossEntropy(from_logits=True, z_loss=0.1),
    ):
        with pytest.raises(ValueError, match=r"has (pos_weight|label_sm|class_w|ignore_i|z_loss).*pass hessian='"):
            module.objective(loss, hessian="native")


def test_native_is_refused_where_the_host_has_changed(monkeypatch):
    module = adapter("xgboost")
    import xgboost

    monkeypatch.setattr(xgboost, "__version__", "3.5.0")
    for loss in (fl.Poisson(), fl.PseudoHuber()):
        with pytest.raises(ValueError, match=r"known below version 3\.5, and this is 3\.5\.0"):
            module.objective(loss, hessian="native")
    module.objective(fl.Gamma(), hessian="native")


@pytest.mark.parametrize("name", HOSTS)
def test_scores_may_be_whole_numbers(name):
    objective, y, w = adapter(name).objective(fl.LogCosh()), np.array([0.5, 1.0]), np.ones(2)
    got = -objective.calc_ders_range([1, 2], y, w).T if name == "catboost" else objective(y, np.array([1, 2]), w)
    want = boosting.Objective(fl.LogCosh())
    out = np.empty(2), np.empty(2)
    want.derivatives(y, np.array([1.0, 2.0]), w, out)
    np.testing.assert_allclose(got, out, rtol=1e-6)


@pytest.mark.parametrize("name", HOSTS)
def test_bad_targets_are_named_through_the_host(name):
    """In the second block of many, counted from the beginning."""
    module, n = adapter(name), 20_000 if name == "lightgbm" else 500
    y = np.ones(n)
    y[n - 3] = -1
    objective, x = module.objective(fl.Poisson()), RNG.normal(size=(n, 1))
    host_ = importlib.import_module(name)
    place = rf"y_true\[{n - 3}\] is -1"
    if name == "xgboost":
        with pytest.raises(ValueError, match=place):
            host_.train({}, host_.DMatrix(x, y), 1, obj=objective)
    elif name == "lightgbm":
        with pytest.raises(ValueError, match=place):
            host_.train({"objective": objective, "verbose": -1}, host_.Dataset(x, y), 1)
    else:
        model = host_.CatBoostRegressor(
            loss_function=objective, eval_metric="RMSE", iterations=1, silent=True, allow_writing_files=False
        )
        with pytest.raises(host_.CatBoostError, match=place):
            model.fit(x, y)


SKLEARN_ERRORS = {
    "no n_classes": (lambda sk: sk.as_base_loss(CE), "n_classes is None: it is needed for a loss over classes"),
    "n_classes": (lambda sk: sk.as_base_loss(BCE, n_classes=2), "n_classes is 2: it goes with a loss over classes"),
    "outputs": (lambda sk: sk.as_base_loss(fl.GaussianNLL()), "several scores per target.*scikit-learn can train on SquaredError"),
    "rows": (lambda sk: sk.as_base_loss("multi_label_soft_margin"), r"takes rows of targets.*on no loss for multilabel, but on SquaredError\(\)"),
    "no sum": (lambda sk: sk.as_base_loss(fl.RootMeanSquaredError()), r"no sum over samples.*scikit-learn can train on SquaredError\(\)"),
    "two classes": (lambda sk: sk.as_base_loss(CE, n_classes=2), "n_classes is 2: expected at least 3; for two classes pass a loss of one score"),
    "no classes": (lambda sk: sk.as_base_loss(CE, n_classes=-1), "n_classes is -1: expected at least 3"),
    "probabilities": (lambda sk: sk.as_base_loss(fl.Brier()), "of losses for binary scikit-learn can train on"),
    "too few classes": (lambda sk: sk.as_base_loss(CE, n_classes=3).fit_intercept_only(np.array([0.0, 1.0])), "y has 2 classes and n_classes is 3: for two classes pass a loss of one score"),
    "a class that y lacks": (lambda sk: sk.as_base_loss(CE, n_classes=4).fit_intercept_only(np.array([0.0, 1.0, 2.0])), "y has 3 classes and n_classes is 4: pass n_classes=3"),
    "too many classes": (lambda sk: sk.as_base_loss(CE, n_classes=3).fit_intercept_only(np.array([0.0, 3.0])), "y has 4 classes and n_classes is 3: pass n_classes=4"),
    "scorer of raw scores": (lambda sk: sk.make_loss_scorer(fl.Poisson()), "link='identity'"),
    "scorer with labels": (lambda sk: sk.make_loss_scorer(fl.Huber(), labels=[0, 1]), "labels=.* goes with a loss of classes"),
}  # fmt: skip


@pytest.mark.parametrize("case", SKLEARN_ERRORS)
def test_what_scikit_learn_cannot_use_is_refused(sk, case):
    call, message = SKLEARN_ERRORS[case]
    with pytest.raises(ValueError, match=message):
        call(sk)


@pytest.mark.parametrize("n_classes", [2.5, "a"])
def test_a_number_of_classes_is_an_integer(sk, n_classes):
    with pytest.raises(TypeError, match=r"n_classes is .*: expected an integer"):
        sk.as_base_loss(CE, n_classes=n_classes)


def test_other_versions_are_refused(sk, monkeypatch):
    import sklearn

    for version, message in (("1.10.0", "knows 1.5 up to, but not, 1.10"), ("1.4.2", "needs 1.5 or later")):
        monkeypatch.setattr(sklearn, "__version__", version)
        with pytest.raises(ImportError, match=message):
            sk.as_base_loss(fl.Huber())
    with pytest.raises(ImportError, match=r"needs no_such_host.*pip install 'no-such-host>=1.0'"):
        host.require("no_such_host", "no-such-host", "1.0")
