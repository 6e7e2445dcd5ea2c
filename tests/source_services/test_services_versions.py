"""A newer data file is served soon, whole or not at all, and no response mixes two versions."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_services import WAIT_SECONDS, started
from service_client import check_complete, check_problem, clients_of, json_lines, result_of, until

from source_services.query.connection import GuardedConnection
from source_services.served_table import ServedTable
from source_services.settings import Limits, Service

LOOK = 0.05
ROWS = 500
KINDS = ("page", "arrow", "csv", "query", "version")
"""The kinds of responses that are checked under load."""


def lines(version, rows=ROWS, **more):
    """A data file each of whose rows carries the version's number."""
    return json_lines({"n": n, "version": version, "text": f"é{n}", **more} for n in range(rows))


@pytest.fixture
def publish(tmp_path):
    """Publish content as the data file of the service, by renaming it over the old one."""

    def rename_over(content, name="numbers.jsonl"):
        new = tmp_path / "data" / f"{name}.new"
        new.write_bytes(content if isinstance(content, bytes) else content.encode())
        new.replace(tmp_path / "data" / name)

    return rename_over


def wait_for_looks(table, count):
    """Wait until the service has looked at its data file this number of times more."""
    look, looks = table.look, []

    async def counted_look():
        await look()
        looks.append(1)

    table.look = counted_look
    until(lambda: len(looks) >= count)
    table.look = look


@pytest.fixture
def client(serve):
    return serve("numbers.jsonl", lines(1), "version", look_seconds=LOOK, requests_per_minute=10_000_000)


def version(client):
    """The number of the version that is served now."""
    return client.rows("SELECT DISTINCT version FROM numbers")[0][0]


def test_a_newer_file_is_served_soon_by_every_route(client, publish):
    before = {
        path: client.get(path) for path in ("/version", "/schema", "/data", "/data?format=arrow", "/openapi.json", "/")
    }
    publish(lines(2, 7, more=0.5))
    until(lambda: version(client) == 2)
    after = {path: client.get(path) for path in before}
    for path, old in before.items():
        assert after[path].headers["X-Data-Version"] != old.headers["X-Data-Version"]
        assert after[path].headers["ETag"] != old.headers["ETag"]
        assert client.get(path, headers={"If-None-Match": old.headers["ETag"]}).status_code == 200
        assert client.get(path, headers={"If-None-Match": after[path].headers["ETag"]}).status_code == 304
    new_version = after["/version"].json()
    assert (new_version["row_count"], [each["period"] for each in new_version["periods"]]) == (7, [2])
    assert (
        new_version["data_version"]
        == after["/"].headers["X-Data-Version"]
        == client.get("/ready").json()["data_version"]
    )
    assert [column["name"] for column in after["/schema"].json()["columns"]] == ["n", "version", "text", "more"]
    assert result_of(after["/data?format=arrow"]) == (
        ["n", "version", "text", "more"],
        [[n, 2, f"é{n}", 0.5] for n in range(7)],
    )
    assert "filter.more" in after["/openapi.json"].text
    assert "7 rows in 4 columns" in " ".join(after["/"].text.split())
    assert client.metric("finsync_versions_published") == 1
    assert client.metric("finsync_table_rows") == 7


def test_only_the_files_of_the_version_that_is_served_are_kept(client, publish, tmp_path):
    for number in (2, 3):
        publish(lines(number))
        until(lambda number=number: version(client) == number)
    stem = f"numbers-{client.get('/version').json()['data_version'][:16]}"
    assert sorted(path.name for path in (tmp_path / "data" / "databases").iterdir()) == [
        f"{stem}.arrow",
        f"{stem}.sqlite",
    ]


def test_a_page_token_of_an_old_version_gets_410_and_one_of_the_new_version_works(client, publish):
    token = client.get("/data?limit=100").json()["next"]
    assert client.get(f"/data?limit=100&next={token}").status_code == 200
    publish(lines(2))
    until(lambda: version(client) == 2)
    for format_ in ("json", "arrow", "csv"):
        detail = check_problem(client.get(f"/data?next={token}&format={format_}"), 410, "version-gone")["detail"]
        assert "start again" in detail
    assert [row for page in client.pages(limit=100) for row in result_of(page)[1]] == [
        [n, 2, f"é{n}"] for n in range(ROWS)
    ]


