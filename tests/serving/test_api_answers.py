"""Answers of the API: formats, pages, entity tags, and one release for each answer, whatever is published meanwhile."""

import csv
import io
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from serving.conftest import check_problem, queried, serving

from finsync_pipeline.publishing.release import remove_release
from finsync_pipeline.serving.listings import LISTINGS

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


def table_of(response) -> list[dict]:
    """The rows of a response in another format than JSON; of CSV as texts."""
    content = response.content
    match response.headers["Content-Type"]:
        case "application/vnd.apache.parquet":
            return pq.read_table(pa.BufferReader(content)).to_pylist()
        case "application/vnd.apache.arrow.stream":
            return pa.ipc.open_stream(content).read_all().to_pylist()
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.parametrize("name", LISTINGS)
def test_every_format_of_a_listing_has_the_rows_of_the_table(api, released, name):
    stored = pq.read_table(released.published / "current" / f"{LISTINGS[name].table.name}.parquet").to_pylist()
    expected = api.json(f"/{name}", limit=10_000)["rows"]
    if LISTINGS[name].condition == "true":
        assert expected == json.loads(json.dumps(stored, default=str))
    for format_, media_type in FORMATS.items():
        response = api.get(f"/{name}", params={"limit": 10_000, "format": format_})
        assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
        assert int(response.headers["X-Row-Count"]) == len(expected)
        rows = table_of(response)
        if format_ == "csv":
            assert [list(row) for row in rows] == [list(row) for row in expected]
        else:
            assert json.loads(json.dumps(rows, default=str)) == expected


