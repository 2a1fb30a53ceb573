"""Several tasks at once, each with its own targets, predictions and loss, and one number to minimise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import activations, validation
from fastloss.embeddings import EmbeddingLoss
from fastloss.immutable import Immutable
from fastloss.loss import Loss
from fastloss.losses.overlap import OverlapLoss
from fastloss.parameters import number, positive, real
from fastloss.registry import call_signature
from fastloss.spelling import did_you_mean
from fastloss.wasserstein import Wasserstein1D

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    _Arrays = Mapping[str, ArrayLike]
    _Weights = _Arrays | ArrayLike | None  # for some or all tasks, or one array for all
    _Outs = Mapping[str, NDArray[Any]] | None  # for some or all tasks

__all__ = ["DynamicWeightAverage", "UncertaintyWeighting"]

# Beyond this exp(-s) leaves the range of float64.
MOST_LOG_VARIANCE = 700.0


class _Tasks(Immutable):
    """Losses by task. A subclass says with which weights they are added."""

    losses: Mapping[str, Loss | OverlapLoss]

    def __init__(self, losses: Mapping[str, Loss | OverlapLoss], **params: Any) -> None:
        if not isinstance(losses, Mapping):
            raise TypeError(f"losses is {type(losses).__name__}: expected a dict {{task: loss}}")
        if not losses:
            raise ValueError("losses is empty: expected at least one task")
        for task, loss in losses.items():
            if not isinstance(task, str):
                raise TypeError(f"losses has the task {task!r}: expected a string")
            if not isinstance(loss, (Loss, OverlapLoss)):
                raise TypeError(
                    f"losses[{task!r}] is {loss!r}: expected a loss of y_true and y_pred, such as fastloss.Huber()"
                    f"{_otherwise(loss)}"
                )
        super().__init__(losses=dict(losses), **params)
        self.__dict__["losses"] = MappingProxyType(self._params["losses"])

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, as the constructor takes them."""
        return {**self._params, "losses": dict(self.losses)}

    def _identity(self) -> tuple[object, ...]:
        return type(self), tuple({**self._params, "losses": frozenset(self.losses.items())}.items())

    def task_losses(
        self, y_true: _Arrays, y_pred: _Arrays, sample_weight: _Weights = None, *, n_threads: int | None = None
    ) -> dict[str, float]:
        """The mean loss of each task.

        Parameters
        ----------
        y_true, y_pred : dict of array_like
            Targets and predictions by task, each as the task's loss takes them.
        sample_weight : dict of array_like, or array_like, optional
            Weights of some or all tasks, or one array for all.
        n_threads : int, optional
            Threads for this call.
        """
        return self._losses(self._data(y_true, y_pred, sample_weight), n_threads)

    def _losses(self, data: dict[str, tuple[Any, Any, Any]], n_threads: int | None) -> dict[str, float]:
        found = {}
        for task, loss in self.losses.items():
            with _naming(task):
                found[task] = loss(*data[task], n_threads=n_threads)
        return found

    def _losses_and_gradients(
        self,
        factors: Mapping[str, float],
        y_true: _Arrays,
        y_pred: _Arrays,
        sample_weight: _Weights,
        out: _Outs,
        n_threads: int | None,
    ) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
        """The mean loss of each task, and its gradient times the task's factor."""
        data = self._data(y_true, y_pred, sample_weight)
        outs = self._outs(out, data)
        if any(buffer is not None and np.may_share_memory(buffer, data[task][1]) for task, buffer in outs.items()):
            self._losses(data, n_threads)  # what one task refuses must not cost another its predictions
        found, gradients = {}, {}
        for task, loss in self.losses.items():
            with _naming(task):
                found[task], gradients[task] = loss.value_and_gradient(*data[task], out=outs[task], n_threads=n_threads)
            _scale(gradients[task], factors[task])
        return found, gradients

    def _data(self, y_true: Any, y_pred: Any, sample_weight: Any) -> dict[str, tuple[Any, Any, Any]]:
        """Each task's targets, predictions and weights, as arrays."""
        y, z = self._by_task("y_true", y_true), self._by_task("y_pred", y_pred)
        if isinstance(sample_weight, Mapping):
            w = self._by_task("sample_weight", sample_weight, some=True)
        else:
            w = dict.fromkeys(self.losses, sample_weight)
        data = {}
        for task in self.losses:
            with _naming(task):
                data[task] = (
                    validation.as_array("y_true", y[task]),
                    validation.as_array("y_pred", z[task]),
                    None if w[task] is None else validation.as_array("sample_weight", w[task]),
                )
        return data

    def _outs(self, out: Any, data: dict[str, tuple[Any, Any, Any]]) -> dict[str, Any]:
        """Each task's buffer or None, checked against the task's prediction and against all other arrays."""
        outs = self._by_task("out", {} if out is None else out, some=True)
        named = [
            (f"{name} of task {task!r}", array)
            for task, arrays in data.items()
            for name, array in zip(("y_true", "y_pred", "sample_weight", "out"), (*arrays, outs[task]), strict=True)
            if isinstance(array, np.ndarray)
        ]
        for task, buffer in outs.items():
            if buffer is not None:
                own = (f"y_pred of task {task!r}", f"out of task {task!r}")
                y_pred = data[task][1]
                with _naming(task):
                    others = [(name, array) for name, array in named if name not in own]
                    validation.check_out("out", buffer, "y_pred", y_pred, validation.result_dtype(y_pred), others)
        return outs

    def _by_task(self, name: str, given: Any, *, some: bool = False) -> dict[str, Any]:
        """`given` in the order of the tasks; where `some` of them will do, None for the others."""
        known = ", ".join(map(repr, self.losses))
        if not isinstance(given, Mapping):
            raise TypeError(f"{name} is {type(given).__name__}: expected a dict with the tasks {known}")
        for task in given:
            if task not in self.losses:
                near = did_you_mean(str(task), list(self.losses))
                raise ValueError(f"{name} has the unknown task {task!r}{near}; the tasks are {known}")
        for task in self.losses:
            if task not in given and not some:
                raise ValueError(f"{name} has no task {task!r}: expected an entry for each of {known}")
        return {task: given.get(task) for task in self.losses}

    def _numbers(self, name: str, given: Any) -> dict[str, float]:
        """Losses by task, as numbers >= 0 or NaN."""
        numbers = {task: number(f"{name}[{task!r}]", x) for task, x in self._by_task(name, given).items()}
        for task, x in numbers.items():
            if x < 0:
                raise ValueError(
                    f"{name}[{task!r}] is {x}: expected a loss >= 0; {type(self).__name__} compares losses by their "
                    "logarithms or ratios, so use one that is 0 for a perfect fit, such as fastloss.Poisson(full=True)"
                )
        return numbers


