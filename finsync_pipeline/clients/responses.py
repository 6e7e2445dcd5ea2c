"""The responses of a service, in one form whichever format they came in: rows, or the version of its data.

Arrow comes as a complete IPC stream, with only the types of columns that a service may return. JSON comes from any
service that takes SQL over HTTP, or returns its table in pages.
"""

import json
import math
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError
from requests.utils import parse_header_links

from finsync_pipeline.clients.arrow_stream import is_json, read_stream
from finsync_pipeline.clients.bounds import ARROW, MOST_COLUMNS, Bounds
from finsync_pipeline.clients.errors import SourceErrors
from finsync_pipeline.clients.http import Response, media_type
from finsync_pipeline.clients.strict_json import as_json, read_strictly

T = TypeVar("T")
FAIL_FAST = Field(fail_fast=True)
"""Of a list with many errors, only the first is of use."""
EXACT = 2**53
"""A float64 represents every integer up to this one."""
WRONG_COUNT = "the numbers of rows and cells are not those that it counts"
ENDLESS = "its pages do not come to an end"
MOST_VERSION_CHARACTERS = 1_000
"""Of the version of the data, which is kept with each row of the inventory."""
MOST_TOKEN_CHARACTERS = 8_000
"""Of what names the next page: a URL has no room for more."""


@dataclass(frozen=True)
class Rows:
    """Rows that a service returned, and the version of the data that they are of, if it has one.

    A column of `table` is text (also dictionary-encoded), int64, float64, bool, binary, null, or `arrow.json`: cells
    of several types, each as its JSON text.
    """

    table: pa.Table
    data_version: str | None
    bytes_received: int = 0
    """Bytes of the response's body."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)

    def values(self, column: str) -> list[Any]:
        """The cells of a column as JSON values."""
        return values_of(self.table[column])

    def as_lists(self) -> list[list[Any]]:
        """The rows as lists of JSON values: for a few rows."""
        return [list(row) for row in zip(*map(self.values, self.columns), strict=True)]


@dataclass(frozen=True)
class PeriodHash:
    """The number of rows with one period end and their hash, as the service reports them."""

    period: Any
    row_count: int
    content_hash: Annotated[str, Field(coerce_numbers_to_str=True)]


@dataclass(frozen=True)
class Version:
    """The version of a service's data and, where it reports them, its rows and the hash of those of each period end."""

    data_version: str
    row_count: int | None
    periods: Annotated[list[PeriodHash] | None, FAIL_FAST]


@dataclass(frozen=True)
class _Page:
    """Rows, what the service counts (these rows, or those of the whole table), and the token of the next page."""

    columns: Annotated[list[str], FAIL_FAST]
    rows: Annotated[list[list[Any]], FAIL_FAST]
    row_count: int
    next: Any = None
    next_offset: Any = None


def read_rows(response: Response, errors: SourceErrors, bounds: Bounds) -> Rows:
    """Read the rows of a query or a table. Raises SourceInvalid or TruncatedBody."""
    if media_type(response.headers) == ARROW:
        table = read_stream(response.body, response.headers.get("X-Row-Count"), errors, bounds)
        return Rows(table, _data_version(response, errors), len(response.body))
    page = _read_page(response, errors, bounds)
    if len(page.rows) != page.row_count:
        raise errors.invalid(WRONG_COUNT)
    return Rows(read_table(page.columns, page.rows, errors), _data_version(response, errors), len(response.body))


def read_pages(get: Callable[[dict[str, str]], Response], errors: SourceErrors, bounds: Bounds) -> Rows:
    """Read the whole table; `get` returns one page. Raises SourceInvalid, or SourceChanged between two pages."""
    ends = time.monotonic() + bounds.seconds
    tables: list[pa.Table] = []
    counts: set[int] = set()  # of the whole table
    versions: set[tuple[str | None, ...]] = set()  # of the data and of its columns
    requested: set[tuple[tuple[str, str], ...]] = set()
    byte_count = row_count = 0
    parameters: dict[str, str] | None = {}
    while parameters is not None:
        if tuple(parameters.items()) in requested or (tables and not tables[-1].num_rows):
            raise errors.invalid(ENDLESS)
        if len(requested) == bounds.pages:
            raise errors.endless(bounds.pages)
        if time.monotonic() > ends:
            raise errors.too_slow(bounds.seconds)
        requested.add(tuple(parameters.items()))
        response = get(parameters)
        page = _read_page(response, errors, bounds)
        byte_count, row_count = byte_count + len(response.body), row_count + len(page.rows)
        _check_size(row_count, byte_count, errors, bounds)
        tables.append(read_table(page.columns, page.rows, errors))
        counts |= {page.row_count} - {len(page.rows)}
        versions.add((_data_version(response, errors), *page.columns))
        parameters = _next_page(page, response, errors)
    if len(versions) > 1:
        raise errors.changed()
    if counts - {row_count}:
        raise errors.invalid(WRONG_COUNT)
    return Rows(_joined(tables), _data_version(response, errors), byte_count)


