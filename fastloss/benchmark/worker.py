"""One engine in its own process: reads commands as JSON lines, answers as JSON lines.

``python -m fastloss.benchmark.worker MODULE THREADS``

Commands: ``load`` (make a row's data and program, run it once, compare the result), ``calibrate`` (how many calls
fill a sample), ``time`` (one sample: nanoseconds per call), ``triad`` (memory bandwidth), ``drop`` (free the data);
the end of the input is the end. Every answer has ``ok``; one about a failure has ``error``. The runner sees to it
that only one worker measures at a time.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import timeit
import traceback
from pathlib import Path
from typing import Any, TextIO

import numpy as np

__all__ = ["main"]


def bind_to_processors(threads: int) -> None:
    """Let this process run on as many processors as it may have threads.

    Engines differ in what they understand by a number of threads; no engine can use a processor it is not allowed on.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class Bench:
    """The state of a worker: its engine and the row that is loaded."""

    def __init__(self, module: str, threads: int) -> None:
        from fastloss.benchmark.engines import load_engine

        self.threads = threads
        self.engine = load_engine(module, threads)
        gc.freeze()  # the library's objects stay: a collection between rows took torch 200 ms, now none to speak of
        self.timer: timeit.Timer | None = None

    def load(self, command: dict[str, Any]) -> dict[str, Any]:
        """Make data and program of a row; compare."""
        from fastloss.benchmark.engines.engine import TASKS
        from fastloss.benchmark.oracle import Bootstrap, compare

        self.drop({})
        bootstrap = Bootstrap.draw(Path(command["pool"]), command["samples"])
        data = bootstrap.data()
        make = getattr(self.engine, command["program"], None)
        program = None if make is None else make(TASKS[command["program"]](**command["task"], data=data))
        if program is None:
            return {"ok": True, "available": False}
        with np.errstate(all="ignore"):
            result = eval(program.statement, dict(program.names))  # written in the engine's file
            agreement = compare(program.read(result), bootstrap, data[-1].dtype.name, program.skip)
        del result
        self.timer = timeit.Timer(program.statement, globals=dict(program.names))
        return {
            "ok": True,
            "available": True,
            "agrees": agreement.ok,
            "errors": {name: error if np.isfinite(error) else None for name, error in agreement.errors.items()},
            "statement": program.statement,
            "how": program.how,
        }

    def calibrate(self, command: dict[str, Any]) -> dict[str, Any]:
        """How many calls fill a sample of `seconds`."""
        assert self.timer is not None, "calibrate before load"
        self.timer.timeit(1)
        loops, spent = 1, self.timer.timeit(1)
        while spent < 0.2 * command["seconds"]:  # a few microseconds are too short to divide by
            loops *= 5
            spent = self.timer.timeit(loops)
        return {"ok": True, "loops": max(1, round(loops * command["seconds"] / spent))}

    def time(self, command: dict[str, Any]) -> dict[str, Any]:
        """One sample: `loops` calls, after as many for warming up.

        After the pause between two engines caches are cold, threads and processors asleep: the first three
        milliseconds are half as fast.
        """
        assert self.timer is not None, "time before load"
        loops = command["loops"]
        self.timer.timeit(loops)
        return {"ok": True, "ns": self.timer.timeit(loops) * 1e9 / loops}

    def triad(self, command: dict[str, Any]) -> dict[str, Any]:
        """Memory bandwidth in GB/s over a working set of `bytes`."""
        from fastloss.benchmark.memory import bandwidth

        rate, how = bandwidth(command["bytes"], self.threads)
        return {"ok": True, "gb_s": rate, "how": how}

    def drop(self, command: dict[str, Any]) -> dict[str, Any]:
        """Free the data of the row."""
        self.timer = None
        gc.collect()
        return {"ok": True}


def serve(commands: TextIO, answers: TextIO, module: str, threads: int) -> None:
    """Answer commands until the input ends."""

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        bench = Bench(module, threads)
    except Exception as error:
        answer({"ok": False, "error": f"{type(error).__name__}: {error}"})
        return
    answer({"ok": True, "versions": bench.engine.versions})
    for line in commands:
        command = json.loads(line)
        try:
            answer(getattr(bench, command["do"])(command))
        except Exception as error:  # an engine that cannot do a row can do the next
            traceback.print_exc()
            first = str(error).strip().splitlines()
            answer({"ok": False, "error": f"{type(error).__name__}: {first[0] if first else ''}"[:300]})


def main() -> None:
    """Serve on standard input and output; what libraries print goes to standard error."""
    module, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    bind_to_processors(threads)
    serve(sys.stdin, answers, module, threads)


if __name__ == "__main__":
    main()
