"""Where else a loss is to be had: the code that asks other libraries for it, with its parameters.

For ``fastloss list`` and ``show``, and for whoever trains with another library on a loss that was chosen here. An entry
stands where the other library computes the same loss, up to a factor or a constant. ``tests/test_peers_*.py`` compare
the values of functions, ``tests/test_adapters.py`` the trees of boosters; ``tests/test_elsewhere.py`` runs the code.
"""

from __future__ import annotations

import inspect
from typing import Any

from fastloss.immutable import literal

__all__ = ["LIBRARIES", "code", "libraries"]

LIBRARIES = ("scikit-learn", "torch", "Keras", "Optax", "XGBoost", "LightGBM", "CatBoost", "SciPy")

# By loss and library. Parameters of the loss stand in braces. "#" says what differs. Booster entries are parameters of
# their estimators.
_CODE: dict[str, dict[str, str]] = {
    "squared_error": {
        "scikit-learn": "HistGradientBoostingRegressor(loss='squared_error')",
        "torch": "torch.nn.MSELoss()",
        "Keras": "keras.losses.MeanSquaredError()",
        "Optax": "optax.squared_error",
        "XGBoost": "objective='reg:squarederror'",
        "LightGBM": "objective='regression'",
        "CatBoost": "loss_function='RMSE'",
    },
    "half_squared_error": {
        "scikit-learn": "SGDRegressor(loss='squared_error')",
        "Optax": "optax.l2_loss",
    },
    "root_mean_squared_error": {
        "scikit-learn": "sklearn.metrics.root_mean_squared_error",
        "Keras": "keras.metrics.RootMeanSquaredError()",
        "CatBoost": "eval_metric='RMSE'",
    },
    "absolute_error": {
        "scikit-learn": "HistGradientBoostingRegressor(loss='absolute_error')",
        "torch": "torch.nn.L1Loss()",
        "Keras": "keras.losses.MeanAbsoluteError()",
        "XGBoost": "objective='reg:absoluteerror'",
        "LightGBM": "objective='regression_l1'",
        "CatBoost": "loss_function='MAE'",
    },
    "huber": {
        "scikit-learn": "SGDRegressor(loss='huber', epsilon={delta})",
        "torch": "torch.nn.HuberLoss(delta={delta})",
        "Keras": "keras.losses.Huber(delta={delta})",
        "Optax": "optax.huber_loss  # delta={delta}",
        "LightGBM": "objective='huber', alpha={delta}",
        "CatBoost": "loss_function='Huber:delta={delta}'",
        "SciPy": "scipy.special.huber  # delta={delta}",
    },
    "smooth_l1": {"torch": "torch.nn.SmoothL1Loss(beta={beta})"},
    "pseudo_huber": {
        "XGBoost": "objective='reg:pseudohubererror', huber_slope={delta}",
        "SciPy": "scipy.special.pseudo_huber  # delta={delta}",
    },
    "log_cosh": {
        "Keras": "keras.losses.LogCosh()",
        "Optax": "optax.log_cosh",
        "CatBoost": "loss_function='LogCosh'",
    },
    "quantile": {
        "scikit-learn": "HistGradientBoostingRegressor(loss='quantile', quantile={quantile})",
        "XGBoost": "objective='reg:quantileerror', quantile_alpha={quantile}",
        "LightGBM": "objective='quantile', alpha={quantile}",
        "CatBoost": "loss_function='Quantile:alpha={quantile}'",
    },
    "expectile": {"CatBoost": "loss_function='Expectile:alpha={expectile}'"},
    "epsilon_insensitive": {"scikit-learn": "LinearSVR(epsilon={epsilon})"},
    "squared_epsilon_insensitive": {
        "scikit-learn": "LinearSVR(loss='squared_epsilon_insensitive', epsilon={epsilon})",
    },
    "fair": {"LightGBM": "objective='fair', fair_c={c}"},
    "lq": {"CatBoost": "loss_function='Lq:q={q}'"},
    "gaussian_nll": {
        "torch": "torch.nn.GaussianNLLLoss()  # of the variance, not the log scale",
        "CatBoost": "loss_function='RMSEWithUncertainty'",
    },
    "squared_log_error": {
        "scikit-learn": "sklearn.metrics.mean_squared_log_error",
        "Keras": "keras.losses.MeanSquaredLogarithmicError()",
        "XGBoost": "objective='reg:squaredlogerror'",
    },
    "absolute_percentage_error": {
        "scikit-learn": "sklearn.metrics.mean_absolute_percentage_error",
        "Keras": "keras.losses.MeanAbsolutePercentageError()  # in per cent",
        "LightGBM": "objective='mape'  # divides by at least 1",
        "CatBoost": "loss_function='MAPE'  # divides by at least 1",
    },
    "cauchy": {"SciPy": "scipy.optimize.least_squares  # loss='cauchy', f_scale={c}"},
    "arctan": {"SciPy": "scipy.optimize.least_squares  # loss='arctan', f_scale={c}"},
    "poisson": {
        "scikit-learn": "HistGradientBoostingRegressor(loss='poisson')",
        "torch": "torch.nn.PoissonNLLLoss()",
        "Keras": "keras.losses.Poisson()  # of the mean, not its logarithm",
        "XGBoost": "objective='count:poisson'",
        "LightGBM": "objective='poisson'",
        "CatBoost": "loss_function='Poisson'",
    },
    "gamma": {
        "scikit-learn": "HistGradientBoostingRegressor(loss='gamma')",
        "XGBoost": "objective='reg:gamma'",
        "LightGBM": "objective='gamma'",
    },
    "inverse_gaussian": {"scikit-learn": "TweedieRegressor(power=3, link='log')"},
    "tweedie": {
        "scikit-learn": "TweedieRegressor(power={power}, link='log')",
        "XGBoost": "objective='reg:tweedie', tweedie_variance_power={power}",
        "LightGBM": "objective='tweedie', tweedie_variance_power={power}",
        "CatBoost": "loss_function='Tweedie:variance_power={power}'",
    },
    "binary_cross_entropy": {
        "scikit-learn": "LogisticRegression()",
        "torch": "torch.nn.BCEWithLogitsLoss()  # of raw scores; of probabilities torch.nn.BCELoss()",
        "Keras": "keras.losses.BinaryCrossentropy(from_logits={from_logits})",
        "Optax": "optax.sigmoid_binary_cross_entropy",
        "XGBoost": "objective='binary:logistic'",
        "LightGBM": "objective='binary'",
        "CatBoost": "loss_function='Logloss'",
    },
    "binary_focal": {
        "Keras": "keras.losses.BinaryFocalCrossentropy(gamma={gamma}, from_logits={from_logits})",
        "Optax": "optax.sigmoid_focal_loss  # gamma={gamma}",
        "CatBoost": "loss_function='Focal:focal_alpha=0.5;focal_gamma={gamma}'",
    },
    "hinge": {
        "scikit-learn": "LinearSVC(loss='hinge')",
        "Keras": "keras.losses.Hinge()",
        "Optax": "optax.hinge_loss",
        "XGBoost": "objective='binary:hinge'",
    },
    "squared_hinge": {"scikit-learn": "LinearSVC()", "Keras": "keras.losses.SquaredHinge()"},
    "modified_huber": {"scikit-learn": "SGDClassifier(loss='modified_huber')"},
    "perceptron": {"scikit-learn": "SGDClassifier(loss='perceptron')", "Optax": "optax.losses.perceptron_loss"},
    "hinge_embedding": {"torch": "torch.nn.HingeEmbeddingLoss(margin={margin})"},
    "exponential": {"scikit-learn": "GradientBoostingClassifier(loss='exponential')"},
    "soft_margin": {"torch": "torch.nn.SoftMarginLoss()"},
    "brier": {"scikit-learn": "sklearn.metrics.brier_score_loss"},
    "categorical_cross_entropy": {
        "torch": "torch.nn.CrossEntropyLoss(label_smoothing={label_smoothing})",
        "Keras": "keras.losses.CategoricalCrossentropy(from_logits={from_logits}, label_smoothing={label_smoothing})",
        "Optax": "optax.softmax_cross_entropy",
    },
    "sparse_categorical_cross_entropy": {
        "scikit-learn": "LogisticRegression()",
        "torch": "torch.nn.CrossEntropyLoss(label_smoothing={label_smoothing})",
        "Keras": "keras.losses.SparseCategoricalCrossentropy(from_logits={from_logits})",
        "Optax": "optax.softmax_cross_entropy_with_integer_labels",
        "XGBoost": "objective='multi:softprob'",
        "LightGBM": "objective='multiclass'",
        "CatBoost": "loss_function='MultiClass'",
    },
    "negative_log_likelihood": {"torch": "torch.nn.NLLLoss()"},
    "categorical_focal": {
        "Keras": "keras.losses.CategoricalFocalCrossentropy(gamma={gamma}, from_logits={from_logits})"
    },
    "generalized_cross_entropy": {"Keras": "keras.losses.CategoricalGeneralizedCrossEntropy(q={q})"},
    "poly1": {"Optax": "optax.losses.poly_loss_cross_entropy  # epsilon={epsilon}"},
    "multi_margin": {"torch": "torch.nn.MultiMarginLoss(p={p}, margin={margin})"},
    "categorical_hinge": {"Keras": "keras.losses.CategoricalHinge()", "scikit-learn": "sklearn.metrics.hinge_loss"},
    "categorical_brier": {"scikit-learn": "sklearn.metrics.brier_score_loss"},
    "multi_label_soft_margin": {"torch": "torch.nn.MultiLabelSoftMarginLoss()"},
    "multi_label_margin": {"torch": "torch.nn.MultiLabelMarginLoss()"},
    "kl_divergence": {
        "torch": "torch.nn.KLDivLoss(reduction='batchmean')",
        "Keras": "keras.losses.KLDivergence()",
        "Optax": "optax.kl_divergence",
        "SciPy": "scipy.special.rel_entr",
    },
    "jensen_shannon": {"SciPy": "scipy.spatial.distance.jensenshannon  # its square root"},
    "triplet": {"torch": "torch.nn.TripletMarginLoss(margin={margin}, p={p}, swap={swap})"},
    "cosine_embedding": {"torch": "torch.nn.CosineEmbeddingLoss(margin={margin})"},
    "cosine_similarity": {"Keras": "keras.losses.CosineSimilarity()", "Optax": "optax.cosine_distance"},
    "margin_ranking": {"torch": "torch.nn.MarginRankingLoss(margin={margin})"},
    "ntxent": {"Optax": "optax.losses.ntxent  # of labels"},
    "dice": {"Keras": "keras.losses.Dice()", "Optax": "optax.losses.dice_loss"},
    "tversky": {"Keras": "keras.losses.Tversky(alpha={beta}, beta={alpha})  # alpha is on false negatives"},
    "wasserstein_1d": {"SciPy": "scipy.stats.wasserstein_distance"},
}


