"""Stochastic descent: the rules of deep learning on mini-batches, for data that curvature methods find too long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastloss import validation
from fastloss.linear.progress import Course
from fastloss.linear.start import origin, starts_at_its_minimum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.linear.solution import Report, Solution

__all__ = ["RULES", "SCHEDULES", "Descent", "Settings", "solve"]

SCHEDULES = ("constant", "invscaling", "cosine", "adaptive")
_LEAST_RATE = 1e-6  # "adaptive" ends below this rate; it divides by 5, as scikit-learn's does
_SHRINK = 5.0


class Rule(NamedTuple):
    """A step from a gradient g, of constants: m = keep m + take g, s = hold s + add g^2, and then

    theta -= rate (lead g + follow m) / (root sqrt(s) + floor).
    """

    keep: float
    take: float
    lead: float
    follow: float
    hold: float
    add: float
    floor: float
    root: float
    rate: float  # the first learning rate, if none is asked for

    @property
    def step(self) -> tuple[float, ...]:
        """The constants of a step, without root and rate, which are in `Descent._rates`."""
        return self[:7]

    @property
    def gain(self) -> float:
        """How many times longer a step along a steady gradient is: with momentum 0.9, 10. The penalty steps as far."""
        return self.lead + self.follow * self.take / (1 - self.keep)


_ADAM = (0.9, 0.999)  # Kingma and Ba's decays; 0.99 of RMSprop is Graves's and torch's
RULES: dict[str, Rule] = {
    "sgd": Rule(0.0, 1.0, 0.0, 1.0, 0.0, 0.0, floor=1.0, root=0.0, rate=0.01),
    "adagrad": Rule(0.0, 1.0, 0.0, 1.0, 1.0, 1.0, floor=1e-10, root=1.0, rate=0.1),
    "rmsprop": Rule(0.0, 1.0, 0.0, 1.0, 0.99, 0.01, floor=1e-8, root=1.0, rate=0.01),
    "adam": Rule(_ADAM[0], 1 - _ADAM[0], 0.0, 1.0, _ADAM[1], 1 - _ADAM[1], floor=1e-8, root=1.0, rate=0.01),
}


class Settings(NamedTuple):
    """How to descend: what the estimators document."""

    rule: str = "sgd"
    schedule: str = "constant"
    eta0: float | None = None
    power_t: float = 0.5
    momentum: float = 0.9
    nesterov: bool = True
    batch_size: int = 256
    n_iter_no_change: int = 5
    seed: int = 0
    horizon: int = 1000  # epochs until "cosine" is at 0


class Epoch(NamedTuple):
    """What one pass over the samples came to."""

    objective: float  # on the way: the mean of the losses before each step, plus the penalty
    gradient_norm: float  # of the mean of the batches' gradients


class Descent:
    """Coefficients on their way down, and what their rule remembers of the gradients.

    Parameters
    ----------
    problem : LinearProblem
        It must be a mean over samples.
    start : ndarray
    settings : Settings
    """

    def __init__(self, problem: LinearProblem, start: NDArray[Any], settings: Settings) -> None:
        if not problem.additive:
            what = f"{type(problem).__name__} of {problem.loss.name}"
            raise ValueError(f"{what} is no mean over samples, of which a batch could stand for all")
        self.follow(settings)
        self.random = np.random.default_rng(settings.seed)
        self.theta = np.array(start, np.float64, order="C")
        self.first, self.second = np.zeros((2, *self.theta.shape))
        self.epochs = self.steps = 0

    def follow(self, settings: Settings) -> None:
        """Descend by these settings from now on: of the same rule, for what it remembers means nothing to another."""
        rule = RULES[settings.rule]
        if settings.rule == "sgd" and settings.momentum:
            mu = settings.momentum
            rule = rule._replace(keep=mu, lead=float(settings.nesterov), follow=mu if settings.nesterov else 1.0)
        self.rule, self.settings = rule, settings
        self.rate = rule.rate if settings.eta0 is None else settings.eta0

    def epoch(self, problem: LinearProblem, samples: NDArray[np.intp] | None = None) -> Epoch:
        """Go through the samples once, in random order."""
        problem = problem.by_rows()
        rows = _order(self.random, problem.n_samples if samples is None else len(samples))
        rows = rows if samples is None else samples[rows]
        n_steps = -(-len(rows) // self.settings.batch_size)
        total = _total_weight(problem, samples)
        if not total > 0:
            raise ValueError(validation.empty_mean(problem.loss, len(rows)))
        rates, roots = self._rates(n_steps)
        gradient = np.zeros_like(self.theta)
        before = problem.penalty(self.theta[: problem.n_features])
        scale, compiled = len(rows) / total, problem.compiled
        if compiled is None:
            loss = self._descend(problem, rows, rates, roots, scale, gradient)
        else:
            state = self.theta, self.first, self.second, gradient
            strengths, size = (problem.l1 * self.rule.gain, problem.l2), min(self.settings.batch_size, len(rows))
            loss = compiled.descend(rows, size, rates, roots, scale, strengths, self.rule.step, *state)
        self.epochs += 1
        self.steps += n_steps
        # As the losses, the penalty is that before each step: of one step, at the start; of many, halfway.
        after = problem.penalty(self.theta[: problem.n_features])
        objective = loss / total + before + (after - before) * (n_steps - 1) / (2 * n_steps)
        return Epoch(objective, problem.gradient_norm(self.theta, gradient / n_steps))

    def _descend(
        self,
        problem: LinearProblem,
        rows: NDArray[np.intp],
        rates: NDArray[np.float64],
        roots: NDArray[np.float64],
        scale: float,
        gradients: NDArray[np.float64],
    ) -> float:
        """Steps along the gradients of batches, which are added up: returns the sum of the losses met on the way."""
        rule, theta, first, second = self.rule, self.theta, self.first, self.second
        w, size, p = theta[: problem.n_features], self.settings.batch_size, problem.n_features
        loss = 0.0
        for step, at in enumerate(range(0, len(rows), size)):
            batch = problem.subset(rows[at : at + size])
            value, slope = batch.loss.value_and_gradient(
                batch.y, batch.scores(theta), batch.sample_weight, reduction="sum", n_threads=1
            )
            loss += value
            g = batch.pull_back(slope) * (scale / batch.n_samples)
            g[:p] += problem.l2 * w
            gradients += g
            first *= rule.keep
            first += rule.take * g
            second *= rule.hold
            second += rule.add * g * g
            length = rates[step] / (roots[step] * np.sqrt(second) + rule.floor)
            theta -= length * (rule.lead * g + rule.follow * first)
            threshold = length[:p] * (problem.l1 * rule.gain)
            w -= np.clip(w, -threshold, threshold)
        return loss

    def _rates(self, n_steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The learning rate of each step of an epoch, and the factor of the root in its divisor."""
        steps = self.steps + np.arange(1.0, n_steps + 1)
        rates = np.full(n_steps, self.rate)
        roots = np.full(n_steps, self.rule.root)
        settings = self.settings
        if settings.schedule == "invscaling":
            rates /= steps**settings.power_t
        elif settings.schedule == "cosine":
            done = (self.epochs + np.arange(n_steps) / n_steps) / settings.horizon
            rates *= (1 + np.cos(np.pi * np.minimum(done, 1))) / 2
        if settings.rule == "adam":  # both averages begin at 0, and are so much too small
            rates /= 1 - _ADAM[0] ** steps
            roots /= np.sqrt(1 - _ADAM[1] ** steps)
        return rates, roots


