"""What holds for the whole process: threads, checks, and the report of what runs here."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastloss import backend, validation
from fastloss._version import __version__

_check_finite = False
_threads: int | None = None


def _threads_from_environment() -> None:
    text = os.environ.get("FASTLOSS_NUM_THREADS")
    if not text:
        return
    try:
        set_num_threads(int(text))
    except ValueError:
        most = validation.MOST_THREADS
        raise ValueError(f"FASTLOSS_NUM_THREADS={text!r}: expected a positive integer up to {most}") from None


def set_num_threads(n: int | None) -> None:
    """Set how many threads a call uses unless it says otherwise.

    Parameters
    ----------
    n : int or None
        A positive number; None goes back to the default: OMP_NUM_THREADS, or the cores in the affinity mask.
        A limit set later by threadpoolctl or ``omp_set_num_threads`` still holds.
    """
    global _threads
    count = None if n is None else validation.thread_count("n", n)
    _threads = count
    if backend.engine is not None:
        backend.engine.set_num_threads(count or 0)


def get_num_threads() -> int:
    """How many threads a call uses now, unless it says otherwise.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get_num_threads() >= 1
    True
    """
    return int(backend.engine.get_num_threads()) if backend.engine is not None else 1


def chosen_num_threads() -> int | None:
    """What `set_num_threads` or FASTLOSS_NUM_THREADS said, if they did."""
    return _threads


@contextmanager
def restored() -> Iterator[None]:
    """What is set inside holds until the end of the block."""
    checked, threads = _check_finite, _threads
    try:
        yield
    finally:
        set_check_finite(checked)
        set_num_threads(threads)


def set_check_finite(enabled: bool) -> None:
    """Whether NaN and infinity in the arguments raise. By default they propagate as in IEEE arithmetic."""
    global _check_finite
    _check_finite = bool(enabled)
    if backend.engine is not None:
        backend.engine.set_check_finite(_check_finite)


def check_finite() -> bool:
    """Whether NaN and infinity in the arguments raise."""
    return _check_finite


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Report version, compiler, instruction sets, OpenMP and threads.

    Parameters
    ----------
    mode : {"stdout", "dict"}
        Print the report, or return it.
    """
    if mode not in ("stdout", "dict"):
        raise ValueError(f"mode={mode!r}: expected 'stdout' or 'dict'")
    config: dict[str, Any] = {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "backend": backend.NAME,
    }
    if backend.engine is not None:
        info = backend.engine.build_info()
        openmp = f"{info['openmp']} ({info['openmp_library']})" if info["openmp"] else "none: one thread only"
        config |= {
            "compiler": info["compiler"],
            "isa_built": ", ".join(info["isa_built"]),
            "isa_available": ", ".join(info["isa_available"]),
            "isa_in_use": info["isa_in_use"],
            "openmp": openmp,
            "cache": f"{info['cache_bytes'] / 2**20:.0f} MiB last-level",
        }
    config["threads"] = get_num_threads()
    if mode == "dict":
        return config
    width = max(map(len, config))
    for key, value in config.items():
        print(f"{key:<{width}}  {value}")
    return None


_threads_from_environment()
