"""The review queue as people work through it: names to decide, what may decide them, and what a decision would change.

It is the queue of `finsync review`, by the stored decisions, without the names that the review has decided since: those
wait for `finsync re-resolve`. How a decision is written is in `review_file`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.identity import Decider, Review, apply_review
from finsync_pipeline.identity.audit import open_questions
from finsync_pipeline.identity.results import Status
from finsync_pipeline.identity.review import ReviewLine, fold_source_name, lines_for
from finsync_pipeline.publishing.staleness import read_decision_files
from finsync_pipeline.serving.companies import Company, company_of
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.review_file import NAME, ReviewFile
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.standardize import standardize
from finsync_pipeline.statements.tables import COMPANY_IDS, raw_table

NAMES = 5
"""Names of sources that are shown of a candidate."""
QUARTERS = 8
"""Quarters, the latest ones, whose rows are compared with the numbers of candidates."""
VALUES = 40
CELL = ("item", "period_end", "months", "currency")


@dataclass(frozen=True, eq=False)
class StoredDecisions:
    """The decisions in the tables of a deployment: a table COMPANY_IDS over all sources and quarters."""

    table: pd.DataFrame


@dataclass(frozen=True)
class Question:
    """A name that a person has to decide; `supporting_columns` as JSON. `line` is the review's, if it has one now."""

    source: str
    source_name: str
    supporting_columns: str | None
    row_count: int
    first_period: date
    last_period: date
    status: str
    suggestion: str | None
    suggestion_name: str | None
    candidates: str | None
    line: ReviewLine | None = None


@dataclass(frozen=True)
class Queue:
    """Names to decide, those with the most rows first, and those that the review has decided since."""

    open: Sequence[Question]
    waiting: Sequence[Question]


@dataclass(frozen=True)
class Candidate:
    """A company that a name may mean: names under which sources deliver it, and what the release has of it.

    `same` of `compared` values of the rows equal what is published of the company for the same period.
    """

    company: Company
    score: float | None
    source_names: Sequence[str]
    first_period: date | None = None
    last_period: date | None = None
    same: int = 0
    compared: int = 0


@dataclass(frozen=True)
class ComparedValue:
    """A value that rows with the name deliver, and what is published for the same cell, by company."""

    item: str
    period_end: date
    months: int
    currency: str
    value: float
    published: Mapping[str, float]


@dataclass(frozen=True)
class Entry:
    """A question with the decisions about it, its candidates side by side, and the values of its rows.

    `why_no_values` is why there are none.
    """

    question: Question
    decisions: pd.DataFrame
    candidates: Sequence[Candidate]
    values: Sequence[ComparedValue] = field(default_factory=list)
    why_no_values: str = ""


@dataclass(frozen=True)
class Change:
    """What a decision changes: rows of a source and name, from one company (None: not used) to another."""

    source: str
    source_name: str
    status: str
    before: str | None
    after: str | None
    rows: int
    first_period: date
    last_period: date


def usable(deployment: Deployment) -> Deployment:
    """The deployment; without a review, if the file that is set does not exist yet."""
    is_there = deployment.review is None or deployment.review.exists()
    return deployment if is_there else replace(deployment, review=None)


def review_file(deployment: Deployment, decider: Decider) -> ReviewFile:
    """The review file of the deployment, or where the first decision creates it."""
    companies = deployment.reference
    place = deployment.review or (companies if companies.is_dir() else companies.parent) / NAME
    return ReviewFile(place, decider.reference, tuple(deployment.mappings))


def stored_decisions(deployment: Deployment) -> StoredDecisions:
    """The stored decisions, read again when a file has changed."""
    folders = {source: deployment.tables / source / COMPANY_IDS.name for source in deployment.mappings}
    quarters = {f"{quarter}.parquet" for quarter in deployment.quarters}
    files = [file for folder in folders.values() for file in sorted(folder.glob("*.parquet")) if file.name in quarters]
    return _read(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=2)
def _read(files: tuple[tuple[Path, int], ...]) -> StoredDecisions:
    return StoredDecisions(read_decision_files(file for file, _ in files))


