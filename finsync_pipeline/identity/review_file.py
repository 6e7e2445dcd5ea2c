"""Reading the review file: CSV, checked against the list of companies and the sources that there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from finsync_pipeline.identity.csv_text import Row, read_rows
from finsync_pipeline.identity.reference import Reference
from finsync_pipeline.identity.review import QUEUE_COLUMNS, REJECT, Review, ReviewLine, evidence_key

REQUIRED = ("spelling", "company_id", "who", "when")
ALL_SOURCES = "*"


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
