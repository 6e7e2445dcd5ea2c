"""The API: its routes, its gate and its documentation, as one ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from threading import BoundedSemaphore
from typing import Any

import anyio.to_thread
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.routing import compile_path

from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.serving.api_settings import PREFIX, ApiSettings, Context
from finsync_pipeline.serving.browser_rules import Scope
from finsync_pipeline.serving.explorer import (
    access,
    assets,
    company,
    find,
    quality,
    review,
    screening,
    sql,
    trace_view,
)
from finsync_pipeline.serving.explorer import releases as release_views
from finsync_pipeline.serving.explorer.rendering import problem_page
from finsync_pipeline.serving.formats import FORMATS
from finsync_pipeline.serving.gate import Gate
from finsync_pipeline.serving.open_release import Releases
from finsync_pipeline.serving.parameters import check_request
from finsync_pipeline.serving.problems import MEDIA_TYPE, PROBLEM_TYPES, ProblemDetails, RequestProblem
from finsync_pipeline.serving.responses import json_response
from finsync_pipeline.serving.routes import companies, counts, listings, queries, releases, screen, trace
from finsync_pipeline.serving.telemetry import Telemetry
from finsync_pipeline.serving.write_access import TokenInAddress, WriteAccess

METHOD_NOT_ALLOWED = 405
CHECKED = (Depends(check_request),)
EXPOSED = ["FinSync-Release", "ETag", "Link", "X-Row-Count", "X-Request-Id", "Retry-After", "RateLimit"]
"""Headers that pages of other origins may read."""
LEAST_COMPRESSED, COMPRESSION = 2_048, 1
"""Bytes from which pages and JSON are compressed where the client takes it, and the level: at 1, 3 MB of JSON become
200 kB in 28 ms; at 6, 132 kB in 49 ms."""
NOT_COMPRESSED = (
    "text/csv",
    "application/octet-stream",
    *(each.media_type for each in FORMATS.values() if each.name in ("parquet", "arrow")),
)
"""Files are sent as they are: a release's byte by byte."""
_OF_EVERY_ROUTE = ("invalid-parameter", "not-authenticated", "cross-site", "not-found", "wrong-host", "rate-limited",
                   "busy", "method-not-allowed", "not-acceptable")  # fmt: skip


def make_app(deployment: Callable[[], Deployment], settings: ApiSettings) -> FastAPI:
    """The API over a deployment, whose settings, mappings and lists are read anew for each request that needs them."""
    published = deployment().published
    context = Context(settings, deployment, published, Releases(published, settings.memory), Telemetry())
    app = FastAPI(
        title="FinSync",
        version=version("finsync"),
        summary="Financial statements of several sources, made into one table that can be trusted.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_with_threads(settings.threads),
        exception_handlers=dict.fromkeys((HTTPException, RequestValidationError), _to_gate),
        responses=_problems(_OF_EVERY_ROUTE),
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.context, app.state.queries = context, BoundedSemaphore(settings.queries)
    for each in (listings, companies, trace, screen, releases, counts, queries):
        app.include_router(each.router, dependencies=CHECKED)
    for view in (assets, find, company, trace_view, screening, quality, review, sql, release_views, access):
        app.include_router(view.router)
    _add_own_routes(app, context)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=LEAST_COMPRESSED,
        compresslevel=COMPRESSION,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *NOT_COMPRESSED),
    )
    app.state.write_access = WriteAccess(settings.write_token)
    app.add_middleware(TokenInAddress, access=app.state.write_access)
    app.add_middleware(Gate, settings=settings, telemetry=context.telemetry, page=_problem_page)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-Request-Id"],
            expose_headers=EXPOSED,
            max_age=600,
        )
    return app


def _add_own_routes(app: FastAPI, context: Context) -> None:
    """The routes about the API itself."""

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", include_in_schema=False)
    def ready() -> dict[str, str]:
        if context.releases.current is None:
            raise RequestProblem("no-release")
        return {"status": "ready", "release": context.releases.current.name}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        context.telemetry.open_releases.set(context.releases.count_open)
        return Response(generate_latest(context.telemetry.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @app.get(PREFIX, dependencies=CHECKED, tags=["the API itself"], response_model=dict[str, Any])
    def routes(request: Request) -> Response:
        """Every route with its summary."""
        paths = app.openapi()["paths"]
        found = {
            f"{method.upper()} {path}": operation["summary"]
            for path, operations in paths.items()
            for method, operation in operations.items()
        }
        return json_response(request, {"openapi": f"{PREFIX}/openapi.json", "routes": found})

    @app.get(
        f"{PREFIX}/problems", dependencies=CHECKED, tags=["the API itself"], response_model=dict[str, dict[str, Any]]
    )
    def problems(request: Request) -> Response:
        """The types of problems that routes answer with."""
        return json_response(request, {code: type_._asdict() for code, type_ in PROBLEM_TYPES.items()})


def _problem_page(scope: Scope, problem: RequestProblem, request_id: str) -> Response:
    return problem_page(Request(dict(scope)), problem, request_id)


def _with_threads(threads: int) -> Any:
    """Requests are answered in as many threads; others wait."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        yield

    return lifespan


async def _to_gate(request: Request, error: Exception) -> Response:
    """The gate makes a problem of every error."""
    if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED:
        # The router names the methods of the first route at the path only
        documented = request.app.openapi()["paths"].items()
        allowed = [each for path, operations in documented if _leads_to(path, request) for each in operations]
        methods = ", ".join(sorted({*map(str.upper, allowed), *(["HEAD"] if "get" in allowed else [])}))
        raise HTTPException(error.status_code, headers={"Allow": methods or (error.headers or {}).get("Allow", "")})
    raise error


def _leads_to(path: str, request: Request) -> bool:
    return compile_path(path)[0].match(request.url.path) is not None


def _problems(codes: tuple[str, ...]) -> dict[int | str, dict[str, Any]]:
    """The documentation of problems, by status."""
    found: dict[int | str, dict[str, Any]] = {304: {"description": "The caller has this answer already."}}
    for code in (*codes, *(each for each in PROBLEM_TYPES if each not in codes)):
        type_ = PROBLEM_TYPES[code]
        described = found.setdefault(
            type_.status, {"description": "", "content": {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}}
        )
        described["description"] = f"{described['description']} {type_.meaning}".strip()
    return found
