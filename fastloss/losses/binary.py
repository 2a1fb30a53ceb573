"""Losses of a binary label."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import (
    cross_entropy_of_score,
    focal_bend_at_one,
    logistic_bound,
    nan_like,
    sigmoid,
    softplus,
)
from fastloss.losses.regression import LEAST_RESIDUAL
from fastloss.parameters import flag, real
from fastloss.registry import register


def _where_weighted(alpha: Any, x: Any) -> Any:
    """x, but nothing on the side without weight, however infinite the other factors."""
    return np.where(alpha == 0, 0, x)


def _signs(y: Any, dtype: Any) -> Any:
    return np.where(y > 0, dtype.type(1), dtype.type(-1))


def _focal_of_score(x: Any, gamma: Any) -> tuple[Any, Any, Any]:
    """Focal loss of the true side's score, and its derivatives in that."""
    with np.errstate(all="ignore"):
        t, u, log_t = sigmoid(x), sigmoid(-x), -softplus(-x)
        power = np.where(np.isnan(u), u, np.power(u, gamma))
        # where the power underflows to 0 the product is 0, though log t may be infinite
        value = np.where((power == 0) & np.isinf(log_t), 0, -power * log_t)
        gradient = power * (np.where(t == 0, 0, gamma * t * log_t) - u)
        bracket = np.where(t == 0, 0, (gamma * u - gamma**2 * t) * log_t) + (2 * gamma + 1) * u
        return value, gradient, t * power * bracket


class _OfProbability(Loss):
    """Losses of a probability, or with ``from_logits`` of the raw score that makes it."""

    task = "binary"

    @property
    def activation(self) -> str:
        return "sigmoid" if self.from_logits else "identity"

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.ANY if self.from_logits else domains.PROBABILITY


