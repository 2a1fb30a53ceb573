"""Losses of a binary label."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import sigmoid, softplus
from fastloss.losses.regression import LEAST_RESIDUAL
from fastloss.parameters import flag, real
from fastloss.registry import register


def _where_weighted(alpha: Any, x: Any) -> Any:
    """x, but nothing on the side without weight, however infinite the other factors."""
    return np.where(alpha == 0, 0, x)


def _signs(y: Any, dtype: Any) -> Any:
    return np.where(y > 0, dtype.type(1), dtype.type(-1))


@register
class BinaryCrossEntropy(Loss):
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
    Convex. From logits the value and the gradient keep their relative precision in both tails: at z = 40 with t = 1
    the loss is 4.2e-18, where formulas of the form softplus(z) - t z give 0. ``"majorize"`` (from logits) is the bound
    of Jaakkola and Jordan, tanh(z/2)/(2z).

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
    task = "binary"

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
    def activation(self) -> str:
        return "sigmoid" if self.from_logits else "identity"

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        kinds = super().hessian_kinds
        if self.pos_weight != 1:  # no likelihood any more
            kinds = tuple(kind for kind in kinds if kind != "fisher")
        return kinds if self.from_logits else tuple(kind for kind in kinds if kind != "majorize")

    @property
    def target_domain(self) -> domains.Domain:
        return domains.PROBABILITY_TARGET

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.ANY if self.from_logits else domains.PROBABILITY

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
                p, q = sigmoid(z), sigmoid(-z)
                value = np.where(negative == 0, 0 * p, negative * softplus(z)) + np.where(
                    positive_ == 0, 0 * p, positive_ * softplus(-z)
                )
                return value, negative * p - positive_ * q, (negative + positive_) * p * q
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
        z = y_pred
        with np.errstate(all="ignore"):
            bound = np.where(z == 0, 0.25, np.tanh(z / 2) / (2 * z))
        return (negative + positive_) * bound

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        with np.errstate(all="ignore"):
            if self.from_logits:
                return sigmoid(y_pred) * sigmoid(-y_pred)
            clipped = (y_pred < self.clip) | (1 - y_pred < self.clip)
            return np.where(clipped, 0, 1 / ((y_pred + 0) * (1 - y_pred)))


@register
class BinaryFocal(Loss):
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
    Not convex: the exact Hessian may be negative; ``"floor"`` is positive. Labels are 0 and 1: the formula has no
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
    task = "binary"
    convex = False

    def __init__(self, gamma: float = 2.0, alpha: float | None = None, from_logits: bool = False) -> None:
        super().__init__(
            gamma=real("gamma", gamma, 0.0),
            alpha=None if alpha is None else real("alpha", alpha, 0.0, 1.0),
            from_logits=flag("from_logits", from_logits),
        )

    @property
    def activation(self) -> str:
        return "sigmoid" if self.from_logits else "identity"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.BINARY

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.ANY if self.from_logits else domains.PROBABILITY

    def _alphas(self) -> tuple[float, float]:
        return (1.0, 1.0) if self.alpha is None else (self.alpha, 1 - self.alpha)

    def _kernel(self) -> KernelSpec:
        name = "focal_probabilities"
        if self.from_logits:
            name = "focal_logits_2" if self.gamma == 2 else "focal_logits_any"
        return KernelSpec(name, (self.gamma, *self._alphas(), *(self._bend_at_one(alpha) for alpha in self._alphas())))

    def _bend_at_one(self, alpha: float) -> float:
        """The limit of the Hessian as the true side's probability goes to 1."""
        if alpha == 0 or self.gamma > 1:
            return 0.0
        return alpha * (2.0 if self.gamma == 1 else 1.0 if self.gamma == 0 else math.inf)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        y_pred = y_pred if self.from_logits else y_pred + 0  # -0 is 0
        real_ = y_pred.dtype.type
        s, gamma = _signs(y_true, y_pred.dtype), real_(self.gamma)
        alpha = np.where(s > 0, *map(real_, self._alphas()))
        with np.errstate(all="ignore"):
            if self.from_logits:
                t, u, log_t = sigmoid(s * y_pred), sigmoid(-s * y_pred), -softplus(-s * y_pred)
                power = np.where(np.isnan(u), u, np.power(u, gamma))
                value = -alpha * power * log_t
                # where the power underflows to 0 the product is 0, though log t may be infinite
                value = np.where((power == 0) & np.isinf(log_t), 0, value)
                gradient = alpha * s * power * (np.where(t == 0, 0, gamma * t * log_t) - u)
                bracket = np.where(t == 0, 0, (gamma * u - gamma**2 * t) * log_t) + (2 * gamma + 1) * u
                hessian = alpha * t * power * bracket
                return _where_weighted(alpha, value), _where_weighted(alpha, gradient), _where_weighted(alpha, hessian)
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


@register
class Hinge(Loss):
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
    task = "binary"

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.SIGNS

    def _kernel(self) -> KernelSpec:
        return KernelSpec("hinge", (LEAST_RESIDUAL,))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        m = 1 - s * y_pred
        zero = np.where(np.isnan(m), m, 0)
        return np.maximum(m, 0), np.where(m > 0, -s, zero), zero

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return 1 / (2 * np.maximum(np.abs(1 - _signs(y_true, y_pred.dtype) * y_pred), LEAST_RESIDUAL))


@register
class SquaredHinge(Loss):
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
    task = "binary"

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.SIGNS

    def _kernel(self) -> KernelSpec:
        return KernelSpec("squared_hinge")

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        s = _signs(y_true, y_pred.dtype)
        m = np.maximum(1 - s * y_pred, 0)
        return np.square(m), -2 * s * m, np.where(np.isnan(m), m, np.where(m > 0, 2, 0).astype(m.dtype))

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(np.isnan(y_pred), y_pred, np.full_like(y_pred, 2))
