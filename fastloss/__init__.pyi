# Generated from the registry of losses by tools/make_stubs.py: run `make stubs` after a change.

from typing import Any

from numpy.typing import ArrayLike

from fastloss._version import __version__ as __version__
from fastloss.accumulator import Accumulator as Accumulator
from fastloss.advisor import recommend as recommend
from fastloss.combination import WeightedSum as WeightedSum
from fastloss.embeddings import EmbeddingLoss as EmbeddingLoss
from fastloss.loss import Loss as Loss
from fastloss.loss import Reduction
from fastloss.losses.adversarial import GANDiscriminator as GANDiscriminator
from fastloss.losses.adversarial import GANGenerator as GANGenerator
from fastloss.losses.binary import AsymmetricFocal as AsymmetricFocal
from fastloss.losses.binary import BinaryCrossEntropy as BinaryCrossEntropy
from fastloss.losses.binary import BinaryFocal as BinaryFocal
from fastloss.losses.binary import Brier as Brier
from fastloss.losses.binary import Exponential as Exponential
from fastloss.losses.binary import Hinge as Hinge
from fastloss.losses.binary import HingeEmbedding as HingeEmbedding
from fastloss.losses.binary import ModifiedHuber as ModifiedHuber
from fastloss.losses.binary import Perceptron as Perceptron
from fastloss.losses.binary import SmoothHinge as SmoothHinge
from fastloss.losses.binary import SoftMargin as SoftMargin
from fastloss.losses.binary import SquaredHinge as SquaredHinge
from fastloss.losses.classes import CategoricalBrier as CategoricalBrier
from fastloss.losses.classes import CategoricalCrossEntropy as CategoricalCrossEntropy
from fastloss.losses.classes import CategoricalFocal as CategoricalFocal
from fastloss.losses.classes import GeneralizedCrossEntropy as GeneralizedCrossEntropy
from fastloss.losses.classes import NegativeLogLikelihood as NegativeLogLikelihood
from fastloss.losses.classes import Poly1 as Poly1
from fastloss.losses.classes import SparseCategoricalCrossEntropy as SparseCategoricalCrossEntropy
from fastloss.losses.contrast import NTXent as NTXent
from fastloss.losses.contrast import SupervisedContrastive as SupervisedContrastive
from fastloss.losses.counts import Gamma as Gamma
from fastloss.losses.counts import InverseGaussian as InverseGaussian
from fastloss.losses.counts import NegativeBinomial as NegativeBinomial
from fastloss.losses.counts import Poisson as Poisson
from fastloss.losses.counts import Tweedie as Tweedie
from fastloss.losses.distributions import JensenShannon as JensenShannon
from fastloss.losses.distributions import KLDivergence as KLDivergence
from fastloss.losses.distributions import ReverseKLDivergence as ReverseKLDivergence
from fastloss.losses.distributions import TotalVariation as TotalVariation
from fastloss.losses.gaussian import GaussianCRPS as GaussianCRPS
from fastloss.losses.gaussian import GaussianNLL as GaussianNLL
from fastloss.losses.margins import CategoricalHinge as CategoricalHinge
from fastloss.losses.margins import MultiLabelMargin as MultiLabelMargin
from fastloss.losses.margins import MultiLabelSoftMargin as MultiLabelSoftMargin
from fastloss.losses.margins import MultiMargin as MultiMargin
from fastloss.losses.overlap import Dice as Dice
from fastloss.losses.overlap import Jaccard as Jaccard
from fastloss.losses.overlap import Tversky as Tversky
from fastloss.losses.pairs import Contrastive as Contrastive
from fastloss.losses.pairs import CosineEmbedding as CosineEmbedding
from fastloss.losses.pairs import CosineSimilarity as CosineSimilarity
from fastloss.losses.pairs import MarginRanking as MarginRanking
from fastloss.losses.pairs import Triplet as Triplet
from fastloss.losses.regression import AbsoluteError as AbsoluteError
from fastloss.losses.regression import EpsilonInsensitive as EpsilonInsensitive
from fastloss.losses.regression import Expectile as Expectile
from fastloss.losses.regression import Fair as Fair
from fastloss.losses.regression import HalfSquaredError as HalfSquaredError
from fastloss.losses.regression import Huber as Huber
from fastloss.losses.regression import Linex as Linex
from fastloss.losses.regression import LogCosh as LogCosh
from fastloss.losses.regression import Lq as Lq
from fastloss.losses.regression import PseudoHuber as PseudoHuber
from fastloss.losses.regression import Quantile as Quantile
from fastloss.losses.regression import SmoothL1 as SmoothL1
from fastloss.losses.regression import SmoothQuantile as SmoothQuantile
from fastloss.losses.regression import SquaredEpsilonInsensitive as SquaredEpsilonInsensitive
from fastloss.losses.regression import SquaredError as SquaredError
from fastloss.losses.regression import Wing as Wing
from fastloss.losses.relative import AbsolutePercentageError as AbsolutePercentageError
from fastloss.losses.relative import SquaredLogError as SquaredLogError
from fastloss.losses.relative import SymmetricAbsolutePercentageError as SymmetricAbsolutePercentageError
from fastloss.losses.robust import AdaptiveRobust as AdaptiveRobust
from fastloss.losses.robust import Arctan as Arctan
from fastloss.losses.robust import Cauchy as Cauchy
from fastloss.losses.robust import GemanMcClure as GemanMcClure
from fastloss.losses.robust import GeneralRobust as GeneralRobust
from fastloss.losses.robust import Tukey as Tukey
from fastloss.losses.robust import Welsch as Welsch
from fastloss.losses.root import RootMeanSquaredError as RootMeanSquaredError
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
from fastloss.wasserstein import Wasserstein1D as Wasserstein1D

