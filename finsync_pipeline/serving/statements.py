"""A company's statements over time: what is published, or what one source gives, and what can be derived of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Literal

import pyarrow as pa

from finsync_pipeline.aggregation.derived import derived_table
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.tables import AGREEMENT, FINANCIALS

StatementName = Literal["income_statement", "balance_sheet", "cash_flow"]
DerivedKind = Literal["quarter", "trailing_year", "formula"]
KEYS = ("period_end", "months", "currency")
YEAR = ("fiscal_year", "fiscal_quarter", "is_year_end_assumed")


@dataclass(frozen=True)
class Wanted:
    """Whose statements; of them one statement (None: all), lengths in months, days (`first...last`), one source."""

    company_id: str
    statement: StatementName | None = None
    months: tuple[int, ...] = ()
    days: str | None = None
    source: str | None = None

    @property
    def items(self) -> list[str]:
        """The items of the statement, or of all, in the order of statements."""
        return [item for view in STATEMENTS for item in VIEWS[view].items if self.statement in (None, view)]

    @property
    def where(self) -> tuple[str, list[Any]]:
        """SQL of the company and its periods, and the values for it."""
        conditions, values = ["company_id = ?"], list[Any]([self.company_id])
        if self.months:
            conditions.append("list_contains(?, months)")
            values.append(list(self.months))
        if self.days:
            first, dots, last = self.days.partition("...")
            conditions.append("period_end BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)")
            values += [first, last if dots else first]
        return " AND ".join(conditions), values


def rows_of(release: OpenRelease, wanted: Wanted) -> list[dict[str, Any]]:
    """A row for each period, length and currency of which the company has one of the items, by KEYS.

    `items` has the values, null where there is none. Of what is published, `disputed` and `withheld` count such cells
    of the whole row, and `sources` has the number of sources that each value was made of.
    """
    release.require("financials")
    if wanted.source is None:
        return _published(release, wanted)
    years = _fiscal_years(release, wanted.company_id)
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
        WHERE {where}
    """
    return sorted(release.query(sql, *values).as_dicts(), key=itemgetter("item", *KEYS))


def derived_values(release: OpenRelease, wanted: Wanted, kinds: Collection[DerivedKind]) -> list[dict[str, Any]]:
    """The rows of the table DERIVED of these kinds, of what is published."""
    if not kinds:
        return []
    # Of all periods, since operands lie outside of those that are asked for
    of_company = Wanted(wanted.company_id).where
    financials = release.arrow(f"SELECT * FROM financials WHERE {of_company[0]}", *of_company[1])
    agreement = None
    if release.has("agreement"):
        agreement = release.arrow(f"SELECT * FROM agreement WHERE {of_company[0]}", *of_company[1])
        agreement = agreement.select(AGREEMENT.arrow.names)
    formulas = [name for name, formula in FORMULAS.items() if {*formula.items} <= {*wanted.items}]
    found = derived_table(financials.select(FINANCIALS.arrow.names), agreement, [*wanted.items, *formulas])
    return [row for row in found.to_pylist() if row["kind"] in kinds and _is_wanted(row, wanted)]


def _is_wanted(row: dict[str, Any], wanted: Wanted) -> bool:
    first, dots, last = (wanted.days or "").partition("...")
    is_in_days = not wanted.days or first <= str(row["period_end"]) <= (last if dots else first)
    return is_in_days and (not wanted.months or row["months"] in wanted.months)


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


def _fiscal_years(release: OpenRelease, company_id: str) -> dict[date, dict[str, Any]]:
    """The fiscal year of each period end of the company."""
    sql = f"SELECT period_end, {', '.join(YEAR)} FROM fiscal_years WHERE company_id = ?"
    return {row[0]: dict(zip(YEAR, row[1:], strict=True)) for row in release.query(sql, company_id).rows}
