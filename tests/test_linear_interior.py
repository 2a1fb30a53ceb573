"""Losses with kinks: the solver comes to the optimum of the linear or quadratic program, and its gap is a bound."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LOSSES, seed_of, targets
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fastloss as fl
from fastloss.linear import interior
from fastloss.linear.problem import LinearProblem

optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")

KINKED = [
    fl.AbsoluteError(),
    fl.Quantile(0.5),
    fl.Quantile(0.9),
    fl.Quantile(0.02),
    fl.EpsilonInsensitive(0.4),
    fl.AbsolutePercentageError(),
    fl.Hinge(),
    fl.Perceptron(),
    0.5 * fl.Quantile(0.2) + 2.0 * fl.EpsilonInsensitive(0.3),
]
PENALTIES = [None, fl.L1(0.03), fl.L2(0.05), fl.ElasticNet(0.08, 0.6)]
kinked = pytest.mark.parametrize("loss", KINKED, ids=repr)


def data(loss, n=60, p=4, seed="data"):
    rng = seed_of(seed, loss, n, p)
    X = rng.normal(size=(n, p)) * [1, 3, 0.1, 1][:p] + [0, 1, 0, -2][:p]
    score = X @ rng.normal(size=p) + rng.normal(size=n)
    if loss.task == "binary":
        return X, (score > score.mean()).astype(float)
    return X, score + 5 * np.sign(score) * isinstance(loss, fl.AbsolutePercentageError)


def linear_program(problem):
    """The minimum of F, by HiGHS, with a variable for each loss above each of its pieces: for no l2."""
    X, y, loss = problem.X, problem.y, problem.loss
    w = np.ones(len(y)) if problem.sample_weight is None else problem.sample_weight
    n, p = X.shape
    A = np.hstack([X, np.ones((n, 1))]) if problem.fit_intercept else X
    q = A.shape[1]
    _, places, _ = loss.kinks(y.astype(float))
    # Each piece of a convex function lies below it: its tangents at points left and right of every kink.
    ends = np.sort(places, axis=0)
    points = [ends[0] - 1, *(ends[:-1] + ends[1:]) / 2, ends[-1] + 1]
    rows, bounds = [], []
    for z in points:
        value, gradient = (x(y, z, reduction="none") for x in (loss, loss.gradient))
        rows.append(np.hstack([gradient[:, None] * A, np.zeros((n, p)), -np.eye(n)]))
        bounds.append(gradient * z - value)
    eye = np.eye(p, q)
    for sign in (1, -1):  # |W| <= v
        rows.append(np.hstack([sign * eye, -np.eye(p), np.zeros((p, n))]))
        bounds.append(np.zeros(p))
    cost = np.concatenate([np.zeros(q), np.full(p, problem.l1), w / w.sum()])
    free = [(None, None)] * len(cost)
    found = optimize.linprog(cost, np.vstack(rows), np.concatenate(bounds), bounds=free, method="highs")
    assert found.status == 0, found.message
    return found.fun


def objective(problem, theta):
    return problem.value(theta) + problem.absolute(theta)


# -- the pieces of a loss ---------------------------------------------------------------------------------------------

PIECEWISE = [loss for loss in LOSSES if loss.piecewise_linear and not loss.has_rows]


def test_the_catalogue_knows_its_kinks():
    names = {loss.name for loss in PIECEWISE}
    assert names == {
        "absolute_error",
        "quantile",
        "epsilon_insensitive",
        "absolute_percentage_error",
        "hinge",
        "perceptron",
        "hinge_embedding",
    }
    assert all(loss.convex and loss.smoothness == 0 for loss in PIECEWISE)


@pytest.mark.parametrize("loss", [*PIECEWISE, KINKED[-1]], ids=repr)
def test_kinks_are_those_of_the_loss(loss):
    y = targets(loss, 50, seed_of("kinks", loss)) if loss.task == "binary" else data(loss, 50)[1]
    slope, places, rises = loss.kinks(y.astype(float))
    assert places.ndim == 2
    assert places.shape[1:] == y.shape
    slope, rises = np.broadcast_to(slope, y.shape), np.broadcast_to(rises, places.shape)
    assert (rises >= 0).all()
    z = np.concatenate([places.ravel()[:, None] + [-1e-6, 1e-6], places.ravel()[:, None] + [-3.0, 0.0]], axis=1)
    z, rows = z.ravel(), np.repeat(np.tile(np.arange(50), len(places)), 4)
    z = np.concatenate([z, np.full(50, -100.0), np.full(50, 100.0)])
    rows = np.concatenate([rows, np.arange(50), np.arange(50)])

    def above(z):
        return slope[rows] * z + (rises[:, rows] * np.maximum(z - places[:, rows], 0)).sum(axis=0)

    value, least = (loss(y[rows], x, reduction="none") for x in (z, places[0, rows]))
    np.testing.assert_allclose(above(z) - above(places[0, rows]), value - least, rtol=1e-11, atol=1e-11)
    at_kink = (z == places[:, rows]).any(axis=0)
    gradient = slope[rows] + (rises[:, rows] * (z > places[:, rows])).sum(axis=0)
    np.testing.assert_allclose(gradient[~at_kink], loss.gradient(y[rows], z, reduction="none")[~at_kink], atol=1e-14)


def test_other_losses_have_none():
    for loss in (fl.Huber(), fl.BinaryCrossEntropy(from_logits=True), fl.AbsoluteError() + fl.Huber()):
        assert not loss.piecewise_linear
    with pytest.raises(LookupError, match="huber is not linear between kinks"):
        fl.Huber().kinks(np.zeros(3))


# -- the optimum ------------------------------------------------------------------------------------------------------


@kinked
@pytest.mark.parametrize("penalty", [None, fl.L1(0.03)], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_reaches_the_linear_program(loss, penalty, weighted, fit_intercept):
    X, y = data(loss)
    w = np.where(np.arange(60) % 7 == 0, 0.0, seed_of("weights").exponential(size=60)) if weighted else None
    problem = LinearProblem(X, y, loss, sample_weight=w, penalty=penalty, fit_intercept=fit_intercept)
    want = linear_program(problem)
    found = interior.solve(problem, tol=1e-10)
    assert found.converged, found.message
    assert found.objective == objective(problem, found.theta)
    assert found.objective == pytest.approx(want, rel=1e-9, abs=1e-14)
    assert found.objective - want <= found.gap + 1e-14


def test_a_loss_without_a_least_value():
    """That of similar pairs falls without end; a penalty, or pairs of the other kind, hold it."""
    loss = fl.HingeEmbedding(0.7)
    X, _ = data(loss)
    y = (np.arange(60) % 3 == 0).astype(float)
    for penalty, fit_intercept in ((fl.L1(3.0), True), (fl.L1(3.0), False)):
        problem = LinearProblem(X, y, loss, penalty=penalty, fit_intercept=fit_intercept)
        want = linear_program(problem)
        found = interior.solve(problem, tol=1e-10)
        assert found.converged, found.message
        assert found.objective == pytest.approx(want, rel=1e-9)
    endless = interior.solve(LinearProblem(X, 1 - y, loss, penalty=fl.L2(0.1)))
    assert not endless.converged
    assert endless.gap > 1


@settings(derandomize=True, max_examples=60, deadline=None)
@example(loss=fl.Hinge(), n=1, p=3, levels=2, seed=0, l1=0.0)
@example(loss=fl.AbsoluteError(), n=5, p=8, levels=2, seed=1, l1=0.0)
@given(
    loss=st.sampled_from([*KINKED, fl.HingeEmbedding(0.7)]),
    n=st.integers(1, 40),
    p=st.integers(1, 6),
    levels=st.sampled_from([2, 3, 1000]),
    seed=st.integers(0, 1000),
    l1=st.sampled_from([0.0, 1e-3, 0.3]),
)
def test_any_small_problem(loss, n, p, levels, seed, l1):
    """Ties, duplicate rows, columns that depend on each other, exact fits, fewer rows than columns."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, levels, (n, p)) / 2.0
    y = rng.integers(0, 2, n) * 1.0 if loss.task == "binary" else 1.0 + rng.integers(0, levels, n)
    if loss.name == "hinge_embedding":  # without a dissimilar row nothing bounds it
        y[0], l1 = 0.0, 1.0 + 4 * levels
    problem = LinearProblem(X, y, loss, penalty=fl.L1(l1), fit_intercept=loss.name != "hinge_embedding")
    want = linear_program(problem)
    found = interior.solve(problem)
    assert found.converged, found.message
    assert found.objective <= want + 1e-8 * abs(want) + 1e-12
    assert found.objective - want <= found.gap + 1e-12


