"""The caller's SQL: one SELECT over the views is read, everything else is refused with its place."""

import pickle

import pytest

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.statement import read_statement

READ = {
    "SELECT revenue FROM income_statement": {"income_statement"},
    "from facts": {"facts"},
    "SELECT 1": set(),
    "SELECT 1;": set(),
    "SELECT 1 ;;\n": set(),
    "WITH a AS (SELECT * FROM facts) SELECT * FROM a": {"facts"},
    "WITH facts AS (SELECT * FROM facts) SELECT * FROM facts": {"facts"},
    "WITH facts AS (SELECT * FROM texts) SELECT * FROM facts": {"texts"},
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n": set(),
    "SELECT * FROM companies JOIN Income_Statement USING (company_id)": {"companies", "income_statement"},
    "SELECT source FROM facts UNION ALL SELECT source FROM texts EXCEPT SELECT 'x'": {"facts", "texts"},
    "SELECT rank() OVER (PARTITION BY source ORDER BY value) FROM facts QUALIFY true": {"facts"},
    "SELECT (SELECT max(value) FROM facts), l.n FROM texts, LATERAL (SELECT 1 AS n) l": {"facts", "texts"},
    "SELECT * FROM facts WHERE EXISTS (SELECT 1 FROM texts WHERE texts.source = facts.source)": {"facts", "texts"},
    "SELECT * FROM facts PIVOT (sum(value) FOR item IN ('revenue', 'net_income'))": {"facts"},
    "SELECT item, unnest([1, 2]), item = 'revenue' FROM facts WHERE item IN ('revenue')": {"facts"},
    "SELECT * FROM facts AS t(item, company_id) WHERE item = 'c1'": {"facts"},
    "SELECT * FROM (SELECT source AS item FROM facts) WHERE item = 'pnl'": {"facts"},
    "WITH a(item) AS (SELECT source FROM facts) SELECT * FROM a WHERE item IN ('pnl')": {"facts"},
    "SELECT '; DROP TABLE facts', 'read_text(x)' -- COPY\nFROM facts /* ATTACH */": {"facts"},
}
REFUSED = {
    "": "there is no SQL",
    " -- nothing\n": "there is no SQL",
    "SELECT 1; SELECT 2": "these are 2 statements",
    "SELECT 1; COPY facts TO 'x.csv'": "these are 2 statements",
    "COPY facts TO 'x.csv'": "this is a COPY, not a SELECT",
    "COPY (SELECT 1) TO 'x.csv'": "this is a COPY, not a SELECT",
    "ATTACH 'x.db'": "this is an ATTACH, not a SELECT",
    "DETACH memory": "this is a DETACH, not a SELECT",
    "INSTALL httpfs": "this is a LOAD, not a SELECT",
    "LOAD httpfs": "this is a LOAD, not a SELECT",
    "PRAGMA database_list": "this is a PRAGMA, not a SELECT",
    "SET threads = 1": "this is a SET, not a SELECT",
    "RESET threads": "this is a SET, not a SELECT",
    "USE memory": "this is a SET, not a SELECT",
    "CALL pragma_version()": "this is a CALL, not a SELECT",
    "CREATE TABLE t AS SELECT 1": "this is a CREATE, not a SELECT",
    "INSERT INTO facts VALUES (1)": "this is an INSERT, not a SELECT",
    "UPDATE facts SET value = 1": "this is an UPDATE, not a SELECT",
    "DELETE FROM facts": "this is a DELETE, not a SELECT",
    "DROP VIEW facts": "this is a DROP, not a SELECT",
    "EXPORT DATABASE 'x'": "this is an EXPORT, not a SELECT",
    "BEGIN": "this is a TRANSACTION, not a SELECT",
    "EXPLAIN SELECT 1": "this is an EXPLAIN, not a SELECT",
    "PREPARE p AS SELECT 1": "this is a PREPARE, not a SELECT",
    "CREATE SECRET s (TYPE http)": "this is a CREATE, not a SELECT",
    "SHOW TABLES": "this is not a SELECT",
    "DESCRIBE facts": "this is not a SELECT",
    "SUMMARIZE facts": "this is not a SELECT",
    "VALUES (1)": "this is not a SELECT",
    "SELECT * FROM (VALUES (1)) t": "VALUES is not read here",
    "WITH a AS (INSERT INTO facts VALUES (1)) SELECT 1": "this changes something",
    "SELECT 1 INTO t": "syntax error",
    "SELECT * FROM 'file.csv'": "no view file.csv",
    'SELECT * FROM "/etc/passwd"': "no view /etc/passwd",
    "SELECT * FROM statement": "no view statement",
    "SELECT * FROM main.facts": "no view main.facts",
    "SELECT * FROM information_schema.tables": "no view information_schema.tables",
    "SELECT * FROM duckdb_settings": "no view duckdb_settings",
    "SELECT * FROM read_text('/etc/passwd')": "read_text as a table is not read here",
    "SELECT * FROM read_csv('x.csv')": "as a table is not read here",
    "SELECT * FROM read_parquet('x.parquet')": "as a table is not read here",
    "SELECT * FROM glob('*')": "glob as a table is not read here",
    "SELECT * FROM sqlite_scan('x.db', 't')": "sqlite_scan as a table is not read here",
    "SELECT * FROM duckdb_secrets()": "duckdb_secrets as a table is not read here",
    "SELECT * FROM duckdb_settings()": "duckdb_settings as a table is not read here",
    "SELECT * FROM facts, query('SELECT 1')": "query is about the session",
    "SELECT * FROM query_table('facts')": "query_table is about the session",
    "SELECT * FROM range(5)": "range as a table is not read here",
    "SELECT * FROM unnest([1, 2])": "UNNEST as a table is not read here",
    "SELECT (SELECT content FROM read_text('x'))": "read_text as a table is not read here",
    "WITH a AS (SELECT * FROM a) SELECT * FROM a": "no view a",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a": "no view b",
    "SELECT * FROM b, (WITH b AS (SELECT 1) SELECT * FROM b) c": "no view b",
    "SELECT getenv('HOME')": "getenv is about the session or the machine",
    "SELECT current_setting('threads')": "current_setting is about the session or the machine",
    "SELECT current_user": "current_user is about the session or the machine",
    "SELECT version()": "about the session or the machine",
    "SELECT * FROM facts WHERE value > $1": "parameters are not read here",
    "SELECT * FROM facts WHERE value > ?": "parameters are not read here",
    "SELECT * FROM facts WHERE value > $least": "parameters are not read here",
    "SELECT '\udcff'": "character 9 of the SQL is not valid UTF-8",
    "PIVOT facts ON item USING sum(value)": "a PIVOT has to name its values",
    "SELECT (1": "syntax error",
    "SELECT 'open": "unterminated string literal",
}


