# ruff: noqa: E501  (tables: one case a line)
"""Agreement with scikit-learn: its metrics, and the losses inside its estimators (private, so where a version has them)."""

from __future__ import annotations

import numpy as np
import pytest
from cases import data, seed_of
from peers import Peer, assert_agrees, assert_close, sample
from scipy.special import xlogy

import fastloss as fl


@pytest.fixture(scope="module")
def metrics():
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


@pytest.fixture(scope="module")
def losses():
    return pytest.importorskip("sklearn._loss.loss", reason="this scikit-learn has no such losses")


@pytest.fixture(scope="module")
def sgd():
    return pytest.importorskip("sklearn.linear_model._sgd_fast", reason="this scikit-learn has no such losses")


def saturated(power):
    """What completes our Tweedie loss to half the unit deviance."""
    if power == 0:
        return lambda y: y**2 / 2
    if power == 1:
        return lambda y: xlogy(y, y) - y
    return lambda y: -np.log(y) - 1 if power == 2 else y ** (2 - power) / ((1 - power) * (2 - power))


SURROGATE = "their Hessian of a piecewise linear loss is 1"
POWERS = (-1.0, 0.0, 1.0, 1.5, 1.9, 2.0, 3.0)

# Classes of sklearn._loss with their arguments.
LOSSES = {
    "HalfSquaredError": Peer(fl.HalfSquaredError(), lambda L: L.HalfSquaredError()),
    "HalfSquaredError, doubled": Peer(fl.SquaredError(), lambda L: L.HalfSquaredError(), 0.5),
    "AbsoluteError": Peer(fl.AbsoluteError(), lambda L: L.AbsoluteError(), derivatives=1, note=SURROGATE),
    "PinballLoss": Peer(fl.Quantile(0.8), lambda L: L.PinballLoss(quantile=0.8), derivatives=1, note=SURROGATE),
    "HuberLoss": Peer(fl.Huber(1.5), lambda L: L.HuberLoss(delta=1.5), note="their estimators set delta from a quantile of |r|"),
    "HalfPoissonLoss": Peer(fl.Poisson(), lambda L: L.HalfPoissonLoss()),
    "HalfGammaLoss": Peer(fl.Gamma(), lambda L: L.HalfGammaLoss()),
    "HalfTweedieLoss, inverse Gaussian": Peer(fl.InverseGaussian(), lambda L: L.HalfTweedieLoss(power=3)),
    "HalfBinomialLoss": Peer(fl.BinaryCrossEntropy(True), lambda L: L.HalfBinomialLoss()),
    "HalfBinomialLoss of signs": Peer(fl.SoftMargin(), lambda L: L.HalfBinomialLoss(), note="labels 0 and 1"),
    "ExponentialLoss": Peer(fl.Exponential(), lambda L: L.ExponentialLoss(), note="labels 0 and 1"),
    "HalfMultinomialLoss": Peer(fl.SparseCategoricalCrossEntropy(True), lambda L: L.HalfMultinomialLoss(n_classes=3), note="labels are floats"),
    **{f"HalfTweedieLoss({p})": Peer(fl.Tweedie(p), lambda L, p=p: L.HalfTweedieLoss(power=p)) for p in POWERS if p != 0},
    "HalfTweedieLoss(0.0)": Peer(fl.Tweedie(0.0), lambda L: L.HalfTweedieLoss(power=0), constant=saturated(0), note="(y - mu)^2/2: with the square of y"),
    **{f"HalfTweedieLossIdentity({p})": Peer(fl.Tweedie(p, "identity"), lambda L, p=p: L.HalfTweedieLossIdentity(power=p), constant=saturated(p), note="half the deviance") for p in POWERS[1:]},
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, losses):
    peer = LOSSES[name]
    theirs = peer.theirs(losses)
    y, z = sample(peer)
    target = (y > 0 if peer.loss.name in ("exponential", "soft_margin") else y).astype(float)
    value, gradient = theirs.loss_gradient(y_true=target, raw_prediction=z)
    assert_agrees(peer, y, z, value, gradient, theirs.gradient_hessian(y_true=target, raw_prediction=z)[1])


# Losses of SGDClassifier and SGDRegressor, and of the linear support vector machines.
SGD = {
    "Hinge": Peer(fl.Hinge(), lambda L: L.Hinge(1.0)),
    "Hinge of threshold 0": Peer(fl.Perceptron(), lambda L: L.Hinge(0.0), note="the loss of their Perceptron"),
    "Hinge, discriminator": Peer(fl.GANDiscriminator("hinge"), lambda L: L.Hinge(1.0)),
    "SquaredHinge": Peer(fl.SquaredHinge(), lambda L: L.SquaredHinge(1.0)),
    "ModifiedHuber": Peer(fl.ModifiedHuber(), lambda L: L.ModifiedHuber()),
    "EpsilonInsensitive": Peer(fl.EpsilonInsensitive(0.3), lambda L: L.EpsilonInsensitive(0.3)),
    "SquaredEpsilonInsensitive": Peer(fl.SquaredEpsilonInsensitive(0.3), lambda L: L.SquaredEpsilonInsensitive(0.3)),
}  # fmt: skip


