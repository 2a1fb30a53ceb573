"""``fastloss bench``: its options and its course. Heavy imports happen when it runs, not for ``--help``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from fastloss.usage import UsageError
from fastloss.writing import check_folder

__all__ = ["add_arguments", "run", "run_plan"]

EXAMPLES = """\
examples:
  fastloss bench                                      the main cases
  fastloss bench --losses huber quantile --sizes 1e3 1e6
  fastloss bench --peers all --losses binary_cross_entropy
  fastloss bench --full --json run.json --plot run.png --markdown run.md

Peers: numpy, sklearn (the private C losses), sklearn.metrics, torch,
torch.compile, jax, numba, numexpr, scipy. Each runs in its own process on the
same data, with the same threads, bound to the same processors; engines take
turns in every round. Data: out-of-fold predictions of scikit-learn models on
its bundled data sets, bootstrapped to each size with a fixed seed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    many: dict[str, Any] = {"nargs": "+", "metavar": "X", "action": "extend"}
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--quick",
        action="store_true",
        help="the default, half a minute for each engine: the main losses at several sizes, with every operation and "
        "dtype; the others, unless --losses names them, once: value and gradient in float32 at n = 1e6 or a size of "
        "their own",
    )
    extent.add_argument(
        "--full", action="store_true", help="every combination, all installed peers, longer samples: an hour"
    )
    parser.add_argument(
        "--no-limit", action="store_true", help="a quick run goes on until all of its rows are measured"
    )
    parser.add_argument("--losses", **many, help="losses by name (default: all)")
    parser.add_argument(
        "--sizes",
        **many,
        help="elements, such as 100 1e4 2e7 (default: 100 up to several times the cache; losses of embeddings, masks "
        "and samples have sizes of their own)",
    )
    parser.add_argument("--dtype", **many, help="float32, float64 (default: both)")
    parser.add_argument("--operations", **many, help="value, value_and_gradient, gradient_and_hessian (default: all)")
    parser.add_argument("--peers", **many, help="libraries to compare with, 'all' or 'none'")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads of every engine (default: processors, at most 16)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything: machine, versions, samples")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw time against n, a panel per loss (matplotlib)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables for the documentation")
    parser.add_argument("--plain", action="store_true", help="plain text, without rich")


def _split(values: Sequence[str] | None) -> list[str] | None:
    """Options of several values, separated by spaces or commas."""
    if values is None:
        return None
    return list(dict.fromkeys(part for value in values for part in re.split(r"[,\s]+", value) if part))


def _chosen(values: Sequence[str] | None, known: Sequence[str], what: str) -> list[str] | None:
    """Check names against the known ones."""
    from fastloss.spelling import did_you_mean

    names = _split(values)
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
    return names


def _losses(values: Sequence[str] | None) -> list[str] | None:
    """Names of losses, aliases resolved."""
    import fastloss as fl
    from fastloss.benchmark.cases import names as known

    names = []
    for name in _split(values) or ():
        try:
            names.append(fl.get_loss(name).name)
        except (ValueError, TypeError):
            names.append(name)
    return _chosen(names, known(), "loss")


def _sizes(values: Sequence[str] | None) -> list[int] | None:
    sizes = []
    for text in _split(values) or ():
        try:
            size = float(text.replace("_", ""))
        except ValueError:
            size = -1.0
        if not (1 <= size <= 1e10) or size != int(size):
            raise UsageError(f"--sizes: {text!r} is not a number of elements (examples: 100, 1e6)")
        sizes.append(int(size))
    return sorted(set(sizes)) or None


