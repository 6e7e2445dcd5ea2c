"""The one maker of mappings and frames for all tests: a few words in, a frame of the real schema out."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.tables import COMPANY_IDS, INVENTORY, LEDGER, SUMMARY

PROJECT = Path(__file__).resolve().parents[1]
Q3, Q4, Q1 = date(2009, 7, 1), date(2009, 10, 1), date(2010, 1, 1)
FIRST_SEEN = date(2026, 1, 2)
"""When a row was first delivered that does not say otherwise."""
ENDS = {Q3: date(2009, 9, 30), Q4: date(2009, 12, 31), Q1: date(2010, 3, 31)}

MINIMAL: dict[str, Any] = {
    "name": "pnl",
    "url": "http://127.0.0.1:5001",
    "table": "pnl",
    "row_key": "key",
    "company": "who",
    "period_end": "ends",
    "months": 12,
    "currency": "USD",
    "items": {"revenue": "sales"},
}

DECISIONS = {
    "Acme": "ACME",
    "Bolt": "BOLT",
    "Acme Corp": "ACME exact",
    "ACME CORP.": "ACME normalised",
    "Acmee Corp": "ACME typo",
    "Acne Corp": "ACME typo",
    "Acme Cord": "ACME typo+name",
    "Acme Limited": "ACME legal_form",
    "Acme Holdings": "ACME review",
    "Twin": "ambiguous",
    "Odd": "conflict",
    "Barred": "rejected",
}
"""By name the company, with or without the method that found it, or the status of a name that was not accepted."""


def mapping_of(**parts: Any) -> SourceMapping:
    """The smallest mapping there is, with these parts in place of its own."""
    return SourceMapping.model_validate(MINIMAL | parts)


def text_frame(rows: Iterable[Mapping[str, str | None]], columns: Iterable[str]) -> pd.DataFrame:
    """A frame of texts with these columns; what a row does not name is null."""
    schema = pa.schema([(column, pa.string()) for column in columns])
    return frames.frame_of([dict(row) for row in rows], schema)


def raw_frame(
    rows: list[dict[str, Any]], mapping: SourceMapping, period_end: date = ENDS[Q4], version: str = "v1"
) -> pd.DataFrame:
    """Rows as the asset `raw` holds them: the mapping's columns as text, and FinSync's own.

    A row may name its own `period_end` and `first_seen` (dates).
    """
    days = [row.get("period_end", period_end) for row in rows]
    seen = [row.get("first_seen", FIRST_SEEN) for row in rows]
    texts = [{name: cell for name, cell in row.items() if name not in ("period_end", "first_seen")} for row in rows]
    return text_frame(texts, mapping.columns).assign(
        finsync_period_end=pd.Series(days, dtype=pd.ArrowDtype(pa.date32())),
        finsync_data_version=pd.Series([version] * len(rows), dtype=frames.STRING),
        finsync_first_seen=pd.Series(seen, dtype=pd.ArrowDtype(pa.date32())),
    )


def source_names_frame(rows: Iterable[tuple[str | None, str | date, str | None]]) -> pd.DataFrame:
    """Source names with period end and supporting columns, as `identity.resolve` takes them."""
    columns = ("source_name", "period_end", "supporting_columns")
    types = (pa.string(), pa.date32(), pa.string())
    cells = [(name, date.fromisoformat(str(day)), supporting) for name, day, supporting in rows]
    named = [dict(zip(columns, row, strict=True)) for row in cells]
    return frames.frame_of(named, pa.schema(zip(columns, types, strict=True)))


def decided_companies(
    raw: pd.DataFrame, mapping: SourceMapping, decisions: Mapping[str, str] = DECISIONS
) -> pd.DataFrame:
    """The table COMPANY_IDS for these rows: the decisions, and every other source name is unknown."""
    names = source_names(raw, mapping)
    texts = names["source_name"].fillna("").tolist()
    found = [decisions.get(text, "unknown").partition(" ") for text in texts]
    return COMPANY_IDS.conform(
        names.assign(
            source=mapping.name,
            status=["accepted" if company.isupper() else company for company, _, _ in found],
            company_id=pd.Series([c if c.isupper() else None for c, _, _ in found], dtype=frames.STRING),
            method=pd.Series([method or None for _, _, method in found], dtype=frames.STRING),
            reference_version="r1",
            review_version="v1",
        )
    )


def fact(value: float, item: str = "revenue", **cells: Any) -> dict[str, Any]:
    """A row of FACTS: of c1 for the year 2009 in USD from pnl, but for these cells."""
    return {
        "company_id": "c1",
        "item": item,
        "period_end": ENDS[Q4],
        "months": 12,
        "currency": "USD",
        "value": value,
        "source": "pnl",
        "row_key": "1",
        "data_version": "v1",
        "known_since": FIRST_SEEN,
        "first_seen": FIRST_SEEN,
        **cells,
    }


def text(words: str, item: str = "sector", **cells: Any) -> dict[str, Any]:
    """A row of TEXTS, otherwise as `fact`."""
    return {**fact(0, item), "text": words, **cells}


def companies_frame(**names: str) -> pd.DataFrame:
    """Companies (company_id, name): these names by their ids, or `One` alone."""
    rows = [{"company_id": company_id, "name": name} for company_id, name in (names or {"c1": "One"}).items()]
    return text_frame(rows, ["company_id", "name"])


def summary_frame(name: str | None = "One", value: float = 1.5) -> pd.DataFrame:
    """The table SUMMARY with one company, whose revenue is the value."""
    row = {"company_id": "c1", "company_name": name, "basis": "annual", "currency": "USD", "periods": 1}
    counts = {f"{item}_n": 0 for item in NUMERIC_ITEMS}
    return SUMMARY.frame([{**row, **counts, "revenue": value, "revenue_n": 1, "revenue_first": ENDS[Q4]}])


def inventory_frame(hashes: dict[date, str], data_version: str = "v1") -> pd.DataFrame:
    """The table INVENTORY with one row at the source for each quarter, with the hash of its content."""
    return INVENTORY.frame(
        {
            "period_end_text": str(ENDS[quarter]),
            "literal": f"'{ENDS[quarter]}'",
            "row_count": 1,
            "content_hash": content,
            "period_end": ENDS[quarter],
            "quarter": quarter,
            "data_version": data_version,
        }
        for quarter, content in hashes.items()
    )


def ledger_frame(source: str, versions: dict[date, str]) -> pd.DataFrame:
    """The table LEDGER with one row used for each quarter; none where the version is empty."""
    names = [name for name in LEDGER.arrow.names if name.startswith(("rows_", "cells_"))]
    used = ("rows_in", "rows_used", "cells_in", "cells_used")
    return LEDGER.frame(
        {
            **dict.fromkeys(names, 0),
            "source": source,
            "quarter": quarter,
            "data_version": version,
            "mapping_hash": "m1",
            "rules": SourceMapping.RULES,
            "reference_version": "r1",
            "review_version": "v1",
            **(dict.fromkeys(used, 1) if version else {}),
        }
        for quarter, version in versions.items()
    )
