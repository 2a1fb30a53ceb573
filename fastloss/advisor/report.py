"""The answer, as an object and as text of 80 columns."""

from __future__ import annotations

import math
import re
import textwrap
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fastloss.advisor.reasons import brief, shortened, written

if TYPE_CHECKING:
    from pathlib import Path

    from fastloss.advisor.baseline import Baseline
    from fastloss.advisor.metric import Metric
    from fastloss.advisor.target import Target
    from fastloss.loss import Loss

__all__ = ["Advice", "Report"]

WIDTH = 80


@dataclass(frozen=True)
class Advice:
    """What there is to say about one loss.

    Parameters
    ----------
    loss : Loss
        With its parameters, of raw scores.
    how : str
        How these were set.
    why : str
        Where it stands, and on what grounds.
    indistinguishable : bool
        Whether the data cannot tell it from the first.
    expected : float or None
        The metric that is expected without training.
    trials : dict
        By model: the cross-validated metric, its difference from the first, and that one's 95 % interval.
    activation, optimizer : str
    watch, references : tuple of str
    code : dict
        The line that asks for it, by library.
    """

    loss: Loss
    how: str
    why: str
    indistinguishable: bool
    expected: float | None
    trials: dict[str, dict[str, float]]
    activation: str
    optimizer: str
    watch: tuple[str, ...]
    references: tuple[str, ...]
    code: dict[str, str]

    def __repr__(self) -> str:
        return f"<Advice: {written(self.loss)}>"


@dataclass(frozen=True, repr=False)
class Report:
    """Which loss, and why: what `fastloss.recommend` returns. Its repr is the report, of 80 columns but for the
    addresses of references, which stay whole.

    Parameters
    ----------
    target : Target
    baseline : Baseline or None
    metric : Metric
    ranking : tuple of Advice
        The best first. Where `Advice.indistinguishable`, the order among the first ones is that of expectation.
    rejected : dict
        Reasons against other losses, by name.
    remarks : tuple of str
        Readings, assumptions and what cannot be told.
    facts : dict
        Numbers of the residuals.
    """

    target: Target
    baseline: Baseline | None
    metric: Metric
    ranking: tuple[Advice, ...]
    rejected: dict[str, str]
    remarks: tuple[str, ...]
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Loss:
        """The first loss of the ranking."""
        return self.ranking[0].loss

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why this loss, in sentences."""
        first = self.ranking[0]
        level = [written(a.loss) for a in self.ranking[1:] if a.indistinguishable and a.expected is not None]
        words = [first.why, *self.remarks]
        if level:
            words.insert(1, f"the data cannot tell it from {', '.join(level)}")
        return tuple(words)

    def to_dict(self) -> dict[str, Any]:
        """All of it as numbers, text, lists and dicts, as JSON takes them."""
        ranking = []
        for advice in self.ranking:
            row = {key: value for key, value in asdict(advice).items() if key != "loss"}
            params = dict(advice.loss.params)
            ranking.append({"loss": advice.loss.name, "written": written(advice.loss), "params": params, **row})
        result: dict[str, Any] = _finite(
            {
                "best": self.best.name,
                "params": dict(self.best.params),
                "metric": self.metric.name,
                "greater_is_better": self.metric.greater_is_better,
                "target": {
                    "kind": self.target.kind,
                    "rows": self.target.n,
                    "labels": list(self.target.labels),
                    "facts": {**self.target.facts, **self.facts},
                },
                "ranking": ranking,
                "rejected": self.rejected,
                "remarks": list(self.remarks),
                "reasons": list(self.reasons),
            }
        )
        return result

    def to_html(self, path: str | Path) -> None:
        """Write a page with tables and plots in one file, which needs no network.

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        from fastloss.advisor.page import write

        write(self, path)

    def __repr__(self) -> str:
        first = self.ranking[0]
        lines = _filled(f"Recommended: {written(first.loss)}")
        lines.append("=" * max(map(len, lines)))
        lines += _filled(f"target: {self.target.n} rows, {self.target.kind}; metric: {self.metric.name}")
        lines += _filled(_facts({**self.target.facts, **self.facts}))
        lines += ["", *self._table(), ""]
        for label, text in (
            ("why", self.reasons[0]),
            *(("", reason) for reason in self.reasons[1:]),
            ("parameters", first.how),
            ("activation", first.activation),
            ("optimizer", first.optimizer),
            *(("watch" if not k else "", note) for k, note in enumerate(first.watch)),
        ):
            lines += _labelled(label, text)
        lines += ["", *(line for library, text in first.code.items() for line in _code(library, text))]
        if self.rejected:
            by_reason: dict[str, list[str]] = {}
            for name, reason in self.rejected.items():
                by_reason.setdefault(reason, []).append(name)
            lines += ["", "Rejected"]
            lines += [line for why, names in by_reason.items() for line in _filled(f"{', '.join(names)}: {why}", "  ")]
        lines += ["", "References", *(line for text in first.references for line in _filled(text, "  "))]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        models = list(dict.fromkeys(model for advice in self.ranking for model in advice.trials))
        heading = ["", "loss", "expected", *models]
        rows = [heading]
        for k, advice in enumerate(self.ranking, 1):
            mark = "=" if k > 1 and advice.indistinguishable and advice.expected is not None else ""
            cells = [f"{k}{mark}", shortened(advice.loss), "" if advice.expected is None else f"{advice.expected:.5g}"]
            for model in models:
                cells.append(_interval(advice.trials.get(model), k == 1))
            rows.append(cells)
        widths = [max(len(row[k]) for row in rows) for k in range(len(heading))]
        lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        if max(map(len, lines)) > WIDTH:  # numbers below the loss
            lines = [line for row in rows for line in _below(row, widths)]
        if any("=" in row[0] for row in rows):
            lines.append("= cannot be told from the first")
        if models:
            lines.append("In brackets: 95 % interval of the difference from the first, cross-validated")
        return lines


