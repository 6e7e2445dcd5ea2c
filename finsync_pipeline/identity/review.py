"""The review: what people decided about spellings. It wins over every automatic decision.

A line speaks of the rows of one source (or of all) that spell their company so, and may speak of those only that have
this evidence beside them, or that end within its dates. Of several lines about a row the most particular one counts.
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
    "spelling": "Write the company as the source writes it, or remove the row",
    "company_id": f"Write the company's id, or {REJECT}, or remove the row",
    "who": "Write who decided it",
    "when": "Write the day of the decision, as 2026-01-31",
}
"""Columns in which no line may be blank, with the fix."""
AUTOMATIC = ["score", "runner_up", "runner_up_score", "precision", "suggestion", "candidates"]
"""Columns that belong to an automatic decision."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A person's decision. `source` null: of every source, `evidence` null: whatever it is, `company_id`: or reject."""

    source: str | None
    spelling: str
    evidence: str | None
    company_id: str
    valid_from: date | None
    valid_to: date | None
    who: str
    when: date
    note: str | None

    def speaks_of(self, source: str, evidence: str | None, day: date) -> bool:
        """Whether the line is about a row of this source with this evidence (`evidence_key`) and period end."""
        is_within = (self.valid_from or day) <= day <= (self.valid_to or day)
        return self.source in (None, source) and self.evidence in (None, evidence) and is_within

    def contradicts(self, other: ReviewLine) -> bool:
        """Whether a line of the same source, spelling and evidence says something else about some period end."""
        first = max(line.valid_from or date.min for line in (self, other))
        last = min(line.valid_to or date.max for line in (self, other))
        return self.company_id != other.company_id and first <= last

    @property
    def rank(self) -> tuple[bool, bool]:
        """How particular it is: a line of one source before one of all, then one with evidence."""
        return self.source is not None, self.evidence is not None


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

    def lines_about(self, spelling: str) -> tuple[list[ReviewLine], list[ReviewLine]]:
        """The lines with this very spelling, and those that differ from it at most by case and blanks."""
        alike = self._by_folded.get(fold_spelling(spelling), [])
        return [line for line in alike if line.spelling == spelling], alike

    def unused(self, decisions: pd.DataFrame) -> list[ReviewLine]:
        """The lines that decide none of these: source, spelling, evidence and period_end of each are looked at."""
        used = {line for source, rows in decisions.groupby("source") for line in lines_for(rows, self, str(source))}
        return [line for line in self.lines if line not in used]

    @cached_property
    def _by_folded(self) -> dict[str, list[ReviewLine]]:
        """By `fold_spelling`, the most particular first, of these the newest, whatever the order of the file."""
        groups: defaultdict[str, list[ReviewLine]] = defaultdict(list)
        for line in sorted(self.lines, key=lambda line: (line.rank, line.when, repr(line)), reverse=True):
            groups[fold_spelling(line.spelling)].append(line)
        return groups


def fold_spelling(text: str) -> str:
    """The spelling whatever its case, blanks and invisible characters."""
    return fold_blanks(text).casefold()


def evidence_key(evidence: str) -> str:
    """The evidence (a JSON object) whatever the order of its cells. Raises ValueError if it is not a JSON object."""
    cells = json.loads(evidence)
    if not isinstance(cells, dict):
        raise ValueError(f"{evidence!r} is not a JSON object")
    return json.dumps(cells, ensure_ascii=False, sort_keys=True)


def lines_for(spellings: pd.DataFrame, review: Review, source: str) -> list[ReviewLine | None]:
    """For each row (spelling, evidence, period_end) of the source the line that decides it, or null.

    A line with the very spelling comes before one that differs by case or blanks; where lines of the latter kind say
    different things, none of them counts.
    """
    distinct = spellings["spelling"].dropna().unique() if review.lines else ()
    about = {spelling: lines for spelling in distinct if any(lines := review.lines_about(spelling))}
    found: list[ReviewLine | None] = [None] * len(spellings)
    places = [place for place, is_about in enumerate(spellings["spelling"].isin(list(about))) if is_about]
    rows = spellings.iloc[places][["spelling", "evidence", "period_end"]].itertuples(index=False, name=None)
    for place, (spelling, evidence, day) in zip(places, rows, strict=True):
        key = None if pd.isna(evidence) else evidence_key(evidence)
        tiers = ([line for line in lines if line.speaks_of(source, key, day)] for lines in about[spelling])
        found[place] = next(filter(None, map(_most_particular, tiers)), None)
    return found


def apply_review(decided: pd.DataFrame, review: Review, source: str) -> pd.DataFrame:
    """The decisions of `identity.resolve` on spellings of the source, with the review's in place of those it speaks of.

    Reviewed rows have status `accepted` or `rejected`, the method `review`, and in `steps` who decided it, when, why,
    and what the automatic decision was. Columns that belong to an automatic decision (scores, suggestion) are null.
    """
    lines = lines_for(decided, review, source)
    is_reviewed = np.array([line is not None for line in lines], bool)
    before = decided[is_reviewed].to_dict("records")
    said = [_said(line, row) for line, row in zip(filter(None, lines), before, strict=True)]
    reviewed = decided.copy()
    if said:
        reviewed.loc[is_reviewed, ["status", "company_id", "method", "steps"]] = said
        reviewed.loc[is_reviewed, AUTOMATIC] = pd.NA
    return reviewed


def _most_particular(lines: list[ReviewLine]) -> ReviewLine | None:
    """Of the lines about a row, the newest of the most particular ones; null where these contradict each other."""
    companies = {line.company_id for line in lines if line.rank == lines[0].rank}
    return lines[0] if len(companies) == 1 else None


def _said(line: ReviewLine, automatic: dict[Any, Any]) -> tuple[str, str | None, str, str]:
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
    """Read what people decided; without a path there is nothing decided.

    Columns: source (blank or `*` = every source), spelling, company_id (a listed one, or `reject`), who, when (a
    date), and where they are there evidence, valid_from, valid_to, note. Raises ConfigurationError, which names file,
    row, column and the fix.
    """
    if path is None:
        return Review()
    listed = set(reference.companies["company_id"])
    read: defaultdict[tuple[str | None, ...], dict[int, ReviewLine]] = defaultdict(dict)
    for row in read_rows(Path(path), required=REQUIRED, copied_from=QUEUE_COLUMNS):
        line = _read_line(row, listed, sources)
        of_the_same = read[line.source, line.spelling, line.evidence]
        for number, other in of_the_same.items():
            if line.contradicts(other):
                what = f"is {line.company_id!r} for {line.spelling!r}, for which row {number} has {other.company_id!r}"
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
    evidence = row.cells.get("evidence")
    try:
        evidence = evidence and evidence_key(evidence)
    except ValueError:
        fix = "Copy it from identity_review.csv, or leave it blank to mean whatever it is"
        raise row.error("evidence", f"{evidence!r} is not a JSON object", fix) from None
    cells: dict[str, Any] = {**dict.fromkeys(REVIEW_COLUMNS), **row.cells, **row.days(), "evidence": evidence}
    cells["when"] = row.day("when", "Write it as 2026-01-31")
    cells["source"], cells["company_id"] = source if source in sources else None, REJECT if is_reject else company_id
    return ReviewLine(**{column: cells[column] for column in REVIEW_COLUMNS})
