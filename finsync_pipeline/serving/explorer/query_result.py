"""The result of any query as people see it: the first rows as cells, and columns of it as a chart.

The columns are whatever the SQL makes. Only those that are named after an item of money are shown in thousands or
millions; all others may be anything, such as a share, and are in full.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from finsync_pipeline.serving.explorer.numbers import NOTHING, Numbers
from finsync_pipeline.statements.items import ITEMS

MOST_ROWS = 500
"""Rows of a result that a page shows."""
MOST_POINTS = 5_000
"""Rows of a result that a chart is drawn of."""
MOST_SERIES = 10
GROUPED_FROM = 10_000
"""Smaller whole numbers are years, months or counts, and are written without separators."""


@dataclass(frozen=True)
class Cell:
    """A cell: what is shown, the whole of it, and whether there is nothing."""

    text: str
    full: str
    is_missing: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its name, the unit of its numbers in words (empty if in full), and whether they stand to the right."""

    name: str
    unit: str
    is_number: bool


@dataclass(frozen=True)
class ResultTable:
    """The first rows of a result, and how many there are."""

    columns: list[Column]
    rows: list[list[Cell]]
    count: int


@dataclass(frozen=True)
class ChartChoice:
    """What is drawn: a series for each column of `ys`, or for each of these and each text in `by`, along `x`."""

    x: str
    ys: list[str]
    by: str
    kind: str


@dataclass(frozen=True)
class ResultChart:
    """A chart: the choice, the columns there are to choose from, its data for the page, and what it leaves out."""

    choice: ChartChoice
    columns: list[str]
    numeric: list[str]
    data: dict[str, Any]
    notes: list[str]


def table_of(result: pa.Table, numbers: Numbers) -> ResultTable:
    """The first rows of the result, with numbers as these are written."""
    shown = result.slice(0, MOST_ROWS)
    columns, cells = [], []
    for name, values in zip(shown.column_names, shown.columns, strict=True):
        of_column = values.to_pylist()
        written = _scaled(name, of_column, numbers)
        columns.append(Column(name, written.unit, is_number(values.type)))
        cells.append([_cell(value, written) for value in of_column])
    return ResultTable(columns, [list(row) for row in zip(*cells, strict=True)], result.num_rows)


def chart_of(result: pa.Table, asked: ChartChoice) -> ResultChart | None:
    """The chart that is asked for; what is not chosen, or is not a column, is chosen here. None without any number."""
    result = result.select([field.name for field in result.schema if not pat.is_nested(field.type)])
    names: list[str] = result.column_names
    numeric = [name for name in names if is_number(result.schema.field(name).type)]
    if not numeric:
        return None
    x = asked.x if asked.x in names else _likely_x(result)
    candidates = [name for name in numeric if name != x]
    if not candidates:
        return None
    ys = [name for name in asked.ys if name in candidates] or _likely_ys(result, candidates)
    by = asked.by if asked.by in names and asked.by != x else ""
    kind = asked.kind if asked.kind in ("lines", "bars") else "lines" if _is_ordered(result, x) else "bars"
    choice = ChartChoice(x, ys, by, kind)
    drawn = result.select(dict.fromkeys([x, *ys, *([by] if by else [])])).slice(0, MOST_POINTS)
    data, notes = _data(drawn.to_pylist(), choice, _is_ordered(result, x))
    if result.num_rows > MOST_POINTS:
        notes.append(f"Of {result.num_rows:,} rows, the first {MOST_POINTS:,} are drawn.")
    return ResultChart(choice, names, candidates, data, notes)


def is_number(kind: pa.DataType) -> bool:
    """Whether values of the type are numbers."""
    return bool(pat.is_integer(kind) or pat.is_floating(kind) or pat.is_decimal(kind))


def _scaled(name: str, values: Sequence[Any], numbers: Numbers) -> Numbers:
    if name in ITEMS and ITEMS[name].unit == "money":
        return numbers.for_values(_finite(value) for value in values)
    return Numbers("full", numbers.locale)


def _cell(value: Any, numbers: Numbers) -> Cell:
    match value:
        case None:
            return Cell(NOTHING, "missing", is_missing=True)
        case bool():
            return Cell(str(value).lower(), "")
        case int() if abs(value) < GROUPED_FROM:
            return Cell(str(value), "")
        case float() | int() | Decimal():
            finite = _finite(value)
            return Cell(str(value), "") if finite is None else Cell(numbers.text(finite), numbers.full(finite))
        case list() | dict():
            return Cell(json.dumps(value, default=str, ensure_ascii=False), "")
    return Cell(str(value), "")


def _finite(value: Any) -> float | None:
    """The value as a number; None if it is none, or infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _likely_x(result: pa.Table) -> str:
    """The first column of days; else the first one of texts; else the first one."""
    for fits in (pat.is_date, lambda kind: pat.is_string(kind) or pat.is_large_string(kind)):
        for field in result.schema:
            if fits(field.type):
                return str(field.name)
    return str(result.column_names[0])


def _likely_ys(result: pa.Table, numeric: Sequence[str]) -> list[str]:
    """The first columns of fractions, which are more often amounts than whole numbers are; else the first number."""
    amounts = [name for name in numeric if not pat.is_integer(result.schema.field(name).type)]
    return amounts[:3] or list(numeric[:1])


def _is_ordered(result: pa.Table, x: str) -> bool:
    kind = result.schema.field(x).type
    return bool(pat.is_temporal(kind) or is_number(kind))


def _data(rows: Sequence[dict[str, Any]], choice: ChartChoice, is_ordered: bool) -> tuple[dict[str, Any], list[str]]:
    """The data of the chart in the page, and what it does not show."""
    xs = list(dict.fromkeys(row[choice.x] for row in rows if row[choice.x] is not None))
    places = {value: place for place, value in enumerate(sorted(xs) if is_ordered else xs)}
    series: dict[str, dict[int, float | None]] = {}
    repeated = False
    for row in rows:
        for y in choice.ys:
            name = y if not choice.by else str(row[choice.by]) if len(choice.ys) == 1 else f"{row[choice.by]}, {y}"
            points = series.setdefault(name, {})
            if row[choice.x] is not None:
                place = places[row[choice.x]]
                repeated = repeated or place in points
                points[place] = _finite(row[y])
    notes = []
    if repeated:
        notes.append(f"Several rows have the same {choice.x}: the last one is drawn. Choose a column for the series.")
    if len(series) > MOST_SERIES:
        notes.append(f"Of {len(series):,} series, the first {MOST_SERIES} are drawn.")
    # Pairs: a place without a row of the series does not break its line, a missing value does
    drawn = [{"name": name, "data": sorted(points.items())} for name, points in list(series.items())[:MOST_SERIES]]
    return {"x": [str(value) for value in places], "series": drawn, "y": ", ".join(choice.ys)}, notes
