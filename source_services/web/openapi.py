"""The OpenAPI 3.1 document of a service, made from its table and limits."""

from typing import Any

from source_services.data.table_metadata import TableMetadata
from source_services.errors import PROBLEM_TYPES
from source_services.query.formats import FORMATS
from source_services.settings import Limits

Document = dict[str, Any]

_JSON_TYPES: dict[str, list[str]] = {
    "text": ["string", "null"],
    "integer": ["integer", "null"],
    "number": ["number", "null"],
    "blob": ["string", "null"],
    "empty": ["null"],
    "mixed": ["string", "number", "null"],
}
_COMMON_PROBLEMS = (
    *("invalid-parameter", "not-authenticated", "not-acceptable", "too-large", "wrong-host", "rate-limited"),
    *("busy", "method-not-allowed", "internal"),
)
_SQL_PROBLEMS = ("query-timeout", "sql-invalid", "sql-not-allowed")

_OBJECT, _TEXT, _WHOLE = {"type": "object"}, {"type": "string"}, {"type": "integer"}


def _parameter(name: str, description: str, schema: Document, place: str = "query") -> Document:
    return {"name": name, "in": place, "description": description, "schema": schema}


_FORMAT = _parameter("format", "The format of the rows; wins over Accept.", {"enum": list(FORMATS)})
_TAG = _parameter("If-None-Match", "The ETag of a response that the caller has.", _TEXT, "header")


def document(metadata: TableMetadata, limits: Limits) -> Document:
    """Every route with its parameters, responses and problems."""
    name = metadata.service.name
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Source service {name}",
            "version": "1",
            "description": f"Read-only SQL over the table `{name}` of financial statements.",
        },
        "paths": {
            "/data": _get(_data(metadata, limits)),
            "/query": _get(_get_query()) | {"post": _post_query()},
            "/schema": _get(_meta("Columns, formats, functions and limits")),
            "/version": _get(_meta("The data version and the periods", _version())),
            "/health": _get(_meta("The process responds", is_tagged=False)),
            "/ready": _get(_meta("There is a version to serve", is_tagged=False)),
            "/metrics": _get(_meta("Prometheus metrics", _TEXT, "text/plain", is_tagged=False)),
            "/openapi.json": _get(_meta("This document")),
            "/": _get(_meta("A page with a query form", _TEXT, "text/html")),
        },
        "components": {
            "schemas": {"Problem": _problem(), "Row": _row(metadata)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _data(metadata: TableMetadata, limits: Limits) -> Document:
    columns = [column.name for column in metadata.columns]
    page = _result({"maxItems": limits.page_rows})
    page["properties"]["next"] = {"type": ["string", "null"]}
    names = _array({"enum": columns})
    parameters = [
        _FORMAT,
        _parameter("limit", "Rows of a page.", _WHOLE | {"minimum": 1, "maximum": limits.page_rows}),
        _parameter("next", "The token of the next page.", _TEXT),
        _parameter("column", "A column of the result.", names),
        _parameter("missing", "Only rows in which this column is missing.", names),
        *(
            _parameter(f"filter.{each}", f"Only rows with one of these values of {each}.", _array(_TEXT))
            for each in columns
        ),
        _TAG,
    ]
    return _operation("Rows of the table", parameters, _media_types(page), "query-timeout", "version-gone")


def _get_query() -> Document:
    sql = _parameter("q", "One SELECT over the table; p.<name> gives a parameter :name.", _TEXT) | {"required": True}
    return _operation("The rows of a SELECT", [sql, _FORMAT, _TAG], _media_types(_result()), *_SQL_PROBLEMS)


def _post_query() -> Document:
    cell = {"type": ["string", "number", "null"]}
    properties = {
        "q": _TEXT | {"description": "One SELECT over the table."},
        "parameters": _OBJECT
        | {"description": "A value for each :name in the statement.", "additionalProperties": cell},
    }
    body = _OBJECT | {"required": ["q"], "additionalProperties": False, "properties": properties}
    content = _media_types(_result())
    operation = _operation("The rows of a SELECT", [_FORMAT], content, *_SQL_PROBLEMS, "media-type")
    return operation | {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}


def _meta(
    summary: str, schema: Document = _OBJECT, media_type: str = "application/json", is_tagged: bool = True
) -> Document:
    return _operation(summary, [_TAG] if is_tagged else [], {media_type: {"schema": schema}})


def _operation(summary: str, parameters: list[Document], content: Document, *problems: str) -> Document:
    responses: Document = {"200": {"description": summary, "content": content}}
    if _TAG in parameters:
        responses["304"] = {"description": "The caller has this response already."}
    for code in [*_COMMON_PROBLEMS, *problems]:
        type_ = PROBLEM_TYPES[code]
        response = responses.setdefault(str(type_.status), {"description": ""})
        response["description"] = f"{response['description']} {type_.meaning}".strip()
        response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"summary": summary, "parameters": parameters, "responses": responses}


def _get(operation: Document) -> Document:
    """GET, and HEAD, which has the same responses without bodies."""
    without = {status: {"description": each["description"]} for status, each in operation["responses"].items()}
    return {"get": operation, "head": operation | {"responses": without}}


def _media_types(json: Document) -> Document:
    return {each.media_type: {} for each in FORMATS.values()} | {"application/json": {"schema": json}}


def _array(items: Document) -> Document:
    return {"type": "array", "items": items}


def _result(limit: Document | None = None) -> Document:
    properties = {"columns": _array(_TEXT), "rows": _array({"type": "array"}) | (limit or {}), "row_count": _WHOLE}
    return _OBJECT | {"required": list(properties), "properties": properties}


def _row(metadata: TableMetadata) -> Document:
    """One row, as a line of NDJSON."""
    cells = {column.name: {"type": _JSON_TYPES[column.kind]} for column in metadata.columns}
    return _OBJECT | {"properties": cells, "additionalProperties": False}


def _version() -> Document:
    hashes = {"row_count": _WHOLE, "content_hash": _TEXT}
    period = _OBJECT | {"required": ["period", *hashes], "properties": hashes}
    periods = {"type": ["array", "null"], "items": period}
    properties = {"data_version": _TEXT, "row_count": _WHOLE, "periods": periods}
    return _OBJECT | {"required": list(properties), "properties": properties}


def _problem() -> Document:
    texts = dict.fromkeys(("type", "title", "detail", "instance"), _TEXT)
    properties = texts | {"status": _WHOLE, "code": {"enum": list(PROBLEM_TYPES)}}
    return _OBJECT | {"required": list(properties), "properties": properties}
