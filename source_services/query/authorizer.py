"""The authorizer: a caller's SQL may read the service's own table and call a list of functions, nothing else."""

from pathlib import Path

import apsw
from pyarrow.csv import read_csv

from source_services.errors import RequestError

FUNCTIONS = {row["name"]: row["kind"] for row in read_csv(Path(__file__).with_name("functions.csv")).to_pylist()}
"""Functions whose result is small, and reveals nothing about SQLite, the machine or other callers; with their kinds."""

_LAZY_MODULES = frozenset(
    ["json_each", "json_tree", "jsonb_each", "jsonb_tree", "carray", "dbstat", "generate_series", "bytecode"]
)
"""Virtual tables that SQLite lists only after their first use."""


def reserved_names(connection: apsw.Connection, table: str) -> frozenset[str]:
    """The names, in lower case, that SQLite may resolve to something other than a caller's own WITH table."""
    objects = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema")}
    modules = {str(row[0]) for row in connection.execute("SELECT name FROM pragma_module_list")}
    return frozenset(name.lower() for name in (objects | modules | _LAZY_MODULES) - {table})


class Authorizer:
    """SQLite's authorizer callback for one statement: it decides about each action before any of them runs."""

    def __init__(self, table: str, reserved: frozenset[str]) -> None:
        self._table, self._reserved = table, reserved
        self.denied: str | None = None
        self.is_volatile = False

    def __call__(self, action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
        """Whether SQLite may take the action."""
        if action == apsw.SQLITE_SELECT:
            return apsw.SQLITE_OK
        if action == apsw.SQLITE_FUNCTION:
            name = (second or "").lower()
            # Functions of dates can read the clock: results that depend on them are not cached
            self.is_volatile |= FUNCTIONS.get(name) == "date"
            return apsw.SQLITE_OK if name in FUNCTIONS else self._deny(f"the function {name}()")
        if action == apsw.SQLITE_READ:
            return self._read(first or "", second, database)
        return self._deny("WITH RECURSIVE" if action == apsw.SQLITE_RECURSIVE else "anything but one SELECT")

    def _read(self, table: str, column: str | None, database: str | None) -> int:
        if table == self._table:
            return apsw.SQLITE_OK
        # count(*) over a WITH table reads no column and no database; over SQLite's own tables it does the same
        is_reserved = table.lower() in self._reserved or table.lower().startswith(("sqlite_", "pragma_"))
        if not column and database is None and not is_reserved:
            return apsw.SQLITE_OK
        return self._deny("tables other than its own")

    def _deny(self, what: str) -> int:
        self.denied = self.denied or what
        return apsw.SQLITE_DENY

    def error(self) -> RequestError:
        """Why the statement was denied."""
        what = f"this service does not allow {self.denied or 'anything but one SELECT'}"
        fix = f"send one SELECT over the table {self._table!r}; GET /schema lists its columns and the allowed functions"
        return RequestError("sql-not-allowed", what, fix)
