"""What a user calls what is passed: arguments in Python, options on the command line."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ON_THE_COMMAND_LINE", "PYTHON", "Words"]


class Words(NamedTuple):
    """Of one interface."""

    predictions: str
    features: str
    task: str  # with a place for which

    def for_task(self, name: str) -> str:
        """How to say that this task is meant."""
        return self.task.format(name)


PYTHON = Words("y_pred", "X", "task={!r}")
ON_THE_COMMAND_LINE = Words("--pred", "--features", "--task {}")
