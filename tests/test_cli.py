"""The command line: what it prints, what it returns, and that it costs nothing to those who do not use it."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss import description, drawing, registry
from fastloss.cli import COMMANDS, main


def test_list_has_every_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    words = capsys.readouterr().out.split()
    assert set(fl.list_losses()) <= set(words)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("triplet", "triplet(anchor, positive, negative, sample_weight=None, *, reduction='mean', n_threads=None,"),
        ("dice", "dice(y_true, y_pred, sample_weight=None, *, n_threads=None, smooth=1.0, per_class=False)"),
        (
            "wasserstein_1d",
            "wasserstein_1d(u_values, v_values, u_weights=None, v_weights=None, *, n_threads=None, p=1.0)",
        ),
    ],
)
def test_losses_that_are_called_otherwise(name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    cls = registry.loss_class(name)
    assert main(["list", "--task", cls.task]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert cls.when in listed
    assert "huber" not in listed
    assert main(["list"]) == 0
    assert cls.when in " ".join(capsys.readouterr().out.split())
    assert main(["show", name]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert line in shown
    assert cls.when in shown
    assert "Facts" not in shown


def test_list_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--task", "binary"]) == 0
    text = capsys.readouterr().out
    assert "hinge" in text
    assert "smooth_l1" not in text


def test_every_task_has_a_heading() -> None:
    assert set(description.HEADINGS) == {*registry.TASKS, *registry.OTHER_TASKS}


def test_list_of_an_unknown_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--task", "regresion"]) == 2
    assert "did you mean 'regression'?" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [80, 200])
def test_list_is_readable(columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    assert re.search(r"^huber +regression +convex, once smooth", text, re.MULTILINE)
    assert re.search(r"^wing +regression +not convex, kink", text, re.MULTILINE)
    words = " ".join(text.split())
    for name in fl.list_losses():
        assert registry.loss_class(name).when in words


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("name", fl.list_losses())
def test_show(name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["show", name]) == 0
    text = capsys.readouterr().out
    assert all(len(line) <= min(columns, 100) or "http" in line for line in text.splitlines())
    cls = registry.loss_class(name)
    words = " ".join(text.split())
    doc = (inspect.getdoc(cls) or "").split("Examples\n")[0]
    for word in re.sub(r"^-+$|`|\.\. (?=\[)", "", doc, flags=re.MULTILINE).split():  # nothing is lost
        assert word in words
    assert f"{cls.__name__}(" in words
    assert f"{name}(y_true, y_pred, sample_weight=None, *" in words
    assert cls.when in words
    assert f"smoothness {description.facts(cls())['smoothness']}" in words


def test_show_a_loss_in_full(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["show", "log_loss"]) == 0
    text = capsys.readouterr().out
    for line in (
        "Binary cross-entropy (log loss): -w t log p - (1 - t) log(1 - p).",
        "Parameters",
        "  clip : float, default=0.0",
        "      Probabilities are clipped to [clip, 1 - clip] and the gradient is 0 where that happens. By",
        "References",
        '  [1] I. J. Good, "Rational decisions", J. R. Stat. Soc. B 14 (1952).',
        "Facts of BinaryCrossEntropy(from_logits=False, pos_weight=1.0, label_smoothing=0.0, clip=0.0)",
        "  convex in y_pred  yes",
        "  smoothness        twice continuously differentiable",
        "  y_true            a label in {0, 1} or a probability in [0, 1]",
        "  y_pred            a probability in [0, 1]",
        "  activation        identity",
        "  Hessian           exact, fisher, floor",
        "  additive          yes",
        "  aliases           log_loss, bce",
    ):
        assert f"\n{line}\n" in text, line


@pytest.mark.parametrize("name", fl.list_losses())
def test_every_loss_has_a_curve(name: str) -> None:
    """Finite, and the gradient is the slope of the value."""
    _, drawn = drawing.curves(fl.get_loss(name))
    assert drawn
    for curve in drawn:
        assert np.isfinite([curve.value, curve.gradient]).all()
        if fl.get_loss(name).layout != "classes":  # where others move along
            slope = np.diff(curve.value) / np.diff(curve.x)
            between = np.sort([curve.gradient[1:], curve.gradient[:-1]], axis=0)
            slack = 1e-6 + 0.02 * np.abs(between).max(axis=0) + np.abs(np.diff(curve.gradient))
            assert ((between[0] - slack <= slope) & (slope <= between[1] + slack)).all()


def test_show_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plotext", reason="plotext is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["show", "huber:delta=2", "--draw", "--plot", str(tmp_path / "huber.png")]) == 0
    text = capsys.readouterr().out
    assert "Facts of Huber(delta=2.0)" in text
    assert "torch.nn.HuberLoss(delta=2.0)" in text
    assert "gradient against y_pred, y_true = 0" in text
    assert max(map(len, text.splitlines())) <= 80
    assert (tmp_path / "huber.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["triplet", "--draw"], "triplet is a loss of embeddings: there is no line of predictions"),
        (["huber:delta=-1"], "delta is -1"),
        (["huber:gamma=1"], "huber has no parameter 'gamma'"),
    ],
)
def test_show_of_what_cannot_be_shown(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *options]) == 2
    assert message in capsys.readouterr().err


def test_show_of_a_misspelt_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "hubr"]) == 2
    assert "did you mean 'huber'?" in capsys.readouterr().err


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    assert fl.__version__ in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fastloss {fl.__version__}\n"


def test_no_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "bench" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "usage: fastloss" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_misspelt_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["benhc"])
    assert end.value.code == 2
    assert "did you mean 'bench'?" in capsys.readouterr().err


def test_a_wrong_option_of_bench_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--losses", "hubr"]) == 2
    assert "did you mean 'huber'?" in capsys.readouterr().err


def test_python_m_fastloss() -> None:
    done = subprocess.run([sys.executable, "-m", "fastloss", "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "huber" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a shell with pipes")
def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m fastloss list | head -n 1", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_importing_fastloss_imports_none_of_this() -> None:
    code = "import sys, fastloss; print([m for m in ('argparse', 'rich', 'sklearn', 'matplotlib', 'fastloss.benchmark',"
    code += " 'fastloss.cli') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
