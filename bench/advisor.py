"""Is the advisor right? On data simulated from known noise, its first choices beside those of an oracle.

python bench/advisor.py [FAMILY ...] [--draws 200] [--settings 10] [--verify] [--seed 0] [--processes 2] [--json FILE]

A family has settings: numbers of rows and features, coefficients. In each, the oracle trains every candidate on 20
independent training sets of the size of a draw, 20 times the data that the advisor has, and judges it on a large test
set of its own. Best is the least mean; level with it is what the paired differences of the 20 do not tell from it
(|t| < 2). A draw is a training set more: the advisor sees its targets and held-out predictions of a linear model of
the usual loss, and with --verify the features in their place. The table gives the share of the draws whose first loss,
and one of whose first two, is the best or level with it, and in brackets the share that names the very best.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

import fastloss as fl
from fastloss.advisor.baseline import Baseline
from fastloss.advisor.candidates import choose
from fastloss.advisor.expectation import make_folds
from fastloss.advisor.metric import default_loss, find_metric
from fastloss.advisor.reasons import written
from fastloss.advisor.target import Target, describe
from fastloss.advisor.trial import cross_fitted
from fastloss.estimators import LossClassifier, LossRegressor

ORACLE_SETS = 20
TEST_ROWS = 20_000

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator, Rows], NDArray[Any]]  # targets, from a linear score


class Family(NamedTuple):
    """Noise of a known kind around a linear score."""

    draw: Draw
    metric: str | None
    task: str | None
    strength: float = 1.0  # standard deviation of the score
    rows: tuple[int, int] = (500, 1000)
    outputs: int = 1


def _additive(noise: Callable[[np.random.Generator, int], Rows]) -> Draw:
    return lambda rng, score: score + noise(rng, len(score))


def _contaminated(rng: np.random.Generator, n: int) -> Rows:
    return rng.normal(size=n) * np.where(rng.random(n) < 0.1, 10.0, 1.0)


def _tweedie(rng: np.random.Generator, score: Rows) -> Rows:
    """Power 1.5, a compound of a Poisson number of gamma amounts: dispersion 2."""
    mean, phi = np.exp(score), 2.0
    number = rng.poisson(2 * np.sqrt(mean) / phi)
    return np.where(number > 0, rng.gamma(np.maximum(number, 1), phi * np.sqrt(mean) / 2), 0.0)


def _negative_binomial(rng: np.random.Generator, score: Rows) -> Rows:
    return rng.poisson(np.exp(1 + score) * rng.gamma(1.0, 1.0, len(score))).astype(float)


def _binary(negatives: float, flipped: float = 0.0) -> Draw:
    def draw(rng: np.random.Generator, score: Rows) -> Rows:
        reference = np.random.default_rng(0).normal(size=100_000) * 1.5
        low, high = -20.0, 20.0
        for _ in range(60):  # the intercept that gives the share of positives
            middle = (low + high) / 2
            share = np.mean(1 / (1 + np.exp(-(middle + reference))))
            low, high = (low, middle) if share > 1 / (1 + negatives) else (middle, high)
        y = rng.random(len(score)) < 1 / (1 + np.exp(-(low + score)))
        return (y ^ (rng.random(len(y)) < flipped)).astype(float)

    return draw


def _classes(rng: np.random.Generator, score: Rows) -> Rows:
    return (score + rng.gumbel(size=score.shape) + np.log([1.0, 2.0, 3.0, 4.0])).argmax(axis=1).astype(float)


FAMILIES = {
    "gaussian": Family(_additive(lambda rng, n: rng.normal(size=n)), "mse", "regression"),
    "laplace": Family(_additive(lambda rng, n: rng.laplace(size=n)), "mae", "regression"),
    "laplace, mse": Family(_additive(lambda rng, n: rng.laplace(size=n)), "mse", "regression"),
    "student t(3)": Family(_additive(lambda rng, n: rng.standard_t(3, n)), "mse", "regression"),
    "contaminated 10 %": Family(_additive(_contaminated), "mae", "regression"),
    "asymmetric": Family(_additive(lambda rng, n: rng.exponential(size=n)), "mse", "regression"),
    "asymmetric, mae": Family(_additive(lambda rng, n: rng.exponential(size=n)), "mae", "regression"),
    "poisson": Family(lambda rng, s: rng.poisson(np.exp(s)).astype(float), None, "count", 0.7),
    "negative binomial": Family(_negative_binomial, None, "count", 0.7),
    "gamma": Family(lambda rng, s: np.exp(s) * rng.gamma(2.0, 0.5, len(s)), None, None, 0.7),
    "tweedie with zeros": Family(_tweedie, None, None, 0.7),
    "binary 1:5": Family(_binary(5), "balanced_accuracy", None, 1.5),
    "binary 1:50": Family(_binary(50), "balanced_accuracy", None, 1.5, (2000, 3000)),
    "binary 1:200": Family(_binary(200), "balanced_accuracy", None, 1.5, (6000, 8000)),
    "binary 1:5, log loss": Family(_binary(5), None, None, 1.5),
    "labels 0 % wrong": Family(_binary(1), "accuracy", None, 1.5),
    "labels 10 % wrong": Family(_binary(1, 0.1), "accuracy", None, 1.5),
    "labels 30 % wrong": Family(_binary(1, 0.3), "accuracy", None, 1.5),
    "labels 30 %, log loss": Family(_binary(1, 0.3), None, None, 1.5),
    "four classes": Family(_classes, None, "multiclass", 1.5, outputs=4),
    "weak features": Family(_binary(1), "accuracy", None, 0.5),
}


class Setting(NamedTuple):
    """Of what a draw is drawn."""

    family: Family
    coefficients: Rows  # (d,) or (d, K)
    n: int

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Features and targets."""
        X = rng.normal(size=(n, len(self.coefficients)))
        return X, self.family.draw(rng, X @ self.coefficients)