def _below(row: list[str], widths: list[int]) -> list[str]:
    """A row of a table that is too wide: the name, and on lines of their own what was measured."""
    lines = [f"{row[0]:<{widths[0]}}  {row[1]}"]
    indent = " " * (widths[0] + 4)
    room = 0
    for cell, width in zip(row[2:], widths[2:], strict=True):
        if room < width:
            lines.append(indent)
            room = WIDTH - len(indent)
        lines[-1] += f"{cell:<{width}}  "
        room -= width + 2
    return [line.rstrip() for line in lines]


def _interval(trial: dict[str, float] | None, first: bool) -> str:
    if trial is None:
        return "-"
    if first or not math.isfinite(trial["low"]):
        return f"{trial['value']:.4g}"
    return f"{trial['value']:.4g} ({brief(trial['low'], 1, '+')}..{brief(trial['high'], 1, '+')})"


def _facts(facts: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in facts.items())


def _filled(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _labelled(label: str, text: str, width: int = 12) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{label:<{width}}",
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _code(library: str, text: str, width: int = 14) -> list[str]:
    """A line of code beside the library's name, or below it where it is too long."""
    if width + len(text) <= WIDTH:
        return [f"{library:<{width}}{text}"]
    call, mark, remark = text.partition("  # ")
    lines = ["  "]
    for piece in re.split(r"(?<=[( ])", call):  # where Python, too, may end a line
        if len(lines[-1]) + len(piece.rstrip()) > WIDTH and lines[-1].strip():
            lines.append("    ")
        lines[-1] += piece
    remarks = textwrap.wrap(remark, WIDTH, initial_indent=mark, subsequent_indent=mark)
    return [library, *(line.rstrip() for line in lines), *remarks]


def _finite(x: Any) -> Any:
    """JSON has neither NaN nor infinity, and NumPy's numbers are not its own."""
    if isinstance(x, dict):
        return {str(key): _finite(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_finite(value) for value in x]
    if hasattr(x, "item") and not isinstance(x, str):
        return _finite(x.item() if getattr(x, "ndim", 0) == 0 else x.tolist())
    return None if isinstance(x, float) and not math.isfinite(x) else x
