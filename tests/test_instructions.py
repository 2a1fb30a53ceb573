"""Instructions per element of a dozen kernels against those that were: timings cannot be asserted, counts can.

Counted by callgrind on x86-64-v3, which valgrind knows. ``python tests/data/make_instructions.py`` writes the baseline.
"""

from __future__ import annotations

import ast
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from fastloss.operations import EXACT, VALUE, VALUE_GRADIENT

HERE = Path(__file__).parent
ROOT = HERE.parent
BASELINE = HERE / "data" / "instructions.json"
CC = shutil.which("gcc")

POINTWISE = (
    "squared_error",
    "absolute_error",
    "huber",
    "smooth_l1",
    "quantile",
    "log_cosh",
    "poisson_log",
    "gamma_log",
    "bce_logits",
    "focal_logits_2",
    "hinge",
)
CASES = [
    *((kernel, VALUE_GRADIENT, bits, 0) for kernel in POINTWISE for bits in (32, 64)),
    *((kernel, operation, 32, 0) for kernel in ("huber", "bce_logits") for operation in (VALUE, EXACT)),
    *(("ce_index_logits", VALUE_GRADIENT, bits, classes) for bits in (32, 64) for classes in (3, 10, 1000)),
    *(("ce_dense_logits", VALUE_GRADIENT, 32, classes) for classes in (10, 1000)),
]
TOLERANCE = 1.02

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="counts x86-64 instructions"),
    pytest.mark.skipif(CC is None, reason="no gcc"),
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed"),
]


def compiler() -> str:
    """The version that the counts depend on."""
    assert CC is not None
    return subprocess.run([CC, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


def build(folder: Path, isa: str = "x86-64-v3", source: str = "instructions/count.c", more: Sequence[str] = ()) -> Path:
    """A program of the tests that includes the kernels, with the flags of setup.py; without more: the counting one."""
    assert CC is not None
    flags = re.search(r"^FLAGS = (\[.*?\])", (ROOT / "setup.py").read_text(), re.MULTILINE | re.DOTALL)
    assert flags
    program = folder / Path(source).stem
    command = [CC, *ast.literal_eval(flags[1]), f"-march={isa}", *more, f"-I{ROOT / 'src_c'}", str(HERE / source)]
    subprocess.run([*command, "-o", str(program), "-lm"], check=True)
    return program


def count(program: Path, case: tuple[str, int, int, int]) -> float:
    """Instructions per element."""
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=measure", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*command, str(program), *map(str, case)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert done.returncode == 0, done.stderr
    assert found, done.stderr
    return int(found[1]) / int(done.stdout)


def name(case: tuple[str, int, int, int]) -> str:
    """As the baseline has it."""
    kernel, operation, bits, classes = case
    words = {VALUE: "value", VALUE_GRADIENT: "value_gradient", EXACT: "exact"}
    return f"{kernel} {words[operation]} float{bits}" + (f" K={classes}" if classes else "")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once."""
    return build(tmp_path_factory.mktemp("count"))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_no_more_instructions_than_before(case, program):
    baseline = json.loads(BASELINE.read_text())
    if baseline["gcc"] != compiler():
        pytest.skip(f"the baseline was counted with gcc {baseline['gcc']}, this is {compiler()}")
    before, now = baseline["instructions per element"][name(case)], count(program, case)
    told = f"{now:.3f} instructions per element, {before:.3f} before. If meant: run tests/data/make_instructions.py"
    assert before / TOLERANCE <= now <= TOLERANCE * before, told
