"""The DuckDB that finishes a query: locked, so that SQL reads nothing but what is registered, within limits.

Neither files nor the network, environment, extensions or Python's variables can be reached from it, and no statement
can change that. The checks of `statement` only explain earlier what would fail here.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from threading import Thread
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.explain_error import explained

LOCKED = {
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""Settings for every connection that sees SQL of a caller, in this order: with them it reaches nothing outside."""
BATCH_ROWS = 65_536
NOT_IN_ARROW = frozenset({"uhugeint", "bit", "bignum", "time with time zone"})
"""DuckDB's types that Arrow has no place for: their values would come as others."""
SPILL = 4
"""How many times its memory a query may write to a temporary folder."""
_MIB = 2**20
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What a query may take: seconds, rows of its answer, and bytes of memory and of the cache of sources' answers."""

    seconds: float = 60
    rows: int = 1_000_000
    memory: int = 2**30
    cache: int = 2**30
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)


def open_engine(limits: Limits) -> duckdb.DuckDBPyConnection:
    """A connection of its own to an empty locked database, to be closed.

    Tables are added by `register`, which reads Arrow tables and datasets; what is registered or created TEMP is seen by
    this connection alone, and the memory is that of all queries of the process that run at the same time. It refuses to
    be used by two threads at once.
    """
    return _database(os.getpid(), limits).cursor()


@cache
def _database(_process: int, limits: Limits) -> duckdb.DuckDBPyConnection:
    """One database for each process and limits: a cursor of it costs 0.1 ms, another database 15 ms."""
    connection = duckdb.connect()
    for name, value in _configuration(limits).items():
        connection.execute(f"SET GLOBAL {name} = '{value}'")
    return connection


def _configuration(limits: Limits) -> dict[str, str]:
    """DuckDB's settings, in the order in which they can be made: the last one locks them."""
    return {
        "temp_directory": _spill_folder(os.getpid()).name.replace("'", "''"),
        "max_temp_directory_size": f"{max(1, SPILL * limits.memory // _MIB)}MiB",
        "memory_limit": f"{max(1, limits.memory // _MIB)}MiB",
        "threads": str(limits.threads),
        "TimeZone": "UTC",
        "errors_as_json": "true",
        **LOCKED,
    }


@cache
def _spill_folder(_process: int) -> "tempfile.TemporaryDirectory[str]":
    """A folder that only this user can read, removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="finsync_query_")


def run(connection: duckdb.DuckDBPyConnection, sql: str, limits: Limits, views: Collection[str] = ()) -> pa.Table:
    """The answer to one SELECT; `views` are those that it reads, for the suggestions of errors.

    Raises QueryError if it takes more seconds, rows or memory than the limits, naming the setting; or for what DuckDB
    finds wrong, with its place. KeyboardInterrupt stops the query.
    """
    try:
        return interruptible(connection, lambda: _read(connection, sql, limits), limits.seconds)
    except duckdb.OutOfMemoryException:
        what, fix = f"the query needs more than {limits.memory // _MIB:,} MiB", "ask for less, or raise the setting"
        raise QueryError(what, fix, "FINSYNC_QUERY_MEMORY") from None
    except duckdb.Error as error:
        raise explained(error, sql, views) from None


def attempt(connection: duckdb.DuckDBPyConnection, sql: str, limits: Limits) -> pa.Table | None:
    """The answer to SQL that is made of a caller's; None for what DuckDB finds wrong: the caller did not write it.

    Raises QueryError if it takes more seconds or rows than the limits.
    """
    try:
        return interruptible(connection, lambda: _read(connection, sql, limits), limits.seconds)
    except duckdb.Error:
        return None


def interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], T], seconds: float) -> T:
    """What the work on the connection returns. It is interrupted by the deadline and by KeyboardInterrupt.

    The work is done in another thread, since DuckDB does not look for the signal while it computes. Raises QueryError
    when the deadline of `seconds` has passed.
    """
    result: Future[T] = Future()
    Thread(target=_work, args=(work, result), daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError:
        if result.done():  # the work's own error, or just in time
            return result.result()
        _stop(connection, result)
        what, fix = f"the query took more than {seconds:g} seconds", "ask for less, or raise the setting"
        raise QueryError(what, fix, "FINSYNC_QUERY_SECONDS") from None
    except BaseException:
        _stop(connection, result)
        raise


def _work(work: Callable[[], Any], result: "Future[Any]") -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)


def _stop(connection: duckdb.DuckDBPyConnection, result: "Future[Any]") -> None:
    """Interrupt until the work has ended: an interrupt between two steps of it is lost.

    DuckDB looks for it between batches of rows, not while one function computes one value.
    """
    while not result.done():
        connection.interrupt()
        try:
            result.exception(0.05)
        except TimeoutError:
            continue


def _read(connection: duckdb.DuckDBPyConnection, sql: str, limits: Limits) -> pa.Table:
    """The rows as they come, up to the limit, so that a longer answer is not held in memory."""
    relation = _bound(connection, sql)
    _check_types(relation)
    with relation.to_arrow_reader(BATCH_ROWS) as reader:
        batches: list[pa.RecordBatch] = []
        while (batch := _next(reader)) is not None:
            batches.append(batch)
            if sum(map(len, batches)) > limits.rows:
                fix = "add LIMIT, or raise the setting"
                raise QueryError(f"the answer has more than {limits.rows:,} rows", fix, "FINSYNC_QUERY_ROWS")
        return with_distinct_names(pa.Table.from_batches(batches, reader.schema))


def _check_types(relation: duckdb.DuckDBPyRelation) -> None:
    """Raise QueryError for a column with values that would be lost on their way to Arrow."""
    for name, kind in zip(relation.columns, relation.types, strict=True):
        lost = {each for each in _types_in(kind) if each in NOT_IN_ARROW}
        if lost:
            what = f"column {name} has values of type {min(lost).upper()}, which an answer does not have"
            raise QueryError(what, "cast it, as in CAST(... AS VARCHAR)")


def _types_in(kind: Any) -> Iterator[str]:
    """The type itself, and those of the lists and structures that it is made of."""
    yield str(kind.id)
    if kind.id in ("list", "array", "struct", "map", "union"):
        for _, child in kind.children:
            if hasattr(child, "id"):
                yield from _types_in(child)


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """The next rows; None for no more. Raises DuckDB's error, which Arrow passes on as one of its own."""
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
    except (OSError, pa.ArrowException) as error:
        is_memory = "Out of Memory" in str(error) or isinstance(error, MemoryError)
        raise (duckdb.OutOfMemoryException if is_memory else duckdb.Error)(str(error)) from None


def _bound(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    try:
        return connection.sql(sql)
    except duckdb.ProgrammingError:
        connection.execute(sql)  # the same error, with its place
        raise


def with_distinct_names(table: pa.Table) -> pa.Table:
    """The table with `_1` and so on after names of columns that were there before, as DuckDB does in a subquery."""
    names: list[str] = []
    for name in table.column_names:
        free = (f"{name}_{number}" for number in count(1))
        names.append(next(each for each in free if each not in names) if name in names else name)
    return table.rename_columns(names)
