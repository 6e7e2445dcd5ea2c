"""Columns and cells: what data files are read as, column names that SQLite accepts, and cells as JSON."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Cell = int | float | str | bytes | None


@dataclass(frozen=True)
class Column:
    """A column and the kind of its cells: `text`, `integer`, `number`, `blob`, `empty` or `mixed`."""

    name: str
    kind: str


class Table(NamedTuple):
    """The column names, the rows with one cell for each, and the columns of each index of the data file."""

    columns: list[str]
    rows: Iterable[Sequence[Cell]]
    indexes: tuple[tuple[str, ...], ...] = ()


def as_json(cell: Any) -> Any:
    """The cell as JSON has it: a blob is its hex text, infinity is the text `Infinity`."""
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, float) and math.isinf(cell):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, made distinct for SQLite: blank ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Two names that differ only in the case of their ASCII letters are the same to SQLite. `_rowid_` is reserved:
    it is SQLite's name for the position of a row.
    """
    named = [name if name.strip() else f"column_{position}" for position, name in enumerate(names, start=1)]
    reserved = {_identity(name) for name in named}
    used = {_identity("_rowid_")}
    distinct = []
    for name in named:
        candidate, number = name, 2
        while _identity(candidate) in used or (number > 2 and _identity(candidate) in reserved):
            candidate, number = f"{name}_{number}", number + 1
        used.add(_identity(candidate))
        distinct.append(candidate)
    return distinct


def free_name(name: str, columns: list[str]) -> str:
    """The name, followed by as many `_` as make it differ from all columns."""
    used = {_identity(column) for column in columns}
    while _identity(name) in used:
        name += "_"
    return name


def quoted(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted_list(names: Iterable[str]) -> str:
    """The names as quoted SQL identifiers, separated by commas."""
    return ", ".join(map(quoted, names))


def _identity(name: str) -> bytes:
    return name.encode().lower()
