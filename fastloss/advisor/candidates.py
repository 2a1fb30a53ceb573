"""Which losses come into question, with their parameters set from the data; and which do not, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss.advisor.metric import Metric, UnfitError, default_loss
from fastloss.advisor.sample import group_means, mean, quantile, robust_scale, skew_of_middle
from fastloss.registry import for_raw_scores, get_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastloss.advisor.sample import Weight
    from fastloss.advisor.target import Target
    from fastloss.loss import Loss

__all__ = ["LIKELIHOOD", "Candidate", "Choice", "choose"]

# Factors of the robust scale that cost 5 % of the efficiency on Gaussian errors: Huber (1981), Holland and Welsch
# (1977), Beaton and Tukey (1974).
HUBER, CAUCHY, TUKEY = 1.345, 2.3849, 4.685
# Heuristics: with a share of residuals beyond 3 robust scales (a Gaussian has 0.0027) or a ratio of classes from which
# losses made for that are worth a look.
OUTLYING, IMBALANCED, MISLABELLED = 0.01, 1.5, 0.25
WEIGHTS = ("pos_weight", "class_weight")
CONTRADICTED = "contradicted of the surest tenth"
LIKELIHOOD = "maximum likelihood for this kind"
SURPRISING = 3.0  # standard errors, of over-dispersion or skewness, that are no chance
SKEWED, SKEW_ERROR = 0.1, 1.25  # by `skew_of_middle`: what matters, and its standard error times sqrt(n)
MOST_PROBED = 1000  # rows of scores per class
BINS = 10  # of rows by their prediction, for the slope of log variance in log mean


@dataclass(frozen=True)
class Candidate:
    """A loss, and how its parameters were set."""

    loss: Loss
    how: str
    prior: str = ""  # why it comes first where the data cannot tell


@dataclass(frozen=True)
class Choice:
    """Candidates, the most usual first, and the names of others with the reason against them."""

    candidates: tuple[Candidate, ...]
    rejected: dict[str, str]
    facts: dict[str, float]  # of the residuals, where there are predictions


def choose(target: Target, value: NDArray[Any] | None, metric: Metric) -> Choice:
    """The candidates.

    Parameters
    ----------
    target : Target
    value : ndarray, optional
        Predictions on the scale of the target.
    metric : Metric
        Its own loss is a candidate where it can be trained.
    """
    make = {
        "continuous": _continuous,
        "positive": _positive,
        "semicontinuous": _positive,
        "counts": _counts,
        "proportions": _proportions,
        "binary": _binary,
        "classes": _classes,
        "multilabel": _multilabel,
        "distributions": _distributions,
    }[target.kind]
    found = make(target, value)
    own = metric.loss
    if own is not None and _trainable(own) and own not in [c.loss for c in found.candidates]:
        found = _with_metric(found, own)
    rejected = {name: why for name, why in found.rejected.items() if own is None or name != own.name}
    if own is None and MISLABELLED <= found.facts.get(CONTRADICTED, 0.0) < 0.5:
        found = _for_wrong_labels(found)
    if own is not None and target.kind == "continuous" and value is not None and _skewed(target, value):
        found = _for_skewed_residuals(found, own)
    if metric.name == "balanced_accuracy":
        found = _for_balance(found)
    kept = []
    for candidate in found.candidates:
        try:
            _probe(target, metric, candidate.loss)
            kept.append(candidate)
        except UnfitError as error:
            rejected[candidate.loss.name] = str(error)
    return Choice(tuple(kept), rejected, found.facts)


def _with_metric(found: Choice, own: Loss) -> Choice:
    """With the metric's own loss, in the place of one that differs in numbers only."""
    numbers = {name for name, value in own.params.items() if isinstance(value, float)}
    rest, prior = [], ""
    for c in found.candidates:
        same = type(c.loss) is type(own) and all(
            c.loss.params[name] == value for name, value in own.params.items() if name not in numbers
        )
        kin = same and own.name not in ("binary_cross_entropy", "sparse_categorical_cross_entropy")
        prior = c.prior if kin else prior
        rest += [] if kin else [c]
    return Choice((Candidate(own, "the metric itself", prior), *rest), found.rejected, found.facts)


