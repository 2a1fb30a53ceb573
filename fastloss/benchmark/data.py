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

__all__ = ["SOURCES", "Predictions", "predictions", "source_of"]

FOLDS = 5


@dataclass(frozen=True)
class Predictions:
    """Targets and out-of-fold raw predictions of one model.

    Parameters
    ----------
    y : array of shape (n,)
        Targets: real numbers, positive integers, labels {0, 1} or class indices.
    z : array of shape (n,) or (n, K)
        Raw predictions: before the link for counts, logits for classes, scores of a critic.
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


def _positive() -> Predictions:
    count = _fitted(_count)
    description = "diabetes (442 samples), integer target 25..346, Poisson regression, means"
    return Predictions(count.y, np.exp(count.z), description)


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


def _generated() -> Predictions:
    critic = _fitted(_binary)
    z = critic.z[critic.y == 0]
    description = f"breast cancer ({len(z)} malignant samples), logits as the critic's scores, targets 1"
    return Predictions(np.ones(len(z)), z, description)


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


def _multilabel() -> Predictions:
    found = _fitted(_multiclass)
    return Predictions(found.y, found.z, "digits (1797 samples, one of 10 labels each), logistic regression, logits")


# task of a loss, or a name of `SUITED` -> where its predictions come from
SOURCES = {
    "regression": _regression,
    "positive": _positive,
    "count": _count,
    "binary": _binary,
    "adversarial": _binary,
    "generated": _generated,
    "multiclass": _multiclass,
    "multilabel": _multilabel,
    "distribution": _multiclass,
}

# Losses that do not mean anything on the data of their task, or refuse them.
SUITED = {
    "squared_log_error": "positive",
    "absolute_percentage_error": "positive",
    "symmetric_absolute_percentage_error": "positive",
    "wing": "positive",  # its widths are in pixels
    "gan_generator": "generated",
}


def source_of(loss: str, task: str) -> str:
    """Which of the `SOURCES` a loss is fed from."""
    return SUITED.get(loss, task)


@cache
def predictions(source: str) -> Predictions:
    """Out-of-fold predictions from one of the `SOURCES`; models are fitted at the first call.

    Raises
    ------
    KeyError
        If there is no such source.
    ImportError
        If scikit-learn is not installed.
    """
    return _fitted(SOURCES[source])


@cache
def _fitted(source: Callable[[], Predictions]) -> Predictions:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it

    with threadpool_limits(
        1
    ):  # the problems are tiny: two BLAS threads took 18 s on a busy machine where one takes 0.2 s
        return source()
