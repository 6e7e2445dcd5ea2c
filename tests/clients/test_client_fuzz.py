"""Answers made at random from good ones: the client returns right rows, or raises the error of its source."""

import faulthandler
import json
import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import BinaryIO
from urllib.parse import unquote_plus

import pyarrow as pa
import pytest
from misbehaving_server import ARROW_TYPE, GOOD_BODY, Answer, arrow_http, arrow_stream, http, misbehaving

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.datasette import DatasetteService
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceError
from finsync_pipeline.extraction.cell_text import as_text
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.extraction.inventory import take_inventory
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.statements.mapping import SourceMapping

ONCE = RetryPolicy(read=0.1, attempts=1)
TIGHT = Bounds(seconds=0.6, arrow_bytes=8 << 20, json_bytes=1 << 20, pages=20, period_ends=1_000)
GROWTH = 500 << 20
TABLE = pa.table(
    {
        "text": pa.array(["x", "y", None, "x"]).dictionary_encode(),
        "whole": pa.array([1, None, 2**60, -3]),
        "number": [0.5, None, 500.0, 1e22],
        "blob": [b"\x01\xff", None, b"", b"x"],
        "mixed": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"n/a"', "1", "true", None])),
        "truth": [True, False, None, True],
        "nothing": pa.nulls(4),
    }
)
DATASETTE = b'{"ok": true, "columns": ["a"], "rows": [[{"$base64": true, "encoded": "AAE="}], [1]], "truncated": false}'
VERSION = b'{"data_version": "v1", "row_count": 2, "periods": [{"period": "x", "row_count": 2, "content_hash": 5}]}'
PAGE = b'{"columns": ["a"], "rows": [[1]], "row_count": 1, "next": "t"}'
GOOD = [
    http(GOOD_BODY, "200 OK", "X-Data-Version: v1"),
    arrow_http(arrow_stream(TABLE), 4, digest="X-Digest: none"),
    http(arrow_stream(TABLE), "200 OK", f"Content-Type: {ARROW_TYPE}"),
    http(DATASETTE),
    http(VERSION),
    http(PAGE, "200 OK", 'Link: </data?next=t>; rel="next"'),
    http(b'{"detail": "no column", "error": {"message": "no"}}', "400 Bad"),
    http(b"", "503 Busy", "Retry-After: 0"),
    http(b"", "302 Found", "Location: http://x/y"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + f"{len(GOOD_BODY):x}\r\n".encode()
    + GOOD_BODY
    + b"\r\n0\r\n\r\n",
]
PIECES = [
    *[piece.encode() for piece in ("NaN", "Infinity", "-", "1e999", "9" * 40, "[[[[", "{", "}", "]", '"', "\\ud800")],
    *[piece.encode() for piece in ("null", "true", "\\u0000", ",", ":", '"a":1,"a":2', "\r\n", "\r\n\r\n", " ")],
    *[piece.encode() for piece in ("Content-Length: 9\r\n", "Content-Encoding: gzip\r\n", "Set-Cookie: a=b\r\n")],
    *[piece.encode() for piece in ("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n", "Location: //[\r\n")],
    *[b"\xff\xff\xff\xff", b"\x00" * 8, b"\xff" * 8, b"\x7f" * 4, b"\xed\xa0\x80", b"\xb2", b"\xef\xbb\xbf"],
]


def mutated(answer: bytes, chance: random.Random) -> bytes:
    """The answer with some bytes changed, taken out, put in or doubled; its length is corrected now and then."""
    head, _, body = answer.partition(b"\r\n\r\n")
    parts = [bytearray(head), bytearray(body)]
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        part = parts[chance.random() < 0.75]
        place, size = chance.randrange(len(part) + 1), chance.choice([1, 1, 2, 4, 8, 40])
        match chance.randrange(6):
            case 0:
                part[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del part[place : place + size]
            case 2:
                part[place:place] = chance.choice(PIECES)
            case 3:
                part[place : place + size] = chance.choice(PIECES)
            case 4:
                part[place:place] = part[place : place + size] * chance.choice([1, 3, 50])
            case 5 if place < len(part):
                part[place] ^= 1 << chance.randrange(8)
    head, body = bytes(parts[0]), bytes(parts[1])
    if chance.random() < 0.8:
        head = b"\r\n".join(
            f"Content-Length: {len(body)}".encode() if line.lower().startswith(b"content-length") else line
            for line in head.split(b"\r\n")
        )
    return head + b"\r\n\r\n" + body


@contextmanager
def bounded() -> Iterator[None]:
    """The block may not take more memory than GROWTH; a crash of a library shows its place."""
    faulthandler.enable()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < GROWTH


def check(answer: Answer, number: int) -> bool:
    """Whether there was a result, for each route of both kinds of service; each error is one of the source."""

    def read_all(service: SourceService | DatasetteService) -> None:
        rows = service.query("SELECT 1")
        for name in rows.columns:
            rows.values(name)
            as_text(rows.table[name])
        rows.table.validate(full=True)

    asked: list[Callable[[], object]] = []
    raised: list[SourceError] = []
    with misbehaving(answer) as server:
        source = SourceService("pnl", server.url, ONCE, bounds=TIGHT)
        paged = SourceService("pnl", server.url, ONCE, bounds=TIGHT)
        paged._supports_sql = False
        datasette = DatasetteService("pnl", server.url, "pnl", ONCE, bounds=TIGHT)
        asked += [lambda: read_all(source), source.table, source.version, paged.table]
        asked += [lambda: read_all(datasette), datasette.version]
        has_result = False
        for each in asked:
            began = time.monotonic()
            try:
                each()
                has_result = True
            except SourceError as error:
                raised.append(error)
            except BaseException as error:
                raise AssertionError(f"case {number}: {type(error).__name__}: {error}\n{answer!r}") from error
            assert time.monotonic() - began < 8, number
        for service in (source, paged, datasette):
            service.__exit__()
    for error in raised:
        assert error.what, number
        assert error.fix, number
        assert "defs/sources/pnl/defs.yaml" in str(error) or "finsync run" in str(error), number
        assert str(error).isprintable(), number
    return has_result


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        (1, 60),
        pytest.param(1, 200, marks=pytest.mark.long),
        *(pytest.param(seed, 1_000, marks=pytest.mark.long) for seed in range(2, 8)),
    ],
)
def test_a_changed_answer_is_read_or_is_an_error_of_the_source(seed: int, count: int) -> None:
    chance = random.Random(seed)
    results = 0
    with bounded():
        for number in range(count):
            results += check(mutated(chance.choice(GOOD), chance), number)
    assert 0.01 * count < results < 0.9 * count  # neither is the rule


