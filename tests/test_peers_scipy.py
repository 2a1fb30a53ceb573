# ruff: noqa: E501  (tables: one case a line)
"""Agreement with SciPy: special functions, densities of which a loss is the negative logarithm, robust least squares."""

from __future__ import annotations

import numpy as np
import pytest
from cases import data, seed_of
from peers import Peer, assert_agrees, assert_close, sample

import fastloss as fl


@pytest.fixture(scope="module")
def scipy():
    return pytest.importorskip("scipy", reason="SciPy is not installed")


def count(y, z):
    """Densities of counts are 0 elsewhere."""
    return y == np.round(y)


# SciPy expressions of prediction z and target y.
FUNCTIONS = {
    "huber": Peer(fl.Huber(1.5), lambda S, z, y: S.special.huber(1.5, z - y)),
    "huber, scaled": Peer(fl.SmoothL1(0.5), lambda S, z, y: S.special.huber(0.5, z - y), 0.5),
    "pseudo_huber": Peer(fl.PseudoHuber(1.5), lambda S, z, y: S.special.pseudo_huber(1.5, z - y)),
    "pseudo_huber, alpha 1": Peer(fl.GeneralRobust(1.0, 0.3), lambda S, z, y: S.special.pseudo_huber(1, (z - y) / 0.3)),
    "log_expit": Peer(fl.BinaryCrossEntropy(True), lambda S, z, y: -y * S.special.log_expit(z) - (1 - y) * S.special.log_expit(-z)),
    "log_expit, smooth quantile": Peer(fl.SmoothQuantile(0.9, 0.3), lambda S, z, y: 0.9 * (y - z) - 0.3 * S.special.log_expit((y - z) / 0.3)),
    "rel_entr": Peer(fl.KLDivergence(), lambda S, z, y: S.special.rel_entr(y, z).sum(axis=1)),
    "kl_div": Peer(fl.KLDivergence(), lambda S, z, y: (S.special.kl_div(y, z) + y - z).sum(axis=1), note="theirs adds z - y, which is 0 over a row"),
    "rel_entr, reverse": Peer(fl.ReverseKLDivergence(), lambda S, z, y: S.special.rel_entr(z, y).sum(axis=1), where=lambda y, z: (y > 0).all(axis=1)),
    "jensenshannon": Peer(fl.JensenShannon(), lambda S, z, y: S.spatial.distance.jensenshannon(y, z, axis=1) ** 2, note="theirs is the root"),
    "cityblock": Peer(fl.TotalVariation(), lambda S, z, y: np.array([S.spatial.distance.cityblock(*rows) for rows in zip(y, z, strict=True)]), 2),
    "log_softmax": Peer(fl.SparseCategoricalCrossEntropy(True), lambda S, z, y: -np.take_along_axis(S.special.log_softmax(z, axis=1), y[:, None], axis=1)[:, 0]),
    "log1p": Peer(fl.GeneralRobust(0.0, 0.3), lambda S, z, y: S.special.log1p(((z - y) / 0.3) ** 2 / 2)),
    "expm1": Peer(fl.GeneralRobust(-np.inf, 0.3), lambda S, z, y: -S.special.expm1(-(((z - y) / 0.3) ** 2) / 2)),
    "expm1, Welsch": Peer(fl.Welsch(1.5), lambda S, z, y: -S.special.expm1(-(((z - y) / 1.5) ** 2)) * 1.5**2 / 2),
    "boxcox": Peer(fl.GeneralRobust(1.7, 0.3), lambda S, z, y: 0.3 * S.special.boxcox(((z - y) / 0.3) ** 2 / 0.3 + 1, 0.85) / 2, note="(x^k - 1)/k, with k = alpha/2"),
    "boxcox, negative alpha": Peer(fl.GeneralRobust(-3.0, 0.3), lambda S, z, y: 5 * S.special.boxcox(((z - y) / 0.3) ** 2 / 5 + 1, -1.5) / 2),
    "boxcox, Geman-McClure": Peer(fl.GemanMcClure(1.5), lambda S, z, y: S.special.boxcox(((z - y) / 1.5) ** 2 + 1, -1) * 1.5**2 / 2),
    "norm": Peer(fl.GaussianNLL(full=True), lambda S, z, y: -S.stats.norm(z[:, 0], np.exp(z[:, 1])).logpdf(y)),
    "cauchy, alpha 0": Peer(fl.AdaptiveRobust(0.0, 1.5), lambda S, z, y: -S.stats.cauchy(z, 1.5 * np.sqrt(2)).logpdf(y)),
    "genhyperbolic, alpha 1": Peer(fl.AdaptiveRobust(1.0, 1.5), lambda S, z, y: -S.stats.genhyperbolic(1, 1, 0, loc=z, scale=1.5).logpdf(y)),
    "poisson": Peer(fl.Poisson(full=True), lambda S, z, y: -S.stats.poisson(np.exp(z)).logpmf(y), where=count),
    "poisson of the mean": Peer(fl.Poisson("identity", full=True), lambda S, z, y: -S.stats.poisson(z).logpmf(y), where=count),
    "bernoulli": Peer(fl.BinaryCrossEntropy(), lambda S, z, y: -S.stats.bernoulli(z).logpmf(y), where=count),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, scipy):
    peer = FUNCTIONS[name]
    y, z = sample(peer)
    assert_agrees(peer, y, z, peer.theirs(scipy, z, y))


