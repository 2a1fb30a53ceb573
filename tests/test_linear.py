"""Linear problems: the passes over X are what their NumPy expressions say, for every loss, order, type and size."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from cases import DEFAULTS, data, for_classes, same_bits, seed_of

import fastloss as fl
from fastloss import backend, domains
from fastloss.linear.passes import WIDE, make_pass
from fastloss.linear.problem import LinearProblem

sparse = pytest.importorskip("scipy.sparse")

# Losses of scores that may be any numbers, which linear ones are.
OF_SCORES = [loss for loss in DEFAULTS if loss.prediction_domain == domains.ANY]
ORDERS = ("C", "F", "csr")
LOGISTIC = fl.BinaryCrossEntropy(from_logits=True)
SOFTMAX = fl.SparseCategoricalCrossEntropy(from_logits=True)
# Of a sum, in units of its magnitudes' sum: float32 rounds X W, the loss, and sums of a few hundred terms.
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}
types = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)


def matrix(rng, n, p, dtype, order):
    X = rng.normal(size=(n, p)).astype(dtype)
    if order == "csr":
        X[rng.random(X.shape) < 0.6] = 0
        return sparse.csr_array(X)
    return np.asarray(X, order=order)


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


def close(found, expected, magnitude, dtype, what, factor=1.0):
    """Within the tolerance of a sum whose terms have such a magnitude, entry by entry."""
    assert np.shape(found) == np.shape(expected), what
    with np.errstate(invalid="ignore"):
        wrong = np.abs(found - expected) > factor * TOLERANCE[dtype] * (magnitude + np.abs(expected))
    wrong |= np.isnan(found) != np.isnan(expected)  # a sum of an infinite slope of either sign
    assert not np.any(wrong), f"{what}: {np.asarray(found)[wrong][:3]} for {np.asarray(expected)[wrong][:3]}"


def check_passes(problem):
    """Each pass against NumPy's expression in float64."""
    rng = seed_of(problem.n_samples, problem.shape)
    loss, dtype, w = problem.loss, problem.dtype.type, problem.sample_weight
    X = dense(problem.X).astype(np.float64)
    ones = np.ones((problem.n_samples, 1 if problem.fit_intercept else 0))
    X1 = np.hstack([X, ones])
    theta = rng.normal(size=problem.shape) / np.sqrt(problem.n_features + 1)
    theta = theta.astype(dtype).astype(np.float64)  # as the passes round it
    z = X1 @ theta
    close(problem.scores(theta), z, np.abs(X1) @ np.abs(theta), dtype, "scores")
    z = problem.scores(theta)  # what its rounding does to a loss is not the matter here

    mean, slope = loss.value_and_gradient(problem.y, z.astype(np.float64), w)
    value, gradient = problem.value_and_gradient(theta)
    size = np.abs(loss(problem.y, z.astype(np.float64), w, reduction="none")).max(initial=0)
    close(value, mean, size, dtype, "value")
    assert problem.value(theta) == value
    close(gradient, X1.T @ slope, np.abs(X1).T @ np.abs(slope), dtype, "gradient", 4)

    slope = rng.normal(size=z.shape).astype(dtype)
    close(problem.pull_back(slope), X1.T @ slope, np.abs(X1).T @ np.abs(slope), dtype, "pull_back")
    if not loss.has_rows:
        expected, magnitude = (X1.T * slope) @ X1, (np.abs(X1).T * np.abs(slope)) @ np.abs(X1)
        close(problem.gram(slope), expected, magnitude, dtype, "gram")
    if loss.curvature is not None:
        along = rng.normal(size=problem.shape).astype(dtype)
        u = X1 @ along
        bent = loss.hessian_vector_product(problem.y, z.astype(np.float64), u, w)
        _, h = loss.gradient_and_hessian(problem.y, z.astype(np.float64), w)
        size = np.abs(h).max(axis=-1, keepdims=True) * np.abs(u).max(axis=-1, keepdims=True) if loss.has_rows else h * u
        found = problem.hessian_product(theta)(along)
        close(found, X1.T @ bent, np.abs(X1).T @ np.broadcast_to(np.abs(size), u.shape), dtype, "product", 8)


