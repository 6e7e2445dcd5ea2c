"""Whatever a service sends, the client raises the error of its source, in bounded time and memory."""

import json
import resource
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hostile_answers import BROKEN, LARGE, SLOW, endless, page_without_end
from misbehaving_server import Answer, http, misbehaving

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.datasette import DatasetteService
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceError, SourceInvalid, SourceUnavailable

QUICK = RetryPolicy(connect=5, read=5, backoff=0.01)
TIGHT = Bounds(arrow_bytes=64 << 20, json_bytes=4 << 20)
GROWTH = 700 << 20
"""Memory that reading may take beyond what Python and its packages have: some times 64 MiB of Arrow or 4 of JSON."""
NO_SQL = http(b"", "404 Not Found")


def services(url: str, bounds: Bounds = TIGHT) -> list[Service]:
    return [
        SourceService("pnl", url, QUICK, bounds=bounds),
        DatasetteService("pnl", url, "pnl", QUICK, bounds=bounds),
    ]


def check_error(answer: Answer, what: str, bounds: Bounds = TIGHT) -> None:
    """Both kinds of service raise it for each route, and that of a source service says this."""
    with misbehaving(answer) as server:
        for service in services(server.url, bounds):
            with service, pytest.raises(SourceError) as error:
                service.query("SELECT 1")
            assert str(error.value).startswith(f"Source 'pnl' at {server.url}: ")
            assert "defs/sources/pnl/defs.yaml" in str(error.value)
            assert len(str(error.value)) < 1_500
            assert str(error.value).isprintable()
            if isinstance(service, SourceService):
                assert what in str(error.value)
        for service in services(server.url, bounds):
            with service, suppress(SourceError):
                service.version()


@pytest.mark.parametrize(("answer", "what"), BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_breaks_a_reader_is_an_error_of_the_source(answer: Answer, what: str) -> None:
    check_error(answer, what)


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW.keys())
def test_an_answer_without_end_is_an_error_at_the_end_of_its_time(answer: Answer) -> None:
    with misbehaving(answer) as server:
        for service in services(server.url, Bounds(seconds=0.4)):
            began = time.monotonic()
            with service, pytest.raises(SourceUnavailable) as error:
                service.query("SELECT 1")
            assert time.monotonic() - began < 2
            assert "did not send its response within 0.4 s" in str(error.value)
            assert "set FINSYNC_SOURCE_SECONDS to more" in str(error.value)
        assert len(server.requests) == 2  # no further attempts: the time is that of all of them


def test_an_error_without_end_is_shown_without_its_text() -> None:
    with misbehaving(endless(b"HTTP/1.1 400 Bad\r\n\r\n", b" ", 0.05)) as server:
        began = time.monotonic()
        with SourceService("pnl", server.url, bounds=Bounds(seconds=0.4)) as service, pytest.raises(SourceInvalid):
            service.query("SELECT 1")
        assert time.monotonic() - began < 2


def test_the_time_is_that_of_all_attempts() -> None:
    with misbehaving(http(b"", "503 Busy", "Retry-After: 1")) as server:
        began = time.monotonic()
        with SourceService("pnl", server.url, bounds=Bounds(seconds=0.5)) as service, pytest.raises(SourceUnavailable):
            service.query("SELECT 1")
        assert time.monotonic() - began < 0.5


def test_a_connection_is_of_use_after_one_that_was_ended() -> None:
    good = http(b'{"columns": ["a"], "rows": [[1]], "row_count": 1}')
    with (
        misbehaving(SLOW["headers without end"], good) as server,
        SourceService("pnl", server.url, bounds=Bounds(seconds=0.4)) as service,
    ):
        with pytest.raises(SourceUnavailable):
            service.query("SELECT 1")
        assert service.query("SELECT 1").as_lists() == [[1]]


@pytest.mark.parametrize(
    ("bounds", "setting"),
    [
        (Bounds(pages=20), "FINSYNC_SOURCE_PAGES"),
        (Bounds(rows=20), "FINSYNC_SOURCE_ROWS"),
        (Bounds(arrow_bytes=1_000), "FINSYNC_SOURCE_BYTES"),
        (Bounds(seconds=0.3), "FINSYNC_SOURCE_SECONDS"),
    ],
)
def test_pages_have_an_end(bounds: Bounds, setting: str) -> None:
    pages = page_without_end(lambda number: f"token {number}")
    answers = [next(pages) for _ in range(2_000)]
    with misbehaving(NO_SQL, *answers) as server, SourceService("pnl", server.url, QUICK, bounds=bounds) as service:
        with pytest.raises(SourceInvalid, match="404"):
            service.query("SELECT 1")
        with pytest.raises(SourceError, match=setting):
            service.table()
        assert len(server.requests) < 2_000


@pytest.mark.parametrize("token", [["x"], {"x": 1}, 1.5, "x" * 9_000])
def test_what_names_the_next_page_is_a_short_text_or_a_number(token: object) -> None:
    [answer] = [next(page_without_end(lambda _: token))]
    with misbehaving(NO_SQL, answer) as server, SourceService("pnl", server.url, QUICK) as service:
        with pytest.raises(SourceInvalid, match="404"):
            service.query("SELECT 1")
        with pytest.raises(SourceInvalid, match="what names its next page"):
            service.table()


@pytest.mark.long
def test_large_answers_take_little_memory_and_time() -> None:
    """All of them, read by one process that may have little more memory than it starts with."""
    asked: list[tuple[str, str, dict[str, Any]]] = []
    for name, (answer, what) in LARGE.items():
        with misbehaving(answer()) as server:
            asked.append((name, what, _ask_beside(server.url)))
    grown = {name: (seen["seconds"], seen["grown"] >> 20) for name, _, seen in asked}
    print(json.dumps(grown, indent=1))
    for name, what, seen in asked:
        assert what in seen["error"], name
        assert seen["kind"] in ("SourceInvalid", "SourceUnavailable", "ResultTooLarge", "Transient"), name
        assert seen["grown"] < GROWTH, name
        assert seen["seconds"] < 15, name


_PROCESS: list["subprocess.Popen[str]"] = []


@pytest.fixture(autouse=True, scope="module")
def _ended():
    yield
    for process in _PROCESS:
        process.kill()
        process.wait()


def _ask_beside(url: str) -> dict[str, Any]:
    """What a query of the url comes to in the other process."""
    if not _PROCESS:
        command = [sys.executable, __file__]
        _PROCESS.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    process = _PROCESS[0]
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{url}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, "the process has ended"
    answer: dict[str, Any] = json.loads(line)
    return answer


def _answer_lines() -> None:
    """Query each url that is read, and print what comes of it; with little more memory than there is now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 2 * GROWTH, now + 2 * GROWTH))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    for line in sys.stdin:
        began = time.monotonic()
        errors: list[BaseException] = []
        for service in reversed(services(line.strip())):
            try:
                with service:
                    service.query("SELECT 1")
                errors.append(RuntimeError("no error"))
            except BaseException as raised:
                errors.append(raised)
        error = next((each for each in errors if not isinstance(each, SourceError)), errors[-1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        seen = {"kind": type(error).__name__, "error": str(error), "seconds": round(time.monotonic() - began, 2)}
        print(json.dumps(seen | {"grown": peak - before}), flush=True)


if __name__ == "__main__":
    _answer_lines()
