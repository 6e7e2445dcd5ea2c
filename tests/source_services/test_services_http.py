"""Requests to a service: rows by page, column and filter, queries, and entity tags."""

import json
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_client import check_problem, digest, json_lines, result_of

ODD_NAMES = [
    "a b",
    'say "x"',
    "p.q",
    "a&b",
    "c+d",
    "é𝔘",
    "50%",
    "a=b",
    "_rowid",
    "filter.p.q",
    "#",
    "'; DROP",
    "[x]",
    "<b>",
]
ITEMS = ["revenue", "tax", None]


@pytest.fixture(scope="module")
def many(serve_to_module):
    """A service over 137 rows with items that repeat, and numbers that are sometimes missing."""
    rows = [
        {
            "id": number,
            "item": ITEMS[number % 3],
            "value": None if number % 7 == 0 else number / 2,
            "text": str(number % 5),
        }
        for number in range(137)
    ]
    client = serve_to_module("many.jsonl", json_lines(rows))
    client.given = [list(row.values()) for row in rows]
    return client


@pytest.fixture(scope="module")
def odd(serve_to_module):
    """A service over two rows, whose columns have odd names."""
    rows = [{name: f"of {name}" for name in ODD_NAMES}, dict.fromkeys(ODD_NAMES)]
    return serve_to_module("odd.jsonl", json_lines(rows))


# /data


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(9, 200),
    items=st.sets(st.sampled_from(["revenue", "tax", "no such item"])),
    missing=st.booleans(),
    columns=st.lists(st.sampled_from(["id", "item", "value", "text"]), unique=True),
)
def test_pages_of_any_size_together_have_all_rows_once_and_in_order(many, limit, items, missing, columns):
    request = {"filter.item": sorted(items), "missing": ["value"] if missing else [], "column": columns, "limit": limit}
    wanted = [row for row in many.given if (not items or row[1] in items) and (not missing or row[2] is None)]
    names = ["id", "item", "value", "text"]
    positions = [names.index(name) for name in columns or names]
    expected = [[row[position] for position in positions] for row in wanted]
    by_token = list(many.pages(**request))
    assert [row for page in by_token for row in result_of(page)[1]] == expected
    assert all(page.json()["columns"] == (columns or names) for page in by_token)
    assert [len(page.json()["rows"]) for page in by_token[:-1]] == [limit] * (len(by_token) - 1)

    by_link, address = [], "/data?" + urlencode(request, doseq=True)
    while address is not None:
        page = many.get(address)
        by_link += page.json()["rows"]
        address = next_address(page)
    assert by_link == expected
    assert result_of(many.get("/data", params={**request, "limit": [], "format": "arrow"}))[1] == expected


def next_address(page):
    """The address of the next page, by the Link header."""
    assert ("Link" in page.headers) == (page.json()["next"] is not None)
    return page.links["next"]["url"] if "Link" in page.headers else None


@pytest.mark.parametrize("format_", ["csv", "ndjson", "arrow", "parquet"])
def test_every_format_has_pages_and_is_complete_without_a_limit(many, format_):
    assert (
        result_of(many.get(f"/data?format={format_}"))[1] == result_of(many.get(f"/data?format={format_}&limit=137"))[1]
    )
    assert "Link" not in many.get(f"/data?format={format_}").headers
    address, rows = f"/data?format={format_}&limit=50", []
    while address is not None:
        page = many.get(address)
        rows += result_of(page)[1]
        address = page.links["next"]["url"] if "Link" in page.headers else None
    assert rows == result_of(many.get(f"/data?format={format_}"))[1]
    assert len(rows) == 137


def test_a_page_of_json_has_a_thousand_rows_by_default(serve):
    client = serve("x.csv", "n\n" + "".join(f"{number}\n" for number in range(1_001)))
    assert [len(result_of(page)[1]) for page in client.pages()] == [1_000, 1]
    assert result_of(client.get("/data?limit=1001"))[0] == ["n"]
    assert client.get("/data?limit=1001").json()["next"] is None


