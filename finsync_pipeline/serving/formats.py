"""The formats of an answer: JSON, CSV, Parquet or an Arrow stream, by the parameter `format` or the header Accept."""

import math
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.publishing.csv_files import write_csv
from finsync_pipeline.serving.parameters import FormatName
from finsync_pipeline.serving.problems import RequestProblem


@dataclass(frozen=True)
class Format:
    """A format by its name and media type; `write` makes its bytes of a table, except of JSON, which has more in it."""

    name: FormatName
    media_type: str
    write: Callable[[pa.Table], bytes] | None = None


def as_json(content: Any) -> bytes:
    """JSON: days as 2009-12-31, shortest exact numbers."""
    return orjson.dumps(content, default=_other, option=orjson.OPT_NON_STR_KEYS)


def json_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of any table as JSON has them: numbers that JSON lacks, such as infinity, are texts.

    Raises RequestProblem for days that no calendar of Python has.
    """
    columns = {
        name: list(map(_json_cell, _cells(name, column)))
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def as_csv(table: pa.Table) -> bytes:
    """CSV as in a release: UTF-8, shortest exact numbers, and no cell that a spreadsheet would run as a formula."""
    with tempfile.TemporaryDirectory(prefix="finsync_") as folder:
        file = Path(folder) / "answer.csv"
        write_csv(frames.from_arrow(table), file)
        return file.read_bytes()


def as_parquet(table: pa.Table) -> bytes:
    """A Parquet file. Raises RequestProblem for a column of a type that it does not have."""
    target = pa.BufferOutputStream()
    try:
        pq.write_table(table, target)
    except pa.ArrowException:
        fix = "cast its columns, as in CAST(... AS VARCHAR), or ask for JSON"
        raise RequestProblem("query-invalid", "Parquet lacks the type of a column", fix) from None
    return bytes(target.getvalue())


def as_arrow_stream(table: pa.Table) -> bytes:
    """An Arrow IPC stream."""
    target = pa.BufferOutputStream()
    with pa.ipc.new_stream(target, table.schema) as writer:
        writer.write_table(table)
    return bytes(target.getvalue())


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("json", "application/json"),
        Format("csv", "text/csv", as_csv),
        Format("parquet", "application/vnd.apache.parquet", as_parquet),
        Format("arrow", "application/vnd.apache.arrow.stream", as_arrow_stream),
    )
}


IN_ALL_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {each.media_type: {} for each in FORMATS.values() if each.write is not None}}
}
"""The documentation of a route that answers in all formats."""


def format_of(name: FormatName | None, accept: str) -> Format:
    """The format of this name, else the one that the header Accept prefers; JSON by default. Raises RequestProblem."""
    if name is not None:
        return FORMATS[name]
    if not accept.strip():
        return FORMATS["json"]
    ranges = _media_ranges(accept)
    best = max(FORMATS.values(), key=lambda each: _weight(each.media_type, ranges))
    if _weight(best.media_type, ranges)[0] > 0:
        return best
    media_types = ", ".join(each.media_type for each in FORMATS.values())
    raise RequestProblem("not-acceptable", fix=f"send {media_types}")


def _media_ranges(accept: str) -> dict[str, tuple[float, int]]:
    """Each media range of an Accept header with its weight; of equal weights, the first one is preferred."""
    ranges = {}
    for place, part in enumerate(accept.split(",")):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        ranges[media_range] = (float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0, -place)
    return ranges


def _weight(media_type: str, ranges: dict[str, tuple[float, int]]) -> tuple[float, int]:
    """The weight of a media type: that of the most specific range that contains it."""
    matching = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    return next((ranges[each] for each in matching if each in ranges), (0.0, 0))


def _cells(name: str, column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        fix = "cast it, as in CAST(... AS VARCHAR), or ask for Parquet"
        raise RequestProblem("query-invalid", f"column {name} has days before the year 1 or after 9999", fix) from None


def _json_cell(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return list(map(_json_cell, value))
        case dict():
            return {str(key): _json_cell(each) for key, each in value.items()}
    return value


def _other(value: Any) -> Any:
    """What JSON has no type for: a whole number of any size, or the value as text."""
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    return str(value)
