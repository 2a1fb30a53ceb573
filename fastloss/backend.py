"""Which implementation runs: the compiled engine, or the NumPy references."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from fastloss.loss import Loss

Method = TypeVar("Method", bound=Callable[..., Any])

_wanted = os.environ.get("FASTLOSS_BACKEND", "").lower()
if _wanted not in ("", "numpy", "compiled"):
    raise ValueError(f"FASTLOSS_BACKEND={_wanted!r}: expected 'numpy' or 'compiled'")

engine: Any
try:
    if _wanted == "numpy":
        engine = None
    else:
        import fastloss._engine as engine
except ImportError as error:
    engine = None
    warnings.warn(
        f"fastloss runs on its slow NumPy references: the compiled engine is not available ({error}). "
        "Install a C compiler and reinstall fastloss, or set FASTLOSS_BACKEND=numpy to silence this.",
        RuntimeWarning,
        stacklevel=2,
    )

NAME = "numpy" if engine is None else "compiled"


def make_runner(loss: Loss) -> Any:
    """What runs this loss."""
    if engine is None:
        from fastloss.reference import Runner

        return Runner(loss)
    return engine.Runner(loss)


def compiled(method: Method) -> Method:
    """The engine's form of a method, which spares a small call the frame of this one; without an engine, this one."""
    if engine is None:
        return method
    form: Any = engine.methods[method.__name__]
    functools.update_wrapper(form, method)
    return cast("Method", form)
