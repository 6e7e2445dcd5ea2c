"""The inventory of one source: what it holds now.

Quarters are decided here and never at the source: the inventory lists every text of a period end with the day that it
means, and the rows of a quarter are fetched by these texts (`raw_rows`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import RouteNotFound, SourceChanged, SourceErrors
from finsync_pipeline.clients.http import PARALLEL
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.responses import Rows, Version
from finsync_pipeline.extraction.cell_text import as_literals
from finsync_pipeline.extraction.fetch import (
    count_of,
    fetch_reconciled,
    key_order,
    query_count,
    query_page,
    query_unless_too_large,
    whole_table,
)
from finsync_pipeline.extraction.source_query import columns_query, count_query, literal, periods_query, text_of_literal
from finsync_pipeline.statements.dates import UnreadableDate, quarter_of, read_period_end
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.standardize import rejected_rows
from finsync_pipeline.statements.tables import INVENTORY, REJECTS
from finsync_pipeline.statements.validate import check_columns

PAGE_ROWS = 1_000
"""Period ends to begin with where a service does not return all at once."""


@dataclass(frozen=True)
class Inventory:
    """What a source holds now.

    `periods` is a table INVENTORY, `unassigned` the rows that belong to no quarter as a table REJECTS, `unmapped` the
    columns that the mapping does not name, `row_count` the rows of the table as the source counts them.
    """

    periods: pd.DataFrame
    unassigned: pd.DataFrame
    unmapped: list[str]
    row_count: int


def take_inventory(service: Service, mapping: SourceMapping, quarters: Sequence[date]) -> Inventory:
    """Query what the source holds, and assign each text of a period end to one of `quarters` (first days).

    If the source publishes other data in between, all is queried once more. Raises SourceError; of these,
    SourceInvalid for a missing column.
    """
    try:
        return _take_inventory(service, mapping, set(quarters))
    except SourceChanged:
        return _take_inventory(service, mapping, set(quarters))


def quarter_versions(periods: pd.DataFrame) -> dict[date, str]:
    """A version for each quarter that the inventory has rows for: it changes when the quarter's rows change.

    Where the service gives no hashes of periods, it changes with the whole source.
    """
    assigned = periods[periods["quarter"].notna()].sort_values("literal")
    hashes = assigned["content_hash"].fillna(assigned["data_version"])
    content: dict[date, list[list[Any]]] = {}
    for quarter, *line in zip(assigned["quarter"], assigned["literal"], assigned["row_count"], hashes, strict=True):
        content.setdefault(quarter, []).append(line)
    return {quarter: _digest(lines) for quarter, lines in sorted(content.items())}


def rows_by_quarter(periods: pd.DataFrame) -> dict[date, int]:
    """The rows that the inventory counts for each quarter that has any."""
    rows = periods.groupby("quarter")["row_count"].sum()
    return dict(zip(rows.index, map(int, rows), strict=True))


def is_whole(periods: pd.DataFrame, quarters: Sequence[date]) -> bool:
    """Whether the quarters are all that the inventory has assigned rows for."""
    return bool(periods["quarter"].dropna().isin(list(quarters)).all())


def _take_inventory(service: Service, mapping: SourceMapping, quarters: set[date]) -> Inventory:
    with ThreadPoolExecutor(PARALLEL) as threads:
        columns = threads.submit(service.query, columns_query(mapping))
        version = threads.submit(service.version)
        periods = threads.submit(query_unless_too_large, service, periods_query(mapping))
        total = threads.submit(query_count, service, mapping, count_query(mapping))
    try:
        unmapped = check_columns(mapping, columns.result().columns)
        row_count = total.result()
        counts = _count_periods(service, mapping, periods.result(), row_count)
        responses = [columns.result(), periods.result(), version.result()]
    except RouteNotFound as no_sql:
        table = whole_table(service, no_sql)
        unmapped, row_count = check_columns(mapping, table.columns), table.row_count
        responses = [table, version.result()]
        counts = Counter(as_literals(table.table[mapping.period_end.column]).to_pylist())
        _check_period_ends(counts, service, mapping)
    versions = {response.data_version for response in responses if response is not None} - {None}
    if len(versions) > 1:
        raise SourceErrors(mapping.name, mapping.url).changed()
    data_version = next(iter(versions), None) or _digest(sorted(counts.items()))
    assigned = _assign(counts, mapping, quarters, _hashes(version.result(), counts), data_version)
    return Inventory(assigned, _unassigned(service, mapping, assigned), unmapped, row_count)


def _count_periods(service: Service, mapping: SourceMapping, first: Rows | None, row_count: int) -> Counter[str]:
    """The rows of each period end: those in the first response, if they are all rows, else page by page."""
    counts = _counts(first, service, mapping) if first else Counter()
    if sum(counts.values()) == row_count:
        return counts
    limit = max(1, first.row_count) if first else PAGE_ROWS
    counts = +Counter({"NULL": query_count(service, mapping, count_query(mapping, ["NULL"]))})
    after: str | None = None
    page_count = 0
    while sum(counts.values()) < row_count:
        if page_count == service.bounds.pages:
            raise SourceErrors(mapping.name, mapping.url).endless(page_count)
        page_count += 1
        page, limit = query_page(service, partial(periods_query, mapping, after), limit)
        if page.row_count == 0:
            break
        counts += _counts(page, service, mapping)
        _check_period_ends(counts, service, mapping)
        after = literal(page.values(page.columns[0])[-1])
    return counts


def _counts(rows: Rows, service: Service, mapping: SourceMapping) -> Counter[str]:
    """The numbers of rows by the literal of their period end. Raises SourceInvalid for other columns than these two."""
    if len(rows.columns) != 2:
        raise SourceErrors(mapping.name, mapping.url).invalid("it is not the period ends and their numbers of rows")
    counts: Counter[str] = Counter()
    _check_period_ends(range(rows.row_count), service, mapping)
    for period, row_count in rows.as_lists():
        counts[literal(period)] += count_of(row_count, mapping)
    return counts


def _check_period_ends(found: Sized, service: Service, mapping: SourceMapping) -> None:
    if len(found) > (most := service.bounds.period_ends):
        what = f"has more than {most:,} different period ends"
        raise SourceErrors(mapping.name, mapping.url).beyond(what, "FINSYNC_SOURCE_PERIOD_ENDS")


def _assign(
    counts: Counter[str], mapping: SourceMapping, quarters: set[date], hashes: dict[str, str], data_version: str
) -> pd.DataFrame:
    """The table of period ends, each with its quarter or the reason why it has none."""
    return INVENTORY.validate(
        INVENTORY.frame(
            {
                "period_end_text": text_of_literal(period),
                "literal": period,
                "row_count": row_count,
                "content_hash": hashes.get(period),
                "data_version": data_version,
                **_quarter(text_of_literal(period) or "", mapping, quarters),
            }
            for period, row_count in sorted(counts.items())
        )
    )


def _hashes(version: Version | None, counts: Counter[str]) -> dict[str, str]:
    """The hash of each period end by its literal, if the service counts by the same column."""
    periods = version.periods if version else None
    by_literal = {literal(period.period): period for period in periods or ()}
    if {key: period.row_count for key, period in by_literal.items()} != counts:
        return {}
    return {key: period.content_hash for key, period in by_literal.items()}


def _quarter(text: str, mapping: SourceMapping, quarters: set[date]) -> dict[str, Any]:
    try:
        period_end = read_period_end(text, mapping.period_end)
    except UnreadableDate as error:
        return {"reason": error.reason}
    quarter = quarter_of(period_end)
    if quarter not in quarters:
        return {"period_end": period_end, "reason": "outside_quarters"}
    return {"period_end": period_end, "quarter": quarter}


def _unassigned(service: Service, mapping: SourceMapping, periods: pd.DataFrame) -> pd.DataFrame:
    """The rows that belong to no quarter, rejected with the reason of their period end, in the order of their keys."""
    periods = periods[periods["quarter"].isna()]
    if periods.empty:
        return REJECTS.frame()
    rows = frames.query(
        f"""
        SELECT *, NULL::DATE AS finsync_period_end FROM rows JOIN reasons USING (finsync_literal)
        ORDER BY {key_order(mapping)}
        """,
        rows=fetch_reconciled(service, mapping, periods),
        reasons=periods[["literal", "reason"]].add_prefix("finsync_"),
    )
    return rejected_rows(rows, mapping)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(list(content), ensure_ascii=False, default=str).encode()).hexdigest()
