"""Deterministic solvers of linear models: they reach the minimum, as scikit-learn finds it and as the gradient says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import seed_of

import fastloss as fl
from fastloss import domains
from fastloss.linear import curvature, lbfgs, newton, proximal, start, stochastic
from fastloss.linear.choice import choose, fitting
from fastloss.linear.curvature import metric
from fastloss.linear.line_search import wolfe
from fastloss.linear.problem import LinearProblem
from fastloss.linear.progress import Progress
from fastloss.linear.scale import HuberWithScale
from fastloss.registry import for_raw_scores

sklearn_linear = pytest.importorskip("sklearn.linear_model")

SMOOTH_SOLVERS = (lbfgs, newton, proximal)
LOGISTIC = fl.BinaryCrossEntropy(from_logits=True)
SOFTMAX = fl.SparseCategoricalCrossEntropy(from_logits=True)


def features(n: int, p: int, *facts: Any) -> Any:
    """Correlated columns of different size and mean."""
    rng = seed_of("features", n, p, *facts)
    X = rng.normal(size=(n, p)) + rng.normal(size=(n, 3)) @ rng.normal(size=(3, p))
    return X * np.exp(rng.normal(0, 0.5, p)) + rng.normal(0, 0.3, p)


def targets(loss: Any, X: Any, outputs: int = 3) -> Any:
    """Targets in the loss's domain that depend on X, with noise; none of them fitted without error."""
    rng = seed_of("targets", loss.name, X.shape)
    score = X @ rng.normal(size=X.shape[1])
    score /= score.std()
    if loss.layout == "classes":
        scores = X @ rng.normal(size=(X.shape[1], outputs))
        scores = scores / scores.std() + rng.gumbel(size=scores.shape)
        if loss.takes_labels:
            return scores.argmax(axis=1)
        if loss.task == "multilabel":
            return (scores > 0).astype(float)
        share = np.exp(scores)
        return share / share.sum(axis=1, keepdims=True)
    domain = loss.target_domain
    if domain.code is None:
        return score + 0.5 * rng.standard_t(3, size=len(X))
    if domain.low == domain.high:
        return np.full(len(X), domain.low)
    if domain.code == 2 or domain.high == 1:
        return np.where(rng.random(len(X)) < 1 / (1 + np.exp(-score)), domain.high, domain.low)
    return np.exp(score / 2 + rng.normal(0, 0.5, len(X)))


def make(loss: Any, X: Any, y: Any, outputs: int = 3, **options: Any) -> LinearProblem:
    """A problem with as many outputs as the loss wants."""
    if loss.has_rows:
        options["n_outputs"] = len(loss.outputs) or outputs
    return LinearProblem(X, y, loss, **options)


SMOOTH = [
    loss
    for loss in map(for_raw_scores, fl.list_losses())
    if loss.smoothness > 0 and loss.prediction_domain is domains.ANY and loss.additive
]
SMOOTH_IDS = [loss.name for loss in SMOOTH]
assert len(SMOOTH) > 40


# -- the whole catalogue ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", SMOOTH, ids=SMOOTH_IDS)
def test_every_smooth_loss(loss: Any) -> None:
    X = features(300, 5)
    problem = make(loss, X, targets(loss, X), penalty=fl.L2(0.01))
    found = [
        solver.solve(problem, tol=1e-7)
        for solver in SMOOTH_SOLVERS
        if solver is not newton or loss.curvature is not None
    ]
    origin = problem.value(start.origin(problem))
    for solution in found:
        value, gradient = problem.value_and_gradient(solution.theta)
        assert solution.converged, solution.message
        assert solution.gap == np.abs(gradient).max() <= 1e-7
        assert solution.objective == value <= origin
    if loss.convex and _has_minimum(loss):
        assert (
            max(x.objective for x in found) - min(x.objective for x in found) <= 1e-10 * abs(found[0].objective) + 1e-12
        )


@pytest.mark.parametrize("loss", SMOOTH, ids=SMOOTH_IDS)
def test_every_smooth_loss_with_l1(loss: Any) -> None:
    X = features(300, 5)
    problem = make(loss, X, targets(loss, X), penalty=fl.ElasticNet(0.05, 0.8))
    solution = proximal.solve(problem, tol=1e-7)
    assert solution.converged, solution.message
    assert _least_subgradient(problem, solution.theta) <= 1e-7
    again = _by_bounds(problem)
    if loss.convex and _has_minimum(loss):
        assert again.objective == pytest.approx(solution.objective, rel=1e-9, abs=1e-11)


