"""The machine and the libraries a run was made with: a time without them means nothing."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path
from typing import Any

import fastloss as fl
from fastloss.benchmark.memory import last_level_cache

__all__ = ["busy", "describe", "processors"]


def processors() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy() -> str | None:
    """A warning if other programs use the processors, which no median makes good."""
    if not hasattr(os, "getloadavg"):
        return None
    load = os.getloadavg()[0]
    if load < 0.5 * processors():
        return None
    return f"the machine is busy (load {load:.1f} on {processors()} processors): times will be long and ratios unsure"


def describe() -> dict[str, Any]:
    """Machine, system and build, ready for JSON."""
    return {
        "cpu": _cpu_name(),
        "processors": processors(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "last_level_cache_bytes": last_level_cache(),
        "system": platform.platform(terse=True),
        "architecture": platform.machine(),
        "python": sys.version.split()[0],
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "fastloss": _build(),
    }


def _build() -> dict[str, Any]:
    config = fl.show_config(mode="dict") or {}
    return {
        name: value if isinstance(value, str | int | float | bool | None) else str(value)
        for name, value in config.items()
    }


def _cpu_name() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "avx512f" in facts.get("flags", ""):
        return f"{name} (AVX-512)"
    return f"{name} (AVX2)" if "avx2" in facts.get("flags", "") else name
