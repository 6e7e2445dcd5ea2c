"""The errors of the client where a service does not respond as it should; each server really misbehaves."""

import socket
import time

import pyarrow as pa
import pytest
from misbehaving_server import GOOD_BODY, arrow_http, arrow_stream, http, misbehaving

from finsync_pipeline.clients import http as http_client
from finsync_pipeline.clients.errors import SourceErrors
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import ConfigurationError, SourceInvalid, SourceUnavailable

SQL = "SELECT 1"
QUICK = RetryPolicy(connect=5, read=5, backoff=0.01)
GOOD = http(GOOD_BODY)
PROBLEM = b'{"error": {"code": "sql_wrong", "message": "no column \'x\'; GET /version names them."}}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    + f"{len(GOOD_BODY):x}".encode()
    + b"\r\n"
    + GOOD_BODY
)


def ask(url: str, patience: RetryPolicy = QUICK) -> str:
    """The message of the client's error."""
    with SourceService("pnl", url, patience) as service, pytest.raises(Exception) as error:  # noqa: PT011
        service.query(SQL)
    [kind] = [kind for kind in (ConfigurationError, SourceInvalid, SourceUnavailable) if isinstance(error.value, kind)]
    return f"{kind.__name__}: {error.value}"


CASES = [
    (
        "fewer bytes than announced",
        http(GOOD_BODY, length=500),
        "Unavailable",
        "did not send its response to the end",
    ),
    ("a chunk that ends early", CHUNKED[:-20], "Unavailable", "did not send its response to the end"),
    ("no last chunk", CHUNKED, "Unavailable", "did not send its response to the end"),
    ("nothing", b"", "Unavailable", "cannot be reached"),
    ("no HTTP", b"no HTTP at all\r\n\r\n", "Unavailable", "cannot be reached"),
    ("500", http(b"", "500 Oh dear"), "Unavailable", "returned 500 for /query"),
    (
        "503 for an hour",
        http(b"", "503 Busy", "Retry-After: 3600"),
        "Unavailable",
        "returned 503 for /query, and asks to wait 3,600 s.",
    ),
    (
        "404",
        http(b"<html>no</html>", "404 Not Found"),
        "Invalid",
        "returned 404 for /query. Check url and table",
    ),
    (
        "400 with a problem",
        http(PROBLEM, "400 Bad"),
        "Invalid",
        "returned 400 for /query: no column 'x'; GET /version names them. ",
    ),
    ("400 without", http(b'"text"', "400 Bad"), "Invalid", "returned 400 for /query. Check url and table"),
    (
        "401",
        http(b"", "401 Who"),
        "Invalid",
        "returned 401 for /query. Put the token of the service into a file and name the file as token_file in",
    ),
    ("a redirect", http(b"", "302 Found", "Location: /login"), "Invalid", "it redirects to /login"),
    (
        "a redirect with a token",
        http(b"", "308 Gone", "Location: http://x/q?token=s3"),
        "Invalid",
        "it redirects to http://x/q.",
    ),
    ("an HTML page", http(b"<html>Welcome</html>"), "Invalid", "Invalid JSON"),
    ("an empty body", http(b""), "Invalid", "Invalid JSON"),
    ("endless nesting", http(b"[" * 100_000), "Invalid", "Invalid JSON"),
    ("no UTF-8", http(GOOD_BODY.replace(b"x", b"\xe9")), "Invalid", "Invalid JSON: it is not UTF-8"),
    ("a list", http(b"[]"), "Invalid", "should be an object"),
    ("a text", http(b'"text"'), "Invalid", "should be an object"),
    ("no columns", http(b'{"rows": [], "row_count": 0}'), "Invalid", "['columns'] Field required"),
    (
        "fewer rows than counted",
        http(GOOD_BODY.replace(b": 2}", b": 3}")),
        "Invalid",
        "the numbers of rows and cells are not those that it counts",
    ),
    (
        "a short row",
        http(GOOD_BODY.replace(b"null, ", b"")),
        "Invalid",
        "the numbers of rows and cells are not those that it counts",
    ),
    (
        "a long row",
        http(GOOD_BODY.replace(b"null, ", b"1, 2, ")),
        "Invalid",
        "the numbers of rows and cells are not those that it counts",
    ),
    (
        "a column twice",
        http(GOOD_BODY.replace(b'"b"', b'"a"')),
        "Invalid",
        "a column occurs twice",
    ),
    (
        "columns no list",
        http(GOOD_BODY.replace(b'["a", "b"]', b'"ab"')),
        "Invalid",
        "['columns'] Input should be a valid",
    ),
    (
        "rows a text",
        http(b'{"columns": ["a"], "rows": "xy", "row_count": 2}'),
        "Invalid",
        "['rows'] Input should be a valid",
    ),
    (
        "rows an object",
        http(b'{"columns": ["a"], "rows": {"x": 1}, "row_count": 1}'),
        "Invalid",
        "['rows'] Input should be a valid",
    ),
    (
        "a row no list",
        http(b'{"columns": ["a"], "rows": ["x"], "row_count": 1}'),
        "Invalid",
        "['rows'][0] Input should be a valid",
    ),
]


@pytest.mark.parametrize(("answer", "kind", "what"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_an_error_names_the_source_the_url_and_the_fix(answer: bytes, kind: str, what: str) -> None:
    started = time.monotonic()
    with misbehaving(answer) as server:
        message = ask(server.url)
    assert message.startswith(f"Source{kind}: Source 'pnl' at {server.url}: ")
    assert what in message
    assert "defs/sources/pnl/defs.yaml" in message
    assert time.monotonic() - started < 5


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        message = ask(url)
    assert message.startswith(
        f"SourceUnavailable: Source 'pnl' at {url}: the service cannot be reached. Start its service"
    )


def test_a_host_that_does_not_exist() -> None:
    message = ask("http://no-such-host.invalid:5001")
    assert message.startswith(
        "SourceUnavailable: Source 'pnl' at http://no-such-host.invalid:5001: the service cannot be reached"
    )


def test_a_host_that_does_not_take_the_connection() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(3):  # the queue is full after these: Linux drops what comes next
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        message = ask(f"http://127.0.0.1:{full.getsockname()[1]}", RetryPolicy(connect=0.1, backoff=0.01))
        for connection in waiting:
            connection.close()
    assert "cannot be reached within 0.1 s. Start its service" in message


@pytest.mark.parametrize("port", ["99999", "port"])
def test_a_url_that_is_not_valid(port: str) -> None:
    message = ask(f"http://127.0.0.1:{port}")
    assert message.startswith(f"ConfigurationError: Source 'pnl' at http://127.0.0.1:{port}: the url is not valid. ")
    assert "Correct it in defs/sources/pnl/defs.yaml" in message


def test_a_service_that_is_too_slow_gets_three_requests() -> None:
    with misbehaving(http(GOOD_BODY, "200 OK", "X: " + "x" * 1000), seconds=1) as server:
        message = ask(server.url, RetryPolicy(read=0.05, backoff=0.01))
        assert len(server.requests) == 3
    assert f"Source 'pnl' at {server.url}: the service did not respond within 0.05 s. Start its service" in message


def test_a_long_failed_attempt_is_logged_before_the_next_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_client, "LONG_SECONDS", 0.05)
    with misbehaving(http(GOOD_BODY, "200 OK", "X: " + "x" * 1000), seconds=1) as server:
        ask(server.url, RetryPolicy(read=0.1, attempts=2, backoff=0.01))
        ask(server.url, RetryPolicy(read=0.02, attempts=2, backoff=0.01))
    shown = [record.getMessage() for record in caplog.records if record.name == "finsync_pipeline"]
    assert [message.rpartition("(")[2] for message in shown] == ["attempt 1 of 2)"]
    assert f"Source 'pnl' at {server.url}: the service did not respond within 0.1 s" in shown[0]


def test_a_service_that_stops_in_the_middle_of_its_response_is_too_slow() -> None:
    with misbehaving(http(GOOD_BODY + b" " * 1000), seconds=1) as server:
        message = ask(server.url, RetryPolicy(read=0.1, backoff=0.01))
    assert "did not respond within 0.1 s" in message


@pytest.mark.parametrize("first", [http(b"", "503 Busy"), http(b"", "429 Slowly"), http(b"", "502 Bad"), b""])
def test_a_transient_error_is_not_raised(first: bytes) -> None:
    with misbehaving(first, GOOD) as server, SourceService("pnl", server.url, QUICK) as service:
        assert service.query(SQL).as_lists() == [[1, "x"], [None, 2.5]]
        assert server.requests == ["/query?q=SELECT+1"] * 2


@pytest.mark.parametrize("answer", [http(b"", "500 Oh dear"), http(PROBLEM, "400 Bad"), http(b"no JSON")])
def test_a_lasting_error_is_raised_after_one_request(answer: bytes) -> None:
    with misbehaving(answer, GOOD) as server:
        ask(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        http(b"", "500 Oh dear"),
        http(PROBLEM, "400 Bad"),
        http(b"Invalid JSON"),
        http(b"", "302 Found", "Location: /x"),
        b"",
    ],
)
def test_no_message_shows_the_password_of_the_url(answer: bytes) -> None:
    with misbehaving(answer) as server:
        message = ask(server.url.replace("//", "//reader:s3cret@p@"))
    assert f"at {server.url}: " in message
    assert "s3cret" not in message
    assert "reader" not in message


def test_a_wrong_address_with_a_password_does_not_show_it() -> None:
    assert "s3cret" not in ask("http://reader:s3cret@127.0.0.1:99999")


@pytest.mark.parametrize(
    "answer",
    [
        http(b'{"detail": "\\u001b[2J\\u0007no\\u0000 col\\u202eumn\\n x"}', "400 Bad"),
        http(b'{"error": {"message": "\\u001b[2J\\u009bno \\tcolumn x"}}', "500 Oh dear"),
        http(b"", "302 Found", "Location: /\x1b[2Jno column x"),
        arrow_http(arrow_stream(pa.table({"\x1b[2Jno column x": pa.array([0], pa.date32())})), 1),
    ],
)
def test_no_message_has_a_control_character_that_the_service_sent(answer: bytes) -> None:
    with misbehaving(answer) as server:
        message = ask(server.url)
    assert "[2Jno column x" in message
    assert message.isprintable()


def test_letters_come_as_they_were_sent() -> None:
    body = '{"columns": ["é"], "rows": [["Größe 大"]], "row_count": 1}'.encode()
    for answer in (body, b"\xef\xbb\xbf" + body):
        with misbehaving(http(answer)) as server, SourceService("pnl", server.url) as service:
            assert (service.query(SQL).columns, service.query(SQL).as_lists()) == (["é"], [["Größe 大"]])


def test_a_slash_after_the_url_is_not_doubled() -> None:
    with misbehaving(GOOD) as server, SourceService("pnl", server.url + "/") as service:
        service.query(SQL)
        assert server.requests == ["/query?q=SELECT+1"]


def test_the_setting_of_the_token_is_named_where_a_service_asks_for_one():
    error = SourceErrors("pnl", "http://127.0.0.1:1").rejected(401, "returned 401", "")
    assert "FINSYNC_SERVICES_TOKEN_FILE" in error.fix