def read_json(kind: type[T], response: Response, errors: SourceErrors) -> T:
    """Read the JSON in the body as an object of this type. Raises SourceInvalid."""
    try:
        content = read_strictly(str(response.body, "utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise errors.invalid("Invalid JSON: it is not UTF-8") from None
    except ValueError as error:
        raise errors.invalid(f"Invalid JSON: {error}") from None
    try:
        read: T = _reader(cast(Hashable, kind)).validate_python(content)
        return read
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{part!r}]" for part in first["loc"])
        what = "Input should be an object" if first["type"] == "dataclass_type" else first["msg"]
        raise errors.invalid(f"{place} {what}") from None


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    """The reader of a type, which takes longer to make than a response to read."""
    return TypeAdapter(cast(Any, kind))


def read_version(response: Response, errors: SourceErrors) -> Version:
    """Read the version of a service's data. Raises SourceInvalid."""
    version = read_json(Version, response, errors)
    _check_version(version.data_version, errors)
    return version


def check_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], errors: SourceErrors, bounds: Bounds) -> None:
    """Raise SourceInvalid if a column occurs twice, a row has not one cell for each, or there are too many."""
    if len(columns) > MOST_COLUMNS:
        raise errors.invalid(f"it has {len(columns):,} columns, more than any table")
    if len(set(columns)) < len(columns):
        raise errors.invalid("a column occurs twice")
    if any(len(row) != len(columns) for row in rows):
        raise errors.invalid(WRONG_COUNT)
    _check_size(len(rows), 0, errors, bounds)


def table_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows of JSON values as an Arrow table. Raises ValueError for a cell that is nested too deeply."""
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pa.table([_column(each) for each in cells], list(columns))


def read_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], errors: SourceErrors) -> pa.Table:
    """The rows of a response as an Arrow table. Raises SourceInvalid."""
    try:
        return table_of(columns, rows)
    except ValueError as error:
        raise errors.invalid(f"a cell cannot be read: {error}") from None


def values_of(column: "pa.ChunkedArray | pa.Array") -> list[Any]:
    """The cells as JSON values: text, number, bool or None; a blob is its hex text, infinity `Infinity`."""
    cells: list[Any] = column.to_pylist()
    if is_json(column.type):
        return [None if cell is None else json.loads(cell) for cell in cells]
    if pa.types.is_binary(column.type):
        return [None if cell is None else cell.hex() for cell in cells]
    if pa.types.is_floating(column.type):
        return [json.dumps(cell) if cell is not None and math.isinf(cell) else cell for cell in cells]
    return cells


def _read_page(response: Response, errors: SourceErrors, bounds: Bounds) -> _Page:
    page = read_json(_Page, response, errors)
    check_rows(page.columns, page.rows, errors, bounds)
    return page


def _check_size(row_count: int, byte_count: int, errors: SourceErrors, bounds: Bounds) -> None:
    if row_count > bounds.rows:
        raise errors.beyond(f"sends more than {bounds.rows:,} rows", "FINSYNC_SOURCE_ROWS")
    if byte_count > bounds.arrow_bytes:
        raise errors.beyond(f"sends more than {bounds.arrow_bytes:,} bytes in its pages", "FINSYNC_SOURCE_BYTES")


def _data_version(response: Response, errors: SourceErrors) -> str | None:
    version = response.headers.get("X-Data-Version")
    _check_version(version or "", errors)
    return version


def _check_version(version: str, errors: SourceErrors) -> None:
    if len(version) > MOST_VERSION_CHARACTERS:
        raise errors.invalid(f"the version of its data has {len(version):,} characters")


def _next_page(page: _Page, response: Response, errors: SourceErrors) -> dict[str, str] | None:
    """The parameters of the next page: a token, an offset, or those of a link. Raises SourceInvalid."""
    for name, token in (("next", page.next), ("offset", page.next_offset)):
        if token is None:
            continue
        if not isinstance(token, str | int) or len(as_json(token)) > MOST_TOKEN_CHARACTERS:
            raise errors.invalid("what names its next page is not a short text or a number")
        return {name: str(token)}
    try:
        links = parse_header_links(response.headers.get("Link", ""))
        following = next((link["url"] for link in links if link.get("rel") == "next"), None)
        return dict(parse_qsl(urlsplit(following).query)) if following else None
    except ValueError:
        raise errors.invalid("the link to its next page is not valid") from None


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """One table of all pages, as if all cells had come in one."""
    columns = {}
    for name in tables[0].column_names:
        parts = [table[name] for table in tables]
        kinds = {part.type for part in parts} - {pa.null()}
        if len(kinds) > 1:
            columns[name] = _column([cell for part in parts for cell in _numbers_and_texts(part)])
        else:
            kind = kinds.pop() if kinds else pa.null()
            parts = [part if part.type == kind else pa.chunked_array([pa.nulls(len(part), kind)]) for part in parts]
            columns[name] = pa.chunked_array([chunk for part in parts for chunk in part.chunks], kind)
    return pa.table(columns)


def _numbers_and_texts(column: pa.ChunkedArray) -> list[Any]:
    """The cells as they came, infinity too."""
    return values_of(column) if is_json(column.type) else list(column.to_pylist())


def _column(cells: Sequence[Any]) -> pa.Array:
    """The cells as text or as numbers that are represented exactly, and else as JSON texts. Raises ValueError."""
    if bool not in map(type, cells):  # Arrow reads a bool among floats as a number
        with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
            column = pa.array(cells)
            if column.type in (pa.string(), pa.int64(), pa.float64(), pa.null()):
                return column
    texts = [None if cell is None else as_json(cell) for cell in cells]
    return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))