def problem_of(loss, X, rng, *, weights=False, **arguments):
    """The loss on X, with targets of its own."""
    n = X.shape[0]
    y, z = data(loss, max(n, 20), dense(X).dtype, classes=arguments.pop("classes", 3), kinks=False)
    if (
        loss.name == "reverse_kl_divergence"
    ):  # a target of 0 has an infinite slope, which a 0 of X makes NaN, or is not met
        y = (y + y.dtype.type(0.1)) / (y + y.dtype.type(0.1)).sum(axis=1, keepdims=True)
    w = rng.uniform(0, 2, n).astype(X.dtype) * (rng.random(n) < 0.9) if weights else None
    if w is not None and n:
        w[0] = 1
    columns = z.shape[1] if loss.has_rows else 1
    return LinearProblem(X, y[:n], loss, sample_weight=w, n_outputs=columns, **arguments)


@types
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("loss", OF_SCORES, ids=repr)
def test_every_loss(loss, order, dtype):
    for weights, fit_intercept in ((False, True), (True, True), (True, False)):
        rng = seed_of(loss.name, order)
        X = matrix(rng, 301, 6, dtype, order)
        problem = problem_of(loss, X, rng, weights=weights, fit_intercept=fit_intercept)
        assert problem.compiled is not None or backend.engine is None
        check_passes(problem)


@types
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("p", [1, 7, 15, 50, 1000])
def test_sizes(p, order, dtype):
    """Lengths that are no multiple of anything: of lanes, vectors, tiles, blocks, shares."""
    for n in (1, 2, 5, 63, 64, 65, 131, 1000, 3001):
        rng = seed_of(n, p)
        X = matrix(rng, n, p, dtype, order)
        check_passes(problem_of(LOGISTIC, X, rng, weights=n % 2 == 0, fit_intercept=n % 3 != 0))


@types
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("classes", [1, 2, 3, 8, 9, 10, 17, 24, 25, 48, 49, 300])
def test_classes(classes, order, dtype):
    for n, p in ((1, 3), (67, 1), (131, 7), (500, 50)):
        rng = seed_of(n, p, classes)
        X = matrix(rng, n, p, dtype, order)
        loss = for_classes(SOFTMAX, classes)
        check_passes(problem_of(loss, X, rng, weights=n == 67, fit_intercept=n != 131, classes=classes))


@types
@pytest.mark.parametrize("p", [3, 49, 90, WIDE - 1, WIDE, WIDE + 50])
@pytest.mark.parametrize("order", ORDERS)
def test_gram(p, order, dtype):
    rng = seed_of(p, order)
    X = matrix(rng, 700, p, dtype, order)
    h = rng.normal(size=700).astype(dtype)
    for fit_intercept in (True, False):
        problem = LinearProblem(X, rng.normal(size=700), fl.SquaredError(), fit_intercept=fit_intercept)
        X1 = np.hstack([dense(X), np.ones((700, 1))])[:, : p + fit_intercept].astype(np.float64)
        found = problem.gram(h)
        close(found, (X1.T * h) @ X1, (np.abs(X1).T * np.abs(h)) @ np.abs(X1), dtype, "gram", 4)
        assert (found == found.T).all()


@pytest.mark.engine
@types
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("classes", [0, 3, 40])
def test_same_bits_for_any_number_of_threads(classes, order, dtype):
    n, p = 20_011, 23
    rng = seed_of(n, p)
    X = matrix(rng, n, p, dtype, order)
    loss = SOFTMAX if classes else LOGISTIC
    y = rng.integers(0, classes or 2, n)
    w = rng.random(n)
    found = []
    for n_threads in (1, 2, 3, 4, 5):
        problem = LinearProblem(X, y, loss, sample_weight=w, n_outputs=classes or 1, n_threads=n_threads)
        theta = seed_of(p).normal(size=problem.shape) / 5
        value, gradient = problem.value_and_gradient(theta)
        results = [value, gradient, problem.scores(theta), problem.hessian_product(theta)(theta)]
        if not classes and order != "csr":
            results.append(problem.gram(problem.scores(theta)))
        found.append(results)
    for results in found[1:]:
        assert all(map(same_bits, found[0], results))


@pytest.mark.parametrize("penalty", [None, fl.L2(0.3), fl.ElasticNet(0.3, 0.5)], ids=repr)
@pytest.mark.parametrize("loss", [LOGISTIC, fl.Poisson(), fl.Huber(), SOFTMAX, fl.GaussianNLL()], ids=repr)
def test_derivatives(loss, penalty):
    rng = seed_of(loss.name)
    problem = problem_of(loss, matrix(rng, 200, 4, np.float64, "C"), rng, weights=True, penalty=penalty)
    theta, step = rng.normal(size=problem.shape) / 3, 1e-5
    gradient = problem.value_and_gradient(theta)[1]
    slopes, bends = np.empty(problem.shape), []
    for at in np.ndindex(problem.shape):
        move = np.zeros(problem.shape)
        move[at] = step
        up, down = problem.value_and_gradient(theta + move), problem.value_and_gradient(theta - move)
        slopes[at] = (up[0] - down[0]) / (2 * step)
        bends.append(((up[1] - down[1]) / (2 * step)).ravel())
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
    if loss.curvature is not None:
        product = problem.hessian_product(theta)
        columns = [product(unit.reshape(problem.shape)).ravel() for unit in np.eye(theta.size)]
        np.testing.assert_allclose(columns, bends, rtol=1e-5, atol=1e-6)
        if not loss.has_rows:
            np.testing.assert_allclose(problem.hessian(theta), columns, rtol=1e-12, atol=1e-14)
    else:
        with pytest.raises(ValueError, match="hessian_vector_product"):
            problem.hessian_product(theta)(theta)


