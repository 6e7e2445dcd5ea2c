"""Companies by any name or identifier: what the text means by the rules of the pipeline, and what else resembles it."""

import json
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, Field

from finsync_pipeline import frames
from finsync_pipeline.identity import Reference, resolve
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.statements.tables import COMPANIES

IDENTIFIERS = ("company_id", "tickers", "cik", "lei", "isin", "cusip")
_NOTHING_KNOWN: dict[str, str | None] = dict.fromkeys((*IDENTIFIERS[1:], "country", "industry"))


class Company(BaseModel):
    """A company of the reference list."""

    company_id: str
    name: str | None
    tickers: list[str]
    cik: list[str]
    lei: list[str]
    isin: list[str]
    cusip: list[str]
    country: str | None
    industry: str | None


class Candidate(BaseModel):
    """A company that a text may mean."""

    company_id: str
    score: float | None = Field(description="Similarity, 0 to 100")


class Resolution(BaseModel):
    """What a text means by the rules by which rows are decided, on a day: certain, or refused."""

    text: str
    day: date
    status: str = Field(description="accepted, ambiguous, conflict or unknown")
    company_id: str | None = Field(description="The company, if it is accepted")
    method: str | None = Field(description="How it was found")
    steps: str | None = Field(description="What was ignored or repaired")
    suggestion: str | None = Field(description="The company to look at first, if none is accepted")
    candidates: list[Candidate]


class Match(BaseModel):
    """A company of the list that matches a search."""

    company: Company
    matched: str = Field(description="What matches: resolution, identifier, name, alias or source name")
    text: str | None = Field(description="The alias or source name that matches")


def resolution_of(text: str, reference: Reference, day: date) -> Resolution:
    """What the text means on that day."""
    asked = frames.frame_of(
        [{"source_name": text, "period_end": day, "supporting_columns": None}],
        pa.schema({"source_name": pa.string(), "period_end": pa.date32(), "supporting_columns": pa.string()}),
    )
    [decision] = frames.to_arrow(resolve(asked, reference)).to_pylist()
    pairs = json.loads(decision["candidates"] or "[]")
    return Resolution(
        text=text,
        day=day,
        candidates=[Candidate(company_id=company_id, score=score) for company_id, score in pairs],
        **{name: decision[name] for name in ("status", "company_id", "method", "steps", "suggestion")},
    )


def company_of(company_id: str, reference: Reference) -> Company | None:
    """The company of this id."""
    companies, places = _by_id(reference)
    place = places.get(company_id)
    return None if place is None else _company(companies.slice(place, 1).to_pylist()[0])


def published_company(company_id: str, release: OpenRelease) -> Company | None:
    """The company as the release names it: the list may not have it any more."""
    if not release.has("company_summary"):
        return None
    found = release.query("SELECT company_name FROM company_summary WHERE company_id = ? LIMIT 1", company_id).rows
    return _company({"company_id": company_id, "name": found[0][0], **_NOTHING_KNOWN}) if found else None


def companies_after(reference: Reference, after: str, limit: int) -> list[Company]:
    """The next companies of the list by their ids."""
    companies = reference.companies
    return list(_companies(companies[companies["company_id"] > after].sort_values("company_id").head(limit)))


def matches(
    text: str, reference: Reference, release: OpenRelease | None, resolution: Resolution, limit: int
) -> list[Match]:
    """Companies that match the text as it is typed: the one that it means first.

    Then by identifier, name, alias, and by names under which a source of the release delivers them.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for company_id, matched, how in _found(text.strip(), reference, release, resolution, limit):
        if company_id not in found and len(found) < limit:
            found[company_id] = (matched, how)
    listed = reference.companies[reference.companies["company_id"].isin(list(found))]
    companies = {each.company_id: each for each in _companies(listed)}
    return [
        Match(company=companies[company_id], matched=matched, text=how)
        for company_id, (matched, how) in found.items()
        if company_id in companies
    ]


def _found(
    text: str, reference: Reference, release: OpenRelease | None, resolution: Resolution, limit: int
) -> Iterator[tuple[str, str, str | None]]:
    """Ids of companies, what matches, and the text that does if it is not of the list."""
    meant = [resolution.company_id, resolution.suggestion, *(each.company_id for each in resolution.candidates)]
    yield from ((company_id, "resolution", None) for company_id in meant if company_id)
    companies = frames.to_arrow(reference.companies)
    for identifier in IDENTIFIERS:
        begins = pc.starts_with(companies[identifier], text, ignore_case=True)
        inside = pc.match_substring(companies[identifier], f"|{text}", ignore_case=True)
        yield from _ids(companies.filter(pc.or_kleene(begins, inside)), "identifier", limit)
    yield from _ids(companies.filter(pc.starts_with(companies["name"], text, ignore_case=True)), "name", limit)
    yield from _ids(companies.filter(pc.match_substring(companies["name"], text, ignore_case=True)), "name", limit)
    aliases = frames.to_arrow(reference.aliases)
    of_alias = aliases.filter(pc.match_substring(aliases["alias"], text, ignore_case=True)).slice(0, limit)
    yield from ((row["company_id"], "alias", row["alias"]) for row in of_alias.to_pylist())
    if release is not None and release.has("company_ids"):
        sql = """
            SELECT DISTINCT company_id, source_name FROM company_ids
            WHERE status = 'accepted' AND contains(lower(source_name), lower(?)) ORDER BY ALL LIMIT ?
        """
        yield from ((row[0], "source name", row[1]) for row in release.query(sql, text, limit).rows)


def _ids(companies: pa.Table, matched: str, limit: int) -> Iterator[tuple[str, str, None]]:
    ids = companies.sort_by("company_id").slice(0, limit)["company_id"].to_pylist()
    return ((company_id, matched, None) for company_id in ids)


@lru_cache(maxsize=2)
def _by_id(reference: Reference) -> tuple[pa.Table, dict[str, int]]:
    """The table COMPANIES of a list, which never changes, and the place of each company in it."""
    companies = frames.to_arrow(COMPANIES.conform(reference.companies))
    return companies, {company_id: place for place, company_id in enumerate(companies["company_id"].to_pylist())}


def _companies(listed: pd.DataFrame) -> Iterator[Company]:
    return map(_company, frames.to_arrow(COMPANIES.conform(listed)).to_pylist())


def _company(row: dict[str, str | None]) -> Company:
    codes = {name: [each for each in (row[name] or "").split("|") if each] for name in IDENTIFIERS[1:]}
    return Company.model_validate({**row, **codes})
