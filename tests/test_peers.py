# ruff: noqa: E501  (tables: one case a line)
"""Agreement with torch and scikit-learn where they compute the same thing; LOSSES.md says where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from cases import data, seed_of

import fastloss as fl

RTOL = {np.float32: 2e-5, np.float64: 1e-11}
REDUCTIONS = ("mean", "sum", "none")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def metrics():
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


# name: (ours, torch's function, what of it differs)
TORCH = {
    "mse": (fl.SquaredError(), lambda F, z, y, r: F.mse_loss(z, y, reduction=r)),
    "l1": (fl.AbsoluteError(), lambda F, z, y, r: F.l1_loss(z, y, reduction=r)),
    "huber": (fl.Huber(1.5), lambda F, z, y, r: F.huber_loss(z, y, reduction=r, delta=1.5)),
    "smooth_l1": (fl.SmoothL1(0.5), lambda F, z, y, r: F.smooth_l1_loss(z, y, reduction=r, beta=0.5)),
    "smooth_l1 of 0": (fl.SmoothL1(0.0), lambda F, z, y, r: F.smooth_l1_loss(z, y, reduction=r, beta=0.0)),
    "poisson": (fl.Poisson(), lambda F, z, y, r: F.poisson_nll_loss(z, y, reduction=r)),
    "poisson of the mean": (fl.Poisson("identity"), lambda F, z, y, r: F.poisson_nll_loss(z, y, log_input=False, eps=0, reduction=r)),
    "gaussian_nll": (fl.GaussianNLL(full=True), lambda F, z, y, r: F.gaussian_nll_loss(z[:, 0], y, (2 * z[:, 1]).exp(), full=True, eps=0, reduction=r)),
    "bce": (fl.BinaryCrossEntropy(), lambda F, z, y, r: F.binary_cross_entropy(z, y, reduction=r)),
    "bce with logits": (fl.BinaryCrossEntropy(True), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r)),
    "bce, pos_weight": (fl.BinaryCrossEntropy(True, pos_weight=3.0), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r, pos_weight=z.new_tensor(3.0))),
    "cross_entropy": (fl.SparseCategoricalCrossEntropy(True), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r)),
    "cross_entropy, weighted": (fl.SparseCategoricalCrossEntropy(True, class_weight=(0.5, 2.0, 0.3)), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, weight=z.new_tensor([0.5, 2.0, 0.3]))),
    "cross_entropy, smoothed": (fl.SparseCategoricalCrossEntropy(True, label_smoothing=0.1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, label_smoothing=0.1)),
    "cross_entropy, ignoring": (fl.SparseCategoricalCrossEntropy(True, ignore_index=1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, ignore_index=1)),
    "cross_entropy, everything": (
        fl.SparseCategoricalCrossEntropy(True, class_weight=(0.5, 2.0, 0.3), label_smoothing=0.1, ignore_index=1),
        lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, weight=z.new_tensor([0.5, 2.0, 0.3]), label_smoothing=0.1, ignore_index=1),
    ),
    "cross_entropy of rows": (fl.CategoricalCrossEntropy(True, label_smoothing=0.1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, label_smoothing=0.1)),
    "kl_div": (fl.KLDivergence(from_log_probabilities=True), lambda F, z, y, r: F.kl_div(z, y, reduction={"mean": "batchmean"}.get(r, r))),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", TORCH)
def test_torch(name, dtype, torch):
    loss, theirs = TORCH[name]
    y, z = data(loss, 400, dtype, kinks=False)
    if loss.layout != "classes" and not name.startswith("poisson") and loss.prediction_domain.code is None:
        z = np.clip(z, -8, 8)  # further out torch's own formulas lose their digits
    if "bce" in name and not loss.from_logits:
        z = np.clip(z, 0.01, 0.99)
    for reduction in REDUCTIONS:
        tensor = torch.from_numpy(z.copy()).requires_grad_()
        value = theirs(torch.nn.functional, tensor, torch.from_numpy(y), reduction)
        if name == "kl_div" and reduction == "none":
            value = value.sum(dim=1)  # torch's are per entry
        value.sum().backward()
        got, gradient = loss.value_and_gradient(y, z, reduction=reduction)
        np.testing.assert_allclose(got, value.detach().numpy(), rtol=RTOL[dtype], atol=RTOL[dtype])
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=RTOL[dtype], atol=RTOL[dtype])


def test_torch_hessian(torch):
    y, z = (x[:40] for x in data(fl.BinaryCrossEntropy(True), 40, kinks=False))
    z = np.clip(z, -5, 5)
    function = torch.nn.functional.binary_cross_entropy_with_logits
    full = torch.autograd.functional.hessian(
        lambda t: function(t, torch.from_numpy(y), reduction="sum"), torch.from_numpy(z)
    )
    hessian = fl.BinaryCrossEntropy(True).gradient_and_hessian(y, z, reduction="sum")[1]
    np.testing.assert_allclose(hessian, full.diagonal(), rtol=1e-12, atol=1e-15)


def test_torch_ties_have_the_same_subgradient(torch):
    t = torch.zeros(3, requires_grad=True)
    torch.nn.functional.l1_loss(t, torch.zeros(3), reduction="sum").backward()
    assert fl.AbsoluteError().gradient(np.zeros(3), np.zeros(3)).tolist() == t.grad.tolist() == [0, 0, 0]


def test_class_weights_of_rows_count_where_torch_divides_by_n(torch):
    """A difference, kept on purpose: the same data as indices and as rows have the same mean."""
    y, z = data(fl.SparseCategoricalCrossEntropy(True), 50)
    c = (0.5, 2.0, 0.3)
    rows = np.eye(3)[y]
    sparse, dense = (
        fl.SparseCategoricalCrossEntropy(True, class_weight=c),
        fl.CategoricalCrossEntropy(True, class_weight=c),
    )
    assert dense(rows, z) == pytest.approx(sparse(y, z))
    theirs = torch.nn.functional.cross_entropy(
        torch.from_numpy(z), torch.from_numpy(rows), weight=torch.tensor(c, dtype=torch.float64)
    )
    assert dense(rows, z, reduction="sum") / 50 == pytest.approx(float(theirs))


def test_sklearn_metrics(metrics):
    rng = seed_of("sklearn")
    y, z = rng.normal(size=200), rng.normal(size=200)
    for w in (None, rng.uniform(0, 2, 200)):
        assert fl.SquaredError()(y, z, w) == pytest.approx(metrics.mean_squared_error(y, z, sample_weight=w), rel=1e-13)
        assert fl.AbsoluteError()(y, z, w) == pytest.approx(
            metrics.mean_absolute_error(y, z, sample_weight=w), rel=1e-13
        )
        for q in (0.1, 0.5, 0.9):
            assert fl.Quantile(q)(y, z, w) == pytest.approx(
                metrics.mean_pinball_loss(y, z, alpha=q, sample_weight=w), rel=1e-13
            )
        labels, p = rng.integers(0, 2, 200), rng.uniform(0.01, 0.99, 200)
        assert fl.BinaryCrossEntropy()(labels, p, w) == pytest.approx(
            metrics.log_loss(labels, p, sample_weight=w), rel=1e-12
        )
        assert fl.Hinge()(labels, z, w) == pytest.approx(
            metrics.hinge_loss(2 * labels - 1, z, sample_weight=w), rel=1e-12
        )
        counts, mean = rng.poisson(3, 200), np.exp(rng.normal(size=200))
        saturated = fl.Poisson("identity")(
            counts[counts > 0], counts[counts > 0].astype(float), None if w is None else w[counts > 0], reduction="sum"
        )
        ours = (
            2 * (fl.Poisson("identity")(counts, mean, w, reduction="sum") - saturated) / (200 if w is None else w.sum())
        )
        assert ours == pytest.approx(metrics.mean_poisson_deviance(counts, mean, sample_weight=w), rel=1e-11)
        K = 5
        k, rows = rng.integers(0, K, 200), rng.dirichlet(np.ones(K), 200)
        assert fl.SparseCategoricalCrossEntropy()(k, rows, w) == pytest.approx(
            metrics.log_loss(k, rows, sample_weight=w, labels=range(K)), rel=1e-12
        )


def test_classes_need_not_all_occur():
    """scikit-learn#6703, #4033: K is the width of y_pred, whatever labels the data happen to hold."""
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert fl.SparseCategoricalCrossEntropy()([2, 2], p) == pytest.approx(-np.log([0.5, 0.1]).mean())
    assert fl.BinaryCrossEntropy()([1, 1], [0.5, 0.25]) == pytest.approx(-np.log([0.5, 0.25]).mean())