def test_kinds_of_hessian():
    rng = seed_of("kinds")
    problem = problem_of(fl.AbsoluteError(), matrix(rng, 50, 3, np.float64, "C"), rng, penalty=fl.L2(2.0))
    theta = rng.normal(size=4)
    assert (problem.hessian(theta) == np.diag([2.0, 2.0, 2.0, 0.0])).all()
    h = problem.loss.gradient_and_hessian(problem.y, problem.scores(theta), hessian="majorize")[1]
    X1 = np.hstack([problem.X, np.ones((50, 1))])
    np.testing.assert_allclose(problem.hessian(theta, "majorize"), (X1.T * h) @ X1 + np.diag([2, 2, 2, 0]))


def test_penalties_and_the_norm_of_the_least_subgradient():
    X, y = np.eye(3), np.array([1.0, 0.0, -1.0])
    problem = LinearProblem(X, y, fl.HalfSquaredError(), penalty=fl.ElasticNet(0.6, 0.5), fit_intercept=True)
    theta = np.array([2.0, 0.0, -1.0, 0.5])
    value, gradient = problem.value_and_gradient(theta)
    residual = theta[:3] + 0.5 - y
    assert value == pytest.approx(np.square(residual).mean() / 2 + 0.15 * 5)
    assert problem.absolute(theta) == pytest.approx(0.3 * 3)
    np.testing.assert_allclose(gradient, [*(residual / 3 + 0.3 * theta[:3]), residual.mean()])
    # Of a coefficient at 0, what the kink of its l1 term does not hold.
    least = [gradient[0] + 0.3, max(abs(gradient[1]) - 0.3, 0), gradient[2] - 0.3, gradient[3]]
    assert problem.gradient_norm(theta, gradient) == pytest.approx(np.abs(least).max())
    smooth = LinearProblem(X, y, fl.HalfSquaredError(), penalty=fl.L2(0.3))
    assert smooth.gradient_norm(theta, gradient) == np.abs(gradient).max()
    assert smooth.absolute(theta) == 0


@pytest.mark.parametrize("order", ORDERS)
def test_a_subset_is_what_weights_of_zero_leave(order):
    rng = seed_of("subset")
    X = matrix(rng, 400, 5, np.float64, order)
    whole = problem_of(SOFTMAX, X, rng, weights=True, penalty=fl.L2(0.1))
    kept = rng.random(400) < 0.5
    part = whole.subset(kept)
    masked = LinearProblem(
        X, whole.y, SOFTMAX, sample_weight=whole.sample_weight * kept, penalty=fl.L2(0.1), n_outputs=whole.n_outputs
    )
    theta = rng.normal(size=whole.shape)
    for a, b in zip(part.value_and_gradient(theta), masked.value_and_gradient(theta), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert part.n_samples == kept.sum()


def test_a_weight_of_zero_leaves_out_a_row_that_holds_nan():
    rng = seed_of("nan")
    X = rng.normal(size=(100, 4))
    y = rng.normal(size=100)
    theta = rng.normal(size=5)
    w = np.ones(100)
    w[7] = 0
    y[7] = np.nan
    problem = LinearProblem(X, y, fl.Huber(), sample_weight=w)
    value, gradient = problem.value_and_gradient(theta)
    expected, slope = problem.subset(w > 0).value_and_gradient(theta)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-13)


def test_float32_sums_keep_their_digits():
    """Slopes of one sign, a million of them: added as float32 they would lose three digits."""
    n = 1_000_003
    X = np.full((n, 2), 0.1, np.float32)
    for order in "CF":
        problem = LinearProblem(np.asarray(X, order=order), np.full(n, 3.0), fl.HalfSquaredError())
        value, gradient = problem.value_and_gradient(np.zeros(3))
        assert value == pytest.approx(4.5, rel=1e-7)
        np.testing.assert_allclose(gradient, [-0.3, -0.3, -3.0], rtol=1e-6)
        np.testing.assert_allclose(problem.gram(np.ones(n, np.float32))[:2, :2], 0.01 * n, rtol=1e-6)