def _for_wrong_labels(found: Choice) -> Choice:
    """Where decisions count and many labels may be wrong, a bounded loss is given the better prior chances.

    A heuristic: what is proved [1]_ is of losses whose sum over the labels is constant, and of wrong labels that do
    not depend on the features.

    References
    ----------
    .. [1] A. Ghosh, H. Kumar, P. S. Sastry, "Robust loss functions under label noise for deep neural networks", AAAI
       2017. https://doi.org/10.1609/aaai.v31i1.10894
    """
    why = (
        "bounded, which bears wrong labels: even the surest predictions are often contradicted, by those or for want "
        "of features (heuristic; Ghosh, Kumar, Sastry 2017)"
    )
    candidates = (replace(c, prior=why if c.loss.name == "brier" else "") for c in found.candidates)
    return replace(found, candidates=tuple(candidates))


def _skewed(target: Target, value: NDArray[Any]) -> bool:
    skew = skew_of_middle(target.y - value, target.weight)
    return abs(skew) > max(SKEWED, SURPRISING * SKEW_ERROR / float(np.sqrt(target.effective)))


def _for_skewed_residuals(found: Choice, own: Loss) -> Choice:
    """Of skewed residuals mean, median and mode are three numbers, and only the metric's own loss asks for the one that
    the metric wants: another, which would have less noise, has a bias, and must be better by more than chance."""
    why = "residuals are skewed, and other losses ask for another centre of them than the metric"
    candidates = (replace(c, prior=why if c.loss == own else "") for c in found.candidates)
    return replace(found, candidates=tuple(candidates))


def _for_balance(found: Choice) -> Choice:
    """Where all classes weigh the same in the metric, weights that make them do so in the loss come first."""
    weighted = [c for c in found.candidates if any(c.loss.params.get(w) not in (None, 1.0) for w in WEIGHTS)]
    if not weighted:
        return found
    why = "weighs the classes as the metric does"
    candidates = (replace(c, prior=why if c is weighted[0] else "") for c in found.candidates)
    return replace(found, candidates=tuple(candidates))


def _trainable(loss: Loss) -> bool:
    return loss.additive and loss.layout != "outputs" and loss.prediction_domain.code is None


def _probe(target: Target, metric: Metric, loss: Loss) -> None:
    """Raise where the metric cannot judge this loss's scores, or does not take the targets."""
    y = target.y if loss.layout == "pointwise" else target.y[:MOST_PROBED]
    n_outputs = len(target.labels) if loss.layout == "classes" else 1
    metric.costs(y, loss, np.full((len(y), n_outputs) if loss.layout == "classes" else len(y), 0.1))


def _rounded(x: float) -> float:
    return float(f"{x:.3g}")


def _continuous(target: Target, value: NDArray[Any] | None) -> Choice:
    (r, of_what), w = _residuals(target, value), target.weight
    scale = robust_scale(r, w)
    size = np.abs(r - quantile(r, 0.5, w))
    outlying = mean(size > 3 * scale, w) if scale > 0 else 0.0
    facts = {"robust scale of residuals": scale, "residuals beyond 3 scales": outlying} if value is not None else {}
    made = f"the robust scale {scale:.3g} of {of_what}"
    candidates = [
        Candidate(get_loss("squared_error"), "no parameters", LIKELIHOOD if outlying < OUTLYING else ""),
        Candidate(get_loss("huber", delta=_rounded(HUBER * scale)), f"delta = {HUBER} times {made}"),
        Candidate(get_loss("absolute_error"), "no parameters"),
    ]
    rejected = {}
    if outlying >= OUTLYING:
        candidates += [
            Candidate(get_loss("cauchy", c=_rounded(CAUCHY * scale)), f"c = {CAUCHY} times {made}"),
            Candidate(get_loss("tukey", c=_rounded(TUKEY * scale)), f"c = {TUKEY} times {made}"),
        ]
    else:
        why = (
            f"{outlying:.2%} of {of_what} lie beyond 3 robust scales (a Gaussian: 0.27 %): no need to give up convexity"
        )
        rejected = {"cauchy": why, "tukey": why}
    low = float(target.y.min())
    for name in ("poisson", "gamma", "tweedie"):
        rejected[name] = (
            f"the least value is {low:.3g}, and it takes {get_loss(name).target_domain.expected}"
            if low < 0 or (low == 0 and name == "gamma")
            else "the target is as symmetric as its logarithm: no sign of errors in proportion to the mean"
        )
    return Choice(tuple(candidates), rejected, facts)


def _residuals(target: Target, value: NDArray[Any] | None) -> tuple[NDArray[Any], str]:
    if value is None:
        return target.y - quantile(target.y, 0.5, target.weight), "the target (there are no predictions)"
    return target.y - value, "the residuals"