@register
class BinaryCrossEntropy(_OfProbability):
    r"""Binary cross-entropy (log loss): -w t log p - (1 - t) log(1 - p).

    t is the target in [0, 1], p the predicted probability of the positive class, w = `pos_weight`. From logits,
    p = sigmoid(y_pred) and the value is (1 - t) softplus(z) + w t softplus(-z), the gradient
    (1 - t) p - w t (1 - p), the Hessian (1 - t + w t) p (1 - p).

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores. As in Keras, probabilities are expected by default and checked, so that raw
        scores passed by mistake raise.
    pos_weight : float, default=1.0
        Factor on the positive term, as in torch: N-/N+ balances the classes. It is part of the loss, not a weight
        that the mean divides by.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target becomes t (1 - a) + a/2, as in Keras.
    clip : float, default=0.0
        Probabilities are clipped to [clip, 1 - clip] and the gradient is 0 where that happens. By default they are
        not: log(0) with weight on it is infinite, for it is infinitely bad. With ``from_logits=True`` nothing needs
        to be clipped, and a clip raises.

    Notes
    -----
    Convex, unless it is clipped. From logits the value and the gradient keep their relative precision in both tails: at
    z = 40 with t = 1 the loss is 4.2e-18, where formulas of the form softplus(z) - t z give 0. ``"majorize"`` (from
    logits) is the bound of Jaakkola and Jordan, tanh(z/2)/(2z).

    References
    ----------
    .. [1] I. J. Good, "Rational decisions", J. R. Stat. Soc. B 14 (1952).
       https://doi.org/10.1111/j.2517-6161.1952.tb00104.x
    .. [2] T. S. Jaakkola, M. I. Jordan, "Bayesian parameter estimation via variational methods", Stat. Comput. 10
       (2000). https://doi.org/10.1023/A:1008932416310

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.BinaryCrossEntropy()([1, 0], [0.9, 0.2]), 6)
    0.164252
    >>> fl.BinaryCrossEntropy(from_logits=True)([1.0], [40.0])
    4.248354255291589e-18
    """

    name = "binary_cross_entropy"
    when = "Calibrated probabilities of an event: the default for two classes."

    def __init__(
        self, from_logits: bool = False, pos_weight: float = 1.0, label_smoothing: float = 0.0, clip: float = 0.0
    ) -> None:
        from_logits = flag("from_logits", from_logits)
        clip = real("clip", clip, 0.0, 0.5)
        if from_logits and clip:
            raise ValueError(f"clip is {clip!r}: raw scores need no clipping; leave it at 0 with from_logits=True")
        super().__init__(
            from_logits=from_logits,
            pos_weight=real("pos_weight", pos_weight, 0.0),
            label_smoothing=real("label_smoothing", label_smoothing, 0.0, 1.0),
            clip=clip,
        )

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return bool(self.clip == 0)

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 2 if self.clip == 0 else 0

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        kinds = super().hessian_kinds
        if self.pos_weight != 1:  # no likelihood any more
            kinds = tuple(kind for kind in kinds if kind != "fisher")
        return kinds if self.from_logits else tuple(kind for kind in kinds if kind != "majorize")

    @property
    def target_domain(self) -> domains.Domain:
        return domains.PROBABILITY_TARGET

    def _kernel(self) -> KernelSpec:
        smoothing = self.label_smoothing
        plain = self.pos_weight == 1 and smoothing == 0
        return KernelSpec(
            ("bce_logits" if plain else "bce_logits_any") if self.from_logits else "bce_probabilities",
            (self.pos_weight, 1 - smoothing, smoothing / 2, self.clip, *self._clip_logs()),
        )

    def _clip_logs(self) -> tuple[float, float]:
        """log(clip) and log(1 - clip)."""
        return math.log(self.clip) if self.clip > 0 else -math.inf, math.log1p(-self.clip)

    def _sides(self, y: Any, dtype: Any) -> tuple[Any, Any]:
        """Weights of log(1 - p) and of log p."""
        smoothing, t = dtype.type(self.label_smoothing), y.astype(dtype)
        negative, positive_ = (side * (1 - smoothing) + smoothing / 2 for side in (1 - t, t))
        return negative, dtype.type(self.pos_weight) * positive_

    def _closed_form(self, y: Any, w: Any) -> float:
        negative, positive_ = (float(np.sum(w * side)) for side in self._sides(y, w.dtype))
        if negative == positive_ == 0:  # pos_weight = 0 and nothing but positives: every constant is as good
            return 0.0 if self.from_logits else 0.5
        if not self.from_logits:
            return float(np.clip(positive_ / (negative + positive_), self.clip, 1 - self.clip))
        with np.errstate(divide="ignore"):
            return float(np.log(positive_) - np.log(negative))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        negative, positive_ = self._sides(y_true, y_pred.dtype)
        z = y_pred if self.from_logits else y_pred + 0  # -0 is 0
        with np.errstate(all="ignore"):
            if self.from_logits:
                return cross_entropy_of_score(negative, positive_, z)
            low = z.dtype.type(self.clip)
            clipped = (z < low) | (1 - z < low)
            p, q = np.maximum(z, low), np.maximum(1 - z, low)  # apart, for 1 - clip may round to 1
            log_p, log_q = (np.where(x < 0.5, np.log(x), np.log1p(-other)) for x, other in ((p, q), (q, p)))
            nothing = np.where(np.isnan(z), z, 0)
            value = -np.where(negative == 0, nothing, negative * log_q)
            value = value - np.where(positive_ == 0, nothing, positive_ * log_p)
            no = np.where(negative == 0, nothing, negative / q)
            yes = np.where(positive_ == 0, nothing, positive_ / p)
            bend = np.where(negative == 0, nothing, no / q) + np.where(positive_ == 0, nothing, yes / p)
            return value, np.where(clipped, 0, no - yes), np.where(clipped, 0, bend)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        negative, positive_ = self._sides(y_true, y_pred.dtype)
        return (negative + positive_) * logistic_bound(y_pred)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        with np.errstate(all="ignore"):
            if self.from_logits:
                return sigmoid(y_pred) * sigmoid(-y_pred)
            clipped = (y_pred < self.clip) | (1 - y_pred < self.clip)
            return np.where(clipped, 0, 1 / ((y_pred + 0) * (1 - y_pred)))


