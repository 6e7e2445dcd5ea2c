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
    return _sql(_periods(mapping))


def periods_page_query(mapping: SourceMapping, after: str | None, limit: int) -> str:
    """As `periods_query`, the first periods beyond the literal `after` (None: the first of all) in order; no NULL."""
    period = _period(mapping)
    return _sql(_periods(mapping).where(_beyond(period, after)).order_by(period.copy()).limit(limit))


def count_query(mapping: SourceMapping) -> str:
    """The number of rows of the table: column row_count."""
    return _sql(exp.select(exp.Count(this=exp.Star()).as_("row_count")).from_(_table(mapping)))


def count_without_period_query(mapping: SourceMapping) -> str:
    """The number of rows without a period end: column row_count."""
    counted = exp.select(exp.Count(this=exp.Star()).as_("row_count")).from_(_table(mapping))
    return _sql(counted.where(_period(mapping).is_(exp.null())))


def rows_query(mapping: SourceMapping, literals: Iterable[str] | None) -> str:
    """The mapping's columns of the rows whose period end is one of these literals; of all rows for None.

    `literals` are period ends as literals in SQL, as `literal` writes them; NULL among them asks for rows without one.
    """
    return _sql(_rows(mapping, literals))


def keyless_rows_query(mapping: SourceMapping, period: str) -> str:
    """The rows with this period end (a literal) and no row key."""
    return _sql(_rows(mapping, [period]).where(_column(mapping, mapping.row_key).is_(exp.null())))


def rows_page_query(mapping: SourceMapping, period: str, after: str | None, limit: int) -> str:
    """The first rows with this period end by their row key, beyond the key `after` (a literal; None: the first)."""
    key = _column(mapping, mapping.row_key)
    return _sql(_rows(mapping, [period]).where(_beyond(key, after)).order_by(key.copy()).limit(limit))


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


def _periods(mapping: SourceMapping) -> exp.Select:
    period = _period(mapping)
    counted = exp.select(period.as_("period"), exp.Count(this=exp.Star()).as_("row_count"))
    return counted.from_(_table(mapping)).group_by(period)


def _rows(mapping: SourceMapping, literals: Iterable[str] | None) -> exp.Select:
    rows = exp.select(*[_column(mapping, name) for name in mapping.columns]).from_(_table(mapping))
    return rows if literals is None else rows.where(_is_one_of(_period(mapping), list(literals)))


def _beyond(column: exp.Column, after: str | None) -> exp.Condition:
    if after is None:
        return exp.not_(column.copy().is_(exp.null()))
    return exp.GT(this=column.copy(), expression=exp.maybe_parse(after, dialect=DIALECT))


def _is_one_of(column: exp.Column, literals: list[str]) -> exp.Condition:
    named: list[exp.Expression] = [exp.maybe_parse(text, dialect=DIALECT) for text in literals if text != "NULL"]
    one_of = exp.In(this=column, expressions=named) if named else exp.false()
    return exp.or_(one_of, column.copy().is_(exp.null())) if "NULL" in literals else one_of


def _period(mapping: SourceMapping) -> exp.Column:
    return _column(mapping, mapping.period_end.column)


def _table(mapping: SourceMapping) -> exp.Table:
    return exp.Table(this=exp.to_identifier(mapping.table, quoted=True))


def _column(mapping: SourceMapping, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(mapping.table, quoted=True))


def _sql(expression: exp.Expression) -> str:
    return expression.sql(dialect=DIALECT)
