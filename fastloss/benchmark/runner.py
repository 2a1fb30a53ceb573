"""Runs a plan: workers take turns on each row, so that a machine that slows down slows all of them down.

Times on a shared machine drift by tens of percent within seconds. Engines measured one after the other would be
compared across that drift; here each round has one sample of every engine, a ratio is formed within a round, and
the median is taken over rounds.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from fastloss.benchmark.case import Row
from fastloss.benchmark.engines import EngineEntry
from fastloss.benchmark.memory import last_level_cache
from fastloss.benchmark.oracle import write_pool

__all__ = ["Pace", "Result", "RowResult", "Runner", "Spread", "WorkerLostError"]

ENGINE = "fastloss"  # what the others are compared with
IN_CACHE_FROM = 100_000  # elements from which on the start of a call no longer counts
STEADY = 0.1  # half-distance of the quartiles relative to the median, at which no further rounds are made


@dataclass(frozen=True)
class Pace:
    """How long things may take.

    Parameters
    ----------
    rounds : int
        Samples of each engine on a row; up to three times as many while they vary.
    sample_seconds : float
        Length of a sample.
    row_seconds : float
        A row ends after this time if it has three rounds.
    load_timeout, time_timeout : float
        After which a worker counts as hanging. Loading includes compilers.
    engine_seconds : float or None
        Times the number of engines: after that no further row is started.
    """

    rounds: int = 7
    sample_seconds: float = 0.006
    row_seconds: float = 0.8
    load_timeout: float = 60.0
    time_timeout: float = 30.0
    engine_seconds: float | None = None


QUICK = Pace(engine_seconds=28.0)
UNLIMITED = Pace()
FULL = Pace(rounds=15, sample_seconds=0.02, row_seconds=4.0, load_timeout=240.0, time_timeout=120.0)


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Of at least one sample."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0])
        low, _, high = quantiles(samples, n=4, method="inclusive")
        return cls(median(samples), low, high)

    @property
    def relative(self) -> float:
        """Half the distance of the quartiles, relative to the median."""
        return (self.high - self.low) / (2 * self.median)


@dataclass
class Result:
    """What an engine did on a row.

    Parameters
    ----------
    status : {"ok", "disagrees", "none", "failed"}
        ``none``: the library has nothing for this row. A time is there for the first two.
    samples : list of float
        Nanoseconds per call, one for each round.
    errors : dict
        Deviation of each result from the reference; None where it is not a finite number.
    statement, how, note : str
        What was timed; what is behind it; what went wrong.
    """

    status: str
    samples: list[float] = field(default_factory=list)
    loops: int = 0
    errors: dict[str, float | None] = field(default_factory=dict)
    statement: str = ""
    how: str = ""
    note: str = ""

    @property
    def timed(self) -> bool:
        """Whether there is a time."""
        return bool(self.samples)


@dataclass
class RowResult:
    """A row with the results of all engines."""

    row: Row
    results: dict[str, Result]
    memory_samples: list[float] = field(default_factory=list)
    memory_how: str = ""
    in_cache: float | None = None  # ns per element of the same case at a size that fits the cache

    def nanoseconds(self, engine: str = ENGINE) -> Spread | None:
        """Per element."""
        result = self.results.get(engine)
        return Spread.of([ns / self.row.n for ns in result.samples]) if result and result.timed else None

    def ratio(self, peer: str) -> Spread | None:
        """How many times as long the peer takes: above 1, fastloss is faster."""
        ours, theirs = self.results.get(ENGINE), self.results.get(peer)
        if not (ours and theirs and ours.timed and theirs.timed):
            return None
        # a worker that was lost halfway has fewer rounds, the first ones
        return Spread.of([b / a for a, b in zip(ours.samples, theirs.samples, strict=False)])

    @property
    def gigabytes_per_second(self) -> float | None:
        """Bytes of inputs and outputs over time."""
        result = self.results.get(ENGINE)
        return self.row.bytes / median(result.samples) if result and result.timed else None

    @property
    def of_limit(self) -> float | None:
        """The least time that machine and loss allow over the time taken, for data from memory and not from a cache.

        That least time is the larger of two: the triad's for the same bytes, and the loss's own in cache, where the run
        has a size that fits.
        """
        result = self.results.get(ENGINE)
        if not (result and result.timed and self.memory_samples):
            return None
        arithmetic = (self.in_cache or 0.0) * self.row.n
        pairs = zip(result.samples, self.memory_samples, strict=False)
        return median(max(self.row.bytes / speed, arithmetic) / ns for ns, speed in pairs)

    def lost_to(self) -> list[str]:
        """Peers that are faster and right."""
        peers = [name for name, result in self.results.items() if name != ENGINE and result.status == "ok"]
        return [name for name in peers if (ratio := self.ratio(name)) is not None and ratio.median < 1.0]


class WorkerLostError(Exception):
    """A worker process ended or does not answer."""


class RowError(Exception):
    """An engine raised an error on a row; its worker lives."""


class Worker:
    """A worker process and the pipe to it."""

    RESTARTS = 2  # a crash on one row says little about the next; three say enough

    def __init__(self, name: str, entry: EngineEntry, threads: int, log: Path) -> None:
        self.name = name
        self.entry = entry
        self.threads = threads
        self.log = log
        self.versions: dict[str, str] = {}
        self.losses = 0
        self.gone: str | None = None  # why it takes no further part
        self.process: subprocess.Popen[str] | None = None
        self.answers: queue.Queue[str | None] = queue.Queue()
        self.greeted = False

    def start(self) -> None:
        """Start the process; `greet` waits for it."""
        command = [sys.executable, "-m", "fastloss.benchmark.worker", self.entry.module, str(self.threads)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_environment(self.entry, self.threads),
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            )
        self.answers = queue.Queue()
        self.greeted = False
        threading.Thread(target=_read, args=(self.process, self.answers), daemon=True).start()

    def greet(self, timeout: float) -> None:
        """Wait until the engine is imported."""
        answer = self.receive(timeout, "start")
        self.greeted = True
        if answer["ok"]:
            self.versions = answer["versions"]
        else:
            self.gone = answer["error"]
            self.stop()

    def send(self, command: dict[str, Any]) -> None:
        """Send a command."""
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # the process is gone: `receive` says so, with its exit status

    def receive(self, timeout: float, what: str) -> dict[str, Any]:
        """Receive an answer.

        Raises
        ------
        WorkerLostError
            If the process ended or takes too long; it is stopped then.
        """
        assert self.process is not None
        try:
            line = self.answers.get(timeout=timeout)
        except queue.Empty:
            raise self._lost(f"gave no answer to {what} for {timeout:.0f} s") from None
        if line is None:
            status = self.process.wait()
            raise self._lost(f"crashed in {what} ({f'signal {-status}' if status < 0 else f'exit status {status}'})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, command: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send a command and receive its answer, which is about a success; the worker is at rest then."""
        self.send(command)
        answer = self.receive(timeout, command["do"])
        if not answer["ok"]:
            raise RowError(answer["error"])
        self.settle()
        return answer

    def settle(self, most_seconds: float = 0.05) -> None:
        """Wait until its threads sleep: those of a pool spin for milliseconds, on the next one's processors."""
        end = time.perf_counter() + most_seconds
        while self.process and _is_running(self.process.pid) and time.perf_counter() < end:
            time.sleep(0.001)

    def _lost(self, why: str) -> WorkerLostError:
        self.stop()
        self.losses += 1
        if self.losses > self.RESTARTS:
            self.gone = f"{why}; given up after {self.losses} times"
        return WorkerLostError(why)

    def stop(self) -> None:
        """End the process."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except (OSError, ValueError):
                pass
        self.process = None


def _read(process: subprocess.Popen[str], answers: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(line)
    except ValueError:  # closed by `stop`
        pass
    answers.put(None)


def _is_running(pid: int) -> bool:
    """Whether a thread of the process runs or wants to; where the system does not tell, it may be."""
    tasks = Path("/proc", str(pid), "task")
    if not tasks.exists():
        return True
    for task in tasks.iterdir():
        try:
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # the thread has ended
            continue
        if state == "R":
            return True
    return False


def _environment(entry: EngineEntry, threads: int) -> dict[str, str]:
    """Threads by every name that engines know, set before they are imported; no GPU."""
    count = str(threads)
    special = {"OMP_PROC_BIND": "true", "NUMBA_THREADING_LAYER": "omp"} if entry.openmp else {}
    if entry.package != "fastloss":
        # Peers get the references only. The compiled engine would load its OpenMP runtime before theirs and bind the
        # main thread; scikit-learn's own copy of the runtime would then find one processor for all its threads.
        special["FASTLOSS_BACKEND"] = "numpy"
    names = ("FASTLOSS", "OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR")
    variables = {f"{name}_NUM_THREADS": count for name in names}
    return os.environ | variables | special | {
        "NUMEXPR_MAX_THREADS": count,
        "NPROC": count,  # XLA's thread pool
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no pool of compilers beside the measurement
    }  # fmt: skip


class Runner:
    """Keeps one worker for each engine and measures rows with them.

    Use as a context manager: leaving it ends the workers.

    Parameters
    ----------
    engines : dict of str to EngineEntry
        Engines to run, fastloss among them.
    threads : int
        Threads, and processors, each may use.
    pace : Pace
        How long things may take.

    Attributes
    ----------
    notes : list of str
        What went wrong on the way, for the report.
    """

    def __init__(self, engines: dict[str, EngineEntry], threads: int, pace: Pace = QUICK) -> None:
        self.pace = pace
        self.notes: list[str] = []
        self._directory = tempfile.TemporaryDirectory(prefix="fastloss-bench-")
        self.directory = Path(self._directory.name)
        self.pools: dict[tuple[Any, ...], Path] = {}
        self.workers = {
            name: Worker(name, entry, threads, self.directory / f"{name}.log") for name, entry in engines.items()
        }
        self.cache = last_level_cache()
        self.begun = time.perf_counter()
        self.in_cache: dict[tuple[Any, ...], float] = {}  # ns per element of what was measured in cache
        self.behind = False  # whether the time limit would cut rows off if all went on like this

    def __enter__(self) -> Runner:
        for worker in self.workers.values():  # they import while the parent fits its models
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.stop()
        self._directory.cleanup()

    @property
    def versions(self) -> dict[str, str]:
        """Versions of all libraries that took part."""
        return {name: version for worker in self.workers.values() for name, version in worker.versions.items()}

    def status(self) -> dict[str, str]:
        """Of each engine: ``ran`` or why it did not."""
        return {name: worker.gone or "ran" for name, worker in self.workers.items()}

    def run(self, plan: Sequence[Row]) -> Iterator[RowResult]:
        """Measure the rows in order."""
        seconds = self.pace.engine_seconds
        limit = None if seconds is None else seconds * len(self.workers)
        for done, row in enumerate(plan):
            spent = 0.0 if limit is None else (time.perf_counter() - self.begun) / limit
            self.behind = spent > max(0.2, done / len(plan))  # the start, with its imports, is allowed a fifth
            if limit is not None and spent > 1.0:
                left = f"{len(plan) - done} of {len(plan)} rows not measured"
                self.notes.append(f"{left}: a quick run ends after {limit:.0f} s (see --no-limit, --losses, --sizes)")
                return
            try:
                self._pool(row)
            except Exception as error:
                self.notes.append(f"{row.case.label}: no reference to compare with ({type(error).__name__}: {error})")
                continue
            yield self.measure(row)

    def measure(self, row: Row) -> RowResult:
        """Measure one row with all engines that have it."""
        results: dict[str, Result] = {}
        loading = self._send_loads(row, results)
        for worker in loading:
            self._receive_load(worker, row, results)
        running = [worker for worker in loading if worker.process and results[worker.name].loops]
        for worker in list(running):
            try:
                answer = worker.ask({"do": "calibrate", "seconds": self.pace.sample_seconds}, self.pace.time_timeout)
                results[worker.name].loops = answer["loops"]
            except (WorkerLostError, RowError) as error:
                self._fail(worker, row, results, error)
                running.remove(worker)
        same = (row.case, row.operation, row.dtype, row.shape[1:])
        outcome = RowResult(row, results, in_cache=self.in_cache.get(same))
        self._rounds(running, outcome)
        ours = outcome.nanoseconds()
        if ours is not None and row.n >= IN_CACHE_FROM and row.bytes <= self.cache:
            self.in_cache[same] = min(ours.median, self.in_cache.get(same, ours.median))
        for worker in running:
            if worker.process and row.bytes > self.cache:
                try:
                    worker.ask({"do": "drop"}, self.pace.time_timeout)
                except (WorkerLostError, RowError) as error:
                    self._fail(worker, row, results, error)
        return outcome

    def _send_loads(self, row: Row, results: dict[str, Result]) -> list[Worker]:
        """Tell every worker to load the row, all at once: loading is not timed, and compilers take their time."""
        case = row.case
        command = {
            "do": "load",
            "pool": str(self._pool(row)),
            "samples": row.samples if case.pooled else None,
            "program": case.program,
            "task": {
                "loss": case.loss,
                "given": dict(case.params),
                "params": case.make_loss().params,
                "operation": row.operation,
                **case.task(row.shape),
            },
        }
        loading = []
        for worker in self.workers.values():
            if worker.gone is None and worker.process is None:
                worker.start()
            if worker.gone is None and not worker.greeted:
                try:
                    worker.greet(self.pace.load_timeout)
                except WorkerLostError as error:
                    self._fail(worker, row, results, error)
                    continue
                if worker.gone is not None:
                    self.notes.append(f"{worker.name} takes no part: {worker.gone}")
            if worker.gone is not None:
                results[worker.name] = Result("failed", note=worker.gone)
                continue
            worker.send(command)
            loading.append(worker)
        return loading

    def _receive_load(self, worker: Worker, row: Row, results: dict[str, Result]) -> None:
        try:
            answer = worker.receive(self.pace.load_timeout, "load")
        except WorkerLostError as error:
            self._fail(worker, row, results, error)
            return
        if not answer["ok"]:
            self._fail(worker, row, results, RowError(answer["error"]))
        elif not answer["available"]:
            results[worker.name] = Result("none")
        else:
            status = "ok" if answer["agrees"] else "disagrees"
            results[worker.name] = Result(
                status, loops=1, errors=answer["errors"], statement=answer["statement"], how=answer["how"]
            )

    def _rounds(self, running: list[Worker], outcome: RowResult) -> None:
        """One sample of each engine in each round; the order turns around every other round."""
        begun = time.perf_counter()
        row = outcome.row
        seconds = self.pace.row_seconds / (2 if self.behind else 1)
        for number in range(self.pace.rounds * (1 if self.behind else 3)):
            late = time.perf_counter() - begun > seconds
            if (number >= 3 and late) or (number >= self.pace.rounds and _steady(running, outcome)):
                return
            for worker in list(running if number % 2 == 0 else reversed(running)):
                result = outcome.results[worker.name]
                try:
                    answer = worker.ask({"do": "time", "loops": result.loops}, self.pace.time_timeout)
                    result.samples.append(answer["ns"])
                    if worker.name == ENGINE and row.bytes > self.cache:
                        answer = worker.ask({"do": "triad", "bytes": row.bytes}, self.pace.time_timeout)
                        outcome.memory_samples.append(answer["gb_s"])
                        outcome.memory_how = answer["how"]
                except (WorkerLostError, RowError) as error:
                    self._fail(worker, row, outcome.results, error)
                    running.remove(worker)

    def _fail(self, worker: Worker, row: Row, results: dict[str, Result], error: Exception) -> None:
        where = f"{row.case.label}, {row.operation}, {row.dtype}, n = {row.size_label}"
        self.notes.append(f"{worker.name}: {error} ({where})" + _last_line(worker.log, error))
        results[worker.name] = Result("failed", note=str(error))

    def _pool(self, row: Row) -> Path:
        key = (row.case, row.case.distinct(row.shape), row.dtype)
        if key not in self.pools:
            path = self.directory / f"pool{len(self.pools)}.npz"
            write_pool(path, row)
            self.pools[key] = path
        return self.pools[key]


def _steady(running: Sequence[Worker], outcome: RowResult) -> bool:
    """Whether the quartiles of every engine are close enough; on a busy machine more rounds are worth their time."""
    return all(Spread.of(outcome.results[worker.name].samples).relative < STEADY for worker in running)


def _last_line(log: Path, error: Exception) -> str:
    """What a lost worker said last."""
    if not isinstance(error, WorkerLostError):
        return ""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f": {lines[-1][:160]}" if lines else ""
