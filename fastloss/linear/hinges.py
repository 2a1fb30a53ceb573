"""The objective of a linear model whose loss is linear between kinks, as a sum of hinges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem


# Rounding may change the sum of the hinges by so many epsilons of the sum of their sizes.
ROUNDINGS = 4


def inner(a: NDArray[Any], b: NDArray[Any]) -> float:
    """a . b, without BLAS: its threads take longer to begin than this takes, and those of a pass may still be there."""
    return float(np.einsum("i,i->", a, b))


class HingeSum:
    """linear . theta + sum_j ridge_j theta_j^2 / 2 + sum_i rise_i max(0, line_i(theta) - place_i), up to a constant.

    A convex function that is linear between kinks is a line and a hinge at each kink. The lines are the scores, once
    for each kink that a row has; the l1 norm is a sum of absolute values, so its hinges are on coefficients, at 0.
    Weights and their total are in the rises.

    Hinges have their dual variables between 0 and rise: the slopes that they might have. A `lower` one is the slope
    that is there, and what is left of the rise is the `upper`.

    Parameters
    ----------
    data : LinearProblem
        The rows, in float64: its X, intercept and penalty are used.
    places, rises : ndarray of shape (n_kinks, n_samples)
    linear : ndarray
        Of the shape of theta.
    """

    def __init__(self, data: LinearProblem, places: NDArray[Any], rises: NDArray[Any], linear: NDArray[Any]) -> None:
        self.data, self.n_kinks, self.linear = data, len(places), linear
        self.places, self.rises = places.ravel(), rises.ravel()
        p = data.n_features
        self.ridge = np.zeros(data.shape)
        self.ridge[:p] = data.l2
        if data.l1:
            self.places = np.concatenate([self.places, np.zeros(p)])
            self.rises = np.concatenate([self.rises, np.full(p, 2 * data.l1)])

    @classmethod
    def of(cls, problem: LinearProblem) -> HingeSum:
        """The objective of a problem, without its constant."""
        y = problem.y.astype(np.float64)
        slope, places, rises = problem.loss.kinks(y)
        rises = np.broadcast_to(rises, places.shape)
        w = np.ones(len(y)) if problem.sample_weight is None else problem.sample_weight.astype(np.float64)
        w = w / w.sum()
        kept = w > 0
        infinite = kept & ~(np.isfinite(places).all(axis=0) & np.isfinite(rises).all(axis=0))
        if infinite.any():
            i = int(np.argmax(infinite))
            raise ValueError(
                f"y_true[{i}] is {problem.y[i]}: the slope of {problem.loss.name}, or its kink, is infinite there; "
                f"give such rows weight 0"
            )
        slope, rises = np.where(kept, w * slope, 0.0), np.where(kept, w * rises, 0.0)
        bent = rises.sum(axis=0)
        linear = problem.pull_back(slope)
        if problem.l1:
            linear[: problem.n_features] -= problem.l1
        if not bent.any():
            raise ValueError(f"{problem.loss!r} has no kink at these targets: nothing bounds its mean from below")
        if not bent.all():  # rows without weight, or where the loss is a line
            problem, places, rises, bent = problem.subset(bent > 0), *(x[..., bent > 0] for x in (places, rises, bent))
        # A kink that is none gets a rise that rounding hides, for dual variables to lie between two bounds.
        return cls(problem, places, np.maximum(rises, np.finfo(np.float64).eps * bent), linear)

    def part(self, rows: NDArray[Any], above: NDArray[Any]) -> HingeSum:
        """The sum with the hinges of some rows only, as long as the others stay where they are: on `above` or not."""
        places, rises, above = map(self._by_kink, (self.places, self.rises, above))
        slope = np.where(above, rises, 0.0).sum(axis=0)
        slope[rows] = 0.0
        linear = self.linear + self.data.pull_back(slope)
        return HingeSum(self.data.subset(rows), places[:, rows], rises[:, rows], linear)

    def lines(self, theta: NDArray[Any]) -> NDArray[Any]:
        """Of each hinge."""
        z = self.data.scores(theta)
        result: NDArray[Any] = np.tile(z, self.n_kinks) if self.n_kinks > 1 else z
        return np.concatenate([result, theta[: self.data.n_features]]) if self.data.l1 else result

    def nearest(self, x: NDArray[Any], count: int) -> NDArray[Any]:
        """So many rows with the least distance from a kink, of lines that are x above their places."""
        distance = np.abs(self._by_kink(x)).min(axis=0)
        result: NDArray[Any] = np.sort(np.argpartition(distance, count)[:count])
        return result

    def misplaced(self, rows: NDArray[Any], above: NDArray[Any], x: NDArray[Any]) -> float:
        """What the hinges of all but these rows cost more at x than the lines that `part` made of them."""
        wrong = self._by_kink((x > 0) != above)
        wrong[:, rows] = False
        return inner(self._by_kink(self.rises)[wrong], np.abs(self._by_kink(x)[wrong]))

    def size(self, theta: NDArray[Any]) -> float:
        """Of the numbers whose differences are the distances from the kinks, on average."""
        return inner(np.abs(self.lines(theta)) + np.abs(self.places), self.rises) / float(self.rises.sum())

    def noise(self, theta: NDArray[Any]) -> float:
        """What rounding may make of the value at theta."""
        return ROUNDINGS * float(np.finfo(np.float64).eps) * float(self.rises.sum()) * self.size(theta)

    def _by_kink(self, x: NDArray[Any]) -> Any:
        """The numbers of the hinges on scores, as (n_kinks, n_samples)."""
        return x[: self.n_kinks * self.data.n_samples].reshape(self.n_kinks, -1)

    def _of_rows(self, x: NDArray[Any]) -> NDArray[Any]:
        """The sum over the hinges of each row."""
        result: NDArray[Any] = self._by_kink(x).sum(axis=0) if self.n_kinks > 1 else x[: self.data.n_samples]
        return result

    def pull_back(self, slopes: NDArray[Any]) -> NDArray[Any]:
        """Slopes along the lines as slopes in theta, with that of the linear part."""
        result: NDArray[Any] = self.linear + self.data.pull_back(self._of_rows(slopes))
        if self.data.l1:
            p = self.data.n_features
            result[:p] += slopes[-p:]
        return result

    def curvature(self, weights: NDArray[Any]) -> NDArray[Any]:
        """The matrix of a sum of weights times squares of the lines, plus that of the ridge."""
        result: NDArray[Any] = self.data.gram(self._of_rows(weights))
        p = self.data.n_features
        diagonal = np.einsum("ii->i", result)
        diagonal += self.ridge
        if self.data.l1:
            diagonal[:p] += weights[-p:]
        return result

    def value(self, theta: NDArray[Any], x: NDArray[Any]) -> float:
        """The sum at theta, whose lines are x above their places."""
        bent = inner(self.rises, np.maximum(x, 0.0))
        return bent + inner(self.linear, theta) + inner(self.ridge, np.square(theta)) / 2


def least(problem: LinearProblem) -> float:
    """What the mean loss cannot go below: each row has its least loss at one of its kinks, or no least one."""
    slope, places, rises = problem.loss.kinks(problem.y.astype(np.float64))
    rises = np.broadcast_to(rises, places.shape)
    counts = True if problem.sample_weight is None else problem.sample_weight > 0
    if (((slope > 0) | (slope + rises.sum(axis=0) < 0)) & counts).any():
        return -np.inf
    losses = [problem.loss(problem.y, place, reduction="none") for place in places]
    best = np.take_along_axis(places, np.argmin(losses, axis=0)[None], axis=0)[0]
    return float(problem.loss(problem.y, best, problem.sample_weight))
