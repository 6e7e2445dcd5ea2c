"""Fit: whether a mapping fits what its source delivers. What it does not fit is not used, and the tables stay.

Counted is what could not be *read*: dates, lengths, currencies, units, numbers. Companies that are not listed are the
subject of identity, not of the mapping.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.statements.dates import quarter_label, quarter_of
from finsync_pipeline.statements.mapping import Dates, SourceMapping, ValueColumn
from finsync_pipeline.statements.standardize import StandardizedTables

UNREADABLE_DATES = ("date_unreadable", "date_ambiguous")
UNREADABLE_ROWS = ("length_unknown", "currency_unknown", "scale_unknown", "known_since_unreadable")
UNREADABLE_CELLS = ("not_a_number", "schema:value_within_bounds")
MOST = 0.5
"""A format that does not fit most of a column does not fit at all."""
LEAST_COUNT = 3
"""Fewer unreadable rows or cells than these may be mistakes of the source, whatever their share."""
EXAMPLES = 3


@dataclass(frozen=True)
class Misfit:
    """Rows or cells that could not be read: what they are, how many of how many, and some of them (table REJECTS)."""

    what: str
    count: int
    total: int
    examples: pd.DataFrame

    def is_beyond(self, limit: float, least_total: int) -> bool:
        """Whether there are too many of them: beyond the limit, or most of at least `least_total`."""
        share = self.count / max(1, self.total)
        return (share > MOST and self.total >= least_total) or (share > limit and self.count >= LEAST_COUNT)


def check_dates(mapping: SourceMapping, unassigned: pd.DataFrame, row_count: int) -> None:
    """Raise SourceInvalid if too many rows have no readable period end.

    `unassigned` is the table of the source's unassigned rows, `row_count` the number of all its rows.
    """
    bad = unassigned[unassigned["reason"].isin(UNREADABLE_DATES)]
    what = f"period ends in column {mapping.period_end.column!r}"
    _check(mapping, [Misfit(what, len(bad), row_count, bad)], "all its quarters", least_total=1)


def check_cells(mapping: SourceMapping, quarter: str, rows_in: int, used: Sequence[str], rejects: pd.DataFrame) -> None:
    """Raise SourceInvalid if too many rows or cells of a quarter could not be read, or a required item is empty.

    A required item is empty if at least three rows are not rejected as a whole and none of them has it.
    `used` has the item of each fact and text of the quarter; `rejects` is the table REJECTS of the quarter.
    """
    _check(mapping, _misfits(mapping, rows_in, used, rejects), quarter, LEAST_COUNT)
    items = {*used, *rejects["item"].dropna()}
    empty = [item for item in mapping.expect.required if item not in items]
    whole_rows = int(rejects["item"].isna().sum())  # their cells are not read, so they do not show what is empty
    if empty and rows_in - whole_rows >= LEAST_COUNT:
        columns = ", ".join(f"{item} (column {mapping.items[item].column!r})" for item in empty)
        fix = f"Correct items in {_place(mapping)}, or take them out of expect.required"
        raise SourceInvalid(f"no row of {quarter} has a value of {columns}", fix, f"Source {mapping.name!r}")


def misfits_by_quarter(
    mapping: SourceMapping, made: StandardizedTables, ledger: pd.DataFrame
) -> dict[date, SourceInvalid]:
    """The error of `check_cells` for each quarter (first day) of the ledger that the mapping does not fit."""
    errors: dict[date, SourceInvalid] = {}
    for quarter, rows_in in zip(ledger["quarter"], ledger["rows_in"], strict=True):
        used = [
            frame[frame["period_end"].map(quarter_of) == quarter] for frame in (made.facts, made.texts) if len(frame)
        ]
        rejects = made.rejects[made.rejects["quarter"] == quarter]
        try:
            items = [item for frame in used for item in frame["item"]]
            check_cells(mapping, quarter_label(quarter), int(rows_in), items, rejects)
        except SourceInvalid as error:
            errors[quarter] = error
    return errors


def check_source(mapping: SourceMapping, ledger: pd.DataFrame, rejects: pd.DataFrame) -> None:
    """Raise SourceInvalid if too many rows or cells of all quarters together could not be read.

    In a quarter of few rows one or two may be all of them. `ledger` and `rejects` are the source's tables LEDGER and
    REJECTS of all its quarters.
    """
    rows = rejects[rejects["reason"].isin(UNREADABLE_ROWS)]
    cells = rejects[rejects["item"].notna()]
    bad = cells[cells["reason"].isin(UNREADABLE_CELLS)]
    misfits = [
        Misfit("rows", len(rows), int(ledger["rows_in"].sum()), rows),
        Misfit("cells", len(bad), int(ledger["cells_used"].sum()) + len(cells), bad),
    ]
    _check(mapping, misfits, "all its quarters", least_total=1)


def count_cells(made: StandardizedTables) -> pd.DataFrame:
    """Of each item, how many cells were given and how many of them could not be read: item, given, unread."""
    reasons = ", ".join(f"'{reason}'" for reason in UNREADABLE_CELLS)
    return frames.query(
        f"""
        SELECT item, count(*) AS given, count(*) FILTER (is_unread) AS unread
        FROM (
            SELECT item, false AS is_unread FROM facts
            UNION ALL SELECT item, reason IN ({reasons}) FROM rejects WHERE item IS NOT NULL
        )
        GROUP BY item ORDER BY item
        """,
        facts=made.facts[["item"]],
        rejects=made.rejects[["item", "reason"]],
    )


def _misfits(mapping: SourceMapping, rows_in: int, used: Sequence[str], rejects: pd.DataFrame) -> Iterator[Misfit]:
    rows = rejects[rejects["reason"].isin(UNREADABLE_ROWS)]
    yield Misfit("rows", len(rows), rows_in, rows)
    cells = rejects[rejects["item"].notna()]
    bad = cells[cells["reason"].isin(UNREADABLE_CELLS)]
    yield Misfit("cells", len(bad), len(used) + len(cells), bad)
    totals = Counter([*used, *cells["item"]])
    for item, of_item in bad.groupby("item"):
        if len(of_item) > MOST * totals[item]:  # fewer may be words that mean no value
            what = f"cells of column {mapping.items[str(item)].column!r}"
            yield Misfit(what, len(of_item), totals[item], of_item)


def _check(mapping: SourceMapping, misfits: Iterable[Misfit], where: str, least_total: int) -> None:
    limit = mapping.expect.unreadable
    for misfit in misfits:
        if misfit.is_beyond(limit, least_total):
            examples = "; ".join(_example(mapping, row) for row in misfit.examples.head(EXAMPLES).itertuples())
            raise SourceInvalid(
                f"{misfit.count:,} of {misfit.total:,} {misfit.what} could not be read in {where}, more than "
                f"{min(limit, MOST):.0%}: {examples}",
                f"Correct the formats, values and numbers in {_place(mapping)}, or have the source correct its data "
                "(expect.unreadable sets the limit); what was stored before stays",
                f"Source {mapping.name!r}",
            )


def _example(mapping: SourceMapping, row: Any) -> str:
    """`row 17, column 'Months': 'twelve'`, from a row of the table REJECTS."""
    column, text = row.column, row.raw_text
    if pd.isna(row.item):  # the whole row is rejected
        column = _columns_by_reason(mapping).get(row.reason, mapping.row_key)
        text = json.loads(text).get(column)
    return f"row {row.row_key}, column {column!r}: {text!r}"


def _columns_by_reason(mapping: SourceMapping) -> dict[str, str]:
    parts = {
        "length_unknown": mapping.months,
        "currency_unknown": mapping.currency,
        "scale_unknown": mapping.scale,
        "known_since_unreadable": mapping.known_since,
        **dict.fromkeys(UNREADABLE_DATES, mapping.period_end),
    }
    return {reason: part.column for reason, part in parts.items() if isinstance(part, ValueColumn | Dates)}


def _place(mapping: SourceMapping) -> str:
    return f"defs/sources/{mapping.name}/defs.yaml"
