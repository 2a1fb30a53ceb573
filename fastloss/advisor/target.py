"""What a target looks like: its kind, and the facts that choose among losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.advisor.sample import effective, mean, quantile, robust_scale, skewness, spread, tails
from fastloss.advisor.words import PYTHON, Words
from fastloss.validation import ElementError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastloss.advisor.sample import Weight

__all__ = ["DEFAULTS", "FEWEST", "KINDS", "Target", "describe", "is_missing", "row_weights"]

# The kinds, by the tasks of the catalogue that a user may name.
KINDS = {
    "regression": ("continuous", "positive", "semicontinuous"),
    "count": ("counts",),
    "binary": ("binary", "proportions"),
    "multiclass": ("classes",),
    "multilabel": ("multilabel",),
    "distribution": ("distributions",),
}
# The loss that everybody would take, whose value is the metric where none is given: a convention.
DEFAULTS = {
    "continuous": "squared_error",
    "positive": "gamma",
    "semicontinuous": "tweedie",
    "counts": "poisson",
    "binary": "binary_cross_entropy",
    "proportions": "binary_cross_entropy",
    "classes": "sparse_categorical_cross_entropy",
    "multilabel": "multi_label_soft_margin",
    "distributions": "categorical_cross_entropy",
}
# Of fewer rows, or of fewer in the rarer class, nothing is estimated.
FEWEST, FEWEST_OF_CLASS = 30, 5
# Heuristics: a share of exact zeros, or of one extreme value, that is no chance; integers with at most so many values,
# each of this share of the rows, that are labels rather than counts.
MANY = 0.05
MOST_LABELS = 30
HIGH = 10  # integers that are all larger are measurements, rounded
LEAST, GREATEST = 1e-75, 1e75  # sizes of numbers whose squares have a variance that is finite, and not 0


@dataclass(frozen=True)
class Target:
    """A target as the losses of its kind take it.

    Parameters
    ----------
    kind : str
        A value of `KINDS`.
    y : ndarray
        float64, or class indices.
    labels : tuple
        What the indices stand for, or nothing.
    facts : dict
        Numbers by their names.
    remarks : tuple of str
        What a reader should know: other readings, censoring, missing power.
    weight : ndarray, optional
        Of the rows, positive, 1 on average: which part of the population a row stands for. Whatever is a mean of the
        population is weighted, and all statistics of it; rows that tell how sure they are count as `effective` ones.
    """

    kind: str
    y: NDArray[Any]
    labels: tuple[Any, ...] = ()
    facts: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    weight: NDArray[np.float64] | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.y)

    @property
    def effective(self) -> float:
        """Rows of equal weight that would tell as much as these."""
        return effective(self.n, self.weight)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Of labels: what part of the weight each class has."""
        totals = np.bincount(self.y.astype(np.intp), self.weight, len(self.labels))
        result: NDArray[np.float64] = totals / totals.sum()
        return result

    def of(self, rows: NDArray[Any]) -> Target:
        """Some of the rows."""
        return replace(self, y=self.y[rows], weight=None if self.weight is None else self.weight[rows])

    @property
    def of_labels(self) -> bool:
        """Whether a row is of a class, so that folds keep the classes' shares."""
        return self.kind in ("binary", "classes")

    @property
    def enough(self) -> bool:
        """Whether anything can be estimated."""
        if self.effective < FEWEST:
            return False
        if not self.of_labels:
            return True
        label, w = self.y.astype(np.intp), np.ones(self.n) if self.weight is None else self.weight
        totals, squares = np.bincount(label, w), np.bincount(label, w * w)
        of_class = totals[totals > 0] ** 2 / squares[totals > 0]
        return bool(of_class.min() >= FEWEST_OF_CLASS)


