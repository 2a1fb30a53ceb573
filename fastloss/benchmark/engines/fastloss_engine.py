"""fastloss through its public API, with ``out=``."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastloss as fl
from fastloss.benchmark.engines.engine import ArraysTask, Outputs, Program, Task

__all__ = ["Engine"]


class Engine:
    """The library itself."""

    def __init__(self, threads: int) -> None:
        self.versions = {"fastloss": fl.__version__}
        fl.set_num_threads(threads)

    def program(self, task: Task) -> Program | None:
        """Every loss, every operation."""
        loss = fl.get_loss(task.loss, **task.given)
        samples = len(task.z)
        names: dict[str, Any] = {"loss": loss, "y": task.y, "z": task.z}
        if task.operation == "value":
            return Program("loss(y, z)", names, lambda value: Outputs(value=value))
        g = np.empty_like(task.z)
        if task.operation == "value_and_gradient":
            return Program(
                "loss.value_and_gradient(y, z, out=g)",
                names | {"g": g},
                lambda result: Outputs(value=result[0], gradient=result[1] * float(samples)),
            )
        return Program(
            "loss.gradient_and_hessian(y, z, out=gh)",
            names | {"gh": (g, np.empty_like(task.z))},
            lambda result: Outputs(gradient=result[0] * float(samples), hessian=result[1] * float(samples)),
        )

    def program_of_arrays(self, task: ArraysTask) -> Program | None:
        """Every loss: the value, or the value and all gradients."""
        loss: Any = fl.get_loss(task.loss, **task.given)
        names: dict[str, Any] = {"loss": loss, **task.arrays}
        if task.operation == "value":
            return Program(f"loss({task.call})", names, lambda value: Outputs(value=value))
        out = tuple(np.empty_like(task.arrays[name]) for name in task.gradients)
        several = hasattr(loss, "value_and_gradients")
        names["out"] = out if several else out[0]
        return Program(
            f"loss.value_and_gradient{'s' * several}({task.call}, out=out)",
            names,
            lambda result: Outputs(value=result[0], gradient=tuple(g * float(task.terms) for g in out)),
        )
