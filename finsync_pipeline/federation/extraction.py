"""Extraction from one source: what it holds now, and the rows of some quarters as delivered.

Quarters are decided here and never at the source: the delivery lists every spelling of the period end with the day that
it means, and a quarter's rows are asked for by its spellings.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.clients.source_service import Answer, Version, without_credentials
from finsync_pipeline.federation.source_query import (
    columns_query,
    count_query,
    literal,
    periods_query,
    rows_query,
    spelling,
)
from finsync_pipeline.statements.dates import UnreadableDate, quarter_of, read_period_end
from finsync_pipeline.statements.delivered import check_columns
from finsync_pipeline.statements.harmonise import delivered_cells
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.reasons import REASONS
from finsync_pipeline.statements.rows import numbered
from finsync_pipeline.statements.tables import DELIVERY, REJECTS

LITERAL_CHARACTERS = 3_000
"""Period ends are named in a URL, and many servers take no more than 8,000 characters of it."""


class Service(Protocol):
    """What extraction needs of a source's service: `clients.SourceService`, or anything that answers like it."""

    def query(self, sql: str) -> Answer:
        """The rows that the SQL asks for."""
        ...

    def version(self) -> Version | None:
        """The version of the data, if the service tells."""
        ...


class SourceChanged(Exception):
    """The source published other data between two questions; the message says what to materialize again."""


@dataclass(frozen=True)
class Stock:
    """What a source holds now.

    `delivery` is a table DELIVERY, `undated` the rows that belong to no quarter as a table REJECTS, `unmapped` the
    columns that the mapping does not name, `row_count` the rows of the table as the source counts them.
    """

    delivery: pd.DataFrame
    undated: pd.DataFrame
    unmapped: list[str]
    row_count: int


def take_stock(service: Service, mapping: SourceMapping, quarters: Sequence[date]) -> Stock:
    """Ask what the source holds, and place each spelling of the period end in one of `quarters` (first days).

    Raises SourceUnavailable, SourceAnswerMistake, SourceChanged, or DeliveryMistake for a column that is gone.
    """
    unmapped = check_columns(mapping, service.query(columns_query(mapping)).columns)
    version = service.version()
    periods = service.query(periods_query(mapping))
    row_count = int(service.query(count_query(mapping)).rows[0][0])
    delivery = _place(periods, version, mapping, set(quarters))
    undated = _refuse_undated(service, mapping, delivery)
    return Stock(delivery, undated, unmapped, row_count)


def quarter_versions(delivery: pd.DataFrame) -> dict[date, str]:
    """A version for each quarter that the delivery has rows for: it changes when the quarter's rows change.

    Where the service gives no hashes of periods, it changes with the whole source.
    """
    dated = delivery[delivery["quarter"].notna()].sort_values("literal")
    hashes = dated["content_hash"].fillna(dated["data_version"])
    content: dict[date, list[list[Any]]] = {}
    for quarter, *told in zip(dated["quarter"], dated["literal"], dated["row_count"], hashes, strict=True):
        content.setdefault(quarter, []).append(told)
    return {quarter: _digest(told) for quarter, told in sorted(content.items())}


def rows_by_quarter(delivery: pd.DataFrame) -> dict[date, int]:
    """The rows that the delivery counts for each quarter that has any."""
    rows = delivery.groupby("quarter")["row_count"].sum()
    return dict(zip(rows.index, map(int, rows), strict=True))


def fetch_rows(
    service: Service, mapping: SourceMapping, delivery: pd.DataFrame, quarters: Sequence[date]
) -> pd.DataFrame:
    """The rows of these quarters, every cell as text as delivered, with the columns of `tables.RAW_BOOKKEEPING`.

    The whole table is asked for when that is what the quarters come to. Rows come by quarter in the order of
    their keys, so that the order of delivery does not matter. Raises SourceChanged if the rows are not those
    that the delivery counts.
    """
    wanted = delivery[delivery["quarter"].isin(list(quarters))]
    whole = len(wanted) == len(delivery[delivery["quarter"].notna()])
    answer = _ask_for_rows(service, mapping, None if whole else list(wanted["literal"]))
    rows = _as_text(answer, mapping, _literals(answer, mapping))
    _verify(rows, answer, delivery if whole else wanted, mapping)
    return _dated(rows, wanted, mapping)


def _place(periods: Answer, version: Version | None, mapping: SourceMapping, quarters: set[date]) -> pd.DataFrame:
    counted = [(row[0], int(row[1])) for row in periods.rows]
    hashes = _hashes(version, periods, mapping)
    data_version = version.data_version if version else periods.data_version or _digest(sorted(map(repr, counted)))
    spellings = [
        {
            "spelling": None if value is None else spelling(value),
            "literal": literal(value),
            "row_count": row_count,
            "content_hash": hashes.get(literal(value)),
            "data_version": data_version,
            **_placed(value, mapping, quarters),
        }
        for value, row_count in counted
    ]
    return DELIVERY.validate(DELIVERY.frame(sorted(spellings, key=lambda row: row["literal"])))


def _hashes(version: Version | None, periods: Answer, mapping: SourceMapping) -> dict[str, str]:
    """The hash of each period by its literal, if the service counts by the same column."""
    if version is None or version.periods is None:
        return {}
    told = {literal(period.period): period for period in version.periods}
    counted = {literal(value): int(count) for value, count in periods.rows}
    if {key: period.row_count for key, period in told.items()} != counted:
        if periods.data_version not in (None, version.data_version):
            raise _changed(mapping)
        return {}
    return {key: period.content_hash for key, period in told.items()}


