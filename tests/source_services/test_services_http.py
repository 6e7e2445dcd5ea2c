"""What a service answers: pages, queries, versions, and one shape of error for everything else."""

import hashlib
import json

import pytest

from source_services.app import create_app

REFUSED = [
    "DROP TABLE pnl",
    "DELETE FROM pnl",
    "WITH x AS (SELECT 1) DELETE FROM pnl",
    "WITH x AS (SELECT 1) DELETE FROM pnl RETURNING *",
    "UPDATE pnl SET \"Total Revenue\" = '0'",
    "INSERT INTO pnl VALUES ('a', 'b', 'c')",
    "REPLACE INTO pnl VALUES ('a', 'b', 'c')",
    "ALTER TABLE pnl RENAME TO other",
    "CREATE TABLE other (a)",
    "CREATE TEMP TABLE other (a)",
    "CREATE TEMP VIEW other AS SELECT 1",
    'CREATE INDEX i ON pnl ("Company Name")',
    "ATTACH 'file:{folder}/new.sqlite?mode=rwc' AS other",
    "ATTACH ':memory:' AS other",
    "VACUUM INTO '{folder}/copy.sqlite'",
    "PRAGMA query_only = 0",
    "PRAGMA table_info('pnl')",
    "PRAGMA database_list",
    "ANALYZE",
    "BEGIN IMMEDIATE",
    "SAVEPOINT s",
    "SELECT * FROM sqlite_master",
    "SELECT count(*) FROM sqlite_master",
    "SELECT count(*) FROM sqlite_schema",
    "SELECT (SELECT sql FROM sqlite_master) FROM pnl",
    "SELECT * FROM pnl WHERE EXISTS (SELECT 1 FROM sqlite_temp_master)",
    "SELECT file FROM pragma_database_list",
    "SELECT count(*) FROM pragma_database_list",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "EXPLAIN DELETE FROM pnl",
]

WRONG = [
    "SELEC 1",
    "SELECT nothing_of_that_name FROM pnl",
    "SELECT * FROM balance_sheet",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE pnl",
    "SELECT ?",
    "SELECT load_extension('x')",
    "SELECT CAST(x'ff' AS TEXT)",
    "-- nothing",
    ";",
    "REINDEX",
    "SELECT 1\0",
]


def ask(client, sql):
    return client.get("/query", query_string={"q": sql})


def test_pages_walk_through_every_row_once_and_in_order(load_file):
    client = create_app(load_file("x.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(250)))).test_client()
    offset, seen = 0, []
    while offset is not None:
        page = client.get(f"/data?limit=60&offset={offset}").json
        assert page["row_count"] == 250
        seen += page["rows"]
        offset = page["next_offset"]
    assert seen == [[n] for n in range(250)]


def test_a_page_has_a_hundred_rows_unless_told(load_file):
    client = create_app(load_file("x.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(250)))).test_client()
    page = client.get("/data").json
    assert (len(page["rows"]), page["next_offset"]) == (100, 100)
    assert client.get("/data?limit=250").json["next_offset"] is None
    assert client.get("/data?offset=9223372036854775807").json["rows"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        *("limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=", "limit=1.5", "limit=1_0"),
        *("offset=-1", "offset=9223372036854775808", "offset=" + "9" * 5000),
    ],
)
def test_a_bad_limit_or_offset_is_told_with_its_bounds(client, parameters):
    answer = client.get(f"/data?{parameters}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_parameter")
    assert "must be a whole number from" in answer.json["error"]["message"]


def test_a_query_answers_columns_and_rows(client):
    answer = ask(client, 'SELECT "Period Ended" AS period, count(*) FROM pnl GROUP BY 1 ORDER BY 1')
    assert answer.json == {
        "columns": ["period", "count(*)"],
        "rows": [["December 31, 2009", 2], ["June 30, 2009", 1]],
        "row_count": 2,
    }


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 1 AS a, 2 AS a", [[1, 2]]),
        ("SELECT count(*) FROM PNL", [[3]]),
        ("WITH big AS (SELECT 1 UNION SELECT 2) SELECT count(*) FROM big", [[2]]),
        ('SELECT count(*) FROM pnl a JOIN pnl b USING ("Period Ended")', [[5]]),
        ("SELECT upper(substr('abc', 2)), NULL, ''", [["BC", None, ""]]),
        (
            "SELECT 9e999, -9e999, x'00ff', 0.1, 9223372036854775807",
            [["Infinity", "-Infinity", "00ff", 0.1, 2**63 - 1]],
        ),
        ("SELECT 1 WHERE 0", []),
    ],
)
def test_any_reading_query_is_answered_in_valid_json(client, sql, rows):
    answer = ask(client, sql)
    assert answer.status_code == 200, answer.text

    def no_constant(text):
        raise AssertionError(f"{text} is no JSON")

    assert json.loads(answer.text, parse_constant=no_constant)["rows"] == rows


@pytest.mark.parametrize("sql", REFUSED)
def test_sql_that_does_more_than_read_the_table_is_refused_and_changes_nothing(client, pnl, tmp_path, sql):
    def state():
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()
    answer = ask(client, sql.format(folder=tmp_path))
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "sql_refused"), answer.text
    assert state() == before
    assert ask(client, "SELECT count(*) FROM pnl").json["rows"] == [[3]]


