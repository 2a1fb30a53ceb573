"""Adapters against careful NumPy objectives, and against the hosts' own: ``python bench/adapters.py [--n 1000000]``.

Two tables: milliseconds of one call of an objective, as its host makes it; seconds of a fit with the host's own
objective, with one that costs nothing, and with fastloss's ("native": the same trees), taking turns. What costs nothing
gives what was computed before, in the order in which the host asks: the least that any custom objective comes to, and
what is above the host's own is the host's way to ask.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, softmax

import fastloss as fl

THREADS = 2


def median_times(calls: list[Callable[[], Any]], rounds: int) -> list[list[float]]:
    """Seconds of each call, in turns."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begin)
    return times


# -- one call ----------------------------------------------------------------------------------------------------------


def logistic(y: Any, z: Any, w: Any) -> tuple[Any, Any]:
    p = expit(z)
    gradient = p - y
    p *= 1 - p
    p *= w
    gradient *= w
    return gradient, p


def huber(y: Any, z: Any, w: Any) -> tuple[Any, Any]:
    r = z - y
    curvature = np.abs(r)
    np.maximum(curvature, 1, out=curvature)
    np.divide(w, curvature, out=curvature)
    np.clip(r, -1, 1, out=r)
    r *= w
    return r, curvature


def focal(y: Any, z: Any, w: Any) -> tuple[Any, Any]:
    """Gamma 2; curvature at least 1e-6."""
    s = 2 * y - 1
    t = expit(s * z)
    u, log_t = 1 - t, -np.logaddexp(0, -s * z)
    gradient = s * u * u * (2 * t * log_t - u)
    curvature = t * u * u * ((2 * u - 4 * t) * log_t + 5 * u)
    np.maximum(curvature, 1e-6, out=curvature)
    return gradient * w, curvature * w


def multinomial(y: Any, z: Any, w: Any) -> tuple[Any, Any]:
    p = softmax(z, axis=1)
    curvature = p * (1 - p)
    p[np.arange(len(y)), y.astype(np.intp)] -= 1
    p *= w[:, None]
    curvature *= w[:, None]
    return p, curvature


OBJECTIVES: list[tuple[str, fl.Loss, str, Callable[..., Any], int]] = [
    ("logistic", fl.BinaryCrossEntropy(from_logits=True), "exact", logistic, 1),
    ("huber", fl.Huber(1.0), "majorize", huber, 1),
    ("focal", fl.BinaryFocal(from_logits=True), "floor", focal, 1),
    ("softmax, K = 5", fl.SparseCategoricalCrossEntropy(from_logits=True), "exact", multinomial, 5),
]


