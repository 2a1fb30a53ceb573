"""A loss as a picture: value and gradient against the prediction, as a PNG or in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastloss.embeddings import EmbeddingLoss
from fastloss.loss import Loss
from fastloss.writing import write_atomically

__all__ = ["Curve", "curves", "in_terminal", "write_png"]

POINTS = 401
EDGE = POINTS // 50  # left out at an end of the domain, where a loss may be infinite
CLASSES = 3  # of a loss of rows
ROW = (0.8, 0.1, 0.1)  # a target of one that takes distributions
TARGETS = {
    "binary": (0.0, 1.0),
    "adversarial": (0.0, 1.0),
    "count": (2.0,),
}  # of a task; of others 0, if it has a curve


class Curve(NamedTuple):
    """A loss of one target along a line of predictions."""

    label: str
    x: NDArray[np.float64]
    value: NDArray[np.float64]
    gradient: NDArray[np.float64]


def curves(loss: Loss) -> tuple[str, list[Curve]]:
    """What the line of predictions is, and the loss along it, a curve for each target that is worth one.

    Raises
    ------
    ValueError
        For a loss of more than a prediction and its target.

    Examples
    --------
    >>> import fastloss as fl
    >>> axis, (curve,) = curves(fl.Huber())
    >>> axis, curve.label, float(curve.gradient.max())
    ('y_pred', 'y_true = 0', 1.0)
    """
    if not isinstance(loss, Loss):
        kind = "embeddings" if isinstance(loss, EmbeddingLoss) else "more than one number"
        raise ValueError(f"{loss.name} is a loss of {kind}: there is no line of predictions to draw it along")
    if loss.layout == "classes":
        return _of_classes(loss)
    low, high = loss.target_domain.low, loss.target_domain.high
    targets = [y for y in TARGETS.get(loss.task, (0.0,)) if low <= y <= high]
    drawn = [_of_number(loss, y, targets) for y in targets]
    if not all(np.isfinite(curve.value).all() and curve.gradient.any() for curve in drawn):  # relative errors of 0
        drawn = [_of_number(loss, 1.0, [1.0])]
    return "y_pred" if loss.layout != "outputs" else f"{loss.outputs[0]} ({loss.outputs[1]} 0)", drawn


def _of_number(loss: Loss, y: float, targets: list[float]) -> Curve:
    """Along predictions on both sides of the targets."""
    low, high = loss.prediction_domain.low, loss.prediction_domain.high
    if loss.activation == "exp":
        x = np.linspace(np.log(y) - 2.5, np.log(y) + 2.5, POINTS)
    else:
        x = np.linspace(max(low, targets[0] - 4), min(high, targets[-1] + 4), POINTS)
    if np.isfinite(low):
        x = x[EDGE:-EDGE]
    rows = np.stack([x, np.zeros_like(x)], axis=1) if loss.layout == "outputs" else x
    value, gradient = _along(loss, np.full(len(x), y), rows)
    return Curve(f"y_true = {y:g}", x, value, gradient if gradient.ndim == 1 else gradient[:, 0])


def _of_classes(loss: Loss) -> tuple[str, list[Curve]]:
    """Along the entry of the true class, the others equal."""
    of_probability = np.isfinite(loss.prediction_domain.high)
    if of_probability and loss.prediction_domain.high == 1:
        x = np.linspace(0, 1, POINTS)[EDGE:-EDGE]
        rest = (1 - x) / (CLASSES - 1)
    elif of_probability:  # logarithms of them
        x = np.linspace(-6, 0, POINTS)[:-1]
        rest = np.log((1 - np.exp(x)) / (CLASSES - 1))
    else:
        x = np.linspace(-6, 6, POINTS)
        rest = np.zeros_like(x)
    rows = np.stack([x] + [rest] * (CLASSES - 1), axis=1)
    row = ROW if loss.target_domain.rows_sum_to_one else np.eye(CLASSES)[0]
    true = np.zeros(len(x), int) if loss.takes_labels else np.tile(row, (len(x), 1))
    value, gradient = _along(loss, true, rows)
    return "y_pred of the true class", [Curve(f"{CLASSES} classes", x, value, gradient[:, 0])]


def _along(loss: Loss, y: NDArray[Any], x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if loss.additive:
        value, gradient = loss.value_and_gradient(y, x, reduction="none")
    else:  # of each prediction alone
        results = [loss.value_and_gradient([t], [z]) for t, z in zip(y, x, strict=True)]
        value, gradient = (np.array(part) for part in zip(*results, strict=True))
    return np.asarray(value, float), np.asarray(gradient, float).reshape(x.shape)


def write_png(path: Path, loss: Loss) -> None:
    """Draw value and gradient side by side.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        For a loss that has no curve.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    axis, drawn = curves(loss)
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(repr(loss), fontsize=10)
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, ("value", "gradient"), strict=True):
        for curve in drawn:
            axes.plot(curve.x, getattr(curve, name), label=curve.label)
        axes.set(xlabel=axis, ylabel=f"{name}, the influence of a sample" if name == "gradient" else name)
        axes.grid(True, alpha=0.3)
    panels[0].legend(fontsize=8)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=120))


def in_terminal(loss: Loss, width: int) -> str:
    """Value and gradient as a plot of characters.

    Raises
    ------
    ImportError
        If plotext is not installed.
    ValueError
        For a loss that has no curve.
    """
    import plotext

    axis, drawn = curves(loss)
    panels = []
    for name in ("value", "gradient"):
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.plotsize(width, 14)
        for curve, marker in zip(drawn, ("braille", "dot"), strict=False):
            label = curve.label if len(drawn) > 1 else None
            plotext.plot(curve.x.tolist(), getattr(curve, name).tolist(), marker=marker, label=label)
        plotext.title(f"{name} against {axis}, {drawn[0].label}" if len(drawn) == 1 else f"{name} against {axis}")
        panels.append(plotext.uncolorize(plotext.build()).rstrip())
    return "\n".join(panels)
