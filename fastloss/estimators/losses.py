"""Which losses fit an estimator, and the loss that a user means by a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastloss.loss import Loss
from fastloss.registry import for_raw_scores, list_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    found = loss if isinstance(loss, Loss) else for_raw_scores(loss)
    reason = _misfit(found, tasks)
    if reason is None:
        return found
    known = [name for task in tasks for name in list_losses(task) if _misfit(for_raw_scores(name), tasks) is None]
    raise ValueError(
        f"loss={loss!r} does not fit {estimator}: {reason}. The losses that do are {', '.join(known)}, and sums of them"
    )


def _misfit(loss: Any, tasks: tuple[str, ...]) -> str | None:
    """Why a loss cannot be of the scores of a linear model."""
    if loss.task not in tasks:
        return f"it is a loss of task {loss.task!r}"
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
    except ValueError as error:
        where = str(error).removeprefix("y_true")
        raise ValueError(f"Some value(s) of y are out of the valid range of the loss {loss.name!r}: y{where}") from None
