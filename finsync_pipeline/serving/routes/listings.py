"""GET /api/v1/<listing>: the tables of a release, a route for each of `listings.LISTINGS`."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, create_model

from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.formats import IN_ALL_FORMATS, as_json
from finsync_pipeline.serving.listings import LISTINGS, AskedPage, Listing, read_page
from finsync_pipeline.serving.responses import (
    asked_format,
    context_of,
    headers_of,
    linked,
    next_page,
    not_modified,
    table_response,
)

router = APIRouter(prefix=PREFIX, tags=["tables of a release"])


def page_of(row: type[BaseModel]) -> type[BaseModel]:
    """The JSON of a page of such rows, for the documentation."""
    return create_model(
        f"{row.__name__.removesuffix('Row')}Page",
        release=(str, Field(description="The release that answers")),
        rows=(list[row], ...),  # type: ignore[valid-type]
        row_count=(int, Field(description="Rows of this page")),
        next=(str | None, Field(description="The address of the next page; null on the last one")),
    )


def answer_page(request: Request, listing: Listing, asked: AskedPage) -> Response:
    """The page of the listing that is asked for, in the asked format."""
    release = context_of(request).releases.open(asked.release)
    format_, headers = asked_format(request, asked), headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    page = read_page(release, listing, asked, as_arrow=format_.write is not None)
    address = None if page.next is None else next_page(request, release, page.next)
    headers = linked(headers, address)
    if format_.write is not None:
        return table_response(format_, page.rows, headers)
    content = {"release": release.name, "rows": page.rows, "row_count": page.count, "next": address}
    return Response(as_json(content), media_type=format_.media_type, headers=headers)


def _route(listing: Listing) -> Callable[..., Response]:
    def read(request: Request, asked: Any) -> Response:
        return answer_page(request, listing, asked)

    read.__annotations__["asked"] = Annotated[listing.asked, Query()]
    return read


for _listing in LISTINGS.values():
    router.add_api_route(
        f"/{_listing.name}",
        _route(_listing),
        response_model=page_of(_listing.row),
        responses=IN_ALL_FORMATS,
        summary=_listing.summary,
        operation_id=_listing.name.replace("-", "_"),
    )
