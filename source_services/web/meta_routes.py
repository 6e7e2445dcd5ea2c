"""The routes about the service: /schema, /version, /health, /ready, /metrics, /openapi.json and the page at /."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from source_services.data.columns import quoted
from source_services.data.table_metadata import TableMetadata
from source_services.errors import PROBLEM_TYPES
from source_services.query.authorizer import FUNCTIONS
from source_services.query.formats import FORMATS
from source_services.settings import Limits
from source_services.web.request_params import check_parameters
from source_services.web.responses import CONTEXT, send_document

Document = dict[str, Any]

_FOLDER = Path(__file__).parent
_PAGES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
_OPENAPI = (_FOLDER / "openapi.json").read_text(encoding="utf-8")
_JSON_TYPES = {"text": "string", "integer": "integer", "number": "number", "blob": "string", "mixed": "string number"}
_FORMAT, _TAG = ({"$ref": f"#/components/parameters/{name}"} for name in ("format", "tag"))


def schema(metadata: TableMetadata, limits: Limits) -> Document:
    """GET /schema: the table and its columns, the formats, functions and limits."""
    return _identity(metadata) | {
        "columns": [{"name": name, "kind": kind} for name, kind in metadata.columns.items()],
        "indexes": metadata.indexes,
        "formats": {each.name: each.media_type for each in FORMATS.values()},
        "functions": sorted(FUNCTIONS),
        "limits": {limit.name: limit.value for limit in limits.describe()},
    }


def version(metadata: TableMetadata, _: Limits) -> Document:
    """GET /version: the data version, and the periods with their content hashes."""
    return _identity(metadata) | {"columns": list(metadata.columns), "periods": metadata.periods}


def _identity(metadata: TableMetadata) -> Document:
    return {
        "service": metadata.service.name,
        "table": metadata.service.name,
        "period_column": metadata.service.period_column,
        "row_count": metadata.row_count,
        "data_version": metadata.data_version,
    }


def openapi(metadata: TableMetadata, limits: Limits) -> Document:
    """GET /openapi.json: every route with its parameters, responses and problems."""
    document: Document = orjson.loads(_OPENAPI)
    info, paths, common_problems = document["info"], document["paths"], document.pop("problems")
    document["info"] = {key: text.replace("{table}", metadata.service.name) for key, text in info.items()}
    schemas, parameters = document["components"]["schemas"], document["components"]["parameters"]
    schemas["Columns"]["items"]["enum"] = list(metadata.columns)
    schemas["Row"]["properties"] = {
        name: {"type": [*_JSON_TYPES.get(kind, "").split(), "null"]} for name, kind in metadata.columns.items()
    }
    schemas["Problem"]["properties"]["code"]["enum"] = list(PROBLEM_TYPES)
    schemas["Page"]["properties"]["rows"]["maxItems"] = limits.page_rows
    parameters["limit"]["schema"]["maximum"] = limits.page_rows
    parameters["format"]["schema"]["enum"] = list(FORMATS)
    paths["/data"]["get"]["parameters"] += map(_filter, metadata.columns)
    for operations in paths.values():
        for operation in operations.values():
            operation["responses"] = _responses(operation, common_problems)
        # HEAD has the same responses as GET, without bodies
        responses = operations["get"]["responses"].items()
        without_bodies = {status: {"description": each["description"]} for status, each in responses}
        operations["head"] = operations["get"] | {"responses": without_bodies}
    return document


def _filter(column: str) -> Document:
    description = f"Only rows with one of these values of {column}."
    schema = {"type": "array", "items": {"type": "string"}}
    return {"name": f"filter.{column}", "in": "query", "description": description, "schema": schema}


def _responses(operation: Document, common_problems: list[str]) -> Document:
    """The operation's responses: its content or a problem, and 304 where the caller may send an entity tag."""
    content, problems = operation.pop("content"), operation.pop("problems", [])
    if _FORMAT in operation["parameters"]:
        content = {each.media_type: {} for each in FORMATS.values()} | content
    responses: Document = {"200": {"description": operation["summary"], "content": content}}
    if _TAG in operation["parameters"]:
        responses["304"] = {"description": "The caller has this response already."}
    for code in [*common_problems, *problems]:
        type_ = PROBLEM_TYPES[code]
        response = responses.setdefault(str(type_.status), {"description": ""})
        response["description"] = f"{response['description']} {type_.meaning}".strip()
        response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return responses


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
    """GET /ready: there is a version to serve; `refusal` is not null if a newer data file could not be loaded."""
    check_parameters(request)
    table = request.app[CONTEXT].table
    return web.json_response({"status": "ready", "data_version": table.current.version, "refusal": table.load_error})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    check_parameters(request)
    body = generate_latest(request.app[CONTEXT].telemetry.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def page(request: web.Request) -> web.Response:
    """GET /: the page with a query form, examples and the reference."""
    check_parameters(request)
    table = request.app[CONTEXT].table
    metadata = table.current.metadata
    text = _PAGES.get_template("page.html").render(
        style=_STYLE,
        metadata=metadata,
        quoted=quoted,
        formats=FORMATS.values(),
        limits=table.limits.describe(),
        functions=sorted(FUNCTIONS),
        problem_types=PROBLEM_TYPES,
    )
    return send_document(request, table.current, text.encode(), _PAGE_HEADERS)


ROUTES: dict[str, Handler] = {
    "/": page,
    "/schema": _document(schema),
    "/version": _document(version),
    "/openapi.json": _document(openapi),
    "/health": health,
    "/ready": ready,
    "/metrics": metrics,
}
