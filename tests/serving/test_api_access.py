"""Who may ask the API, how often and how much: each refusal is a problem that names the way in."""

import base64
import socket
import threading

import pytest
from browser_requests import ALLOWED, API_REQUESTS, NAMED_ORIGIN, REFUSED, status_of
from local_services import answering_service
from problem_details import check_problem as check_any
from serving.conftest import check_problem, queried, serving

from finsync_pipeline.serving.app import LEAST_COMPRESSED
from finsync_pipeline.serving.problems import PROBLEM_TYPES
from source_services.errors import PROBLEM_TYPES as SERVICE_PROBLEM_TYPES
from source_services.settings import SERVICES

TOKEN = "a-token-of-the-api"


@pytest.fixture
def of_release(released):
    made = queried(released.home, released.folder / "companies.csv")
    return lambda: made


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


def test_with_a_token_only_callers_that_send_it_are_answered(of_release):
    with serving(of_release, token=TOKEN) as client:
        for header in (f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)):
            assert client.get("/items", headers={"Authorization": header}).status_code == 200
        wrong = ("", "Bearer", "Bearer wrong", f"Token {TOKEN}", basic("wrong"), "Basic %%%", f"Bearer {TOKEN}x")
        for header in wrong:
            response = client.get("/items", headers={"Authorization": header} if header else {})
            check_problem(response, 401, "not-authenticated")
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert TOKEN not in response.text
        assert client.get("//health").status_code == client.get("//ready").status_code == 200
        check_problem(client.get("//metrics"), 401, "not-authenticated")


def test_a_foreign_host_name_and_pages_of_other_sites_are_refused(of_release):
    with serving(of_release, hosts=frozenset({"finsync.example.org"}), origins=("https://app.example.org",)) as client:
        for host in ("localhost", "127.0.0.1:1", "[::1]", "10.1.2.3", "finsync.example.org:80", "FINSYNC.example.org"):
            assert client.get("/items", headers={"Host": host}).status_code == 200, host
        for host in ("evil.example.org", "localhost.evil.org", "finsync.example.org.evil.org", "127.0.0.1.evil.org"):
            check_problem(client.get("/items", headers={"Host": host}), 421, "wrong-host")
        check_problem(client.get("/items", headers={"Origin": "https://evil.example.org"}), 403, "cross-site")
        check_problem(client.get("/items", headers={"Sec-Fetch-Site": "cross-site"}), 403, "cross-site")
        check_problem(client.get("/items", headers={"Origin": "null"}), 403, "cross-site")
        origin = {"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"}
        allowed = client.get("/items", headers=origin)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
        assert "FinSync-Release" in allowed.headers["Access-Control-Expose-Headers"]
        preflight = client.request("OPTIONS", "/query", headers={**origin, "Access-Control-Request-Method": "POST"})
        assert preflight.status_code == 200
        other = {"Origin": "https://evil.example.org", "Access-Control-Request-Method": "POST"}
        assert "Access-Control-Allow-Origin" not in client.request("OPTIONS", "/query", headers=other).headers


@pytest.fixture(scope="module")
def port(released):
    made = queried(released.home, released.folder / "companies.csv")
    with serving(lambda: made, origins=(NAMED_ORIGIN,)) as client:
        yield int(client.url.rpartition(":")[2])


@pytest.mark.parametrize("asked", API_REQUESTS, ids=[asked.what for asked in API_REQUESTS])
def test_programs_and_named_pages_are_answered_and_no_others(port, asked):
    """The same table as for the gateway of the deployment."""
    assert status_of(asked, port, {}) in (ALLOWED if asked.allowed else REFUSED)


def test_a_client_that_asks_too_often_is_told_when_to_ask_again(of_release):
    with serving(of_release, requests_per_minute=5) as client:
        responses = [client.get("/items") for _ in range(7)]
        assert [each.status_code for each in responses] == [200] * 5 + [429] * 2
        assert responses[0].headers["RateLimit"].startswith('"requests";r=4;')
        check_problem(responses[-1], 429, "rate-limited")
        assert client.get("//health").status_code == 200


def test_more_requests_than_may_wait_get_503_at_once(of_release):
    with serving(of_release, requests_at_once=3, threads=2) as client:
        started, held = [], threading.Event()
        deployment = of_release()

        def slow():
            started.append(1)
            held.wait(60)
            return deployment

        client_of_slow = serving(slow_after_first(slow, deployment), requests_at_once=3, threads=2)
        with client_of_slow as slow_client:
            threads = [threading.Thread(target=slow_client.get, args=["/companies/A1"]) for _ in range(3)]
            for thread in threads:
                thread.start()
            while len(started) < 2:
                threads[0].join(0.02)
            response = slow_client.get("/items")
            while response.status_code == 200:  # the third one is on its way
                response = slow_client.get("/items")
            check_problem(response, 503, "busy")
            assert slow_client.get("//health").status_code == 200
            held.set()
            for thread in threads:
                thread.join()
            assert slow_client.get("/items").status_code == 200
        assert client.get("/items").status_code == 200


