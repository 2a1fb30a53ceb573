# ruff: noqa: E501  (tables: one case a line)
"""Agreement with torch, in value, gradient and Hessian, where the two compute the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from cases import data, seed_of
from peers import Peer, assert_agrees, assert_close, by_torch, sample
from scipy.special import gammaln

import fastloss as fl


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def sign(y):
    """torch's margin losses take labels -1 and 1."""
    return 2.0 * (y > 0) - 1


def one_by_one(loss, r):
    """Of losses whose own reduction is none or differs: the entries of a row summed, then the mean over rows."""
    rows = loss.sum(dim=1) if loss.ndim > 1 else loss
    return rows if r == "none" else getattr(rows, r)()


def negative_binomial(logits, count):
    from torch.distributions import NegativeBinomial

    return NegativeBinomial(count, logits=logits, validate_args=False)


def narrow(y, z):
    return np.abs(z) < 8


def filled_up(mask):
    """The labels of each row first, then -1."""
    at = mask.argsort(dim=1, descending=True, stable=True)
    return at.masked_fill(mask.gather(1, at) == 0, -1)


C = (0.5, 2.0, 0.3)


def smoothed(F, y, z, a=0.1):
    """Rows of targets, as label smoothing makes them."""
    return F.one_hot(y, z.shape[1]).to(z.dtype) * (1 - a) + a / z.shape[1]


def narrow_rows(y, z):
    return np.ptp(z, axis=1) < 12


def positive(y, z):
    """No target is 0."""
    return (y > 0).all(axis=1)


def spread(y, z):
    """No target or probability is 0, and none near it."""
    p = np.exp(z - z.max(axis=1, keepdims=True)) if (z < 0).any() else z
    return (y > 1e-4).all(axis=1) & (p / p.sum(axis=1, keepdims=True) > 1e-4).all(axis=1)


def to_the_middle(F, y, log_p):
    """Both divergences from the mean of the two rows."""
    log_m = ((y + log_p.exp()) / 2).log()
    return F.kl_div(log_m, y, reduction="none") + F.kl_div(log_m, log_p, reduction="none", log_target=True)


