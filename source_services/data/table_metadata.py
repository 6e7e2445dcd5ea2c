"""Metadata of a loaded table, computed from its contents alone.

The hashes don't depend on the order of rows or columns, nor on the format or the time of the data file. A NULL cell
counts as absent: a new column that is empty in older periods doesn't change their hashes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

import apsw
import orjson

from source_services.data.arrow_types import kind_of
from source_services.data.columns import Cell, Column, quoted, quoted_list
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

    `periods` has one entry for each distinct value of the period column, None if that column is unknown;
    `longest_row` is an upper bound on the bytes of a row.
    """

    service: Service
    folder: Path
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...]
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


class Fingerprint:
    """Count and hash of a set of rows: a sum of hashes, so order doesn't matter and a repeated row does."""

    def __init__(self) -> None:
        self.count = self._sum = 0

    def add(self, digest: int) -> None:
        """Add a row by its hash."""
        self.count += 1
        self._sum += digest

    @property
    def hash(self) -> str:
        """The hash of all rows."""
        return f"{self._sum % 2**256:064x}"


def read_metadata(
    connection: apsw.Connection, service: Service, folder: Path, names: list[str], indexes: tuple[tuple[str, ...], ...]
) -> TableMetadata:
    """Read the service's table, which has columns of these names, once, and describe it."""
    by_name = sorted(names)
    table, longest = Fingerprint(), 0
    by_period: dict[PeriodKey, Fingerprint] = {}
    period_at = by_name.index(service.period_column) if service.period_column is not None else None
    types: list[set[type]] = [set() for _ in by_name]
    for rows in row_groups(connection, f"SELECT {quoted_list(by_name)} FROM {quoted(service.name)}"):
        for found, column in zip(types, zip(*rows, strict=True), strict=True):
            found.update(map(type, column))
        for row in rows:
            cells = {name: cell for name, cell in zip(by_name, row, strict=True) if cell is not None}
            content = orjson.dumps(cells, default=_blob)
            longest = max(longest, len(content))
            digest = int.from_bytes(sha256(content).digest())
            table.add(digest)
            if period_at is not None:
                key = (type(row[period_at]).__name__, row[period_at])
                by_period.setdefault(key, Fingerprint()).add(digest)
    kinds = {name: _kind(connection, service, name, found) for name, found in zip(by_name, types, strict=True)}
    return TableMetadata(
        service=service,
        folder=folder,
        columns=tuple(Column(name, kinds[name]) for name in names),
        indexes=indexes,
        row_count=table.count,
        data_version=sha256(json.dumps([by_name, table.count, table.hash]).encode()).hexdigest(),
        periods=None if period_at is None else _periods(by_period),
        longest_row=longest,
    )


def row_groups(connection: apsw.Connection, sql: str) -> Iterator[list[tuple[Cell, ...]]]:
    """The rows of a SELECT, a few hundred at a time."""
    cursor = connection.execute(sql)
    while rows := list(islice(cursor, ROWS_AT_A_TIME)):
        yield rows


def _kind(connection: apsw.Connection, service: Service, name: str, types: set[type]) -> str:
    if types - {type(None)} != {int, float}:
        return kind_of(types)
    largest = connection.execute(
        f"SELECT max(max({quoted(name)}), -min({quoted(name)})) FROM {quoted(service.name)} "
        f"WHERE typeof({quoted(name)}) = 'integer'"
    ).get
    return kind_of(types, int(largest))


def _periods(by_period: dict[PeriodKey, Fingerprint]) -> tuple[Period, ...]:
    def order(key: PeriodKey) -> tuple[str, str | int | float]:
        kind, period = key
        return kind, period.hex() if isinstance(period, bytes) else 0 if period is None else period

    return tuple(Period(key[1], by_period[key].count, by_period[key].hash) for key in sorted(by_period, key=order))


def _blob(cell: bytes) -> dict[str, str]:
    return {"blob": cell.hex()}
