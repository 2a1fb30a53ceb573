"""Losses as objectives and metrics of XGBoost, native and scikit-learn API.

>>> import fastloss as fl, numpy as np, xgboost as xgb
>>> from fastloss.adapters.xgboost import metric, objective
>>> X = np.arange(100.0)[:, None]
>>> data = xgb.DMatrix(X, label=np.sqrt(X[:, 0]))
>>> huber = objective(fl.Huber(delta=1.0))
>>> params = {"base_score": huber.base_score(data.get_label()), "disable_default_eval_metric": True}
>>> log = {}
>>> model = xgb.train(
...     params, data, 30, obj=huber, custom_metric=metric(fl.AbsoluteError()), evals=[(data, "train")],
...     evals_result=log, verbose_eval=False)
>>> log["train"]["absolute_error"][-1] < 0.2
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastloss import activations
from fastloss.adapters import boosting
from fastloss.adapters.boosting import Native
from fastloss.adapters.host import require
from fastloss.loss import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_xgboost = require("xgboost", "xgboost-cpu", "3.2")

# On what scale XGBoost reads base_score, by the objective named in the parameters; elsewhere it is a raw score.
_READ_THROUGH = {
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
}


class XGBoostObjective(boosting.Objective):
    """A loss as XGBoost's ``obj=`` (native) or ``objective=`` (scikit-learn API); made by `objective`."""

    host = "XGBoost"
    natives: ClassVar[Mapping[str, Native]] = {
        "half_squared_error": Native(),  # reg:squarederror
        "pseudo_huber": Native(below="3.5"),  # reg:pseudohubererror; a majorizer from there on
        "binary_cross_entropy": Native(),  # binary:logistic
        "poisson": Native(factor=lambda _: math.exp(0.7), below="3.5"),  # count:poisson; its max_delta_step
        "gamma": Native(),  # reg:gamma
        "tweedie": Native(),  # reg:tweedie
        "sparse_categorical_cross_entropy": Native(factor=lambda _: 2.0),  # multi:softprob
    }

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient and curvature: of (y_true, y_pred, sample_weight), or of XGBoost's (scores, DMatrix)."""
        y, raw, w = boosting.arguments(y_true, y_pred, sample_weight, _xgboost.DMatrix)
        out = np.empty_like(raw, order="C"), np.empty_like(raw, order="C")
        self.derivatives_of_all(y, raw, w, out)
        return out

    def base_score(
        self, y_true: ArrayLike, sample_weight: ArrayLike | None = None, objective: str = "reg:squarederror"
    ) -> float | list[float]:
        """The parameter ``base_score`` with which boosting starts at the loss's best constant.

        Without it XGBoost starts a custom objective at a raw score of 0.5.

        Parameters
        ----------
        y_true : array_like of shape (n_samples,)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Weights.
        objective : str
            The ``objective`` that stands in the parameters beside the custom one, for it decides how XGBoost reads
            the number: a probability for "binary:logistic", which is what `XGBClassifier` trains with.

        Returns
        -------
        float, or list of float
            One for each class.
        """
        start = self.start(y_true, sample_weight)
        if objective in _READ_THROUGH:
            if np.ndim(start):
                raise ValueError(
                    f"objective={objective!r} is of one score and {self.loss!r} of {len(start)}: leave it out, or name "
                    "one of several scores, such as 'multi:softprob'"
                )
            return float(activations.FUNCTIONS[_READ_THROUGH[objective]](start))
        return [float(x) for x in start] if np.ndim(start) else float(start)


class XGBoostMetric(boosting.Metric):
    """A loss as XGBoost's ``custom_metric=`` (native) or ``eval_metric=`` (scikit-learn API); made by `metric`."""

    host = "XGBoost"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of (y_true, y_pred, sample_weight); of XGBoost's (scores, DMatrix) its name and the loss."""
        value = self.value(*boosting.arguments(y_true, y_pred, sample_weight, _xgboost.DMatrix))
        return (self.__name__, value) if isinstance(y_pred, _xgboost.DMatrix) else value


def objective(loss: Loss | str, *, hessian: str = "auto", n_threads: int | None = 1) -> XGBoostObjective:
    """A loss as an objective of XGBoost: of ``xgb.train(..., obj=)`` and of ``XGBRegressor(objective=)`` alike.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores; over classes with ``num_class`` in the parameters.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature; `fastloss.adapters.boosting.Objective` says what is what. "native" is that of XGBoost's own
        objective: the exact one, but e^0.7 times it for Poisson (set ``max_delta_step=0.7`` in the parameters, as
        "count:poisson" does) and 2 times it for softmax. From XGBoost 3.5 on those of Poisson and pseudo-Huber are
        others, and "native" is refused for them.
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have.

    Returns
    -------
    XGBoostObjective
        Callable, with `base_score` for the start, which XGBoost does not estimate for a custom objective, and
        `predict` from raw scores to the scale of the target.

    Notes
    -----
    Weights are applied. A model predicts raw scores, unless the parameters name an objective with a link beside the
    custom one, as `XGBClassifier` does.

    References
    ----------
    .. [1] T. Chen, C. Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.
       https://doi.org/10.1145/2939672.2939785

    Examples
    --------
    >>> import fastloss as fl
    >>> objective(fl.Quantile(0.9))
    XGBoostObjective(loss=Quantile(quantile=0.9), hessian='auto', n_threads=1)
    >>> gradient, curvature = objective("huber")([1.0, 2.0], [1.5, 4.0])
    >>> gradient, curvature
    (array([0.5, 1. ]), array([1. , 0.5]))
    """
    return XGBoostObjective(loss, hessian, n_threads)


def metric(loss: Loss | str, *, activation: str | None = None, n_threads: int | None = 1) -> XGBoostMetric:
    """A loss as a metric of XGBoost: ``custom_metric=`` of ``xgb.train``, ``eval_metric=`` of the scikit-learn API.

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
    >>> import fastloss as fl
    >>> metric(fl.Brier()).activation, metric(fl.AbsoluteError(), activation="exp").activation
    ('sigmoid', 'exp')
    """
    return XGBoostMetric(loss, activation, n_threads)