def test_a_running_query_ends_on_the_version_that_it_began_on(serve, publish, monkeypatch):
    client = serve("numbers.jsonl", lines(1), "version", look_seconds=LOOK, query_seconds=600)
    select, is_published = GuardedConnection.select, threading.Event()

    def select_and_wait(connection, sql, parameters):
        selection = select(connection, sql, parameters)
        if "n > -1" in sql:
            is_published.wait(WAIT_SECONDS)
        return selection

    monkeypatch.setattr(GuardedConnection, "select", select_and_wait)
    with ThreadPoolExecutor(1) as threads:
        old = threads.submit(client.post, "SELECT version, n FROM numbers WHERE n > -1")
        until(lambda: client.metric("finsync_queries_running") == 1)
        publish(lines(2))
        until(lambda: client.get("/version").json()["periods"][0]["period"] == 2)
        is_published.set()
        response = old.result()
    assert result_of(response)[1] == [[1, n] for n in range(ROWS)]
    assert response.headers["X-Data-Version"] != client.get("/version").headers["X-Data-Version"]
    assert version(client) == 2


def test_a_response_that_is_being_sent_is_of_one_version_though_its_file_is_removed(serve, publish):
    client = serve("numbers.jsonl", lines(1, 150_000), look_seconds=LOOK)
    whole = client.get("/data?format=arrow").content
    assert len(whole) > 3 << 20
    with client.connect() as connection:
        connection.sendall(b"GET /data?format=arrow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = connection.recv(1_000)
        publish(lines(2, 10))
        until(lambda: version(client) == 2)
        received += b"".join(iter(lambda: connection.recv(1 << 20), b""))
    assert received.partition(b"\r\n\r\n")[2] == whole


def test_the_same_content_in_a_new_file_changes_nothing(client, publish, caplog):
    before = client.get("/data")
    caplog.set_level("INFO", "source_services")
    publish("".join(reversed(lines(1).splitlines(keepends=True))))
    until(lambda: "the new data file has the same contents" in caplog.text)
    assert client.get("/data", headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    assert client.get("/data").content == before.content
    assert client.metric("finsync_versions_published") == 0
    assert result_of(client.get("/data?format=arrow"))[1] == result_of(before)[1]
    # And the files of the version that is served are still there for the next ones
    publish(lines(2))
    until(lambda: version(client) == 2)


BROKEN = {
    "not JSON": (b"{", "cannot be read as a JSON object"),
    "cut short": (lines(2).encode()[:-20], "cannot be read as a JSON object"),
    "empty": (b"", "contains no values"),
    "not UTF-8": (b'{"version": "\xff"}\n', "is not UTF-8 text"),
    "without the period column": (b'{"n": 1}\n', "has no column 'version'"),
    "too wide": (
        ("{" + ", ".join(f'"c{n}": 1' for n in range(3_000)) + ', "version": 1}').encode(),
        "more than 2,000 columns",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_invalid_file_changes_nothing_but_ready_and_the_next_valid_one_is_served(client, publish, caplog, name):
    content, message = BROKEN[name]
    before = client.get("/data")
    publish(content)
    until(lambda: client.metric("finsync_versions_refused") == 1)
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["data_version"] == before.headers["X-Data-Version"]
    assert "could not be loaded" in ready.json()["refusal"]
    assert message in caplog.text
    for fragment in ("data/", "numbers.jsonl", message):
        assert fragment not in ready.text
    assert client.get("/data").content == before.content
    wait_for_looks(client.table, 4)
    assert client.metric("finsync_versions_refused") == 1, "what was start_error is not loaded again"
    publish(lines(3))
    until(lambda: version(client) == 3)
    assert client.get("/ready").json()["refusal"] is None
    assert client.metric("finsync_versions_published") == 1
    assert client.metric("finsync_versions_refused") == 1


def test_a_removed_file_changes_nothing(client, publish, tmp_path):
    (tmp_path / "data" / "numbers.jsonl").unlink()
    wait_for_looks(client.table, 4)
    assert version(client) == 1
    assert client.get("/ready").status_code == 200
    publish(lines(2))
    until(lambda: version(client) == 2)


def test_a_file_that_is_written_slowly_in_its_place_is_not_served_before_it_is_complete(write, tmp_path):
    data_file = write("numbers.jsonl", lines(1))
    table = ServedTable(Service("numbers", 0, "version"), data_file, tmp_path / "databases", Limits())

    async def write_slowly():
        with data_file.open("w") as file:
            for line in lines(2).splitlines(keepends=True)[:: ROWS // 20]:
                file.write(line)
                file.flush()
                await table.look()
                assert table.current.metadata.row_count == ROWS
        await table.look()

    asyncio.run(write_slowly())
    assert [(each.period, each.row_count) for each in table.current.metadata.periods] == [(2, 20)]
    assert (table.published, table.rejected) == (1, 0)
    table.close()


def test_20_publications_under_load_give_every_caller_complete_responses_of_one_version(client, publish):
    is_over, errors, counts = threading.Event(), [], {}
    sizes = {number: 300 + 10 * number for number in range(1, 22)}
    publish(lines(1, sizes[1]))
    until(lambda: client.rows("SELECT count(*) FROM numbers") == [[sizes[1]]])

    def check(response, numbers, kind):
        check_complete(response)
        served = numbers_by_version.setdefault(response.headers["X-Data-Version"], numbers[0])
        if {served} != set(numbers):
            errors.append(f"{kind}: rows of {sorted(set(numbers))} in an response of version {served}")
        counts[kind] = counts.get(kind, 0) + 1

    numbers_by_version = {}

    def get_whole_table(format_):
        response = client.get(f"/data?format={format_}")
        rows = result_of(response)[1]
        check(response, [int(row[1]) for row in rows], format_)
        if [int(row[0]) for row in rows] != list(range(sizes[int(rows[0][1])])):
            errors.append(f"{format_}: {len(rows)} rows of version {rows[0][1]}")

    def get_pages():
        path, before = "/data?limit=100", None
        while path is not None:
            page = client.get(path)
            if page.status_code == 410:
                counts["gone"] = counts.get("gone", 0) + 1
                return
            rows = result_of(page)[1]
            check(page, [row[1] for row in rows], "page")
            if before is not None and before != (rows[0][1], rows[0][0] - 1):
                errors.append(f"page: after {before} comes {rows[0]}")
            before, path = (rows[-1][1], rows[-1][0]), page.links["next"]["url"] if "Link" in page.headers else None

    def run_query():
        response = client.post("SELECT version, count(*), min(n), max(n) FROM numbers GROUP BY version")
        rows = result_of(response)[1]
        check(response, [row[0] for row in rows], "query")
        if [row[1:] for row in rows] != [[sizes[rows[0][0]], 0, sizes[rows[0][0]] - 1]]:
            errors.append(f"query: {rows}")

    def get_version():
        response = client.get("/version")
        body = response.json()
        periods = [(each["period"], each["row_count"]) for each in body["periods"]]
        if periods != [(each, sizes[each]) for each, _ in periods] or len(periods) != 1:
            errors.append(f"version: {periods}")
        if body["data_version"] != response.headers["X-Data-Version"]:
            errors.append("version: its header has another one")
        counts["version"] = counts.get("version", 0) + 1

    def send_requests(*kinds):
        while not is_over.is_set():
            for kind in kinds:
                try:
                    kind()
                except Exception as error:
                    errors.append(repr(error))

    clients = [
        (get_pages,),
        (lambda: get_whole_table("arrow"),),
        (lambda: get_whole_table("csv"), get_version),
        (run_query, get_version),
    ]
    with ThreadPoolExecutor(len(clients)) as threads:
        for kinds in clients:
            threads.submit(send_requests, *kinds)
        try:
            for number in range(2, 22):
                publish(lines(number, sizes[number]))
                until(lambda number=number: client.get("/version").json()["periods"][0]["period"] == number)
                until(lambda number=number: all(counts.get(kind, 0) >= number - 1 for kind in KINDS) or errors)
        finally:
            is_over.set()
    assert errors == []
    assert min(counts[kind] for kind in KINDS) >= 20
    assert client.metric("finsync_versions_published") == 21
    assert client.metric("finsync_requests_total", status="500") == 0


def test_services_of_one_process_change_independently(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("pnl", "tax"):
        (folder / f"{name}.csv").write_text("Period Ended,version\nQ1,1\n")
    with started("--data", folder, "--base-port", 0, "--look-seconds", 0.05, count=4) as (process, lines):
        clients = clients_of(lines)
        (folder / "new").write_text("Period Ended,version\nQ1,2\nQ2,2\n")
        (folder / "new").replace(folder / "tax.csv")
        until(lambda: clients["tax"].rows("SELECT DISTINCT version FROM tax") == [["2"]])
        assert clients["pnl"].rows("SELECT DISTINCT version FROM pnl") == [["1"]]
        assert process.poll() is None
