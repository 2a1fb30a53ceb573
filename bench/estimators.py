"""Fits of linear models beside scikit-learn's: time, and the objective that was reached.

python bench/estimators.py [CASE ...] [--seeds 0 1] [--rounds 3] [--threads 2]

Contenders minimise the same objective, which is computed in float64 from what each of them returns; their fits take
turns in one process, with the same number of threads. A time is the least of the rounds. The objective's column says
how far above the lowest of all it is, relative to it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import (
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR
from threadpoolctl import threadpool_limits

import fastloss as fl
from fastloss.linear import interior, lbfgs, stochastic
from fastloss.linear.problem import LinearProblem
from fastloss.linear.scale import HuberWithScale
from fastloss.linear.stochastic import Settings

Fit = Callable[[], NDArray[Any]]  # returns theta: a row per feature, then the intercept

ALPHA = 1e-4
KINKS_TOL = 1e-5  # about what liblinear comes to
OURS = "fastloss"


class Contest(NamedTuple):
    """One data set with all that fit it."""

    objective: Callable[[NDArray[Any]], float]
    fits: dict[str, Fit]  # ours is named OURS


class Case(NamedTuple):
    """What is compared, and how many times faster than the fastest peer we want to be."""

    name: str
    wanted: float
    make: Callable[[int], Contest]  # from a seed


# -- data -------------------------------------------------------------------------------------------------------------


def features(rng: np.random.Generator, n: int, p: int) -> NDArray[Any]:
    """Columns that share eight factors, with means of their own, scaled to a standard deviation of 1."""
    X = rng.normal(size=(n, 8)) @ rng.normal(size=(8, p)) * 0.6 + rng.normal(size=(n, p))
    X *= np.exp(rng.normal(0, 0.5, p))
    X += rng.normal(0, 0.5, p)
    X /= X.std(axis=0)
    return X


def scores(rng: np.random.Generator, X: NDArray[Any], outputs: int = 1, spread: float = 1.2) -> NDArray[Any]:
    """Linear in X, centred, so spread out that classes overlap."""
    z = X @ rng.normal(size=(X.shape[1], outputs))
    z -= z.mean(axis=0)
    z *= spread / z.std()
    return z if outputs > 1 else z[:, 0]


def theta_of(model: Any) -> NDArray[Any]:
    """Coefficients and intercept of one of scikit-learn's models, laid out as ours."""
    if model.coef_.ndim == 2 and len(model.coef_) > 1:
        return np.vstack([model.coef_.T, model.intercept_])
    return np.append(model.coef_, model.intercept_).astype(np.float64)


# -- cases ------------------------------------------------------------------------------------------------------------


def logistic(seed: int, dtype: Any = np.float64, n: int = 200_000, p: int = 50) -> Contest:
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - scores(rng, X)))).astype(np.float64)
    loss, penalty = fl.BinaryCrossEntropy(from_logits=True), fl.L2(ALPHA)
    given, labels = X.astype(dtype), y.astype(dtype)
    peer = LogisticRegression(C=1 / (n * ALPHA), max_iter=1000)
    return Contest(
        LinearProblem(X, y, loss, penalty=penalty).value,
        {
            OURS: lambda: lbfgs.solve(LinearProblem(given, labels, loss, penalty=penalty)).theta,
            "LogisticRegression(lbfgs)": lambda: theta_of(peer.fit(given, labels)),
        },
    )


def multinomial(seed: int, n: int = 200_000, p: int = 50, classes: int = 10) -> Contest:
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = (scores(rng, X, classes) + rng.gumbel(size=(n, classes))).argmax(axis=1)
    problem = LinearProblem(
        X, y, fl.SparseCategoricalCrossEntropy(from_logits=True), penalty=fl.L2(ALPHA), n_outputs=classes
    )
    peer = LogisticRegression(C=1 / (n * ALPHA), max_iter=1000)
    return Contest(
        problem.value,
        {
            OURS: lambda: lbfgs.solve(problem.subset(slice(None))).theta,
            "LogisticRegression(lbfgs)": lambda: theta_of(peer.fit(X, y)),
        },
    )


