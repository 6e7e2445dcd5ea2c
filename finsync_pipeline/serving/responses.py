"""Responses: of one release, which a header names; with an entity tag, links to the next page, in the asked format."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from fastapi import Request, Response

from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.serving.api_settings import Context
from finsync_pipeline.serving.formats import Format, as_json, format_of
from finsync_pipeline.serving.listings import AskedFormat, AskedRelease
from finsync_pipeline.serving.open_release import OpenRelease

RELEASE_HEADER = "FinSync-Release"
NOT_MODIFIED = 304


def context_of(request: Request) -> Context:
    """What all routes share."""
    context: Context = request.app.state.context
    return context


def asked_format(request: Request, asked: AskedFormat) -> Format:
    """The format that the request asks for. Raises RequestProblem."""
    return format_of(asked.format, _accept_header(request))


def headers_of(request: Request, release: OpenRelease, asked: AskedRelease) -> dict[str, str]:
    """The release that answers, and how long the answer may be kept: for ever, unless it is what is current now."""
    is_lasting = asked.release == release.name
    return {
        RELEASE_HEADER: release.name,
        "ETag": tag_of(release.name, request.url.path, sorted(request.query_params.multi_items()), _accept(request)),
        "Cache-Control": "private, max-age=31536000, immutable" if is_lasting else "private, no-cache",
        "Vary": "Accept, Authorization",
    }


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304, if the caller has this answer already."""
    return Response(status_code=NOT_MODIFIED, headers=dict(headers)) if _has_tag(request, headers["ETag"]) else None


def json_response(request: Request, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document; without headers, its entity tag is made of its content."""
    body = as_json(content)
    headers = headers or {"ETag": tag_of(body), "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    return not_modified(request, headers) or Response(body, media_type="application/json", headers=dict(headers))


def table_response(format_: Format, table: pa.Table, headers: Mapping[str, str]) -> Response:
    """The rows of an Arrow table in a format other than JSON."""
    assert format_.write is not None
    counted = {**headers, "X-Row-Count": str(table.num_rows)}
    return Response(format_.write(table), media_type=format_.media_type, headers=counted)


def next_page(request: Request, release: OpenRelease, after: int | str) -> str:
    """The address of the next page, of the same release."""
    parameters = [pair for pair in request.query_params.multi_items() if pair[0] not in ("after", "release")]
    return f"{request.url.path}?{urlencode([*parameters, ('release', release.name), ('after', after)])}"


def linked(headers: Mapping[str, str], address: str | None) -> dict[str, str]:
    """The headers, with a link to the next page if there is one."""
    return {**headers, **({"Link": f'<{address}>; rel="next"'} if address else {})}


def tag_of(*key: object) -> str:
    """An entity tag, quoted, of what an answer was made from."""
    return (
        f'"{hashlib.sha256(as_json(key)).hexdigest()[:32]}"'
        if not isinstance(key[0], bytes)
        else (f'"{hashlib.sha256(key[0]).hexdigest()[:32]}"')
    )


def _accept(request: Request) -> str:
    return _accept_header(request) if "format" not in request.query_params else ""


def _accept_header(request: Request) -> str:
    return ", ".join(request.headers.getlist("accept"))


def _has_tag(request: Request, tag: str) -> bool:
    tags = ",".join(request.headers.getlist("If-None-Match"))
    return tags.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in tags.split(","))


__all__ = [
    "CURRENT",
    "asked_format",
    "context_of",
    "headers_of",
    "json_response",
    "linked",
    "next_page",
    "not_modified",
    "table_response",
    "tag_of",
]
