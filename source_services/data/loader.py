"""The loader: a data file becomes the one table of a SQLite file, and an Arrow file; neither changes afterwards."""

import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pyarrow as pa

from source_services.data.columns import (
    BYTES_AT_A_TIME,
    CHUNK_ROWS,
    Indexes,
    Table,
    array_of,
    quoted,
    quoted_list,
    schema_of,
    write_all,
)
from source_services.data.data_files import check_name, open_table, too_long_row, too_many_columns
from source_services.data.folders import PART
from source_services.data.table_metadata import TableMetadata, read_metadata
from source_services.errors import DataFileError
from source_services.settings import Limits, Service, variable

_PRAGMAS = {"journal_mode": "OFF", "synchronous": "OFF", "locking_mode": "EXCLUSIVE", "cache_size": -16_000}
"""No other process sees the file before it is complete, and after a crash it is not used."""


def load(service: Service, data_file: Path, folder: Path, limits: Limits | None = None) -> TableMetadata:
    """Load `data_file` into `<folder>/<service>-<data version>.sqlite` and `.arrow`. Raises DataFileError.

    Both files are written in a temporary folder and moved, and their names contain the version: a process that still
    serves another version is not disturbed.
    """
    limits = limits or Limits()
    apsw.hard_heap_limit(limits.heap_bytes)
    with _disk_errors(folder), _memory_errors(data_file, limits), _part(service, folder) as part:
        database, arrow = part / "database", part / "arrow"
        with closing(apsw.Connection(str(database))) as connection:
            for name, value in _PRAGMAS.items():
                connection.pragma(name, value)
            connection.pragma("max_page_count", limits.table_bytes // int(connection.pragma("page_size")) + 1)
            with open_table(data_file, service.name, limits) as table:
                _check_columns(data_file, table.columns, limits)
                indexes = _indexes(service, data_file, table)
                _fill(connection, service, data_file, table, indexes, limits)
            metadata = read_metadata(connection, service, folder, table.columns, indexes)
            _write_arrow(connection, metadata, arrow, data_file, limits)
        arrow.replace(metadata.arrow)
        database.replace(metadata.database)
    _remove_other_versions(metadata)
    return metadata


def load_in_time(service: Service, data_file: Path, folder: Path, limits: Limits) -> TableMetadata:
    """As `load`, in a process of its own, which is killed when the time is over."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.load_seconds)
    try:
        return load(service, data_file, folder, limits)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _part(service: Service, folder: Path) -> Iterator[Path]:
    """A folder for files that are not complete yet, which is removed with what is left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{service.name}-", suffix=PART, dir=folder) as part:
        yield Path(part)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Within the block, an error of the disk on which the files are written becomes a DataFileError."""
    try:
        yield
    except (OSError, apsw.IOError) as error:
        raise _not_written(folder, getattr(error, "strerror", None) or str(error)) from error


@contextmanager
def _memory_errors(data_file: Path, limits: Limits) -> Iterator[None]:
    """Within the block, want of memory becomes a DataFileError: only a row can need so much."""
    try:
        yield
    except (apsw.NoMemError, MemoryError) as error:
        raise too_long_row(data_file, limits) from error


def _not_written(folder: Path, reason: str) -> DataFileError:
    fix = f"make room there or correct its permissions, or set {variable('databases')} to another folder"
    return DataFileError(f"the files of the service cannot be written ({reason})", fix, folder)


def _check_columns(data_file: Path, columns: list[str], limits: Limits) -> None:
    if len(columns) > limits.columns:
        raise too_many_columns(data_file, limits)
    for column in columns:
        check_name(data_file, column, limits)


def _remove_other_versions(metadata: TableMetadata) -> None:
    """Remove the files of other versions. A process that still serves one has it open and can go on reading it."""
    pattern = re.compile(re.escape(metadata.service.name) + r"-[0-9a-f]{16}\.(sqlite|arrow)")
    for file in metadata.folder.iterdir():
        if pattern.fullmatch(file.name) and file not in (metadata.database, metadata.arrow):
            file.unlink(missing_ok=True)


def _fill(
    connection: apsw.Connection, service: Service, data_file: Path, table: Table, indexes: Indexes, limits: Limits
) -> None:
    name, places = quoted(service.name), ", ".join("?" for _ in table.columns)
    try:
        # After an error the file is removed: there is nothing to roll back
        connection.execute("BEGIN")
        # Columns without a type: SQLite then stores every value unchanged
        connection.execute(f"CREATE TABLE {name} ({quoted_list(table.columns)})")
        connection.executemany(f"INSERT INTO {name} VALUES ({places})", table.rows)
        for number, index in enumerate(indexes):
            connection.execute(f"CREATE INDEX {quoted(f'index {number}')} ON {name} ({quoted_list(index)})")
        connection.execute("COMMIT")
    except apsw.NoMemError:
        raise
    except apsw.FullError as error:
        raise _too_large(data_file, limits) from error
    except apsw.IOError as error:
        raise _not_written(Path(connection.filename).parents[1], str(error)) from error
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


def _too_large(data_file: Path, limits: Limits) -> DataFileError:
    what = f"its table needs more than {limits.table_bytes:,} bytes, or more than there are on the disk"
    return DataFileError(what, f"make the file smaller, or set {variable('table_bytes')}", data_file)


def _write_arrow(
    connection: apsw.Connection, metadata: TableMetadata, file: Path, data_file: Path, limits: Limits
) -> None:
    columns, table = metadata.columns, quoted(metadata.service.name)
    rows = connection.execute(f"SELECT {quoted_list(columns)} FROM {table} ORDER BY _rowid_")
    schema = schema_of(columns)
    rows_at_a_time = min(CHUNK_ROWS, max(1, BYTES_AT_A_TIME // max(1, metadata.longest_row)))

    def chunks() -> Iterator[pa.RecordBatch]:
        written = 0
        while chunk := list(islice(rows, rows_at_a_time)):
            batch = pa.record_batch(list(map(array_of, columns.values(), zip(*chunk, strict=True))), schema=schema)
            written += batch.nbytes
            if written > limits.table_bytes:
                raise _too_large(data_file, limits)
            yield batch

    with pa.OSFile(str(file), "wb") as sink:
        write_all(pa.ipc.new_stream(sink, schema), chunks())
