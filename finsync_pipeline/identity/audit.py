"""What is told of decisions: how many rows each method decided, by quarter."""

from __future__ import annotations

from datetime import date

import pandas as pd

from finsync_pipeline import frames

REFUSED = ("ambiguous", "unknown", "conflict", "rejected")


def rows_by_decision(decisions: pd.DataFrame) -> dict[date, dict[str, int]]:
    """For each quarter (first day) of the decisions: the rows accepted by each method, then those refused by status.

    Every quarter has all the methods that occur in any, so that a chart has a point for each. `decisions` is a table
    COMPANY_IDS.
    """
    counted = frames.query(
        """
        SELECT
            date_trunc('quarter', period_end)::DATE AS quarter,
            CASE WHEN status = 'accepted' THEN method ELSE status END AS decision,
            sum(row_count)::BIGINT AS rows
        FROM decisions GROUP BY ALL
        """,
        decisions=decisions[["period_end", "status", "method", "row_count"]],
    )
    methods = sorted({*counted["decision"]} - {*REFUSED})
    counts: dict[date, dict[str, int]] = {
        quarter: dict.fromkeys((*methods, *REFUSED), 0) for quarter in sorted({*counted["quarter"]})
    }
    for quarter, decision, rows in counted.itertuples(index=False, name=None):
        counts[quarter][decision] = int(rows)
    return counts


def share_accepted(counts: dict[str, int]) -> float:
    """The share of rows that are accepted, by whatever method."""
    return 1 - sum(counts[status] for status in REFUSED) / sum(counts.values())
