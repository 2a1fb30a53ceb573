"""Why a loss, what goes with it, and the code that asks for it: from the facts that its class states."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import description, elsewhere
from fastloss.advisor.fit import fitting_solvers, in_loss_type
from fastloss.loss import Loss

if TYPE_CHECKING:
    from fastloss.advisor.target import Target

__all__ = ["activation", "brief", "code", "optimizer", "references", "shortened", "watch", "written"]

_ACTIVATIONS = {
    "identity": "none: the raw score is the prediction",
    "exp": "exp (log link): the raw score is the logarithm of the mean",
    "sigmoid": "sigmoid; train on the raw score, which keeps the digits of the tails",
    "softmax": "softmax over the classes; train on the raw scores",
}
_OPTIMIZERS = (
    "it has a kink: no curvature for Newton's method and no gradient at the minimum. Linear models: {solver}. "
    "Networks: Adam or SGD with a rate that falls. Boosting: renewed leaves, or a Hessian of 1",
    "its gradient is continuous, its curvature jumps. Linear models: {solver}. Networks: Adam or SGD with momentum. "
    "Boosting: a majorizing Hessian, where the exact one is 0",
    "it is twice differentiable: second-order methods pay. Linear models: {solver}. Networks: Adam or SGD with "
    "momentum. Boosting: the exact Hessian{majorized}",
)
# Parameters that move the probabilities which a model of the loss means.
_DISTORTING = ("pos_weight", "class_weight", "label_smoothing", "gamma", "alpha", "q")
_NEUTRAL = (None, 1.0, 0.0)


def written(loss: Loss) -> str:
    """A loss as code, without the parameters that are at their defaults.

    Examples
    --------
    >>> import fastloss as fl
    >>> written(fl.BinaryCrossEntropy(from_logits=True, pos_weight=5.0))
    'BinaryCrossEntropy(from_logits=True, pos_weight=5.0)'
    """
    defaults = {name: parameter.default for name, parameter in inspect.signature(type(loss)).parameters.items()}
    changed = [
        f"{name}={value!r}"
        for name, value in loss.params.items()
        if value is not defaults[name] and value != defaults[name]
    ]
    return f"{type(loss).__name__}({', '.join(changed)})"


def brief(x: float, digits: int = 2, sign: str = "") -> str:
    """A number of few digits, without an exponent where it does without.

    Examples
    --------
    >>> brief(149.7), brief(0.00312, 1, "+")
    ('150', '+0.003')
    """
    return f"{float(f'{x:.{digits}g}'):{sign}g}"


def shortened(loss: Loss, most: int = 34) -> str:
    """The same for tables, where all are of raw scores."""
    text = (
        written(loss)
        .replace("from_logits=True, ", "")
        .replace(", from_logits=True", "")
        .replace("from_logits=True", "")
    )
    return text if len(text) <= most else text[: most - 2] + ".."


def activation(loss: Loss) -> str:
    """What maps the model's output to the target."""
    if loss.activation == "identity" and loss.task in ("binary", "multiclass", "multilabel"):
        return "none: the raw score's sign or order decides; it is no probability"
    return _ACTIVATIONS[loss.activation]


def optimizer(loss: Loss, target: Target) -> str:
    """The family of optimizers that suits the loss's smoothness, and why."""
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    solvers = fitting_solvers(loss, target.y, n_outputs)
    words = _OPTIMIZERS[min(loss.smoothness, 2)].format(
        solver=", ".join(solvers[:2]),
        majorized="" if loss.convex else ", floored or majorized where it is negative",
    )
    shape = "convex" if loss.convex else "not convex: start from a convex fit"
    return f"{words} ({shape})"


