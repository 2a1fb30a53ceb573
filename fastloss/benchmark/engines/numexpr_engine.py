"""numexpr: the formulas as expressions, one ``evaluate`` for each result, into prepared buffers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numexpr
import numpy as np
from numpy.typing import NDArray

from fastloss.benchmark.engines.engine import Outputs, Program, Task
from fastloss.benchmark.engines.formulas import Formula, formula_of, is_constant

__all__ = ["Engine"]


class _Inlined(ast.NodeTransformer):
    """Definitions put where their names stand (numexpr has one expression and finds common parts itself), literals
    named.

    numexpr computes in float64 as soon as a Python float appears among float32 arrays; a named float32 scalar does
    not do that.
    """

    def __init__(self, definitions: dict[str, str], dtype: str) -> None:
        self.definitions = definitions
        self.real = np.dtype(dtype).type
        self.literals: dict[str, Any] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.definitions:
            replaced: ast.AST = self.visit(ast.parse(self.definitions[node.id], mode="eval").body)
            return replaced
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        name = f"c{str(node.value).replace('.', '_')}"
        self.literals[name] = self.real(node.value)
        return ast.Name(id=name, ctx=ast.Load())

    def expression(self, text: str) -> str:
        return ast.unparse(ast.fix_missing_locations(self.visit(ast.parse(text, mode="eval"))))


def _evaluation(formula: Formula, text: str, task: Task) -> Callable[[NDArray[Any] | None], Any]:
    """A function that evaluates one expression into a buffer, or to a number if the buffer is None."""
    if is_constant(text, formula):
        constant = eval(text, {}, dict(task.params))  # our own table of formulas, no input of anyone

        def fill(out: NDArray[Any] | None) -> Any:
            assert out is not None
            out.fill(constant)
            return out

        return fill
    inlined = _Inlined(dict(formula.let), task.z.dtype.name)
    expression = inlined.expression(text)
    real = task.z.dtype.type
    names = {"y": task.y, "z": task.z, "wide": np.float64(1.0), **inlined.literals}
    names |= {name: real(value) for name, value in task.params.items() if isinstance(value, float | int)}

    def evaluate(out: NDArray[Any] | None) -> Any:
        if out is None:
            # a float64 factor, because numexpr adds float32 in float32, one after the other: 1e-3 off at n = 1e6
            return numexpr.evaluate(f"sum(({expression}) * wide)", local_dict=names, global_dict={}) / task.z.size
        return numexpr.evaluate(expression, local_dict=names, global_dict={}, out=out)

    return evaluate


class Engine:
    """``numexpr.evaluate`` with ``out=``."""

    def __init__(self, threads: int) -> None:
        numexpr.set_num_threads(threads)
        self.versions = {"numexpr": numexpr.__version__}

    def program(self, task: Task) -> Program | None:
        """Everything that has a formula."""
        formula = formula_of(task.loss, task.params)
        if formula is None:
            return None
        first, *rest = (_evaluation(formula, text, task) for text in formula.expressions(task.operation))
        names: dict[str, Any] = {"first": first, "buffer": None}
        if task.operation == "value":
            return Program("first(buffer)", names, lambda value: Outputs(value=float(value)), "numexpr expression")
        g, h = np.empty_like(task.z), np.empty_like(task.z)
        names["second"] = rest[0]
        if task.operation == "value_and_gradient":
            return Program(
                "(first(buffer), second(g))",
                names | {"g": g},
                lambda result: Outputs(value=float(result[0]), gradient=g),
                "two numexpr expressions",
            )
        return Program(
            "(first(g), second(h))", names | {"g": g, "h": h}, lambda result: Outputs(gradient=g, hessian=h),
            "two numexpr expressions",
        )  # fmt: skip
