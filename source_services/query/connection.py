"""A connection to one version of the table, which can run the SQL of any caller."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NoReturn

import apsw
from pyarrow.csv import read_csv

from source_services.data.columns import BYTES_AT_A_TIME, Cell, distinct_names
from source_services.data.table_metadata import TableMetadata
from source_services.errors import RequestError, busy, invalid_parameter
from source_services.query.authorizer import Authorizer, reserved_names
from source_services.query.scheduling import Rows, TimeBudget, fetch
from source_services.settings import Limits

STEPS_BETWEEN_CHECKS = 10_000
"""SQLite's steps between two checks of the time budget."""

_GUARDS = read_csv(Path(__file__).with_name("sqlite_guards.csv")).to_pylist()

_INTERNAL_ERRORS = (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.IOError, apsw.MisuseError)


@dataclass
class Selection:
    """The columns of a SELECT, and its rows, a few hundred at a time.

    Names are distinct; a kind is None if SQL computes the column. `rows_at_a_time` is how many may be held at a time.
    `is_volatile`: the rows depend on the time of day. `cell_kinds` has the kinds of the cells of each computed column,
    as far as they are known, by the column's place. `members` are further members of the result in JSON.
    """

    names: list[str]
    kinds: list[str | None]
    groups: Iterator[Rows]
    rows_at_a_time: int = BYTES_AT_A_TIME
    is_volatile: bool = False
    cell_kinds: dict[int, set[str]] = field(default_factory=dict)
    members: dict[str, str | None] = field(default_factory=dict)


