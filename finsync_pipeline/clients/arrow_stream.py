"""A response in Arrow, checked before it is read: a few bytes of it can claim billions of rows.

A stream is a sequence of messages, each a FlatBuffer of metadata and a body (Arrow's Message.fbs). `_messages` reads
from the metadata what Arrow itself would act upon without asking: numbers of rows, and compressed buffers. Then the
types of the columns, and what their cells take up, are known before anything is made of them.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.clients.bounds import MOST_COLUMNS, Bounds
from finsync_pipeline.clients.errors import SourceErrors
from finsync_pipeline.clients.http import TruncatedBody
from finsync_pipeline.clients.strict_json import read_strictly

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Arrow reads a stream without it, such as one that was cut between two batches, and reports nothing."""
NOT_ARROW = "it is not valid Arrow"
MOST_METADATA_BYTES = 1 << 23
"""Of one message: more than the names of as many columns as SQLite can have take up."""
MOST_CHUNKS = 1_000_000
"""Batches times columns. Each is an object of some hundred bytes, however few rows it has."""
LEAST_CELL_BYTES = 4
"""What a cell counts as in memory: a cell without a value, or a bool, has next to nothing in the stream."""
_PLAIN_TYPES = (pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.null())
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3


class _Message(NamedTuple):
    """What the metadata of one message claims."""

    kind: int
    row_count: int
    is_compressed: bool
    is_delta: bool


def read_stream(body: memoryview, row_count: str | None, errors: SourceErrors, bounds: Bounds) -> pa.Table:
    """The table in the body, over the body's own memory; `row_count` is what the service announced.

    Raises TruncatedBody, SourceInvalid, or ResultTooLarge beyond the bounds.
    """
    if bytes(body[-len(END_OF_STREAM) :]) != END_OF_STREAM:
        raise TruncatedBody
    try:
        messages = list(_messages(body))
    except (struct.error, ValueError):
        raise errors.invalid(NOT_ARROW) from None
    _check_messages(messages, errors, bounds)
    try:
        opened = pa.ipc.open_stream(pa.py_buffer(body))
    except Exception:  # whatever the package that a type belongs to makes of its parameters
        raise errors.invalid(NOT_ARROW) from None
    try:
        with opened as stream:
            names = stream.schema.names
            _check_schema(stream.schema, sum(each.kind == _BATCH for each in messages), errors)
            table = stream.read_all()
        table.validate()
        _check_cells(table, errors, bounds)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        raise errors.invalid(NOT_ARROW) from None
    if str(table.num_rows) != (row_count or str(table.num_rows)):
        raise TruncatedBody
    if len(set(names)) != table.num_columns:
        raise errors.invalid("a column of Arrow occurs twice")
    return table.replace_schema_metadata(None)


