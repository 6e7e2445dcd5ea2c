"""The application of one service: its routes, and the middleware around each of them."""

import time

from aiohttp import web
from aiohttp.typedefs import Handler

from source_services.errors import PROBLEM_TYPES, RequestError
from source_services.web import meta_routes, row_routes
from source_services.web.responses import CONTEXT, LOG_FIELDS, Context, problem_response, request_id_of
from source_services.web.telemetry import LOG

SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

HEADERS = web.RequestKey("headers", dict)
"""Headers of any response to the request."""

CLIENT_CLOSED_REQUEST = 499
"""The status in logs and metrics of a request whose client disconnected."""


def create_app(context: Context) -> web.Application:
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


def http_error(status: int, headers: dict[str, str] | None = None) -> RequestError:
    """The error for a status that the HTTP server itself chose."""
    codes = [code for code, type_ in PROBLEM_TYPES.items() if type_.status == status]
    return RequestError(codes[0] if codes else "internal", headers=headers)