def describe(
    y_true: ArrayLike, task: str | None = None, weight: NDArray[Any] | None = None, words: Words = PYTHON
) -> Target:
    """Look at a target.

    Parameters
    ----------
    y_true : array_like of shape (n_samples,), or (n_samples, n_classes)
        Numbers, or labels of any kind. Rows of 0 and 1 are one-hot where each sums to 1, else masks of labels; other
        rows that sum to 1 are distributions.
    task : str, optional
        A task of the catalogue, where the numbers alone could mean several.
    weight : ndarray of shape (n_samples,), optional
        Of the rows, all above 0.
    words : Words
        In which to give advice.

    Raises
    ------
    ValueError
        For a target that teaches nothing (constant, missing) or is of no one kind.

    Examples
    --------
    >>> describe([0, 1, 1, 0, 1]).kind, describe(["no", "yes", "no"]).labels
    ('binary', ('no', 'yes'))
    """
    if task is not None and task not in KINDS:
        from fastloss.spelling import did_you_mean

        raise ValueError(f"task={task!r}{did_you_mean(task, list(KINDS))}: expected one of {', '.join(KINDS)}")
    if weight is None:
        return _described(_plain(y_true), task, None, words)
    w = weight / weight.mean()
    found = replace(_described(_plain(y_true), task, w, words), weight=w)
    return _with(found, f"weights: {found.n} rows tell about as much as {found.effective:.0f} of equal weight")


def _described(y: NDArray[Any], task: str | None, w: Weight, words: Words) -> Target:
    if y.ndim == 2:
        return _of_rows(y, task, w)
    if y.dtype.kind in "US":
        _refuse_dates(y)
        _refuse_mixtures(y)
        return _of_labels(y, task, w)
    _refuse_bad_numbers(y)
    values, repeats = np.unique(y, return_counts=True)
    counts: NDArray[Any] = repeats if w is None else np.bincount(np.searchsorted(values, y), w)
    if len(values) == 1:
        raise ValueError(f"y_true is constant: every value is {values[0]:g}, and there is nothing to learn")
    if task is None and values.tolist() == [-1, 0, 1]:
        raise ValueError(
            "y_true holds -1, 0 and 1: labels coded {0, 1} mixed with {-1, 1}? Use one coding, or say "
            f"{words.for_task('multiclass')} or {words.for_task('regression')}"
        )
    if task == "multiclass" or (task == "binary" and len(values) == 2):
        return _of_labels(y, task, w)
    if task is None and len(values) == 2:
        return _of_labels(y, task, w)
    whole = bool(np.all(values == np.floor(values)))
    if task is None and whole and _are_labels(values, counts):
        remark = (
            f"{len(values)} integers in a row, {values[0]:g} to {values[-1]:g}: read as classes without an order. If "
            f"they are ratings or counts, whose order means something, say {words.for_task('count')} or "
            f"{words.for_task('regression')}"
        )
        return _with(_of_labels(y, task, w), remark)
    return _of_numbers(y, values, counts, whole, task, w, words)


def row_weights(sample_weight: ArrayLike, target: Target) -> NDArray[np.float64]:
    """Weights of rows as numbers of which the greatest is 1.

    Raises
    ------
    ValueError
        For weights that are not one per row, finite and not negative, or that leave a class without any.
    """
    w = np.asarray(sample_weight)
    if w.dtype.kind not in "biuf":
        raise ValueError(f"sample_weight holds {w.dtype}: expected numbers")
    w = w.astype(np.float64)
    if w.shape != (target.n,):
        raise ValueError(f"sample_weight has shape {w.shape}: expected ({target.n},), a weight per row")
    bad = ~(np.isfinite(w) & (w >= 0))
    if bad.any():
        at = int(bad.argmax())
        raise ElementError("sample_weight", (at,), f"is {w[at]}: expected weights that are finite and not negative")
    if not w.any():
        raise ValueError("sample_weight is 0 in every row: there is nothing to learn from")
    w /= w.max()  # so that no sum of them overflows
    if target.of_labels:
        totals = np.bincount(target.y.astype(np.intp), w, len(target.labels))
        if not totals.all():
            label = target.labels[int(totals.argmin())]
            raise ValueError(
                f"sample_weight is 0 in all rows of label {label!r}: drop these rows, or give them weights"
            )
    return w


def _with(target: Target, *remarks: str) -> Target:
    return replace(target, remarks=(*target.remarks, *remarks))


