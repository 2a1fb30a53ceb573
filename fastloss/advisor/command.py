"""``fastloss recommend``: its options and its course. Heavy imports happen when it runs, not for ``--help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fastloss.spelling import did_you_mean
from fastloss.usage import UsageError
from fastloss.writing import check_folder, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fastloss.evaluation.tables import Table

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  fastloss recommend data.csv --target price
  fastloss recommend predictions.parquet --target y --pred score --metric mae
  fastloss recommend data.csv --target churned --features age,visits,plan \\
      --metric balanced_accuracy --html advice.html
  fastloss recommend data.csv --target y --weight w --verify --models lightgbm

With --features, or with --verify, which takes all other columns, the candidates
are cross-validated. Files are those of `fastloss eval`, read into memory.
"""

GAPS = ("na", "n/a", "nan", "null", "none")  # how files write that a number is not known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from fastloss.evaluation.tables import ENDINGS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help=ENDINGS)
    parser.add_argument("--target", required=True, metavar="COLUMN", help="targets: numbers or labels")
    parser.add_argument(
        "--pred", metavar="COLUMN[,COLUMN...]", help="held-out predictions of any model: one column, or one per class"
    )
    parser.add_argument("--features", metavar="COLUMN[,COLUMN...]", help="columns to learn from")
    parser.add_argument("--task", metavar="TASK", help="regression, count, binary, multiclass: how targets are meant")
    parser.add_argument(
        "--metric", metavar="NAME", help="what is to be good: a loss, also with parameters, or a score such as roc_auc"
    )
    parser.add_argument("--weight", metavar="COLUMN", help="weights of the rows")
    parser.add_argument("--verify", action="store_true", help="cross-validate, on all other columns or on --features")
    parser.add_argument(
        "--models",
        metavar="NAME[,NAME...]",
        help="what is trained, linear, trees or lightgbm; the first decides (default: linear,trees)",
    )
    parser.add_argument("--cv", type=int, metavar="N", help="folds of that (default: 5)")
    parser.add_argument("--time-budget", type=float, metavar="SECONDS", help="begin no more splits after that")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds (default: 0)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report with plots as one HTML file")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace, stream: TextIO | None = None) -> int:
    """Advise on a file; returns the exit status.

    Raises
    ------
    UsageError
        If an option is wrong.
    """
    import json

    from fastloss.evaluation.tables import TableError, in_columns, open_table
    from fastloss.validation import ElementError

    stream = sys.stdout if stream is None else stream
    check_folder(args.html, read=args.file)
    if args.seed < 0:
        raise UsageError(f"--seed must be at least 0, not {args.seed}")
    training = _training(args)
    try:
        from fastloss.advisor.answer import recommend
        from fastloss.advisor.words import ON_THE_COMMAND_LINE

        table = open_table(args.file)
        predictions, features = _columns(args, table)
        y = _target(table, args.target)
        numbers = _numbers(table, [*predictions, *([args.weight] if args.weight else [])])
        try:
            numbers |= _numbers(table, features)
        except TableError as error:
            for name in features:
                if not any(map(str.strip, _texts(table, name))):
                    raise ValueError(f"column {name!r} is missing in every row: leave it out") from error
            hint = "" if args.features else " (--features names those to learn from)"
            raise TableError(f"{error}{hint}") from error
        report = recommend(
            y,
            _stacked(numbers, predictions),
            X=None if not features else _stacked_features(numbers, features),
            task=args.task,
            metric=args.metric,
            sample_weight=None if not args.weight else numbers[args.weight],
            verify=bool(features),
            **training,
            random_state=args.seed,
            n_threads=None,
            words=ON_THE_COMMAND_LINE,
        )
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    except ElementError as error:
        said = in_columns(error, true=args.target, predictions=predictions, weight=args.weight)
        print(f"{table.place(error.index[0])}: {said.replace('such rows of both', 'such rows')}", file=sys.stderr)
        return 1
    except (ValueError, ImportError) as error:
        print(f"{args.file}: {_in_columns(str(error), args)}", file=sys.stderr)
        return 1
    if args.json:
        stream.write(json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n")
    else:
        stream.write(f"{report!r}\n")
    return written(args.html, report.to_html)


def _training(args: argparse.Namespace) -> dict[str, Any]:
    """How the cross-validation is asked for; None where it is not."""
    from fastloss.advisor.trial import MODELS

    models = None if args.models is None else [name.strip() for name in args.models.split(",")]
    for name in models or ():
        if name not in MODELS:
            raise UsageError(
                f"--models: there is no {name!r}{did_you_mean(name, MODELS)}; it takes {', '.join(MODELS)}"
            )
    if args.cv is not None and args.cv < 2:
        raise UsageError(f"--cv must be at least 2, not {args.cv}")
    if args.time_budget is not None and not args.time_budget > 0:
        raise UsageError(f"--time-budget must be seconds > 0, not {args.time_budget:g}")
    asked = {"models": models, "cv": args.cv, "time_budget": args.time_budget}
    given = [name.replace("_", "-") for name, value in asked.items() if value is not None]
    if given and not (args.features or args.verify):
        raise UsageError(f"--{given[0]} is for the cross-validation: give --features, or --verify")
    return asked


def _columns(args: argparse.Namespace, table: Table) -> tuple[list[str], list[str]]:
    """The columns of predictions and of features."""
    predictions = _named(args.pred, table)
    features = _named(args.features, table)
    if args.verify and not features:
        features = [name for name in table.names if name not in (args.target, args.weight, *predictions)]
        if not features:
            raise ValueError("--verify trains on the other columns, and there are none")
    if args.target in features:
        raise ValueError(f"--features names the target, {args.target!r}: a model would read off the answer")
    return predictions, features


def _named(text: str | None, table: Table) -> list[str]:
    if text is None:
        return []
    return [text] if text in table.names else [name.strip() for name in text.split(",")]


def _target(table: Table, name: str) -> NDArray[Any]:
    """A column as numbers if it is of numbers, else as text."""
    import numpy as np

    from fastloss.evaluation.tables import TableError, is_number

    texts = _texts(table, name)
    known = [value.strip() if value else "" for value in texts.tolist()]
    of_numbers = any(is_number(value) for value in known if value.lower() not in GAPS)
    gaps = [at for at, value in enumerate(known) if not value or (of_numbers and value.lower() in GAPS)]
    if len(gaps) == len(texts):
        raise ValueError(f"column {name!r} is missing in every row: there is nothing to learn from")
    if gaps:
        what = repr(known[gaps[0]]) if known[gaps[0]] else "empty"
        rows = f"the {len(gaps)} rows without a target" if len(gaps) > 1 else "the row"
        raise TableError(f"{table.place(gaps[0])}: column {name!r} is {what}: drop {rows}")
    if set(map(str.lower, texts.tolist())) <= {"true", "false"}:
        return texts.astype(str)
    try:
        return texts.astype(np.float64)
    except ValueError:
        return texts.astype(str)


def _texts(table: Table, name: str) -> NDArray[Any]:
    import numpy as np

    from fastloss.evaluation.tables import Column, TableError

    column = Column(name, numeric=False)
    batches = [batch[column] for batch in table.batches([column])]
    if not sum(map(len, batches)):
        raise TableError(f"{table.path} has no rows below the names of its columns")
    return np.concatenate(batches)


def _numbers(table: Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    import numpy as np

    from fastloss.evaluation.tables import Column

    if not names:
        return {}
    columns = [Column(name) for name in dict.fromkeys(names)]
    batches = list(table.batches(columns))
    return {c.name: np.concatenate([batch[c] for batch in batches]).astype(np.float64) for c in columns}


def _stacked(numbers: dict[str, NDArray[Any]], names: Sequence[str]) -> NDArray[Any] | None:
    import numpy as np

    if not names:
        return None
    return numbers[names[0]] if len(names) == 1 else np.stack([numbers[name] for name in names], axis=1)


class _Named:
    """Features with the names of their columns, for errors."""

    def __init__(self, values: NDArray[Any], columns: Sequence[str]) -> None:
        self.values, self.columns = values, columns

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return self.values


def _stacked_features(numbers: dict[str, NDArray[Any]], names: Sequence[str]) -> Any:
    import numpy as np

    return _Named(np.stack([numbers[name] for name in names], axis=1), [f"column {name!r}" for name in names])


def _in_columns(message: str, args: argparse.Namespace) -> str:
    """An error in the words of the file and the command line."""
    for option, value in (("task", args.task), ("metric", args.metric)):
        message = message.replace(f"{option}={value!r}", f"--{option} {value}")
    message = message.replace("y_true", f"column {args.target!r}")
    message = message.replace("sample_weight", f"column {args.weight!r}") if args.weight else message
    return message.replace("y_pred", f"column {args.pred!r}") if args.pred else message
