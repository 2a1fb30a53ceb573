"""Predictions that are there already, on the raw scale of any loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import activations
from fastloss.advisor.sample import robust_scale
from fastloss.validation import ElementError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastloss.advisor.target import Target
    from fastloss.loss import Loss

__all__ = ["Baseline", "plain", "read", "unit"]

# A probability is at least this, and a mean this share of the average: their logarithms are then finite.
LEAST_PROBABILITY, LEAST_MEAN = 1e-6, 1e-3
CERTAIN = 4.0  # standard errors of a difference that is no chance


@dataclass(frozen=True)
class Baseline:
    """Predictions by what they are.

    Parameters
    ----------
    value : ndarray
        On the scale of the target: of labels, probabilities.
    scores : ndarray, optional
        Of labels: logits, or logarithms of the probabilities.
    remarks : tuple of str
    """

    value: NDArray[Any]
    scores: NDArray[Any] | None = None
    remarks: tuple[str, ...] = ()

    def raw(self, loss: Loss) -> NDArray[Any]:
        """As the raw scores of a loss."""
        if self.scores is not None and loss.task != "regression":
            return self.scores
        if loss.activation == "exp":
            least = LEAST_MEAN * float(np.mean(np.maximum(self.value, 0.0)))
            result: NDArray[Any] = np.log(np.maximum(self.value, least))
            return result
        return self.value

    def of(self, rows: NDArray[Any]) -> Baseline:
        """Some of the rows."""
        return replace(self, value=self.value[rows], scores=None if self.scores is None else self.scores[rows])


def unit(loss: Loss, target: Target, baseline: Baseline | None) -> float:
    """The size of a raw score that matters: of a loss of residuals their robust scale, of other scores 1."""
    if loss.activation != "identity" or loss.task not in ("regression", "count"):
        return 1.0
    scale = robust_scale(target.y if baseline is None else target.y - baseline.value, target.weight)
    return scale if scale > 0 else robust_scale(target.y, target.weight)


def plain(y_pred: ArrayLike, n: int) -> NDArray[np.float64]:
    """Predictions of n rows as numbers; one column is no matrix.

    Raises
    ------
    ValueError
        For other than n rows, and for predictions that are not finite.
    """
    p = np.asarray(y_pred)
    if p.dtype.kind not in "biuf":
        try:
            p = p.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"y_pred holds {p.dtype}: expected numbers; of a classifier predict_proba") from None
    p = p.astype(np.float64)
    if p.ndim == 2 and p.shape[1] == 1:
        p = p[:, 0]
    if len(p) != n:
        raise ValueError(f"y_pred has {len(p)} rows, y_true has {n}")
    if not np.isfinite(p).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(p))[0])
        raise ElementError("y_pred", at, f"is {p[at]}: drop such rows of both")
    return p


def read(y_pred: ArrayLike, target: Target) -> Baseline:
    """Predictions as they came: values, probabilities or raw scores, which is told by their range.

    Raises
    ------
    ValueError
        As `plain`, for another shape, and for labels in place of probabilities.
    """
    p = plain(y_pred, target.n)
    if target.kind in ("classes", "multilabel", "distributions"):
        return _of_rows(p, target)
    if target.kind == "binary" and p.ndim == 2 and p.shape[1] == 2:
        rows = _of_rows(p, target)
        assert rows.scores is not None
        score = rows.scores[:, 1] - rows.scores[:, 0]
        return Baseline(activations.sigmoid(score), score, rows.remarks)
    if p.ndim != 1:
        raise ValueError(f"y_pred has shape {p.shape}: expected ({target.n},)")
    if target.kind in ("binary", "proportions"):
        return _of_probabilities(p, target)
    if target.kind in ("counts", "positive", "semicontinuous"):
        return _of_means(p)
    return Baseline(p)


def _of_means(p: NDArray[Any]) -> Baseline:
    """Of targets that are not negative."""
    if p.max() <= 0:
        raise ValueError("y_pred has no value above 0, and y_true none below: of a log link pass exp of the raw scores")
    below = int(np.sum(p < 0))
    if not below:
        return Baseline(p)
    said = f"{below} predictions are below 0, and no target is: if they are raw scores of a log link, pass exp of them"
    return Baseline(p, remarks=(said,))


def _of_probabilities(p: NDArray[Any], target: Target) -> Baseline:
    if np.isin(p, (-1.0, 0.0, 1.0)).all():
        raise ValueError("y_pred holds labels: pass probabilities (predict_proba) or raw scores (decision_function)")
    remarks = _reversed(p, target)
    if p.min() >= 0 and p.max() <= 1:
        inside = np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return Baseline(
            p, np.log(inside) - np.log1p(-inside), ("predictions lie in [0, 1]: read as probabilities", *remarks)
        )
    return Baseline(activations.sigmoid(p), p, ("predictions leave [0, 1]: read as raw scores", *remarks))


def _reversed(p: NDArray[Any], target: Target) -> tuple[str, ...]:
    """What there is to say of predictions that are higher for the negative class, by more than chance."""
    if target.kind != "binary" or not target.enough or np.ptp(p) == 0:
        return ()
    one, other = p[target.y > 0], p[target.y == 0]
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    if other.mean() - one.mean() <= CERTAIN * error:
        return ()
    return (
        f"predictions are higher for {target.labels[0]!r} than for {target.labels[1]!r}: is it of the other class?",
    )


def _of_rows(p: NDArray[Any], target: Target) -> Baseline:
    wanted = (target.n, len(target.labels))
    if p.shape != wanted:
        raise ValueError(f"y_pred has shape {p.shape}: expected {wanted}, a column per class, as predict_proba gives")
    if p.min() >= 0 and np.allclose(p.sum(axis=1), 1, atol=1e-3):
        return Baseline(
            p, np.log(np.maximum(p, LEAST_PROBABILITY)), ("rows of predictions sum to 1: read as probabilities",)
        )
    return Baseline(activations.softmax(p), p, ("rows of predictions do not sum to 1: read as raw scores",))