def _plain(y_true: ArrayLike) -> NDArray[Any]:
    """An array of float64 or of text, of one or two dimensions."""
    y = np.asarray(y_true)
    if y.dtype.kind == "U" and not hasattr(y_true, "__array__"):  # a list, of which text may not be all
        y = np.asarray(y_true, dtype=object)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2):
        raise ValueError(f"y_true has shape {y.shape}: expected (n_samples,) or (n_samples, n_classes)")
    if y.size == 0:
        raise ValueError("y_true is empty: there are no samples")
    if y.dtype.kind in "biuf":
        return y.astype(np.float64)
    if y.dtype.kind in "mM":
        raise ValueError(
            f"y_true holds times ({y.dtype}): make numbers of them, such as (y - y.min()) / np.timedelta64(1, 'D')"
            if y.dtype.kind == "M"
            else f"y_true holds spans of time ({y.dtype}): make numbers of them, such as y / np.timedelta64(1, 'D')"
        )
    if y.dtype.kind not in "OUST":
        raise ValueError(f"y_true holds {y.dtype}: expected numbers or labels")
    if y.ndim == 2:
        raise ValueError("y_true holds rows of text: expected one label per sample, or rows of numbers")
    missing = [at for at, value in enumerate(y.tolist()) if is_missing(value)]
    if len(missing) == len(y):
        raise ValueError("y_true is missing in every row: there is nothing to learn from")
    if missing:
        raise ElementError("y_true", (missing[0],), f"is missing, as are {len(missing)} of {len(y)}: drop these rows")
    texts = [isinstance(value, str) for value in y.tolist()]
    if all(texts):
        return y.astype(str)
    if any(texts):
        text, number = y.tolist()[texts.index(True)], y.tolist()[texts.index(False)]
        raise ValueError(
            f"y_true mixes text and numbers, such as {text!r} and {number!r}: use one coding of the labels"
        )
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"y_true holds objects such as {y.tolist()[0]!r}: expected numbers or labels") from None


