"""The command line: ``fastloss``, or ``python -m fastloss``.

A subcommand is a function that declares its options and a function that runs, registered in `COMMANDS`; what it
needs is imported when it runs, so that ``import fastloss`` and ``fastloss --help`` stay light.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastloss.spelling import did_you_mean
from fastloss.usage import UsageError

__all__ = ["main", "make_parser"]

LEAST_ROOM = 40  # columns for a sentence beside other columns
MOST_COLUMNS = 100  # longer lines of text are hard to read


class _Parser(argparse.ArgumentParser):
    """argparse, with a guess at a misspelt subcommand in the error."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            guess = did_you_mean(str(value), known)
            raise argparse.ArgumentError(action, f"unknown {value!r}{guess}; known: {', '.join(known)}")


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    from fastloss.benchmark.command import add_arguments

    add_arguments(parser)


def _bench(args: argparse.Namespace) -> int:
    from fastloss.benchmark.command import run

    return run(args)


def _eval_arguments(parser: argparse.ArgumentParser) -> None:
    from fastloss.evaluation.command import add_arguments

    add_arguments(parser)


def _eval(args: argparse.Namespace) -> int:
    from fastloss.evaluation.command import run

    return run(args)


def _recommend_arguments(parser: argparse.ArgumentParser) -> None:
    from fastloss.advisor.command import add_arguments

    add_arguments(parser)


def _recommend(args: argparse.Namespace) -> int:
    from fastloss.advisor.command import run

    return run(args)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", metavar="TASK", help="only losses for this task, such as regression or binary")


def _list(args: argparse.Namespace) -> int:
    import fastloss as fl
    from fastloss.description import shape
    from fastloss.registry import OTHER_TASKS, TASKS

    tasks = (*TASKS, *OTHER_TASKS)
    if args.task is not None and args.task not in tasks:
        raise UsageError(f"no task {args.task!r}{did_you_mean(args.task, tasks)}; known: {', '.join(tasks)}")
    names = [name for task in tasks if args.task in (None, task) for name in fl.list_losses(task)]
    losses = [fl.get_loss(name) for name in names]
    rows = [(loss.name, loss.task, shape(loss) if isinstance(loss, fl.Loss) else "-", _about(loss)) for loss in losses]
    _print_table(("name", "task", "shape", "when to use it; parameters, targets, who else has it"), rows)
    return 0


def _about(loss: Any) -> str:
    """What fits no narrow column."""
    import fastloss as fl
    from fastloss.description import defaults
    from fastloss.elsewhere import libraries

    parts = [", ".join(defaults(type(loss))), loss.target_domain.expected if isinstance(loss, fl.Loss) else ""]
    others = libraries(loss.name)
    parts.append(f"also in {', '.join(others)}" if others else "in no other library here")
    return f"{loss.when}\n{'; '.join(part for part in parts if part)}"


def _print_table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table whose last column, of lines, fills the line, or stands below the others for want of room."""
    widths = [max(len(row[k]) for row in [heading, *rows]) for k in range(len(heading) - 1)]
    columns, indent = shutil.get_terminal_size().columns, sum(widths) + 2 * len(widths)
    beside = columns - indent >= LEAST_ROOM
    indent = indent if beside else 4
    for row in [heading, *rows]:
        start = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=True))
        if not beside:
            print(start.rstrip())
            start = " " * indent
        for paragraph in row[-1].split("\n"):
            for line in textwrap.wrap(paragraph, columns - indent):
                print(start + line)
                start = " " * indent


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME[:PARAMETER=VALUE]",
        help="a name of `fastloss list`, or an alias such as log_loss, with parameters for the drawing: huber:delta=2",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw value and gradient (matplotlib)")
    parser.add_argument("--draw", action="store_true", help="draw them in the terminal (plotext)")


def _show(args: argparse.Namespace) -> int:
    from fastloss import drawing
    from fastloss.description import text
    from fastloss.specification import parse_loss
    from fastloss.writing import written

    width = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
    try:
        loss = parse_loss(args.name)
        drawn = drawing.in_terminal(loss, width) if args.draw else ""
    except ValueError as error:
        raise UsageError(str(error)) from error
    except ImportError as error:
        print(f"fastloss show: {error} (pip install 'fastloss[cli]')", file=sys.stderr)
        return 1
    print(text(loss, width), drawn, sep="\n" if drawn else "")
    return written(args.plot, lambda path: drawing.write_png(path, loss))


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _info(args: argparse.Namespace) -> int:
    import fastloss as fl

    fl.show_config()
    return 0


@dataclass(frozen=True)
class Command:
    """A subcommand: its line in the help, its options, what it does."""

    summary: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = {
    "bench": Command(
        "speed and agreement against other libraries, on predictions of real models", _bench_arguments, _bench
    ),
    "eval": Command("losses of a file of predictions, in constant memory", _eval_arguments, _eval),
    "recommend": Command("which loss for the data of a file, and why", _recommend_arguments, _recommend),
    "list": Command("the losses, and when to use which", _list_arguments, _list),
    "show": Command("one loss: formula, parameters, literature, facts", _show_arguments, _show),
    "info": Command("what was built and what runs here", _no_arguments, _info),
}

EXAMPLES = """\
examples:
  fastloss list --task binary
  fastloss show huber --draw
  fastloss info
  fastloss eval predictions.csv --true y --pred score --loss mse,huber:delta=1.5
  fastloss recommend data.csv --target y --features a,b,c --metric mae
  fastloss bench --losses huber --peers numpy torch
  fastloss bench --help
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser with all subcommands."""
    parser = _Parser(
        prog="fastloss",
        description="Loss functions with gradients and Hessians for the CPU.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=command.summary, description=command.summary.capitalize() + ".")
        command.declare(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.version:
        import fastloss as fl

        print(f"fastloss {fl.__version__}")
        return 0
    if args.command is None:
        parser.print_help()
        return 2
    try:
        return int(args.run(args))
    except UsageError as error:
        print(f"fastloss {args.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `fastloss list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
