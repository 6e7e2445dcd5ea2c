"""Loading: a data file becomes the one table of a SQLite file, and an Arrow file; nobody changes either afterwards."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import apsw
import pyarrow as pa

from source_services.data.arrow_types import ROWS_OF_A_PIECE, array_of, batches, schema_of
from source_services.data.column_names import quoted
from source_services.data.columns import DataFileError, Table
from source_services.data.data_files import open_table
from source_services.data.table_metadata import Holdings, Stock, groups, take_stock
from source_services.services import Service


def load(service: Service, data_file: Path, folder: Path) -> Holdings:
    """Load `data_file` into `<folder>/<service>-<data version>.sqlite` and `.arrow`, and say what they hold.

    Both are built beside their place and renamed, and their names carry the version: a process that still serves
    another version is not disturbed. Raises `DataFileError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _part(folder, service) as database, _part(folder, service) as arrow:
        with _open(database) as connection:
            names, indexes = _fill(connection, service, data_file)
            stock = take_stock(connection, service, names)
            _write_arrow(connection, service, stock, arrow)
        place = folder / f"{service.name}-{stock.data_version[:16]}"
        holdings = Holdings(
            service=service,
            database=place.with_name(place.name + ".sqlite"),
            arrow=place.with_name(place.name + ".arrow"),
            columns=stock.columns,
            row_count=stock.row_count,
            data_version=stock.data_version,
            periods=stock.periods,
            longest_row=stock.longest_row,
            indexes=indexes,
        )
        arrow.replace(holdings.arrow)
        database.replace(holdings.database)
    _remove_others(holdings)
    return holdings


def _remove_others(holdings: Holdings) -> None:
    """Remove the files of other versions. A process that still serves one has it open, and keeps it so."""
    ours = {holdings.database.name, holdings.arrow.name}
    pattern = re.compile(re.escape(holdings.service.name) + r"-[0-9a-f]{16}\.(sqlite|arrow)")
    for file in holdings.database.parent.iterdir():
        if pattern.fullmatch(file.name) and file.name not in ours:
            file.unlink(missing_ok=True)


@contextmanager
def _part(folder: Path, service: Service) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f"{service.name}-", suffix=".part", dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _open(database: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(database))
    try:
        # Nobody else sees the file before it is whole, and a crash leaves only a part to throw away
        for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -16000"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        yield connection
    finally:
        connection.close(True)


def _fill(
    connection: apsw.Connection, service: Service, data_file: Path
) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
    """The columns of the table that is made, and those of each of its indexes."""
    with open_table(data_file, service.name) as table:
        indexes = _wanted_indexes(service, data_file, table)
        # Columns without a type: SQLite then stores every value as it is given
        names = ", ".join(quoted(column) for column in table.columns)
        places = ", ".join("?" for _ in table.columns)
        try:
            with connection:
                connection.execute(f"CREATE TABLE {quoted(service.name)} ({names})")
                connection.executemany(f"INSERT INTO {quoted(service.name)} VALUES ({places})", table.rows)
                for number, index in enumerate(indexes):
                    columns = ", ".join(map(quoted, index))
                    connection.execute(
                        f"CREATE INDEX {quoted(f'index {number}')} ON {quoted(service.name)} ({columns})"
                    )
        except apsw.Error as error:
            raise DataFileError(
                f"{data_file}: its {len(table.columns)} columns cannot be stored as the table {service.name!r} "
                f"({error}); check the names of the file and of its columns"
            ) from error
    return table.columns, indexes


def _wanted_indexes(service: Service, data_file: Path, table: Table) -> tuple[tuple[str, ...], ...]:
    period = ((service.period_column,),) if service.period_column is not None else ()
    for column in chain.from_iterable((*period, *service.indexes)):
        if column not in table.columns:
            what = "the period column" if (column,) in period else "a column to find rows by,"
            raise DataFileError(
                f"{data_file}: has no column {column!r}, {what} of {service.name}; rename a column, or start "
                f"{service.name} alone with --period-column or --index and one of: " + ", ".join(table.columns)
            )
    known = (index for index in table.indexes if set(index) <= set(table.columns))
    return tuple(dict.fromkeys((*period, *service.indexes, *known)))


def _write_arrow(connection: apsw.Connection, service: Service, stock: Stock, file: Path) -> None:
    schema = schema_of(stock.columns)
    names = ", ".join(quoted(column.name) for column in stock.columns)
    rows = chain.from_iterable(groups(connection, f"SELECT {names} FROM {quoted(service.name)} ORDER BY _rowid_"))
    kinds = [column.kind for column in stock.columns]

    def pieces() -> Iterator[list[pa.Array]]:
        while piece := list(islice(rows, ROWS_OF_A_PIECE)):
            yield list(map(array_of, kinds, zip(*piece, strict=True)))

    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches(pieces(), schema):
            writer.write_batch(batch)
