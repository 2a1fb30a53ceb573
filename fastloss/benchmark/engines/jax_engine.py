"""jax.jit on the CPU: one fused computation, waited for with ``block_until_ready``.

For pointwise losses the formulas with the gradient written out: 0.69 ns an element for binary cross-entropy at n = 1e6
beside 0.83 for ``jax.value_and_grad`` of the same value (and 3.4 through ``jax.nn.log_sigmoid``).
XLA takes the number of threads from the processors it may run on, to which the worker is bound, and from NPROC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fastloss.benchmark.engines.engine import Outputs, Program, Task
from fastloss.benchmark.engines.formulas import FUNCTIONS, formula_of, python_function
from fastloss.benchmark.engines.numpy_engine import outputs_of

__all__ = ["Engine"]

NAMESPACE: dict[str, Any] = {name: getattr(jnp, name) for name in FUNCTIONS}
NAMESPACE |= {"mean": jnp.mean, "full": jnp.full_like}


def _softmax_value(y: jax.Array, z: jax.Array, constant: float) -> jax.Array:
    """Softmax cross-entropy as optax writes it, mean over rows."""
    if y.ndim == 1:
        picked = jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(z, axis=1) - picked).mean() + constant
    return -(y * jax.nn.log_softmax(z, axis=1)).sum(axis=1).mean() + constant


def _softmax_derivatives(y: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    p = jax.nn.softmax(z, axis=1)
    return p - (jax.nn.one_hot(y, z.shape[1], dtype=z.dtype) if y.ndim == 1 else y), p * (1 - p)


class Engine:
    """``jax.jit``, float64 enabled."""

    def __init__(self, threads: int) -> None:
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
        self.versions = {"jax": jax.__version__}

    def program(self, task: Task) -> Program | None:
        """Everything that has a formula, and softmax cross-entropy."""
        samples = float(len(task.z))
        names: dict[str, Any] = {"y": jnp.asarray(task.y), "z": jnp.asarray(task.z), "block": jax.block_until_ready}
        formula = formula_of(task.loss, task.params)
        run: Callable[..., Any]
        if formula is not None:
            run = python_function(formula, task.operation, NAMESPACE, task.params)
            how = "formula, jit"
        elif not task.is_softmax_cross_entropy:
            return None
        elif task.operation == "gradient_and_hessian":
            run, how = _softmax_derivatives, "softmax, jit"
        else:
            constant = task.target_entropy
            how = "logsumexp or log_softmax, jit"

            def run(y: jax.Array, z: jax.Array) -> jax.Array:
                return _softmax_value(y, z, constant)

            if task.operation == "value_and_gradient":
                names["f"] = jax.jit(jax.value_and_grad(run, argnums=1))
                return Program(
                    "block(f(y, z))",
                    names,
                    lambda result: Outputs(value=float(result[0]), gradient=result[1] * samples),
                    how + " of value_and_grad",
                )
        names["f"] = jax.jit(run)
        return Program("block(f(y, z))", names, lambda result: outputs_of(task.operation, result), how)