def _order(random: np.random.Generator, n: int) -> NDArray[np.intp]:
    """0 to n - 1 in random order: the low bits of random integers that are sorted, which is faster than to shuffle."""
    low = n.bit_length()
    keys = random.integers(0, 1 << (63 - low), n)
    keys <<= low
    keys |= np.arange(n)
    keys.sort()
    keys &= (1 << low) - 1
    return keys.astype(np.intp, copy=False)


def _total_weight(problem: LinearProblem, samples: NDArray[np.intp] | None) -> float:
    """What the mean over the samples divides by."""
    rows = slice(None) if samples is None else samples
    y = problem.y[rows]
    weight = problem.loss.row_weight(y, problem.n_outputs) if problem.loss.layout == "classes" else np.ones(len(y))
    if problem.sample_weight is not None:
        weight = weight * problem.sample_weight[rows]
    return float(weight.sum())


def solve(
    problem: LinearProblem,
    start: NDArray[Any] | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    report: Report | None = None,
    settings: Settings = Settings(),  # noqa: B008  immutable
    samples: NDArray[np.intp] | None = None,
    validate: Callable[[NDArray[Any]], float] | None = None,
) -> Solution:
    """Descend until the objective of an epoch no longer falls, and return the best coefficients on the way.

    Parameters
    ----------
    problem : LinearProblem
    start : ndarray, optional
        Coefficients to begin with; without them 0, and the best constant as the intercept.
    tol : float
        What counts as falling: by more than that below the best of the epochs before.
    max_iter : int
        The most epochs.
    report : Report, optional
    settings : Settings
        The rule, the schedule of its rates, and the batches.
    samples : ndarray of int, optional
        The rows to learn from, where others are held out.
    validate : function of theta, optional
        Judges the coefficients after an epoch, in place of the objective that the epoch met on its way.

    Returns
    -------
    Solution
        ``n_iter`` counts epochs. Not converged where `max_iter` epochs, Ctrl-C, or an objective that rises ended it,
        or where no epoch came below the constant it began with. The start is a point on the way like any other.
    """
    problem = problem.by_rows()
    descent = Descent(problem, origin(problem) if start is None else start, settings._replace(horizon=max_iter))
    first = descent.theta.copy()
    course = Course(problem, tol, max_iter, report)
    course.keep(first, math.inf)
    whole = settings.batch_size >= (problem.n_samples if samples is None else len(samples))
    standardise = ", or standardise y" if problem.loss.task == "regression" else ""
    course.message = f"{settings.rule} has not converged after {max_iter} epochs: raise eta0 or max_iter{standardise}"
    waited = 0
    with course:
        for _ in range(max_iter):
            before = descent.theta.copy()
            epoch = descent.epoch(problem, samples)
            judged = epoch.objective if validate is None else validate(descent.theta)
            if report is not None:
                report(descent.epochs, epoch.objective, epoch.gradient_norm)
            waited = 0 if judged < course.objective - tol else waited + 1
            if judged < course.objective:  # it is of the coefficients before, if there was one step
                course.keep(before if whole and validate is None else descent.theta.copy(), judged)
            ended = waited >= settings.n_iter_no_change
            if not math.isfinite(judged) or (ended and _risen(judged, course.objective)):
                course.message = _advice(descent, f"has diverged in epoch {descent.epochs}")
                break
            if ended and (settings.schedule != "adaptive" or descent.rate <= _LEAST_RATE):
                course.converged, course.message = True, ""
                break
            if ended:
                descent.rate /= _SHRINK
                waited = 0
    course.n_iter, best = descent.epochs, course.theta
    assert best is not None
    if course.interrupted:
        course.message = (
            f"{settings.rule} was interrupted after {descent.epochs} epochs: coefficients are the best so far"
        )
    value, gradient = problem.value_and_gradient(best)
    objective = value + problem.absolute(best)
    if not starts_at_its_minimum(problem.loss):
        lowest = problem.value(first) + problem.absolute(first)
        if not objective < lowest:
            ended = course.converged or (descent.epochs == max_iter and objective > lowest)
            if ended and (start is None or _risen(objective, lowest)):
                course.converged = False
                course.message = _advice(
                    descent, "has diverged or found nothing to learn, for no epoch came below the start"
                )
            best, objective, gradient = first, lowest, problem.value_and_gradient(first)[1]
    course.keep(best, objective, problem.gradient_norm(best, gradient))
    return course.solution()


def _risen(objective: float, lowest: float) -> bool:
    """Whether an objective is so much higher than the lowest that chance in the order of samples is no reason."""
    return objective - lowest > max(1.0, abs(lowest))


def _advice(descent: Descent, what: str) -> str:
    return (
        f"{descent.settings.rule} {what}: lower eta0={descent.rate:g}, or scale the features, as with "
        "sklearn.preprocessing.StandardScaler"
    )
