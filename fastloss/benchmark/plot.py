"""Time per element against n, a panel for each loss."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from fastloss.benchmark.engines import ENGINES
from fastloss.benchmark.report import operation_label
from fastloss.writing import write_atomically

__all__ = ["write_plot"]

COLUMNS = 4


def write_plot(path: Path, document: dict[str, Any]) -> None:
    """Draw the operation and dtype with the most sizes (value and gradient in float32, unless asked for otherwise).

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is nothing to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = document["rows"]
    kinds = [(row["operation"], row["dtype"]) for row in rows]
    if not kinds:
        raise ValueError("nothing was measured, there is nothing to plot")
    operation, dtype = max(dict.fromkeys(kinds), key=kinds.count)
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if (row["operation"], row["dtype"]) == (operation, dtype):
            panel = panels.setdefault(row["label"], [])
            if not panel or row["shape"][1:] == panel[0]["shape"][1:]:  # one number of classes makes a line
                panel.append(row)

    across = min(COLUMNS, len(panels))
    down = math.ceil(len(panels) / across)
    figure = Figure(figsize=(4.0 * across, 3.0 * down + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    engines = list(ENGINES)
    handles: dict[str, Any] = {}
    for axes, (label, measured) in zip(grid.flat, panels.items(), strict=False):
        axes.set_title(label, fontsize=9)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(True, which="major", alpha=0.3)
        for name in [n for n in engines if any(n in row["results"] for row in measured)]:
            points = _points(measured, name)
            if not points:
                continue
            n, middle, low, high = zip(*points, strict=True)
            color = "black" if name == "fastloss" else f"C{engines.index(name) - 1}"
            width = 2.2 if name == "fastloss" else 1.2
            (handles[name],) = axes.plot(n, middle, marker="o", markersize=3, linewidth=width, color=color, label=name)
            axes.fill_between(n, low, high, color=color, alpha=0.15, linewidth=0)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("ns per element")
    for index, axes in enumerate(grid.flat):
        if len(panels) - across <= index < len(panels):  # nothing below it
            axes.set_xlabel("elements")
    machine = document["machine"]
    figure.suptitle(
        f"{operation_label(operation)}, {dtype}: {machine['cpu']}, {document['settings']['threads']} threads,"
        f" {machine['date'][:10]} (median and quartiles)",
        fontsize=10,
    )
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(9, len(handles)), fontsize=9)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=120))


def _points(measured: list[dict[str, Any]], name: str) -> list[tuple[int, float, float, float]]:
    """n, median and quartiles of an engine."""
    found = []
    for row in measured:
        spread = row["results"].get(name, {}).get("ns_per_element")
        if spread:
            found.append((row["n"], spread["median"], spread["low"], spread["high"]))
    return sorted(found)
