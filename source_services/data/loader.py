"""The loader: a data file becomes the one table of a SQLite file, and an Arrow file; neither changes afterwards."""

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pyarrow as pa

from source_services.data.columns import CHUNK_ROWS, Indexes, Table, array_of, quoted, quoted_list, schema_of, write_all
from source_services.data.data_files import open_table
from source_services.data.table_metadata import TableMetadata, read_metadata
from source_services.errors import DataFileError
from source_services.settings import Service

_PRAGMAS = {"journal_mode": "OFF", "synchronous": "OFF", "locking_mode": "EXCLUSIVE", "cache_size": -16_000}
"""No other process sees the file before it is complete, and after a crash it is not used."""


def load(service: Service, data_file: Path, folder: Path) -> TableMetadata:
    """Load `data_file` into `<folder>/<service>-<data version>.sqlite` and `.arrow`. Raises DataFileError.

    Both files are written in a temporary folder and moved, and their names contain the version: a process that still
    serves another version is not disturbed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{service.name}-", suffix=".part", dir=folder) as part:
        database, arrow = Path(part) / "database", Path(part) / "arrow"
        with closing(apsw.Connection(str(database))) as connection:
            for name, value in _PRAGMAS.items():
                connection.pragma(name, value)
            with open_table(data_file, service.name) as table:
                indexes = _indexes(service, data_file, table)
                _fill(connection, service, data_file, table, indexes)
            metadata = read_metadata(connection, service, folder, table.columns, indexes)
            _write_arrow(connection, metadata, arrow)
        arrow.replace(metadata.arrow)
        database.replace(metadata.database)
    _remove_other_versions(metadata)
    return metadata


def _remove_other_versions(metadata: TableMetadata) -> None:
    """Remove the files of other versions. A process that still serves one has it open and can go on reading it."""
    pattern = re.compile(re.escape(metadata.service.name) + r"-[0-9a-f]{16}\.(sqlite|arrow)")
    for file in metadata.folder.iterdir():
        if pattern.fullmatch(file.name) and file not in (metadata.database, metadata.arrow):
            file.unlink(missing_ok=True)


def _fill(connection: apsw.Connection, service: Service, data_file: Path, table: Table, indexes: Indexes) -> None:
    name, places = quoted(service.name), ", ".join("?" for _ in table.columns)
    try:
        with connection:
            # Columns without a type: SQLite then stores every value unchanged
            connection.execute(f"CREATE TABLE {name} ({quoted_list(table.columns)})")
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", table.rows)
            for number, index in enumerate(indexes):
                connection.execute(f"CREATE INDEX {quoted(f'index {number}')} ON {name} ({quoted_list(index)})")
    except apsw.Error as error:
        what = f"its {len(table.columns)} columns cannot be stored as the table {service.name!r} ({error})"
        raise DataFileError(what, "check the names of the file and of its columns", data_file) from error


def _indexes(service: Service, data_file: Path, table: Table) -> Indexes:
    """The indexes to make: over the period column, those that the service declares, those of the data file."""
    period = ((service.period_column,),) if service.period_column is not None else ()
    for column in chain.from_iterable((*period, *service.indexes)):
        if column not in table.columns:
            role = "the period column" if (column,) in period else "an index column"
            what = f"has no column {column!r}, {role} of {service.name}"
            fix = f"rename a column, or start {service.name} alone with --period-column or --index and one of: "
            raise DataFileError(what, fix + ", ".join(table.columns), data_file)
    existing = (index for index in table.indexes if set(index) <= set(table.columns))
    return tuple(dict.fromkeys((*period, *service.indexes, *existing)))


def _write_arrow(connection: apsw.Connection, metadata: TableMetadata, file: Path) -> None:
    columns, table = metadata.columns, quoted(metadata.service.name)
    rows = connection.execute(f"SELECT {quoted_list(columns)} FROM {table} ORDER BY _rowid_")
    schema = schema_of(columns)

    def chunks() -> Iterator[pa.RecordBatch]:
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield pa.record_batch(list(map(array_of, columns.values(), zip(*chunk, strict=True))), schema=schema)

    with pa.OSFile(str(file), "wb") as sink:
        write_all(pa.ipc.new_stream(sink, schema), chunks())
