"""Why is this number what it is? The lineage of a number or text of a release, down to the text that was delivered.

Everything is read from the folder of the release, by conditions that DuckDB pushes down to its Parquet files: neither
the present tables nor the present YAML are asked. What the answer contains is in `lineage`, how a delivered row is
found in `delivered_rows`, and what a release keeps of them in `publishing.raw_rows`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from finsync_pipeline.serving.delivered_rows import OLD, DeliveredRow, DeliveredRows, decision_of, only_one
from finsync_pipeline.serving.errors import NotInRelease
from finsync_pipeline.serving.explanation import explanation, why_not_used
from finsync_pipeline.serving.lineage import (
    Cell,
    Check,
    Mean,
    Period,
    Revision,
    SourceValue,
    Trace,
    Unused,
    Version,
)
from finsync_pipeline.serving.release_tables import ReleaseTables
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.reasons import REASONS

Part = TypeVar("Part", bound=BaseModel)
ANNUAL = 12
SHOWN = 5
"""The most names or days that an error suggests."""


def trace(
    release: Path,
    company_id: str,
    item: str,
    period_end: date | None = None,
    months: int | None = None,
    currency: str | None = None,
) -> Trace:
    """The lineage of an item of a company on a day in the release of this folder; of each length and currency if None.

    Without a day, of a number it is that of the company summary, with the periods of its mean, and of a text the texts
    of all days. Raises NotInRelease if the release has no such company, item, day, length or currency, with the nearest
    that it has; PublicationError if the folder has no release; DataError if a file of it cannot be read.
    """
    with ReleaseTables(release) as tables:
        name = _company_name(tables, company_id)
        parts = _Parts(tables, company_id, _known_item(item))
        found: dict[str, Any]
        if ITEMS[item].kind == "text":
            found = parts.of_text(period_end)
        elif period_end is None:
            found = parts.of_summary(currency)
        else:
            found = parts.of_day(period_end, months, currency)
        about: dict[str, Any] = {
            "release": tables.folder.name,
            "company_id": company_id,
            "company_name": name,
            "item": item,
        }
        nothing: dict[str, Any] = {"cells": [], "texts": [], "means": [], "unused": []}
        return Trace(
            **about,
            description=ITEMS[item].description,
            period_end=period_end,
            notes=_notes(tables),
            **(nothing | found),
        )


class _Parts:
    """The parts of a trace about one company and item."""

    def __init__(self, tables: ReleaseTables, company_id: str, item: str) -> None:
        self.tables, self.company_id, self.item = tables, company_id, item

    def of_day(self, day: date, months: int | None, currency: str | None) -> dict[str, Any]:
        """The cells of a number on the day, and what of them is not used."""
        of_cell = {"company_id": self.company_id, "item": self.item, "period_end": day}
        names = ("agreement", "facts", "history", "revisions")
        rows = {name: self.tables.rows(name, **of_cell, months=months, currency=currency) for name in names}
        checks = self.tables.rows("accounting_checks", company_id=self.company_id, period_end=day, currency=currency)
        rows["accounting_checks"] = [check for check in checks if _names(check, self.item)]
        delivered = DeliveredRows(self.tables, self.company_id, self.item, day)
        keys = sorted({(row["months"], row["currency"]) for name in names for row in rows[name]})
        unused = [
            each
            for each in self._unused(delivered, rows["facts"])
            if months in (None, each.months or months) and currency in (None, each.currency or currency)
        ]
        if not keys and not unused:
            raise self._not_on(day, months, currency)
        return {"cells": [self._cell(day, key, rows, delivered) for key in keys], "unused": unused}

    def of_text(self, day: date | None) -> dict[str, Any]:
        """The texts of all rows of the day, or of all days."""
        rows = self.tables.rows("texts", company_id=self.company_id, item=self.item, period_end=day)
        days = sorted({row["period_end"] for row in rows})
        delivered = {
            each: DeliveredRows(self.tables, self.company_id, self.item, each) for each in days or [day] if each
        }
        unused = [each for of_day in delivered.values() for each in self._unused(of_day, rows)]
        if not rows and not unused:
            raise self._not_on(day, None, None, "texts")
        is_agreed = len({row["text"] for row in self.tables.rows("texts", company_id=self.company_id, item=self.item)})
        why = None if is_agreed == 1 else "the rows of the company have different texts, so the summary has none"
        texts = [self._source_value(row, delivered[row["period_end"]], is_agreed == 1, why) for row in rows]
        return {"texts": sorted(texts, key=lambda text: (text.known_since or date.min, text.source, text.row_key))}

    def of_summary(self, currency: str | None) -> dict[str, Any]:
        """The means of the company summary, and the cells that they are made of."""
        where = {"company_id": self.company_id, "currency": currency}
        means = [
            Mean(
                currency=row["currency"],
                value=row[self.item],
                count=row[f"{self.item}_n"] or 0,
                periods=self._annual(row["currency"]),
            )
            for row in sorted(self.tables.rows("company_summary", **where), key=lambda row: row["currency"])
        ]
        if not any(mean.periods for mean in means):
            raise self._not_on(None, None, currency)
        return {"means": means}

    def _annual(self, currency: str) -> list[Period]:
        """The cells of the annual basis: of 12 months, and instants at the ends of such periods with a value."""
        if "agreement" not in self.tables.names:
            return []
        cells = self.tables.scan("agreement")
        found = self.tables.query(
            f"""
            SELECT period_end, months, value, verdict
            FROM {cells}
            WHERE company_id = $1 AND item = $2 AND currency = $3 AND (
                months = {ANNUAL}
                OR months = 0 AND period_end IN (
                    SELECT period_end FROM {cells}
                    WHERE company_id = $1 AND currency = $3 AND months = {ANNUAL} AND value IS NOT NULL
                )
            )
            ORDER BY period_end
            """,
            [self.company_id, self.item, currency],
        )
        return [Period(**row) for row in found]

    def _cell(
        self,
        day: date,
        key: tuple[int, str],
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        delivered: DeliveredRows,
    ) -> Cell:
        months, currency = key
        of_cell = {
            name: [row for row in of_table if (row["months"], row["currency"]) == key]
            for name, of_table in rows.items()
            if name != "accounting_checks"
        }
        compared = of_cell["agreement"][0] if of_cell["agreement"] else None
        facts = [
            self._source_value(row, delivered, *why_not_used(compared, row["source"]))
            for row in sorted(of_cell["facts"], key=lambda row: row["source"])
        ]
        names = ("value", "is_withheld", "verdict", "rule", "spread", "culprit", "factor", "why")
        found: dict[str, Any] = {name: (compared or {}).get(name) for name in names}
        if compared is None:
            found["value"] = self._in_financials(day, months, currency)
        versions = sorted(of_cell["history"], key=lambda row: (row["source"], row["known_since"] or date.min))
        return Cell(
            period_end=day,
            months=months,
            currency=currency,
            explanation=explanation(compared, [fact.source for fact in facts]),
            **(found | {"is_withheld": bool(found["is_withheld"])}),
            facts=facts,
            versions=[_version(row, delivered.row_of(row), self.item) for row in versions],
            revisions=[_filled(Revision, row) for row in of_cell["revisions"]],
            checks=[
                _filled(Check, row)
                for row in rows["accounting_checks"]
                if row["currency"] == currency and (months == 0 or row["months"] == months)
            ],
        )

    def _in_financials(self, day: date, months: int, currency: str) -> float | None:
        """The published value of a release that was made before sources were compared."""
        of_row = {"company_id": self.company_id, "period_end": day, "months": months, "currency": currency}
        return next((row.get(self.item) for row in self.tables.rows("financials", **of_row)), None)

    def _source_value(
        self, row: Mapping[str, Any], delivered: DeliveredRows, is_used: bool | None, why_not: str | None
    ) -> SourceValue:
        found, source = delivered.row_of(row), row["source"]
        decision = decision_of(found.decision) if found else only_one(delivered.decisions.get(source, []))
        names = ("value", "text", "source", "row_key", "data_version", "known_since", "first_seen")
        of_row: dict[str, Any] = {name: row.get(name) for name in names}
        return SourceValue(
            **of_row,
            is_used=is_used,
            why_not=why_not,
            origin=found.origin(self.item) if found else None,
            why_no_origin=None if found else delivered.why_missing(source),
            decision=decision,
        )

    def _unused(self, delivered: DeliveredRows, used: Sequence[Mapping[str, Any]]) -> list[Unused]:
        """The rejects of the item in the rows of the company, and of these rows as a whole.

        Without raw rows, those of the item that name the row of a used value, or another one of it.
        """
        quarter = quarter_of(delivered.day)
        found: list[Unused] = []
        for source, rows in delivered.now.items():
            for reject in self.tables.rows(
                "rejects", source=source, quarter=quarter, row_key=[row.key for row in rows]
            ):
                row = next((row for row in rows if _is_of(reject, row, self.item)), None)
                if row is not None:
                    found.append(_unused(reject, row, self.item))
        traced = {source for source, rows in delivered.now.items() if rows}
        for source in sorted({row["source"] for row in used} - traced):
            keys = {row["row_key"] for row in used if row["source"] == source}
            for reject in self.tables.rows("rejects", source=source, quarter=quarter, item=self.item):
                if {reject["row_key"], reject["other_row_key"]} & keys:
                    found.append(_unused(reject, None, self.item))
        return sorted(found, key=lambda each: (each.source, each.row_key or "", each.reason))

    def _not_on(
        self, day: date | None, months: int | None, currency: str | None, table: str = "agreement"
    ) -> NotInRelease:
        """What the release lacks, and the nearest that it has."""
        table = table if table in self.tables.names else "facts"
        rows = self.tables.rows(table, company_id=self.company_id, item=self.item)
        where = f"Release {self.tables.folder.name}, company {self.company_id}"
        if not rows:
            has = self.tables.query(
                f"SELECT DISTINCT item FROM {self.tables.scan(table)} WHERE company_id = ? ORDER BY item",
                [self.company_id],
            )
            items = [row["item"] for row in has]
            near = get_close_matches(self.item, items, n=SHOWN, cutoff=0.4) or items[:SHOWN]
            return NotInRelease(f"it has no {self.item}", f"Name one of {', '.join(near) or 'another company'}", where)
        days = sorted({row["period_end"] for row in rows})
        if day is not None and day not in days:
            near_days = sorted(sorted(days, key=lambda each: abs((each - day).days))[:SHOWN])
            fix = f"Name one of {', '.join(map(str, near_days))}"
            return NotInRelease(f"it has no {self.item} on {day}", fix, where)
        on_day = [row for row in rows if day in (None, row["period_end"])]
        there = sorted({(row.get("months", 0), row.get("currency", "")) for row in on_day})
        fix = "Name one of " + ", ".join(f"{length} months in {money}" for length, money in there)
        what = f"it has no {self.item} of {'any' if months is None else months} months in {currency or 'any currency'}"
        return NotInRelease(what, fix, where)


def _company_name(tables: ReleaseTables, company_id: str) -> str | None:
    """The name of the company. Raises NotInRelease for one that the release does not have."""
    names_of = f"SELECT DISTINCT company_id, company_name FROM {tables.scan('company_summary')}"
    for row in tables.query(f"{names_of} WHERE company_id = ?", [company_id]):
        return str(row["company_name"]) if row["company_name"] else None
    has = tables.query(names_of, [])
    names = {row["company_id"].lower(): row for row in has}
    names |= {row["company_name"].lower(): row for row in has if row["company_name"]}
    near = [names[each] for each in get_close_matches(company_id.lower(), names, n=SHOWN, cutoff=0.5)]
    listed = ", ".join(f"{row['company_id']} ({row['company_name'] or 'without a name'})" for row in near)
    fix = f"Name one of {listed}" if near else "company_summary of the release lists its companies"
    raise NotInRelease(f"it has no company {company_id!r}", fix, f"Release {tables.folder.name}")


def _known_item(item: str) -> str:
    if item in ITEMS:
        return item
    near = get_close_matches(item, ITEMS, n=SHOWN)
    fix = f"Name one of {', '.join(near)}" if near else "finsync query --views lists the standard items"
    raise NotInRelease(f"{item!r} is not a standard item", fix)


def _notes(tables: ReleaseTables) -> list[str]:
    """What cannot be traced in the whole release."""
    notes = []
    if not any(name.startswith("raw_") for name in tables.names):
        notes.append(f"{OLD[0].upper()}{OLD[1:]}: what is shown ends at the key of the row and its data version.")
    if "agreement" not in tables.names:
        notes.append("The release was made before sources were compared: it has no verdicts.")
    if "rejects" not in tables.names:
        notes.append("The release has no rejected rows: it has what was known on a day.")
    return notes


def _names(check: Mapping[str, Any], item: str) -> bool:
    """Whether the equation of the check contains the item."""
    return item in re.findall(r"\w+", check["equation"])


def _is_of(reject: Mapping[str, Any], row: DeliveredRow, item: str) -> bool:
    """Whether the reject is about the item in the row: its cell, or the whole row with a text in the cell."""
    if reject["row_key"] != row.key:
        return False
    if reject["item"] is not None:
        return bool(reject["item"] == item)
    whole = json.loads(reject["raw_text"])
    return bool(row.cell(item)) and all(row.cells.get(name) == cell for name, cell in whole.items())


def _unused(reject: Mapping[str, Any], row: DeliveredRow | None, item: str) -> Unused:
    reason = REASONS.get(reject["reason"])
    is_whole_row = reject["item"] is None
    return Unused(
        **{name: reject[name] for name in ("source", "row_key", "outcome", "reason", "known_since")},
        **{name: reject[name] for name in ("other_row_key", "other_raw_text")},
        is_whole_row=is_whole_row,
        months=row.months(item) if row else None,
        currency=row.currency if row else None,
        meaning=reason.meaning if reason else reject["reason"],
        raw_text=row.cell(item) if row and is_whole_row else reject["raw_text"],
        origin=row.origin(item) if row else None,
    )


def _version(row: Mapping[str, Any], delivered: DeliveredRow | None, item: str) -> Version:
    raw_text = delivered.cell(item) if delivered else None
    return _filled(Version, {**row, "why_suspect": row["why"], "raw_text": raw_text})


def _filled(part: type[Part], row: Mapping[str, Any]) -> Part:
    """The part of a trace with those columns of the row that are its fields."""
    return part(**{name: row[name] for name in part.model_fields})