def test_the_header_accept_chooses_the_format_and_the_parameter_wins(api):
    for accept, media_type in {
        "text/csv": "text/csv; charset=utf-8",
        "text/html, */*;q=0.1": "application/json",
        "application/*;q=0.5, text/csv": "text/csv; charset=utf-8",
        "": "application/json",
    }.items():
        assert api.get("/facts", headers={"Accept": accept}).headers["Content-Type"] == media_type
    response = api.get("/facts", params={"format": "csv"}, headers={"Accept": "application/json"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    check_problem(api.get("/facts", headers={"Accept": "image/png"}), 406, "not-acceptable")


@pytest.mark.parametrize("limit", [1, 3, 7, 10_000])
@pytest.mark.parametrize("name", ["facts", "periods", "grades", "disputes"])
def test_pages_have_every_row_once_and_in_order(api, name, limit):
    whole = api.json(f"/{name}", limit=10_000)["rows"]
    page = api.json(f"/{name}", limit=limit)
    rows = page["rows"]
    while page["next"]:
        assert page["row_count"] == limit
        page = api.follow(page["next"])
        rows += page["rows"]
    assert rows == whole


def test_the_link_to_the_next_page_is_in_every_format(api):
    for format_ in ("json", *FORMATS):
        response = api.get("/facts", params={"limit": 2, "format": format_, "item": "revenue"})
        address = response.links["next"]["url"]
        following = api.session.get(api.url + address)
        assert following.status_code == 200
        assert following.headers["Content-Type"] == response.headers["Content-Type"]
        assert "next" not in following.links


def test_a_formula_in_a_text_is_no_formula_in_csv(api):
    assert "=" not in {text[:1] for row in table_of(api.get("/rejects?format=csv")) for text in row.values()}


def test_an_entity_tag_spares_the_answer(api, release_name):
    for path in ("/facts?item=revenue", "/companies/A1/statements", "/releases", "/items", "/screen?order_by=cash"):
        first = api.get(path)
        again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        other = api.get(path, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)
    current, named = api.get("/facts"), api.get("/facts", params={"release": release_name})
    assert current.json()["rows"] == named.json()["rows"]
    assert (current.headers["Cache-Control"], named.headers["Cache-Control"]) == (
        "private, no-cache",
        "private, max-age=31536000, immutable",
    )
    tags = {api.get("/facts", params=each).headers["ETag"] for each in ({}, {"limit": 1}, {"format": "csv"})}
    assert len(tags) == 3


def test_head_has_the_headers_of_get_and_no_body(api):
    for path in ("/facts", "/companies/A1", "/query?release=current&q=SELECT+1+FROM+facts", "//health", "/nothing"):
        got, head = api.get(path), api.request("HEAD", path)
        assert head.content == b""
        assert head.status_code == got.status_code
        same = {"Content-Type", "Content-Length", "ETag", "FinSync-Release"} & got.headers.keys()
        assert {name: head.headers[name] for name in same} == {name: got.headers[name] for name in same}


def test_a_file_of_a_release_comes_byte_by_byte(api, released, release_name):
    files = api.json("/releases/current")["files"]
    assert len(files) > 10
    for name in files:
        response = api.get(f"/releases/{release_name}/files/{name}")
        assert response.content == (released.published / "current" / name).read_bytes()
        assert response.headers["ETag"] == f'"{files[name]["sha256"]}"'
    for name in ("..%2Fmanifest.json", "%2Fetc%2Fpasswd", "manifest.json"):
        check_problem(api.get(f"/releases/{release_name}/files/{name}"), 404, "not-found")


def test_post_takes_typed_requests_and_long_sql(api):
    asked = {"view": "financials", "items": ["revenue"], "companies": ["G1"], "months": 12}
    body = {"release": "current", "request": asked}
    rows = api.request("POST", "/query", json=body).json()["rows"]
    assert [row["revenue"] for row in rows] == [7_000_000]
    sql = f"SELECT count(*) AS n FROM facts WHERE row_key IN ({', '.join(repr(f'key {n}') for n in range(2_000))})"
    assert api.request("POST", "/query", json={"release": "current", "q": sql}).json()["rows"] == [{"n": 0}]
    for wrong in ({}, {"q": "SELECT 1", "request": asked}, {"request": {"view": "nothing"}}, {"query": "SELECT 1"}):
        response = api.request("POST", "/query", json=wrong)
        check_problem(response, 400, response.json()["code"])
    check_problem(api.request("POST", "/query", data="q=SELECT 1"), 415, "media-type")
    check_problem(api.request("POST", "/query", data=b"x" * 300_000), 413, "too-large")
    screen = {"where": [{"item": "revenue", "op": "between", "value": [1e6, 2e6]}], "order_by": "revenue"}
    found = api.request("POST", "/screen", json={"screen": screen}).json()
    assert [row["company_id"] for row in found["rows"]] == ["A1"]


def test_a_query_answers_in_every_format_also_with_types_that_json_lacks(api):
    cells = "1::HUGEINT AS n, 'é' AS t, DATE '2009-12-31' AS d, [1, 2] AS l, NULL AS x, 0.1::DECIMAL(9, 2) AS m"
    sql = f"SELECT {cells} FROM facts LIMIT 1"
    for format_ in ("json", *FORMATS):
        response = api.get("/query", params={"q": sql, "release": "current", "format": format_})
        assert response.status_code == 200, response.text
    [row] = api.json("/query", q=sql, release="current")["rows"]
    assert (row["t"], row["d"], row["l"], row["x"]) == ("é", "2009-12-31", [1, 2], None)
    infinite = api.json("/query", q="SELECT 'inf'::DOUBLE AS i FROM facts LIMIT 1", release="current")["rows"]
    assert infinite == [{"i": "inf"}]


def test_live_queries_ask_the_sources_and_show_the_plan(again):
    of_home = queried_now(again)
    sql = "SELECT company_id, revenue FROM income_statement WHERE company_id = 'G1' AND revenue IS NOT NULL"
    with serving(lambda: of_home) as client:
        found = client.json("/query", q=sql)
        assert (found["rows"], found["release"]) == ([{"company_id": "G1", "revenue": 7_000_000.0}], None)
        plan = client.json("/plan", q=sql)
        assert "pnl" in json.dumps(plan)
        assert "SELECT" in json.dumps(plan)


def test_a_source_that_does_not_respond_is_a_problem_and_partial_names_it(worked):
    of_home = queried_now(worked)
    sql = "SELECT source, revenue FROM income_statement"
    with serving(lambda: of_home) as client:
        problem = check_problem(client.get("/query", params={"q": sql}), 503, "source-failed")
        assert "python -m source_services" in problem["detail"]


def test_without_a_release_the_api_is_not_ready_and_says_why(deployment):
    of_home = queried_now(deployment)
    with serving(lambda: of_home) as client:
        assert client.get("//health").status_code == 200
        for path in ("//ready", "/facts", "/releases/current"):
            check_problem(client.get(path), 503, "no-release")
        assert client.json("/releases") == {"releases": []}
        assert client.json("/companies", q="acme")["resolution"]["company_id"] == "A1"


def test_every_answer_is_of_one_release_while_another_is_published(worked):
    published = worked.published
    first = (published / "current").resolve()
    of_home = queried_now(worked)
    with serving(lambda: of_home) as client, ThreadPoolExecutor(4) as threads:
        seen = []

        def ask(_: int) -> None:
            for _ in range(10):
                response = client.get("/facts", params={"limit": 5})
                assert response.json()["release"] == response.headers["FinSync-Release"]
                seen.append(response.headers["FinSync-Release"])

        asking = [threads.submit(ask, n) for n in range(4)]
        second = publish_copy(first, "29990101T000000Z")
        for each in asking:
            each.result()
        assert client.get("/facts").headers["FinSync-Release"] == second.name
        assert set(seen) <= {first.name, second.name}
        page = client.json("/facts", limit=1, release=first.name[:8])
        assert page["release"] == first.name
        assert client.follow(page["next"])["release"] == first.name


def test_a_release_that_was_removed_or_damaged_is_said_and_the_current_one_is_served(worked):
    first = (worked.published / "current").resolve()
    second = publish_copy(first, "29990101T000000Z")
    of_home = queried_now(worked)
    with serving(lambda: of_home) as client:
        remove_release(first)
        check_problem(client.get("/facts", params={"release": first.name}), 404, "not-found")
        assert client.json("/facts")["release"] == second.name
    with serving(lambda: of_home) as client:
        second.chmod(0o755)
        (second / "facts.parquet").chmod(0o644)
        (second / "facts.parquet").write_bytes(b"PAR1 no more")
        check_problem(client.get("/facts"), 503, "not-usable")


def publish_copy(release, name):
    """Another release of the same tables, which is current from now on."""
    copy = release.with_name(name)
    shutil.copytree(release, copy)
    copy.chmod(0o755)
    manifest = copy / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace(f'"release": "{release.name}"', f'"release": "{name}"'))
    beside = release.parent / ".current-new"
    beside.symlink_to(name)
    beside.replace(release.parent / "current")
    return copy


def queried_now(deployment):
    """The deployment with the addresses that the test has set."""
    return queried(deployment.home, deployment.folder / "companies.csv")