def run(args: argparse.Namespace, stream: TextIO | None = None) -> int:
    """Run the benchmark; returns the exit status.

    Raises
    ------
    UsageError
        If an option is wrong.
    """
    from importlib.util import find_spec

    from fastloss.benchmark import cases, memory, runner
    from fastloss.benchmark.engines import ENGINES, PEERS
    from fastloss.benchmark.machine import processors

    asked_for = _losses(args.losses)
    names = asked_for or default_order(cases.names())
    sizes = _sizes(args.sizes)
    dtypes = _chosen(args.dtype, cases.DTYPES, "dtype") or list(cases.DTYPES)
    operations = _chosen(args.operations, cases.OPERATIONS, "operation") or list(cases.OPERATIONS)
    peers = _chosen(args.peers, [*PEERS, "all", "none"], "peer")
    if args.threads is not None and not 1 <= args.threads <= processors():
        raise UsageError(f"--threads must be from 1 to {processors()}, the processors this process may run on")
    for path in (args.json, args.plot, args.markdown):
        check_folder(path)
    if find_spec("sklearn") is None:
        print("fastloss bench takes its data from scikit-learn: pip install 'fastloss[bench]'", file=sys.stderr)
        return 1

    notes: list[str] = []
    if peers is None:
        peers = [name for name in PEERS if args.full or ENGINES[name].quick]
        left = [name for name in PEERS if name not in peers and ENGINES[name].installed]
        if left:
            why = "because they compile for long or have few losses"
            notes.append(f"installed, but left to --full or --peers {why}: {', '.join(left)}")
    elif "all" in peers or "none" in peers:
        peers = list(PEERS) if "all" in peers else []
    absent = {
        name: f"not installed: pip install {ENGINES[name].install}" for name in peers if not ENGINES[name].installed
    }
    notes += [f"{name} is {why}" for name, why in absent.items()]
    peers = [name for name in PEERS if name in peers and name not in absent]

    out_of_cache = memory.out_of_cache_size(memory.last_level_cache())
    large_only_for: set[str] | None = None
    own_sizes = sizes is None
    if sizes is None:
        sizes = [100, 1_000, 10_000, 100_000, 1_000_000] if args.full else [100, 10_000, 1_000_000]
        sizes = sorted({*sizes, out_of_cache})
        # out of cache all losses but few wait for memory: a quick run has these
        large_only_for = None if args.full else {"squared_error", "absolute_error", "huber", "binary_cross_entropy"}
    plan, missing = cases.make_plan(
        names,
        sizes=sizes,
        dtypes=dtypes,
        operations=operations,
        full=args.full,
        once=set() if asked_for else set(names) - set(MAIN),
        large_only_for=large_only_for,
        own_sizes=own_sizes,
    )
    return run_plan(
        plan,
        engines={name: ENGINES[name] for name in ("fastloss", *peers)},
        absent=absent,
        notes=notes + missing,
        pace=runner.FULL if args.full else runner.UNLIMITED if args.no_limit else runner.QUICK,
        threads=args.threads or min(16, processors()),
        args=args,
        stream=stream,
    )


# Losses whose figures readers look for: they come first, and a quick run has all of their rows. The others follow as
# the registry has them.
MAIN = (
    "squared_error",
    "binary_cross_entropy",
    "huber",
    "absolute_error",
    "sparse_categorical_cross_entropy",
    "categorical_cross_entropy",
    "kl_divergence",
    "quantile",
    "log_cosh",
    "poisson",
    "gamma",
    "binary_focal",
    "hinge",
)


def default_order(names: Sequence[str]) -> list[str]:
    """The losses of a run in which none was asked for."""
    return [name for name in MAIN if name in names] + [name for name in names if name not in MAIN]


def run_plan(
    plan: Sequence[Any],
    *,
    engines: dict[str, Any],
    absent: dict[str, str],
    notes: list[str],
    pace: Any,
    threads: int,
    args: argparse.Namespace,
    stream: TextIO | None,
) -> int:
    """Measure, print, write files. Ctrl-C ends the measuring, not the printing."""
    from fastloss.benchmark import machine, report, results, runner

    table = report.Report([name for name in engines if name != "fastloss"], stream, plain=args.plain)
    settings = {
        "threads": threads,
        "rounds": pace.rounds,
        "sample_seconds": pace.sample_seconds,
        "full": args.full,
    }
    facts = machine.describe()
    notes = notes + [warning for warning in [machine.busy()] if warning is not None]
    outcomes: list[runner.RowResult] = []
    status = 0
    with runner.Runner(engines, threads, pace) as running:
        try:
            sources = dict.fromkeys(row.case.description for row in plan)
            table.header(facts, settings, list(sources), notes)
            with table.tracking(len(plan)):
                for outcome in running.run(plan):
                    outcomes.append(outcome)
                    table.row(outcome)
        except KeyboardInterrupt:
            status = 130
            table.line(("interrupted: what follows is what was measured so far", "bold yellow"))
        notes = notes + running.notes
        status_of = running.status() | absent
        versions = running.versions
    table.line()
    if memory_how := next((o.memory_how for o in outcomes if o.memory_how), None):
        table.line(f"memory: {memory_how}")
    for note in running.notes:
        table.line((f"note: {note}", "yellow"))
    for line in report.summary(outcomes):
        table.line((line, "bold" if line.startswith("fastloss") else ""))
    table.line(("  ".join(f"{name} {version}" for name, version in versions.items()), "dim"))
    document = results.as_document(
        outcomes,
        machine=facts,
        settings=settings,
        versions=versions,
        engines=status_of,
        notes=notes,
        complete=status == 0 and len(outcomes) == len(plan),
    )
    return max(status, _write_files(args, document, table))


def _write_files(args: argparse.Namespace, document: dict[str, Any], table: Any) -> int:
    """Write what was asked for; a file that cannot be made does not take the others with it."""
    from fastloss.benchmark.markdown import write_markdown
    from fastloss.benchmark.plot import write_plot
    from fastloss.writing import write_json, written

    failed = 0
    for path, write in ((args.json, write_json), (args.markdown, write_markdown), (args.plot, write_plot)):
        status = written(path, partial(write, document=document))
        if path is not None and not status:
            table.line(f"wrote {path}")
        failed = max(failed, status)
    return failed
