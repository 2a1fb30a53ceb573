"""The command line: what it prints, what it returns, and that it costs nothing to those who do not use it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import fastloss as fl
from fastloss.cli import COMMANDS, main


def test_list_has_every_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    words = capsys.readouterr().out.split()
    assert set(fl.list_losses()) <= set(words)


def test_list_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--task", "binary"]) == 0
    text = capsys.readouterr().out
    assert "hinge" in text
    assert "smooth_l1" not in text


def test_list_of_an_unknown_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--task", "regresion"]) == 2
    assert "did you mean 'regression'?" in capsys.readouterr().err


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
def test_help_of_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert "usage: fastloss" in capsys.readouterr().out


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
