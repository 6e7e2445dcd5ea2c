"""The table of a service without SQL, page by page."""

import json
from typing import Any

import pytest
from misbehaving_server import Misbehaving, http, misbehaving

from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceInvalid

NO_SQL = http(b"", "404 Not Found")


def page(rows: list[int], *headers: str, **more: Any) -> bytes:
    body = {"columns": ["a"], "rows": [[each] for each in rows], "row_count": len(rows), **more}
    return http(json.dumps(body).encode(), "200 OK", *headers)


def read(server: Misbehaving) -> Rows:
    with SourceService("pnl", server.url, RetryPolicy(backoff=0.01)) as service:
        with pytest.raises(SourceInvalid, match="/query"):
            service.query("SELECT 1")
        answer = service.table()
    assert answer is not None
    return answer


@pytest.mark.parametrize("status", ["404 Not Found", "405 Not Allowed", "501 Not Implemented"])
@pytest.mark.parametrize(
    ("first", "sent"),
    [
        (page([1, 2], next="t/0="), "/data?next=t%2F0%3D"),
        (page([1, 2], next_offset=2), "/data?offset=2"),
        (page([1, 2], 'Link: </data?limit=2&next=t>; rel="next"'), "/data?limit=2&next=t"),
    ],
)
def test_all_pages_make_the_table(status: str, first: bytes, sent: str) -> None:
    with misbehaving(http(b"", status), first, page([3])) as server:
        assert read(server).values("a") == [1, 2, 3]
        assert server.requests == ["/query?q=SELECT+1", "/data", sent]


def test_the_count_may_be_that_of_the_whole_table() -> None:
    with misbehaving(NO_SQL, page([1], next="t", row_count=2), page([2], row_count=2)) as server:
        assert read(server).values("a") == [1, 2]
    with (
        misbehaving(NO_SQL, page([1], next="t", row_count=3), page([2], row_count=3)) as server,
        pytest.raises(SourceInvalid, match="not those that it counts"),
    ):
        read(server)


@pytest.mark.parametrize("second", [http(b"", "410 Gone"), page([2], "X-Data-Version: 2")])
def test_a_table_that_changes_between_pages_is_read_once_more(second: bytes) -> None:
    first, fresh = page([1], "X-Data-Version: 1", next="t"), page([5, 6], "X-Data-Version: 2")
    with misbehaving(NO_SQL, first, second, fresh) as server:
        answer = read(server)
        assert (answer.values("a"), answer.data_version) == ([5, 6], "2")
    with misbehaving(NO_SQL, first, second, first, second) as server:
        with pytest.raises(SourceChanged, match=r"Run: finsync run"):
            read(server)
        assert len(server.requests) == 5


@pytest.mark.parametrize("second", [page([1], next="t"), page([], next="u")])
def test_pages_without_an_end_are_an_error(second: bytes) -> None:
    with misbehaving(NO_SQL, page([1], next="t"), second) as server:
        with pytest.raises(SourceInvalid, match="its pages do not come to an end"):
            read(server)
        assert len(server.requests) == 3
