"""What a kernel could reach, where a loss is below its class: a section of docs/performance.md.

    python tools/reach.py RUN.json        prints it for a run that ``fastloss bench --json`` wrote on this machine

A peer's time over the least that any kernel of these instructions could take. Needs gcc, valgrind and an x86-64
processor.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from cycles import HALVED, WIDTH, build_counter, timed
from test_instructions import COUNTED, count

import fastloss as fl
from fastloss import backend
from fastloss.operations import VALUE_GRADIENT

COMPILED = ("torch.compile", "jax", "numba")
ASKED = {1: 1.0, 2: 1.0, 4: 2.5}  # by the cost of an element in the lists of src_c/losses
MOST = max(ASKED.values())
FROM = 100_000  # elements; below it calls and threads take their share
REPEATS = 200

TEXT = """\
## Below their class, and what is possible

Pointwise losses, value and gradient in float32, in cache from n = {start:,} on. *Asked*: the ratio to the best of
{peers} that a loss should have, 2.5 where it has an exponential or a logarithm, else
1. *Possible*: that peer's time over the larger of two bounds of our formula, the loop's instructions (counted by
callgrind on {counted}) at {issued:.2f} vector instructions per cycle, which is what this processor was measured to do
of independent ones, on each of {threads} threads, and the bytes of an element at the bandwidth of a plain triad of that
size. *Of it*: have over possible. All other rows have what is asked.
{halved}
| loss | n | nearest peer | asked | have | possible | of it | bound |
|---|--:|---|--:|--:|--:|--:|---|
"""


def nearest(row: dict[str, Any]) -> tuple[float, str] | None:
    """The lowest ratio of a compiled peer and its name."""
    found = [(row["results"][peer]["ratio_to_fastloss"], peer) for peer in COMPILED if peer in row["results"]]
    return min(((ratio["median"], peer) for ratio, peer in found if ratio), default=None)


def table(document: dict[str, Any]) -> str:
    """The section, of a run's document."""
    isa = str(backend.engine.build_info()["isa_in_use"])
    threads, cache = document["settings"]["threads"], document["machine"]["last_level_cache_bytes"]
    lines, issued = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        counter, timer = (build_counter(Path(folder), of) for of in (COUNTED, isa))
        for row in document["rows"]:
            peer = nearest(row)
            of = (row["operation"], row["dtype"], len(row["shape"]))
            if of != ("value_and_gradient", "float32", 1) or row["n"] < FROM or row["bytes"] > cache:
                continue
            if peer is None or peer[0] >= MOST:
                continue
            case = (fl.get_loss(row["loss"], **row["params"])._kernel().name, VALUE_GRADIENT, 32, 0)
            kernel = timed(timer, case)
            (ratio, name), asked = peer, ASKED[kernel.cost]
            if ratio >= asked:
                continue
            issued = kernel.issued
            instructions = count(counter, case) / (WIDTH[isa] * kernel.issued) / kernel.clock / threads
            memory = row["bytes"] / row["n"] / backend.engine.triad_bandwidth(row["bytes"], threads, REPEATS, False)
            ours = row["results"]["fastloss"]["ns_per_element"]["median"]
            possible = ratio * ours / max(instructions, memory)
            lines.append(
                f"| `{row['label']}` | {row['n']:,} | {name} | {asked:g} | {ratio:.2f} | {possible:.2f} |"
                f" {ratio / possible:.0%} | {'instructions' if instructions > memory else 'bandwidth'} |"
            )
    if not lines:
        return ""
    text = TEXT.format(
        start=FROM,
        peers=f"{', '.join(COMPILED[:-1])} and {COMPILED[-1]}",
        counted=COUNTED,
        halved=HALVED if WIDTH[isa] > 1 else "",
        issued=issued,
        threads=threads,
    )
    return text + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())), end="")
