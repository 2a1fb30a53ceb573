"""Instructions per element of a dozen kernels against those that were: timings cannot be asserted, counts can.

Counted by callgrind. ``python tests/data/make_instructions.py`` writes the baseline.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import programs
import pytest

from fastloss.operations import EXACT, VALUE, VALUE_GRADIENT

BASELINE = Path(__file__).parent / "data" / "instructions.json"

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
COUNTED = "x86-64-v3"  # the best that valgrind knows

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(programs.missing()), reason=programs.missing()),
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed"),
]


def compiler() -> str:
    """The version that the counts depend on."""
    assert programs.CC is not None
    return subprocess.run([programs.CC, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


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
    return programs.build_counter(tmp_path_factory.mktemp("count"), COUNTED)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_no_more_instructions_than_before(case, program):
    baseline = json.loads(BASELINE.read_text())
    if baseline["gcc"] != compiler():
        pytest.skip(f"the baseline was counted with gcc {baseline['gcc']}, this is {compiler()}")
    before, now = baseline["instructions per element"][name(case)], count(program, case)
    told = f"{now:.3f} instructions per element, {before:.3f} before. If meant: run tests/data/make_instructions.py"
    assert before / TOLERANCE <= now <= TOLERANCE * before, told
