"""What a SELECT gives before its rows are taken."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from source_services.data.columns import Cell
from source_services.errors import Problem

Rows = list[tuple[Cell, ...]]

BYTES_AT_A_TIME = 4 << 20
"""Of so many bytes rows are held as Python objects, however long they are."""


@dataclass
class Selection:
    """Distinct names, each column's kind where the table tells it, and the rows, a few hundred at a time.

    `asks_the_clock`: the rows depend on the time of day. `row_bytes`: no row is longer. `told` is what JSON says beside
    the rows.
    """

    names: list[str]
    kinds: list[str | None]
    groups: Iterator[Rows]
    asks_the_clock: bool = False
    row_bytes: int = 0
    told: dict[str, object] = field(default_factory=dict)

    def at_most(self, rows: int) -> "Selection":
        """The same, refused with a Problem when it comes to more rows."""
        self.groups = _counted(self.groups, rows)
        return self


def rows_that_fit(row_bytes: int) -> int:
    """How many rows of this length may be held at a time."""
    return max(1, BYTES_AT_A_TIME // max(1, row_bytes))


def bytes_of(rows: Rows) -> int:
    """About how many bytes the rows have: those of their texts and blobs."""
    return sum(len(cell) for row in rows for cell in row if isinstance(cell, str | bytes))


def _counted(groups: Iterator[Rows], most: int) -> Iterator[Rows]:
    count = 0
    for rows in groups:
        count += len(rows)
        if count > most:
            raise Problem(
                "too-large",
                f"the result has more than {most:,} rows: ask for fewer (LIMIT, WHERE), page by page (/data), or in a "
                "format that is made for many (format=arrow)",
            )
        yield rows