def _has_minimum(loss: Any) -> bool:
    """With one target for all, the higher the intercept the better."""
    return loss.target_domain.code is None or loss.target_domain.low != loss.target_domain.high


def _least_subgradient(problem: LinearProblem, theta: Any) -> float:
    _, gradient = problem.value_and_gradient(theta)
    p = problem.n_features
    w, g = theta[:p], gradient[:p]
    left = np.where(w != 0, g + problem.l1 * np.sign(w), np.sign(g) * np.maximum(np.abs(g) - problem.l1, 0))
    return float(max(np.abs(left).max(), np.abs(gradient[p:]).max(initial=0)))


def _by_bounds(problem: LinearProblem) -> Any:
    """The way for many parameters, taken with few."""
    progress = Progress(problem, 1e-7, 3000, None)
    theta = start.origin(problem)
    proximal._split(problem, progress, theta, *problem.value_and_gradient(theta))
    solution = progress.solution()
    assert solution.converged, solution.message
    assert _least_subgradient(problem, solution.theta) <= 1e-7
    return solution


# -- scikit-learn's estimators ----------------------------------------------------------------------------------------


# scikit-learn's estimator for our alpha and the total weight, our loss, our penalty for alpha.
PEERS: dict[str, tuple[Any, ...]] = {
    "LogisticRegression": (
        lambda a, n: sklearn_linear.LogisticRegression(C=1 / (n * a), tol=1e-10, max_iter=10_000),
        LOGISTIC,
        fl.L2,
    ),
    "LogisticRegression multinomial": (
        lambda a, n: sklearn_linear.LogisticRegression(C=1 / (n * a), tol=1e-10, max_iter=10_000),
        SOFTMAX,
        fl.L2,
    ),
    "LogisticRegression l1": (
        lambda a, n: sklearn_linear.LogisticRegression(
            l1_ratio=1, C=1 / (n * a), solver="saga", tol=1e-10, max_iter=100_000, random_state=0
        ),
        LOGISTIC,
        fl.L1,
    ),
    "PoissonRegressor": (
        lambda a, n: sklearn_linear.PoissonRegressor(alpha=a, tol=1e-10, solver="newton-cholesky"),
        fl.Poisson(),
        fl.L2,
    ),
    "GammaRegressor": (
        lambda a, n: sklearn_linear.GammaRegressor(alpha=a, tol=1e-10, solver="newton-cholesky"),
        fl.Gamma(),
        fl.L2,
    ),
    "TweedieRegressor": (
        lambda a, n: sklearn_linear.TweedieRegressor(power=1.5, alpha=a, tol=1e-10, solver="newton-cholesky"),
        fl.Tweedie(power=1.5),
        fl.L2,
    ),
    "Ridge": (lambda a, n: sklearn_linear.Ridge(alpha=n * a), fl.HalfSquaredError(), fl.L2),
    "Lasso": (
        lambda a, n: sklearn_linear.Lasso(alpha=a, tol=1e-14, max_iter=100_000),
        fl.HalfSquaredError(),
        fl.L1,
    ),
    "ElasticNet": (
        lambda a, n: sklearn_linear.ElasticNet(alpha=a, l1_ratio=0.3, tol=1e-14, max_iter=100_000),
        fl.HalfSquaredError(),
        lambda a: fl.ElasticNet(a, 0.3),
    ),
}


@pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", PEERS)
def test_objective_of_sklearn(name: str, weighted: bool, fit_intercept: bool) -> None:
    make_peer, loss, make_penalty = PEERS[name]
    n, alpha = 400, 0.02
    X = features(n, 8)
    X /= X.std(axis=0)  # for saga
    y = targets(loss, X, 4)
    w = seed_of(name).integers(0, 4, n).astype(float) if weighted else None
    total = n if w is None else w.sum()
    peer = make_peer(alpha, total).set_params(fit_intercept=fit_intercept).fit(X, y, w)
    problem = make(loss, X, y, 4, sample_weight=w, penalty=make_penalty(alpha), fit_intercept=fit_intercept)
    theta = np.atleast_2d(peer.coef_).T
    if fit_intercept:
        theta = np.vstack([theta, np.atleast_1d(peer.intercept_)])
    theirs = problem.value(theta.reshape(problem.shape)) + problem.absolute(theta.reshape(problem.shape))
    for solver in SMOOTH_SOLVERS if not problem.l1 else (proximal,):
        solution = solver.solve(problem, tol=1e-9)
        assert solution.converged, solution.message
        assert solution.objective <= theirs + 1e-13 * abs(theirs)
        assert solution.objective == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("epsilon", [1.1, 1.35, 3.0])