# Logarithms of densities of the target y under the prediction z, of which a loss is the negative.
DENSITIES = {
    "norm of variance 1": Peer(fl.HalfSquaredError(), lambda S, z, y: S.stats.norm(z).logpdf(y)),
    "laplace": Peer(fl.AbsoluteError(), lambda S, z, y: S.stats.laplace(z).logpdf(y)),
    "laplace_asymmetric": Peer(fl.Quantile(0.8), lambda S, z, y: S.stats.laplace_asymmetric(kappa=2, loc=z, scale=2.5).logpdf(y), note="kappa^2 = q/(1 - q), scale = 1/sqrt(q (1 - q))"),
    "gennorm": Peer(fl.Lq(1.7), lambda S, z, y: S.stats.gennorm(1.7, loc=z).logpdf(y)),
    "hypsecant": Peer(fl.LogCosh(), lambda S, z, y: S.stats.hypsecant(z).logpdf(y)),
    "gumbel_r": Peer(fl.Linex(0.5), lambda S, z, y: S.stats.gumbel_r(z, 2).logpdf(y), note="scale 1/a"),
    "cauchy": Peer(fl.Cauchy(1.5), lambda S, z, y: S.stats.cauchy(z, 1.5).logpdf(y), 2 / 1.5**2),
    "logistic": Peer(fl.SmoothQuantile(0.5, 0.3), lambda S, z, y: S.stats.logistic(z, 0.3).logpdf(y), 2 / 0.3),
    "gamma": Peer(fl.Gamma(), lambda S, z, y: S.stats.gamma(3, scale=np.exp(z) / 3).logpdf(y), 3, note="shape k is k times the loss"),
    "expon": Peer(fl.Tweedie(2.0, "identity"), lambda S, z, y: S.stats.expon(scale=z).logpdf(y)),
    "invgauss": Peer(fl.InverseGaussian(), lambda S, z, y: S.stats.invgauss(np.exp(z)).logpdf(y)),
    "nbinom": Peer(fl.NegativeBinomial(0.4), lambda S, z, y: S.stats.nbinom(1 / 0.4, 1 / (1 + 0.4 * np.exp(z))).logpmf(y), where=lambda y, z: count(y, z) & (np.abs(z) < 2), note="theta = 1/n, mu = (1 - p)/(p theta); of 1 - p theirs has the digits that p leaves"),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSITIES)
def test_densities(name, scipy):
    """Constants of the target drop out of the difference between two predictions."""
    peer = DENSITIES[name]
    y, z = sample(peer)
    other = np.roll(z, 1)
    theirs = [-peer.theirs(scipy, x, y) for x in (z, other)]
    ours = [peer.factor * peer.loss(y, x, reduction="none") for x in (z, other)]
    largest = np.max([np.ones_like(y), *np.abs(theirs), *np.abs(ours)], axis=0)
    assert_close((ours[0] - ours[1]) / largest, (theirs[0] - theirs[1]) / largest)


# The names of least_squares with their scale: half the sum of scale^2 rho((r/scale)^2).
LEAST_SQUARES = {
    "linear": (fl.HalfSquaredError(), 1.0),
    "huber": (fl.Huber(1.5), 1.5),
    "soft_l1": (fl.PseudoHuber(1.5), 1.5),
    "cauchy": (fl.Cauchy(1.5), 1.5),
    "arctan": (fl.Arctan(1.5), 1.5),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAST_SQUARES)
def test_least_squares(name, scipy):
    loss, scale = LEAST_SQUARES[name]
    y, z = data(loss, 60, kinks=False)
    theirs = scipy.optimize.least_squares(
        lambda z: z - y, z, jac=lambda z: np.eye(len(z)), loss=name, f_scale=scale, max_nfev=1
    )
    np.testing.assert_array_equal(theirs.x, z)  # not a step
    value, gradient = loss.value_and_gradient(y, z, reduction="sum")
    assert_close(value, theirs.cost)
    assert_close(gradient, theirs.grad)


def crps(scipy, y, location, log_scale):
    """The integral of the squared difference between a distribution function and the step at y."""
    normal = scipy.stats.norm(location, np.exp(log_scale))
    below = scipy.integrate.quad(lambda x: normal.cdf(x) ** 2, -np.inf, y, epsabs=1e-12)[0]
    return below + scipy.integrate.quad(lambda x: normal.sf(x) ** 2, y, np.inf, epsabs=1e-12)[0]


def test_crps(scipy):
    loss = fl.GaussianCRPS()
    y, z = data(loss, 40, kinks=False)
    near = (np.abs(z[:, 1]) < 2) & (np.abs(y - z[:, 0]) < 10 * np.exp(z[:, 1]))  # where quad's steps find the bend
    assert near.sum() > 10
    theirs = [crps(scipy, *numbers) for numbers in zip(y[near], *z[near].T, strict=True)]
    np.testing.assert_allclose(loss(y[near], z[near], reduction="none"), theirs, rtol=1e-7)


@pytest.mark.parametrize("expectile", [0.1, 0.5, 0.9])
def test_the_optimum_is_the_expectile(expectile, scipy):
    rng = seed_of("expectile")
    y, w = rng.normal(size=100), rng.uniform(0, 2, 100)
    for weights in (None, w):
        ours = fl.Expectile(expectile).optimum(y, weights)
        assert ours == pytest.approx(scipy.stats.expectile(y, expectile, weights=weights), rel=1e-9)
