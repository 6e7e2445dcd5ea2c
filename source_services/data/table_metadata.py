"""Metadata of a loaded table, computed from its contents alone.

The hashes don't depend on the order of rows or columns, nor on the format or the time of the data file. A NULL cell
counts as absent: a new column that is empty in older periods doesn't change their hashes.
"""

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import orjson

from source_services.data.columns import BYTES_AT_A_TIME, Cell, Indexes, kind_of, kinds_in, quoted, quoted_list
from source_services.settings import Service

ROWS_AT_A_TIME = 500
"""Fewer tuples than CPython's garbage collector waits for: larger groups take twice the time."""

PeriodKey = tuple[str, Cell]
"""A period and the name of its type: to Python 2012 and 2012.0 are one key."""


@dataclass(frozen=True)
class Period:
    """The rows with one value of the period column (None: it is missing): their count and content hash."""

    period: Cell
    row_count: int
    content_hash: str


@dataclass(frozen=True)
class TableMetadata:
    """A loaded table: the folder of its files, its columns and indexes, and the version of its contents.

    `columns` has the kind of each column's cells: `text`, `integer`, `number`, `blob`, `empty` or `mixed`. `periods`
    has one entry for each distinct value of the period column, None if that column is unknown; `longest_row` is an
    upper bound on the bytes of a row.
    """

    service: Service
    folder: Path
    columns: dict[str, str]
    indexes: Indexes
    row_count: int
    data_version: str
    periods: tuple[Period, ...] | None
    longest_row: int

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / f"{self.service.name}-{self.data_version[:16]}.sqlite"

    @property
    def arrow(self) -> Path:
        """The whole table as a file with an Arrow stream."""
        return self.database.with_suffix(".arrow")


def read_metadata(
    connection: apsw.Connection, service: Service, folder: Path, names: list[str], indexes: Indexes
) -> TableMetadata:
    """Read the service's table, which has columns of these names, once, and describe it."""
    by_name, longest = sorted(names), 0
    period_at = by_name.index(service.period_column) if service.period_column is not None else None
    kinds: list[set[str]] = [set() for _ in by_name]
    counts, sums = Counter[PeriodKey](), Counter[PeriodKey]()
    cursor = connection.execute(f"SELECT {quoted_list(by_name)} FROM {quoted(service.name)}")
    rows_at_a_time = _rows_at_a_time(connection, service, by_name)
    while rows := list(islice(cursor, rows_at_a_time)):
        for found, column in zip(kinds, zip(*rows, strict=True), strict=True):
            found |= kinds_in(column)
        for row in rows:
            cells = {name: cell for name, cell in zip(by_name, row, strict=True) if cell is not None}
            content = orjson.dumps(cells, default=lambda blob: {"blob": blob.hex()})
            longest = max(longest, len(content))
            period = row[period_at] if period_at is not None else None
            key = type(period).__name__, period
            counts[key] += 1
            sums[key] += int.from_bytes(sha256(content).digest())
    kind_by_name = dict(zip(by_name, map(kind_of, kinds), strict=True))
    periods = tuple(Period(key[1], counts[key], _hash_text(sums[key])) for key in sorted(counts, key=_order))
    return TableMetadata(
        service=service,
        folder=folder,
        columns={name: kind_by_name[name] for name in names},
        indexes=indexes,
        row_count=counts.total(),
        data_version=sha256(json.dumps([by_name, counts.total(), _hash_text(sums.total())]).encode()).hexdigest(),
        periods=None if period_at is None else periods,
        longest_row=longest,
    )


def _rows_at_a_time(connection: apsw.Connection, service: Service, names: list[str]) -> int:
    """How many rows may be held at a time: no row is longer than the longest cells of all columns together."""
    longest = ", ".join(f"max(octet_length({quoted(name)}))" for name in names)
    lengths: Any = connection.execute(f"SELECT {longest} FROM {quoted(service.name)}").fetchall()[0]
    return min(ROWS_AT_A_TIME, max(1, BYTES_AT_A_TIME // max(1, sum(length or 0 for length in lengths))))


def _hash_text(sum_of_hashes: int) -> str:
    """The hash of a set of rows: a sum of the rows' hashes, so order doesn't matter and a repeated row does."""
    return f"{sum_of_hashes % 2**256:064x}"


def _order(key: PeriodKey) -> tuple[str, str | int | float]:
    kind, period = key
    return kind, period.hex() if isinstance(period, bytes) else 0 if period is None else period
