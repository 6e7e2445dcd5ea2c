"""The review: what reviewers decided about source names. It wins over every automatic decision.

A line decides the rows of one source (or of all) that name their company so; it may be limited to those with certain
supporting columns, or that end within its dates. Of several lines about a row the most particular one counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.csv_text import Row, read_rows
from finsync_pipeline.identity.names.normal_form import fold_blanks
from finsync_pipeline.identity.reference import Reference, frame_of, records, version_of
from finsync_pipeline.identity.results import Method, Status

REJECT = "reject"
ALL_SOURCES = "*"
REQUIRED = {
    "source_name": "Write the company as the source writes it, or remove the row",
    "company_id": f"Write the company's id, or {REJECT}, or remove the row",
    "who": "Write who decided it",
    "when": "Write the day of the decision, as 2026-01-31",
}
"""Columns in which no line may be blank, with the fix."""
AUTOMATIC = ["score", "runner_up", "runner_up_score", "precision", "suggestion", "candidates"]
"""Columns that belong to an automatic decision."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A reviewer's decision. `source` None: of all, `supporting_columns` None: any, `company_id`: or reject."""

    source: str | None
    source_name: str
    supporting_columns: str | None
    company_id: str
    valid_from: date | None
    valid_to: date | None
    who: str
    when: date
    note: str | None

    def concerns(self, source: str, supporting: str | None, day: date) -> bool:
        """Whether the line is about a row of this source with this `supporting_key` and period end."""
        is_within = (self.valid_from or day) <= day <= (self.valid_to or day)
        return self.source in (None, source) and self.supporting_columns in (None, supporting) and is_within

    def contradicts(self, other: ReviewLine) -> bool:
        """Whether a line about the same rows has another company for some period end."""
        first = max(line.valid_from or date.min for line in (self, other))
        last = min(line.valid_to or date.max for line in (self, other))
        return self.company_id != other.company_id and first <= last

    @property
    def rank(self) -> tuple[bool, bool]:
        """How particular it is: a line of one source before one of all, then one with supporting columns."""
        return self.source is not None, self.supporting_columns is not None


REVIEW_COLUMNS = tuple(field.name for field in fields(ReviewLine))
QUEUED = ("row_count", "first_period", "last_period", "status", "suggestion", "suggestion_name", "candidates")
QUEUE_COLUMNS = (*REVIEW_COLUMNS, *QUEUED)
"""Of the file of the review queue: a line of it that is filled in is a line of the review."""


@dataclass(frozen=True, eq=False)
class Review:
    """The lines of the review."""

    lines: tuple[ReviewLine, ...] = ()

    @classmethod
    def of(cls, table: pd.DataFrame) -> Review:
        """The review of a table with the columns REVIEW_COLUMNS, as `table` gives it."""
        return cls(tuple(ReviewLine(**row) for row in frames.to_arrow(table[list(REVIEW_COLUMNS)]).to_pylist()))

    @property
    def table(self) -> pd.DataFrame:
        """The lines as a frame: Arrow text, and Arrow dates for valid_from, valid_to and when."""
        return frame_of([asdict(line) for line in self.lines], REVIEW_COLUMNS)

    @cached_property
    def version(self) -> str:
        """SHA-256 (hex) of the content, whatever the order of lines and columns; other columns of the file are out."""
        return version_of(records(self.table, REVIEW_COLUMNS))

    def lines_about(self, source_name: str) -> tuple[list[ReviewLine], list[ReviewLine]]:
        """The lines with this very name, and those that differ from it at most by case and blanks."""
        alike = self._by_folded.get(fold_source_name(source_name), [])
        return [line for line in alike if line.source_name == source_name], alike

    def unused(self, decisions: pd.DataFrame) -> list[ReviewLine]:
        """The lines that decide none of these, by source, source_name, supporting_columns and period_end."""
        used = {line for source, rows in decisions.groupby("source") for line in lines_for(rows, self, str(source))}
        return [line for line in self.lines if line not in used]

    @cached_property
    def _by_folded(self) -> dict[str, list[ReviewLine]]:
        """By `fold_source_name`, the most particular first, of these the newest, whatever the order of the file."""
        groups: defaultdict[str, list[ReviewLine]] = defaultdict(list)
        for line in sorted(self.lines, key=lambda line: (line.rank, line.when, repr(line)), reverse=True):
            groups[fold_source_name(line.source_name)].append(line)
        return groups


def fold_source_name(text: str) -> str:
    """The source name whatever its case, blanks and invisible characters."""
    return fold_blanks(text).casefold()


def supporting_key(text: str) -> str:
    """The JSON of supporting columns, whatever their order. Raises ValueError if it is not a JSON object."""
    cells = json.loads(text)
    if not isinstance(cells, dict):
        raise ValueError(f"{text!r} is not a JSON object")
    return json.dumps(cells, ensure_ascii=False, sort_keys=True)


