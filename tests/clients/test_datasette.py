"""The client of Datasette, on real servers; and on one that responds as no Datasette 0.65 does."""

import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from datasette_servers import TOKEN, asking_for_a_token, datasette
from misbehaving_server import http, misbehaving

from finsync_pipeline.clients.datasette import DatasetteService
from finsync_pipeline.clients.errors import ResultTooLarge
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.responses import Rows, Version
from finsync_pipeline.errors import SourceInvalid, SourceUnavailable

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
QUICK = RetryPolicy(connect=5, read=60, backoff=0.01)


def write_cells(file: Path) -> Path:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE cells (whole, number, text, blob)")
        rows = [
            (2**53 + 1, 0.1, "it's Größe :x", b"\xff\x00"),
            (2**63 - 1, float("inf"), "", None),
            (-(2**63), -1e-300, None, b"\x80"),
        ]
        connection.executemany("INSERT INTO cells VALUES (?, ?, ?, ?)", rows)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasette")
    for name in ("fixed", "a b.c"):
        write_cells(folder / f"{name}.db")
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A server of an immutable and of a mutable database, with three rows at once and little time."""
    with datasette(folder / "a b.c.db", "-i", folder / "fixed.db", max_returned_rows=3, sql_time_limit_ms=200) as url:
        yield url


@pytest.fixture(scope="module")
def closed_url(folder: Path) -> Iterator[str]:
    """A server that runs SQL for the owner of the token alone."""
    with datasette(folder / "fixed.db", *asking_for_a_token(folder), default_allow_sql="off") as url:
        yield url


def query(url: str, sql: str, database: str = "fixed", token_file: str = "") -> Rows:
    with DatasetteService("pnl", url, database, QUICK, token_file) as service:
        return service.query(sql)


def error_of(url: str, sql: str, database: str = "fixed", token_file: str = "") -> SourceInvalid:
    with pytest.raises(SourceInvalid) as error:
        query(url, sql, database, token_file)
    assert str(error.value).startswith(f"Source 'pnl' at {url}: ")
    return error.value


@pytest.mark.parametrize("database", ["fixed", "a b.c"])
def test_cells_come_exactly_as_they_are_stored(url: str, database: str) -> None:
    rows = query(url, 'SELECT *, 1 AS "no column" FROM cells', database)
    assert rows.columns == ["whole", "number", "text", "blob", "no column"]
    assert rows.as_lists() == [
        [2**53 + 1, 0.1, "it's Größe :x", "ff00", 1],
        [2**63 - 1, "Infinity", "", None, 1],
        [-(2**63), -1e-300, None, "80", 1],
    ]


def test_no_rows_have_columns_too(url: str) -> None:
    rows = query(url, "SELECT whole, text FROM cells WHERE 0")
    assert (rows.columns, rows.row_count) == (["whole", "text"], 0)


def test_a_capped_result_is_too_large_and_the_error_knows_the_cap(url: str) -> None:
    assert query(url, "SELECT whole FROM cells").row_count == 3
    error = error_of(url, "SELECT a.whole FROM cells a, cells b")
    assert "returns only 3 rows of a larger result (max_returned_rows). Start Datasette with a larger" in str(error)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert isinstance(each, ResultTooLarge)
        assert [each.smaller(limit) for limit in (100, 4, 3, 2)] == [3, 3, 1, 1]


def test_a_query_that_takes_too_long_is_too_large(url: str) -> None:
    error = error_of(url, ENDLESS)
    assert isinstance(error, ResultTooLarge)
    assert error.smaller(100) == 50
    assert "ended a query at its time limit (sql_time_limit_ms). Start Datasette with a larger" in str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize(
    ("sql", "database", "expected"),
    [
        ("SELECT colour FROM cells", "fixed", "no such column: colour. Check table and the columns in defs/sources/"),
        ("SELECT 1 FROM elsewhere", "fixed", "no such table: elsewhere. Check table and the columns in defs/sources/"),
        ("DELETE FROM cells", "fixed", "returned 400 for /fixed.json: Statement must be a SELECT"),
        ("SELECT 1", "fxed", "404 for /fxed.json: Database not found. Check url (the server, without a database) and"),
        ("SELECT 1", "fxed", "connection.database, fxed, in defs/sources/pnl/defs.yaml."),
        ("SELECT 1 AS a, 2 AS a", "fixed", "a column occurs twice"),
    ],
)
def test_an_error_names_the_cause_and_the_fix(url: str, sql: str, database: str, expected: str) -> None:
    error = error_of(url, sql, database)
    assert expected in str(error)
    assert not isinstance(error, ResultTooLarge)


def test_sql_runs_with_the_token_alone(closed_url: str, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(TOKEN)
    wrong.write_text("another-token")
    assert query(closed_url, "SELECT 1", token_file=str(right)).as_lists() == [[1]]
    allowed = "returned 403 for /fixed.json. Check that Datasette allows SQL on fixed (default_allow_sql, allow_sql)"
    assert f"{allowed}, and that {wrong} contains its token." in str(
        error_of(closed_url, "SELECT 1", token_file=str(wrong))
    )
    assert f"{allowed}, and that defs/sources/pnl/defs.yaml names the token_file" in str(
        error_of(closed_url, "SELECT 1")
    )


def test_only_an_immutable_database_has_a_version(url: str, folder: Path) -> None:
    versions = {}
    for database in ("fixed", "a b.c", "fxed"):
        with DatasetteService("pnl", url, database) as service:
            versions[database] = service.version()
            assert service.table() is None
    assert versions["fixed"] is not None
    assert versions == {"fixed": Version(versions["fixed"].data_version, None, None), "a b.c": None, "fxed": None}


def test_the_version_is_that_of_the_file(tmp_path: Path, url: str) -> None:
    """The same cells make the same file, so its hash is the same on another server."""
    files = [write_cells(tmp_path / f"{name}.db") for name in ("same", "other")]
    with closing(sqlite3.connect(files[1])) as connection, connection:
        connection.execute("UPDATE cells SET number = 7 WHERE whole > 0")
    with datasette("-i", files[0], "-i", files[1]) as another:
        found = []
        for each, database in ((url, "fixed"), (another, "same"), (another, "other")):
            with DatasetteService("pnl", each, database) as service:
                version = service.version()
                found.append(version and version.data_version)
    assert found[0] == found[1]
    assert None not in found
    assert found[1] != found[2]


def test_a_server_that_does_not_respond_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable, match=r"cannot be reached. Start Datasette there, or correct url in defs/"):
        query("http://127.0.0.1:9", "SELECT 1")


@pytest.mark.parametrize(
    "answer",
    [
        http(b"", "302 Found", "Location: /fixed/-/query.json?sql=SELECT+1"),
        http(b'{"ok": true, "rows": [{"a": 1}], "truncated": false}'),
        http(b'{"ok": false, "columns": [], "rows": [], "truncated": false}'),
        http(b'{"ok": true, "columns": ["a"], "rows": [[1, 2]], "truncated": false}'),
        http(b'{"ok": true, "columns": ["a"], "rows": [[{"$base64": true}]], "truncated": false}'),
        http(b'{"ok": true, "columns": ["a"], "rows": [[{"encoded": "?"}]], "truncated": false}'),
        http(b'{"ok": true, "columns": ["a"], "rows": [[[1]]], "truncated": false}'),
        http(b"<html>"),
    ],
)
def test_what_no_datasette_0_65_returns_is_invalid(answer: bytes) -> None:
    with misbehaving(answer) as server:
        error = error_of(server.url, "SELECT 1")
    assert "invalid response: " in str(error)
    assert "url in defs/sources/pnl/defs.yaml is the address of a Datasette 0.65; 1.0 responds in another form" in str(
        error
    )


def test_a_busy_server_is_queried_again() -> None:
    good = http(b'{"ok": true, "columns": ["a"], "rows": [[1]], "truncated": false}')
    with misbehaving(http(b"", "503 Busy"), good) as server:
        assert query(server.url, "SELECT 1").as_lists() == [[1]]
        assert server.requests == ["/fixed.json?sql=SELECT+1&_shape=arrays&_json_infinity=1"] * 2
