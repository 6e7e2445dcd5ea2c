"""Kinds of columns, and their Arrow types and arrays."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from source_services.data.columns import Cell, Column, as_json

CHUNK_ROWS = 2_000
"""Rows that become Arrow arrays at a time: their cells as Python objects still fit a processor's cache."""

BATCH_ROWS, BATCH_BYTES = 32_000, 16 << 20
"""Rows and bytes at which a record batch ends."""

LARGEST_EXACT = 2**53
"""A float64 represents every whole number up to this one."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "blob": pa.binary(),
    "empty": pa.null(),
    "mixed": pa.json_(),
}
_KINDS = {str: "text", int: "integer", float: "number", bytes: "blob"}


def kind_of(types: Iterable[type], largest_whole: int = 0) -> str:
    """The kind of a column with cells of these types; `largest_whole` is the largest absolute whole number.

    A column of whole and other numbers is `number` if a float64 represents all of them, else `mixed`.
    """
    found = set(types) - {type(None)}
    if len(found) == 1:
        return _KINDS[found.pop()]
    if found == {int, float} and largest_whole <= LARGEST_EXACT:
        return "number"
    return "mixed" if found else "empty"


def kind_of_cells(cells: Sequence[Cell]) -> str:
    """The kind of a column that consists of these cells."""
    types = set(map(type, cells))
    largest = max((abs(cell) for cell in cells if isinstance(cell, int)), default=0) if {int, float} <= types else 0
    return kind_of(types, largest)


def joined_kind(one: str, other: str) -> str:
    """The kind of a column whose parts have these two kinds."""
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
        texts = (None if cell is None else orjson.dumps(as_json(cell)).decode() for cell in cells)
        return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))
    return pa.array(cells, ARROW_TYPES[kind])


def write_batches(writer: Any, chunks: Iterable[list[pa.Array]], schema: pa.Schema) -> int:
    """Write the chunks, each a few rows, as record batches that are large enough to be read fast; returns the rows."""
    count = 0
    for batch in _batches(chunks, schema):
        writer.write_batch(batch)
        count += batch.num_rows
    writer.close()
    return count


def _batches(chunks: Iterable[list[pa.Array]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    pending: list[list[pa.Array]] = []
    rows = size = 0
    for chunk in chunks:
        pending.append(chunk)
        rows, size = rows + len(chunk[0]), size + sum(array.nbytes for array in chunk)
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _joined(pending, schema)
            pending, rows, size = [], 0, 0
    if pending:
        yield _joined(pending, schema)


def _joined(chunks: list[list[pa.Array]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.concat_arrays(column) for column in zip(*chunks, strict=True)], schema=schema)
