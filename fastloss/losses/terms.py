"""Sums over the classes of a term f(t_k, p_k): what losses over rows of probabilities have in common.

The mathematics is that of src_c/losses/terms.h: a loss says what its term is, the chain rule does the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import Loss
from fastloss.losses.pieces import complement, log_softmax, nan_like, product

# enum fl_term in src_c/fastloss.h
FOCAL, GENERALIZED, POLY1, REVERSE_KL, JENSEN_SHANNON, TOTAL_VARIATION, BRIER = range(1, 8)


class SumOfTerms(Loss):
    """A loss sum_k f(t_k, p_k) of target rows t and of rows p of probabilities, their logarithms or raw scores."""

    layout = "classes"
    from_log_probabilities: bool = False

    @property
    def activation(self) -> str:
        return "softmax" if self.from_logits else "exp" if self.from_log_probabilities else "identity"

    @property
    def curvature(self) -> str:
        return "softmax" if self.from_logits else "diagonal"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.LABELS if self.takes_labels else domains.TARGET_ROWS

    @property
    def prediction_domain(self) -> domains.Domain:
        if self.from_logits:
            return domains.ANY
        return domains.LOG_PROBABILITY if self.from_log_probabilities else domains.PROBABILITY_ROWS

    def _prediction(self) -> str:
        """What y_pred holds, in a kernel's name."""
        return "logits" if self.from_logits else "log_probabilities" if self.from_log_probabilities else "probabilities"

    def _effective(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Rows of targets, and which samples count."""
        return y_true.astype(y_pred.dtype), np.ones(y_true.shape[:-1], bool)

    def _slope(self, t: Any, p: Any, d: Any) -> tuple[Any, Any, Any, Any]:
        """f, its slope f' up to a constant of which softmax sees nothing, that constant, and p f''.

        d is p - t with all the digits that it has.
        """
        raise NotImplementedError

    def _term(self, t: Any, p: Any, c: Any, d: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        """f, a = p f', b = p a' and (1 - p) b - p a; of probabilities f, f', f'' and anything. c is 1 - p."""
        f, v, constant, w = self._slope(t, p, d)
        if self._prediction() == "probabilities":
            return f, v + constant, np.where(w == 0, nan_like(p, 0), w / p), nan_like(p, 0)
        slope = v if self.from_logits else v + constant
        turned = np.where(c == p, 0, (c - p) * v)
        return f, product(p, slope), product(p, slope + w), product(p, turned + c * w)

    def _terms_of(self, y_true: Any, y_pred: Any) -> tuple[Any, ...]:
        """The terms, p and 1 - p, and which samples count."""
        t, counts = self._effective(y_true, y_pred)
        with np.errstate(all="ignore"):
            if self.from_logits:
                log_p = log_softmax(y_pred)
                p = np.exp(log_p)
                c = complement(p)
            elif self.from_log_probabilities:
                log_p, p, c = y_pred, np.exp(y_pred), -np.expm1(y_pred)
            else:
                p = y_pred + 0  # -0 is 0
                log_p, c = np.log(p), 1 - p
            leads = (p > 0.5) & (self._prediction() != "probabilities")
            d = np.where(leads, (1 - t) - c, p - t)
            return *self._term(t, p, c, d, -log_p), p, c, counts

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        f, a, b, own, p, c, counts = self._terms_of(y_true, y_pred)
        with np.errstate(all="ignore"):
            value, gradient, hessian = f.sum(axis=-1), a, b
            if self.from_logits:
                leads = p > 0.5
                steep = np.isposinf(a)  # as if it were a large number
                others_a, others_b = (_of_others(x, leads) for x in (a, b))
                gradient = np.where(steep, a, np.where(leads, c * a - p * others_a, a - p * (others_a + a)))
                others_a, others_b = (np.where(steep, 0, x) for x in (others_a, others_b))
                infinite = np.where(c == p, 0, (c - p) * others_a)
                of_others = np.where(np.isposinf(others_a), infinite, c * others_a - p * others_b)
                hessian = c * own - np.where(p == 0, 0, p * of_others)
                gradient = np.where(p == 0, a, gradient)
                penalty = y_pred.dtype.type(self.params.get("z_loss", 0))
                if penalty:
                    lse = log_sum_exp(y_pred)
                    value = value + (penalty * lse * lse)[..., 0]
                    gradient = gradient + 2 * penalty * lse * p
                    hessian = hessian + 2 * penalty * (p * p + lse * p * c)
        return (
            np.where(counts, value, 0),
            np.where(counts[..., None], gradient, 0),
            np.where(counts[..., None], hessian, 0),
        )

    def hessian_product(self, y_true: Any, y_pred: Any, u: Any) -> Any:
        if not self.from_logits:
            return super().hessian_product(y_true, y_pred, u)
        _, a, b, _, p, _, counts = self._terms_of(y_true, y_pred)
        with np.errstate(all="ignore"):
            mean, all_a = (x.sum(axis=-1, keepdims=True) for x in (p * u, a))
            off = u - mean
            result = off * (b - p * all_a) - p * (b * off).sum(axis=-1, keepdims=True)
            penalty = y_pred.dtype.type(self.params.get("z_loss", 0))
            if penalty:
                result = result + 2 * penalty * p * (log_sum_exp(y_pred) * off + mean)
        return np.where(counts[..., None], result, 0)


class MinusLogTerms(SumOfTerms):
    """sum_k -t_k log p_k: cross-entropy, whose derivatives divergences from the target share."""

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        plain = self.from_logits and not self.params.get("z_loss", 0)
        return ("exact", "majorize", "fisher", "floor") if plain else ("exact", "floor")

    def _term(self, t: Any, p: Any, c: Any, d: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        nothing = nan_like(p, 0)
        if self._prediction() == "probabilities":
            slope, bend = np.where(t == 0, nothing, -t / p), np.where(t == 0, nothing, t / p / p)
        else:
            slope, bend = nan_like(p, -t), nothing
        return product(t, minus_log), slope, bend, t * p

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        t, counts = self._effective(y_true, y_pred)
        bound = t.sum(axis=-1, keepdims=True) / 2 + np.zeros_like(y_pred)
        return np.where(counts[..., None], bound, 0)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return self.reference(y_true, y_pred)[2]


def _of_others(x: Any, leads: Any) -> Any:
    """The sum of the other classes' x: of those that do not lead it is the rest of the whole."""
    rest = np.where(leads, 0, x).sum(axis=-1, keepdims=True)
    lead = np.where(leads, x, 0).sum(axis=-1, keepdims=True)
    return np.where(leads, rest, rest + lead - x)


def log_sum_exp(z: Any) -> Any:
    """log sum_k exp(z_k), of each row."""
    top = z.max(axis=-1, keepdims=True)
    return top - np.where(z == top, log_softmax(z), -np.inf).max(axis=-1, keepdims=True)
