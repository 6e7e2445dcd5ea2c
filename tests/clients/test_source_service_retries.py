"""How long the client waits, how often it repeats a request, and over how many connections."""

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from itertools import pairwise

import pytest
from misbehaving_server import GOOD_BODY, http, misbehaving

from finsync_pipeline.clients.http import PARALLEL, RetryPolicy
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceUnavailable

GOOD = http(GOOD_BODY)
SLACK = 0.5
"""Seconds that a busy machine may add."""


def ask(url: str, patience: RetryPolicy) -> int:
    with SourceService("pnl", url, patience) as service:
        return service.query("SELECT 1").row_count


def pauses(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def test_retry_after_is_respected() -> None:
    with misbehaving(http(b"", "429 Slowly", "Retry-After: 1"), GOOD) as server:
        assert ask(server.url, RetryPolicy(backoff=0.01)) == 2
        assert 1 <= pauses(server.times)[0] < 1.02 + SLACK


def test_retry_after_may_be_a_date() -> None:
    then = int(time.time() + 1.3)  # dates have whole seconds
    with misbehaving(http(b"", "503 Busy", f"Retry-After: {formatdate(then, usegmt=True)}"), GOOD) as server:
        assert ask(server.url, RetryPolicy(backoff=0.01)) == 2
        assert time.time() >= then
        assert pauses(server.times)[0] < 1.3 + SLACK


@pytest.mark.parametrize(("seconds", "shown"), [("31", "31"), ("86400", "86,400")])
def test_a_retry_after_beyond_the_longest_wait_ends_the_attempts(seconds: str, shown: str) -> None:
    started = time.monotonic()
    with misbehaving(http(b"", "503 Busy", f"Retry-After: {seconds}"), GOOD) as server:
        with pytest.raises(SourceUnavailable, match=f"503 for /query, and asks to wait {shown} s"):
            ask(server.url, RetryPolicy())
        assert len(server.requests) == 1
    assert time.monotonic() - started < 1 + SLACK


def test_a_retry_after_that_is_not_valid_is_ignored() -> None:
    with misbehaving(http(b"", "503 Busy", "Retry-After: soon"), GOOD) as server:
        assert ask(server.url, RetryPolicy(backoff=0.01)) == 2


def test_pauses_double_and_are_lengthened_at_random_by_no_more_than_themselves() -> None:
    patience = RetryPolicy(attempts=4, backoff=0.05)
    seen = []
    for _ in range(3):
        with misbehaving(http(b"", "502 Bad")) as server:
            with pytest.raises(SourceUnavailable, match="returned 502 for /query"):
                ask(server.url, patience)
            seen.append(pauses(server.times))
    for each in seen:
        for number, pause in enumerate(each):
            assert 0.05 * 2**number <= pause < 2 * 0.05 * 2**number + SLACK
    assert len({round(pause, 4) for each in seen for pause in each}) > 3


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "404 Not Found", "409 No", "413 Much", "500 Oh", "505 No"])
def test_a_lasting_status_gets_one_request(status: str) -> None:
    with misbehaving(http(b"", status), GOOD) as server:
        with pytest.raises(Exception, match=status[:3]):
            ask(server.url, RetryPolicy(backoff=0.01))
        assert len(server.requests) == 1


def test_a_truncated_body_is_requested_again() -> None:
    with misbehaving(http(GOOD_BODY, length=500), http(GOOD_BODY[:20], length=500), GOOD) as server:
        assert ask(server.url, RetryPolicy(backoff=0.01)) == 2
        assert len(server.requests) == 3


def test_one_connection_serves_several_requests() -> None:
    answers = [http(GOOD_BODY, is_last=False), http(b'{"error": 1}', "400 Bad", is_last=False)]
    with misbehaving(*answers, answers[0]) as server, SourceService("pnl", server.url) as service:
        service.query("SELECT 1")
        with pytest.raises(Exception, match="400"):
            service.query("SELECT 2")
        service.query("SELECT 3")
        assert (server.connections, len(server.requests)) == (1, 3)


def test_many_threads_share_a_few_connections() -> None:
    with (
        misbehaving(http(GOOD_BODY, is_last=False), seconds=0.01) as server,
        SourceService("pnl", server.url) as service,
    ):
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(service.query, ["SELECT 1"] * 64))
        assert {answer.row_count for answer in answers} == {2}
        assert len(server.requests) == 64
        assert 1 < server.connections <= PARALLEL


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"type": "/#sql-invalid", "status": 400, "detail": "no column x;\\n correct it.", "code": "sql-invalid"}',
         "returned 400 for /query: no column x; correct it. Check url"),
        (b'{"error": {"message": "no column x"}}', "returned 400 for /query: no column x. Check url"),
        (b'{"detail": "' + b"x" * 9_000 + b'"}', "returned 400 for /query: " + "x" * 500 + ". Check url"),
        (b'{"detail"', "returned 400 for /query. Check url"),
    ],
)  # fmt: skip
def test_the_message_of_the_service_is_part_of_the_error(body: bytes, shown: str) -> None:
    with misbehaving(http(body, "400 Bad", "Content-Type: application/problem+json")) as server:
        with pytest.raises(Exception, match="400") as error:
            ask(server.url, RetryPolicy())
        assert shown in str(error.value)


def test_the_message_of_an_unavailable_service_is_part_of_the_error() -> None:
    body = b'{"detail": "the query was stopped after 10 s"}'
    with (
        misbehaving(http(body, "504 Late")) as server,
        pytest.raises(SourceUnavailable, match="returned 504 for /query: the query was stopped after 10 s"),
    ):
        ask(server.url, RetryPolicy(backoff=0.01))
