"""Stochastic descent: compiled steps are NumPy's, rules are the literature's, schedules are as documented."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import seed_of

import fastloss as fl
from fastloss import backend
from fastloss.linear import proximal, stochastic
from fastloss.linear.problem import LinearProblem
from fastloss.linear.stochastic import RULES, SCHEDULES, Descent, Settings

sparse = pytest.importorskip("scipy.sparse")
compiled = pytest.mark.skipif(backend.engine is None, reason="compares the engine with NumPy")
N, CLASSES = 203, 5

LOSSES = [
    fl.Huber(),
    fl.Hinge(),
    fl.BinaryCrossEntropy(from_logits=True),
    fl.Poisson(),
    fl.GaussianNLL(),
    fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=[1.0, 2.0, 0.5, 1.0, 3.0]),
    fl.CategoricalCrossEntropy(from_logits=True),
    0.5 * fl.Huber() + 0.5 * fl.LogCosh(),
]


def columns(loss):
    return CLASSES if loss.layout == "classes" else 2 if loss.layout == "outputs" else 1


def targets(loss, dtype, rng):
    labels = rng.integers(0, CLASSES if loss.layout == "classes" else 2, N)
    if loss.task == "regression":
        return rng.normal(size=N).astype(dtype)
    if loss.takes_labels or loss.layout == "pointwise":
        return labels
    return np.eye(CLASSES, dtype=dtype)[labels]


def as_csr(X, index=np.int32):
    matrix = sparse.csr_array(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    return matrix


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "CSR": as_csr,
    "CSR, int64": lambda X: as_csr(X, np.int64),
}


def problem(loss, dtype=np.float64, layout="C", p=7, weighted=False, penalty=None, fit_intercept=True):
    rng = seed_of("stochastic", loss.name, p)
    X = rng.normal(size=(N, p)).astype(dtype)
    X[rng.random(X.shape) < 0.4] = 0
    y = targets(loss, dtype, rng)
    w = rng.integers(0, 3, N).astype(dtype) if weighted else None
    return LinearProblem(
        LAYOUTS[layout](X),
        y,
        loss,
        sample_weight=w,
        penalty=penalty,
        fit_intercept=fit_intercept,
        n_outputs=columns(loss),
    )


@compiled
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_compiled_steps_are_those_of_numpy(loss, layout, monkeypatch):
    cases = [
        (np.float64, 7, Settings("sgd"), False, fl.L2(0.1), True),
        (np.float64, 1, Settings("sgd", nesterov=False, schedule="invscaling"), True, fl.L1(0.05), True),
        (np.float32, 50, Settings("adam", schedule="cosine"), True, fl.ElasticNet(0.02), False),
        (np.float64, 33, Settings("adagrad", batch_size=1000), False, fl.L1(0.02), True),
        (np.float32, 3, Settings("rmsprop"), True, fl.L2(1e-3), True),
    ]
    for dtype, p, settings, weighted, penalty, fit_intercept in cases:
        settings = settings._replace(batch_size=min(settings.batch_size, 32) if settings.rule != "adagrad" else 1000)
        runs = []
        for engine in (True, False):
            task = problem(loss, dtype, layout, p, weighted, penalty, fit_intercept)
            with monkeypatch.context() as patch:
                if not engine:
                    patch.setattr(LinearProblem, "compiled", None)
                descent = Descent(task, np.zeros(task.shape), settings)
                epochs = [descent.epoch(task, np.arange(3, N)) for _ in range(2)]
            runs.append((descent, epochs))
        (ours, ours_epochs), (numpy, numpy_epochs) = runs
        tolerance = 1e-11 if dtype == np.float64 else 2e-4
        for name in ("theta", "first", "second"):
            a, b = getattr(ours, name), getattr(numpy, name)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()), err_msg=name)
        np.testing.assert_allclose(ours_epochs, numpy_epochs, rtol=10 * tolerance, atol=10 * tolerance)


def test_rules_are_those_of_torch():
    torch = pytest.importorskip("torch")
    theirs = {
        Settings("sgd", momentum=0.0, eta0=0.1): lambda w: torch.optim.SGD([w], lr=0.1),
        Settings("sgd", nesterov=False, eta0=0.1): lambda w: torch.optim.SGD([w], lr=0.1, momentum=0.9),
        Settings("sgd", eta0=0.1): lambda w: torch.optim.SGD([w], lr=0.1, momentum=0.9, nesterov=True),
        Settings("adagrad", eta0=0.1): lambda w: torch.optim.Adagrad([w], lr=0.1),
        Settings("rmsprop", eta0=0.1): lambda w: torch.optim.RMSprop([w], lr=0.1),
        Settings("adam", eta0=0.1): lambda w: torch.optim.Adam([w], lr=0.1),
    }
    task = problem(fl.BinaryCrossEntropy(from_logits=True), fit_intercept=False)
    X, y = torch.tensor(task.X), torch.tensor(task.y, dtype=torch.float64)
    for settings, make in theirs.items():
        descent = Descent(task, np.zeros(task.shape), settings._replace(batch_size=N))
        w = torch.zeros(task.shape, dtype=torch.float64, requires_grad=True)
        optimizer = make(w)
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(X @ w, y).backward()
            optimizer.step()
            descent.epoch(task)
        np.testing.assert_allclose(descent.theta, w.detach().numpy(), rtol=1e-9, err_msg=repr(settings))


def test_a_whole_batch_weighs_as_repetition_does():
    rng = seed_of("repetition")
    X, y, w = rng.normal(size=(40, 3)), rng.normal(size=40), rng.integers(0, 4, 40)
    weighted = LinearProblem(X, y, fl.Huber(), sample_weight=w.astype(float))
    repeated = LinearProblem(X.repeat(w, axis=0), y.repeat(w), fl.Huber())
    thetas = [stochastic.solve(task, max_iter=30).theta for task in (weighted, repeated)]
    np.testing.assert_allclose(*thetas, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", [fl.Huber(), fl.Hinge(), fl.SparseCategoricalCrossEntropy(from_logits=True)], ids=repr)
def test_descends_to_the_minimum(rule, loss):
    task = problem(loss, penalty=fl.L2(0.01))
    eta0 = 0.5 if rule == "adagrad" else 0.05  # whose steps shrink by themselves
    settings = Settings(rule, schedule="cosine", eta0=eta0, batch_size=16, n_iter_no_change=1000)
    solution = stochastic.solve(task, max_iter=200, settings=settings)
    best = min(
        stochastic.solve(
            task, max_iter=4000, settings=Settings("adam", schedule="cosine", batch_size=N), tol=-1
        ).objective,
        solution.objective,
    )
    assert solution.objective - best < 2e-3 * best
    assert solution.objective == pytest.approx(task.value(solution.theta))


def test_l1_leaves_zeros():
    rng = seed_of("zeros")
    X = rng.normal(size=(500, 10))
    task = LinearProblem(X, 3 * X[:, 0], fl.HalfSquaredError(), penalty=fl.L1(0.5))
    exact = proximal.solve(task, tol=1e-10).theta

    def of_all(theta):  # the batches that an epoch meets may flatter its coefficients
        return task.value(theta) + task.absolute(theta)

    for momentum in (0.0, 0.9):
        settings = Settings(schedule="cosine", momentum=momentum, eta0=0.1 * (1 - momentum), n_iter_no_change=300)
        theta = stochastic.solve(task, settings=settings, max_iter=300, tol=0, validate=of_all).theta
        assert (theta[1:10] == 0).all()
        np.testing.assert_allclose(theta, exact, atol=0.005)


def test_the_seed_decides():
    task = problem(fl.Huber())
    runs = [stochastic.solve(task, max_iter=5, settings=Settings(seed=s, batch_size=8)).theta for s in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule):
    task = problem(fl.Huber())
    descent = Descent(task, np.zeros(task.shape), Settings(schedule=schedule, eta0=0.5, power_t=0.25, horizon=10))
    rates = []
    for _ in range(12):
        rates.append(descent._rates(4)[0])
        descent.epochs += 1
        descent.steps += 4
    rates = np.concatenate(rates)
    steps = np.arange(48)
    expected = {
        "constant": np.full(48, 0.5),
        "adaptive": np.full(48, 0.5),
        "invscaling": 0.5 / (steps + 1) ** 0.25,
        "cosine": 0.25 * (1 + np.cos(np.pi * np.minimum(steps / 40, 1))),
    }
    np.testing.assert_allclose(rates, expected[schedule])


def test_adaptive_divides_the_rate_until_it_is_small(monkeypatch):
    rates = []
    epoch = Descent.epoch

    def watched(self, *args):
        rates.append(self.rate)
        return epoch(self, *args)

    monkeypatch.setattr(Descent, "epoch", watched)
    settings = Settings(schedule="adaptive", eta0=0.1, n_iter_no_change=2, batch_size=16)
    solution = stochastic.solve(problem(fl.Huber()), tol=1e-3, settings=settings)
    assert solution.converged
    assert rates[0] == 0.1
    np.testing.assert_allclose(sorted({round(math.log(0.1 / rate, 5)) for rate in rates}), np.arange(9))


def test_the_best_epoch_is_kept_and_numbers_that_are_not_finite_end_it():
    task = problem(fl.HalfSquaredError())
    solution = stochastic.solve(task, settings=Settings(eta0=50.0))
    assert not solution.converged
    assert "diverged" in solution.message
    assert "eta0=50" in solution.message
    assert solution.objective <= task.value(np.zeros(task.shape))


def test_validation_judges():
    task = problem(fl.Huber())
    seen = []

    def validate(theta):
        seen.append(theta.copy())
        return [3.0, 1.0, 2.0, 2.0, 2.0][len(seen) - 1]

    settings = Settings(n_iter_no_change=3)
    solution = stochastic.solve(task, settings=settings, samples=np.arange(150), validate=validate)
    assert solution.n_iter == 5
    assert solution.converged
    np.testing.assert_array_equal(solution.theta, seen[1])


def test_interrupts_keep_the_best():
    task = problem(fl.Huber())
    objectives = []

    def report(iteration, objective, gap):
        objectives.append(objective)
        if iteration == 7:
            raise KeyboardInterrupt

    solution = stochastic.solve(task, report=report)
    assert solution.n_iter == 7
    assert not solution.converged
    assert "interrupted after 7 epochs" in solution.message
    assert solution.objective < objectives[0]


def test_no_mean_no_batches():
    task = problem(fl.RootMeanSquaredError())
    with pytest.raises(ValueError, match="of root_mean_squared_error is no mean over samples"):
        stochastic.solve(task)
    empty = problem(fl.Huber())
    empty.sample_weight = np.zeros(N)
    with pytest.raises(ValueError, match="total weight is zero"):
        Descent(empty, np.zeros(empty.shape), Settings()).epoch(empty)


def test_a_warm_start_that_is_not_beaten_is_kept():
    """As the end of a fit, without a word; but a descent far above it has diverged, as one from a constant has."""
    task = problem(fl.HalfSquaredError())
    best = proximal.solve(task, tol=1e-10)
    again = stochastic.solve(task, best.theta, settings=Settings(batch_size=16))
    assert again.converged
    np.testing.assert_array_equal(again.theta, best.theta)
    wide = LinearProblem(task.X * 1e3, task.y, fl.Huber())
    start = proximal.solve(wide, tol=1e-6).theta
    beyond = stochastic.solve(wide, start, settings=Settings(batch_size=16))
    assert not beyond.converged
    assert "diverged" in beyond.message
    np.testing.assert_array_equal(beyond.theta, start)


def test_one_epoch_of_one_batch_has_not_diverged():
    """The best that it knows the objective of is its start."""
    solution = stochastic.solve(problem(fl.Huber()), max_iter=1, settings=Settings(batch_size=N))
    assert "not converged after 1 epochs: raise eta0" in solution.message
