"""GET /api/v1/companies: companies by any name or identifier, and the statements of one over time."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import quote_plus, urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.federation.releases import NoRelease
from finsync_pipeline.identity import Reference
from finsync_pipeline.serving import companies, statements
from finsync_pipeline.serving.api_settings import PREFIX, Context
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json
from finsync_pipeline.serving.listings import Asked
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.parameters import MOST_VALUES, Day, Days, Length, Months, Text, Whole
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    json_response,
    not_modified,
    table_response,
)
from finsync_pipeline.serving.statements import DerivedKind, StatementName, Wanted

router = APIRouter(prefix=PREFIX, tags=["companies"])


class AskedCompanies(BaseModel):
    """A search, or the list of all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Text | None = Field(None, min_length=1, description="Any name or identifier, also the beginning of one")
    day: Day | None = Field(None, description="The day on which the text means a company; today by default")
    limit: Whole = Field(20, ge=1, le=1000)
    after: Text = Field("", description="Without q: companies whose ids come after this one")


class CompaniesFound(BaseModel):
    """Companies that match a search, and what the text means by the rules of the pipeline."""

    resolution: companies.Resolution | None
    matches: list[companies.Match]


class CompanyPage(BaseModel):
    """Companies of the reference list."""

    companies: list[companies.Company]
    next: str | None = Field(description="The address of the next page; null on the last one")


class CompanyFound(BaseModel):
    """A company, and what the current release has of it."""

    company: companies.Company
    release: str | None
    coverage: list[statements.Coverage]


class AskedStatements(Asked):
    """Which statement of a company, of which periods, and what is derived of it."""

    statement: StatementName | None = Field(None, description="One statement; all without it")
    months: Annotated[list[Months], Field(max_length=5)] = Field(
        [], description="Lengths of periods: 12 a year, 3 a quarter, 0 balances at a day; all without it"
    )
    period_end: Days | None = Field(None, description="A day, or 2009-01-01...2009-12-31")
    source: Text | None = Field(None, description="What this source gives, instead of what is published")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    fiscal_years: Annotated[list[Annotated[Whole, Field(ge=1, le=9999)]], Field(max_length=MOST_VALUES)] = Field(
        [], description="Only periods that end in these fiscal years, by the year end of the company"
    )
    ends_of: Annotated[list[Length], Field(max_length=4)] = Field(
        [], description="Balances only at the ends of periods of these lengths, in months"
    )
    derived: Annotated[list[DerivedKind], Field(max_length=3)] = Field(
        [], description="Also values that no source gives, each with its operands"
    )


class StatementRow(BaseModel):
    """The values of a period."""

    period_end: date
    months: int
    currency: str
    fiscal_year: int | None
    fiscal_quarter: int | None
    is_year_end_assumed: bool | None
    disputed: int | None = Field(None, description="Cells on which sources differ or that are suspect")
    withheld: int | None = Field(None, description="Cells that no value is published of")
    items: dict[str, float | None]
    sources: dict[str, int] | None = Field(None, description="Sources that each value was made of")


class Statements(BaseModel):
    """A company's statements over time."""

    release: str
    company: companies.Company
    statement: StatementName | None
    source: str | None
    rows: list[StatementRow]
    cells: list[dict[str, Any]] = Field(description="Cells on which sources differ or that are suspect, and why")
    derived: list[dict[str, Any]] = Field(description="Values that no source gives: kind, and operands with signs")


CompanyId = Annotated[str, Path(min_length=1, max_length=100)]


@router.get("/companies", response_model=CompaniesFound | CompanyPage)
def search(request: Request, asked: Annotated[AskedCompanies, Query()]) -> Response:
    """Companies by any name or identifier, with how the text is resolved; without q the whole list."""
    context = context_of(request)
    reference = decider_of(context.deployment()).reference
    if asked.q is None:
        found = companies.companies_after(reference, asked.after, asked.limit + 1)
        shown, address = found[: asked.limit], None
        if len(found) > asked.limit:
            address = f"{request.url.path}?{urlencode({'limit': asked.limit, 'after': shown[-1].company_id})}"
        return json_response(request, CompanyPage(companies=shown, next=address).model_dump())
    resolution = companies.resolution_of(asked.q, reference, asked.day or datetime.now(UTC).date())
    found_by = companies.matches(asked.q, reference, current_release(context), resolution, asked.limit)
    return json_response(request, CompaniesFound(resolution=resolution, matches=found_by).model_dump())


@router.get("/companies/{company_id}", response_model=CompanyFound)
def company(request: Request, company_id: CompanyId) -> Response:
    """A company of the reference list, and what the current release has of it."""
    context = context_of(request)
    found = listed(company_id, decider_of(context.deployment()).reference)
    release = current_release(context)
    coverage = statements.coverage_of(release, company_id) if release else []
    content = CompanyFound(company=found, release=release.name if release else None, coverage=coverage)
    return json_response(request, content.model_dump())


@router.get("/companies/{company_id}/statements", response_model=Statements, responses=IN_ALL_FORMATS)
def company_statements(request: Request, company_id: CompanyId, asked: Annotated[AskedStatements, Query()]) -> Response:
    """A company's statements over time: what is published, or what one source gives; on request what can be derived."""
    context = context_of(request)
    found = listed(company_id, decider_of(context.deployment()).reference)
    release = context.releases.open(asked.release)
    headers = headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    wanted = Wanted(
        company_id,
        asked.statement,
        tuple(asked.months),
        asked.period_end,
        asked.source,
        asked.currency,
        tuple(asked.fiscal_years),
        tuple(asked.ends_of),
    )
    rows = statements.rows_of(release, wanted)
    if asked_format(request, asked).write is not None:
        return table_response(asked_format(request, asked), statements.as_table(rows, wanted), headers)
    content = {
        "release": release.name,
        "company": found.model_dump(),
        "statement": asked.statement,
        "source": asked.source,
        "rows": rows,
        "cells": statements.disputed_cells(release, wanted),
        "derived": statements.derived_values(release, wanted, asked.derived),
    }
    return Response(as_json(content), media_type="application/json", headers=headers)


def listed(company_id: str, reference: Reference) -> companies.Company:
    """The company of this id. Raises RequestProblem, with the search as the fix."""
    found = companies.company_of(company_id, reference)
    if found is None:
        fix = f"GET /api/v1/companies?q={quote_plus(company_id[:40])} searches by any name or identifier"
        raise RequestProblem("not-found", f"no company {company_id[:100]!r} in the reference list", fix)
    return found


def current_release(context: Context) -> OpenRelease | None:
    """The current release, if there is one."""
    try:
        return context.releases.open()
    except NoRelease:
        return None
