"""Releases opened for reading: each as a DuckDB database of its own, closed when nobody uses it any more.

Tables have the rows of the release's Parquet files, in their order, with the column `finsync_row`: the place of the row
in its file. The wide ones are loaded, since hundreds of columns take longer to open in Parquet than to read; all others
are read from the files. What the statements of a company are made of is also loaded as two narrow tables, since a wide
one takes longer to plan than to read: `statements`, with the values of a row as one list, and `disputed_cells`. What
companies are screened by is loaded as `annual_periods`, with the balances at their ends.
"""

import tempfile
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, local
from typing import Any, cast

import duckdb
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.financials import UNDISPUTED
from finsync_pipeline.aggregation.fiscal_years import fiscal_years_sql
from finsync_pipeline.errors import DataError, PublicationError
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.publishing.release import CURRENT, current_folder, read_release
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS
from finsync_pipeline.statements.tables import TABLES

ROW = "finsync_row"
"""The column with the place of a row in its file, from 0."""
DATABASE = "release"
"""The name of the database in memory; a named one is compressed, to a third."""
ANNUAL = 12
LOADED = ("financials", "company_summary")
_SQL = {
    pa.string(): "VARCHAR", pa.date32(): "DATE", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN",
}  # fmt: skip
MOST_OPEN = 3
"""Releases that stay open at most: the most recently used."""
MEMORY = 256 * 2**20
"""Bytes that one open release may take; more is written to a temporary folder."""
THREADS = 2


@dataclass(frozen=True)
class Rows:
    """The rows of an answer: the names of its columns, and a tuple for each row."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def as_dicts(self) -> list[dict[str, Any]]:
        """A dict for each row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class OpenRelease:
    """A release, as SQL of FinSync's own reads it. What callers write is a parameter here, never a part of the SQL.

    `folder` and `manifest` are those of the release, `columns` has the names of the columns of each table that it has,
    `items` those items whose values the lists of the table `statements` have, in their order. Raises DataError if its
    files cannot be read.
    """

    def __init__(self, folder: Path, memory: int = MEMORY) -> None:
        self.folder, self.manifest = folder, _manifest(folder)
        self._spill = tempfile.TemporaryDirectory(prefix="finsync_release_")
        self._connection = duckdb.connect(
            config={"memory_limit": f"{memory}B", "threads": str(THREADS), "temp_directory": self._spill.name}
        )
        self._connection.execute(f"ATTACH ':memory:' AS {DATABASE} (COMPRESS)")
        self._connection.execute(f"USE {DATABASE}")
        self._cursors = local()
        self.columns: dict[str, Sequence[str]] = {}
        for name in TABLES:
            file = folder / f"{name}.parquet"
            if file.exists():
                with self.failing_clearly():
                    self.columns[name] = self._add(name, file)
        self._connection.execute(f"CHECKPOINT {DATABASE}")  # which compresses
        self.items = NUMERIC_ITEMS if self.has("financials") else ()
        with self.failing_clearly():
            if self.has("financials"):
                self._connection.execute(f"CREATE TABLE fiscal_years AS {fiscal_years_sql('financials')}")
                self._connection.execute(_statements(self.items))
                self._connection.execute(f"CREATE TABLE annual_periods AS {with_balances(ANNUAL, self.items)}")
            if self.has("agreement"):
                self._connection.execute(_DISPUTED_CELLS)
        self._connection.execute(f"CHECKPOINT {DATABASE}")

    def _add(self, name: str, file: Path) -> Sequence[str]:
        """Add the table in the file, with null for columns that an earlier version did not make; returns the others."""
        described = self._connection.execute(f"DESCRIBE FROM {_scan(file)}").fetchall()
        there = [row[0] for row in described]
        lacks = [field for field in TABLES[name].fields if field.name not in there]
        columns = "".join(f", CAST(NULL AS {_SQL[field.type]}) AS {frames.quoted(field.name)}" for field in lacks)
        kind = "TABLE" if name in LOADED else "VIEW"
        rows = f"SELECT file_row_number AS {ROW}, * EXCLUDE (file_row_number){columns} FROM {_scan(file)}"
        self._connection.execute(f"CREATE {kind} {name} AS {rows}")
        return [column for column in there if column != "file_row_number"]

    @property
    def name(self) -> str:
        """The name of its folder, such as 20261128T093000Z."""
        return self.folder.name

    def has(self, table: str) -> bool:
        """Whether the release has the table: those of earlier versions lack some."""
        return table in self.columns

    def require(self, table: str) -> None:
        """Raise PublicationError if the release lacks the table."""
        if not self.has(table):
            raise PublicationError(f"it has no table {table}", "Name a newer release", f"Release {self.name}")

    def query(self, sql: str, *parameters: Any) -> Rows:
        """The rows of the SQL over the tables of the release. Raises DataError if its files cannot be read."""
        with self.failing_clearly():
            found = self._cursor.execute(sql, list(parameters))
            return Rows([column[0] for column in found.description or ()], found.fetchall())

    def arrow(self, sql: str, *parameters: Any) -> pa.Table:
        """The same as an Arrow table."""
        with self.relation(sql, *parameters) as found:
            return found.to_arrow_table()

    @contextmanager
    def relation(self, sql: str, *parameters: Any) -> Iterator[duckdb.DuckDBPyRelation]:
        """Within the block, the same as a lazy relation."""
        with self.failing_clearly(), self._new_cursor() as cursor:
            yield cursor.sql(sql, params=list(parameters))

    @property
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """That of this thread: to open one takes as long as a small query."""
        if not hasattr(self._cursors, "cursor"):
            self._cursors.cursor = self._new_cursor()
        return cast(duckdb.DuckDBPyConnection, self._cursors.cursor)

    def _new_cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._connection.cursor()
        cursor.execute(f"USE {DATABASE}")
        return cursor

    @contextmanager
    def failing_clearly(self) -> Iterator[None]:
        """Within the block, what reads the files of the release raises DataError if they cannot be read."""
        try:
            yield
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            what = "its files cannot be read" if self.folder.exists() else "it has been removed"
            fix = "finsync verify names its damages; ask for another release"
            raise DataError(what, fix, f"Release {self.name}") from error


class Releases:
    """The releases of a folder, each opened when it is first asked for."""

    def __init__(self, published: Path, memory: int = MOST_OPEN * MEMORY) -> None:
        self.published, self._memory = published, memory // MOST_OPEN
        self._open: OrderedDict[str, OpenRelease] = OrderedDict()
        self._lock, self._opening = Lock(), defaultdict[str, Lock](Lock)

    def open(self, name: str = CURRENT) -> OpenRelease:
        """The release of this name, or of a beginning of it. Raises QueryError if there is none."""
        folder = find_release(self.published, name)
        with self._lock:
            of_release = self._opening[folder.name]
        with of_release:  # whoever asks for another release does not wait
            release = self._kept(folder.name) or OpenRelease(folder, self._memory)
            with self._lock:
                self._open[folder.name] = release
                while len(self._open) > MOST_OPEN:
                    self._opening.pop(self._open.popitem(last=False)[0], None)
        return release

    def _kept(self, name: str) -> OpenRelease | None:
        with self._lock:
            return self._open.pop(name, None)

    @property
    def current(self) -> Path | None:
        """The folder of the current release, if there is one."""
        return current_folder(self.published)

    @property
    def count_open(self) -> int:
        """How many are open."""
        return len(self._open)


def with_balances(months: int, items: Sequence[str]) -> str:
    """A SELECT of the periods of this length: company_id, currency, period_end and the items.

    What a company has at the end of a period, in months 0, stands next to what it has over the period.
    """
    keys = "company_id, currency, period_end"
    balances = [item for item in items if ITEMS[item].kind == "instant"]
    names = [f"{'ends' if item in balances else 'spans'}.{item}" for item in items]
    ends = f"LEFT JOIN (SELECT * FROM financials WHERE months = 0) AS ends USING ({keys})" if balances else ""
    columns = ", ".join(["spans.company_id, spans.currency, spans.period_end", *names])
    return f"SELECT {columns} FROM financials AS spans {ends} WHERE spans.months = {months}"


def _scan(file: Path) -> str:
    place = str(file).replace("'", "''")
    return f"read_parquet('{place}', file_row_number = true)"


def _statements(items: Sequence[str]) -> str:
    """The rows of `financials` with fiscal years; the values of the items as a list, their numbers of sources as bytes.

    Bytes are read in one piece, a list number by number. A release has far less than 256 sources.
    """
    used = ", ".join(_hexadecimal(f"coalesce({item}_sources, 0)") for item in items)
    return f"""
        CREATE TABLE statements AS
        SELECT
            company_id, period_end, months, currency, disputed, withheld,
            fiscal_year, fiscal_quarter, is_year_end_assumed,
            [{", ".join(items)}]::DOUBLE[] AS items,
            unhex(concat({used or "''"})) AS sources
        FROM financials LEFT JOIN fiscal_years USING (company_id, period_end)
        ORDER BY {ROW}
    """


def _hexadecimal(count: str) -> str:
    """Two digits; of the usual counts without a call of printf, which takes long for millions of cells."""
    usual = " ".join(f"WHEN {n} THEN '{n:02x}'" for n in range(4))
    return f"CASE {count} {usual} ELSE printf('%02x', {count}) END"


_DISPUTED_CELLS = f"""
    CREATE TABLE disputed_cells AS
    SELECT
        company_id, item, period_end, months, currency, verdict, value, least, greatest, is_withheld, culprit, why
    FROM agreement
    WHERE is_withheld OR verdict NOT IN {UNDISPUTED}
"""


def _manifest(folder: Path) -> Mapping[str, Any]:
    try:
        manifest = read_release(folder).manifest
        if isinstance(manifest.get("files"), dict):
            return manifest
    except (OSError, PublicationError):
        pass
    raise DataError("its manifest cannot be read", "finsync verify names its damages", folder)
