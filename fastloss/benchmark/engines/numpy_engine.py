"""NumPy: the formulas as array expressions; for a loss without one, its reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl
from fastloss.benchmark.engines.engine import Outputs, Program, Task
from fastloss.benchmark.engines.formulas import FUNCTIONS, formula_of, python_function

__all__ = ["Engine", "outputs_of"]


def outputs_of(operation: str, result: Any) -> Outputs:
    """Outputs of an engine whose gradient and Hessian are per element and not divided by n."""
    if operation == "value":
        return Outputs(value=float(result))
    if operation == "value_and_gradient":
        return Outputs(value=float(result[0]), gradient=np.asarray(result[1]))
    return Outputs(gradient=np.asarray(result[0]), hessian=np.asarray(result[1]))


class Engine:
    """What a NumPy user writes; one thread, as NumPy has it."""

    def __init__(self, threads: int) -> None:
        self.versions = {"numpy": np.__version__}

    def program(self, task: Task) -> Program | None:
        """Every loss: by formula, by the softmax below, or by its reference."""
        names: dict[str, Any] = {"y": task.y, "z": task.z}
        read = lambda result: outputs_of(task.operation, result)  # noqa: E731
        formula = formula_of(task.loss, task.params)
        if formula is not None:
            namespace: dict[str, Any] = {name: getattr(np, name) for name in FUNCTIONS}
            namespace |= {"mean": np.mean, "full": np.full_like}
            run = python_function(formula, task.operation, namespace, task.params)
            return Program("run(y, z)", names | {"run": run}, read, "NumPy expressions")
        if task.is_softmax_cross_entropy:
            constant = task.target_entropy
            names |= {"softmax_cross_entropy": softmax_cross_entropy, "constant": constant}
            return Program(
                f"softmax_cross_entropy(y, z, constant, {task.operation!r})", names, read, "NumPy, as written"
            )
        loss = fl.get_loss(task.loss, **task.given)
        return Program(
            "loss.reference(y, z)", names | {"loss": loss}, lambda result: _of_reference(task.operation, result),
            "the loss's reference, which computes value, gradient and Hessian at once",
        )  # fmt: skip


def _of_reference(operation: str, result: Any) -> Outputs:
    value, gradient, hessian = result
    if operation == "value":
        return Outputs(value=float(np.mean(value)))
    if operation == "value_and_gradient":
        return Outputs(value=float(np.mean(value)), gradient=gradient)
    return Outputs(gradient=gradient, hessian=hessian)


def softmax_cross_entropy(y: NDArray[Any], z: NDArray[Any], constant: float, operation: str) -> Any:
    """Softmax cross-entropy with targets as indices or as probabilities, the usual way."""
    shifted = z - z.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    rows = np.arange(len(z))
    value = 0.0
    if operation != "gradient_and_hessian":
        log_total = np.log(total)[:, 0]
        picked = shifted[rows, y] if y.ndim == 1 else (y * shifted).sum(axis=1)
        value = np.mean(log_total - picked) + constant
        if operation == "value":
            return value
    p /= total
    if operation == "gradient_and_hessian":
        hessian = p * (1.0 - p)
    if y.ndim == 1:
        p[rows, y] -= 1.0
    else:
        p -= y
    return (value, p) if operation == "value_and_gradient" else (p, hessian)
