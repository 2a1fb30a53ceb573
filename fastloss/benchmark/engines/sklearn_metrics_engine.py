"""scikit-learn's public metrics: the value alone. They take means and probabilities, which are prepared untimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.special import softmax, xlogy
from sklearn import metrics

from fastloss.benchmark.engines.engine import Outputs, Program, Task

__all__ = ["Engine"]


def _probabilities(task: Task) -> NDArray[Any]:
    if task.predictions == "probability":
        return task.z
    p: NDArray[Any] = softmax(task.z, axis=1) if task.classes else 1 / (1 + np.exp(-task.z))
    return p


def _poisson(task: Task, deviance: float) -> float:
    y = task.y.astype(np.float64)
    return float(deviance / 2 + np.mean(y - xlogy(y, y)))


def _gamma(task: Task, deviance: float) -> float:
    return float(deviance / 2 + np.mean(np.log(task.y.astype(np.float64))) + 1)


def _tweedie(task: Task, deviance: float) -> float:
    """Half the deviance, less what depends on y alone."""
    y, power = task.y.astype(np.float64), task.params.get("power", 3.0)
    return float(deviance / 2 - np.mean(y ** (2 - power)) / ((1 - power) * (2 - power)))


def _half(task: Task, value: float) -> float:
    return 0.5 * float(value)


def _same(task: Task, value: float) -> float:
    return float(value)


# loss -> (the call, what it gets beside y and p, its prediction, its value in our convention)
Metric = tuple[str, Callable[[Task], dict[str, Any]], Callable[[Task], NDArray[Any]], Callable[[Task, float], float]]
METRICS: dict[str, Metric] = {
    "squared_error": ("metrics.mean_squared_error(y, p)", lambda t: {}, lambda t: t.z, _same),
    "half_squared_error": (
        "metrics.mean_squared_error(y, p)", lambda t: {}, lambda t: t.z, _half
    ),
    "absolute_error": ("metrics.mean_absolute_error(y, p)", lambda t: {}, lambda t: t.z, _same),
    "quantile": (
        "metrics.mean_pinball_loss(y, p, alpha=quantile)",
        lambda t: {"quantile": t.params["quantile"]},
        lambda t: t.z,
        _same,
    ),
    "poisson": ("metrics.mean_poisson_deviance(y, p)", lambda t: {}, lambda t: np.exp(t.z), _poisson),
    "gamma": ("metrics.mean_gamma_deviance(y, p)", lambda t: {}, lambda t: np.exp(t.z), _gamma),
    "squared_log_error": ("metrics.mean_squared_log_error(y, p)", lambda t: {}, lambda t: t.z, _half),
    "absolute_percentage_error": (
        "metrics.mean_absolute_percentage_error(y, p)", lambda t: {}, lambda t: t.z, _same
    ),
    "inverse_gaussian": (
        "metrics.mean_tweedie_deviance(y, p, power=3)", lambda t: {}, lambda t: np.exp(t.z), _tweedie
    ),
    "tweedie": (
        "metrics.mean_tweedie_deviance(y, p, power=power)",
        lambda t: {"power": t.params["power"]},
        lambda t: np.exp(t.z),
        _tweedie,
    ),
    "soft_margin": ("metrics.log_loss(y, p, labels=labels)", lambda t: {"labels": [0, 1]}, _probabilities, _same),
    "brier": ("metrics.brier_score_loss(y, p)", lambda t: {}, _probabilities, _same),
    "binary_cross_entropy": (
        "metrics.log_loss(y, p, labels=labels)", lambda t: {"labels": [0, 1]}, _probabilities, _same
    ),
    "hinge": ("metrics.hinge_loss(y, p, labels=labels)", lambda t: {"labels": [0, 1]}, lambda t: t.z, _same),
    "sparse_categorical_cross_entropy": (
        "metrics.log_loss(y, p, labels=labels)",
        lambda t: {"labels": np.arange(t.z.shape[1])},
        _probabilities,
        _same,
    ),
}  # fmt: skip


class Engine:
    """Public functions, validation included: what a user of the library calls."""

    def __init__(self, threads: int) -> None:
        self.versions = {"scikit-learn": sklearn.__version__}

    def program(self, task: Task) -> Program | None:
        """The value of losses with default options."""
        default = not set(task.given) - {"from_logits"}
        if task.operation != "value" or task.loss not in METRICS or not default:
            return None
        call, more, prediction, translate = METRICS[task.loss]
        names = {"metrics": metrics, "y": task.y, "p": prediction(task), **more(task)}
        return Program(call, names, lambda value: Outputs(value=translate(task, value)), call.split("(")[0])
