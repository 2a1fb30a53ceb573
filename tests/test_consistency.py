"""What must agree: operations with each other, reductions, weights and no weights, losses that are one another."""

from __future__ import annotations

import numpy as np
import pytest
from cases import DTYPES, LOSSES, WIDE, call, data, everything, for_classes, same_bits, sample_shape, seed_of

import fastloss as fl

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def shapes(loss, dtype):
    """Data of a few sizes and, over classes, in both layouts of the kernel."""
    for n, n_classes in ((1, 2), (61, 3), (20, 60), (20, WIDE)) if loss.layout == "classes" else ((1, 0), (1000, 0)):
        this = for_classes(loss, n_classes) if n_classes else loss
        y, z = data(this, n, dtype, n_classes)
        if this.params.get("ignore_index") is not None and n == 1:
            y = np.zeros(1, int) if this.ignore_index != 0 else np.ones(1, int)
        if n == 1 and this.params.get("class_weight"):
            this = type(this)(**{**this.params, "class_weight": (1.0, 2.0)})
        yield this, y, z


@dtypes
@losses
def test_operations_have_the_same_bits(loss, dtype):
    for this, y, z in shapes(loss, dtype):
        w = seed_of("w", len(z)).uniform(0.1, 3, len(z))
        for weight in (None, w):
            for reduction in ("mean", "sum", "none"):
                value = this(y, z, weight, reduction=reduction)
                gradient = this.gradient(y, z, weight, reduction=reduction)
                for operation, arguments in everything(this):
                    got = call(this, operation, y, z, weight, reduction=reduction, **arguments)
                    where = f"{operation} {arguments} {reduction} weighted={weight is not None} {z.shape}"
                    if operation in ("value", "value_and_gradient"):
                        assert same_bits(got[0], value), f"value of {where}"
                    if operation != "value":
                        at = 1 if operation == "value_and_gradient" else 0
                        assert same_bits(got[at], gradient), f"gradient of {where}"


@dtypes
@losses
def test_weight_one_is_no_weight(loss, dtype):
    for this, y, z in shapes(loss, dtype):
        for one in (np.ones(sample_shape(this, z), dtype), np.ones(len(z), np.int8), np.ones(len(z), bool)):
            for reduction in ("mean", "sum", "none"):
                for operation, arguments in everything(this):
                    plain = call(this, operation, y, z, reduction=reduction, **arguments)
                    weighted = call(this, operation, y, z, one, reduction=reduction, **arguments)
                    where = f"{operation} {arguments} {reduction} {one.dtype} {z.shape}"
                    assert all(map(same_bits, plain, weighted)), where


@dtypes
@losses
def test_reductions(loss, dtype):
    for this, y, z in shapes(loss, dtype):
        w = seed_of("w", len(z)).integers(1, 5, len(z))
        each = this(y, z, w, reduction="none")
        assert each.shape == sample_shape(this, z)
        assert each.dtype == dtype
        total, mean = this(y, z, w, reduction="sum"), this(y, z, w)
        assert isinstance(total, float)
        assert isinstance(mean, float)
        with np.errstate(invalid="ignore"):
            magnitude = float(np.abs(each.astype(np.longdouble)).sum())
            if np.isfinite(magnitude):
                assert abs(total - float(each.astype(np.longdouble).sum())) <= 2.0**-23 * magnitude
            else:
                assert same_bits(total, float(each.sum()))
        weight = w.astype(float)
        if this.layout == "classes":
            weight = weight * this.row_weight(y, z.shape[-1])
        assert mean == pytest.approx(total / weight.sum(), rel=1e-6 if dtype == np.float32 else 1e-14, nan_ok=True)
        gradient, of_sum = this.gradient(y, z, w), this.gradient(y, z, w, reduction="sum")
        np.testing.assert_allclose(gradient * weight.sum(), of_sum, rtol=8 * np.finfo(dtype).eps, atol=1e-40)
        assert same_bits(of_sum, this.gradient(y, z, w, reduction="none")), "each element depends on its own prediction"


