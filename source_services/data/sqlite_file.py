"""A SQLite file as a data file: the rows and indexes of one table, read in one transaction."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import apsw

from source_services.data.columns import Cell, Table, as_json, quoted
from source_services.errors import DataFileError


@contextmanager
def open_sqlite(data_file: Path, name: str) -> Iterator[Table]:
    """The table `name` of a SQLite file, or its only table. Raises DataFileError.

    Declared types don't matter: cells keep the type in which they are stored. Infinity becomes the text `Infinity`.
    """
    uri = f"{data_file.absolute().as_uri()}?mode=ro"
    try:
        with ExitStack() as stack:
            connection = apsw.Connection(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
            stack.callback(connection.close, True)
            connection.execute("BEGIN")
            table = _find_table(connection, data_file, name)
            cursor = connection.execute(f"SELECT * FROM {quoted(table)}")
            # Generated columns are columns too; hidden ones of virtual tables are not
            shown = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", (table,))
            yield Table([row[0] for row in shown], _rows(data_file, cursor), _indexes(connection, table))
    except apsw.Error as error:
        raise _invalid(data_file, error) from error


def _rows(data_file: Path, cursor: apsw.Cursor) -> Iterator[Sequence[Cell]]:
    try:
        yield from map(_finite, cursor)
    except (apsw.Error, UnicodeDecodeError) as error:
        raise _invalid(data_file, error) from error


def _invalid(data_file: Path, error: Exception) -> DataFileError:
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


def _indexes(connection: apsw.Connection, table: str) -> tuple[tuple[str, ...], ...]:
    """The columns of each index; indexes over expressions are left out."""
    names = "SELECT json_group_array(name) FROM pragma_index_info(list.name)"
    indexes = connection.execute(f"SELECT ({names}) FROM pragma_index_list(?) AS list", (table,))
    return tuple(sorted({tuple(columns) for (text,) in indexes if all(columns := json.loads(text))}))


def _finite(row: tuple[Any, ...]) -> Sequence[Cell]:
    if math.inf not in row and -math.inf not in row:
        return row
    return [as_json(cell) if isinstance(cell, float) else cell for cell in row]
