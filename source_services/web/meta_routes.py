"""The routes about the service: /schema, /version, /health, /ready, /metrics, /openapi.json and the page at /."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import orjson
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST

from source_services.data.columns import quoted
from source_services.data.table_metadata import TableMetadata
from source_services.errors import PROBLEM_TYPES
from source_services.query.authorizer import FUNCTIONS
from source_services.query.formats import FORMATS
from source_services.query.snapshot import Snapshot
from source_services.web.context import Context, context_of
from source_services.web.openapi import document
from source_services.web.request_params import check_parameters
from source_services.web.responses import send_document

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}


def schema(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /schema: the table, its columns, and what a request may ask for."""
    metadata = snapshot.metadata
    body = _identity(metadata) | {
        "columns": [asdict(column) for column in metadata.columns],
        "indexes": metadata.indexes,
        "formats": {each.name: each.media_type for each in FORMATS.values()},
        "functions": sorted(FUNCTIONS),
        "limits": {limit.name: limit.value for limit in context.table.limits.describe()},
    }
    return send_document(request, snapshot, "schema", orjson.dumps(body))


def version(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /version: the data version, and the periods with their content hashes."""
    metadata = snapshot.metadata
    body = _identity(metadata) | {
        "columns": [column.name for column in metadata.columns],
        "periods": None if metadata.periods is None else [asdict(each) for each in metadata.periods],
    }
    return send_document(request, snapshot, "version", orjson.dumps(body))


def _identity(metadata: TableMetadata) -> dict[str, object]:
    return {
        "service": metadata.service.name,
        "table": metadata.service.name,
        "period_column": metadata.service.period_column,
        "row_count": metadata.row_count,
        "data_version": metadata.data_version,
    }


def health(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /health: the process responds."""
    return web.json_response({"status": "ok"})


def ready(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /ready: there is a version to serve; `refusal` says if a newer data file could not be loaded."""
    return web.json_response({"status": "ready", "data_version": snapshot.version, "refusal": context.table.load_error})


def metrics(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /metrics."""
    body = context.telemetry.exposition(
        queries_running=context.pool.running,
        queries_waiting=context.pool.waiting,
        table_rows=snapshot.metadata.row_count,
        versions_published=context.table.published,
        versions_refused=context.table.rejected,
    )
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def openapi(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /openapi.json."""
    return send_document(request, snapshot, "openapi", orjson.dumps(document(snapshot.metadata, context.table.limits)))


def page(request: web.Request, context: Context, snapshot: Snapshot) -> web.Response:
    """GET /: the page with a query form, examples and the reference."""
    text = _PAGES.get_template("page.html").render(
        style=_STYLE,
        metadata=snapshot.metadata,
        examples=_examples(snapshot.metadata),
        sql=f"SELECT *\nFROM {quoted(snapshot.metadata.service.name)}\nLIMIT 20",
        formats=FORMATS.values(),
        limits=context.table.limits.describe(),
        functions=sorted(FUNCTIONS),
        problem_types=PROBLEM_TYPES,
    )
    return send_document(request, snapshot, "page", text.encode(), _PAGE_HEADERS)


def _examples(metadata: TableMetadata) -> list[tuple[str, str]]:
    """What a caller may try, and its URL."""
    table, columns = quoted(metadata.service.name), [column.name for column in metadata.columns]
    two_columns = urlencode({"limit": 5, "column": columns[:2], "format": "csv"}, True)
    examples = [
        ("the first five rows", "/data?" + urlencode({"limit": 5})),
        ("two of their columns, as CSV", "/data?" + two_columns),
        ("the number of rows", "/query?" + urlencode({"q": f"SELECT count(*) AS rows FROM {table}"})),
        ("all rows, as Parquet", "/data?format=parquet"),
    ]
    if metadata.service.period_column is not None:
        period = quoted(metadata.service.period_column)
        counts = f"SELECT {period}, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 2 DESC"
        examples.insert(2, ("rows by period", "/query?" + urlencode({"q": counts})))
    return examples


def _handler(
    respond: Callable[[web.Request, Context, Snapshot], web.Response],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        check_parameters(request)
        context = context_of(request)
        with context.table.current as snapshot:
            return respond(request, context, snapshot)

    return handle


ROUTES = {
    "/": _handler(page),
    "/schema": _handler(schema),
    "/version": _handler(version),
    "/health": _handler(health),
    "/ready": _handler(ready),
    "/metrics": _handler(metrics),
    "/openapi.json": _handler(openapi),
}
