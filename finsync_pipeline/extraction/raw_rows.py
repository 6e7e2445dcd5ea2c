"""The rows of some quarters as delivered, of those that the inventory counts."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.responses import Answer
from finsync_pipeline.extraction.fetch import Service, ask_rows, check_fetched, counts_of, key_order
from finsync_pipeline.extraction.inventory import is_whole, quarter_versions
from finsync_pipeline.statements.mapping import SourceMapping


def fetch_rows(
    service: Service,
    mapping: SourceMapping,
    delivery: pd.DataFrame,
    quarters: Sequence[date],
    held: Answer | None = None,
) -> pd.DataFrame:
    """The rows of these quarters, every cell as text as delivered, with the columns of `tables.RAW_BOOKKEEPING`.

    The whole table is asked for when that is what the quarters come to, or taken as `held` if that is what the delivery
    counts. Rows come by quarter in the order of their keys, so that the order of delivery does not matter. Raises
    SourceChanged if the rows are not those that the delivery counts.
    """
    wanted = delivery[delivery["quarter"].isin(list(quarters))]
    if is_whole(delivery, quarters):
        try:
            rows = None if held is None else check_fetched([held], delivery, mapping)
        except SourceChanged:  # it was held for too long
            rows = None
        if rows is None:
            rows = check_fetched(ask_rows(service, mapping, counts_of(delivery), is_whole=True), delivery, mapping)
    else:
        rows = check_fetched(ask_rows(service, mapping, counts_of(wanted)), wanted, mapping)
    return _dated(rows, wanted, mapping)


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
        ORDER BY finsync_quarter, {key_order(mapping)}
        """,
        rows=rows,
        placed=placed,
    )
