"""What stands out among companies of a screen: largest changes, outliers, disagreements; computed, never an advice.

Only published values of one release are compared, each within its company, item and currency, and each number is that
of a cell, which can be traced. The latest annual period of a company is the last one that the screen asks for; its
change is from the one a year before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from finsync_pipeline.aggregation.financials import UNDISPUTED
from finsync_pipeline.serving.open_release import ANNUAL, OpenRelease
from finsync_pipeline.serving.screen import YEARS, Screen, screened
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS

MOST_COMPANIES = 2_000
"""Companies of a result that are compared."""
MAIN_ITEMS = (
    "revenue", "operating_income", "net_income", "total_assets", "total_liabilities", "equity", "cash",
    "cash_from_operations",
)  # fmt: skip
"""What is compared if a screen names no item: all items of 2,000 companies would take seconds."""
SHOWN = 10
"""Cells of each kind."""
YEAR_DAYS = (350, 380)
"""How many days lie between two annual periods in a row."""
LEAST_VALUES = 8
"""Fewer values have no outliers."""
FAR = 3.5
"""A robust z from which a value is an outlier (Iglewicz and Hoaglin, 1993)."""
NORMAL = 0.6745
"""The median of absolute deviations as a share of the standard deviation, of a normal distribution."""


class Place(BaseModel):
    """A cell of the release."""

    company_id: str
    company_name: str | None
    item: str
    period_end: date
    months: int
    currency: str
    value: float | None = Field(description="The value that is published; null if it is withheld")


class Change(Place):
    """A value, and that of the year before."""

    before: float
    period_before: date
    absolute: float
    relative: float | None = Field(description="The change as a share of the earlier magnitude; null if that is zero")


class Outlier(Place):
    """A value that is far from the others of its item and currency."""

    median: float
    values: int = Field(description="Values that it is compared with, its own among them")
    robust_z: float = Field(description="0.6745 (value - median) / median of absolute deviations")


class Disagreement(Place):
    """A cell on which sources differ, or of which no value is published."""

    verdict: str
    least: float
    greatest: float
    spread: float = Field(description="What lies between them, as a share of the larger magnitude")
    is_withheld: bool
    why: str | None


class Insights(BaseModel):
    """What stands out among the companies of a screen."""

    companies: int = Field(description="Companies that are compared")
    is_complete: bool = Field(description="Whether they are all that meet the conditions")
    items: list[str] = Field(
        description="Items that are compared: those of the screen, or else the main ones of each statement"
    )
    relative_changes: list[Change]
    absolute_changes: list[Change]
    outliers: list[Outlier]
    disagreements: list[Disagreement] = Field(description="The largest spreads between sources")
    withheld: list[Disagreement] = Field(description="Cells of which no value is published, the latest first")


@dataclass(frozen=True)
class _Compared:
    """Whose values are compared, of which items, over which days."""

    companies: list[str]
    items: list[str]
    asked: Screen

    @property
    def where(self) -> tuple[str, list[Any]]:
        """SQL of rows with company_id, currency, period_end and fiscal_year, and the values for it."""
        conditions, values = ["company_id IN (SELECT unnest(?::VARCHAR[]))"], list[Any]([self.companies])
        if self.asked.currency:
            conditions, values = [*conditions, "currency = ?"], [*values, self.asked.currency]
        if self.asked.fiscal_years:
            conditions, values = [*conditions, "list_contains(?, fiscal_year)"], [*values, [*self.asked.fiscal_years]]
        if self.asked.period_end:
            first, dots, last = self.asked.period_end.partition("...")
            conditions.append("period_end BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)")
            values += [first, last if dots else first]
        return " AND ".join(conditions), values


def insights_of(release: OpenRelease, asked: Screen) -> Insights:
    """What stands out among all companies that meet the conditions, whichever page of them is asked for.

    Raises QueryError as `screened` does.
    """
    everyone = asked.model_copy(update={"limit": MOST_COMPANIES, "after": 0})
    rows = screened(release, everyone).rows.rows
    companies = list(dict.fromkeys(row[0] for row in rows[:MOST_COMPANIES]))
    compared = _Compared(companies, _items(release, asked), asked)
    changes = _changes(release, compared)
    return Insights(
        companies=len(companies),
        is_complete=len(rows) <= MOST_COMPANIES,
        items=compared.items,
        relative_changes=_largest([each for each in changes if each["relative"] is not None], "relative", Change),
        absolute_changes=_largest(changes, "absolute", Change),
        outliers=_largest(_outliers(release, compared), "robust_z", Outlier),
        disagreements=[Disagreement(**row) for row in _disagreements(release, compared, "spread > 0", "spread DESC")],
        withheld=[Disagreement(**row) for row in _disagreements(release, compared, "is_withheld", "period_end DESC")],
    )


def disputed_counts(
    release: OpenRelease, asked: Screen, companies: Sequence[str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """How many cells of each company, currency and item are disputed or suspect, and how many of them withheld.

    They are cells of the periods that the screen asks for, whether or not they meet its conditions on periods.
    """
    if not release.has("agreement") or not asked.operands:
        return {}
    where, values = _Compared(list(companies), asked.operands, asked).where
    sql = f"""
        SELECT company_id, currency, item, count(*), count(*) FILTER (WHERE is_withheld)
        FROM disputed_cells {YEARS}
        WHERE {where} AND list_contains(?, item) AND months IN (0, ?)
        GROUP BY ALL
    """
    found = release.query(sql, *values, asked.operands, asked.months).rows
    return {(company, currency, item): (count, withheld) for company, currency, item, count, withheld in found}


def _items(release: OpenRelease, asked: Screen) -> list[str]:
    named = [item for name in asked.shown for item in (FORMULAS[name].items if name in FORMULAS else (name,))]
    return [item for item in dict.fromkeys(named or MAIN_ITEMS) if item in release.items]


def _annual_sql(release: OpenRelease, compared: _Compared) -> str:
    """SQL of annual values: company_id, currency, item, period_end, months and value; balances are at the ends."""
    flows = [item for item in compared.items if ITEMS[item].kind == "duration"]
    balances = [item for item in compared.items if ITEMS[item].kind == "instant"]
    parts = [
        f"""
        SELECT company_id, currency, item, period_end, months, fiscal_year, value
        FROM (
            SELECT company_id, currency, period_end, months, fiscal_year,
                unnest([{", ".join(f"'{each}'" for each in items)}]) AS item,
                unnest([{", ".join(f"items[{release.items.index(each) + 1}]" for each in items)}]) AS value
            FROM statements WHERE months = {months}
        )
        WHERE value IS NOT NULL
        """
        for items, months in ((flows, ANNUAL), (balances, 0))
        if items
    ]
    of_annual = "SEMI JOIN (FROM statements WHERE months = 12) AS annual USING (company_id, currency, period_end)"
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) {of_annual}"


def _latest_sql(release: OpenRelease, compared: _Compared) -> tuple[str, list[Any]]:
    """CTEs `annual`, and `latest`: of each company, currency and item its last value; and the values for them."""
    where, values = compared.where
    sql = f"""
        WITH annual AS ({_annual_sql(release, compared)}),
        names AS (SELECT DISTINCT company_id, company_name FROM company_summary),
        latest AS (
            SELECT * FROM annual WHERE {where}
            QUALIFY row_number() OVER (PARTITION BY company_id, currency, item ORDER BY period_end DESC) = 1
        )
    """
    return sql, values


def _changes(release: OpenRelease, compared: _Compared) -> list[dict[str, Any]]:
    if not compared.items:
        return []
    latest, values = _latest_sql(release, compared)
    least, most = YEAR_DAYS
    sql = f"""
        {latest}
        SELECT company_id, company_name, item, latest.period_end, months, currency, latest.value,
            annual.value AS before, annual.period_end AS period_before,
            round(latest.value - annual.value, 6) AS absolute,
            (latest.value - annual.value) / nullif(abs(annual.value), 0) AS relative
        FROM latest JOIN annual USING (company_id, currency, item, months) LEFT JOIN names USING (company_id)
        WHERE latest.period_end - annual.period_end BETWEEN {least} AND {most} AND latest.value <> annual.value
        QUALIFY row_number() OVER (
            PARTITION BY company_id, currency, item ORDER BY abs(latest.period_end - annual.period_end - 365)
        ) = 1
    """
    return release.query(sql, *values).as_dicts()


def _outliers(release: OpenRelease, compared: _Compared) -> list[dict[str, Any]]:
    if not compared.items:
        return []
    latest, values = _latest_sql(release, compared)
    sql = f"""
        {latest},
        centred AS (
            SELECT *, median(value) OVER of_item AS median, count(*) OVER of_item AS values
            FROM latest WINDOW of_item AS (PARTITION BY item, currency)
        ),
        scaled AS (
            SELECT *, median(abs(value - median)) OVER (PARTITION BY item, currency) AS deviation FROM centred
        )
        SELECT company_id, company_name, item, period_end, months, currency, value, median, values,
            {NORMAL} * (value - median) / deviation AS robust_z
        FROM scaled LEFT JOIN names USING (company_id)
        WHERE values >= {LEAST_VALUES} AND deviation > 0 AND abs(robust_z) > {FAR}
    """
    return release.query(sql, *values).as_dicts()


def _disagreements(release: OpenRelease, compared: _Compared, condition: str, order: str) -> list[dict[str, Any]]:
    if not release.has("agreement"):
        return []
    where, values = compared.where
    sql = f"""
        SELECT company_id, company_name, item, period_end, months, currency, value, verdict, least, greatest, spread,
            is_withheld, why
        FROM agreement {YEARS}
            LEFT JOIN (SELECT DISTINCT company_id, company_name FROM company_summary) USING (company_id)
        WHERE {where} AND list_contains(?, item) AND months IN (0, ?) AND verdict NOT IN {UNDISPUTED}
            AND {condition}
        ORDER BY {order}, company_id, item, period_end, months, currency
        LIMIT {SHOWN}
    """
    return release.query(sql, *values, compared.items, compared.asked.months).as_dicts()


def _largest(rows: list[dict[str, Any]], measure: str, kind: type[Any]) -> list[Any]:
    """The rows with the largest magnitudes of the measure."""

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        return (-abs(row[measure]), row["company_id"], row["item"], row["currency"])

    return [kind(**row) for row in sorted(rows, key=order)[:SHOWN]]
