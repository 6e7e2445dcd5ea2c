"""GET /api/v1/coverage and other counts over a release, what changed since the one before, and the review queue."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

import pyarrow as pa
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from finsync_pipeline import frames
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.serving import quality, review_queue
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json, format_of
from finsync_pipeline.serving.listings import MOST_ROWS, Asked
from finsync_pipeline.serving.parameters import Flag, FormatName, Text, Whole
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    not_modified,
    table_response,
)
from finsync_pipeline.serving.review_file import described
from finsync_pipeline.statements.tables import IDENTITY_REVIEW

router = APIRouter(prefix=PREFIX, tags=["quality"])


class Counted(BaseModel):
    """Counts over a release."""

    release: str
    rows: list[dict[str, Any]]
    row_count: int


class AskedCompanies(Asked):
    """Which companies."""

    source: Text | None = Field(None, description="Only facts of this source")
    order: Literal["facts", "company_id"] = Field("facts", description="Those with the most facts first, or by id")
    limit: Whole = Field(quality.COMPANIES, ge=1, le=1_000, description="Companies of the page")
    after: Whole = Field(0, ge=0, lt=2**31, description="Companies before the page")


class Changes(BaseModel):
    """What a release and the one before it differ in."""

    release: str
    before: str
    rows: list[dict[str, Any]] = Field(description="Facts that are lost, new or changed, by source and item")
    largest: list[dict[str, Any]] = Field(description="Those that changed by the largest share")
    losses: list[str] = Field(description="What was lost, in sentences")


class AskedReview(BaseModel):
    """Which part of the queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: FormatName | None = Field(None, description="The format of the answer, instead of the header Accept")
    waiting: Flag = Field(False, description="Instead, those that are decided and wait to be re-resolved")
    limit: Whole = Field(1_000, ge=1, le=MOST_ROWS)
    after: Whole = Field(0, ge=0, lt=2**31, description="Names before the page")


class ReviewQueue(BaseModel):
    """Names to decide."""

    rows: list[dict[str, Any]]
    row_count: int
    count: int = Field(description="Names of all pages")


def _route(count: quality.Count) -> Callable[..., Response]:
    def read(request: Request, asked: Annotated[Asked, Query()]) -> Response:
        return _answer(request, asked, lambda release: quality.count(release, count.name))

    return read


for _count in quality.COUNTS.values():
    router.add_api_route(
        f"/{_count.name}",
        _route(_count),
        response_model=Counted,
        responses=IN_ALL_FORMATS,
        summary=_count.summary,
        operation_id=_count.name.replace("-", "_"),
    )


@router.get("/coverage/companies", response_model=Counted, responses=IN_ALL_FORMATS)
def coverage_by_company(request: Request, asked: Annotated[AskedCompanies, Query()]) -> Response:
    """Facts of companies by quarter and source, page by page."""
    return _answer(
        request,
        asked,
        lambda release: quality.coverage_by_company(release, asked.limit, asked.after, asked.source, asked.order),
    )


@router.get("/changes", response_model=Changes, responses=IN_ALL_FORMATS)
def changes(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    """What changed since the release before: facts by source, item and kind, the largest changes, and losses."""
    context = context_of(request)
    release = context.releases.open(asked.release)
    before = quality.release_before(context.published, release.folder)
    if before is None:
        raise RequestProblem("not-found", f"there is no release before {release.name}", "name a later release")
    format_, headers = asked_format(request, asked), headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    counted, largest, lost = quality.changes(before, release.folder)
    if format_.write is not None:
        return table_response(format_, counted, headers)
    content = {
        "release": release.name,
        "before": before.name,
        "rows": counted.to_pylist(),
        "largest": largest.to_pylist(),
        "losses": lost,
    }
    return Response(as_json(content), media_type=format_.media_type, headers=headers)


@router.get("/review", response_model=ReviewQueue, responses=IN_ALL_FORMATS)
def review(request: Request, asked: Annotated[AskedReview, Query()]) -> Response:
    """Source names whose company a person has to decide, those with the most rows first."""
    deployment = review_queue.usable(context_of(request).deployment())
    queue = review_queue.queue_of(review_queue.stored_decisions(deployment), decider_of(deployment))
    questions = queue.waiting if asked.waiting else queue.open
    found = questions[asked.after : asked.after + asked.limit]
    rows = [{**asdict(each), "line": described(each.line) if each.line else None} for each in found]
    format_ = format_of(asked.format, request.headers.get("accept", ""))
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    if format_.write is not None:
        return table_response(format_, _table(rows), headers)
    content = {"rows": rows, "row_count": len(rows), "count": len(questions)}
    return Response(as_json(content), media_type=format_.media_type, headers=headers)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows in the columns of the review queue, so that a line of it can be filled in."""
    names = [each.name for each in IDENTITY_REVIEW.fields]
    return frames.to_arrow(IDENTITY_REVIEW.frame({name: row.get(name) for name in names} for row in rows))


def _answer(request: Request, asked: Asked, read: Callable[[Any], pa.Table]) -> Response:
    release = context_of(request).releases.open(asked.release)
    format_, headers = asked_format(request, asked), headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    table = read(release)
    if format_.write is not None:
        return table_response(format_, table, headers)
    content = {"release": release.name, "rows": table.to_pylist(), "row_count": table.num_rows}
    return Response(as_json(content), media_type=format_.media_type, headers=headers)
