"""What boosters take from a loss: gradient and curvature of raw scores, where to start, and a metric of raw scores.

A booster adds trees up to a raw score z, and chooses them by the weighted gradient and curvature of the loss in z.
Hosts differ in how they ask and where the numbers go; what the numbers are is here.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from fastloss import activations, backend, domains
from fastloss.adapters.host import numbers_of
from fastloss.immutable import Immutable
from fastloss.loss import FLOOR, Loss
from fastloss.operations import CURVATURE, GRADIENT
from fastloss.parameters import choice
from fastloss.registry import for_raw_scores, get_loss, list_losses, loss_class

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Scores computed at a time where a host wants them in another type or order than they are computed in: so few that
# what lies between the two stays in the cache, so many that Python's share of the time is small.
BLOCK = 16384

# The farthest start on the scale of logarithms: targets of one class, or all zero, would start at infinity. It is
# where scikit-learn starts them.
FARTHEST = -math.log(10 * np.finfo(np.float64).eps)

KINDS = ("auto", "exact", "majorize", "fisher", "floor", "unit", "native")


def _once(outputs: int) -> float:
    return 1.0


class Native(NamedTuple):
    """The curvature of a host's own objective."""

    hessian: str = "exact"
    factor: Callable[[int], float] = _once  # on that, by the number of scores per sample
    below: str | None = None  # the first version of the host whose objective takes another one


# Parameters of losses that no host's own objective has, so that it equals the loss only where they are at defaults.
_FOREIGN = ("pos_weight", "class_weight", "label_smoothing", "ignore_index", "z_loss")


