"""/api/v1/screen: companies by conditions on any item, before or after the mean, ranked."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json
from finsync_pipeline.serving.free_text import ReadText, read_text
from finsync_pipeline.serving.free_text_words import Changes
from finsync_pipeline.serving.insights import Insights, insights_of
from finsync_pipeline.serving.listings import Asked
from finsync_pipeline.serving.parameters import Days, Flag, Length, Text, Whole
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    json_response,
    linked,
    next_page,
    not_modified,
    table_response,
)
from finsync_pipeline.serving.screen import FiscalYear, Name, Screen, screen_of, screened

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
    texts: Annotated[list[Condition], Field(max_length=50)] = Field(
        [], description="Conditions on texts: sector = Banks, company_name like %oil%; case does not matter"
    )
    companies: Annotated[list[Text], Field(max_length=1000)] = Field([], description="Only companies of these ids")
    period_end: Days | None = Field(None, description="Only periods that end on these days: 2009-01-01...2009-12-31")
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


class InsightsAnswer(Insights):
    """What stands out among the companies that meet the conditions of a screen."""

    release: str


class AskedText(BaseModel):
    """A screen in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="Such as: net income above 1 bn in 2009, top 5 by cash"
    )


class Piece(BaseModel):
    """A piece of the text, and where it is."""

    text: str
    start: int
    end: int


class OtherMeaning(BaseModel):
    """What a piece may mean as well."""

    meaning: str
    parameters: dict[str, list[str]]


class Understood(Piece):
    """A piece that was understood."""

    meaning: str
    parameters: dict[str, list[str]] = Field(description="Parameters of /screen that stand for it")
    others: list[OtherMeaning]


class NotUnderstoodPiece(Piece):
    """A piece that was not understood, and why."""

    reason: str


class TextAnswer(BaseModel):
    """How a text is read; every word of it is in one of the three lists."""

    text: str
    understood: list[Understood]
    passed_over: list[Piece] = Field(description="Words that only connect others")
    not_understood: list[NotUnderstoodPiece]
    parameters: dict[str, list[str]] = Field(description="Parameters of /screen for all that was understood")


@router.get("/screen", response_model=ScreenAnswer, responses=IN_ALL_FORMATS)
def screen(request: Request, asked: Annotated[AskedScreen, Query()]) -> Response:
    """Companies by conditions on any item, before or after the mean, ranked by one of them."""
    return _answer(request, screen_of(asked.model_dump(exclude={"release", "format"})), asked)


@router.get("/screen/insights", response_model=InsightsAnswer)
def insights(request: Request, asked: Annotated[AskedScreen, Query()]) -> Response:
    """What stands out among the companies of a screen: largest changes, outliers, disagreements between sources."""
    release = context_of(request).releases.open(asked.release)
    headers = headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    found = insights_of(release, screen_of(asked.model_dump(exclude={"release", "format"})))
    return json_response(request, {"release": release.name, **found.model_dump()}, headers)


@router.get("/read-text", response_model=TextAnswer)
def read_words(request: Request, asked: Annotated[AskedText, Query()]) -> Response:
    """How a screen in words is read: what is understood, as parameters of /screen, and what is not, and why."""
    return json_response(request, _text_answer(read_text(asked.q)).model_dump())


def _text_answer(read: ReadText) -> TextAnswer:
    return TextAnswer(
        text=read.text,
        understood=[
            Understood(
                text=read.text[part.start : part.end],
                start=part.start,
                end=part.end,
                meaning=part.meaning,
                parameters=_as_lists(part.changes),
                others=[OtherMeaning(meaning=each.meaning, parameters=_as_lists(each.changes)) for each in part.others],
            )
            for part in read.parts
        ],
        passed_over=[Piece(text=read.text[start:end], start=start, end=end) for start, end in read.passed_over],
        not_understood=[
            NotUnderstoodPiece(text=each.text, start=each.start, end=each.end, reason=each.reason)
            for each in read.not_understood
        ],
        parameters=read.parameters,
    )


def _as_lists(changes: Changes) -> dict[str, list[str]]:
    return {name: list(values) for name, values in changes.items()}


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