def test_scale_of_huber_regressor(epsilon: float, weighted: bool) -> None:
    n, alpha = 500, 2.0
    X = features(n, 6)
    rng = seed_of("scale", epsilon, weighted)
    y = X @ rng.normal(size=6) + rng.standard_t(2, n) + np.where(rng.random(n) < 0.2, rng.exponential(9, n), 0)
    w = rng.integers(0, 4, n).astype(float) if weighted else None
    total = n if w is None else w.sum()
    peer = sklearn_linear.HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y, w)
    r = np.abs(y - peer.predict(X)) / peer.scale_
    rho = np.where(r < epsilon, r**2, 2 * epsilon * r - epsilon**2)
    theirs = np.average(peer.scale_ + peer.scale_ * rho, weights=w) / 2 + alpha / total / 2 * np.sum(peer.coef_**2)

    problem = HuberWithScale(X, y, fl.Huber(delta=epsilon), sample_weight=w, penalty=fl.L2(alpha / total))
    for solver in SMOOTH_SOLVERS:
        solution = solver.solve(problem, tol=1e-9)
        assert solution.converged, solution.message
        assert solution.objective <= theirs * (1 + 1e-12)
        assert solution.objective == pytest.approx(theirs, rel=1e-6)  # theirs is not all the way down
        assert problem.scale(solution.theta) == pytest.approx(peer.scale_, rel=1e-2)


def test_scale_is_the_best_one() -> None:
    X = features(200, 3)
    rng = seed_of("best scale")
    for w in (None, rng.integers(0, 3, 200).astype(float)):
        y = np.round(rng.standard_t(2, 200), 1)  # with ties
        problem = HuberWithScale(X, y, fl.Huber(delta=1.2), sample_weight=w)
        theta = rng.normal(0, 0.1, 4)
        r = problem.scores(theta) - y
        scale = problem.scale(theta)

        def objective(s: float, r: Any = r, w: Any = w) -> float:
            return s / 2 + s * fl.Huber(delta=1.2)(np.zeros(200), r / s, w)

        assert problem.value(theta) == pytest.approx(objective(scale), rel=1e-14)
        for s in (scale * 0.999, scale * 1.001):
            assert objective(s) > objective(scale)
        value, gradient = problem.value_and_gradient(theta)
        step = 1e-6 * rng.normal(size=4)
        slope = (problem.value(theta + step) - problem.value(theta - step)) / 2
        assert slope == pytest.approx(gradient @ step, rel=1e-5)
        assert value == problem.value(theta)


