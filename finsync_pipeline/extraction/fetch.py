"""The rows of one source: fetched in chunks and reconciled with its inventory.

Many services limit the rows of a response, some without reporting it. So where fewer rows come than the inventory
counts, smaller chunks are fetched: some period ends, one period end, then its rows in the order of their keys. Of a
service without SQL the whole table is fetched, and filtered here.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import ResultTooLarge, RouteNotFound, SourceErrors
from finsync_pipeline.clients.http import PARALLEL
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.extraction.cell_text import as_literals, table_as_text
from finsync_pipeline.extraction.source_query import keyless_rows_query, literal, rows_page_query, rows_query
from finsync_pipeline.statements.mapping import SourceMapping

Counts = Mapping[str, int]
"""Numbers of rows by the literal of their period end."""
MOST_ROWS = 2**53
"""No table has more; and it is an integer wherever it goes."""
LITERAL_CHARACTERS = 3_000
"""Period ends are named in a URL, and many servers take no more than 8,000 characters of it."""


def fetch_periods(service: Service, mapping: SourceMapping, counts: Counts, is_whole: bool = False) -> list[Rows]:
    """The rows with these period ends, as many as are counted if the source has not changed.

    `is_whole` means that these are all rows of the source: then the whole table may be returned, with columns that the
    mapping does not name. Raises SourceError.
    """
    table = service.table() if is_whole else None
    if table is not None:
        return [table]
    try:
        return _fetch_in_chunks(service, mapping, counts, is_whole)
    except RouteNotFound as no_sql:
        rows = whole_table(service, no_sql)
        literals = as_literals(with_columns(rows, mapping).table[mapping.period_end.column])
        is_wanted = pc.is_in(literals, pa.array(list(counts), pa.string()))
        return [Rows(rows.table.filter(is_wanted), rows.data_version)]


def fetch_reconciled(
    service: Service, mapping: SourceMapping, periods: pd.DataFrame, is_whole: bool = False
) -> pd.DataFrame:
    """The rows with the period ends of the inventory, as of `reconcile`; `is_whole` as of `fetch_periods`."""
    return reconcile(fetch_periods(service, mapping, _counts(periods), is_whole), periods, mapping)


def whole_table(service: Service, no_sql: RouteNotFound) -> Rows:
    """The table of a service without SQL. Raises `no_sql`, its response to SQL, if it has no table either."""
    with suppress(RouteNotFound):
        if (table := service.table()) is not None:
            return table
    raise no_sql


def reconcile(fetched: list[Rows], periods: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The fetched rows as text, with the column `finsync_literal` of the period end.

    Raises SourceChanged if they are not the rows that the inventory counts, or of another version of the data.
    """
    versions = {rows.data_version for rows in fetched}
    if versions != {None}:
        versions |= set(periods["data_version"])
    if len(versions) > 1:
        raise SourceErrors(mapping.name, mapping.url).changed()
    for each in fetched:
        with_columns(each, mapping)
    no_rows = pa.schema([(name, pa.string()) for name in (*mapping.columns, "finsync_literal")]).empty_table()
    rows = frames.from_arrow(pa.concat_tables([no_rows, *(table_as_text(each.table, mapping) for each in fetched)]))
    if rows["finsync_literal"].value_counts().to_dict() != _counts(periods):
        raise SourceErrors(mapping.name, mapping.url).changed()
    return rows


def key_order(mapping: SourceMapping) -> str:
    """SQL of the order of the rows: by their keys, then by all other cells."""
    key = frames.quoted(mapping.row_key)
    return ", ".join([f"length({key})", key, *map(frames.quoted, mapping.columns)])


def query_page(service: Service, page_query: Callable[[int], str], limit: int) -> tuple[Rows, int]:
    """The first rows of a query, as many as the service returns at once, and the limit that it was sent.

    Raises ResultTooLarge if it does not even return one.
    """
    try:
        return service.query(page_query(limit)), limit
    except ResultTooLarge as error:
        if limit == 1:
            raise
        return query_page(service, page_query, error.smaller(limit))


def query_unless_too_large(service: Service, sql: str) -> Rows | None:
    """The rows of the query, or None where the service does not return them all at once."""
    with suppress(ResultTooLarge):
        return service.query(sql)
    return None


