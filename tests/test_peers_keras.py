# ruff: noqa: E501  (tables: one case a line)
"""Agreement with Keras, in value, and in gradient and Hessian where its backend differentiates.

In float32: that is what Keras averages in, whatever it is given, on every backend but TensorFlow.
"""

from __future__ import annotations

import numpy as np
import pytest
from cases import data, seed_of
from peers import Peer, assert_agrees, assert_close, by_jax, by_torch, sample

import fastloss as fl


@pytest.fixture(autouse=True)
def _unclipped(keras):
    """Keras clips at 1e-7, or adds it to, whatever it takes a logarithm of."""
    before = keras.config.epsilon()
    keras.config.set_epsilon(0.0)
    yield
    keras.config.set_epsilon(before)


def certain(y, z):
    """Away from p = 1, whose difference from 1 has no digits."""
    return np.abs(z) < 4


def confident_at_most(y, z):
    """No probability beyond what they clip to, or for which 1 - p has few digits."""
    return np.ptp(z, axis=1) < 6


def rival_above_0(y, z):
    return np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z).max(axis=1) > 0


def log_of_sum(z):
    from keras import ops

    return ops.log(ops.sum(z, axis=1))


def hot(y, z):
    from keras import ops

    return ops.one_hot(ops.cast(y, "int32"), z.shape[-1])


