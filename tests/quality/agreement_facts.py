"""Facts made of a few words, and what the comparison of sources makes of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import pandas as pd
from factories import FIRST_SEEN

from finsync_pipeline import frames
from finsync_pipeline.quality.agreement import agreement, near_periods
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import AGREEMENT, FACTS

YEARS = (2010, 2011, 2012, 2013, 2014)


def fact(value: float, source: str = "pnl", item: str = "revenue", year: int = 2014, **other: Any) -> dict[str, Any]:
    """A fact of c1 for the year in USD; its row is that of source, company, period end and length."""
    cells = {
        "company_id": "c1",
        "item": item,
        "period_end": date(year, 12, 31),
        "months": 12,
        "currency": "USD",
        "value": float(value),
        "source": source,
        "data_version": "v1",
        "first_seen": FIRST_SEEN,
        **other,
    }
    return {"row_key": f"{cells['company_id']}-{cells['period_end']}-{cells['months']}", **cells}


def series(value: float, source: str = "pnl", item: str = "revenue", **other: Any) -> list[dict[str, Any]]:
    """The facts of five years, growing by 5 % a year."""
    return [fact(round(value * 1.05**n), source, item, year, **other) for n, year in enumerate(YEARS)]


def table_of(facts: list[dict[str, Any]], rules: Rules | None = None, vintages: Mapping[str, Any] | None = None):
    return agreement_of(FACTS.frame(facts), rules, vintages)


def agreement_of(
    facts: pd.DataFrame, rules: Rules | None = None, vintages: Mapping[str, Any] | None = None, threads: int = 2
) -> pd.DataFrame:
    """The table AGREEMENT, in the order of its keys."""
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {threads}")
        found = agreement(connection, connection.from_arrow(frames.to_arrow(facts)), rules or Rules(), vintages)
        ordered = found.order("company_id, item, period_end, months, currency").to_arrow_table()
    return AGREEMENT.conform(frames.from_arrow(ordered))


def cell_of(table: pd.DataFrame, item: str = "revenue", year: int = 2014, company_id: str = "c1") -> dict[str, Any]:
    """The row of one cell, nulls as None."""
    chosen = table[
        (table["item"] == item) & (table["period_end"] == date(year, 12, 31)) & (table["company_id"] == company_id)
    ]
    (row,) = frames.to_arrow(chosen).to_pylist()
    return dict(row)


def near_periods_of(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        found = near_periods(connection.from_arrow(frames.to_arrow(FACTS.frame(facts)))).to_arrow_table()
    return list(found.to_pylist())