def lines_for(source_names: pd.DataFrame, review: Review, source: str) -> list[ReviewLine | None]:
    """For each row (source_name, supporting_columns, period_end) of the source the line that decides it, or None.

    A line with the very name comes before one that differs by case or blanks; where lines of the latter kind
    contradict each other, none of them counts.
    """
    distinct = source_names["source_name"].dropna().unique() if review.lines else ()
    about = {name: lines for name in distinct if any(lines := review.lines_about(name))}
    found: list[ReviewLine | None] = [None] * len(source_names)
    places = [place for place, is_about in enumerate(source_names["source_name"].isin(list(about))) if is_about]
    rows = source_names.iloc[places][["source_name", "supporting_columns", "period_end"]]
    for place, (name, supporting, day) in zip(places, rows.itertuples(index=False, name=None), strict=True):
        key = None if pd.isna(supporting) else supporting_key(supporting)
        tiers = ([line for line in lines if line.concerns(source, key, day)] for lines in about[name])
        found[place] = next(filter(None, map(_most_particular, tiers)), None)
    return found


def apply_review(decided: pd.DataFrame, review: Review, source: str) -> pd.DataFrame:
    """The decisions of `identity.resolve` on names of the source, with the review's in place of those it concerns.

    Reviewed rows have status `accepted` or `rejected`, the method `review`, and in `steps` who decided it, when, why,
    and what the automatic decision was. Columns that belong to an automatic decision (scores, suggestion) are null.
    """
    lines = lines_for(decided, review, source)
    is_reviewed = np.array([line is not None for line in lines], bool)
    before = decided[is_reviewed].to_dict("records")
    decisions = [_reviewed(line, row) for line, row in zip(filter(None, lines), before, strict=True)]
    reviewed = decided.copy()
    if decisions:
        reviewed.loc[is_reviewed, ["status", "company_id", "method", "steps"]] = decisions
        reviewed.loc[is_reviewed, AUTOMATIC] = pd.NA
    return reviewed


def _most_particular(lines: list[ReviewLine]) -> ReviewLine | None:
    """Of the lines about a row, the newest of the most particular ones; None where these contradict each other."""
    companies = {line.company_id for line in lines if line.rank == lines[0].rank}
    return lines[0] if len(companies) == 1 else None


def _reviewed(line: ReviewLine, automatic: dict[Any, Any]) -> tuple[str, str | None, str, str]:
    """Status, company, method, and steps: `jane, 2026-01-05: the pump maker. Without the review: unknown`."""
    before = automatic["status"]
    if before == Status.ACCEPTED:
        before += f", {automatic['company_id']} by {automatic['method']}"
    why = f": {line.note.rstrip('.')}" if line.note else ""
    steps = f"{line.who}, {line.when}{why}. Without the review: {before}"
    if line.company_id == REJECT:
        return Status.REJECTED, None, Method.REVIEW, steps
    return Status.ACCEPTED, line.company_id, Method.REVIEW, steps


def read_review(path: str | Path | None, reference: Reference, sources: Collection[str]) -> Review:
    """Read what reviewers decided; without a path there is nothing decided.

    Columns: source (blank or `*` = every source), source_name, company_id (a listed one, or `reject`), who, when (a
    date), and optional ones: supporting_columns, valid_from, valid_to, note. Raises ConfigurationError, which names
    file, row, column and the fix. A header of an earlier version is read, too.
    """
    if path is None:
        return Review()
    listed = set(reference.companies["company_id"])
    read: defaultdict[tuple[str | None, ...], dict[int, ReviewLine]] = defaultdict(dict)
    for row in read_rows(Path(path), required=REQUIRED, copied_from=QUEUE_COLUMNS):
        line = _read_line(row, listed, sources)
        of_the_same = read[line.source, line.source_name, line.supporting_columns]
        for number, other in of_the_same.items():
            if line.contradicts(other):
                what = f"is {line.company_id!r} for {line.source_name!r}, but {other.company_id!r} in row {number}"
                raise row.error("company_id", what, "Keep one, or give them dates that do not overlap")
        of_the_same[row.number] = line
    return Review(tuple(line for lines in read.values() for line in lines.values()))


def _read_line(row: Row, listed: Collection[str], sources: Collection[str]) -> ReviewLine:
    source, company_id = row.cells.get("source", ALL_SOURCES), row.cells["company_id"]
    if source not in (ALL_SOURCES, *sources):
        known = ", ".join(sorted(sources))
        raise row.error("source", f"{source!r} is not a source", f"Write one of {known}, or leave it blank to mean all")
    is_reject = company_id.lower() == REJECT
    if is_reject and company_id in listed:
        raise row.error("company_id", f"{company_id!r} is a company of the list too", "Give the company another id")
    if not is_reject and company_id not in listed:
        fix = f"Add the company to the list, correct the id, or write {REJECT}"
        raise row.error("company_id", f"{company_id!r} is not in the list of companies", fix)
    supporting = row.cells.get("supporting_columns")
    try:
        supporting = supporting and supporting_key(supporting)
    except ValueError:
        fix = "Copy it from identity_review.csv, or leave it blank to mean whatever it is"
        raise row.error("supporting_columns", f"{supporting!r} is not a JSON object", fix) from None
    cells: dict[str, Any] = {**dict.fromkeys(REVIEW_COLUMNS), **row.cells, **row.days()}
    cells["supporting_columns"], cells["when"] = supporting, row.day("when", "Write it as 2026-01-31")
    cells["source"], cells["company_id"] = source if source in sources else None, REJECT if is_reject else company_id
    return ReviewLine(**{column: cells[column] for column in REVIEW_COLUMNS})