def test_curvature_is_in_units_of_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a matrix, in products and in the diagonal of a metric it is that of s huber(r / s)."""
    rng = seed_of("curvature and scale")
    X = rng.choice([-1.0, 1.0], size=(200, 3))  # whose squares do not depend on the row: the diagonal is exact
    y = 5 * rng.standard_t(2, 200)
    problem = HuberWithScale(X, y, fl.Huber(delta=1.2), penalty=fl.L2(0.1))
    theta = rng.normal(size=4)
    scale, X1 = problem.scale(theta), np.column_stack([X, np.ones(200)])
    ridge = np.diag([0.1, 0.1, 0.1, 0.0])

    def expected(kind: Any) -> Any:
        r = problem.scores(theta) - y
        _, h = fl.Huber(delta=1.2).gradient_and_hessian(np.zeros(200), r / scale, hessian=kind)
        return (X1.T * (h / scale)) @ X1 + ridge

    np.testing.assert_allclose(problem.hessian(theta), expected("exact"), rtol=1e-12, atol=1e-14)
    product = problem.hessian_product(theta)
    np.testing.assert_allclose([product(unit) for unit in np.eye(4)], expected("exact"), rtol=1e-12, atol=1e-14)
    monkeypatch.setattr(curvature, "WHOLE", 1)
    inverse = metric(problem, theta)(np.ones(4))
    diagonal = np.diag(expected(curvature.bounded_kind(problem)))
    np.testing.assert_allclose(1 / inverse, diagonal + diagonal.mean() / 200, rtol=1e-12)


def test_scale_is_of_all_rows() -> None:
    """No batch has the scale of the whole, and a subset has one of its own."""
    X = features(100, 2)
    problem = HuberWithScale(X, targets(fl.Huber(), X), fl.Huber(delta=1.35), penalty=fl.L2(0.1))
    assert fitting(problem) == ("newton", "lbfgs", "proximal")
    with pytest.raises(ValueError, match="no mean over samples"):
        stochastic.solve(problem)
    part, theta = problem.subset(slice(50)), np.ones(3)
    alone = HuberWithScale(X[:50], problem.y[:50], fl.Huber(delta=1.35), penalty=fl.L2(0.1))
    assert part.value(theta) == alone.value(theta)


def test_scale_of_a_perfect_fit() -> None:
    X = features(50, 2)
    problem = HuberWithScale(X, X @ [1.0, 2.0] + 3, fl.Huber(delta=1.35))
    solution = lbfgs.solve(problem)
    assert np.allclose(solution.theta, [1, 2, 3], atol=1e-6)
    assert problem.scale(solution.theta) < 1e-6


@pytest.mark.parametrize("loss", [fl.Huber(delta=1.0), fl.SquaredError()])
def test_no_scale(loss: Any) -> None:
    with pytest.raises(ValueError, match=r"delta > 1, not for"):
        HuberWithScale(np.ones((2, 1)), np.ones(2), loss)


# -- data that are not as one would wish ------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Huber(), fl.Poisson(), SOFTMAX, fl.Cauchy()], ids=lambda x: x.name)
@pytest.mark.parametrize("penalty", [fl.L2(1e-3), fl.L2(0.0)], ids=["ridge", "none"])
def test_collinear_columns(solver: Any, loss: Any, penalty: Any) -> None:
    """Without a penalty there are many minima, of one value."""
    X = features(300, 4)
    y = targets(loss, X)
    twice = np.hstack([X, X[:, :2], X @ np.ones((4, 1)), np.zeros((300, 1)), np.ones((300, 1))])
    solution = solver.solve(make(loss, twice, y, penalty=penalty), tol=1e-7)
    assert solution.converged, solution.message
    assert np.abs(solution.theta).max() < 100
    if not penalty.alpha and loss.convex:
        plain = solver.solve(make(loss, X, y, penalty=penalty), tol=1e-7)
        assert solution.objective == pytest.approx(plain.objective, rel=1e-9)


def far_from_zero(n: int, offsets: Any, loss: Any, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """X with columns at these offsets, X with the means taken off, in float64, and targets."""
    centred = features(n, len(offsets), "far")
    y = targets(loss, centred)
    X = (centred + offsets).astype(dtype)
    exact = X.astype(np.float64)
    exact -= exact.mean(axis=0)
    return X, exact, y


def between(theta: Any) -> Any:
    """Coefficients of several outputs as their differences from their mean, of which alone a softmax knows."""
    return theta - theta.mean(axis=1, keepdims=True) if theta.ndim > 1 else theta


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Huber(), fl.Poisson(), SOFTMAX], ids=lambda x: x.name)
@pytest.mark.parametrize("offset", [30.0, 1e3, 1e5])
@pytest.mark.parametrize("n", [400, 20_000])
def test_columns_far_from_zero(solver: Any, loss: Any, offset: float, n: int) -> None:
    X, exact, y = far_from_zero(n, offset * np.array([1.0, -1.0, 0.5, 0.0, 1.0]), loss)
    want = newton.solve(make(loss, exact, y, penalty=fl.L2(1e-3)), tol=1e-11).theta
    for form in (X, np.asfortranarray(X)):
        problem = make(loss, form, y, penalty=fl.L2(1e-3))
        found = solver.solve(problem, tol=1e-7)
        assert found.converged, found.message
        moved = found.theta.copy()
        moved[-1] += X.mean(axis=0) @ moved[:-1]
        np.testing.assert_allclose(between(moved), between(want), atol=2e-5)
        assert problem.value(found.theta) == pytest.approx(found.objective, rel=1e-9)
        assert solver.solve(problem, found.theta, tol=1e-6).n_iter == 0


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("p", [4, 1100])
def test_sparse_columns_far_from_zero(solver: Any, p: int) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    offsets = np.zeros(p)
    offsets[:2] = 1e3, -50.0
    X, _, y = far_from_zero(150 if p > 150 else 6000, offsets, LOGISTIC)
    X[:, 2:] *= X[:, 2:] > 1
    exact = X - X.mean(axis=0)
    want = newton.solve(LinearProblem(exact, y, LOGISTIC, penalty=fl.L2(0.1)), tol=1e-11).theta
    found = solver.solve(LinearProblem(sparse.csr_array(X), y, LOGISTIC, penalty=fl.L2(0.1)), tol=1e-7)
    assert found.converged, found.message
    np.testing.assert_allclose(found.theta[:-1], want[:-1], atol=2e-5)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Huber(), SOFTMAX], ids=lambda x: x.name)
def test_float32_columns_far_from_zero(solver: Any, loss: Any) -> None:
    X, exact, y = far_from_zero(8000, np.array([1e3, -1e3, 300.0, 0.0]), loss, np.float32)
    want = newton.solve(make(loss, exact, y, penalty=fl.L2(1e-3)), tol=1e-9).theta
    found = solver.solve(make(loss, X, y.astype(np.float32), penalty=fl.L2(1e-3)), tol=1e-4)
    assert found.converged, found.message
    np.testing.assert_allclose(between(found.theta[:-1]), between(want[:-1]), atol=5e-3)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_columns_far_from_zero_without_intercept(solver: Any) -> None:
    X, _, y = far_from_zero(6000, np.array([1e3, -1e3, 300.0, 0.0]), fl.Huber())
    problem = LinearProblem(X, y, fl.Huber(), fit_intercept=False)
    want = newton.solve(problem, tol=1e-9)
    found = solver.solve(problem, tol=1e-5)
    assert want.converged
    assert found.converged, found.message
    np.testing.assert_allclose(found.theta, want.theta, atol=1e-3)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Huber(), SOFTMAX], ids=lambda x: x.name)
def test_more_features_than_samples(solver: Any, loss: Any) -> None:
    X = features(40, 90)
    y = targets(loss, X)
    solution = solver.solve(make(loss, X, y, penalty=fl.L2(1e-2)), tol=1e-7)
    assert solution.converged, solution.message


def test_lasso_of_more_features_than_samples() -> None:
    X = features(60, 200)
    X /= X.std(axis=0)
    y = X[:, :5].sum(axis=1) + seed_of("wide").normal(0, 0.5, 60)
    peer = sklearn_linear.Lasso(alpha=0.1, tol=1e-14, max_iter=100_000).fit(X, y)
    problem = LinearProblem(X, y, fl.HalfSquaredError(), penalty=fl.L1(0.1))
    solution = proximal.solve(problem, tol=1e-9)
    theirs = np.append(peer.coef_, peer.intercept_)
    assert solution.objective == pytest.approx(problem.value(theirs) + problem.absolute(theirs), rel=1e-9)
    assert (np.flatnonzero(solution.theta) == np.flatnonzero(theirs)).all()


def test_l1_so_strong_that_nothing_is_left() -> None:
    X = features(200, 6)
    problem = LinearProblem(X, targets(LOGISTIC, X), LOGISTIC, penalty=fl.L1(100.0))
    solution = proximal.solve(problem, tol=1e-9)
    assert solution.converged
    assert not solution.theta[:-1].any()


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_separable_classes(solver: Any) -> None:
    """The minimum is far out, or nowhere: the gradient becomes small all the same, and nothing overflows."""
    X = features(200, 3)
    y = (X[:, 0] > X[:, 1]).astype(float)
    for alpha in (1e-8, 0.0):
        solution = solver.solve(LinearProblem(X, y, LOGISTIC, penalty=fl.L2(alpha)), tol=1e-6)
        assert solution.converged, solution.message
        assert ((X @ solution.theta[:-1] + solution.theta[-1] > 0) == y).all()


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_one_class(solver: Any) -> None:
    X = features(50, 2)
    solution = solver.solve(LinearProblem(X, np.ones(50), LOGISTIC, penalty=fl.L2(0.1)), tol=1e-5)
    assert solution.converged
    assert solution.objective < 1e-4


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Poisson(), fl.Huber(), SOFTMAX], ids=lambda x: x.name)
def test_float32(solver: Any, loss: Any) -> None:
    X = features(2000, 6)
    y = targets(loss, X)
    wide = make(loss, X, y, penalty=fl.L2(1e-3))
    narrow = make(loss, X.astype(np.float32), y if loss.has_rows else y.astype(np.float32), penalty=fl.L2(1e-3))
    best = solver.solve(wide, tol=1e-9)
    solution = solver.solve(narrow, tol=1e-4)
    assert solution.converged, solution.message
    assert solution.theta.dtype == np.float64
    assert wide.value(solution.theta) == pytest.approx(best.objective, rel=1e-5)
    # Beyond what the type can tell it says so, after few more passes.
    end = solver.solve(narrow, tol=1e-12, max_iter=500)
    assert "no further progress is possible in float32" in end.message or end.converged
    assert end.n_iter < 100
    # Objectives that differ by 2 eps cannot be told apart, gradients below the root of that times the curvature, 2e-4
    # here, neither. The default tol, half of it, is within reach.
    assert end.gap < 1e-4
    assert wide.value(end.theta) == pytest.approx(best.objective, rel=1e-6)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_end_of_float64(solver: Any) -> None:
    X = features(500, 4)
    solution = solver.solve(LinearProblem(X, targets(LOGISTIC, X), LOGISTIC, penalty=fl.L2(1e-3)), tol=0.0)
    assert solution.converged or "no further progress is possible in float64" in solution.message
    assert solution.gap < 1e-14
    assert solution.n_iter < 100


@pytest.mark.parametrize("loss", [fl.Huber(delta=0.01), fl.Cauchy(c=0.01), fl.Welsch(c=0.3)], ids=lambda x: x.name)
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_start_where_the_loss_is_flat(solver: Any, loss: Any) -> None:
    """Far out a robust loss has next to no curvature, or a negative one."""
    X = features(300, 4)
    y = 5 * targets(fl.SquaredError(), X)
    problem = LinearProblem(X, y, loss, penalty=fl.L2(1e-6))
    theta = np.array([20.0, -20, 20, -20, 50])
    solution = solver.solve(problem, theta, tol=1e-7)
    assert solution.converged, solution.message
    assert solution.objective < problem.value(theta)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_start_from_which_the_loss_overflows_nearby(solver: Any) -> None:
    X = features(300, 4) * 100
    problem = LinearProblem(X, targets(fl.Poisson(), X), fl.Poisson(), penalty=fl.L2(1e-3))
    solution = solver.solve(problem, np.array([0.0, 0, 0, 0, -20]), tol=1e-6)
    assert solution.converged, solution.message


# -- many rows: the sample --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [LOGISTIC, fl.Huber(), fl.Welsch(), SOFTMAX], ids=lambda x: x.name)
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_sample_saves_passes(solver: Any, loss: Any) -> None:
    X = features(30_000, 5)
    y = targets(loss, X)
    order = np.argsort(y, kind="stable")  # sorted data, too
    problem = make(loss, X[order], y[order], penalty=fl.L2(1e-3))
    seen = []
    inside = problem.value_and_gradient
    problem.value_and_gradient = lambda theta: (seen.append(1), inside(theta))[1]  # type: ignore[method-assign]
    solution = solver.solve(problem, tol=1e-4)
    assert solution.converged
    assert len(seen) <= 6
    cold = solver.solve(problem, start.origin(problem), tol=1e-4)
    assert cold.objective == pytest.approx(solution.objective, rel=1e-5)


def test_sample_is_of_rows_with_weight_and_repeats() -> None:
    X, y = np.arange(1000.0)[:, None], np.arange(1000.0)
    w = np.where(np.arange(1000) % 3, 0.0, 2.0)
    problem = LinearProblem(X, y, fl.SquaredError(), sample_weight=w, penalty=fl.ElasticNet(0.4, 0.3))
    few = start.sample(problem, 100)
    assert few.n_samples == 100 == len(np.unique(few.y))
    assert (few.sample_weight == 2).all()
    assert (few.l1, few.l2) == (problem.l1, problem.l2)
    assert (start.sample(problem, 100).y == few.y).all()
    assert start.sample(problem, 334) is problem


def test_misleading_sample() -> None:
    """A feature that a sample hardly sees, and a start from it that is worse than none."""
    n = 40_000
    rng = seed_of("rare")
    X = np.zeros((n, 3))
    X[:, 0] = rng.normal(size=n)
    X[:4, 1] = 1
    X[7:9, 2] = 1000
    y = np.where(rng.random(n) < 0.001, 1.0, 0.0)
    for solver in SMOOTH_SOLVERS:
        solution = solver.solve(LinearProblem(X, y, LOGISTIC, penalty=fl.L2(1e-6)), tol=1e-8)
        assert solution.converged, solution.message


# -- many parameters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_many_features(solver: Any) -> None:
    X = features(200, 1200)
    problem = LinearProblem(X, targets(LOGISTIC, X), LOGISTIC, penalty=fl.L2(0.1))
    solution = solver.solve(problem, tol=1e-5)
    assert solution.converged, solution.message
    peer = sklearn_linear.LogisticRegression(C=1 / (200 * 0.1), tol=1e-7, max_iter=10_000).fit(X, problem.y)
    theirs = problem.value(np.append(peer.coef_, peer.intercept_))
    assert solution.objective == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("loss", [SOFTMAX, fl.MultiLabelSoftMargin()], ids=lambda x: x.name)
def test_many_outputs(loss: Any) -> None:
    X = features(3000, 12)
    problem = make(loss, X, targets(loss, X, 40), 40, penalty=fl.L2(1e-3))
    found = [solver.solve(problem, tol=1e-6) for solver in (lbfgs, newton)]
    assert all(solution.converged for solution in found)
    assert found[0].objective == pytest.approx(found[1].objective, rel=1e-9)


def test_metric_is_the_inverse_hessian() -> None:
    """Of the whole matrix, and of the product where the curvature between outputs is the same for every row."""
    X = features(400, 4)
    rng = seed_of("metric")
    problem = LinearProblem(X, targets(LOGISTIC, X), LOGISTIC, penalty=fl.L2(0.1))
    theta, g = rng.normal(size=(2, 5))
    assert problem.hessian(theta) @ metric(problem, theta)(g) == pytest.approx(g, rel=0.1, abs=0.05)
    softmax = make(SOFTMAX, X, targets(SOFTMAX, X, 60), 60)
    theta = np.zeros((5, 60))
    theta[-1] = rng.normal(size=60)
    g = rng.normal(size=(5, 60))
    g -= g.mean(axis=1, keepdims=True)  # what all classes share, the softmax does not see
    assert softmax.hessian_product(theta)(metric(softmax, theta)(g)) == pytest.approx(g, rel=0.1, abs=0.05)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
@pytest.mark.parametrize(("n", "p"), [(12_000, 5), (150, 1100)], ids=["tall", "wide"])
def test_sparse_and_fortran(solver: Any, n: int, p: int) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    X = features(n, p) * (seed_of("zeros", n, p).random((n, p)) < 0.3)
    y = targets(LOGISTIC, X)
    penalty = fl.ElasticNet(0.1, 0.5) if solver is proximal else fl.L2(0.1)
    forms = (X, np.asfortranarray(X), sparse.csr_array(X))
    found = [solver.solve(LinearProblem(form, y, LOGISTIC, penalty=penalty), tol=1e-7) for form in forms]
    for solution in found:
        assert solution.converged, solution.message
        assert solution.objective == pytest.approx(found[0].objective, rel=1e-10)


# -- the contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_report_and_max_iter(solver: Any) -> None:
    X = features(300, 6)
    problem = LinearProblem(X, targets(fl.Poisson(), X), fl.Poisson(), penalty=fl.L2(1e-3))
    seen: list[tuple[int, float, float]] = []
    full = solver.solve(problem, tol=1e-8, report=lambda *facts: seen.append(facts))
    assert [i for i, *_ in seen] == list(range(1, full.n_iter + 1))
    assert seen[-1][1:] == (full.objective, full.gap)
    short = solver.solve(problem, tol=1e-8, max_iter=2)
    assert (short.n_iter, short.converged) == (2, False)
    assert "max_iter=2" in short.message
    assert f"{short.gap:.3g}" in short.message
    assert short.objective == seen[1][1]
    warm = solver.solve(problem, full.theta, tol=1e-8)
    assert (warm.n_iter, warm.converged) == (0, True)


@pytest.mark.parametrize("n", [300, 30_000], ids=["all rows", "sample"])
@pytest.mark.parametrize("at", [1, 2, 4])
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda s: s.__name__)
def test_interrupt(solver: Any, at: int, n: int) -> None:
    X = features(n, 6)
    y = targets(fl.Poisson(), X)
    calls = []

    class Interrupted(LinearProblem):
        def value_and_gradient(self, theta: Any) -> Any:
            calls.append(theta)
            if len(calls) > at:
                raise KeyboardInterrupt
            return super().value_and_gradient(theta)

    problem = Interrupted(X, y, fl.Poisson(), penalty=fl.L2(1e-3))
    solution = solver.solve(problem, tol=1e-12)
    assert not solution.converged
    assert solution.message.startswith("interrupted after")
    assert solution.objective == problem.value(solution.theta) <= problem.value(start.origin(problem))


@pytest.mark.parametrize("solver", [lbfgs, newton])
def test_l1_is_refused(solver: Any) -> None:
    problem = LinearProblem(np.ones((3, 1)), np.ones(3), fl.SquaredError(), penalty=fl.L1(0.1))
    with pytest.raises(ValueError, match=r"takes no l1 penalty: use fastloss\.linear\.proximal"):
        solver.solve(problem)


def test_newton_needs_a_hessian() -> None:
    problem = LinearProblem(np.ones((3, 1)), np.ones(3), fl.GaussianNLL(), n_outputs=2)
    with pytest.raises(ValueError, match="gaussian_nll has not: use lbfgs"):
        newton.solve(problem)


def test_nan_in_x() -> None:
    X = features(50, 2)
    X[3, 1] = np.nan
    solution = lbfgs.solve(LinearProblem(X, np.ones(50), fl.Huber()))
    assert not solution.converged
    assert "not finite" in solution.message


@pytest.mark.parametrize("loss", [for_raw_scores(name) for name in fl.list_losses()], ids=fl.list_losses())
@pytest.mark.parametrize("penalty", [fl.L1(0.1), fl.L2(0.1)], ids=lambda x: x.name)
def test_choice(loss: Any, penalty: Any) -> None:
    """Every loss has a solver; of few rows newton, where there is a Hessian, and stochastic ones of a mean alone."""
    X = features(100, 3)
    problem = make(loss, X, targets(loss, X), penalty=penalty)
    names, rules = fitting(problem), set(stochastic.RULES)
    assert choose(problem) == names[0]
    assert rules & set(names) == (rules if loss.additive else set())
    no_batches = start.starts_at_its_minimum(loss)  # which learn on the way, or not at all
    assert ("interior" in names) == (loss.piecewise_linear and not no_batches)
    if loss.piecewise_linear and not no_batches:
        assert names[0] == "interior"
    elif loss.smoothness == 0 and loss.additive:
        assert names[0] == "adam"
    elif penalty.name == "l1":
        assert names[0] == "proximal"
    else:
        assert names[0] == ("lbfgs" if loss.curvature is None else "newton")


def test_choice_of_many_rows() -> None:
    """From where on a sample is smaller than the data, lbfgs is the first."""
    X = features(2 * start.ROWS, 3)
    y = targets(fl.Huber(), X)
    for rows, first in ((slice(None), "lbfgs"), (slice(1, None), "newton")):
        problem = LinearProblem(X[rows], y[rows], fl.Huber(), penalty=fl.L2(0.1))
        assert choose(problem) == first


# -- losses that are not convex ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [400, 20_000])
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS, ids=lambda module: module.__name__)
@pytest.mark.parametrize("name", ["tukey", "welsch", "geman_mcclure", "arctan", "cauchy"])
def test_robust_losses_fit_the_bulk_and_not_a_few_samples(name: str, solver: Any, n: int) -> None:
    """Most residuals of a constant are beyond c, where the loss is flat, and a tenth of the targets are one number."""
    rng = seed_of("bulk", n)
    X = rng.normal(size=(n, 3))
    w = np.array([40.0, -20.0, 10.0])
    y = X @ w + 100 + rng.normal(size=n)
    y[: n // 10] = 300
    solution = solver.solve(LinearProblem(X, y, fl.get_loss(name, c=5.0)), tol=1e-6)
    assert solution.converged
    np.testing.assert_allclose(solution.theta, [*w, 100], atol=1)


def test_a_robust_start_needs_residuals() -> None:
    """Where most targets are one number there is no size of residuals, and a constant will do."""
    X = features(50, 2)
    y = np.where(np.arange(50) < 5, 9.0, 1.0)
    np.testing.assert_allclose(
        newton.solve(LinearProblem(X, y, fl.Welsch(c=0.1)), tol=1e-9).theta, [0, 0, 1], atol=1e-6
    )


def test_a_narrow_valley_near_the_start_is_found():
    """Far beyond it the slope is next to nothing, so that the secant alone would come nearer by tenths."""

    def evaluate(x):
        r = (x - 0.003) / 0.001
        return float(np.log1p(r @ r)), 2000 * r / (1 + r @ r)

    start = np.zeros(1)
    value, gradient = evaluate(start)
    found = wolfe(evaluate, start, value, gradient, np.ones(1), 0.0)
    assert found is not None
    assert found[1] < value
