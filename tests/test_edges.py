"""Edges that once gave wrong results silently: each line was a bug."""

import copy
import math

import numpy as np
import pytest
from bounds import ulp_error

import fastloss as fl
from fastloss.reference import Runner

INF, NAN = math.inf, math.nan
Sparse = fl.SparseCategoricalCrossEntropy


def _on_reference(loss):
    other = copy.copy(loss)
    object.__setattr__(other, "_runner", Runner(other))
    return other


BACKENDS = pytest.mark.parametrize("backend", [lambda loss: loss, _on_reference], ids=["engine", "reference"])


@BACKENDS
@pytest.mark.parametrize(
    ("loss", "y", "z"),
    [
        (fl.BinaryCrossEntropy(), [1.0], [-0.0]),
        (fl.BinaryFocal(), [1.0], [-0.0]),
        (fl.BinaryFocal(gamma=0.0), [1.0], [-0.0]),
        (fl.Poisson(link="identity"), [1.0], [-0.0]),
        (Sparse(), [0], [[-0.0, 1.0]]),
        (fl.KLDivergence(), [[1.0, 0.0]], [[-0.0, 1.0]]),
    ],
    ids=repr,
)
def test_minus_zero_is_zero(loss, y, z, backend):
    loss = backend(loss)
    got = loss.gradient_and_hessian(y, z, reduction="none")
    want = loss.gradient_and_hessian(y, np.abs(z), reduction="none")
    assert all(map(np.array_equal, got, want))
    assert got[0].ravel()[0] == -INF


@BACKENDS
@pytest.mark.parametrize(
    ("loss", "y", "z"),
    [
        (fl.Poisson(), np.float32([10]), np.float32([1e38])),
        (fl.Poisson(), [1.0], [INF]),
        (fl.Poisson(link="identity"), [1.0], [INF]),
        (fl.Gamma(), [1.0], [-INF]),
    ],
    ids=repr,
)
def test_infinitely_bad_is_infinite(loss, y, z, backend):
    assert backend(loss)(y, z) == INF


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_of_a_normal_distribution(dtype, backend):
    """Widths of 0 and infinity, at the target and beside it; a distance so great or small that its square is none."""
    nll, crps = backend(fl.GaussianNLL()), backend(fl.GaussianCRPS())
    rows = np.array([[0, -INF], [1, -INF], [1, INF], [INF, 0], [-INF, 1]], dtype)
    y = np.zeros(5, dtype)
    value, gradient = nll.value_and_gradient(y, rows, reduction="none")
    assert value.tolist() == [-INF, INF, INF, INF, INF]
    assert gradient.tolist() == [[0, 1], [INF, -INF], [0, 1], [INF, -INF], [-INF, -INF]]
    value, gradient = crps.value_and_gradient(y, rows, reduction="none")
    hessian = crps.gradient_and_hessian(y, rows, reduction="none")[1]
    assert value.tolist() == [0, 1, INF, INF, INF]
    assert gradient[:, 0].tolist() == [0, 1, 0, 1, -1]
    assert gradient[:2, 1].tolist() == [0, 0]
    assert hessian[:, 0].tolist() == [INF, 0, 0, 0, 0]
    for row, target in (([NAN, 0], 0), ([0, NAN], 0), ([0, 0], NAN), ([0, NAN], NAN)):
        for loss in (nll, crps):
            for kind in loss.hessian_kinds[:2]:
                results = loss.gradient_and_hessian([target], np.array([row], dtype), reduction="none", hessian=kind)
                assert np.isnan(results).all(), (loss, row, target, kind)
            assert np.isnan(loss([target], np.array([row], dtype), reduction="none"))


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_a_distance_whose_square_overflows_beside_a_width_that_does(dtype, far):
    s = dtype(np.log(far))
    for loss in (fl.GaussianNLL(), fl.GaussianCRPS()):
        for r, row in ((far, s), (1 / far, -s)):
            got = loss.gradient_and_hessian([0], np.array([[r, row]], dtype), reduction="none")
            near = loss.gradient_and_hessian([0.0], [[1.0, 0.0]], reduction="none")
            assert got[0][0, 0] * np.exp(np.longdouble(row)) ** (loss.name == "gaussian_nll") == pytest.approx(
                near[0][0, 0], rel=1e-4
            )
            assert loss([0], np.array([[r, row]], dtype), reduction="none") != INF


