"""What a metric would be after training on each loss, without training: a derivation from what is known of M-estimates.

A loss L of raw scores leads a model, with more and more data, to scores with E[L'] = 0, whose metric need not be the
best one: that is its bias. With n rows and d parameters the scores also err about there, with variance about

    d/n E[psi^2] / E[psi']^2,

psi = L' in the score: the sandwich of an M-estimate [1]_, for rows independent of the features. For K scores per row it
is the matrix H^-1 G H^-1 with G = E[psi psi^T] and H = E[dpsi]. The bias is measured by recalibrating the predictions,
a + b s, with L; the noise is added to these scores and the metric averaged over it. Both steps cost a fit of two
numbers.

E[psi'] has no meaning where L has a kink, and yet the mean of psi does have a slope: the density of the residuals at
the kink is in it. So it is taken, of every loss, from the mean of psi at scores on both sides. What their distance
flattens, such as the peak of Laplace's density, is mended by the same ratio of a density that fits the residuals
(`start`), so that the distance can be wide and the noise small: a kernel estimate with a parametric start [2]_.

The metric's own loss has the least bias there is; where another seems to have less, that is chance (`settle`).

References
----------
.. [1] P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35 (1964).
   https://doi.org/10.1214/aoms/1177703732; A. W. van der Vaart, "Asymptotic Statistics", ch. 5, Cambridge (1998).
.. [2] N. L. Hjort, I. K. Glad, "Nonparametric density estimation with a parametric start", Ann. Stat. 23 (1995).
   https://doi.org/10.1214/aos/1176324627
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.advisor.baseline import Baseline, unit
from fastloss.advisor.fit import fit, in_loss_type, scores
from fastloss.advisor.sample import mean, quantile, skew_of_middle, spread

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from fastloss.advisor.metric import Metric
    from fastloss.advisor.sample import Weight
    from fastloss.advisor.target import Target
    from fastloss.loss import Loss

__all__ = ["FOLDS", "ROWS_PER_PARAMETER", "Expectation", "UnrankedError", "expect", "make_folds", "settle"]

FOLDS = 10
# Without features to count: rows per parameter. A heuristic, of models that are neither starved nor idle.
ROWS_PER_PARAMETER = 20
BANDWIDTH, WITH_START = 0.5, 2.0  # times scale n^(-1/5)
NODES = 15  # of Gauss-Hermite quadrature
PAIRS = 4  # of draws and their opposites, of metrics that are no sum over rows, and of rows of scores
STEP = 0.5  # a relative change of the noise, for its slope: wide, for decisions are steps themselves
SURE = 2.0  # standard errors
# Of the densities to start from: degrees of freedom of Student's, quantiles that stand for one; and how skewed
# residuals may be, by `skew_of_middle`.
DEGREES, QUANTILES, SKEWED = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0), 4001, 0.1
# So many columns of scores are recalibrated together; more would be more parameters than rows tell about.
MOST_COLUMNS = 10


class UnrankedError(ValueError):
    """Why nothing can be expected of a loss."""


@dataclass(frozen=True)
class Expectation:
    """The metric, as a cost, expected of a loss.

    Parameters
    ----------
    limit : float
        What it would be with data without end: with the bias.
    noise : float
        What the noise of the scores adds.
    spread : float
        The standard deviation of that noise over that of the scores.
    without, limits, relative : ndarray of shape (n_folds,)
        The cost, the limit and the noise's standard deviation, this as a factor, without the rows of each fold: a
        jackknife, for uncertainties of differences.
    """

    limit: float
    noise: float
    spread: float
    without: NDArray[np.float64]
    limits: NDArray[np.float64]
    relative: NDArray[np.float64]

    @property
    def cost(self) -> float:
        """With bias and noise."""
        return self.limit + self.noise

    def above(self, other: Expectation) -> tuple[float, float]:
        """The difference of the costs, and its standard error [1]_ (a grouped jackknife)."""
        return self.cost - other.cost, _jackknife(self.without - other.without)


def make_folds(target: Target, n_folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The fold of each row, drawn at random; of labels so that each fold has about its share of each class."""
    folds = np.empty(target.n, np.intp)
    groups = [np.arange(target.n)]
    if target.of_labels:
        groups = [np.flatnonzero(target.y == label) for label in np.unique(target.y)]
    first = 0
    for rows in groups:
        folds[rng.permutation(rows)] = (first + np.arange(len(rows))) % n_folds
        first += len(rows)
    return folds


