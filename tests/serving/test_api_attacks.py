"""Requests, clients and releases that are not as they should be: refused or answered, and nothing else fails."""

import json
import socket

import pyarrow.parquet as pq
import pytest
from serving.conftest import check_problem, queried, serving
from serving.test_api_answers import publish_copy

from finsync_pipeline.serving import gate


@pytest.fixture
def of_home(worked):
    made = queried(worked.home, worked.folder / "companies.csv")
    return lambda: made


@pytest.fixture
def current(worked):
    """The folder of the current release, in which files may be changed."""
    folder = (worked.published / "current").resolve()
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


@pytest.mark.parametrize(
    "path", ["/releases", "/releases/current", "/companies/A1", "/items", "/freshness", "/problems", ""]
)
def test_a_parameter_that_a_route_does_not_have_is_refused_by_every_route(api, path):
    assert "release" in check_problem(api.get(f"{path}?release=1999"), 400, "invalid-parameter")["detail"]


def test_a_parameter_of_one_value_is_refused_twice_and_a_format_where_there_is_one(api):
    for path in (
        "/facts?limit=1&limit=2",
        "/trace?company_id=A1&company_id=G1&item=revenue",
        "/screen?months=3&months=12",
    ):
        assert "more than once" in check_problem(api.get(path), 400, "invalid-parameter")["detail"]
    assert api.json("/facts?item=revenue&item=cash&columns=item&columns=value")["row_count"] > 0
    check_problem(api.get("/trace?company_id=A1&item=revenue&format=csv"), 400, "invalid-parameter")
    answer = sent(api, "GET /api/v1/facts HTTP/1.1", "Accept: image/png", "Accept: text/csv")
    assert b"\r\ncontent-type: text/csv" in answer.lower()


BODIES = [
    ("/screen", '{"screen": {"fiscal_years": [999999999999999999999999999999]}}', "fiscal_years"),
    ("/screen", '{"screen": {"fiscal_years": [1e400]}}', "fiscal_years"),
    ("/screen", '{"screen": {"where": [{"item": "\\ud800", "op": ">", "value": 1}]}}', "item"),
    ("/screen", '{"screen": {"where": [{"item": "revenue", "op": "\\ud800", "value": 1}]}}', "op"),
    ("/query", '{"release": "current", "request": {"view": "\\ud800"}}', "view"),
    ("/query", '{"release": "current", "request": {"items": ["\\ud800"]}}', "items"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "named"), BODIES)
def test_a_body_with_what_no_answer_can_repeat_is_refused(api, path, body, named):
    response = api.request("POST", path, data=body, headers={"Content-Type": "application/json"})
    assert named in check_problem(response, 400, response.json()["code"])["detail"]


def test_a_body_of_another_type_is_refused_and_a_post_has_no_entity_tag(api):
    body = '{"q": "SELECT 1 FROM facts LIMIT 1", "release": "current"}'
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = api.request("POST", "/query", data=body, headers={"Content-Type": media_type})
        check_problem(response, 415, "media-type")
    headers = {"Content-Type": "application/json; charset=utf-8", "If-None-Match": "*"}
    response = api.request("POST", "/query", data=body, headers=headers)
    assert (response.status_code, "ETag" in response.headers) == (200, False)


@pytest.mark.parametrize(
    "day", ["DATE '20000-01-01'", "'infinity'::DATE", "TIMESTAMP '290000-01-01'", "[DATE '-9-01-01']"]
)
def test_days_that_json_cannot_have_are_refused_and_parquet_has_them(api, day):
    asked = {"q": f"SELECT {day} AS far FROM facts LIMIT 1", "release": "current"}
    assert "far" in check_problem(api.get("/query", params=asked), 400, "query-invalid")["detail"]
    assert api.get("/query", params={**asked, "format": "parquet"}).status_code == 200


def test_a_websocket_and_odd_proxies_and_methods_are_no_failures(api):
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    assert sent(api, "GET /api/v1/items HTTP/1.1", *upgrade, key).startswith(b"HTTP/1.1 403")
    for client in ("x:y", "[::1]:80", "fe80::1%eth0", "unknown", "é", ":" * 9_000):
        assert api.get("/items", headers={"X-Forwarded-For": client.encode()}).status_code == 200, client
    for n in range(20):
        api.request(f"ODD{n}", "/items")
    assert 'method="ODD' not in api.get("//metrics").text


def test_clients_that_do_not_send_their_body_do_not_keep_others_out(of_home, monkeypatch):
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.3)
    with serving(of_home, requests_at_once=2) as client:
        begun = ["POST /api/v1/query HTTP/1.1", "Content-Type: application/json", "Content-Length: 99"]
        assert sent(client, *begun).startswith(b"HTTP/1.1 408")
        assert client.get("/items").status_code == 200


def sent(client, *lines: str) -> bytes:
    """The response to these lines of a request, whose body does not come."""
    host, port = client.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "Host: localhost", "", ""]).encode())
        return connection.recv(100_000)


