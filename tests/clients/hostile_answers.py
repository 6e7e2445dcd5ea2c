"""Answers of a service that means harm: too long, too slow, too large once they are read, or made to break a reader."""

import gzip
import io
import json
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from misbehaving_server import ARROW_TYPE, GOOD_BODY, Answer, arrow_http, arrow_stream, http

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
CHUNKED_HEAD = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ARROW_HEAD = f"Content-Type: {ARROW_TYPE}\r\n".encode()
MEGABYTE = 1 << 20


def endless(head: bytes, piece: bytes, pause: float = 0) -> Answer:
    """The piece again and again, until the client goes away."""

    def write(connection: BinaryIO, _request: str) -> None:
        connection.write(head)
        while True:
            connection.write(piece)
            connection.flush()
            time.sleep(pause)

    return write


def gzipped(size: int) -> bytes:
    """This number of zeros, compressed to a thousandth: a gzip may have several members."""
    return gzip.compress(bytes(16 * MEGABYTE)) * (size // MEGABYTE // 16)


def stream(table: pa.Table, **options: Any) -> bytes:
    """The table as a stream of Arrow, written with these options."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def claiming(table: pa.Table, rows: int) -> bytes:
    """The stream of a table of one batch that claims this number of rows."""
    count = struct.pack("<q", table.num_rows)
    return arrow_stream(table).replace(count, struct.pack("<q", rows))


def growing_dictionary(batches: int, size: int) -> bytes:
    """A dictionary with one long text, and then one more entry and a row of it, again and again."""
    kind = pa.dictionary(pa.int32(), pa.string())
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, pa.schema([("a", kind)]), options=options) as writer:
        texts = ["x" * size]
        for number in range(batches):
            texts.append(str(number))
            indices = pa.array([number], pa.int32())
            writer.write_batch(pa.record_batch([pa.DictionaryArray.from_arrays(indices, texts)], ["a"]))
    return sink.getvalue()


def repeated_text(rows: int, size: int) -> pa.Table:
    """Rows that all have the one long text of a dictionary."""
    return pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "int8")), ["x" * size])})


def many_batches(count: int) -> bytes:
    """Batches of one row each."""
    schema = pa.schema([(f"c{number}", pa.null()) for number in range(100)])
    batch = pa.record_batch([pa.nulls(1)] * 100, schema=schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for _ in range(count):
            writer.write_batch(batch)
    return sink.getvalue()


def json_cell(text: str) -> bytes:
    return arrow_http(arrow_stream(pa.table({"a": pa.ExtensionArray.from_storage(pa.json_(), pa.array([text]))})), 1)


def rows(cell: str, columns: str = '["a"]') -> bytes:
    """One row of JSON with this cell."""
    return http(f'{{"columns": {columns}, "rows": [[{cell}]], "row_count": 1}}'.encode())


def named(metadata: dict[bytes, bytes], kind: pa.DataType) -> bytes:
    """A table with one column, whose field has this metadata."""
    schema = pa.schema([pa.field("a", kind, metadata=metadata)])
    return arrow_http(arrow_stream(pa.table([pa.nulls(1, kind)], schema=schema)), 1)


def _bad_names() -> bytes:
    return arrow_http(arrow_stream(pa.table({"abcd": [1]})).replace(b"abcd", b"\xff\xfe\xfd\xfc"), 1)


SLOW: dict[str, Answer] = {
    "one byte a second of the body": endless(HEAD + b"\r\n", b" ", 0.05),
    "one byte a second of a body with a length": endless(HEAD + b"Content-Length: 1000\r\n\r\n", b" ", 0.05),
    "one byte a second of a header": endless(HEAD + b"X: ", b"x", 0.05),
    "one byte a second of the status": endless(b"HTTP/1.1 200 ", b"x", 0.05),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.05),
    "continue for ever": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "trailers without end": endless(CHUNKED_HEAD + b"0\r\n", b"X: x\r\n", 0.05),
}
"""Each takes for ever, and no pause in it is long."""

LARGE: dict[str, tuple[Callable[[], Answer], str]] = {
    "gzip": (lambda: http(gzipped(3 << 30), "200 OK", "Content-Encoding: gzip"), "it is encoded (gzip)"),
    "gzip in gzip": (
        lambda: http(gzip.compress(gzipped(256 << 20)), "200 OK", "Content-Encoding: gzip, gzip"),
        "it is encoded (gzip, gzip)",
    ),
    "gzip of an error": (
        lambda: http(gzipped(1 << 30), "400 Bad", "Content-Encoding: gzip"),
        "returned 400 for /query. ",
    ),
    "gzip of a redirect": (
        lambda: http(gzipped(1 << 30), "302 Found", "Location: /x", "Content-Encoding: gzip"),
        "it redirects to /x",
    ),
    "a redirect without end": (
        lambda: endless(HEAD.replace(b"200 OK", b"302 Found") + b"Location: /x\r\n\r\n", bytes(MEGABYTE)),
        "it redirects to /x",
    ),
    "a body without end": (lambda: endless(HEAD + b"\r\n", bytes(MEGABYTE)), "more than 4,194,304 bytes"),
    "Arrow without end": (
        lambda: endless(HEAD + ARROW_HEAD + b"\r\n", bytes(MEGABYTE)),
        "more than 67,108,864 bytes. Check that url",
    ),
    "chunks without end": (
        lambda: endless(CHUNKED_HEAD, b"100000\r\n" + bytes(MEGABYTE) + b"\r\n"),
        "set FINSYNC_SOURCE_JSON_BYTES to more",
    ),
    "a length of a petabyte": (lambda: http(b"", length=10**15), "more than 4,194,304 bytes"),
    "a length that no machine can count": (lambda: http(b"", "200 OK", f"X: {'9' * 5000}", length=10**17), "more than"),
    "a gigabyte of Arrow announced": (
        lambda: http(b"", "200 OK", f"Content-Type: {ARROW_TYPE}", length=1 << 30),
        "set FINSYNC_SOURCE_BYTES to more",
    ),
    "compressed Arrow": (
        lambda: arrow_http(stream(pa.table({"a": np.zeros(64 << 20, "int64")}), compression="zstd"), 64 << 20),
        "its Arrow is compressed",
    ),
    "a compressed dictionary": (
        lambda: arrow_http(stream(repeated_text(1, 64 << 20), compression="lz4"), 1),
        "its Arrow is compressed",
    ),
    "two billion rows of nothing": (
        lambda: arrow_http(claiming(pa.table({"a": pa.nulls(77_777)}), 2_000_000_000), 2_000_000_000),
        "more than 10,000,000 rows",
    ),
    "ten million rows of a hundred columns of nothing": (
        lambda: arrow_http(arrow_stream(pa.table({f"c{n}": pa.nulls(10_000_000) for n in range(100)})), 10_000_000),
        "cells of more than 67,108,864 bytes",
    ),
    "a text of one megabyte in each row": (
        lambda: arrow_http(stream(repeated_text(100_000, MEGABYTE)), 100_000),
        "cells of more than 67,108,864 bytes",
    ),
    "a dictionary that grows": (
        lambda: arrow_http(growing_dictionary(500, MEGABYTE), 500),
        "grows from batch to batch",
    ),
    "many small batches": (lambda: arrow_http(many_batches(10_001), 10_001), "10,001 batches"),
    "runs of a billion rows": (
        lambda: arrow_http(
            arrow_stream(pa.table({"a": pa.RunEndEncodedArray.from_arrays([9_000_000], ["x"])})), 9_000_000
        ),
        "has the Arrow type run_end_encoded",
    ),
    "lists in lists": (
        lambda: http(b'{"columns": ["a"], "rows": [' + b"[]," * 1_300_000 + b'[]], "row_count": 1}'),
        "counts",
    ),
    "a million columns": (
        lambda: http(json.dumps({"columns": [f"{n:x}" for n in range(300_000)], "rows": [], "row_count": 0}).encode()),
        "300,000 columns",
    ),
    "headers of six megabytes": (
        lambda: http(GOOD_BODY, "200 OK", *(f"X-{n}: {'x' * 65_000}" for n in range(101))),
        "cannot be reached",
    ),
    "a hundred thousand headers": (
        lambda: http(GOOD_BODY, "200 OK", *(f"X-{n}: x" for n in range(100_000))),
        "cannot be",
    ),
    "a line without end": (lambda: endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536), "cannot be reached"),
    "a target of slashes": (lambda: http(b"", "302 Found", f"Location: {'/' * 65_000}"), "it redirects to"),
    "a cookie that is hard to read": (
        lambda: http(b"no", "200 OK", *(f"Set-Cookie: a=b; expires={' ' * 60_000}x" for _ in range(20))),
        "Invalid JSON",
    ),
}
"""Answers that would take gigabytes or hours; each is refused within the bounds that the tests set."""

BROKEN: dict[str, tuple[Answer, str]] = {
    "a length that is a letter of Latin 1": (
        http(GOOD_BODY[:-1]).replace(b": 71", b": \xb2"),
        "its Content-Length is not a number",
    ),
    "two lengths": (http(GOOD_BODY, "200 OK", "Content-Length: 5"), "cannot be reached"),
    "half a length": (http(GOOD_BODY).replace(b": 72", b": -72"), "its Content-Length is not a number"),
    "status 206": (http(GOOD_BODY, "206 Partial Content"), "its status is 206, not 200"),
    "status 304": (http(b"", "304 Not Modified"), "its status is 304, not 200"),
    "status 300 without a target": (http(GOOD_BODY, "300 Choices"), "its status is 300, not 200"),
    "status 99": (http(GOOD_BODY, "99 No"), "cannot be reached"),
    "a redirect to no text": (HEAD.replace(b"200 OK", b"302 F") + b"Location: /\xff\xfe\r\n\r\n", "it redirects to"),
    "a redirect to half an address": (http(b"", "302 F", "Location: http://[x"), "it redirects to http://[x"),
    "a wait of many digits": (http(b"", "503 Busy", f"Retry-After: {'9' * 400}"), "returned 503"),
    "a wait in the year 0": (http(b"", "503 Busy", "Retry-After: Mon, 01 Jan 0000 00:00:00 GMT"), "returned 503"),
    "a wait that is not a date": (http(b"", "503 Busy", "Retry-After: , , ,"), "returned 503"),
    "an error in lists": (http(b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}", "400 Bad"), "returned 400"),
    "an error of many digits": (http(b'{"detail": ' + b"9" * 5000 + b"}", "400 Bad"), "returned 400 for /query. "),
    "NaN": (rows("NaN"), "Invalid JSON: NaN is not a value of JSON"),
    "a key twice": (
        http(GOOD_BODY.replace(b'"row_count": 2', b'"row_count": 3, "row_count": 2')),
        "Invalid JSON: the key 'row_count' is there twice",
    ),
    "a key twice in a cell": (rows('{"x": 1, "x": 2}'), "the key 'x' is there twice"),
    "half a letter": (rows('"\\ud800"'), "half a letter"),
    "half a letter in a name": (rows("1", '["\\udfff"]'), "half a letter"),
    "half a letter in an object": (rows('{"\\ud83d": 1}'), "half a letter"),
    "a number of 5,000 digits": (rows("9" * 5000), "Invalid JSON: "),
    "lists in a cell": (rows("[" * 70 + "]" * 70), "a cell cannot be read: it is nested too deeply"),
    "lists without end in a cell": (rows("[" * 99_999), "Invalid JSON: "),
    "objects in a cell": (rows('{"a":' * 70 + "1" + "}" * 70), "nested too deeply"),
    "UTF-16": (http(GOOD_BODY.decode().encode("utf-16")), "it is not UTF-8"),
    "two byte order marks": (http(b"\xef\xbb\xbf" * 2 + GOOD_BODY), "Invalid JSON"),
    "two texts of JSON": (http(GOOD_BODY * 2), "Invalid JSON: Extra data"),
    "a count of 40 nines": (http(GOOD_BODY.replace(b": 2}", b": " + b"9" * 40 + b"}")), "not those that it counts"),
    "a negative count": (http(GOOD_BODY.replace(b": 2}", b": -2}")), "not those that it counts"),
    "no columns but rows": (http(b'{"columns": [], "rows": [[1]], "row_count": 1}'), "not those that it counts"),
    "a version of its data without end": (
        http(GOOD_BODY, "200 OK", f"X-Data-Version: {'x' * 2000}"),
        "the version of its data has 2,000 characters",
    ),
    "a broken cell of JSON in Arrow": (json_cell("{"), "a cell of column 'a' is not valid JSON"),
    "NaN in a cell of JSON in Arrow": (json_cell("NaN"), "a cell of column 'a' is not valid JSON: NaN"),
    "a key twice in a cell of JSON in Arrow": (json_cell('{"x":1,"x":2}'), "the key 'x' is there twice"),
    "deep JSON in Arrow": (json_cell("[" * 100_000), "a cell of column 'a' is not valid JSON"),
    "names of Arrow that are not text": (_bad_names(), "it is not valid Arrow"),
    "texts of Arrow that are none": (
        arrow_http(arrow_stream(pa.table({"a": ["abcdefgh"]})).replace(b"abcdefgh", b"\xed\xa0\x80\xff\xfeabc"), 1),
        "it is not valid Arrow",
    ),
    "a dictionary of Arrow with texts that are none": (
        arrow_http(stream(repeated_text(2, 8)).replace(b"xxxxxxxx", b"\xffxxxxxxx"), 2),
        "it is not valid Arrow",
    ),
    "a place that the dictionary does not have": (
        arrow_http(stream(repeated_text(8, 8)).replace(bytes(8) + b"\xff" * 4, b"\x63" * 8 + b"\xff" * 4), 8),
        "it is not valid Arrow",
    ),
    "a negative number of rows": (arrow_http(claiming(pa.table({"a": pa.nulls(77_777)}), -1), 0), "not valid Arrow"),
    "rows without cells": (arrow_http(claiming(pa.table({"a": [1] * 77_777}), 99_999), 99_999), "not valid Arrow"),
    "JSON of Arrow that is not text": (
        named({b"ARROW:extension:name": b"arrow.json", b"ARROW:extension:metadata": b""}, pa.int64()),
        "",
    ),
    "a fixed shape without end": (
        named({b"ARROW:extension:name": b"arrow.fixed_shape_tensor", b"ARROW:extension:metadata": b"["}, pa.int64()),
        "",
    ),
    "bytes after the end of Arrow": (
        arrow_http(arrow_stream(pa.table({"a": [1]})) + arrow_stream(pa.table({"a": [1]})), 1),
        "it is not valid Arrow",
    ),
}
"""Answers that a reader may stumble over."""


def page_without_end(next_of: Callable[[int], Any]) -> Iterator[bytes]:
    """Pages of one row, each of which names another next one."""
    for number in range(1_000_000):
        yield http(
            json.dumps({"columns": ["a"], "rows": [[number]], "row_count": 1, "next": next_of(number)}).encode(),
            is_last=False,
        )
