"""Small tables FINANCIALS, and what is derived from them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.derived import derived_table
from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.tables import AGREEMENT, FINANCIALS

COUNTS = {f"{item}_sources": 0 for item in NUMERIC_ITEMS}


def period(day: str, months: int, **cells: Any) -> dict[str, Any]:
    """A row of FINANCIALS: of c1 in USD, with these cells."""
    key = {"company_id": "c1", "period_end": date.fromisoformat(day), "months": months, "currency": "USD"}
    return {**key, "facts_version": "v1", "disputed": 0, "withheld": 0, **COUNTS, **cells}


def revenues(**by_period: float) -> list[dict[str, Any]]:
    """Rows with a revenue, named after length and period end: `m6_2009_06_30=25`."""
    return [
        period("-".join(name.split("_")[1:]), int(name.split("_")[0][1:]), revenue=float(value))
        for name, value in by_period.items()
    ]


def financials(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], schema=FINANCIALS.arrow)


def cell(item: str, day: str, months: int, verdict: str, is_withheld: bool = False) -> dict[str, Any]:
    """A row of AGREEMENT of c1 in USD."""
    key = {"company_id": "c1", "period_end": date.fromisoformat(day), "months": months, "currency": "USD"}
    counts = {"sources": 2, "sources_used": 2, "least": 1.0, "greatest": 2.0, "spread": 0.5}
    return {**key, **counts, "item": item, "verdict": verdict, "is_withheld": is_withheld}


def derived(
    rows: Iterable[Mapping[str, Any]], cells: Iterable[dict[str, Any]] | None = None, **options: Any
) -> list[dict[str, Any]]:
    """The rows of DERIVED, with these cells as AGREEMENT; `options` are those of `derived_table`."""
    agreement = None if cells is None else pa.Table.from_pylist(list(cells), schema=AGREEMENT.arrow)
    return list(derived_table(financials(rows), agreement, **options).to_pylist())


def values(rows: Iterable[Mapping[str, Any]], kind: str, item: str = "revenue") -> dict[str, float]:
    """The values of a kind and item by period end."""
    return {
        str(row["period_end"]): row["value"]
        for row in derived(rows)
        if (row["kind"], row["item"]) == (kind, item) and row["value"] is not None
    }


def operands(row: Mapping[str, Any]) -> list[tuple[int, str, int, float]]:
    """Sign, period end, length and value of each operand."""
    return [(each["sign"], str(each["period_end"]), each["months"], each["value"]) for each in row["operands"]]


def selected(sql: str, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """What the SELECT gives over these rows as the table `financials`."""
    with frames.empty_database() as connection:
        connection.register("financials", financials(rows))
        return connection.sql(sql).fetchall()
