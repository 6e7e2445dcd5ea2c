"""The questions that extraction asks one source: its columns, its period ends, and the rows of some of them.

SQL is built as a tree by SQLGlot, so that names and texts are quoted by the dialect's rules. Columns are qualified with
their table: SQLite reads an unqualified `"name"` that is no column as a text.
"""

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from finsync_pipeline.statements.mapping import SourceMapping

DIALECT = "sqlite"


def columns_query(mapping: SourceMapping) -> str:
    """One row with every column that the table has."""
    return _sql(exp.select("*").from_(_table(mapping)).limit(1))


def periods_query(mapping: SourceMapping) -> str:
    """Each distinct spelling of the period end with its number of rows: columns period, row_count."""
    period = _column(mapping, mapping.period_end.column)
    counted = exp.select(period.as_("period"), exp.Count(this=exp.Star()).as_("row_count"))
    return _sql(counted.from_(_table(mapping)).group_by(period))


def count_query(mapping: SourceMapping) -> str:
    """The number of rows of the table: column row_count."""
    return _sql(exp.select(exp.Count(this=exp.Star()).as_("row_count")).from_(_table(mapping)))


def rows_query(mapping: SourceMapping, literals: Iterable[str] | None) -> str:
    """The mapping's columns of the rows whose period end is one of these literals; of all rows for None.

    `literals` are period ends as literals in SQL, as `literal` writes them; NULL among them asks for rows without one.
    """
    columns = [_column(mapping, name) for name in mapping.columns]
    rows = exp.select(*columns).from_(_table(mapping))
    if literals is not None:
        rows = rows.where(_is_one_of(_column(mapping, mapping.period_end.column), list(literals)))
    return _sql(rows)


def literal(value: Any) -> str:
    """The value of a period end as a literal: text quoted, a number as it stands, None as NULL."""
    if value is None:
        return "NULL"
    text = spelling(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return text if is_number else _sql(exp.Literal.string(text))


def spelling(value: Any) -> str:
    """The value of a period end as text. 20091231.0 is 20091231: SQL groups them as one, under either."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _is_one_of(column: exp.Column, literals: list[str]) -> exp.Condition:
    named: list[exp.Expression] = [exp.maybe_parse(text, dialect=DIALECT) for text in literals if text != "NULL"]
    one_of = exp.In(this=column, expressions=named) if named else exp.false()
    return exp.or_(one_of, column.copy().is_(exp.null())) if "NULL" in literals else one_of


def _table(mapping: SourceMapping) -> exp.Table:
    return exp.Table(this=exp.to_identifier(mapping.table, quoted=True))


def _column(mapping: SourceMapping, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(mapping.table, quoted=True))


def _sql(expression: exp.Expression) -> str:
    return expression.sql(dialect=DIALECT)
