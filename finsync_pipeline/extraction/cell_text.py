"""Cells of an answer as text: the same text whichever way they came, as typed columns of Arrow or as JSON.

What is read is read once for each distinct cell, not for each row.
"""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.clients.responses import EXACT, is_json, values_of
from finsync_pipeline.extraction.source_query import literal
from finsync_pipeline.statements.mapping import SourceMapping


def as_text(column: pa.ChunkedArray, decimal: str = ".") -> pa.ChunkedArray:
    """The cells as the mapping reads them: a number that is none of text with this decimal mark."""
    if _is_text(column.type) or pa.types.is_int64(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return _by_distinct(column, lambda cell: cell_as_text(cell, decimal))


def cell_as_text(cell: Any, decimal: str = ".") -> str | None:
    """A JSON value as text. A whole number is written without a point, whether it came as 500 or as 500.0."""
    if cell is None or isinstance(cell, str):
        return cell
    if not isinstance(cell, float):
        return json.dumps(cell, ensure_ascii=False)
    if cell.is_integer() and abs(cell) <= EXACT:
        return str(int(cell))
    return json.dumps(cell).replace(".", decimal)


def as_literals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as literals in SQL, as periods are named in questions."""
    return _by_distinct(column, literal)


def table_as_text(table: pa.Table, mapping: SourceMapping) -> pa.Table:
    """The mapping's columns as text, and `finsync_literal`, the literal of the period end."""
    decimals = dict.fromkeys(mapping.item_of_column, mapping.numbers.decimal)
    texts = {name: as_text(table[name], decimals.get(name, ".")) for name in mapping.columns}
    return pa.table({**texts, "finsync_literal": as_literals(table[mapping.period_end.column])})


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)))


def distinct_cells(column: pa.ChunkedArray) -> list[Any]:
    """The cells as JSON values, each once, without the missing ones; and perhaps some that the column might have."""
    return _encoded(column)[0]


def _by_distinct(column: pa.ChunkedArray, read: Callable[[Any], str | None]) -> pa.ChunkedArray:
    """`read` applied to each distinct cell, as a JSON value; a missing cell is one of them."""
    cells, places = _encoded(column)
    readings = pa.array([*map(read, cells), read(None)], pa.string())
    return pa.chunked_array([readings.take(each.fill_null(len(cells))) for each in places], pa.string())


def _encoded(column: pa.ChunkedArray) -> tuple[list[Any], list[pa.Array]]:
    """The distinct cells as JSON values, and for each row the place of its cell among them."""
    kind = column.type
    if is_json(kind):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], pa.string())
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return [], []
    cells = chunks[0].dictionary
    if is_json(kind):
        cells = pa.ExtensionArray.from_storage(kind, cells)
    return values_of(cells), [chunk.indices for chunk in chunks]