@pytest.mark.parametrize("sql", WRONG)
def test_wrong_sql_is_told_in_our_own_words(client, sql):
    answer = ask(client, sql)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "sql_wrong"), answer.text
    assert "SELECT" in answer.json["error"]["message"]
    for foreign in ("no such", "near", "sqlite", "Traceback", "binding", "nothing_of_that_name"):
        assert foreign not in answer.text


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_answered(pnl):
    client = create_app(pnl, query_seconds=0.05).test_client()
    tables = ", ".join(f"pnl t{n}" for n in range(20))
    answer = ask(client, f"SELECT count(*) FROM {tables}")
    assert (answer.status_code, answer.json["error"]["code"]) == (504, "query_timeout")
    assert ask(client, "SELECT 1").json["rows"] == [[1]]


def test_the_version_names_table_columns_and_periods(client, pnl):
    answer = client.get("/version").json
    hashes = [period.pop("content_hash") for period in answer["periods"]]
    assert answer == {
        "service": "pnl",
        "table": "pnl",
        "columns": ["Company Name", "Period Ended", "Total Revenue"],
        "period_column": "Period Ended",
        "data_version": pnl.data_version,
        "row_count": 3,
        "periods": [
            {"period": "December 31, 2009", "row_count": 2},
            {"period": "June 30, 2009", "row_count": 1},
        ],
    }
    assert all(len(text) == 64 for text in hashes)


def test_without_a_period_column_the_periods_are_null(load_file):
    answer = create_app(load_file("tax.csv", "a\n1\n")).test_client().get("/version").json
    assert (answer["period_column"], answer["periods"], answer["row_count"]) == (None, None, 1)


def test_health_is_ok(client):
    assert client.get("/health").json == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/query", 400, "missing_parameter"),
        ("GET", "/query?q=%20", 400, "missing_parameter"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/static/app.py", 404, "not_found"),
        ("POST", "/data", 405, "method_not_allowed"),
        ("PUT", "/query?q=SELECT%201", 405, "method_not_allowed"),
        ("DELETE", "/version", 405, "method_not_allowed"),
        ("OPTIONS", "/health", 405, "method_not_allowed"),
    ],
)
def test_every_error_has_one_shape_and_the_data_version(client, pnl, method, path, status, code):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"code", "message"}
    assert answer.json["error"]["code"] == code
    assert answer.headers["X-Data-Version"] == pnl.data_version
    if status == 405:
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_a_fault_of_the_service_shows_no_path_and_no_traceback(pnl, tmp_path):
    pnl.database.write_bytes(b"no database at all" * 100)
    for path in ("/data", "/query?q=SELECT * FROM pnl"):
        answer = create_app(pnl).test_client().get(path)
        assert answer.status_code == 500
        assert answer.json["error"]["code"] == "internal_server_error"
        assert str(tmp_path) not in answer.text
        assert "database" not in answer.text
        assert answer.headers["X-Data-Version"] == pnl.data_version


@pytest.mark.parametrize("path", ["/data", "/query?q=SELECT 1", "/version", "/health"])
def test_head_answers_like_get_without_a_body(client, pnl, path):
    answer = client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["X-Data-Version"] == pnl.data_version
    assert answer.headers["Content-Length"] == client.get(path).headers["Content-Length"]
