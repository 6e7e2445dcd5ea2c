"""The SQL that is sent to one source: for its columns, its period ends, and the rows of some of them.

SQL is built as a tree by SQLGlot, so that names and texts are quoted by the rules of the dialect. Columns are qualified
with their table: SQLite reads an unqualified `"name"` that is not a column as a text. Period ends are passed as
literals, as `literal` writes them; NULL stands for rows without one.
"""

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from finsync_pipeline.statements.mapping import SourceMapping

DIALECT = "sqlite"
ROW_COUNT = "COUNT(*) AS row_count"


def columns_query(mapping: SourceMapping) -> str:
    """One row with every column of the table."""
    return _sql(exp.select("*").from_(exp.table_(mapping.table, quoted=True)).limit(1))


def count_query(mapping: SourceMapping, literals: Iterable[str] | None = None) -> str:
    """The number of rows with one of these period ends, of all rows for None: column row_count."""
    return _sql(_select(mapping, [ROW_COUNT], literals))


def periods_query(mapping: SourceMapping, after: str | None = None, limit: int | None = None) -> str:
    """Each distinct period end with its number of rows: columns period, row_count.

    With a limit, only the first period ends in order beyond the literal `after` (None: from the first), without NULL.
    """
    period = column_of(mapping, mapping.period_end.column)
    periods = _select(mapping, [period.as_("period"), ROW_COUNT], None).group_by(period)
    return _sql(periods if limit is None else _page(periods, period.copy(), after, limit))


def rows_query(
    mapping: SourceMapping,
    literals: Iterable[str] | None,
    condition: exp.Expr | None = None,
    order_by: exp.Expr | None = None,
    limit: int | None = None,
) -> str:
    """The mapping's columns of the rows with one of these period ends; of all rows for None.

    With a condition only rows that fulfil it, with a limit the first ones in the order.
    """
    rows = _rows(mapping, literals)
    rows = rows if condition is None else rows.where(condition)
    rows = rows if order_by is None else rows.order_by(order_by)
    return _sql(rows if limit is None else rows.limit(limit))


def conditional_count_query(mapping: SourceMapping, literals: Iterable[str] | None, condition: exp.Expr | None) -> str:
    """The number of rows that `rows_query` returns without a limit: column row_count."""
    rows = _select(mapping, [ROW_COUNT], literals)
    return _sql(rows if condition is None else rows.where(condition))


def keyless_rows_query(mapping: SourceMapping, period: str) -> str:
    """The rows with this period end that have no row key."""
    return _sql(_rows(mapping, [period]).where(column_of(mapping, mapping.row_key).is_(exp.null())))


def rows_page_query(mapping: SourceMapping, period: str, after: str | None, limit: int) -> str:
    """The first rows with this period end by their row key, beyond the key `after` (a literal; None: the first)."""
    return _sql(_page(_rows(mapping, [period]), column_of(mapping, mapping.row_key), after, limit))


def literal(value: Any) -> str:
    """The value of a period end as a literal: a quoted text, a number, or NULL for None.

    20091231.0 is 20091231: SQL groups them as one, under either.
    """
    if value is None:
        return "NULL"
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return text if is_number else _sql(exp.Literal.string(text))


def text_of_literal(period: str) -> str | None:
    """The text of the period end that `literal` wrote, None for NULL."""
    if period == "NULL":
        return None
    return period[1:-1].replace("''", "'") if period.startswith("'") else period


def _rows(mapping: SourceMapping, literals: Iterable[str] | None) -> exp.Select:
    return _select(mapping, [column_of(mapping, name) for name in mapping.columns], literals)


def _select(mapping: SourceMapping, columns: list[Any], literals: Iterable[str] | None) -> exp.Select:
    rows = exp.select(*columns).from_(exp.table_(mapping.table, quoted=True))
    if literals is None:
        return rows
    period, wanted = column_of(mapping, mapping.period_end.column), list(literals)
    named: list[exp.Expr] = [exp.maybe_parse(text, dialect=DIALECT) for text in wanted if text != "NULL"]
    is_wanted = exp.In(this=period, expressions=named) if named else exp.false()
    return rows.where(exp.or_(is_wanted, period.copy().is_(exp.null())) if "NULL" in wanted else is_wanted)


def _page(rows: exp.Select, column: exp.Column, after: str | None, limit: int) -> exp.Select:
    """The first rows in the order of the column, beyond the literal `after`."""
    if after is None:
        is_beyond: exp.Expr = exp.not_(column.is_(exp.null()))
    else:
        is_beyond = exp.GT(this=column, expression=exp.maybe_parse(after, dialect=DIALECT))
    return rows.where(is_beyond).order_by(column.copy()).limit(limit)


def column_of(mapping: SourceMapping, name: str) -> exp.Column:
    """The column, qualified with its table."""
    return exp.column(name, table=mapping.table, quoted=True)


def _sql(expression: exp.Expr) -> str:
    return expression.sql(dialect=DIALECT)