CELLS = [
    *["null", "true", "0", "-1", "1.5", "2", "1e999", "Infinity", "NaN", "9" * 40, "9" * 400, "-" + "9" * 19],
    *['""', '"x"', '"20091231"', '"2009-12-31"', '"\\u0000"', '"\\ud800"', '"x\\ny"', '"NULL"', '"\'; --"', "[]", "{}"],
    *['"' + "x" * 5_000 + '"', "[[1]]", '{"a": 1}', "1e15", "0.1", "9007199254740993", '"' + "9" * 40 + '"'],
]


COLUMNS = ["Row", "Company Name", "Period Ended", "Total Revenue"]
HONEST = {
    "GROUP BY": (["period", "row_count"], [['"2009-12-31"', "2"]]),
    "IS NULL": (["row_count"], [["0"]]),
    "COUNT(*)": (["row_count"], [["2"]]),
    "": (COLUMNS, [["1", '"One"', '"2009-12-31"', "5"], ["2", '"Two"', '"2009-12-31"', "6.5"]]),
}
MAPPING = {
    "name": "pnl",
    "table": "pnl",
    "row_key": "Row",
    "company": "Company Name",
    "period_end": "Period Ended",
    "months": 12,
    "currency": "USD",
    "items": {"revenue": "Total Revenue"},
}


def lying(chance: random.Random) -> Answer:
    """A service without scruples: some of its answers are good JSON with other cells, columns, rows or counts."""

    def write(connection: BinaryIO, request: str) -> None:
        sql = unquote_plus(request)
        names, rows = next(answer for part, answer in HONEST.items() if part in sql)
        names, rows = list(names), [list(row) for row in rows]
        more = ""
        if chance.random() < 0.3:
            match chance.randrange(5):
                case 0:
                    row = chance.choice(rows)
                    row[chance.randrange(len(row))] = chance.choice(CELLS)
                case 1:
                    names = chance.choice([names[1:], [*names, "b"], ["a"] * len(names), names[::-1], []])
                    rows = [row[: len(names)] + ["1"] * (len(names) - len(row)) for row in rows]
                case 2:
                    rows = chance.choice([[], rows * 3, rows[:1]])
                case 3:
                    rows = [[chance.choice(CELLS) for _ in names] for _ in range(chance.choice([1, 2, 5]))]
                case 4:
                    more = chance.choice([', "next": 5', f', "next_offset": {chance.randrange(99)}'])
        text = ", ".join(f"[{', '.join(row)}]" for row in rows)
        body = f'{{"columns": {json.dumps(names)}, "rows": [{text}], "row_count": {len(rows)}{more}}}'
        status = chance.choice(["200 OK"] * 30 + ["413 Too Large", "404 Not Found"])
        if "/version" in request:
            body, status = chance.choice([("", "404 Not Found")] * 9 + [(VERSION.decode(), "200 OK")])
        connection.write(http(body.encode(), status))

    return write


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        (1, 40),
        pytest.param(1, 150, marks=pytest.mark.long),
        *(pytest.param(seed, 600, marks=pytest.mark.long) for seed in range(2, 6)),
    ],
)
def test_extraction_from_a_service_that_lies_returns_or_is_an_error_of_the_source(seed: int, count: int) -> None:
    chance = random.Random(seed)
    quarters, results = [date(2009, 10, 1)], 0
    with bounded():
        for number in range(count):
            with misbehaving(lying(chance)) as server:
                mapping = SourceMapping.model_validate({**MAPPING, "url": server.url})
                began = time.monotonic()
                try:
                    with service_of(mapping, retry=ONCE, bounds=TIGHT) as service:
                        found = take_inventory(service, mapping, quarters)
                        fetch_rows(service, mapping, found.periods, quarters)
                    results += 1
                except SourceError:
                    pass
                except BaseException as error:
                    raise AssertionError(f"case {number} of seed {seed}: {type(error).__name__}: {error}") from error
                assert time.monotonic() - began < 20
    assert 0.05 * count < results < 0.9 * count


def test_a_seed_finds_what_another_does_not() -> None:
    """The answers differ from seed to seed and are the same for the same one, so that a fault can be found again."""
    made = [[mutated(GOOD[0], random.Random(seed)) for _ in range(2)] for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
