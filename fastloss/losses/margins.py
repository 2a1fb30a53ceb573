"""Margins between the scores of classes, and losses of several labels per sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec, Loss
from fastloss.losses.pieces import cross_entropy_of_score, in_both_types, logistic_bound, nan_like
from fastloss.optimum import count_classes
from fastloss.parameters import index, real, weights
from fastloss.registry import register


class _OfLabel(Loss):
    """Margins of the label's score: class weights, labels to be ignored, and the differences of the scores."""

    task = "multiclass"
    layout = "classes"
    takes_labels = True
    smoothness = 0

    def __init__(self, margin: float, class_weight: Any, ignore_index: int | None, **more: Any) -> None:
        super().__init__(
            **more,
            margin=real("margin", margin, 0.0),
            class_weight=weights("class_weight", class_weight),
            ignore_index=index("ignore_index", ignore_index),
        )

    @property
    def target_domain(self) -> domains.Domain:
        return domains.LABELS

    def _power(self) -> int:
        """Of what is inside the margin."""
        return 1

    def _kernel(self) -> KernelSpec:
        shape = (0.0, 0.0, 0.0, float(self._power()), self.margin)  # the first are of other losses over classes
        return KernelSpec(self.name, shape, in_both_types(self.class_weight), self.ignore_index)

    def _counts(self, y_true: Any) -> Any:
        return np.ones(y_true.shape, bool) if self.ignore_index is None else y_true != self.ignore_index

    def row_weight(self, y_true: Any, n_classes: int) -> Any:
        counts = self._counts(y_true)
        at = np.where(counts, y_true, 0).astype(np.intp)
        return counts * (1.0 if self.class_weight is None else np.asarray(self.class_weight)[at])

    def _inside(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """margin + z_k - z_y, which k is y, and the weight of each row; ignored ones have none."""
        at = np.where(self._counts(y_true), y_true, 0).astype(np.intp)[..., None]
        m = y_pred.dtype.type(self.margin) + (y_pred - np.take_along_axis(y_pred, at, -1))
        return m, at == np.arange(y_pred.shape[-1]), self.row_weight(y_true, y_pred.shape[-1]).astype(y_pred.dtype)

    def _weighted(self, y_true: Any, weight: Any, *parts: Any) -> tuple[Any, ...]:
        """The parts of a row times its weight: nothing, where that is 0, but NaN."""
        counts = self._counts(y_true)
        found = []
        for x in parts:
            axes = (..., *[None] * (x.ndim - weight.ndim))
            with np.errstate(invalid="ignore"):
                weighted = np.where(weight[axes] == 0, nan_like(x, 0), weight[axes] * x)
            found.append(np.where(counts[axes], weighted, 0))
        return tuple(found)


@register
class MultiMargin(_OfLabel):
    r"""Multi-class margin loss: 1/K sum_{k != y} max(0, margin + z_k - z_y)^p.

    y_true holds class indices y in 0..K-1, y_pred rows of K raw scores z. Every class whose score comes nearer to the
    label's than the margin adds to the loss. With m_k = margin + z_k - z_y where that is positive, the gradient is
    p m_k^(p - 1) / K in z_k and minus their sum in z_y; the Hessian diagonal 0 for p = 1, for p = 2 it is 2/K in each
    such z_k and their sum in z_y.

    Parameters
    ----------
    p : {1, 2}, default=1
        Power of what is inside the margin.
    margin : float, default=1.0
        How far the label's score has to be above the others. Non-negative.
    class_weight : sequence of float or dict, optional
        One factor c_k per class: the loss of a row is multiplied by that of its label. It counts as a weight: the mean
        divides by sum_i w_i c_{y_i}, where torch divides by n.
    ignore_index : int, optional
        Rows with this label add nothing to value, gradient or the mean's denominator.

    Notes
    -----
    torch's MultiMarginLoss, divisor K and all. A score that is exactly a margin away has no gradient. For the nearest
    rival alone see `CategoricalHinge`. No closed form of `optimum` is known: it raises.

    References
    ----------
    .. [1] J. Weston, C. Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999.
       https://www.esann.org/proceedings/1999
    .. [2] PyTorch, "MultiMarginLoss". https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.MultiMargin()([2], [[0.25, 1.5, 1.0, -3.0]])
    0.4375
    """

    name = "multi_margin"
    when = "Class scores that are ranked rather than read as probabilities, where every rival inside the margin counts."

    def __init__(
        self, p: int = 1, margin: float = 1.0, class_weight: Any = None, ignore_index: int | None = None
    ) -> None:
        if np.ndim(p) or p not in (1, 2):
            raise ValueError(f"p is {p!r}: expected 1 or 2")
        super().__init__(margin, class_weight, ignore_index, p=int(p))

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        return self._power() - 1

    @property
    def curvature(self) -> str | None:
        return "diagonal" if self._power() == 1 else None  # of p = 2 the label's score and a rival's bend together

    def _power(self) -> int:
        return int(self.p)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        m, hot, weight = self._inside(y_true, y_pred)
        n_classes, nothing = y_pred.shape[-1], nan_like(m, 0)
        inside = np.where(hot, 0, np.where(m > 0, m, nothing))
        one = np.where(hot, 0, np.where(m > 0, 1, nothing))
        with np.errstate(over="ignore"):
            value, slope, bend = (inside, one, 0 * one) if self.p == 1 else (inside * inside, 2 * inside, 2 * one)
        gradient, hessian = (
            np.where(hot, sign * x.sum(axis=-1, keepdims=True), x) for sign, x in ((-1, slope), (1, bend))
        )
        return self._weighted(y_true, weight / n_classes, value.sum(axis=-1), gradient, hessian)


@register
class CategoricalHinge(_OfLabel):
    r"""Crammer-Singer hinge loss: max_{k != y} max(0, margin + z_k - z_y).

    y_true holds class indices y in 0..K-1, y_pred rows of K raw scores z. Where the largest rival k comes nearer to the
    label's score than the margin the gradient is 1 in z_k and -1 in z_y, else 0; the Hessian is 0.

    Parameters
    ----------
    margin : float, default=1.0
        How far the label's score has to be above the others. Non-negative.
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}.
    ignore_index : int, optional
        Rows with this label add nothing to value, gradient or the mean's denominator.

    Notes
    -----
    scikit-learn's ``hinge_loss`` of several classes, Keras's ``categorical_hinge`` (of one-hot rows) and Optax's
    ``multiclass_hinge_loss``. Of equal rivals the first has the gradient. A NaN anywhere in a row makes all of its
    results NaN.

    References
    ----------
    .. [1] K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
       JMLR 2 (2001). https://www.jmlr.org/papers/v2/crammer01a.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.CategoricalHinge()([2], [[0.25, 1.5, 1.0, -3.0]])
    1.5
    """

    name = "categorical_hinge"
    when = "Only the best class counts, no probability: support vector machines of several classes."

    def __init__(self, margin: float = 1.0, class_weight: Any = None, ignore_index: int | None = None) -> None:
        super().__init__(margin, class_weight, ignore_index)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        m, hot, weight = self._inside(y_true, y_pred)
        rivals = np.where(hot, -np.inf, y_pred)
        first = rivals.argmax(axis=-1)[..., None]  # or a NaN
        at = np.where(hot, y_pred, 0).sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            inside = y_pred.dtype.type(self.margin) + (np.take_along_axis(rivals, first, -1) - at)
        value = np.where(inside < 0, 0, inside)
        nothing = nan_like(value, 0) + np.zeros_like(m)
        gradient = np.where(hot, -1, first == np.arange(m.shape[-1])) * np.where(value > 0, 1, nothing)
        return self._weighted(y_true, weight, value[..., 0], gradient, nothing)

    def _closed_form(self, y: Any, w: Any) -> Any:
        """All scores equal, but for that of a class with more than half of the weight: a margin above the others."""
        n_classes = count_classes(self, y)
        mass = np.zeros(n_classes)
        counts = self._counts(y)
        np.add.at(mass, y[counts].astype(np.intp), (w * self.row_weight(y, n_classes))[counts])
        if not mass.sum() > 0:
            raise ValueError("the optimum is undefined: the total weight is zero")
        return np.where(mass > mass.sum() / 2, self.margin, 0.0)


class _OfLabels(Loss):
    """Losses of rows of K scores and the labels of each row."""

    task = "multilabel"
    layout = "classes"


@register
class MultiLabelSoftMargin(_OfLabels):
    r"""Multi-label soft margin loss: -1/K sum_k c_k (t_k log p_k + (1 - t_k) log(1 - p_k)), p = sigmoid(z).

    y_true holds rows of K targets t in [0, 1], one for each label on its own, y_pred rows of K raw scores z. The
    gradient is c_k (p_k - t_k) / K, the Hessian diagonal c_k p_k (1 - p_k) / K.

    Parameters
    ----------
    weight : sequence of float or dict, optional
        One factor c_k per label, 1 by default: torch's ``weight``. It is part of the loss and nothing that a mean
        divides by, for a sample has all labels.

    Notes
    -----
    torch's MultiLabelSoftMarginLoss: binary cross-entropy from logits, of which a row is the mean over its K labels and
    ``reduction="mean"`` the (weighted) mean over samples. Value and gradient keep their relative precision in both
    tails. ``"majorize"`` is the bound of Jaakkola and Jordan, c_k tanh(z/2)/(2z)/K.

    References
    ----------
    .. [1] PyTorch, "MultiLabelSoftMarginLoss".
       https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
    .. [2] T. S. Jaakkola, M. I. Jordan, "Bayesian parameter estimation via variational methods", Stat. Comput. 10
       (2000). https://doi.org/10.1023/A:1008932416310

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.MultiLabelSoftMargin()([[1, 0, 1]], [[0.0, 0.0, 0.0]]), 6)
    0.693147
    """

    name = "multi_label_soft_margin"
    when = "Any number of labels per sample, each with a probability of its own: tags, attributes, findings."
    per_class = "weight"

    def __init__(self, weight: Any = None) -> None:
        super().__init__(weight=weights("weight", weight))

    @property
    def activation(self) -> str:
        return "sigmoid"

    @property
    def target_domain(self) -> domains.Domain:
        return domains.PROBABILITY_TARGET

    def _kernel(self) -> KernelSpec:
        return KernelSpec(self.name, (), in_both_types(self.weight))

    def _share(self, y_pred: Any) -> Any:
        """c_k / K"""
        factors = np.ones(y_pred.shape[-1]) if self.weight is None else np.asarray(self.weight)
        return factors.astype(y_pred.dtype) / y_pred.shape[-1]

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        share = self._share(y_pred)
        value, gradient, hessian = cross_entropy_of_score(share * (1 - y_true), share * y_true, y_pred)
        return value.sum(axis=-1), gradient, hessian

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        return self._share(y_pred) * logistic_bound(y_pred)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        return self.reference(y_true, y_pred)[2]

    def _closed_form(self, y: Any, w: Any) -> Any:
        p = np.average(y, axis=0, weights=w)
        with np.errstate(divide="ignore"):
            return np.log(p) - np.log1p(-p)


@register
class MultiLabelMargin(_OfLabels):
    r"""Multi-label margin loss: 1/K sum_{j in Y, i not in Y} max(0, 1 - (z_j - z_i)).

    Y are the labels of a row, the last axis of y_pred holds K raw scores z. Each pair of a label and a class that is
    none adds to the loss where the label's score is not 1 above the other's; each such pair adds -1/K to the gradient
    in z_j and 1/K to that in z_i. The Hessian is 0.

    Notes
    -----
    y_true has the shape of y_pred and one of two forms. Booleans, or floats that are 0 and 1, are a mask of the labels.
    Integers are rows of label indices as torch's MultiLabelMarginLoss takes them: a row's labels first, each once,
    then -1; what follows the first -1 is not looked at. Zeros and ones of an integer type are therefore label indices;
    from three classes on they raise, for they repeat: pass ``y_true.astype(bool)``.

    A row without labels, or with all of them, has no pairs and adds 0. The work is K times the number of labels. No
    closed form of `optimum` is known: it raises.

    References
    ----------
    .. [1] PyTorch, "MultiLabelMarginLoss".
       https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.MultiLabelMargin()([[3, 0, -1, 1]], [[0.125, 0.25, 0.5, 1.0]])
    0.8125
    >>> fl.MultiLabelMargin()([[True, False, False, True]], [[0.125, 0.25, 0.5, 1.0]])
    0.8125
    """

    name = "multi_label_margin"
    when = "Several labels per sample, whose scores are to stand above all others: ranking, no probabilities."
    smoothness = 0
    in_place = False

    def __init__(self) -> None:
        super().__init__()

    @property
    def target_domain(self) -> domains.Domain:
        return domains.LABEL_SETS

    def _kernel(self) -> KernelSpec:
        return KernelSpec(self.name)

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        n_classes = y_pred.shape[-1]
        value, gradient = np.zeros_like(y_pred[..., 0]), np.zeros_like(y_pred)
        for j in range(n_classes):
            pairs = (y_true[..., [j]] == 1) & (y_true == 0)
            if not pairs.any():
                continue
            m = np.where(pairs, 1 + (y_pred - y_pred[..., [j]]), 0)
            inside = np.where(m > 0, 1, nan_like(m, 0))
            value += np.where(m > 0, m, nan_like(m, 0)).sum(axis=-1)
            gradient += inside
            gradient[..., j] -= inside.sum(axis=-1)
        unknown = nan_like(y_pred, 0).sum(axis=-1)  # of a row with a NaN, though no pair may have it
        hessian = np.zeros_like(y_pred) + unknown[..., None]
        return value / n_classes + unknown, gradient / n_classes + unknown[..., None], hessian
