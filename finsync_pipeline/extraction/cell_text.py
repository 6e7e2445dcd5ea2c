"""Cells of a response as text: the same text whichever way they came, as typed columns of Arrow or as JSON.

Each distinct cell is read once, not once per row.
"""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.clients.arrow_stream import is_json, is_text
from finsync_pipeline.clients.responses import EXACT, values_of
from finsync_pipeline.extraction.source_query import literal
from finsync_pipeline.statements.mapping import SourceMapping


def table_as_text(table: pa.Table, mapping: SourceMapping) -> pa.Table:
    """The mapping's columns as text, and `finsync_literal`, the literal of the period end."""
    decimals = dict.fromkeys(mapping.item_of_column, mapping.numbers.decimal)
    texts = {name: as_text(table[name], decimals.get(name, ".")) for name in mapping.columns}
    return pa.table({**texts, "finsync_literal": as_literals(table[mapping.period_end.column])})


def as_text(column: pa.ChunkedArray, decimal: str = ".") -> pa.ChunkedArray:
    """The cells as the mapping reads them: a JSON number with a fraction is written with this decimal mark."""
    if is_text(column.type) or pa.types.is_int64(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return _map_unique(column, lambda cell: cell_as_text(cell, decimal))


def as_literals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as literals in SQL, by which period ends are queried."""
    return _map_unique(column, literal)


def cell_as_text(cell: Any, decimal: str = ".") -> str | None:
    """A JSON value as text. A whole number is written without a point, whether it came as 500 or as 500.0."""
    if cell is None or isinstance(cell, str):
        return cell
    if not isinstance(cell, float):
        return json.dumps(cell, ensure_ascii=False)
    if cell.is_integer() and abs(cell) <= EXACT:
        return str(int(cell))
    return json.dumps(cell).replace(".", decimal)


def _map_unique(column: pa.ChunkedArray, read: Callable[[Any], str | None]) -> pa.ChunkedArray:
    """`read` applied to each distinct cell, as a JSON value; a missing cell is one of them."""
    stored = column.cast(pa.string()) if is_json(column.type) or is_text(column.type) else column
    distinct = pc.unique(stored)
    cells = distinct.cast(column.type) if is_json(column.type) else distinct
    texts = pa.array(map(read, values_of(cells)), pa.string())
    return texts.take(pc.index_in(stored, distinct))