def is_missing(value: Any) -> bool:
    """None, NaN, or pandas' NA, which is neither equal to anything nor different."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _refuse_dates(y: NDArray[Any]) -> None:
    from fastloss.evaluation.tables import is_date

    if all(is_date(value) for value in np.unique(y).tolist()):
        raise ValueError(
            f"y_true holds dates such as {y.tolist()[0]!r}, which no loss takes: make numbers of them, such as the "
            "days since the first, or say which other column is the target"
        )


def _refuse_mixtures(y: NDArray[Any]) -> None:
    """A few words among many numbers are errors, as are labels without a name."""
    from fastloss.evaluation.tables import is_number

    nameless = np.strings.strip(y) == ""
    if nameless.any():
        at, many = int(nameless.argmax()), int(nameless.sum())
        raise ElementError("y_true", (at,), f"is empty, as are {many} of {len(y)}: drop these rows")
    labels, first = np.unique(y, return_index=True)
    numeric = [is_number(label) for label in labels.tolist()]
    if any(numeric) and not all(numeric):
        at = min(int(row) for row, of_number in zip(first, numeric, strict=True) if not of_number)
        number = labels.tolist()[numeric.index(True)]
        raise ElementError(
            "y_true", (at,), f"is {y.tolist()[at]!r}, and other rows hold numbers such as {number!r}: use one coding"
        )


def _refuse_bad_numbers(y: NDArray[Any]) -> None:
    bad = ~np.isfinite(y)
    if bad.all():
        raise ValueError("y_true is missing or infinite in every row: there is nothing to learn from")
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ElementError("y_true", at, f"is {y[at]}, as are {int(bad.sum())} of {y.size}: drop these rows")


def _are_labels(values: NDArray[Any], counts: NDArray[Any]) -> bool:
    """Heuristic: few consecutive integers from 0 or 1, all of them common. The tail of counts is rare."""
    consecutive = len(values) <= MOST_LABELS and bool(np.all(np.diff(values) == 1)) and values[0] in (0.0, 1.0)
    return consecutive and counts.min() >= MANY * counts.mean() and counts.min() >= MANY * counts.max()


def _of_labels(y: NDArray[Any], task: str | None, w: Weight) -> Target:
    labels, index, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(labels) == 1:
        raise ValueError(f"y_true is constant: every label is {labels.tolist()[0]!r}, and there is nothing to learn")
    if task in ("regression", "count", "distribution", "multilabel"):
        raise ValueError(f"task={task!r}, and y_true holds labels such as {labels.tolist()[0]!r}: expected numbers")
    if task == "binary" and len(labels) > 2:
        raise ValueError(f"task='binary', and y_true has {len(labels)} labels: those of 'multiclass' may be so many")
    if len(labels) > max(2, len(y) // 2) and (y.dtype.kind in "US" or len(y) >= FEWEST):
        raise ValueError(f"y_true has {len(labels)} labels in {len(y)} rows: names or text rather than classes?")
    rare, shares = int(counts.min()), np.bincount(index, w) / len(y)
    facts = {"classes": float(len(labels)), "rarest": float(rare), **_balance(shares)}
    names = tuple(label.item() for label in labels)
    remarks = []
    if rare < FEWEST_OF_CLASS:
        rarest = names[int(counts.argmin())]
        remarks.append(f"label {rarest!r} has {rare} rows: too few to learn or to judge it; losses are not compared")
    elif facts["imbalance"] >= 10:
        remarks.append(
            f"classes are imbalanced, {facts['imbalance']:.3g} to 1: judge by the rarer class's {rare} rows, which "
            "are the effective size of these data"
        )
    if len(labels) == 2 and task != "multiclass":
        if names not in ((0.0, 1.0), (False, True)):
            remarks.append(f"the positive class is {names[1]!r}, the second in order")
        return Target("binary", index.astype(np.float64), names, facts, tuple(remarks))
    return Target("classes", index.astype(np.int64), names, facts, tuple(remarks))


def _balance(shares: NDArray[Any]) -> dict[str, float]:
    """What the shares of the classes say."""
    facts = {
        "imbalance": float(shares.max() / shares.min()),
        # of samples that weigh as much as their class's share says: 1 over the sum of squared shares
        "effective classes": float(1 / np.sum(shares**2)),
    }
    return {**facts, "positive share": float(shares[1])} if len(shares) == 2 else facts


def _of_rows(y: NDArray[Any], task: str | None, w: Weight) -> Target:
    if y.dtype.kind in "US":
        raise ValueError("y_true holds rows of text: expected one label per sample, or rows of numbers")
    _refuse_bad_numbers(y)
    sums_to_one = bool(np.allclose(y.sum(axis=1), 1, atol=1e-3)) and bool((y >= 0).all())
    mask = bool(np.isin(y, (0.0, 1.0)).all())
    if mask and sums_to_one and task in (None, "multiclass"):
        found = _of_labels(y.argmax(axis=1), "multiclass", w)
        return _with(found, "rows are one-hot: read as class indices, which take a K-th of the memory and lose nothing")
    if mask and task in (None, "multilabel"):
        same = int(np.sum(np.ptp(y, axis=0) == 0))
        if same == y.shape[1]:
            raise ValueError("y_true is constant: every label is always or never there, and there is nothing to learn")
        facts = {"labels": float(y.shape[1]), "labels per row": mean(y.sum(axis=1), w)}
        remarks = (f"{same} labels are always or never there: they teach nothing",) if same else ()
        return Target("multilabel", y, tuple(range(y.shape[1])), facts, remarks)
    if sums_to_one and task in (None, "distribution"):
        if np.ptp(y, axis=0).max() == 0:
            raise ValueError("y_true is constant: all rows are the same, and there is nothing to learn")
        return Target("distributions", y, tuple(range(y.shape[1])), {"classes": float(y.shape[1])})
    raise ValueError(
        f"y_true has shape {y.shape}, and its rows are neither labels nor distributions: of several numbers per sample "
        "ask about one column at a time"
    )


def _of_numbers(
    y: NDArray[Any],
    values: NDArray[Any],
    counts: NDArray[Any],
    whole: bool,
    task: str | None,
    w: Weight,
    words: Words,
) -> Target:
    size = float(max(abs(values[0]), abs(values[-1])))
    if not LEAST <= size <= GREATEST:
        raise ValueError(f"y_true has values of size {size:.1g}, whose squares' squares are out of range: scale it")
    zero = mean(y == 0, w)
    scale = robust_scale(y, w)
    facts = {
        "mean": mean(y, w),
        "median": quantile(y, 0.5, w),
        "standard deviation": spread(y, w),
        "robust scale": scale,
        "skewness": skewness(y, w),
        **tails(y, scale, w),
    }
    if zero:
        facts["share of zeros"] = zero
    remarks: list[str] = []
    if task == "binary" or (task is None and not whole and values[0] >= 0 and values[-1] <= 1):
        if values[0] < 0 or values[-1] > 1:
            raise ValueError(f"task='binary', and y_true has values from {values[0]:g} to {values[-1]:g}")
        return Target("proportions", y, (), facts, ("shares in [0, 1]: read as proportions",))
    if task in ("multilabel", "distribution"):
        raise ValueError(f"task={task!r}, and y_true is one number per sample: expected rows")
    if whole and values[0] >= 0 and (task == "count" or (task is None and values[0] <= HIGH)):
        remarks += _of_count(y, w, zero, facts)
        if task is None:
            remarks.append(
                f"integers from {values[0]:g} up: read as counts; say {words.for_task('regression')} if they are "
                "measurements"
            )
        return Target("counts", y, (), facts, tuple(remarks))
    if task == "count":
        if values[0] < 0:
            raise ValueError(f"task='count', and y_true has a value of {values[0]:g}: counts are not negative")
        return Target("semicontinuous" if zero else "positive", y, (), facts)
    remarks += _censored(values, counts, zero)
    above = y > 0
    amounts, w = y[above], None if w is None else w[above]
    if values[0] < 0 or 0 < zero < MANY or not _multiplicative(amounts, w):
        return Target("continuous", y, (), facts, tuple(remarks))
    facts["log skewness"] = skewness(np.log(amounts), w)
    if zero:
        remarks.append(f"{zero:.0%} exact zeros beside positive amounts: zero-inflated")
        return Target("semicontinuous", y, (), facts, tuple(remarks))
    remarks.append("positive, and more symmetric on the scale of logarithms: read as amounts")
    return Target("positive", y, (), facts, tuple(remarks))


def _multiplicative(y: NDArray[Any], w: Weight) -> bool:
    """Heuristic: skewed to the right, less so in logarithms, and of more than one size."""
    if len(y) < 10:
        return False
    low, high, skew = quantile(y, 0.05, w), quantile(y, 0.95, w), skewness(y, w)
    return high > 3 * low and skew > 0.5 and abs(skewness(np.log(y), w)) < skew


def _of_count(y: NDArray[Any], w: Weight, zero: float, facts: dict[str, float]) -> list[str]:
    level = facts["mean"]
    facts["variance / mean"] = spread(y, w) ** 2 / level
    expected = float(np.exp(-level))
    noise = float(np.sqrt(expected * (1 - expected) / effective(len(y), w)))
    if zero > expected + 4 * noise and zero > 1.2 * expected:
        return [
            f"{zero:.0%} zeros, where a Poisson distribution of this mean has {expected:.0%}: zero-inflated, or a mean "
            "that differs from row to row"
        ]
    return []


def _censored(values: NDArray[Any], counts: NDArray[Any], zero: float) -> list[str]:
    """Many rows at exactly the least or the greatest value, of many values."""
    if len(values) < 20:
        return []
    n = counts.sum()
    ends: Sequence[tuple[str, int]] = (("least", 0), ("greatest", -1))
    return [
        f"{counts[at] / n:.0%} of the rows have exactly the {name} value, {values[at]:g}: cut off there? A loss of "
        "residuals takes it for the true value; ask for a quantile inside, or model the censoring"
        for name, at in ends
        if counts[at] >= max(MANY * n, 5) and not (values[at] == 0 and zero)
    ]
