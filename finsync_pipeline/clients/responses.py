"""The responses of a service, in one form whichever format they came in: rows, or the version of its data.

Arrow comes as a complete IPC stream, with only the types of columns that a service may return. JSON comes from any
service that takes SQL over HTTP, or returns its table in pages.
"""

import codecs
import json
import math
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError

from finsync_pipeline.clients.errors import SourceErrors
from finsync_pipeline.clients.http import Response, TruncatedBody, media_type

T = TypeVar("T")
ARROW = "application/vnd.apache.arrow.stream"
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Arrow reads a stream without it, such as one that was cut between two batches, and reports nothing."""
FAIL_FAST = Field(fail_fast=True)
"""Of a list with many errors, only the first is of use."""
EXACT = 2**53
"""A float64 represents every integer up to this one."""
WRONG_COUNT = "the numbers of rows and cells are not those that it counts"


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


def read_rows(response: Response, errors: SourceErrors) -> Rows:
    """Read the rows of a query or a table. Raises SourceInvalid or TruncatedBody."""
    if media_type(response.headers) == ARROW:
        table = _read_arrow(response, errors)
        return Rows(table, response.headers.get("X-Data-Version"), len(response.body))
    page = _read_page(response, errors)
    if len(page.rows) != page.row_count:
        raise errors.invalid(WRONG_COUNT)
    table = table_of(page.columns, page.rows)
    return Rows(table, response.headers.get("X-Data-Version"), len(response.body))


def read_pages(get: Callable[[dict[str, str]], Response], errors: SourceErrors) -> Rows:
    """Read the whole table; `get` returns one page. Raises SourceInvalid, or SourceChanged between two pages."""
    pages: list[_Page] = []
    versions: set[tuple[str | None, ...]] = set()  # of the data and of its columns
    requested: list[dict[str, str]] = []
    parameters: dict[str, str] | None = {}
    while parameters is not None:
        if parameters in requested or not all(page.rows for page in pages):
            raise errors.invalid("its pages do not come to an end")
        requested.append(parameters)
        response = get(parameters)
        pages.append(_read_page(response, errors))
        versions.add((response.headers.get("X-Data-Version"), *pages[-1].columns))
        parameters = _next_page(pages[-1], response)
    if len(versions) > 1:
        raise errors.changed()
    rows = [row for page in pages for row in page.rows]
    if any(page.row_count not in (len(page.rows), len(rows)) for page in pages):
        raise errors.invalid(WRONG_COUNT)
    return Rows(table_of(pages[0].columns, rows), response.headers.get("X-Data-Version"))


def read_json(kind: type[T], response: Response, errors: SourceErrors) -> T:
    """Read the JSON in the body as an object of this type. Raises SourceInvalid."""
    try:
        read: T = _reader(cast(Hashable, kind)).validate_json(bytes(response.body).removeprefix(codecs.BOM_UTF8))
        return read
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{part!r}]" for part in first["loc"])
        raise errors.invalid(f"{place} {first['msg']}") from None


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    """The reader of a type, which takes longer to make than a response to read."""
    return TypeAdapter(cast(Any, kind))


def check_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], errors: SourceErrors) -> None:
    """Raise SourceInvalid if a column occurs twice, or a row has not one cell for each."""
    if len(set(columns)) < len(columns):
        raise errors.invalid("a column occurs twice")
    if any(len(row) != len(columns) for row in rows):
        raise errors.invalid(WRONG_COUNT)


def table_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows of JSON values as an Arrow table."""
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pa.table([_column(each) for each in cells], list(columns))


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


def is_json(kind: pa.DataType) -> bool:
    """Whether cells of this type are JSON texts."""
    return getattr(kind, "extension_name", None) == "arrow.json"


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this type are texts, dictionary-encoded or not."""
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _read_arrow(response: Response, errors: SourceErrors) -> pa.Table:
    """The table in the body, over the body's own memory."""
    if bytes(response.body[-len(END_OF_STREAM) :]) != END_OF_STREAM:
        raise TruncatedBody
    try:
        with pa.ipc.open_stream(pa.py_buffer(response.body)) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise errors.invalid("it is not valid Arrow") from None
    if str(table.num_rows) != response.headers.get("X-Row-Count", str(table.num_rows)):
        raise TruncatedBody
    if len(set(table.column_names)) != table.num_columns:
        raise errors.invalid("a column of Arrow occurs twice")
    for field in table.schema:
        known = (pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.null())
        if not (is_text(field.type) or is_json(field.type) or field.type in known):
            raise errors.invalid(f"column {field.name!r} has the Arrow type {field.type}, which no service returns")
    return table.replace_schema_metadata(None)


def _read_page(response: Response, errors: SourceErrors) -> _Page:
    page = read_json(_Page, response, errors)
    check_rows(page.columns, page.rows, errors)
    return page


def _next_page(page: _Page, response: Response) -> dict[str, str] | None:
    """The parameters of the next page: a token, an offset, or those of a link."""
    if page.next is not None:
        return {"next": str(page.next)}
    if page.next_offset is not None:
        return {"offset": str(page.next_offset)}
    link = response.links.get("next")
    return dict(parse_qsl(urlsplit(link["url"]).query)) if link else None


def _column(cells: Sequence[Any]) -> pa.Array:
    """The cells as text or as numbers that are represented exactly, and else as JSON texts."""
    if bool not in map(type, cells):  # Arrow reads a bool among floats as a number
        with suppress(pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            column = pa.array(cells)
            if column.type in (pa.string(), pa.int64(), pa.float64(), pa.null()):
                return column
    texts = [None if cell is None else json.dumps(cell) for cell in cells]
    return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))
