"""What a fit shows while it runs, and the curve that it leaves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class Display:
    """The report of a solver: keeps the objective of each iteration and, if asked to, shows where the fit is.

    On a terminal that is a bar, where rich is installed; anywhere else a line per iteration.

    Parameters
    ----------
    verbose : int
        0 shows nothing.
    max_iter : int
        The length of the bar.
    title : str
        What is fitted.
    """

    def __init__(self, verbose: int, max_iter: int, title: str) -> None:
        self.curve: list[float] = []
        self.verbose, self.max_iter, self.title = verbose, max_iter, title
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Display:
        if self.verbose and sys.stdout.isatty():
            try:
                from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
            except ImportError:
                return self
            text = (
                TextColumn("{task.description}"),
                TextColumn("loss {task.fields[loss]}  gap {task.fields[gap]}"),
            )
            self._bar = Progress(text[0], BarColumn(), MofNCompleteColumn(), text[1], TimeElapsedColumn())
            self._task = self._bar.add_task(self.title, total=self.max_iter, loss="", gap="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, iteration: int, objective: float, gap: float) -> None:
        """Take note of an iteration."""
        self.curve.append(objective)
        loss, left = f"{objective:.6g}", f"{gap:.2g}"
        if self._bar is not None:
            self._bar.update(self._task, completed=iteration, loss=loss, gap=left)
        elif self.verbose:
            print(f"{self.title}: iteration {iteration}, loss {loss}, gap {left}", flush=True)
