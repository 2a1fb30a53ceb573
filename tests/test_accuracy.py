"""A sample of what ``make accuracy`` measures over all float32 numbers: the vector functions and the losses."""

from __future__ import annotations

import platform
import subprocess

import pytest
from test_instructions import CC, build

from fastloss import backend

STRIDE = "20011"  # 215,000 float32 numbers

pytestmark = [
    pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="compiles for x86-64"),
    pytest.mark.skipif(CC is None, reason="no gcc"),
    pytest.mark.skipif(backend.engine is None, reason="the engine is not built"),
]


def test_losses_over_a_sample_of_float32(tmp_path):
    isa = backend.engine.isa_available[0]
    program = build(tmp_path, isa, "accuracy/losses_exhaustive.c", ["-fopenmp"])
    done = subprocess.run([program, "--stride", STRIDE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("gradient") == 14


def test_functions_over_a_sample_of_float32(tmp_path):
    objects = []
    for isa in ("v2", "v3", "v4"):
        objects.append(str(tmp_path / f"{isa}.o"))
        flags = [f"-DTABLE=vmath_{isa}", "-c"]
        build(tmp_path, f"x86-64-{isa}", "accuracy/vmath_kernels.c", flags).rename(objects[-1])
    program = build(tmp_path, "x86-64-v2", "accuracy/vmath_exhaustive.c", objects)
    done = subprocess.run([program, "all", "--stride", STRIDE, "--random", "20000"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "softplus" in done.stdout
