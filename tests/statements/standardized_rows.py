"""Runs rows through a mapping, with companies decided by a plain dictionary."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from factories import decided_companies, raw_frame

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.standardize import StandardizedTables, standardize


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
        StandardizedTables(
            part(out.facts, "period_end"),
            part(out.texts, "period_end"),
            part(out.rejects, "quarter"),
            part(out.versions, "period_end"),
        ),
    )