@kinked
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_the_gap_is_a_bound_all_the_way(loss, penalty):
    """However few steps were made: against the optimum of a long run, where that is near enough to tell."""
    X, y = data(loss)
    problem = LinearProblem(X, y, loss, penalty=penalty)
    best = interior.solve(problem, tol=1e-12)
    assert best.gap <= 1e-10 * max(abs(best.objective), 1e-4)
    for steps in range(1, 12):
        few = interior.solve(problem, tol=1e-3, max_iter=steps)
        assert few.objective >= best.objective - best.gap
        assert few.objective - best.objective <= few.gap
        assert few.n_iter <= steps
    loose = interior.solve(problem, tol=1e-3)
    assert loose.converged
    assert loose.objective - best.objective <= loose.gap <= max(1e-3 * abs(loose.objective), 1e-14)


@pytest.mark.parametrize("alpha", [1e-3, 0.1])
def test_support_vector_machines(alpha):
    """libsvm's dual solver leaves the intercept without a penalty too."""
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn is not installed")
    for loss, machine in (
        (fl.Hinge(), svm.SVC(kernel="linear", C=1 / (200 * alpha), tol=1e-9)),
        (fl.EpsilonInsensitive(0.4), svm.SVR(kernel="linear", C=1 / (200 * alpha), tol=1e-9, epsilon=0.4)),
    ):
        X, y = data(loss, 200)
        machine.fit(X, y)
        problem = LinearProblem(X, y, loss, penalty=fl.L2(alpha))
        theirs = objective(problem, np.append(machine.coef_, machine.intercept_))
        found = interior.solve(problem, tol=1e-10)
        assert found.converged
        assert found.objective == pytest.approx(theirs, rel=1e-6)
        assert found.objective <= theirs + found.gap
        np.testing.assert_allclose(found.theta[:-1], machine.coef_[0], rtol=1e-3, atol=1e-5)


