"""A company's statements over time: what is published, or what one source gives, with the cells that are disputed."""

from collections.abc import Sequence
from typing import Any, Literal

from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.views import statement_sql
from finsync_pipeline.serving.open_release import OpenRelease

StatementName = Literal["income_statement", "balance_sheet", "cash_flow"]
KEYS = ("period_end", "months", "currency")


def published_rows(
    release: OpenRelease, company_id: str, items: Sequence[str], months: Sequence[int], days: tuple[str, str] | None
) -> list[dict[str, Any]]:
    """The published values of the items, a row for each period, length and currency that has one of them, by KEYS.

    `disputed` and `withheld` count such cells of the row, `sources` has the number of sources of each value.
    """
    there = [item for item in items if item in release.columns["financials"]]
    columns = [*KEYS, "disputed", "withheld", *there, *(f"{item}_sources" for item in there)]
    where, values = _where(company_id, months, days)
    sql = f"SELECT {', '.join(columns)} FROM financials WHERE {where} ORDER BY {', '.join(KEYS)}"
    rows = release.query(sql, *values).rows
    counted = len(KEYS) + 2
    return [
        {
            **dict(zip(columns[:counted], row[:counted], strict=True)),
            "items": dict(zip(there, row[counted : counted + len(there)], strict=True)),
            "sources": {item: n for item, n in zip(there, row[counted + len(there) :], strict=True) if n},
        }
        for row in rows
        if any(value is not None for value in row[counted : counted + len(there)]) or row[3] or row[4]
    ]


def source_rows(
    release: OpenRelease, company_id: str, source: str, statement: StatementName, months: Sequence[int], days: Any
) -> list[dict[str, Any]]:
    """What one source gives of a statement, by KEYS."""
    where, values = _where(company_id, months, days)
    facts = f"(SELECT * FROM facts WHERE {where} AND source = ?)"
    found = release.query(f"{statement_sql(statement, facts)} ORDER BY {', '.join(KEYS)}", *values, source)
    items = VIEWS[statement].items
    return [
        {**{key: row[key] for key in KEYS}, "items": {item: row[item] for item in items}} for row in found.as_dicts()
    ]


def disputed_cells(release: OpenRelease, company_id: str, items: Sequence[str]) -> list[dict[str, Any]]:
    """The cells of the company on which sources differ, or that are suspect: why, and what is published of them."""
    if not release.has("agreement"):
        return []
    sql = """
        SELECT item, period_end, months, currency, verdict, value, least, greatest, is_withheld, culprit, why
        FROM agreement
        WHERE company_id = ? AND verdict NOT IN ('single', 'agreed') AND list_contains(?, item) ORDER BY ALL
    """
    return release.query(sql, company_id, list(items)).as_dicts()


def items_of(statement: StatementName | None) -> list[str]:
    """The items of the statement, or of all."""
    return [item for view in STATEMENTS for item in VIEWS[view].items if statement in (None, view)]


def _where(company_id: str, months: Sequence[int], days: tuple[str, str] | None) -> tuple[str, list[Any]]:
    conditions, values = ["company_id = ?"], [company_id]
    if months:
        conditions.append("list_contains(?, months)")
        values.append(list(months))  # type: ignore[arg-type]
    if days:
        conditions.append("period_end BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)")
        values += days
    return " AND ".join(conditions), values
