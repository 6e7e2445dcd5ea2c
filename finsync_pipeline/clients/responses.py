"""What a service answers, in the same form whichever way it came: a table of Arrow, or the version of its data."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

EXACT = 2**53
"""A float64 holds every whole number up to this one."""


@dataclass(frozen=True)
class Answer:
    """Rows that a service answered, and the version of the data that they are of, if it told.

    A column of `table` is text (also dictionary-encoded), int64, float64, bool, binary, null, or `arrow.json`: cells
    of several kinds, each as its JSON text.
    """

    table: pa.Table
    data_version: str | None

    @classmethod
    def of_rows(cls, columns: Sequence[str], rows: Sequence[Sequence[Any]], data_version: str | None) -> Self:
        """The answer of these rows of JSON values. Raises UnicodeEncodeError for a text that is none."""
        cells = zip(*rows, strict=True) if rows else [()] * len(columns)
        return cls(pa.table([_column(each) for each in cells], list(columns)), data_version)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        names: list[str] = self.table.column_names
        return names

    @property
    def row_count(self) -> int:
        """The number of rows."""
        count: int = self.table.num_rows
        return count

    def values(self, column: str) -> list[Any]:
        """The cells of a column as JSON values."""
        return values_of(self.table[column])

    @property
    def rows(self) -> list[list[Any]]:
        """The rows as JSON values: for answers of a few rows."""
        return [list(row) for row in zip(*map(self.values, self.columns), strict=True)]


@dataclass(frozen=True)
class PeriodHash:
    """The service's own account of the rows with one period end."""

    period: Any
    row_count: int
    content_hash: str


@dataclass(frozen=True)
class Version:
    """The version of a service's data and, where it tells, the hash of the rows of each period end."""

    data_version: str
    row_count: int
    periods: list[PeriodHash] | None


def values_of(column: "pa.ChunkedArray | pa.Array") -> list[Any]:
    """The cells as JSON has them: text, number, true or false, None; a blob is its hex text, infinity `Infinity`."""
    cells: list[Any] = column.to_pylist()
    if is_json(column.type):
        return [None if cell is None else json.loads(cell) for cell in cells]
    if pa.types.is_binary(column.type):
        return [None if cell is None else cell.hex() for cell in cells]
    if pa.types.is_floating(column.type):
        return [json.dumps(cell) if cell is not None and math.isinf(cell) else cell for cell in cells]
    return cells


def is_json(kind: pa.DataType) -> bool:
    """Whether cells of this type are JSON texts."""
    return getattr(kind, "extension_name", None) == "arrow.json"


def _column(cells: Sequence[Any]) -> pa.Array:
    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return pa.nulls(len(cells))
    if kinds <= {int, float} and (float in kinds or _fit_int64(cells)):
        if len(kinds) == 1 or all(abs(cell) <= EXACT for cell in cells if isinstance(cell, int)):
            return pa.array(cells, pa.float64() if float in kinds else pa.int64())
    elif kinds == {str}:
        return pa.array(cells, pa.string())
    texts = [None if cell is None else json.dumps(cell) for cell in cells]
    return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))


def _fit_int64(cells: Sequence[int | None]) -> bool:
    return all(cell is None or -(2**63) <= cell < 2**63 for cell in cells)
