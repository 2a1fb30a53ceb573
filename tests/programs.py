"""C programs that include the kernels, compiled with the flags of setup.py: for tests, tools and `make accuracy`.

python tests/programs.py FOLDER        builds the two accuracy programs there: functions, losses
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fastloss import backend

HERE = Path(__file__).parent
ROOT = HERE.parent
CC = shutil.which(os.environ.get("CC", "gcc"))


def missing() -> str:
    """Why no program can be built here, or nothing."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "the programs are for x86-64"
    if CC is None:
        return "no C compiler"
    return "" if backend.engine else "the engine is not built"


def build(target: Path, source: str, *more: str, isa: str = "") -> Path:
    """One program, for the best instruction set here unless told."""
    assert CC is not None
    flags = re.search(r"^FLAGS = (\[.*?\])", (ROOT / "setup.py").read_text(), re.MULTILINE | re.DOTALL)
    assert flags
    isa = isa or backend.engine.isa_available[0]
    command = [CC, *ast.literal_eval(flags[1]), f"-march={isa}", f"-I{ROOT / 'src_c'}", str(HERE / source), *more]
    subprocess.run([*command, "-o", str(target), *([] if "-c" in more else ["-lm"])], check=True)
    return target


def build_counter(folder: Path, isa: str = "") -> Path:
    """Runs one kernel, to count its instructions or to time it."""
    return build(folder / f"count-{isa or 'here'}", "instructions/count.c", isa=isa)


def build_losses(folder: Path) -> Path:
    """Errors of the losses over float32 predictions."""
    return build(folder / "losses", "accuracy/losses_exhaustive.c", "-fopenmp")


def build_functions(folder: Path) -> Path:
    """Errors of vmath.h on all three instruction sets."""
    objects = [
        build(folder / f"{isa}.o", "accuracy/vmath_kernels.c", f"-DTABLE=vmath_{isa}", "-c", isa=f"x86-64-{isa}")
        for isa in ("v2", "v3", "v4")
    ]
    return build(folder / "functions", "accuracy/vmath_exhaustive.c", *map(str, objects), isa="x86-64-v2")


if __name__ == "__main__":
    if missing():
        sys.exit(missing())
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    build_losses(folder)
    build_functions(folder)
