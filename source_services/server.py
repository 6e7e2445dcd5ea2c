"""Serving: every service on its own port, all in one process, until a signal stops them."""

import asyncio
import errno
import gc
import signal
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from source_services.errors import Problem
from source_services.query.pool import Engine
from source_services.query.spool import Spool
from source_services.served_table import ServedTable
from source_services.services import Service
from source_services.settings import Limits
from source_services.web.access import Access
from source_services.web.app import SAFE, create_app, problem_response, request_id_of
from source_services.web.context import Context
from source_services.web.telemetry import Telemetry

LOOK_SECONDS = 1.0
"""How often the data files are looked at."""

SHUTDOWN_SECONDS = 10
_HTTP: dict[str, Any] = {"keepalive_timeout": 60, "max_line_size": 16_380, "max_field_size": 16_380, "access_log": None}


@dataclass(frozen=True)
class Manner:
    """How services answer: within which limits, to whom, and where large answers wait to be sent.

    Without a token they answer anyone who can reach them. The data file is looked at every `look_seconds`.
    """

    limits: Limits
    folder: Path
    token: str | None = None
    look_seconds: float = LOOK_SECONDS


class PortError(Exception):
    """A service cannot listen on its port; the message says why and how to mend it."""


def serve(tables: list[ServedTable], host: str, manner: Manner) -> None:
    """Serve each of the tables at its service's port (0: any free one) until a signal stops the process.

    Raises PortError.
    """
    sockets = [listen(host, table.service) for table in tables]
    # Rows are many objects, and none of them in a cycle: looking for cycles among them takes half the time of a query
    gc.set_threshold(50_000, 20, 20)
    # One number for the whole process, which no statement can raise
    apsw.hard_heap_limit(manner.limits.heap_bytes)
    asyncio.run(_serve(tables, sockets, host, manner))


async def _serve(tables: list[ServedTable], sockets: list[socket.socket], host: str, manner: Manner) -> None:
    stopped = asyncio.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, stopped.set)
    width = max(len(table.service.name) for table in tables)
    async with AsyncExitStack() as stack:
        for table, listening in zip(tables, sockets, strict=True):
            await stack.enter_async_context(answering(table, listening, manner))
            address = f"[{host}]" if ":" in host else host
            print(
                f"{table.service.name:<{width}}  http://{address}:{listening.getsockname()[1]}   "
                f"{table.holdings.row_count:,} rows   data version {table.holdings.data_version[:12]}…",
                flush=True,
            )
        await stopped.wait()


@asynccontextmanager
async def answering(table: ServedTable, listening: socket.socket, manner: Manner) -> AsyncIterator[None]:
    """Answer on the socket, and watch for newer data, until the block ends; then finish what was asked."""
    spool = Spool(manner.folder, manner.limits.disk_bytes)
    engine, access = Engine(manner.limits), Access(manner.token, manner.limits.requests_per_minute)
    context = Context(table, engine, manner.limits, access, Telemetry(table.service.name), spool)
    runner = web.AppRunner(create_app(context), handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS, **_HTTP)
    await runner.setup()
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None
    listener = await loop.create_server(lambda: _Connection(context, server, loop=loop, **_HTTP), sock=listening)
    watch = asyncio.create_task(table.watch(manner.look_seconds))
    try:
        yield
    finally:
        watch.cancel()
        listener.close()
        await runner.cleanup()
        engine.close()
        table.close()


class _Connection(web.RequestHandler):
    """A connection that also answers what is no HTTP in the one shape of problems."""

    def __init__(self, context: Context, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._context = context

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to a request that reached no route."""
        if request.writer.output_size > 0:
            # The task of the request keeps the error for a while: what its frames hold, such as a file, is let go now
            traceback.clear_frames(exc.__traceback__ if exc else None)
            raise ConnectionError("the answer was begun already")
        problem = Problem("internal", "the service failed; its log says why")
        if status < 500:
            problem = Problem("invalid-parameter", "the request is not of the form of HTTP")
            if isinstance(exc, LineTooLong):
                problem = Problem(
                    "url-too-long", "the URL or a header is too long: send the statement with POST /query"
                )
        request_id = request_id_of(request)
        response = problem_response(problem, request_id)
        response.headers.update(SAFE | {"X-Request-Id": request_id, "X-Data-Version": self._context.table.now.version})
        response.headers["Server"] = "finsync"
        response.force_close()
        return response


def listen(host: str, service: Service) -> socket.socket:
    """A socket on the service's port. Raises PortError."""
    name, port = service.name, service.port
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
        )
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise PortError(
                f"port {port} on {host} is in use, so {name} cannot listen there; stop the program that "
                "holds it, or choose other ports with --base-port (all services) or --port (one service)"
            ) from error
        raise PortError(f"{name} cannot listen on {host}, port {port} ({error}); check --host and the port") from error
