"""GET /api/v1/releases and more about releases: manifests, files, differences, earlier views, freshness."""

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.publishing.as_of import open_history
from finsync_pipeline.publishing.changes import differences, summarize_differences
from finsync_pipeline.publishing.release import CURRENT, current_folder
from finsync_pipeline.serving import quality
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json
from finsync_pipeline.serving.listings import MOST_ROWS, Asked, AskedFormat, AskedRelease
from finsync_pipeline.serving.parameters import MOST_VALUES, Day, Text, Whole
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.release_list import ReleaseShort, list_releases
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    json_response,
    linked,
    next_page,
    not_modified,
    table_response,
    tag_of,
)
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS

router = APIRouter(prefix=PREFIX, tags=["releases"])
ReleaseName = Annotated[str, Path(min_length=1, max_length=80, description="A name, its beginning, or current")]
MEDIA_TYPES = {".csv": "text/csv; charset=utf-8", ".parquet": "application/vnd.apache.parquet"}


class ReleaseList(BaseModel):
    """All releases, the newest first."""

    releases: list[ReleaseShort]


class Differences(BaseModel):
    """Facts that two releases differ in."""

    release: str
    against: str
    rows: list[dict[str, Any]]
    row_count: int
    next: str | None


class AskedDifferences(AskedFormat):
    """What is compared, in pages."""

    against: Annotated[str, Field(max_length=80)] = Field(description="The later release")
    limit: Whole = Field(1000, ge=1, le=MOST_ROWS)
    after: Whole = Field(0, ge=0, lt=2**62)


class Changes(BaseModel):
    """What two releases differ in, counted."""

    release: str
    against: str
    counts: list[dict[str, Any]] = Field(description="For each source and item, how many facts are new, lost, changed")
    largest: list[dict[str, Any]] = Field(description="The values that moved most, as a share of the larger one")


