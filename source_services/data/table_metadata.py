"""Holdings: what a service holds now, told by the contents of its table and by nothing else.

The hashes don't depend on the order of rows or columns, nor on the file's format or its time stamp. A cell
that is NULL counts as absent: a new column that older periods leave empty doesn't change their hashes.
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
from source_services.data.column_names import quoted
from source_services.data.columns import Cell, Column
from source_services.services import Service

ROWS_AT_A_TIME = 500
"""Fewer tuples than CPython's collector waits for: larger groups take twice the time."""


@dataclass(frozen=True)
class Period:
    """The rows that spell their period in one way (None: it is missing): their count and content hash."""

    period: Cell
    row_count: int
    content_hash: str


@dataclass(frozen=True)
class Holdings:
    """A loaded table: where it is, its columns, and the version of its contents.

    `arrow` is the file of the whole table as an Arrow stream; `periods` has one entry per distinct value of the period
    column, None where that column is unknown; `longest_row` is a bound on the bytes of a row.
    """

    service: Service
    database: Path
    arrow: Path
    columns: tuple[Column, ...]
    row_count: int
    data_version: str
    periods: tuple[Period, ...] | None
    longest_row: int
    indexes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Stock:
    """What counting and hashing all rows tells."""

    columns: tuple[Column, ...]
    row_count: int
    data_version: str
    periods: tuple[Period, ...] | None
    longest_row: int


def take_stock(connection: apsw.Connection, service: Service, names: list[str]) -> Stock:
    """Read the service's table once and describe it."""
    by_name = sorted(names)
    whole, longest = _Tally(), 0
    by_period: dict[tuple[str, Cell], _Tally] = {}
    period_at = by_name.index(service.period_column) if service.period_column is not None else None
    types: list[set[type]] = [set() for _ in by_name]
    for rows in groups(connection, f"SELECT {', '.join(map(quoted, by_name))} FROM {quoted(service.name)}"):
        for found, column in zip(types, zip(*rows, strict=True), strict=True):
            found.update(map(type, column))
        for row in rows:
            cells = {name: cell for name, cell in zip(by_name, row, strict=True) if cell is not None}
            content = orjson.dumps(cells, default=_blob)
            longest = max(longest, len(content))
            digest = int.from_bytes(sha256(content).digest())
            whole.add(digest)
            if period_at is not None:
                period = row[period_at]
                # The type is part of the key: to Python 2012 and 2012.0 are one
                by_period.setdefault((type(period).__name__, period), _Tally()).add(digest)
    kinds = {name: _kind(connection, service, name, found) for name, found in zip(by_name, types, strict=True)}
    return Stock(
        columns=tuple(Column(name, kinds[name]) for name in names),
        row_count=whole.count,
        data_version=sha256(json.dumps([by_name, whole.count, whole.hash]).encode()).hexdigest(),
        periods=None
        if period_at is None
        else tuple(
            Period(period, tally.count, tally.hash) for (_, period), tally in sorted(by_period.items(), key=_order)
        ),
        longest_row=longest,
    )


def groups(connection: apsw.Connection, sql: str) -> Iterator[list[tuple[Cell, ...]]]:
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


class _Tally:
    """Count and hash of a set of rows; a sum, so that order doesn't matter and a repeated row does."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, digest: int) -> None:
        self.count += 1
        self._sum += digest

    @property
    def hash(self) -> str:
        return f"{self._sum % 2**256:064x}"


def _blob(cell: bytes) -> dict[str, str]:
    return {"blob": cell.hex()}


def _order(entry: tuple[tuple[str, Cell], "_Tally"]) -> tuple[str, str | int | float]:
    kind, period = entry[0]
    return kind, period.hex() if isinstance(period, bytes) else 0 if period is None else period
