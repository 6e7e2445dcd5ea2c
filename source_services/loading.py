"""Loading: a data file becomes the one table of a SQLite file, which nobody changes afterwards."""

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from source_services.data_files import DataFileError, open_table
from source_services.holdings import Holdings, quoted, take_stock
from source_services.services import Service


def load(service: Service, data_file: Path, folder: Path) -> Holdings:
    """Load `data_file` into `<folder>/<service>-<data version>.sqlite` and say what it holds.

    The file is built beside its place and renamed, and its name carries its version: a process that still
    serves another version is never disturbed. Raises `DataFileError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, part_name = tempfile.mkstemp(prefix=f"{service.name}-", suffix=".part", dir=folder)
    os.close(handle)
    part = Path(part_name)
    try:
        _fill(service, data_file, part)
        holdings = take_stock(service, part)
        database = folder / f"{service.name}-{holdings.data_version[:16]}.sqlite"
        part.replace(database)
    finally:
        part.unlink(missing_ok=True)
    return replace(holdings, database=database)


def _fill(service: Service, data_file: Path, database: Path) -> None:
    with open_table(data_file) as (columns, rows):
        if service.period_column is not None and service.period_column not in columns:
            raise DataFileError(
                f"{data_file}: has no column {service.period_column!r}, the period column of {service.name}; "
                f"rename a column, or start {service.name} alone with --period-column and one of: " + ", ".join(columns)
            )
        # Columns without a type: SQLite then stores every value as it is given
        names = ", ".join(quoted(column) for column in columns)
        places = ", ".join("?" for _ in columns)
        try:
            with closing(sqlite3.connect(database)) as connection, connection:
                connection.execute(f"CREATE TABLE {quoted(service.name)} ({names})")
                connection.executemany(f"INSERT INTO {quoted(service.name)} VALUES ({places})", rows)
        except sqlite3.Error as error:
            raise DataFileError(
                f"{data_file}: its {len(columns)} columns cannot be stored as the table {service.name!r} "
                f"({error}); check the names of the file and of its columns"
            ) from error
