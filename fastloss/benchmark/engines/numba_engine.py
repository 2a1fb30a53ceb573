"""numba: the formulas in one fused loop, ``fastmath``, ``parallel`` above a size, into prepared buffers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import njit, prange

from fastloss.benchmark.engines.engine import Outputs, Program, Task
from fastloss.benchmark.engines.formulas import (
    FUNCTIONS,
    Formula,
    formula_of,
    with_literals_called,
)

__all__ = ["Engine"]

# Below, the serial loop is faster: a parallel region of numba takes some ten microseconds.
PARALLEL_FROM = 20_000


@njit(inline="always")
def _where(condition, yes, no):  # type: ignore[no-untyped-def]
    return yes if condition else no


@cache
def _loop(formula: Formula, operation: str, dtype: str, params: tuple[tuple[str, Any], ...], parallel: bool) -> Any:
    """The compiled loop over elements: sums the value (if asked for), writes the derivatives."""
    real = np.dtype(dtype).type
    expressions = list(formula.expressions(operation))

    def scalar(expression: str) -> str:
        return with_literals_called(expression, "real")

    outputs = ["g", "h"]
    body = [f"{name} = {scalar(definition)}" for name, definition in formula.lets(operation)]
    if operation.startswith("value"):
        body.append(f"total += {scalar(expressions.pop(0))}")
    body += [f"{outputs[k]}[i] = {scalar(expression)}" for k, expression in enumerate(expressions)]
    # A float64 sum: as fast as float32 where the loop vectorises, and where it does not (calls of exp) a float32 sum of
    # 1e6 terms is off by 1e-3.
    lines = ["def run(y_all, z_all, g, h):", "    total = 0.0", "    for i in prange(z_all.size):"]
    lines += ["        y = y_all[i]", "        z = z_all[i]"]
    lines += ["        " + line for line in body]
    lines += ["    return total / z_all.size"]
    scope: dict[str, Any] = {name: getattr(np, name) for name in FUNCTIONS if name not in ("abs", "where")}
    scope |= {"where": _where, "real": real, "prange": prange}
    scope |= {name: real(value) for name, value in params if isinstance(value, float | int)}
    exec("\n".join(lines), scope)  # our own table of formulas, no input of anyone
    return njit(parallel=parallel, fastmath=True)(scope["run"])


@njit(parallel=True, fastmath=True)
def _softmax_index(y, z, g, h, value, gradient, hessian):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in prange(z.shape[0]):
        top = z[i, 0]
        for k in range(1, z.shape[1]):
            top = max(top, z[i, k])
        s = z.dtype.type(0)
        for k in range(z.shape[1]):
            e = np.exp(z[i, k] - top)
            if gradient:
                g[i, k] = e
            s += e
        if value:
            total += np.log(s) + top - z[i, y[i]]
        if not gradient:
            continue
        scale = z.dtype.type(1) / s
        for k in range(z.shape[1]):
            p = g[i, k] * scale
            g[i, k] = p
            if hessian:
                h[i, k] = p * (1 - p)
        g[i, y[i]] -= 1
    return total / z.shape[0]


@njit(parallel=True, fastmath=True)
def _softmax_probability(y, z, g, h, value, gradient, hessian):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in prange(z.shape[0]):
        top = z[i, 0]
        for k in range(1, z.shape[1]):
            top = max(top, z[i, k])
        s = z.dtype.type(0)
        picked = z.dtype.type(0)
        for k in range(z.shape[1]):
            e = np.exp(z[i, k] - top)
            if gradient:
                g[i, k] = e
            s += e
            picked += y[i, k] * z[i, k]
        if value:
            total += np.log(s) + top - picked
        if not gradient:
            continue
        scale = z.dtype.type(1) / s
        for k in range(z.shape[1]):
            p = g[i, k] * scale
            g[i, k] = p - y[i, k]
            if hessian:
                h[i, k] = p * (1 - p)
    return total / z.shape[0]


class Engine:
    """``njit(fastmath=True, parallel=True)``: the loop a numba user writes."""

    def __init__(self, threads: int) -> None:
        numba.set_num_threads(threads)
        self.versions = {"numba": numba.__version__}

    def program(self, task: Task) -> Program | None:
        """Everything that has a formula, and softmax cross-entropy."""
        y, z = task.y, task.z
        g, h = np.empty_like(z), np.empty_like(z if task.operation == "gradient_and_hessian" else z[:1])
        names: dict[str, Any] = {"y": y, "z": z, "g": g, "h": h}
        read = _reader(task.operation, g, h)
        formula = formula_of(task.loss, task.params)
        if formula is not None:
            parallel = z.size >= PARALLEL_FROM
            names["run"] = _loop(formula, task.operation, z.dtype.name, tuple(task.params.items()), parallel)
            how = f"fused loop, fastmath, {'parallel' if parallel else 'serial (faster at this size)'}"
            return Program("run(y, z, g, h)", names, read, how)
        if task.is_softmax_cross_entropy:
            names["run"] = _softmax_index if task.targets == "index" else _softmax_probability
            names["value"] = task.operation != "gradient_and_hessian"
            names["gradient"] = task.operation != "value"
            names["hessian"] = task.operation == "gradient_and_hessian"
            constant = task.target_entropy
            return Program(
                "run(y, z, g, h, value, gradient, hessian)",
                names,
                lambda value: read(value + constant),
                "loop over rows, fastmath, parallel",
            )
        return None


def _reader(operation: str, g: Any, h: Any) -> Callable[[Any], Outputs]:
    return lambda value: Outputs(
        value=None if operation == "gradient_and_hessian" else float(value),
        gradient=None if operation == "value" else g,
        hessian=h if operation == "gradient_and_hessian" else None,
    )
