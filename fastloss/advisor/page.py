"""The report as one HTML file: tables, and plots that are drawn into it."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.advisor.fit import in_loss_type
from fastloss.advisor.reasons import shortened, written
from fastloss.advisor.sample import mean, quantile
from fastloss.writing import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastloss.advisor.report import Advice, Report

__all__ = ["write"]

DRAWN = 4  # candidates
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
border-bottom: 1px solid #ddd; } code { background: #f4f4f4; padding: 0 .2rem; } img { max-width: 100%; }
.level { color: #666; } h1 code { font-size: 80%; }
"""


def write(report: Report, path: str | Path) -> None:
    """Write the page.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    first = report.ranking[0]
    parts = [
        f"<h1>Recommended: <code>{_text(written(first.loss))}</code></h1>",
        f"<p>{report.target.n} rows, {_text(report.target.kind)}; metric: <code>{_text(report.metric.name)}</code></p>",
        _list(report.reasons),
        "<h2>Ranking</h2>",
        _ranking(report),
        _figure(_curves(report), "the data, with the loss and the influence of each candidate over them"),
    ]
    if any(advice.trials for advice in report.ranking):
        parts.append(_figure(_intervals(report), "differences of the cross-validated metric from the first, 95 %"))
    use = [("parameters", first.how), ("activation", first.activation), ("optimizer", first.optimizer)]
    use += [("watch", note) for note in first.watch]
    facts = [(name, f"{value:.4g}") for name, value in {**report.target.facts, **report.facts}.items()]
    parts += [
        f"<h2>How to use it</h2>{_table(use)}",
        f"<h2>Code</h2>{_table(list(first.code.items()), code=True)}",
        f"<h2>The data</h2>{_table(facts)}",
    ]
    if report.rejected:
        parts.append(f"<h2>Rejected</h2>{_table(list(report.rejected.items()))}")
    parts.append(f"<h2>References</h2>{_list(first.references)}")
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>fastloss: which loss</title><style>{STYLE}</style>'
    write_text(Path(path), f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n')


def _text(text: str) -> str:
    return html.escape(text)


def _list(items: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"


def _table(rows: Sequence[tuple[str, str]], code: bool = False) -> str:
    cell = "<code>{}</code>" if code else "{}"
    return (
        "<table>"
        + "".join(f"<tr><th>{_text(name)}</th><td>{cell.format(_text(value))}</td></tr>" for name, value in rows)
        + "</table>"
    )


def _ranking(report: Report) -> str:
    rows = []
    for k, advice in enumerate(report.ranking, 1):
        level = k > 1 and advice.indistinguishable and advice.expected is not None
        note = ' <span class="level">not to be told from the first</span>' if level else ""
        measured = "; ".join(
            f"{model}: {t['value']:.5g}" + ("" if k == 1 else f" ({t['low']:+.2g} .. {t['high']:+.2g})")
            for model, t in advice.trials.items()
        )
        rows.append(
            f"<tr><td>{k}</td><td><code>{_text(written(advice.loss))}</code>{note}</td><td>{_text(advice.why)}</td>"
            f"<td>{measured}</td><td>{_text(advice.how)}</td></tr>"
        )
    head = "<tr><th></th><th>loss</th><th>why</th><th>cross-validated</th><th>parameters</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _figure(figure: Any, alt: str) -> str:
    """A figure as an image inside the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    data = base64.b64encode(picture.getvalue()).decode()
    return f'<p><img alt="{alt}" src="data:image/png;base64,{data}"></p>'


