"""Losses over batches of rows: in all or by group, with intervals from a bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastloss.loss import Loss
from fastloss.validation import ElementError

__all__ = ["RowError", "Score", "evaluate"]

# Cells that rows are dealt to for the bootstrap. Up to so many rows each has a cell of its own, and the bootstrap is
# that of rows; beyond, it is that of random groups of equal size, whose sums vary as their rows do: 1/sqrt(2 * 2000),
# the 1.6 % by which the width of an interval is uncertain then, is less than the noise of a thousand resamples.
CELLS = 2000


class Score(NamedTuple):
    """One loss of one group."""

    group: str | None  # None: of all rows
    loss: str
    rows: int
    weight: float  # that the mean is divided by
    value: float
    interval: tuple[float, float] | None = None


class RowError(ValueError):
    """A row that the loss refuses.

    Parameters
    ----------
    row : int
        Counted from 0 over all batches.
    error : ElementError
        Of the batch.
    """

    def __init__(self, row: int, error: ElementError) -> None:
        super().__init__(row, error)
        self.row, self.error = row, error


class _Rows(NamedTuple):
    """Rows that are evaluated together."""

    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    weight: NDArray[Any] | None
    group: NDArray[Any] | None = None

    def of(self, index: NDArray[Any]) -> _Rows:
        return _Rows(*(None if x is None else x[index] for x in self))  # type: ignore[arg-type]


class _Tally:
    """What is kept of a group: an accumulator per loss, and for a bootstrap the sums of each cell."""

    def __init__(self, losses: Mapping[str, Loss], cells: bool) -> None:
        self.rows = 0
        self.losses = losses
        self.accumulators = {name: loss.accumulator() for name, loss in losses.items()}
        self.sums = {name: np.zeros((2, CELLS)) for name in losses} if cells else {}

    def add(self, batch: _Rows, cell: NDArray[Any] | None) -> None:
        for name, accumulator in self.accumulators.items():
            accumulator.update(*batch[:3])
            if cell is not None:
                for sums, x in zip(self.sums[name], _parts(self.losses[name], batch), strict=True):
                    sums += np.bincount(cell, x, CELLS)
        self.rows += len(batch.y_true)


def _parts(loss: Loss, batch: _Rows) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of each row, what it adds to the sum of losses and to the weight that a mean divides by."""
    weight = np.ones(len(batch.y_true)) if batch.weight is None else batch.weight.astype(np.float64)
    if not loss.additive:  # then its parts are those of what it finishes
        return weight * loss.reference(batch.y_true, batch.y_pred.astype(np.float64))[0], weight
    values = np.asarray(loss(*batch[:3], reduction="none"), np.float64)
    return values, weight * loss.row_weight(batch.y_true, batch.y_pred.shape[-1]) if loss.has_rows else weight


def evaluate(
    batches: Iterable[tuple[Any, ...]],
    losses: Mapping[str, Loss],
    *,
    bootstrap: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
) -> list[Score]:
    """Losses over data that come in batches, in memory that does not grow with them.

    Parameters
    ----------
    batches : iterable of tuple
        y_true, y_pred, and weights and the names of groups, each an array or None.
    losses : mapping of str to Loss
        By the names that scores are to have.
    bootstrap : int
        Resamples for an interval of each score; 0 for none.
    confidence : float
        Of the intervals, which go from one percentile of the resampled scores to another.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of Score
        Of all rows; then, where there are groups, of each in alphabetical order.

    Raises
    ------
    RowError
        For a row that a loss refuses.
    ValueError
        If there are no rows, or the total weight of a group is 0.
    """
    rng = np.random.default_rng(seed)
    whole, groups = _Tally(losses, bootstrap > 0), dict[str, _Tally]()
    for columns in batches:
        batch = _Rows(*columns)
        n = len(batch.y_true)
        cell = _cells(whole.rows, n, rng) if bootstrap else None
        try:
            whole.add(batch, cell)
        except ElementError as error:
            raise RowError(whole.rows + error.index[0], error) from error
        if batch.group is None:
            continue
        names, code = np.unique(batch.group.astype(str), return_inverse=True)
        order = np.argsort(code, kind="stable")
        for name, index in zip(names, np.split(order, np.cumsum(np.bincount(code))[:-1]), strict=True):
            tally = groups.setdefault(str(name), _Tally(losses, bootstrap > 0))
            tally.add(batch.of(index), None if cell is None else _cells(tally.rows, len(index), rng))
    if not whole.rows:
        raise ValueError("there are no rows: nothing to evaluate")
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    tallies = [(None, whole), *sorted(groups.items())]
    return [score for group, tally in tallies for score in _scores(group, tally, bootstrap, tails, rng)]


def _cells(first: int, n: int, rng: np.random.Generator) -> NDArray[Any]:
    """Of rows first, first + 1, ...: each run of CELLS rows is dealt out to all cells, in random order."""
    cell: NDArray[Any] = np.arange(first, first + n) % CELLS
    begin = 0
    while begin < n:
        end = min(n, begin + CELLS - cell[begin])
        if end - begin == CELLS:
            cell[begin:end] = rng.permutation(CELLS)
        begin = end
    return cell


def _scores(
    group: str | None, tally: _Tally, bootstrap: int, tails: tuple[float, float], rng: np.random.Generator
) -> Iterable[Score]:
    for name, accumulator in tally.accumulators.items():
        if not accumulator.weight > 0:
            of_group = "" if group is None else f" of group {group!r}"
            raise ValueError(f"{name}{of_group}: the total weight is 0, and there is no mean")
        interval = None
        if bootstrap:
            sums, weights = tally.sums[name]
            used = min(tally.rows, CELLS)
            means = _resampled(sums, weights, used, bootstrap, rng)
            low, high = np.quantile([accumulator.loss._finished(mean) for mean in means], tails)
            interval = float(low), float(high)
        yield Score(group, name, tally.rows, accumulator.weight, accumulator.value(), interval)


def _resampled(
    sums: NDArray[Any], weights: NDArray[Any], used: int, times: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Weighted means of cells drawn with replacement; resamples without weight are left out."""
    filled = np.flatnonzero(weights) if used == CELLS else np.arange(used)
    count = rng.multinomial(len(filled), np.full(len(filled), 1 / len(filled)), times)
    total = count @ weights[filled]
    result: NDArray[Any] = (count @ sums[filled])[total > 0] / total[total > 0]
    return result
