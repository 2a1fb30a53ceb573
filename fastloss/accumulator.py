"""A loss over data that comes in pieces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.operations import VALUE
from fastloss.validation import PARTS, as_array, bad_coding

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastloss.loss import Loss


# Of two labels both are, as a rule, among so many of the first: then there is no second pass over a piece.
HEAD = 256


class Accumulator:
    """Sum of w l and sum of w of one loss, over any number of updates; picklable and mergeable.

    The sums are kept as exact sums of the pieces' float64 sums, so that neither the order of the pieces nor who
    merged them matters.

    Examples
    --------
    >>> import fastloss as fl
    >>> a = fl.SquaredError().accumulator()
    >>> a.update([1.0, 2.0], [1.0, 3.0])
    >>> b = fl.SquaredError().accumulator()
    >>> b.update([0.0], [3.0])
    >>> a.merge(b)
    >>> a.value()
    3.3333333333333335
    """

    __slots__ = ("_low", "_sums", "_weights", "loss")

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        terms = loss._terms()
        self._sums: list[list[float]] = [[] for _ in terms]  # per term of a sum of losses
        self._weights: list[list[float]] = [[] for _ in terms]
        self._low: int | None = None  # of labels in {0, 1} or {-1, 1}, as soon as one tells which

    def update(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a piece. A piece that is refused changes nothing."""
        found = [
            term._runner.run(VALUE, y_true, y_pred, sample_weight, PARTS, None, None) for _, term in self.loss._terms()
        ]
        low = self._coding(y_true)
        self._low = self._low if low is None else low
        for i, (total, weight) in enumerate(found):
            _add(self._sums[i], total)
            _add(self._weights[i], weight)

    def _coding(self, y_true: ArrayLike) -> int | None:
        """The lower of the labels of a piece that is in order, if it tells their coding and one of two is allowed."""
        for _, term in self.loss._terms():
            if term.target_domain.alternative is None:
                continue
            y = as_array("y_true", y_true)
            if not y.size:
                return None
            at = int(np.argmin(y.flat[:HEAD]))
            if y.flat[at] > 0.5:
                at = int(np.argmin(y))
            lowest = y.flat[at]
            low = None if lowest > 0.5 else 0 if lowest > -0.5 else -1
            if low is not None and self._low not in (None, low):
                bad_coding(term, y_true, at, self._low)
            return low
        return None

    def merge(self, other: Accumulator) -> None:
        """Add what another accumulator of the same loss has seen."""
        if not isinstance(other, Accumulator) or other.loss != self.loss:
            raise ValueError(f"cannot merge {other!r} into an accumulator of {self.loss!r}: the losses must be equal")
        if self._low is not None and other._low not in (None, self._low):
            raise ValueError(
                f"cannot merge {other!r} into {self!r}: the labels of one are 0 and 1, those of the other -1 and 1"
            )
        self._low = other._low if self._low is None else self._low
        for mine, theirs in ((self._sums, other._sums), (self._weights, other._weights)):
            for partials, more in zip(mine, [list(x) for x in theirs], strict=True):
                for x in more:
                    _add(partials, x)

    def value(self, reduction: str = "mean") -> float:
        """The loss so far: the weighted mean, or the sum."""
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction={reduction!r}: expected 'mean' or 'sum'")
        result = 0.0
        for (factor, term), sums, weights in zip(self.loss._terms(), self._sums, self._weights, strict=True):
            total, weight = _total(sums), _total(weights)
            if reduction == "mean":
                if not weight > 0:
                    fix = "; use reduction='sum'" if term.additive else ""
                    raise ValueError(f"the mean of {term.name} is undefined: nothing with weight was added{fix}")
                total = term._finished(total / weight)
            elif not term.additive:
                raise ValueError(f"reduction='sum': {term.name} is no sum over elements, so expected 'mean'")
            result += factor * total
        return result

    @property
    def weight(self) -> float:
        """What the mean divides by: the total weight so far, without ignored rows."""
        return _total(self._weights[0])

    def __repr__(self) -> str:
        return f"<accumulator of {self.loss!r}: sum {_total(self._sums[0]):g}, weight {_total(self._weights[0]):g}>"

    def __getstate__(self) -> Any:
        return self.loss, [list(x) for x in self._sums], [list(x) for x in self._weights], self._low

    def __setstate__(self, state: Any) -> None:
        self.loss, self._sums, self._weights, self._low = state


def _add(partials: list[float], x: float) -> None:
    """Shewchuk's exact addition: the partials are floats that do not overlap and sum to the total."""
    if not math.isfinite(x):
        partials.append(x)
        return
    kept = 0
    for y in partials:
        if not math.isfinite(y):
            partials[kept] = y
            kept += 1
            continue
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        if not math.isfinite(high):
            partials[:] = [high]
            return
        low = y - (high - x)
        if low:
            partials[kept] = low
            kept += 1
        x = high
    partials[kept:] = [x]


def _total(partials: list[float]) -> float:
    if any(not math.isfinite(x) for x in partials):
        return sum(partials)
    return math.fsum(partials)
