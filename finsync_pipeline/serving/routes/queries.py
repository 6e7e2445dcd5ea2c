"""/api/v1/query: one SELECT over the standard views, live or over releases, and its plan."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.request import Request as TypedRequest
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json, format_of, json_rows
from finsync_pipeline.serving.parameters import Flag, FormatName
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.queries import (
    MOST_LINKED_SQL,
    MOST_SQL,
    QueryOptions,
    StandardView,
    run_query,
    standard_views,
)
from finsync_pipeline.serving.responses import RELEASE_HEADER, json_response, not_modified, table_response, tag_of

router = APIRouter(prefix=PREFIX, tags=["queries"])
ReleaseText = Annotated[str, Field(min_length=1, max_length=80)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    release: ReleaseText | None = Field(None, description="Over this release, instead of asking the sources")
    against: ReleaseText | None = Field(None, description="Only rows that differ between the release and this one")
    partial: Flag = Field(False, description="Answer without sources that do not respond, and name them")
    format: FormatName | None = Field(None, description="The format of the answer, instead of the header Accept")


class AskedQuery(_Options):
    """A query in the address, so that it can be linked."""

    q: Annotated[str, Field(min_length=1, max_length=MOST_LINKED_SQL)] = Field(
        description="One SELECT over the standard views"
    )


class PostedQuery(_Options):
    """A query in the body: SQL, or a typed request."""

    q: Annotated[str, Field(min_length=1, max_length=MOST_SQL)] | None = Field(None, description="One SELECT")
    request: TypedRequest | None = Field(None, description="A view, items, companies, periods and filters")


class QueryAnswer(BaseModel):
    """The answer to a query."""

    release: str | None = Field(description="The release that answers; null: the sources were asked")
    columns: list[str]
    rows: list[dict[str, Any]]
    row_count: int
    missing: dict[str, str] = Field(description="With partial: sources that are left out, each with the reason")
    notes: list[str]


class StandardViews(BaseModel):
    """What a query may read."""

    views: list[StandardView]


@router.get("/query", response_model=QueryAnswer, responses=IN_ALL_FORMATS)
def query(request: Request, asked: Annotated[AskedQuery, Query()]) -> Response:
    """The answer to one SELECT over the standard views, live or over a release."""
    return _answer(request, asked.q, asked)


@router.post("/query", response_model=QueryAnswer, responses=IN_ALL_FORMATS)
def post_query(request: Request, posted: PostedQuery) -> Response:
    """The same for long queries and typed requests."""
    return _answer(request, _posted(posted), posted)


@router.get("/plan", response_model=dict[str, Any])
def plan(request: Request, asked: Annotated[AskedQuery, Query()]) -> Response:
    """What each source is sent for a live query, how much it responds, and what is done with it; the query is run."""
    return _plan(request, asked.q, asked)


@router.post("/plan", response_model=dict[str, Any])
def post_plan(request: Request, posted: PostedQuery) -> Response:
    """The same for long queries and typed requests."""
    return _plan(request, _posted(posted), posted)


@router.get("/views", response_model=StandardViews)
def views(request: Request) -> Response:
    """The standard views that a query may read, with their columns."""
    return json_response(request, {"views": [each.model_dump() for each in standard_views()]})


def _posted(posted: PostedQuery) -> str | TypedRequest:
    asked = [each for each in (posted.q, posted.request) if each is not None]
    if len(asked) != 1:
        raise RequestProblem("invalid-parameter", "the body has neither or both of q and request", "send one of them")
    return asked[0]


def _answer(request: Request, sql: str | TypedRequest, options: _Options) -> Response:
    format_ = format_of(options.format, request.headers.get("accept", ""))
    answered = run_query(request, sql, QueryOptions(options.release, options.against, options.partial))
    answer, name = answered.answer, answered.release
    headers = {"Vary": "Accept, Authorization", "Cache-Control": "private, no-cache"}
    headers |= {RELEASE_HEADER: name} if name else {}
    if format_.write is not None:
        left_out = {"FinSync-Missing": ", ".join(sorted(answer.missing))} if answer.missing else {}
        return table_response(format_, answer.table, {**headers, **left_out, "X-Row-Count": str(answer.table.num_rows)})
    body = as_json(_content(answer, name))
    if request.method == "POST":
        return Response(body, media_type=format_.media_type, headers={**headers, "Cache-Control": "no-store"})
    headers["ETag"] = tag_of(body)
    return not_modified(request, headers) or Response(body, media_type=format_.media_type, headers=headers)


def _plan(request: Request, sql: str | TypedRequest, options: _Options) -> Response:
    if options.release or options.against:
        raise RequestProblem("invalid-parameter", "over a release, no source is asked", "leave out release and against")
    answer = run_query(request, sql, QueryOptions(is_partial=options.partial), is_explained=True).answer
    assert answer.plan is not None
    content = {**answer.plan.as_dict(), "missing": answer.missing, "notes": answer.notes}
    return Response(as_json(content), media_type="application/json", headers={"Cache-Control": "no-store"})


def _content(answer: Answer, release: str | None) -> dict[str, Any]:
    return {
        "release": release,
        "columns": answer.table.column_names,
        "rows": json_rows(answer.table),
        "row_count": answer.table.num_rows,
        "missing": dict(answer.missing),
        "notes": list(answer.notes),
    }
