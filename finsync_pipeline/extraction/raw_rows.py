"""The rows of some quarters as delivered, reconciled with the inventory."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.extraction.fetch import fetch_reconciled, key_order, reconcile
from finsync_pipeline.extraction.inventory import is_whole, quarter_versions
from finsync_pipeline.statements.mapping import SourceMapping


def fetch_rows(
    service: Service,
    mapping: SourceMapping,
    periods: pd.DataFrame,
    quarters: Sequence[date],
    prefetched: Rows | None = None,
) -> pd.DataFrame:
    """The rows of these quarters, every cell as text as delivered, with the columns of `tables.RAW_BOOKKEEPING`.

    The whole table is fetched if the quarters in the inventory `periods` are these alone, or taken as `prefetched` if
    that still is what the inventory counts. Rows come by quarter in the order of their keys, so that the order of
    delivery does not matter. Raises SourceChanged if the rows are not those that the inventory counts.
    """
    wanted = periods[periods["quarter"].isin(list(quarters))]
    whole = is_whole(periods, quarters)
    rows = None
    if whole and prefetched is not None:
        with suppress(SourceChanged):  # the source has changed since
            rows = reconcile([prefetched], periods, mapping)
    if rows is None:
        rows = fetch_reconciled(service, mapping, periods if whole else wanted, whole)
    return place_rows(rows, wanted, mapping)


def place_rows(rows: pd.DataFrame, periods: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """Those of the rows (`fetch_reconciled`) that have one of these period ends of the inventory, as raw rows.

    The period ends of a quarter are all or none among `periods`; each has a quarter.
    """
    versions = periods["quarter"].map(quarter_versions(periods)).astype(frames.STRING)
    placed = periods[["literal", "quarter", "period_end"]].assign(data_version=versions).add_prefix("finsync_")
    columns = ", ".join(frames.quoted(name) for name in mapping.columns)
    return frames.query(
        f"""
        SELECT {columns}, finsync_period_end, finsync_data_version
        FROM rows JOIN placed USING (finsync_literal)
        ORDER BY finsync_quarter, {key_order(mapping)}
        """,
        rows=rows,
        placed=placed,
    )