def calls(n: int) -> None:
    import lightgbm

    from fastloss.adapters import catboost as for_catboost
    from fastloss.adapters import lightgbm as for_lightgbm
    from fastloss.adapters import xgboost as for_xgboost
    from fastloss.adapters.sklearn import as_base_loss

    rng = np.random.default_rng(0)
    w = rng.uniform(0.5, 2, n).astype(np.float32)
    print(f"One call, n = {n:,}, weighted, {THREADS} threads: milliseconds\n")
    print(f"{'objective':16} {'host':12} {'NumPy':>8} {'fastloss':>8} {'ratio':>6}  {'a call that does nothing':>8}")
    for name, loss, kind, by_numpy, k in OBJECTIVES:
        m = n // k
        y = (
            rng.integers(0, max(k, 2), m).astype(np.float32)
            if name != "huber"
            else rng.normal(size=m).astype(np.float32)
        )
        z = rng.normal(scale=2, size=(m, k) if k > 1 else m)
        single, by_class = z.astype(np.float32), np.asfortranarray(z)
        l_data = lightgbm.Dataset(np.zeros((m, 1)), y, weight=w[:m], params={"verbose": -1}).construct()
        for_x, for_l = (m.objective(loss, hessian=kind, n_threads=THREADS) for m in (for_xgboost, for_lightgbm))
        y64, w64 = y.astype(float), w[:m].astype(float)
        in_sklearn = as_base_loss(loss, hessian=kind, n_classes=k if k > 1 else None, n_threads=THREADS)
        gradient, curvature = (np.empty(z.shape, np.float32, "F") for _ in range(2))

        def numpy_for_hgb(z=by_class, y=y64, w=w64, f=by_numpy, g=gradient, h=curvature):
            g[...], h[...] = f(y, z, w)
            return g, h

        pairs = {
            "XGBoost": (
                lambda z=single, y=y, w=w[:m], f=by_numpy: f(y, z, w),  # without what fetching them from it takes
                lambda z=single, y=y, w=w[:m], f=for_x: f(y, z, w),
            ),
            "LightGBM": (
                lambda z=by_class, d=l_data, f=by_numpy: [
                    a.astype(np.float32, order="F") for a in f(d.get_label(), z, d.get_weight())
                ],
                lambda z=by_class, d=l_data, f=for_l: f(z, d),
            ),
            "HistGB": (
                numpy_for_hgb,
                lambda z=by_class, f=in_sklearn, y=y64, w=w64, g=gradient, h=curvature: f.gradient_hessian(
                    y_true=y, raw_prediction=z, sample_weight=w, gradient_out=g, hessian_out=h, n_threads=THREADS
                ),
            ),
        }
        if k == 1:  # it asks for a thousand samples at a time
            for_c, part = for_catboost.objective(loss, hessian=kind), 1000

            def by_parts(f, z=z, y=y, w=w, m=m, part=part):  # which it copies, and lets go of
                for i in range(0, m, part):
                    yield f(z[i : i + part], y[i : i + part], w[i : i + part])

            def rows(scores, target, weights, f=by_numpy):
                return -np.stack(f(target, scores, weights), axis=1)

            pairs["CatBoost"] = (
                lambda each=by_parts, f=rows: each(f),
                lambda each=by_parts, f=for_c: each(f.calc_ders_range),
            )
            ready = np.zeros((part, 2))

            def nothing(scores, target, weights, ready=ready):
                return ready[: len(scores)]

        for host, (theirs, ours) in pairs.items():
            for a, b in zip(theirs(), ours(), strict=True):
                np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-3, atol=1e-5)
            timed = [lambda f=f: deque(f(), maxlen=0) for f in (theirs, ours)]  # through a generator, keeping nothing
            numpy_time, our_time = (1000 * statistics.median(t) for t in median_times(timed, 9))
            row = f"{name:16} {host:12} {numpy_time:8.2f} {our_time:8.2f} {numpy_time / our_time:6.1f}"
            if host == "CatBoost":
                [floor] = median_times([lambda each=by_parts, f=nothing: deque(each(f), maxlen=0)], 9)
                row += f"  {1000 * statistics.median(floor):8.2f}"
            print(row, flush=True)


# -- fits --------------------------------------------------------------------------------------------------------------


class Recorded:
    """An objective that computes `calls` times, and from then on gives the same again, in turns."""

    def __init__(self, objective: Callable[..., Any], calls: int) -> None:
        self.objective, self.calls = objective, calls
        self.results: list[Any] = []
        self.again = itertools.cycle(self.results)

    def __call__(self, *args: Any) -> Any:
        if len(self.results) < self.calls:
            self.results.append(self.objective(*args))
            return self.results[-1]
        return next(self.again)


class RecordedForCatBoost:
    """Which asks from several threads, in any order, with one more leaf to estimate: any numbers will do."""

    no_jit = True

    def __init__(self, part: int = 1000) -> None:
        rng = np.random.default_rng(1)
        self.ready = np.stack([rng.normal(size=part), np.full(part, -1.0)], axis=1)

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        return self.ready[: len(approxes)]


class RecordedKernels:
    """scikit-learn's, which are given where to write."""

    def __init__(self, kernels: Any, calls: int) -> None:
        def copied(arguments: dict[str, Any]) -> tuple[Any, ...]:
            return tuple(a.copy(order="K") for a in kernels.gradient_hessian(**arguments))

        self.recorded, self.objective = Recorded(copied, calls), kernels.objective

    def gradient_hessian(self, gradient_out: Any, hessian_out: Any, **others: Any) -> tuple[Any, Any]:
        outputs = {"gradient_out": gradient_out, "hessian_out": hessian_out}
        gradient_out[...], hessian_out[...] = self.recorded(others | outputs)
        return gradient_out, hessian_out


