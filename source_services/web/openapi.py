"""The OpenAPI 3.1 document of a service: `openapi.json`, completed by its table, limits and problem types."""

from pathlib import Path
from typing import Any

import orjson

from source_services.data.table_metadata import TableMetadata
from source_services.errors import PROBLEM_TYPES
from source_services.query.formats import FORMATS
from source_services.settings import Limits

Document = dict[str, Any]

_TEMPLATE = (Path(__file__).parent / "openapi.json").read_text(encoding="utf-8")
_JSON_TYPES: dict[str, list[str]] = {
    **{"text": ["string"], "integer": ["integer"], "number": ["number"]},
    **{"blob": ["string"], "mixed": ["string", "number"], "empty": []},
}
_COMMON_PROBLEMS = (
    *("invalid-parameter", "not-authenticated", "not-acceptable", "too-large", "wrong-host", "rate-limited"),
    *("busy", "method-not-allowed", "internal"),
)
_FORMAT, _TAG = ({"$ref": f"#/components/parameters/{name}"} for name in ("format", "tag"))


def document(metadata: TableMetadata, limits: Limits) -> Document:
    """Every route with its parameters, responses and problems."""
    document: Document = orjson.loads(_TEMPLATE)
    info, paths = document["info"], document["paths"]
    document["info"] = {key: text.replace("{table}", metadata.service.name) for key, text in info.items()}
    schemas, parameters = document["components"]["schemas"], document["components"]["parameters"]
    schemas["Columns"]["items"]["enum"] = [column.name for column in metadata.columns]
    schemas["Row"]["properties"] = {each.name: {"type": [*_JSON_TYPES[each.kind], "null"]} for each in metadata.columns}
    schemas["Problem"]["properties"]["code"]["enum"] = list(PROBLEM_TYPES)
    schemas["Page"]["properties"]["rows"]["maxItems"] = limits.page_rows
    parameters["limit"]["schema"]["maximum"] = limits.page_rows
    parameters["format"]["schema"]["enum"] = list(FORMATS)
    paths["/data"]["get"]["parameters"] += [_filter(column.name) for column in metadata.columns]
    for path, methods in paths.items():
        paths[path] = {method: _operation(**operation) for method, operation in methods.items()}
        paths[path]["head"] = _head(paths[path]["get"])
    return document


def _filter(column: str) -> Document:
    description = f"Only rows with one of these values of {column}."
    schema = {"type": "array", "items": {"type": "string"}}
    return {"name": f"filter.{column}", "in": "query", "description": description, "schema": schema}


def _operation(content: Document, problems: tuple[str, ...] = (), **operation: Any) -> Document:
    """The operation with its responses: the content or a problem, and 304 where the caller may send an entity tag."""
    if _FORMAT in operation["parameters"]:
        content = {each.media_type: {} for each in FORMATS.values()} | content
    responses: Document = {"200": {"description": operation["summary"], "content": content}}
    if _TAG in operation["parameters"]:
        responses["304"] = {"description": "The caller has this response already."}
    for code in [*_COMMON_PROBLEMS, *problems]:
        type_ = PROBLEM_TYPES[code]
        response = responses.setdefault(str(type_.status), {"description": ""})
        response["description"] = f"{response['description']} {type_.meaning}".strip()
        response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return operation | {"responses": responses}


def _head(get: Document) -> Document:
    """HEAD has the same responses as GET, without bodies."""
    responses = {status: {"description": each["description"]} for status, each in get["responses"].items()}
    return get | {"responses": responses}
