"""The catalogue: every loss under its one name, and the function form of each."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from fastloss.loss import Loss, Reduction

_LOSSES: dict[str, type[Loss]] = {}
TASKS = ("regression", "count", "binary", "adversarial", "multiclass", "multilabel", "distribution")
ALIASES = {
    "log_loss": "binary_cross_entropy",
    "mean_squared_error": "squared_error",
    "mse": "squared_error",
    "mean_absolute_error": "absolute_error",
    "mae": "absolute_error",
    "pinball": "quantile",
    "cross_entropy": "sparse_categorical_cross_entropy",
}

_Class = TypeVar("_Class", bound=type[Loss])


def register(cls: _Class) -> _Class:
    """Class decorator: put a loss into the catalogue."""
    if cls.task not in TASKS:
        raise ValueError(f"{cls.name} has task {cls.task!r}: expected one of {TASKS}")
    if cls.name in _LOSSES:
        raise ValueError(f"two losses are named {cls.name!r}")
    _LOSSES[cls.name] = cls
    return cls


def loss_class(name: str) -> type[Loss]:
    """The class of a loss, by name or alias."""
    found = _LOSSES.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        near = difflib.get_close_matches(str(name), [*_LOSSES, *ALIASES], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_LOSSES)}"
        raise ValueError(f"there is no loss named {name!r}{hint}")
    return found


def get_loss(name: str | Loss, **params: Any) -> Loss:
    """A loss object by name.

    Parameters
    ----------
    name : str or Loss
        A name of `list_losses`, an alias such as ``"log_loss"``, or a loss, which is returned as it is.
    **params
        Parameters of the loss.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get_loss("huber", delta=1.5)
    Huber(delta=1.5)
    """
    if isinstance(name, Loss):
        if params:
            raise TypeError(f"parameters {list(params)} go with a name, not with a loss object")
        return name
    cls = loss_class(name)
    try:
        return cls(**params)
    except TypeError as error:
        known = list(inspect.signature(cls).parameters)
        for param in params:
            if param not in known:
                expected = ", ".join(known) if known else "none"
                raise TypeError(f"{cls.name} has no parameter {param!r}: it takes {expected}") from error
        raise


def list_losses(task: str | None = None) -> list[str]:
    """Names of the losses in the catalogue.

    Parameters
    ----------
    task : {"regression", "count", "binary", "adversarial", "multiclass", "multilabel", "distribution"}, optional
        Only the losses of this task.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.list_losses(task="distribution")
    ['kl_divergence', 'reverse_kl_divergence', 'jensen_shannon', 'total_variation']
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task={task!r}: expected one of {', '.join(map(repr, TASKS))}")
    names = [name for name, cls in _LOSSES.items() if task in (None, cls.task)]
    return sorted(names, key=lambda name: TASKS.index(_LOSSES[name].task))


@lru_cache(maxsize=256, typed=True)
def _cached(cls: type[Loss], params: tuple[tuple[str, Any], ...]) -> Loss:
    return cls(**dict(params))


def function_form(cls: type[Loss]) -> Callable[..., Any]:
    """The loss as a function: ``huber(y_true, y_pred, delta=1.5)``."""

    def function(
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        reduction: Reduction = "mean",
        n_threads: int | None = None,
        **params: Any,
    ) -> Any:
        try:
            loss = _cached(cls, tuple(params.items()))  # type: ignore[arg-type]
        except TypeError:  # an unknown parameter, or one that does not hash (class weights)
            loss = get_loss(cls.name, **params)
        return loss(y_true, y_pred, sample_weight, reduction=reduction, n_threads=n_threads)

    own = [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(cls).parameters.values()]
    shared = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    function.__signature__ = inspect.Signature(shared + own)  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = cls.name
    function.__module__ = "fastloss"
    summary = (cls.__doc__ or "").strip().splitlines()[0]
    function.__doc__ = (
        f"{summary}\n\nThe function form of `{cls.__name__}`, which documents the parameters: the value of "
        f"``{cls.__name__}(...)(y_true, y_pred, sample_weight, reduction=..., n_threads=...)``."
    )
    return function