def fits(n: int, features: int, rounds: int, repeats: int) -> None:
    import catboost
    import lightgbm
    import xgboost
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from fastloss.adapters import catboost as for_catboost
    from fastloss.adapters import lightgbm as for_lightgbm
    from fastloss.adapters import xgboost as for_xgboost
    from fastloss.adapters.sklearn import as_base_loss

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, features)).astype(np.float32)
    w = rng.uniform(0.5, 2, n)
    signal = X[:, 0] + X[:, 1] * X[:, 2]
    targets = {"squared": signal + rng.normal(size=n), "logistic": (signal + rng.logistic(size=n) > 0).astype(float)}
    losses = {"squared": fl.HalfSquaredError(), "logistic": fl.BinaryCrossEntropy(from_logits=True)}
    print(f"\nA fit, {n:,} x {features}, {rounds} rounds, weighted, {THREADS} threads: seconds\n")
    print(
        f"{'objective':16} {'host':12} {'its own':>8} {'of no cost':>10} {'fastloss':>8} "
        f"{'to its own':>10} {'to no cost':>10}"
    )
    for name, loss in losses.items():
        y = targets[name]
        builtin = {
            "squared": ("reg:squarederror", "regression", "RMSE"),
            "logistic": ("binary:logistic", "binary", "Logloss"),
        }[name]
        x_data = xgboost.DMatrix(X, y, weight=w)
        l_data = lightgbm.Dataset(X, y, weight=w, params={"verbose": -1}, free_raw_data=False).construct()
        c_data = catboost.Pool(X, y, weight=w)
        for_x, for_l, for_c = (m.objective(loss, hessian="native") for m in (for_xgboost, for_lightgbm, for_catboost))
        x_params = {"objective": builtin[0], "nthread": THREADS, "max_depth": 6, "base_score": 0.5}
        l_params = {"num_threads": THREADS, "verbose": -1, "boost_from_average": False}
        c_params = {
            "iterations": rounds, "thread_count": THREADS, "silent": True, "allow_writing_files": False, "depth": 6,
            "learning_rate": 0.1, "leaf_estimation_iterations": 1, "bootstrap_type": "No", "metric_period": rounds,
        }  # fmt: skip
        make_c = catboost.CatBoostRegressor if name == "squared" else catboost.CatBoostClassifier
        make_h = HistGradientBoostingRegressor if name == "squared" else HistGradientBoostingClassifier
        in_sklearn, own = as_base_loss(loss), "squared_error" if name == "squared" else "log_loss"
        known_in_sklearn = as_base_loss(loss)
        known_in_sklearn.closs = RecordedKernels(known_in_sklearn.closs, rounds)
        contests = {
            "XGBoost": [
                lambda f=f, p=x_params, d=x_data: xgboost.train(p, d, rounds, obj=f)
                for f in (None, Recorded(for_x, rounds), for_x)
            ],
            "LightGBM": [
                lambda f=f, p=l_params, d=l_data: lightgbm.train({**p, "objective": f}, d, rounds)
                for f in (builtin[1], Recorded(for_l, rounds), for_l)
            ],
            "CatBoost": [
                lambda f=f, p=c_params, d=c_data, make=make_c, e=builtin[2]: make(
                    loss_function=f, eval_metric=e, **p
                ).fit(d)
                for f in (builtin[2], RecordedForCatBoost(), for_c)
            ],
            "HistGB": [
                lambda f=f, make=make_h, y=y: make(loss=f, max_iter=rounds, early_stopping=False).fit(
                    X, y, sample_weight=w
                )
                for f in (own, known_in_sklearn, in_sklearn)
            ],
        }
        for host, contenders in contests.items():
            times = median_times(contenders, repeats)
            own_time, no_time, our_time = map(statistics.median, times)
            to_own, to_none = (statistics.median(b / a for a, b in zip(t, times[2], strict=True)) for t in times[:2])
            row = f"{name:16} {host:12} {own_time:8.3f} {no_time:10.3f} {our_time:8.3f} {to_own:10.3f} {to_none:10.3f}"
            print(row, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000, help="scores of a call")
    parser.add_argument("--samples", type=int, default=200_000, help="samples of a fit")
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=("calls", "fits"))
    arguments = parser.parse_args()
    fl.set_num_threads(THREADS)
    if arguments.only != "fits":
        calls(arguments.n)
    if arguments.only != "calls":
        fits(arguments.samples, arguments.features, arguments.rounds, arguments.repeats)
