"""Type checkers see every loss, with its parameters; what is generated is up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import fastloss as fl
from fastloss import registry

ROOT = Path(__file__).resolve().parents[1]

RIGHT = """
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

y = np.zeros(3)
loss: fl.Loss = fl.Huber(delta=1.5)
value, gradient = loss.value_and_gradient(y, y, reduction="sum", out=np.empty(3))
g: NDArray[Any] = gradient
g, h = loss.gradient_and_hessian(y, y, hessian="majorize")
both: fl.WeightedSum = 0.7 * fl.Huber() + 0.3 * fl.LogCosh()
a: fl.Accumulator = both.accumulator()
mean: float = a.value()
print(fl.huber(y, y, delta=2.0), fl.mse(y, y), fl.list_losses(task="binary"), fl.get_loss("huber", delta=1))
penalised: float = fl.ElasticNet(alpha=0.1, l1_ratio=0.9)(y)
w: NDArray[Any] = fl.L1(0.1).prox(y, step=0.5, out=y)
uw = fl.UncertaintyWeighting({"a": fl.Huber(), "b": fl.Hinge()})
total, gradients, slopes = uw.value_and_gradient({"a": y, "b": y}, {"a": y, "b": y}, {"a": 0.0, "b": 0.0})
weights: dict[str, float] = fl.DynamicWeightAverage({"a": fl.Huber()}, temperature=1.0).weights([{"a": 1.0}])
print(fl.sparse_categorical_cross_entropy([0], [[0.0, 1.0]], from_logits=True, ignore_index=-1))
"""

# Each line is one mistake, with a piece of what mypy must say about it.
WRONG = {
    "fl.Huber(dleta=1.5)": '"dleta"',
    "fl.Huber(delta='big')": 'incompatible type "str"',
    "fl.huber([1.0], [1.0], 1.5, 2.0)": "Too many positional arguments",
    "fl.huber([1.0], [1.0], beta=1.5)": '"beta"',
    "fl.Huber()([1.0], [1.0], reduction='avg')": "Literal",
    "fl.Huber().gradient_and_hessian([1.0], [1.0], hessian='approximate')": "Literal",
    "fl.hubert([1.0], [1.0])": '"hubert"',
    "fl.L1(ratio=0.5)": '"ratio"',
    "fl.L2().prox([1.0], step='big')": 'incompatible type "str"',
    "fl.UncertaintyWeighting({'a': 'huber'})": 'incompatible type "str"',
    "fl.Huber() + 1": "Unsupported operand",
}


def _mypy(program: Path) -> str:
    mypy = pytest.importorskip("mypy.api", reason="mypy is not installed")
    out, err, _ = mypy.run(["--strict", "--no-incremental", "--config-file=", "--no-error-summary", str(program)])
    assert not err, err
    return str(out)


@pytest.mark.parametrize("tool", ["make_stubs.py", "make_catalogue.py"])
def test_up_to_date(tool):
    done = subprocess.run([sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_every_loss():
    text = (ROOT / "fastloss" / "__init__.pyi").read_text()
    for name in (name for task in (*registry.TASKS, *registry.OTHER_TASKS) for name in fl.list_losses(task)):
        assert f"def {name}(" in text
        assert f"import {registry.loss_class(name).__name__} as " in text


def test_mypy_accepts_a_right_program(tmp_path, monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    program = tmp_path / "right.py"
    program.write_text(RIGHT)
    assert not _mypy(program)


def test_mypy_rejects_wrong_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    program = tmp_path / "wrong.py"
    program.write_text("import fastloss as fl\n" + "\n".join(WRONG) + "\n")
    said = _mypy(program)
    for number, (line, piece) in enumerate(WRONG.items(), 2):
        about = [text for text in said.splitlines() if f"wrong.py:{number}: error" in text]
        assert any(piece in text for text in about), f"{line}: mypy said {about or said}"
