"""Losses as objectives and metrics of LightGBM, native and scikit-learn API.

>>> import fastloss as fl, lightgbm as lgb, numpy as np
>>> from fastloss.adapters.lightgbm import metric, objective
>>> X = np.arange(200.0)[:, None]
>>> y = np.sqrt(X[:, 0])
>>> huber = objective(fl.Huber(delta=1.0))
>>> data = lgb.Dataset(X, y, init_score=huber.init_score(y))
>>> model = lgb.train({"objective": huber, "verbose": -1}, data, 50, feval=metric(fl.AbsoluteError()))
>>> bool(fl.absolute_error(y, huber.start(y) + model.predict(X)) < 0.2)
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastloss.adapters import boosting
from fastloss.adapters.boosting import Native
from fastloss.adapters.host import require
from fastloss.loss import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_lightgbm = require("lightgbm", "lightgbm", "4.6")


class LightGBMObjective(boosting.Objective):
    """A loss as LightGBM's ``objective``, in the parameters or of the scikit-learn API; made by `objective`."""

    host = "LightGBM"
    target_rows = False
    natives: ClassVar[Mapping[str, Native]] = {
        "half_squared_error": Native(),  # regression
        "huber": Native("unit"),  # huber
        "fair": Native(),  # fair
        "binary_cross_entropy": Native(),  # binary
        "poisson": Native(factor=lambda _: math.exp(0.7)),  # poisson; its poisson_max_delta_step
        "gamma": Native(),  # gamma
        "tweedie": Native(),  # tweedie
        "sparse_categorical_cross_entropy": Native(factor=lambda outputs: outputs / (outputs - 1)),  # multiclass
    }

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient and curvature: of (y_true, y_pred, weight), or of LightGBM's (scores, Dataset)."""
        y, raw, w = boosting.arguments(y_true, y_pred, weight, _lightgbm.Dataset)
        # What LightGBM would make of anything else: float32, one class after the other.
        out = np.empty(raw.shape, np.float32, "F"), np.empty(raw.shape, np.float32, "F")
        self.derivatives_of_all(y, raw, w, out)
        return out

    def init_score(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
        """The ``init_score`` of a data set with which boosting starts at the loss's best constant.

        LightGBM starts custom objectives at 0. It keeps an init_score with the data, not in the model: add `start`,
        the same constant, to what the model predicts, and give validation data the init_score of the training data's
        constant.

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


class LightGBMMetric(boosting.Metric):
    """A loss as LightGBM's ``feval`` (native) or ``eval_metric`` (scikit-learn API); made by `metric`."""

    host = "LightGBM"

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[str, float, bool]:
        """Name, loss, and that less is better: of (y_true, y_pred, weight), or of LightGBM's (scores, Dataset)."""
        return self.__name__, self.value(*boosting.arguments(y_true, y_pred, weight, _lightgbm.Dataset)), False


def objective(loss: Loss | str, *, hessian: str = "auto", n_threads: int | None = 1) -> LightGBMObjective:
    """A loss as an objective of LightGBM: of ``lgb.train({"objective": ...})`` and ``LGBMRegressor(objective=)`` alike.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores; over classes with ``num_class`` in the parameters.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature; `fastloss.adapters.boosting.Objective` says what is what. "native" is that of LightGBM's own
        objective: the exact one, but 1 for Huber, e^0.7 times it for Poisson and K/(K - 1) times it for softmax over K
        classes. LightGBM's absolute and quantile objectives renew their leaves, which no custom objective can.
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have.

    Returns
    -------
    LightGBMObjective
        Callable, with `init_score` and `start` for the start, which LightGBM does not estimate for a custom objective,
        and `predict` from raw scores to the scale of the target.

    Notes
    -----
    Weights are applied. A model predicts raw scores less the start. ``min_sum_hessian_in_leaf`` is on the scale of
    the curvature.

    References
    ----------
    .. [1] G. Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NIPS 2017.
       https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-decision-tree

    Examples
    --------
    >>> import fastloss as fl
    >>> objective(fl.BinaryFocal(gamma=2.0, from_logits=True)).hessian
    'auto'
    >>> gradient, curvature = objective("huber")([1.0, 2.0], [1.5, 4.0], [1.0, 2.0])
    >>> gradient, curvature
    (array([0.5, 2. ], dtype=float32), array([1., 1.], dtype=float32))
    """
    return LightGBMObjective(loss, hessian, n_threads)


def metric(loss: Loss | str, *, activation: str | None = None, n_threads: int | None = 1) -> LightGBMMetric:
    """A loss as a metric of LightGBM: ``feval=`` of ``lgb.train``, ``eval_metric=`` of the scikit-learn API.

    Beside a custom objective metrics see raw scores, which go through `activation`. Beside a built-in one they see what
    the model predicts: pass ``activation="identity"`` then, with a loss of predictions, such as
    ``BinaryCrossEntropy()`` or ``Poisson(link="identity")``.

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
    >>> metric(fl.Brier())([1, 0], [0.0, 0.0])
    ('brier', 0.25, False)
    """
    return LightGBMMetric(loss, activation, n_threads)