@register
class BinaryFocal(_OfProbability):
    r"""Binary focal loss: -alpha_t (1 - p_t)^gamma log p_t.

    p_t is the probability given to the true class: p for label 1, 1 - p for label 0. alpha_t is alpha for label 1 and
    1 - alpha for label 0, or 1 for both without alpha. From logits, with s = +1 for label 1 and -1 for label 0, the
    gradient is alpha_t s (1 - p_t)^gamma (gamma p_t log p_t + p_t - 1).

    Parameters
    ----------
    gamma : float, default=2.0
        Focus on hard samples; 0 gives cross-entropy. Non-negative.
    alpha : float or None, default=None
        Factor on positives, in [0, 1]; negatives get 1 - alpha. 0.25 *down*-weights the positives 3 : 1.
    from_logits : bool, default=False
        Whether y_pred holds raw scores.

    Notes
    -----
    Convex in the probability, but not in the raw score, unless gamma is 0: the exact Hessian may be negative;
    ``"floor"`` is positive, and so is ``"fisher"``, from logits: |gradient| p_t, which is cross-entropy's p (1 - p)
    weighed as `CategoricalFocal` weighs it; no information of a likelihood. Labels are 0 and 1: the formula has no
    agreed meaning for soft labels. The loss puts weight on mislabelled samples too.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal loss for dense object detection", ICCV 2017.
       https://doi.org/10.1109/ICCV.2017.324

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.BinaryFocal(gamma=2.0)([1, 0], [0.6, 0.6], reduction="none").round(4)
    array([0.0817, 0.3299])
    """

    name = "binary_focal"
    when = "Far more easy negatives than positives, as in object detection, and clean labels."

    def __init__(self, gamma: float = 2.0, alpha: float | None = None, from_logits: bool = False) -> None:
        super().__init__(
            gamma=real("gamma", gamma, 0.0),
            alpha=None if alpha is None else real("alpha", alpha, 0.0, 1.0),
            from_logits=flag("from_logits", from_logits),
        )

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return bool(self.gamma == 0 or not self.from_logits)

    @property
    def target_domain(self) -> domains.Domain:
        return domains.BINARY

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        return ("exact", "fisher", "floor") if self.from_logits else ("exact", "floor")

    def _alphas(self) -> tuple[float, float]:
        return (1.0, 1.0) if self.alpha is None else (self.alpha, 1 - self.alpha)

    def _kernel(self) -> KernelSpec:
        name = "focal_probabilities"
        if self.from_logits:
            name = "focal_logits_2" if self.gamma == 2 else "focal_logits_any"
        return KernelSpec(name, (self.gamma, *self._alphas(), *(self._bend_at_one(alpha) for alpha in self._alphas())))

    def _bend_at_one(self, alpha: float) -> float:
        """The limit of the Hessian as the true side's probability goes to 1."""
        return alpha * focal_bend_at_one(self.gamma) if alpha else 0.0

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y_pred = y_pred if self.from_logits else y_pred + 0  # -0 is 0
        real_ = y_pred.dtype.type
        s, gamma = _signs(y_true, y_pred.dtype), real_(self.gamma)
        alpha = np.where(s > 0, *map(real_, self._alphas()))
        with np.errstate(all="ignore"):
            if self.from_logits:
                value, gradient, hessian = (
                    _where_weighted(alpha, alpha * x) for x in _focal_of_score(s * y_pred, gamma)
                )
                return value, s * gradient, hessian
            t = np.where(s > 0, y_pred, 1 - y_pred)
            u = np.where(s > 0, 1 - y_pred, y_pred)
            log_t = np.where(s > 0, np.log(y_pred), np.log1p(-y_pred))
            value = np.where(u == 0, 0 if self.gamma > 0 else -alpha * log_t, -alpha * u**gamma * log_t)
            slope = np.where(u == 0, 0, gamma * u ** (gamma - 1) * log_t) - u**gamma / t
            bend = u**gamma / t**2 + 2 * gamma * u ** (gamma - 1) / t - gamma * (gamma - 1) * u ** (gamma - 2) * log_t
            if self.gamma == 0:
                slope, bend = -1 / t, 1 / t**2
            at_one = np.where(s > 0, *(real_(self._bend_at_one(alpha)) for alpha in self._alphas()))
            bend = np.where(u == 0, at_one, np.where(t == 0, np.inf, bend) * alpha)
            return (
                _where_weighted(alpha, value),
                _where_weighted(alpha, s * alpha * slope),
                _where_weighted(alpha, bend),
            )

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return np.abs(self.reference(y_true, y_pred)[1]) * sigmoid(_signs(y_true, y_pred.dtype) * y_pred)