def expect(
    loss: Loss,
    metric: Metric,
    target: Target,
    baseline: Baseline | None,
    folds: NDArray[np.intp],
    parameters_per_row: float,
    rng: np.random.Generator,
    n_threads: int | None = None,
) -> Expectation:
    """The metric expected of a loss.

    Parameters
    ----------
    loss : Loss
    metric : Metric
    target : Target
    baseline : Baseline, optional
        Without it, the scores are a constant.
    folds : ndarray of shape (n_samples,)
        A row is recalibrated by the others' folds.
    parameters_per_row : float
        d/n.
    rng : Generator
        Fresh from the same seed for each loss, so that all have the same draws.
    n_threads : int, optional

    Raises
    ------
    UnrankedError
        Where the mean loss has no minimum there, or the metric is infinite.
    """
    size = unit(loss, target, baseline)
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    raw = _recalibrated(loss, target, baseline, folds, size, n_outputs, n_threads)
    y, w = target.y, target.weight
    noise = _Noise(loss, in_loss_type(loss, y, n_outputs), w, raw, folds, size, parameters_per_row)
    root = noise.root(None)
    relative = np.array([noise.relative(k) for k in range(folds.max() + 1)])
    weights, nodes = _nodes(metric, raw, rng)

    def cost_of(factor: float, rows: Any = slice(None)) -> Any:
        total: Any = 0.0
        some = None if w is None else w[rows]
        for weight, node in zip(weights, nodes, strict=True):
            moved = raw + factor * (node * root[0, 0] if raw.ndim == 1 else node @ root)
            total = total + weight * metric.costs(y[rows], loss, moved[rows], some)
        return total

    def mean(cost: Any, rows: Any = slice(None)) -> float:
        return float(np.average(cost[rows], weights=None if w is None else w[rows]) if metric.by_row else cost)

    with np.errstate(invalid="ignore"):
        cost = cost_of(1.0)
        total, more, less = (mean(x) for x in (cost, cost_of(1 + STEP), cost_of(1 - STEP)))
        slope = (more - less) / (2 * STEP)
    if not np.isfinite([total, slope]).all():
        such = "a probability of 0 for what did happen" if target.of_labels else "a mean below 0"
        raise UnrankedError(f"its model can predict what the metric takes for infinitely bad, such as {such}")
    each = range(len(relative))
    if metric.by_row:
        kept = np.array([mean(cost, folds != k) for k in each])
    else:
        kept = np.array([cost_of(1.0, folds != k) for k in each])
    noise_part = slope / 2  # the cost is limit + c f^2 in a factor f on the noise
    spread = float(np.sqrt(noise.trace / max(np.var(raw, axis=0).sum(), 1e-300)))
    return Expectation(
        total - noise_part, noise_part, spread, kept + slope * (relative - 1), kept - noise_part, relative
    )


def settle(
    expected: Mapping[Any, Expectation],
    reference: Any,
    least: bool,
    kin: Collection[Any] = (),
    efficient: bool = False,
) -> dict[Any, Expectation]:
    """Take for chance what may be it, of differences between the limits and the reference's.

    Parameters
    ----------
    expected : mapping of Expectation
    reference : key
    least : bool
        Whether the reference has the least limit of all, as the metric's own loss has: then none is below it. Of a
        metric of decisions or ranks, of which no candidate is the loss, differences d that are less than two errors e
        are none: one count more or less is nothing to go by. Scores of the same order then differ in their noise
        relative to their spread, and what that costs goes with its square. Others are shrunk by 1 - (2 e / d)^2.
    kin : collection of keys
        Losses that lead to the same predictions as the reference, such as two of the mean: so far as two errors tell.
    efficient : bool
        Whether the reference is the likelihood: then none of these has less noise (Cramér and Rao).
    """
    first = expected[reference]
    settled = {}
    for key, one in expected.items():
        difference, noise, without = one.limit - first.limit, one.noise, one.without
        level = abs(difference) <= SURE * _jackknife(one.limits - first.limits)
        if least:
            same = level and key in kin
            difference = 0.0 if same else max(difference, 0.0)
            noise = max(noise, first.noise) if same and efficient else noise
        elif level:
            difference, noise = 0.0, first.noise * (one.spread / first.spread) ** 2
            without = first.limit + noise * one.relative**2
        else:
            difference *= 1 - (SURE * _jackknife(one.limits - first.limits) / difference) ** 2
        settled[key] = replace(one, limit=first.limit + difference, noise=noise, without=without)
    return settled


def _jackknife(without: NDArray[np.float64]) -> float:
    """The standard error of a number, from it without each of the groups of rows."""
    k = len(without)
    return float(np.sqrt((k - 1) / k * np.sum(np.square(without - without.mean()))))


def _correction(loss: Loss, r: NDArray[Any], w: Weight, step: float) -> float:
    """What the slope of the mean of psi, taken over so wide a step, is to be multiplied by.

    Its true slope over that of the step, under the density that fits residuals best of the Gaussian, Laplace's and
    Student's with some degrees of freedom. 1 for residuals that are skewed: these densities are not.
    """
    from scipy.stats import laplace, norm, t

    r = r - quantile(r, 0.5, w)
    if abs(skew_of_middle(r, w)) > SKEWED:
        return 1.0
    fits = [norm(scale=spread(r, w)), laplace(scale=mean(np.abs(r), w))]
    for degrees in DEGREES:
        scale = spread(r, w)
        for _ in range(30):  # the EM algorithm for the scale
            share = (degrees + 1) / (degrees + np.square(r / scale))
            scale = float(np.sqrt(mean(share * np.square(r), w)))
        fits.append(t(degrees, scale=scale))
    density = max(fits, key=lambda fit: mean(fit.logpdf(r), w))
    sample = density.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES)

    def slope(h: float) -> float:
        at = np.full(QUANTILES, h)
        return float(
            np.mean(loss.gradient(sample, at, reduction="none") - loss.gradient(sample, -at, reduction="none"))
        ) / (2 * h)

    wide = slope(step)
    return slope(step / 50) / wide if wide > 0 else 1.0


