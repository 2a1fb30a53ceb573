"""Divergences between rows of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss.loss import KernelSpec
from fastloss.losses import terms
from fastloss.losses.classes import log_if
from fastloss.losses.pieces import nan_like, product, xlogy
from fastloss.losses.terms import MinusLogTerms, SumOfTerms
from fastloss.parameters import flag
from fastloss.registry import register

# Of a fixed point: each closes a share of what is missing that is about the least weight of a class.
MOST_STEPS = 10_000


class _Divergence(SumOfTerms):
    """What divergences share: rows of targets, and three forms of the prediction."""

    task = "distribution"

    def __init__(self, from_logits: bool = False, from_log_probabilities: bool = False) -> None:
        from_logits = flag("from_logits", from_logits)
        from_log = flag("from_log_probabilities", from_log_probabilities)
        if from_logits and from_log:
            raise ValueError("from_logits and from_log_probabilities are both True: y_pred is one of them")
        super().__init__(from_logits=from_logits, from_log_probabilities=from_log)


@register
class KLDivergence(_Divergence, MinusLogTerms):
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
    when = "A given distribution is to be matched: distillation, or the votes of several annotators."

    def _kernel(self) -> KernelSpec:
        return KernelSpec(f"kl_{self._prediction()}")

    def _closed_form(self, y: Any, w: Any) -> Any:
        return log_if(self.from_logits or self.from_log_probabilities, np.average(y, axis=0, weights=w))

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        value, gradient, hessian = super().reference(y_true, y_pred)
        t = y_true.astype(y_pred.dtype)
        return value + xlogy(t, t).sum(axis=-1), gradient, hessian


class _TermByTerm(_Divergence):
    """A divergence without a kernel of its own."""

    _code: int  # enum fl_term in src_c/fastloss.h

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return not self.from_logits and not self.from_log_probabilities

    def _kernel(self) -> KernelSpec:
        return KernelSpec(f"terms_dense_{self._prediction()}", (0.0, 0.0, 0.0, self._code))


@register
class ReverseKLDivergence(_TermByTerm):
    r"""Kullback-Leibler divergence of the target from the prediction: sum_k p_k log(p_k / t_k).

    The direction is KL(prediction || target): it asks that the prediction be small where the target is, and so fits
    one mode of a target that has several, where `KLDivergence` covers them all. p is a row of y_pred, or exp(y_pred),
    or softmax(y_pred). From logits the gradient is p_k a_k, a_k = log(p_k / t_k) - KL, and the Hessian diagonal
    p_k ((1 - 2 p_k) a_k + 1 - p_k); in the probabilities they are log(p_k / t_k) + 1 and 1/p_k.

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores.
    from_log_probabilities : bool, default=False
        Whether y_pred holds log-probabilities.

    Notes
    -----
    y_true and y_pred have shape (n_samples, n_classes); rows of y_true sum to 1. Convex in the probabilities, not in
    their logarithms or in raw scores. A class that the prediction rules out adds nothing. Infinite, with an infinite
    gradient that leads away, where the target rules out what the prediction does not: raw scores rule out nothing, so
    smooth one-hot targets first.

    References
    ----------
    .. [1] S. Kullback, R. A. Leibler, "On information and sufficiency", Ann. Math. Stat. 22 (1951).
       https://doi.org/10.1214/aoms/1177729694
    .. [2] Y. Gu, L. Dong, F. Wei, M. Huang, "MiniLLM: knowledge distillation of large language models", ICLR 2024.
       https://arxiv.org/abs/2306.08543

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.ReverseKLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]), 6)
    0.130812
    """

    name = "reverse_kl_divergence"
    _code = terms.REVERSE_KL
    when = "A model too small to cover its target is to keep to what the target holds likely: distillation, policies."

    def _slope(self, t: Any, p: Any, d: Any) -> tuple[Any, Any, Any, Any]:
        none = p + t == 0
        near, quotient = np.abs(d) < t / 4, p / t
        far = np.where((quotient > 0) & (quotient < np.inf), np.log(quotient), np.log(p) - np.log(t))
        ratio = np.where(near, np.log1p(np.where(near, d / t, 0)), np.where(none, 0, far))
        one = np.where(none, 0, nan_like(p, 1))
        return product(p, ratio), ratio, one, one

    def _closed_form(self, y: Any, w: Any) -> Any:
        """The normalised geometric mean."""
        with np.errstate(divide="ignore"):
            mean = np.average(np.log(y), axis=0, weights=w)
        if not mean.max() > -np.inf:
            raise ValueError(f"the optimum of {self.name} is undefined: every class has a row that rules it out")
        return log_if(self.from_logits or self.from_log_probabilities, np.exp(mean - mean.max()))


@register
class JensenShannon(_TermByTerm):
    r"""Jensen-Shannon divergence: 1/2 KL(target || m) + 1/2 KL(prediction || m), m = (target + prediction) / 2.

    sum_k 1/2 (t_k log(t_k / m_k) + p_k log(p_k / m_k)), between 0 and log 2. p is a row of y_pred, or exp(y_pred), or
    softmax(y_pred). With v_k = 1/2 log(p_k / m_k) the gradient from logits is p_k a_k, a_k = v_k - sum_j p_j v_j, and
    the Hessian diagonal p_k ((1 - 2 p_k)(a_k + u_k) + p_k sum_j p_j u_j), u_k = 1/2 t_k / (t_k + p_k); in the
    probabilities they are v_k and u_k / p_k.

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores.
    from_log_probabilities : bool, default=False
        Whether y_pred holds log-probabilities.

    Notes
    -----
    y_true and y_pred have shape (n_samples, n_classes); rows of y_true sum to 1. Symmetric and finite for all rows,
    also one-hot ones. It is in nats; SciPy's ``jensenshannon`` is the distance, its square root. Close rows differ by a
    square of their distance, which keeps its digits. Convex in the probabilities, not in their logarithms or in raw
    scores.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37 (1991).
       https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.JensenShannon()([[1.0, 0.0]], [[0.5, 0.5]]), 6)
    0.215762
    """

    name = "jensen_shannon"
    _code = terms.JENSEN_SHANNON
    when = "Two distributions are to be compared as equals, with a number that stays finite: noisy labels, drift."

    def _slope(self, t: Any, p: Any, d: Any) -> tuple[Any, Any, Any, Any]:
        s = t + p
        r = np.where(s == 0, 0, d / s)
        x = np.minimum(r * r, 0.125)
        series = sum(x**k / ((k + 1) * (2 * k + 1)) for k in range(40)) * x  # its term k is at most 8^-k/2k^2
        m = s / 2
        far = (product(p, np.log(p / m)) + product(t, np.log(t / m))) / 2
        slope = np.where(np.abs(r) < 0.25, np.log1p(r), np.log(p / m)) / 2
        half_log_2 = np.log(p.dtype.type(2)) / 2
        return (
            np.where(s == 0, 0, np.where(r * r < 0.125, s * series / 4, far)),
            np.where(t == 0, nan_like(p, half_log_2), slope),
            0,
            np.where(t == 0, nan_like(p, 0), t / s / 2),
        )

    def _closed_form(self, y: Any, w: Any) -> Any:
        """A fixed point: the loss is bounded by one whose best p is the geometric mean of the rows' m."""
        w = w / w.sum()
        p = w @ y
        with np.errstate(divide="ignore"):
            for _ in range(MOST_STEPS):
                log_p = w @ np.log((y + p) / 2)
                new = np.exp(log_p - log_p.max())
                new /= new.sum()
                last, p = p, new
                if np.abs(p - last).max() <= 1e-16:
                    break
        return log_if(self.from_logits or self.from_log_probabilities, p)


