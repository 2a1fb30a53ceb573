"""The part of the docstrings that both estimators have."""

from __future__ import annotations

import inspect
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

PARAMETERS = """\
    penalty : {"l2", "l1", "elasticnet"}, Penalty or None, default="l2"
        What is added to the weighted mean of the losses: a penalty on coef_, never on intercept_. A word takes its
        strength from `alpha` and `l1_ratio`; an object such as ``fastloss.L1(0.1)`` has its own.
    alpha : float, default=1e-4
        "l2": alpha/2 ||w||^2; "l1": alpha ||w||_1; "elasticnet": both, as `fastloss.ElasticNet`. It is added to a
        mean, so that for a few hundred samples 1e-4 is next to none: see Notes.
    l1_ratio : float, default=0.5
        Share of "l1" in "elasticnet".
    fit_intercept : bool, default=True
    %(class_weight)ssolver : {"auto", "lbfgs", "newton", "proximal", "interior", "sgd", "adagrad", "rmsprop", "adam"}, \
default="auto"
        See Notes. A solver that does not fit the loss and the penalty is refused, with the list of those that do.
    tol : float, default=1e-4
        A fit ends where no entry of the (least sub-)gradient is larger; "interior": where the duality gap is not, as a
        share of the objective; the stochastic solvers: where the objective has not fallen by `tol` for
        `n_iter_no_change` epochs.
    max_iter : int, default=1000
        The most iterations, or epochs: passes over the samples. Where they are not enough there is a
        ConvergenceWarning.
    learning_rate : {"constant", "invscaling", "cosine", "adaptive"}, default="constant"
        How the rate of a step falls. "constant": eta0; "invscaling": eta0 / t^power_t at step t; "cosine": half a
        cosine from eta0 to 0 over `max_iter` epochs; "adaptive": eta0, divided by 5 each time the objective no longer
        falls, down to 1e-6. For the stochastic solvers only, as are `eta0`, `power_t`, `momentum`, `nesterov`,
        `batch_size`, `early_stopping`, `validation_fraction`, `n_iter_no_change` and `random_state`.
    eta0 : float, optional
        The first rate. By default 0.01; of "adagrad" 0.1.
    power_t : float, default=0.5
        The exponent of "invscaling".
    momentum : float, default=0.9
        Of "sgd": m = momentum m + gradient is followed in place of the gradient. 0 is plain descent.
    nesterov : bool, default=True
        Of "sgd": follow gradient + momentum m, which looks a step ahead.
    batch_size : int, default=256
        Samples of a step.
    early_stopping : bool, default=False
        Hold out a share of the samples, and judge an epoch by the loss on them in place of the objective.
    validation_fraction : float, default=0.1
        That share.
    n_iter_no_change : int, default=5
        Epochs without improvement that end a fit.
    warm_start : bool, default=False
        Start from the last fit's coefficients.
    random_state : int, RandomState or None, default=None
        Of the order of samples and the held-out share: an int makes a stochastic fit repeatable.
    verbose : int, default=0
        1 shows a bar on a terminal (if rich is installed), and elsewhere a line per iteration, with the objective and
        the gap that is compared with `tol`: the largest entry of the gradient, or the duality gap of "interior".
    n_threads : int, optional
        By default as `fastloss.set_num_threads` says. The result has the same bits for any number."""

ATTRIBUTES = """\
    n_iter_ : int
        Iterations, or epochs; of one-vs-rest the most of any class.
    loss_curve_ : list of float
        The objective after each iteration: of a stochastic solver the mean over an epoch's batches as they came. Of
        one-vs-rest a list per class, and after `partial_fit` a list per epoch.
    validation_curve_ : list of float
        With `early_stopping`: the loss on the held-out samples after each epoch.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has names that are all strings."""

SOLVERS = """\
    The objective is sum_i w_i l(y_i, x_i coef_ + intercept_) / sum_i w_i, plus the penalty. ``solver="auto"`` takes
    the first that fits:

    - "interior" where the loss is linear between kinks (absolute, quantile, hinge, epsilon-insensitive): there is no
      curvature for Newton's method and no gradient at the minimum. An interior-point method ends with a bound on what
      is left to gain.
    - "proximal" where the loss has a gradient and the penalty an l1 part, whose kink at 0 is taken exactly.
    - "lbfgs" for all other losses with a gradient: the curvature of a sample of the rows leaves few passes over all.
      "newton", which takes the Hessian of all rows in each iteration, where they are so few (some thousands) that no
      sample is smaller.
    - "adam" for what is left: kinks between curved pieces, and the perceptron, whose minimum is 0 at coefficients
      of 0.

    Otherwise the number of samples does not decide, for these methods begin with a sample. The stochastic solvers
    are for data that come in pieces (`partial_fit`), and for a good answer after very few passes; they keep the best
    coefficients of any epoch, and those of "sgd" need features of like scale.

    Ctrl-C ends a fit with the best coefficients so far and a ConvergenceWarning. Of one-vs-rest it ends the fits of all
    classes: those that have not begun keep their coefficients with `warm_start`; without, KeyboardInterrupt is raised,
    for there is no model yet.

    Features should be of like scale, as behind a `StandardScaler`: the penalty, `tol` and the stochastic solvers
    treat all coefficients alike. `alpha` is compared with the mean loss, so that another loss wants another `alpha`:
    search both together. The same minimum as scikit-learn's, of n samples:"""


def documented(cls: _Class) -> _Class:
    """Class decorator: put the shared parts into the docstring."""
    class_weight = (
        'class_weight : dict, "balanced" or None, default=None\n'
        '        Factors of the sample weights by class; "balanced": as if all classes weighed the same.\n    '
    )
    parameters = PARAMETERS % {
        "class_weight": class_weight if "class_weight" in inspect.signature(cls).parameters else ""
    }
    for name, text in (("parameters", parameters), ("attributes", ATTRIBUTES), ("solvers", SOLVERS)):
        cls.__doc__ = (cls.__doc__ or "").replace(f"    %({name})s", text)
    return cls
