"""Queries: a caller's SQL, run so that SQLite itself refuses all but reading the service's own table."""

import sqlite3
import time
from contextlib import closing
from typing import Any

from source_services.holdings import Holdings

QUERY_SECONDS = 30.0
"""A query that runs longer is stopped."""

_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 1_000

_FAULTS_OF_THE_SERVICE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
)


class RequestError(Exception):
    """A request that cannot be answered: HTTP status, a code for programs and a message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def run(
    holdings: Holdings, sql: str, parameters: tuple[int, ...] = (), seconds: float = QUERY_SECONDS
) -> tuple[list[str], list[list[Any]]]:
    """Run one SELECT and return its column names and rows, as values that JSON can say.

    Infinity becomes text, a BLOB its hex text. Raises `RequestError` for SQL that is refused, wrong or slow.
    """
    uri = f"{holdings.database.absolute().as_uri()}?mode=ro&immutable=1"
    deadline = time.monotonic() + seconds
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        guard = _Guard(holdings.service.name)
        connection.set_authorizer(guard.judge)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
        try:
            cursor = connection.execute(sql, parameters)
            rows = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            if _error_code(error) in _FAULTS_OF_THE_SERVICE:
                raise
            raise _as_request_error(error, guard, seconds) from error
    if cursor.description is None:
        raise RequestError(400, "sql_wrong", "the SQL asks for nothing: send one SELECT")
    return [column[0] for column in cursor.description], [[_json_value(cell) for cell in row] for row in rows]


class _Guard:
    """Judges each thing that a statement would do, before SQLite runs any of it."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.has_refused = False

    def judge(
        self, action: int, subject: str | None, column: str | None, database: str | None, _inner: str | None
    ) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and subject is not None:
            # count(*) over a WITH table reads no column of no database; over SQLite's own tables it does too
            is_internal = subject.lower().startswith(("sqlite_", "pragma_"))
            is_with_table = not column and database is None and not is_internal
            if subject == self.table or is_with_table:
                return sqlite3.SQLITE_OK
        self.has_refused = True
        return sqlite3.SQLITE_DENY


def _as_request_error(error: Exception, guard: _Guard, seconds: float) -> RequestError:
    if guard.has_refused:
        return RequestError(
            400,
            "sql_refused",
            f"the SQL was refused: this service only reads its own table {guard.table!r}; send one SELECT "
            "over it, without PRAGMA, ATTACH, WITH RECURSIVE or other tables",
        )
    if _error_code(error) == sqlite3.SQLITE_INTERRUPT:
        return RequestError(
            504,
            "query_timeout",
            f"the query was stopped after {seconds:g} seconds: ask for fewer rows or a simpler query",
        )
    return RequestError(
        400,
        "sql_wrong",
        f"the SQL could not be run: send one SELECT over the table {guard.table!r}, and check its syntax and "
        "its column names; GET /version names them",
    )


def _error_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest refines it


def _json_value(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return cell.hex()
    if cell in (float("inf"), float("-inf")):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell
