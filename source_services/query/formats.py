"""The formats of an answer: rows in, bytes out, and how many rows they were."""

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from source_services.data.arrow_types import (
    ROWS_OF_A_PIECE,
    array_of,
    as_json,
    batches,
    joined_kind,
    kind_of_cells,
    schema_of,
)
from source_services.data.columns import Cell, Column
from source_services.errors import Problem
from source_services.query.execution import BYTES_AT_A_TIME, Selection, bytes_of, rows_that_fit
from source_services.query.spool import Body, Sink, Spool

Cells = list[list[Cell]]
"""The cells of some rows, by column."""


class BatchWriter(Protocol):
    """Takes Arrow batches."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write one."""

    def close(self) -> None:
        """There are no more."""


@dataclass(frozen=True)
class Format:
    """A format by its name and media type; `write` writes a selection's rows and says how many they were."""

    name: str
    media_type: str
    write: Callable[[Selection, Sink], int]


@dataclass(frozen=True)
class Answer:
    """The rows of a selection in one format; of a page that is not the last one, the token of the next."""

    body: Body
    row_count: int
    next_token: str | None = None


class _OtherKinds(Exception):
    """Columns turned out to be of other kinds than their first rows told."""

    def __init__(self, kinds: list[str]) -> None:
        super().__init__(kinds)
        self.kinds = kinds


def answer(run: Callable[[], Selection], format_: Format, spool: Spool, most_bytes: int) -> Answer:
    """The rows that `run` selects, written in the format. Raises Problem.

    A column that SQL computes is what its first rows are. If later ones are of another kind, and the format must know,
    the query is run once more. Nothing is sent meanwhile.
    """
    kinds: list[str | None] | None = None
    while True:
        sink, selection = Sink(spool, most_bytes), run()
        selection.kinds = kinds or selection.kinds
        try:
            return Answer(row_count=format_.write(selection, sink), body=sink.body())
        except _OtherKinds as found:
            kinds = list(found.kinds)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Problem("busy", "the disk for large answers is full: ask later", {"Retry-After": "30"}) from error


def write_json(selection: Selection, sink: Sink) -> int:
    """`{"columns": [...], "rows": [[...], ...], "row_count": n}`, and what else the selection tells."""
    count = 0
    sink.write(b'{"columns":' + orjson.dumps(selection.names) + b',"rows":[')
    for rows in _sayable(selection):
        sink.write((b"," if count else b"") + orjson.dumps(rows)[1:-1])
        count += len(rows)
    sink.write(b"]," + orjson.dumps({"row_count": count, **selection.told})[1:])
    return count


def write_ndjson(selection: Selection, sink: Sink) -> int:
    """One object a row, one row a line."""
    count = 0
    for rows in _sayable(selection):
        sink.write(b"".join(orjson.dumps(dict(zip(selection.names, row, strict=True))) + b"\n" for row in rows))
        count += len(rows)
    return count


def write_arrow(selection: Selection, sink: Sink) -> int:
    """An Arrow IPC stream."""
    return _write_batches(selection, lambda schema: pa.ipc.new_stream(sink, schema))


def write_parquet(selection: Selection, sink: Sink) -> int:
    """A Parquet file."""
    return _write_batches(selection, lambda schema: pa.parquet.ParquetWriter(sink, schema, compression="zstd"))


def write_csv(selection: Selection, sink: Sink) -> int:
    """A header and a line for each row: a missing value is empty, an empty text is `""`."""
    return _write_batches(selection, lambda schema: _CsvWriter(sink, schema))


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


def _sayable(selection: Selection) -> Iterator[list[Any]]:
    """The rows with cells that JSON can say. A column of the table that is no blob and no mixture can as it is."""
    doubtful = [place for place, kind in enumerate(selection.kinds) if kind in (None, "blob", "mixed")]
    for rows in selection.groups:
        if any(type(row[place]) in (float, bytes) for place in doubtful for row in rows):
            yield [[as_json(cell) for cell in row] for row in rows]
        else:
            yield rows


def _write_batches(selection: Selection, open_writer: Callable[[pa.Schema], BatchWriter]) -> int:
    pieces = _pieces(selection)
    first: Cells = next(pieces, [[] for _ in selection.names])
    kinds = [kind or kind_of_cells(cells) for kind, cells in zip(selection.kinds, first, strict=True)]
    schema = schema_of([Column(name, kind) for name, kind in zip(selection.names, kinds, strict=True)])
    computed = [place for place, kind in enumerate(selection.kinds) if kind is None]

    def arrays() -> Iterator[list[pa.Array]]:
        for piece in chain([first] if first[0] else [], pieces):
            found = {place: kind_of_cells(piece[place]) for place in computed}
            if any(joined_kind(kinds[place], kind) != kinds[place] for place, kind in found.items()):
                raise _OtherKinds(_kinds_of_all(kinds, computed, chain([piece], pieces)))
            yield [_array(kinds, place, cells) for place, cells in enumerate(piece)]

    writer, count = open_writer(schema), 0
    for batch in batches(arrays(), schema):
        writer.write_batch(batch)
        count += batch.num_rows
    writer.close()
    return count


def _array(kinds: list[str], place: int, cells: list[Cell]) -> pa.Array:
    try:
        return array_of(kinds[place], cells)
    except pa.ArrowInvalid:  # a whole number that a float64 cannot hold, among numbers that are not whole
        raise _OtherKinds([*kinds[:place], "mixed", *kinds[place + 1 :]]) from None


def _kinds_of_all(kinds: list[str], computed: list[int], pieces: Iterable[Cells]) -> list[str]:
    """The kinds with which all rows can be written: of those written so far, and of all pieces that are left."""
    joined = list(kinds)
    for piece in pieces:
        for place in computed:
            joined[place] = joined_kind(joined[place], kind_of_cells(piece[place]))
    return joined


def _pieces(selection: Selection) -> Iterator[Cells]:
    """The cells by column, of a few rows at a time."""
    columns: Cells = [[] for _ in selection.names]
    size, may_be_long = 0, rows_that_fit(selection.row_bytes) < ROWS_OF_A_PIECE
    for rows in selection.groups:
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(cells)
        size += bytes_of(rows) if may_be_long else 0
        if len(columns[0]) >= ROWS_OF_A_PIECE or size >= BYTES_AT_A_TIME:
            yield columns
            columns, size = [[] for _ in selection.names], 0
    if columns[0]:
        yield columns


class _CsvWriter:
    """Arrow batches as CSV: a cell of a mixed column is its plain text, a blob its hex text."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        texts = (pa.json_(), pa.binary())
        self._schema = pa.schema([(each.name, pa.string() if each.type in texts else each.type) for each in schema])
        self._writer = pa.csv.CSVWriter(sink, self._schema)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write these rows."""
        self._writer.write_batch(pa.record_batch([_csv_array(each) for each in batch.columns], schema=self._schema))

    def close(self) -> None:
        """There are no more."""
        self._writer.close()


def _csv_array(array: pa.Array) -> pa.Array:
    if array.type == pa.json_():
        cells = (None if text is None else orjson.loads(text) for text in array.storage.to_pylist())
        return pa.array([cell if cell is None or isinstance(cell, str) else str(cell) for cell in cells], pa.string())
    if array.type == pa.binary():
        return pa.array([None if cell is None else cell.hex() for cell in array.to_pylist()], pa.string())
    return array
