# Generated from the registry of losses by tools/make_stubs.py: run `make stubs` after a change.

from typing import Any

from numpy.typing import ArrayLike

from fastloss._version import __version__ as __version__
from fastloss.accumulator import Accumulator as Accumulator
from fastloss.combination import WeightedSum as WeightedSum
from fastloss.loss import Loss as Loss
from fastloss.loss import Reduction as _Reduction
from fastloss.losses.binary import BinaryCrossEntropy as BinaryCrossEntropy
from fastloss.losses.binary import BinaryFocal as BinaryFocal
from fastloss.losses.binary import Hinge as Hinge
from fastloss.losses.binary import SquaredHinge as SquaredHinge
from fastloss.losses.classes import CategoricalCrossEntropy as CategoricalCrossEntropy
from fastloss.losses.classes import SparseCategoricalCrossEntropy as SparseCategoricalCrossEntropy
from fastloss.losses.counts import Gamma as Gamma
from fastloss.losses.counts import Poisson as Poisson
from fastloss.losses.distributions import KLDivergence as KLDivergence
from fastloss.losses.regression import AbsoluteError as AbsoluteError
from fastloss.losses.regression import EpsilonInsensitive as EpsilonInsensitive
from fastloss.losses.regression import Expectile as Expectile
from fastloss.losses.regression import HalfSquaredError as HalfSquaredError
from fastloss.losses.regression import Huber as Huber
from fastloss.losses.regression import LogCosh as LogCosh
from fastloss.losses.regression import PseudoHuber as PseudoHuber
from fastloss.losses.regression import Quantile as Quantile
from fastloss.losses.regression import SmoothL1 as SmoothL1
from fastloss.losses.regression import SquaredEpsilonInsensitive as SquaredEpsilonInsensitive
from fastloss.losses.regression import SquaredError as SquaredError
from fastloss.multitask import DynamicWeightAverage as DynamicWeightAverage
from fastloss.multitask import UncertaintyWeighting as UncertaintyWeighting
from fastloss.penalties import L1 as L1
from fastloss.penalties import L2 as L2
from fastloss.penalties import ElasticNet as ElasticNet
from fastloss.registry import get_loss as get_loss
from fastloss.registry import list_losses as list_losses
from fastloss.settings import get_num_threads as get_num_threads
from fastloss.settings import set_check_finite as set_check_finite
from fastloss.settings import set_num_threads as set_num_threads
from fastloss.settings import show_config as show_config

__all__ = [
    "L1",
    "L2",
    "AbsoluteError",
    "Accumulator",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "CategoricalCrossEntropy",
    "DynamicWeightAverage",
    "ElasticNet",
    "EpsilonInsensitive",
    "Expectile",
    "Gamma",
    "HalfSquaredError",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "Poisson",
    "PseudoHuber",
    "Quantile",
    "SmoothL1",
    "SparseCategoricalCrossEntropy",
    "SquaredEpsilonInsensitive",
    "SquaredError",
    "SquaredHinge",
    "UncertaintyWeighting",
    "WeightedSum",
    "__version__",
    "absolute_error",
    "binary_cross_entropy",
    "binary_focal",
    "categorical_cross_entropy",
    "cross_entropy",
    "epsilon_insensitive",
    "expectile",
    "gamma",
    "get_loss",
    "get_num_threads",
    "half_squared_error",
    "hinge",
    "huber",
    "kl_divergence",
    "list_losses",
    "log_cosh",
    "log_loss",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "pinball",
    "poisson",
    "pseudo_huber",
    "quantile",
    "set_check_finite",
    "set_num_threads",
    "show_config",
    "smooth_l1",
    "sparse_categorical_cross_entropy",
    "squared_epsilon_insensitive",
    "squared_error",
    "squared_hinge",
]

def squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def half_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def huber(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    delta: float = 1.0,
) -> Any: ...
def smooth_l1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    beta: float = 1.0,
) -> Any: ...
def pseudo_huber(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    delta: float = 1.0,
) -> Any: ...
def log_cosh(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def quantile(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    quantile: float = 0.5,
) -> Any: ...
def expectile(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    expectile: float = 0.5,
) -> Any: ...
def epsilon_insensitive(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    epsilon: float = 0.1,
) -> Any: ...
def squared_epsilon_insensitive(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    epsilon: float = 0.1,
) -> Any: ...
def poisson(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    link: str = "log",
    full: bool = False,
) -> Any: ...
def gamma(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def binary_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
) -> Any: ...
def binary_focal(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    gamma: float = 2.0,
    alpha: float | None = None,
    from_logits: bool = False,
) -> Any: ...
def hinge(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def squared_hinge(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def categorical_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def sparse_categorical_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def kl_divergence(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: _Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    from_log_probabilities: bool = False,
) -> Any: ...

cross_entropy = sparse_categorical_cross_entropy
log_loss = binary_cross_entropy
mae = absolute_error
mean_absolute_error = absolute_error
mean_squared_error = squared_error
mse = squared_error
pinball = quantile
