"""A connection to one version of the table, on which any caller's SQL may be run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import apsw

from source_services.data.column_names import distinct_names
from source_services.data.columns import Cell
from source_services.data.table_metadata import Holdings
from source_services.errors import Problem
from source_services.query.authorizer import Judge, known_names
from source_services.query.execution import Selection, rows_that_fit
from source_services.query.fetch_lock import ROWS_OF_A_TURN, Turns
from source_services.query.time_budget import Allowance
from source_services.settings import Limits

STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000

_SETTINGS = (
    "query_only = 1",
    "trusted_schema = 0",
    "cell_size_check = 1",
    "mmap_size = 0",
    "temp_store = file",
    "cache_size = -8000",
)
_SWITCHES = {
    apsw.SQLITE_DBCONFIG_DEFENSIVE: 1,
    apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_DQS_DML: 0,
    apsw.SQLITE_DBCONFIG_DQS_DDL: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_VIEW: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE: 0,
}
_FAULTS_OF_THE_SERVICE = (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.IOError, apsw.MisuseError)


class GuardedConnection:
    """One SELECT at a time, over the service's table alone, within the limits."""

    def __init__(self, holdings: Holdings, limits: Limits) -> None:
        self._table, self._limits = holdings.service.name, limits
        self._kinds = {column.name: column.kind for column in holdings.columns}
        self._allowance = Allowance(limits.query_seconds)
        self._traced: _Traced | None = None
        self._cursor: apsw.Cursor | None = None
        self._connection = apsw.Connection(
            f"{holdings.database.absolute().as_uri()}?mode=ro&immutable=1",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
            statementcachesize=0,  # a statement that is kept is not judged again
        )
        for setting in _SETTINGS:
            self._connection.execute(f"PRAGMA {setting}").fetchall()
        for switch, value in _SWITCHES.items():
            self._connection.config(switch, value)
        self._judge = Judge(self._table, known_names(self._connection, self._table))
        self._value_bytes, self._row_bytes = max(limits.value_bytes, holdings.longest_row), holdings.longest_row
        # A page has one column more, by which it goes on
        self._set_limits(self._value_bytes, max(len(holdings.columns) + 1, 100))
        self._connection.authorizer = self._judge
        self._connection.exec_trace = self._trace
        self._connection.set_progress_handler(lambda: self._allowance.is_over(), STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)

    def _set_limits(self, value_bytes: int, columns: int) -> None:
        for limit, value in {
            apsw.SQLITE_LIMIT_LENGTH: value_bytes,
            apsw.SQLITE_LIMIT_SQL_LENGTH: self._limits.sql_bytes,
            apsw.SQLITE_LIMIT_COLUMN: columns,
            apsw.SQLITE_LIMIT_EXPR_DEPTH: 50,
            apsw.SQLITE_LIMIT_COMPOUND_SELECT: 10,
            apsw.SQLITE_LIMIT_VDBE_OP: 200_000,
            apsw.SQLITE_LIMIT_FUNCTION_ARG: 100,
            apsw.SQLITE_LIMIT_ATTACHED: 0,
            apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
            apsw.SQLITE_LIMIT_VARIABLE_NUMBER: self._limits.parameters,
            apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
            apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
        }.items():
            self._connection.limit(limit, value)

    def select(self, sql: str, parameters: Mapping[str, Cell]) -> Selection:
        """Run one SELECT. Raises Problem, here or while the rows are taken."""
        self.finish()
        self._traced = None
        self._judge.begin()
        if (length := len(sql.encode(errors="replace"))) > self._limits.sql_bytes:
            raise Problem("too-large", f"the SQL has {length:,} bytes; the limit is {self._limits.sql_bytes:,}")
        cursor = self._cursor = self._connection.cursor()
        try:
            cursor.execute(sql, dict(parameters))
        except Exception as error:
            self._explain(error)
        traced = self._traced
        if traced is None:
            raise Problem("sql-invalid", "the SQL asks for nothing: send one SELECT")
        if unused := sorted(set(parameters) - traced.parameters):
            raise Problem("invalid-parameter", f"the SQL names no parameter :{unused[0]}; leave it out, or use it")
        groups = self._groups(cursor, rows_that_fit(traced.row_bytes))
        return Selection(traced.names, traced.kinds, groups, self._judge.asks_the_clock, traced.row_bytes)

    def grant(self, allowance: Allowance) -> None:
        """What is run from now on has this time."""
        self._allowance = allowance

    def stop(self, allowance: Allowance) -> None:
        """End the query that has this time, from another thread."""
        allowance.stop()
        if self._allowance is allowance:
            self._connection.interrupt()

    def finish(self) -> None:
        """End the statement of the last query, whose rows may not all have been taken."""
        if self._cursor is not None:
            self._cursor.close(True)
        self._cursor = None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close(True)

    def _groups(self, cursor: apsw.Cursor, fit: int) -> Iterator[list[tuple[Cell, ...]]]:
        most, turns = min(fit, ROWS_OF_A_TURN), Turns()
        try:
            while rows := turns.take(cursor, most):
                yield rows
        except Exception as error:
            self._explain(error)

    def _trace(self, cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        """SQLite has prepared a statement and not yet run it: see what it is."""
        if self._traced is not None:
            if not cursor.has_vdbe:  # a comment
                return True
            raise Problem("sql-not-allowed", "send one statement, without a second one behind it")
        if cursor.is_explain or not cursor.is_readonly:
            raise Problem("sql-not-allowed", "send a SELECT, without EXPLAIN")
        columns = cursor.description_full
        if not columns:
            raise Problem("sql-invalid", "the SQL asks for nothing: send one SELECT")
        origins = [column[4] if column[3] == self._table else None for column in columns]
        # Of a UNION, SQLite tells only where its first part comes from
        kinds = [None if "union" in sql.lower() else self._kinds.get(origin or "") for origin in origins]
        names = distinct_names(column[0] for column in columns)
        parameters = {name for name in cursor.bindings_names if name}
        self._traced = _Traced(names, kinds, parameters, self._longest(kinds, origins))
        return True

    def _longest(self, kinds: list[str | None], origins: list[str | None]) -> int:
        """A bound on the bytes of a row: each column once is a row of the table, what is computed is any value."""
        times = Counter(origin for kind, origin in zip(kinds, origins, strict=True) if kind is not None)
        return max(times.values(), default=0) * self._row_bytes + kinds.count(None) * self._value_bytes

    def _explain(self, error: Exception) -> NoReturn:
        """The error in words of our own: SQLite's may name what is no business of the caller's."""
        if isinstance(error, (Problem, *_FAULTS_OF_THE_SERVICE)):
            raise error
        if self._judge.refusal is not None:
            raise self._judge.problem() from error
        if isinstance(error, apsw.InterruptError):
            raise self._allowance.problem() from error
        if isinstance(error, MemoryError | apsw.NoMemError):
            raise Problem(
                "busy",
                "the query needs more memory than there is now: make it simpler, or ask later",
                {"Retry-After": "5"},
            ) from error
        if isinstance(error, apsw.TooBigError):
            raise Problem(
                "too-large", f"the SQL makes a value of more than {self._limits.value_bytes:,} bytes"
            ) from error
        if isinstance(error, apsw.FullError):
            raise Problem("too-large", "the query needs more room to sort than there is: ask for less") from error
        if isinstance(error, KeyError):
            raise Problem(
                "invalid-parameter", f"the SQL names a parameter :{error.args[0]} that is not given"
            ) from error
        raise Problem("sql-invalid", self._what_is_wrong(error)) from error

    def _what_is_wrong(self, error: Exception) -> str:
        place = getattr(error, "error_offset", -1)
        where = f" at its byte {place + 1}" if isinstance(place, int) and place >= 0 else ""
        return (
            f"the SQL could not be run{where}: send one SELECT over the table {self._table!r}, and check its syntax, "
            "its names and its parameters; GET /schema lists the columns and functions that there are"
        )


@dataclass(frozen=True)
class _Traced:
    names: list[str]
    kinds: list[str | None]
    parameters: set[str]
    row_bytes: int