@pytest.mark.parametrize("columns", [1, 99, 100, 101, 500])
def test_tables_of_any_width_have_pages(serve, columns):
    client = serve(
        "wide.csv", ",".join(f"c{number}" for number in range(columns)) + "\n" + ",".join("1" * columns) + "\n"
    )
    assert result_of(client.get("/data"))[1] == [["1"] * columns]
    assert result_of(client.get("/query?q=SELECT+*+FROM+wide"))[1] == [["1"] * columns]
    every = "&".join(f"filter.c{number}=1" for number in range(columns))
    assert result_of(client.get(f"/data?{every}"))[1] == [["1"] * columns]
    assert result_of(client.get("/data?" + "&".join(f"missing=c{number}" for number in range(columns))))[1] == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_columns_of_any_name_are_chosen_filtered_and_missed_by_it(odd, name):
    assert result_of(odd.get("/data", params={"column": name})) == ([name], [[f"of {name}"], [None]])
    assert result_of(odd.get("/data", params={f"filter.{name}": f"of {name}", "column": name})) == (
        [name],
        [[f"of {name}"]],
    )
    assert result_of(odd.get("/data", params={"missing": name, "column": ["a b", name]}))[1] in (
        [[None, None]],
        [[None]],
    )
    page = odd.get("/data", params={"column": name, "limit": 1})
    assert result_of(odd.get(page.links["next"]["url"]))[1] == [[None]]


@pytest.mark.parametrize(
    ("request_", "ids"),
    [
        ("filter.id=7", [7]),
        ("filter.id=7.0", [7]),
        ("filter.id=7e0", [7]),
        ("filter.id=07", []),
        ("filter.id=%207", []),
        ("filter.id=", []),
        ("filter.id=9223372036854775808", []),
        ("filter.id=1e999", []),
        ("filter.id=" + "9" * 5_000, []),
        ("filter.id=7&filter.id=9", [7, 9]),
        ("filter.id=7&filter.id=7", [7]),
        ("filter.id=0&missing=value", [0]),
        ("missing=value&missing=item", [14, 35, 56, 77, 98, 119]),
        ("filter.value=0.5", [1]),
        ("filter.item=tax&filter.text=4&filter.id=4", [4]),
        ("filter.text=4&filter.item=TAX", []),
        ("filter.text=4%00", []),
        ("filter.text=%FF", []),
    ],
)
def test_a_filter_finds_the_rows_with_just_this_value_as_text_or_number(many, request_, ids):
    assert [row[0] for row in result_of(many.get(f"/data?{request_}"))[1]] == ids


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        *(
            (f"limit={text}", "is not a whole number from 1 to 10,000")
            for text in ("0", "10001", "-1", "ten", "", "1.5", "1_0")
        ),
        *((f"limit={text}", "is not a whole number") for text in ("%201", "1%20", "٣", "1e2", "9" * 5_000)),
        ("limit=1&limit=2", "limit is given twice"),
        ("format=json&format=csv", "format is given twice"),
        ("format=xml", "format is one of: json, ndjson, csv, arrow, parquet"),
        ("format=", "format is one of"),
        (
            "colour=red",
            "there is no parameter 'colour'; this route has: column, format, limit, missing, next, filter.<name>",
        ),
        ("Limit=1", "there is no parameter 'Limit'"),
        ("offset=1", "there is no parameter 'offset'"),
        ("=1", "there is no parameter ''"),
        ("filter.=1", "there is no parameter 'filter.'"),
        ("column=nothing", "there is no column 'nothing'; GET /schema lists the columns"),
        ("column=", "there is no column ''"),
        ("column=ID", "there is no column 'ID'"),
        ("column=_rowid_", "there is no column '_rowid_'"),
        ("filter.rowid=1", "there is no column 'rowid'"),
        ("missing=nothing", "there is no column 'nothing'"),
        ("missing=id%00", "there is no column"),
    ],
)
def test_an_invalid_request_to_data_gets_an_error_with_the_fix(many, request_, message):
    assert message in check_problem(many.get(f"/data?{request_}"), 400, "invalid-parameter")["detail"]


def tokens(client):
    """Tokens of other requests than /data?limit=10, and changed ones."""
    token = client.get("/data?limit=10").json()["next"]
    yield from (
        "",
        "x",
        "=",
        "a.b.c",
        "é",
        "%00",
        token + "x",
        token[:-4],
        token[1:],
        token.upper(),
        token[::-1],
        "9" * 3_000,
    )
    yield from (
        token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        for position in range(0, len(token), 5)
    )
    yield client.get("/data?limit=10&column=id").json()["next"]
    yield client.get("/data?limit=10&filter.item=tax").json()["next"]
    yield client.get("/data?limit=10&missing=item").json()["next"]


