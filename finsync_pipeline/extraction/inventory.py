"""The inventory of one source: what it holds now.

Quarters are decided here and never at the source: the delivery lists every spelling of the period end with the day that
it means, and a quarter's rows are asked for by its spellings (`raw_rows`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.responses import Version
from finsync_pipeline.extraction.fetch import (
    Contents,
    Service,
    ask_contents,
    ask_rows,
    check_fetched,
    counts_of,
    key_order,
)
from finsync_pipeline.extraction.source_query import literal, spelling
from finsync_pipeline.statements.dates import UnreadableDate, quarter_of, read_period_end
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.reasons import REASONS
from finsync_pipeline.statements.row_context import with_row_ids
from finsync_pipeline.statements.standardize import delivered_cells
from finsync_pipeline.statements.tables import INVENTORY, REJECTS


@dataclass(frozen=True)
class Stock:
    """What a source holds now.

    `delivery` is a table INVENTORY, `undated` the rows that belong to no quarter as a table REJECTS, `unmapped` the
    columns that the mapping does not name, `row_count` the rows of the table as the source counts them.
    """

    delivery: pd.DataFrame
    undated: pd.DataFrame
    unmapped: list[str]
    row_count: int


def take_stock(service: Service, mapping: SourceMapping, quarters: Sequence[date]) -> Stock:
    """Ask what the source holds, and place each spelling of the period end in one of `quarters` (first days).

    If the source publishes anew in the middle, all is asked once more. Raises a SourceFault, or SourceInvalid for a
    column that is gone.
    """
    try:
        return _take_stock(service, mapping, set(quarters))
    except SourceChanged:
        return _take_stock(service, mapping, set(quarters))


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


def is_whole(delivery: pd.DataFrame, quarters: Sequence[date]) -> bool:
    """Whether the quarters are all that the delivery has dated rows for."""
    return bool(delivery["quarter"].dropna().isin(list(quarters)).all())


def _take_stock(service: Service, mapping: SourceMapping, quarters: set[date]) -> Stock:
    contents = ask_contents(service, mapping)
    delivery = _place(contents, mapping, quarters)
    return Stock(delivery, _refuse_undated(service, mapping, delivery), contents.unmapped, contents.row_count)


def _place(contents: Contents, mapping: SourceMapping, quarters: set[date]) -> pd.DataFrame:
    hashes = _hashes(contents.version, contents.periods)
    data_version = contents.data_version or _digest(sorted(map(repr, contents.periods)))
    spellings = [
        {
            "period_end_text": None if value is None else spelling(value),
            "literal": literal(value),
            "row_count": row_count,
            "content_hash": hashes.get(literal(value)),
            "data_version": data_version,
            **_placed(value, mapping, quarters),
        }
        for value, row_count in contents.periods
    ]
    return INVENTORY.validate(INVENTORY.frame(sorted(spellings, key=lambda row: row["literal"])))


def _hashes(version: Version | None, periods: list[tuple[Any, int]]) -> dict[str, str]:
    """The hash of each period by its literal, if the service counts by the same column."""
    if version is None or version.periods is None:
        return {}
    told = {literal(period.period): period for period in version.periods}
    if {key: period.row_count for key, period in told.items()} != {literal(value): count for value, count in periods}:
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
    rows = check_fetched(ask_rows(service, mapping, counts_of(undated)), undated, mapping)
    rows = with_row_ids(_in_order_of_keys(rows, mapping))
    reasons = dict(zip(undated["literal"], undated["reason"], strict=True))
    cells = delivered_cells(rows, mapping)["finsync_row"].value_counts().to_dict()
    kept = frames.rows_as_json(rows[mapping.columns])
    return REJECTS.validate(
        REJECTS.frame(
            {
                "source": mapping.name,
                "row_key": None if pd.isna(key) else key,
                "row_number": number,
                "outcome": "rejected",
                "stage": REASONS[reasons[found]].stage,
                "reason": reasons[found],
                "raw_text": kept[number],
                "cells": cells.get(number, 0),
            }
            for number, (key, found) in enumerate(zip(rows[mapping.row_key], rows["finsync_literal"], strict=True))
        )
    )


def _in_order_of_keys(rows: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    return frames.query(f"SELECT * FROM rows ORDER BY {key_order(mapping)}", rows=rows)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(list(content), ensure_ascii=False, default=str).encode()).hexdigest()
