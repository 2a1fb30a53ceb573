"""Which losses fit an estimator, and the loss that a user means by a name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from fastloss.loss import Loss
from fastloss.losses.binary import ModifiedHuber
from fastloss.registry import ALIASES, for_raw_scores, list_losses
from fastloss.validation import ElementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TASKS = {"LossRegressor": ("regression", "count"), "LossClassifier": ("binary", "multiclass")}
OF_DISTANCES = ("hinge_embedding",)  # no fact of a loss says so: it falls without end where a label is 1


def of_scores(loss: str | Loss, tasks: tuple[str, ...], estimator: str) -> Loss:
    """The loss itself, or the one of that name which takes raw scores: refused where it does not fit the estimator.

    Parameters
    ----------
    loss : str or Loss
        A name means the loss with its default parameters, but of raw scores where it can take these.
    tasks : tuple of str
        Tasks of the catalogue that the estimator is for.
    estimator : str
        Its name, for the error.
    """
    known = [name for task in tasks for name in list_losses(task) if _misfit(for_raw_scores(name), tasks) is None]
    try:
        found = loss if isinstance(loss, Loss) else for_raw_scores(loss)
    except ValueError:
        names = [*known, *(alias for alias, name in ALIASES.items() if name in known)]
        near = difflib.get_close_matches(str(loss), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; those of {estimator} are {', '.join(known)}"
        raise ValueError(f"there is no loss named {loss!r}{hint}") from None
    reason = _misfit(found, tasks)
    if reason is None:
        return found
    raise ValueError(
        f"loss={loss!r} does not fit {estimator}: {reason}. The losses that do are {', '.join(known)}, and sums of them"
    )


def to_probabilities(loss: Loss) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """What makes scores probabilities, or None where none does."""
    if isinstance(loss, ModifiedHuber):  # no inverse link: a score of -1 and all below mean 0
        return lambda scores: (scores.clip(-1, 1) + 1) / 2
    return None if loss.activation == "identity" else loss.inverse_link


def _misfit(loss: Any, tasks: tuple[str, ...]) -> str | None:
    """Why a loss cannot be of the scores of a linear model."""
    if loss.task not in tasks:
        other = next((f", for {name}" for name, theirs in TASKS.items() if loss.task in theirs), "")
        return f"it is a loss of task {loss.task!r}{other}"
    if loss.name in OF_DISTANCES:
        return "its scores are distances, without an end where classes agree"
    if loss.prediction_domain.code is not None:
        domain = loss.prediction_domain
        return f"scores of a linear model are any numbers, and it expects {domain.expected}: {domain.fix}"
    return None


def check_targets(loss: Loss, y: NDArray[Any], scores: NDArray[Any]) -> None:
    """Raise for targets outside the loss's domain. The scores are any of the right shape."""
    try:
        loss(y, scores)
    except ElementError as error:
        before = f"Some value(s) of y are out of the valid range of the loss {loss.name!r}: "
        raise ElementError("y", error.index, error.said, before) from None