def test_a_changed_page_token_or_one_of_another_request_is_rejected(many):
    for token in tokens(many):
        response = many.get("/data", params={"limit": 10, "next": token})
        assert response.status_code in (400, 410), token
        check_problem(
            response, response.status_code, {400: "invalid-parameter", 410: "version-gone"}[response.status_code]
        )
    # A token is valid for pages of any size
    token = many.get("/data?limit=10").json()["next"]
    assert [row[0] for row in result_of(many.get(f"/data?limit=3&next={token}"))[1]] == [10, 11, 12]


# /query


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM pnl", [[3]]),
        ("SELECT count(*) FROM PNL", [[3]]),
        ("select COUNT(*) from main.pnl", [[3]]),
        ("/* all */ SELECT 1 -- one", [[1]]),
        ("SELECT 1;", [[1]]),
        ("  \n SELECT 1 ; ", [[1]]),
        ("VALUES (1), (2)", [[1], [2]]),
        ("WITH big AS (SELECT 1 UNION SELECT 2) SELECT count(*) FROM big", [[2]]),
        ("WITH a AS (SELECT * FROM pnl), b AS (SELECT count(*) AS n FROM a) SELECT n FROM b", [[3]]),
        ("WITH pnl AS (SELECT 1) SELECT count(*) FROM pnl", [[1]]),
        ("SELECT count(*) FROM (SELECT 1)", [[1]]),
        ('SELECT count(*) FROM pnl a JOIN pnl b USING ("Period Ended")', [[5]]),
        ("SELECT upper(substr('abc', 2)), NULL, ''", [["BC", None, ""]]),
        (
            "SELECT 9e999, -9e999, x'00ff', 0.1, 9223372036854775807",
            [["Infinity", "-Infinity", "00ff", 0.1, 2**63 - 1]],
        ),
        ("SELECT 9e999 - 9e999", [[None]]),
        ("SELECT 1 WHERE 0", []),
        ('SELECT "Company Name" FROM pnl ORDER BY 1 LIMIT 1', [["ABBOTT LABORATORIES"]]),
        ('SELECT row_number() OVER (ORDER BY "Company Name") FROM pnl', [[1], [2], [3]]),
        ("SELECT EXISTS (SELECT 1 FROM pnl WHERE \"Total Revenue\" = '')", [[1]]),
        ("SELECT rowid FROM pnl WHERE \"Company Name\" LIKE 'wyeth'", [[2]]),
        ("SELECT median(length(\"Company Name\")), date('2009-12-31', '+1 day') FROM pnl", [[10.0, "2010-01-01"]]),
        ("SELECT CAST(x'ff41' AS TEXT) IS NULL", [[0]]),
    ],
)
def test_a_select_returns_its_rows(client, sql, rows):
    assert result_of(client.query(sql))[1] == result_of(client.post(sql))[1] == rows


WRONG_SQL = [
    *(
        "SELEC 1",
        "SELECT",
        "SELECT nothing_of_that_name FROM pnl",
        "SELECT * FROM balance_sheet",
        "SELECT ?",
        "SELECT ?1",
    ),
    *(
        "SELECT no_such_function(1)",
        "SELECT 1 1",
        "-- nothing",
        ";",
        "/* open",
        "SELECT 'open",
        'SELECT "pnl',
        "SELECT * FROM",
    ),
    *("SELECT 1\0", "REINDEX", "SELECT (", "SELECT * FROM pnl AS", 'SELECT "Company Name" FROM nowhere.pnl'),
    *(
        "SELECT abs()",
        "SELECT sum(sum(1)) FROM pnl",
        "SELECT 1 UNION SELECT 1, 2",
        "SELECT \ud7ff",
        "SELECT a.* FROM pnl",
    ),
]


