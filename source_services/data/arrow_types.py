"""Kinds of columns, and their Arrow types and arrays."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from source_services.data.columns import Cell, Column

ROWS_OF_A_PIECE = 2_000
"""So many rows become Arrow arrays at a time: their cells as Python objects still fit a processor's cache."""

ROWS_OF_A_BATCH, BYTES_OF_A_BATCH = 32_000, 16 << 20

EXACT = 2**53
"""A float64 holds every whole number up to this one."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "blob": pa.binary(),
    "empty": pa.null(),
    "mixed": pa.json_(),
}


def kind_of(types: Iterable[type], largest_whole: int = 0) -> str:
    """The kind of a column with cells of these types; `largest_whole` is the largest amount of its whole numbers.

    Whole numbers among others are numbers too, if a float64 can hold them; else the column is mixed.
    """
    found = set(types) - {type(None)}
    if len(found) == 1:
        return {str: "text", int: "integer", float: "number", bytes: "blob"}[found.pop()]
    if found == {int, float} and largest_whole <= EXACT:
        return "number"
    return "mixed" if found else "empty"


def kind_of_cells(cells: Sequence[Cell]) -> str:
    """The kind of a column that has just these cells."""
    types = set(map(type, cells))
    largest = max((abs(cell) for cell in cells if isinstance(cell, int)), default=0) if {int, float} <= types else 0
    return kind_of(types, largest)


def joined_kind(one: str, other: str) -> str:
    """The kind of a column that is of one kind here and of the other there."""
    if one == other or other == "empty":
        return one
    if one == "empty":
        return other
    return "number" if {one, other} == {"integer", "number"} else "mixed"


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of the columns."""
    return pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in columns])


def array_of(kind: str, cells: Sequence[Cell]) -> pa.Array:
    """The cells as an Arrow array of this kind. Raises pa.ArrowInvalid if a whole number is too large for a number."""
    if kind == "mixed":
        return pa.ExtensionArray.from_storage(pa.json_(), pa.array(map(_json_text, cells), pa.string()))
    return pa.array(cells, ARROW_TYPES[kind])


def batches(pieces: Iterable[list[pa.Array]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The arrays of a few rows at a time, joined into batches that are large enough to be read fast."""
    some: list[list[pa.Array]] = []
    rows = size = 0
    for piece in pieces:
        some.append(piece)
        rows, size = rows + len(piece[0]), size + sum(array.nbytes for array in piece)
        if rows >= ROWS_OF_A_BATCH or size >= BYTES_OF_A_BATCH:
            yield _joined(some, schema)
            some, rows, size = [], 0, 0
    if some:
        yield _joined(some, schema)


def _joined(pieces: list[list[pa.Array]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.concat_arrays(column) for column in zip(*pieces, strict=True)], schema=schema)


def as_json(cell: Any) -> Any:
    """The cell as JSON can say it: a blob as its hex text, infinity as the text `Infinity`."""
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, float) and math.isinf(cell):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell


def _json_text(cell: Cell) -> str | None:
    return None if cell is None else orjson.dumps(as_json(cell)).decode()