def _positive(target: Target, value: NDArray[Any] | None) -> Choice:
    slope = _variance_slope(target, value)
    facts = {} if slope is None else {"slope of log variance in log mean": slope}
    zeros = target.kind == "semicontinuous"
    power = 1.5 if slope is None else float(np.clip(round(slope, 2), 1.1, 1.9))
    how = (
        "power 1.5, the middle: the predictions there are do not tell the variance's slope (heuristic)"
        if slope is None
        else f"power from the slope of log variance in log mean, {slope:.2f}, inside 1.1 .. 1.9"
    )
    r, of_what = _residuals(target, value)
    delta = _rounded(HUBER * robust_scale(r, target.weight))
    tweedie = Candidate(get_loss("tweedie", power=power), how, LIKELIHOOD if zeros else "")
    rest = [
        Candidate(get_loss("poisson"), "no parameters; it takes any amounts from 0, as a quasi-likelihood"),
        Candidate(get_loss("squared_error"), "no parameters"),
        Candidate(get_loss("huber", delta=delta), f"delta = {HUBER} times the robust scale of {of_what}"),
    ]
    rejected = {}
    gamma = [Candidate(get_loss("gamma"), "no parameters", LIKELIHOOD)]
    if zeros:
        gamma = []
        rejected["gamma"] = f"{target.facts['share of zeros']:.0%} of the targets are 0, and it takes those > 0"
    if not zeros and slope is not None and slope > 2.5:
        gamma.append(Candidate(get_loss("inverse_gaussian"), "the variance grows faster than the mean's square"))
    else:
        rejected["inverse_gaussian"] = (
            "targets of 0" if zeros else "no sign that the variance grows with the cube of the mean"
        )
    return Choice((*gamma, tweedie, *rest), rejected, facts)


def _counts(target: Target, value: NDArray[Any] | None) -> Choice:
    y, w, level = target.y, target.weight, mean(target.y, target.weight)
    m = np.full(len(y), level) if value is None else np.maximum(value, 1e-3 * level)
    theta = mean(np.square(y - m) - m, w) / mean(np.square(m), w)
    dispersion = mean(np.square(y - m) / m, w)
    facts = {"dispersion about the prediction" if value is not None else "dispersion": dispersion}
    # the score test of theta = 0: under Poisson the sum of (y - m)^2 - y has variance 2 sum of m^2
    factor = np.ones(len(y)) if w is None else w
    surprise = float(factor @ (np.square(y - m) - y) / np.sqrt(2 * np.sum(np.square(factor * m))))
    over = surprise > SURPRISING
    candidates = [Candidate(get_loss("poisson"), "no parameters", "" if over else LIKELIHOOD)]
    rejected = {"gamma": "counts of 0, and it takes targets > 0"} if (y == 0).any() else {}
    source = "the residuals" if value is not None else "the counts, whose differing means are in it too"
    if over:
        how = f"theta by moments of {source}: the variance is mean + {theta:.3g} mean^2"
        candidates.append(Candidate(get_loss("negative_binomial", theta=_rounded(max(theta, 1e-3))), how, LIKELIHOOD))
    else:
        rejected["negative_binomial"] = (
            f"no over-dispersion that is more than chance: the variance is {dispersion:.2f} times a Poisson's"
        )
    slope = _variance_slope(target, value)
    if slope is not None:
        facts["slope of log variance in log mean"] = slope
    if over:
        power = 1.5 if slope is None else float(np.clip(round(slope, 2), 1.1, 1.9))
        candidates.append(
            Candidate(get_loss("tweedie", power=power), "power from the slope of log variance in log mean")
        )
    candidates.append(Candidate(get_loss("squared_error"), "no parameters"))
    return Choice(tuple(candidates), rejected, facts)


def _variance_slope(target: Target, value: NDArray[Any] | None) -> float | None:
    """The power p of Var(y) = phi mean^p, from rows grouped by their prediction; None if these say nothing."""
    y, w = target.y, target.weight
    if value is None or target.effective < 10 * BINS:
        return None
    low, high = (quantile(value, share, w) for share in (0.1, 0.9))
    if not high > 1.5 * max(low, 0.0):
        return None
    means, variances = group_means([y, np.square(y - value)], value, np.linspace(0, 1, BINS + 1), w)
    usable = (means > 0) & (variances > 0)
    if usable.sum() < BINS // 2:
        return None
    x, v = np.log(means[usable]), np.log(variances[usable])
    return float(np.cov(x, v)[0, 1] / np.var(x, ddof=1)) if np.ptp(x) > 0.3 else None


def _proportions(target: Target, value: NDArray[Any] | None) -> Choice:
    candidates = (
        Candidate(for_raw_scores("binary_cross_entropy"), "targets in [0, 1] are taken as they are", LIKELIHOOD),
        Candidate(for_raw_scores("brier"), "no parameters"),
        Candidate(get_loss("squared_error"), "no parameters"),
    )
    why = "it takes labels of 0 and 1, not shares"
    return Choice(candidates, {"binary_focal": why, "hinge": why}, {})


