"""Losses of pairs and triplets of embeddings: every sample counts for itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastloss.embeddings import EmbeddingLoss
from fastloss.parameters import flag, real
from fastloss.registry import register


def _length(x: Any, p: float = 2.0) -> Any:
    """Lp lengths of rows, (..., 1); divided by their largest entries first, whose powers would overflow."""
    most = np.abs(x).max(axis=-1, keepdims=True)
    if p == math.inf:
        return most
    most = np.where((most > 0) & np.isfinite(most), most, 1).astype(x.dtype)
    return most * np.power(np.power(np.abs(x / most), x.dtype.type(p)).sum(axis=-1, keepdims=True), x.dtype.type(1 / p))


def _direction(x: Any, p: float = 2.0) -> Any:
    """Derivatives of the lengths; 0 where there is none."""
    length = _length(x, p)
    if p == math.inf:
        largest = np.abs(x) == length
        return np.sign(x) * largest / np.maximum(largest.sum(axis=-1, keepdims=True), 1).astype(x.dtype)
    return np.where(length == 0, 0, np.sign(x) * np.power(np.abs(x) / length, x.dtype.type(p - 1)))


@register
class Contrastive(EmbeddingLoss):
    r"""Contrastive loss: y D^2/2 + (1 - y) max(0, margin - D)^2/2, D = ||h1 - h2||.

    Called as ``loss(y_true, h1, h2)``; `value_and_gradients` gives the gradients in h1 and h2: y (h1 - h2) -
    (1 - y) max(0, margin - D) (h1 - h2)/D, and its negative.

    Parameters
    ----------
    margin : float, default=1.0
        How far apart dissimilar pairs are pushed, in units of the embedding. Positive or 0.

    Notes
    -----
    y_true (n_samples,) is 1 for a similar pair, 0 for another; h1 and h2 are (n_samples, width). Hadsell et al. code
    it the other way round, with Y = 0 for similar pairs. Where h1 = h2 the gradient of a dissimilar pair is 0, though
    the loss has a kink there: no direction is better than another.

    References
    ----------
    .. [1] R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006.
       https://doi.org/10.1109/CVPR.2006.100

    Examples
    --------
    >>> import fastloss as fl
    >>> loss = fl.Contrastive(margin=1.0)
    >>> value, (g1, g2) = loss.value_and_gradients([1, 0], [[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.3, 0.4]])
    >>> value
    6.3125
    >>> g1
    array([[-1.5 , -2.  ],
           [ 0.15,  0.2 ]])
    """

    name = "contrastive"
    arguments = ("y_true", "h1", "h2")
    coding = "labels in {0, 1}, 1 for a similar pair"
    when = "Pairs known to be similar or not, and distances between embeddings that are to say which."
    margin: float

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__(margin=real("margin", margin, 0.0))

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        return "contrastive", (self.margin,)

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        r = inputs[0] - inputs[1]
        distance, similar = _length(r), labels[..., np.newaxis] > 0
        short = np.maximum(r.dtype.type(self.margin) - distance, 0)
        gradient = np.where(similar, r, -short * _direction(r))
        return (np.square(np.where(similar, distance, short)) / 2)[..., 0], (gradient, -gradient)


@register
class Triplet(EmbeddingLoss):
    r"""Triplet loss: max(0, D(anchor, positive) - D(anchor, negative) + margin).

    D is the Lp distance. Called as ``loss(anchor, positive, negative)``; `value_and_gradients` gives the gradients in
    all three. With d(x) the derivative of ||x||_p, sign(x) (\|x\|/||x||_p)^(p - 1), they are d(a - p) - d(a - n),
    -d(a - p) and d(a - n) where the loss is not 0. For p = inf, d(x) is sign(x) where \|x\| is largest, in equal parts
    where several are, and 0 elsewhere.

    Parameters
    ----------
    margin : float, default=1.0
        By how much the negative is to be farther away, in units of the embedding. Positive or 0.
    p : float, default=2.0
        Of the distance: 2 is Euclidean, 1 the sum of magnitudes, ``float("inf")`` the largest of them. At least 1.
    swap : bool, default=False
        Whether D(positive, negative) takes the place of D(anchor, negative) where it is smaller: the harder negative
        of the two.

    Notes
    -----
    The arrays are (n_samples, width). Distances are exact: torch adds 1e-6 to every difference, Optax under the root. A
    distance of 0 has no direction: its gradient is 0.

    References
    ----------
    .. [1] F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: a unified embedding for face recognition and clustering",
       CVPR 2015. https://doi.org/10.1109/CVPR.2015.7298682
    .. [2] V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk, "Learning local feature descriptors with triplets and shallow
       convolutional neural networks", BMVC 2016. https://doi.org/10.5244/C.30.119

    Examples
    --------
    >>> import fastloss as fl
    >>> loss = fl.Triplet(margin=1.0)
    >>> value, (anchor, positive, negative) = loss.value_and_gradients([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.0]])
    >>> value
    1.0
    >>> anchor
    array([[-0.6,  0.2]])
    """

    name = "triplet"
    arguments = ("anchor", "positive", "negative")
    when = "Ranking by distance: an anchor is to be nearer to its like than to others, at no fixed distance."
    margin: float
    p: float
    swap: bool

    def __init__(self, margin: float = 1.0, p: float = 2.0, swap: bool = False) -> None:
        super().__init__(
            margin=real("margin", margin, 0.0), p=real("p", p, 1.0, infinite=True), swap=flag("swap", swap)
        )

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        name = {1.0: "triplet_1", 2.0: "triplet_2", math.inf: "triplet_inf"}.get(self.p, "triplet_p")
        return name, (self.margin, self.p, self.p - 1, float(self.swap))

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        a, p, n = inputs
        power = self.p
        of_p, of_n, of_other = a - p, a - n, p - n
        near, far, other = (_length(x, power) for x in (of_p, of_n, of_other))
        swapped = (other < far) & self.swap
        value = np.maximum(near - np.where(swapped, other, far) + a.dtype.type(self.margin), 0)
        slope = np.where(np.isnan(value), value, np.where(value == 0, 0, 1).astype(a.dtype))
        pull = np.where(slope == 0, 0, slope * _direction(of_p, power))
        push = np.where(swapped, _direction(of_other, power), _direction(of_n, power))
        push = np.where(slope == 0, 0, slope * push)
        return value[..., 0], (pull - np.where(swapped, 0, push), -pull - np.where(swapped, push, 0), push)


class _Cosine(EmbeddingLoss):
    """Losses of the cosine of the angle between two vectors."""

    def _cosine(self, a: Any, b: Any) -> tuple[Any, Any, tuple[Any, Any]]:
        """The cosine, 1 less it, and its derivatives; 0 of a zero vector."""
        length_a, length_b = _length(a), _length(b)
        nowhere = (length_a == 0) | (length_b == 0)
        u, v = (x / np.where(length == 0, 1, length) for x, length in ((a, length_a), (b, length_b)))
        cos = (u * v).sum(axis=-1, keepdims=True)
        half = np.square(u - v).sum(axis=-1, keepdims=True) / 2  # for 1 - cos cancels
        other_half = np.square(u + v).sum(axis=-1, keepdims=True) / 2
        less = np.where(cos > 0.5, half, np.where(cos < -0.5, 2 - other_half, 1 - cos))
        cos = np.where(cos > 0.5, 1 - half, np.where(cos < -0.5, other_half - 1, cos))
        of_a = np.where(nowhere, 0, (v - cos * u) / length_a)
        of_b = np.where(nowhere, 0, (u - cos * v) / length_b)
        return cos, less, (of_a, of_b)


@register
class CosineEmbedding(_Cosine):
    r"""Cosine embedding loss: 1 - cos(h1, h2) of a similar pair, max(0, cos(h1, h2) - margin) of another.

    Called as ``loss(y_true, h1, h2)``; `value_and_gradients` gives the gradients in h1 and h2. That of the cosine in h1
    is (h2/||h2|| - cos h1/||h1||)/||h1||.

    Parameters
    ----------
    margin : float, default=0.0
        The cosine that dissimilar pairs may have, in [-1, 1].

    Notes
    -----
    y_true (n_samples,) is all in {-1, 1}, as in torch, or all in {0, 1}; 1 is a similar pair. h1 and h2 are
    (n_samples, width). A zero vector has the cosine 0 with every other, and the gradients are 0 then; torch puts 1e-8
    under the root. 1 - cos keeps its digits for nearly parallel vectors.

    References
    ----------
    .. [1] J. Bromley, I. Guyon, Y. LeCun, E. Saeckinger, R. Shah, "Signature verification using a 'Siamese' time delay
       neural network", NIPS 1993. https://proceedings.neurips.cc/paper/1993/hash/288cc0ff022877bd3df94bc9360b9c5d

    Examples
    --------
    >>> import fastloss as fl
    >>> h1, h2 = [[1.0, 0.0], [1.0, 0.0]], [[0.6, 0.8], [0.6, 0.8]]
    >>> fl.CosineEmbedding(margin=0.5)([1, -1], h1, h2, reduction="none").round(6)
    array([0.4, 0.1])
    """

    name = "cosine_embedding"
    arguments = ("y_true", "h1", "h2")
    coding = "labels all in {-1, 1}, or all in {0, 1}, 1 for a similar pair"
    when = "Pairs known to be similar or not, where directions count and lengths do not: texts, search."
    margin: float

    def __init__(self, margin: float = 0.0) -> None:
        super().__init__(margin=real("margin", margin, -1.0, 1.0))

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        return "cosine_embedding", (self.margin,)

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        cos, less, derivatives = self._cosine(*inputs)
        over = np.maximum(cos - cos.dtype.type(self.margin), 0)
        similar = labels[..., np.newaxis] > 0
        slope = np.where(similar, -1, np.where(over == 0, 0, 1))
        return np.where(similar, less, over)[..., 0], tuple(np.where(slope == 0, 0, slope * x) for x in derivatives)


@register
class CosineSimilarity(_Cosine):
    r"""Cosine similarity, negative: -cos(h1, h2) = -(h1 . h2)/(||h1|| ||h2||).

    Called as ``loss(h1, h2)``; `value_and_gradients` gives the gradients in h1 and h2: that in h1 is
    (cos h1/||h1|| - h2/||h2||)/||h1||.

    Notes
    -----
    From -1 for vectors of one direction to 1 for opposite ones, as Keras's ``CosineSimilarity``; torch and Optax have
    1 - cos, which is `CosineEmbedding` with labels 1, with the same gradient. h1 and h2 are (n_samples, width). A zero
    vector has the cosine 0 with every other, and the gradients are 0 then.

    References
    ----------
    .. [1] X. Chen, K. He, "Exploring simple Siamese representation learning", CVPR 2021.
       https://doi.org/10.1109/CVPR46437.2021.01549

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.CosineSimilarity()([[1.0, 0.0]], [[3.0, 4.0]]), 6)
    -0.6
    """

    name = "cosine_similarity"
    arguments = ("h1", "h2")
    when = "Vectors that are to point the same way, whatever their length: learning without labels, distillation."

    def __init__(self) -> None:
        super().__init__()

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        return "cosine_similarity", ()

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        cos, _, derivatives = self._cosine(*inputs)
        return -cos[..., 0], tuple(-x for x in derivatives)


@register
class MarginRanking(EmbeddingLoss):
    r"""Margin ranking loss: max(0, margin - s (x1 - x2)), s = +1 where x1 should rank higher, -1 where x2 should.

    Called as ``loss(y_true, x1, x2)`` on scores of any shape; `value_and_gradients` gives the gradients in x1 and x2:
    -s and s where the loss is not 0.

    Parameters
    ----------
    margin : float, default=0.0
        By how much the score of the better one is to be higher. Positive or 0.

    Notes
    -----
    y_true is all in {-1, 1}, as in torch, or all in {0, 1}. Where s (x1 - x2) = margin the gradients are -s and s too,
    as in torch, not 0: equal scores, which a model may start from, would teach nothing else.

    References
    ----------
    .. [1] C. Burges, T. Shaked, E. Renshaw, et al., "Learning to rank using gradient descent", ICML 2005.
       https://doi.org/10.1145/1102351.1102363

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.MarginRanking(margin=1.0)([1, -1], [2.5, 2.5], [2.0, 2.0], reduction="none")
    array([0.5, 1.5])
    """

    name = "margin_ranking"
    arguments = ("y_true", "x1", "x2")
    coding = "labels all in {-1, 1}, or all in {0, 1}, 1 where x1 should rank higher"
    width = False
    when = "Two scores of which it is known which should be higher, not what they should be."
    margin: float

    def __init__(self, margin: float = 0.0) -> None:
        super().__init__(margin=real("margin", margin, 0.0))

    def _kernel(self) -> tuple[str, tuple[float, ...]]:
        return "ranking", (self.margin,)

    def reference(self, labels: Any, *inputs: Any) -> tuple[Any, tuple[Any, ...]]:
        x1, x2 = inputs
        s = np.where(labels > 0, x1.dtype.type(1), x1.dtype.type(-1))
        m = x1.dtype.type(self.margin) - s * (x1 - x2)
        gradient = np.where(np.isnan(m), m, np.where(m >= 0, -s, 0))
        return np.maximum(m, 0), (gradient, -gradient)
