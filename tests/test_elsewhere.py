"""The code that asks other libraries for a loss runs, wherever they are installed."""

from __future__ import annotations

import importlib

import pytest

import fastloss as fl
from fastloss import elsewhere, registry

TASKS = (*registry.TASKS, *registry.OTHER_TASKS)
LOSSES = {name: fl.get_loss(name) for task in TASKS for name in fl.list_losses(task) if elsewhere.libraries(name)}
CASES = [(name, library) for name in LOSSES for library in elsewhere.libraries(name)]
MODULES = {"torch": "torch", "Keras": "keras", "Optax": "optax", "SciPy": "scipy"}


def test_entries_are_of_losses_and_libraries():
    assert set(elsewhere._CODE) <= set(LOSSES)
    assert {library for entries in elsewhere._CODE.values() for library in entries} == set(elsewhere.LIBRARIES)


def test_a_parameter_that_the_code_leaves_out_is_named():
    code = elsewhere.code(fl.BinaryCrossEntropy(from_logits=True, pos_weight=3.0))
    assert code["LightGBM"] == "objective='binary'  # without pos_weight"
    assert "without" not in elsewhere.code(fl.Huber(delta=3.0))["torch"]


@pytest.mark.parametrize(("name", "library"), [case for case in CASES if case[1] in MODULES])
def test_expressions_of_other_libraries(name, library, request):
    if library in ("Keras", "Optax"):  # which need to be set up, or bring JAX
        request.getfixturevalue("keras" if library == "Keras" else "jax")
    module = pytest.importorskip(MODULES[library], reason=f"{library} is not installed")
    code = elsewhere.code(LOSSES[name])[library]
    if library == "SciPy":
        importlib.import_module(code.split("  #")[0].rpartition(".")[0])
    assert callable(eval(code, {MODULES[library]: module}))


@pytest.mark.parametrize("name", [name for name, library in CASES if library == "scikit-learn"])
def test_estimators_of_scikit_learn_take_the_parameters(name):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    import numpy as np
    from sklearn import ensemble, linear_model, metrics, svm

    code = elsewhere.code(LOSSES[name])["scikit-learn"]
    if code.startswith("sklearn.metrics."):
        assert callable(getattr(metrics, code.rpartition(".")[2]))
        return
    estimator = eval(code, {**vars(ensemble), **vars(linear_model), **vars(svm)})
    X = np.random.default_rng(0).normal(size=(60, 2))
    estimator.fit(
        X,
        (X[:, 0] > 0).astype(int)
        if estimator.__class__.__name__.endswith(("Classifier", "SVC")) or "Logistic" in code
        else np.exp(X[:, 0]),
    )


def _fit(name: str, library: str, data):
    import numpy as np

    task, code = LOSSES[name].task, elsewhere.code(LOSSES[name])[library]
    params = eval(f"dict({code}\n)")
    X = np.random.default_rng(0).normal(size=(80, 3))
    y = {
        "binary": X[:, 0] > 0,
        "multiclass": np.digitize(X[:, 0], [-0.5, 0.5]),
        "count": np.exp(X[:, 0]).round() + 1,
    }.get(task, np.exp(X[:, 0]))
    y = np.asarray(y, float)
    if library == "XGBoost":
        if task == "multiclass":
            params["num_class"] = 3
        data.train(params, data.DMatrix(X, y), 2)
    elif library == "LightGBM":
        params |= {"num_class": 3} if task == "multiclass" else {}
        data.train(params | {"verbosity": -1, "min_data_in_leaf": 5}, data.Dataset(X, y), 2)
    else:
        data.CatBoost(params | {"iterations": 2, "verbose": False, "allow_writing_files": False}).fit(X, y)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        (name, library)
        for name, library in CASES
        if library in ("XGBoost", "LightGBM", "CatBoost") and "eval_metric" not in elsewhere.code(LOSSES[name])[library]
    ],
)
def test_boosters_take_the_objectives(name, library):
    module = pytest.importorskip(library.lower(), reason=f"{library} is not installed")
    _fit(name, library, module)