def slow_after_first(slow, deployment):
    """What reads the settings: at once when the API starts, slowly for requests."""
    calls = []

    def read():
        calls.append(1)
        return deployment if len(calls) == 1 else slow()

    return read


def test_an_address_or_header_that_is_too_long_ends_the_connection_and_nothing_else(of_release):
    with serving(of_release) as client:
        host, port = client.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as raw:
            raw.sendall(b"GET /api/v1/items?" + b"x" * 400_000)
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        assert client.get("/items").status_code == 200


def test_other_methods_and_unknown_paths_are_problems(of_release):
    with serving(of_release) as client:
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "SEARCH"):
            response = client.request(method, "/facts")
            check_problem(response, 405, "method-not-allowed")
            assert "GET" in response.headers["Allow"]
        for path in ("//api", "//api/v2/facts", "/facts/", "//docs", "//static/x", "/%00"):
            check_problem(client.get(path, allow_redirects=False), 404, "not-found")


def test_metrics_count_requests_by_route_and_status(of_release):
    with serving(of_release) as client:
        client.get("/facts")
        client.get("/facts?limit=0")
        client.get("/companies/A1")
        client.get("/companies/G1")
        text = client.get("//metrics").text
    assert 'finsync_api_requests_total{method="GET",route="/api/v1/facts",status="200"} 1.0' in text
    assert 'finsync_api_requests_total{method="GET",route="/api/v1/facts",status="400"} 1.0' in text
    assert 'route="/api/v1/companies/{company_id}",status="200"} 2.0' in text
    assert "finsync_api_open_releases 1.0" in text


def test_every_response_has_the_headers_that_keep_browsers_safe(of_release):
    with serving(of_release) as client:
        for path in ("/items", "/nothing", "//health"):
            headers = client.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "Server" not in headers
        given = client.get("/items", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"]
        assert given == "mine-1"
        odd = client.get("/items", headers={"X-Request-Id": "<script>"}).headers["X-Request-Id"]
        assert odd != "<script>"


def test_services_and_api_have_the_same_problems_in_the_same_shape(of_release, tmp_path):
    shared = PROBLEM_TYPES.keys() & SERVICE_PROBLEM_TYPES.keys()
    assert len(shared) >= 10
    for code in shared:
        ours, theirs = PROBLEM_TYPES[code], SERVICE_PROBLEM_TYPES[code]
        assert (ours.status, ours.title) == (theirs.status, theirs.title)
    data_file = tmp_path / "pnl.csv"
    data_file.write_text("Row,Period Ended\n1,2009-12-31\n")
    asked = [
        ("GET", "/nothing", {}, 404, "not-found"),
        ("DELETE", "/query", {}, 405, "method-not-allowed"),
        ("GET", "/query?q=SELECT+1&format=xml", {}, 400, "invalid-parameter"),
        ("GET", "/query?nothing=1&q=SELECT+1", {}, 400, "invalid-parameter"),
        ("GET", "/query?q=SELECT+1", {"Host": "evil.example.org"}, 421, "wrong-host"),
        ("GET", "/query?q=SELECT+1", {"Sec-Fetch-Site": "cross-site"}, 403, "cross-site"),
        ("GET", "/query?q=SELECT+1", {"Accept": "image/png"}, 406, "not-acceptable"),
    ]
    with serving(of_release) as client, answering_service(SERVICES[0], data_file) as source:
        for method, path, headers, status, code in asked:
            response = client.request(method, path, headers=headers)
            check_any(response, status, code, PROBLEM_TYPES, "/api/v1/problems")
            response = client.session.request(method, source.url + path, headers=headers, timeout=60)
            check_any(response, status, code, SERVICE_PROBLEM_TYPES, "/")


def test_pages_and_json_are_compressed_for_those_who_take_it_and_files_are_not(api):
    plain, compressed = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}
    for path in ("/items", "//sql", "//releases"):
        found = {name: api.get(path, headers=how) for name, how in (("plain", plain), ("compressed", compressed))}
        assert found["plain"].content == found["compressed"].content
        assert "Content-Encoding" not in found["plain"].headers
        is_large = len(found["plain"].content) >= LEAST_COMPRESSED
        assert (found["compressed"].headers.get("Content-Encoding") == "gzip") == is_large
        assert not is_large or "Accept-Encoding" in found["compressed"].headers["Vary"]
        head = api.request("HEAD", path, headers=compressed)
        assert (head.content, head.headers["Content-Length"]) == (b"", found["compressed"].headers["Content-Length"])
    again = api.get("/items", headers={**compressed, "If-None-Match": api.get("/items").headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/facts?format=csv&limit=10000", "/releases/current/files/facts.parquet"):
        assert "Content-Encoding" not in api.get(path, headers=compressed).headers