class GuardedConnection:
    """Runs one SELECT at a time, over the service's table alone and within the limits."""

    def __init__(self, metadata: TableMetadata, limits: Limits) -> None:
        self._table, self._limits = metadata.service.name, limits
        self._kinds = metadata.columns
        self._value_bytes, self._row_bytes = max(limits.value_bytes, metadata.longest_row), metadata.longest_row
        self._budget, self._fetch_lock = TimeBudget(0), Lock()
        self._selection: Selection | None = None
        self._parameters: set[str] = set()
        self._cursor: apsw.Cursor | None = None
        self._connection = apsw.Connection(
            f"{metadata.database.absolute().as_uri()}?mode=ro&immutable=1",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
            statementcachesize=0,  # SQLite doesn't authorize a cached statement again
        )
        self._reserved = reserved_names(self._connection, self._table)
        self._set_guards(len(metadata.columns))
        self._connection.exec_trace = self._trace
        self._connection.set_progress_handler(lambda: self._budget.remaining() <= 0, STEPS_BETWEEN_CHECKS)

    def _set_guards(self, columns: int) -> None:
        limit = self._connection.limit
        for guard in _GUARDS:
            name, value = guard["name"], guard["value"]
            if guard["kind"] == "PRAGMA":
                self._connection.pragma(name, value)
            elif guard["kind"] == "CONFIG":
                self._connection.config(getattr(apsw, f"SQLITE_DBCONFIG_{name}"), int(value))
            else:
                limit(getattr(apsw, f"SQLITE_LIMIT_{name}"), int(value))
        limit(apsw.SQLITE_LIMIT_LENGTH, self._value_bytes)
        limit(apsw.SQLITE_LIMIT_SQL_LENGTH, self._limits.sql_bytes)
        # A page selects one column more: the row id
        limit(apsw.SQLITE_LIMIT_COLUMN, min(max(columns + 1, 100), self._limits.columns + 1))
        limit(apsw.SQLITE_LIMIT_VARIABLE_NUMBER, self._limits.parameters)

    def begin(self, budget: TimeBudget, fetch_lock: Lock) -> None:
        """What runs from now on has this time budget and fetches its rows under this lock."""
        self._budget, self._fetch_lock = budget, fetch_lock

    def select(self, sql: str, parameters: Mapping[str, Cell]) -> Selection:
        """Run one SELECT. Raises RequestError, here or while the rows are taken."""
        self.finish()
        self._connection.authorizer = self._authorizer = Authorizer(self._table, self._reserved)
        if (length := len(sql.encode(errors="replace"))) > self._limits.sql_bytes:
            what = f"the SQL has {length:,} bytes; the limit is {self._limits.sql_bytes:,}"
            raise RequestError("too-large", what, "send a shorter statement")
        cursor = self._cursor = self._connection.cursor()
        try:
            cursor.execute(sql, dict(parameters))
        except Exception as error:
            self._explain(error)
        if self._selection is None:
            raise _no_select()
        if unused := sorted(set(parameters) - self._parameters):
            raise invalid_parameter(f"the SQL does not use the parameter :{unused[0]}", "leave it out, or use it")
        self._selection.is_volatile = self._authorizer.is_volatile
        return self._selection

    def stop(self, budget: TimeBudget, reason: RequestError | None = None) -> None:
        """End the query that has this time budget, from another thread."""
        budget.stop(reason)
        if self._budget is budget:
            self._connection.interrupt()

    def finish(self) -> None:
        """End the last statement, whose rows may not all have been taken."""
        if self._cursor is not None:
            self._cursor.close(True)
        self._cursor = self._selection = None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close(True)

    def _groups(self, cursor: apsw.Cursor, most_rows: int) -> Iterator[Rows]:
        try:
            yield from fetch(cursor, most_rows, self._fetch_lock)
        except Exception as error:
            self._explain(error)

    def _trace(self, cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        """SQLite has prepared a statement and not yet run it: check it and describe its columns."""
        if self._selection is not None:
            if not cursor.has_vdbe:  # a comment
                return True
            raise RequestError("sql-not-allowed", "the SQL has a second statement", "send one SELECT")
        if cursor.is_explain or not cursor.is_readonly:
            raise RequestError("sql-not-allowed", "the SQL is not a SELECT", "send a SELECT, without EXPLAIN")
        columns = cursor.description_full
        if not columns:
            raise _no_select()
        origins = [column[4] if column[3] == self._table else None for column in columns]
        # SQLite names the origin of the first part of a UNION only
        kinds = [None if "union" in sql.lower() else self._kinds.get(origin or "") for origin in origins]
        self._parameters = {name for name in cursor.bindings_names if name}
        # Columns of the table, each once, are at most a row of the table; a computed column is at most a value
        times = Counter(origin for kind, origin in zip(kinds, origins, strict=True) if kind is not None)
        row_bytes = max(times.values(), default=0) * self._row_bytes + kinds.count(None) * self._value_bytes
        most_rows = max(1, BYTES_AT_A_TIME // max(1, row_bytes))
        for place, column in enumerate(columns, start=1):
            self._check_name(place, column[0])
        names = distinct_names(column[0] for column in columns)
        self._selection = Selection(names, kinds, self._groups(cursor, most_rows), most_rows)
        return True

    def _check_name(self, place: int, name: str) -> None:
        """Formats such as NDJSON repeat the names in each row, and SQLite names a column after its whole expression."""
        if (length := len(name.encode(errors="replace"))) > self._limits.name_bytes:
            what = f"the name of column {place} has {length:,} bytes; the limit is {self._limits.name_bytes:,}"
            raise RequestError("too-large", what, "give the column a short name with AS")

    def _explain(self, error: Exception) -> NoReturn:
        """Raise the error in the service's own words: SQLite's may reveal what the caller must not know."""
        if isinstance(error, (RequestError, *_INTERNAL_ERRORS)):
            raise error
        raise self._request_error(error) from error

    def _request_error(self, error: Exception) -> RequestError:
        if self._authorizer.denied is not None:
            return self._authorizer.error()
        match error:
            case apsw.InterruptError():
                return self._budget.error()
            case MemoryError() | apsw.NoMemError():
                return busy("the query needs more memory than there is now", 5)
            case apsw.TooBigError():
                what = f"the SQL computes a value of more than {self._limits.value_bytes:,} bytes"
                return RequestError("too-large", what, "compute shorter values")
            case apsw.FullError():
                what = "the query needs more space to sort than there is"
                return RequestError("too-large", what, "select fewer rows")
            case KeyError():
                what = f"the SQL names a parameter :{error.args[0]} that is not given"
                return invalid_parameter(what, "give it a value, or leave it out")
        offset = getattr(error, "error_offset", -1)
        where = f" at its byte {offset + 1}" if isinstance(offset, int) and offset >= 0 else ""
        fix = (
            f"send one SELECT over the table {self._table!r}, and check its syntax, names and parameters; "
            "GET /schema lists the columns and functions"
        )
        return RequestError("sql-invalid", f"the SQL could not be run{where}", fix)


def _no_select() -> RequestError:
    return RequestError("sql-invalid", "the SQL contains no statement", "send one SELECT")
