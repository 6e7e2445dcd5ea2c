"""Holdings: what a service holds now, told by the contents of its table and by nothing else.

The hashes don't depend on the order of rows or columns, nor on the file's format or its time stamp. A cell
that is NULL counts as absent: a new column that older periods leave empty doesn't change their hashes.
"""

import json
import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from source_services.data_files import Cell
from source_services.services import Service


@dataclass(frozen=True)
class Period:
    """The rows that spell their period in one way (None: it is missing): their count and content hash."""

    period: Cell
    row_count: int
    content_hash: str


@dataclass(frozen=True)
class Holdings:
    """A loaded table: where it is, its columns, and the version of its contents.

    `periods` has one entry per distinct value of the period column; None where that column is unknown.
    """

    service: Service
    database: Path
    columns: tuple[str, ...]
    row_count: int
    data_version: str
    periods: tuple[Period, ...] | None


def take_stock(service: Service, database: Path) -> Holdings:
    """Read the service's table in the SQLite file `database` once and describe it."""
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        cursor = connection.execute(f"SELECT * FROM {quoted(service.name)}")
        columns = tuple(str(column[0]) for column in cursor.description)
        by_name = sorted(range(len(columns)), key=columns.__getitem__)
        period_at = columns.index(service.period_column) if service.period_column is not None else None

        whole = _Tally()
        by_period: dict[tuple[str, Cell], _Tally] = {}
        for row in cursor:
            digest = _digest([(columns[at], row[at]) for at in by_name if row[at] is not None])
            whole.add(digest)
            if period_at is not None:
                period = row[period_at]
                # The type is part of the key: to Python 2012 and 2012.0 are one
                by_period.setdefault((type(period).__name__, period), _Tally()).add(digest)
    finally:
        connection.close()
    return Holdings(
        service=service,
        database=database,
        columns=columns,
        row_count=whole.count,
        data_version=sha256(json.dumps([sorted(columns), whole.count, whole.hash]).encode()).hexdigest(),
        periods=None
        if period_at is None
        else tuple(Period(period, tally.count, tally.hash) for (_, period), tally in sorted(by_period.items())),
    )


class _Tally:
    """Count and hash of a set of rows; a sum, so that order doesn't matter and a repeated row does."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, digest: int) -> None:
        self.count += 1
        self._sum = (self._sum + digest) % 2**256

    @property
    def hash(self) -> str:
        return f"{self._sum:064x}"


def _digest(cells: list[tuple[str, Cell]]) -> int:
    return int.from_bytes(sha256(json.dumps(cells).encode()).digest())


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
