"""Files of columns, read in batches: CSV, TSV, Parquet, Feather, .npy and .npz.

Text and Arrow files are pyarrow's; NumPy files are mapped into memory. A `Table` knows the names of its columns and
yields batches of arrays, in the order of the file and in constant memory.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastloss.spelling import did_you_mean

if TYPE_CHECKING:
    from fastloss.validation import ElementError

__all__ = ["ENDINGS", "Column", "Table", "TableError", "in_columns", "is_date", "is_number", "open_table"]

ENDINGS = ".csv, .tsv (also .gz, .bz2, .zst), .parquet, .feather, .npy, .npz"
# Rows of a batch of a file that does not bring its own: some megabytes of a few columns, small beside any memory and
# long beside the cost of a call.
BATCH_ROWS = 1 << 18
# Of NumPy files, whose columns are mostly copied out of their rows: into memory that was freed before and not yet given
# back to the system, which would have to clear it anew. That takes several times as long as the copy.
NUMPY_ROWS = 1 << 15
# Bytes of text that pyarrow's reader parses at a time.
TEXT_BYTES = 1 << 24
LONGEST_CELL = 2 * TEXT_BYTES  # that it can hold
LONGEST_NUMBER = 1 << 10
OPEN = "a quote opens a cell there, and none closes it: is the file cut short?"
TEXT = {".csv": ",", ".tsv": "\t"}
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
TRUTHS = tuple(case(word) for word in ("true", "false") for case in (str.lower, str.title, str.upper))
DATE = re.compile(r"\s*(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2}))([ T]|$)")


class TableError(Exception):
    """A file that cannot be read, or that holds what cannot be used; says which file and where in it."""


class Column(NamedTuple):
    """What is wanted of a file: a column of numbers, or of anything that names a group."""

    name: str
    numeric: bool = True


Batch = dict[Column, NDArray[Any]]


class Table(ABC):
    """A file of columns.

    Parameters
    ----------
    path : Path
    report : function, optional
        Told now and then which share of the file, from 0 to 1, has been read.
    """

    def __init__(self, path: Path, report: Callable[[float], object] = lambda share: None) -> None:
        self.path, self.report = path, report

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The names of the columns."""

    @abstractmethod
    def batches(self, columns: Sequence[Column]) -> Iterator[Batch]:
        """Some columns, a batch of rows at a time: float64 or what numeric type the file has, strings for groups."""

    def checked(self, columns: Sequence[Column]) -> None:
        """Raise for a column that the file does not have."""
        for column in columns:
            if column.name not in self.names:
                guess = did_you_mean(column.name, self.names)
                raise TableError(f"{self.path} has no column {column.name!r}{guess}; it has {_listed(self.names)}")

    def place(self, row: int) -> str:
        """Where a row, counted from 0, stands in the file."""
        return f"{self.path}, row {row + 1}"


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(map(repr, names[:most])) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def open_table(path: str | Path, report: Callable[[float], object] = lambda share: None) -> Table:
    """Open a file by its ending.

    Raises
    ------
    TableError
        For a file that is missing, empty, cut short, or of no known kind.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path} is {'a folder' if path.is_dir() else 'missing'}: give a file of predictions")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = PACKED.get(suffixes[-1]) if suffixes else None
    kind = (suffixes[:-1] if packed else suffixes)[-1:] or [""]
    if kind[0] in TEXT:
        return _Text(path, report, TEXT[kind[0]], packed)
    if not packed:
        if kind[0] in (".parquet", ".pq"):
            return _Parquet(path, report)
        if kind[0] in (".feather", ".arrow", ".ipc"):
            return _Feather(path, report)
        if kind[0] in (".npy", ".npz"):
            return _NumPy(path, report)
    raise TableError(f"{path} has the ending {''.join(path.suffixes) or '(none)'!r}: expected one of {ENDINGS}")


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise TableError(
            "CSV, Parquet and Feather files are read with pyarrow: pip install 'fastloss[files]'; without it there are "
            ".npy and .npz"
        ) from None
    return pyarrow


class _Arrow(Table):
    """What files have in common that pyarrow reads: a schema, record batches, errors of its own."""

    def __init__(self, path: Path, report: Callable[[float], object]) -> None:
        super().__init__(path, report)
        self.pyarrow = _arrow()
        try:
            self.open()
        except (OSError, self.pyarrow.ArrowException) as error:
            raise TableError(f"{path} cannot be read: {error}") from error

    @abstractmethod
    def open(self) -> None:
        """Read the schema."""

    @abstractmethod
    def record_batches(self, columns: Sequence[Column]) -> Iterator[Any]:
        """Record batches that hold at least these columns."""

    def batches(self, columns: Sequence[Column]) -> Iterator[Batch]:
        self.checked(columns)
        row = 0
        try:
            for batch in self.record_batches(columns):
                yield {column: self._array(batch, column, row) for column in columns}
                row += batch.num_rows
        except (OSError, self.pyarrow.ArrowException) as error:
            raise TableError(self.explained(error, row, columns)) from error

    def explained(self, error: Exception, row: int, columns: Sequence[Column]) -> str:
        """An error of the reader of columns after so many rows, with the place of what is wrong if that can be told."""
        return f"{self.place(row)} or later: {error}"

    def values(self, batch: Any, column: Column) -> Any:
        """A column of a record batch."""
        return batch.column(batch.schema.get_field_index(column.name))

    def _array(self, batch: Any, column: Column, first: int) -> NDArray[Any]:
        pa = self.pyarrow
        values = self.values(batch, column)
        if not column.numeric:
            names = values.cast(pa.string()).fill_null("")  # as an empty cell of a text file
            return np.asarray(names.to_numpy(zero_copy_only=False), dtype=object)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_boolean(values.type):
            values = values.cast(pa.uint8())
        if pa.types.is_decimal(values.type):
            values = values.cast(pa.float64())
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            such = f", such as {values[0].as_py()!r}" if len(values) else ""
            of_times = pa.types.is_temporal(values.type) and not pa.types.is_duration(values.type)
            what = ", such as the days since the first date" if of_times else ""
            raise TableError(f"{self.path}: column {column.name!r} holds {values.type}{such}: expected numbers{what}")
        if values.null_count:
            at = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
            raise TableError(f"{self.place(first + at)}: column {column.name!r} is empty: fill it in or drop the row")
        array: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return array


def _records(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text file, with the line that each begins in; lines without anything are none."""
    line = 1
    for fields in reader:
        if fields:
            yield line, fields
        line = reader.line_num + 1