def test_quantile_regressor():
    """scikit-learn's alpha is an l1 penalty on the mean pinball loss."""
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    loss = fl.Quantile(0.8)
    X, y = data(loss, 300)
    for alpha in (0.0, 0.02):
        theirs = linear_model.QuantileRegressor(quantile=0.8, alpha=alpha, solver="highs").fit(X, y)
        problem = LinearProblem(X, y, loss, penalty=fl.L1(alpha))
        found = interior.solve(problem, tol=1e-10)
        want = objective(problem, np.append(theirs.coef_, theirs.intercept_))
        assert found.objective == pytest.approx(want, rel=1e-9)
        np.testing.assert_allclose(found.theta, np.append(theirs.coef_, theirs.intercept_), atol=1e-6)


@kinked
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_many_rows_in_rounds(loss, penalty):
    """Of 8000 rows a sample and those near kinks are looked at: the optimum is that of all rows at once."""
    X, y = data(loss, 8000)
    problem = LinearProblem(X, y, loss, penalty=penalty)
    looked_at = []
    nearest = interior.HingeSum.nearest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            interior.HingeSum, "nearest", lambda self, x, count: looked_at.append(count) or nearest(self, x, count)
        )
        found = interior.solve(problem)
        patch.setattr(interior, "TOO_MANY", 0.0)
        rounds, looked_at = len(looked_at), []
        whole = interior.solve(problem)
    assert rounds > 0
    assert not looked_at
    assert found.converged
    assert whole.converged
    least = 1e-30  # the perceptron's optimum is 0, and no size of scores is small to it
    assert abs(found.objective - whole.objective) <= max(found.gap, whole.gap, least)


def test_a_sample_that_misleads():
    """Rows that no sample holds decide: they lie far from their kinks at its solution, on the wrong side."""
    rng = seed_of("misleading")
    X = np.append(rng.normal(size=(9000, 2)), np.zeros((9000, 1)), axis=1)
    y = X[:, 0] + rng.normal(size=9000)
    X[::1000, 2] = 1e4
    y[::1000] = rng.normal(size=9) * 1e6
    problem = LinearProblem(X, y, fl.AbsoluteError())
    found = interior.solve(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interior, "TOO_MANY", 0.0)
        whole = interior.solve(problem)
    assert found.converged
    assert abs(found.objective - whole.objective) <= max(found.gap, whole.gap)