def test_pages_of_companies_lead_to_every_company_whatever_its_id(worked):
    ids = ["A&B=1", "C#1", "D 1", "É+%"]
    listed = worked.folder / "odd.csv"
    listed.write_text("company_id,name\n" + "".join(f"{each},Company {n}\n" for n, each in enumerate(ids)))
    made = queried(worked.home, listed)
    with serving(lambda: made) as client:
        page, found = client.json("/companies", limit=2), []
        while True:
            found += [each["company_id"] for each in page["companies"]]
            if page["next"] is None:
                break
            page = client.follow(page["next"])
            assert page["companies"]
    assert found == sorted(ids)


def test_pages_and_tags_of_differences_are_of_the_same_two_releases(worked, of_home, current):
    first = publish_copy(current, "29990101T000000Z")
    pq.write_table(pq.read_table(first / "facts.parquet").slice(2), rewritable(first / "facts.parquet"))
    path = "/releases/current/differences"
    with serving(of_home) as client:
        asked = {"against": current.name, "limit": 1}
        before = client.get(path, params=asked)
        assert before.json()["row_count"] == 1
        publish_copy(current, "29990102T000000Z")  # the same facts as in the first release
        after = client.get(path, params=asked, headers={"If-None-Match": before.headers["ETag"]})
        assert (after.status_code, after.json()["rows"]) == (200, [])
        following = client.follow(before.json()["next"])
        assert (following["release"], following["against"], following["row_count"]) == (first.name, current.name, 1)
        assert client.get(path, params=asked).headers["Cache-Control"] == "private, no-cache"


def rewritable(file):
    file.chmod(0o644)
    return file


def test_releases_are_listed_although_one_is_damaged_and_its_folder_stays_unknown(worked, of_home, current):
    damaged = publish_copy(current, "20000101T000000Z")
    publish_copy(current, "29990101T000000Z")
    for text in ("", "[]", '{"csv": "x.csv"}'):
        rewritable(damaged / "manifest.json").write_text(text)
        with serving(of_home) as client:
            names = [each["name"] for each in client.json("/releases")["releases"]]
            assert set(names) >= {"29990101T000000Z", current.name}
            problem = check_problem(client.get(f"/releases/{damaged.name}"), 503, "not-usable")
            assert str(worked.home) not in json.dumps(problem)


READ = [
    "/facts",
    "/periods",
    "/screen",
    "/companies/A1/statements",
    "/companies/A1/statements?source=pnl",
    "/releases/current/differences?against=current",
    "/trace?company_id=A1&item=revenue&period_end=2009-09-30",
]
"""What the tables of a release are read for."""


@pytest.mark.parametrize("table", ["facts", "financials", "agreement", "history"])
def test_a_release_whose_files_are_damaged_is_not_usable_and_never_fails(of_home, current, table):
    file = current / f"{table}.parquet"
    content = bytearray(file.read_bytes())
    content[4:-8:5] = bytes(len(content[4:-8:5]))  # also the description of its columns, not its length
    file.write_bytes(content)
    with serving(of_home) as client:
        for path in (*READ, "/as-of?day=2999-01-01", "/query?release=current&q=SELECT+*+FROM+facts"):
            response = client.get(path)
            assert response.status_code in (200, 503), (path, response.text)
            if response.status_code == 503:
                check_problem(response, 503, "not-usable")
    file.unlink()
    with serving(of_home) as client:
        check_problem(client.get(f"/releases/current/files/{file.name}"), 503, "not-usable")


LATER = {
    "agreement": ["used_sources", "rule"],
    "rejects": ["other_row_key", "other_raw_text"],
    "facts": ["known_since", "first_seen"],
    "financials": ["disputed", "withheld", "goodwill", "goodwill_sources"],
    "company_summary": ["goodwill", "goodwill_n"],
}
"""Columns that earlier versions did not make."""


def test_a_release_of_an_earlier_version_has_all_but_what_it_lacks(of_home, current):
    for table, columns in LATER.items():
        file = current / f"{table}.parquet"
        pq.write_table(pq.read_table(file).drop_columns(columns), file)
    with serving(of_home) as client:
        assert "rule" not in client.json("/agreement")["rows"][0]
        for filter_ in ("/agreement?rule=mean", "/rejects?other_row_key=1"):
            check_problem(client.get(filter_), 400, "query-invalid")
        assert client.json("/screen", where="goodwill is null", where_periods="goodwill is null")["row_count"] > 0
        rows = client.json("/companies/A1/statements?derived=formula")["rows"]
        assert {row["items"]["goodwill"] for row in rows} == {None}
        found = client.json("/trace?company_id=A1&item=revenue&period_end=2009-09-30")["cells"][0]
        assert (found["value"], found["facts"][0]["first_seen"]) == (1_000_000, None)
        assert client.get("/trace?company_id=A1&item=revenue").status_code == 200
    for table in ("financials", "facts", "company_summary"):
        (current / f"{table}.parquet").unlink()
        with serving(of_home) as client:
            for path in READ:
                response = client.get(path)
                assert response.status_code == 200 or check_problem(response, 404, "not-found"), path


def test_without_a_current_release_the_others_and_the_companies_are_there(worked, of_home, current):
    (worked.published / "current").unlink()
    with serving(of_home) as client:
        check_problem(client.get("/facts"), 503, "no-release")
        assert client.get("/facts", params={"release": current.name}).status_code == 200
        assert client.json("/companies", q="acme")["resolution"]["company_id"] == "A1"
        (worked.published / "current").symlink_to("20010101T000000Z")
        assert client.json("/companies/A1")["release"] is None
