"""The formats of a result: each writes the rows of a selection as bytes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from source_services.data.arrow_types import CHUNK_ROWS, array_of, joined_kind, kind_of_cells, schema_of, write_batches
from source_services.data.columns import Cell, Column, as_json
from source_services.query.connection import BYTES_AT_A_TIME, Selection
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
    """Computed columns have other kinds than their first rows; `kinds` fit all rows."""

    def __init__(self, kinds: list[str]) -> None:
        super().__init__(kinds)
        self.kinds = kinds


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
    count = 0
    for rows in _json_rows(selection):
        file.write(b"".join(orjson.dumps(dict(zip(selection.names, row, strict=True))) + b"\n" for row in rows))
        count += len(rows)
    return count


def write_csv(selection: Selection, file: SpooledFile) -> int:
    """A header, and a line for each row: a missing value is empty, an empty text is `""`, a blob is its hex text."""
    return _write_batches(selection, lambda schema: pa.csv.CSVWriter(file, schema), as_text=("mixed", "blob"))


def write_arrow(selection: Selection, file: SpooledFile) -> int:
    """An Arrow IPC stream."""
    return _write_batches(selection, lambda schema: pa.ipc.new_stream(file, schema))


def write_parquet(selection: Selection, file: SpooledFile) -> int:
    """A Parquet file."""
    return _write_batches(selection, lambda schema: pa.parquet.ParquetWriter(file, schema, compression="zstd"))


FORMATS = {
    each.name: each
    for each in (
        Format("json", "application/json", write_json),
        Format("ndjson", "application/x-ndjson", write_ndjson),
        Format("csv", "text/csv", write_csv),
        Format("arrow", "application/vnd.apache.arrow.stream", write_arrow),
        Format("parquet", "application/vnd.apache.parquet", write_parquet),
    )
}


def _json_rows(selection: Selection) -> Iterator[list[Any]]:
    """The rows with cells that JSON has. A column of the table has only such cells unless it is a blob or mixed."""
    doubtful = [place for place, kind in enumerate(selection.kinds) if kind in (None, "blob", "mixed")]
    for rows in selection.groups:
        if any(type(row[place]) in (float, bytes) for place in doubtful for row in rows):
            yield [[as_json(cell) for cell in row] for row in rows]
        else:
            yield rows


def _write_batches(selection: Selection, open_writer: Callable[[pa.Schema], Any], as_text: tuple[str, ...] = ()) -> int:
    """Write the rows as record batches; columns of the kinds `as_text` become text."""
    chunks = _chunks(selection)
    first: Cells = next(chunks, [[] for _ in selection.names])
    kinds = [kind or kind_of_cells(cells) for kind, cells in zip(selection.kinds, first, strict=True)]
    written = ["text" if kind in as_text else kind for kind in kinds]
    schema = schema_of(list(map(Column, selection.names, written)))
    computed = [place for place, kind in enumerate(selection.kinds) if kind is None]

    def arrays() -> Iterator[list[pa.Array]]:
        for chunk in chain([first] if first[0] else [], chunks):
            if any(joined_kind(kinds[place], kind_of_cells(chunk[place])) != kinds[place] for place in computed):
                raise KindsChanged(_kinds_of_all(kinds, computed, chain([chunk], chunks)))
            yield [_array(kinds, place, cells, as_text) for place, cells in enumerate(chunk)]

    return write_batches(open_writer(schema), arrays(), schema)


def _array(kinds: list[str], place: int, cells: list[Cell], as_text: tuple[str, ...]) -> pa.Array:
    if kinds[place] in as_text:
        return pa.array([None if cell is None else str(as_json(cell)) for cell in cells], pa.string())
    try:
        return array_of(kinds[place], cells)
    except pa.ArrowInvalid:  # a whole number that a float64 does not represent, among numbers that are not whole
        raise KindsChanged([*kinds[:place], "mixed", *kinds[place + 1 :]]) from None


def _kinds_of_all(kinds: list[str], computed: list[int], chunks: Iterable[Cells]) -> list[str]:
    """The kinds with which all rows can be written: those written so far, and those of the remaining chunks."""
    joined = list(kinds)
    for chunk in chunks:
        for place in computed:
            joined[place] = joined_kind(joined[place], kind_of_cells(chunk[place]))
    return joined


def _chunks(selection: Selection) -> Iterator[Cells]:
    """The cells by column, of a few rows at a time."""
    columns: Cells = [[] for _ in selection.names]
    size, may_be_long = 0, selection.rows_that_fit < CHUNK_ROWS
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