__all__ = [
    "L1",
    "L2",
    "AbsoluteError",
    "AbsolutePercentageError",
    "Accumulator",
    "AdaptiveRobust",
    "Arctan",
    "AsymmetricFocal",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "Brier",
    "CategoricalBrier",
    "CategoricalCrossEntropy",
    "CategoricalFocal",
    "CategoricalHinge",
    "Cauchy",
    "Contrastive",
    "CosineEmbedding",
    "CosineSimilarity",
    "Dice",
    "DynamicWeightAverage",
    "ElasticNet",
    "EmbeddingLoss",
    "EpsilonInsensitive",
    "Expectile",
    "Exponential",
    "Fair",
    "GANDiscriminator",
    "GANGenerator",
    "Gamma",
    "GaussianCRPS",
    "GaussianNLL",
    "GemanMcClure",
    "GeneralRobust",
    "GeneralizedCrossEntropy",
    "HalfSquaredError",
    "Hinge",
    "HingeEmbedding",
    "Huber",
    "InverseGaussian",
    "Jaccard",
    "JensenShannon",
    "KLDivergence",
    "Linex",
    "LogCosh",
    "Loss",
    "Lq",
    "MarginRanking",
    "ModifiedHuber",
    "MultiLabelMargin",
    "MultiLabelSoftMargin",
    "MultiMargin",
    "NTXent",
    "NegativeBinomial",
    "NegativeLogLikelihood",
    "Perceptron",
    "Poisson",
    "Poly1",
    "PseudoHuber",
    "Quantile",
    "ReverseKLDivergence",
    "RootMeanSquaredError",
    "SmoothHinge",
    "SmoothL1",
    "SmoothQuantile",
    "SoftMargin",
    "SparseCategoricalCrossEntropy",
    "SquaredEpsilonInsensitive",
    "SquaredError",
    "SquaredHinge",
    "SquaredLogError",
    "SupervisedContrastive",
    "SymmetricAbsolutePercentageError",
    "TotalVariation",
    "Triplet",
    "Tukey",
    "Tversky",
    "Tweedie",
    "UncertaintyWeighting",
    "Wasserstein1D",
    "WeightedSum",
    "Welsch",
    "Wing",
    "__version__",
    "absolute_error",
    "absolute_percentage_error",
    "adaptive_robust",
    "arctan",
    "asymmetric_focal",
    "bce",
    "binary_cross_entropy",
    "binary_focal",
    "brier",
    "categorical_brier",
    "categorical_cross_entropy",
    "categorical_focal",
    "categorical_hinge",
    "cauchy",
    "contrastive",
    "cosine_embedding",
    "cosine_similarity",
    "cross_entropy",
    "dice",
    "epsilon_insensitive",
    "expectile",
    "exponential",
    "fair",
    "gamma",
    "gan_discriminator",
    "gan_generator",
    "gaussian_crps",
    "gaussian_nll",
    "geman_mcclure",
    "general_robust",
    "generalized_cross_entropy",
    "get_loss",
    "get_num_threads",
    "half_squared_error",
    "hinge",
    "hinge_embedding",
    "huber",
    "inverse_gaussian",
    "jaccard",
    "jensen_shannon",
    "kl",
    "kl_divergence",
    "linex",
    "list_losses",
    "log_cosh",
    "log_loss",
    "lq",
    "mae",
    "mape",
    "margin_ranking",
    "mean_absolute_error",
    "mean_squared_error",
    "modified_huber",
    "mse",
    "msle",
    "multi_label_margin",
    "multi_label_soft_margin",
    "multi_margin",
    "negative_binomial",
    "negative_log_likelihood",
    "nll",
    "ntxent",
    "perceptron",
    "pinball",
    "poisson",
    "poly1",
    "pseudo_huber",
    "quantile",
    "recommend",
    "reverse_kl_divergence",
    "rmse",
    "root_mean_squared_error",
    "set_check_finite",
    "set_num_threads",
    "show_config",
    "smape",
    "smooth_hinge",
    "smooth_l1",
    "smooth_quantile",
    "soft_margin",
    "sparse_categorical_cross_entropy",
    "squared_epsilon_insensitive",
    "squared_error",
    "squared_hinge",
    "squared_log_error",
    "supervised_contrastive",
    "symmetric_absolute_percentage_error",
    "total_variation",
    "triplet",
    "tukey",
    "tversky",
    "tweedie",
    "wasserstein_1d",
    "welsch",
    "wing",
]

def squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def half_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def huber(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    delta: float = 1.0,
) -> Any: ...
def smooth_l1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    beta: float = 1.0,
) -> Any: ...
def pseudo_huber(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    delta: float = 1.0,
) -> Any: ...
def log_cosh(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def quantile(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    quantile: float = 0.5,
) -> Any: ...
def expectile(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    expectile: float = 0.5,
) -> Any: ...
def epsilon_insensitive(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    epsilon: float = 0.1,
) -> Any: ...
def squared_epsilon_insensitive(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    epsilon: float = 0.1,
) -> Any: ...
def fair(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 1.0,
) -> Any: ...
def smooth_quantile(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    quantile: float = 0.5,
    width: float = 0.1,
) -> Any: ...
def lq(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    q: float = 1.5,
) -> Any: ...
def linex(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    a: float = 1.0,
    b: float = 1.0,
) -> Any: ...
def wing(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    w: float = 10.0,
    epsilon: float = 2.0,
) -> Any: ...
def gaussian_nll(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    full: bool = False,
) -> Any: ...
def gaussian_crps(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def squared_log_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    zero: str = "inf",
) -> Any: ...
def symmetric_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def cauchy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 1.0,
) -> Any: ...
def geman_mcclure(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 1.0,
) -> Any: ...
def welsch(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 1.0,
) -> Any: ...
def tukey(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 4.685,
) -> Any: ...
def arctan(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    c: float = 1.0,
) -> Any: ...
def general_robust(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    alpha: float = 1.0,
    c: float = 1.0,
) -> Any: ...
def adaptive_robust(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    alpha: float = 1.0,
    c: float = 1.0,
) -> Any: ...
def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def poisson(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    link: str = "log",
    full: bool = False,
) -> Any: ...
def gamma(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def inverse_gaussian(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def tweedie(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    power: float = 1.5,
    link: str = "log",
) -> Any: ...
def negative_binomial(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    theta: float = 1.0,
) -> Any: ...
def binary_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
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
    reduction: Reduction = "mean",
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
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def squared_hinge(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def smooth_hinge(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def modified_huber(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def perceptron(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def hinge_embedding(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 1.0,
) -> Any: ...
def exponential(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def soft_margin(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def asymmetric_focal(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    margin: float = 0.05,
) -> Any: ...
def brier(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
) -> Any: ...
def gan_discriminator(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    kind: str = "non_saturating",
) -> Any: ...
def gan_generator(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    kind: str = "non_saturating",
) -> Any: ...
def categorical_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
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
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def negative_log_likelihood(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any: ...
def categorical_focal(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    gamma: float = 2.0,
    alpha: float | None = None,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def generalized_cross_entropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    q: float = 0.7,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def poly1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    epsilon: float = 1.0,
    from_logits: bool = False,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    z_loss: float = 0.0,
) -> Any: ...
def categorical_brier(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any: ...
def multi_margin(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    p: int = 1,
    margin: float = 1.0,
    class_weight: Any = None,
    ignore_index: int | None = None,
) -> Any: ...
def categorical_hinge(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 1.0,
    class_weight: Any = None,
    ignore_index: int | None = None,
) -> Any: ...
def multi_label_soft_margin(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    weight: Any = None,
) -> Any: ...
def multi_label_margin(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def kl_divergence(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    from_log_probabilities: bool = False,
) -> Any: ...
def reverse_kl_divergence(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    from_log_probabilities: bool = False,
) -> Any: ...
def jensen_shannon(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    from_log_probabilities: bool = False,
) -> Any: ...
def total_variation(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    from_logits: bool = False,
    from_log_probabilities: bool = False,
) -> Any: ...
def ntxent(
    z1: ArrayLike,
    z2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    temperature: float = 0.5,
) -> Any: ...
def supervised_contrastive(
    labels: ArrayLike,
    z: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    temperature: float = 0.1,
) -> Any: ...
def contrastive(
    y_true: ArrayLike,
    h1: ArrayLike,
    h2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 1.0,
) -> Any: ...
def triplet(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
) -> Any: ...
def cosine_embedding(
    y_true: ArrayLike,
    h1: ArrayLike,
    h2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 0.0,
) -> Any: ...
def cosine_similarity(
    h1: ArrayLike,
    h2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
) -> Any: ...
def margin_ranking(
    y_true: ArrayLike,
    x1: ArrayLike,
    x2: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
    n_threads: int | None = None,
    margin: float = 0.0,
) -> Any: ...
def dice(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    n_threads: int | None = None,
    smooth: float = 1.0,
    per_class: bool = False,
) -> float: ...
def jaccard(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    n_threads: int | None = None,
    smooth: float = 1.0,
    per_class: bool = False,
) -> float: ...
def tversky(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    n_threads: int | None = None,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 1.0,
    smooth: float = 1.0,
    per_class: bool = False,
) -> float: ...
def wasserstein_1d(
    u_values: ArrayLike,
    v_values: ArrayLike,
    u_weights: ArrayLike | None = None,
    v_weights: ArrayLike | None = None,
    *,
    n_threads: int | None = None,
    p: float = 1.0,
) -> Any: ...

bce = binary_cross_entropy
cross_entropy = sparse_categorical_cross_entropy
kl = kl_divergence
log_loss = binary_cross_entropy
mae = absolute_error
mape = absolute_percentage_error
mean_absolute_error = absolute_error
mean_squared_error = squared_error
mse = squared_error
msle = squared_log_error
nll = negative_log_likelihood
pinball = quantile
rmse = root_mean_squared_error
smape = symmetric_absolute_percentage_error
