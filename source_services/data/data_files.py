"""Data files: where a service's rows come from, and how CSV, JSON lines and SQLite become columns and cells.

No cell is interpreted and none is lost: CSV cells remain text, JSON numbers remain numbers. What cannot be read without
guessing is rejected; the error names the file, the line and the fix.
"""

import csv
import gzip
import json
import math
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, TextIO

import apsw

from source_services.data.columns import Cell, Indexes, Table, as_json, distinct_names, free_name, quoted
from source_services.errors import DataFileError
from source_services.settings import Limits, variable

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".sqlite")

_WITHOUT_NUL = "save the file as UTF-8 without NUL"


def service_name(data_file: Path) -> str | None:
    """`tax` for `tax.csv`, `tax.jsonl.gz` and so on; None for a hidden file, or one that is not a data file."""
    for suffix in SUFFIXES:
        if data_file.name.endswith(suffix) and not data_file.name.startswith("."):
            return data_file.name.removesuffix(suffix)
    return None


def find_data_files(folder: Path) -> dict[str, Path]:
    """Every data file of a folder by its service, in name order. Raises DataFileError if a service has two."""
    if not folder.is_dir():
        raise DataFileError("there is no such folder", "name the folder that contains the data files", folder)
    found: dict[str, Path] = {}
    for data_file in sorted(folder.iterdir()):
        name = service_name(data_file)
        if name is None or not data_file.is_file():
            continue
        if name in found:
            what = f"both {found[name].name} and {data_file.name} contain data of {name}"
            raise DataFileError(what, "keep one and move the other away", folder)
        found[name] = data_file
    return dict(sorted(found.items()))


def find_data_file(folder: Path, name: str) -> Path:
    """The data file of the service `name` in a folder. Raises DataFileError."""
    try:
        return find_data_files(folder)[name]
    except KeyError:
        raise DataFileError(f"there is none of {candidates(name)}", "put one there", folder) from None


def candidates(name: str) -> str:
    """The file names that a data file of the service `name` may have, for a message."""
    return ", ".join(name + suffix for suffix in SUFFIXES)


@contextmanager
def open_table(data_file: Path, name: str, limits: Limits) -> Iterator[Table]:
    """Read the data file of the service `name`. Raises DataFileError, here or while the rows are read.

    No row and no number of columns above the limits is held in memory, however well the file is compressed.

    SQLite: the table of that name, or the only one.

    CSV and JSON lines are UTF-8, with or without a byte order mark, and without NUL characters. Blank lines contain
    no row.

    CSV: the first line names the columns. If every row has one cell more than the header, the first cell is a row
    number without a name and becomes the column `row`. Any other difference in length is an error.

    JSON lines: one object per line. Nested objects are flattened to columns such as `lines.Net income`, a
    list becomes its JSON text, true and false become text, and so does a number too large for SQLite.
    """
    try:
        with _open_file(data_file) as file:
            if data_file.suffix == ".sqlite":
                with _open_sqlite(data_file, name, limits) as table:
                    yield table._replace(columns=distinct_names(table.columns))
                return
            read = _csv_table if data_file.name.removesuffix(".gz").endswith(".csv") else _json_table
            plain: Any = gzip.GzipFile(fileobj=file) if data_file.suffix == ".gz" else file
            with TextIOWrapper(plain, encoding="utf-8-sig", newline="") as text:
                yield read(data_file, text, limits)
    except UnicodeDecodeError as error:
        raise DataFileError(f"is not UTF-8 text ({error.reason})", "save it as UTF-8", data_file) from error
    except (OSError, EOFError, zlib.error) as error:
        fix = "check that it is complete and readable"
        raise DataFileError(f"cannot be read ({error})", fix, data_file) from error