class _Margin(Loss):
    """Losses of a raw score and a sign: s = +1 for a positive label, -1 for a negative one."""

    task = "binary"

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.SIGNS


@register
class Hinge(_Margin):
    r"""Hinge loss: max(0, 1 - s z), s = +1 for a positive label, -1 for a negative one.

    z = y_pred is a raw score. The gradient is -s where s z < 1 and 0 elsewhere, the exact Hessian 0. ``"majorize"``
    gives 1/(2|1 - s z|) (with that distance at least 1e-6).

    Notes
    -----
    Convex, with a kink at s z = 1. Labels are all in {0, 1} or all in {-1, 1}; both codings mean the same.

    References
    ----------
    .. [1] C. Cortes, V. Vapnik, "Support-vector networks", Mach. Learn. 20 (1995).
       https://doi.org/10.1007/BF00994018

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Hinge()([1, 0], [0.5, 0.5], reduction="none")
    array([0.5, 1.5])
    """

    name = "hinge"
    smoothness = 0
    when = "Only the decision matters, not a probability: support vector machines."

    def _kernel(self) -> KernelSpec:
        return KernelSpec("hinge", (LEAST_RESIDUAL,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        m = 1 - s * y_pred
        zero = np.where(np.isnan(m), m, 0)
        return np.maximum(m, 0), np.where(m > 0, -s, zero), zero

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_true.dtype)
        return (-1 - s) / 2, s[None], 1.0

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return 1 / (2 * np.maximum(np.abs(1 - _signs(y_true, y_pred.dtype) * y_pred), LEAST_RESIDUAL))


@register
class SquaredHinge(_Margin):
    r"""Squared hinge loss: max(0, 1 - s z)^2, s = +1 for a positive label, -1 for a negative one.

    z = y_pred is a raw score. The gradient is -2 s max(0, 1 - s z), the Hessian 2 where s z < 1 and 0 elsewhere;
    ``"majorize"`` gives 2.

    Notes
    -----
    Convex, once differentiable. Labels are all in {0, 1} or all in {-1, 1}.

    References
    ----------
    .. [1] Y. Tang, "Deep learning using linear support vector machines", 2013.
       https://doi.org/10.48550/arXiv.1306.0239

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SquaredHinge()([1, 0], [0.5, 0.5], reduction="none")
    array([0.25, 2.25])
    """

    name = "squared_hinge"
    smoothness = 1
    when = "A margin on top of a deep network, or fitted by a solver that wants a gradient everywhere."

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_hinge")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        m = np.maximum(1 - s * y_pred, 0)
        return np.square(m), -2 * s * m, np.where(np.isnan(m), m, np.where(m > 0, 2, 0).astype(m.dtype))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(np.isnan(y_pred), y_pred, np.full_like(y_pred, 2))


class _RoundedHinge(_Margin):
    """A one-sided Huber loss of the margin: parabola up to `delta`, a line beyond, times `factor`."""

    delta: float
    factor: float
    smoothness = 1

    def _kernel(self) -> KernelSpec:
        return KernelSpec("smooth_hinge", (self.delta, self.factor, self.delta - 1))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s, f = _signs(y_true, y_pred.dtype), y_pred.dtype.type(self.factor)
        x = -s * y_pred
        above = np.maximum(1 + x, 0)
        c = np.minimum(above, self.delta)
        curved = (x > -1) & (x <= self.delta - 1)  # not 1 + x, which is rounded
        return f * c * (above - c / 2), -s * (f * c), nan_like(x, np.where(curved, f, 0))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        m = 1 - _signs(y_true, y_pred.dtype) * y_pred
        return nan_like(m, self.factor * self.delta / np.maximum(m, self.delta))


@register
class SmoothHinge(_RoundedHinge):
    r"""Smooth hinge loss: m^2/2 where 0 <= m <= 1, m - 1/2 beyond, 0 below, m = 1 - s z.

    s is +1 for a positive label, -1 for a negative one, z = y_pred a raw score. The gradient is -s clip(m, 0, 1), the
    Hessian 1 where 0 < m <= 1 and 0 elsewhere. ``"majorize"`` gives min(1, 1/m).

    Notes
    -----
    Convex, once differentiable. Labels are all in {0, 1} or all in {-1, 1}.

    References
    ----------
    .. [1] S. Shalev-Shwartz, T. Zhang, "Stochastic dual coordinate ascent methods for regularized loss minimization",
       J. Mach. Learn. Res. 14 (2013). https://doi.org/10.48550/arXiv.1209.1873

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SmoothHinge()([1, 1, 0], [2.0, 0.5, 2.0], reduction="none")
    array([0.   , 0.125, 2.5  ])
    """

    name = "smooth_hinge"
    when = "A linear margin classifier fitted by coordinate ascent or another solver that gains from smoothness."
    delta, factor = 1.0, 1.0


@register
class ModifiedHuber(_RoundedHinge):
    r"""Modified Huber loss: max(0, 1 - s z)^2 where s z >= -1, -4 s z beyond.

    s is +1 for a positive label, -1 for a negative one, z = y_pred a raw score; with m = 1 - s z the gradient is
    -2 s clip(m, 0, 2), the Hessian 2 where 0 < m <= 2 and 0 elsewhere. ``"majorize"`` gives min(2, 4/m).

    Notes
    -----
    Convex, once differentiable. Labels are all in {0, 1} or all in {-1, 1}. A `SquaredHinge` on which outliers pull no
    more than linearly; scikit-learn's ``SGDClassifier(loss="modified_huber")`` is the same.

    References
    ----------
    .. [1] T. Zhang, "Solving large scale linear prediction problems using stochastic gradient descent algorithms", ICML
       2004. https://doi.org/10.1145/1015330.1015332

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ModifiedHuber()([1, 1, 0], [2.0, 0.5, 2.0], reduction="none")
    array([0.  , 0.25, 8.  ])
    """

    name = "modified_huber"
    when = "A margin classifier that bears mislabelled samples and gives probabilities, (clip(z, -1, 1) + 1)/2."
    delta, factor = 2.0, 2.0


@register
class Perceptron(_Margin):
    r"""Perceptron loss: max(0, -s z).

    s is +1 for a positive label, -1 for a negative one, z = y_pred a raw score. The gradient is -s where s z <= 0 and 0
    elsewhere; the exact Hessian is 0. ``"majorize"`` gives 1/(2|z|) (with |z| at least 1e-6).

    Notes
    -----
    Convex, with a kink at 0. At z = 0 the gradient is -s, not 0 as at other kinks: in Rosenblatt's rule a score of 0 is
    a mistake, and a model that starts from 0 would not learn otherwise. Scores of 0 are a useless minimum, to which a
    penalty leads.

    References
    ----------
    .. [1] F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
       Psychol. Rev. 65 (1958). https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Perceptron()([1, 0], [0.5, 0.5], reduction="none")
    array([0. , 0.5])
    """

    name = "perceptron"
    smoothness = 0
    when = "Online learning of separable data, where only mistakes should move the model."

    def _kernel(self) -> KernelSpec:
        return KernelSpec("perceptron", (LEAST_RESIDUAL,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        m = -s * y_pred
        return np.maximum(m, 0), nan_like(m, np.where(m >= 0, -s, 0)), nan_like(m, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_true.dtype)
        return (-1 - s) / 2, np.zeros((1, *s.shape)), 1.0

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return 1 / (2 * np.maximum(np.abs(y_pred), LEAST_RESIDUAL))


@register
class HingeEmbedding(_Margin):
    r"""Hinge embedding loss: z for a similar pair, max(0, margin - z) for another, z = y_pred a distance.

    The gradient is 1 for a similar pair, -1 for another with z < margin, 0 elsewhere; the exact Hessian is 0.
    ``"majorize"`` gives 0, and 1/(2|margin - z|) for dissimilar pairs (with that distance at least 1e-6).

    Parameters
    ----------
    margin : float, default=1.0
        How far apart dissimilar pairs are pushed, in units of the distance. Positive or 0.

    Notes
    -----
    Convex, with a kink at z = margin. Labels are all in {-1, 1}, as in torch, or all in {0, 1}; 1 is a similar pair.
    y_pred is usually the L1 distance between two embeddings; nothing keeps a score that is none from going below 0,
    and the loss with it. `Contrastive` takes the embeddings themselves and squares.

    References
    ----------
    .. [1] J. Weston, F. Ratle, R. Collobert, "Deep learning via semi-supervised embedding", ICML 2008.
       https://doi.org/10.1145/1390156.1390303

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.HingeEmbedding(margin=1.0)([1, -1, -1], [0.25, 0.25, 3.0], reduction="none")
    array([0.25, 0.75, 0.  ])
    """

    name = "hinge_embedding"
    smoothness = 0
    when = "Distances between pairs that are known to be similar or not."
    margin: float

    def __init__(self, margin: float = 1.0) -> None:
        Loss.__init__(self, margin=real("margin", margin, 0.0))

    def _kernel(self) -> KernelSpec:
        return KernelSpec("hinge_embedding", (self.margin, LEAST_RESIDUAL))

    def _closed_form(self, y: Any, w: Any) -> Any:
        similar = np.sum(w[y > 0])
        return -math.inf if similar > np.sum(w) - similar else self.margin

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        similar, m = y_true > 0, y_pred.dtype.type(self.margin) - y_pred
        slope = np.where(similar, 1, np.where(m > 0, -1, 0))
        return np.where(similar, y_pred, np.maximum(m, 0)), nan_like(y_pred, slope), nan_like(y_pred, 0)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_true.dtype)
        return s, np.full((1, *s.shape), self.margin), (1 - s) / 2

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        distance = np.maximum(np.abs(y_pred.dtype.type(self.margin) - y_pred), LEAST_RESIDUAL)
        return np.where(y_true > 0, nan_like(y_pred, 0), 1 / (2 * distance))


@register
class Exponential(_Margin):
    r"""Exponential loss: exp(-s z).

    s is +1 for a positive label, -1 for a negative one, z = y_pred a raw score. The gradient is -s exp(-s z), the
    Hessian exp(-s z).

    Notes
    -----
    Convex and smooth. z estimates half the log-odds, as in AdaBoost; scikit-learn's ``ExponentialLoss`` is the same
    for labels {0, 1}. It grows without limit with mislabelled samples: `SoftMargin` has the same aim without that.

    References
    ----------
    .. [1] J. Friedman, T. Hastie, R. Tibshirani, "Additive logistic regression: a statistical view of boosting", Ann.
       Stat. 28 (2000). https://doi.org/10.1214/aos/1016218223

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.Exponential()([1, 0], [0.0, 2.0], reduction="none").round(4)
    array([1.    , 7.3891])
    """

    name = "exponential"
    when = "Boosting as in AdaBoost, on clean labels."

    def _kernel(self) -> KernelSpec:
        return KernelSpec("exponential")

    def _closed_form(self, y: Any, w: Any) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(w[y > 0].sum()) - np.log(w[y <= 0].sum())) / 2

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        with np.errstate(over="ignore", under="ignore"):
            value = np.exp(-s * y_pred)
        return value, -s * value, value


@register
class SoftMargin(_Margin):
    r"""Soft margin loss: log(1 + exp(-s z)).

    s is +1 for a positive label, -1 for a negative one, z = y_pred a raw score: `BinaryCrossEntropy` from logits, in
    the language of margins. The gradient is -s sigmoid(-s z), the Hessian sigmoid(z) sigmoid(-z). ``"majorize"`` is the
    bound of Jaakkola and Jordan, tanh(z/2)/(2z); ``"fisher"`` is the Hessian.

    Notes
    -----
    Convex and smooth. Labels are all in {0, 1} or all in {-1, 1}. torch's ``SoftMarginLoss`` is the same, but
    overflows.

    References
    ----------
    .. [1] M. Collins, R. E. Schapire, Y. Singer, "Logistic regression, AdaBoost and Bregman distances", Mach. Learn. 48
       (2002). https://doi.org/10.1023/A:1013912006537

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.SoftMargin()([1, -1], [0.0, 2.0], reduction="none").round(4)
    array([0.6931, 2.1269])
    """

    name = "soft_margin"
    when = "Logistic regression or boosting on labels coded -1 and 1."

    @property
    def activation(self) -> str:
        return "sigmoid"

    def _kernel(self) -> KernelSpec:
        return KernelSpec("soft_margin")

    def _closed_form(self, y: Any, w: Any) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(w[y > 0].sum()) - np.log(w[y <= 0].sum()))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        label = (y_true > 0).astype(y_pred.dtype)
        return cross_entropy_of_score(1 - label, label, y_pred)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return logistic_bound(y_pred)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return sigmoid(y_pred) * sigmoid(-y_pred)


