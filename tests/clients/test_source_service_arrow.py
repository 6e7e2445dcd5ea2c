"""Responses in Arrow: read when they are complete, requested again when not, an error when they never are."""

import gc

import pyarrow as pa
import pytest
from misbehaving_server import ARROW_TYPE, GOOD_BODY, arrow_http, arrow_stream, digest_of, http, misbehaving

from finsync_pipeline.clients import source_service
from finsync_pipeline.clients.arrow_stream import END_OF_STREAM
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceInvalid, SourceUnavailable

QUICK = RetryPolicy(read=5, backoff=0.01)
MIXED = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"n/a"', "1", "true", None]))
TABLE = pa.table(
    {
        "text": pa.array(["x", "y", None, "x"]).dictionary_encode(),
        "whole": pa.array([1, None, 2**60, -3]),
        "number": [0.5, None, 500.0, 1e22],
        "blob": [b"\x01\xff", None, b"", b"x"],
        "mixed": MIXED,
        "nothing": pa.nulls(4),
    }
)
STREAM = arrow_stream(TABLE)
BATCHES = arrow_stream(pa.concat_tables([TABLE.select(["whole"])] * 2))
GOOD = arrow_http(STREAM, 4, "X-Data-Version: v1")
UNENDED = STREAM.removesuffix(END_OF_STREAM)
ONE_BATCH = arrow_stream(TABLE.select(["whole"])).removesuffix(END_OF_STREAM)
"""What a stream of two batches is when it is cut between them: Arrow itself reads it without a word."""

BROKEN = {
    "fewer bytes than announced": arrow_http(STREAM[:-100], 4, digest=digest_of(STREAM), length=len(STREAM)),
    "fewer bytes, and so announced": arrow_http(STREAM[:-100], 4, digest=digest_of(STREAM)),
    "fewer bytes, announced and digested so": arrow_http(STREAM[:-100], 4),
    "one byte changed": arrow_http(STREAM[:-60] + b"!" + STREAM[-59:], 4, digest=digest_of(STREAM)),
    "a digest that is none": arrow_http(STREAM, 4, digest="Repr-Digest: sha-256=:?:"),
    "fewer rows than announced": arrow_http(STREAM, 5),
    "more rows than announced": arrow_http(STREAM, 3),
    "no end marker": arrow_http(UNENDED, 4),
    "one batch of two": arrow_http(ONE_BATCH, 4),
    "nothing": arrow_http(b"", 0),
}
INVALID = {
    "no Arrow": (arrow_http(b"no Arrow" + END_OF_STREAM, 0), "it is not valid Arrow"),
    "a column twice": (arrow_http(arrow_stream(pa.table([[1], [2]], ["a", "a"])), 1), "a column of Arrow occurs twice"),
    "a type that no service returns": (
        arrow_http(arrow_stream(pa.table({"day": pa.array([0], pa.date32())})), 1),
        "column 'day' has the Arrow type date32[day], which no service returns",
    ),
}


def test_a_whole_table_comes_with_its_types_and_its_version() -> None:
    with misbehaving(GOOD) as server, SourceService("pnl", server.url) as service:
        answer = service.table()
        assert answer is not None
        assert answer.table.equals(TABLE)
        assert answer.data_version == "v1"
        assert answer.values("mixed") == ["n/a", 1, True, None]
        assert answer.values("blob") == ["01ff", None, "", "78"]
        assert server.requests == ["/data"]
        assert "Accept-Encoding: identity" in server.heads[0]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_an_incomplete_response_is_requested_again_and_an_error_if_it_always_is(broken: bytes) -> None:
    with misbehaving(broken, GOOD) as server, SourceService("pnl", server.url, QUICK) as service:
        assert service.table().table.equals(TABLE)
        assert len(server.requests) == 2
    with misbehaving(broken) as server, SourceService("pnl", server.url, QUICK) as service:
        with pytest.raises(SourceUnavailable) as error:
            service.table()
        assert len(server.requests) == 3
    assert f"Source 'pnl' at {server.url}: the service did not send its response to the end. Start its service" in str(
        error.value
    )


def test_arrow_itself_does_not_notice_that_a_batch_is_missing() -> None:
    assert pa.ipc.open_stream(ONE_BATCH).read_all().num_rows < pa.ipc.open_stream(BATCHES).read_all().num_rows


@pytest.mark.parametrize(("answer", "message"), INVALID.values(), ids=INVALID.keys())
def test_a_response_that_is_not_a_table_is_an_error_at_once(answer: bytes, message: str) -> None:
    with misbehaving(answer) as server, SourceService("pnl", server.url, QUICK) as service:
        with pytest.raises(SourceInvalid, match=r"defs/sources/pnl/defs\.yaml") as error:
            service.query("SELECT 1")
        assert len(server.requests) == 1
    assert f"invalid response: {message}" in str(error.value)


def test_a_large_table_may_be_kept_in_a_file_and_outlives_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_service, "LARGE_BYTES", 10)
    with misbehaving(GOOD) as server:
        with SourceService("pnl", server.url, is_spooled=True) as service:
            before = pa.total_allocated_bytes()
            answer = service.table()
            assert pa.total_allocated_bytes() - before < len(STREAM)
        gc.collect()
        assert answer.table.equals(TABLE)


def test_after_a_response_in_arrow_sql_goes_in_the_body_of_a_post() -> None:
    sql = "SELECT '" + "é" * 100_000 + "'"
    with misbehaving(GOOD) as server, SourceService("pnl", server.url) as service:
        assert service.query("SELECT 1").table.equals(TABLE)
        assert service.query(sql).table.equals(TABLE)
        assert server.requests == ["/query?q=SELECT+1", "/query"]
        assert server.heads[1].startswith("POST ")
        assert len(server.bodies[1]) > 100_000
        assert f"Accept: {ARROW_TYPE}" in server.heads[1]


@pytest.mark.parametrize("answer", [http(GOOD_BODY), http(b"", "404 Not Found"), http(b"", "406 Not Acceptable")])
def test_the_table_of_a_service_without_arrow_is_left_to_sql(answer: bytes) -> None:
    with misbehaving(answer, http(GOOD_BODY)) as server, SourceService("pnl", server.url) as service:
        assert service.table() is None
        assert service.table() is None
        assert service.query("SELECT 1").as_lists() == [[1, "x"], [None, 2.5]]
        assert server.requests == ["/data", "/query?q=SELECT+1"]
        assert "arrow" not in server.heads[1]


def test_after_a_response_in_json_arrow_is_not_requested_again() -> None:
    with misbehaving(http(GOOD_BODY)) as server, SourceService("pnl", server.url) as service:
        service.query("SELECT 1")
        assert service.table() is None
        service.query("SELECT 2")
        assert server.requests == ["/query?q=SELECT+1", "/query?q=SELECT+2"]
        assert ["arrow" in head for head in server.heads] == [True, False]
