"""The application of one service: its routes, and what happens around each of them."""

import logging
import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import orjson
from aiohttp import web

from source_services.errors import Problem
from source_services.web import meta_routes, row_routes
from source_services.web.context import CONTEXT, Context, context_of
from source_services.web.responses import TOLD

LOG = logging.getLogger("source_services")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = web.RequestKey("headers", dict)
"""Headers that the answer gets, whatever it is."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CODES = {
    400: ("invalid-parameter", "the request is not of the form of HTTP"),
    404: ("not-found", "nothing is served at this path: GET / shows what there is"),
    405: ("method-not-allowed", "the service only reads: Allow says by which methods"),
    413: ("too-large", "the body is larger than a statement may be"),
    414: ("url-too-long", "the URL is too long: send the statement with POST /query"),
}
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def create_app(context: Context) -> web.Application:
    """The application that serves the context's table."""
    # A statement in JSON may have each of its bytes escaped; parameters come on top
    app = web.Application(middlewares=[_around], client_max_size=2 * context.limits.sql_bytes + (1 << 20))
    app[CONTEXT] = context
    for path, handler in {
        "/": meta_routes.page,
        "/data": row_routes.data,
        "/query": row_routes.query,
        "/schema": meta_routes.schema,
        "/version": meta_routes.version,
        "/health": meta_routes.health,
        "/ready": meta_routes.ready,
        "/metrics": meta_routes.metrics,
        "/openapi.json": meta_routes.openapi,
    }.items():
        app.router.add_get(path, handler)
    app.router.add_post("/query", row_routes.query)
    app.on_response_prepare.append(_add_headers)
    return app


@web.middleware
async def _around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks, the answer or the problem, the headers that every answer has, the log."""
    started, context = time.perf_counter(), context_of(request)
    request_id = request_id_of(request)
    request[TOLD] = {"request_id": request_id}
    headers = {**SAFE, "X-Request-Id": request_id}
    status = 499  # the client went away
    try:
        request[HEADERS] = headers
        headers |= context.access.check(request)
        response = await handler(request)
        status = response.status
    except Problem as problem:
        response = problem_response(problem, request_id)
        status = response.status
    except web.HTTPException as error:
        response = _of_http(error, request_id)
        status = response.status
    except ConnectionError:
        raise  # the client went away while it was sent its answer
    except Exception:
        LOG.exception("failed", extra={"service": context.telemetry.service, "request_id": request_id})
        response = problem_response(Problem("internal", "the service failed; its log says why"), request_id)
        status = response.status
    finally:
        context.telemetry.note(request, status, started, request[TOLD])
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give the answer the headers that every answer has, before they are sent."""
    for name, value in request.get(HEADERS, SAFE).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Data-Version", context_of(request).table.now.version)
    response.headers.pop("Server", None)


def request_id_of(request: web.BaseRequest) -> str:
    """The id that the caller gave the request, if it is one; else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def problem_response(problem: Problem, request_id: str) -> web.Response:
    """The problem as an answer."""
    return web.Response(
        status=problem.kind.status,
        body=orjson.dumps(problem.body(request_id)),
        headers={"Content-Type": "application/problem+json", "Cache-Control": "no-store", **problem.headers},
    )


def _of_http(error: web.HTTPException, request_id: str) -> web.Response:
    code, detail = _CODES.get(error.status, ("internal", "the service failed; its log says why"))
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return problem_response(Problem(code, detail, kept), request_id)
