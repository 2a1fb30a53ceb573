"""docs/plots/*.svg: what the guide draws. `make plots` writes them anew.

Curves are those of the losses. Plots of the tutorial are drawn from the names that its own code leaves, which is run
first.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import fastloss as fl

DOCS = Path(__file__).resolve().parents[1] / "docs"
FOLDER = DOCS / "plots"
# Text stays text, and the same plot is the same file.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fastloss",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=["#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee"]),
}
Names = dict[str, Any]


def run(page: Path) -> Names:
    """The names that the Python blocks of a page leave."""
    names: Names = {"__name__": "page"}
    for code in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        examples = doctest.DocTestParser().get_examples(code)
        with contextlib.redirect_stdout(io.StringIO()):
            for source in [example.source for example in examples] or [code]:
                exec(compile(source, page.name, "exec"), names)
    return names


def _panels(width: float = 7.5, height: float = 2.8, **options: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, 2, **options)


# -- curves -----------------------------------------------------------------------------------------------------------


def _along(loss: fl.Loss, y: float, x: Any) -> tuple[Any, Any]:
    """Values and gradients along a prediction; over two classes it is the score of the second, beside 0."""
    if loss.layout != "classes":
        return loss.value_and_gradient(np.full(len(x), y), x, reduction="none")
    scores = np.stack([np.zeros(len(x)), x], axis=1)
    value, gradient = loss.value_and_gradient(np.full(len(x), int(y)), scores, reduction="none")
    return value, gradient[:, 1]


def _curves(losses: dict[str, fl.Loss], x: Any, y: float, xlabel: str, most: float, slope: str) -> Figure:
    """Losses and their gradients, side by side."""
    figure, (left, right) = _panels(height=3.0)
    for name, loss in losses.items():
        value, gradient = _along(loss, y, x)
        left.plot(x, value - value.min() if y == 0 else value, label=name)
        right.plot(x, gradient)
    left.set(xlabel=xlabel, ylabel="loss", ylim=(-0.02 * most, most))
    right.set(xlabel=xlabel, ylabel=slope, ylim=(-most / 2, most / 2) if y == 0 else (-most / 2, 0.05 * most))
    for axes in (left, right):
        axes.axvline(0, color="0.85", zorder=0)
    right.axhline(0, color="0.85", zorder=0)
    left.legend(frameon=False, fontsize=8)
    return figure


def residual_losses() -> Figure:
    """What a residual costs, and how much it pulls."""
    losses = {
        "half squared error": fl.HalfSquaredError(),
        "absolute error": fl.AbsoluteError(),
        "Huber, 1.345": fl.Huber(1.345),
        "Cauchy, 2.385": fl.Cauchy(2.385),
        "Tukey, 4.685": fl.Tukey(4.685),
    }
    x = np.linspace(-7, 7, 281)
    return _curves(losses, x, 0.0, "residual, in robust scales", 8.0, "influence (gradient)")


def asymmetric_losses() -> Figure:
    """What one side costs more than the other."""
    losses = {
        "quantile 0.8": fl.Quantile(0.8),
        "expectile 0.8": fl.Expectile(0.8),
        "linex, a = -1": fl.Linex(-1.0),
    }
    return _curves(losses, np.linspace(-3, 3, 241), 0.0, "prediction - target", 4.0, "gradient")


def margin_losses() -> Figure:
    """What a raw score costs where the label is 1."""
    losses = {
        "cross-entropy": fl.BinaryCrossEntropy(from_logits=True),
        "focal, gamma 2": fl.BinaryFocal(gamma=2.0, from_logits=True),
        "Brier": fl.Brier(from_logits=True),
        "hinge": fl.Hinge(),
        "generalized cross-entropy, q 0.7": fl.GeneralizedCrossEntropy(q=0.7, from_logits=True),
        "exponential": fl.Exponential(),
    }
    return _curves(losses, np.linspace(-4, 4, 241), 1.0, "raw score, where the label is 1", 5.0, "gradient")


# -- the tutorial -----------------------------------------------------------------------------------------------------


def tutorial_residuals(names: Names) -> Figure:
    """The tails of the residuals, and their spread along the prediction."""
    figure, (left, right) = _panels()
    residual, predicted, quarters = names["residual"], names["predicted"], names["quarters"]
    spread = residual.std()
    x = np.linspace(-3.5 * spread, 3.5 * spread, 201)
    left.hist(residual, bins=24, density=True, color="0.8")
    left.plot(x, np.exp(-0.5 * (x / spread) ** 2) / (spread * np.sqrt(2 * np.pi)), label="Gaussian, the same spread")
    left.set(xlabel="residual", ylabel="density")
    left.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    right.plot(predicted, residual, ".", color="0.75", markersize=3)
    middle, spreads = zip(*((predicted[i].mean(), residual[i].std()) for i in quarters), strict=True)
    right.errorbar(middle, [0] * 4, spreads, fmt="o", capsize=4, label="standard deviation, by quarter")
    right.set(xlabel="prediction", ylabel="residual")
    right.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def tutorial_differences(names: Names) -> Figure:
    """Differences of the cross-validated error, with their intervals."""
    figure, panels = _panels(height=2.2, sharey=True, sharex=True)
    for axes, model in zip(panels, ("linear", "boosted"), strict=True):
        errors = names[f"{model}_errors"]
        others = [name for name in errors if name != "squared_error"]
        for k, name in enumerate(others):
            mean, low, high = names["interval"](errors[name] - errors["squared_error"])
            axes.errorbar(mean, k, xerr=[[mean - low], [high - mean]], fmt="o", capsize=4, color="#4477aa")
        axes.set(title=model, xlabel="mean absolute error, against squared_error", yticks=range(len(others)))
        axes.set_yticklabels(others)
        axes.axvline(0, color="0.7", zorder=0)
    panels[0].invert_yaxis()
    return figure


def tutorial_spoilt(names: Names) -> Figure:
    """Errors on correct targets of models that learned from clean and from spoilt ones."""
    figure = Figure(figsize=(5.0, 2.2), layout="constrained")
    axes: Axes = figure.subplots()
    losses = list(names["spoilt_errors"])
    for label, errors in (("clean targets", names["linear_errors"]), ("spoilt targets", names["spoilt_errors"])):
        axes.plot([np.mean(errors[name]) for name in losses], range(len(losses)), "o", label=f"trained on {label}")
    axes.set(xlabel="mean absolute error on correct targets", yticks=range(len(losses)))
    axes.set_yticklabels(losses)
    axes.grid(True, axis="y", color="0.9")
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=8)
    return figure


CURVES: tuple[Callable[[], Figure], ...] = (residual_losses, asymmetric_losses, margin_losses)
OF_THE_TUTORIAL: tuple[Callable[[Names], Figure], ...] = (tutorial_residuals, tutorial_differences, tutorial_spoilt)


def _write(name: str, figure: Figure) -> None:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None})
    lines = (line.rstrip() for line in path.read_text().splitlines())
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.relative_to(DOCS.parent)}: {path.stat().st_size / 1024:.0f} kB")


def main() -> int:
    """Write all."""
    with mpl.rc_context(STYLE):
        for draw in CURVES:
            _write(draw.__name__, draw())
        names = run(DOCS / "tutorial.md")
        for draw_from in OF_THE_TUTORIAL:
            _write(draw_from.__name__, draw_from(names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
