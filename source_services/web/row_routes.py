"""The routes that respond with rows: /data and /query."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from source_services.data.columns import Cell, quoted, quoted_list
from source_services.data.table_metadata import TableMetadata
from source_services.errors import RequestError, invalid_parameter
from source_services.query.execution import Execution
from source_services.query.formats import Format
from source_services.web.request_params import as_cells, check_parameters, format_of, limit_of
from source_services.web.responses import CONTEXT, send_execution, send_result, tag_of

DEFAULT_PAGE_ROWS = 1_000
_AFTER = "_rowid_ > :after"
_FILTER = "filter."
_PARAMETER = "p."


async def data(request: web.Request) -> web.StreamResponse:
    """GET /data: rows of the table, all or one page."""
    context = request.app[CONTEXT]
    check_parameters(request, ["format", "limit", "next"], ["column", "missing"], _FILTER)
    format_ = format_of(request)
    with context.table.current as snapshot:
        rows = _requested_rows(request, snapshot.metadata)
        limit = limit_of(request, context.table.limits.page_rows)
        token = request.query.get("next")
        if limit is None and (token is not None or format_.name == "json"):
            limit = DEFAULT_PAGE_ROWS
        if limit is None and format_.name == "arrow" and rows.is_whole_table:
            tag = tag_of(snapshot.version, format_.name, "whole")
            return await send_result(request, snapshot, format_, snapshot.whole_table, tag)
        if limit is None:
            execution = rows.all(format_, context.table.limits.result_rows)
        else:
            execution = rows.page(format_, limit, token)
        return await send_execution(request, snapshot, execution, context.table.limits.export_seconds)


async def query(request: web.Request) -> web.StreamResponse:
    """GET and POST /query: the rows of a SELECT."""
    limits = request.app[CONTEXT].table.limits
    parameters: dict[str, Cell]
    if request.method == "POST":
        check_parameters(request, ["format"])
        sql, parameters = await _read_body(request)
    else:
        names = [name for name in request.query if name.startswith(_PARAMETER) and name != _PARAMETER]
        check_parameters(request, ["format", "q", *names], (), _PARAMETER)
        sql = request.query.get("q", "")
        parameters = {name.removeprefix(_PARAMETER): request.query[name] for name in names}
    if not sql.strip():
        raise invalid_parameter("the parameter q is missing", "send q=SELECT ...")
    format_ = format_of(request)
    execution = Execution(sql, parameters, format_, limits.json_rows if format_.name == "json" else limits.result_rows)
    with request.app[CONTEXT].table.current as snapshot:
        return await send_execution(request, snapshot, execution, limits.query_seconds)


async def _read_body(request: web.Request) -> tuple[str, dict[str, Cell]]:
    """The statement and the parameters of a POST. Raises RequestError."""
    seconds = request.app[CONTEXT].table.limits.body_seconds
    form = 'send {"q": "SELECT ...", "parameters": {"name": value}} as application/json'
    if request.content_type != "application/json":
        raise RequestError("media-type", fix=form)
    try:
        async with asyncio.timeout(seconds):
            body = orjson.loads(await request.read())
    except TimeoutError:
        raise invalid_parameter(f"the body did not arrive within {seconds:g} s", "send it faster") from None
    except web.RequestPayloadError:
        raise invalid_parameter("the body is not complete", form) from None
    except orjson.JSONDecodeError as error:
        raise invalid_parameter(f"the body is not valid JSON ({error.msg})", form) from None
    if not isinstance(body, dict) or not isinstance(body.get("q"), str) or body.keys() - {"q", "parameters"}:
        raise invalid_parameter("the body is not an object with the members q and parameters", form)
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict) or not all(map(_is_cell, parameters.values())):
        raise invalid_parameter("parameters is not an object of texts, numbers and nulls by name", form)
    return body["q"], parameters


def _is_cell(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value is None or is_whole or isinstance(value, str | float)


@dataclass(frozen=True)
class _RequestedRows:
    """The rows and columns that a request to /data selects; `condition` is SQL for rows after `:after`."""

    metadata: TableMetadata
    names: list[str]
    condition: str
    parameters: dict[str, Cell]

    @property
    def is_whole_table(self) -> bool:
        """Whether there are no filters, and all columns in their order."""
        return self.condition == _AFTER and self.names == list(self.metadata.columns)

    def all(self, format_: Format, row_limit: int) -> Execution:
        """All of the rows."""
        return Execution(self._select(), {**self.parameters, "after": 0}, format_, row_limit, self._kinds())

    def page(self, format_: Format, limit: int, token: str | None) -> Execution:
        """The first `limit` rows, or those of the page that the token names. Raises RequestError."""
        after = self._read_token(token) if token is not None else 0
        # One row more than the page has, to know whether there is a next page
        parameters = {**self.parameters, "after": after, "limit": limit + 1}
        sql = self._select(", _rowid_", "LIMIT :limit")
        return Execution(sql, parameters, format_, limit, self._kinds(), self._make_token)

    def _select(self, row_id: str = "", limit: str = "") -> str:
        columns, table = quoted_list(self.names), quoted(self.metadata.service.name)
        return f"SELECT {columns}{row_id} FROM {table} WHERE {self.condition} ORDER BY _rowid_ {limit}"

    def _kinds(self) -> tuple[str, ...]:
        return tuple(self.metadata.columns[name] for name in self.names)

    def _make_token(self, after: int) -> str:
        """The token of the page after a row: the row, the data version, and a checksum of both and of the request."""
        return urlsafe_b64encode(f"{after}.{self._tag(after)}".encode()).decode().rstrip("=")

    def _read_token(self, token: str) -> int:
        try:
            after, _, tag = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii").partition(".")
        except ValueError:
            after, tag = "", ""
        row = int(after) if after.isdigit() and len(after) < 19 else -1
        expected = self._tag(row)
        if row >= 0 and tag.partition("-")[0] != expected.partition("-")[0]:
            raise RequestError("version-gone")
        if row < 0 or tag != expected:
            what = "next is not the token of a page with these columns and filters"
            raise invalid_parameter(what, "start without it")
        return row

    def _tag(self, after: int) -> str:
        return tag_of(self.metadata.data_version, after, self.names, self.condition, self.parameters)


def _requested_rows(request: web.Request, metadata: TableMetadata) -> _RequestedRows:
    """The rows that the parameters of the request select. Raises RequestError."""
    names = list(dict.fromkeys(request.query.getall("column", list(metadata.columns))))
    filtered = list(dict.fromkeys(name for name in request.query if name.startswith(_FILTER)))
    missing = request.query.getall("missing", [])
    for name in [*names, *missing, *(name.removeprefix(_FILTER) for name in filtered)]:
        if name not in metadata.columns:
            raise invalid_parameter(f"there is no column {name[:100]!r}", "GET /schema lists the columns")
    conditions, parameters = [_AFTER], dict[str, Cell]()
    for name in filtered:
        cells = [cell for text in request.query.getall(name) for cell in as_cells(text)]
        given = {f"v{len(parameters) + number}": cell for number, cell in enumerate(cells)}
        parameters |= given
        conditions.append(f"{quoted(name.removeprefix(_FILTER))} IN ({', '.join(f':{each}' for each in given)})")
    conditions += [f"{quoted(name)} IS NULL" for name in missing]
    return _RequestedRows(metadata, names, _all_of(conditions), parameters)


def _all_of(conditions: list[str]) -> str:
    """The conditions joined by AND, as a balanced tree: SQLite limits the depth of an expression."""
    if len(conditions) < 3:
        return " AND ".join(conditions)
    half = len(conditions) // 2
    return f"({_all_of(conditions[:half])}) AND ({_all_of(conditions[half:])})"