def _otherwise(loss: object) -> str:
    """What to say of a loss that is called with other arrays."""
    if not isinstance(loss, (EmbeddingLoss, Wasserstein1D)):
        return ""
    names = ", ".join(p.name for p in call_signature(type(loss)).parameters.values() if p.default is p.empty)
    return f"; a task has one of each, and this loss is called with {names}"


@contextmanager
def _naming(task: str) -> Iterator[None]:
    """Errors say which task they are about."""
    try:
        yield
    except validation.ElementError as error:
        raise validation.ElementError(error.argument, error.index, error.said, f"task {task!r}: ") from error
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError  # their subclasses may take other arguments
        raise kind(f"task {task!r}: {error}") from error


def _scale(gradient: NDArray[Any], factor: float) -> None:
    """Multiply in place; in float64 where the gradient's own type cannot hold the factor, so that 0 stays 0."""
    limits = np.finfo(gradient.dtype)
    fits = float(limits.tiny) <= factor <= float(limits.max)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        np.multiply(gradient, factor if fits else np.float64(factor), out=gradient)


class UncertaintyWeighting(_Tasks):
    r"""Several tasks weighted by learned uncertainty: sum_t [exp(-s_t) L_t / 2 + s_t / 2].

    L_t is the mean loss of task t and s_t = log sigma_t^2 a log-variance that is learned along with the model: a task
    with a large loss gets a large variance and a small weight. The gradient in a task's predictions is that of its
    mean loss times exp(-s_t)/2; the derivative in s_t is (1 - exp(-s_t) L_t)/2.

    Parameters
    ----------
    losses : dict of str to Loss, Dice, Jaccard or Tversky
        The loss of each task; any losses of y_true and y_pred, pointwise, over classes and of masks together.

    Notes
    -----
    The value may be negative, and that is no mistake: at the `optimum` s_t = log L_t a task adds (1 + log L_t)/2,
    which is below 0 from L_t < 1/e on. A task whose loss goes to 0 takes its s_t, and the value, to minus infinity; so
    does any s_t while its loss is negative (`Gamma`, or `Poisson` without ``full``).

    For classification the paper has exp(-s) L + s/2; here, as in LibMTL's ``UW``, every task has the 1/2, which only
    moves s by log 2 and the value by a constant.

    References
    ----------
    .. [1] A. Kendall, Y. Gal, R. Cipolla, "Multi-task learning using uncertainty to weigh losses for scene geometry
       and semantics", CVPR 2018. https://arxiv.org/abs/1705.07115

    Examples
    --------
    >>> import fastloss as fl
    >>> uw = fl.UncertaintyWeighting({"depth": fl.SquaredError(), "edge": fl.BinaryCrossEntropy(from_logits=True)})
    >>> y_true = {"depth": [1.0, 2.0], "edge": [1, 0]}
    >>> y_pred = {"depth": [3.0, 2.0], "edge": [0.0, 0.0]}
    >>> s = {"depth": 0.0, "edge": 0.0}
    >>> value, gradients, slopes = uw.value_and_gradient(y_true, y_pred, s)
    >>> round(value, 4)
    1.3466
    >>> gradients["depth"]
    array([1., 0.])
    >>> slopes["depth"]
    -0.5
    >>> s, value = uw.optimum(uw.task_losses(y_true, y_pred))
    >>> round(s["depth"], 4), round(value, 4)
    (0.6931, 1.1633)
    """

    def __init__(self, losses: Mapping[str, Loss | OverlapLoss]) -> None:
        super().__init__(losses)

    def __call__(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        log_variances: Mapping[str, float],
        sample_weight: _Weights = None,
        *,
        n_threads: int | None = None,
    ) -> float:
        """The weighted sum of the mean losses.

        Parameters
        ----------
        y_true, y_pred : dict of array_like
            Targets and predictions by task, each as the task's loss takes them.
        log_variances : dict of float
            s_t by task, in [-700, 700].
        sample_weight : dict of array_like, or array_like, optional
            Weights of some or all tasks, or one array for all.
        n_threads : int, optional
            Threads for this call.
        """
        s = self._log_variances(log_variances)
        return _value(self.task_losses(y_true, y_pred, sample_weight, n_threads=n_threads), s)

    def gradient(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        log_variances: Mapping[str, float],
        sample_weight: _Weights = None,
        *,
        out: _Outs = None,
        n_threads: int | None = None,
    ) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        """The gradients in the predictions and the derivatives in the log-variances, by task.

        Parameters are those of `value_and_gradient`.
        """
        return self.value_and_gradient(y_true, y_pred, log_variances, sample_weight, out=out, n_threads=n_threads)[1:]

    def value_and_gradient(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        log_variances: Mapping[str, float],
        sample_weight: _Weights = None,
        *,
        out: _Outs = None,
        n_threads: int | None = None,
    ) -> tuple[float, dict[str, NDArray[Any]], dict[str, float]]:
        """The value, the gradients in the predictions and the derivatives in the log-variances, by task.

        Each task's loss and gradient come from one pass. Parameters are those of `__call__`, and

        Parameters
        ----------
        out : dict of ndarray, optional
            Where to write the gradients of some or all tasks: arrays of the shape and dtype of the task's
            predictions, which may be these themselves. Data that raise leave the predictions as they were, at the
            price of a second pass over them.
        """
        s = self._log_variances(log_variances)
        halves = {task: math.exp(-x) / 2 for task, x in s.items()}
        found, gradients = self._losses_and_gradients(halves, y_true, y_pred, sample_weight, out, n_threads)
        return _value(found, s), gradients, {task: 0.5 - halves[task] * found[task] for task in found}

    def optimum(self, task_losses: Mapping[str, float]) -> tuple[dict[str, float], float]:
        """The log-variances of least value for given task losses, and that value.

        They are s_t = log L_t, and the value is the sum of (1 + log L_t)/2; both are minus infinity for a loss of 0.

        Parameters
        ----------
        task_losses : dict of float
            Mean losses >= 0 by task, as `task_losses` gives them.
        """
        found = self._numbers("task_losses", task_losses)
        s = {task: math.log(x) if x else -math.inf for task, x in found.items()}
        return s, sum((1 + x) / 2 for x in s.values())

    def _log_variances(self, given: Any) -> dict[str, float]:
        most = MOST_LOG_VARIANCE
        by_task = self._by_task("log_variances", given)
        return {task: real(f"log_variances[{task!r}]", x, -most, most) for task, x in by_task.items()}


