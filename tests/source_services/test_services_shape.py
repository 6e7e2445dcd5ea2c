"""All responses have one shape: errors, headers, ids, log lines; and the service describes itself correctly."""

import base64
import hashlib
import json
import logging
import re
from html.parser import HTMLParser

import pytest
from schemathesis.openapi import from_url as load_openapi
from service_client import FORMATS, check_problem, json_lines

from source_services.errors import PROBLEM_TYPES
from source_services.query.authorizer import FUNCTIONS
from source_services.settings import Limits
from source_services.web.telemetry import log_to_stderr

PATHS = ["/", "/data", "/query?q=SELECT+1", "/schema", "/version", "/health", "/ready", "/metrics", "/openapi.json"]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "&amp;",
    "a'b",
    "</style>",
    "é𝔘",
]


@pytest.fixture(scope="module")
def hostile(serve_to_module):
    """A service whose columns and periods have hostile names."""
    return serve_to_module("pnl.jsonl", json_lines([{name: f"of {name}" for name in HOSTILE}]), HOSTILE[0])


# Errors

ERRORS = [
    *(
        (method, path, 405, "method-not-allowed")
        for path in PATHS
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
    ),
    *(("POST", path, 405, "method-not-allowed") for path in PATHS if not path.startswith("/query")),
    *((method, "/nothing", 404, "not-found") for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
    *(
        ("GET", path, 404, "not-found")
        for path in ("/data/", "/DATA", "//data", "/data/1", "/static/app.py", "/..%2f..%2fetc/passwd")
    ),
    *(
        ("GET", path, 404, "not-found")
        for path in ("/favicon.ico", "/query/", "/%00", "/é", "/web/page.html", "/health/")
    ),
    *(
        (method, f"{path}{'&' if '?' in path else '?'}nothing=1", 400, "invalid-parameter")
        for path in PATHS
        for method in ("GET", "HEAD")
    ),
    ("POST", "/query?q=SELECT+1", 400, "invalid-parameter"),
    ("POST", "/query", 415, "media-type"),
    ("GET", "/query", 400, "invalid-parameter"),
    ("GET", "/query?q=DROP+TABLE+pnl", 400, "sql-not-allowed"),
    ("GET", "/query?q=DROP", 400, "sql-invalid"),
    ("GET", "/query?q=SELECT+1&accept", 400, "invalid-parameter"),
    ("GET", "/data?limit=0", 400, "invalid-parameter"),
    ("GET", "/data?next=x", 400, "invalid-parameter"),
    ("GET", "/query?q=" + "x" * 17_000, 414, "url-too-long"),
    ("NOTHING", "/data", 400, "invalid-parameter"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), ERRORS, ids=lambda each: str(each)[:40])
def test_every_error_has_one_shape(client, method, path, status, code):
    response = client.request(method, path)
    assert response.status_code == status, response.text
    if method == "HEAD":
        assert (response.content, response.headers["Content-Type"]) == (b"", "application/problem+json")
    else:
        body = check_problem(response, status, code)
        assert body["instance"].endswith(response.headers["X-Request-Id"])
    check_headers(client, response)
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    assert ("Allow" in response.headers) == (status == 405)
    if status == 405:
        assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"} | ({"POST"} if "/query" in path else set())


def check_headers(client, response):
    """Every response has these headers."""
    assert response.headers["X-Data-Version"] == client.table.current.version
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", response.headers["X-Request-Id"])
    assert "Content-Length" in response.headers or response.status_code == 304
    assert "python" not in str(response.headers).lower()
    assert "aiohttp" not in str(response.headers).lower()


def test_an_unexpected_exception_is_logged_with_its_cause_and_sent_without_it(serve, monkeypatch, caplog):
    client = serve("pnl.csv", "a\n1\n")

    def fail(*_):
        raise RuntimeError("the secret cause in /secret/place.py")

    monkeypatch.setattr(type(client.table.current), "take", fail)
    for path in ("/data", "/query?q=SELECT+1"):
        response = client.get(path, headers={"X-Request-Id": "the-one"})
        body = check_problem(response, 500, "internal")
        check_headers(client, response)
        assert "secret" not in response.text
        assert body["instance"] == "urn:request:the-one"
    assert "the secret cause" in caplog.text
    assert {record.fields["request_id"] for record in caplog.records} == {"the-one"}
    assert client.metric("finsync_requests_total", status="500") == 2


def test_a_destroyed_database_is_an_internal_error(serve):
    client = serve("pnl.csv", "a,b\n" + "x,y\n" * 50_000)
    database = client.table.current.metadata.database
    with database.open("r+b") as file:
        file.write(b"\xff" * database.stat().st_size)
    response = client.get("/query?q=SELECT+count(*)+FROM+pnl+WHERE+a='x'")
    check_problem(response, 500, "internal")
    for fragment in (str(database), "sqlite", "disk image", "malformed"):
        assert fragment not in response.text


# Headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_common_headers(client, path, method):
    response = client.request(method, path)
    assert response.status_code == 200
    check_headers(client, response)
    has_rows = path.startswith(("/data", "/query"))
    assert ("X-Row-Count" in response.headers, "Repr-Digest" in response.headers) == (has_rows, has_rows)
    assert ("RateLimit" in response.headers) == (path not in ("/health", "/ready"))
    assert ("ETag" in response.headers) == (path not in ("/health", "/ready", "/metrics"))
    if "ETag" in response.headers:
        unchanged = client.request(method, path, headers={"If-None-Match": response.headers["ETag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        check_headers(client, unchanged)
    if method == "HEAD":
        assert response.content == b""
        assert path == "/metrics" or response.headers["Content-Length"] == client.get(path).headers["Content-Length"]


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64, "0" * 32])
def test_the_request_id_of_the_caller_is_kept(client, given):
    for path in ("/version", "/nothing", "/health", "/query?q=DROP", "/data?limit=0"):
        response = client.get(path, headers={"X-Request-Id": given})
        assert response.headers["X-Request-Id"] == given
        if response.status_code >= 400:
            assert response.json()["instance"] == f"urn:request:{given}"


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "<script>", "é", "a;b", 'a"b', "../x", "a\tb", "a,b"])
def test_a_request_without_a_valid_id_gets_a_new_one(client, given):
    headers = {} if given is None else {"X-Request-Id": given.encode()}
    ids = {client.get(path, headers=headers).headers["X-Request-Id"] for path in ("/version", "/nothing", "/version")}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)


