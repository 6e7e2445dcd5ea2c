"""Responses: results with the headers that prove them complete, documents, entity tags, and problem details.

`Context` is what all routes of one service share.
"""

import asyncio
import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

import orjson
from aiohttp import web

from source_services.errors import RequestError
from source_services.query.execution import Execution, Result
from source_services.query.formats import Format
from source_services.query.pool import QueryPool
from source_services.query.snapshot import Snapshot
from source_services.query.spool import Body
from source_services.served_table import ServedTable
from source_services.web.access import AccessControl, client_of
from source_services.web.telemetry import Telemetry

LOG_FIELDS = web.RequestKey("log_fields", dict)
"""Fields of the request's log line besides those that every request has."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Context:
    """The table of a service, and what serves it."""

    table: ServedTable
    pool: QueryPool
    access: AccessControl
    telemetry: Telemetry


CONTEXT = web.AppKey("context", Context)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


async def send_execution(
    request: web.Request, snapshot: Snapshot, execution: Execution, seconds: float
) -> web.StreamResponse:
    """Send the result of the execution: 304 if the caller has it, else from the cache, else from the query pool."""
    context = request.app[CONTEXT]
    tag = tag_of(snapshot.version, *execution.key)
    if has_tag(request, tag, or_any=False):
        return web.Response(status=304, headers=_headers(snapshot, tag))
    result = snapshot.cached(tag)
    context.telemetry.results.labels("kept" if result else "made").inc()
    with context.pool.shares.of_response(client_of(request)) as share:
        if result is None:
            result = await context.pool.run(snapshot, execution, seconds, share)
            if not result.is_volatile:
                snapshot.cache(tag, result)
        elif not isinstance(result.body.content, bytes):
            # The file remains while it is sent, even if it leaves the cache meanwhile
            share.take(result.body.length)
        return await send_result(request, snapshot, execution.format, result, None if result.is_volatile else tag)


async def send_result(
    request: web.Request, snapshot: Snapshot, format_: Format, result: Result, tag: str | None
) -> web.StreamResponse:
    """Send the result, with an entity tag if it may be cached."""
    if tag is not None and has_tag(request, tag):
        return web.Response(status=304, headers=_headers(snapshot, tag))
    context, body = request.app[CONTEXT], result.body
    headers = _headers(snapshot, tag)
    headers["Content-Type"] = format_.media_type + ("; charset=utf-8" if format_.media_type == "text/csv" else "")
    headers["X-Row-Count"] = str(result.row_count)
    headers["Repr-Digest"] = body.digest
    if result.next_token is not None:
        headers["Link"] = f'<{request.rel_url.update_query(next=result.next_token)}>; rel="next"'
    request[LOG_FIELDS] |= {"rows": result.row_count, "bytes": body.length, "data_version": snapshot.version}
    if request.method != "HEAD":
        context.telemetry.rows.labels(format_.name).inc(result.row_count)
        context.telemetry.bytes.labels(format_.name).inc(body.length)
    if isinstance(body.content, bytes):
        return web.Response(body=body.content, headers=headers)
    try:
        async with asyncio.timeout(context.table.limits.send_seconds):
            return await _send_file(request, body, headers)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError("the client took too long") from None


def send_document(
    request: web.Request, snapshot: Snapshot, content: bytes, headers: dict[str, str] = JSON
) -> web.Response:
    """Send a small document about this version."""
    tag = tag_of(snapshot.version, request.path)
    headers = _headers(snapshot, tag) | headers
    if has_tag(request, tag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, headers=headers)


def tag_of(version: str, *key: object) -> str:
    """The entity tag, quoted, of the response with this key from this version."""
    return f'"{version[:16]}-{sha256(orjson.dumps(key, default=str)).hexdigest()[:16]}"'


def has_tag(request: web.Request, tag: str, or_any: bool = True) -> bool:
    """Whether If-None-Match has this entity tag; `or_any`: or `*`, which any response matches."""
    tags = ",".join(request.headers.getall("If-None-Match", []))
    if request.method not in ("GET", "HEAD"):
        return False
    return (or_any and tags.strip() == "*") or tag in (each.strip().removeprefix("W/") for each in tags.split(","))


def request_id_of(request: web.BaseRequest) -> str:
    """The id that the caller gave the request, if it is valid; else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def problem_response(error: RequestError, request_id: str) -> web.Response:
    """The error as problem details (RFC 9457), whose `type` is an anchor on the service's own page."""
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", **error.headers}
    details = {
        "type": f"/#{error.code}",
        "title": error.type.title,
        "status": error.type.status,
        "detail": str(error),
        "instance": f"urn:request:{request_id}",
        "code": error.code,
    }
    return web.Response(status=error.type.status, body=orjson.dumps(details), headers=headers)


def _headers(snapshot: Snapshot, tag: str | None) -> dict[str, str]:
    headers = {"X-Data-Version": snapshot.version, "Vary": "Accept"}
    return headers | ({"ETag": tag, "Cache-Control": "no-cache"} if tag else {"Cache-Control": "no-store"})


async def _send_file(request: web.Request, body: Body, headers: dict[str, str]) -> web.StreamResponse:
    """Send the bytes of a file, which the kernel does without passing them through this process."""
    response = web.StreamResponse(headers=headers)
    response.content_length = body.length
    await response.prepare(request)
    if request.transport is None:
        raise ConnectionResetError("the client disconnected")
    if request.method != "HEAD":
        assert not isinstance(body.content, bytes)
        await asyncio.get_running_loop().sendfile(request.transport, body.content, 0, body.length)
    await response.write_eof()
    return response
