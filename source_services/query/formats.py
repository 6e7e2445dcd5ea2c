"""The formats of a result: each writes the rows of a selection as bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from source_services.data.columns import (
    BYTES_AT_A_TIME,
    CHUNK_ROWS,
    Cell,
    array_of,
    as_json,
    kind_of,
    kinds_in,
    schema_of,
    write_all,
)
from source_services.query.connection import Selection
from source_services.query.spool import SpooledFile

Cells = list[list[Cell]]
"""The cells of some rows, by column."""


@dataclass(frozen=True)
class Format:
    """A format by its name and media type; `write` writes the rows of a selection and returns their count.

    It raises KindsChanged if it needs the kinds of computed columns and the first rows have others than later ones.
    """

    name: str
    media_type: str
    write: Callable[[Selection, SpooledFile], int]


class KindsChanged(Exception):
    """Computed columns have other kinds than their first rows; the selection's `cell_kinds` has those of all rows."""


def write_json(selection: Selection, file: SpooledFile) -> int:
    """`{"columns": [...], "rows": [[...], ...], "row_count": n}`, and further members of the selection."""
    count = 0
    file.write(b'{"columns":' + orjson.dumps(selection.names) + b',"rows":[')
    for rows in _json_rows(selection):
        file.write((b"," if count else b"") + orjson.dumps(rows)[1:-1])
        count += len(rows)
    file.write(b"]," + orjson.dumps({"row_count": count, **selection.members})[1:])
    return count


def write_ndjson(selection: Selection, file: SpooledFile) -> int:
    """One object for each row, on a line of its own."""
    count, names_bytes = 0, len(orjson.dumps(selection.names))
    # Each line has all names: lines are joined as long as their names alone stay below the limit
    lines_at_a_time = max(1, BYTES_AT_A_TIME // names_bytes)
    for rows in _json_rows(selection):
        for start in range(0, len(rows), lines_at_a_time):
            lines = rows[start : start + lines_at_a_time]
            file.write(b"".join(orjson.dumps(dict(zip(selection.names, row, strict=True))) + b"\n" for row in lines))
        count += len(rows)
    return count


def _json_rows(selection: Selection) -> Iterator[list[Any]]:
    """The rows with cells that JSON has. A column of the table has only such cells unless it is a blob or mixed."""
    doubtful = [place for place, kind in enumerate(selection.kinds) if kind in (None, "blob", "mixed")]
    for rows in selection.groups:
        if any(type(row[place]) in (float, bytes) for place in doubtful for row in rows):
            yield [[as_json(cell) for cell in row] for row in rows]
        else:
            yield rows


def write_batches(
    selection: Selection, file: SpooledFile, open_writer: Callable[[Any, pa.Schema], Any], as_text: tuple[str, ...] = ()
) -> int:
    """Record batches, by a writer of pyarrow; columns of the kinds `as_text` become text."""
    chunks = _chunks(selection)
    first: Cells = next(chunks, [[] for _ in selection.names])
    kinds = _kinds(selection, first)
    written = ("text" if kind in as_text else kind for kind in kinds)
    schema = schema_of(dict(zip(selection.names, written, strict=True)))

    def batches() -> Iterator[pa.RecordBatch]:
        for chunk in chain([first] if first[0] else [], chunks):
            if _kinds(selection, chunk) != kinds:
                for remaining in chunks:
                    _kinds(selection, remaining)
                raise KindsChanged
            arrays = (
                _text_array(cells) if kind in as_text else array_of(kind, cells)
                for kind, cells in zip(kinds, chunk, strict=True)
            )
            yield pa.record_batch(list(arrays), schema=schema)

    return write_all(open_writer(file, schema), batches())


def _kinds(selection: Selection, chunk: Cells) -> list[str]:
    """The kinds of the columns; the kind of a computed one follows from its cells so far and those of the chunk."""
    for place, kind in enumerate(selection.kinds):
        if kind is None:
            selection.cell_kinds.setdefault(place, set()).update(kinds_in(chunk[place]))
    return [kind or kind_of(selection.cell_kinds[place]) for place, kind in enumerate(selection.kinds)]


def _text_array(cells: list[Cell]) -> pa.Array:
    return pa.array([None if cell is None else str(as_json(cell)) for cell in cells], pa.string())


def _chunks(selection: Selection) -> Iterator[Cells]:
    """The cells by column, of a few rows at a time."""
    columns: Cells = [[] for _ in selection.names]
    size, may_be_long = 0, selection.rows_at_a_time < CHUNK_ROWS
    for rows in selection.groups:
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(cells)
        if may_be_long:
            size += sum(len(cell) for row in rows for cell in row if isinstance(cell, str | bytes))
        if len(columns[0]) >= CHUNK_ROWS or size >= BYTES_AT_A_TIME:
            yield columns
            columns, size = [[] for _ in selection.names], 0
    if columns[0]:
        yield columns


_open_parquet = partial(pa.parquet.ParquetWriter, compression="zstd")
# A missing value is empty, an empty text is `""`, a blob is its hex text
_write_csv = partial(write_batches, open_writer=pa.csv.CSVWriter, as_text=("mixed", "blob"))

FORMATS = {
    each.name: each
    for each in (
        Format("json", "application/json", write_json),
        Format("ndjson", "application/x-ndjson", write_ndjson),
        Format("csv", "text/csv", _write_csv),
        Format("arrow", "application/vnd.apache.arrow.stream", partial(write_batches, open_writer=pa.ipc.new_stream)),
        Format("parquet", "application/vnd.apache.parquet", partial(write_batches, open_writer=_open_parquet)),
    )
}