# Expressions of torch.nn.functional, prediction z, target y and reduction r.
PEERS = {
    "mse_loss": Peer(fl.SquaredError(), lambda F, z, y, r: F.mse_loss(z, y, reduction=r)),
    "mse_loss, half": Peer(fl.HalfSquaredError(), lambda F, z, y, r: F.mse_loss(z, y, reduction=r), 2),
    "l1_loss": Peer(fl.AbsoluteError(), lambda F, z, y, r: F.l1_loss(z, y, reduction=r)),
    "l1_loss, median": Peer(fl.Quantile(0.5), lambda F, z, y, r: F.l1_loss(z, y, reduction=r), 2),
    "huber_loss": Peer(fl.Huber(1.5), lambda F, z, y, r: F.huber_loss(z, y, reduction=r, delta=1.5)),
    "smooth_l1_loss": Peer(fl.SmoothL1(0.5), lambda F, z, y, r: F.smooth_l1_loss(z, y, reduction=r, beta=0.5)),
    "smooth_l1_loss of beta 0": Peer(fl.SmoothL1(0.0), lambda F, z, y, r: F.smooth_l1_loss(z, y, reduction=r, beta=0.0)),
    "smooth_l1_loss is huber / delta": Peer(fl.Huber(0.5), lambda F, z, y, r: F.smooth_l1_loss(z, y, reduction=r, beta=0.5), 2),
    "mse_loss of log1p": Peer(fl.SquaredLogError(), lambda F, z, y, r: F.mse_loss(z.log1p(), y.log1p(), reduction=r), 2),
    "poisson_nll_loss": Peer(fl.Poisson(), lambda F, z, y, r: F.poisson_nll_loss(z, y, reduction=r)),
    "poisson_nll_loss, full": Peer(fl.Poisson(full=True), lambda F, z, y, r: one_by_one(F.poisson_nll_loss(z, y, reduction="none") + (y + 1).lgamma(), r), note="their full=True is Stirling's approximation: 0.04 off at y = 2"),
    "poisson_nll_loss of the mean": Peer(fl.Poisson("identity"), lambda F, z, y, r: F.poisson_nll_loss(z, y, log_input=False, eps=0, reduction=r), note="they add eps = 1e-8 to the mean"),
    "gaussian_nll_loss": Peer(fl.GaussianNLL(full=True), lambda F, z, y, r: F.gaussian_nll_loss(z[:, 0], y, (2 * z[:, 1]).exp(), full=True, eps=0, reduction=r), where=lambda y, z: np.abs(z[:, 1]) < 8, note="they take the variance, raised to eps = 1e-6, whose cube overflows in the Hessian"),
    "binary_cross_entropy": Peer(fl.BinaryCrossEntropy(), lambda F, z, y, r: F.binary_cross_entropy(z, y, reduction=r), derivatives=1, note="they add 1e-12 to a denominator of the second derivative, and let no logarithm below -100"),
    "binary_cross_entropy_with_logits": Peer(fl.BinaryCrossEntropy(True), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r)),
    "binary_cross_entropy_with_logits, pos_weight": Peer(fl.BinaryCrossEntropy(True, pos_weight=3.0), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r, pos_weight=z.new_tensor(3.0))),
    "binary_cross_entropy_with_logits, discriminator": Peer(fl.GANDiscriminator(), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r)),
    "binary_cross_entropy_with_logits, generator": Peer(fl.GANGenerator(), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, y, reduction=r)),
    "binary_cross_entropy_with_logits, minimax generator": Peer(fl.GANGenerator("minimax"), lambda F, z, y, r: F.binary_cross_entropy_with_logits(z, 1 - y, reduction=r), -1, note="it maximises what the discriminator minimises"),
    "mse_loss, discriminator": Peer(fl.GANDiscriminator("least_squares"), lambda F, z, y, r: F.mse_loss(z, y, reduction=r), 2),
    "mse_loss, generator": Peer(fl.GANGenerator("least_squares"), lambda F, z, y, r: F.mse_loss(z, y, reduction=r), 2),
    "mse_loss of sigmoid": Peer(fl.Brier(True), lambda F, z, y, r: F.mse_loss(z.sigmoid(), y, reduction=r)),
    "mse_loss of probabilities": Peer(fl.Brier(), lambda F, z, y, r: F.mse_loss(z, y, reduction=r)),
    "soft_margin_loss": Peer(fl.SoftMargin(), lambda F, z, y, r: F.soft_margin_loss(z, sign(y), reduction=r), where=narrow, note="theirs is infinite from exp(-s z) = inf on"),
    "hinge_embedding_loss": Peer(fl.Hinge(), lambda F, z, y, r: F.hinge_embedding_loss(sign(y) * z, -z.new_ones(z.shape), reduction=r), note="of a margin, for the target -1"),
    "margin_ranking_loss": Peer(fl.Hinge(), lambda F, z, y, r: F.margin_ranking_loss(z, 0 * z.detach(), sign(y), margin=1, reduction=r), note="of z against 0"),
    "margin_ranking_loss of margin 0": Peer(fl.Perceptron(), lambda F, z, y, r: F.margin_ranking_loss(z, 0 * z.detach(), sign(y), reduction=r)),
    "hinge_embedding_loss of a distance": Peer(fl.HingeEmbedding(1.5), lambda F, z, y, r: F.hinge_embedding_loss(z, sign(y), margin=1.5, reduction=r)),
    "margin_ranking_loss, discriminator": Peer(fl.GANDiscriminator("hinge"), lambda F, z, y, r: F.margin_ranking_loss(z, 0 * z.detach(), sign(y), margin=1, reduction=r)),
    "smooth_l1_loss of a margin": Peer(fl.SmoothHinge(), lambda F, z, y, r: F.smooth_l1_loss(F.relu(1 - sign(y) * z), z.new_zeros(z.shape), reduction=r)),
    "huber_loss of a margin": Peer(fl.ModifiedHuber(), lambda F, z, y, r: F.huber_loss(F.relu(1 - sign(y) * z), z.new_zeros(z.shape), delta=2.0, reduction=r), 0.5),
    "NegativeBinomial": Peer(fl.NegativeBinomial(0.4), lambda F, z, y, r: one_by_one(-negative_binomial(z + np.log(0.4), 1 / 0.4).log_prob(y), r), constant=lambda y: gammaln(y + 1) - gammaln(y + 2.5) + gammaln(2.5) - y * np.log(0.4), where=narrow, note="they take the mean times theta, as the odds"),
    "cross_entropy": Peer(fl.SparseCategoricalCrossEntropy(True), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r)),
    "cross_entropy, weighted": Peer(fl.SparseCategoricalCrossEntropy(True, class_weight=C), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, weight=z.new_tensor(C))),
    "cross_entropy, smoothed": Peer(fl.SparseCategoricalCrossEntropy(True, label_smoothing=0.1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, label_smoothing=0.1)),
    "cross_entropy, ignoring": Peer(fl.SparseCategoricalCrossEntropy(True, ignore_index=1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, ignore_index=1)),
    "cross_entropy, everything": Peer(fl.SparseCategoricalCrossEntropy(True, class_weight=C, label_smoothing=0.1, ignore_index=1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, weight=z.new_tensor(C), label_smoothing=0.1, ignore_index=1)),
    "cross_entropy of rows": Peer(fl.CategoricalCrossEntropy(True, label_smoothing=0.1), lambda F, z, y, r: F.cross_entropy(z, y, reduction=r, label_smoothing=0.1)),
    "nll_loss": Peer(fl.SparseCategoricalCrossEntropy(class_weight=C, ignore_index=1), lambda F, z, y, r: F.nll_loss(z.log(), y, reduction=r, weight=z.new_tensor(C), ignore_index=1)),
    "nll_loss of log-probabilities": Peer(fl.NegativeLogLikelihood(class_weight=C, ignore_index=1), lambda F, z, y, r: F.nll_loss(z, y, reduction=r, weight=z.new_tensor(C), ignore_index=1)),
    "focal of rows, smoothed": Peer(fl.CategoricalFocal(from_logits=True, label_smoothing=0.1), lambda F, z, y, r: one_by_one(-smoothed(F, y, z) * (1 - z.softmax(1)) ** 2 * z.log_softmax(1), r), where=narrow_rows),
    "Poly-1, everything": Peer(fl.Poly1(from_logits=True, label_smoothing=0.1, z_loss=0.02), lambda F, z, y, r: one_by_one(smoothed(F, y, z) * (1 - z.softmax(1) - z.log_softmax(1)) + 0.02 / z.shape[1] * z.logsumexp(1)[:, None] ** 2, r), where=narrow_rows),
    "mse_loss of a softmax": Peer(fl.CategoricalBrier(from_logits=True), lambda F, z, y, r: one_by_one(F.mse_loss(z.softmax(1), smoothed(F, y, z, 0), reduction="none"), r)),
    "mse_loss of rows": Peer(fl.CategoricalBrier(label_smoothing=0.1), lambda F, z, y, r: one_by_one(F.mse_loss(z, smoothed(F, y, z), reduction="none"), r)),
    "multi_margin_loss": Peer(fl.MultiMargin(), lambda F, z, y, r: F.multi_margin_loss(z, y, reduction=r), derivatives=1, note="they have no second derivative"),
    "multi_margin_loss, squared": Peer(fl.MultiMargin(2, 0.3), lambda F, z, y, r: F.multi_margin_loss(z, y, p=2, margin=0.3, reduction=r), derivatives=1, note="likewise"),
    "multi_label_soft_margin_loss": Peer(fl.MultiLabelSoftMargin(), lambda F, z, y, r: F.multilabel_soft_margin_loss(z, y, reduction=r)),
    "multi_label_soft_margin_loss, weighted": Peer(fl.MultiLabelSoftMargin(C), lambda F, z, y, r: F.multilabel_soft_margin_loss(z, y, weight=z.new_tensor(C), reduction=r)),
    "multi_label_margin_loss": Peer(fl.MultiLabelMargin(), lambda F, z, y, r: F.multilabel_margin_loss(z, filled_up(y), reduction=r), derivatives=1, note="likewise"),
    "kl_div": Peer(fl.KLDivergence(from_log_probabilities=True), lambda F, z, y, r: one_by_one(F.kl_div(z, y, reduction="none"), r), note="input first, target second; their mean is over entries"),
    "kl_div of log_softmax": Peer(fl.KLDivergence(from_logits=True), lambda F, z, y, r: one_by_one(F.kl_div(z.log_softmax(1), y, reduction="none"), r)),
    "kl_div of log": Peer(fl.KLDivergence(), lambda F, z, y, r: one_by_one(F.kl_div(z.log(), y, reduction="none"), r)),
    "kl_div, reverse": Peer(fl.ReverseKLDivergence(from_logits=True), lambda F, z, y, r: one_by_one(F.kl_div(y.log(), z.log_softmax(1), reduction="none", log_target=True), r), where=positive),
    "kl_div, reverse, of log": Peer(fl.ReverseKLDivergence(from_log_probabilities=True), lambda F, z, y, r: one_by_one(F.kl_div(y.log(), z, reduction="none", log_target=True), r), where=positive),
    "kl_div, to the middle": Peer(fl.JensenShannon(from_logits=True), lambda F, z, y, r: one_by_one(to_the_middle(F, y, z.log_softmax(1)), r), 2, where=spread, note="0 log 0 is NaN in their derivatives"),
    "kl_div of log, to the middle": Peer(fl.JensenShannon(), lambda F, z, y, r: one_by_one(to_the_middle(F, y, z.log()), r), 2, where=spread),
    "l1_loss of softmax": Peer(fl.TotalVariation(from_logits=True), lambda F, z, y, r: one_by_one(F.l1_loss(z.softmax(1), y, reduction="none"), r), 2),
    "l1_loss of probabilities": Peer(fl.TotalVariation(), lambda F, z, y, r: one_by_one(F.l1_loss(z, y, reduction="none"), r), 2),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", PEERS)
