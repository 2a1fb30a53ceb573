"""Divergences between rows of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.classes import log_if
from fastloss.losses.pieces import complement, log_softmax, product, xlogy
from fastloss.parameters import flag
from fastloss.registry import register


@register
class KLDivergence(Loss):
    r"""Kullback-Leibler divergence of the prediction from the target: sum_k t_k log(t_k / p_k).

    The direction is KL(target || prediction). p is a row of y_pred, or exp(y_pred), or softmax(y_pred). From logits
    the gradient is p_k - t_k and the Hessian diagonal p_k (1 - p_k), as for cross-entropy: the two differ by the
    entropy of the target, which does not depend on the prediction.

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores.
    from_log_probabilities : bool, default=False
        Whether y_pred holds log-probabilities, as torch's ``kl_div`` takes.

    Notes
    -----
    y_true and y_pred have shape (n_samples, n_classes); rows of y_true sum to 1, entries of 0 add nothing. The mean is
    over samples (torch's "batchmean"). Infinite where the prediction rules out what the target does not.

    References
    ----------
    .. [1] S. Kullback, R. A. Leibler, "On information and sufficiency", Ann. Math. Stat. 22 (1951).
       https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]), 6)
    0.143841
    """

    name = "kl_divergence"
    task = "distribution"
    layout = "classes"
    when = "A given distribution is to be matched: distillation, or the votes of several annotators."

    def __init__(self, from_logits: bool = False, from_log_probabilities: bool = False) -> None:
        from_logits = flag("from_logits", from_logits)
        from_log = flag("from_log_probabilities", from_log_probabilities)
        if from_logits and from_log:
            raise ValueError("from_logits and from_log_probabilities are both True: y_pred is one of them")
        super().__init__(from_logits=from_logits, from_log_probabilities=from_log)

    @property
    def activation(self) -> str:
        return "softmax" if self.from_logits else "exp" if self.from_log_probabilities else "identity"

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        return ("exact", "majorize", "fisher", "floor") if self.from_logits else ("exact", "floor")

    @property
    def target_domain(self) -> domains.Domain:
        return domains.TARGET_ROWS

    @property
    def prediction_domain(self) -> domains.Domain:
        if self.from_logits:
            return domains.ANY
        return domains.LOG_PROBABILITY if self.from_log_probabilities else domains.PROBABILITY_ROWS

    def _kernel(self) -> KernelSpec:
        if self.from_logits:
            return KernelSpec("kl_logits")
        return KernelSpec("kl_log_probabilities" if self.from_log_probabilities else "kl_probabilities")

    def _closed_form(self, y: Any, w: Any) -> Any:
        return log_if(self.from_logits or self.from_log_probabilities, np.average(y, axis=0, weights=w))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        t, z = y_true.astype(y_pred.dtype), y_pred + 0  # -0 is 0
        entropy = -xlogy(t, t).sum(axis=-1)
        with np.errstate(all="ignore"):
            nothing = np.where(np.isnan(z), z, 0)
            if self.from_logits:
                log_p, total = log_softmax(z), t.sum(axis=-1, keepdims=True)
                p = np.exp(log_p)
                c = complement(p)
                gradient = np.where(p > 0.5, (total - t) - total * c, total * p - t)
                return -product(t, log_p).sum(axis=-1) - entropy, gradient, total * p * c
            if self.from_log_probabilities:
                return -product(t, z).sum(axis=-1) - entropy, np.where(np.isnan(z), z, -t), nothing
            gradient = np.where(t == 0, nothing, -t / z)
            return -xlogy(t, z).sum(axis=-1) - entropy, gradient, np.where(t == 0, nothing, t / z / z)

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return y_true.sum(axis=-1, keepdims=True).astype(y_pred.dtype) / 2 + np.zeros_like(y_pred)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return self.reference(y_true, y_pred)[2]
