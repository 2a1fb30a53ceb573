"""Losses of a batch of embeddings: every anchor is contrasted with all others."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import backend, settings, validation
from fastloss.embeddings import Batch, EmbeddingLoss, check_label_shape
from fastloss.parameters import positive
from fastloss.registry import register

# Similarities that are kept at a time: 32 MB in float32. The threads of a BLAS wait for each other in every product: on
# a busy machine few long ones take a fraction of the time of many short ones.
_SIMILARITIES = 1 << 23


class _Contrast(EmbeddingLoss):
    """What they share: log(sum_j exp(s_ij)) - mean_p s_ip over j, p other than i, p positives; s = cos/temperature."""

    batch = True
    temperature: float

    def __init__(self, temperature: float) -> None:
        super().__init__(temperature=positive("temperature", temperature))

    def _contrast(
        self, z: Any, groups: Any, weight: Any, by: float, values: Any, gradient: bool, n_threads: int | None
    ) -> tuple[float, Any]:
        """The sum of the weighted losses of all anchors, divided by `by`, and its gradient in z (n, width).

        Groups are numbered from 0. Of the similarities there is a block of rows at a time: it is made by a matrix
        product, overwritten by the derivative D in each similarity, and the gradient in the unit vectors U gets D U
        and D^T U.
        """
        dtype = z.dtype
        if self.temperature * float(np.finfo(dtype).max) < 1:
            raise ValueError(
                f"temperature is {self.temperature}: its inverse overflows {dtype}, in which these embeddings are "
                f"computed; expected at least {1 / float(np.finfo(dtype).max):.0e}"
            )
        groups = groups.astype(np.int32 if dtype == np.float32 else np.int64)
        positives = (np.bincount(groups) - 1)[groups].astype(dtype)
        units, lengths = _units(z)
        slope = np.zeros_like(units) if gradient else None
        rows = max(64, _SIMILARITIES // len(z))
        block = np.empty((min(rows, len(z)), len(z)), dtype)
        scale = 1 / (by * self.temperature)
        total = 0.0
        compiled = backend.engine is not None and dtype in (np.float32, np.float64)
        one = backend.engine.run_contrast if compiled else _contrast_rows
        # A BLAS's threads wait for the next product without sleeping, and the engine's wait without giving way: with as
        # many of either as there are cores, both take twice as long.
        n_threads = max(1, (settings.get_num_threads() if n_threads is None else n_threads) // 2)
        for first in range(0, len(z), rows):
            some = units[first : first + rows]
            s = np.matmul(some / dtype.type(self.temperature), units.T, out=block[: len(some)])
            total += one(groups, positives, weight, s, values, first, scale, gradient, n_threads)
            if slope is not None:
                slope[first : first + rows] += s @ units
                slope += s.T @ some
        if slope is not None:  # through the normalisation: what is along a vector does not turn it
            with np.errstate(all="ignore"):
                slope -= np.einsum("ij,ij->i", slope, units)[:, np.newaxis] * units
                slope = np.where(lengths == 0, 0, slope / lengths)
        return total / by, slope


def _units(z: Any) -> tuple[Any, Any]:
    """Rows of length 1, and their lengths (n, 1); zero rows stay. Divided by the largest entry first, whose square
    would overflow."""
    with np.errstate(all="ignore"):
        most = np.abs(z).max(axis=1, keepdims=True)
        most[(most == 0) | ~np.isfinite(most)] = 1
        units = z / most
        lengths = np.sqrt(np.einsum("ij,ij->i", units, units))[:, np.newaxis]
        units /= np.where(lengths == 0, 1, lengths)
        return units, lengths * most


def _contrast_rows(
    groups: Any,
    positives: Any,
    weight: Any,
    s: Any,
    values: Any,
    first: int,
    scale: float,
    gradient: bool,
    n_threads: int | None,
) -> float:
    """What `run_contrast` of the engine does, in NumPy."""
    rows = np.arange(first, first + len(s))
    others = rows[:, np.newaxis] != np.arange(len(groups))
    alike = others & (groups[rows][:, np.newaxis] == groups)
    count, w = positives[rows], weight[rows]
    counts = (w > 0) & (count > 0)
    with np.errstate(all="ignore"):
        top = np.max(s, axis=1, where=others, initial=-np.inf)
        e = np.where(others, np.exp(s - top[:, np.newaxis]), 0)
        total = e.sum(axis=1)
        value = np.where(counts, w * (np.log(total) + top - np.sum(s, axis=1, where=alike) / count), 0)
        if gradient:
            slope = e / total[:, np.newaxis] - np.where(alike, 1 / count[:, np.newaxis], 0)
            factor = w * s.dtype.type(scale)
            s[...] = np.where(counts[:, np.newaxis], slope * factor[:, np.newaxis], 0)
    if values is not None:
        values[rows] = value
    return float(value.sum(dtype=np.longdouble))


@register
class NTXent(_Contrast):
    r"""NT-Xent (SimCLR, InfoNCE): mean over 2n views i of -log(exp(s_ij) / sum_{k != i} exp(s_ik)), j its other view.

    s is the cosine of two embeddings over the temperature. Called as ``loss(z1, z2)`` with two views of each of n
    samples; `value_and_gradients` gives the gradients in both. That in a unit vector u_i is the sum over k of
    (w_ik + w_ki) u_k/temperature, w_ik = softmax(s_i)_k - [k = j]: it is taken through the normalisation.

    Parameters
    ----------
    temperature : float, default=0.5
        Positive. The lower, the more the nearest negatives count.

    Notes
    -----
    z1 and z2 are (n_samples, width); rows need not have length 1. All other views in the batch, of both kinds, are
    negatives, which is SimCLR's form; `SupervisedContrastive` with a label per sample is the same. The loss of a sample
    is the mean of those of its two views; ``reduction="none"`` gives these, with the gradients of their sum, for the
    loss of one sample depends on all. A zero vector has the cosine 0 with every other, and its gradient is 0.

    A weight multiplies the loss of a sample, not what it is to the others: one of weight 0 stays their negative, has a
    gradient as such, and a NaN in it makes all of them NaN. To leave it out, leave its rows out.

    Similarities are computed in blocks of rows, 2**23 at a time, by NumPy's BLAS: with the threads that it is set to
    use (``OMP_NUM_THREADS``, threadpoolctl) whatever `n_threads` says, and with bits that depend on it and on them.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for contrastive learning of visual
       representations", ICML 2020. https://doi.org/10.48550/arXiv.2002.05709
    .. [2] A. van den Oord, Y. Li, O. Vinyals, "Representation learning with contrastive predictive coding", 2018.
       https://doi.org/10.48550/arXiv.1807.03748

    Examples
    --------
    >>> import fastloss as fl
    >>> z1, z2 = [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]
    >>> round(fl.NTXent(temperature=0.5)(z1, z2), 6)
    0.239545
    """

    name = "ntxent"
    arguments = ("z1", "z2")
    when = "Representations learned without labels, from two augmented views of each sample and large batches."

    def __init__(self, temperature: float = 0.5) -> None:
        super().__init__(temperature)

    def _pass(self, batch: Batch) -> float:
        z1, z2 = batch.inputs
        n = len(z1)
        if not n:
            return 0.0
        half = np.full(n, 0.5, z1.dtype) if batch.weight is None else batch.weight / 2
        values = None if batch.values is None else np.empty(2 * n, z1.dtype)
        total, gradient = self._contrast(
            np.concatenate([z1, z2]),
            np.tile(np.arange(n), 2),
            np.tile(half, 2),
            batch.by,
            values,
            batch.gradients is not None,
            batch.n_threads,
        )
        if batch.values is not None and values is not None:
            np.add(values[:n], values[n:], out=batch.values)
        if batch.gradients is not None:
            batch.gradients[0][...], batch.gradients[1][...] = gradient[:n], gradient[n:]
        return total


@register
class SupervisedContrastive(_Contrast):
    r"""Supervised contrastive loss: mean over i of -mean_{p of i's label} log(exp(s_ip) / sum_{k != i} exp(s_ik)).

    s is the cosine of two embeddings over the temperature, p runs over the other samples of the label of i, k over all
    other samples. Called as ``loss(labels, z)``; `value_and_gradients` gives the gradient in z, in a tuple of one.

    Parameters
    ----------
    temperature : float, default=0.1
        Positive. The lower, the more the nearest neighbours count.

    Notes
    -----
    z is (n_samples, width), rows of any length, and labels (n_samples,) are numbers, equal for views of one sample;
    names become such by ``numpy.unique(names, return_inverse=True)[1]``. The mean over the positives stands outside the
    logarithm (L_out of the paper). A sample without a positive has no loss and does not count in the mean; the authors'
    code counts it, with a loss of 0. ``reduction="none"`` gives the loss of each sample, with the gradient of their
    sum. Memory, BLAS, zero vectors and weights are as in `NTXent`: a sample of weight 0 stays a positive or a negative
    of the others.

    References
    ----------
    .. [1] P. Khosla, P. Teterwak, C. Wang, et al., "Supervised contrastive learning", NeurIPS 2020.
       https://doi.org/10.48550/arXiv.2004.11362

    Examples
    --------
    >>> import fastloss as fl
    >>> z = [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [-0.6, 0.8]]
    >>> round(fl.SupervisedContrastive(temperature=0.5)([0, 1, 0, 1], z), 6)
    0.43019
    """

    name = "supervised_contrastive"
    arguments = ("labels", "z")
    coding = "one label per sample"
    when = "Representations learned from classes, whose members should lie together: before a linear classifier."

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(temperature)

    def _labels(self, labels: Any, inputs: tuple[Any, ...]) -> Any:
        check_label_shape(self, labels, inputs[0])
        bad = np.isnan(labels)
        if bad.any():
            at = int(np.argmax(bad))
            raise ValueError(
                f"labels{validation.position(labels, at)} is nan: {self.name} expects {self.coding}; drop such rows, "
                "or give each a label of its own"
            )
        return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)

    def _weights(self, labels: Any, weight: Any, dtype: Any) -> Any:
        """Without the samples that have no positive."""
        weight = np.ones(labels.shape, dtype) if weight is None else weight
        return np.where(np.bincount(labels)[labels] > 1, weight, 0) if len(labels) else weight

    def _counted(self, labels: Any, weight: Any, n: int) -> float:
        return float(self._weights(labels, weight, np.float64).sum(dtype=np.longdouble))

    def _pass(self, batch: Batch) -> float:
        (z,), labels = batch.inputs, batch.labels
        if not len(z):
            return 0.0
        weight = self._weights(labels, batch.weight, z.dtype)
        total, gradient = self._contrast(
            z, labels, weight, batch.by, batch.values, batch.gradients is not None, batch.n_threads
        )
        if batch.gradients is not None:
            batch.gradients[0][...] = gradient
        return total
