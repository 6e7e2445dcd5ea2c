"""Limits of a service: connections, time, sizes, requests; access; and that one client does not delay the others."""

import base64
import gc
import gzip
import json
import os
import socket
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from local_services import WAIT_SECONDS
from service_client import FORMATS, check_complete, check_problem, json_lines, result_of, until

from source_services.errors import ConfigurationError
from source_services.query import scheduling
from source_services.settings import Limits, variable

TOKEN = "a-Token.of_40~characters+/=0123456789abcd"
LONG = "SELECT count(*) FROM " + ", ".join(f"numbers t{number}" for number in range(9))
"""A query that would run for years."""


@pytest.fixture
def numbers(serve):
    """Serve a table of 200 rows, within these limits."""
    return lambda **how: serve("numbers.jsonl", json_lines({"n": number} for number in range(200)), **how)


def running(client):
    return client.metric("finsync_queries_running")


def waiting(client):
    return client.metric("finsync_queries_waiting")


@contextmanager
def busy(client, count=1):
    """This number of connections run an endless query until the block ends and their clients disconnect."""
    with ExitStack() as stack:
        for _ in range(count):
            send_query(stack.enter_context(client.connect()), LONG)
        until(lambda: running(client) == count)
        yield


def send_query(connection, query):
    connection.sendall(f"GET /query?q={quote(query)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


# Connections


def test_a_query_waits_for_a_connection_and_gets_503_when_it_waited_too_long(numbers):
    client = numbers(connections=2, checkout_seconds=1, query_seconds=600)
    with busy(client, 2):
        began = time.monotonic()
        response = client.query("SELECT 'waits too long'")
        assert time.monotonic() - began > 0.9
        check_problem(response, 503, "busy")
        assert response.headers["Retry-After"] == "1"
        # Requests that need no connection do not wait
        for path in ("/version", "/schema", "/health", "/", "/data?format=arrow", "/openapi.json"):
            assert client.get(path).status_code == 200
    until(lambda: running(client) == 0)
    assert client.rows("SELECT count(*) FROM numbers") == [[200]]
    assert waiting(client) == 0


def test_a_query_that_waits_gets_the_connection_that_becomes_free(numbers):
    client = numbers(connections=1, checkout_seconds=600, query_seconds=600)
    with ThreadPoolExecutor(8) as threads:
        with busy(client):
            responses = [threads.submit(client.query, f"SELECT {number}") for number in range(7)]
            until(lambda: waiting(client) == 7)
        assert [each.result().json()["rows"] for each in responses] == [[[number]] for number in range(7)]


def test_a_query_is_stopped_when_its_time_is_over_and_its_connection_used_again(numbers, monkeypatch):
    monkeypatch.setattr(scheduling, "WALL_FACTOR", 1_000)  # however busy the machine is
    client = numbers(connections=1, query_seconds=0.3)
    assert "after 0.3 s" in check_problem(client.post(LONG), 504, "query-timeout")["detail"]
    for number in range(5):
        assert client.rows(f"SELECT count(*) + {number} FROM numbers") == [[200 + number]]


def test_a_query_is_stopped_when_the_machine_is_too_busy_for_it(numbers, monkeypatch):
    monkeypatch.setattr(scheduling, "WALL_FACTOR", 0.001)
    client = numbers(query_seconds=100)
    response = client.post(LONG)
    assert "too busy" in check_problem(response, 503, "busy")["detail"]
    assert response.headers["Retry-After"] == "10"


def test_a_query_ends_when_its_client_disconnects(numbers):
    client = numbers(connections=1, query_seconds=600)
    for _ in range(3):
        with busy(client):
            pass
        until(lambda: running(client) == 0)
    assert client.rows("SELECT 1") == [[1]]
    assert client.metric("finsync_requests_total", route="/query", status="499") == 3


def test_a_query_whose_client_disconnects_while_it_waits_does_not_run(numbers):
    client = numbers(connections=1, query_seconds=600, checkout_seconds=600)
    with busy(client):
        with ExitStack() as stack:
            for _ in range(5):
                send_query(stack.enter_context(client.connect()), LONG)
            until(lambda: waiting(client) == 5)
        until(lambda: waiting(client) == 0)
        assert running(client) == 1
    until(lambda: running(client) == 0)


# Shares of a client


def test_a_client_that_runs_its_share_of_queries_waits_for_itself_alone(numbers):
    client = numbers(connections=4, client_queries=2, checkout_seconds=1, query_seconds=600)
    with client.at("127.0.0.2") as other, busy(client, 2):
        response = client.query("SELECT 'waits for its own queries'")
        assert "the client's other queries" in check_problem(response, 503, "busy")["detail"]
        assert response.headers["Retry-After"] == "1"
        for number in range(10):
            assert other.rows(f"SELECT {number}") == [[number]]
        with busy_too(other, client, 2):
            response = other.query("SELECT 'waits too'")
            check_problem(response, 503, "busy")
    until(lambda: running(client) == 0)
    assert client.rows("SELECT count(*) FROM numbers") == [[200]]


@contextmanager
def busy_too(other, client, count):
    """The other client runs this number of queries as well."""
    with ExitStack() as stack:
        for _ in range(count):
            send_query(stack.enter_context(other.connect()), LONG)
        until(lambda: running(client) == 2 * count)
        yield


@pytest.mark.long
@pytest.mark.parametrize("is_cached", [False, True])
def test_a_client_that_reads_slowly_takes_its_share_of_the_disk_and_no_more(numbers, is_cached):
    size = 12 << 20
    client = numbers(client_disk_bytes=3 * size, disk_bytes=6 * size, kept_bytes=size, result_rows=2_000_000)

    def sql(number):
        number = 0 if is_cached else number
        return f"SELECT t0.n, t1.n, t2.n, {number} FROM numbers t0, numbers t1, numbers t2 LIMIT 1100000"

    def send(connection, number):
        connection.sendall(f"GET /query?format=csv&q={quote(sql(number))} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return connection.recv(12)

    with client.at("127.0.0.2") as other, ExitStack() as stack:
        statuses = [send(stack.enter_context(client.connect()), number)[9:] for number in range(6)]
        assert statuses == [b"200", b"200", *[b"503"] * 4]
        response = client.post(sql(0), "csv")
        assert "its disk space" in check_problem(response, 503, "busy")["detail"]
        assert response.headers["Retry-After"] == "10"
        assert client.rows("SELECT count(*) FROM numbers") == [[200]], "which is small"
        check_complete(other.post(sql(9), "csv"))
    until(lambda: client.post(sql(10), "csv").status_code == 200)


def test_temporary_files_of_a_query_are_limited_and_their_space_is_free_afterwards(numbers):
    most = 100 << 20
    client = numbers(temporary_bytes=most, client_disk_bytes=2 * most, disk_bytes=3 * most)
    sort = "SELECT t0.n FROM numbers t0, numbers t1, numbers t2 {} ORDER BY :x || t0.n || t1.n"
    for sql in (
        sort.format(""),
        "SELECT count(*) FROM (SELECT DISTINCT :x || t0.n || t1.n || t2.n FROM numbers t0, numbers t1, numbers t2)",
        "SELECT count(*) FROM numbers t0, numbers t1, numbers t2 GROUP BY :x || t0.n || t1.n",
        "SELECT count(*) FROM (SELECT :x || t0.n || t1.n FROM numbers t0, numbers t1 UNION SELECT 'a')",
        "WITH x AS MATERIALIZED (SELECT :x || t0.n || t1.n AS v FROM numbers t0, numbers t1) "
        "SELECT count(*) FROM x a, x b",
    ):
        response = client.post(sql, x="x" * 50_000)
        assert "bytes of temporary files" in check_problem(response, 413, "too-large")["detail"], sql
    rows = result_of(client.post(sort.format("WHERE t2.n = 0 AND t1.n < 5"), x="x" * 50_000))[1]
    assert len(rows) == 1_000, "50 MB"


# Sizes


@pytest.mark.parametrize("format_", FORMATS)
def test_a_result_of_more_rows_than_the_limit_is_rejected_and_never_truncated(numbers, format_):
    client = numbers(json_rows=100, result_rows=150)
    most = 100 if format_ == "json" else 150
    assert len(result_of(client.post(f"SELECT n FROM numbers LIMIT {most}", format_))[1]) == most
    detail = check_problem(client.post(f"SELECT n FROM numbers LIMIT {most + 1}", format_), 413, "too-large")["detail"]
    assert f"more than {most} rows" in detail
    if format_ not in ("json", "arrow"):
        check_problem(client.get(f"/data?format={format_}"), 413, "too-large")
    assert len(result_of(client.get(f"/data?format={format_}&limit=200"))[1]) == 200


@pytest.mark.parametrize("format_", FORMATS)
def test_a_result_of_more_bytes_than_the_limit_is_rejected(numbers, format_):
    client = numbers(result_bytes=3_000)
    # Digits that do not repeat: Parquet would make little of the same ones
    sql = "SELECT n * n * 7919 % 100003 AS a, n * n * n * 104729 % 1000003 AS b, n * 0.1234567 AS c FROM numbers"
    assert "more than 3,000 bytes" in check_problem(client.post(sql, format_), 413, "too-large")["detail"]
    check_complete(client.post(sql + " LIMIT 2", format_))


@pytest.mark.parametrize(
    ("limits", "request_", "message"),
    [
        ({"sql_bytes": 30}, ("SELECT /* of 31 bytes ....... */",), "the limit is 30"),
        ({"value_bytes": 1_000}, ("SELECT replace(:v, 'a', 'bb')", {"v": "a" * 600}), "more than 1,000 bytes"),
        ({"page_rows": 20}, ("limit=21",), "from 1 to 20"),
        ({"parameters": 2}, ("SELECT :a + :b + :c", {"a": 1, "b": 2, "c": 3}), "could not be run"),
    ],
    ids=["sql_bytes", "value_bytes", "page_rows", "parameters"],
)
def test_a_limit_that_is_set_holds(numbers, limits, request_, message):
    client = numbers(**limits)
    text, *parameters = request_
    response = (
        client.post(text, **(parameters[0] if parameters else {})) if "SELECT" in text else client.get(f"/data?{text}")
    )
    assert message in check_problem(response, response.status_code, response.json()["code"])["detail"]
    assert client.get("/schema").json()["limits"][next(iter(limits))] == next(iter(limits.values()))


def test_a_value_as_long_as_the_longest_row_of_the_table_is_read(serve):
    client = serve("x.jsonl", '{"a": "' + "x" * 200_000 + '", "b": "é"}\n{"a": "y", "b": "z"}\n')
    assert client.rows("SELECT length(a), b FROM x") == [[200_000, "é"], [1, "z"]]
    assert result_of(client.get("/data"))[1][0] == ["x" * 200_000, "é"]
    assert result_of(client.post("SELECT * FROM x ORDER BY b DESC", "arrow"))[1][1] == ["y", "z"]
    check_problem(client.post("SELECT a || a || a FROM x"), 413, "too-large")


def open_result_files(folder):
    """The number of open files without a name that were made in the folder."""
    opened = (os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return sum(path.startswith(str(folder)) and path.endswith("(deleted)") for path in opened)


def test_cached_results_take_little_space_and_few_files(numbers, tmp_path):
    client = numbers(kept_small_bytes=50_000, kept_bytes=2_000_000)
    rows = "FROM numbers t0, numbers t1"
    for number in range(20):
        for _ in range(2):
            check_complete(client.post(f"SELECT t0.n, t1.n, {number} {rows}", "csv"))
            check_complete(client.post(f"SELECT n, {number} FROM numbers"))
    until(lambda: 1 <= open_result_files(tmp_path) <= 5)  # each of the 20 large ones has 356,000 bytes or more
    kept = client.metric("finsync_kept_answers_total", **{"from": "kept"})
    assert kept == 40, "recent results are in the cache"
    check_complete(client.post(f"SELECT t0.n, t1.n, 0 {rows}", "csv"))
    assert client.metric("finsync_kept_answers_total", **{"from": "kept"}) == kept, "old ones are not"


@pytest.fixture
def no_collector():
    """Only what nothing refers to any more is freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_space_of_a_result_is_free_as_soon_as_nothing_needs_it(numbers, tmp_path, no_collector):
    client = numbers(kept_bytes=1, result_bytes=700_000)
    rows = "FROM numbers t0, numbers t1"
    for number in range(5):
        check_complete(client.post(f"SELECT t0.n, t1.n, {number} {rows}", "csv"))
        check_problem(client.post(f"SELECT t0.n, t1.n, {number}, 'too large' {rows}", "csv"), 413, "too-large")
        with client.connect() as connection:  # and goes away
            send_query(connection, f"SELECT t0.n, t1.n, {number} + 10 {rows}")
    until(lambda: running(client) == 0 and open_result_files(tmp_path) == 0)


def test_large_cached_results_take_no_memory(numbers, tmp_path):
    client = numbers()
    rows = "FROM numbers t0, numbers t1"
    check_complete(client.post(f"SELECT t0.n, t1.n, 0 {rows}", "csv"))
    tracemalloc.start()
    for number in range(1, 20):
        check_complete(client.post(f"SELECT t0.n, t1.n, {number} {rows}", "csv"))
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert open_result_files(tmp_path) >= 19
    assert taken < 1_000_000, "each has 356,000 bytes or more"


def test_large_results_have_a_common_limit_on_disk(numbers):
    client = numbers(kept_bytes=1_000_000, disk_bytes=2_000_000)
    rows = "FROM numbers t0, numbers t1, numbers t2 LIMIT 300000"
    response = client.post(f"SELECT t0.n, t1.n, t2.n {rows}", "csv")
    check_problem(response, 503, "busy")
    until(lambda: client.post("SELECT t0.n, t1.n FROM numbers t0, numbers t1", "csv").status_code == 200)


# Requests of one client


def test_a_client_has_a_number_of_requests_a_minute_and_sees_how_many_remain(numbers, monkeypatch):
    # Windows begin at whole minutes: the clock stands still, so that no new one begins
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.0)
    client = numbers(requests_per_minute=5)
    for left in (4, 3, 2, 1, 0):
        response = client.get("/version" if left % 2 else "/nothing")
        assert response.headers["RateLimit-Policy"] == '"requests";q=5;w=60'
        remaining, _, seconds = response.headers["RateLimit"].removeprefix('"requests";r=').partition(";t=")
        assert int(remaining) == left
        assert 0 < int(seconds) <= 60
    for path in ("/version", "/data", "/query?q=SELECT+1", "/", "/metrics", "/nothing"):
        response = client.get(path)
        check_problem(response, 429, "rate-limited")
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert response.headers["RateLimit"].startswith('"requests";r=0;t=')
    for path in ("/health", "/ready"):
        response = client.get(path)
        assert response.status_code == 200
        assert "RateLimit" not in response.headers
    # Another client has its own limit
    address = urlsplit(client.url)
    with socket.create_connection(
        (address.hostname, address.port), WAIT_SECONDS, source_address=("127.0.0.2", 0)
    ) as other:
        other.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b" 200 OK" in other.recv(1_000)


# Access


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"Bearer  {TOKEN} ",
        basic("any", TOKEN),
        basic("", TOKEN),
        basic("é", TOKEN),
    ],
)
def test_a_request_with_the_token_may_name_any_host(guarded, header):
    for host in ("localhost", "127.0.0.1:80", "finsync.example", "pnl:5001"):
        response = guarded.get("/version", headers={"Authorization": header, "Host": host})
        assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "header",
    [
        *(
            None,
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            f"Token {TOKEN}",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Bearer x {TOKEN}",
        ),
        *(
            f"Bearer {TOKEN.upper()}",
            f"Basic {TOKEN}",
            "Basic !",
            "Basic",
            basic(TOKEN, ""),
            basic("any", TOKEN + "x"),
            basic("a", "b"),
        ),
        *("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Basic " + base64.b64encode(TOKEN.encode()).decode()),
        *("Bearer \xe9", "Bearer " + "x" * 8_000, f"Bearer {TOKEN},{TOKEN}"),
    ],
)
def test_a_request_without_the_token_gets_401_on_every_route_but_two(guarded, header):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    for path in ("/", "/data", "/query?q=SELECT+1", "/schema", "/version", "/metrics", "/openapi.json", "/nothing"):
        response = guarded.get(path, headers=headers)
        problem = check_problem(response, 401, "not-authenticated")
        assert problem["detail"] == (
            "the request does not have the service's token; "
            "send Authorization: Bearer TOKEN, or the token as the password of any user"
        )
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="finsync", Basic realm="finsync"'
        assert TOKEN not in response.text + str(response.headers)
    for path in ("/health", "/ready"):
        assert guarded.get(path, headers=headers).status_code == 200
    assert guarded.request("POST", "/query", json={"q": "SELECT 1"}, headers=headers).status_code == 401


@pytest.fixture(scope="module")
def guarded(serve_to_module):
    """A service with a token."""
    return serve_to_module("numbers.csv", "n\n1\n", token=TOKEN)


def test_no_response_contains_the_token(guarded):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/", "/data", "/schema", "/version", "/metrics", "/openapi.json", "/nothing", f"/query?q={TOKEN}"):
        response = guarded.get(path, headers=headers)
        assert TOKEN not in response.text + str(response.headers)


@pytest.mark.parametrize(
    ("host", "is_served"),
    [
        *(
            (host, True)
            for host in ("127.0.0.1", "127.0.0.1:5001", "localhost", "LOCALHOST:80", "[::1]", "[::1]:5001", "10.0.0.7")
        ),
        *(
            (host, False)
            for host in ("attacker.example", "attacker.example:5001", "localhost.attacker.example", "pnl", "")
        ),
        *(
            (host, False)
            for host in ("127.0.0.1.attacker.example", "127.0.0.1@attacker.example", "localhost.", "0x7f.1", "1", "[")
        ),
    ],
)
def test_without_a_token_the_host_must_be_an_address_or_localhost(client, host, is_served):
    for path in ("/data", "/query?q=SELECT+1", "/", "/metrics", "/nothing"):
        response = client.get(path, headers={"Host": host})
        if is_served:
            assert response.status_code == (404 if path == "/nothing" else 200)
        else:
            assert "neither an IP address nor localhost" in check_problem(response, 421, "wrong-host")["detail"]
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("site", "mode", "path", "is_served"),
    [
        (None, None, "/data", True),
        ("none", "navigate", "/query?q=SELECT+1", True),
        ("same-origin", "navigate", "/query?q=SELECT+1", True),
        ("same-origin", "cors", "/data", True),
        ("cross-site", "navigate", "/", True),
        *(
            (site, mode, path, False)
            for site in ("cross-site", "same-site")
            for mode in ("no-cors", "cors", "navigate", "websocket")
            for path in ("/data", "/query?q=SELECT+1", "/schema", "/metrics", "/nothing")
        ),
        ("cross-site", "no-cors", "/", False),
    ],
)
def test_a_page_of_another_site_cannot_use_the_service(client, site, mode, path, is_served):
    headers = {name: value for name, value in (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode)) if value}
    response = client.get(path, headers=headers)
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    if is_served:
        assert response.status_code == 200
    else:
        check_problem(response, 403, "cross-site")


# Connections of one client


def is_closed(connection, seconds=30):
    """Whether the service closes the connection, which has received nothing, within the seconds."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_a_client_has_a_number_of_connections_and_other_clients_have_theirs(numbers):
    client = numbers(client_http_connections=5, header_seconds=600)
    with client.at("127.0.0.2") as other:
        with ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(client.connect())
            response = client.get("/version")
            assert "more than 5 connections" in check_problem(response, 429, "rate-limited")["detail"]
            assert response.headers["Retry-After"] == "1"
            assert response.headers["Connection"] == "close"
            for _ in range(5):
                stack.enter_context(client.connect())
            assert is_closed(stack.enter_context(client.connect()))
            assert other.rows("SELECT count(*) FROM numbers") == [[200]]
        until(lambda: client.get("/version").status_code == 200)


def test_a_service_has_a_number_of_connections(numbers):
    client = numbers(http_connections=8, client_http_connections=4, header_seconds=600)
    with ExitStack() as stack:
        for number in range(8):
            with client.at(f"127.0.0.{number % 4 + 2}") as other:
                connection = stack.enter_context(other.connect())
        assert not is_closed(connection, 0.2)
        assert is_closed(stack.enter_context(client.connect()))
    until(lambda: client.get("/version").status_code == 200)


@pytest.mark.parametrize("sent", [b"", b"GET /version HT"], ids=["nothing", "half of the headers"])
def test_a_connection_without_a_request_is_closed_and_one_with_a_request_stays(numbers, sent):
    client = numbers(header_seconds=0.5)
    with client.connect() as used, client.connect() as connection:
        connection.sendall(sent)
        for _ in range(2):
            used.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert used.recv(10_000).startswith(b"HTTP/1.1 200")
            assert is_closed(connection)


def test_a_connection_that_is_idle_between_requests_is_closed(numbers):
    client = numbers(idle_seconds=0.5)
    with client.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
        assert is_closed(connection)


def test_a_client_that_reads_no_small_response_is_disconnected(numbers):
    client = numbers(send_seconds=1, idle_seconds=600)
    with client.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with suppress(ConnectionError, TimeoutError):
            connection.settimeout(5)
            for _ in range(3_000):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: client.metric("process_open_fds") > 0 and not established(client, connection))


def established(client, connection):
    """Whether the service still has its end of the connection."""
    here, port = connection.getsockname()[1], urlsplit(client.url).port
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [(int(row[1].partition(":")[2], 16), int(row[2].partition(":")[2], 16), row[3]) for row in rows]
    return any(end == (port, here, "01") for end in ends)


# One client and the others


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET /data HTTP/1.1\r\nHost: loc",
        b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
        b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
    ids=["nothing", "a letter", "half of the headers", "half of a body", "half of a chunked body"],
)
def test_clients_that_send_half_a_request_delay_no_other_client(numbers, sent):
    client = numbers(connections=1)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(client.connect()).sendall(sent)
        assert client.rows("SELECT count(*) FROM numbers") == [[200]]
        assert client.get("/data").status_code == 200
    assert client.rows("SELECT count(*) + 1 FROM numbers") == [[201]]


POST = b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PACKED = zlib.compress(bytes(300_000_000))
BODIES = {
    "gzip": (POST + b"Content-Encoding: gzip\r\n", gzip.compress(bytes(300_000_000)), 415, "media-type"),
    "deflate": (POST + b"Content-Encoding: deflate\r\n", PACKED, 415, "media-type"),
    "deflate for a GET": (
        POST.replace(b"POST", b"GET") + b"Content-Encoding: deflate\r\n",
        PACKED,
        415,
        "media-type",
    ),
    "chunks of one byte": (POST + b"Transfer-Encoding: chunked\r\n", b"1\r\n \r\n" * 500_000, 400, "invalid-parameter"),
    "a body for a GET": (POST.replace(b"POST", b"GET"), b" " * 3_000_000, 400, "invalid-parameter"),
    "a body for no route": (POST.replace(b"/query", b"/no"), b" " * 3_000_000, 413, "too-large"),
}


@pytest.mark.parametrize("name", BODIES)
def test_clients_that_send_bodies_which_are_hard_to_read_delay_no_other_client(numbers, name):
    headers, body, status, code = BODIES[name]
    length = b"" if b"chunked" in headers else b"Content-Length: %d\r\n" % len(body)
    client, request = numbers(), headers + length + b"\r\n" + body
    with ThreadPoolExecutor(10) as threads:
        ended = [threads.submit(client.send, request) for _ in range(10)]
        started = time.monotonic()
        while not all(each.done() for each in ended):
            assert client.rows("SELECT count(*) FROM numbers") == [[200]]
        assert time.monotonic() - started < 3, "20 s, if they are read"
    for each in ended:
        found, received, problem = each.result()
        assert (found, json.loads(problem)["code"], received["Connection"]) == (status, code, "close")


def test_a_client_that_disconnects_while_it_sends_is_not_an_internal_error(numbers, caplog):
    client = numbers()
    for _ in range(5):
        with client.connect() as connection:
            connection.sendall(POST + b"Content-Length: 99\r\n\r\n{")
            time.sleep(0.1)
    until(lambda: client.metric("finsync_requests_total", route="/query") >= 5)
    assert client.metric("finsync_requests_total", status="499") == 5
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_clients_that_read_nothing_delay_no_other_client_and_are_disconnected(numbers):
    client = numbers(connections=1, send_seconds=2, result_rows=2_000_000)
    sql = "SELECT+t0.n,t1.n,t2.n+FROM+numbers+t0,numbers+t1,numbers+t2+LIMIT+1200000"
    length = int(client.head(f"/query?format=csv&q={sql}").headers["Content-Length"])
    assert length > 10 << 20, "more than the kernel buffers"
    with ExitStack() as stack:
        slow = [stack.enter_context(client.connect()) for _ in range(8)]
        for connection in slow:
            connection.sendall(f"GET /query?format=csv&q={sql} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert client.rows("SELECT count(*) FROM numbers") == [[200]]
        columns, rows = result_of(client.get("/query?format=arrow&q=SELECT+n+FROM+numbers"))
        assert (columns, len(rows)) == (["n"], 200)
        until(lambda: client.metric("finsync_requests_total", status="499") == 8)
        for connection in slow:
            assert read_all(connection) < length
    assert client.metric("finsync_requests_total", status="500") == 0


def read_all(connection):
    """The number of bytes that are received before the connection ends."""
    count = 0
    try:
        while piece := connection.recv(1 << 20):
            count += len(piece)
    except ConnectionResetError:
        pass
    return count


def test_a_client_that_disconnects_during_a_response_is_not_an_internal_error(numbers, caplog):
    client = numbers(result_rows=2_000_000)
    sql = "SELECT+t0.n,t1.n,t2.n+FROM+numbers+t0,numbers+t1,numbers+t2+LIMIT+1200000"
    for _ in range(5):
        with client.connect() as connection:
            connection.sendall(f"GET /query?format=csv&q={sql} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    # The whole response may have been in the buffers of the system
    until(lambda: client.metric("finsync_requests_total", route="/query") >= 5)
    assert client.metric("finsync_requests_total", status="500") == 0
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
    check_complete(client.get(f"/query?format=csv&q={sql}"))


def test_many_clients_get_the_same_large_response_at_the_same_time(numbers):
    client = numbers()
    sql = "SELECT t0.n, t1.n, t2.n FROM numbers t0, numbers t1, numbers t2 LIMIT 200000"
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda _: client.post(sql, "csv"), range(16)))
    for response in responses:
        check_complete(response)
    assert len({response.content for response in responses}) == 1


# Settings


@pytest.mark.parametrize(("name", "value", "sentence"), Limits().describe())
def test_every_limit_is_set_by_its_variable_and_explained(monkeypatch, name, value, sentence):
    assert variable(name) == f"FINSYNC_SERVICES_{name.upper()}"
    monkeypatch.setenv(variable(name), "17")
    assert getattr(Limits.from_environment(), name) == 17
    monkeypatch.setenv(variable(name), "")
    assert getattr(Limits.from_environment(), name) == value
    assert sentence.endswith(".")
    is_whole = not name.endswith("_seconds")
    fix = "whole number of 1 or more; write it like 1000" if is_whole else "number above 0; write it like 10 or 0.5"
    for wrong in ("0", "-1", ".5", "0.0", "ten", "nan", " 1", "1_000", "1e3", "٣", "9" * 30, *["1.5"] * is_whole):
        monkeypatch.setenv(variable(name), wrong)
        with pytest.raises(ConfigurationError, match=rf"{variable(name)}: .* is not a {fix}"):
            Limits.from_environment()


def test_seconds_may_have_a_fraction(monkeypatch):
    monkeypatch.setenv(variable("query_seconds"), "0.25")
    assert Limits.from_environment().query_seconds == 0.25


# Files and threads


def open_files():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the listing itself opens one, each time


def test_300_requests_of_all_kinds_leave_no_file_and_no_thread_behind(numbers):
    client = numbers(query_seconds=0.3)

    def send_requests():
        client.get("/data")
        client.get("/data?format=arrow")
        client.post("SELECT t0.n, t1.n FROM numbers t0, numbers t1", "csv")
        client.post("DROP TABLE numbers")
        client.get("/nothing")
        with client.connect() as connection:
            connection.sendall(b"GET /data?format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n")

    send_requests()
    before = open_files(), threading.active_count()
    for _ in range(50):
        send_requests()
    until(lambda: open_files() <= before[0] + 2 and threading.active_count() <= before[1] + 4)
