"""What a caller's SQL may do: read the service's own table, and call these functions."""

import apsw

from source_services.errors import Problem

FUNCTIONS = frozenset(
    """
    abs avg ceil ceiling coalesce count cume_dist date datetime dense_rank exp first_value floor glob if ifnull iif
    instr julianday lag last_value lead length like ln log log10 log2 lower ltrim max median min mod nth_value ntile
    nullif octet_length percent_rank percentile percentile_cont percentile_disc pow power rank replace round
    row_number rtrim sign sqrt strftime substr substring sum time timediff total trim trunc typeof unicode unixepoch
    upper
    """.split()  # noqa: SIM905 - a table to read
)
"""Functions whose result is small, and says nothing about SQLite, the machine or other callers."""

CLOCK = frozenset(["date", "datetime", "julianday", "strftime", "time", "timediff", "unixepoch"])
"""Of these, those that can ask for the time of day: their answers are not kept."""

_MODULES = "SELECT name FROM pragma_module_list"
_LAZY_MODULES = {
    "json_each",
    "json_tree",
    "jsonb_each",
    "jsonb_tree",
    "carray",
    "dbstat",
    "generate_series",
    "bytecode",
}


def known_names(connection: apsw.Connection, table: str) -> frozenset[str]:
    """The names, in lower case, that mean something other than a caller's own WITH table."""
    objects = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema")}
    modules = {str(row[0]) for row in connection.execute(_MODULES)}
    return frozenset(name.lower() for name in (objects | modules | _LAZY_MODULES) - {table})


class Judge:
    """Judges each thing that a statement would do, before SQLite runs any of it."""

    def __init__(self, table: str, hidden: frozenset[str]) -> None:
        self._table, self._hidden = table, hidden
        self.refusal: str | None = None
        self.asks_the_clock = False

    def begin(self) -> None:
        """Forget what the statement before did."""
        self.refusal, self.asks_the_clock = None, False

    def __call__(self, action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
        """SQLite's question: may the statement do this?"""
        if action == apsw.SQLITE_SELECT:
            return apsw.SQLITE_OK
        if action == apsw.SQLITE_FUNCTION:
            name = (second or "").lower()
            self.asks_the_clock |= name in CLOCK
            return apsw.SQLITE_OK if name in FUNCTIONS else self._refuse(f"the function {name}()")
        if action == apsw.SQLITE_READ:
            return self._read(first or "", second, database)
        if action == apsw.SQLITE_RECURSIVE:
            return self._refuse("WITH RECURSIVE")
        return self._refuse("anything but one SELECT")

    def _read(self, table: str, column: str | None, database: str | None) -> int:
        if table == self._table:
            return apsw.SQLITE_OK
        # count(*) over a WITH table reads no column of no database, and so it does over SQLite's own tables
        is_hidden = table.lower() in self._hidden or table.lower().startswith(("sqlite_", "pragma_"))
        if not column and database is None and not is_hidden:
            return apsw.SQLITE_OK
        return self._refuse("tables other than its own")

    def _refuse(self, what: str) -> int:
        self.refusal = self.refusal or what
        return apsw.SQLITE_DENY

    def problem(self) -> Problem:
        """Why the statement was refused."""
        return Problem(
            "sql-not-allowed",
            f"this service gives no access to {self.refusal or 'anything but one SELECT'}: send one SELECT over the "
            f"table {self._table!r}; GET /schema lists its columns and the functions that there are",
        )
