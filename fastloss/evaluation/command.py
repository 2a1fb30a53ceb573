"""``fastloss eval``: its options and its course. Heavy imports happen when it runs, not for ``--help``."""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fastloss import settings
from fastloss.usage import UsageError
from fastloss.writing import check_folder, write_json, write_text, written

if TYPE_CHECKING:
    from fastloss.evaluation.evaluate import Score
    from fastloss.evaluation.tables import Table
    from fastloss.loss import Loss

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  fastloss eval predictions.csv --true y --pred score --loss mse,huber:delta=1.5
  fastloss eval predictions.parquet --true label --pred p \\
      --loss log_loss,brier --by country --bootstrap 1000
  fastloss eval scores.csv.gz --true class --pred a,b,c --loss cross_entropy \\
      --from-logits --json scores.json
  fastloss eval arrays.npz --true y --pred 'p[0],p[1],p[2]' --loss cross_entropy

Files are read in batches, in constant memory. Of a .npy file the columns are
the fields of its records or, of a matrix, their numbers; of a .npz file its
arrays, and name[0], name[1], ... of a matrix in it. Losses: `fastloss list`;
parameters stand behind colons, name:parameter=value:parameter=value. Losses of
counts take the mean's logarithm, or the mean: poisson:link=identity.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from fastloss.evaluation.tables import ENDINGS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help=ENDINGS)
    parser.add_argument("--true", required=True, metavar="COLUMN", help="targets")
    parser.add_argument(
        "--pred",
        required=True,
        metavar="COLUMN[,COLUMN...]",
        help="predictions: one column, or one per class or output",
    )
    parser.add_argument("--loss", required=True, metavar="NAME[:PARAMETER=VALUE][,NAME...]", help="which losses")
    parser.add_argument("--weight", metavar="COLUMN", help="weights of the rows")
    parser.add_argument("--by", metavar="COLUMN", help="also the losses of each group of rows that this column names")
    parser.add_argument("--from-logits", action="store_true", help="predictions are raw scores, not probabilities")
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=0,
        metavar="N",
        help="an interval for each loss, from N resamples (such as 1000)",
    )
    parser.add_argument("--confidence", type=float, default=0.95, metavar="C", help="of the intervals (default: 0.95)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the resamples (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores, and what they are of, as JSON")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the scores as CSV")
    parser.add_argument("--plain", action="store_true", help="plain text, without rich")


def run(args: argparse.Namespace, stream: TextIO | None = None) -> int:
    """Evaluate a file; returns the exit status.

    Raises
    ------
    UsageError
        If an option is wrong.
    """
    from fastloss.evaluation.evaluate import RowError, evaluate
    from fastloss.evaluation.tables import TableError, in_columns, open_table
    from fastloss.specification import parse_losses

    stream = sys.stdout if stream is None else stream
    if args.bootstrap < 0 or args.bootstrap == 1:
        raise UsageError(f"--bootstrap must be 0 or at least 2, not {args.bootstrap}")
    if args.seed < 0:
        raise UsageError(f"--seed must be at least 0, not {args.seed}")
    if not 0 < args.confidence < 1:
        raise UsageError(f"--confidence must lie between 0 and 1, not {args.confidence:g}")
    for path in (args.json, args.csv):
        check_folder(path, read=args.file)
    try:
        losses = parse_losses(args.loss, from_logits=args.from_logits)
    except ValueError as error:
        raise UsageError(f"--loss: {error}") from error

    try:
        with settings.restored(), _progress(args.plain) as report:
            settings.set_check_finite(True)  # a NaN would be all that comes out, and nothing would say of which row
            # threads that wait would hinder those that read
            settings.set_num_threads(settings.chosen_num_threads() or 1)
            table = open_table(args.file, report)
            predictions = _predictions(args.pred, table, losses)
            scores = evaluate(
                _batches(table, args, predictions),
                losses,
                bootstrap=args.bootstrap,
                confidence=args.confidence,
                seed=args.seed,
            )
    except RowError as error:
        said = in_columns(error.error, true=args.true, predictions=predictions, weight=args.weight)
        print(f"{table.place(error.row)}: {_in_options(said)}", file=sys.stderr)
        return 1
    except (TableError, ValueError, TypeError) as error:
        print(error if isinstance(error, TableError) else f"{args.file}: {error}", file=sys.stderr)
        return 1
    _print(scores, args, stream)
    return _write(scores, losses, args)