def _curves(report: Report) -> Any:
    """The distribution of the residuals or the target, and each candidate's loss and influence over it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    values, weight, label = _sample(report)
    for axes, name in zip(panels, ("loss, of size 1", "influence (gradient), of size 1"), strict=True):
        behind = axes.twinx()
        behind.hist(values, bins=40, weights=weight, color="0.85")
        behind.set_yticks([])
        axes.set_zorder(behind.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.set(xlabel=label, ylabel=name)
    for advice in report.ranking[:DRAWN]:
        x, value, gradient = _along(advice, report, values)
        value = value - value.min()  # sizes are not compared, for the optimizer's rate sees to them
        panels[0].plot(x, value / (value.max() or 1.0), label=shortened(advice.loss))
        panels[1].plot(x, gradient / (np.abs(gradient).max() or 1.0))
    panels[0].legend(fontsize=7)
    return figure


def _sample(report: Report) -> tuple[Any, Any, str]:
    """What is drawn behind the curves: without the outermost values, which would leave no room for the others."""
    target, w = report.target, report.target.weight
    if target.kind in ("classes", "multilabel", "distributions"):
        counts = target.y if target.y.ndim == 1 else target.y.argmax(axis=1)
        return counts, w, "class, and the raw score of the true one"
    if report.baseline is not None and target.kind == "continuous":
        values, label = report.baseline.value - target.y, "prediction - target"
    elif report.baseline is not None and report.baseline.scores is not None and target.kind == "binary":
        values, label = np.where(target.y > 0, 1, -1) * report.baseline.scores, "raw score, positive where right"
    elif target.kind == "continuous":
        values, label = quantile(target.y, 0.5, w) - target.y, "median - target"
    else:
        values, label = target.y, "target; curves: prediction, of the mean target"
    low, high = np.quantile(values, (0.005, 0.995))
    inside = (values >= low) & (values <= high)
    if not inside.any():
        return values, w, label
    return values[inside], None if w is None else w[inside], label


def _along(advice: Advice, report: Report, values: Any) -> tuple[Any, Any, Any]:
    """Loss and gradient along the axis."""
    loss, target = advice.loss, report.target
    low, high = float(np.min(values)), float(np.max(values))
    x = np.linspace(low, high if high > low else low + 1, 301)
    if loss.layout == "classes":
        k = len(target.labels)
        x = np.linspace(-4, 4, 301)
        rows = np.zeros((len(x), k))
        rows[:, 0] = x
        y = in_loss_type(loss, np.zeros(len(x), np.int64), k)
        if loss.task == "multilabel":
            y = np.tile(np.eye(k)[0], (len(x), 1))
        value, gradient = loss.value_and_gradient(y, rows, reduction="none")
        value = value if np.ndim(value) == 1 else value[:, 0]
        return x, value, gradient[:, 0]
    if target.kind == "continuous":
        y, raw = np.zeros(len(x)), x
    elif target.kind == "binary":
        y, raw = np.ones(len(x)), x
    else:
        y = np.full(len(x), mean(target.y, target.weight))
        x = np.linspace(max(low, 0.02 * high), high, 301)
        raw = (
            np.log(x)
            if loss.activation == "exp"
            else np.log(x) - np.log1p(-np.minimum(x, 0.999))
            if loss.activation == "sigmoid"
            else x
        )
    value, gradient = loss.value_and_gradient(y, raw, reduction="none")
    return x, value, gradient


def _intervals(report: Report) -> Any:
    """Differences of the cross-validated metric from the first."""
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(model for advice in report.ranking for model in advice.trials))
    figure = Figure(figsize=(9.0, 0.9 + 0.45 * len(report.ranking)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(models), sharey=True))
    names = [shortened(advice.loss) for advice in report.ranking]
    for axes, model in zip(panels, models, strict=True):
        for k, advice in enumerate(report.ranking):
            t = advice.trials.get(model)
            if t is not None and np.isfinite([t["low"], t["high"]]).all():
                axes.plot([t["low"], t["high"]], [k, k], color="C0")
                axes.plot(t["difference"], k, "o", color="C0")
        axes.axvline(0, color="0.7")
        axes.set(xlabel=f"{report.metric.name}, difference from the first", title=model, yticks=range(len(names)))
        axes.set_yticklabels(names, fontsize=7)
        axes.grid(True, axis="x", alpha=0.3)
    panels[0].invert_yaxis()
    return figure