@dtypes
@losses
def test_twice_the_data_has_twice_the_sum_and_the_same_mean(loss, dtype):
    for this, y, z in shapes(loss, dtype):
        twice = np.concatenate([y, y]), np.concatenate([z, z])
        value, gradient = this.value_and_gradient(y, z)
        assert this(*twice) == pytest.approx(value, rel=1e-6 if dtype == np.float32 else 1e-14)
        assert this(*twice, reduction="sum") == pytest.approx(2 * this(y, z, reduction="sum"), rel=1e-6)
        np.testing.assert_allclose(
            this.gradient(*twice)[: len(z)], gradient / 2, rtol=4 * np.finfo(dtype).eps, atol=1e-40
        )


@dtypes
@losses
def test_weights_repeat_elements_and_zero_leaves_them_out(loss, dtype):
    y, z = data(loss, 50, dtype)
    if loss.layout == "classes" and loss.params.get("class_weight"):
        loss = type(loss)(**{**loss.params, "class_weight": (0.5, 2.0, 0.3)})
    w = np.arange(50) % 3
    keep = np.repeat(np.arange(50), w)
    near = {"rel": 2e-6 if dtype == np.float32 else 1e-13}
    assert loss(y, z, w) == pytest.approx(loss(y[keep], z[keep]), **near)
    assert loss(y, z, w, reduction="sum") == pytest.approx(loss(y[keep], z[keep], reduction="sum"), **near)
    left_out = loss.gradient(y, z, w)[w == 0]
    assert not left_out[np.isfinite(left_out)].any()


@dtypes
@losses
def test_axes_do_not_matter(loss, dtype):
    y, z = data(loss, 48, dtype)
    last = z.shape[1:]
    labels = y.shape[1:]
    flat = loss.value_and_gradient(y, z, reduction="none")
    for shape in ((48,), (6, 8), (2, 3, 8), (1, 48), (48, 1), (2, 2, 2, 6)):
        value, gradient = loss.value_and_gradient(y.reshape(shape + labels), z.reshape(shape + last), reduction="none")
        assert value.shape == shape
        assert gradient.shape == shape + last
        assert same_bits(value.ravel(), flat[0].ravel()), shape
        assert same_bits(gradient.reshape(z.shape), flat[1]), shape
        assert same_bits(loss(y.reshape(shape + labels), z.reshape(shape + last)), loss(y, z)), shape


@dtypes
def test_weights_per_sample_are_spread_over_the_other_axes(dtype):
    for loss in LOSSES:
        y, z = data(loss, 24, dtype)
        y2, z2 = y.reshape((6, 4, *y.shape[1:])), z.reshape((6, 4, *z.shape[1:]))
        w = np.array([1.0, 0.5, 2.0, 3.0, 0.25, 1.5])
        full = np.repeat(w, 4).reshape(6, 4)
        for reduction in ("mean", "sum", "none"):
            a = loss.value_and_gradient(y2, z2, w, reduction=reduction)
            b = loss.value_and_gradient(y2, z2, full, reduction=reduction)
            assert all(map(same_bits, a, b)), f"{loss!r} {reduction}"
        if loss.layout != "classes":  # across tiles and blocks
            y, z = (x.reshape(1300, 7, *x.shape[1:]) for x in data(loss, 9100, dtype))
            w = seed_of("rows").uniform(0, 2, 1300)
            a = loss.value_and_gradient(y, z, w, reduction="none")
            b = loss.value_and_gradient(y, z, np.repeat(w, 7).reshape(1300, 7), reduction="none")
            assert all(map(same_bits, a, b)), f"{loss!r}, many rows"


# -- ignored rows -----------------------------------------------------------------------------------------------------

IGNORING = [loss for loss in LOSSES if loss.params.get("ignore_index") is not None]


