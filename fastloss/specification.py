"""Losses as they are written on a command line: ``huber:delta=1.5``, ``mse,log_loss:from_logits=True``."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from fastloss.loss import Loss
from fastloss.registry import for_raw_scores, get_loss

__all__ = ["parse_loss", "parse_losses"]


def parse_losses(text: str, *, from_logits: bool = False) -> dict[str, Loss]:
    """Losses by the words that name them.

    Parameters
    ----------
    text : str
        Names or aliases, separated by commas, each with parameters behind colons: ``name:parameter=value:...``. A
        value is a number, True, False, None, a list in brackets, or a word.
    from_logits : bool
        For every loss that has this parameter, unless its words say otherwise; one of them must.

    Raises
    ------
    ValueError
        For a name, parameter or value that is wrong, and for a loss that is not one of y_true and y_pred.

    Examples
    --------
    >>> parse_losses("huber:delta=1.5,mse")
    {'huber:delta=1.5': Huber(delta=1.5), 'mse': SquaredError()}
    """
    words = [word.strip() for word in _split(text, ",")]
    if not all(words):
        raise ValueError(f"{text!r}: expected losses separated by commas, such as huber:delta=1.5,mse")
    losses = {word: parse_loss(word, from_logits=from_logits) for word in words}
    for word, loss in losses.items():
        if not isinstance(loss, Loss):
            raise ValueError(f"{word} is a loss of {loss.task}: here losses of targets and predictions are wanted")
    if from_logits and not any("from_logits" in loss.params for loss in losses.values()):
        raise ValueError(
            f"none of {', '.join(words)} has the parameter from_logits: their predictions are raw as they are"
        )
    return losses


def parse_loss(word: str, *, from_logits: bool = False) -> Any:
    """The loss that a word names, of any task.

    Examples
    --------
    >>> parse_loss("triplet:margin=0.5:swap=True")
    Triplet(margin=0.5, p=2.0, swap=True)
    """
    name, *settings = _split(word, ":")
    params: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{word!r}: expected name:parameter=value, not {setting!r}")
        params[key.strip()] = _value(value.strip())
    try:
        return (for_raw_scores if from_logits else get_loss)(name, **params)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{word}: {error}") from error


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _split(text: str, separator: str) -> Sequence[str]:
    """Split where no bracket is open."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
