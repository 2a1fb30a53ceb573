"""torch.compile: value, gradient and Hessian in one compiled graph per shape.

For pointwise losses the formulas, gradient written out: 10 % faster at n = 1e6 than compiling
``torch.func.grad_and_value`` of torch's own function (binary cross-entropy 0.64 against 0.70 ns), 20 % faster than
compiling the forward pass and going through autograd.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import torch

from fastloss.benchmark.engines.engine import Outputs, Program, Task
from fastloss.benchmark.engines.formulas import formula_of, python_function
from fastloss.benchmark.engines.numpy_engine import outputs_of
from fastloss.benchmark.engines.torch_engine import NAMESPACE, softmax_gradient_and_hessian, value_function

__all__ = ["Engine"]


class Engine:
    """Compiled with ``dynamic=False``: one kernel for each shape, as specialised as it gets."""

    def __init__(self, threads: int) -> None:
        if not any(shutil.which(compiler) for compiler in ("g++", "clang++", "c++")):
            raise ImportError("torch.compile needs a C++ compiler (g++ or clang++)")
        torch.set_num_threads(threads)
        self.versions = {"torch": torch.__version__}

    def program(self, task: Task) -> Program | None:
        """Everything that has a formula; softmax cross-entropy through ``torch.func``."""
        torch._dynamo.reset()  # the previous row's shapes are of no use, and eight of them stop the compiler
        names: dict[str, Any] = {"y": torch.from_numpy(task.y), "z": torch.from_numpy(task.z)}
        samples = float(len(task.z))
        run: Callable[..., Any]
        formula = formula_of(task.loss, task.params)
        if formula is not None:
            run = python_function(formula, task.operation, NAMESPACE, task.params)
            names["f"] = torch.compile(run, dynamic=False)
            return Program("f(y, z)", names, lambda result: outputs_of(task.operation, result), "formula, compiled")
        value = value_function(task)
        if value is None:
            return None
        if task.operation == "value":
            names["f"] = torch.compile(value, dynamic=False)
            return Program("f(y, z)", names, lambda v: Outputs(value=v.item()), "torch function, compiled")
        if task.operation == "gradient_and_hessian":
            if not task.is_softmax_cross_entropy:
                return None
            names["f"] = torch.compile(softmax_gradient_and_hessian, dynamic=False)
            return Program("f(y, z)", names, lambda result: outputs_of(task.operation, result), "softmax, compiled")
        names["f"] = torch.compile(torch.func.grad_and_value(value, argnums=1), dynamic=False)
        return Program(
            "f(y, z)",
            names,
            lambda result: Outputs(value=result[1].item(), gradient=(result[0] * samples).numpy()),
            "torch.func.grad_and_value, compiled",
        )
