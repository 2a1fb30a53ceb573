"""Weighted sums of losses: a loss again."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import domains, validation
from fastloss.loss import Loss
from fastloss.operations import SHARES
from fastloss.parameters import real


class WeightedSum(Loss):
    """sum_i factor_i loss_i: what ``0.7 * Huber() + 0.3 * LogCosh()`` makes.

    Value, gradient and Hessian are the sums of the parts'. All parts must take the same targets and predictions: the
    same kind, labels or rows, and the same activation.

    Parameters
    ----------
    losses : sequence of Loss
        The parts.
    factors : sequence of float
        Their non-negative factors.

    Examples
    --------
    >>> import fastloss as fl
    >>> loss = 0.5 * fl.SquaredError() + 0.5 * fl.AbsoluteError()
    >>> loss([0.0], [2.0])
    3.0
    """

    name = "weighted_sum"
    losses: tuple[Loss, ...]
    factors: tuple[float, ...]

    def __init__(self, losses: Any, factors: Any) -> None:
        losses, factors = tuple(losses), tuple(real(f"factors[{i}]", f, 0.0) for i, f in enumerate(factors))
        if len(losses) != len(factors) or not losses:
            raise ValueError(f"{len(losses)} losses and {len(factors)} factors: give one factor per loss, at least one")
        for loss in losses:
            if not isinstance(loss, Loss):
                raise TypeError(f"losses holds {loss!r}: expected losses")
            if _reading(loss) != _reading(losses[0]):
                raise ValueError(
                    f"{losses[0]!r} and {loss!r} cannot be added: one reads y_true and y_pred as "
                    f"{', '.join(_reading(losses[0]))}, the other as {', '.join(_reading(loss))}"
                )
        terms = [(f * factor, part) for f, loss in zip(factors, losses, strict=True) for factor, part in loss._terms()]
        super().__init__(losses=tuple(part for _, part in terms), factors=tuple(factor for factor, _ in terms))

    def _make_runner(self) -> Any:
        return _Runner(self)

    def _terms(self) -> tuple[tuple[float, Loss], ...]:
        return tuple(zip(self.factors, self.losses, strict=True))

    @property
    def layout(self) -> str:  # type: ignore[override]
        """That of the parts."""
        return self.losses[0].layout

    @property
    def outputs(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the parts."""
        return self.losses[0].outputs

    @property
    def task(self) -> str:  # type: ignore[override]
        """That of the parts."""
        return self.losses[0].task

    @property
    def takes_labels(self) -> bool:  # type: ignore[override]
        """That of the parts."""
        return self.losses[0].takes_labels

    @property
    def takes_rows(self) -> bool:  # type: ignore[override]
        """Whether all parts do: each part's runner tells rows from labels."""
        return all(loss.takes_rows for loss in self.losses)

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """Whether all parts are convex."""
        return all(loss.convex for loss in self.losses)

    @property
    def smoothness(self) -> int:  # type: ignore[override]
        """That of the least smooth part."""
        return min(loss.smoothness for loss in self.losses)

    @property
    def additive(self) -> bool:  # type: ignore[override]
        """Whether all parts are."""
        return all(loss.additive for loss in self.losses)

    @property
    def activation(self) -> str:
        """That of the parts."""
        return self.losses[0].activation

    @property
    def target_domain(self) -> domains.Domain:
        """That of the parts, which check it."""
        return self.losses[0].target_domain

    @property
    def prediction_domain(self) -> domains.Domain:
        """The narrowest of the parts'."""
        return next(
            (loss.prediction_domain for loss in self.losses if loss.prediction_domain.code is not None), domains.ANY
        )

    @property
    def curvature(self) -> str | None:
        """That of the parts, where it is the same."""
        kinds = {loss.curvature for loss in self.losses}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def piecewise_linear(self) -> bool:
        """Whether all parts are."""
        return all(loss.piecewise_linear for loss in self.losses)

    @property
    def hessian_kinds(self) -> tuple[str, ...]:
        """The kinds that all parts have."""
        common = [kind for kind in self.losses[0].hessian_kinds if all(kind in x.hessian_kinds for x in self.losses)]
        return tuple(kind for kind in common if kind != "fisher")

    def __repr__(self) -> str:
        return " + ".join(f"{factor!r} * {loss!r}" for factor, loss in self._terms())

    def reference(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """The sum of the parts' references."""
        total: Any = None
        for factor, loss in self._terms():
            part = [y_pred.dtype.type(factor) * x for x in loss.reference(y_true, y_pred)]
            total = part if total is None else [a + b for a, b in zip(total, part, strict=True)]
        return tuple(total)

    def kinks(self, y_true: Any) -> tuple[Any, Any, Any]:
        """Those of all parts."""
        parts = [(factor, *loss.kinks(y_true)) for factor, loss in self._terms()]
        rises = [np.broadcast_to(factor * rise, where.shape) for factor, _, where, rise in parts]
        slope = sum(factor * slope for factor, slope, _, _ in parts)
        return slope, np.concatenate([where for _, _, where, _ in parts]), np.concatenate(rises)


class _Runner:
    """Runs each part and adds the results. The parts' own runners check the arguments."""

    def __init__(self, loss: WeightedSum) -> None:
        self.loss = loss

    def run(
        self,
        operation: int,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any,
        reduction: str,
        out: Any,
        n_threads: Any,
        floor: float = -np.inf,
        converted: bool = False,
        vector: Any = None,
    ) -> Any:
        outs: tuple[Any, ...] = ()
        if out is not None:
            given = validation.as_array("y_pred", y_pred)
            inputs = tuple(None if x is None else np.asarray(x) for x in (y_true, sample_weight))
            outs = validation._outs(operation, out, given, validation.result_dtype(given), inputs) or ()
        total: list[Any] | None = None
        many = True
        for factor, loss in self.loss._terms():
            result = loss._runner.run(
                operation, y_true, y_pred, sample_weight, reduction, None, n_threads, floor, False, vector
            )
            many = isinstance(result, tuple)
            parts = [factor * part for part in result] if many else [factor * result]
            total = parts if total is None else [a + b for a, b in zip(total, parts, strict=True)]
            if operation == SHARES:  # all have the same probabilities
                total[1] = result[1]
            total = [np.asarray(x) if isinstance(x, np.generic) else x for x in total]  # of 0-d arrays
        assert total is not None
        if out is not None:
            for buffer, array in zip(outs, total[-len(outs) :], strict=True):
                buffer[...] = array
            total[-len(outs) :] = outs
        return tuple(total) if many else total[0]


_SCALES = (domains.PROBABILITY, domains.PROBABILITY_ROWS, domains.LOG_PROBABILITY)


def _reading(loss: Loss) -> tuple[str, ...]:
    """How a loss reads its arguments: what two losses must share to be added."""
    target = "class indices" if loss.takes_labels else "rows over classes" if loss.layout == "classes" else "numbers"
    if loss.layout == "outputs":
        return target, f"rows of {' and '.join(loss.outputs)}"
    probabilities = loss.prediction_domain in _SCALES
    scale = loss.prediction_domain.expected if probabilities else f"a score with activation {loss.activation!r}"
    return target, scale


def scaled(loss: Loss, factor: float) -> WeightedSum:
    """factor * loss."""
    number = real("factor", factor, 0.0)
    return WeightedSum([loss], [number])


def added(a: Loss, b: Any) -> WeightedSum:
    """a + b."""
    if not isinstance(b, Loss):
        return NotImplemented  # type: ignore[no-any-return]
    return WeightedSum([a, b], [1.0, 1.0])