@register
class AsymmetricFocal(Loss):
    r"""Asymmetric focal loss: -(1 - p)^gamma_pos log p for positives, -q^gamma_neg log(1 - q) for negatives.

    p = sigmoid(y_pred), and q = max(0, p - margin): negatives whose probability is below the margin count for nothing,
    and the others less by it. Value, gradient and Hessian are those in the raw score.

    Parameters
    ----------
    gamma_pos : float, default=1.0
        Focus on hard positives. Non-negative.
    gamma_neg : float, default=4.0
        Focus on hard negatives. Non-negative.
    margin : float, default=0.05
        Probability below which negatives are discarded, in [0, 1).

    Notes
    -----
    Not convex, unless both gammas and the margin are 0; at the margin, twice differentiable where gamma_neg > 1, once
    where 0 < gamma_neg <= 1, with a kink where gamma_neg = 0. Labels are 0 and 1. With both gammas equal and no margin
    it is `BinaryFocal` from logits.

    References
    ----------
    .. [1] E. Ben-Baruch et al., "Asymmetric loss for multi-label classification", ICCV 2021.
       https://doi.org/10.48550/arXiv.2009.14119

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.AsymmetricFocal()([1, 0, 0], [0.0, 0.0, -3.0], reduction="none").round(6)
    array([0.346574, 0.024515, 0.      ])
    """

    name = "asymmetric_focal"
    task = "binary"
    when = "Many labels per sample, most of them negative: the easy negatives must not drown the positives."

    def __init__(self, gamma_pos: float = 1.0, gamma_neg: float = 4.0, margin: float = 0.05) -> None:
        super().__init__(
            gamma_pos=real("gamma_pos", gamma_pos, 0.0),
            gamma_neg=real("gamma_neg", gamma_neg, 0.0),
            margin=real("margin", margin, 0.0, 1.0, open_high=True),
        )

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return bool(self.gamma_pos == self.gamma_neg == self.margin == 0)

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return 2 if self.margin == 0 or self.gamma_neg > 1 else 1 if self.gamma_neg > 0 else 0

    @property
    def activation(self) -> str:
        return "sigmoid"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.BINARY

    def _kernel(self) -> KernelSpec:
        whole = {self.gamma_pos, self.gamma_neg} <= {0, 1, 2, 3, 4}
        name = "asymmetric_focal" + ("_margin" if self.margin else "") + ("_whole" if whole else "_any")
        return KernelSpec(name, (self.gamma_pos, self.gamma_neg, self.margin))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        of = y_pred.dtype.type
        positive_ = _focal_of_score(y_pred, of(self.gamma_pos))
        value, gradient, hessian = _focal_of_score(-y_pred, of(self.gamma_neg))
        gradient = -gradient
        if self.margin:
            margin = np.maximum(of(self.margin), np.finfo(of).smallest_subnormal)  # which float32 may round to 0
            gamma, t, u = of(self.gamma_neg), sigmoid(y_pred), sigmoid(-y_pred)
            q, rest = np.maximum(t - margin, 0), u + margin
            with np.errstate(all="ignore"):
                ell = np.where(q < 0.5, -np.log1p(-q), -np.log(rest))
                per_q = q**gamma * (gamma * ell / q + 1 / rest)
                bend = q**gamma * (gamma * ((gamma - 1) * ell / q + 2 / rest) / q + 1 / np.square(rest))
                slopes = q**gamma * ell, per_q * t * u, (bend * t * u + per_q * (u - t)) * t * u
            value, gradient, hessian = (np.where(q == 0, 0, x) for x in slopes)
        a, b, c = (np.where(y_true > 0, *sides) for sides in zip(positive_, (value, gradient, hessian), strict=True))
        return a, b, c


