"""The OpenAPI 3.1 document of a service, made from its table."""

from typing import Any

from source_services.data.table_metadata import Holdings
from source_services.errors import PROBLEMS
from source_services.query.formats import FORMATS
from source_services.settings import Limits

Document = dict[str, Any]

_JSON_KINDS: dict[str, list[str]] = {
    "text": ["string", "null"],
    "integer": ["integer", "null"],
    "number": ["number", "null"],
    "blob": ["string", "null"],
    "empty": ["null"],
    "mixed": ["string", "number", "null"],
}
_FOR_ALL = [
    "invalid-parameter",
    "not-authenticated",
    "not-acceptable",
    "too-large",
    "wrong-host",
    "rate-limited",
    "busy",
]
_STATUSES_OF_ROWS = [*_FOR_ALL, "query-timeout"]
_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "The format of the rows; wins over Accept.",
    "schema": {"enum": list(FORMATS)},
}
_TAG = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an answer that the caller has.",
    "schema": {"type": "string"},
}


def document(holdings: Holdings, limits: Limits) -> Document:
    """The document: every route, parameter, answer and problem."""
    name = holdings.service.name
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Source service {name}",
            "version": "1",
            "description": f"Read-only SQL over the table `{name}` of financial statements.",
        },
        "paths": {
            "/data": _with_head(_data(holdings, limits)),
            "/query": _with_head(_get_query()) | {"post": _post_query()},
            "/schema": _with_head(_document_route("Columns, formats, functions and limits", _object())),
            "/version": _with_head(_document_route("What the service holds now", _version())),
            "/health": _with_head(_document_route("The process answers", _object(), has_tag=False)),
            "/ready": _with_head(_document_route("There is a version to serve", _object(), has_tag=False)),
            "/metrics": _with_head(
                _document_route("Prometheus metrics", {"type": "string"}, "text/plain", has_tag=False)
            ),
            "/openapi.json": _with_head(_document_route("This document", _object())),
            "/": _with_head(_document_route("A page for people", {"type": "string"}, "text/html")),
        },
        "components": {
            "schemas": {"Problem": _problem(), "Row": _row(holdings)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _data(holdings: Holdings, limits: Limits) -> Document:
    columns = [column.name for column in holdings.columns]
    rows = {"type": "array", "items": {"type": "array"}}
    page = _rows(rows | {"maxItems": limits.page_rows})
    page["properties"]["next"] = {"type": ["string", "null"]}
    filters = [
        {
            "name": f"filter.{column}",
            "in": "query",
            "description": f"Only rows in which {column} has one of these values.",
            "schema": {"type": "array", "items": {"type": "string"}},
        }
        for column in columns
    ]
    return _operation(
        "Rows of the table",
        [
            _FORMAT,
            {
                "name": "limit",
                "in": "query",
                "description": "Rows of a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": limits.page_rows},
            },
            {"name": "next", "in": "query", "description": "Token of the next page.", "schema": {"type": "string"}},
            _columns("column", "A column to give.", columns),
            _columns("missing", "Only rows in which this column is missing.", columns),
            *filters,
            _TAG,
        ],
        _of_formats(page),
        [*_STATUSES_OF_ROWS, "version-gone"],
    )


def _columns(name: str, description: str, columns: list[str]) -> Document:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "array", "items": {"enum": columns}},
    }


def _get_query() -> Document:
    parameter = {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    return _operation(
        "The rows of a SELECT",
        [parameter | {"description": "One SELECT over the table; p.<name> gives a parameter :name."}, _FORMAT, _TAG],
        _of_formats(_rows({"type": "array", "items": {"type": "array"}})),
        [*_STATUSES_OF_ROWS, "sql-invalid", "sql-not-allowed"],
    )


def _post_query() -> Document:
    body = {
        "type": "object",
        "required": ["q"],
        "additionalProperties": False,
        "properties": {
            "q": {"type": "string", "description": "One SELECT over the table."},
            "parameters": {
                "type": "object",
                "description": "A value for each :name in the statement.",
                "additionalProperties": {"type": ["string", "number", "null"]},
            },
        },
    }
    operation = _operation(
        "The rows of a SELECT",
        [_FORMAT],
        _of_formats(_rows({"type": "array", "items": {"type": "array"}})),
        [*_STATUSES_OF_ROWS, "sql-invalid", "sql-not-allowed", "media-type"],
    )
    return operation | {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}


def _document_route(
    summary: str, schema: Document, media_type: str = "application/json", has_tag: bool = True
) -> Document:
    parameters = [_TAG] if has_tag else []
    return _operation(summary, parameters, {media_type: {"schema": schema}}, _FOR_ALL)


def _operation(summary: str, parameters: list[Document], content: Document, problems: list[str]) -> Document:
    responses: Document = {"200": {"description": summary, "content": content}}
    if _TAG in parameters:
        responses["304"] = {"description": "The caller has this answer already."}
    for code in [*problems, "method-not-allowed", "internal"]:
        kind = PROBLEMS[code]
        described = responses.setdefault(str(kind.status), {"description": ""})
        described["description"] = f"{described['description']} {kind.meaning}".strip()
        described["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"summary": summary, "parameters": parameters, "responses": responses}


def _with_head(operation: Document) -> Document:
    """GET, and HEAD that answers the same without a body."""
    without = {status: {"description": answer["description"]} for status, answer in operation["responses"].items()}
    return {"get": operation, "head": operation | {"responses": without}}


def _of_formats(json: Document) -> Document:
    content: Document = {each.media_type: {} for each in FORMATS.values()}
    return content | {"application/json": {"schema": json}}


def _object() -> Document:
    return {"type": "object"}


def _rows(rows: Document) -> Document:
    return {
        "type": "object",
        "required": ["columns", "rows", "row_count"],
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": rows,
            "row_count": {"type": "integer"},
        },
    }


def _row(holdings: Holdings) -> Document:
    """One row, as NDJSON has it."""
    cells = {column.name: {"type": _JSON_KINDS[column.kind]} for column in holdings.columns}
    return {"type": "object", "properties": cells, "additionalProperties": False}


def _version() -> Document:
    period = {
        "type": "object",
        "required": ["period", "row_count", "content_hash"],
        "properties": {"row_count": {"type": "integer"}, "content_hash": {"type": "string"}},
    }
    return {
        "type": "object",
        "required": ["data_version", "row_count", "periods"],
        "properties": {
            "data_version": {"type": "string"},
            "row_count": {"type": "integer"},
            "periods": {"type": ["array", "null"], "items": period},
        },
    }


def _problem() -> Document:
    fields = {name: {"type": "string"} for name in ("type", "title", "detail", "instance")}
    return {
        "type": "object",
        "required": [*fields, "status", "code"],
        "properties": {**fields, "status": {"type": "integer"}, "code": {"enum": list(PROBLEMS)}},
    }