def is_json(kind: pa.DataType) -> bool:
    """Whether cells of this type are JSON texts."""
    return getattr(kind, "extension_name", None) == "arrow.json"


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this type are texts, dictionary-encoded or not."""
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _messages(body: memoryview) -> Iterator[_Message]:
    """The messages of the stream, up to its end, which is that of the body. Raises struct.error or ValueError."""
    place = 0
    for _ in range(MOST_CHUNKS):
        mark, size = struct.unpack_from("<Ii", body, place)
        place += 8
        if mark != 0xFFFFFFFF or not 0 <= size <= MOST_METADATA_BYTES:
            raise ValueError(NOT_ARROW)
        if size == 0:
            break
        message, body_size = _message(body[place : place + size])
        if not 0 <= body_size <= len(body):
            raise ValueError(NOT_ARROW)
        yield message
        place += size + body_size
    if place != len(body):
        raise ValueError(NOT_ARROW)


def _message(metadata: memoryview) -> tuple[_Message, int]:
    """What one message claims, and the length of its body."""
    message = _Table(metadata, *struct.unpack_from("<I", metadata))
    kind, header = message.number(1, "<B"), message.table(2)
    body_size = message.number(3, "<q")
    if kind not in (_SCHEMA, _DICTIONARY, _BATCH) or header is None:
        raise ValueError(NOT_ARROW)
    batch = header.table(1) if kind == _DICTIONARY else header
    if kind == _SCHEMA or batch is None:
        return _Message(kind, 0, False, False), body_size
    is_delta = kind == _DICTIONARY and bool(header.number(2, "<B"))
    row_count = batch.number(0, "<q")
    if row_count < 0:
        raise ValueError(NOT_ARROW)
    return _Message(kind, row_count, batch.table(3) is not None, is_delta), body_size


class _Table:
    """A table of FlatBuffers: its fields by their place in the schema, where they are there."""

    def __init__(self, buffer: memoryview, place: int) -> None:
        self._buffer, self._place = buffer, place
        self._fields = place - struct.unpack_from("<i", buffer, place)[0]
        if self._fields < 0:
            raise ValueError(NOT_ARROW)
        [self._size] = struct.unpack_from("<H", buffer, self._fields)

    def number(self, field: int, form: str) -> int:
        """The number in the field, 0 if it is not there."""
        place = self._field(field)
        return int(struct.unpack_from(form, self._buffer, place)[0]) if place else 0

    def table(self, field: int) -> "_Table | None":
        """The table that the field points to."""
        place = self._field(field)
        return _Table(self._buffer, place + struct.unpack_from("<I", self._buffer, place)[0]) if place else None

    def _field(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        [offset] = struct.unpack_from("<H", self._buffer, self._fields + entry)
        return self._place + offset if offset else 0


def _check_messages(messages: list[_Message], errors: SourceErrors, bounds: Bounds) -> None:
    """Raise an error for what Arrow would act upon before its result can be looked at."""
    if any(each.is_compressed for each in messages):
        raise errors.invalid("its Arrow is compressed, which it was not asked for")
    if any(each.is_delta for each in messages):
        raise errors.invalid("a dictionary of its Arrow grows from batch to batch, which no service returns")
    if sum(each.row_count for each in messages if each.kind == _BATCH) > bounds.rows:
        raise errors.beyond(f"sends more than {bounds.rows:,} rows", "FINSYNC_SOURCE_ROWS")


def _check_schema(schema: pa.Schema, batch_count: int, errors: SourceErrors) -> None:
    if len(schema) > MOST_COLUMNS:
        raise errors.invalid(f"it has {len(schema):,} columns, more than any table")
    if batch_count * len(schema) > MOST_CHUNKS:
        raise errors.invalid(f"it has {batch_count:,} batches, which are too small for that number")
    for field in schema:
        kind = field.type
        if not (is_text(kind) or (is_json(kind) and kind.storage_type == pa.string()) or kind in _PLAIN_TYPES):
            raise errors.invalid(f"column {field.name!r} has the Arrow type {kind}, which no service returns")


def _check_cells(table: pa.Table, errors: SourceErrors, bounds: Bounds) -> None:
    """Raise an error for cells that are not what their type says, or take up more than the bounds."""
    if sum(map(_cell_bytes, table.columns)) > bounds.arrow_bytes:
        raise errors.beyond(f"sends cells of more than {bounds.arrow_bytes:,} bytes", "FINSYNC_SOURCE_BYTES")
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            continue
        column.validate(full=True)
        if is_json(column.type):
            try:
                for text in pc.unique(column.cast(pa.string())).drop_null().to_pylist():
                    read_strictly(text)
            except ValueError as error:
                raise errors.invalid(f"a cell of column {name!r} is not valid JSON: {error}") from None


def _cell_bytes(column: pa.ChunkedArray) -> int:
    """What the cells of a column take up as cells of their own. Raises ArrowInvalid for texts that are none."""
    if not pa.types.is_dictionary(column.type):
        return max(LEAST_CELL_BYTES * len(column), int(column.nbytes))
    lengths: dict[tuple[Any, ...], pa.Array] = {}
    total = 0
    for chunk in column.chunks:
        texts = chunk.dictionary
        same = (len(texts), texts.offset, *(buffer and buffer.address for buffer in texts.buffers()))
        if same not in lengths:
            texts.validate(full=True)
            lengths[same] = pc.binary_length(texts)
        chunk.indices.validate(full=True)
        used = chunk.indices.drop_null()
        total += LEAST_CELL_BYTES * len(chunk) + (pc.sum(pc.take(lengths[same], used)).as_py() or 0)
    return total