@dtypes
@pytest.mark.parametrize("loss", IGNORING, ids=repr)
def test_ignored_rows_are_not_there(loss, dtype):
    for n_classes in (3, 60, WIDE):
        this = for_classes(loss, n_classes)
        y, z = data(this, 70, dtype, n_classes)
        kept = y != this.ignore_index
        assert 0 < kept.sum() < 70
        w = seed_of("ignore").uniform(0.5, 2, 70)
        wild = z.copy()
        if this.prediction_domain.code is None:
            wild[~kept] = np.nan  # whatever they hold
        for weight in (None, w):
            part = None if weight is None else weight[kept]
            for reduction in ("mean", "sum"):
                value, gradient = this.value_and_gradient(y, wild, weight, reduction=reduction)
                want_value, want = this.value_and_gradient(y[kept], z[kept], part, reduction=reduction)
                assert value == pytest.approx(want_value, rel=1e-6 if dtype == np.float32 else 1e-14)
                np.testing.assert_allclose(gradient[kept], want, rtol=4 * np.finfo(dtype).eps)
                assert not gradient[~kept].any()
            for kind in this.hessian_kinds:
                hessian = this.gradient_and_hessian(y, wild, weight, hessian=kind)[1]
                assert not hessian[~kept].any(), f"hessian={kind} of an ignored row"
        assert not this(y, wild, reduction="none")[~kept].any()


def test_smoothing_weights_and_ignored_rows_together():
    """The cross product that other libraries get wrong (pytorch#73205, #69339, #72056), spelt out by hand."""
    z = np.log(np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]))
    y, c, w = np.array([2, 0, -1]), np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 5.0])
    for a in (0.0, 0.3):
        loss = fl.SparseCategoricalCrossEntropy(True, class_weight=c, label_smoothing=a, ignore_index=-1)
        q = [(1 - a) * np.eye(3)[k] + a / 3 for k in (2, 0)]
        each = [-(c * q[i] * z[i]).sum() for i in (0, 1)]
        np.testing.assert_allclose(loss(y, z, w, reduction="none"), [each[0], 3 * each[1], 0])
        assert loss(y, z, w, reduction="sum") == pytest.approx(each[0] + 3 * each[1])
        assert loss(y, z, w) == pytest.approx((each[0] + 3 * each[1]) / (1 * c[2] + 3 * c[0]))


# -- losses that are one another ---------------------------------------------------------------------------------------


def close(a, b, dtype, ulps=16):
    for x, y in zip(a if isinstance(a, tuple) else (a,), b if isinstance(b, tuple) else (b,), strict=True):
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(x, y, rtol=ulps * eps, atol=4 * eps)


@dtypes
def test_two_classes_are_binary(dtype):
    _, x = data(fl.BinaryCrossEntropy(from_logits=True), 500, dtype)
    y = (seed_of("two").random(500) < 0.5).astype(int)
    rows = np.stack([np.zeros_like(x), x], axis=1)
    value, gradient = fl.BinaryCrossEntropy(from_logits=True).value_and_gradient(y, x, reduction="none")
    hessian = fl.BinaryCrossEntropy(from_logits=True).gradient_and_hessian(y, x, reduction="none")[1]
    for loss, target in (
        (fl.SparseCategoricalCrossEntropy(from_logits=True), y),
        (fl.CategoricalCrossEntropy(from_logits=True), np.eye(2)[y]),
        (fl.KLDivergence(from_logits=True), np.eye(2)[y]),
    ):
        close(loss(target, rows, reduction="none"), value, dtype)
        g, h = loss.gradient_and_hessian(target, rows, reduction="none")
        close(g[:, 1], gradient, dtype)
        close(g[:, 0], -gradient, dtype)
        close(h[:, 1], hessian, dtype)


@dtypes
@pytest.mark.parametrize("n_classes", [2, 3, 16, 47, 48, 100, WIDE])
def test_one_hot_is_sparse(n_classes, dtype):
    for loss in LOSSES:
        if loss.name != "sparse_categorical_cross_entropy" or loss.ignore_index is not None:
            continue
        sparse = for_classes(loss, n_classes)
        y, z = data(sparse, 40, dtype, n_classes)
        dense = fl.CategoricalCrossEntropy(**{k: v for k, v in sparse.params.items() if k != "ignore_index"})
        rows = np.eye(n_classes)[y]
        for reduction in ("mean", "sum", "none"):
            for kind in sparse.hessian_kinds:
                a = sparse.gradient_and_hessian(y, z, reduction=reduction, hessian=kind)
                b = dense.gradient_and_hessian(rows, z, reduction=reduction, hessian=kind)
                close(a, b, dtype, 64)
            close(sparse(y, z, reduction=reduction), dense(rows, z, reduction=reduction), dtype, 64)