def poisson(seed: int, n: int = 200_000, p: int = 50) -> Contest:
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = rng.poisson(np.exp(scores(rng, X, spread=0.5) - 0.3)).astype(np.float64)
    problem = LinearProblem(X, y, fl.Poisson(), penalty=fl.L2(ALPHA))
    peers = {
        solver: PoissonRegressor(alpha=ALPHA, solver=solver, max_iter=1000) for solver in ("lbfgs", "newton-cholesky")
    }
    return Contest(
        problem.value,
        # Newton's method ends far within its tolerance: ours goes as far.
        {OURS: lambda: lbfgs.solve(problem.subset(slice(None)), tol=1e-6).theta}
        | {f"PoissonRegressor({name})": lambda peer=peer: theta_of(peer.fit(X, y)) for name, peer in peers.items()},
    )


def huber(seed: int, n: int = 200_000, p: int = 50) -> Contest:
    """With the scale estimated, by both."""
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = scores(rng, X) + 0.5 * rng.standard_t(2, size=n)
    problem = HuberWithScale(X, y, fl.Huber(delta=1.35), penalty=fl.L2(ALPHA))
    peer = HuberRegressor(epsilon=1.35, alpha=n * ALPHA, max_iter=1000)
    return Contest(
        problem.value,
        # At its tolerance the peer is 2e-9 above the minimum, relative: ours goes no less far.
        {
            OURS: lambda: lbfgs.solve(problem.subset(slice(None)), tol=1e-5).theta,
            "HuberRegressor": lambda: theta_of(peer.fit(X, y)),
        },
    )


def epochs(
    seed: int, rule: str, loss: fl.Loss, make: Callable[..., Any], n: int = 200_000, p: int = 50, times: int = 5
) -> Contest:
    """As many passes over the samples in random order, in batches of 256; scikit-learn's are of 1."""
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    z = scores(rng, X)
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.float64) if loss.task == "binary" else z + rng.normal(size=n)
    problem = LinearProblem(X, y, loss, penalty=fl.L2(ALPHA))
    settings = Settings(rule, schedule="cosine", batch_size=256)
    peer = make(alpha=ALPHA, max_iter=times, tol=None, random_state=seed)
    return Contest(
        problem.value,
        {
            OURS: lambda: stochastic.solve(problem.subset(slice(None)), tol=0, max_iter=times, settings=settings).theta,
            type(peer).__name__: lambda: theta_of(peer.fit(X, y)),
        },
    )


def quantile(seed: int, n: int = 20_000, p: int = 50) -> Contest:
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = scores(rng, X) + 0.5 * rng.standard_t(3, size=n)
    problem = LinearProblem(X, y, fl.Quantile(0.7))
    peer = QuantileRegressor(quantile=0.7, alpha=0, solver="highs")
    return Contest(
        problem.value,
        {
            OURS: lambda: interior.solve(problem.subset(slice(None)), tol=1e-9).theta,
            "QuantileRegressor(highs)": lambda: theta_of(peer.fit(X, y)),
        },
    )


def tube(seed: int, epsilon: float, n: int = 200_000, p: int = 50) -> Contest:
    """The absolute error beyond a tube. liblinear puts a penalty on the intercept, divided by its scaling's square."""
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = scores(rng, X) + 0.5 * rng.standard_t(3, size=n)
    problem = LinearProblem(X, y, fl.EpsilonInsensitive(epsilon), penalty=fl.L2(ALPHA))
    machine = LinearSVR(epsilon=epsilon, C=1 / (n * ALPHA), intercept_scaling=10)
    descent = SGDRegressor("epsilon_insensitive", epsilon=epsilon, alpha=ALPHA)
    return Contest(
        problem.value,
        {
            OURS: lambda: interior.solve(problem.subset(slice(None)), tol=KINKS_TOL).theta,
            "LinearSVR": lambda: theta_of(machine.fit(X, y)),
            "SGDRegressor": lambda: theta_of(descent.fit(X, y)),
        },
    )


def hinge(seed: int, n: int = 200_000, p: int = 50) -> Contest:
    return _margins(seed, n, p, fl.Hinge(), lambda problem: interior.solve(problem, tol=KINKS_TOL), dual=True)