def test_sklearn_losses():
    """scikit-learn's own gradients and Hessians (private, so only where this version has them)."""
    module = pytest.importorskip("sklearn._loss", reason="scikit-learn is not installed")
    rng = seed_of("_loss")
    raw = rng.normal(0, 1.5, 300)
    pairs = [
        (fl.HalfSquaredError(), module.HalfSquaredError, rng.normal(size=300)),
        (fl.AbsoluteError(), module.AbsoluteError, rng.normal(size=300)),
        (fl.Poisson(), module.HalfPoissonLoss, rng.poisson(3, 300).astype(float)),
        (fl.Gamma(), module.HalfGammaLoss, rng.gamma(2, 1, 300)),
        (fl.BinaryCrossEntropy(True), module.HalfBinomialLoss, rng.integers(0, 2, 300).astype(float)),
    ]
    for ours, cls, y in pairs:
        theirs = cls()
        value, gradient = theirs.loss_gradient(y_true=y, raw_prediction=raw)
        np.testing.assert_allclose(ours(y, raw, reduction="none"), value, rtol=1e-9, atol=1e-12, err_msg=repr(ours))
        np.testing.assert_allclose(
            ours.gradient(y, raw, reduction="none"), gradient, rtol=1e-9, atol=1e-12, err_msg=repr(ours)
        )
        if ours.name != "absolute_error":  # theirs is 1
            hessian = theirs.gradient_hessian(y_true=y, raw_prediction=raw)[1]
            np.testing.assert_allclose(
                ours.gradient_and_hessian(y, raw, reduction="none")[1], hessian, rtol=1e-9, err_msg=repr(ours)
            )
    z = rng.normal(size=(100, 4))
    k = rng.integers(0, 4, 100).astype(float)
    theirs = module.HalfMultinomialLoss(n_classes=4)
    gradient, hessian = theirs.gradient_hessian(y_true=k, raw_prediction=z)
    ours = fl.SparseCategoricalCrossEntropy(True).gradient_and_hessian(k, z, reduction="none")
    np.testing.assert_allclose(ours[0], gradient, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(ours[1], hessian, rtol=1e-9)