def watch(loss: Loss, target: Target) -> tuple[str, ...]:
    """What goes wrong most easily."""
    notes = []
    y = target.y
    constant = _constant(loss, target)
    start = "" if constant is None else _start(constant, target)
    if start:
        notes.append(start)
    if loss.activation == "identity" and loss.task == "regression" and y.ndim == 1:
        spread = float(target.facts.get("standard deviation", 1.0))
        if not 0.2 < spread < 5:
            units = [name for name in ("delta", "c", "beta", "epsilon", "width") if name in loss.params]
            also = f"; divide {', '.join(units)} by it too" if units else ""
            notes.append(
                f"scale the target: its standard deviation is {spread:.3g}, and steps, penalties and learning rates "
                f"are in its units{also}"
            )
    changed = [name for name in _DISTORTING if loss.params.get(name) not in _NEUTRAL]
    if changed and loss.activation in ("sigmoid", "softmax"):
        notes.append(f"{', '.join(changed)} shift the probabilities: recalibrate them on held-out rows before use")
    if not loss.convex:
        notes.append("not convex: the minimum that is found depends on the start; begin with a convex loss")
    slope = 1.0 if constant is None else _slope(loss, target, constant)
    if not 0.1 < slope < 10:
        notes.append(f"at the start a row's gradient is about {brief(slope)} in size: choose the learning rate for it")
    return tuple(notes)


def _constant(loss: Loss, target: Target) -> Any:
    try:
        n_outputs = len(target.labels) if loss.layout == "classes" else 1
        constant = loss.optimum(in_loss_type(loss, target.y, n_outputs), target.weight)
    except ValueError:
        return None
    return constant if np.isfinite(constant).all() else None


def _start(constant: Any, target: Target) -> str:
    if np.allclose(constant, 0.0, atol=0.05 * (1 + abs(float(np.mean(target.y))))):
        return ""
    words = (
        f"{constant:.4g}"
        if np.ndim(constant) == 0
        else "[" + ", ".join(f"{x:.3g}" for x in constant[:6]) + (", ...]" if len(constant) > 6 else "]")
    )
    return f"start the output bias at {words}, the best constant: the first steps then learn more than the level"


def _slope(loss: Loss, target: Target, constant: Any) -> float:
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    y = in_loss_type(loss, target.y, n_outputs)
    z = np.broadcast_to(constant, (target.n, *np.shape(constant))).copy()
    squares = np.square(loss.gradient(y, z, reduction="none"))
    return float(np.sqrt(np.average(squares, axis=0, weights=target.weight).mean()))


def references(loss: Loss) -> tuple[str, ...]:
    """The literature that its docstring names."""
    section = description.sections(type(loss)).get("References", "")
    found = re.split(r"^\.\. \[\d+\] ", section, flags=re.MULTILINE)
    return tuple(" ".join(text.split()) for text in found if text.strip())


def code(loss: Loss, target: Target) -> dict[str, str]:
    """The line that asks for it, by library; where a library lacks the loss and an adapter gives it, that."""
    lines = {"fastloss": f"fl.{written(loss)}"}
    trainable = target.kind not in ("multilabel", "distributions", "proportions")
    if trainable:
        estimator = "LossClassifier" if target.of_labels else "LossRegressor"
        lines["linear model"] = f"{estimator}(fl.{written(loss)})"
    others = elsewhere.code(loss)
    for library in ("torch", "Keras", "scikit-learn", "XGBoost", "LightGBM"):
        exact = library in others and "# without" not in others[library]
        if exact:
            lines[library] = others[library]
        elif library in ("XGBoost", "LightGBM") and loss.layout != "outputs" and trainable:
            module = library.lower()
            lines[library] = f"fastloss.adapters.{module}.objective(fl.{written(loss)})"
        elif library == "scikit-learn" and trainable:
            classes = f", n_classes={len(target.labels)}" if loss.layout == "classes" else ""
            kind = "Classifier" if target.of_labels else "Regressor"
            lines[library] = f"HistGradientBoosting{kind}(loss=as_base_loss(fl.{written(loss)}{classes}))"
        elif library in others:
            lines[library] = others[library]
        else:
            lines[library] = "not there"
    return lines