@pytest.mark.parametrize("sql", WRONG_SQL)
def test_invalid_sql_gets_an_error_in_the_services_own_words(client, sql):
    responses = [client.post(sql), *([client.query(sql)] if sql.isascii() else [])]
    for response in responses:
        detail = check_problem(response, 400, response.json()["code"])["detail"]
        assert response.json()["code"] in ("sql-invalid", "sql-not-allowed", "invalid-parameter")
        assert "SELECT" in detail or ":" in detail
        for foreign in (
            "no such",
            "near",
            "sqlite",
            "Traceback",
            "inding",
            "nothing_of_that_name",
            "incomplete",
            "nowhere",
        ):
            assert foreign not in response.text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("WYETH", "text"),
        ("", "text"),
        ("é𝔘", "text"),
        ("a\0b", "text"),
        ("1", "text"),
        (7, "integer"),
        (-(2**63), "integer"),
        (2**63 - 1, "integer"),
        (0.5, "real"),
        (1.0, "real"),
        (None, "null"),
    ],
)
def test_a_parameter_in_json_keeps_its_type(client, value, kind):
    assert client.rows("SELECT typeof(:v), :v, :v", v=value) == [[kind, value, value]]
    if isinstance(value, str):
        assert result_of(client.query("SELECT typeof(:v), :v", **{"p.v": value}))[1] == [["text", value]]


def test_results_of_similar_parameters_are_not_mixed_up(client):
    values = [1, 1.0, "1", None, "null", 0, -0.0, 0.0, "", "1.0"]
    found = [client.rows("SELECT typeof(:v), :v", v=value) for value in values * 2]
    assert found[: len(values)] == found[len(values) :]
    assert [rows[0][0] for rows in found[:6]] == ["integer", "real", "text", "null", "text", "integer"]


@pytest.mark.parametrize("names", [["nothing"], ["@v"], ["$v"], ["v "], ["V"]])
def test_a_parameter_that_is_missing_or_not_used_is_reported(client, names):
    missing = check_problem(client.post("SELECT :v"), 400, "invalid-parameter")
    assert "names a parameter :v that is not given" in missing["detail"]
    unused = check_problem(client.post("SELECT 1", **dict.fromkeys(names, "x")), 400, "invalid-parameter")
    assert f"does not use the parameter :{names[0]}" in unused["detail"]
    check_problem(client.query("SELECT 1", **{f"p.{names[0]}": "x"}), 400, "invalid-parameter")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("", "q is missing"),
        ("q=", "q is missing"),
        ("q=%20%0A", "q is missing"),
        ("q=SELECT+1&q=SELECT+2", "q is given twice"),
        ("q=SELECT+1&p.=1", "no parameter 'p.'"),
        ("q=SELECT+:v&p.v=1&p.v=2", "p.v is given twice"),
        ("q=SELECT+1&limit=1", "no parameter 'limit'; this route has: format, q, p.<name>"),
        ("q=SELECT+1&format=xml", "format is one of"),
    ],
)
def test_an_invalid_request_to_query_gets_an_error(client, request_, message):
    assert message in check_problem(client.get(f"/query?{request_}"), 400, "invalid-parameter")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"{",
            b"null",
            b"[]",
            b'"SELECT 1"',
            b"{}",
            b'{"q": 1}',
            b'{"q": null}',
            b'{"q": ["SELECT 1"]}',
            b'{"q": ""}',
        ),
        *(b'{"q": "SELECT 1", "more": 1}', b'{"sql": "SELECT 1"}', b'{"q": "SELECT 1", "parameters": []}'),
        *(b'{"q": "SELECT 1", "parameters": null}', b'{"q": "SELECT :v", "parameters": {"v": true}}'),
        *(b'{"q": "SELECT :v", "parameters": {"v": []}}', b'{"q": "SELECT :v", "parameters": {"v": {"w": 1}}}'),
        *(
            b'{"q": "SELECT :v", "parameters": {"v": 9223372036854775808}}',
            b'{"q": "SELECT :v", "parameters": {"v": NaN}}',
        ),
        *(b'{"q": "SELECT :v", "parameters": {"v": 1e999}}', b'{"q": "SELECT 1"} x', b'{"q": "SELECT \xff"}'),
        *(b'{"q": "\\ud800"}', b'\xef\xbb\xbf{"q": "SELECT 1"}', "{}".encode("utf-16"), b"q=SELECT+1", b"[" * 100_000),
    ],
    ids=lambda body: repr(body[:60]),
)
def test_an_invalid_body_is_rejected(client, body):
    response = client.request("POST", "/query", data=body, headers={"Content-Type": "application/json"})
    check_problem(response, 400, "invalid-parameter")


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"]
)
def test_a_body_of_another_media_type_than_json_is_rejected(client, kind):
    headers = {"Content-Type": kind} if kind else {}
    check_problem(client.request("POST", "/query", data=b'{"q": "SELECT 1"}', headers=headers), 415, "media-type")
    right = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.request("POST", "/query", data=b'{"q": "SELECT 1"}', headers=right).json()["rows"] == [[1]]


