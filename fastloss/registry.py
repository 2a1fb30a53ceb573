"""The catalogue: every loss under its one name, and the function form of each."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from fastloss.immutable import Immutable
from fastloss.loss import Loss
from fastloss.spelling import did_you_mean

_LOSSES: dict[str, Any] = {}  # classes with a name, a task and a sentence on when to use them
TASKS = ("regression", "count", "binary", "adversarial", "multiclass", "multilabel", "distribution")
OTHER_TASKS = ("embedding", "segmentation", "transport")  # of losses that are no `Loss` objects
ALIASES = {
    "log_loss": "binary_cross_entropy",
    "mean_squared_error": "squared_error",
    "mse": "squared_error",
    "mean_absolute_error": "absolute_error",
    "mae": "absolute_error",
    "pinball": "quantile",
    "cross_entropy": "sparse_categorical_cross_entropy",
    "rmse": "root_mean_squared_error",
    "msle": "squared_log_error",
    "mape": "absolute_percentage_error",
    "smape": "symmetric_absolute_percentage_error",
    "bce": "binary_cross_entropy",
    "nll": "negative_log_likelihood",
    "kl": "kl_divergence",
}

_Class = TypeVar("_Class", bound=type[Immutable])


def register(cls: _Class) -> _Class:
    """Class decorator: put a loss into the catalogue."""
    loss: Any = cls
    tasks = TASKS if issubclass(cls, Loss) else OTHER_TASKS
    if loss.task not in tasks:
        raise ValueError(f"{loss.name} has task {loss.task!r}: expected one of {tasks}")
    if loss.name in _LOSSES:
        raise ValueError(f"two losses are named {loss.name!r}")
    _LOSSES[loss.name] = cls
    return cls


def loss_class(name: str) -> Any:
    """The class of a loss, by name or alias."""
    found = _LOSSES.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        known = [*_LOSSES, *ALIASES]
        word = str(name).removesuffix("_loss")
        near = difflib.get_close_matches(word, known, n=1) or [other for other in known if word in other.split("_")][:1]
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_LOSSES)}"
        raise ValueError(f"there is no loss named {name!r}{hint}")
    return found


def get_loss(name: str | Loss, **params: Any) -> Any:
    """A loss object by name.

    Parameters
    ----------
    name : str or Loss
        A name of `list_losses`, an alias such as ``"log_loss"``, or a loss, which is returned as it is.
    **params
        Parameters of the loss.

    Returns
    -------
    Loss
        Of the tasks "embedding", "segmentation" and "transport": an object with calls of its own.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get_loss("huber", delta=1.5)
    Huber(delta=1.5)
    >>> fl.get_loss("triplet", margin=0.5)
    Triplet(margin=0.5, p=2.0, swap=False)
    """
    if isinstance(name, Loss) or type(name) in _LOSSES.values():
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


def for_raw_scores(name: str, **params: Any) -> Any:
    """A loss object by name, as `get_loss`: with ``from_logits=True`` where the loss has that and `params` do not.

    Examples
    --------
    >>> from fastloss.registry import for_raw_scores
    >>> for_raw_scores("brier"), for_raw_scores("hinge")
    (Brier(from_logits=True), Hinge())
    """
    if "from_logits" in inspect.signature(loss_class(name)).parameters:
        params.setdefault("from_logits", True)
    return get_loss(name, **params)


def list_losses(task: str | None = None) -> list[str]:
    """Names of the losses in the catalogue.

    Parameters
    ----------
    task : str, optional
        Only the losses of this task: "regression", "count", "binary", "adversarial", "multiclass", "multilabel" or
        "distribution", which are `Loss` objects with one way to be called; or "embedding", "segmentation" or
        "transport", whose calls are their own. Without a task: all `Loss` objects, and only those.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.list_losses(task="distribution")
    ['kl_divergence', 'reverse_kl_divergence', 'jensen_shannon', 'total_variation']
    """
    tasks = (*TASKS, *OTHER_TASKS)
    if task is not None and task not in tasks:
        raise ValueError(f"task={task!r}: expected one of {', '.join(map(repr, tasks))}")
    wanted = TASKS if task is None else (task,)
    names = [name for name, cls in _LOSSES.items() if cls.task in wanted]
    return sorted(names, key=lambda name: wanted.index(_LOSSES[name].task))


@lru_cache(maxsize=256, typed=True)
def _cached(cls: type[Immutable], params: tuple[tuple[str, Any], ...]) -> Any:
    return cls(**dict(params))


def function_form(cls: type[Any]) -> Callable[..., Any]:
    """The loss as a function: ``huber(y_true, y_pred, delta=1.5)``, a call with the loss's parameters by name."""
    signature = call_signature(cls)
    own, known = (dict(of.parameters) for of in (inspect.signature(cls), signature))

    def function(*arrays: Any, **named: Any) -> Any:
        params = tuple([(name, named.pop(name)) for name in own if name in named]) if named else ()
        for name in named:
            if name not in known:
                near = did_you_mean(name, [*known])
                raise TypeError(f"{cls.name} has no argument {name!r}{near}: it takes {', '.join(known)}")
        try:
            loss = _cached(cls, params)  # type: ignore[arg-type]
        except TypeError:  # a parameter of another type, or one that does not hash (class weights)
            loss = cls(**dict(params))
        return loss(*arrays, **named)

    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = cls.name
    function.__module__ = "fastloss"
    summary = (cls.__doc__ or "").strip().splitlines()[0]
    of_call = (p for name, p in known.items() if name not in own)
    call = ", ".join(f"{p.name}=..." if p.kind is p.KEYWORD_ONLY else p.name for p in of_call)
    function.__doc__ = (
        f"{summary}\n\nThe function form of `{cls.__name__}`, which documents the parameters: the value of "
        f"``{cls.__name__}(...)({call})``."
    )
    return function


def call_signature(cls: type[Any]) -> inspect.Signature:
    """What the function form of a loss takes: what a call does, then, by name, the parameters."""
    signature = inspect.signature(cls.__call__)
    taken = []
    for parameter in [*signature.parameters.values()][1:]:
        if parameter.kind is parameter.VAR_POSITIONAL:  # what `arguments` names
            either = parameter.replace(kind=parameter.POSITIONAL_OR_KEYWORD)
            taken += [either.replace(name=name) for name in cls.arguments]
            optional = f"{parameter.annotation} | None"
            taken.append(either.replace(name="sample_weight", default=None, annotation=optional))
        elif parameter.kind is not parameter.VAR_KEYWORD:
            taken.append(parameter)
    own = inspect.signature(cls).parameters.values()
    return signature.replace(parameters=[*taken, *(p.replace(kind=p.KEYWORD_ONLY) for p in own)])
