"""scikit-learn's private C losses (``sklearn._loss``), called below its Python layer, into prepared buffers.

They return one value per sample and gradients of the sum; the mean of the values is part of what is timed, since it is
part of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn._loss import _loss

from fastloss.benchmark.engines.engine import Outputs, Program, Task

__all__ = ["Engine"]

# loss -> (class, its parameters, factor to ours, Hessian is a surrogate)
LOSSES: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]], float, bool]] = {
    "squared_error": ("CyHalfSquaredError", lambda p: {}, 2.0, False),
    "half_squared_error": ("CyHalfSquaredError", lambda p: {}, 1.0, False),
    "absolute_error": ("CyAbsoluteError", lambda p: {}, 1.0, True),
    "huber": ("CyHuberLoss", lambda p: {"delta": p["delta"]}, 1.0, False),
    "quantile": ("CyPinballLoss", lambda p: {"quantile": p["quantile"]}, 1.0, True),
    "poisson": ("CyHalfPoissonLoss", lambda p: {}, 1.0, False),
    "gamma": ("CyHalfGammaLoss", lambda p: {}, 1.0, False),
    "inverse_gaussian": ("CyHalfTweedieLoss", lambda p: {"power": 3.0}, 1.0, False),
    "tweedie": ("CyHalfTweedieLoss", lambda p: {"power": p["power"]}, 1.0, False),
    "binary_cross_entropy": ("CyHalfBinomialLoss", lambda p: {}, 1.0, False),
    "soft_margin": ("CyHalfBinomialLoss", lambda p: {}, 1.0, False),  # of labels 0 and 1
    "exponential": ("CyExponentialLoss", lambda p: {}, 1.0, False),
    "gan_discriminator": ("CyHalfBinomialLoss", lambda p: {}, 1.0, False),
    "gan_generator": ("CyHalfBinomialLoss", lambda p: {}, 1.0, False),
}
# Options of ours under which theirs is the same loss.
SAME = {
    "pos_weight": 1.0, "label_smoothing": 0.0, "from_logits": True, "link": "log", "full": False,
    "kind": "non_saturating",
}  # fmt: skip
# Below, a parallel region costs more than it saves; scikit-learn leaves the choice to the caller.
PARALLEL_FROM = 5_000


class Engine:
    """The C losses with ``n_threads`` and ``*_out`` buffers: their best form."""

    def __init__(self, threads: int) -> None:
        self.versions = {"scikit-learn": sklearn.__version__}
        self.threads = threads

    def program(self, task: Task) -> Program | None:
        """Losses that scikit-learn has, with the parameters it knows."""
        y, z = task.y, task.z
        if any(task.params.get(name, value) != value for name, value in SAME.items()):
            return None
        if task.is_softmax_cross_entropy and task.targets == "index":
            closs, factor, surrogate = _loss.CyHalfMultinomialLoss(), 1.0, False
            y = y.astype(z.dtype)  # labels are floats there
        elif task.loss in LOSSES:
            name, parameters, factor, surrogate = LOSSES[task.loss]
            if not hasattr(_loss, name):
                return None
            closs = getattr(_loss, name)(**parameters(task.params))
        else:
            return None
        threads = self.threads if z.size >= PARALLEL_FROM else 1
        names: dict[str, Any] = {"closs": closs, "y": y, "z": z, "w": None, "t": threads}
        v, g, h = np.empty(len(z), z.dtype), np.empty_like(z), np.empty_like(z)
        how = f"sklearn._loss.{type(closs).__name__}, buffers prepared"
        if task.operation == "value":
            return Program(
                "(closs.loss(y, z, w, v, t), v.mean())",
                names | {"v": v},
                lambda result: Outputs(value=float(result[1]) * factor),
                how,
            )
        if task.operation == "value_and_gradient":
            return Program(
                "(closs.loss_gradient(y, z, w, v, g, t), v.mean())",
                names | {"v": v, "g": g},
                lambda result: Outputs(value=float(result[1]) * factor, gradient=g * factor),
                how,
            )
        return Program(
            "closs.gradient_hessian(y, z, w, g, h, t)",
            names | {"g": g, "h": h},
            lambda result: Outputs(gradient=g * factor, hessian=h * factor),
            how + (", Hessian is a surrogate" if surrogate else ""),
            skip=("hessian",) if surrogate else (),
        )
