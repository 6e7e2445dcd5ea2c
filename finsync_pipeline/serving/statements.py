"""A company's statements over time: what is published, or what one source gives, and what can be derived of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel

from finsync_pipeline.aggregation.derived import derived_table
from finsync_pipeline.aggregation.financials import UNDISPUTED
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.statements.derived import FORMULAS

StatementName = Literal["income_statement", "balance_sheet", "cash_flow"]
DerivedKind = Literal["quarter", "trailing_year", "formula"]
KEYS = ("period_end", "months", "currency")
YEAR = ("fiscal_year", "fiscal_quarter", "is_year_end_assumed")


@dataclass(frozen=True)
class Wanted:
    """Whose statements, and which part of them.

    One statement (None: all) or the `named` items; lengths in months, days (`first...last`), fiscal years, a currency;
    balances only at the ends of periods of these lengths (`ends_of`); what one source gives, or what is published.
    """

    company_id: str
    statement: StatementName | None = None
    months: tuple[int, ...] = ()
    days: str | None = None
    source: str | None = None
    currency: str | None = None
    fiscal_years: tuple[int, ...] = ()
    ends_of: tuple[int, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def items(self) -> list[str]:
        """The items of the statement, or of all, in the order of statements."""
        of_statement = [item for view in STATEMENTS for item in VIEWS[view].items if self.statement in (None, view)]
        return [item for item in of_statement if not self.named or item in self.named]

    @property
    def where(self) -> tuple[str, list[Any]]:
        """SQL of the company and its periods, and the values for it."""
        conditions, values = ["company_id = ?"], list[Any]([self.company_id])
        if self.months:
            conditions.append("list_contains(?, months)")
            values.append(list(self.months))
        if self.days:
            conditions.append("period_end BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)")
            values += first_and_last(self.days)
        if self.currency:
            conditions.append("currency = ?")
            values.append(self.currency)
        if self.fiscal_years:
            of_company = "company_id = ? AND list_contains(?, fiscal_year)"
            conditions.append(f"period_end IN (SELECT period_end FROM fiscal_years WHERE {of_company})")
            values += [self.company_id, list(self.fiscal_years)]
        if self.ends_of:
            of_company = "company_id = ? AND list_contains(?, months)"
            conditions.append(f"(months > 0 OR period_end IN (SELECT period_end FROM statements WHERE {of_company}))")
            values += [self.company_id, list(self.ends_of)]
        return " AND ".join(conditions), values


class Coverage(BaseModel):
    """What a release has of a company: periods and facts of each source."""

    source: str
    currency: str
    months: int
    first_period: date
    last_period: date
    facts: int


def coverage_of(release: OpenRelease, company_id: str) -> list[Coverage]:
    """What each source gives of the company, by length and currency."""
    if not release.has("facts"):
        return []
    sql = """
        SELECT source, currency, months, min(period_end) AS first_period, max(period_end) AS last_period,
            count(*) AS facts
        FROM facts WHERE company_id = ? GROUP BY ALL ORDER BY ALL
    """
    return [Coverage(**row) for row in release.query(sql, company_id).as_dicts()]


@dataclass(frozen=True)
class Published:
    """A period of which values of a company are published."""

    months: int
    currency: str
    fiscal_year: int | None
    year: int


def published_periods(release: OpenRelease, company_id: str) -> list[Published]:
    """The periods that the release has of the company."""
    if not release.has("financials"):
        return []
    sql = "SELECT months, currency, fiscal_year, year(period_end) FROM statements WHERE company_id = ?"
    return [Published(*row) for row in release.query(sql, company_id).rows]


def first_and_last(days: str) -> tuple[str, str]:
    """The first and the last day of `first...last`, or of one day."""
    first, dots, last = days.partition("...")
    return first, last if dots else first


def rows_of(release: OpenRelease, wanted: Wanted) -> list[dict[str, Any]]:
    """A row for each period, length and currency of which the company has one of the items, by KEYS.

    `items` has the values, null where there is none. Of what is published, `disputed` and `withheld` count such cells
    of the whole row, and `sources` has the number of sources that each value was made of.
    """
    release.require("financials")
    if wanted.source is None:
        return _published(release, wanted)
    years = fiscal_years_of(release, wanted.company_id)
    of_source = _of_source(release, wanted)
    return [{**row, **years.get(row["period_end"], dict.fromkeys(YEAR))} for row in of_source]


def as_table(rows: Sequence[dict[str, Any]], wanted: Wanted) -> pa.Table:
    """The rows as a wide table: company_id, KEYS, YEAR, and a column for each item."""
    columns = {
        "company_id": pa.array([wanted.company_id] * len(rows), pa.string()),
        "period_end": pa.array([row["period_end"] for row in rows], pa.date32()),
        "months": pa.array([row["months"] for row in rows], pa.int64()),
        "currency": pa.array([row["currency"] for row in rows], pa.string()),
        "fiscal_year": pa.array([row["fiscal_year"] for row in rows], pa.int64()),
        "fiscal_quarter": pa.array([row["fiscal_quarter"] for row in rows], pa.int64()),
        "is_year_end_assumed": pa.array([row["is_year_end_assumed"] for row in rows], pa.bool_()),
    }
    return pa.table(
        columns | {item: pa.array([row["items"].get(item) for row in rows], pa.float64()) for item in wanted.items}
    )


def disputed_cells(release: OpenRelease, wanted: Wanted) -> list[dict[str, Any]]:
    """Cells on which sources differ, or that are suspect: why, and what is published of them."""
    if not release.has("agreement"):
        return []
    where, values = wanted.where
    if wanted.statement is not None:
        where, values = f"{where} AND list_contains(?, item)", [*values, wanted.items]
    sql = f"""
        SELECT item, period_end, months, currency, verdict, value, least, greatest, is_withheld, culprit, why
        FROM disputed_cells
        WHERE {where} AND verdict NOT IN {UNDISPUTED}
    """
    return sorted(release.query(sql, *values).as_dicts(), key=itemgetter("item", *KEYS))


def derived_values(release: OpenRelease, wanted: Wanted, kinds: Collection[DerivedKind]) -> list[dict[str, Any]]:
    """The rows of the table DERIVED of these kinds, of what is published."""
    if not kinds:
        return []
    formulas = [name for name, formula in FORMULAS.items() if {*formula.items} <= {*wanted.items}]
    items = [*wanted.items, *formulas]
    # Of all periods, since operands lie outside of those that are asked for; only of these items, which takes less long
    of_company = Wanted(wanted.company_id).where
    columns = ", ".join(("company_id", *KEYS, *(item for item in wanted.items if item in release.items)))
    financials = release.arrow(f"SELECT {columns} FROM financials WHERE {of_company[0]}", *of_company[1])
    missing = [item for item in wanted.items if item not in release.items]
    for item in missing:
        financials = financials.append_column(item, pa.nulls(len(financials), pa.float64()))
    agreement = None
    if release.has("agreement"):
        about = f"company_id, {', '.join(KEYS)}, item, verdict, is_withheld"
        agreement = release.arrow(f"SELECT {about} FROM disputed_cells WHERE {of_company[0]}", *of_company[1])
    ends = {row["period_end"] for row in financials.select(KEYS).to_pylist() if row["months"] in wanted.ends_of}
    found = derived_table(financials, agreement, items, kinds)
    years = fiscal_years_of(release, wanted.company_id) if wanted.fiscal_years else {}
    return [row for row in found.to_pylist() if _is_wanted(row, wanted, years, ends)]


def _is_wanted(
    row: Mapping[str, Any], wanted: Wanted, years: Mapping[date, Mapping[str, Any]], ends: Collection[date]
) -> bool:
    """Whether the derived value is in the part that is wanted."""
    day = row["period_end"]
    first, last = first_and_last(wanted.days) if wanted.days else ("", "9999")
    return (
        first <= str(day) <= last
        and (not wanted.months or row["months"] in wanted.months)
        and wanted.currency in (None, row["currency"])
        and (not wanted.fiscal_years or years.get(day, {}).get("fiscal_year") in wanted.fiscal_years)
        and (not wanted.ends_of or row["months"] > 0 or day in ends)
    )


def _published(release: OpenRelease, wanted: Wanted) -> list[dict[str, Any]]:
    places = {item: place for place, item in enumerate(release.items)}
    names = [item for item in wanted.items if item in places]
    picked = [places[item] for item in names]
    places_of = [*zip(names, picked, strict=True)]
    where, values = wanted.where
    about = (*KEYS, "disputed", "withheld", *YEAR)
    made = []
    for row in release.query(f"SELECT {', '.join(about)}, items, sources FROM statements WHERE {where}", *values).rows:
        *first, items, sources = row
        described, given = dict(zip(about, first, strict=True)), [items[place] for place in picked]
        if described["withheld"] or given.count(None) < len(given):
            used = {item: sources[place] for item, place in places_of if sources[place]}
            made.append({**described, "items": dict(zip(names, given, strict=True)), "sources": used})
    return sorted(made, key=itemgetter(*KEYS))


def _of_source(release: OpenRelease, wanted: Wanted) -> list[dict[str, Any]]:
    release.require("facts")
    where, values = wanted.where
    facts = f"(SELECT * FROM facts WHERE {where} AND source = ?)"
    items = ", ".join(f"max(value) FILTER (item = '{item}') AS {item}" for item in wanted.items)
    sql = f"""
        SELECT {", ".join(KEYS)}, {items} FROM {facts}
        WHERE list_contains(?, item) GROUP BY {", ".join(KEYS)} ORDER BY {", ".join(KEYS)}
    """
    rows = release.query(sql, *values, wanted.source, wanted.items).as_dicts()
    return [{**{key: row[key] for key in KEYS}, "items": {item: row[item] for item in wanted.items}} for row in rows]


def fiscal_years_of(release: OpenRelease, company_id: str) -> dict[date, dict[str, Any]]:
    """The fiscal year and quarter of each period end of the company, and whether its year end is assumed."""
    sql = f"SELECT period_end, {', '.join(YEAR)} FROM fiscal_years WHERE company_id = ?"
    return {row[0]: dict(zip(YEAR, row[1:], strict=True)) for row in release.query(sql, company_id).rows}