# Expressions of keras.losses, prediction z and target y; they average over the last axis.
PEERS = {
    "mean_squared_error": Peer(fl.SquaredError(), lambda L, z, y: L.mean_squared_error(y, z)),
    "mean_squared_error, Brier": Peer(fl.Brier(), lambda L, z, y: L.mean_squared_error(y, z)),
    "mean_absolute_error": Peer(fl.AbsoluteError(), lambda L, z, y: L.mean_absolute_error(y, z)),
    "mean_absolute_percentage_error": Peer(fl.AbsolutePercentageError(), lambda L, z, y: L.mean_absolute_percentage_error(y, z), 100, note="in percent; |y| at least 1e-7"),
    "mean_squared_logarithmic_error": Peer(fl.SquaredLogError(), lambda L, z, y: L.mean_squared_logarithmic_error(y, z), 2, where=lambda y, z: (y > 0) & (z > 0), note="negative numbers are raised to 1e-7"),
    "huber": Peer(fl.Huber(1.5), lambda L, z, y: L.huber(y, z, delta=1.5)),
    "log_cosh": Peer(fl.LogCosh(), lambda L, z, y: L.log_cosh(y, z), where=lambda y, z: np.abs(z - y) < 9, note="torch's softplus is a line from 20 on: 2e-9 off"),
    "hinge": Peer(fl.Hinge(), lambda L, z, y: L.hinge(y, z), note="labels 0 and 1 become -1 and 1"),
    "squared_hinge": Peer(fl.SquaredHinge(), lambda L, z, y: L.squared_hinge(y, z)),
    "hinge, discriminator": Peer(fl.GANDiscriminator("hinge"), lambda L, z, y: L.hinge(y, z)),
    "poisson": Peer(fl.Poisson("identity"), lambda L, z, y: L.poisson(y, z), note="of the mean, to which they add 1e-7"),
    "binary_crossentropy": Peer(fl.BinaryCrossEntropy(), lambda L, z, y: L.binary_crossentropy(y, z), derivatives=1, note="clipped to [1e-7, 1 - 1e-7]; torch's second derivative as in test_peers_torch"),
    "binary_crossentropy, smoothed": Peer(fl.BinaryCrossEntropy(label_smoothing=0.1), lambda L, z, y: L.binary_crossentropy(y, z, label_smoothing=0.1), derivatives=1),
    "binary_crossentropy from logits": Peer(fl.BinaryCrossEntropy(True), lambda L, z, y: L.binary_crossentropy(y, z, from_logits=True), where=certain),
    "binary_crossentropy from logits, smoothed": Peer(fl.BinaryCrossEntropy(True, label_smoothing=0.1), lambda L, z, y: L.binary_crossentropy(y, z, from_logits=True, label_smoothing=0.1), where=certain),
    "binary_focal_crossentropy": Peer(fl.BinaryFocal(), lambda L, z, y: L.binary_focal_crossentropy(y, z), derivatives=1),
    "binary_focal_crossentropy from logits": Peer(fl.BinaryFocal(from_logits=True), lambda L, z, y: L.binary_focal_crossentropy(y, z, from_logits=True), derivatives=1, where=certain, note="through the sigmoid, which is 1 from 37 on"),
    "binary_focal_crossentropy, alpha": Peer(fl.BinaryFocal(3.5, 0.25, True), lambda L, z, y: L.binary_focal_crossentropy(y, z, apply_class_balancing=True, alpha=0.25, gamma=3.5, from_logits=True), derivatives=1, where=certain),
    "kl_divergence": Peer(fl.KLDivergence(), lambda L, z, y: L.kl_divergence(y, z), where=lambda y, z: ((y > 0) & (z > 1e-6)).all(axis=1), note="both are clipped to [1e-7, 1]: 0 log 0 is not 0"),
    "categorical_crossentropy": Peer(fl.CategoricalCrossEntropy(), lambda L, z, y: L.categorical_crossentropy(y, z) - log_of_sum(z), note="they divide a row by its sum, which is 1, but has a derivative"),
    "categorical_crossentropy from logits": Peer(fl.CategoricalCrossEntropy(True), lambda L, z, y: L.categorical_crossentropy(y, z, from_logits=True)),
    "categorical_crossentropy from logits, smoothed": Peer(fl.CategoricalCrossEntropy(True, label_smoothing=0.1), lambda L, z, y: L.categorical_crossentropy(y, z, from_logits=True, label_smoothing=0.1)),
    "categorical_focal_crossentropy from logits": Peer(fl.CategoricalFocal(3.0, 0.25, from_logits=True), lambda L, z, y: L.categorical_focal_crossentropy(hot(y, z), z, alpha=0.25, gamma=3.0, from_logits=True), derivatives=1, where=confident_at_most, note="clipped to [1e-7, 1 - 1e-7]"),
    "categorical_hinge": Peer(fl.CategoricalHinge(), lambda L, z, y: L.categorical_hinge(hot(y, z), z), where=rival_above_0, note="the label counts among the rivals, with a score of 0"),
    "sparse_categorical_crossentropy": Peer(fl.SparseCategoricalCrossEntropy(), lambda L, z, y: L.sparse_categorical_crossentropy(y, z) - log_of_sum(z), note="likewise"),
    "sparse_categorical_crossentropy from logits": Peer(fl.SparseCategoricalCrossEntropy(True), lambda L, z, y: L.sparse_categorical_crossentropy(y, z, from_logits=True)),
    "sparse_categorical_crossentropy, ignoring": Peer(fl.SparseCategoricalCrossEntropy(True, ignore_index=1), lambda L, z, y: L.sparse_categorical_crossentropy(y, z, from_logits=True, ignore_class=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_per_element(name, keras, request):
    peer = PEERS[name]
    y, z = sample(peer, np.float32)

    def theirs(z, y):
        return peer.theirs(keras.losses, *((z, y) if peer.loss.has_rows else (z[:, None], y[:, None])))

    match keras.config.backend():
        case "torch":
            import torch

            found = by_torch(torch, lambda z: theirs(z, torch.from_numpy(y)), z)
        case "jax":
            found = by_jax(request.getfixturevalue("jax"), lambda z: theirs(z, y), z)
        case _:
            found = (np.asarray(theirs(z, y)),)
    assert_agrees(peer, y, z, *found)


def test_the_weighted_mean_is_mean_with_sample_weight(keras):
    """Keras's default divides by n, ours by the sum of the weights."""
    y, z = (x[:, None] for x in data(fl.Huber(), 200, np.float32))
    w = seed_of("keras").uniform(0, 2, 200)
    ours = fl.Huber()(y, z, w)
    for reduction, factor in (("mean_with_sample_weight", 1.0), ("sum_over_batch_size", w.sum() / 200)):
        theirs = keras.losses.Huber(reduction=reduction)(y, z, sample_weight=w)
        assert_close(factor * ours, np.asarray(theirs), reduction)


def test_a_certain_error_from_probabilities_costs_16_in_keras(keras):
    keras.config.set_epsilon(1e-7)
    theirs = float(keras.losses.binary_crossentropy(np.array([[1.0]]), np.array([[0.0]]))[0])
    assert theirs == pytest.approx(-np.log(1e-7), rel=1e-6)
    assert fl.BinaryCrossEntropy(clip=1e-7)([1.0], [0.0]) == pytest.approx(theirs, rel=1e-6)
    assert fl.BinaryCrossEntropy()([1.0], [0.0]) == np.inf
