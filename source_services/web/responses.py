"""Sending what was asked for: rows with all that tells that they are whole, and small JSON documents."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from source_services.query.connection import GuardedConnection
from source_services.query.formats import Answer, Format
from source_services.query.snapshot import Snapshot
from source_services.query.spool import Body
from source_services.web.context import context_of
from source_services.web.request_params import has_tag, tag_of

TOLD = web.RequestKey("told", dict)
"""What the log says of an answer beside its status."""


@dataclass(frozen=True)
class Made:
    """An answer that was made now; one that depends on the time of day is not kept."""

    answer: Answer
    asks_the_clock: bool = False


async def send_rows(
    request: web.Request,
    snapshot: Snapshot,
    format_: Format,
    question: tuple[object, ...],
    make: Callable[[GuardedConnection], Made],
    seconds: float,
) -> web.StreamResponse:
    """Answer the question by this version: that the caller has it already, from what is kept, or by making it."""
    context = context_of(request)
    tag = tag_of(snapshot.version, format_.name, *question)
    if has_tag(request, tag, or_any=False):
        return _not_modified(snapshot, tag)
    answer, is_kept = snapshot.kept.get(tag), True
    context.telemetry.kept.labels("kept" if answer else "made").inc()
    if answer is None:
        made = await context.engine.run(snapshot, make, seconds)
        answer, is_kept = made.answer, not made.asks_the_clock
        if is_kept:
            snapshot.kept.keep(tag, answer)
    return await send_answer(request, snapshot, format_, answer, tag if is_kept else None)


async def send_answer(
    request: web.Request, snapshot: Snapshot, format_: Format, answer: Answer, tag: str | None
) -> web.StreamResponse:
    """Send the answer, with a tag if it may be kept."""
    if tag is not None and has_tag(request, tag):
        return _not_modified(snapshot, tag)
    context = context_of(request)
    headers = _headers(snapshot, tag)
    headers["Content-Type"] = format_.media_type + ("; charset=utf-8" if format_.media_type == "text/csv" else "")
    headers["X-Row-Count"] = str(answer.row_count)
    headers["Repr-Digest"] = answer.body.digest
    if answer.next_token is not None:
        address = request.rel_url.update_query(next=answer.next_token)
        headers["Link"] = f'<{address}>; rel="next"'
    request[TOLD] |= {"rows": answer.row_count, "bytes": answer.body.length, "data_version": snapshot.version}
    if request.method != "HEAD":
        context.telemetry.rows.labels(format_.name).inc(answer.row_count)
        context.telemetry.bytes.labels(format_.name).inc(answer.body.length)
    if isinstance(answer.body.content, bytes):
        return web.Response(body=answer.body.content, headers=headers)
    response = FileBody(answer.body, headers)
    try:
        async with asyncio.timeout(context.limits.send_seconds):
            await response.prepare(request)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError("the client took too long") from None
    return response


def send_json(request: web.Request, snapshot: Snapshot, document: object, question: str) -> web.Response:
    """Send a small document about this version."""
    tag = tag_of(snapshot.version, question)
    if has_tag(request, tag):
        return _not_modified(snapshot, tag)
    return web.Response(
        body=orjson.dumps(document), headers=_headers(snapshot, tag) | {"Content-Type": "application/json"}
    )


def _headers(snapshot: Snapshot, tag: str | None) -> dict[str, str]:
    headers = {"X-Data-Version": snapshot.version, "Vary": "Accept"}
    return headers | ({"ETag": tag, "Cache-Control": "no-cache"} if tag else {"Cache-Control": "no-store"})


def _not_modified(snapshot: Snapshot, tag: str) -> web.Response:
    return web.Response(status=304, headers=_headers(snapshot, tag))


class FileBody(web.StreamResponse):
    """The bytes of a file, sent by the kernel without passing through this process."""

    def __init__(self, body: Body, headers: dict[str, str]) -> None:
        super().__init__(headers=CIMultiDict(headers))
        self._sent = body
        self.content_length = body.length

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers and, unless it is a HEAD, the file."""
        if self.prepared:
            return await super().prepare(request)
        writer = await super().prepare(request)
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client is gone")
        if request.method != "HEAD":
            file = self._sent.content
            assert not isinstance(file, bytes)
            await asyncio.get_running_loop().sendfile(transport, file, 0, self._sent.length)
        await self.write_eof()
        return writer
