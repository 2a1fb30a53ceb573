"""Which loss for these data: `recommend`.

A target (`target`) and the predictions that there are (`baseline`) suggest some losses (`candidates`); `sample` has the
statistics. What a metric (`metric`) would be after training on each is derived (`expectation`) or measured (`trial`),
by linear fits (`fit`). `answer` puts this in order, `reasons` adds what goes with a loss, `report` and `page` show it,
and `command` is ``fastloss recommend``. `words` are those of each interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from fastloss.advisor.report import Report
    from fastloss.loss import Loss

__all__ = ["recommend"]


def recommend(
    y_true: ArrayLike,
    y_pred: ArrayLike | None = None,
    *,
    X: ArrayLike | None = None,
    task: str | None = None,
    metric: str | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    verify: bool | None = None,
    models: Sequence[str] | None = None,
    cv: int | None = None,
    time_budget: float | None = None,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Report:
    """Which loss to train with, why, and what goes with it; measured, if there are features.

    Without training, candidates are ranked by the metric that is expected of them: how far the predictions of a model
    trained on a loss lie from what the metric wants, and what the noise of estimating costs (the sandwich variance of
    M-estimates), both from these data. With `X` the candidates are cross-validated. Those that this cannot tell from
    its best keep the order of expectation.

    Parameters
    ----------
    y_true : array_like of shape (n_samples,), or (n_samples, n_classes)
        Targets: numbers, labels of any kind, or rows that are one-hot, masks of labels or distributions.
    y_pred : array_like, optional
        Predictions of any model for these rows, from rows that it has not been trained on. On the scale of the target;
        of labels probabilities or raw scores, a column per class for more than two.
    X : array_like of shape (n_samples, n_features), optional
        Features: numbers without gaps.
    task : str, optional
        "regression", "count", "binary", "multiclass", "multilabel" or "distribution", where the targets could mean
        several.
    metric : str or Loss, optional
        What is to be good on new data: a loss, also as on the command line (``"quantile:quantile=0.9"``), or
        "accuracy", "balanced_accuracy", "f1", "roc_auc", "average_precision", "r2". By default the usual loss of the
        kind of target.
    sample_weight : array_like of shape (n_samples,), optional
        Weights of the rows, finite and not negative: in what models are trained on, in the metric, in all statistics of
        the target and the residuals, and in the noise of estimates.
    verify : bool, optional
        Whether to cross-validate: by default if there is an `X`.
    models : sequence of str, optional
        What is trained for that: "linear" models, and, of 200 rows or more, scikit-learn's gradient boosting ("trees")
        or that of "lightgbm", through the adapters. The first decides the ranking. By default "linear" and "trees".
    cv : int, optional
        Folds, drawn twice; 5 by default.
    time_budget : float, optional
        Seconds after which no more splits are begun.
    random_state : int, default=0
        The same answer for the same seed.
    n_threads : int, optional

    Returns
    -------
    Report
        With ``best``, ``ranking``, ``reasons``, ``rejected``, ``to_dict()`` and ``to_html(path)``; its repr is text.

    Raises
    ------
    ValueError
        For data that tell nothing, or are of no one kind; for `models`, `cv` or `time_budget` without an `X`.
    ImportError
        Without scikit-learn and SciPy, and without LightGBM where it is among the `models`.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> rng = np.random.default_rng(1)
    >>> prediction = rng.normal(size=500)
    >>> target = prediction + rng.laplace(size=500)
    >>> report = fl.recommend(target, prediction, metric="absolute_error")
    >>> report.best, report.ranking[-1].loss
    (AbsoluteError(), SquaredError())
    """
    from fastloss.advisor.answer import recommend as answer

    return answer(
        y_true,
        y_pred,
        X=X,
        task=task,
        metric=metric,
        sample_weight=sample_weight,
        verify=verify,
        models=models,
        cv=cv,
        time_budget=time_budget,
        random_state=random_state,
        n_threads=n_threads,
    )
