"""Linear regression with any loss of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.metaestimators import available_if

from fastloss.estimators.base import LossModel, trains_in_pieces
from fastloss.estimators.documentation import documented
from fastloss.estimators.losses import TASKS, check_targets
from fastloss.linear.problem import LinearProblem
from fastloss.linear.scale import HuberWithScale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from fastloss.loss import Loss
    from fastloss.penalties import Penalty


@documented
class LossRegressor(RegressorMixin, LossModel):
    """Linear regression with any loss of the catalogue.

    Parameters
    ----------
    loss : str or Loss, default="squared_error"
        A name of ``fastloss.list_losses("regression")`` or ``("count")``, or a loss, or a sum of losses. Any that
        takes raw scores fits: counts and positive amounts are predicted through exp, `GaussianNLL` and `GaussianCRPS`
        with a standard deviation. Thresholds such as `delta` and `c` are in units of y.
    estimate_scale : bool, default=False
        Of `Huber` with delta > 1: `delta` is in units of a scale of the residuals that is estimated with the
        coefficients, as by scikit-learn's `HuberRegressor`. Not by the stochastic solvers.
    %(parameters)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        In the dtype of X, float32 or float64. Of a loss of a location and a log scale: a row each.
    intercept_ : float, or ndarray of shape (2,)
    scale_ : float
        With `estimate_scale`: the scale.
    %(attributes)s

    Notes
    -----
    %(solvers)s

    - ``Ridge(a)``: "squared_error", penalty "l2", alpha = 2 a / n
    - ``Lasso(a)``: "half_squared_error", penalty "l1", alpha = a
    - ``PoissonRegressor(a)``: "poisson", penalty "l2", alpha = a
    - ``HuberRegressor(epsilon=e, alpha=a)``: ``Huber(delta=e)``, estimate_scale, penalty "l2", alpha = a / n

    The loss, and with it `alpha`, `tol` and `eta0`, is in units of y too: standardise y, as
    `sklearn.compose.TransformedTargetRegressor` does, or choose `delta` or `c` for it. A loss of residuals that is not
    convex ("tukey", "welsch", "cauchy", ...) is fitted by the deterministic solvers from a convex robust fit, to the
    minimum near the bulk of the samples.

    `score` is R^2, whatever the loss, so that a search over losses compares like with like.

    Examples
    --------
    >>> import numpy as np
    >>> from fastloss.estimators import LossRegressor
    >>> X = np.arange(6.0)[:, None]
    >>> y = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 100.0])
    >>> LossRegressor("absolute_error", penalty=None, tol=1e-8).fit(X, y).predict([[5.0]]).round(3)
    array([11.])
    >>> LossRegressor("poisson").fit(X, [1, 1, 2, 5, 7, 15]).predict([[2.0]]).round(1)
    array([2.3])
    """

    _tasks = TASKS["LossRegressor"]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LossModel._parameter_constraints,
        "estimate_scale": ["boolean"],
    }

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        *,
        penalty: str | Penalty | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        estimate_scale: bool = False,
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
        self.estimate_scale = estimate_scale

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LossRegressor:
        """Fit the model.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
            float32 and float64, C and F order and CSR are read where they lie (in F order not by
            the stochastic solvers).
        y : array-like of shape (n_samples,)
            Targets, in the domain of the loss.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative; 0 leaves a sample out.

        Returns
        -------
        self : LossRegressor
        """
        problems = self._problem(X, y, sample_weight, reset=True)
        self._fit(problems)
        self.__dict__.pop("scale_", None)
        if isinstance(problems[0], HuberWithScale):
            self.scale_ = problems[0].scale(self._thetas()[0])
        return self

    @available_if(trains_in_pieces)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LossRegressor:
        """Go on with one epoch over these samples: for data that come in pieces.

        Only of the stochastic solvers. Parameters are those of `fit`; there is no early stopping and no warning.
        """
        self._partial_fit(self._problem(X, y, sample_weight, reset=not hasattr(self, "coef_")))
        return self

    def _kind_of_problem(self) -> type[LinearProblem]:
        return HuberWithScale if self.estimate_scale else LinearProblem

    def _problem(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> list[LinearProblem]:
        loss = self._loss()
        X, y = self._checked(X, y=y, y_numeric=True, reset=reset)
        y = self._in_type_of(X, y)
        check_targets(loss, y, np.zeros(y.shape + (len(loss.outputs),) * loss.has_rows, X.dtype))
        return self._problems(X, [y], loss, max(1, len(loss.outputs)), self._checked_weight(sample_weight, X))

    @staticmethod
    def _in_type_of(X: Any, y: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            targets: NDArray[Any] = y.astype(X.dtype, copy=False)
        beyond = ~np.isfinite(targets)
        if beyond.any():
            at = int(beyond.argmax())
            raise ValueError(f"y[{at}] is {y[at]}: beyond {X.dtype}, the type of X; scale y, or pass X in float64")
        return targets

    def _thetas(self) -> list[NDArray[Any]]:
        return [self._stacked()]

    def _keep(self, thetas: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        w = thetas[0].astype(dtype)
        self.coef_ = np.ascontiguousarray(w[: self.n_features_in_].T)
        self.intercept_ = w[-1] if self.fit_intercept else np.zeros(w.shape[1:], dtype)[()]

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predictions on the scale of the target: scores through the loss's inverse link.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        return_std : bool, default=False
            Also return the standard deviation: of the losses that have a log scale beside the location.

        Returns
        -------
        ndarray of shape (n_samples,), or two
        """
        loss, scores = self._loss(), self._scores(X)
        if return_std and not loss.outputs:
            raise ValueError(
                f"return_std=True, and {loss.name} has no scale: use a loss with one, such as 'gaussian_nll'"
            )
        predictions = loss.inverse_link(scores)
        if not loss.outputs:
            return predictions
        location, scale = predictions.T
        return (location, scale) if return_std else location