def _open_file(data_file: Path) -> IO[bytes]:
    """The file, opened without waiting, as one would for a pipe in its place. Raises OSError, DataFileError."""
    file = os.fdopen(os.open(data_file, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise DataFileError("is not a regular file", "put a file in its place", data_file)
    return file


def check_name(data_file: Path, column: str, limits: Limits) -> None:
    """Raises DataFileError if the name of the column is too long."""
    if (length := len(column.encode(errors="replace"))) > limits.name_bytes:
        what = f"the name of its column {column[:40]}... has {length:,} bytes; the limit is {limits.name_bytes:,}"
        raise DataFileError(what, f"shorten it, or set {variable('name_bytes')}", data_file)


def too_many_columns(data_file: Path, limits: Limits) -> DataFileError:
    """The data file has more columns than the limit."""
    fix = "give each row the same names, as cells of one column have"
    return DataFileError(f"it has more than {limits.columns:,} columns", fix, data_file)


def too_long_row(data_file: Path, limits: Limits) -> DataFileError:
    """The data file has a row that is above the limit, or that there is no memory for."""
    what = f"has a cell or row of more than {limits.row_bytes:,} bytes, or more than there is memory for"
    return DataFileError(what, f"make it shorter, or set {variable('row_bytes')}", data_file)


class _Lines:
    """The lines of a text file. Raises DataFileError for a row that is too long, before all of it is in memory.

    `row` is the length of the lines of the current row: who reads rows sets it to 0 after each.
    """

    def __init__(self, data_file: Path, text: TextIO, limits: Limits) -> None:
        self._data_file, self._text, self._most = data_file, text, limits.row_bytes
        self.row, self.number = 0, 0

    def __iter__(self) -> Iterator[str]:
        read, longest = self._text.readline, self._most + 1
        while line := read(longest):
            self.number += 1
            self.row += len(line)
            if self.row > self._most:
                what = f"has a row of more than {self._most:,} characters"
                fix = f"close its quotes, make it shorter, or set {variable('row_bytes')}"
                raise _line_error(self._data_file, self.number, what, fix)
            yield line


def _line_error(data_file: Path, number: int, what: str, fix: str) -> DataFileError:
    return DataFileError(what, fix, f"{data_file}, line {number}")


# CSV


def _csv_table(data_file: Path, text: TextIO, limits: Limits) -> Table:
    lines = _csv_lines(data_file, text, limits)
    _, header = next(lines, (0, []))
    if not header:
        raise DataFileError("is empty", "name the columns in its first line", data_file)
    if len(header) > limits.columns:  # before they get distinct names, which take a hundred times as much memory
        raise too_many_columns(data_file, limits)
    columns = distinct_names(header)
    first = next(lines, None)
    if first is not None and len(first[1]) == len(columns) + 1:
        columns.insert(0, free_name("row", columns))
    return Table(columns, _csv_rows(data_file, columns, chain([first] if first else [], lines)))


def _csv_lines(data_file: Path, text: TextIO, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(limits.row_bytes)  # the module has one limit for the whole process
    lines = _Lines(data_file, text, limits)
    # strict: otherwise a quote that is never closed swallows the rest of the file as one cell
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            lines.row = 0
            if "\0" in "".join(cells):
                what = "contains the character NUL, so it is not text"
                raise _line_error(data_file, reader.line_num, what, _WITHOUT_NUL)
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        what = f"is not valid CSV ({error})"
        raise _line_error(data_file, reader.line_num, what, "fix the quotes of that line") from error


def _csv_rows(data_file: Path, columns: list[str], lines: Iterable[tuple[int, list[str]]]) -> Iterator[list[Cell]]:
    for number, cells in lines:
        if len(cells) != len(columns):
            what = f"has {len(cells)} cells where {len(columns)} are expected"
            fix = "quote cells that contain a comma, or add the missing cells"
            raise _line_error(data_file, number, what, fix)
        yield [*cells]


# JSON lines


def _json_table(data_file: Path, text: TextIO, limits: Limits) -> Table:
    # Two passes: the columns are known only when all rows have been read, and those may not fit into memory
    paths = _json_paths(data_file, text, limits)
    if not paths:
        raise DataFileError("contains no values, so its columns are unknown", "add a row", data_file)
    text.seek(0)
    rows: Iterator[list[Cell]] = ([record.get(path) for path in paths] for record in _records(data_file, text, limits))
    # In an order that doesn't depend on that of the rows: of two equal names, the first one is not changed
    by_name = sorted(paths, key=lambda path: (len(path), path))
    names = dict(zip(by_name, distinct_names(".".join(path) for path in by_name), strict=True))
    return Table([names[path] for path in paths], rows)


def _json_paths(data_file: Path, text: TextIO, limits: Limits) -> list[tuple[str, ...]]:
    """The paths of all columns, in the order in which they occur."""
    paths = dict[tuple[str, ...], None]()
    for record in _records(data_file, text, limits):
        for path in record:
            if path not in paths:
                check_name(data_file, ".".join(path), limits)
                paths[path] = None
        if len(paths) > limits.columns:
            raise too_many_columns(data_file, limits)
    return list(paths)


def _records(data_file: Path, text: TextIO, limits: Limits) -> Iterator[dict[tuple[str, ...], Cell]]:
    lines = _Lines(data_file, text, limits)
    for number, line in enumerate(lines, start=1):
        lines.row = 0
        if not line.strip():
            continue
        try:
            record = _DECODER.decode(line)
            if not isinstance(record, dict):
                raise ValueError("it is not an object")
            # Each cell far below has a long path: no more are made than there may be columns
            cells = dict(islice(_flatten(record), limits.columns + 1))
            if "\\u" in line:
                _check_escapes(record, cells)
            yield cells
        except (ValueError, RecursionError) as error:
            what = f"cannot be read as a JSON object ({error})"
            raise _line_error(data_file, number, what, "write one complete JSON object in each line") from error


def _check_escapes(record: dict[str, Any], cells: dict[tuple[str, ...], Cell]) -> None:
    """An escape can encode half of a surrogate pair, which is not text, or NUL, which ends SQL text."""
    json.dumps(record, ensure_ascii=False).encode()
    if any("\0" in part for path, cell in cells.items() for part in (*path, str(cell))):
        raise ValueError(f"it contains the character NUL; {_WITHOUT_NUL}")


def _flatten(record: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Cell]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flatten(value, (*above, key))
        else:
            yield (*above, key), _cell(value)


def _cell(value: bool | int | float | str | list[Any] | None) -> Cell:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return record


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


# SQLite

_SQLITE_OPTIONS = ((apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1))
"""The schema of the file, with expressions of generated columns, is by someone else."""


@contextmanager
def _open_sqlite(data_file: Path, name: str, limits: Limits) -> Iterator[Table]:
    """The table `name` of a SQLite file, or its only table. Raises DataFileError.

    Declared types don't matter: cells keep the type in which they are stored. Infinity becomes the text `Infinity`.
    """
    uri = f"{data_file.absolute().as_uri()}?mode=ro"
    try:
        with ExitStack() as stack:
            connection = apsw.Connection(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
            stack.callback(connection.close, True)
            connection.limit(apsw.SQLITE_LIMIT_LENGTH, limits.row_bytes)
            for option in _SQLITE_OPTIONS:
                connection.config(*option)
            connection.pragma("cell_size_check", 1)
            connection.execute("BEGIN")
            table = _find_table(connection, data_file, name)
            cursor = connection.execute(f"SELECT * FROM {quoted(table)}")
            # Generated columns are columns too; hidden ones of virtual tables are not
            shown = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", (table,))
            names = [str(row[0]) for row in shown]
            yield Table(names, _sqlite_rows(data_file, cursor, limits), _sqlite_indexes(connection, table))
    except (apsw.Error, MemoryError) as error:
        raise _invalid_sqlite(data_file, error, limits) from error


def _sqlite_rows(data_file: Path, cursor: apsw.Cursor, limits: Limits) -> Iterator[Sequence[Cell]]:
    try:
        yield from map(_finite, cursor)
    except (apsw.Error, MemoryError, UnicodeDecodeError) as error:
        raise _invalid_sqlite(data_file, error, limits) from error


def _invalid_sqlite(data_file: Path, error: Exception, limits: Limits) -> DataFileError:
    if isinstance(error, (apsw.TooBigError, apsw.NoMemError, MemoryError)):
        return too_long_row(data_file, limits)
    fix = "check that it is complete and that no program still writes to it"
    return DataFileError(f"cannot be read as a SQLite file ({error})", fix, data_file)


def _find_table(connection: apsw.Connection, data_file: Path, name: str) -> str:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    names = [str(row[0]) for row in tables if not str(row[0]).startswith("sqlite_")]
    if name in names or len(names) == 1:
        return name if name in names else names[0]
    if not names:
        raise DataFileError("has no table", f"put the statements into a table {name!r}", data_file)
    raise DataFileError(f"has no table {name!r}", f"rename one of: {', '.join(names)}", data_file)


def _sqlite_indexes(connection: apsw.Connection, table: str) -> Indexes:
    """The columns of each index; indexes over expressions are left out."""
    names = "SELECT json_group_array(name) FROM pragma_index_info(list.name)"
    indexes = connection.execute(f"SELECT ({names}) FROM pragma_index_list(?) AS list", (table,))
    return tuple(sorted({tuple(columns) for (text,) in indexes if all(columns := json.loads(text))}))


def _finite(row: tuple[Any, ...]) -> Sequence[Cell]:
    if math.inf not in row and -math.inf not in row:
        return row
    return [as_json(cell) if isinstance(cell, float) else cell for cell in row]