def _predictions(text: str, table: Table, losses: dict[str, Loss]) -> list[str]:
    """The columns of the predictions: as many as the losses want."""
    names = [text] if text in table.names else [name.strip() for name in text.split(",")]
    for word, loss in losses.items():
        if loss.layout == "pointwise" and len(names) > 1:
            raise ValueError(f"{word} takes one column of predictions; --pred names {len(names)}")
        if loss.layout == "outputs" and len(names) != len(loss.outputs):
            raise ValueError(
                f"{word} takes {len(loss.outputs)} columns, {' and '.join(loss.outputs)}; --pred names {len(names)}"
            )
        if loss.layout == "classes" and len(names) < 2:
            raise ValueError(f"{word} takes a column of predictions per class: --pred A,B,C")
        if loss.layout == "classes" and not loss.takes_labels:
            raise ValueError(
                f"{word} takes rows of targets, which a column is not; losses of labels such as cross_entropy do"
            )
    return names


def _batches(table: Table, args: argparse.Namespace, predictions: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    import numpy as np

    from fastloss.evaluation.tables import Column

    true, scores = Column(args.true), [Column(name) for name in predictions]
    weight = Column(args.weight) if args.weight else None
    group = Column(args.by, numeric=False) if args.by else None
    columns = [column for column in dict.fromkeys([true, *scores, weight, group]) if column]
    for batch in table.batches(columns):
        y_pred = batch[scores[0]] if len(scores) == 1 else np.stack([batch[column] for column in scores], axis=1)
        yield batch[true], y_pred, batch[weight] if weight else None, batch[group] if group else None


def _in_options(said: str) -> str:
    """An error of a loss in the words of the command."""
    said = said.replace("from_logits=True", "--from-logits").replace(" (in y_pred's dtype)", "")
    said = said.replace("as y_pred has", "as --pred has")
    return said.replace(", as set_check_finite(True) asks; drop these rows or clip the values", "; drop such rows")


@contextmanager
def _progress(plain: bool) -> Iterator[Callable[[float], object]]:
    """A bar on a terminal; nothing in a pipe, or without rich."""
    if plain or not sys.stderr.isatty():
        yield lambda share: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    except ImportError:
        yield lambda share: None
        return
    columns = (TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=1.0)
        yield lambda share: progress.update(task, completed=share)


def _named(group: str | None) -> str:
    """What tells rows without a group from all rows."""
    return "(all)" if group is None else group or "(empty)"


def _cells(score: Score) -> tuple[str, ...]:
    interval = "" if score.interval is None else "{:.6g} .. {:.6g}".format(*score.interval)
    group = _named(score.group)
    group = group if group.isprintable() else repr(group)[1:-1]  # a line break would be one of the table
    return group, score.loss, f"{score.rows:,}", f"{score.value:.8g}", interval


def _print(scores: Sequence[Score], args: argparse.Namespace, stream: TextIO) -> None:
    """A table that fits the losses and groups there are."""
    heading = (args.by or "group", "loss", "rows", "value", f"{args.confidence:.0%} interval")
    kept = [*([0] if args.by else []), 1, 2, 3, *([4] if args.bootstrap else [])]
    rows = [[cells[i] for i in kept] for cells in [heading, *map(_cells, scores)]]
    widths = [max(len(row[k]) for row in rows) for k in range(len(kept))]
    for row in rows:
        cells = (
            f"{cell:>{w}}" if i in (2, 3) else f"{cell:<{w}}" for i, cell, w in zip(kept, row, widths, strict=True)
        )
        stream.write("  ".join(cells).rstrip() + "\n")


def _write(scores: Sequence[Score], losses: dict[str, Loss], args: argparse.Namespace) -> int:
    """Write the files that were asked for."""
    asked = ("true", "pred", "weight", "by", "bootstrap", "confidence", "seed")
    document = {
        **{name: getattr(args, name) for name in asked},
        "file": str(args.file),
        "losses": {word: repr(loss) for word, loss in losses.items()},
        "scores": [{name: _finite(x) for name, x in row.items()} for row in map(_row, scores)],
    }
    failed = written(args.json, lambda path: write_json(path, document))
    return max(failed, written(args.csv, lambda path: write_text(path, _as_csv(scores))))


def _row(score: Score) -> dict[str, Any]:
    low, high = score.interval or (None, None)
    row = score._asdict() | {"low": low, "high": high}
    del row["interval"]
    return row


def _finite(x: object) -> object:
    """JSON has neither NaN nor infinity: null, with the words in a table."""
    return None if isinstance(x, float) and not math.isfinite(x) else x


def _as_csv(scores: Sequence[Score]) -> str:
    text = io.StringIO()
    rows = [_row(score) | {"group": _named(score.group)} for score in scores]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