def make_setting(family: Family, rng: np.random.Generator) -> Setting:
    """Rows, features and coefficients, at random."""
    d, n = int(rng.integers(5, 11)), int(rng.integers(family.rows[0], family.rows[1] + 1))
    shape = (d,) if family.outputs == 1 else (d, family.outputs)
    coefficients = rng.normal(size=shape)
    return Setting(family, coefficients * family.strength / np.linalg.norm(coefficients, axis=0), n)


def role(loss: fl.Loss) -> str:
    """A candidate by what it is, whatever the numbers that were set from one training set."""
    text = written(loss)
    return text.partition("(")[0] + "".join(
        f"+{name}" for name in ("pos_weight", "class_weight", "label_smoothing") if name in text
    )


def seen(setting: Setting, rng: np.random.Generator, kind: str) -> tuple[Rows, Target, Baseline]:
    """A training set whose target is recognised, with held-out predictions of a linear model of the usual loss."""
    while True:
        X, y = setting.sample(rng, setting.n)
        target = describe(y, setting.family.task)
        if target.enough and target.kind == kind:
            break
    folds = make_folds(target, 10, rng)
    return X, target, cross_fitted(default_loss(target), X, target, folds, 1)


class Oracle(NamedTuple):
    """What is best in a setting, and what is level with it."""

    best: str
    level: tuple[str, ...]
    kind: str


def consult(setting: Setting, rng: np.random.Generator) -> Oracle:
    """Train every candidate on 20 training sets."""
    X_test, y_test = setting.sample(rng, TEST_ROWS)
    test = describe(y_test, setting.family.task)
    costs: dict[str, list[float]] = {}
    for _ in range(ORACLE_SETS):
        X, target, baseline = seen(setting, rng, test.kind)
        metric = find_metric(setting.family.metric, target)
        for candidate in choose(target, baseline.value, metric).candidates:
            loss = candidate.loss
            of_labels = loss.task in ("binary", "multiclass")
            model = (LossClassifier if of_labels else LossRegressor)(loss, alpha=1e-6, n_threads=1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, target.y)
            raw = model._scores(X_test) if loss.has_rows else model._scores(X_test).ravel()
            costs.setdefault(role(loss), []).append(metric.mean(test.y, loss, raw))
    kept = {
        name: np.array(values)
        for name, values in costs.items()
        if len(values) == ORACLE_SETS and np.isfinite(values).all()
    }
    best = min(kept, key=lambda name: kept[name].mean())
    return Oracle(best, tuple(name for name, values in kept.items() if abs(_t(values - kept[best])) < 2), test.kind)


