"""The routes that give rows: /data and /query."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web

from source_services.data.column_names import quoted
from source_services.data.columns import Cell
from source_services.errors import Problem
from source_services.query.connection import GuardedConnection
from source_services.query.execution import Selection
from source_services.query.formats import Format, answer
from source_services.query.snapshot import Snapshot
from source_services.web.context import Context, context_of
from source_services.web.request_params import as_cells, check_parameters, format_of, tag_of, whole_number
from source_services.web.responses import Made, send_answer, send_rows

DEFAULT_PAGE_ROWS = 1_000
BODY_SECONDS = 30
_FILTER = "filter."
_PARAMETER = "p."


async def data(request: web.Request) -> web.StreamResponse:
    """GET /data: rows of the table, whole or by page."""
    context = context_of(request)
    check_parameters(request, ["format", "limit", "next"], ["column", "missing"], _FILTER)
    format_ = format_of(request)
    with context.table.now as snapshot:
        wanted = _wanted(request, snapshot)
        limit = whole_number(request, "limit", 1, context.limits.page_rows)
        token = request.query.get("next")
        if limit is None and (token is not None or format_.name == "json"):
            limit = DEFAULT_PAGE_ROWS
        after = _read_token(token, snapshot, wanted) if token is not None else 0
        if limit is None and format_.name == "arrow" and wanted.is_whole_table:
            tag = tag_of(snapshot.version, format_.name, "whole")
            return await send_answer(request, snapshot, format_, snapshot.whole, tag)
        make = _page(context, snapshot, format_, wanted, after, limit) if limit else _all(context, format_, wanted)
        question = ("data", wanted.names, wanted.sql, wanted.parameters, after, limit)
        return await send_rows(request, snapshot, format_, question, make, context.limits.export_seconds)


async def query(request: web.Request) -> web.StreamResponse:
    """GET and POST /query: the rows of a SELECT."""
    context = context_of(request)
    if request.method == "POST":
        check_parameters(request, ["format"])
        sql, parameters = await _posted(request)
    else:
        named = [name for name in request.query if name.startswith(_PARAMETER) and name != _PARAMETER]
        check_parameters(request, ["format", "q", *named], (), _PARAMETER)
        sql = request.query.get("q", "")
        parameters = {name.removeprefix(_PARAMETER): request.query[name] for name in named}
    if not sql.strip():
        raise Problem("invalid-parameter", "the parameter q is missing: send q=SELECT ...")
    format_ = format_of(request)
    most = context.limits.json_rows if format_.name == "json" else context.limits.result_rows

    def make(connection: GuardedConnection) -> Made:
        asks_the_clock = False

        def run() -> Selection:
            nonlocal asks_the_clock
            selection = connection.select(sql, parameters).at_most(most)
            asks_the_clock = selection.asks_the_clock
            return selection

        made = answer(run, format_, context.spool, context.limits.result_bytes)
        return Made(made, asks_the_clock)

    with context.table.now as snapshot:
        return await send_rows(
            request, snapshot, format_, ("query", sql, parameters), make, context.limits.query_seconds
        )


async def _posted(request: web.Request) -> tuple[str, dict[str, Cell]]:
    if request.content_type != "application/json":
        raise Problem("media-type", 'send a JSON object {"q": "SELECT ..."} with Content-Type: application/json')
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = orjson.loads(await request.read())
    except TimeoutError:
        raise Problem("invalid-parameter", f"the body did not come within {BODY_SECONDS} s") from None
    except web.RequestPayloadError:
        raise Problem("invalid-parameter", "the body is not encoded as its headers say") from None
    except orjson.JSONDecodeError as error:
        raise Problem("invalid-parameter", f"the body is no JSON: {error.msg}") from None
    if not isinstance(body, dict) or not isinstance(body.get("q"), str) or body.keys() - {"q", "parameters"}:
        raise Problem("invalid-parameter", 'the body must be {"q": "SELECT ...", "parameters": {"name": value}}')
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict) or not all(map(_is_cell, parameters.values())):
        raise Problem("invalid-parameter", "parameters must be an object of texts, numbers and nulls by name")
    return body["q"], parameters


def _is_cell(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value is None or is_whole or isinstance(value, str | float)


@dataclass(frozen=True)
class _Wanted:
    """Which rows and columns /data is asked for, as SQL with room for more conditions."""

    names: list[str]
    kinds: list[str | None]
    sql: str
    parameters: dict[str, Cell]
    is_whole_table: bool

    def select(self, table: str, beside: str = "", behind: str = "") -> str:
        columns = ", ".join([*map(quoted, self.names), *([beside] if beside else [])])
        return f"SELECT {columns} FROM {quoted(table)} WHERE {self.sql} ORDER BY _rowid_ {behind}"


def _wanted(request: web.Request, snapshot: Snapshot) -> _Wanted:
    kinds = {column.name: column.kind for column in snapshot.holdings.columns}
    names = list(dict.fromkeys(request.query.getall("column", list(kinds))))
    filtered = list(dict.fromkeys(name for name in request.query if name.startswith(_FILTER)))
    missing = request.query.getall("missing", [])
    for name in [*names, *missing, *(name.removeprefix(_FILTER) for name in filtered)]:
        if name not in kinds:
            raise Problem("invalid-parameter", f"there is no column {name[:100]!r}; GET /schema lists them")
    conditions, parameters = ["_rowid_ > :after"], dict[str, Cell]()
    for name in filtered:
        cells = [cell for text in request.query.getall(name) for cell in as_cells(text)]
        given = {f"v{len(parameters) + number}": cell for number, cell in enumerate(cells)}
        parameters |= given
        conditions.append(f"{quoted(name.removeprefix(_FILTER))} IN ({', '.join(f':{each}' for each in given)})")
    conditions += [f"{quoted(name)} IS NULL" for name in missing]
    is_whole = names == list(kinds) and not filtered and not missing
    return _Wanted(names, [kinds[name] for name in names], _all_of(conditions), parameters, is_whole)


def _all_of(conditions: list[str]) -> str:
    """The conditions joined by AND, as a tree that stays flat: SQL may be nested only so deep."""
    if len(conditions) < 3:
        return " AND ".join(conditions)
    half = len(conditions) // 2
    return f"({_all_of(conditions[:half])}) AND ({_all_of(conditions[half:])})"


def _all(context: Context, format_: Format, wanted: _Wanted) -> Callable[[GuardedConnection], Made]:
    def make(connection: GuardedConnection) -> Made:
        def run() -> Selection:
            sql = wanted.select(context.table.service.name)
            return connection.select(sql, {**wanted.parameters, "after": 0}).at_most(context.limits.result_rows)

        return Made(answer(run, format_, context.spool, context.limits.result_bytes))

    return make


def _page(
    context: Context, snapshot: Snapshot, format_: Format, wanted: _Wanted, after: int, limit: int
) -> Callable[[GuardedConnection], Made]:
    def make(connection: GuardedConnection) -> Made:
        sql = wanted.select(context.table.service.name, "_rowid_", "LIMIT :limit")
        # One row more than the page has, to know whether there is a next page
        selection = connection.select(sql, {**wanted.parameters, "after": after, "limit": limit + 1})
        rows = [row for group in selection.groups for row in group]
        page, has_more = rows[:limit], len(rows) > limit
        token = _token(snapshot, wanted, int(page[-1][-1])) if has_more else None  # type: ignore[arg-type]
        of_page = Selection(
            wanted.names, wanted.kinds, iter([[row[:-1] for row in page]] if page else []), told={"next": token}
        )
        made = answer(lambda: of_page, format_, context.spool, context.limits.result_bytes)
        return Made(replace(made, next_token=token))

    return make


# A token of a page says after which row of which version the next page begins, for which question


def _token(snapshot: Snapshot, wanted: _Wanted, after: int) -> str:
    content = f"{snapshot.version[:16]}.{after}.{_seal(snapshot.version, after, wanted)}"
    return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _read_token(token: str, snapshot: Snapshot, wanted: _Wanted) -> int:
    """The row after which to go on. Raises Problem."""
    try:
        version, after, seal = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii").split(".")
        row = int(after) if after.isdigit() and len(after) < 19 else -1
    except ValueError:
        version, row, seal = "", -1, ""
    if row >= 0 and version != snapshot.version[:16]:
        raise Problem("version-gone", "the table was published anew since that page: start again without next")
    if row < 0 or seal != _seal(snapshot.version, row, wanted):
        raise Problem(
            "invalid-parameter", "next is no token of a page with these columns and filters: start without it"
        )
    return row


def _seal(version: str, after: int, wanted: _Wanted) -> str:
    return sha256(orjson.dumps([version, after, wanted.names, wanted.sql, wanted.parameters])).hexdigest()[:16]