def query_count(service: Service, mapping: SourceMapping, sql: str) -> int:
    """The one number that the query returns. Raises SourceInvalid for anything else."""
    rows = service.query(sql)
    return count_of(rows.as_lists()[0][0] if (rows.row_count, len(rows.columns)) == (1, 1) else None, mapping)


def count_of(cell: Any, mapping: SourceMapping) -> int:
    """The cell as a number of rows. Raises SourceInvalid if it is none."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int) or not 0 <= cell <= MOST_ROWS:
        raise SourceErrors(mapping.name, mapping.url).invalid("a number of rows is not one")
    return cell


def with_columns(rows: Rows, mapping: SourceMapping) -> Rows:
    """The rows, if they have the mapping's columns. Raises SourceInvalid."""
    for name in mapping.columns:
        if name not in rows.columns:
            raise SourceErrors(mapping.name, mapping.url).invalid(f"column {name!r} is not in it")
    return rows


def _counts(periods: pd.DataFrame) -> Counts:
    """The rows that the inventory counts."""
    return dict(zip(periods["literal"], map(int, periods["row_count"]), strict=True))


def _fetch_in_chunks(service: Service, mapping: SourceMapping, counts: Counts, is_whole: bool) -> list[Rows]:
    """In rounds: what does not come completely is fetched in smaller chunks in the next round."""
    fetched: list[Rows] = []
    chunks = _chunks(counts, sum(counts.values()))
    if is_whole:
        fetched, chunks = _fetch_chunk(service, mapping, counts, is_whole=True)
    while chunks:
        with ThreadPoolExecutor(PARALLEL) as threads:
            results = list(threads.map(partial(_fetch_chunk, service, mapping), chunks))
        fetched += [rows for complete, _ in results for rows in complete]
        chunks = [chunk for _, smaller in results for chunk in smaller]
    return fetched


def _fetch_chunk(
    service: Service, mapping: SourceMapping, chunk: Counts, is_whole: bool = False
) -> tuple[list[Rows], list[Counts]]:
    """The rows with these period ends, if the service returns them completely, and else smaller chunks of them."""
    expected = sum(chunk.values())
    try:
        rows = service.query(rows_query(mapping, None if is_whole else chunk))
        if rows.row_count >= expected:
            return [rows], []
        limit = rows.row_count
    except ResultTooLarge as error:
        limit = error.smaller(expected)
    if len(chunk) == 1:
        return _fetch_by_key(service, mapping, chunk, max(1, limit)), []
    return [], _chunks(chunk, min(limit, expected // 2))


def _fetch_by_key(service: Service, mapping: SourceMapping, chunk: Counts, limit: int) -> list[Rows]:
    """The rows of the one period end in the chunk, in pages of at most `limit` rows in the order of their keys.

    A page may end between two rows of the same key; such rows are left to the next page. Where the service returns
    fewer rows than counted to the end, the source has changed: `reconcile` raises the error.
    """
    [(period, expected)] = chunk.items()
    errors = SourceErrors(mapping.name, mapping.url)
    pages = [service.query(keyless_rows_query(mapping, period))]
    after: str | None = None
    while (missing := expected - sum(page.row_count for page in pages)) > 0:
        if len(pages) > service.bounds.pages:
            raise errors.endless(service.bounds.pages)
        page, limit = query_page(service, partial(rows_page_query, mapping, period, after), limit)
        if page.row_count == 0:
            break
        keys = with_columns(page, mapping).values(mapping.row_key)
        is_cut = page.row_count >= limit and page.row_count != missing
        certain = keys.index(keys[-1]) if is_cut else page.row_count
        if not certain:
            raise errors.incomplete(limit, period, f"the same {mapping.row_key}, {keys[-1]!r}")
        pages.append(Rows(page.table.slice(0, certain), page.data_version))
        after = literal(keys[certain - 1])
    if missing > 0 and pages[0].row_count >= limit:
        raise errors.incomplete(limit, period, f"no {mapping.row_key}")
    return pages


def _chunks(counts: Counts, limit: int) -> list[Counts]:
    """The period ends in chunks of at most `limit` rows and LITERAL_CHARACTERS, or of one period end."""
    chunks: list[dict[str, int]] = []
    for period, count in counts.items():
        chunk = chunks[-1] if chunks else {}
        characters = len(period) + sum(map(len, chunk))
        if not chunk or sum(chunk.values()) + count > limit or characters > LITERAL_CHARACTERS:
            chunks.append({})
        chunks[-1][period] = count
    return list(chunks)