def _recalibrated(
    loss: Loss,
    target: Target,
    baseline: Baseline | None,
    folds: NDArray[np.intp],
    size: float,
    n_outputs: int,
    n_threads: int | None,
) -> NDArray[Any]:
    """The scores that the loss makes of the predictions, each by a fit to the other folds."""
    s = np.zeros((target.n, 1)) if baseline is None else baseline.raw(loss).reshape(target.n, -1)
    if s.shape[1] > MOST_COLUMNS:
        return s
    spread = s.std(axis=0)
    s = (s - s.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    raw = np.empty(target.n if n_outputs == 1 else (target.n, n_outputs))
    for k in range(folds.max() + 1):
        held = folds == k
        some = target.of(~held)
        theta = fit(loss, s[~held], some.y, some.weight, size, n_outputs, n_threads)
        raw[held] = scores(theta, s[held])
    return raw


class _Noise:
    """The matrix d/n H^-1 G H^-1, from sums over folds so that it is had without each of them too."""

    def __init__(
        self,
        loss: Loss,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        raw: NDArray[Any],
        folds: NDArray[np.intp],
        size: float,
        ratio: float,
    ) -> None:
        n_folds, self.ratio = folds.max() + 1, ratio
        step = BANDWIDTH * size * len(raw) ** -0.2
        columns = 1 if raw.ndim == 1 else raw.shape[1]
        correction = 1.0
        if loss.task == "regression" and raw.ndim == 1 and _of_residuals(loss):
            wide = step * WITH_START / BANDWIDTH
            correction = _correction(loss, y - raw, weight, wide)
            step = wide if correction != 1 else step

        def slopes(shift: Any) -> NDArray[Any]:
            psi: NDArray[Any] = loss.gradient(y, raw + shift, weight, reduction="none").reshape(len(raw), columns)
            return psi

        psi = slopes(0.0)
        self.counts = np.bincount(folds, minlength=n_folds).astype(float)
        self.squares = np.array([psi[folds == k].T @ psi[folds == k] for k in range(n_folds)])
        self.bends = np.empty((n_folds, columns, columns))
        for j in range(columns):
            shift = step if raw.ndim == 1 else step * np.eye(columns)[j]
            change = (slopes(shift) - slopes(-shift)) / (2 * step)
            for k in range(n_folds):
                self.bends[k, :, j] = correction * change[folds == k].sum(axis=0)
        self.trace = float(np.trace(self.covariance(None)))

    def covariance(self, without: int | None) -> NDArray[Any]:
        """Of all folds, or of all but one."""
        kept = np.arange(len(self.counts)) != (-1 if without is None else without)
        n = self.counts[kept].sum()
        squares, bends = self.squares[kept].sum(axis=0) / n, self.bends[kept].sum(axis=0) / n
        bends = (bends + bends.T) / 2
        values, vectors = np.linalg.eigh(bends)
        top = values.max()
        if not top > 0 or values.min() < -1e-3 * top:
            raise UnrankedError("the mean loss does not bend upwards at its minimum: it ignores too many of these rows")
        inverse = np.where(values > 1e-6 * top, 1 / np.where(values > 1e-6 * top, values, 1.0), 0.0)
        bread = (vectors * inverse) @ vectors.T
        result: NDArray[Any] = self.ratio * bread @ squares @ bread
        return result

    def root(self, without: int | None) -> NDArray[Any]:
        """A symmetric root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance(without))
        result: NDArray[Any] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return result

    def relative(self, without: int) -> float:
        """The standard deviation without a fold, as a factor of that with all."""
        return float(np.sqrt(np.trace(self.covariance(without)) / self.trace)) if self.trace > 0 else 1.0


def _of_residuals(loss: Loss) -> bool:
    """Whether moving target and score alike changes nothing."""
    y, z = np.array([1.0, 1.5, 2.0, 8.0]), np.array([3.0, 1.0, 2.25, 0.5])  # whose differences are exact
    return loss.prediction_domain.code is None and np.array_equal(
        loss(y, z, reduction="none"), loss(y + 4, z + 4, reduction="none")
    )


def _nodes(metric: Metric, raw: NDArray[Any], rng: np.random.Generator) -> tuple[Sequence[float], Sequence[Any]]:
    """Weights and standard normal deviations to average over."""
    if metric.by_row and raw.ndim == 1:
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        return (weights / weights.sum()).tolist(), nodes.tolist()
    draws = [rng.standard_normal(raw.shape) for _ in range(PAIRS)]
    return [0.5 / PAIRS] * (2 * PAIRS), [sign * draw for draw in draws for sign in (1.0, -1.0)]