@BACKENDS
@pytest.mark.parametrize(
    ("loss", "y", "z", "want"),
    [
        (fl.SquaredError(), [1.0, NAN], [0.0, 0.5], 1.0),
        (fl.BinaryCrossEntropy(), [1.0, 1.0], [0.5, 0.0], math.log(2)),
        (Sparse(from_logits=True), [1, 0], [[0.0, 0.0], [NAN, INF]], math.log(2)),
        (fl.KLDivergence(from_logits=True), [[0.0, 1.0]] * 2, [[0.0, 0.0], [NAN, 1.0]], math.log(2)),
    ],
    ids=repr,
)
def test_weight_zero_leaves_out_whatever_is_there(loss, y, z, want, backend):
    loss = backend(loss)
    value, gradient = loss.value_and_gradient(y, z, [1.0, 0.0])
    assert value == pytest.approx(want, rel=1e-15)
    assert (gradient[1] == 0).all()
    for part in loss.gradient_and_hessian(y, z, [1.0, 0.0]):
        assert np.isfinite(part).all()
        assert (part[1] == 0).all()


@BACKENDS
def test_alpha_zero_is_nothing(backend):
    assert backend(fl.BinaryFocal(alpha=0.0, from_logits=True))([1], [-INF]) == 0
    for gamma in (0.0, 0.5, 1.0, 2.0):
        gradient, hessian = backend(fl.BinaryFocal(gamma, alpha=0.0)).gradient_and_hessian([1, 1], [0.0, 1.0])
        assert not gradient.any()
        assert not hessian.any()


def test_large_float32_values_do_not_overflow_the_sum():
    for n in (16, 64, 1000):
        value = fl.AbsoluteError()(np.zeros(n, "f4"), np.full(n, 2e38, "f4"))
        assert value == pytest.approx(float(np.float32(2e38)), rel=1e-12)


def test_nan_target_keeps_its_curvature_nan():
    for loss in (fl.SquaredError(), fl.HalfSquaredError(), fl.Huber()):
        for kind in loss.hessian_kinds:
            assert np.isnan(loss.gradient_and_hessian([NAN], [1.0], hessian=kind)[1]).all(), (loss, kind)


def test_sums_of_losses_are_losses():
    nested = fl.WeightedSum([2.0 * fl.SquaredError() + fl.AbsoluteError(), fl.Huber()], [1.0, 1.0])
    accumulator = nested.accumulator()
    accumulator.update([0.0], [3.0])
    assert accumulator.value() == nested([0.0], [3.0]) == 18 + 3 + 2.5
    assert eval(repr(nested), vars(fl)) == nested
    scalar = (0.5 * fl.Huber()).gradient(np.array(1.0), np.array(2.0), out=np.array(0.0))
    assert scalar.shape == ()
    assert isinstance((0.5 * fl.Huber()).gradient(np.array(1.0), np.array(2.0)), np.ndarray)


@pytest.mark.parametrize(
    ("loss", "y", "want"),
    [
        (1.0 * fl.Poisson(), [100.0, 200.0], math.log(150)),
        (0.5 * fl.Gamma() + 0.5 * fl.Poisson(), [0.1, 0.2], math.log(0.15)),
        (1.0 * Sparse(from_logits=True), [0, 1, 1], np.log([1 / 3, 2 / 3])),
        (Sparse(ignore_index=255, from_logits=True), [0, 1, 1, 255], np.log([1 / 3, 2 / 3])),
        (fl.BinaryFocal(from_logits=True), [1, 1], INF),
        (fl.BinaryFocal(from_logits=True), [0, 0], -INF),
        (fl.BinaryFocal(), [0, 0], 0.0),
        (fl.AbsoluteError(), [1.0, NAN, 2.0], NAN),
    ],
    ids=str,
)
def test_optimum_of(loss, y, want):
    assert loss.optimum(y) == pytest.approx(want, rel=1e-9, nan_ok=True)


