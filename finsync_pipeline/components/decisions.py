"""What the Dagster UI shows of decisions on company ids: numbers that it plots over quarters, and tables."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.metadata import markdown_table
from finsync_pipeline.defs.partitions import days_of, spoken
from finsync_pipeline.identity.audit import rows_by_decision, share_accepted

QUESTIONS_SHOWN = 20


def counted_by_quarter(context: dg.AssetExecutionContext, decisions: pd.DataFrame) -> None:
    """Add to each quarter of company_ids the rows of each method and status, and the share that is accepted."""
    counts = rows_by_decision(decisions)
    keys = context.partition_keys
    for key, day in zip(keys, days_of(keys), strict=True):
        if day in counts:
            told: dict[str, Any] = {f"rows_{decision}": rows for decision, rows in counts[day].items()}
            told["share_accepted"] = share_accepted(counts[day])
            context.add_asset_metadata(told, asset_key=context.asset_key, partition_key=key)


def methods_by_quarter(decisions: pd.DataFrame) -> dg.MetadataValue[Any]:
    """A table with a line for each quarter, the newest first: rows of each method and status, the share accepted."""
    counts = rows_by_decision(decisions)
    if not counts:
        return dg.MetadataValue.text("no rows")
    columns = list(next(iter(counts.values())))
    lines = [
        (spoken(quarter), *(f"{row[column]:,}" for column in columns), f"{share_accepted(row):.2%}")
        for quarter, row in sorted(counts.items(), reverse=True)
    ]
    return markdown_table(("quarter", *columns, "accepted"), lines)


def questions_shown(questions: pd.DataFrame) -> dg.MetadataValue[Any]:
    """The first of the open questions as a table."""
    columns = ("source", "spelling", "evidence", "row_count", "first_period", "last_period", "status", "candidates")
    rows: Sequence[Any] = list(questions[list(columns)].head(QUESTIONS_SHOWN).itertuples(index=False))
    return markdown_table(columns, rows) if rows else dg.MetadataValue.text("nothing to decide")