class Objective(Immutable):
    """Gradient and curvature of a loss as a booster takes them. Each host's own objective is a subclass.

    Parameters
    ----------
    loss : Loss or str
        Of raw scores: what the trees add up to.
    hessian : {"auto", "exact", "majorize", "fisher", "floor", "unit", "native"}
        The curvature: a kind of `Loss.gradient_and_hessian`; "unit": 1, so that leaves are means of gradients;
        "native": what the host's own objective takes; "auto": one in which Newton's steps are safe. For regression,
        where a Hessian may vanish far from the target, that is "majorize", else "exact" or "floor". For other tasks it
        is "exact" where the loss is convex and has a continuous Hessian, else "fisher", "majorize" or "floor". With a
        kink it is "majorize" for regression where there is one, and else "unit".
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have. One is the default, for a pass takes a small
        share of the time of a tree, and the host's own threads may still be spinning on the other cores.
    """

    host: ClassVar[str] = "the booster"
    natives: ClassVar[Mapping[str, Native]] = {}  # by the name of the loss
    target_rows: ClassVar[bool] = True  # whether a sample may have a row of targets
    outputs: ClassVar[bool] = True  # whether its scores may be several that are not those of classes

    _kind: str
    _factor: Callable[[int], float]
    if TYPE_CHECKING:
        loss: Loss
        hessian: str
        n_threads: int | None

    def __init__(self, loss: Loss | str, hessian: str = "auto", n_threads: int | None = 1) -> None:
        loss = self.trainable(loss)
        super().__init__(loss=loss, hessian=choice("hessian", hessian, KINDS), n_threads=n_threads)
        kind: str = hessian
        factor: Callable[[int], float] = _once
        if hessian == "native":
            native = self._native(loss)
            kind, factor = native.hessian, native.factor
        elif hessian == "auto":
            kind = safe_curvature(loss)
        if kind != "unit" and kind not in loss.hessian_kinds:
            raise ValueError(f"hessian={kind!r}: {loss.name} has {', '.join(map(repr, loss.hessian_kinds))}, 'unit'")
        if loss.smoothness == 0 and kind in ("exact", "floor"):
            others = [known for known in loss.hessian_kinds if known not in ("exact", "floor")]
            raise ValueError(
                f"hessian={kind!r}: {loss.name} has kinks, and between them the exact Hessian is 0 or says nothing of "
                f"them; pass hessian={' or hessian='.join(map(repr, [*others, 'unit']))}"
            )
        self.__dict__.update(_kind=kind, _factor=factor)

    @classmethod
    def trainable(cls, loss: Loss | str) -> Loss:
        """The loss, if the host can train on it; else an error that names those that it can."""
        loss = checked(loss, cls.fitting)
        why = cls._unfit(loss)
        if why:
            others = cls.fitting(loss.task)
            among = f"of losses for {loss.task} {cls.host} can train on"
            if not others:
                among, others = f"{cls.host} can train on no loss for {loss.task}, but on", cls.fitting()
            raise ValueError(f"{loss!r} {why}; {among} {', '.join(others)}")
        return loss

    @classmethod
    def fitting(cls, task: str | None = None) -> list[str]:
        """Losses of a task, or of any, that the host can train on, as one would write them."""
        losses = [loss for loss in map(for_raw_scores, list_losses(task)) if not cls._unfit(loss)]
        return [f"{type(x).__name__}({'from_logits=True' if 'from_logits' in x.params else ''})" for x in losses]

    @classmethod
    def _unfit(cls, loss: Loss) -> str:
        """Why the host cannot train on a loss; empty if it can."""
        if not loss.additive:
            return "is no sum over samples, and has no gradient of a sample's own"
        if loss.prediction_domain.code is not None:
            domain = loss.prediction_domain
            return f"takes {domain.expected}, but the scores that trees add up to may be any number: {domain.fix}"
        if loss.layout == "classes" and not (loss.takes_labels or cls.target_rows):
            return f"takes rows of targets, and {cls.host} has one target per sample, such as a class index"
        if loss.layout == "outputs" and not cls.outputs:
            return f"has several scores per target, and {cls.host} knows only those of classes"
        return ""

    def _native(self, loss: Loss) -> Native:
        found = self.natives.get(loss.name)
        if found is None:
            raise ValueError(
                f"hessian='native': {self.host} has no {loss.name} of its own that a custom objective can equal; it "
                f"has {', '.join(self.natives)}"
            )
        plain = inspect.signature(type(loss)).parameters
        for name in _FOREIGN:
            if name in plain and loss.params[name] != plain[name].default:
                raise ValueError(
                    f"hessian='native': {loss!r} has {name}, which {self.host}'s own {loss.name} has not; pass "
                    f"hessian={safe_curvature(loss)!r}"
                )
        if found.below is not None:
            version = str(importlib.import_module(self.host.lower()).__version__)
            if numbers_of(version) >= numbers_of(found.below):
                raise ValueError(
                    f"hessian='native': the curvature that {self.host} takes for {loss.name} is known below version "
                    f"{found.below}, and this is {version}; pass hessian={safe_curvature(loss)!r}"
                )
        return found

    def derivatives(
        self, y: Any, z: NDArray[Any], w: Any, out: tuple[NDArray[Any], NDArray[Any]], scale: float = 1.0
    ) -> None:
        """Write the weighted gradient and curvature of each score, times `scale`, to two arrays of the shape of `z`.

        They may be of another type and order than `z`, in whose type they are computed.
        """
        gradient, curvature = out
        plain = z.flags.c_contiguous and gradient.flags.c_contiguous and curvature.flags.c_contiguous
        if plain and z.dtype == gradient.dtype and scale == 1:
            self._compute(y, z, w, out)
        elif not self._written_apart(y, z, w, out, scale):
            self._in_blocks(y, z, w, out, scale)
        factor = self._factor(z.shape[1] if z.ndim > 1 else 1)
        if factor != 1:
            curvature *= factor

    def derivatives_of_all(self, y: Any, z: NDArray[Any], w: Any, out: tuple[NDArray[Any], NDArray[Any]]) -> None:
        """`derivatives` of all samples at once, of which some must have curvature.

        Hosts that ask for a part at a time call `derivatives`: in a part it may well be 0 everywhere.
        """
        self.derivatives(y, z, w, out)
        curvature = out[1]
        if not len(curvature) or curvature[:BLOCK].any() or curvature.any():
            return
        if w is not None and not np.any(w):
            raise ValueError("sample_weight is 0 everywhere: nothing is left to fit")
        others = [kind for kind in dict.fromkeys((safe_curvature(self.loss), "unit")) if kind != self._kind]
        raise ValueError(
            f"hessian={self._kind!r}: the curvature of {self.loss!r} is 0 at every sample, so that {self.host} has "
            f"nothing to divide by" + (f"; pass hessian={' or hessian='.join(map(repr, others))}" if others else "")
        )

    def _compute(self, y: Any, z: NDArray[Any], w: Any, out: tuple[NDArray[Any], NDArray[Any]]) -> None:
        if self._kind == "unit":
            self.loss.gradient(y, z, w, reduction="none", out=out[0], n_threads=self.n_threads)
            out[1][...] = _units(w, z)
        else:
            kind: Any = self._kind
            self.loss.gradient_and_hessian(y, z, w, reduction="none", hessian=kind, out=out, n_threads=self.n_threads)

    def _written_apart(
        self, y: Any, z: NDArray[Any], w: Any, out: tuple[NDArray[Any], NDArray[Any]], scale: float
    ) -> bool:
        """Have the engine write results of another type, order or scale, if it can."""
        runner = self.loss._runner
        if backend.engine is None or not isinstance(runner, backend.engine.Runner):
            return False
        unit = self._kind == "unit"
        operation = GRADIENT if unit else CURVATURE[self._kind]
        floor = FLOOR if self._kind == "floor" else -math.inf
        curvature = None if unit else out[1]
        engine, threads = backend.engine, self.n_threads
        done: bool = engine.write_apart(runner, operation, y, z, w, out[0], curvature, threads, floor, scale)
        if done and unit:
            out[1][...] = _units(w, z) * scale
        return done

    def _in_blocks(self, y: Any, z: NDArray[Any], w: Any, out: tuple[NDArray[Any], NDArray[Any]], scale: float) -> None:
        rows = max(1, BLOCK // max(1, math.prod(z.shape[1:])))
        gradient, curvature = np.empty((2, min(rows, len(z)), *z.shape[1:]), z.dtype)
        try:
            for first in range(0, len(z), rows):
                part = slice(first, first + rows)
                scores = np.ascontiguousarray(z[part])
                results = gradient[: len(scores)], curvature[: len(scores)]
                self._compute(y[part], scores, None if w is None else w[part], results)
                for to, result in zip(out, results, strict=True):
                    np.multiply(result, scale, out=to[part], casting="same_kind")
        except (ValueError, TypeError):  # a whole pass names the place as the caller counts
            self.loss(y, np.ascontiguousarray(z), w, reduction="sum")
            raise

    def start(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The raw score to start from: the constant of least loss.

        Parameters
        ----------
        y_true : array_like of shape (n_samples,)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        numpy.float64, or ndarray of shape (n_outputs,)
            Finite: for targets of one class the farthest score that has a meaning. Scores of a softmax sum to 0.
        """
        try:
            found = self.loss.optimum(y_true, sample_weight)
        except ValueError:
            if self.loss.layout != "classes" or not self.loss.takes_labels:
                raise
            # Not known for sums of such losses; the frequencies of the classes are a start, and check the labels.
            found = loss_class("cross_entropy")(from_logits=True).optimum(y_true, sample_weight)
        if self.loss.activation != "identity":
            found = np.clip(found, -FARTHEST, FARTHEST)
        if self.loss.activation == "softmax":
            found = found - np.mean(found)
        return np.float64(found) if np.ndim(found) == 0 else np.asarray(found, np.float64)

    def start_of_each(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
        """`start`, once per sample: for hosts that keep it with the data."""
        start = self.start(y_true, sample_weight)
        return np.tile(start, (len(np.asarray(y_true)), *[1] * np.ndim(start)))

    def predict(self, raw: ArrayLike) -> NDArray[Any]:
        """Raw scores of a model to the scale of the target: probabilities, means."""
        return self.loss.inverse_link(raw)


class Metric(Immutable):
    """A loss as a metric of a booster's raw scores. Each host's own metric is a subclass.

    Parameters
    ----------
    loss : Loss or str
        What is reported; it need not be what is trained on.
    activation : {"identity", "sigmoid", "softmax", "exp"}, optional
        What raw scores go through before the loss sees them. By default what the loss asks for: "sigmoid" where it
        takes a probability, "softmax" where it takes a row of them, "exp" where it takes a mean >= 0, else none.
    n_threads : int or None, default=1
        Threads of a call; None: as many as other calls of fastloss have.
    """

    host: ClassVar[str] = "the booster"
    if TYPE_CHECKING:
        loss: Loss
        activation: str
        n_threads: int | None

    def __init__(self, loss: Loss | str, activation: str | None = None, n_threads: int | None = 1) -> None:
        loss = checked(loss)
        if activation is None:
            activation = _LINKS.get(loss.prediction_domain, "identity")
        activation = choice("activation", activation, tuple(activations.FUNCTIONS))
        super().__init__(loss=loss, activation=activation, n_threads=n_threads)

    @property
    def __name__(self) -> str:
        """The name that is printed."""
        return self.loss.name

    def scores(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Raw scores on the loss's scale, C-contiguous."""
        if self.activation == "identity":
            return np.ascontiguousarray(raw)
        # In float64: a float32 probability of a sure prediction is 1, and its loss infinite.
        return activations.FUNCTIONS[self.activation](np.asarray(raw, np.float64, order="C"))

    def value(self, y: Any, raw: NDArray[Any], w: Any) -> float:
        """The weighted mean."""
        return float(self.loss(y, self.scores(raw), w, n_threads=self.n_threads))


def _units(w: Any, z: NDArray[Any]) -> Any:
    """A curvature of 1, weighted."""
    return 1 if w is None else w if z.ndim == 1 else w[:, None]


def floats(raw: Any) -> NDArray[Any]:
    """Scores as a host has them; whole numbers, which a caller of an objective may pass, as float64."""
    array = np.asarray(raw)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def arguments(y_true: Any, y_pred: Any, weight: Any, data: type[Any]) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """Targets, scores and weights: a native interface passes scores first, and the rest in a data set of its own."""
    if isinstance(y_pred, data):
        y_true, y_pred, weight = y_pred.get_label(), y_true, y_pred.get_weight()
        weight = None if weight is None or not len(weight) else weight  # XGBoost has an empty array for none
    return np.asarray(y_true), floats(y_pred), None if weight is None else np.asarray(weight)


_LINKS = {domains.PROBABILITY: "sigmoid", domains.PROBABILITY_ROWS: "softmax", domains.MEAN: "exp"}
_OTHER_INPUTS = {"embedding": "embeddings", "segmentation": "masks", "transport": "samples on a line"}  # by task


def safe_curvature(loss: Loss) -> str:
    """The kind of curvature that ``hessian="auto"`` means."""
    residual = loss.task == "regression"
    if loss.smoothness == 0:  # at a kink no parabola lies close above, and of two classes many samples lie there
        return "majorize" if residual and "majorize" in loss.hessian_kinds else "unit"
    order = ["majorize", "fisher", "floor"] if residual else ["fisher", "majorize", "floor"]
    if loss.convex and loss.smoothness >= 2:
        order.insert(1 if residual else 0, "exact")
    return next(kind for kind in order if kind in loss.hessian_kinds)


def checked(loss: Loss | str, others: Callable[[], list[str]] = list_losses) -> Loss:
    """A loss by name or as it is; of embeddings and masks there is no score per sample. An error names the others."""
    try:
        found = get_loss(loss) if isinstance(loss, str) else loss
    except ValueError as error:
        if "did you mean" in str(error):
            raise
        raise ValueError(f"there is no loss named {loss!r}: expected one of {', '.join(others())}") from None
    if not isinstance(found, Loss):
        inputs = _OTHER_INPUTS.get(getattr(found, "task", ""))
        what, which = (f", a loss of {inputs}", f": one of {', '.join(others())}") if inputs else ("", "")
        raise TypeError(f"loss is {loss!r}{what}: expected a fastloss loss of y_true and y_pred, or its name{which}")
    return found