def _binary(target: Target, value: NDArray[Any] | None) -> Choice:
    share = float(target.shares[1])
    weight = _rounded((1 - share) / share)
    imbalance = max(weight, 1 / weight)
    ratio = f"N-/N+ = {weight:g}"
    candidates = [Candidate(for_raw_scores("binary_cross_entropy"), "no parameters", LIKELIHOOD)]
    rejected = {}
    if imbalance >= IMBALANCED:
        candidates.append(Candidate(for_raw_scores("binary_cross_entropy", pos_weight=weight), f"pos_weight = {ratio}"))
        alpha = _rounded(1 - share)
        how = f"gamma = 2 as published (heuristic); alpha = N-/N = {alpha:g}, which balances the classes"
        candidates.append(Candidate(for_raw_scores("binary_focal", gamma=2.0, alpha=alpha), how))
    else:
        rejected["binary_cross_entropy with pos_weight"] = f"{ratio}: the classes are balanced"
        candidates.append(Candidate(for_raw_scores("binary_focal", gamma=2.0), "gamma = 2 as published (heuristic)"))
    candidates += [
        Candidate(
            for_raw_scores("brier"), "no parameters; the slope of one sample is bounded, and falls for wrong labels"
        ),
        Candidate(get_loss("modified_huber"), "no parameters"),
        Candidate(get_loss("squared_hinge"), "no parameters"),
    ]
    rejected["exponential"] = "a mislabelled sample costs exponentially: for boosting on clean labels"
    facts = {} if value is None else {CONTRADICTED: _contradicted(target.y, value, target.weight)}
    return Choice(tuple(candidates), rejected, facts)


def _contradicted(y: NDArray[Any], p: NDArray[Any], w: Weight) -> float:
    """The share of contradictions among the tenth of the rows with the most extreme predictions, where it is less.

    Under labels flipped at a rate good predictions saturate there, and it is the rate; of weak ones it is more.
    """
    [(low, _, high)] = group_means([y], p, np.array([0.0, 0.1, 0.9, 1.0]), w)
    return float(min(low, 1 - high))


def _classes(target: Target, value: NDArray[Any] | None) -> Choice:
    shares = target.shares
    weights = [_rounded(x) for x in 1 / (len(shares) * shares)]
    cross_entropy = "sparse_categorical_cross_entropy"
    candidates = [Candidate(for_raw_scores(cross_entropy), "no parameters", LIKELIHOOD)]
    rejected = {}
    if target.facts["imbalance"] >= IMBALANCED:
        how = "class_weight = N / (K N_k), which makes all classes weigh the same"
        candidates.append(Candidate(for_raw_scores(cross_entropy, class_weight=weights), how))
    else:
        rejected[f"{cross_entropy} with class_weight"] = "the classes are balanced"
    candidates += [
        Candidate(for_raw_scores(cross_entropy, label_smoothing=0.1), "label_smoothing = 0.1 as published (heuristic)"),
        Candidate(for_raw_scores("categorical_focal", gamma=2.0), "gamma = 2 as published (heuristic)"),
        Candidate(for_raw_scores("generalized_cross_entropy", q=0.7), "q = 0.7 as published (heuristic)"),
        Candidate(get_loss("categorical_hinge"), "margin 1, by convention"),
    ]
    return Choice(tuple(candidates), rejected, {})


def _multilabel(target: Target, value: NDArray[Any] | None) -> Choice:
    candidates = (
        Candidate(get_loss("multi_label_soft_margin"), "no weights", LIKELIHOOD),
        Candidate(get_loss("multi_label_margin"), "no parameters"),
    )
    return Choice(candidates, {"categorical_cross_entropy": "rows have several labels: a softmax allows one"}, {})


def _distributions(target: Target, value: NDArray[Any] | None) -> Choice:
    candidates = (
        Candidate(for_raw_scores("categorical_cross_entropy"), "no parameters", LIKELIHOOD),
        Candidate(for_raw_scores("kl_divergence"), "no parameters; the same gradient, and 0 at a perfect fit"),
        Candidate(for_raw_scores("jensen_shannon"), "no parameters"),
    )
    return Choice(candidates, {}, {})


def convention(target: Target, choice: Choice) -> Candidate:
    """The candidate that is taken where nothing tells them apart."""
    usual = default_loss(target).name
    return next((c for c in choice.candidates if c.loss.name == usual), choice.candidates[0])
