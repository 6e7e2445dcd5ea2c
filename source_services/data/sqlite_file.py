"""A SQLite file as a data file: the rows and indexes of its one table, read as one snapshot."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from source_services.data.arrow_types import as_json
from source_services.data.column_names import quoted
from source_services.data.columns import Cell, DataFileError, Table


@contextmanager
def open_sqlite(data_file: Path, name: str) -> Iterator[Table]:
    """The table `name` of a SQLite file, or the only one that it has.

    Declared types don't matter: cells are what they are. Infinity becomes the text `Infinity`.
    """
    try:
        connection = apsw.Connection(
            f"{data_file.absolute().as_uri()}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        try:
            connection.execute("BEGIN")
            table = _table(connection, data_file, name)
            cursor = connection.execute(f"SELECT * FROM {quoted(table)}")
            # Generated columns are columns too; hidden ones of virtual tables are not
            shown = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", (table,))
            yield Table([row[0] for row in shown], _rows(data_file, cursor), _indexes(connection, table))
        finally:
            connection.close(True)
    except apsw.Error as error:
        raise _broken(data_file, error) from error


def _rows(data_file: Path, cursor: apsw.Cursor) -> Iterator[list[Cell]]:
    try:
        yield from map(_finite, cursor)
    except (apsw.Error, UnicodeDecodeError) as error:
        raise _broken(data_file, error) from error


def _broken(data_file: Path, error: Exception) -> DataFileError:
    return DataFileError(
        f"{data_file}: cannot be read as a SQLite file ({error}); is it whole, and no longer written to?"
    )


def _table(connection: apsw.Connection, data_file: Path, name: str) -> str:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    there = [str(row[0]) for row in tables if not str(row[0]).startswith("sqlite_")]
    if name in there or len(there) == 1:
        return name if name in there else there[0]
    raise DataFileError(
        f"{data_file}: has no table {name!r}; rename one of: {', '.join(there)}"
        if there
        else f"{data_file}: has no table; put the statements into a table {name!r}"
    )


def _indexes(connection: apsw.Connection, table: str) -> tuple[tuple[str, ...], ...]:
    """The columns of each index that is over columns alone."""
    found = []
    for index in [row[0] for row in connection.execute("SELECT name FROM pragma_index_list(?)", (table,))]:
        names = [row[0] for row in connection.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        if all(names):
            found.append(tuple(map(str, names)))
    return tuple(sorted(set(found)))


def _finite(row: tuple[Any, ...]) -> Sequence[Cell]:
    if math.inf not in row and -math.inf not in row:
        return row
    return [as_json(cell) if isinstance(cell, float) else cell for cell in row]