def _t(difference: Rows) -> float:
    spread = float(difference.std(ddof=1))
    return float(difference.mean()) / spread * len(difference) ** 0.5 if spread > 0 else 0.0


class Tally(NamedTuple):
    """Of draws: their number, hits of the first and the first two, level with the oracle's best and the very best."""

    draws: int = 0
    first: int = 0
    two: int = 0
    first_strict: int = 0
    two_strict: int = 0

    def __add__(self, other: Any) -> Tally:
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))


def judge(name: str, number: int, draws: int, verify: bool, seed: int = 0) -> tuple[Tally, dict[str, int]]:
    """One setting of a family: how often the advisor is right, and what it said where it was not."""
    fl.set_num_threads(1)
    family = FAMILIES[name]
    rng = np.random.default_rng([seed, list(FAMILIES).index(name), number])
    setting = make_setting(family, rng)
    oracle = consult(setting, rng)
    tally, misses = Tally(), {}
    options: dict[str, Any] = {"metric": family.metric, "task": family.task, "n_threads": 1}
    for k in range(draws):
        X, target, baseline = seen(setting, rng, oracle.kind)
        y = target.y
        if verify:
            report = fl.recommend(y, X=X, models=["linear"], random_state=k, **options)
        else:
            prediction = baseline.value
            report = fl.recommend(y, prediction, X=X, verify=False, random_state=k, **options)
        said = [role(advice.loss) for advice in report.ranking[:2]]
        right = [choice in oracle.level for choice in said]
        tally += (1, right[0], any(right), said[0] == oracle.best, oracle.best in said)
        if not (right[0] if verify else any(right)):
            text = f"{' or '.join(said[: 1 if verify else 2])}, not {' or '.join(oracle.level)}"
            misses[text] = misses.get(text, 0) + 1
    return tally, misses


def run(names: Sequence[str], draws: int, settings: int, verify: bool, processes: int, seed: int = 0) -> dict[str, Any]:
    """All settings of these families; prints a line for each."""
    each = max(1, draws // settings)
    print(f"{'family':<22} {'draws':>6} {'first':>15} {'first two':>15} {'s':>6}")
    results = {}
    with ProcessPoolExecutor(processes) as pool:
        for name in names:
            begun = time.perf_counter()
            jobs = [pool.submit(judge, name, number, each, verify, seed) for number in range(settings)]
            parts = [job.result() for job in jobs]
            tally = sum((part[0] for part in parts), Tally())
            misses: dict[str, int] = {}
            for _, missed in parts:
                for text, count in missed.items():
                    misses[text] = misses.get(text, 0) + count
            shares = [
                f"{hits / tally.draws:.1%} ({strict / tally.draws:.1%})"
                for hits, strict in ((tally.first, tally.first_strict), (tally.two, tally.two_strict))
            ]
            print(
                f"{name:<22} {tally.draws:>6} {shares[0]:>15} {shares[1]:>15} {time.perf_counter() - begun:>6.0f}",
                flush=True,
            )
            for text, count in sorted(misses.items(), key=lambda item: -item[1])[:4]:
                print(f"    {count:>3} times {text}", flush=True)
            results[name] = {**tally._asdict(), "misses": misses}
    return results


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "families", nargs="*", metavar="FAMILY", help=f"some of: {', '.join(FAMILIES)}".replace("%", "%%")
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--settings", type=int, default=10)
    parser.add_argument("--verify", action="store_true", help="with the features, by cross-validation of linear models")
    parser.add_argument("--seed", type=int, default=0, help="of settings and draws")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    unknown = [name for name in args.families if name not in FAMILIES]
    if unknown:
        parser.error(f"no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    results = run(args.families or list(FAMILIES), args.draws, args.settings, args.verify, args.processes, args.seed)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
