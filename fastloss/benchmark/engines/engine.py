"""What an engine gets and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["TASKS", "ArraysTask", "Engine", "Outputs", "Program", "Task"]


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
    data : tuple of ndarray
        Targets and predictions, `y` and `z`.
    classes : bool
        Whether the last axis of z are classes.
    targets : {"plain", "index", "probability"}
        Form of y.
    predictions : {"raw", "probability", "log_probability"}
        Form of z.
    """

    loss: str
    params: dict[str, Any]
    given: dict[str, Any]
    operation: str
    data: tuple[NDArray[Any], ...]
    classes: bool
    targets: str
    predictions: str

    @property
    def y(self) -> NDArray[Any]:
        """Targets."""
        return self.data[0]

    @property
    def z(self) -> NDArray[Any]:
        """Predictions."""
        return self.data[1]

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
class ArraysTask:
    """One row of a loss of several arrays. Fields that it shares with `Task` are the same.

    Parameters
    ----------
    data : tuple of ndarray
        The arrays of a call, in its order.
    arguments : tuple of str
        Their names.
    gradients : tuple of str
        Those that have a gradient.
    terms : int
        How many values the loss is the mean of: what its gradient is multiplied by to be that of the values.
    """

    loss: str
    params: dict[str, Any]
    given: dict[str, Any]
    operation: str
    data: tuple[NDArray[Any], ...]
    arguments: Sequence[str]
    gradients: Sequence[str]
    terms: int

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return dict(zip(self.arguments, self.data, strict=True))

    @property
    def call(self) -> str:
        """The arguments of a call, as one writes them."""
        return ", ".join(self.arguments)


# What the methods of an engine are given that a case names as its `program`.
TASKS: dict[str, type[Task] | type[ArraysTask]] = {"program": Task, "program_of_arrays": ArraysTask}


@dataclass(frozen=True)
class Outputs:
    """Results in fastloss's conventions: the mean value; gradient and Hessian of the *sum*, per element.

    Of a loss of several arrays the gradient is a tuple.
    """

    value: float | None = None
    gradient: NDArray[Any] | tuple[NDArray[Any], ...] | None = None
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
    """An engine; `versions` names the libraries it runs.

    One that has losses of several arrays has a method ``program_of_arrays`` too, of an `ArraysTask`.
    """

    versions: dict[str, str]

    def __init__(self, threads: int) -> None: ...

    def program(self, task: Task) -> Program | None:
        """The program of a task, or None where the library has nothing for it."""
        ...
