"""The server: every service on its own port, all in one process, until a signal stops them.

Here belongs what surrounds every request: ports, connections, middleware. What a route does is in `web/`.
"""

import asyncio
import errno
import gc
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import apsw
from aiohttp import web
from aiohttp.typedefs import Handler

from source_services.errors import ConfigurationError, RequestError
from source_services.query.pool import QueryPool
from source_services.served_table import ServedTable
from source_services.settings import Service
from source_services.web import meta_routes, row_routes
from source_services.web.access import AccessControl
from source_services.web.connections import Connection, OpenConnections, http_error
from source_services.web.responses import (
    CONTEXT,
    LOG_FIELDS,
    SECURITY_HEADERS,
    Context,
    problem_response,
    request_id_of,
)
from source_services.web.telemetry import LOG, Repetitions, Telemetry

LOOK_SECONDS = 1.0
"""How often the data files are looked at."""

SHUTDOWN_SECONDS = 10
"""How long running requests may take when the process has to stop."""

HEADERS = web.RequestKey("headers", dict)
"""Headers of any response to the request."""

CLIENT_CLOSED_REQUEST = 499
"""The status in logs and metrics of a request whose client disconnected."""

OTHER_FILES = 400
"""Files that a service has open besides connections and the results that are sent on them: in its cache, for SQLite."""

ACCEPTED_AT_A_TIME = 100
"""Connections that wait to be accepted."""

_LOOP_ERRORS = Repetitions(60)

_HTTP: dict[str, Any] = {
    "max_line_size": 16_380,
    "max_field_size": 16_380,
    "access_log": None,
    "auto_decompress": False,
}


async def serve(tables: list[ServedTable], host: str, token: str | None, look_seconds: float) -> None:
    """Serve each table at its service's port (0: any free one) until a signal stops the process.

    Callers must send the token, if there is one. Each data file is looked at every `look_seconds`. Raises
    ConfigurationError if a port cannot be used.
    """
    sockets = [listen(host, table.service) for table in tables]
    most_connections = _connections_that_fit(tables)
    # Rows are many objects without cycles: with the default thresholds, the collector takes half the time of a query
    gc.set_threshold(50_000, 20, 20)
    # SQLite has one limit for the whole process, which no statement can raise
    apsw.hard_heap_limit(tables[0].limits.heap_bytes)
    stopped = asyncio.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, stopped.set)
    width = max(len(table.service.name) for table in tables)
    async with AsyncExitStack() as stack:
        for table, listener in zip(tables, sockets, strict=True):
            await stack.enter_async_context(running(table, listener, token, look_seconds, most_connections))
            address, metadata = f"[{host}]" if ":" in host else host, table.current.metadata
            print(
                f"{table.service.name:<{width}}  http://{address}:{listener.getsockname()[1]}   "
                f"{metadata.row_count:,} rows   data version {metadata.data_version[:12]}…",
                flush=True,
            )
        await stopped.wait()


def listen(host: str, service: Service) -> socket.socket:
    """A socket on the service's port. Raises ConfigurationError."""
    name, port, family = service.name, service.port, socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        what, fix = f"{name} cannot listen on {host}, port {port} ({error})", "check --host and the port"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            what = f"port {port} on {host} is in use, so {name} cannot listen there"
            fix = "stop the program that uses it, or choose other ports with --base-port (all services) or --port (one)"
        raise ConfigurationError(what, fix) from error


def _connections_that_fit(tables: list[ServedTable]) -> int:
    """The connections that each service may have, after raising the number of files of the process as far as needed."""
    wanted = tables[0].limits.http_connections
    needed = len(tables) * (2 * wanted + OTHER_FILES)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    if soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or files >= needed:
        return wanted
    fitting = max(20, (files // len(tables) - OTHER_FILES // 2) // 2)
    LOG.warning("each service has at most %s connections: the process may open only %s files", fitting, files)
    return min(wanted, fitting)


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no request is responsible for; a message that repeats, such as that of accept(), once a minute."""
    message = str(context.get("message", "error"))
    if _LOOP_ERRORS.is_new(message):
        LOG.error(message, exc_info=context.get("exception"))


@asynccontextmanager
async def running(
    table: ServedTable,
    listener: socket.socket,
    token: str | None = None,
    look_seconds: float = LOOK_SECONDS,
    most_connections: int | None = None,
) -> AsyncIterator[None]:
    """Serve the table on the socket, and watch its data file, until the block ends; then finish running requests."""
    pool, access = QueryPool(table.limits, table.folder), AccessControl(token, table.limits.requests_per_minute)
    context = Context(table, pool, access, Telemetry(table, pool))
    runner = web.AppRunner(_application(context), handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    loop, handler = asyncio.get_running_loop(), runner.server
    assert handler is not None
    limits = table.limits
    opened = OpenConnections(most_connections or limits.http_connections, limits.client_http_connections)
    http = {**_HTTP, "keepalive_timeout": limits.idle_seconds}
    server = await loop.create_server(
        lambda: Connection(context, opened, handler, loop=loop, **http), sock=listener, backlog=ACCEPTED_AT_A_TIME
    )
    loop.set_exception_handler(_log_loop_error)
    watch = asyncio.create_task(table.watch(look_seconds))
    try:
        yield
    finally:
        watch.cancel()
        server.close()
        await runner.cleanup()
        pool.close()
        table.close()


def _application(context: Context) -> web.Application:
    """The application that serves the context's table."""
    # Each byte of a statement may be escaped in JSON; its parameters come on top
    app = web.Application(middlewares=[_middleware], client_max_size=2 * context.table.limits.sql_bytes + (1 << 20))
    app[CONTEXT] = context
    for path, handler in {**meta_routes.ROUTES, "/data": row_routes.data, "/query": row_routes.query}.items():
        app.router.add_get(path, handler)
    app.router.add_post("/query", row_routes.query)
    app.on_response_prepare.append(_add_headers)
    return app


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check access, turn errors into problem details, record the request."""
    started, context, request_id = time.perf_counter(), request.app[CONTEXT], request_id_of(request)
    request[LOG_FIELDS] = {"request_id": request_id}
    request[HEADERS] = {**SECURITY_HEADERS, "X-Request-Id": request_id}
    status = CLIENT_CLOSED_REQUEST
    try:
        try:
            if isinstance(request.protocol, Connection):
                request.protocol.begin_request(request)
            request[HEADERS] |= context.access.check(request)
            response = await handler(request)
        except RequestError as error:
            response = problem_response(error, request_id)
        except web.HTTPException as error:
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            response = problem_response(http_error(error.status, allow), request_id)
        except ConnectionError:
            raise  # the client disconnected while the response was sent
        except Exception:
            fields = {"service": context.telemetry.service, "request_id": request_id}
            LOG.exception("failed", extra={"fields": fields})
            response = problem_response(http_error(500), request_id)
        status = response.status
    finally:
        context.telemetry.record(request, status, time.perf_counter() - started, request[LOG_FIELDS])
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every response has, before they are sent."""
    for name, value in request.get(HEADERS, SECURITY_HEADERS).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Data-Version", request.app[CONTEXT].table.current.version)
    response.headers.pop("Server", None)