# -- hard data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_units_do_not_matter(penalty):
    loss = fl.AbsoluteError()
    X, y = data(loss, 200)
    plain = interior.solve(LinearProblem(X, y, loss, penalty=penalty))
    for unit in (1e-9, 1e9):  # of targets and columns alike, so that coefficients stay and penalties are scaled
        scaled = penalty and type(penalty)(**{**penalty.params, "alpha": unit * penalty.alpha})
        found = interior.solve(LinearProblem(unit * X, unit * y, loss, penalty=scaled))
        assert found.converged
        assert found.objective == pytest.approx(unit * plain.objective, rel=1e-7)
    if penalty is None:
        units = 10.0 ** np.array([-8, 8, 0, 4])
        found = interior.solve(LinearProblem(X * units, y, loss))
        assert found.converged
        assert found.objective == pytest.approx(plain.objective, rel=1e-7)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
def test_columns_far_from_zero(offset):
    loss = fl.Quantile(0.3)
    X, y = data(loss, 200)
    plain = interior.solve(LinearProblem(X, y, loss, penalty=fl.L2(0.01)))
    problem = LinearProblem(X + offset, y, loss, penalty=fl.L2(0.01))
    found = interior.solve(problem)
    assert found.converged
    np.testing.assert_allclose(found.theta[:-1], plain.theta[:-1], rtol=1e-3, atol=1e-4)
    assert found.objective == objective(problem, found.theta)
    assert found.objective == pytest.approx(plain.objective, rel=1e-14 * offset + 1e-8)
    again = interior.solve(problem, found.theta, max_iter=3)
    assert again.objective <= found.objective * (1 + 1e-14 * offset)


def test_columns_that_depend_on_each_other():
    loss = fl.AbsoluteError()
    X, y = data(loss, 200)
    want = interior.solve(LinearProblem(X, y, loss)).objective
    for more in (X, X[:, :1] - 2 * X[:, 1:2], np.ones((200, 1)), np.zeros((200, 1))):
        found = interior.solve(LinearProblem(np.hstack([X, more]), y, loss))
        assert found.converged
        assert found.objective == pytest.approx(want, rel=1e-7)


@pytest.mark.parametrize("loss", KINKED[:5], ids=repr)
def test_exact_fits(loss):
    X, _ = data(loss, 50)
    for y in (np.zeros(50), np.full(50, 7.0), X @ [1.0, -2.0, 0.5, 3.0] + 4):
        found = interior.solve(LinearProblem(X, y, loss))
        assert found.converged
        assert found.objective <= 1e-13
    wide = seed_of("wide").normal(size=(5, 12))
    found = interior.solve(LinearProblem(wide, np.arange(5.0), loss))
    assert found.converged
    assert found.objective <= 1e-13


def test_separable_classes():
    X, _ = data(fl.Hinge(), 100)
    y = (X[:, 0] > 0.1).astype(float)
    found = interior.solve(LinearProblem(X, y, fl.Hinge()))
    assert found.converged
    assert found.objective <= 1e-13
    same = interior.solve(LinearProblem(X, np.ones(100), fl.Hinge(), penalty=fl.L2(0.1)))
    assert same.converged
    assert same.objective <= 1e-13


@pytest.mark.parametrize("n", [300, 2000, 30000])
def test_classes_of_which_a_plane_separates_a_part(n):
    rng = seed_of("partly separable", n)
    X = rng.normal(size=(n, 5))
    X[:, 0] = np.where(np.abs(X[:, 0]) < 1, 0.0, X[:, 0])  # separates; of the others it says nothing
    mixed = X[:, 0] == 0
    y = np.where(mixed, X[:, 1] + rng.normal(size=n) > 0, X[:, 0] > 0).astype(float)
    found = interior.solve(LinearProblem(X, y, fl.Hinge()), tol=1e-6)
    rest = interior.solve(LinearProblem(X[mixed], y[mixed], fl.Hinge()), tol=1e-8)
    assert found.converged
    assert found.gap <= 1e-6 * found.objective
    assert found.objective == pytest.approx(rest.objective * mixed.mean(), rel=1e-6)
    assert np.abs(found.theta).max() < 1e4