def libraries(name: str) -> tuple[str, ...]:
    """The libraries that have a loss, in the order of `LIBRARIES`.

    Examples
    --------
    >>> libraries("fair")
    ('LightGBM',)
    """
    return tuple(library for library in LIBRARIES if library in _CODE.get(name, {}))


def code(loss: Any) -> dict[str, str]:
    """What asks each library for a loss with these parameters, or, with a remark, for the nearest that it has.

    Parameters
    ----------
    loss : loss object
        Of any task.

    Examples
    --------
    >>> import fastloss as fl
    >>> code(fl.Huber(delta=1.5))["torch"]
    'torch.nn.HuberLoss(delta=1.5)'
    """
    defaults = {name: parameter.default for name, parameter in inspect.signature(type(loss)).parameters.items()}
    lines = {}
    for library in libraries(loss.name):
        line = _CODE[loss.name][library]
        lost = [name for name, value in loss.params.items() if f"{{{name}}}" not in line and value != defaults[name]]
        lost = [name for name in lost if name != "from_logits"]  # what the predictions are, not what is made of them
        remark = f"  # without {', '.join(lost)}" if lost else ""
        params = {key: literal(value) if isinstance(value, float) else value for key, value in loss.params.items()}
        lines[library] = line.format(**params) + remark
    return lines
