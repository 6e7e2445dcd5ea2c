"""The tables of one release, of which only the rows that fulfil conditions are read."""

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError, PublicationError
from finsync_pipeline.publishing.release import read_release
from finsync_pipeline.statements.tables import TABLES


class ReleaseTables:
    """The tables of the release in a folder, as a context manager.

    Raises PublicationError if the folder has no release.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.manifest = read_release(self.folder).manifest
        self._connection = frames.empty_database()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the tables that the release has."""
        return frozenset(file.stem for file in self.folder.glob("*.parquet"))

    def rows(self, table: str, **conditions: Any) -> list[dict[str, Any]]:
        """The rows whose columns equal these values, or one of them where they are a list; None leaves the column free.

        Without the table there are none. Columns that an earlier version did not have are None. Raises DataError if the
        file cannot be read.
        """
        given = {name: value for name, value in conditions.items() if value is not None}
        if table not in self.names or any(isinstance(value, list) and not value for value in given.values()):
            return []
        where = " AND ".join(_condition(name, value) for name, value in given.items()) or "TRUE"
        values = [each for value in given.values() for each in (value if isinstance(value, list) else [value])]
        found = self.query(f"SELECT * FROM {self.scan(table)} WHERE {where}", values)
        declared = dict.fromkeys(TABLES[table].arrow.names) if table in TABLES else {}
        return [{**declared, **row} for row in found]

    def scan(self, table: str) -> str:
        """The table in SQL. Raises PublicationError if the release lacks it."""
        if table not in self.names:
            raise PublicationError(f"it has no table {table}", "Name a newer release", f"Release {self.folder.name}")
        file = str(self.folder / f"{table}.parquet").replace("'", "''")
        return f"read_parquet('{file}')"

    def query(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
        """The rows of a SELECT. Raises DataError if a file cannot be read."""
        try:
            found = self._connection.execute(sql, values)
        except duckdb.Error as error:
            fix = "Run: finsync verify"
            raise DataError(f"cannot be read ({str(error).splitlines()[0]})", fix, self.folder) from error
        names = [str(name) for name, *_ in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _condition(name: str, value: Any) -> str:
    column = frames.quoted(name)
    return f"{column} IN ({', '.join('?' * len(value))})" if isinstance(value, list) else f"{column} = ?"
