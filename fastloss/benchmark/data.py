"""Predictions of real models: scikit-learn fitted on its bundled data, out of fold.

What a loss is fed decides what is measured: branches taken, tails reached, exponents that overflow. So the
benchmark uses raw predictions that models made for samples they had not seen, not random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SOURCES", "Predictions", "predictions"]

FOLDS = 5


@dataclass(frozen=True)
class Predictions:
    """Targets and out-of-fold raw predictions of one model.

    Parameters
    ----------
    y : array of shape (n,)
        Targets: real numbers, positive integers, labels {0, 1} or class indices.
    z : array of shape (n,) or (n, K)
        Raw predictions: before the link for counts, logits for classes.
    teacher : array of shape (n, K), or None
        Class probabilities from a second model, the target of losses between distributions.
    log_scale : array of shape (n,), or None
        Logarithms of the standard deviation from a second model, for losses of a distribution.
    description : str
        One line for the report.
    """

    y: NDArray[Any]
    z: NDArray[np.float64]
    description: str
    teacher: NDArray[np.float64] | None = None
    log_scale: NDArray[np.float64] | None = None


def _regression() -> Predictions:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()  # losses with a scale (delta, beta) default to 1
    model = make_pipeline(StandardScaler(), Ridge())
    z = cross_val_predict(model, x, y, cv=FOLDS)
    # the mean of log |r| is 0.635 below the logarithm of a normal residual's standard deviation
    log_scale = cross_val_predict(model, x, np.log(np.abs(y - z)), cv=FOLDS) + 0.635
    description = "diabetes (442 samples), standardised target, ridge regression; log scale: ridge of log |residual|"
    return Predictions(y, z, description, log_scale=log_scale)


def _count() -> Predictions:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import PoissonRegressor
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_diabetes(return_X_y=True)  # the target is a positive integer, 25 to 346
    mean = cross_val_predict(make_pipeline(StandardScaler(), PoissonRegressor()), x, y, cv=FOLDS)
    return Predictions(y, np.log(mean), "diabetes (442 samples), integer target 25..346, Poisson regression, log link")


def _binary() -> Predictions:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    z = cross_val_predict(model, x, y, cv=FOLDS, method="decision_function")
    return Predictions(y, z, "breast cancer (569 samples), logistic regression, logits")


def _multiclass() -> Predictions:
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    x, y = load_digits(return_X_y=True)
    z = cross_val_predict(LogisticRegression(max_iter=200), x / 16.0, y, cv=FOLDS, method="decision_function")
    teacher = cross_val_predict(
        KNeighborsClassifier(20, weights="distance"), x / 16.0, y, cv=FOLDS, method="predict_proba"
    )
    return Predictions(
        y,
        z,
        "digits (1797 samples, 10 classes), logistic regression, logits; teacher: 20 nearest neighbours",
        teacher,
    )


# task of a loss -> where its predictions come from
SOURCES = {
    "regression": _regression,
    "count": _count,
    "binary": _binary,
    "multiclass": _multiclass,
    "distribution": _multiclass,
}


@cache
def predictions(task: str) -> Predictions:
    """Out-of-fold predictions for a task; models are fitted at the first call.

    Raises
    ------
    KeyError
        If no data set has been chosen for the task.
    ImportError
        If scikit-learn is not installed.
    """
    return _fitted(SOURCES[task])


@cache
def _fitted(source: Callable[[], Predictions]) -> Predictions:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it

    with threadpool_limits(
        1
    ):  # the problems are tiny: two BLAS threads took 18 s on a busy machine where one takes 0.2 s
        return source()
