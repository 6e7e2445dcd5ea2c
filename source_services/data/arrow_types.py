"""Kinds of cells and columns, and their Arrow types and arrays."""

from collections.abc import Iterable, Sequence
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


def kinds_in(cells: Sequence[Cell]) -> set[str]:
    """The kinds of the cells that are not missing, and `inexact` for a whole number that a float64 can't represent."""
    types = set(map(type, cells)) - {type(None)}
    largest = max(abs(cell) for cell in cells if isinstance(cell, int)) if int in types else 0
    return {_KINDS[each] for each in types} | ({"inexact"} if largest > LARGEST_EXACT else set())


def kind_of(found: set[str]) -> str:
    """The kind of a column whose cells have these kinds.

    A column of whole and other numbers is `number` if a float64 represents all of them, else `mixed`.
    """
    if found <= {"integer", "inexact"}:
        return "integer" if found else "empty"
    if found == {"integer", "number"}:
        return "number"
    return "mixed" if len(found) > 1 else next(iter(found))


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of the columns."""
    return pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in columns])


def array_of(kind: str, cells: Sequence[Cell]) -> pa.Array:
    """The cells as an Arrow array of this kind."""
    if kind == "mixed":
        texts = (None if cell is None else orjson.dumps(as_json(cell)).decode() for cell in cells)
        return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))
    return pa.array(cells, ARROW_TYPES[kind])


def write_all(writer: Any, chunks: Iterable[pa.RecordBatch]) -> int:
    """Write the chunks, each a few rows, as record batches that are large enough to be read fast; returns the rows."""
    count, pending = 0, list[pa.RecordBatch]()
    for chunk in chunks:
        pending.append(chunk)
        count += chunk.num_rows
        is_full = sum(each.num_rows for each in pending) >= BATCH_ROWS
        if is_full or sum(each.nbytes for each in pending) >= BATCH_BYTES:
            writer.write_batch(pa.concat_batches(pending))
            pending.clear()
    if pending:
        writer.write_batch(pa.concat_batches(pending))
    writer.close()
    return count