def test_per_element(name, dtype, torch):
    peer = PEERS[name]
    y, z = sample(peer, dtype)
    target = torch.from_numpy(y)
    theirs = by_torch(torch, lambda z: peer.theirs(torch.nn.functional, z, target, "none"), z, peer.derivatives)
    assert_agrees(peer, y, z, *theirs)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", PEERS)
def test_reduced(name, reduction, torch):
    peer = PEERS[name]
    y, z = sample(peer)
    tensor = torch.from_numpy(z.copy()).requires_grad_()
    theirs = peer.theirs(torch.nn.functional, tensor, torch.from_numpy(y), reduction)
    theirs.backward()
    value, gradient = peer.loss.value_and_gradient(y, z, reduction=reduction)
    assert_close(peer.factor * (value + getattr(peer.constant(y), reduction)()), theirs.detach().numpy())
    assert_close(peer.factor * gradient, tensor.grad.numpy())


def test_the_mean_of_divergences_is_batchmean(torch):
    y, z = data(fl.KLDivergence(from_log_probabilities=True), 30)
    theirs = torch.nn.functional.kl_div(torch.from_numpy(z), torch.from_numpy(y), reduction="batchmean")
    assert_close(fl.KLDivergence(from_log_probabilities=True)(y, z), theirs.numpy())


