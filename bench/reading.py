"""`fastloss eval` beside the reader that it stands on: what reading alone takes, and reading with the losses.

python bench/reading.py [KIND ...] [--rows 10000000] [--rounds 7] [--losses mse]

Alone, pyarrow (or NumPy) reads the same two columns in the same batches and nothing is done with them. All take turns
in one process, and a time is the least of the rounds. "plain" is how one would read the whole file at once.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, feather, ipc, parquet

from fastloss.cli import main as fastloss
from fastloss.evaluation import tables

NAMES = ["y", "p"]


def _csv(path: Path) -> None:
    options = csv.ReadOptions(block_size=tables.TEXT_BYTES)
    for _ in csv.open_csv(path, options, convert_options=csv.ConvertOptions(include_columns=NAMES)):
        pass


def _parquet(path: Path) -> None:
    for _ in parquet.ParquetFile(path, memory_map=True).iter_batches(tables.BATCH_ROWS, columns=NAMES):
        pass


def _feather(path: Path) -> None:
    reader = ipc.open_file(pa.memory_map(str(path)), options=ipc.IpcReadOptions(included_fields=[0, 1]))
    for i in range(reader.num_record_batches):
        reader.get_batch(i)


def _npy(path: Path) -> None:
    array = np.load(path, mmap_mode="r")
    for first in range(0, len(array), tables.NUMPY_ROWS):
        rows = array[first : first + tables.NUMPY_ROWS]
        np.ascontiguousarray(rows["y"]), np.ascontiguousarray(rows["p"])


def _plain_csv(path: Path) -> None:
    csv.read_csv(path, convert_options=csv.ConvertOptions(include_columns=NAMES))


Write = Callable[[Path, Any], object]
Read = Callable[[Path], object]
KINDS: dict[str, tuple[Write, Read, Read]] = {  # how to write, to read in batches, to read at once
    "csv": (lambda path, table: csv.write_csv(table, path), _csv, _plain_csv),
    "parquet": (
        lambda path, table: parquet.write_table(table, path),
        _parquet,
        lambda path: parquet.read_table(path, columns=NAMES),
    ),
    "feather": (
        lambda path, table: feather.write_feather(table, path),
        _feather,
        lambda path: feather.read_table(path, columns=NAMES),
    ),
    "npy": (
        lambda path, table: np.save(path, table.to_pandas().to_records(index=False)),
        _npy,
        lambda path: [np.array(np.load(path, mmap_mode="r")[name]) for name in NAMES],
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"some of {', '.join(KINDS)}")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--losses", default="mse")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.normal(size=args.rows)
    table = pa.table({"y": y, "p": y + rng.normal(size=args.rows), "other": rng.normal(size=args.rows)})
    print(f"{'million rows a second':<22} {'plain':>7} {'batches':>8} {'eval':>7} {'of plain':>9} {'of batches':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.kinds or KINDS:
            write, batches, plain = KINDS[kind]
            path = Path(folder, f"data.{kind}")
            write(path, table)
            options = ["eval", str(path), "--true", "y", "--pred", "p", "--loss", args.losses]
            takes = partial(plain, path), partial(batches, path), partial(fastloss, options)
            least = [np.inf] * 3
            for _ in range(args.rounds):
                for i, take in enumerate(takes):
                    with redirect_stdout(io.StringIO()):
                        begun = time.perf_counter()
                        take()
                        least[i] = min(least[i], time.perf_counter() - begun)
            path.unlink()
            speeds = [args.rows / seconds / 1e6 for seconds in least]
            shares = [f"{speeds[2] / speed:.2f}" for speed in speeds[:2]]
            print(f"{kind:<22} {speeds[0]:>7.0f} {speeds[1]:>8.0f} {speeds[2]:>7.0f} {shares[0]:>9} {shares[1]:>11}")


if __name__ == "__main__":
    main()