def test_optimum_of_nothing_raises():
    with pytest.raises(ValueError, match="every row is ignored"):
        Sparse(ignore_index=-1).optimum([-1, -1])
    with pytest.raises(ValueError, match="sum of losses over classes"):
        (fl.CategoricalCrossEntropy() + fl.KLDivergence()).optimum([[0.5, 0.5]])


def test_copied_accumulators_are_apart():
    first = fl.SquaredError().accumulator()
    first.update([0.0], [1.0])
    second = copy.copy(first)
    second.update([0.0], [3.0])
    assert (first.value(), second.value()) == (1.0, 5.0)
    for _ in range(2):
        first.update([0.0], [1.2e154])
    assert first.value("sum") == INF


def test_out_may_be_a_subclass_and_overlap_is_seen_through_other_types():
    huber = fl.Huber()
    out = np.zeros(2).view(type("Sub", (np.ndarray,), {}))
    assert huber.gradient([0.0, 0.0], [0.5, 2.0], out=out, reduction="sum") is out
    assert out.tolist() == [0.5, 1.0]
    target = np.zeros(2)
    with pytest.raises(ValueError, match="out overlaps y_true"):
        huber.gradient(memoryview(target), [0.5, 2.0], out=target)
    with pytest.raises(TypeError, match=r"out\[0\] is NoneType"):
        huber.gradient_and_hessian([0.0], [1.0], out=(None, np.zeros(1)))


@pytest.mark.parametrize("parameter", [1e-50, 1e50])
def test_a_parameter_beyond_float32(parameter):
    """It becomes the nearest number that is none of 0 and infinity."""
    y, z = np.zeros(4, np.float32), np.array([0.0, 1.0, -2.0, np.inf], np.float32)
    for loss in (fl.SmoothL1(parameter), fl.Huber(parameter)):
        with np.errstate(all="ignore"):
            value, gradient, _ = loss.reference(y.astype(np.float64), z.astype(np.float64))
        gradient = np.minimum(gradient, np.finfo(np.float32).max)
        got = loss.value_and_gradient(y, z, reduction="none")
        assert np.allclose(got[0], value, rtol=1e-6, atol=1e-38)
        assert np.allclose(got[1], gradient, rtol=1e-6, atol=1e-38)


