"""One way to make a mapping, and one to run rows through it with companies decided by a plain dictionary."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from factories import raw_frame

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS

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
    return SourceMapping(**{**MINIMAL, **parts})


def decided_companies(
    raw: pd.DataFrame, mapping: SourceMapping, decisions: Mapping[str, str] = DECISIONS
) -> pd.DataFrame:
    """The table COMPANY_IDS for these rows: the decisions, and every other source name is unknown."""
    said = source_names(raw, mapping)
    names = [source_name if isinstance(source_name, str) else "" for source_name in said["source_name"]]
    found = [decisions.get(name, "unknown").partition(" ") for name in names]
    return COMPANY_IDS.conform(
        said.assign(
            source=mapping.name,
            status=["accepted" if company.isupper() else company for company, _, _ in found],
            company_id=pd.Series([c if c.isupper() else None for c, _, _ in found], dtype=frames.STRING),
            method=pd.Series([method or None for _, _, method in found], dtype=frames.STRING),
            reference_version="r1",
            review_version="v1",
        )
    )


def in_key_order(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The rows by quarter in the order of their keys, as extraction hands them over."""
    key = frames.quoted(mapping.row_key)
    others = ", ".join(map(frames.quoted, mapping.columns))
    quarter = "date_trunc('quarter', finsync_period_end)"
    return frames.query(f"SELECT * FROM raw ORDER BY {quarter}, length({key}), {key}, {others}", raw=raw)


@dataclass(frozen=True)
class Run:
    """What went in and what came out."""

    raw: pd.DataFrame
    out: StandardizedTables

    @property
    def values(self) -> dict[str | None, float]:
        """The facts' values by the key of their row."""
        return dict(zip(self.out.facts["row_key"], self.out.facts["value"], strict=True))

    @property
    def reasons(self) -> dict[str | None, str]:
        """Why a row or its cell is not used, by the key of the row."""
        return dict(zip(self.out.rejects["row_key"], self.out.rejects["reason"], strict=True))


def run_frame(raw: pd.DataFrame, mapping: SourceMapping) -> Run:
    """Harmonise a raw frame, put in the order of its keys."""
    raw = in_key_order(raw, mapping)
    return Run(raw, standardize(raw, decided_companies(raw, mapping), mapping))


def given_rows(rows: list[dict[str, Any]], mapping: SourceMapping) -> list[dict[str, Any]]:
    """The rows, each with a key and of Acme where it does not say otherwise."""
    return [{mapping.row_key: str(i), mapping.company.column: "Acme"} | row for i, row in enumerate(rows, start=1)]


def run_rows(rows: list[dict[str, Any]], mapping: SourceMapping) -> Run:
    """Harmonise rows that end with 2009, if they do not say otherwise."""
    return run_frame(raw_frame(given_rows(rows, mapping), mapping), mapping)


def run_together(cases: dict[str, list[dict[str, Any]]], mapping: SourceMapping) -> dict[str, Run]:
    """Harmonise the rows of each case, all at once: each case is moved to a year of its own."""
    years = {name: 1900 + i for i, name in enumerate(cases)}
    rows = []
    for name, case in cases.items():
        for row in given_rows(case, mapping):
            day = row.get("period_end", date(2009, 12, 31)).replace(year=years[name])
            rows.append(row | {"period_end": day, mapping.period_end.column: day.isoformat()})
    run = run_frame(raw_frame(rows, mapping), mapping)
    return {name: _of_year(run, year) for name, year in years.items()}


def _of_year(run: Run, year: int) -> Run:
    def part(frame: pd.DataFrame, column: str) -> pd.DataFrame:
        return frame[[day.year == year for day in frame[column]]].reset_index(drop=True)

    out = run.out
    return Run(
        part(run.raw, "finsync_period_end"),
        StandardizedTables(part(out.facts, "period_end"), part(out.texts, "period_end"), part(out.rejects, "quarter")),
    )