@register
class TotalVariation(_TermByTerm):
    r"""Total variation distance: 1/2 sum_k |p_k - t_k|.

    The largest difference that any event's probability can have under the two, between 0 and 1. p is a row of y_pred,
    or exp(y_pred), or softmax(y_pred). With v_k = 1/2 sign(p_k - t_k), 0 at a tie, the gradient from logits is p_k a_k,
    a_k = v_k - sum_j p_j v_j, and the Hessian diagonal p_k (1 - 2 p_k) a_k; in the probabilities they are v_k and 0.

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores.
    from_log_probabilities : bool, default=False
        Whether y_pred holds log-probabilities.

    Notes
    -----
    y_true and y_pred have shape (n_samples, n_classes); rows of y_true sum to 1. Symmetric, with a kink where p_k is
    t_k; its gradient does not fade as the rows come close. Convex in the probabilities, not in their logarithms or in
    raw scores. For one-hot targets it is 1 less the probability of the class.

    References
    ----------
    .. [1] A. L. Gibbs, F. E. Su, "On choosing and bounding probability metrics", Int. Stat. Rev. 70 (2002).
       https://doi.org/10.1111/j.1751-5823.2002.tb00178.x

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.TotalVariation()([[1.0, 0.0]], [[0.75, 0.25]])
    0.25
    """

    name = "total_variation"
    _code = terms.TOTAL_VARIATION
    smoothness = 0
    when = "The largest error of any event's probability counts; a few wrong targets are not to weigh more than others."

    def _slope(self, t: Any, p: Any, d: Any) -> tuple[Any, Any, Any, Any]:
        return np.abs(d) / 2, np.sign(d) / 2, 0, nan_like(p, 0)

    def _closed_form(self, y: Any, w: Any) -> Any:
        """Each class's weighted quantile, of the level at which they sum to 1."""
        order = np.argsort(y, axis=0)
        y = np.take_along_axis(y, order, axis=0)
        share = np.cumsum(w[order], axis=0) / w.sum()
        levels = np.unique(share)
        below, above = 0, len(levels) - 1  # of the levels so far the last with a sum below 1, the first not below
        columns = np.arange(y.shape[1])

        def quantiles(level: float) -> Any:
            return y[np.minimum((share < level).sum(axis=0), len(y) - 1), columns]

        while below < above:
            middle = (below + above) // 2
            below, above = (middle + 1, above) if quantiles(levels[middle]).sum() < 1 else (below, middle)
        high = quantiles(levels[above])
        low = quantiles(levels[above - 1]) if above else np.zeros_like(high)
        between = high.sum() - low.sum()
        p = low + (high - low) * np.clip((1 - low.sum()) / between, 0, 1) if between > 0 else high
        return log_if(self.from_logits or self.from_log_probabilities, p)
