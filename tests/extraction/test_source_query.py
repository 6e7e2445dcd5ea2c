"""The SQL that is sent, proven on a real SQLite database."""

import sqlite3
from typing import Any

import pytest
from extraction_sources import pnl_mapping

from finsync_pipeline.extraction.source_query import (
    columns_query,
    count_query,
    literal,
    periods_query,
    rows_query,
    text_of_literal,
)
from finsync_pipeline.statements.mapping import SourceMapping

ODD_NAMES = [
    'the "period"',
    "two words",
    "a;b",
    "select",
    "Group By",
    "x'); DROP TABLE t; --",
    "lines.Net income",
    "[bracket] `tick`",
    "Größe 大",
    "line\nbreak",
    "/* no comment",
    "?1",
]
ODD_VALUES = [
    "O'Brien",
    "''",
    "back\\slash",
    "\\'",
    "line\nbreak\ttab",
    'say "x"',
    "-- x",
    "'; DROP TABLE t; --",
    "NULL",
    "",
    " ",
    "%_",
    "31 décembre",
    20091231,
    "20091231",
    -5,
    0,
    2009.5,
    1e-7,
    1e22,
    None,
]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def database(mapping: SourceMapping, rows: list[tuple[Any, ...]], columns: list[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    table, names = quoted(mapping.table), ", ".join(map(quoted, columns))
    connection.execute(f"CREATE TABLE {table} ({names})")
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    return connection


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_any_name_of_a_table_or_column_is_quoted(odd: str) -> None:
    mapping = pnl_mapping(table=odd, row_key=f"{odd} key", period_end=odd, items={"revenue": f"revenue {odd}"})
    rows = [(1, "A", "2009-12-31", 10), (2, "B", "2010-03-31", 20)]
    with database(mapping, rows, mapping.columns) as connection:
        cursor = connection.execute(columns_query(mapping))
        assert [column[0] for column in cursor.description] == mapping.columns
        assert sorted(connection.execute(periods_query(mapping))) == [("2009-12-31", 1), ("2010-03-31", 1)]
        assert connection.execute(count_query(mapping)).fetchall() == [(2,)]
        cursor = connection.execute(rows_query(mapping, [literal("2010-03-31")]))
        assert cursor.fetchall() == rows[1:]
        assert [column[0] for column in cursor.description] == mapping.columns


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_a_period_is_found_by_its_literal_and_only_it(value: Any) -> None:
    mapping = pnl_mapping()
    rows = [(number, "A", each, 1, 2) for number, each in enumerate(ODD_VALUES)]
    with database(mapping, rows, mapping.columns) as connection:
        found = connection.execute(rows_query(mapping, [literal(value)])).fetchall()
    assert found == [(ODD_VALUES.index(value), "A", value, 1, 2)]


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_a_literal_gives_the_text_of_its_period_end(value: Any) -> None:
    assert text_of_literal(literal(value)) == (
        None if value is None else "1" + "0" * 22 if value == 1e22 else str(value)
    )


def test_all_periods_named_together_give_every_row() -> None:
    mapping = pnl_mapping()
    rows = [(number, "A", each, 1, 2) for number, each in enumerate(ODD_VALUES)]
    with database(mapping, rows, mapping.columns) as connection:
        assert connection.execute(rows_query(mapping, map(literal, ODD_VALUES))).fetchall() == rows
        assert connection.execute(rows_query(mapping, None)).fetchall() == rows


def test_no_periods_give_no_rows() -> None:
    mapping = pnl_mapping()
    with database(mapping, [(1, "A", None, 1, 2)], mapping.columns) as connection:
        assert connection.execute(rows_query(mapping, [])).fetchall() == []


def test_a_whole_number_is_one_period_whether_written_with_a_point_or_without() -> None:
    mapping = pnl_mapping()
    rows = [(1, "A", 20091231, 1, 2), (2, "A", 20091231.0, 1, 2)]
    with database(mapping, rows, mapping.columns) as connection:
        assert len(connection.execute(periods_query(mapping)).fetchall()) == 1
        for value in (20091231, 20091231.0):
            assert connection.execute(rows_query(mapping, [literal(value)])).fetchall() == rows


@pytest.mark.parametrize("gone", pnl_mapping().columns)
def test_a_missing_column_is_an_error_and_never_a_text(gone: str) -> None:
    mapping = pnl_mapping()
    columns = [column for column in mapping.columns if column != gone]
    with database(mapping, [("x",) * len(columns)], columns) as connection:
        sent = [rows_query(mapping, None), rows_query(mapping, [literal("x")])]
        sent += [periods_query(mapping)] if gone == mapping.period_end.column else []
        for sql in sent:
            with pytest.raises(sqlite3.OperationalError, match="no such column"):
                connection.execute(sql).fetchall()