# -- what may come in -------------------------------------------------------------------------------------------------


@types
def test_what_the_engine_does_not_fuse_is_computed_all_the_same(dtype):
    rng = seed_of("plain")
    X, y, theta = rng.normal(size=(90, 4)).astype(dtype), rng.normal(size=90), rng.normal(size=5)
    mixed = 0.5 * fl.Huber() + 2.0 * fl.LogCosh()
    for loss in (fl.RootMeanSquaredError(), mixed, fl.Poisson(link="identity")):
        problem = LinearProblem(X, np.abs(y), loss)
        at = np.array([0, 0, 0, 0, 3.0]) if loss.name == "poisson" else theta
        assert problem.compiled is None
        z = X @ at[:4] + at[4]
        value, slope = loss.value_and_gradient(np.abs(y), z)
        found, gradient = problem.value_and_gradient(at)
        assert found == pytest.approx(value, rel=1e-5)
        np.testing.assert_allclose(gradient, [*(slope @ X), slope.sum()], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        LinearProblem(X, y, mixed).hessian_product(theta)(theta),
        0.5 * LinearProblem(X, y, fl.Huber()).hessian_product(theta)(theta)
        + 2.0 * LinearProblem(X, y, fl.LogCosh()).hessian_product(theta)(theta),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("loss", [LOGISTIC, SOFTMAX], ids=repr)
def test_layouts_of_X(loss):
    """Strided, longdouble, read-only, memory-mapped; sparse with int64 indices, as a matrix, of any format."""
    rng = seed_of("layouts")
    plain = rng.normal(size=(80, 6))
    wide = np.zeros((80, 12))
    wide[:, ::2] = plain
    read_only = plain.copy()
    read_only.flags.writeable = False
    long_indices = sparse.csr_array(plain)
    long_indices.indices, long_indices.indptr = (
        a.astype(np.int64) for a in (long_indices.indices, long_indices.indptr)
    )
    layouts = [wide[:, ::2], plain.astype(np.longdouble), read_only, np.asfortranarray(plain), long_indices]
    layouts += [sparse.csr_matrix(plain), sparse.csc_array(plain)]
    one = problem_of(loss, plain, rng)
    theta = rng.normal(size=one.shape)
    value, gradient = one.value_and_gradient(theta)
    for X in layouts:
        problem = LinearProblem(X, one.y, loss, n_outputs=one.n_outputs)
        found = problem.value_and_gradient(theta)
        assert found[0] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(found[1].astype(np.float64), gradient, rtol=1e-10, atol=1e-14)
        if not loss.has_rows:
            np.testing.assert_allclose(problem.hessian(theta), one.hessian(theta), rtol=1e-10, atol=1e-14)


@pytest.mark.engine
def test_bad_data_is_refused_once_and_by_name():
    X = np.ones((5, 2))
    with pytest.raises(ValueError, match=r"y_true\[3\] is 2"):
        LinearProblem(X, np.array([0, 1, 1, 2, 0]), LOGISTIC)
    with pytest.raises(ValueError, match=r"y_true\[2\] is 3: expected an integer label in 0..2"):
        LinearProblem(X, np.array([0, 1, 3, 2, 0]), SOFTMAX, n_outputs=3)
    with pytest.raises(ValueError, match=r"sample_weight\[1\] is -1"):
        LinearProblem(X, np.zeros(5), fl.Huber(), sample_weight=np.array([1.0, -1.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="sample_weight has shape"):
        LinearProblem(X, np.zeros(5), fl.Huber(), sample_weight=np.ones(4))
    with pytest.raises(ValueError, match="shapes must be equal"):
        LinearProblem(X, np.zeros(4), fl.Huber())
    with pytest.raises(ValueError, match="total weight is zero"):
        LinearProblem(X, np.zeros(5), fl.Huber(), sample_weight=np.zeros(5))
    with pytest.raises(ValueError, match="there are no samples"):
        LinearProblem(X[:0], np.zeros(0), fl.Huber())
    two = fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=(1.0, 2.0))
    with pytest.raises(ValueError, match="class_weight has 2 entries"):
        LinearProblem(X, np.zeros(5, int), two, n_outputs=3)
    with pytest.raises(ValueError, match="n_threads"):
        LinearProblem(X, np.zeros(5), fl.Huber(), n_threads=0)
    wrong = sparse.csr_array(X)
    wrong.indices[3] = 7
    with pytest.raises(ValueError, match="ind"):
        LinearProblem(wrong, np.zeros(5), fl.Huber())


@pytest.mark.parametrize("loss", [fl.Huber(), SOFTMAX], ids=repr)
def test_no_features(loss):
    rng = seed_of("none")
    problem = problem_of(loss, np.empty((30, 0)), rng)
    theta = rng.normal(size=problem.shape)
    check_passes(problem)
    assert problem.value_and_gradient(theta)[1].shape == problem.shape


def test_nothing_to_fit():
    X, y = np.empty((5, 0)), np.zeros(5)
    with pytest.raises(ValueError, match=r"X has shape \(5, 0\) and there is no intercept: there is nothing to fit"):
        LinearProblem(X, y, fl.Huber(), fit_intercept=False)


@pytest.mark.engine
def test_a_gram_matrix_of_no_columns():
    compiled = make_pass(fl.Huber(), np.empty((5, 0)), np.zeros(5), None, (5,), False, None)
    assert compiled.gram(np.ones(5)).shape == (0, 0)


@pytest.mark.parametrize("order", ORDERS)
def test_coefficients_of_another_size_are_refused(order):
    problem = problem_of(fl.Huber(), matrix(seed_of("size"), 20, 3, np.float64, order), seed_of("size"))
    for theta in (np.ones(3), np.ones(5), np.ones((4, 1))):
        for one_pass in (problem.value, problem.value_and_gradient, problem.scores, problem.hessian):
            with pytest.raises(ValueError, match=r"theta has shape .*: expected \(4,\)"):
                one_pass(theta)


def test_weights_whose_total_overflows():
    with pytest.raises(ValueError, match="sample_weight sums to inf: divide the weights by their largest"):
        LinearProblem(np.ones((120, 2)), np.zeros(120), fl.Huber(), sample_weight=np.full(120, 1e307))
    with pytest.raises(ValueError, match="sample_weight sums to inf: divide"):
        LinearProblem(np.ones((120, 2)), np.zeros(120), fl.RootMeanSquaredError(), sample_weight=np.full(120, 1e307))


def test_kinds_of_ndarray(tmp_path):
    X, y = seed_of("kinds").normal(size=(30, 3)), np.ones(30)
    mapped = np.memmap(tmp_path / "X", np.float64, "w+", shape=X.shape)
    mapped[:] = X
    theta = np.arange(4.0)
    expected = LinearProblem(X, y, fl.Huber()).value_and_gradient(theta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        kinds = (mapped, np.matrix(X))
    for given in kinds:
        problem = LinearProblem(given, y, fl.Huber())
        assert np.shares_memory(problem.X, given)
        value, gradient = problem.value_and_gradient(theta)
        assert value == expected[0]
        np.testing.assert_array_equal(gradient, expected[1])
    with pytest.raises(TypeError, match="X is a masked array"):
        LinearProblem(np.ma.masked_invalid(X), y, fl.Huber())


def test_checks_of_finite_numbers_are_kept():
    fl.set_check_finite(True)
    X = np.ones((5, 2))
    X[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"y_pred\[2\] is nan"):
        LinearProblem(X, np.zeros(5), fl.Huber()).value(np.ones(3))


def test_python_threads_share_a_problem():
    rng = seed_of("shared")
    problem = problem_of(SOFTMAX, matrix(rng, 5000, 20, np.float64, "C"), rng)
    thetas = [rng.normal(size=problem.shape) for _ in range(6)]
    alone = [problem.value_and_gradient(theta) for theta in thetas]
    found = [None] * len(thetas)

    def work(i):
        for _ in range(20):
            found[i] = problem.value_and_gradient(thetas[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(thetas))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(a[0] == b[0] and same_bits(a[1], b[1]) for a, b in zip(alone, found, strict=True))


def test_without_the_engine(fresh):
    code = """
import numpy as np, fastloss as fl
from fastloss.linear.problem import LinearProblem
rng = np.random.default_rng(0)
X, y, theta = rng.normal(size=(60, 3)), rng.integers(0, 3, 60), rng.normal(size=(4, 3))
problem = LinearProblem(X, y, fl.SparseCategoricalCrossEntropy(from_logits=True), n_outputs=3, penalty=fl.L2(0.1))
value, gradient = problem.value_and_gradient(theta)
print(value, *gradient.ravel(), *problem.hessian_product(theta)(theta).ravel())
"""
    plain, compiled = (np.array(fresh(code, FASTLOSS_BACKEND=name).split(), float) for name in ("numpy", None))
    np.testing.assert_allclose(plain, compiled, rtol=1e-12)
