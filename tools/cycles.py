"""What bounds each loss: processor cycles per element, beside what its instructions and the memory would allow.

    python tools/cycles.py        prints the table that docs/performance.md ends with

Times the loops of value and gradient alone, on one thread over data in L2. Needs gcc and an x86-64 processor.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import fastloss as fl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from programs import build_counter  # noqa: E402
from test_instructions import BASELINE, CASES, name  # noqa: E402

from fastloss import backend  # noqa: E402
from fastloss.operations import VALUE_GRADIENT  # noqa: E402

WIDTH = {"x86-64-v4": 2, "x86-64-v3": 1}  # of a vector, relative to the v3 that instructions are counted on

HALVED = """\
Vectors are twice as wide here: their count is taken for half of that, but their instructions do more and may pass it.
"""

TEXT = """\
## Where the time goes

Value and gradient, one thread, data in L2, {isa} at {clock:.1f} GHz. *Bound*: the loop's instructions (counted on
x86-64-v3 by callgrind, `tests/data/instructions.json`) at {issued:.2f} vector instructions per cycle, which is what
this processor does of multiplications, additions and logic that wait for nothing, as measured.
{halved}*Reached*: bound over cycles. *Memory*: cycles of one of {threads} threads for the bytes of an element at the
triad's {triad:.0f} GB/s; out of cache a loss takes about the larger of the two. Loads and stores bound none of them:
{ports:.2f} cycles per float32.

What keeps a loss from its bound, where it is not there, is latency: exponentials and logarithms are chains of dependent
operations, and the scheduler holds only a few vectors of them at a time; hence the two stages (architecture.md).

| kernel | float32: cycles | bound | reached | memory | float64: cycles | bound | reached | memory |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""


class Timed(NamedTuple):
    """What a kernel takes on this machine."""

    cycles: float  # per element
    clock: float  # GHz
    cost: int  # of the kernel, as its list in src_c/losses has it
    issued: float  # vector instructions per cycle that the processor has room for


def timed(program: Path, case: tuple[str, int, int, int]) -> Timed:
    """Measured once."""
    done = subprocess.run([program, *map(str, case), "time"], capture_output=True, text=True, check=True)
    cycles, clock, cost, issued = done.stdout.split()
    return Timed(float(cycles), float(clock), int(cost), float(issued))


def table(triad: float, threads: int) -> str:
    """The section, for a triad of so many GB/s with so many threads."""
    isa = str(backend.engine.build_info()["isa_in_use"])
    counts = json.loads(BASELINE.read_text())["instructions per element"]
    measured: dict[tuple[str, int], dict[int, tuple[float, float]]] = {}
    clock = issued = 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = build_counter(Path(folder), isa)
        for case in CASES:
            kernel, operation, bits, classes = case
            if operation == VALUE_GRADIENT:
                cycles, clock, _, issued = timed(program, case)
                bound = counts[name(case)] / (WIDTH[isa] * issued)
                measured.setdefault((kernel, classes), {})[bits] = cycles, bound
    lines = []
    for (kernel, classes), found in measured.items():
        cells: list[Any] = [f"`{kernel}`" + (f", K = {classes}" if classes else "")]
        for bits in (32, 64):
            if bits not in found:
                cells += [""] * 4
                continue
            cycles, bound = found[bits]
            target = 8 / classes if classes and "dense" not in kernel else bits / 8  # a label for a row, or a number
            memory = (target + 2 * bits / 8) / triad * clock * threads
            cells += [f"{cycles:.2f}", f"{bound:.2f}", f"{bound / cycles:.0%}", f"{memory:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    ports = 1 / (8 * WIDTH[isa])  # one store for each vector
    halved = HALVED if WIDTH[isa] > 1 else ""
    head = TEXT.format(isa=isa, clock=clock, issued=issued, halved=halved, threads=threads, triad=triad, ports=ports)
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    threads = fl.get_num_threads()
    print(table(backend.engine.triad_bandwidth(256 << 20, threads), threads), end="")
