"""The documentation is true: its code runs, its links and targets exist, its walk-through adds a loss."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastloss import backend

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "src_c/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: Path, language: str) -> list[str]:
    return [code for found, code in CODE.findall(page.read_text()) if found == language]


def run_page(path: str, folder: str) -> None:
    """Python blocks of a page run in order, in one namespace; those with a prompt show what comes out."""
    page = Path(path)
    os.chdir(folder)
    names: dict[str, object] = {"__name__": "page"}
    for number, code in enumerate(_blocks(page, "python"), 1):
        where = f"{page.name}, block {number}"
        if ">>> " in code:
            test = doctest.DocTestParser().get_doctest(code, names, where, str(page), 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
            assert runner.run(test, clear_globs=False).failed == 0
            names |= test.globs
        else:
            exec(compile(code, where, "exec"), names)


# test_a_loss_can_be_added runs the blocks of add_a_loss.md.
RUN = [page for page in PAGES if _blocks(page, "python") and page.name != "add_a_loss.md"]


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_runs(page, fresh, tmp_path):
    code = f"import test_docs; test_docs.run_page({str(page)!r}, {str(tmp_path)!r})"
    # One thread, which counts when a library is loaded: pages run side by side, and where there are more threads than
    # cores, those of OpenMP wait for each other in busy loops, for minutes.
    fresh(code, OMP_NUM_THREADS="1")


def test_plots_are_made_and_shown(monkeypatch):
    """Each plot that a page shows is one that `make plots` writes, and the other way round."""
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(ROOT / "tools")
    import make_plots as plots

    shown = {name for page in PAGES for name in re.findall(r"\]\(plots/(\w+)\.svg\)", page.read_text())}
    made = {draw.__name__ for draw in (*plots.CURVES, *plots.OF_THE_TUTORIAL)}
    assert shown == made == {path.stem for path in plots.FOLDER.glob("*.svg")}
    for draw in plots.CURVES:
        assert len(draw().axes) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_targets_exist(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE):
        assert target in targets, f"{page.name} says `make {target}`"
    for path in re.findall(r"`((?:src_c|fastloss|tests|bench|tools|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"


def _insert(path: Path, before: str, what: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, f"{before!r} in {path}"
    path.write_text(text.replace(before, what + before))


@pytest.mark.long
@pytest.mark.skipif(backend.engine is None, reason="no compiler")
def test_a_loss_can_be_added(tmp_path):
    """docs/add_a_loss.md, carried out on a copy."""
    copy = tmp_path / "tree"
    ignore = shutil.ignore_patterns("*.so", ".*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignore)
    page = ROOT / "docs" / "add_a_loss.md"
    formula, row = _blocks(page, "c")
    cls, bound = _blocks(page, "python")
    header = copy / "src_c" / "losses" / "regression.h"
    _insert(header, "/* name, cost", formula + "\n")
    header.write_text(header.read_text().rstrip() + " \\\n" + row)
    module = copy / "fastloss" / "losses" / "regression.py"
    module.write_text(module.read_text() + "\n\n" + cls)
    _insert(copy / "tests" / "bounds.py", "}\n\n# A weight multiplies", bound)

    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    env |= {"PYTHONPATH": str(copy), "FASTLOSS_REQUIRE_ENGINE": "1"}

    def run(*command: str) -> None:
        # -P and the path first: the copy, not an installed fastloss
        done = subprocess.run([sys.executable, *command], cwd=copy, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]

    run("setup.py", "-q", "build_ext", "--inplace")
    run("-c", "import fastloss as fl; assert fl.charbonnier([0.0], [4.0], delta=3.0) == 5.0")
    run("tools/make_stubs.py")
    run("tools/make_catalogue.py")
    assert "`Charbonnier(delta=0.001)`" in (copy / "docs" / "losses.md").read_text()
    assert "class Charbonnier" not in (copy / "fastloss" / "__init__.pyi").read_text()
    assert "def charbonnier(" in (copy / "fastloss" / "__init__.pyi").read_text()
    run("-m", "mypy")
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "-m", "not long", "-k", "Charbonnier or charbonnier")
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_build.py", "-k", "vector or kernel")
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "fastloss/losses/regression.py")
