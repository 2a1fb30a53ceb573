"""Losses over classes: a row of K scores or probabilities per sample, on the last axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss import domains
from fastloss.loss import KernelSpec
from fastloss.losses import terms
from fastloss.losses.pieces import focal_bend_at_one, in_both_types, nan_like
from fastloss.losses.terms import MinusLogTerms, SumOfTerms
from fastloss.optimum import count_classes
from fastloss.parameters import flag, index, positive, real, weights
from fastloss.registry import register


class _CrossEntropy(MinusLogTerms):
    """What cross-entropy losses share: the options, and the effective target rows that they make of targets.

    An option that a subclass has as a class attribute is settled, and no parameter.
    """

    task = "multiclass"

    def __init__(
        self,
        from_logits: bool,
        class_weight: Any,
        label_smoothing: float,
        ignore_index: int | None,
        z_loss: float,
        **more: Any,
    ) -> None:
        from_logits = flag("from_logits", from_logits)
        z_loss = real("z_loss", z_loss, 0.0)
        if z_loss and not from_logits:
            raise ValueError(f"z_loss is {z_loss!r}: it penalises the log-sum-exp of raw scores; pass from_logits=True")
        params = {
            "from_logits": from_logits,
            "class_weight": weights("class_weight", class_weight),
            "label_smoothing": real("label_smoothing", label_smoothing, 0.0, 1.0),
            "ignore_index": index("ignore_index", ignore_index),
            "z_loss": z_loss,
        }
        if not self.takes_labels and params.pop("ignore_index") is not None:
            raise ValueError("ignore_index goes with class indices: give rows to leave out a sample_weight of 0")
        super().__init__(**more, **{name: value for name, value in params.items() if not hasattr(type(self), name)})

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return not self.z_loss

    def _kernel(self) -> KernelSpec:
        return self._spec("ce")

    def _spec(self, family: str, *term: float) -> KernelSpec:
        """A kernel of a family; `term` is which function of p, its parameter and a factor."""
        factors = self.class_weight
        return KernelSpec(
            f"{family}_{'index' if self.takes_labels else 'dense'}_{self._prediction()}",
            (self.label_smoothing, self.z_loss, math.fsum(factors or ()), *term),
            in_both_types(factors),
            self.params.get("ignore_index") if self.takes_labels else None,
        )

    def _rows(self, y_true: Any, n_classes: int, dtype: Any) -> tuple[Any, Any]:
        """Targets as rows before smoothing, and which samples count."""
        if not self.takes_labels:
            return y_true.astype(dtype), np.ones(y_true.shape[:-1], bool)
        labels = y_true.astype(np.int64)
        counts = labels != self.ignore_index if self.ignore_index is not None else np.ones(labels.shape, bool)
        return (np.where(counts, labels, -1)[..., None] == np.arange(n_classes)).astype(dtype), counts

    def row_weight(self, y_true: Any, n_classes: int) -> Any:
        rows, counts = self._rows(y_true, n_classes, np.float64)
        return counts * (rows @ np.asarray(self.class_weight) if self.class_weight is not None else 1.0)

    def _effective(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        dtype, n_classes = y_pred.dtype, y_pred.shape[-1]
        rows, counts = self._rows(y_true, n_classes, dtype)
        smoothing = dtype.type(self.label_smoothing)
        q = rows * (1 - smoothing) + smoothing / n_classes
        if self.class_weight is not None:
            q = q * np.asarray(self.class_weight, dtype)
        return q, counts

    def _closed_form(self, y: Any, w: Any) -> Any:
        n_classes = y.shape[-1]
        if self.takes_labels:
            n_classes = count_classes(self, y)
        q, counts = self._effective(y, np.empty((1, n_classes)))
        return log_if(self.from_logits or self.from_log_probabilities, np.average(q, axis=0, weights=w * counts))


def log_if(logarithm: bool, mass: Any) -> Any:
    """Normalised mass per class, as log-probabilities where raw scores are wanted."""
    if not mass.sum() > 0:
        raise ValueError("the optimum is undefined: the total weight is zero")
    p = mass / mass.sum()
    with np.errstate(divide="ignore"):
        return np.log(p) if logarithm else p


@register
class CategoricalCrossEntropy(_CrossEntropy):
    r"""Categorical cross-entropy of rows: -sum_k t_k log p_k.

    t is a row of y_true, probabilities or one-hot; p the predicted probabilities, or softmax(y_pred) from logits: value
    lse(z) - sum_k t_k z_k, gradient p_k - t_k, Hessian diagonal p_k (1 - p_k).

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked: entries in [0, 1], rows
        summing to 1.
    class_weight : sequence of float or dict, optional
        One factor c_k per class: -sum_k c_k t_k log p_k. It counts as a weight: the mean divides by
        sum_i w_i sum_k c_k t_ik (torch divides by n here, and by this sum for class indices).
    label_smoothing : float, default=0.0
        a in [0, 1]: t becomes t (1 - a) + a/K, as in torch, Keras and Optax.
    z_loss : float, default=0.0
        lambda of an added lambda lse(z)^2, which keeps raw scores small. From logits only; no class weight applies
        to it, and with it the loss need not be convex.

    Notes
    -----
    y_true and y_pred have shape (n_samples, n_classes); value per sample for ``reduction="none"``. Convex in the raw
    scores. ``"majorize"`` is Boehning's bound 1/2. Rows of equal scores, -inf included, are uniform; +inf takes all.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
       https://doi.org/10.1007/978-3-642-76153-9_28
    .. [2] D. Boehning, "Multinomial logistic regression algorithm", Ann. Inst. Stat. Math. 44 (1992).
       https://doi.org/10.1007/BF00048682

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.CategoricalCrossEntropy()([[0, 1, 0]], [[0.2, 0.5, 0.3]]), 6)
    0.693147
    """

    name = "categorical_cross_entropy"
    when = "Probabilities of K exclusive classes, with targets that are probabilities themselves, or one-hot."

    def __init__(
        self,
        from_logits: bool = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
    ) -> None:
        super().__init__(from_logits, class_weight, label_smoothing, ignore_index, z_loss)


@register
class SparseCategoricalCrossEntropy(_CrossEntropy):
    r"""Categorical cross-entropy of class indices: -log p_y.

    y_true holds class indices 0..K-1, y_pred rows of K probabilities, or raw scores from logits: value lse(z) - z_y,
    gradient p_k - [k = y], Hessian diagonal p_k (1 - p_k).

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked.
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}, as torch does.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row is 1 - a at the label plus a/K everywhere.
    ignore_index : int, optional
        Rows with this label add nothing to value, gradient or the mean's denominator. Their predictions are checked
        like the others.
    z_loss : float, default=0.0
        lambda of an added lambda lse(z)^2. From logits only.

    Notes
    -----
    y_true has shape (n_samples,) and any integer dtype, bool, or floats that are whole numbers; y_pred has shape
    (n_samples, n_classes). Labels are checked before anything is computed.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
       https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.SparseCategoricalCrossEntropy(from_logits=True)([1], [[0.0, 0.0, 0.0]]), 6)
    1.098612
    """

    name = "sparse_categorical_cross_entropy"
    when = "Probabilities of K exclusive classes, with class indices as targets: the default for classification."
    takes_labels = True

    def __init__(
        self,
        from_logits: bool = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
    ) -> None:
        super().__init__(from_logits, class_weight, label_smoothing, ignore_index, z_loss)


@register
class NegativeLogLikelihood(_CrossEntropy):
    r"""Negative log-likelihood of class indices: -z_y.

    y_true holds class indices 0..K-1, y_pred rows of K log-probabilities z, such as a log-softmax leaves. The gradient
    is -[k = y], the Hessian 0.

    Parameters
    ----------
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}, as torch does.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row is 1 - a at the label plus a/K everywhere.
    ignore_index : int, optional
        Rows with this label add nothing to value, gradient or the mean's denominator.

    Notes
    -----
    Only what is not above 0 passes for a log-probability; raw scores go to `SparseCategoricalCrossEntropy` with
    ``from_logits=True``, which is faster, too. The gradient is that in the log-probabilities.

    References
    ----------
    .. [1] PyTorch, "NLLLoss". https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html

    Examples
    --------
    >>> import fastloss as fl
    >>> import numpy as np
    >>> round(fl.NegativeLogLikelihood()([1], np.log([[0.2, 0.5, 0.3]])), 6)
    0.693147
    """

    name = "negative_log_likelihood"
    when = "The model ends in a log-softmax that other code needs as well; else raw scores are the better input."
    takes_labels = True
    from_log_probabilities = True
    from_logits = False
    z_loss = 0.0

    def __init__(self, class_weight: Any = None, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        super().__init__(self.from_logits, class_weight, label_smoothing, ignore_index, self.z_loss)

    @property
    def prediction_domain(self) -> domains.Domain:
        return domains.LOG_SOFTMAX


class _LabelsOrRows(_CrossEntropy):
    """Losses of class indices, or of rows of y_pred's shape: then `_of_rows` makes the loss that runs."""

    takes_labels = True
    takes_rows = True

    def _of_rows(self) -> _LabelsOrRows:
        rows = object.__new__(type(self))
        rows.__dict__.update(self.__dict__, takes_labels=False)
        rows.__dict__["_runner"] = rows._make_runner()
        return rows