@lru_cache(maxsize=4)
def queue_of(stored: StoredDecisions, decider: Decider) -> Queue:
    """The queue by the stored decisions and the review of now."""
    table = stored.table
    is_asked = (table["status"] != Status.ACCEPTED) | table["suggestion"].notna()
    asked = table[is_asked & (table["row_count"] > 0) & (table["status"] != Status.REJECTED)]
    lines = pd.Series(dict(_lines(asked, decider.review)), dtype=object).reindex(asked.index)
    companies = decider.reference.companies
    is_decided = lines.notna()
    waiting = []
    for line in dict.fromkeys(lines[is_decided]):
        rows = asked[(lines == line).to_numpy(bool)]
        waiting += [replace(each, line=line) for each in _questions(rows, companies)]
    waiting.sort(key=lambda each: -each.row_count)
    return Queue(_questions(asked[~is_decided.to_numpy(bool)], companies), waiting)


def find_question(queue: Queue, source: str, source_name: str, supporting: str | None) -> Question | None:
    """The open or waiting question about the name, or None."""
    for each in (*queue.open, *queue.waiting):
        if (each.source, each.source_name, each.supporting_columns) == (source, source_name, supporting):
            return each
    return None


def entry_of(
    question: Question, deployment: Deployment, decider: Decider, release: OpenRelease | None, more: Sequence[str] = ()
) -> Entry:
    """The question with its candidates, and `more` companies that a person names, next to the numbers of its rows."""
    stored = stored_decisions(deployment)
    rows = _about(stored.table, question)
    scores = {**dict(_candidates(rows)), **{each: None for each in more if company_of(each, decider.reference)}}
    candidates = [
        Candidate(company, score, _names_of(stored, company_id))
        for company_id, score in scores.items()
        if (company := company_of(company_id, decider.reference))
    ]
    try:
        given = _values(rows, deployment.mappings[question.source], deployment.tables)
    except DataError as error:
        return Entry(question, rows, candidates, why_no_values=error.what)
    published = _published(release, given, list(scores))
    values = [ComparedValue(**{n: row[n] for n in (*CELL, "value")}, published=published(row)) for row in given]
    values.sort(key=lambda each: (-len(each.published), -each.period_end.toordinal(), each.item))
    why = "" if values else "the rows have no number that can be read, or are not stored any more"
    return Entry(question, rows, [_compared(each, values, release) for each in candidates], values[:VALUES], why)


def changes_of(line: ReviewLine, stored: StoredDecisions, decider: Decider) -> list[Change]:
    """What the decision would change in the rows that are stored; other names stay as they are."""
    table = stored.table
    folded = fold_source_name(line.source_name)
    names = [name for name in table["source_name"].dropna().unique() if fold_source_name(_shown(name)) == folded]
    rows = table[table["source_name"].isin(names) & (table["row_count"] > 0)]
    review = Review((*(each for each in decider.review.lines if each != line), line))
    decided = [apply_review(of_source, review, str(source)) for source, of_source in rows.groupby("source")]
    if not decided:
        return []
    after = pd.concat(decided)
    both = rows.loc[after.index].assign(status_after=after["status"], company_after=after["company_id"])
    found = frames.query(_CHANGES_SQL, decisions=both)
    return [Change(**row) for row in frames.to_arrow(found).to_pylist()]


_CHANGES_SQL = """
    SELECT
        source, source_name, status_after AS status,
        CASE WHEN status = 'accepted' THEN company_id END AS before, company_after AS after,
        sum(row_count)::BIGINT AS rows, min(period_end) AS first_period, max(period_end) AS last_period
    FROM decisions
    WHERE status IS DISTINCT FROM status_after OR company_id IS DISTINCT FROM company_after
    GROUP BY ALL ORDER BY rows DESC, source, source_name, first_period, after
"""


def _lines(rows: pd.DataFrame, review: Review) -> Iterator[tuple[Any, ReviewLine]]:
    """The places of rows that the review decides, with the line that does."""
    for source, of_source in rows.groupby("source"):
        lines = lines_for(of_source, review, str(source))
        yield from ((place, line) for place, line in zip(of_source.index, lines, strict=True) if line is not None)


def _questions(rows: pd.DataFrame, companies: pd.DataFrame) -> list[Question]:
    columns = [name for name in Question.__dataclass_fields__ if name != "line"]
    return [Question(**row) for row in frames.to_arrow(open_questions(rows, companies)[columns]).to_pylist()]


def _shown(name: str) -> str:
    """The name as the queue has it: without line breaks."""
    return re.sub(r"\s*[\r\n]+\s*", " ", name)