def squared_hinge(seed: int, n: int = 200_000, p: int = 50) -> Contest:
    return _margins(seed, n, p, fl.SquaredHinge(), lambda problem: lbfgs.solve(problem, tol=1e-5), dual=False)


def _margins(seed: int, n: int, p: int, loss: Any, solve: Callable[[LinearProblem], Any], dual: bool) -> Contest:
    """`dual`: how liblinear does this loss fastest, or at all."""
    rng = np.random.default_rng(seed)
    X = features(rng, n, p)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - 2 * scores(rng, X)))).astype(np.float64)
    problem = LinearProblem(X, y, loss, penalty=fl.L2(ALPHA))
    machine = LinearSVC(loss=loss.name, dual=dual, C=1 / (n * ALPHA), intercept_scaling=10)
    descent = SGDClassifier(loss.name, alpha=ALPHA)
    return Contest(
        problem.value,
        {
            OURS: lambda: solve(problem.subset(slice(None))).theta,
            "LinearSVC": lambda: theta_of(machine.fit(X, y)),
            "SGDClassifier": lambda: theta_of(descent.fit(X, y)),
        },
    )


LOG_LOSS, SQUARES = fl.BinaryCrossEntropy(from_logits=True), fl.HalfSquaredError()

CASES = [
    Case("logistic", 3, logistic),
    Case("logistic float32", 5, lambda seed: logistic(seed, np.float32)),
    Case("multinomial", 2, multinomial),
    Case("poisson", 3, poisson),
    Case("huber", 4, huber),
    Case("quantile", 100, quantile),
    Case("absolute", 2, lambda seed: tube(seed, 0.0)),
    Case("epsilon", 2, lambda seed: tube(seed, 0.3)),
    Case("hinge", 2, hinge),
    Case("squared hinge", 2, squared_hinge),
    Case("sgd, classes", 3, lambda seed: epochs(seed, "sgd", LOG_LOSS, partial(SGDClassifier, loss="log_loss"))),
    Case("adam, classes", 3, lambda seed: epochs(seed, "adam", LOG_LOSS, partial(SGDClassifier, loss="log_loss"))),
    Case("sgd, numbers", 3, lambda seed: epochs(seed, "sgd", SQUARES, SGDRegressor)),
    Case("adam, numbers", 3, lambda seed: epochs(seed, "adam", SQUARES, SGDRegressor)),
]


# -- the comparison ---------------------------------------------------------------------------------------------------


def compare(case: Case, seed: int, rounds: int) -> None:
    contest = case.make(seed)
    times: dict[str, list[float]] = {name: [] for name in contest.fits}
    reached: dict[str, float] = {}
    for _ in range(rounds):
        for name, fit in contest.fits.items():
            begin = time.perf_counter()
            theta = fit()
            times[name].append(time.perf_counter() - begin)
            reached[name] = contest.objective(theta)
    lowest = min(reached.values())
    ours = min(times[OURS])
    for name, all_times in times.items():
        least = min(all_times)
        ratio = "" if name == OURS else f"{least / ours:.1f}x"
        above = (reached[name] - lowest) / abs(lowest)
        row = f"{case.name:<18} {seed:>4}  {name:<30} {least * 1e3:>9.1f} ms {ratio:>7}"
        print(f"{row}   {reached[name]:.12g} +{above:.0e}")
    peers = [name for name in times if name != OURS]
    ratio = min(min(times[name]) for name in peers) / ours
    no_worse = reached[OURS] <= min(reached[name] for name in peers) * (1 + 1e-9)
    verdict = "reached" if ratio >= case.wanted and no_worse else "MISSED" if no_worse else "MISSED: objective is worse"
    print(f"{'':<18} {'':>4}  wanted {case.wanted:g}x, is {ratio:.1f}x: {verdict}\n", flush=True)


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(names)}; all of them if none is named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if unknown := set(options.cases) - set(names):
        parser.error(f"there is no case {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    fl.set_num_threads(options.threads)
    with threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: the objective says more
        for case in CASES:
            if not options.cases or case.name in options.cases:
                for seed in options.seeds:
                    compare(case, seed, options.rounds)


if __name__ == "__main__":
    main()
