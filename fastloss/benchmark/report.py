"""The table, as lines that appear while a run goes on; colours where rich is installed and the output is a terminal.

One line for each row: what was done, the time per element of fastloss, and how many times as long each peer took.
Lines rather than a table drawn at the end: the first numbers appear after seconds, and what an interrupted run has
measured is already on the screen.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TextIO

from fastloss.benchmark.engines import ENGINES
from fastloss.benchmark.oracle import TOLERANCES
from fastloss.benchmark.runner import RowResult

__all__ = ["Report", "disagreements", "operation_label", "ratio_text", "summary", "time_text"]

OPERATION_LABELS = {"value": "value", "value_and_gradient": "value+grad", "gradient_and_hessian": "grad+hess"}
Span = tuple[str, str]  # text, style
UNSTEADY = 0.25  # half-distance of the quartiles; 0.01 to 0.1 on a quiet machine


def operation_label(operation: str) -> str:
    """Short name of an operation."""
    return OPERATION_LABELS[operation]


def ratio_text(ratio: float) -> str:
    """Three digits at most: 0.87, 4.1, 35, 1200."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}" if ratio < 20 else f"{ratio:.0f}"


def time_text(nanoseconds: float) -> str:
    """Three digits, or all before the point: 0.615, 13.3, 2034."""
    return f"{nanoseconds:.3g}" if nanoseconds < 999.5 else f"{nanoseconds:.0f}"


def disagreements(outcome: RowResult) -> list[str]:
    """A sentence for each engine whose results are not the reference's."""
    sentences = []
    for name, result in outcome.results.items():
        if result.status == "disagrees":
            tolerances = TOLERANCES[outcome.row.dtype]
            parts = []
            for what, error in result.errors.items():
                size = "is not a number" if error is None else f"is off by {error:.1e}"
                if error is None or error > tolerances[what]:
                    parts.append(f"{what} {size} (tolerance {tolerances[what]:.0e})")
            sentences.append(f"{name} disagrees with the reference: {', '.join(parts)}")
    return sentences


def summary(outcomes: Sequence[RowResult]) -> list[str]:
    """How often fastloss is the fastest, and every case in which it is not."""
    compared = [o for o in outcomes if any(o.ratio(name) for name in o.results if name != "fastloss")]
    lost = [(o, o.lost_to()) for o in compared]
    lost = [(o, names) for o, names in lost if names]
    wrong = sum(1 for o in outcomes for r in o.results.values() if r.status == "disagrees")
    lines = [f"fastloss is the fastest in {len(compared) - len(lost)} of {len(compared)} rows; slower in {len(lost)}."]
    for outcome, names in lost:
        row = outcome.row
        against = ", ".join(f"{name} {ratio_text(outcome.ratio(name).median)}x" for name in names)  # type: ignore[union-attr]
        lines.append(
            f"  slower: {row.case.label}, {operation_label(row.operation)} {row.dtype}, n = {row.size_label}: {against}"
        )
    unsteady = [o for o in outcomes if (ours := o.nanoseconds()) is not None and ours.relative > UNSTEADY]
    if unsteady:
        lines.append(
            f"{len(unsteady)} rows vary by more than {UNSTEADY:.0%}: run again on a quiet machine before using them."
        )
    if wrong:
        lines.append(f"{wrong} results disagree with the reference; they are marked != and named in the table.")
    return lines