def padded(size):
    """A statement of this number of bytes."""
    return "SELECT count(*) FROM pnl /*" + "é" * ((size - 29) // 2) + "x" * ((size - 29) % 2) + "*/"


@pytest.mark.parametrize(("size", "is_served"), [(256 << 10, True), ((256 << 10) + 1, False), (600_000, False)])
def test_a_statement_may_have_256_kb(client, size, is_served):
    assert len(padded(size).encode()) == size
    escaped = json.dumps({"q": padded(size)}).encode()  # as many bytes again for each é
    for body in (escaped, json.dumps({"q": padded(size)}, ensure_ascii=False).encode()):
        response = client.request("POST", "/query", data=body, headers={"Content-Type": "application/json"})
        if is_served:
            assert response.json()["rows"] == [[3]]
        else:
            check_problem(response, 413, "too-large")


def test_5_000_ids_are_looked_up_at_once_as_parameters_or_in_the_statement(many):
    names = [f"v{number}" for number in range(5_000)]
    listed = ", ".join(f":{name}" for name in names)
    ids = {name: number for number, name in enumerate(names)}
    assert many.rows(f"SELECT count(*) FROM many WHERE id IN ({listed})", **ids) == [[137]]
    assert many.rows(f"SELECT count(*) FROM many WHERE id IN ({', '.join(map(str, range(5_000)))})") == [[137]]
    assert many.rows(f"SELECT count(*) FROM many WHERE id IN ({','.join(map(str, range(40_000)))})") == [[137]]
    values = ", ".join(f"({number})" for number in range(5_000))
    joined = f"WITH ids(id) AS (VALUES {values}) SELECT count(*) FROM many JOIN ids USING (id)"
    assert many.rows(joined) == [[137]]
    check_problem(
        many.post(f"SELECT count(*) FROM many WHERE id IN ({listed}, :more)", more=1, **ids), 400, "sql-invalid"
    )


def test_a_long_statement_in_a_url_is_run_or_the_error_names_post(client):
    assert client.query("SELECT 1 AS one /*" + "x" * 8_000 + "*/").json()["rows"] == [[1]]
    response = client.query("SELECT 1 AS one /*" + "x" * 20_000 + "*/")
    assert "POST /query" in check_problem(response, 414, "url-too-long")["detail"]


# Entity tags


def paths(client):
    """Requests whose responses have entity tags, each another one."""
    sql = quote('SELECT "Company Name" FROM pnl')
    yield from (
        "/",
        "/schema",
        "/version",
        "/openapi.json",
        "/data",
        "/data?limit=1",
        "/data?limit=2",
        "/data?format=csv",
    )
    yield from ("/data?format=csv&limit=1", "/data?format=arrow", "/data?format=arrow&limit=3", "/data?format=parquet")
    yield from (
        "/data?format=ndjson",
        "/data?column=Company+Name",
        "/data?column=Period+Ended",
        "/data?missing=Period+Ended",
    )
    yield from ("/data?column=Company+Name&column=Period+Ended", "/data?column=Period+Ended&column=Company+Name")
    yield from ("/data?filter.Company+Name=WYETH", "/data?filter.Company+Name=wyeth", "/data?filter.Period+Ended=WYETH")
    yield "/data?limit=1&next=" + client.get("/data?limit=1").json()["next"]
    yield from (f"/query?q={sql}", f"/query?q={sql}&format=csv", f"/query?q={sql}+LIMIT+1", "/query?q=SELECT+:v&p.v=1")
    yield from ("/query?q=SELECT+:v&p.v=2", "/query?q=SELECT+:v+AS+w&p.v=1", "/query?q=SELECT+:w+AS+w&p.w=1")


def test_every_request_has_its_own_entity_tag_and_result(client):
    responses = {path: client.get(path) for path in paths(client)}
    assert all(response.status_code == 200 for response in responses.values())
    assert len({response.headers["ETag"] for response in responses.values()}) == len(responses)
    for path, response in responses.items():
        assert re.fullmatch(r'"[0-9a-f]{16}-[0-9a-f]{16}"', response.headers["ETag"])
        assert response.headers["ETag"].startswith(f'"{response.headers["X-Data-Version"][:16]}')
        assert response.headers["Cache-Control"] == "no-cache"
        again = client.get(path)
        assert (again.content, again.headers["ETag"]) == (response.content, response.headers["ETag"]), path


def test_a_matching_entity_tag_gets_304_without_running_the_query(client):
    for path in paths(client):
        first = client.get(path)
        made = client.metric("finsync_kept_answers_total")
        tag = first.headers["ETag"]
        for has in (tag, f"W/{tag}", f'"other", {tag}', f'{tag},"x"'):
            for method in ("GET", "HEAD"):
                response = client.request(method, path, headers={"If-None-Match": has})
                assert (response.status_code, response.content) == (304, b""), (path, has)
                assert response.headers["ETag"] == tag
                assert response.headers["X-Data-Version"] == first.headers["X-Data-Version"]
        assert client.metric("finsync_kept_answers_total") == made, "no SQL was run, and the cache was not used"
        for has in ('"other"', tag.strip('"'), "", tag.upper().replace('"', "") + '"'):
            assert client.get(path, headers={"If-None-Match": has}).status_code == 200, (path, has)


def test_if_none_match_with_a_star_gets_304_only_for_an_existing_result(client):
    sql = "SELECT 'any response'"
    assert client.get(f"/query?q={sql}", headers={"If-None-Match": "*"}).status_code == 304
    check_problem(client.get("/query?q=DROP+TABLE+pnl", headers={"If-None-Match": "*"}), 400, "sql-not-allowed")
    check_problem(client.get("/nothing", headers={"If-None-Match": "*"}), 404, "not-found")


def test_a_post_gets_its_rows_whatever_entity_tag_is_sent(client):
    tag = client.post("SELECT 1").headers["ETag"]
    response = client.request("POST", "/query", json={"q": "SELECT 1"}, headers={"If-None-Match": tag})
    assert (response.status_code, response.json()["rows"]) == (200, [[1]])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT date('now')",
        "SELECT datetime()",
        "SELECT julianday('now'), 1",
        "SELECT strftime('%s', 'now')",
        "SELECT time('now', '+1 hour')",
        "SELECT timediff('now', '2000-01-01')",
        "SELECT unixepoch('subsec')",
        'SELECT count(*) FROM pnl WHERE "Period Ended" < DATE()',
        "WITH a AS (SELECT datetime('now') AS t) SELECT t FROM a",
    ],
)
def test_results_that_depend_on_the_time_have_no_entity_tag_and_are_not_cached(client, sql):
    for _ in range(3):
        made = client.metric("finsync_kept_answers_total", **{"from": "made"})
        response = client.query(sql)
        assert response.status_code == 200, response.text
        assert "ETag" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"
        assert client.metric("finsync_kept_answers_total", **{"from": "made"}) == made + 1
        assert response.headers["Repr-Digest"] == digest(response.content)


@pytest.mark.parametrize(
    "sql", ["SELECT CURRENT_TIMESTAMP", "SELECT current_date", "SELECT CURRENT_TIME", "SELECT random()"]
)
def test_functions_with_another_result_each_time_are_rejected(client, sql):
    check_problem(client.query(sql), 400, "sql-not-allowed")


def test_get_post_and_head_share_the_cached_result(client):
    sql = "SELECT 'kept'"
    first = client.query(sql)
    kept = client.metric("finsync_kept_answers_total", **{"from": "kept"})
    made = client.metric("finsync_kept_answers_total", **{"from": "made"})
    for response in (client.query(sql), client.post(sql), client.head(f"/query?q={sql}")):
        assert response.headers["ETag"] == first.headers["ETag"]
        assert response.headers["Repr-Digest"] == first.headers["Repr-Digest"]
    assert client.metric("finsync_kept_answers_total", **{"from": "kept"}) == kept + 3
    assert client.metric("finsync_kept_answers_total", **{"from": "made"}) == made


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1; -- done", "-- first\nSELECT 1", "SELECT 1; /* and */ ;"])
def test_a_comment_is_not_a_second_statement(client, sql):
    assert client.post(sql).json()["rows"] == [[1]]