@dtypes
def test_kl_and_cross_entropy_differ_by_the_entropy(dtype):
    y, z = data(fl.KLDivergence(from_logits=True), 200, dtype, 5)
    entropy = -np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0).sum(axis=1)
    kl, ce = fl.KLDivergence(from_logits=True), fl.CategoricalCrossEntropy(from_logits=True)
    close(kl(y, z, reduction="none") + entropy, ce(y, z, reduction="none"), dtype)
    assert same_bits(kl.gradient(y, z), ce.gradient(y, z))


def test_scores_and_probabilities_agree():
    rng = seed_of("scores")
    x = rng.normal(0, 3, 300)
    y = (rng.random(300) < 0.5).astype(float)
    p = fl.BinaryCrossEntropy(from_logits=True).inverse_link(x)
    np.testing.assert_allclose(
        fl.BinaryCrossEntropy(from_logits=True)(y, x, reduction="none"),
        fl.BinaryCrossEntropy()(y, p, reduction="none"),
        rtol=1e-11,
    )
    for gamma in (0.0, 0.5, 2.0, 3.5):
        a, b = fl.BinaryFocal(gamma=gamma, from_logits=True), fl.BinaryFocal(gamma=gamma)
        np.testing.assert_allclose(a(y, x, reduction="none"), b(y, p, reduction="none"), rtol=1e-10)
        # the chain rule
        np.testing.assert_allclose(
            a.gradient(y, x, reduction="none"), b.gradient(y, p, reduction="none") * p * (1 - p), rtol=1e-10
        )
    z = rng.normal(0, 2, (100, 7))
    t = rng.dirichlet(np.ones(7), 100)
    p = fl.CategoricalCrossEntropy(from_logits=True).inverse_link(z)
    for cls in (fl.CategoricalCrossEntropy, fl.KLDivergence):
        np.testing.assert_allclose(
            cls(from_logits=True)(t, z, reduction="none"), cls()(t, p, reduction="none"), rtol=1e-11
        )
    np.testing.assert_allclose(
        fl.KLDivergence(from_log_probabilities=True)(t, np.log(p), reduction="none"),
        fl.KLDivergence()(t, p, reduction="none"), rtol=1e-11, atol=1e-15,
    )  # fmt: skip
    mu = np.exp(x)
    counts = rng.poisson(3, 300)
    for full in (False, True):
        np.testing.assert_allclose(
            fl.Poisson(full=full)(counts, x, reduction="none"),
            fl.Poisson("identity", full=full)(counts, mu, reduction="none"), rtol=1e-11, atol=1e-13,
        )  # fmt: skip


