"""What the estimators share: parameters, the call of a solver, and what a fit leaves behind."""

from __future__ import annotations

import importlib
import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastloss.estimators.display import Display
from fastloss.estimators.losses import of_scores
from fastloss.linear.choice import choose, fitting
from fastloss.linear.problem import LinearProblem
from fastloss.linear.start import origin, starts_at_its_minimum
from fastloss.linear.stochastic import RULES, SCHEDULES, Descent, Settings
from fastloss.loss import Loss
from fastloss.penalties import L1, L2, ElasticNet, Penalty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fastloss.linear.solution import Solution

SOLVERS = ("lbfgs", "newton", "proximal", "interior", *RULES)


class _Fit(NamedTuple):
    """What one call of a solver comes to: its solution and its curves."""

    solution: Solution
    loss_curve: list[float]
    validation_curve: list[float]


class LossModel(BaseEstimator):
    """A linear model whose loss is a parameter: the base of LossRegressor and LossClassifier.

    A model is one linear problem, or several on the same X: one-vs-rest. A subclass turns y into their targets, and
    their solutions into coef_ and intercept_.
    """

    _tasks: ClassVar[tuple[str, ...]]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [str, Loss],
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), Penalty, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "eta0": [Interval(Real, 0, None, closed="neither"), None],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterov": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        *,
        penalty: str | Penalty | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
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
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.momentum = momentum
        self.nesterov = nesterov
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.n_threads = n_threads

    # -- what a subclass writes -------------------------------------------------------------------------------------

    def _thetas(self) -> list[NDArray[Any]]:
        """coef_ and intercept_ as the problems have them."""
        raise NotImplementedError

    def _keep(self, thetas: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        """Make coef_ and intercept_ of the problems' solutions."""
        raise NotImplementedError

    def _kind_of_problem(self) -> type[LinearProblem]:
        """What is minimised."""
        return LinearProblem

    # -- input ------------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _loss(self) -> Loss:
        return of_scores(self.loss, self._tasks, type(self).__name__)

    def _penalty(self) -> Penalty:
        if self.penalty is None:
            return L2(0.0)
        if isinstance(self.penalty, Penalty):
            return self.penalty
        if self.penalty == "elasticnet":
            return ElasticNet(self.alpha, self.l1_ratio)
        return {"l1": L1, "l2": L2}[self.penalty](self.alpha)

    def _checked(self, X: Any, **options: Any) -> Any:
        """X (and y, if given), float32 or float64, in C or F order or CSR: as it is where it can be."""
        return validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], **options)

    def _checked_weight(self, sample_weight: Any, X: Any) -> Any:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)

    # -- fits -------------------------------------------------------------------------------------------------------

    def _problems(
        self, X: Any, targets: Sequence[NDArray[Any]], loss: Loss, n_outputs: int, sample_weight: NDArray[Any] | None
    ) -> list[LinearProblem]:
        return [
            self._kind_of_problem()(
                X,
                y,
                loss,
                sample_weight=sample_weight,
                penalty=self._penalty(),
                fit_intercept=self.fit_intercept,
                n_outputs=n_outputs,
                n_threads=self.n_threads,
            )
            for y in targets
        ]

    def _fit(self, problems: list[LinearProblem], strata: NDArray[Any] | None = None) -> None:
        """Solve the problems; strata are classes, whose shares a validation split keeps.

        An interrupt ends all fits: problems that have not begun keep the coefficients that they would start from.
        """
        if self.early_stopping and (solver := self._solver(problems[0])) not in RULES:
            warnings.warn(
                f"early_stopping=True is for the solvers {', '.join(RULES)}, and {solver!r} does not stop early",
                UserWarning,
                stacklevel=4,
            )
        rng = check_random_state(self.random_state)
        thetas = self._starts(problems)
        fits: list[_Fit] = []
        for k, problem in enumerate(problems):
            fits.append(self._solve(problem, thetas[k], rng, strata))
            solution, left = fits[k].solution, len(problems) - k - 1
            thetas[k], message = solution.theta, solution.message
            unfitted = left if solution.interrupted else 0
            if unfitted and thetas[-1] is None:
                raise KeyboardInterrupt(f"{message}; {left} of {len(problems)} classes have no coefficients yet")
            if unfitted:
                message += f"; {left} of {len(problems)} classes keep the coefficients of the last fit"
            if unfitted or not solution.converged:
                warnings.warn(message, ConvergenceWarning, stacklevel=4)
            if unfitted:
                break
        self._descents: list[Descent] = []  # partial_fit begins anew
        self.__dict__.pop("validation_curve_", None)  # of an earlier fit
        self.n_iter_: int = max(fit.solution.n_iter for fit in fits)
        self.loss_curve_: list[Any] = _one_or_all([fit.loss_curve for fit in fits])
        if any(fit.validation_curve for fit in fits):
            self.validation_curve_ = _one_or_all([fit.validation_curve for fit in fits])
        self._keep([theta for theta in thetas if theta is not None], problems[0].dtype)

    def _starts(self, problems: list[LinearProblem]) -> list[NDArray[Any] | None]:
        if not (self.warm_start and hasattr(self, "coef_")):
            return [None] * len(problems)
        return list(self._known(problems, "warm_start=True", "set warm_start=False"))

    def _known(self, problems: list[LinearProblem], why: str, fix: str) -> list[NDArray[Any]]:
        """What coef_ and intercept_ are to the problems."""
        thetas = self._thetas()
        if [theta.shape for theta in thetas] != [problem.shape for problem in problems]:
            raise ValueError(
                f"{why}, and coef_ of shape {self.coef_.shape} is from other features, classes or another kind of "
                f"loss: {fix} to begin anew"
            )
        return thetas

    def _solve(
        self,
        problem: LinearProblem,
        start: NDArray[Any] | None,
        rng: np.random.RandomState,
        strata: NDArray[Any] | None,
    ) -> _Fit:
        solver = self._solver(problem)
        validation_curve: list[float] = []
        options: dict[str, Any] = {}
        if solver in RULES:
            options["settings"] = self._settings(solver, rng)
            if self.early_stopping:
                weight = problem.sample_weight
                rows = np.arange(problem.n_samples) if weight is None else np.flatnonzero(weight)
                if len(rows) < 2:
                    raise ValueError(
                        "early_stopping=True needs 2 samples with weight, to learn from and to hold out: "
                        f"{len(rows)} has; set early_stopping=False"
                    )
                train, held = train_test_split(
                    rows,
                    test_size=self.validation_fraction,
                    random_state=rng,
                    stratify=None if strata is None else strata[rows],
                )
                judge = problem.subset(held)

                def validate(theta: NDArray[Any]) -> float:
                    validation_curve.append(judge.loss(judge.y, judge.scores(theta), judge.sample_weight))
                    return validation_curve[-1]

                options.update(samples=train, validate=validate)
        module = "stochastic" if solver in RULES else solver
        with Display(self.verbose, self.max_iter, type(self).__name__) as display:
            solution = importlib.import_module(f"fastloss.linear.{module}").solve(
                problem, start, tol=self.tol, max_iter=self.max_iter, report=display, **options
            )
        return _Fit(solution, display.curve, validation_curve)

    def _solver(self, problem: LinearProblem) -> str:
        if self.solver == "auto":
            return choose(problem)
        known = fitting(problem)
        if self.solver not in known:
            if starts_at_its_minimum(problem.loss):
                raise ValueError(
                    f"solver={self.solver!r} finds the minimum of {problem.loss!r}, which is 0 at coefficients of 0: "
                    "use 'hinge', or solver='sgd'"
                )
            scaled = "" if problem.additive else ", whose scale is estimated,"
            raise ValueError(
                f"solver={self.solver!r} does not fit {problem.loss!r}{scaled} with {problem.penalty!r}: the solvers "
                f"that do are {', '.join(known)}"
            )
        return str(self.solver)

    def _settings(self, rule: str, rng: np.random.RandomState | None) -> Settings:
        """What the parameters say, with a seed from rng: without one, for a descent that has drawn already."""
        return Settings(
            rule=rule,
            schedule=self.learning_rate,
            eta0=self.eta0,
            power_t=self.power_t,
            momentum=self.momentum,
            nesterov=self.nesterov,
            batch_size=self.batch_size,
            n_iter_no_change=self.n_iter_no_change,
            seed=0 if rng is None else int(rng.randint(np.iinfo(np.int32).max)),
            horizon=self.max_iter,
        )

    def _partial_fit(self, problems: list[LinearProblem]) -> None:
        """One epoch of each problem, from where the last call came to, with what its rule remembers."""
        rule, shapes = self._solver(problems[0]), [problem.shape for problem in problems]
        descents: list[Descent] = getattr(self, "_descents", [])
        if [descent.theta.shape for descent in descents] != shapes or descents[0].settings.rule != rule:
            if hasattr(self, "coef_"):
                starts = self._known(problems, "partial_fit goes on", "use a new estimator")
            else:
                starts = [origin(problem) for problem in problems]
            settings = self._settings(rule, check_random_state(self.random_state))
            self._descents = [
                Descent(problem, start, settings) for problem, start in zip(problems, starts, strict=True)
            ]
            self.n_iter_, self.loss_curve_ = 0, []
            self.__dict__.pop("validation_curve_", None)
        else:  # by what set_params may have changed
            for descent in descents:
                descent.follow(self._settings(rule, None))
        epochs = [descent.epoch(problem) for descent, problem in zip(self._descents, problems, strict=True)]
        self.n_iter_ += 1
        self.loss_curve_.append(_one_or_all([epoch.objective for epoch in epochs]))
        self._keep([descent.theta for descent in self._descents], problems[0].dtype)

    def _stacked(self) -> NDArray[Any]:
        """coef_ and intercept_ with a row per feature and, with an intercept, one more: float64."""
        rows = [self.coef_.T, np.expand_dims(self.intercept_, 0)][: 1 + self.fit_intercept]
        return np.concatenate(rows).astype(np.float64, copy=False)

    # -- scores -----------------------------------------------------------------------------------------------------

    def _scores(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        scores: NDArray[Any] = self._checked(X, reset=False) @ self.coef_.T
        scores += self.intercept_
        return scores


def _one_or_all(parts: list[Any]) -> Any:
    """Of one problem its own, of one-vs-rest a list with that of each class."""
    return parts if len(parts) > 1 else parts[0]


def trains_in_pieces(model: LossModel) -> bool:
    """Whether a model has partial_fit."""
    if model.solver not in RULES:
        raise AttributeError(f"partial_fit is for the solvers {', '.join(RULES)}: this is solver={model.solver!r}")
    return True
