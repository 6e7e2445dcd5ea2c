"""Data files: where a service's rows come from, and how CSV, JSON lines and SQLite become columns and cells.

Nothing is interpreted and nothing is lost: CSV cells stay the text that they are, JSON numbers stay numbers.
What cannot be read without guessing is refused, with the file, the line and the cure.
"""

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from source_services.data.column_names import distinct_names, free_name
from source_services.data.columns import Cell, DataFileError, Table
from source_services.data.sqlite_file import open_sqlite

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".sqlite")

csv.field_size_limit(1 << 30)  # a cell may be as long as SQLite can hold

_WITHOUT_NUL = "save the file as UTF-8, without such characters"


def service_name(data_file: Path) -> str | None:
    """`tax` for `tax.csv`, `tax.jsonl.gz` and so on; None for a file that is hidden or no data file."""
    for suffix in SUFFIXES:
        if data_file.name.endswith(suffix) and not data_file.name.startswith("."):
            return data_file.name.removesuffix(suffix)
    return None


def find_data_files(folder: Path) -> dict[str, Path]:
    """Every data file of a folder by its service, in name order; two for one service are refused."""
    if not folder.is_dir():
        raise DataFileError(f"{folder}: there is no such folder; name the folder that holds the data files")
    found: dict[str, Path] = {}
    for data_file in sorted(folder.iterdir()):
        name = service_name(data_file)
        if name is None or not data_file.is_file():
            continue
        if name in found:
            raise DataFileError(
                f"{folder}: both {found[name].name} and {data_file.name} hold data of {name}; "
                "keep one and move the other away"
            )
        found[name] = data_file
    return dict(sorted(found.items()))


def find_data_file(folder: Path, name: str) -> Path:
    """The one data file of the service `name` in a folder."""
    try:
        return find_data_files(folder)[name]
    except KeyError:
        raise DataFileError(f"{folder}: {looked_for(name)}; put one there") from None


def looked_for(name: str) -> str:
    """What was looked for in vain, for a message."""
    return "there is none of " + ", ".join(name + suffix for suffix in SUFFIXES)


@contextmanager
def open_table(data_file: Path, name: str) -> Iterator[Table]:
    """Read the data file of the service `name`; every fault met while its rows are taken is a `DataFileError`.

    SQLite: the table of that name, or the only one.

    CSV and JSON lines are UTF-8, with or without a byte order mark, and without NUL characters. Blank lines hold
    no row.

    CSV: the first line names the columns. Rows that all have one cell more than the header begin with an
    unnamed running number, which becomes the column `row`. Any other difference in length is refused.

    JSON lines: one object per line. Nested objects are flattened to columns such as `lines.Net income`, a
    list becomes its JSON text, true and false become text, and so does a number too large for SQLite.
    """
    if data_file.suffix == ".sqlite":
        with open_sqlite(data_file, name) as table:
            yield table._replace(columns=distinct_names(table.columns))
        return
    read = _csv_table if data_file.name.removesuffix(".gz").endswith(".csv") else _json_table
    try:
        with _open_text(data_file) as text:
            yield read(data_file, text)
    except UnicodeDecodeError as error:
        raise DataFileError(f"{data_file}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataFileError(f"{data_file}: cannot be read ({error}); is it whole and readable?") from error


def _open_text(data_file: Path) -> TextIO:
    if data_file.suffix == ".gz":
        return gzip.open(data_file, "rt", encoding="utf-8-sig", newline="")
    return data_file.open(encoding="utf-8-sig", newline="")


# CSV


def _csv_table(data_file: Path, text: TextIO) -> Table:
    lines = _csv_lines(data_file, text)
    _, header = next(lines, (0, []))
    if not header:
        raise DataFileError(f"{data_file}: is empty; its first line must name the columns")
    columns = distinct_names(header)
    first = next(lines, None)
    if first is not None and len(first[1]) == len(columns) + 1:
        columns.insert(0, free_name("row", columns))
    return Table(columns, _csv_rows(data_file, columns, chain([first] if first else [], lines)))


def _csv_lines(data_file: Path, text: TextIO) -> Iterator[tuple[int, list[str]]]:
    # strict: otherwise a quote that is never closed swallows the rest of the file as one cell
    reader = csv.reader(_lines_of_text(data_file, text), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataFileError(
            f"{data_file}, line {reader.line_num}: is not valid CSV ({error}); mend the quoting of that line"
        ) from error


def _lines_of_text(data_file: Path, text: TextIO) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if "\0" in line:
            raise DataFileError(
                f"{data_file}, line {number}: holds the character NUL, so it is no text; {_WITHOUT_NUL}"
            )
        yield line


def _csv_rows(data_file: Path, columns: list[str], lines: Iterable[tuple[int, list[str]]]) -> Iterator[list[Cell]]:
    for number, cells in lines:
        if len(cells) != len(columns):
            raise DataFileError(
                f"{data_file}, line {number}: has {len(cells)} cells where {len(columns)} are expected; "
                "quote cells that contain a comma, or add the missing cells"
            )
        yield [*cells]


# JSON lines


def _json_table(data_file: Path, text: TextIO) -> Table:
    # Two passes: the columns are known only when all rows have been seen, and those may not fit into memory
    paths = list(dict.fromkeys(path for record in _records(data_file, text) for path in record))
    if not paths:
        raise DataFileError(f"{data_file}: holds no values, so its columns are unknown; add a row")
    text.seek(0)
    rows: Iterator[list[Cell]] = ([record.get(path) for path in paths] for record in _records(data_file, text))
    # Not by first occurrence: which of two paths alike keeps its name must not depend on the order of the rows
    by_name = sorted(paths, key=lambda path: (len(path), path))
    names = dict(zip(by_name, distinct_names(".".join(path) for path in by_name), strict=True))
    return Table([names[path] for path in paths], rows)


def _records(data_file: Path, text: TextIO) -> Iterator[dict[tuple[str, ...], Cell]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            record = _DECODER.decode(line)
            if not isinstance(record, dict):
                raise ValueError("it is not an object")
            cells = dict(_flatten(record))
            if "\\u" in line:
                _check_escapes(record, cells)
            yield cells
        except (ValueError, RecursionError) as error:
            raise DataFileError(
                f"{data_file}, line {number}: cannot be read as a JSON object ({error}); "
                "every line must be one whole JSON object"
            ) from error


def _check_escapes(record: dict[str, Any], cells: dict[tuple[str, ...], Cell]) -> None:
    """An escape can spell half of a surrogate pair, which is no text, or NUL, with which SQL ends."""
    json.dumps(record, ensure_ascii=False).encode()
    if any("\0" in part for path, cell in cells.items() for part in (*path, str(cell))):
        raise ValueError(f"it holds the character NUL; {_WITHOUT_NUL}")


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
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
