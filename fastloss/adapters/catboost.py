"""Losses as objectives and metrics of CatBoost.

>>> import catboost, fastloss as fl, numpy as np
>>> from fastloss.adapters.catboost import metric, objective
>>> X = np.arange(100.0)[:, None]
>>> y = np.sqrt(X[:, 0])
>>> huber = objective(fl.Huber(delta=1.0))
>>> pool = catboost.Pool(X, y, baseline=huber.baseline(y))
>>> model = catboost.CatBoostRegressor(
...     iterations=50, learning_rate=0.3, loss_function=huber, eval_metric=metric(fl.AbsoluteError()), silent=True,
...     allow_writing_files=False)
>>> _ = model.fit(pool)
>>> model.set_scale_and_bias(1, huber.start(y))
>>> bool(fl.absolute_error(y, model.predict(X)) < 0.5)
True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastloss.adapters import boosting
from fastloss.adapters.boosting import Native
from fastloss.adapters.host import require
from fastloss.loss import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_catboost = require("catboost", "catboost", "1.2.10")


class CatBoostObjective(boosting.Objective):
    """A loss as CatBoost's ``loss_function``; `objective` makes one of its two kinds."""

    host = "CatBoost"
    target_rows = outputs = False
    natives: ClassVar[Mapping[str, Native]] = {
        "half_squared_error": Native(),  # RMSE
        "quantile": Native("unit"),  # Quantile
        "expectile": Native(),  # Expectile
        "huber": Native(),  # Huber
        "log_cosh": Native(),  # LogCosh
        "binary_cross_entropy": Native(),  # Logloss
        "poisson": Native(),  # Poisson
        "tweedie": Native(),  # Tweedie
        "sparse_categorical_cross_entropy": Native(),  # MultiClass
    }
    no_jit = True  # there is no Python for CatBoost's numba to compile

    def baseline(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
        """The ``baseline`` of a pool with which boosting starts at the loss's best constant.

        CatBoost starts custom objectives at 0. It keeps a baseline with the data, not in the model: after the fit
        ``model.set_scale_and_bias(1, objective.start(y))`` puts it there.

        Parameters
        ----------
        y_true : array_like of shape (n_samples,)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self.start_of_each(y_true, sample_weight)


class CatBoostPointwise(CatBoostObjective):
    """Of one score per sample."""

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> NDArray[np.float64]:
        """Rows of first and second derivative of what CatBoost maximises: minus the loss."""
        y, raw, w = np.asarray(targets), boosting.floats(approxes), None if weights is None else np.asarray(weights)
        out = np.empty((2, len(raw)))
        self.derivatives(y, raw, w, (out[0], out[1]), scale=-1.0)
        return out.T


class CatBoostMulticlass(CatBoostObjective):
    """Of one score per class."""

    def calc_ders_multi(
        self, approxes: Any, target: float, weight: float | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gradient and Hessian, a matrix, of what CatBoost maximises, minus the loss, at one sample."""
        scores = np.ascontiguousarray(approxes, np.float64)[None]
        k = scores.shape[1]
        label, minus = np.array([target]), np.float64(-1 if weight is None else -weight)
        if self._kind == "exact" and self.loss.curvature == "softmax":  # the classes share what they have
            gradient = self.loss.gradient(label, scores, reduction="none")
            hessian = self.loss.hessian_vector_product(
                np.repeat(label, k), np.repeat(scores, k, axis=0), np.eye(k), reduction="none"
            )
        else:
            gradient, diagonal = np.empty((2, 1, k))
            self.derivatives(label, scores, None, (gradient, diagonal))
            hessian = np.diag(diagonal[0])
        return minus * gradient[0], minus * hessian


class CatBoostMetric(boosting.Metric):
    """A loss as CatBoost's ``eval_metric``; made by `metric`."""

    host = "CatBoost"
    no_jit = True

    def __init__(self, loss: Loss | str, activation: str | None = None, n_threads: int | None = 1) -> None:
        super().__init__(loss, activation, n_threads)
        if not self.loss.additive:
            raise ValueError(
                f"{self.loss!r} is no mean over samples, and CatBoost adds up what its parts of the data give"
            )

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:  # CatBoost logs the metric under its name
        return type(self.__name__, (type(self),), {})

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """Sum of w l, and of w."""
        raw = approxes[0] if len(approxes) == 1 else np.stack(approxes, axis=1)
        w = None if weight is None else np.asarray(weight)
        total = self.loss(np.asarray(target), self.scores(raw), w, reduction="sum", n_threads=self.n_threads)
        return total, float(len(target) if w is None else w.sum(dtype=np.float64))

    def get_final_error(self, error: float, weight: float) -> float:
        """The mean."""
        return error / weight if weight else 0.0

    def is_max_optimal(self) -> bool:
        """Less is better."""
        return False


def objective(loss: Loss | str, *, hessian: str = "auto", n_threads: int | None = 1) -> CatBoostObjective:
    """A loss as ``loss_function`` of CatBoost's regressor or classifier.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores; over classes it is one that takes class indices.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature; `fastloss.adapters.boosting.Objective` says what is what. Over classes "exact" is the whole
        matrix of a softmax, all else a diagonal. "native" is that of CatBoost's own objective: the exact one, and for
        quantiles 1, which makes its Newton leaves those of ``leaf_estimation_method="Gradient"``.
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have.

    Returns
    -------
    CatBoostObjective
        With `baseline` and `start` for the start, which CatBoost does not estimate for a custom objective, and
        `predict` from raw scores to the scale of the target.

    Notes
    -----
    Weights are applied. CatBoost asks for a thousand samples at a time, over classes for one at a time; its
    interpreter lock is held meanwhile. Give an ``eval_metric``, such as `metric`: it has none for a custom objective.

    References
    ----------
    .. [1] L. Prokhorenkova, G. Gusev, A. Vorobev, A. V. Dorogush, A. Gulin, "CatBoost: unbiased boosting with
       categorical features", NeurIPS 2018. https://doi.org/10.48550/arXiv.1706.09516

    Examples
    --------
    >>> import fastloss as fl
    >>> objective(fl.Huber(1.0)).calc_ders_range([1.5, 4.0], [1.0, 2.0], None)
    array([[-0.5, -1. ],
           [-1. , -0.5]])
    """
    loss = CatBoostObjective.trainable(loss)
    cls = CatBoostMulticlass if loss.has_rows else CatBoostPointwise
    return cls(loss, hessian, n_threads)


def metric(loss: Loss | str, *, activation: str | None = None, n_threads: int | None = 1) -> CatBoostMetric:
    """A loss as ``eval_metric`` of CatBoost.

    Metrics see raw scores.

    Parameters
    ----------
    loss : Loss or str
        The loss; less is better.
    activation : {"identity", "sigmoid", "softmax", "exp"}, optional
        What scores go through first; by default what the loss asks for.
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have.

    Examples
    --------
    >>> import fastloss as fl, numpy as np
    >>> metric(fl.Brier()).evaluate((np.zeros(2),), np.array([1.0, 0.0]), None)
    (0.5, 2.0)
    """
    return CatBoostMetric(loss, activation, n_threads)