def _value(losses: Mapping[str, float], s: Mapping[str, float]) -> float:
    return sum((math.exp(-s[task]) * loss + s[task]) / 2 for task, loss in losses.items())


class DynamicWeightAverage(_Tasks):
    r"""Several tasks weighted by how fast their losses fall: sum_t w_t L_t, w = K softmax(r / temperature).

    L_t is the mean loss of task t, K the number of tasks and r_t = L_t(e-1) / L_t(e-2) the ratio of the task's losses
    in the last two epochs: a task that is learned more slowly than the others gets more weight. The weights sum to K;
    they are constants of the epoch, so the gradient in a task's predictions is that of its mean loss times w_t.

    Parameters
    ----------
    losses : dict of str to Loss, Dice, Jaccard or Tversky
        The loss of each task; any losses of y_true and y_pred, pointwise, over classes and of masks together.
    temperature : float, default 2.0
        Positive; the larger, the more equal the weights.

    Notes
    -----
    The object keeps nothing: the user appends the losses of each epoch to a list and passes it as `history`, of which
    the last two entries count. In the first two epochs, with fewer than two entries, all weights are 1. This is
    LibMTL's ``DWA``, with `temperature` for its ``T`` and `history` for its ``train_loss_buffer``.

    Where the earlier loss is 0, the ratio is 1 if the later one is 0 too; else it is infinite, and the task takes all
    the weight, shared equally with other such tasks. Losses must not be negative, as their ratio would then say
    nothing (`Poisson` has ``full=True``).

    References
    ----------
    .. [1] S. Liu, E. Johns, A. J. Davison, "End-to-end multi-task learning with attention", CVPR 2019.
       https://arxiv.org/abs/1803.10704

    Examples
    --------
    >>> import fastloss as fl
    >>> dwa = fl.DynamicWeightAverage({"depth": fl.SquaredError(), "edge": fl.BinaryCrossEntropy(from_logits=True)})
    >>> dwa.weights([])
    {'depth': 1.0, 'edge': 1.0}
    >>> history = [{"depth": 4.0, "edge": 0.8}, {"depth": 1.0, "edge": 0.8}]
    >>> {task: round(weight, 3) for task, weight in dwa.weights(history).items()}
    {'depth': 0.815, 'edge': 1.185}
    >>> y_true, y_pred = {"depth": [1.0], "edge": [1]}, {"depth": [1.5], "edge": [0.0]}
    >>> value, gradients = dwa.value_and_gradient(y_true, y_pred, history)
    >>> round(value, 4)
    1.0253
    >>> history.append(dwa.task_losses(y_true, y_pred))
    """

    temperature: float

    def __init__(self, losses: Mapping[str, Loss | OverlapLoss], temperature: float = 2.0) -> None:
        super().__init__(losses, temperature=positive("temperature", temperature))

    def weights(self, history: Sequence[Mapping[str, float]] = ()) -> dict[str, float]:
        """The weight of each task.

        Parameters
        ----------
        history : sequence of dict of float
            The task losses >= 0 of each epoch so far, the latest last.
        """
        if isinstance(history, (Mapping, str)) or not isinstance(history, Sequence):
            raise TypeError(
                f"history is {type(history).__name__}: expected a list with a dict {{task: loss}} for each epoch"
            )
        last = [self._numbers(f"history[{at}]", history[at]) for at in range(-min(2, len(history)), 0)]
        if len(last) < 2:
            return dict.fromkeys(self.losses, 1.0)
        before, now = (np.array(list(losses.values())) for losses in last)
        with np.errstate(all="ignore"):
            ratio = np.where((before == 0) & (now == 0), 1, now / before)
            shares = activations.softmax(ratio / self.temperature)
        return dict(zip(self.losses, (len(self.losses) * shares).tolist(), strict=True))

    def __call__(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        history: Sequence[Mapping[str, float]] = (),
        sample_weight: _Weights = None,
        *,
        n_threads: int | None = None,
    ) -> float:
        """The weighted sum of the mean losses.

        Parameters
        ----------
        y_true, y_pred : dict of array_like
            Targets and predictions by task, each as the task's loss takes them.
        history : sequence of dict of float, optional
            The task losses of each epoch so far, the latest last.
        sample_weight : dict of array_like, or array_like, optional
            Weights of some or all tasks, or one array for all.
        n_threads : int, optional
            Threads for this call.
        """
        weights = self.weights(history)
        return _dot(weights, self.task_losses(y_true, y_pred, sample_weight, n_threads=n_threads))

    def gradient(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        history: Sequence[Mapping[str, float]] = (),
        sample_weight: _Weights = None,
        *,
        out: _Outs = None,
        n_threads: int | None = None,
    ) -> dict[str, NDArray[Any]]:
        """The gradients in the predictions, by task. Parameters are those of `value_and_gradient`."""
        return self.value_and_gradient(y_true, y_pred, history, sample_weight, out=out, n_threads=n_threads)[1]

    def value_and_gradient(
        self,
        y_true: _Arrays,
        y_pred: _Arrays,
        history: Sequence[Mapping[str, float]] = (),
        sample_weight: _Weights = None,
        *,
        out: _Outs = None,
        n_threads: int | None = None,
    ) -> tuple[float, dict[str, NDArray[Any]]]:
        """The value, and the gradients in the predictions by task.

        Each task's loss and gradient come from one pass. Parameters are those of `__call__`, and

        Parameters
        ----------
        out : dict of ndarray, optional
            Where to write the gradients of some or all tasks: arrays of the shape and dtype of the task's
            predictions, which may be these themselves. Data that raise leave the predictions as they were, at the
            price of a second pass over them.
        """
        weights = self.weights(history)
        found, gradients = self._losses_and_gradients(weights, y_true, y_pred, sample_weight, out, n_threads)
        return _dot(weights, found), gradients


def _dot(weights: Mapping[str, float], losses: Mapping[str, float]) -> float:
    return sum(weights[task] * loss for task, loss in losses.items())
