"""/api/v1/screen: companies by conditions on any item, before or after the mean, ranked."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from finsync_pipeline.federation.request import read_condition
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json
from finsync_pipeline.serving.listings import Asked
from finsync_pipeline.serving.parameters import Flag, Length, Whole
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    linked,
    next_page,
    not_modified,
    table_response,
)
from finsync_pipeline.serving.screen import FiscalYear, Name, Screen, screened

router = APIRouter(prefix=PREFIX, tags=["companies"])
Condition = Annotated[str, Field(min_length=1, max_length=300)]


class AskedScreen(Asked):
    """A screen in the address, so that it can be linked; conditions are texts such as `revenue >= 1e9`."""

    where: Annotated[list[Condition], Field(max_length=50)] = Field(
        [], description="Conditions on the means: revenue >= 1e9, cash between 1e6 and 1e9, goodwill is null"
    )
    where_periods: Annotated[list[Condition], Field(max_length=50)] = Field(
        [], description="Conditions on each period; the mean is over those that meet all of them"
    )
    fiscal_years: Annotated[list[FiscalYear], Field(max_length=100)] = Field(
        [], description="Only periods of these fiscal years, by the year end of the company"
    )
    months: Length = Field(12, description="The length of the periods; balances are at their ends")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    items: Annotated[list[Name], Field(max_length=100)] = Field([], description="Further items to show")
    order_by: Name | None = Field(None, description="The item by which companies are ranked; those without it are last")
    descending: Flag = True
    limit: Whole = Field(100, ge=1, le=10_000)
    after: Whole = Field(0, ge=0, lt=2**31, description="How many companies come before the page")


class PostedScreen(Asked):
    """The same in a body, with conditions as objects."""

    screen: Screen


class ScreenAnswer(BaseModel):
    """The companies that meet the conditions."""

    release: str
    rows: list[dict[str, Any]] = Field(description="The company and its periods, then the items")
    row_count: int
    next: str | None = Field(description="The address of the next page; null on the last one, and for POST")
    has_more: bool
    notes: list[str] = Field(description="What a person has to know to read the values")
    asked: dict[str, Any] = Field(description="How the conditions were read")


@router.get("/screen", response_model=ScreenAnswer, responses=IN_ALL_FORMATS)
def screen(request: Request, asked: Annotated[AskedScreen, Query()]) -> Response:
    """Companies by conditions on any item, before or after the mean, ranked by one of them."""
    parts: dict[str, Any] = asked.model_dump(exclude={"release", "format"})
    parts |= {name: list(map(read_condition, parts[name])) for name in ("where", "where_periods")}
    return _answer(request, Screen(**parts), asked)


@router.post("/screen", response_model=ScreenAnswer, responses=IN_ALL_FORMATS)
def post_screen(request: Request, posted: PostedScreen) -> Response:
    """The same with conditions as objects."""
    return _answer(request, posted.screen, posted)


def _answer(request: Request, asked: Screen, options: Asked) -> Response:
    release = context_of(request).releases.open(options.release)
    format_, headers = asked_format(request, options), headers_of(request, release, options)
    if request.method == "GET" and (known := not_modified(request, headers)):
        return known
    found = screened(release, asked)
    has_more = len(found.rows.rows) > asked.limit
    address = next_page(request, release, asked.after + asked.limit) if has_more and request.method == "GET" else None
    headers = linked(headers, address)
    if request.method == "POST":
        headers |= {"Cache-Control": "no-store"}
        del headers["ETag"]
    if format_.write is not None:
        return table_response(format_, found.table(asked.limit), headers)
    rows = found.rows.as_dicts()[: asked.limit]
    content = {
        "release": release.name,
        "rows": rows,
        "row_count": len(rows),
        "next": address,
        "has_more": has_more,
        "notes": found.notes,
        "asked": asked.model_dump(exclude_defaults=True),
    }
    return Response(as_json(content), media_type=format_.media_type, headers=headers)