@pytest.mark.parametrize("n", [50, 1000, 9000])
def test_classes_that_only_huge_coefficients_separate(n):
    X = seed_of("hardly separable", n).normal(size=(n, 3))
    X[:2] = [[1e-10, 0.5, 0.5], [-1e-10, 0.5, 0.5]]
    found = interior.solve(LinearProblem(X, (X[:, 0] > 0).astype(float), fl.Hinge()), tol=1e-6)
    assert not found.converged
    assert "a penalty bounds them" in found.message
    assert np.abs(found.theta).max() < 1e8
    assert found.objective < 2.1 / n  # all but these two are separated


def test_an_objective_of_zero():
    found = interior.solve(LinearProblem(np.array([[0.8]]), np.array([1.0]), fl.Hinge(), penalty=fl.L1(0.3)))
    assert found.objective == pytest.approx(0, abs=1e-12)
    assert found.converged


def test_rows_without_weight_may_hold_anything():
    loss = fl.AbsoluteError()
    X, y = data(loss, 100)
    w = np.ones(100)
    w[::4] = 0
    want = interior.solve(LinearProblem(X[w > 0], y[w > 0], loss))
    y[::4] = np.nan
    found = interior.solve(LinearProblem(X, y, loss, sample_weight=w))
    assert found.converged
    assert found.objective == pytest.approx(want.objective, rel=1e-8)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda X: X.astype(np.float32)], ids=["F order", "float32"])
def test_other_arrays(make):
    loss = fl.Quantile(0.3)
    X, y = data(loss, 3000)
    X = np.round(8 * X) / 8  # the same numbers in either type
    want = interior.solve(LinearProblem(X, y, loss))
    found = interior.solve(LinearProblem(make(X), y, loss))
    assert found.converged
    assert found.theta.dtype == np.float64
    assert found.objective == pytest.approx(want.objective, rel=1e-7)


def test_a_start_that_is_the_optimum():
    loss = fl.Hinge()
    X, y = data(loss, 300)
    problem = LinearProblem(X, y, loss, penalty=fl.L2(0.1))
    first = interior.solve(problem)
    again = interior.solve(problem, first.theta)
    assert again.converged
    assert again.objective <= first.objective
    assert first.theta.shape == problem.shape


# -- how it ends ------------------------------------------------------------------------------------------------------


def test_report_and_interrupt():
    X, y = data(fl.AbsoluteError(), 200)
    problem = LinearProblem(X, y, fl.AbsoluteError())
    seen = []
    whole = interior.solve(problem, report=lambda *row: seen.append(row))
    assert [row[0] for row in seen] == list(range(1, whole.n_iter + 1))
    assert seen[-1][1] == pytest.approx(whole.objective, rel=1e-12)

    def interrupt(iteration, value, gap):
        if iteration == 6:
            raise KeyboardInterrupt

    found = interior.solve(problem, report=interrupt)
    assert not found.converged
    assert found.n_iter == 6
    assert found.objective == pytest.approx(seen[5][1], rel=1e-12)
    assert found.objective - whole.objective <= found.gap
    assert "interrupted after 6 steps: the objective is within" in found.message


def test_too_few_steps():
    X, y = data(fl.AbsoluteError(), 200)
    found = interior.solve(LinearProblem(X, y, fl.AbsoluteError()), max_iter=2)
    assert not found.converged
    assert found.n_iter == 2
    assert "max_iter=2 steps were not enough" in found.message


BAD = {
    "smooth": (fl.Huber(), [1.0, 2.0], r"Huber\(delta=1.0\) is not linear between kinks: use a solver for smooth"),
    "infinite": (fl.AbsolutePercentageError(), [1.0, 0.0], r"y_true\[1\] is 0.0: .* is infinite there; give such rows"),
    "a line": (fl.HingeEmbedding(), [1.0, 1.0], r"HingeEmbedding\(margin=1.0\) has no kink at these targets"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_problems(name):
    loss, y, says = BAD[name]
    with pytest.raises(ValueError, match=says):
        interior.solve(LinearProblem(np.array([[1.0], [2.0]]), np.array(y), loss))
