"""Connections: how many a client may have open, how long it may be silent, and what is sent outside of any route."""

import asyncio
import socket
import traceback
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from source_services.errors import PROBLEM_TYPES, RequestError, invalid_parameter
from source_services.settings import Limits
from source_services.web.access import client_at
from source_services.web.responses import SECURITY_HEADERS, Context, problem_response, request_id_of


class OpenConnections:
    """The open connections of one service. There are at most `most`, of one client at most twice its limit."""

    def __init__(self, most: int, most_of_client: int) -> None:
        self._most, self._most_of_client = most, most_of_client
        self._counts, self._count = Counter[str](), 0

    def add(self, client: str) -> int | None:
        """A new connection of the client: how many it now has above its limit, None if it is to be closed at once."""
        self._counts[client] += 1
        self._count += 1
        above = self._counts[client] - self._most_of_client
        return None if above > self._most_of_client or self._count > self._most else max(0, above)

    def remove(self, client: str) -> None:
        """A connection of the client is closed."""
        self._count -= 1
        self._counts[client] -= 1
        if not self._counts[client]:
            del self._counts[client]


class Connection(web.RequestHandler):
    """A connection of a client, which has limits of time and responds with problem details to invalid HTTP too."""

    def __init__(self, context: Context, opened: OpenConnections, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._context, self._opened, self._client = context, opened, ""
        self._limits: Limits = context.table.limits
        self._is_above_limit = False
        self._first_request: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection if its client may have one more."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self._client = client_at(peer[0]) if peer else ""
        above = self._opened.add(self._client)
        self._is_above_limit = bool(above)
        if above is None:
            transport.abort()
            return
        self._first_request = asyncio.get_running_loop().call_later(self._limits.header_seconds, self.force_close)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # The kernel ends a connection whose client receives nothing, though it may already be closed here
            milliseconds = int(self._limits.send_seconds * 1_000)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is closed."""
        super().connection_lost(exc)
        self._stop_timer()
        self._opened.remove(self._client)

    def begin_request(self, request: web.Request) -> None:
        """A request has arrived. Raises RequestError if its client has too many connections, or its body is refused."""
        self._stop_timer()
        try:
            _check_body(request)
        except RequestError as error:
            self.close()  # what else arrives is dropped and not read: it would take the time of all clients
            error.headers["Connection"] = "close"
            raise
        if self._is_above_limit:
            most = self._limits.client_http_connections
            what, fix = f"the client has more than {most:,} connections", "close some, and retry after a second"
            raise RequestError("rate-limited", what, fix, {"Retry-After": "1", "Connection": "close"})

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send what remains of the response, within its time."""
        if isinstance(resp, web.HTTPException):  # of the HTTP server itself, before any route
            resp = self._problem(request, http_error(resp.status))
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            return resp, True

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The response to a request that reached no route."""
        if request.writer.output_size > 0:
            # The request's task keeps the error for a while: what its frames refer to, such as a file, is freed now
            traceback.clear_frames(exc.__traceback__ if exc else None)
            raise ConnectionError("part of the response is already sent")
        return self._problem(request, http_error(414 if isinstance(exc, LineTooLong) else 400 if status < 500 else 500))

    def _problem(self, request: web.BaseRequest, error: RequestError) -> web.Response:
        request_id, version = request_id_of(request), self._context.table.current.version
        response = problem_response(error, request_id)
        response.headers.update(SECURITY_HEADERS | {"X-Request-Id": request_id, "X-Data-Version": version})
        response.headers["Server"] = "finsync"
        response.force_close()
        return response

    def _stop_timer(self) -> None:
        if self._first_request is not None:
            self._first_request.cancel()
            self._first_request = None


def _check_body(request: web.Request) -> None:
    """Only a POST has a body: of a known length, short, and as it is. To unpack 300 kB can take seconds."""
    headers, length = request.headers, request.content_length or 0
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise RequestError("media-type", "the body is encoded", "send it without Content-Encoding")
    if "Transfer-Encoding" in headers:
        raise invalid_parameter("the body has no length", "send it whole, with Content-Length")
    if length and request.method in ("GET", "HEAD"):  # other methods get 405 from the router
        raise invalid_parameter(f"{request.method} has no body", "leave it out, or use POST /query")
    if length > request.client_max_size:
        raise RequestError("too-large")


def http_error(status: int, headers: dict[str, str] | None = None) -> RequestError:
    """The error for a status that the HTTP server itself chose."""
    codes = [code for code, type_ in PROBLEM_TYPES.items() if type_.status == status]
    other = "invalid-parameter" if 400 <= status < 500 else "internal"
    return RequestError(codes[0] if codes else other, headers=headers)
