"""The programs in bench/, which nothing else runs: that they begin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.parametrize("program", ["adapters", "advisor", "estimators"])
def test_says_what_it_takes(program):
    done = subprocess.run([sys.executable, str(BENCH / f"{program}.py"), "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--" in done.stdout
