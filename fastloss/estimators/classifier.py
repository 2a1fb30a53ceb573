"""Linear classification with any loss of classes, and one-vs-rest with any loss of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets

from fastloss import activations
from fastloss.estimators.base import LossModel, trains_in_pieces
from fastloss.estimators.documentation import documented
from fastloss.estimators.losses import TASKS, to_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from fastloss.linear.problem import LinearProblem
    from fastloss.loss import Loss
    from fastloss.penalties import Penalty


def _has_probabilities(model: LossClassifier) -> bool:
    loss = model._loss()
    if to_probabilities(loss) is None:
        raise AttributeError(f"predict_proba is not available: scores of {loss.name} are no probabilities")
    return True


def _knows_the_sum(loss: Loss) -> bool:
    """Whether a loss changes where all classes' scores rise by the same: but for z_loss, none over classes does."""
    return not loss.has_rows or any(part.params.get("z_loss") for _, part in loss._terms())


@documented
class LossClassifier(ClassifierMixin, LossModel):
    """Linear classification with any loss of the catalogue.

    Parameters
    ----------
    loss : str or Loss, default="log_loss"
        A name of ``fastloss.list_losses("binary")`` or ``("multiclass")``, or a loss of raw scores, or a sum of such. A
        loss of two classes is fitted one-vs-rest to more; one over classes, such as "cross_entropy", is fitted to all
        at once. A name means the loss of raw scores, ``from_logits=True``.
    %(parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes. In the dtype of X, float32 or float64.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Of a loss over classes with a mean of 0, for it sees differences only.
    %(attributes)s

    Notes
    -----
    %(solvers)s

    - ``LogisticRegression(C=C)``: "log_loss", or of more classes "cross_entropy", penalty "l2", alpha = 1 / (C n)
    - ``LinearSVC(C=C, fit_intercept=False)``: "squared_hinge", penalty "l2", alpha = 1 / (C n)

    `predict_proba` is there where the loss's scores mean probabilities: its activation is a sigmoid or a softmax, or
    it is "modified_huber". They estimate shares of the classes with "log_loss", "cross_entropy", "soft_margin" and
    "brier", for three or more classes best with "cross_entropy", as one-vs-rest only divides by a sum. Focal and robust
    losses, `pos_weight`, label smoothing and class weights shift them: mend that with
    `sklearn.calibration.CalibratedClassifierCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastloss.estimators import LossClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = LossClassifier("squared_hinge").fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]])
    array(['no', 'yes'], dtype='<U3')
    >>> LossClassifier("cross_entropy", alpha=0.1).fit(X, [0, 1, 1, 2]).predict_proba([[1.5]]).round(2)
    array([[0.17, 0.67, 0.17]])
    """

    _tasks = TASKS["LossClassifier"]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LossModel._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        loss: str | Loss = "log_loss",
        *,
        penalty: str | Penalty | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        learning_rate: str = "constant",
        eta0: float | None = None,
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterov: bool = True,
        batch_size: int = 256,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(
            loss,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
            fit_intercept=fit_intercept,
            solver=solver,
            tol=tol,
            max_iter=max_iter,
            learning_rate=learning_rate,
            eta0=eta0,
            power_t=power_t,
            momentum=momentum,
            nesterov=nesterov,
            batch_size=batch_size,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
            n_threads=n_threads,
        )
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LossClassifier:
        """Fit the model.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
            float32 and float64, C and F order and CSR are read where they lie (in F order not by
            the stochastic solvers).
        y : array-like of shape (n_samples,)
            Labels: numbers or strings.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative; 0 leaves a sample out. Class weights multiply them.

        Returns
        -------
        self : LossClassifier
        """
        X, y = self._checked(X, y=y, reset=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        self._check_classes("y", classes)
        self.classes_ = classes
        self._fit(self._problem(X, labels, sample_weight), labels)
        return self

    @available_if(trains_in_pieces)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> LossClassifier:
        """Go on with one epoch over these samples: for data that come in pieces.

        Only of the stochastic solvers; there is no early stopping and no warning.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array-like of shape (n_classes,)
            All labels that will ever come: needed in the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' is not supported for partial_fit: pass a dict of class weights")
        X, y = self._checked(X, y=y, reset=not hasattr(self, "coef_"))
        check_classification_targets(y)
        if classes is not None:
            self._check_classes("classes", np.unique(classes))
        _check_partial_fit_first_call(self, classes)
        labels = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[labels] != y
        if unknown.any():
            at = int(unknown.argmax())
            raise ValueError(f"y[{at}] is {np.asarray(y).tolist()[at]!r}: expected one of {self.classes_.tolist()}")
        self._partial_fit(self._problem(X, labels, sample_weight))
        return self

    def _check_classes(self, name: str, classes: NDArray[Any]) -> None:
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes: {name} has one class only, "
                f"{classes.tolist()[0]!r}"
            )

    def _problem(self, X: Any, labels: NDArray[Any], sample_weight: Any) -> list[LinearProblem]:
        """One problem of a loss over classes, or of two classes; else one-vs-rest."""
        loss, n_classes = self._loss(), len(self.classes_)
        weight = self._checked_weight(sample_weight, X)
        if self.class_weight is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                factors = compute_class_weight(
                    self.class_weight, classes=self.classes_, y=self.classes_[labels], sample_weight=weight
                )
            if self.class_weight == "balanced":
                factors[~np.isfinite(factors)] = 0  # of a class whose samples all have weight 0
            for label, factor in zip(self.classes_.tolist(), factors.tolist(), strict=True):
                if not 0 <= factor < np.inf:
                    raise ValueError(f"class_weight of {label!r} is {factor:g}: expected a number of at least 0")
            weight = factors.astype(X.dtype)[labels] * (1 if weight is None else weight)
        if not loss.has_rows:
            kinds = range(1, 2) if n_classes == 2 else range(n_classes)
            targets = [(labels == k).astype(X.dtype) for k in kinds]
        else:
            targets = [labels if loss.takes_labels else np.eye(n_classes, dtype=X.dtype)[labels]]
        return self._problems(X, targets, loss, n_classes if loss.has_rows else 1, weight)

    # Of two classes, a loss over classes has two columns; coef_ is their difference, which is what decides.

    def _thetas(self) -> list[NDArray[Any]]:
        theta = self._stacked()
        if not self._loss().has_rows:
            return list(theta.T)
        return [theta * [-0.5, 0.5] if theta.shape[1] == 1 else theta]

    def _keep(self, thetas: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        theta = np.column_stack(thetas)
        if theta.shape[1] == 2:
            theta = theta[:, 1:] - theta[:, :1]
        elif len(thetas) == 1 and self.fit_intercept and not _knows_the_sum(self._loss()):
            theta[-1] -= theta[-1].mean()
        w = theta.astype(dtype)
        self.coef_ = np.ascontiguousarray(w[: self.n_features_in_].T)
        self.intercept_ = w[-1].copy() if self.fit_intercept else np.zeros(w.shape[1], dtype)

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Scores: of two classes that of the second, of more a column each.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        scores = self._scores(X)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the highest score.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        labels: NDArray[Any] = self.classes_[
            (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        ]
        return labels

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Probabilities: scores through the loss's activation; of one-vs-rest, divided by their sum.

        Only of losses whose scores mean probabilities.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores, loss = self.decision_function(X), self._loss()
        probabilities = to_probabilities(loss)
        assert probabilities is not None
        if scores.ndim == 1:
            both = np.stack([-scores, scores], axis=1)
            return activations.sigmoid(both) if loss.has_rows else probabilities(both)
        p: NDArray[Any] = probabilities(scores)
        if not loss.has_rows:
            total = p.sum(axis=1, keepdims=True)
            p = np.where(total > 0, p, 1) / np.where(total > 0, total, p.shape[1])
        return p

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms
