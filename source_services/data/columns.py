"""What a data file is read as, and the error of one that cannot be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Cell = int | float | str | bytes | None


class Table(NamedTuple):
    """The column names, the rows with one cell for each, and the columns of each index that it comes with."""

    columns: list[str]
    rows: Iterable[Sequence[Cell]]
    indexes: tuple[tuple[str, ...], ...] = ()


class DataFileError(Exception):
    """A data file is absent, ambiguous or broken; the message says which, where and how to mend it."""


@dataclass(frozen=True)
class Column:
    """A column and what its cells are: `text`, `integer`, `number`, `blob`, `empty` or `mixed`."""

    name: str
    kind: str
