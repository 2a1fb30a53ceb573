"""What an engine gets and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "Outputs", "Program", "Task"]


@dataclass(frozen=True)
class Task:
    """One row's data and what is to be done with it.

    Parameters
    ----------
    loss : str
        Name in the registry.
    params : dict
        All parameters of the loss, defaults too.
    given : dict
        Those that differ from the defaults.
    operation : {"value", "value_and_gradient", "gradient_and_hessian"}
        What is timed.
    classes : bool
        Whether the last axis of z are classes.
    targets : {"plain", "index", "probability"}
        Form of y.
    predictions : {"raw", "probability", "log_probability"}
        Form of z.
    y, z : ndarray
        Targets and predictions.
    """

    loss: str
    params: dict[str, Any]
    given: dict[str, Any]
    operation: str
    classes: bool
    targets: str
    predictions: str
    y: NDArray[Any]
    z: NDArray[Any]

    @property
    def is_softmax_cross_entropy(self) -> bool:
        """Whether value and gradient are those of softmax cross-entropy, up to a constant of the targets."""
        losses = ("categorical_cross_entropy", "sparse_categorical_cross_entropy", "kl_divergence")
        plain = {"label_smoothing": 0.0, "class_weight": None, "ignore_index": None, "z_loss": 0.0}
        return (
            self.loss in losses
            and self.predictions == "raw"
            and all(self.params.get(name, value) == value for name, value in plain.items())
        )

    @property
    def target_entropy(self) -> float:
        """Mean over samples of sum(y log y): what the Kullback-Leibler divergence adds to the cross-entropy."""
        if self.loss != "kl_divergence":
            return 0.0
        y = self.y.astype(np.float64)
        return float(np.sum(y * np.log(np.where(y > 0, y, 1.0))) / len(y))


@dataclass(frozen=True)
class Outputs:
    """Results in fastloss's conventions: the mean value; gradient and Hessian of the *sum*, per element."""

    value: float | None = None
    gradient: NDArray[Any] | None = None
    hessian: NDArray[Any] | None = None


@dataclass(frozen=True)
class Program:
    """A Python expression to time.

    Parameters
    ----------
    statement : str
        The expression; it goes into the report as it is.
    names : dict
        The names in it.
    read : function
        Translates the expression's result into `Outputs`. Not timed.
    how : str
        What is behind the names, in a few words, for the report.
    skip : tuple of str
        Results not to be compared, because the library defines them otherwise (named in `how`).
    """

    statement: str
    names: dict[str, Any]
    read: Callable[[Any], Outputs]
    how: str = ""
    skip: tuple[str, ...] = field(default=())


class Engine(Protocol):
    """An engine; `versions` names the libraries it runs."""

    versions: dict[str, str]

    def __init__(self, threads: int) -> None: ...

    def program(self, task: Task) -> Program | None:
        """The program of a task, or None where the library has nothing for it."""
        ...
