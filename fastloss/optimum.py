"""The constant prediction of least loss: in closed form where a loss has one, else solved through its kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import domains, validation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.loss import Loss

Slope = Callable[[float], tuple[float, float]]  # gradient and Hessian of the mean loss at a constant

# Of a loss with many valleys so many constants are tried.
MOST_TRIED = 1001
# Of these, the bottoms of the lowest so many valleys are looked for: the lowest target need not lie in the deepest one.
MOST_VALLEYS = 16


def constant(loss: Loss, y_true: Any, sample_weight: Any = None) -> Any:
    """`Loss.optimum`."""
    y = validation.as_array("y_true", y_true)
    if loss.takes_labels and loss.takes_rows and y.ndim == 2:
        loss = loss._of_rows()
    y = y if loss.takes_labels else validation.label_mask(loss, y, y.shape).astype(np.float64)
    wanted = 1 if loss.layout != "classes" or loss.takes_labels else 2
    if y.ndim != wanted:
        shape = "(n_samples,)" if wanted == 1 else "(n_samples, n_classes)"
        raise ValueError(f"y_true has shape {y.shape}: expected {shape}")
    w = np.ones(len(y)) if sample_weight is None else validation.as_array("sample_weight", sample_weight)
    w = w.astype(np.float64)
    if w.shape != y.shape[:1]:
        raise ValueError(f"sample_weight has shape {w.shape}: expected {y.shape[:1]}")
    _check(loss, y, w)
    if not w.sum() > 0:
        raise ValueError(f"the optimum of {loss.name} is undefined: {validation.empty_mean(loss, len(y))}")
    kept = w > 0
    if loss.layout == "pointwise" and np.isnan(y[kept]).any():
        return math.nan
    if loss.layout == "outputs" and not np.isfinite(y[kept]).all():  # no width fits an infinite target
        return np.full(len(loss.outputs), math.nan)
    terms = loss._terms()
    if len(terms) == 1:
        loss = terms[0][1]
    found = loss._closed_form(y[kept], w[kept])
    if found is not None:
        return found
    if loss.has_rows:
        what = "a sum of losses" if len(terms) > 1 else "this loss"
        raise ValueError(f"{loss!r}: no constant of least loss is known for {what} over {loss.layout}")
    return _solve(loss, y[kept], w[kept])


def _check(loss: Loss, y: Any, w: Any) -> None:
    """The loss's own checks of targets and weights, by evaluating it once at a harmless prediction.

    Its mean may be undefined there, for want of weight, and a sum it may not have.
    """
    if len(y) == 0:
        raise ValueError(f"the optimum of {loss.name} is undefined: there are no samples")
    if loss.layout == "classes":
        n_classes = y.shape[-1] if not loss.takes_labels else count_classes(loss, y)
        z = np.full((len(y), n_classes), 1 / n_classes)
    else:
        z = np.full((len(y), *([len(loss.outputs)] if loss.has_rows else [])), 0.5)
    if loss.prediction_domain in (domains.LOG_PROBABILITY, domains.LOG_SOFTMAX):
        z = np.log(z)
    loss.accumulator().update(y, z, w)


def count_classes(loss: Loss, y: Any) -> int:
    """Classes of index targets: as many as have weights, else up to the largest label that is not ignored."""
    for _, term in loss._terms():
        if term.params.get("class_weight") is not None:
            return len(term.params["class_weight"])
        y = y[y != term.params["ignore_index"]] if term.params.get("ignore_index") is not None else y
    if len(y) == 0:
        raise ValueError(f"the optimum of {loss.name} is undefined: every row is ignored")
    return int(max(np.max(y), 0)) + 1


def _solve(loss: Loss, y: Any, w: Any) -> float:
    """A root of the slope of the mean loss: the only one of a convex loss, that of the deepest valley of another."""
    if loss.task == "binary":
        y, inverse = np.unique(y, return_inverse=True)
        w = np.bincount(inverse, weights=w)
        if len(y) == 1:  # one class: the more of it the better
            ends = (0.0, 1.0) if loss.prediction_domain is domains.PROBABILITY else (-math.inf, math.inf)
            if loss.activation == "sigmoid" or loss.prediction_domain is domains.PROBABILITY:
                return ends[int(y[0] > 0)]

    def slope(c: float) -> tuple[float, float]:
        g, h = loss.gradient_and_hessian(y, np.full(y.shape, c), w)
        return math.fsum(g), math.fsum(h)

    if loss.prediction_domain is domains.PROBABILITY:
        return _root(slope, 0.0, 1.0)
    low, high = float(y.min()), float(y.max())
    if loss.prediction_domain is domains.MEAN:
        low = 0.0
    elif loss.task != "regression":
        low, high = -1.0, 1.0
    if loss.task == "regression" and not loss.convex:
        return _deepest(loss, y, w, slope)
    if loss.prediction_domain is not domains.MEAN:
        low = -_end(lambda c: _mirrored(slope, c), -low, high - low, loss.smoothness > 1)
    high = _end(slope, high, high - low, loss.smoothness > 1)
    if not math.isfinite(low) or not math.isfinite(high):
        return low if math.isfinite(high) else high
    return _root(slope, low, high)


def _deepest(loss: Loss, y: Any, w: Any, slope: Slope) -> float:
    """Of a loss of residuals with many valleys: each has a target near its bottom, so that trying the targets (or, of
    many of them, quantiles that leave no more than a thousandth between them) finds the deepest.
    """
    tried = np.unique(np.quantile(y, np.linspace(0, 1, MOST_TRIED), method="nearest") if len(y) > MOST_TRIED else y)

    def mean(c: float) -> float:
        return float(loss(y, np.full(y.shape, c), w))

    means = np.array([mean(c) for c in tried])
    edged = np.concatenate([[np.inf], means, [np.inf]])
    lowest: NDArray[Any] = np.flatnonzero((means <= edged[:-2]) & (means <= edged[2:]))
    lowest = lowest[np.argsort(means[lowest], kind="stable")][:MOST_VALLEYS]
    ends = [float(tried[i]) for i in lowest]
    ends += [
        _root(slope, float(tried[max(i - 1, 0)]), float(tried[min(i + 1, len(tried) - 1)]), float(tried[i]))
        for i in lowest
    ]
    return min(ends, key=mean, default=math.nan)


def _root(slope: Slope, low: float, high: float, start: float | None = None) -> float:
    """Newton's method, kept inside a bracket that bisection halves where Newton leaves it.

    With a `start` it is the root there that is wanted, of a slope that may have others in the bracket.
    """
    c = (low + high) / 2 if start is None else start
    for _ in range(200):
        g, h = slope(c)
        if g == 0 or not low < high:
            break
        low, high = (low, c) if g > 0 else (c, high)
        newton = c - g / h if h > 0 else math.nan
        if start is not None and abs(newton - c) <= 1e-15 * abs(c):  # bisection would leave for another root
            break
        step = newton if low < newton < high else (low + high) / 2
        if step == c or abs(step - c) <= 1e-15 * abs(c):
            break
        c = step
    return c


def _mirrored(slope: Slope, c: float) -> tuple[float, float]:
    g, h = slope(-c)
    return -g, h


def _end(slope: Slope, high: float, width: float, curved: bool) -> float:
    """From `high` upwards, a place where an increasing slope is not negative; infinite where there is none.

    A slope that flattens out to 0 has underflowed if the loss is `curved`: it has its least value nowhere.
    """
    first, step = high, max(1.0, width, abs(high))
    while True:
        g, h = slope(high)
        if not g < 0:
            return math.inf if curved and high > first and g == h == 0 else high
        high, step = high + step, 2 * step
        if high == math.inf:
            return high
