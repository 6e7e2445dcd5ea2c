"""Answers in Arrow: an IPC stream that is whole, in the kinds of columns that a service may give."""

from collections.abc import Mapping

import pyarrow as pa

from finsync_pipeline.clients.responses import is_json

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Arrow reads a stream that lacks it, as one that was cut between two batches does, without a word."""


class CutShort(Exception):
    """The body is not all that was sent."""


class NoTable(Exception):
    """The body is no table of a service; the message says what it is."""


def read_table(body: memoryview, headers: Mapping[str, str]) -> pa.Table:
    """The table in the body, over the body's own memory. Raises CutShort or NoTable."""
    if bytes(body[-len(END_OF_STREAM) :]) != END_OF_STREAM:
        raise CutShort
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise NoTable("no Arrow") from None
    if str(table.num_rows) != headers.get("X-Row-Count", str(table.num_rows)):
        raise CutShort
    if len(set(table.column_names)) != table.num_columns:
        raise NoTable("a column of Arrow twice")
    for field in table.schema:
        if not _is_known(field.type):
            raise NoTable(f"column {field.name!r} in Arrow as {field.type}, which no service of a source gives")
    return table.replace_schema_metadata(None)


def _is_known(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return bool(pa.types.is_string(kind.value_type))
    plain = (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.null())
    return is_json(kind) or kind in plain
