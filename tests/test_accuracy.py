"""A sample of what ``make accuracy`` measures over all float32 numbers: the vector functions and the losses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import programs
import pytest

STRIDE = "20011"  # 215,000 float32 numbers

pytestmark = pytest.mark.skipif(bool(programs.missing()), reason=programs.missing())


def run(program, *arguments):
    done = subprocess.run([program, *arguments, "--stride", STRIDE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("source", ["accuracy/losses_exhaustive.c", "instructions/count.c"])
def test_programs_of_the_long_tests_are_c(source):
    programs.build(Path("/dev/null"), source, "-fopenmp", "-fsyntax-only")


@pytest.mark.long  # to compile it takes a minute and a half
def test_losses_over_a_sample_of_float32(tmp_path):
    assert run(programs.build_losses(tmp_path)).count("gradient") == 19


def test_functions_over_a_sample_of_float32(tmp_path):
    assert "softplus" in run(programs.build_functions(tmp_path), "all", "--random", "20000")