# The log and the metrics


def test_each_request_is_a_log_line_with_its_id_and_without_its_parameters(client, capsys):
    handlers, propagate, level = LOG.handlers, LOG.propagate, LOG.level
    try:
        log_to_stderr("info")
        client.get("/data?limit=2", headers={"X-Request-Id": "first"})
        client.get("/query?q=SELECT+'a+secret'&p.x=secret", headers={"X-Request-Id": "second"})
        client.get("/secret", headers={"X-Request-Id": "third", "Authorization": "Bearer secret"})
        client.head("/version", headers={"X-Request-Id": "fourth"})
    finally:
        LOG.handlers, LOG.propagate = handlers, propagate
        LOG.setLevel(level)
    text = capsys.readouterr().err
    assert "secret" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    first, second = lines[:2]
    assert [line["request_id"] for line in lines] == ["first", "second", "third", "fourth"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/data", 200),
        ("GET", "/query", 400),
        ("GET", "other", 404),
        ("HEAD", "/version", 200),
    ]
    for line in lines:
        assert (line["message"], line["level"], line["service"], line["client"]) == (
            "answered",
            "info",
            "pnl",
            "127.0.0.1",
        )
        assert 0 <= line["milliseconds"] < 300_000
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", line["time"])
    assert (first["rows"], first["data_version"]) == (2, client.table.current.version)
    assert first["bytes"] == int(client.get("/data?limit=2").headers["Content-Length"])
    assert "rows" not in second


LOG = logging.getLogger("source_services")


def test_the_metrics_count_what_happens(serve):
    client = serve("pnl.csv", "a\n1\n2\n")
    size = len(client.get("/data").content)
    for _ in range(2):
        client.get("/data?format=csv")
    client.head("/data")
    client.get("/query?q=DROP")
    client.get("/nothing/at/all")
    client.get("/nothing")
    assert client.metric("finsync_requests_total", route="/data", status="200") == 4
    assert client.metric("finsync_requests_total", route="/query", status="400") == 1
    assert client.metric("finsync_requests_total", route="other", status="404") == 2
    assert client.metric("finsync_rows_total", format="csv") == 4
    assert (
        client.metric("finsync_rows_total", format="json"),
        client.metric("finsync_bytes_total", format="json"),
    ) == (2, size)
    assert client.metric("finsync_kept_answers_total", **{"from": "made"}) == 3  # JSON, CSV, and what failed
    assert client.metric("finsync_kept_answers_total", **{"from": "kept"}) == 2
    assert client.metric("finsync_request_seconds_count", route="/data") == 4
    assert (client.metric("finsync_table_rows"), client.metric("finsync_queries_running")) == (2, 0)
    assert client.metric("process_resident_memory_bytes") > 10 << 20
    names = {name for name, _, _ in client.samples()}
    assert names >= {"finsync_versions_published", "finsync_versions_refused", "finsync_queries_waiting"}
    assert client.get("/metrics").headers["Content-Type"].startswith("text/plain")


# The service's description of itself


def test_the_schema_has_columns_formats_functions_and_limits(client):
    body = client.get("/schema").json()
    assert body == {
        "service": "pnl",
        "table": "pnl",
        "columns": [{"name": name, "kind": "text"} for name in ("Company Name", "Period Ended", "Total Revenue")],
        "period_column": "Period Ended",
        "indexes": [["Period Ended"]],
        "row_count": 3,
        "data_version": client.table.current.version,
        "formats": FORMATS,
        "functions": sorted(FUNCTIONS),
        "limits": {name: value for name, value, _ in Limits().describe()},
    }