# Whose mean is over the sum of the weights, as ours.
WEIGHTED = {
    "mse_loss": (fl.SquaredError(), True, lambda F, z, y, w, r: F.mse_loss(z, y, weight=w, reduction=r)),
    "l1_loss": (fl.AbsoluteError(), True, lambda F, z, y, w, r: F.l1_loss(z, y, weight=w, reduction=r)),
    "huber_loss": (fl.Huber(0.7), False, lambda F, z, y, w, r: F.huber_loss(z, y, delta=0.7, weight=w, reduction=r)),
    "binary_cross_entropy": (fl.BinaryCrossEntropy(), False, lambda F, z, y, w, r: F.binary_cross_entropy(z, y, w, reduction=r)),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights(name, torch):
    loss, over_weights, theirs = WEIGHTED[name]
    y, z = data(loss, 200, kinks=False)
    w = seed_of(name).uniform(0, 2, 200)
    for reduction in ("none", "sum", "mean"):
        other = theirs(torch.nn.functional, *map(torch.from_numpy, (z, y, w)), reduction).numpy()
        if reduction == "mean" and not over_weights:  # they divide by n
            other = other * len(w) / w.sum()
        assert_close(loss(y, z, w, reduction=reduction), other, reduction)


@pytest.mark.parametrize("loss", [fl.Triplet(), fl.Triplet(0.3, swap=True), fl.Triplet(p=1)], ids=repr)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_triplet_margin_with_distance_loss(loss, reduction, torch):
    """With the exact distance, where their `triplet_margin_loss` adds 1e-6 to each difference."""
    triplets = seed_of("triplets").normal(0, 1, (3, 40, 5))
    tensors = [torch.from_numpy(x.copy()).requires_grad_() for x in triplets]
    theirs = torch.nn.functional.triplet_margin_with_distance_loss(
        *tensors,
        distance_function=lambda x, y: torch.linalg.vector_norm(x - y, loss.p, dim=1),
        margin=loss.margin,
        swap=loss.swap,
        reduction=reduction,
    )
    theirs.sum().backward()
    value, gradients = loss.value_and_gradients(*triplets, reduction=reduction)
    assert_close(value, theirs.detach().numpy())
    for gradient, tensor in zip(gradients, tensors, strict=True):
        assert_close(gradient, tensor.grad.numpy())


def test_ties_have_the_same_subgradient(torch):
    t = torch.zeros(3, requires_grad=True)
    torch.nn.functional.l1_loss(t, torch.zeros(3), reduction="sum").backward()
    assert fl.AbsoluteError().gradient(np.zeros(3), np.zeros(3)).tolist() == t.grad.tolist() == [0, 0, 0]


def test_class_weights_of_rows_count_where_torch_divides_by_n(torch):
    """A difference, kept on purpose: the same data as indices and as rows have the same mean."""
    y, z = data(fl.SparseCategoricalCrossEntropy(True), 50)
    rows = np.eye(3)[y]
    sparse, dense = (
        fl.SparseCategoricalCrossEntropy(True, class_weight=C),
        fl.CategoricalCrossEntropy(True, class_weight=C),
    )
    assert dense(rows, z) == pytest.approx(sparse(y, z))
    theirs = torch.nn.functional.cross_entropy(
        torch.from_numpy(z), torch.from_numpy(rows), weight=torch.tensor(C, dtype=torch.float64)
    )
    assert dense(rows, z, reduction="sum") / 50 == pytest.approx(float(theirs))


def test_class_weights_of_margins_count_where_torch_divides_by_n(torch):
    loss = fl.MultiMargin(class_weight=C)
    y, z = data(loss, 50)
    theirs = torch.nn.functional.multi_margin_loss(*map(torch.from_numpy, (z, y)), weight=torch.tensor(C).double())
    assert loss(y, z, reduction="sum") / 50 == pytest.approx(float(theirs))
    assert loss(y, z) == pytest.approx(float(theirs) * 50 / np.take(C, y).sum())


@pytest.mark.parametrize("n_classes", [2, 5, 300])
def test_labels_in_rows_are_read_as_torch_reads_them(n_classes, torch):
    """The first -1 ends a row: what follows is nothing, label or not."""
    rng = seed_of("rows", n_classes)
    z = rng.normal(0, 1, (40, n_classes))
    rows = rng.permuted(np.tile(np.arange(n_classes), (40, 1)), axis=1)
    rows[rng.random(rows.shape) < 2 / n_classes] = -1
    tensor = torch.from_numpy(z).requires_grad_()
    theirs = torch.nn.functional.multilabel_margin_loss(tensor, torch.from_numpy(rows))
    theirs.backward()
    value, gradient = fl.MultiLabelMargin().value_and_gradient(rows, z)
    assert_close(value, theirs.detach().numpy())
    assert_close(gradient, tensor.grad.numpy())


def test_probabilities_of_0_are_infinitely_bad_where_torch_says_100(torch):
    assert fl.BinaryCrossEntropy()([1.0], [0.0]) == np.inf
    assert float(torch.nn.functional.binary_cross_entropy(torch.tensor([0.0]), torch.tensor([1.0]))) == 100