@register
class Brier(_OfProbability):
    r"""Brier score: (p - t)^2.

    t is the target in [0, 1], p the predicted probability of the positive class. In the probability the gradient is
    2 (p - t), the Hessian 2. From logits, p = sigmoid(y_pred): gradient 2 (p - t) p (1 - p), Hessian
    2 p (1 - p) (p (1 - p) + (p - t) (1 - 2p)).

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores. By default probabilities are expected and checked.

    Notes
    -----
    A proper scoring rule, bounded by 1. Convex in the probability, not in the raw score. scikit-learn's
    ``brier_score_loss`` is the mean of it.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Mon. Weather Rev. 78 (1950).
       https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.Brier()([1, 0], [0.9, 0.2]), 6)
    0.025
    """

    name = "brier"
    when = "Judging probabilities, or training them, with a score that no single sample can dominate."

    def __init__(self, from_logits: bool = False) -> None:
        super().__init__(from_logits=flag("from_logits", from_logits))

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return not self.from_logits

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        kinds = super().hessian_kinds
        return tuple(kind for kind in kinds if kind != "majorize") if self.from_logits else kinds

    @property
    def target_domain(self) -> domains.Domain:
        return domains.PROBABILITY_TARGET

    def _kernel(self) -> KernelSpec:
        return KernelSpec("brier_logits" if self.from_logits else "squared_error")

    def _closed_form(self, y: Any, w: Any) -> float:
        p = float(np.average(y, weights=w))
        with np.errstate(divide="ignore"):
            return float(np.log(p) - np.log1p(-p)) if self.from_logits else p

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y = y_true.astype(y_pred.dtype)
        if not self.from_logits:
            d = y_pred - y
            return np.square(d), 2 * d, nan_like(d, np.full(d.shape, 2))
        p, q = sigmoid(y_pred), sigmoid(-y_pred)
        d = (1 - y) * p - y * q
        return np.square(d), 2 * d * p * q, 2 * p * q * (p * q + d * (q - p))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return nan_like(y_pred, np.full(y_pred.shape, 2))
