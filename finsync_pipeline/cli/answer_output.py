"""An answer as a table on the terminal, or as CSV, JSON or Parquet."""

import json
import math
import sys
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.cells import cell_len
from rich.console import Console

from finsync_pipeline.cli.terminal import console, table, write_text
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.publishing.csv_files import write_csv
from finsync_pipeline.settings import has_byte_order_mark
from finsync_pipeline.storage.whole_files import written_whole

FORMATS = ("table", "csv", "json", "parquet")
OTHER_LINES = 8
"""Lines of a terminal that a table leaves for its header, what is counted below it, and the next prompt."""
ROWS_OF_A_FILE = 40
"""The rows of a table that is not on a terminal."""
AROUND, BETWEEN = 4, 3
"""Blanks around a table, and between two of its columns."""
SQL_TYPES = {pa.string(): "VARCHAR", pa.date32(): "DATE", pa.int64(): "BIGINT", pa.float64(): "DOUBLE"}


def chosen_format(name: str | None, output: Path | None) -> str:
    """The format: as named, else by the ending of the file. Raises ConfigurationError if it cannot be written there."""
    chosen = name or (output.suffix[1:].lower() if output else "table")
    if output and chosen not in FORMATS[1:]:
        what = f"{output.name} is of no format" if name is None else "a table is for the terminal"
        fix = "Name one for a file: --format csv, json or parquet"
        raise ConfigurationError(what, fix, "--output")
    if chosen == "parquet" and output is None:
        raise ConfigurationError("Parquet is not written to a terminal", "Name a file: --output FILE", "--format")
    return chosen


def write_answer(answer: Answer, chosen: str, output: Path | None) -> None:
    """Write the answer in the format to the file, or to standard output. Raises DataError if it cannot be written."""
    if chosen == "table":
        print_table(answer.table)
    elif output is None:
        write_text(_csv(answer) if chosen == "csv" else as_json(answer.table))
    else:
        _write_file(answer, chosen, output)
        to_standard_error().print(f"{answer.table.num_rows:,} rows in {output}", soft_wrap=True)
    for source, reason in answer.missing.items():
        to_standard_error().print(f"missing: {source}: {reason}", soft_wrap=True)
    for note in answer.notes:
        to_standard_error().print(f"note: {note}", soft_wrap=True)


def to_standard_error() -> Console:
    """The console of progress and remarks."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def _write_file(answer: Answer, chosen: str, output: Path) -> None:
    if chosen == "csv":
        return write_csv(answer.to_pandas(), output, has_byte_order_mark())
    with written_whole(output) as temporary:
        if chosen == "json":
            temporary.write_text(as_json(answer.table), encoding="utf-8")
        else:
            _check_parquet(answer.table.schema)
            pq.write_table(answer.table, temporary)
    return None


def _check_parquet(schema: pa.Schema) -> None:
    """Raise ConfigurationError for a column of a type that Parquet does not have, such as an interval."""
    for field in schema:
        try:
            pq.ParquetWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except pa.ArrowException:
            what = f"Parquet has no type for the column {field.name}"
            raise ConfigurationError(what, "Cast it, as in CAST(... AS VARCHAR)", "--format") from None


def _csv(answer: Answer) -> str:
    """The CSV as `write_csv` writes it: no cell is a formula."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.csv"
        write_csv(answer.to_pandas(), file)
        return file.read_text(encoding="utf-8")


def as_json(found: pa.Table) -> str:
    """A list of objects: days and times in ISO 8601, numbers exact, and NaN and the like, which JSON lacks, as text."""
    lines = (json.dumps(_json_value(row), ensure_ascii=False) for row in _values(found))
    return "[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n" if found.num_rows else "[]\n"


def _values(found: pa.Table | pa.ChunkedArray) -> list[Any]:
    """The rows or cells as Python's values. Raises QueryError for a day that Python does not have."""
    try:
        return list(found.to_pylist())
    except (OverflowError, ValueError):
        what = "a day or time of the answer is not in the years 1 to 9999"
        raise QueryError(what, "cast it, as in CAST(... AS VARCHAR), or write --format csv") from None


def _json_value(value: Any) -> Any:
    match value:
        case bytes():
            return _bytes_as_text(value)
        case pa.MonthDayNano():
            return _span_as_text(value)
        case dict():
            return {str(key): _json_value(each) for key, each in value.items()}
        case list() | tuple():
            return [_json_value(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case Decimal():
            return _json_number(value)
        case None | bool() | int() | float() | str():
            return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _bytes_as_text(value: bytes) -> str:
    """The bytes as SQL writes them: `'\\xAA\\x00b'::BLOB`."""
    return "".join(chr(each) if 32 <= each < 127 and each not in b"\\'\"" else f"\\x{each:02X}" for each in value)


def _span_as_text(value: pa.MonthDayNano) -> str:
    """The interval in ISO 8601, as months, days and seconds: `P14M3DT4.5S`."""
    seconds = format(Decimal(value.nanoseconds).scaleb(-9).normalize(), "f")
    return f"P{value.months}M{value.days}DT{seconds}S"


def _json_number(value: Decimal) -> Any:
    """The number if JSON's readers have it exactly, else its digits as text."""
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def print_table(found: pa.Table) -> None:
    """Print as many rows and columns as the terminal has room for, and how many there are."""
    room = max(1, console.height - OTHER_LINES) if sys.stdout.isatty() else ROWS_OF_A_FILE
    shown = found.slice(0, room)
    texts = {name: [_cell(value) for value in _values(shown[name])] for name in found.column_names}
    names = _fitting({name: max(map(cell_len, [name, *cells])) for name, cells in texts.items()})
    made = table("", *names)
    for column, name in zip(made.columns, names, strict=True):
        column.no_wrap = True
        column.justify = "right" if _is_number(found.schema.field(name).type) else "left"
    for row in zip(*(texts[name] for name in names), strict=True):
        made.add_row(*row)
    console.print(made)
    console.print(_counts(found, shown.num_rows, names), soft_wrap=True)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cell(value: Any) -> str:
    """The value to be read: large numbers in groups of three digits, none of which is left out."""
    if value is None:
        return ""
    if isinstance(value, bytes | pa.MonthDayNano):
        return str(_json_value(value))
    if isinstance(value, dict | list):
        return json.dumps(_json_value(value), ensure_ascii=False)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else str(value)


def _fitting(widths: dict[str, int]) -> list[str]:
    """The first columns, as many as the terminal is wide enough for; one at least."""
    names: list[str] = []
    used = AROUND - BETWEEN
    for name, width in widths.items():
        used += width + BETWEEN
        if names and used > console.width:
            break
        names.append(name)
    return names


def _counts(found: pa.Table, rows: int, names: list[str]) -> str:
    counted = f"{found.num_rows:,} row{'' if found.num_rows == 1 else 's'}"
    parts = [counted + (f", {rows:,} shown" if rows < found.num_rows else "")]
    if len(names) < found.num_columns:
        parts.append(f"{found.num_columns} columns, {len(names)} shown")
    return "; ".join(parts) + (" (--format csv has all)" if len(parts) > 1 or rows < found.num_rows else "")


def view_lines(name: str) -> str:
    """The columns of a view with their types, keys and descriptions, a line each."""
    view = VIEWS[name]
    lines = [f"{view.name}: {view.description}. Keys: {', '.join(view.keys)}."]
    width = max(map(len, view.columns))
    lines += [f"  {each.name:{width}}  {SQL_TYPES[each.type]:7}  {each.description}" for each in view.fields]
    return "\n".join(lines) + "\n"