def test_every_function_of_the_schema_is_allowed(client):
    for name in client.get("/schema").json()["functions"]:
        codes = set()
        for arguments in ("1", "1, 1", "'%s', 1, 1", "", "1, 1, 1"):
            for over in ("", " OVER ()"):
                response = client.post(f"SELECT {name}({arguments}){over} FROM pnl")
                codes.add(response.status_code)
                assert response.status_code == 200 or response.json()["code"] == "sql-invalid", response.text
        assert 200 in codes, name


def test_the_version_names_table_columns_and_periods(client):
    response = client.get("/version").json()
    hashes = [period.pop("content_hash") for period in response["periods"]]
    assert response == {
        "service": "pnl",
        "table": "pnl",
        "columns": ["Company Name", "Period Ended", "Total Revenue"],
        "period_column": "Period Ended",
        "data_version": client.table.current.version,
        "row_count": 3,
        "periods": [
            {"period": "December 31, 2009", "row_count": 2},
            {"period": "June 30, 2009", "row_count": 1},
        ],
    }
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in [*hashes, response["data_version"]])


def test_without_a_period_column_the_periods_are_null(serve):
    response = serve("tax.csv", "a\n1\n").get("/version").json()
    assert (response["period_column"], response["periods"], response["row_count"]) == (None, None, 1)


def test_periods_of_any_kind_are_reported(serve):
    client = serve("x.jsonl", '{"p": 2012}\n{"p": 2012.5}\n{"p": "2012"}\n{"p": null}\n{"p": ""}\n{"p": 1e308}', "p")
    assert [each["period"] for each in client.get("/version").json()["periods"]] == [
        None,
        2012.5,
        1e308,
        2012,
        "",
        "2012",
    ]


def test_a_running_service_is_healthy_and_ready(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {
        "status": "ready",
        "data_version": client.table.current.version,
        "refusal": None,
    }


def test_the_openapi_document_has_every_route_and_problem(client, hostile):
    for each in (client, hostile):
        document = each.get("/openapi.json").json()
        loaded = load_openapi(each.url + "/openapi.json")
        assert loaded.validate() is None
        assert document["openapi"] == "3.1.0"
        assert document["paths"].keys() == {path.partition("?")[0] for path in PATHS}
        operations = {
            (method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        assert operations.keys() == {(method, path) for path in document["paths"] for method in ("GET", "HEAD")} | {
            ("POST", "/query")
        }
        statuses = {int(status) for operation in operations.values() for status in operation["responses"]}
        assert statuses >= {200, 304, 400, 401, 405, 410, 413, 415, 421, 429, 500, 503, 504}
        assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(PROBLEM_TYPES)
        assert operations["GET", "/data"]["responses"]["200"]["content"].keys() == set(FORMATS.values())


def test_the_openapi_document_names_the_columns(hostile):
    document = hostile.get("/openapi.json").json()
    parameters = {each["name"]: each for each in document["paths"]["/data"]["get"]["parameters"] if "name" in each}
    assert {f"filter.{name}" for name in HOSTILE} <= parameters.keys()
    assert parameters["column"]["schema"] == {"$ref": "#/components/schemas/Columns"}
    assert document["components"]["schemas"]["Columns"]["items"]["enum"] == HOSTILE


# The page


class Page(HTMLParser):
    """The tags of a page with their attributes, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_names_table_columns_formats_functions_limits_and_problems(client):
    response = client.get("/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    page = Page(response.text)
    text = " ".join(" ".join(page.texts).split())
    assert "3 rows in 3 columns" in text
    named = [
        *FORMATS,
        *FORMATS.values(),
        *FUNCTIONS,
        *PROBLEM_TYPES,
        "Company Name",
        "Total Revenue",
        "Period Ended (period)",
    ]
    for name in named:
        assert name in text, name
    for name, value, sentence in Limits().describe():
        assert name in text
        assert f"{value:,}" in text
        assert sentence in text
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert set(PROBLEM_TYPES) <= anchors, "the type of a problem is an anchor on the page"


@pytest.mark.parametrize("which", ["client", "hostile"])
def test_every_link_of_the_page_works(which, request):
    client = request.getfixturevalue(which)
    addresses = [attributes["href"] for tag, attributes in Page(client.get("/").text).tags if tag == "a"]
    assert len(addresses) >= 8
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_the_page_may_load_nothing_and_only_its_own_style_is_allowed(client):
    response = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    styles = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert len(styles) == 1
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    page = Page(response.text)
    assert {"script", "img", "link", "iframe", "object"}.isdisjoint(tag for tag, _ in page.tags)
    assert not [
        name for _, attributes in page.tags for name in attributes if name.startswith("on") or name in ("style", "src")
    ]
    form = next(attributes for tag, attributes in page.tags if tag == "form")
    assert (form["action"], form.get("method", "get")) == ("/query", "get")


def test_names_of_columns_are_only_text_on_the_page(hostile, client):
    text = hostile.get("/").text
    page, harmless = Page(text), Page(client.get("/").text)
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in harmless.tags}
    assert text.count("<style>") == text.count("</style>") == 1
    for name in HOSTILE:
        assert any(name in part for part in page.texts), name
    assert "49" not in [part.strip() for part in page.texts]
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