class Report:
    """Writes the table line by line.

    Parameters
    ----------
    peers : sequence of str
        Engines that get a column.
    stream : file, optional
        Standard output by default.
    plain : bool
        Without rich, even where it is installed.
    """

    def __init__(self, peers: Sequence[str], stream: TextIO | None = None, plain: bool = False) -> None:
        self.peers = list(peers)
        self.stream = stream if stream is not None else sys.stdout
        self.console = None if plain else _console(self.stream)
        self.label: str | None = None
        self.progress: Any = None

    def tracking(self, total: int) -> AbstractContextManager[None]:
        """A progress bar for a number of rows, on a terminal; nothing in a pipe."""
        return _Progress(self, total)

    def line(self, *spans: Span | str) -> None:
        """Write a line of styled parts."""
        parts = [(span, "") if isinstance(span, str) else span for span in spans]
        if self.console is None:
            self.stream.write("".join(text for text, _ in parts).rstrip() + "\n")
            self.stream.flush()
            return
        from rich.text import Text

        self.console.print(Text.assemble(*parts), soft_wrap=True)

    def header(
        self, machine: dict[str, Any], settings: dict[str, Any], sources: Sequence[str], notes: Sequence[str]
    ) -> None:
        """What runs where on which data, and how to read the table."""
        build = machine["fastloss"]
        self.line(("fastloss bench", "bold"), f"  {machine['date'][:10]}  {machine['cpu']}")
        threads = settings["threads"]
        self.line(
            f"fastloss {build.get('version')} ({build.get('isa_in_use') or 'NumPy references'}),"
            f" every engine: {threads} threads on {threads} of {machine['processors']} processors"
        )
        self.line(f"last-level cache {machine['last_level_cache_bytes'] >> 20} MiB, Python {machine['python']}")
        for source in sources:
            self.line((f"data: {source}", "dim"))
        for note in notes:
            self.line((f"note: {note}", "yellow"))
        self.line()
        self.line("ns     median time per element of fastloss, ± half the distance of the quartiles")
        self.line("limit  beyond the cache: time of a triad (or of the loss in cache, if longer) over ours")
        self.line("peers  their time over fastloss's: 2.0 means that fastloss is twice as fast")
        self.line(
            "       ",
            ("<0.8 fastloss is slower", "bold red"),
            "   !=2.0 results disagree   - no such function   x failed",
        )
        self.line()
        columns = "".join(f"{ENGINES[name].column if name in ENGINES else name[:8]:>9}" for name in self.peers)
        self.line((f"  {'operation':<11}{'dtype':<5}{'n':>12}{'ns':>8}{'':>7}{'GB/s':>7}{'limit':>6}{columns}", "bold"))

    def row(self, outcome: RowResult) -> None:
        """A line for a row, with the loss as a heading where it changes, and a line for each disagreement."""
        row = outcome.row
        if row.case.label != self.label:
            self.label = row.case.label
            self.line((self.label, "bold cyan"))
        ours = outcome.nanoseconds()
        dtype = {"float32": "f32", "float64": "f64"}[row.dtype]
        spans: list[Span | str] = [f"  {operation_label(row.operation):<11}{dtype:<5}{row.size_label:>12}"]
        if ours is None:
            spans.append((f"{'x':>8}{'':>20}", "bold red"))
        else:
            limit = outcome.of_limit
            spans.append((f"{time_text(ours.median):>8}", "bold"))
            spread = f"±{ours.relative:.0%}" if ours.relative < 9.995 else ">±999%"
            spans.append((f"{spread:>7}", "dim" if ours.relative < UNSTEADY else "yellow"))
            spans.append(f"{outcome.gigabytes_per_second:>7.1f}")
            spans.append(f"{f'{limit:.0%}' if limit is not None else '':>6}")
        spans += [self._cell(outcome, name) for name in self.peers]
        self.line(*spans)
        for sentence in disagreements(outcome):
            self.line((f"    != {sentence}", "yellow"))
        if self.progress is not None:
            bar, task = self.progress
            bar.update(task, advance=1, description=row.case.loss, refresh=True)

    def _cell(self, outcome: RowResult, name: str) -> Span:
        result = outcome.results.get(name)
        ratio = outcome.ratio(name)
        if result is None or result.status == "none":
            return f"{'-':>9}", "dim"
        if ratio is None:
            return f"{'x':>9}", "red"
        if result.status == "disagrees":
            return f"{f'!={ratio_text(ratio.median)}':>9}", "yellow"
        if ratio.median < 1.0:
            return f"{f'<{ratio_text(ratio.median)}':>9}", "bold red"
        return f"{ratio_text(ratio.median):>9}", "green"


def _console(stream: TextIO) -> Any:
    """A rich console, or None where rich is missing."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 200)


class _Progress(AbstractContextManager[None]):
    """A bar below the table while it grows."""

    def __init__(self, report: Report, total: int) -> None:
        self.report = report
        self.total = total

    def __enter__(self) -> None:
        if self.report.console is None or not self.report.stream.isatty():
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # drawn once a row: a thread that draws ten times a second would take a processor from what is being timed
        progress = Progress(*columns, console=self.report.console, transient=True, auto_refresh=False)
        progress.start()
        self.report.progress = (progress, progress.add_task("starting", total=self.total))

    def __exit__(self, *_: object) -> None:
        if self.report.progress is not None:
            self.report.progress[0].stop()
            self.report.progress = None