def _about(table: pd.DataFrame, question: Question) -> pd.DataFrame:
    of_source = table[(table["source"] == question.source) & (table["row_count"] > 0)]
    names = [name for name in of_source["source_name"].dropna().unique() if _shown(name) == question.source_name]
    rows = of_source[of_source["source_name"].isin(names)]
    supporting = question.supporting_columns
    is_same = rows["supporting_columns"].isna() if supporting is None else rows["supporting_columns"] == supporting
    return rows[is_same.fillna(False).to_numpy(bool)].sort_values("period_end")


def _candidates(rows: pd.DataFrame) -> Iterator[tuple[str, float | None]]:
    """Companies that the decisions name, those of the latest one first."""
    seen: set[str] = set()
    for row in reversed(frames.to_arrow(rows).to_pylist()):
        listed = json.loads(row["candidates"]) if row["candidates"] else []
        similar = [(row["suggestion"], row["score"]), (row["runner_up"], row["runner_up_score"])]
        for company_id, score in (*listed, (row["company_id"], row["score"]), *similar):
            if company_id and company_id not in seen:
                seen.add(company_id)
                yield company_id, score


def _names_of(stored: StoredDecisions, company_id: str) -> list[str]:
    table = stored.table
    rows = table[(table["status"] == Status.ACCEPTED) & (table["company_id"] == company_id)]
    return [_shown(name) for name in rows["source_name"].dropna().unique()[:NAMES]]


def _values(rows: pd.DataFrame, mapping: SourceMapping, tables: Path) -> list[dict[str, Any]]:
    """The numbers of the raw rows that the decisions are about, read as if their company were known."""
    found: list[dict[str, Any]] = []
    quarters = {(day.year, (day.month - 1) // 3): day for day in rows["period_end"]}
    for year, quarter in sorted(quarters, reverse=True)[:QUARTERS]:
        file = tables / mapping.name / "raw" / f"{date(year, 3 * quarter + 1, 1)}.parquet"
        if not file.exists():
            continue
        filters = [(mapping.company.column, "in", list(rows["source_name"].unique()))]
        raw = frames.from_arrow(pq.read_table(file, filters=filters))
        decided = rows.assign(status=str(Status.ACCEPTED), company_id="?", method="review")
        is_asked = raw["finsync_period_end"].isin(set(rows["period_end"]))
        if supporting := mapping.company.supporting_columns:
            cells = raw[list(supporting.values())].set_axis(list(supporting), axis="columns")
            is_asked &= frames.rows_as_json(cells).isin(set(rows["supporting_columns"].dropna()))
        of_rows = raw_table(mapping).conform(raw[is_asked.to_numpy(bool)])
        found += frames.to_arrow(standardize(of_rows, decided, mapping).facts).to_pylist()
    return found


def _published(release: OpenRelease | None, given: Sequence[Mapping[str, Any]], companies: Sequence[str]) -> Any:
    """For a row of values: what the release publishes for its cell, by company."""
    cells: dict[tuple[Any, ...], dict[str, float]] = {}
    if release is not None and release.has("agreement") and given and companies:
        sql = f"""
            SELECT company_id, value, {", ".join(CELL)} FROM agreement
            WHERE value IS NOT NULL AND list_contains(?, company_id) AND list_contains(?, period_end)
        """
        days = sorted({row["period_end"] for row in given})
        for company_id, value, *cell in release.query(sql, list(companies), days).rows:
            cells.setdefault(tuple(cell), {})[company_id] = value
    return lambda row: cells.get(tuple(row[name] for name in CELL), {})


def _compared(candidate: Candidate, values: Sequence[ComparedValue], release: OpenRelease | None) -> Candidate:
    company_id = candidate.company.company_id
    first = last = None
    if release is not None and release.has("facts"):
        sql = "SELECT min(period_end), max(period_end) FROM facts WHERE company_id = ?"
        [(first, last)] = release.query(sql, company_id).rows
    pairs = [(each.value, each.published[company_id]) for each in values if company_id in each.published]
    same = sum(is_same(*pair) for pair in pairs)
    return replace(candidate, first_period=first, last_period=last, same=same, compared=len(pairs))


def is_same(value: float, published: float) -> bool:
    """Whether two values are equal but for rounding."""
    return abs(value - published) <= 0.005 * max(abs(value), abs(published))
