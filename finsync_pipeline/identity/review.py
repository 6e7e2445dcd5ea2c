"""The review: what people decided about spellings. It wins over every automatic decision.

A line speaks of the rows of one source (or of all) that spell their company so, and may speak of those only that have
this evidence beside them, or that end within its dates. Of several lines about a row the most particular one counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity.csv_text import Row, read_rows
from finsync_pipeline.identity.names.normal_form import fold_blanks
from finsync_pipeline.identity.reference import Reference
from finsync_pipeline.identity.results import Method, Status

REJECT = "reject"
REQUIRED = ("spelling", "company_id", "who", "when")
ALL_SOURCES = "*"

_TEXT = pd.ArrowDtype(pa.string())
_DATE = pd.ArrowDtype(pa.date32())


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
        return (
            self.source in (None, source)
            and self.evidence in (None, evidence)
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )

    @property
    def rank(self) -> tuple[bool, bool]:
        """How particular it is: a line of one source before one of all, then one with evidence."""
        return self.source is not None, self.evidence is not None


REVIEW_COLUMNS = tuple(field.name for field in fields(ReviewLine))
QUEUED = ("row_count", "first_period", "last_period", "status", "suggestion", "suggestion_name", "candidates")
QUEUE_COLUMNS = (*REVIEW_COLUMNS, *QUEUED)
"""Of the file of what is left to people: a line of it that is filled in is a line of the review."""


@dataclass(frozen=True, eq=False)
class Review:
    """The lines of the review."""

    lines: tuple[ReviewLine, ...] = ()

    @classmethod
    def of(cls, table: pd.DataFrame) -> Review:
        """The review of a table with the columns REVIEW_COLUMNS, as `table` gives it."""
        rows = table[list(REVIEW_COLUMNS)].itertuples(index=False, name=None)
        cells: list[list[Any]] = [[None if pd.isna(cell) else cell for cell in row] for row in rows]
        return cls(tuple(ReviewLine(*row) for row in cells))

    @property
    def table(self) -> pd.DataFrame:
        """The lines as a frame: Arrow text, and Arrow dates for valid_from, valid_to and when."""
        dtypes = dict.fromkeys(REVIEW_COLUMNS, _TEXT) | dict.fromkeys(("valid_from", "valid_to", "when"), _DATE)
        cells = {column: [getattr(line, column) for line in self.lines] for column in dtypes}
        return pd.DataFrame({column: pd.Series(cells[column], dtype=dtype) for column, dtype in dtypes.items()})

    @cached_property
    def version(self) -> str:
        """SHA-256 (hex) of the content, whatever the order of lines and columns; other columns of the file are out."""
        content = sorted(_written(line) for line in self.lines)
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()

    def lines_about(self, spelling: str) -> tuple[list[ReviewLine], list[ReviewLine]]:
        """The lines with this very spelling, and those that differ from it at most by case and blanks."""
        return self._by_spelling.get(spelling, []), self._by_folded.get(fold_spelling(spelling), [])

    def unused(self, decisions: pd.DataFrame) -> list[ReviewLine]:
        """The lines that decide none of these: source, spelling, evidence and period_end of each are looked at."""
        used: set[ReviewLine] = set()
        for source, rows in decisions.groupby("source"):
            used.update(line for line in lines_for(rows, self, str(source)) if line is not None)
        return [line for line in self.lines if line not in used]

    @cached_property
    def _by_spelling(self) -> dict[str, list[ReviewLine]]:
        return _grouped((line.spelling, line) for line in self.lines)

    @cached_property
    def _by_folded(self) -> dict[str, list[ReviewLine]]:
        return _grouped((fold_spelling(line.spelling), line) for line in self.lines)


def fold_spelling(text: str) -> str:
    """The spelling whatever its case, blanks and invisible characters."""
    return fold_blanks(text).casefold()


def evidence_key(evidence: str) -> str:
    """The evidence (a JSON object) whatever the order of its cells. Raises ValueError if it is no JSON object."""
    cells = json.loads(evidence)
    if not isinstance(cells, dict):
        raise ValueError(f"{evidence!r} is no JSON object")
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
        found[place] = next((line for tier in tiers if tier and (line := _most_particular(tier))), None)
    return found


def apply_review(decided: pd.DataFrame, review: Review, source: str) -> pd.DataFrame:
    """The decisions of `identity.resolve` on spellings of the source, with the review's in place of those it speaks of.

    Reviewed rows have status `accepted` or `rejected`, the method `review`, and in `steps` who decided it, when, why,
    and what the automatic decision was. Columns that belong to an automatic decision (scores, suggestion) are null.
    """
    lines = lines_for(decided, review, source)
    places = [place for place, line in enumerate(lines) if line is not None]
    reviewed = [line for line in lines if line is not None]
    if not places:
        return decided
    before: list[dict[Any, Any]] = decided.iloc[places].to_dict("records")
    said: dict[str, list[str | None]] = {
        "status": [str(Status.REJECTED if line.company_id == REJECT else Status.ACCEPTED) for line in reviewed],
        "company_id": [None if line.company_id == REJECT else line.company_id for line in reviewed],
        "method": [str(Method.REVIEW)] * len(places),
        "steps": [_told(line, row) for line, row in zip(reviewed, before, strict=True)],
    }
    automatic = ("score", "runner_up", "runner_up_score", "precision", "suggestion", "candidates")
    said |= {column: [None] * len(places) for column in automatic if column in decided}
    return decided.assign(**{column: _replaced(decided, column, places, cells) for column, cells in said.items()})


def _most_particular(lines: list[ReviewLine]) -> ReviewLine | None:
    """Of the lines about a row, the newest of the most particular ones; null where these contradict each other."""
    highest = max(line.rank for line in lines)
    first, *others = [line for line in lines if line.rank == highest]
    return None if any(line.company_id != first.company_id for line in others) else first


def _grouped(lines: Iterable[tuple[str, ReviewLine]]) -> dict[str, list[ReviewLine]]:
    """The lines by key, the newest first, in an order that is not that of the file."""
    groups: dict[str, list[ReviewLine]] = {}
    for key, line in lines:
        groups.setdefault(key, []).append(line)
    return {
        key: sorted(group, key=lambda line: (line.when, _written(line)), reverse=True) for key, group in groups.items()
    }


def _written(line: ReviewLine) -> list[str]:
    # A null and an empty text must not be mistaken for each other, and both must sort.
    return ["" if cell is None else f"={cell}" for cell in astuple(line)]


def _told(line: ReviewLine, automatic: dict[Any, Any]) -> str:
    """`jane, 2026-01-05: the pump maker. Without the review: accepted, A2 by typo`."""
    why = f": {line.note.rstrip('.')}" if line.note else ""
    decision: str = automatic["status"]
    if decision == Status.ACCEPTED:
        decision += f", {automatic['company_id']} by {automatic['method']}"
    return f"{line.who}, {line.when}{why}. Without the review: {decision}"


def _replaced(decided: pd.DataFrame, column: str, places: list[int], cells: list[str | None]) -> pd.Series:
    """The column (null where there is none yet) with these cells at these places."""
    before = decided[column] if column in decided else pd.Series(pd.NA, index=decided.index, dtype=_TEXT)
    replaced = before.copy()
    replaced.iloc[places] = pd.Series(cells, dtype=before.dtype).array
    return replaced


def read_review(path: str | Path | None, reference: Reference, sources: Collection[str]) -> Review:
    """Read what people decided; without a path there is nothing decided.

    Columns: source (blank or `*` = every source), spelling, company_id (a listed one, or `reject`), who, when (a
    date), and where they are there evidence, valid_from, valid_to, note. Raises `ReferenceMistake`, which names file,
    row, column and the cure.
    """
    if path is None:
        return Review()
    listed = set(reference.companies["company_id"])
    read: dict[tuple[str | None, ...], list[tuple[Row, ReviewLine]]] = {}
    for row in read_rows(Path(path), required=REQUIRED, copied_from=QUEUE_COLUMNS):
        line = _read_line(row, listed, sources)
        of_the_same = read.setdefault((line.source, line.spelling, line.evidence), [])
        _refuse_contradiction(row, line, of_the_same)
        of_the_same.append((row, line))
    return Review(tuple(line for lines in read.values() for _, line in lines))


def _read_line(row: Row, listed: set[str], sources: Collection[str]) -> ReviewLine:
    valid_from, valid_to = row.days()
    row.required("when", "write the day of the decision, as 2026-01-31")
    when = row.day("when", "write it as 2026-01-31")
    assert when is not None
    return ReviewLine(
        source=_source(row, sources),
        spelling=row.required("spelling", "write the company as the source spells it, or remove the row"),
        evidence=_evidence(row),
        company_id=_company(row, listed),
        valid_from=valid_from,
        valid_to=valid_to,
        who=row.required("who", "write who decided it"),
        when=when,
        note=row.cells.get("note"),
    )


def _source(row: Row, sources: Collection[str]) -> str | None:
    source = row.cells.get("source")
    if source in (None, ALL_SOURCES):
        return None
    if source not in sources:
        known = ", ".join(sorted(sources))
        raise row.mistake("source", f"{source!r} is no source: there are {known}; leave it blank to mean all")
    return source


def _evidence(row: Row) -> str | None:
    evidence = row.cells.get("evidence")
    if evidence is None:
        return None
    try:
        return evidence_key(evidence)
    except ValueError:
        cure = "copy it from identity_review.csv, or leave it blank to mean whatever it is"
        raise row.mistake("evidence", f"{evidence!r} is no JSON object: {cure}") from None


def _company(row: Row, listed: set[str]) -> str:
    company_id = row.required("company_id", f"write the company's id, or {REJECT}, or remove the row")
    if company_id.lower() != REJECT:
        if company_id not in listed:
            cure = f"add the company to the list, correct the id, or write {REJECT}"
            raise row.mistake("company_id", f"{company_id!r} is not in the list of companies: {cure}")
        return company_id
    if company_id in listed:
        raise row.mistake("company_id", f"{company_id!r} is a company of the list too: give the company another id")
    return REJECT


def _refuse_contradiction(row: Row, line: ReviewLine, of_the_same: list[tuple[Row, ReviewLine]]) -> None:
    for other_row, other in of_the_same:
        if other.company_id != line.company_id and _overlap(line, other):
            said = (
                f"{line.company_id!r} for {line.spelling!r}, for which row {other_row.number} says {other.company_id!r}"
            )
            raise row.mistake("company_id", f"says {said}: keep one of the two, or give them dates that do not overlap")


def _overlap(line: ReviewLine, other: ReviewLine) -> bool:
    latest_start = max(each.valid_from or date.min for each in (line, other))
    return latest_start <= min(each.valid_to or date.max for each in (line, other))