class _Text(_Arrow):
    def __init__(self, path: Path, report: Callable[[float], object], delimiter: str, packed: str | None) -> None:
        self.delimiter, self.packed = delimiter, packed
        self.header: list[str] = []
        self.first: dict[str, str] = {}  # of the rows
        super().__init__(path, report)

    @property
    def names(self) -> list[str]:
        return self.header

    def place(self, row: int) -> str:
        """Found by reading again: lines without anything are no rows."""
        with self._reader() as reader:
            line, _ = next(islice(_records(reader), row + 1, None), (reader.line_num, []))
        return f"{self.path}, line {line}"

    def open(self) -> None:
        with self._reader() as reader:
            rows = filter(None, reader)
            try:
                self.header = next(rows, [])
                self.first = dict(zip(self.header, next(rows, []), strict=False))
            except (UnicodeDecodeError, EOFError, csv.Error) as error:
                raise TableError(f"{self.path} cannot be read: {error}") from error
        if not self.header:
            raise TableError(f"{self.path} is empty: expected a line with the names of the columns")
        if len(self.header) == 1 and ";" in self.header[0]:
            raise TableError(f"{self.path} is separated by semicolons: expected commas, or tabs in a .tsv file")
        twice = sorted({name for name in self.header if self.header.count(name) > 1})
        if twice:
            raise TableError(f"{self.path} has two columns named {twice[0]!r}: rename one")

    def _bytes(self) -> IO[bytes]:
        """The file, unpacked."""
        if not self.packed:
            return self.path.open("rb")
        stream: IO[bytes] = self.pyarrow.CompressedInputStream(str(self.path), self.packed)
        return stream

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        """The file as Python reads it."""
        limit = csv.field_size_limit(LONGEST_CELL)
        try:
            with io.TextIOWrapper(self._bytes(), encoding="utf-8-sig", newline="") as lines:
                yield csv.reader(lines, delimiter=self.delimiter)
        finally:
            csv.field_size_limit(limit)

    def record_batches(self, columns: Sequence[Column]) -> Iterator[Any]:
        from pyarrow import csv as arrow_csv

        pa = self.pyarrow
        size = self.path.stat().st_size or 1
        end, rows, last = self.header[-1], 0, None
        # pyarrow's own file: its threads read ahead, and one that waits for Python when that ends takes it down. It is
        # closed with its last reader.
        file = pa.OSFile(str(self.path))
        reader = arrow_csv.open_csv(
            pa.CompressedInputStream(file, self.packed) if self.packed else file,
            read_options=arrow_csv.ReadOptions(block_size=TEXT_BYTES),
            parse_options=arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(dict.fromkeys([*(column.name for column in columns), end])),
                # told, not guessed from the first block: integers there may be followed by fractions
                column_types={end: pa.binary()}
                | {c.name: self._type(c) for c in sorted(columns, key=lambda c: c.numeric, reverse=True)},
                null_values=[""],
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            self.report(file.tell() / size)
            yield batch
            if batch.num_rows:
                rows, last = rows + batch.num_rows, batch.column(batch.schema.get_field_index(end))
        if last is not None and self._may_lack(last) and self._is_open(last[-1].as_py()):
            raise TableError(f"{self.place(rows - 1)}: {OPEN}")

    def _may_lack(self, last: Any) -> bool:
        """Whether the end of the last column is worth a look at the end of the file. A packed one is unpacked again for
        it: not for a number, which without quotes could be cut as well, nor for a name that other rows have, too."""
        from pyarrow import compute

        if not self.packed:
            return True
        cell = last[-1].as_py()
        text = cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
        return not is_number(text) and compute.index(last, last[-1]).as_py() == len(last) - 1

    def _is_open(self, cell: Any) -> bool:
        """Whether the file ends inside quotes: all that follows them is the last cell then, and no reader complains."""
        cell = cell.encode() if isinstance(cell, str) else cell
        before = re.escape(self.delimiter).encode() if len(self.header) > 1 else rb"\r\n"
        if isinstance(cell, bytes):
            text, n = re.escape(cell.replace(b'"', b'""')), len(cell) + cell.count(b'"') + 2
        else:  # a number, whose text is not known
            text, n = rb'[^"\r\n' + before + b"]*", LONGEST_NUMBER
        return re.search(b"[" + before + b']"' + text + rb"\Z", self._end(n)) is not None

    def _end(self, n: int) -> bytes:
        """The last bytes; of a packed file by unpacking it again."""
        end = b""
        with self._bytes() as stream:
            if not self.packed:
                stream.seek(-min(n, self.path.stat().st_size), io.SEEK_END)
            while block := stream.read(TEXT_BYTES):
                end = (end + block)[-n:]
        return end

    def values(self, batch: Any, column: Column) -> Any:
        values = super().values(batch, column)
        if not (column.numeric and self.pyarrow.types.is_string(values.type)):
            return values
        from pyarrow import compute

        # it names groups, too, so that the reader left it as text: nothing and blanks around numbers, as it takes them
        kind, none = self._type(column), self.pyarrow.scalar(None, self.pyarrow.string())
        values = compute.if_else(compute.equal(values, ""), none, values)
        return (compute.utf8_trim(values, " \t") if self.pyarrow.types.is_floating(kind) else values).cast(kind)

    def _type(self, column: Column) -> Any:
        """Truth values are numbers, too: 1 and 0. They are told by the first row."""
        if not column.numeric:
            return self.pyarrow.string()
        return self.pyarrow.bool_() if self.first.get(column.name) in TRUTHS else self.pyarrow.float64()

    def explained(self, error: Exception, row: int, columns: Sequence[Column]) -> str:
        """pyarrow says what is wrong, Python's reader where: not in the rows before, which were read well."""
        numeric = {column.name for column in columns if column.numeric}
        with self._reader() as reader:
            width, line, fields = len(self.header), 1, self.header
            try:
                for line, fields in islice(_records(reader), row + 1, None):
                    where = f"{self.path}, line {line}"
                    if len(fields) != width:
                        return f"{where} has {len(fields)} fields, the heading has {width}: is the file cut short?"
                    for name, field in zip(self.header, fields, strict=True):
                        # numbers are named without the blanks around them
                        named = any(f"'{x}'" in str(error) for x in (field, field.strip()))
                        named |= str(error).endswith(f": {field}")
                        if name in numeric and named and self._is_wrong(field, name):
                            return f"{where}: column {name!r} is {field!r}: {self._wanted(field, name)}"
            except (OSError, EOFError, csv.Error, UnicodeDecodeError) as cut:
                return f"{self.path}, after line {reader.line_num}: {cut}: is the file cut short?"
        if self._is_open(fields[-1]):
            return f"{self.path}, line {line}: {OPEN}"
        return super().explained(error, row, columns)

    def _is_wrong(self, field: str, name: str) -> bool:
        truths = self.first.get(name) in TRUTHS
        return field not in (*TRUTHS, "0", "1") if truths else not is_number(field)

    def _wanted(self, field: str, name: str) -> str:
        if self.first.get(name) in TRUTHS:
            return f"expected true or false, as {self.first[name]!r} in the first row"
        if is_date(field):
            return "expected a number; of a date make one, such as the days since the first, or leave the column out"
        return "expected a number; encode text (labels as 0, 1, ...), or leave the column out"


def in_columns(error: ElementError, *, true: str, predictions: Sequence[str], weight: str | None) -> str:
    """An error of a loss in the file's words: columns for arguments; the row is for `Table.place`."""
    columns = {"y_true": [true], "y_pred": predictions, "sample_weight": [weight]}[error.argument]
    if len(error.index) > 1:
        columns = [columns[error.index[1]]]
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(map(repr, columns))} {error.said}"


def is_date(text: str) -> bool:
    """Whether a cell is a date, with or without a time.

    Examples
    --------
    >>> is_date("2024-05-31T10:00"), is_date("31.5.2024"), is_date("5/31/24"), is_date("1-2-3"), is_date("10.0.0.1")
    (True, True, True, False, False)
    """
    return DATE.match(text) is not None


def is_number(text: str) -> bool:
    """Whether a cell of a text file is a number.

    Examples
    --------
    >>> is_number("1.5e3"), is_number(" -inf"), is_number("1_000"), is_number("1,000")
    (True, True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text  # which Python takes, and files do not mean


class _Parquet(_Arrow):
    def open(self) -> None:
        from pyarrow import parquet

        self.file = parquet.ParquetFile(self.path, memory_map=True)

    @property
    def names(self) -> list[str]:
        return list(self.file.schema_arrow.names)

    def record_batches(self, columns: Sequence[Column]) -> Iterator[Any]:
        total, seen = self.file.metadata.num_rows or 1, 0
        names = list(dict.fromkeys(column.name for column in columns))
        for batch in self.file.iter_batches(BATCH_ROWS, columns=names):
            seen += batch.num_rows
            yield batch
            self.report(seen / total)


class _Feather(_Arrow):
    def open(self) -> None:
        from pyarrow import ipc

        self.source = self.pyarrow.memory_map(str(self.path))
        self.schema = ipc.open_file(self.source).schema

    @property
    def names(self) -> list[str]:
        return list(self.schema.names)

    def record_batches(self, columns: Sequence[Column]) -> Iterator[Any]:
        from pyarrow import ipc

        fields = sorted({self.schema.get_field_index(column.name) for column in columns})
        reader = ipc.open_file(self.source, options=ipc.IpcReadOptions(included_fields=fields))
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
            self.report((i + 1) / reader.num_record_batches)


class _NumPy(Table):
    """Columns of a .npy file are the fields of its records, or the columns of its matrix by their numbers; those of a
    .npz file are its arrays, by name, and the columns of a matrix in it ``name[0]``, ``name[1]``, ..."""

    def __init__(self, path: Path, report: Callable[[float], object]) -> None:
        super().__init__(path, report)
        try:
            self.arrays = dict(self._columns())
            if not self.arrays:
                raise ValueError("it has no columns, which are arrays of one or two dimensions")
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
            raise TableError(f"{path} cannot be read: {error}") from error

    @property
    def names(self) -> list[str]:
        return list(self.arrays)

    def _columns(self) -> Iterator[tuple[str, _Rows]]:
        if self.path.suffix.lower() == ".npy":
            array = np.load(self.path, mmap_mode="r")
            read = partial(_slices, array)  # one for all columns: they are read together
            if array.dtype.names:
                yield from ((name, _Rows(len(array), read, itemgetter(name))) for name in array.dtype.names)
            elif array.ndim == 2:
                yield from ((str(k), _Rows(len(array), read, itemgetter(np.s_[:, k]))) for k in range(array.shape[1]))
            else:
                raise ValueError(f"its array has the shape {array.shape}: expected a matrix, or records with fields")
            return
        with zipfile.ZipFile(self.path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        for info in members:
            name, member = info.filename[:-4], _Member(self.path, info)
            if len(member.shape) == 1:
                yield name, _Rows(member.shape[0], member.rows)
            elif len(member.shape) == 2:
                for k in range(member.shape[1]):
                    yield f"{name}[{k}]", _Rows(member.shape[0], member.rows, itemgetter(np.s_[:, k]))

    def batches(self, columns: Sequence[Column]) -> Iterator[Batch]:
        self.checked(columns)
        chosen = {column: self.arrays[column.name] for column in columns}
        lengths = {column.name: rows.length for column, rows in chosen.items()}
        if len(set(lengths.values())) > 1:
            raise TableError(f"{self.path}: columns of different lengths: {lengths}")
        length = next(iter(lengths.values()))
        # arrays of one member are read once
        readers = {rows.read: rows.read() for rows in chosen.values()}
        for first in range(0, length, NUMPY_ROWS):
            try:
                pieces = {read: next(reader) for read, reader in readers.items()}
            except (OSError, EOFError, zipfile.BadZipFile, ValueError) as error:
                raise TableError(f"{self.place(first)} or later: {error}: is the file cut short?") from error
            batch = {}
            for column, rows in chosen.items():
                array = rows.take(pieces[rows.read])
                if column.numeric and array.dtype.kind not in "biuf":
                    raise TableError(f"{self.path}: column {column.name!r} holds {array.dtype}: expected numbers")
                batch[column] = array if column.numeric else array.astype(str).astype(object)
            yield batch
            self.report(min(1.0, (first + NUMPY_ROWS) / length))


class _Rows(NamedTuple):
    """A column: what reads batches of rows of the array it stands in, and what takes it out of them."""

    length: int
    read: Callable[[], Iterator[NDArray[Any]]]
    take: Callable[[NDArray[Any]], NDArray[Any]] = lambda rows: rows


def _slices(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for first in range(0, len(array), NUMPY_ROWS):
        yield array[first : first + NUMPY_ROWS]


class _Member:
    """An array in a .npz file: mapped where it is stored as it is, read as a stream where it is compressed."""

    def __init__(self, path: Path, info: zipfile.ZipInfo) -> None:
        self.path, self.info = path, info
        with zipfile.ZipFile(path) as archive, archive.open(info) as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            self.shape, self.by_column, self.dtype = read(stream)
            self.offset = stream.tell()
        if self.dtype.hasobject:
            raise ValueError(f"{info.filename} holds Python objects: expected numbers")

    def rows(self) -> Iterator[NDArray[Any]]:
        if self.info.compress_type == zipfile.ZIP_STORED:
            yield from _slices(self._mapped())
            return
        if self.by_column and len(self.shape) > 1:
            raise TableError(f"{self.path}: {self.info.filename} is compressed column by column: save it in C order")
        with zipfile.ZipFile(self.path) as archive, archive.open(self.info) as stream:
            stream.read(self.offset)
            width = self.dtype.itemsize * int(np.prod(self.shape[1:]))
            for first in range(0, self.shape[0], NUMPY_ROWS):
                n = min(NUMPY_ROWS, self.shape[0] - first)
                data = stream.read(n * width)
                if len(data) < n * width:
                    raise EOFError(
                        f"{self.info.filename} ends after {first + len(data) // width} rows of {self.shape[0]}"
                    )
                yield np.frombuffer(data, self.dtype).reshape(n, *self.shape[1:])

    def _mapped(self) -> NDArray[Any]:
        with self.path.open("rb") as file:  # a local header, whose lengths may differ from the directory's
            file.seek(self.info.header_offset + 26)
            lengths = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
        begin = self.info.header_offset + 30 + lengths + self.offset
        array: NDArray[Any] = np.memmap(
            self.path, dtype=self.dtype, mode="r", offset=begin, shape=self.shape, order="F" if self.by_column else "C"
        )
        return array