@pytest.mark.parametrize("name", SGD)
def test_losses_of_sgd(name, sgd):
    peer = SGD[name]
    theirs = peer.theirs(sgd)
    y, z = sample(peer)
    target = y if peer.loss.task == "regression" else np.where(y > 0, 1.0, -1.0)
    assert_agrees(peer, y, z, np.vectorize(theirs.py_loss)(z, target), np.vectorize(theirs.py_dloss)(z, target))


def test_kinks_have_the_same_subgradient(sgd):
    """At the margin nothing pulls; at a score of 0 the perceptron learns; both as in SGDClassifier."""
    for ours, theirs, z in ((fl.Perceptron(), sgd.Hinge(0.0), 0.0), (fl.SquaredHinge(), sgd.SquaredHinge(1.0), 1.0)):
        assert ours.gradient([1.0], [z])[0] == theirs.py_dloss(z, 1.0)
    assert fl.EpsilonInsensitive(0.5).gradient([0.0], [0.5])[0] == sgd.EpsilonInsensitive(0.5).py_dloss(0.5, 0.0) == 0


# Of targets, predictions and weights; theirs are means.
METRICS = {
    "mean_squared_error": Peer(fl.SquaredError(), lambda m, y, z, w: m.mean_squared_error(y, z, sample_weight=w)),
    "root_mean_squared_error": Peer(fl.RootMeanSquaredError(), lambda m, y, z, w: m.root_mean_squared_error(y, z, sample_weight=w)),
    "mean_absolute_error": Peer(fl.AbsoluteError(), lambda m, y, z, w: m.mean_absolute_error(y, z, sample_weight=w)),
    "mean_absolute_percentage_error": Peer(fl.AbsolutePercentageError("epsilon"), lambda m, y, z, w: m.mean_absolute_percentage_error(y, z, sample_weight=w)),
    "mean_squared_log_error": Peer(fl.SquaredLogError(), lambda m, y, z, w: m.mean_squared_log_error(y, z, sample_weight=w), 2),
    **{f"mean_pinball_loss({q})": Peer(fl.Quantile(q), lambda m, y, z, w, q=q: m.mean_pinball_loss(y, z, alpha=q, sample_weight=w)) for q in (0.0, 0.1, 0.5, 0.9)},
    "log_loss": Peer(fl.BinaryCrossEntropy(), lambda m, y, z, w: m.log_loss(y.round(), z, sample_weight=w), where=lambda y, z: y == y.round()),
    "brier_score_loss": Peer(fl.Brier(), lambda m, y, z, w: m.brier_score_loss(y, z, sample_weight=w), where=lambda y, z: y == y.round()),
    "hinge_loss": Peer(fl.Hinge(), lambda m, y, z, w: m.hinge_loss(np.where(y > 0, 1, -1), z, sample_weight=w)),
    "log_loss of rows": Peer(fl.SparseCategoricalCrossEntropy(), lambda m, y, z, w: m.log_loss(y, z, sample_weight=w, labels=range(3))),
    **{f"mean_tweedie_deviance({p})": Peer(fl.Tweedie(p, "identity"), lambda m, y, z, w, p=p: m.mean_tweedie_deviance(y, z, power=p, sample_weight=w), 2, saturated(p)) for p in POWERS[2:]},
    "mean_gamma_deviance": Peer(fl.Gamma(), lambda m, y, z, w: m.mean_gamma_deviance(y, np.exp(z), sample_weight=w), 2, saturated(2)),
    "mean_poisson_deviance": Peer(fl.Poisson(), lambda m, y, z, w: m.mean_poisson_deviance(y, np.exp(z), sample_weight=w), 2, saturated(1)),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, weighted, metrics):
    peer = METRICS[name]
    y, z = data(peer.loss, 300)
    if peer.where is not None:
        y, z = (x[peer.where(y, z)] for x in (y, z))
    w = seed_of(name).uniform(0, 2, len(y)) if weighted else None
    with np.errstate(divide="ignore", over="ignore"):
        theirs = peer.theirs(metrics, y, z, w)
    assert_close(peer.factor * (peer.loss(y, z, w) + np.average(peer.constant(y), weights=w)), theirs)


def test_classes_need_not_all_occur():
    """scikit-learn#6703, #4033: K is the width of y_pred, whatever labels the data happen to hold."""
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert fl.SparseCategoricalCrossEntropy()([2, 2], p) == pytest.approx(-np.log([0.5, 0.1]).mean())
    assert fl.BinaryCrossEntropy()([1, 1], [0.5, 0.25]) == pytest.approx(-np.log([0.5, 0.25]).mean())


def test_probabilities_of_0_are_infinitely_bad_where_log_loss_clips(metrics):
    """At the epsilon of the type: the loss of a certain error depends on it."""
    assert fl.BinaryCrossEntropy()([1, 0], [0.0, 0.5]) == np.inf
    for dtype in (np.float32, np.float64):
        p, eps = np.array([0.0, 0.5], dtype), np.finfo(dtype).eps
        theirs = metrics.log_loss([1, 0], p)
        assert theirs == pytest.approx((-np.log(eps) - np.log(0.5)) / 2, rel=1e-6)
        assert fl.BinaryCrossEntropy(clip=float(eps))([1, 0], p) == pytest.approx(theirs, rel=1e-6)