@pytest.mark.parametrize("weight", [1e-42, 1e38])
def test_a_mean_of_extreme_weights(weight):
    """Neither the weight nor 1 / total weight is a normal float32; their product is."""
    w = np.full(100, weight, np.float32)
    y, z = np.zeros(100, np.float32), np.ones(100, np.float32)
    value, gradient = fl.SquaredError().value_and_gradient(y, z, w)
    assert value == pytest.approx(1)
    assert np.allclose(gradient, 0.02, rtol=1e-6)
    logits = np.zeros((100, 3), np.float32)
    loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
    gradient = loss.gradient(np.zeros(100, np.int64), logits, w)
    assert gradient[0] == pytest.approx([-2 / 300, 1 / 300, 1 / 300], rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_majorizer_of_cross_entropy_at_a_huge_score(dtype):
    """tanh(z/2) / (2 z), without 2 z."""
    z = np.array([0.75 * np.finfo(dtype).max], dtype)
    loss = fl.BinaryCrossEntropy(from_logits=True)
    _, bound = loss.gradient_and_hessian(np.zeros(1, dtype), z, hessian="majorize", reduction="none")
    assert bound[0] > 0


def test_a_certain_row_has_gradient_plus_zero():
    gradient = fl.SparseCategoricalCrossEntropy(from_logits=True).gradient([0], [[3.0]])
    assert not np.signbit(gradient).any()


@pytest.mark.parametrize("classes", [3, 10, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_beside_the_label_shows_in_the_value(classes, dtype):
    """From probabilities the value is that of the label alone; a NaN in the row shows all the same."""
    p = np.full((20, classes), 1 / classes, dtype)
    p[7, 1] = np.nan
    loss = fl.SparseCategoricalCrossEntropy()
    value = loss(np.zeros(20, int), p, reduction="none")
    assert np.isnan(value[7])
    assert np.isfinite(np.delete(value, 7)).all()


def test_weights_that_are_a_view_of_the_targets_are_checked_as_weights():
    """One address, two types: bytes of 200 are good counts, and as signed numbers bad weights."""
    y, z = np.full(64, 200, np.uint8), np.zeros(64)
    with pytest.raises(ValueError, match=r"sample_weight\[0\] is -56"):
        fl.Poisson()(y, z, y.view(np.int8), reduction="sum")
    counts = np.full(64, 2, np.int8)
    counts[2] = -1  # a bad count
    with pytest.raises(ValueError, match=r"y_true\[2\]"):
        fl.Poisson()(counts, z, counts.view(np.uint8), reduction="sum")


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("power", "y", "value", "gradient", "exact", "fisher"),
    [
        (0.0, 0.0, 0, 0, 1, 1),
        (0.0, 2.0, 0, -2, 1, 1),
        (0.0, -2.0, 0, 2, 1, 1),
        (-0.5, 2.0, 0, 0, -INF, 0),
        (-1.0, 0.0, 0, 0, 0, 0),
        (-1.0, 2.0, 0, 0, -2, 0),
        (-2.0, 2.0, 0, 0, 0, 0),
        (1.5, 0.0, 0, INF, -INF, INF),
        (1.5, 2.0, INF, -INF, INF, INF),
        (2.0, 2.0, INF, -INF, INF, INF),
        (3.0, 2.0, INF, -INF, INF, INF),
        (5.0, 2.0, INF, -INF, INF, INF),
    ],
)
def test_tweedie_at_a_mean_of_zero(power, y, value, gradient, exact, fisher, dtype, backend):
    """As mu tends to 0; and a target of any sign where p <= 0."""
    loss = backend(fl.Tweedie(power, link="identity"))
    for mu in (0.0, -0.0):
        args = np.array([y], dtype), np.array([mu], dtype)
        assert loss(*args, reduction="none") == value
        for kind, curvature in (("exact", exact), ("fisher", fisher)):
            assert [float(x[0]) for x in loss.gradient_and_hessian(*args, hessian=kind)] == [gradient, curvature]


@BACKENDS
@pytest.mark.parametrize(
    ("power", "mu", "want"), [(-1.0, 1e20, INF), (-1.0, INF, INF), (0.0, INF, INF), (5.0, 1e-30, INF)]
)
def test_tweedie_where_both_powers_are_infinite(power, mu, want, backend):
    assert backend(fl.Tweedie(power, link="identity"))(np.float32([1]), np.float32([mu])) == want


def test_the_reference_at_far_points_and_next_to_whole_parameters():
    """What the engine has, in float32 too, and without a warning of NumPy's."""
    far, zero = np.float32([1e30, -1e30]), np.zeros(2, "f4")
    for loss, z in (
        (fl.GeneralRobust(alpha=0.25), far),
        (fl.GeneralRobust(alpha=1.0), np.float32([INF, -INF])),
        (fl.SquaredError(), far),
        (fl.Lq(1 + 1e-12), np.float32([0.5, 2.0])),
    ):
        for got, want in zip(
            (_on_reference(loss)(zero, z, reduction="none"), *_on_reference(loss).gradient_and_hessian(zero, z)),
            (loss(zero, z, reduction="none"), *loss.gradient_and_hessian(zero, z)),
            strict=True,
        ):
            np.testing.assert_allclose(got, want, rtol=1e-5)
    tweedie = fl.Tweedie(power=1 + 1e-9)
    ones, z = np.ones(2, "f4"), np.float32([0.5, 2])
    np.testing.assert_allclose(
        _on_reference(tweedie)(ones, z, reduction="none"), tweedie(ones, z, reduction="none"), rtol=1e-5
    )


@pytest.mark.parametrize("c", [1e-200, 1e-320, 1e160, 1e300])
def test_a_scale_whose_square_is_out_of_range(c):
    assert fl.GeneralRobust(alpha=-INF, c=c)([0.0, 0.0], [0.0, c]) == pytest.approx(-math.expm1(-0.5) / 2, rel=1e-3)


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("theta", [1e-4, 1e-12, 1e-30, 1e-42, 1e-60, 1e-310])
def test_a_small_overdispersion_leaves_all_digits(theta, dtype, backend):
    """theta mu without digits left, 1/theta infinite, theta itself 0 in float32."""
    loss, LONG = fl.NegativeBinomial(theta), np.longdouble
    y, z = (x.ravel().astype(dtype) for x in np.meshgrid([0, 1, 3.5, 1e6], [-80, -50, -20, -3, 0.1, 9, 40, 80]))
    mu, T = np.exp(z.astype(LONG)), LONG(theta) * np.exp(z.astype(LONG))
    per_T = np.where(T > 1e-12, np.log1p(T) / T, 1 - T / 2)  # log1p(T)/T
    value = mu * per_T + y * (T * per_T - z.astype(LONG))
    gradient, hessian = (mu - y) / (1 + T), (mu + y * T) / (1 + T) ** 2
    about = 1 + np.where(T >= 1, np.abs(np.log(LONG(theta))), 0)  # from there the score is z + log(theta), rounded
    got = backend(loss)(y, z, reduction="none"), *backend(loss).gradient_and_hessian(y, z, reduction="none")
    scales = mu * per_T + np.abs(y * z) + y * T * per_T, np.maximum(mu, y) / (1 + T), hessian
    fisher = backend(loss).gradient_and_hessian(y, z, reduction="none", hessian="fisher")[1]
    for x, want, scale in zip((*got, fisher), (value, gradient, hessian, mu / (1 + T)), (*scales, mu), strict=True):
        assert x.dtype == dtype
        assert ulp_error(x, want, scale * about).max() < 2.5


def test_a_large_overdispersion_in_float32():
    for theta in (1e30, 1e39, 1e60):
        value, gradient = fl.NegativeBinomial(theta).value_and_gradient(np.float32([0, 3]), np.float32([2, -2]))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@BACKENDS
@pytest.mark.parametrize("margin", [1e-50, 1e-44])
def test_a_margin_that_float32_rounds_to_zero(margin, backend):
    y, z = np.repeat(np.float32([0, 1]), 8), np.tile(np.float32([-110, -90, -20, -1, 0.5, 20, 90, 110]), 2)
    loss, plain = backend(fl.AsymmetricFocal(margin=margin)), fl.AsymmetricFocal(margin=0.0)
    for got, want in zip(
        (loss(y, z, reduction="none"), *loss.gradient_and_hessian(y, z, reduction="none")),
        (plain(y, z, reduction="none"), *plain.gradient_and_hessian(y, z, reduction="none")),
        strict=True,
    ):
        inside = z < (10 if backend is _on_reference else 80)  # beyond, 1 - sigmoid(z) meets rounding, or the margin
        np.testing.assert_allclose(got[inside], want[inside], rtol=1e-5, atol=1e-30)
        assert np.isfinite(got).all() or backend is _on_reference


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_percentages_of_subnormal_targets(dtype, backend):
    """1/y is infinite there, |r|/y is not."""
    loss, least = backend(fl.AbsolutePercentageError()), np.finfo(dtype).smallest_subnormal
    y = np.array([least, 5 * least, 5 * least], dtype)
    assert loss(y, np.array([0, 0, 20 * least], dtype), reduction="none").tolist() == [1, 1, 3]


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_symmetric_percentages_at_the_ends_of_the_range(dtype, backend):
    loss, most = backend(fl.SymmetricAbsolutePercentageError()), np.finfo(dtype).max
    tiny = np.finfo(dtype).smallest_subnormal
    y = np.array([1, 0.5, 1, -1, -0.5, 0, 1], dtype) * most
    z = np.array([1, 1, 0.75, 1, -1, 1, 0], dtype) * most
    args = np.append(y, [tiny, 3 * tiny, 1, -1]).astype(dtype), np.append(z, [3 * tiny, tiny, INF, INF]).astype(dtype)
    value = [0, 2 / 3, 2 / 7, 2, 2 / 3, 2, 2, 1, 1, 2, 2]
    np.testing.assert_allclose(loss(*args, reduction="none"), value, rtol=1e-6)
    gradient, hessian = loss.gradient_and_hessian(*args, reduction="none")
    with np.errstate(over="ignore"):  # of 4 |y| / s^2
        want = np.array([0, 8 / 9, -64 / 49, 0, -8 / 9, 0, 0]) / np.longdouble(most)
    assert ulp_error(gradient[:7], want).max() <= 2
    assert (hessian[:7] == 0).all()
    assert gradient[9:].tolist() == [0, 0]
    assert np.isnan(loss(dtype([1]), dtype([NAN])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squared_log_error_over_the_whole_range(dtype):
    """Beside -1, beside the target, and where quotients and powers of two are out of range."""
    eps, most = np.finfo(dtype).eps, np.finfo(dtype).max
    ends = [
        -1 + eps,
        -1 + 3 * eps,
        -0.75,
        -0.5,
        -0.3,
        -1e-6,
        -1e-30,
        0,
        1e-30,
        1e-8,
        0.3,
        1,
        1.5,
        7,
        1e9,
        most / 2,
        most,
    ]
    y, z = (x.ravel().astype(dtype) for x in np.meshgrid(ends, ends))
    few = y[np.abs(y) < 1e10]
    y, z = np.append(y, few), np.append(z, np.nextafter(few, dtype(INF)))
    t, s = 1 + z.astype(np.longdouble), 1 + y.astype(np.longdouble)
    r = (z.astype(np.longdouble) - y) / s
    quotient = np.where(np.abs(r) < 0.25, np.log1p(np.clip(r, -0.5, 0.5)), np.log(t) - np.log(s))
    value, gradient = fl.SquaredLogError().value_and_gradient(y, z, reduction="none")
    assert ulp_error(value, quotient**2 / 2).max() < 2
    assert ulp_error(gradient, quotient / t).max() < 2
    args = np.array([1, 1, 1], dtype), np.array([-1, INF, NAN], dtype)
    assert np.array_equal(fl.SquaredLogError()(*args, reduction="none"), [INF, INF, NAN], equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("q", [0.25, 0.7, 1.0])
def test_generalized_cross_entropy_of_small_probabilities(q, dtype):
    """-p^(q - 1) and (1 - q) p^(q - 2): p^q and 1/p^2 alone may be out of range."""
    p = np.array([0.0, 1e-30, 1e-25, 1e-20, 1e-3], dtype)
    g, h = fl.GeneralizedCrossEntropy(q=q).gradient_and_hessian(
        np.zeros(5, int), np.stack([p, 1 - p], axis=1), reduction="none"
    )
    with np.errstate(all="ignore"):
        exact = p.astype(np.longdouble)
        slope, bend = -(exact ** np.longdouble(q - 1)), (1 - q) * exact ** np.longdouble(q - 2) if q < 1 else 0 * exact
        for mine, want in ((g[:, 0], slope), (h[:, 0], bend)):
            np.testing.assert_allclose(mine, want.astype(dtype), rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    "loss",
    [
        fl.Cauchy(c=0.25),
        fl.Fair(c=0.25),
        fl.SmoothQuantile(width=0.125),
        fl.PseudoHuber(delta=0.25),
        fl.GeneralRobust(0.5),
        fl.GeneralRobust(1.0, c=3.0),
        fl.GeneralRobust(0.0, c=3.0),
    ],
    ids=repr,
)
def test_a_value_is_finite_where_only_the_residual_in_units_of_the_scale_is_not(loss):
    r = np.array([-3e38, -2e20, 1e30, 1.5e38, 3e38], np.float32)
    zeros = np.zeros_like(r)
    wide = loss.value_and_gradient(zeros.astype(np.float64), r.astype(np.float64), reduction="none")
    for mine, want in zip(loss.value_and_gradient(zeros, r, reduction="none"), wide, strict=True):
        assert np.isfinite(mine).all()
        assert ulp_error(mine, want.astype(np.longdouble)).max() < 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("c", [0.75, 3.0])
@pytest.mark.parametrize("loss", [fl.Tukey, fl.Welsch, fl.Cauchy], ids=lambda loss: loss.name)
def test_derivatives_keep_their_digits_near_the_end_and_far_out(loss, c, dtype):
    u = np.array([0.9, 0.99, 0.9999, 0.99999, 1.00001, 1.001, 3.0, 6.0, 9.0])
    r = (u * c).astype(dtype)
    g, h = loss(c).gradient_and_hessian(np.zeros_like(r), r, reduction="none")
    x = r.astype(np.longdouble) / np.longdouble(c)
    below = (c - r.astype(np.longdouble)) * (c + r.astype(np.longdouble)) / np.longdouble(c) ** 2  # 1 - x^2
    inside = np.maximum(below, 0)
    want_g, want_h = {
        "tukey": (r * inside**2, inside * (1 - 5 * x**2)),
        "welsch": (r * np.exp(-(x**2)), (1 - 2 * x**2) * np.exp(-(x**2))),
        "cauchy": (r / (1 + x**2), below / (1 + x**2) ** 2),
    }[loss.name]
    assert ulp_error(g, want_g).max() < 4
    assert ulp_error(h, want_h).max() < 4


@BACKENDS
@pytest.mark.parametrize(("alpha", "most"), [(-2.0, 2.0), (-0.5, 5.0), (0.0, INF), (0.5, INF), (1.0, INF), (2.0, INF)])
def test_general_robust_of_an_infinite_residual(alpha, most, backend):
    loss = backend(fl.GeneralRobust(alpha, 1.3))
    assert loss([0.0, 0.0], [INF, -INF], reduction="none").tolist() == pytest.approx([most, most])


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_majorizer_of_smooth_quantile_at_the_ends_of_the_range(dtype, backend):
    """tanh(r/2h)/2r, also where r/h overflows; 1/4h at a residual that is subnormal."""
    info, h = np.finfo(dtype), 2.0**-10
    loss, r = backend(fl.SmoothQuantile(0.25, h)), np.array([info.smallest_subnormal, info.max / 8], dtype)
    _, bound = loss.gradient_and_hessian(np.zeros_like(r), r, hessian="majorize", reduction="none")
    assert bound.tolist() == pytest.approx([1 / (4 * h), 4 / float(info.max)], rel=1e-6, abs=0)


@pytest.mark.parametrize(("dtype", "c", "r"), [(np.float32, 8e17, 4.9e34), (np.float64, 1e114, 2.5e252)])
def test_gradient_of_geman_mcclure_far_beyond_a_large_scale(dtype, c, r):
    """c^4/r^3: a number, though c^2/r^2 to some power is none."""
    c, r = dtype(c), dtype(r)
    want = np.longdouble(c) ** 4 / np.longdouble(r) ** 3
    got = fl.GemanMcClure(float(c)).gradient(np.zeros(1, dtype), np.array([r]), reduction="none")
    assert float(got[0] / want) == pytest.approx(1, rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("loss", [fl.Hinge(), 0.5 * fl.Hinge() + fl.SquaredHinge()], ids=repr)
@pytest.mark.parametrize(("first", "second", "at"), [([0, 1], [1, -1.0], 1), ([-1.0, 1], [0, 1], 0)])
def test_pieces_with_different_codings_of_labels(loss, first, second, at):
    """One array of both is refused; so are two, which would be taken for labels of one coding each."""
    a, b, ones = loss.accumulator(), loss.accumulator(), loss.accumulator()
    a.update(np.array(first), np.ones(2))
    ones.update(np.ones(2), np.ones(2))  # of either
    a.merge(ones)
    a.update([], [])
    a = copy.copy(a)
    before = a.value()
    with pytest.raises(
        ValueError, match=rf"y_true\[{at}\] is .*: .* expects labels all in .*; pieces before"
    ) as caught:
        a.update(np.array(second), np.ones(2))
    assert caught.value.index == (at,)
    b.update(np.array(second), np.ones(2))
    with pytest.raises(
        ValueError, match=r"cannot merge .*: the labels of one are 0 and 1, those of the other -1 and 1"
    ):
        a.merge(b)
    assert a.value() == before
    ones.merge(b)
    with pytest.raises(ValueError, match=r"pieces before"):
        ones.update(np.array(first), np.ones(2))
    with pytest.raises(ValueError, match=rf"y_true\[{1000 + at}\] is .*; pieces before"):  # beyond the first look
        a.update(np.array([1.0] * 1000 + second), np.ones(1002))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("a", [-0.3, 1.7])
def test_linex_keeps_its_digits_where_the_exponent_is_large(a, dtype):
    """Neither a nor a r is rounded but what comes of them."""
    mpmath = pytest.importorskip("mpmath", reason="mpmath is not installed")
    r = np.concatenate([s * np.geomspace(1e-6, 40, 400) for s in (-1, 1)]).astype(dtype)
    loss, zero = fl.Linex(a), np.zeros_like(r)
    got = loss(zero, r, reduction="none"), *loss.gradient_and_hessian(zero, r, reduction="none")
    with mpmath.workdps(60):
        a, x = mpmath.mpf(a), [mpmath.mpf(a) * mpmath.mpf(float(one)) for one in r]
        want = [
            [mpmath.expm1(one) - one for one in x],
            [a * mpmath.expm1(one) for one in x],
            [a * a * mpmath.exp(one) for one in x],
        ]
        for numbers, exact in zip(got, want, strict=True):
            assert max(ulp_error(numbers, exact)) <= 2.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linex_where_the_exponential_overflows(dtype):
    r = np.array([-np.inf, np.finfo(dtype).min, 89, 800, np.finfo(dtype).max, np.inf], dtype)
    loss, zero = fl.Linex(2.0), np.zeros_like(r)
    for result in (loss(zero, r, reduction="none"), *loss.gradient_and_hessian(zero, r, reduction="none")):
        assert not np.isnan(result).any()
        assert np.isposinf(result[3:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@BACKENDS
def test_squared_log_error_of_an_infinite_prediction(dtype, backend):
    g, h = backend(fl.SquaredLogError()).gradient_and_hessian(dtype([0]), dtype([INF]))
    assert (g.tolist(), h.tolist()) == ([0.0], [0.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("gamma", "want"), [(0.0, 1.0), (0.5, INF), (1.0, 2.0), (1.5, 0.0), (2.0, 0.0)])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
@BACKENDS
def test_curvature_of_focal_loss_at_a_certain_probability(gamma, want, smoothing, dtype, backend):
    """Its limit: that of the binary focal loss."""
    loss = backend(fl.CategoricalFocal(gamma=gamma, label_smoothing=smoothing))
    h = loss.gradient_and_hessian([0], dtype([[1, 0]]), reduction="none")[1]
    assert h[0, 0] == want * (1 - smoothing / 2)
    if not smoothing:
        assert h[0, 0] == fl.BinaryFocal(gamma=gamma).gradient_and_hessian([1], dtype([1]))[1][0]


@pytest.mark.parametrize(("alpha", "r"), [(-2.0, 4824.78), (-2.0, 4.8e-20), (-2.0, 1e-3)])
def test_general_robust_of_a_small_scale_in_float32(alpha, r):
    """1/c^2 comes before what it keeps in range."""
    single, double = (
        fl.GeneralRobust(alpha, 1e-8).gradient(np.zeros(1, dtype), np.array([np.float32(r)], dtype))[0]
        for dtype in (np.float32, np.float64)
    )
    assert single == pytest.approx(double, rel=1e-6, abs=0)