@dtypes
def test_one_is_a_case_of_another(dtype):
    y, z = data(fl.SquaredError(), 400, dtype)
    half = fl.HalfSquaredError().value_and_gradient(y, z, reduction="none")
    assert all(
        same_bits(2 * a, b)
        for a, b in zip(half, fl.SquaredError().value_and_gradient(y, z, reduction="none"), strict=True)
    )
    wide = fl.Huber(delta=1e6).value_and_gradient(y, z, reduction="none")
    close(wide, half, dtype)
    for a, b in ((fl.SmoothL1(0.0), fl.AbsoluteError()), (fl.SmoothL1(1.0), fl.Huber(1.0))):
        close(a.gradient_and_hessian(y, z, reduction="none"), b.gradient_and_hessian(y, z, reduction="none"), dtype)
        close(a(y, z, reduction="none"), b(y, z, reduction="none"), dtype)
    close(fl.SmoothL1(0.5)(y, z, reduction="none"), 2 * fl.Huber(0.5)(y, z, reduction="none"), dtype)
    close(fl.Quantile(0.5)(y, z, reduction="none"), 0.5 * fl.AbsoluteError()(y, z, reduction="none"), dtype)
    close(fl.Quantile(0.25)(y, z, reduction="none"), fl.Quantile(0.75)(-y, -z, reduction="none"), dtype)
    labels = (y > 0).astype(dtype)
    focal = fl.BinaryFocal(gamma=0.0, from_logits=True)
    close(
        focal.gradient_and_hessian(labels, z, reduction="none"),
        fl.BinaryCrossEntropy(True).gradient_and_hessian(labels, z, reduction="none"),
        dtype,
    )
    p = np.array([0, 1e-30, 0.25, 0.5, 1 - 2.0**-20, 1], dtype)
    for label in (0, 1):  # up to the ends, where both are infinite or nothing
        target = np.full(6, label)
        for kind in ("exact", "floor"):
            a = fl.BinaryFocal(gamma=0.0).gradient_and_hessian(target, p, reduction="none", hessian=kind)
            close(a, fl.BinaryCrossEntropy().gradient_and_hessian(target, p, reduction="none", hessian=kind), dtype)
        close(
            fl.BinaryFocal(gamma=0.0)(target, p, reduction="none"),
            fl.BinaryCrossEntropy()(target, p, reduction="none"),
            dtype,
        )
    close(
        fl.BinaryFocal(gamma=2.0, alpha=0.5)(labels, np.clip(np.abs(z) / 30, 0.01, 0.99), reduction="none"),
        0.5 * fl.BinaryFocal(gamma=2.0)(labels, np.clip(np.abs(z) / 30, 0.01, 0.99), reduction="none"),
        dtype,
    )


def test_both_codings_of_margin_labels_mean_the_same():
    z = seed_of("margin").normal(0, 2, 100)
    labels = (np.arange(100) % 3 == 0).astype(int)
    for loss in (fl.Hinge(), fl.SquaredHinge()):
        for kind in loss.hessian_kinds:
            a = loss.gradient_and_hessian(labels, z, hessian=kind)
            b = loss.gradient_and_hessian(2 * labels - 1, z, hessian=kind)
            assert all(map(same_bits, a, b))
        assert same_bits(loss(labels, z, reduction="none"), loss(labels.astype(bool), z, reduction="none"))


@dtypes
def test_mirrored_labels_have_mirrored_bits(dtype):
    """L(x, 1) == L(-x, 0): formulas like softplus(x) - y x lose one of the tails (pytorch#195529)."""
    x = np.concatenate(
        [data(fl.BinaryCrossEntropy(True), 2000, dtype)[1], np.array([0, -0.0, 30, 700, 1e-40, 87, 1e30], dtype)]
    )
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    for loss in LOSSES:
        if loss.task != "binary" or not loss.params.get("from_logits", True):
            continue
        if loss.name in ("asymmetric_focal", "hinge_embedding"):  # whose two sides differ
            continue
        mirrored = loss
        if loss.params.get("pos_weight", 1) != 1:
            continue
        if loss.params.get("alpha") is not None:
            mirrored = type(loss)(**{**loss.params, "alpha": 1 - loss.alpha})
            if 1 - mirrored.alpha != loss.alpha:
                continue
        a, b = loss(ones, x, reduction="none"), mirrored(zeros, -x, reduction="none")
        assert same_bits(a, b), loss
        ga, ha = loss.gradient_and_hessian(ones, x, reduction="none")
        gb, hb = mirrored.gradient_and_hessian(zeros, -x, reduction="none")
        assert np.array_equal(ga, -gb), loss
        assert same_bits(ha, hb), loss