@pytest.mark.parametrize(("sql", "views"), READ.items())
def test_one_select_over_views_is_read_with_the_views_that_it_names(sql: str, views: set[str]):
    read = read_statement(sql)

    assert (read.sql, read.views) == (sql.rstrip("; \n"), views)


def test_comments_after_the_semicolon_are_no_statement():
    assert read_statement("SELECT ';' -- a;\nFROM facts; -- ; all\n;").sql == "SELECT ';' -- a;\nFROM facts"


@pytest.mark.parametrize(("sql", "what"), REFUSED.items())
def test_everything_else_is_refused(sql: str, what: str):
    with pytest.raises(QueryError) as refused:
        read_statement(sql)

    assert what in refused.value.what
    assert "\n" not in refused.value.what
    assert refused.value.fix


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT *\n\tFROM incme_statement",
            "line 2, column 7: no view incme_statement; did you mean income_statement?\n"
            "   FROM incme_statement\n        ^",
        ),
        (
            "SELECT 'é日本' FROM facts WHERE item = 'revenu'",
            "line 1, column 38: no item revenu; did you mean revenue?\n"
            "  SELECT 'é日本' FROM facts WHERE item = 'revenu'\n" + " " * 41 + "^",
        ),
        ("SELECT 1 fro m", 'line 1, column 14: syntax error at or near "m"; correct the SELECT\n'
                           "  SELECT 1 fro m\n               ^"),
    ],
)  # fmt: skip
def test_an_error_shows_the_line_with_a_mark_below_the_place(sql: str, message: str):
    with pytest.raises(QueryError) as refused:
        read_statement(sql)

    assert str(refused.value) == message
    assert str(pickle.loads(pickle.dumps(refused.value))) == message


def test_of_a_long_line_the_part_around_the_place_is_shown():
    sql = f"SELECT {'value + ' * 100}1 FROM fact WHERE {'value + ' * 100}1 > 0"

    with pytest.raises(QueryError, match="column 815: no view fact") as refused:
        read_statement(sql)

    line, mark = refused.value.excerpt.splitlines()
    assert len(line) <= 102
    assert line[mark.index("^") :].startswith("fact WHERE")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("item <> 'revenu'", "no item revenu; did you mean revenue?"),
        ("item NOT IN ('revenu')", "no item revenu; did you mean revenue?"),
        ("'revenu' = item", "no item revenu; did you mean revenue?"),
        ("item LIKE 'revenu_s%'", "no item fulfils this condition; did you mean revenue?"),
        ("item ILIKE '%ASETS'", "no item fulfils this condition"),
        ("item BETWEEN 'revenuf' AND 'revenuz'", "no item fulfils this condition; did you mean revenue?"),
        ("item = 'ebitda'", "no item ebitda; docs/query.md lists the items"),
    ],
)
@pytest.mark.parametrize("place", ["WHERE", "GROUP BY item HAVING"])
def test_an_item_that_there_is_not_is_named_in_any_comparison(condition: str, message: str, place: str):
    with pytest.raises(QueryError) as refused:
        read_statement(f"SELECT item FROM facts {place} {condition}")
    assert message in str(refused.value)


@pytest.mark.parametrize("condition", ["item LIKE 'rev%'", "item BETWEEN 'a' AND 'm'", "item LIKE 'x!_' ESCAPE '!'"])
def test_conditions_on_items_that_some_fulfil_are_read(condition: str):
    assert read_statement(f"SELECT item FROM facts WHERE {condition}").views == {"facts"}


@pytest.mark.parametrize(
    "condition",
    [
        "item NOT LIKE 'CASH'",
        "NOT item LIKE 'CASH'",
        "NOT (item BETWEEN 'x' AND 'y')",
        "item BETWEEN 'sector' AND 'auditor'",
        "item LIKE 'CASH'",
    ],
)
def test_a_condition_on_items_that_is_negated_or_of_items_in_another_order_is_no_mistake(condition):
    assert read_statement(f"SELECT * FROM facts WHERE {condition}").views == {"facts"}