class _OfTrueClass(_LabelsOrRows):
    """Losses sum_k t_k phi(p_k) of the probability of the true class, with A(p) = -p phi'(p) and B(p) = p A'(p).

    With class indices through softmax the gradient is A (p_k - [k = y]), the Hessian diagonal
    A p_k (1 - p_k) - B (p_k - [k = y])^2; in the probabilities -A/p and (A - B)/p^2, at the true class only. phi is
    convex in p.
    """

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return not self.from_logits or (self._convex_in_scores() and not self.z_loss)

    def _convex_in_scores(self) -> bool:
        """Whether B (1 - p) <= A for every p: of all directions that to the true class bends the least."""
        raise NotImplementedError

    def _below_its_tangent(self) -> bool:
        """Whether phi is concave in -log p, B >= 0: then A times a bound of cross-entropy bounds it."""
        return False

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        if not self.from_logits or self.z_loss:
            return ("exact", "floor")
        return ("exact", *(["majorize"] if self._below_its_tangent() else []), "fisher", "floor")

    def _shape(self) -> tuple[float, ...]:
        """Which function, its parameter, a factor, and of focal loss its second derivative at p = 1."""
        raise NotImplementedError

    def _phi(self, p: Any, q: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        """phi, A, B and A p - B q of p, q = 1 - p and -log p."""
        raise NotImplementedError

    def _slopes(self, p: Any, A: Any, B: Any) -> tuple[Any, Any]:
        """-phi'(p) and p phi''(p)."""
        return A / p, (A - B) / p

    def _kernel(self) -> KernelSpec:
        alone = self.takes_labels and not self.label_smoothing and not self.z_loss  # then only the label's p matters
        return self._spec("terms" if not alone else "phi" if self.from_logits else "ce", *self._shape())

    def _term(self, t: Any, p: Any, c: Any, d: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        value, A, B, own = self._phi(p, c, minus_log)
        slope, bend = (A, -B) if self.from_logits else self._slopes(p, A, B)
        value, slope, bend, own = (np.where(t == 0, nan_like(p, 0), t * x) for x in (value, slope, bend, own))
        return value, -slope, bend if self.from_logits else np.where(bend == 0, bend, bend / p), own

    def _information(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """sum_k t_k A_k, and p (1 - p)."""
        _, a, _, _, p, c, counts = self._terms_of(y_true, y_pred)
        return np.where(counts, -a.sum(axis=-1), 0)[..., None], p * c

    def majorizer(self, y_true: Any, y_pred: Any) -> Any:
        slope, information = self._information(y_true, y_pred)
        return slope / 2 + np.zeros_like(information)

    def fisher(self, y_true: Any, y_pred: Any) -> Any:
        slope, information = self._information(y_true, y_pred)
        return slope * information

    def _closed_form(self, y: Any, w: Any) -> Any:
        """Where n_k A(p_k)/p_k is the same for all classes: a multiplier, then each p_k, by bisection."""
        n_classes = count_classes(self, y) if self.takes_labels else y.shape[-1]
        rows, counts = self._effective(y, np.empty((1, n_classes)))
        n = (rows * (w * counts)[:, None]).sum(axis=0)
        if not n.sum() > 0:
            raise ValueError("the optimum is undefined: the total weight is zero")

        def slope(p: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.where(n == 0, 0, n * self._phi(p, 1 - p, -np.log(p))[1] / p)

        def masses(multiplier: float) -> Any:
            low, high = np.zeros(n_classes), np.ones(n_classes)
            for _ in range(64):
                middle = (low + high) / 2
                more = slope(middle) > multiplier
                low, high = np.where(more, middle, low), np.where(more, high, middle)
            return (low + high) / 2

        low, high = -800.0, 800.0  # of the multiplier's logarithm
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if masses(math.exp(middle)).sum() > 1 else (low, middle)
        return log_if(self.from_logits, np.where(n == 0, 0, masses(math.exp(high))))


@register
class CategoricalFocal(_OfTrueClass):
    r"""Categorical focal loss: -alpha (1 - p)^gamma log p, p the probability of the true class.

    y_true holds class indices 0..K-1, y_pred rows of K probabilities, or raw scores from logits. With l = -log p,
    A = alpha (1 - p)^gamma (1 + gamma p l/(1 - p)) and B = p A'(p) the gradient from logits is A (p_k - [k = y]), the
    Hessian diagonal A p_k (1 - p_k) - B (p_k - [k = y])^2; in the probabilities -A/p and (A - B)/p^2 at the true class.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less the samples count that are predicted well; 0 is cross-entropy. Non-negative.
    alpha : float, optional
        A factor on every class, as in Keras. For a factor of its own for each class use `class_weight`.
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked.
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row t becomes t (1 - a) + a/K.
    ignore_index : int, optional
        Class indices: rows with this label add nothing to value, gradient or the mean's denominator.
    z_loss : float, default=0.0
        lambda of an added lambda lse(z)^2. From logits only.

    Notes
    -----
    y_true may also be rows t of probabilities, of y_pred's shape: then the terms of all classes are added, each times
    t_k. Softmax over exclusive classes, as in Keras; for independent yes-or-no labels use `BinaryFocal`. Not convex in
    scores; ``"fisher"`` is A p_k (1 - p_k), which is never negative. Mislabelled samples count most of
    all: see `GeneralizedCrossEntropy`.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017.
       https://doi.org/10.48550/arXiv.1708.02002

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.CategoricalFocal()([1], [[0.2, 0.6, 0.2]]), 6)
    0.081732
    """

    name = "categorical_focal"
    when = "Classes of which a few are easy and frequent, and drown the hard ones: dense detection, long tails."

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        from_logits: bool = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
    ) -> None:
        alpha = None if alpha is None else positive("alpha", alpha)
        super().__init__(
            *(from_logits, class_weight, label_smoothing, ignore_index, z_loss),
            gamma=real("gamma", gamma, 0.0),
            alpha=alpha,
        )

    def _convex_in_scores(self) -> bool:
        return bool(self.gamma == 0)

    def _shape(self) -> tuple[float, ...]:
        return terms.FOCAL, self.gamma, 1.0 if self.alpha is None else self.alpha, focal_bend_at_one(self.gamma)

    def _phi(self, p: Any, q: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        gamma, alpha = p.dtype.type(self.gamma), p.dtype.type(self._shape()[2])
        w, p_l = alpha * q**gamma, np.where(p == 0, 0, p * minus_log)
        share, steep = np.where(q == 0, 1, p_l / q), np.where(q == 0, 0, w / q)
        a, bend = 1 + gamma * share, gamma * (2 * p - p_l + (gamma - 1) * p * share)
        return w * minus_log, w * a, -steep * bend, w * (a * p + bend)

    def _slopes(self, p: Any, A: Any, B: Any) -> tuple[Any, Any]:
        slope, bend = super()._slopes(p, A, B)
        _, _, alpha, end = self._shape()
        return slope, np.where(p == 1, p.dtype.type(alpha * end), bend)


@register
class GeneralizedCrossEntropy(_OfTrueClass):
    r"""Generalised cross-entropy: (1 - p^q)/q, p the probability of the true class.

    y_true holds class indices 0..K-1, y_pred rows of K probabilities, or raw scores from logits. From q -> 0,
    cross-entropy, it goes to q = 1, the mean absolute error of probabilities. The gradient from logits is
    p^q (p_k - [k = y]), the Hessian diagonal p^q (p_k (1 - p_k) - q (p_k - [k = y])^2); in the probabilities
    -p^(q - 1) and (1 - q) p^(q - 2) at the true class.

    Parameters
    ----------
    q : float, default=0.7
        How little a sample counts that contradicts the model. In (0, 1].
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked.
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row t becomes t (1 - a) + a/K.
    ignore_index : int, optional
        Class indices: rows with this label add nothing to value, gradient or the mean's denominator.
    z_loss : float, default=0.0
        lambda of an added lambda lse(z)^2. From logits only.

    Notes
    -----
    Bounded by 1/q, so that a wrong label does bounded harm. Not convex in scores; ``"fisher"`` is A p_k (1 - p_k) with
    A = p^q, ``"majorize"`` A/2. y_true may also be rows t of probabilities, of y_pred's shape: then the terms of all
    classes are added, each times t_k.

    References
    ----------
    .. [1] Z. Zhang, M. R. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
       labels", NeurIPS 2018. https://doi.org/10.48550/arXiv.1805.07836

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.GeneralizedCrossEntropy()([1], [[0.2, 0.6, 0.2]]), 6)
    0.429474
    """

    name = "generalized_cross_entropy"
    when = "Some labels are wrong, and a network that is trained long enough would learn them."

    def __init__(
        self,
        q: float = 0.7,
        from_logits: bool = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
    ) -> None:
        super().__init__(
            *(from_logits, class_weight, label_smoothing, ignore_index, z_loss),
            q=real("q", q, 0.0, 1.0, open_low=True),
        )

    def _convex_in_scores(self) -> bool:
        return False

    def _below_its_tangent(self) -> bool:
        return True

    def _shape(self) -> tuple[float, ...]:
        return terms.GENERALIZED, self.q, 1.0

    def _phi(self, p: Any, q: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        s = p.dtype.type(self.q)
        power = np.exp(-s * minus_log)
        return -np.expm1(-s * minus_log) / s, power, s * power, power * (p - s * q)

    def _slopes(self, p: Any, A: Any, B: Any) -> tuple[Any, Any]:
        s = p.dtype.type(self.q)  # A is 0 where p is, its quotient by p is not
        slope = p ** (s - 1)
        return slope, nan_like(p, 0) if s == 1 else (1 - s) * slope


@register
class Poly1(_OfTrueClass):
    r"""Poly-1 cross-entropy: -log p + epsilon (1 - p), p the probability of the true class.

    y_true holds class indices 0..K-1, y_pred rows of K probabilities, or raw scores from logits. The gradient from
    logits is A (p_k - [k = y]), A = 1 + epsilon p, the Hessian diagonal A p_k (1 - p_k) - epsilon p (p_k - [k = y])^2;
    in the probabilities -A/p and 1/p^2 at the true class.

    Parameters
    ----------
    epsilon : float, default=1.0
        What is added to the first coefficient of cross-entropy's expansion in 1 - p. Above -1.
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked.
    class_weight : sequence of float or dict, optional
        One factor per class. It counts as a weight: the mean divides by sum_i w_i c_{y_i}.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row t becomes t (1 - a) + a/K.
    ignore_index : int, optional
        Class indices: rows with this label add nothing to value, gradient or the mean's denominator.
    z_loss : float, default=0.0
        lambda of an added lambda lse(z)^2. From logits only.

    Notes
    -----
    Convex in scores up to epsilon = 1; ``"fisher"`` is A p_k (1 - p_k), and from epsilon = 0 on ``"majorize"`` is A/2.
    y_true may also be rows t of probabilities, of y_pred's shape: then the terms of all classes are added, each times
    t_k.

    References
    ----------
    .. [1] Z. Leng et al., "PolyLoss: a polynomial expansion perspective of classification loss functions", ICLR 2022.
       https://doi.org/10.48550/arXiv.2204.12511

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.Poly1()([1], [[0.2, 0.6, 0.2]]), 6)
    0.910826
    """

    name = "poly1"
    when = "Cross-entropy with one number to tune: images, where a few per cent of accuracy are worth a search."

    def __init__(
        self,
        epsilon: float = 1.0,
        from_logits: bool = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
    ) -> None:
        super().__init__(
            *(from_logits, class_weight, label_smoothing, ignore_index, z_loss),
            epsilon=real("epsilon", epsilon, -1.0, open_low=True),
        )

    def _convex_in_scores(self) -> bool:
        return bool(self.epsilon <= 1)

    def _below_its_tangent(self) -> bool:
        return bool(self.epsilon >= 0)

    def _shape(self) -> tuple[float, ...]:
        return terms.POLY1, self.epsilon, 1.0

    def _phi(self, p: Any, q: Any, minus_log: Any) -> tuple[Any, Any, Any, Any]:
        s = p.dtype.type(self.epsilon)
        return minus_log + s * q, 1 + s * p, s * p, p * (1 - s + 2 * s * p)


@register
class CategoricalBrier(_LabelsOrRows):
    r"""Brier score of K classes: sum_k (p_k - t_k)^2.

    y_true holds class indices 0..K-1, of which t_k = [k = y] is made, or rows t of probabilities, of y_pred's shape;
    y_pred rows of K probabilities p, or raw scores from logits. With d_k = p_k - t_k the gradient in the probabilities
    is 2 d_k, the Hessian 2; from logits the gradient is 2 p_k (d_k - sum_j p_j d_j), the Hessian diagonal
    2 p_k ((1 - 2 p_k)(d_k - sum_j p_j d_j) + (1 - p_k)^2 p_k + p_k sum_{j != k} p_j^2).

    Parameters
    ----------
    from_logits : bool, default=False
        Whether y_pred holds raw scores. Probabilities are expected by default and checked.
    label_smoothing : float, default=0.0
        a in [0, 1]: the target row t becomes t (1 - a) + a/K.
    ignore_index : int, optional
        Class indices: rows with this label add nothing to value, gradient or the mean's denominator.

    Notes
    -----
    Brier's own definition, between 0 and 2: of two classes it is twice `Brier`, and twice scikit-learn's
    ``brier_score_loss`` of binary labels. A proper score, convex in the probabilities, not in raw scores; no single
    sample counts more than 2.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
       https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.CategoricalBrier()([1], [[0.2, 0.6, 0.2]]), 6)
    0.24
    """

    name = "categorical_brier"
    when = "Probabilities of K classes are judged, or trained where a confident mistake is not to cost without bound."
    class_weight = None
    z_loss = 0.0

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, ignore_index: int | None = None
    ) -> None:
        super().__init__(from_logits, self.class_weight, label_smoothing, ignore_index, self.z_loss)

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return not self.from_logits

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        return ("exact", "floor")

    def _kernel(self) -> KernelSpec:
        return self._spec("terms", terms.BRIER)

    _term = SumOfTerms._term  # by the slope, not cross-entropy's

    def _slope(self, t: Any, p: Any, d: Any) -> tuple[Any, Any, Any, Any]:
        return d * d, 2 * d, 0, 2 * p