def _placed(value: Any, mapping: SourceMapping, quarters: set[date]) -> dict[str, Any]:
    try:
        period_end = read_period_end("" if value is None else spelling(value), mapping.period_end)
    except UnreadableDate as error:
        return {"reason": error.reason}
    quarter = quarter_of(period_end)
    if quarter not in quarters:
        return {"period_end": period_end, "reason": "outside_quarters"}
    return {"period_end": period_end, "quarter": quarter}


def _refuse_undated(service: Service, mapping: SourceMapping, delivery: pd.DataFrame) -> pd.DataFrame:
    undated = delivery[delivery["quarter"].isna()]
    if undated.empty:
        return REJECTS.frame()
    answer = _ask_for_rows(service, mapping, list(undated["literal"]))
    rows = _as_text(answer, mapping, _literals(answer, mapping))
    _verify(rows, answer, undated, mapping)
    rows = numbered(_in_order_of_keys(rows, mapping))
    reasons = dict(zip(undated["literal"], undated["reason"], strict=True))
    cells = delivered_cells(rows, mapping)["finsync_row"].value_counts().to_dict()
    kept = frames.rows_as_json(rows[mapping.columns])
    return REJECTS.validate(
        REJECTS.frame(
            {
                "source": mapping.name,
                "row_key": None if pd.isna(key) else key,
                "row_number": number,
                "outcome": "refused",
                "stage": REASONS[reasons[found]].stage,
                "reason": reasons[found],
                "raw_text": kept[number],
                "cells": cells.get(number, 0),
            }
            for number, (key, found) in enumerate(zip(rows[mapping.row_key], rows["finsync_literal"], strict=True))
        )
    )


def _ask_for_rows(service: Service, mapping: SourceMapping, literals: list[str] | None) -> Answer:
    """The rows with these period ends (None: all), in as many questions as keep each URL short."""
    parts = [None] if literals is None else _parts(literals)
    answers = [service.query(rows_query(mapping, part)) for part in parts]
    if any((each.columns, each.data_version) != (answers[0].columns, answers[0].data_version) for each in answers):
        raise _changed(mapping)
    rows = [row for each in answers for row in each.rows]
    return Answer(answers[0].columns, rows, answers[0].data_version)


def _parts(literals: list[str]) -> list[list[str]]:
    """The literals in parts of at most LITERAL_CHARACTERS; no literals make one empty part."""
    parts: list[list[str]] = [[]]
    room = LITERAL_CHARACTERS
    for text in literals:
        if parts[-1] and len(text) > room:
            parts.append([])
            room = LITERAL_CHARACTERS
        parts[-1].append(text)
        room -= len(text)
    return parts


def _literals(answer: Answer, mapping: SourceMapping) -> list[str]:
    place = answer.columns.index(mapping.period_end.column)
    return [literal(row[place]) for row in answer.rows]


def _as_text(answer: Answer, mapping: SourceMapping, literals: list[str]) -> pd.DataFrame:
    """The answer's cells as text, and the column `finsync_literal` of the period end."""
    decimals = dict.fromkeys(mapping.item_of_column, mapping.numbers.decimal)
    columns = zip(*answer.rows, strict=True) if answer.rows else [()] * len(answer.columns)
    texts = {
        name: pa.array([_text(cell, decimals.get(name, ".")) for cell in cells], pa.string())
        for name, cells in zip(answer.columns, columns, strict=True)
    }
    return frames.from_arrow(pa.table({**texts, "finsync_literal": pa.array(literals, pa.string())}))


def _text(cell: Any, decimal: str) -> str | None:
    """A cell as the text that the mapping reads: an item's JSON number is written in the source's own notation."""
    if cell is None or isinstance(cell, str):
        return cell
    return repr(cell).replace(".", decimal) if isinstance(cell, float) else json.dumps(cell, ensure_ascii=False)


def _verify(rows: pd.DataFrame, answer: Answer, expected: pd.DataFrame, mapping: SourceMapping) -> None:
    counted = rows["finsync_literal"].value_counts().to_dict()
    versions = {answer.data_version, *expected["data_version"]} - {None}
    told = dict(zip(expected["literal"], expected["row_count"], strict=True))
    if counted != told or (answer.data_version is not None and len(versions) > 1):
        raise _changed(mapping)


def _changed(mapping: SourceMapping) -> SourceChanged:
    return SourceChanged(
        f"Source {mapping.name!r} at {without_credentials(mapping.url)} has other rows than its delivery "
        f"says: it changed in between. Materialize {mapping.name} (all its assets) for these quarters again."
    )


def _dated(rows: pd.DataFrame, wanted: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    versions = quarter_versions(wanted)
    placed = pd.DataFrame(
        {
            "finsync_literal": wanted["literal"],
            "finsync_quarter": wanted["quarter"],
            "finsync_period_end": wanted["period_end"],
            "finsync_data_version": wanted["quarter"].map(versions).astype(pd.ArrowDtype(pa.string())),
        }
    )
    columns = ", ".join(frames.quoted(name) for name in mapping.columns)
    return frames.query(
        f"""
        SELECT {columns}, finsync_period_end, finsync_data_version
        FROM rows JOIN placed USING (finsync_literal)
        ORDER BY finsync_quarter, {_key_order(mapping)}
        """,
        rows=rows,
        placed=placed,
    )


def _in_order_of_keys(rows: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    return frames.query(f"SELECT * FROM rows ORDER BY {_key_order(mapping)}", rows=rows)


def _key_order(mapping: SourceMapping) -> str:
    key = frames.quoted(mapping.row_key)
    others = ", ".join(frames.quoted(name) for name in mapping.columns)
    return f"length({key}), {key}, {others}"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(list(content), ensure_ascii=False, default=str).encode()).hexdigest()
