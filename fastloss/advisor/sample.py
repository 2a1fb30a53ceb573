"""Statistics of numbers with weights: rows of weight 3 count like three rows, rows without weights once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.losses.regression import weighted_quantile

Weight = NDArray[np.float64] | None

__all__ = [
    "effective",
    "group_means",
    "mean",
    "quantile",
    "robust_scale",
    "skew_of_middle",
    "skewness",
    "spread",
    "tails",
]


def effective(n: int, weight: Weight = None) -> float:
    """Rows of equal weight that would tell as much as n with these weights: (sum w)^2 / sum w^2 (Kish)."""
    return float(n) if weight is None else float(weight.sum() ** 2 / np.square(weight).sum())


def mean(x: NDArray[Any], weight: Weight = None) -> float:
    """The mean; of truth values the share that is true."""
    return float(np.average(x, weights=weight))


def quantile(x: NDArray[Any], share: float, weight: Weight = None) -> float:
    """The least value up to which this share of the weight lies; halfway to the next where it is just this share."""
    return weighted_quantile(x, np.ones(len(x)) if weight is None else weight, share)


def spread(x: NDArray[Any], weight: Weight = None) -> float:
    """The standard deviation."""
    return float(np.sqrt(np.cov(x, aweights=weight, ddof=0)))


def robust_scale(r: NDArray[Any], weight: Weight = None) -> float:
    """The median size of deviations from the median, times 1.4826: the standard deviation of a Gaussian's bulk."""
    scale = 1.4826 * quantile(np.abs(r - quantile(r, 0.5, weight)), 0.5, weight)
    return scale if scale > 0 else spread(r, weight)


def skewness(x: NDArray[Any], weight: Weight = None) -> float:
    """The third moment, in standard deviations."""
    deviation, size = x - mean(x, weight), spread(x, weight)
    return mean((deviation / size) ** 3, weight) if size > 0 else 0.0


def skew_of_middle(r: NDArray[Any], weight: Weight = None) -> float:
    """How far the middle of the outer tenths lies from the median, over what lies between them: from -1 to 1.

    Of n symmetric values its standard error is about 1 / sqrt(n), of heavy tails up to 1.25 / sqrt(n).
    """
    low, median, high = (quantile(r, share, weight) for share in (0.1, 0.5, 0.9))
    return (high + low - 2 * median) / (high - low) if high > low else 0.0


def tails(r: NDArray[Any], scale: float, weight: Weight = None) -> dict[str, float]:
    """How far the ends reach, in robust scales. A Gaussian: share 0.0027, tail weight 1."""
    size = np.abs(r - quantile(r, 0.5, weight)) / (scale if scale > 0 else 1.0)
    middle, end = (quantile(size, share, weight) for share in (0.5, 0.95))
    return {
        "share beyond 3 scales": mean(size > 3, weight),
        "tail weight": end / middle / 2.9058 if middle > 0 else float("inf"),  # of a Gaussian 1.960 / 0.6745
    }


def group_means(
    xs: Sequence[NDArray[Any]], by: NDArray[Any], ends: NDArray[Any], weight: Weight = None
) -> list[NDArray[Any]]:
    """Means of some numbers over groups of the rows, which are sorted by another number.

    A group has the rows between two shares of the weight; a row on the border is divided between its two groups.
    """
    order = np.argsort(by, kind="stable")
    w = np.ones(len(by)) if weight is None else weight[order]
    up_to = np.concatenate([[0.0], np.cumsum(w)])
    borders = up_to[-1] * np.asarray(ends)
    sums = (np.concatenate([[0.0], np.cumsum(w * x[order])]) for x in xs)
    return [np.diff(np.interp(borders, up_to, total)) / np.diff(borders) for total in sums]
