"""The routes that tell of the service: /schema, /version, /health, /ready, /metrics, /openapi.json and the page."""

from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST

from source_services.data.column_names import quoted
from source_services.data.table_metadata import Holdings
from source_services.errors import PROBLEMS
from source_services.query.authorizer import FUNCTIONS
from source_services.query.formats import FORMATS
from source_services.web.context import Context, context_of
from source_services.web.openapi import document
from source_services.web.request_params import check_parameters, has_tag, tag_of
from source_services.web.responses import send_json

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()


async def schema(request: web.Request) -> web.Response:
    """GET /schema."""
    check_parameters(request, [])
    context = context_of(request)
    with context.table.now as snapshot:
        return send_json(request, snapshot, schema_of(context, snapshot.holdings), "schema")


def schema_of(context: Context, holdings: Holdings) -> dict[str, object]:
    """The table, its columns, and what may be asked of it."""
    return {
        "service": holdings.service.name,
        "table": holdings.service.name,
        "columns": [asdict(column) for column in holdings.columns],
        "period_column": holdings.service.period_column,
        "indexes": holdings.indexes,
        "row_count": holdings.row_count,
        "data_version": holdings.data_version,
        "formats": {each.name: each.media_type for each in FORMATS.values()},
        "functions": sorted(FUNCTIONS),
        "limits": {name: value for name, value, _ in context.limits.told()},
    }


async def version(request: web.Request) -> web.Response:
    """GET /version."""
    check_parameters(request, [])
    with context_of(request).table.now as snapshot:
        holdings = snapshot.holdings
        told = {
            "service": holdings.service.name,
            "table": holdings.service.name,
            "columns": [column.name for column in holdings.columns],
            "period_column": holdings.service.period_column,
            "data_version": holdings.data_version,
            "row_count": holdings.row_count,
            "periods": None if holdings.periods is None else [asdict(each) for each in holdings.periods],
        }
        return send_json(request, snapshot, told, "version")


async def health(request: web.Request) -> web.Response:
    """GET /health: the process answers."""
    check_parameters(request, [])
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """GET /ready: there is a version to serve, and whether a newer one was refused."""
    check_parameters(request, [])
    table = context_of(request).table
    return web.json_response({"status": "ready", "data_version": table.now.version, "refusal": table.refusal})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    check_parameters(request, [])
    context = context_of(request)
    body = context.telemetry.exposition(
        queries_running=context.engine.running,
        queries_waiting=context.engine.waiting,
        table_rows=context.table.holdings.row_count,
        versions_published=context.table.published,
        versions_refused=context.table.refused,
    )
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def openapi(request: web.Request) -> web.Response:
    """GET /openapi.json."""
    check_parameters(request, [])
    context = context_of(request)
    with context.table.now as snapshot:
        return send_json(request, snapshot, document(snapshot.holdings, context.limits), "openapi")


async def page(request: web.Request) -> web.Response:
    """GET /: the page for people."""
    check_parameters(request, [])
    context = context_of(request)
    with context.table.now as snapshot:
        tag = tag_of(snapshot.version, "page")
        headers = {
            "ETag": tag,
            "Cache-Control": "no-cache",
            "X-Data-Version": snapshot.version,
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'",
        }
        if has_tag(request, tag):
            return web.Response(status=304, headers=headers)
        body = _PAGES.get_template("page.html").render(
            style=_STYLE,
            holdings=snapshot.holdings,
            examples=_examples(snapshot.holdings),
            sql=f"SELECT *\nFROM {quoted(snapshot.holdings.service.name)}\nLIMIT 20",
            formats=FORMATS.values(),
            limits=context.limits.told(),
            functions=sorted(FUNCTIONS),
            problems=PROBLEMS,
        )
        return web.Response(text=body, content_type="text/html", headers=headers)


def _examples(holdings: Holdings) -> list[tuple[str, str]]:
    """What to try, and the address of it."""
    table, columns = quoted(holdings.service.name), [column.name for column in holdings.columns]
    examples = [
        ("the first five rows", "/data?" + urlencode({"limit": 5})),
        (
            "two columns of them, as CSV",
            "/data?" + urlencode({"limit": 5, "column": columns[:2], "format": "csv"}, True),
        ),
        ("how many rows there are", "/query?" + urlencode({"q": f"SELECT count(*) AS rows FROM {table}"})),
        ("all rows, as Parquet", "/data?format=parquet"),
    ]
    if holdings.service.period_column is not None:
        period = quoted(holdings.service.period_column)
        counted = f"SELECT {period}, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 2 DESC"
        examples.insert(2, ("rows by period", "/query?" + urlencode({"q": counted})))
    return examples
