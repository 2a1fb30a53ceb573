"""The limit that memory sets: bandwidth of a triad, measured in the same run as the losses."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

__all__ = ["bandwidth", "last_level_cache", "out_of_cache_size"]

REPEATS = 3  # the best of: interruptions only ever make a bandwidth smaller


def last_level_cache() -> int:
    """Bytes of the last-level cache that this processor sees; 32 MiB if the system does not say."""
    sizes: list[int] = []
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            if (index / "type").read_text().strip() != "Instruction":
                sizes.append(_bytes((index / "size").read_text().strip()))
        except (OSError, ValueError):
            continue
    for name in ("SC_LEVEL4_CACHE_SIZE", "SC_LEVEL3_CACHE_SIZE") if not sizes else ():
        try:
            sizes.append(os.sysconf(name))
        except (OSError, ValueError, AttributeError):
            continue
    largest: int = max(sizes, default=0)
    return largest or 32 << 20


def _bytes(text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def out_of_cache_size(cache: int, itemsize: int = 4) -> int:
    """A round number of elements at which y, z and g take at least four times the last-level cache, at most 2e8."""
    needed = 4 * cache / (3 * itemsize)
    for exponent in range(6, 9):
        for digit in (1, 2, 5):
            size: int = digit * 10**exponent
            if size >= needed:
                return min(size, 200_000_000)
    return 200_000_000


def bandwidth(nbytes: int, threads: int) -> tuple[float, str]:
    """Memory bandwidth in GB/s of two streams read and one written past the caches, `nbytes` in all.

    Returns
    -------
    rate : float
        GB/s.
    how : str
        What was measured: the extension's streaming-store triad, or a copy by NumPy where there is no extension.
    """
    try:
        from fastloss import _engine

        triad = _engine.triad_bandwidth
    except (ImportError, AttributeError):
        return _copy_bandwidth(nbytes), "copy by NumPy, one thread (no extension with a triad)"
    return max(float(triad(nbytes, threads)) for _ in range(REPEATS)), "streaming-store triad"


def _copy_bandwidth(nbytes: int) -> float:
    """Copy one half to the other: reads and writes counted, the write-allocate not."""
    source = np.ones(max(1, nbytes // 16))
    target = np.empty_like(source)
    np.copyto(target, source)
    best = 0.0
    for _ in range(REPEATS):
        start = time.perf_counter()
        np.copyto(target, source)
        best = max(best, 2 * source.nbytes / (time.perf_counter() - start) / 1e9)
    return best
