"""The DuckDB of a query: only what is registered can be read, whatever the SQL; limits; errors by their place."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from finsync_pipeline.federation import plan
from finsync_pipeline.federation.engine import Limits, open_engine, run
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.schema import VIEWS

ENDLESS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
REACHING_OUT = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM sqlite_scan('{file}', 't')",
    "SELECT * FROM read_text('https://example.org')",
    "SELECT * FROM a_python_variable",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "COPY (SELECT 1) TO '{file}'",
    "EXPORT DATABASE '{folder}/exported'",
    "ATTACH '{folder}/attached.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET temp_directory = '{folder}'",
    "SET memory_limit = '100GB'",
    "SET python_enable_replacements = true",
    "PRAGMA enable_profiling",
    "CREATE SECRET s (TYPE http)",
]


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine over empty views."""
    with open_engine(Limits()) as connection:
        for view in VIEWS.values():
            connection.register(view.name, view.arrow.empty_table())
        yield connection


@pytest.mark.parametrize("connection", ["engine", "planner"])
@pytest.mark.parametrize("sql", REACHING_OUT)
def test_sql_that_no_check_has_seen_reaches_nothing_outside(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str, connection: str
):
    file = tmp_path / "secret.csv"
    file.write_text("a secret\n")
    a_python_variable = pa.table({"a": [1]})

    with pytest.raises(duckdb.Error), plan.planner().cursor() as planner:
        {"engine": engine, "planner": planner}[connection].execute(sql.format(file=file, folder=tmp_path)).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert file.read_text() == "a secret\n"
    assert a_python_variable.num_rows == 1


def test_days_and_times_are_those_of_utc(engine: duckdb.DuckDBPyConnection):
    assert run(engine, "SELECT '2009-12-31 23:00:00-05'::TIMESTAMPTZ::DATE::VARCHAR AS day", Limits()).to_pylist() == [
        {"day": "2010-01-01"}
    ]


@pytest.mark.parametrize(
    ("sql", "views", "message"),
    [
        ("SELECT revenu FROM income_statement", {"income_statement"},
         "line 1, column 8: no column revenu in income_statement; did you mean revenue?"),
        ("SELECT i.revenu\nFROM income_statement i", {"income_statement"},
         "line 1, column 8: no column revenu in income_statement; did you mean revenue?"),
        ("SELECT total_assets FROM income_statement", {"income_statement"},
         "no column total_assets in income_statement; total_assets is a column of balance_sheet, financials"),
        ("SELECT * EXCLUDE (valu) FROM facts", {"facts"},
         "line 1, column 19: no column valu in facts; did you mean value?"),
        ("SELECT * FROM facts JOIN texts USING (sorce)", {"facts", "texts"},
         "line 1, column 39: no column sorce in facts or texts; did you mean source?"),
        ("SELECT zzz FROM facts", {"facts"}, "no column zzz in facts; finsync query --views lists the columns"),
        ("SELECT x.value FROM facts", {"facts"}, "no table x in this SELECT; use the name or alias of one in its FROM"),
        ("SELECT sun(value) FROM facts", {"facts"}, "line 1, column 8: no function sun; did you mean sum?"),
        ("SELECT sum(source) FROM facts", {"facts"}, "line 1, column 8: no function takes sum(VARCHAR); cast the"),
        ("SELECT 'é', date '2009-13-01'", set(),
         'line 1, column 13: date field value out of range: "2009-13-01"; correct the SELECT'),
        ("SELECT source, sum(value) FROM facts", {"facts"},
         'line 1, column 8: column "source" must appear in the GROUP BY clause'),
        ("SELECT source FROM facts, texts", {"facts", "texts"}, "line 1, column 8: ambiguous reference to column"),
        ("SELECT 5 % 0", set(), "division by zero in expression (5 % 0); correct the SELECT"),
        ("SELECT regexp_matches('a', '(')", set(), "missing ): (; correct the SELECT"),
        ("SELECT (SELECT 1 UNION SELECT 2)", set(), "more than one row returned by a subquery"),
    ],
)  # fmt: skip
def test_what_duckdb_finds_wrong_is_explained_with_place_and_suggestion(
    engine: duckdb.DuckDBPyConnection, sql: str, views: set[str], message: str
):
    with pytest.raises(QueryError) as refused:
        run(engine, sql, Limits(), views)

    assert message in str(refused.value)
    for internal in ("Binder", "Catalog", "exception", "{", "SET ", "LINE 1"):
        assert internal not in str(refused.value)


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(engine: duckdb.DuckDBPyConnection):
    begun = time.monotonic()

    with pytest.raises(QueryError, match=r"FINSYNC_QUERY_SECONDS: the query took more than 0\.3 seconds"):
        run(engine, ENDLESS, Limits(seconds=0.3))

    assert time.monotonic() - begun < 5
    assert run(engine, "SELECT 1 AS one", Limits()).to_pylist() == [{"one": 1}]


def test_an_answer_of_too_many_rows_is_refused_before_it_is_whole(engine: duckdb.DuckDBPyConnection):
    rows = "SELECT unnest(range({})) AS n"
    message = "FINSYNC_QUERY_ROWS: the answer has more than 1,000 rows; add LIMIT, or raise the setting"

    with pytest.raises(QueryError, match=message):
        run(engine, rows.format(1001), Limits(rows=1000))
    assert run(engine, rows.format(1000), Limits(rows=1000)).num_rows == 1000


def test_a_query_of_too_much_memory_is_refused(engine: duckdb.DuckDBPyConnection):
    small = Limits(memory=2**24, threads=1)

    with (
        open_engine(small) as connection,
        pytest.raises(QueryError, match="FINSYNC_QUERY_MEMORY: the query needs more"),
    ):
        run(connection, "SELECT list(repeat('x', 1000) || n) FROM (SELECT unnest(range(1000000)) AS n)", small)


def test_control_c_stops_a_query(engine: duckdb.DuckDBPyConnection):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(engine, ENDLESS, Limits())
    finally:
        signal.signal(signal.SIGALRM, before)

    assert run(engine, "SELECT 1 AS one", Limits()).to_pylist() == [{"one": 1}]


def test_columns_of_one_name_are_told_apart(engine: duckdb.DuckDBPyConnection):
    found = run(engine, "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a", Limits())

    assert len(set(found.column_names)) == 4
    assert [column.to_pylist() for column in found.columns] == [[1], [2], [3], [4]]
