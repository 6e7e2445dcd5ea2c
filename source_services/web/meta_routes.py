"""The routes about the service: /schema, /version, /health, /ready, /metrics, /openapi.json and the page at /."""

from base64 import b64encode
from collections.abc import Callable
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
from source_services.settings import Limits
from source_services.web import openapi
from source_services.web.request_params import check_parameters
from source_services.web.responses import CONTEXT, Handler, send_document

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}


def schema(metadata: TableMetadata, limits: Limits) -> dict[str, object]:
    """GET /schema: the table, its columns, and what a request may ask for."""
    return _identity(metadata) | {
        "columns": [asdict(column) for column in metadata.columns],
        "indexes": metadata.indexes,
        "formats": {each.name: each.media_type for each in FORMATS.values()},
        "functions": sorted(FUNCTIONS),
        "limits": {limit.name: limit.value for limit in limits.describe()},
    }


def version(metadata: TableMetadata, _: Limits) -> dict[str, object]:
    """GET /version: the data version, and the periods with their content hashes."""
    return _identity(metadata) | {
        "columns": [column.name for column in metadata.columns],
        "periods": None if metadata.periods is None else [asdict(each) for each in metadata.periods],
    }


def _identity(metadata: TableMetadata) -> dict[str, object]:
    return {
        "service": metadata.service.name,
        "table": metadata.service.name,
        "period_column": metadata.service.period_column,
        "row_count": metadata.row_count,
        "data_version": metadata.data_version,
    }


def _document(describe: Callable[[TableMetadata, Limits], object]) -> Handler:
    """The route of a JSON document that describes the version which is served."""

    async def respond(request: web.Request) -> web.Response:
        check_parameters(request)
        table = request.app[CONTEXT].table
        return send_document(request, table.current, orjson.dumps(describe(table.current.metadata, table.limits)))

    return respond


async def health(request: web.Request) -> web.Response:
    """GET /health: the process responds."""
    check_parameters(request)
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """GET /ready: there is a version to serve; `refusal` says if a newer data file could not be loaded."""
    check_parameters(request)
    table = request.app[CONTEXT].table
    return web.json_response({"status": "ready", "data_version": table.current.version, "refusal": table.load_error})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    check_parameters(request)
    context = request.app[CONTEXT]
    body = context.telemetry.exposition(
        queries_running=context.pool.running,
        queries_waiting=context.pool.waiting,
        table_rows=context.table.current.metadata.row_count,
        versions_published=context.table.published,
        versions_refused=context.table.rejected,
    )
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def page(request: web.Request) -> web.Response:
    """GET /: the page with a query form, examples and the reference."""
    check_parameters(request)
    table = request.app[CONTEXT].table
    metadata = table.current.metadata
    text = _PAGES.get_template("page.html").render(
        style=_STYLE,
        metadata=metadata,
        examples=_examples(metadata),
        sql=f"SELECT *\nFROM {quoted(metadata.service.name)}\nLIMIT 20",
        formats=FORMATS.values(),
        limits=table.limits.describe(),
        functions=sorted(FUNCTIONS),
        problem_types=PROBLEM_TYPES,
    )
    return send_document(request, table.current, text.encode(), _PAGE_HEADERS)


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


ROUTES: dict[str, Handler] = {
    "/": page,
    "/schema": _document(schema),
    "/version": _document(version),
    "/openapi.json": _document(openapi.document),
    "/health": health,
    "/ready": ready,
    "/metrics": metrics,
}