@dtypes
def test_rows_shift_and_sum_to_zero(dtype):
    """A7: adding a constant to a row changes nothing; the gradient of softmax cross-entropy sums to 0."""
    for n_classes in (2, 10, 48, WIDE, 1000):
        y, z = data(fl.SparseCategoricalCrossEntropy(True), 30, dtype, n_classes)
        z = np.round(z * 64) / 64  # so that the shift is exact
        loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
        for shift in (0.5, -64.0, 1024.0):
            a = loss.value_and_gradient(y, z, reduction="none")
            b = loss.value_and_gradient(y, (z + dtype(shift)).astype(dtype), reduction="none")
            assert all(map(same_bits, a, b)), f"K={n_classes} shift={shift}"
        sums = np.abs(a[1].astype(np.longdouble).sum(axis=1))
        assert sums.max() <= n_classes * np.finfo(dtype).eps / 2, f"K={n_classes}: {sums.max()}"
    loss = fl.SparseCategoricalCrossEntropy(from_logits=True)
    assert loss([0], np.array([[1e8, 0.0]], dtype)) == 0  # pytorch#11752
    assert loss([1], np.array([[1e8, 0.0]], dtype)) == 1e8


@dtypes
def test_infinite_scores(dtype):
    """Classes ruled out by -inf get exactly nothing; a row of equal scores is uniform, whatever they are."""
    inf = np.inf
    for n_classes in (3, 50, WIDE):
        sparse, dense = fl.SparseCategoricalCrossEntropy(True), fl.CategoricalCrossEntropy(True)
        z = np.full((5, n_classes), -inf, dtype)
        z[0, :2] = 0  # two classes left
        z[1] = -inf  # none
        z[2, 1] = inf  # one that takes all
        z[3, :2] = inf  # two that do
        z[4, 2] = 1e30 if dtype == np.float32 else 1e300  # beyond comparison
        y = np.array([1, 0, 1, 0, 2])
        value, gradient = sparse.value_and_gradient(y, z, reduction="none")
        log = np.log(np.array([2, n_classes, 1, 2, 1]))
        np.testing.assert_allclose(value, log, rtol=1e-6, err_msg=f"K={n_classes}")
        p = np.zeros((5, n_classes))
        p[0, :2], p[1], p[2, 1], p[3, :2], p[4, 2] = 0.5, 1 / n_classes, 1, 0.5, 1
        np.testing.assert_allclose(gradient, p - np.eye(n_classes)[y], atol=1e-6, err_msg=f"K={n_classes}")
        again = dense.value_and_gradient(np.eye(n_classes)[y], z, reduction="none")
        np.testing.assert_allclose(again[0], log, rtol=1e-6, err_msg=f"K={n_classes}, rows")
        np.testing.assert_allclose(again[1], gradient, atol=1e-6, err_msg=f"K={n_classes}, rows")
        assert np.isfinite(sparse.gradient_and_hessian(y, z)[1]).all()
        assert sparse([2], z[:1]) == inf  # the label was ruled out


@dtypes
@losses
def test_nan_stays_where_it_is(loss, dtype):
    for this, y, z in shapes(loss, dtype):
        if len(z) < 10:
            continue
        z = z.copy()
        z[7] = np.nan
        if this.params.get("ignore_index") is not None and y[7] == this.ignore_index:
            continue
        hit = np.zeros(len(z), bool)
        hit[7] = True
        value = this(y, z, reduction="none")
        assert np.isnan(value[7]), "value"
        clean = z.copy()
        clean[7] = z[6]
        assert same_bits(value[~hit], this(y, clean, reduction="none")[~hit]), "NaN reached a neighbour"
        for kind in this.hessian_kinds:
            g, h = this.gradient_and_hessian(y, z, reduction="none", hessian=kind)
            cg, ch = this.gradient_and_hessian(y, clean, reduction="none", hessian=kind)
            assert np.isnan(g[7]).all(), "gradient"
            if kind != "floor":  # a constant curvature knows no prediction and no NaN: the reference says which is
                reference = {"majorize": this.majorizer, "fisher": this.fisher}.get(kind)
                want = reference(y, z) if reference else this.reference(y, z)[2]
                assert np.array_equal(np.isnan(h[7]), np.isnan(want[7])), f"hessian={kind}"
            assert same_bits(g[~hit], cg[~hit])
            assert same_bits(h[~hit], ch[~hit])
        assert np.isnan(this(y, z))
