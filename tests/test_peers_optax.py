# ruff: noqa: E501  (tables: one case a line)
"""Agreement with Optax, in value, gradient and Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from cases import seed_of
from peers import Peer, assert_agrees, assert_close, by_jax, sample

import fastloss as fl


@pytest.fixture(scope="module")
def losses(jax):
    return pytest.importorskip("optax", reason="Optax is not installed").losses


def sign(y):
    """Optax's margin losses take labels -1 and 1."""
    return np.where(y > 0, 1, -1)


def log_softmax(z):
    from jax import nn

    return nn.log_softmax(z)


def positive(y, z):
    """No target is 0."""
    return (y > 0).all(axis=1)


def hot(y, z):
    return (y[..., None] == np.arange(z.shape[-1])).astype(z.dtype)


# Expressions of optax.losses, prediction z and target y.
PEERS = {
    "squared_error": Peer(fl.SquaredError(), lambda L, z, y: L.squared_error(z, y)),
    "l2_loss": Peer(fl.HalfSquaredError(), lambda L, z, y: L.l2_loss(z, y)),
    "l2_loss, generator": Peer(fl.GANGenerator("least_squares"), lambda L, z, y: L.l2_loss(z, y)),
    "huber_loss": Peer(fl.Huber(1.5), lambda L, z, y: L.huber_loss(z, y, delta=1.5)),
    "log_cosh": Peer(fl.LogCosh(), lambda L, z, y: L.log_cosh(z, y), note="relative precision of theirs ends near 0, of its second derivative beyond 17"),
    "hinge_loss": Peer(fl.Hinge(), lambda L, z, y: L.hinge_loss(z, sign(y))),
    "perceptron_loss": Peer(fl.Perceptron(), lambda L, z, y: L.perceptron_loss(z, sign(y)), note="at a score of 0 autodiff gives -s/2, ours is -s"),
    "sigmoid_binary_cross_entropy": Peer(fl.BinaryCrossEntropy(True), lambda L, z, y: L.sigmoid_binary_cross_entropy(z, y)),
    "sigmoid_binary_cross_entropy, smoothed": Peer(fl.BinaryCrossEntropy(True, label_smoothing=0.1), lambda L, z, y: L.sigmoid_binary_cross_entropy(z, 0.9 * y + 0.05)),
    "sigmoid_binary_cross_entropy of signs": Peer(fl.SoftMargin(), lambda L, z, y: L.sigmoid_binary_cross_entropy(z, y > 0)),
    "sigmoid_binary_cross_entropy, discriminator": Peer(fl.GANDiscriminator(), lambda L, z, y: L.sigmoid_binary_cross_entropy(z, y)),
    "sigmoid_focal_loss": Peer(fl.BinaryFocal(from_logits=True), lambda L, z, y: L.sigmoid_focal_loss(z, y)),
    "sigmoid_focal_loss, alpha": Peer(fl.BinaryFocal(3.5, 0.25, True), lambda L, z, y: L.sigmoid_focal_loss(z, y, alpha=0.25, gamma=3.5)),
    "sigmoid_focal_loss, two gammas": Peer(fl.AsymmetricFocal(1.0, 3.0, 0.0), lambda L, z, y: L.sigmoid_focal_loss(z, y, gamma=np.where(y > 0, 1, 3))),
    "softmax_cross_entropy_with_integer_labels": Peer(fl.SparseCategoricalCrossEntropy(True), lambda L, z, y: L.softmax_cross_entropy_with_integer_labels(z, y)),
    "poly_loss_cross_entropy": Peer(fl.Poly1(1.5, from_logits=True), lambda L, z, y: L.poly_loss_cross_entropy(z, hot(y, z), epsilon=1.5)),
    "multiclass_hinge_loss": Peer(fl.CategoricalHinge(), lambda L, z, y: L.multiclass_hinge_loss(z, y)),
    "softmax_cross_entropy": Peer(fl.CategoricalCrossEntropy(True), lambda L, z, y: L.softmax_cross_entropy(z, y)),
    "softmax_cross_entropy, smoothed": Peer(fl.CategoricalCrossEntropy(True, label_smoothing=0.1), lambda L, z, y: L.softmax_cross_entropy(z, L.smooth_labels(y, 0.1))),
    "kl_divergence": Peer(fl.KLDivergence(from_log_probabilities=True), lambda L, z, y: L.kl_divergence(z, y)),
    "kl_divergence_with_log_targets": Peer(fl.KLDivergence(from_log_probabilities=True), lambda L, z, y: L.kl_divergence_with_log_targets(z, np.log(y)), where=positive, note="of a target of 0 they have 0 log 0"),
    "kl_divergence of log_softmax": Peer(fl.KLDivergence(from_logits=True), lambda L, z, y: L.kl_divergence(log_softmax(z), y)),
}  # fmt: skip


dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)


@dtypes
@pytest.mark.parametrize("name", PEERS)
def test_per_element(name, dtype, jax, losses):
    peer = PEERS[name]
    y, z = sample(peer, dtype)
    assert_agrees(peer, y, z, *by_jax(jax, lambda z: peer.theirs(losses, z, y), z))


# Of masks (n, H, W, C) and probabilities, over all but the classes. Half of the smoothing that Dice has is theirs.
MASKS = {
    "dice_loss": (fl.Dice(per_class=True), {"smooth": 0.5}),
    "dice_loss, not smoothed": (fl.Dice(0.0, per_class=True), {"smooth": 0.0}),
    "dice_loss, Tversky": (fl.Tversky(0.3, 0.7, per_class=True), {"alpha": 0.3, "beta": 0.7}),
    "dice_loss, Jaccard": (fl.Jaccard(per_class=True), {"alpha": 1.0, "beta": 1.0}),
}


@dtypes
@pytest.mark.parametrize("name", MASKS)
def test_masks(name, dtype, jax, losses):
    loss, more = MASKS[name]
    rng = seed_of("masks")
    t, p = np.eye(3, dtype=dtype)[rng.integers(0, 3, (2, 8, 9))], rng.dirichlet([1, 2, 3], (2, 8, 9)).astype(dtype)

    def theirs(p):
        return losses.dice_loss(p, t, apply_softmax=False, axis=(0, 1, 2), **more)

    value, gradient = loss.value_and_gradient(*(np.moveaxis(x, -1, 1) for x in (t, p)))
    assert_close(value, np.asarray(theirs(p)))
    assert_close(np.moveaxis(gradient, 1, -1), np.asarray(jax.grad(theirs)(jax.numpy.asarray(p))))


@dtypes
def test_a_binary_mask(dtype, jax, losses):
    """Theirs takes raw scores, and has a loss for each sample."""
    rng = seed_of("mask")
    t, z = rng.integers(0, 2, (1, 60)).astype(dtype), rng.normal(0, 2, (1, 60)).astype(dtype)
    p = fl.BinaryCrossEntropy(from_logits=True).inverse_link(z)
    value, gradient = fl.Dice(smooth=2.0).value_and_gradient(t, p)
    assert_close(value, np.asarray(losses.binary_dice_loss(z, t))[0])
    theirs = jax.grad(lambda z: losses.binary_dice_loss(z, t)[0])(jax.numpy.asarray(z))
    assert_close(gradient * p * (1 - p), np.asarray(theirs))


@dtypes
def test_cosine_distance(dtype, jax, losses):
    """Ours of similar pairs."""
    a, b = seed_of("rows").normal(0, 1, (2, 30, 7)).astype(dtype)
    value, gradients = fl.CosineEmbedding().value_and_gradients(np.ones(30), a, b, reduction="none")
    assert_close(value, np.asarray(losses.cosine_distance(a, b)))
    for k, gradient in enumerate(gradients):
        theirs = jax.grad(lambda *x: losses.cosine_distance(*x).sum(), argnums=k)(*map(jax.numpy.asarray, (a, b)))
        assert_close(gradient, np.asarray(theirs))


def test_a_score_of_0_is_a_mistake_of_the_perceptron(jax, losses):
    """A difference, kept on purpose: of the two slopes autodiff takes the mean, Rosenblatt's rule the steeper."""
    theirs = jax.grad(lambda z: losses.perceptron_loss(z, np.ones(1)).sum())(np.zeros(1))
    assert theirs.tolist() == [-0.5]
    assert fl.Perceptron().gradient([1.0], [0.0]).tolist() == [-1.0]