class AskedChanges(BaseModel):
    """What is compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    against: Annotated[str, Field(max_length=80)] = Field(description="The later release")
    limit: Whole = Field(50, ge=1, le=MOST_ROWS, description="Of the largest changes")


class AskedAsOf(Asked):
    """A day, and of whom."""

    day: Day = Field(description="What was known at the end of this day")
    suspects: Literal["withhold", "as filed"] = "withhold"
    company_id: Annotated[list[Text], Field(max_length=MOST_VALUES)] | None = None
    item: Annotated[list[Text], Field(max_length=MOST_VALUES)] | None = None
    limit: Whole = Field(1000, ge=1, le=MOST_ROWS)
    after: Whole = Field(0, ge=0, lt=2**62, description="Rows before the page")


class AsOf(BaseModel):
    """Numbers as they were known at the end of a day."""

    release: str
    rows: list[dict[str, Any]]
    row_count: int
    next: str | None = Field(description="The address of the next page; null on the last one")


class Freshness(BaseModel):
    """The state of each quarter of each source, compared with what the source had when it was last asked."""

    sources: dict[str, list[dict[str, Any]]]
    current_release: str | None


class StandardItem(BaseModel):
    """A standard item."""

    name: str
    statement: str
    kind: str
    unit: str
    description: str


class DerivedItem(BaseModel):
    """An item that is derived of others; it is computed when it is asked for, and never averaged."""

    name: str
    formula: str
    kind: str
    unit: str
    description: str


class Items(BaseModel):
    """What companies are measured by."""

    items: list[StandardItem]
    derived: list[DerivedItem]


@router.get("/releases", response_model=ReleaseList)
def releases(request: Request) -> Response:
    """All releases, the newest first."""
    found = list_releases(context_of(request).published)
    return json_response(request, {"releases": [each.model_dump() for each in found]})


@router.get("/releases/{name}", response_model=dict[str, Any])
def manifest(request: Request, name: ReleaseName) -> Response:
    """The manifest of a release: versions, counts, what was rejected and why, and the SHA-256 of each file."""
    release = context_of(request).releases.open(name)
    return json_response(request, release.manifest, headers_of(request, release, AskedRelease(release=name)))


@router.get(
    "/releases/{name}/files/{file}", response_class=FileResponse, responses={200: {"content": {"text/csv": {}}}}
)
def release_file(
    request: Request, name: ReleaseName, file: Annotated[str, Path(min_length=1, max_length=200)]
) -> Response:
    """A file of a release, byte by byte as it was published."""
    release = context_of(request).releases.open(name)
    if file not in release.manifest["files"]:
        fix = f"it has {', '.join(sorted(release.manifest['files']))}"
        raise RequestProblem("not-found", f"release {release.name} has no file {file[:100]!r}", fix)
    headers = headers_of(request, release, AskedRelease(release=name))
    headers["ETag"] = f'"{release.manifest["files"][file]["sha256"]}"'
    media_type = MEDIA_TYPES.get(FilePath(file).suffix, "application/octet-stream")
    if not (release.folder / file).is_file():
        raise DataError(f"its file {file} is missing", "finsync verify names its damages", f"Release {release.name}")
    known = not_modified(request, headers)
    return known or FileResponse(release.folder / file, headers=headers, media_type=media_type, filename=file)


@router.get("/releases/{name}/differences", response_model=Differences, responses=IN_ALL_FORMATS)
def release_differences(request: Request, name: ReleaseName, asked: Annotated[AskedDifferences, Query()]) -> Response:
    """The facts that a release and a later one differ in: lost, new or changed."""
    context = context_of(request)
    first, second = context.releases.open(name), context.releases.open(asked.against)
    for release in (first, second):
        release.require("facts")
    is_lasting = (name, asked.against) == (first.name, second.name)
    headers = headers_of(request, second, AskedRelease(release=second.name if is_lasting else CURRENT))
    format_, headers["ETag"] = asked_format(request, asked), tag_of(first.name, headers["ETag"])
    if known := not_modified(request, headers):
        return known
    with second.failing_clearly(), first.failing_clearly():
        found = frames.to_arrow(differences(first.folder, second.folder))
    rows = found.slice(asked.after, asked.limit)
    is_last = asked.after + asked.limit >= found.num_rows
    of_next = {**asked.model_dump(exclude_none=True), "against": second.name, "after": asked.after + asked.limit}
    address = None if is_last else f"{PREFIX}/releases/{first.name}/differences?{urlencode(of_next)}"
    headers = linked(headers, address)
    if format_.write is not None:
        return table_response(format_, rows, headers)
    content = {"release": first.name, "against": second.name, "rows": rows.to_pylist(), "row_count": rows.num_rows}
    return Response(as_json({**content, "next": address}), media_type=format_.media_type, headers=headers)


@router.get("/releases/{name}/changes", response_model=Changes)
def release_changes(request: Request, name: ReleaseName, asked: Annotated[AskedChanges, Query()]) -> Response:
    """How many facts of each source and item a later release has new, lost or changed, and the largest changes."""
    published = context_of(request).published
    first, second = find_release(published, name), find_release(published, asked.against)
    found = summarize_differences(first, second, asked.limit)
    content = {"release": first.name, "against": second.name, "counts": found.counts, "largest": found.largest}
    return json_response(request, content)


@router.get("/as-of", response_model=AsOf, responses=IN_ALL_FORMATS)
def as_of(request: Request, asked: Annotated[AskedAsOf, Query()]) -> Response:
    """The numbers of each source as they were known at the end of a day."""
    release = context_of(request).releases.open(asked.release)
    release.require("history")
    format_, headers = asked_format(request, asked), headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    filters = {name: given for name in ("company_id", "item") if (given := getattr(asked, name)) is not None}
    conditions = [f"list_contains(${name}, {name})" for name in filters] or ["true"]
    sql = (
        f"SELECT * FROM as_of($day, suspects := $suspects) WHERE {' AND '.join(conditions)} "
        f"ORDER BY ALL LIMIT {asked.limit + 1} OFFSET {asked.after}"
    )
    with release.failing_clearly(), open_history(release.folder) as history:
        found = history.sql(sql, params={"day": asked.day, "suspects": asked.suspects, **filters}).to_arrow_table()
    rows = found.slice(0, asked.limit)
    address = next_page(request, release, asked.after + asked.limit) if len(found) > asked.limit else None
    headers = linked(headers, address)
    if format_.write is not None:
        return table_response(format_, rows, headers)
    content = {"release": release.name, "rows": rows.to_pylist(), "row_count": rows.num_rows, "next": address}
    return Response(as_json(content), media_type=format_.media_type, headers=headers)


@router.get("/freshness", response_model=Freshness)
def freshness(request: Request) -> Response:
    """Which quarters of each source are current, outdated or missing, and why."""
    context = context_of(request)
    states = quality.freshness(context.deployment())
    current = current_folder(context.published)
    return json_response(request, {"sources": states, "current_release": current.name if current else None})


@router.get("/items", response_model=Items)
def items(request: Request) -> Response:
    """The standard items that every source is mapped onto, and the items that are derived of them."""
    standard = [{name: getattr(each, name) for name in StandardItem.model_fields} for each in ITEMS.values()]
    derived = [{name: getattr(each, name) for name in DerivedItem.model_fields} for each in FORMULAS.values()]
    return json_response(request, {"items": standard, "derived": derived})


__all__ = ["find_release", "router"]
