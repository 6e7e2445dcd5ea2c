"""Reports on decisions: how many rows each method decided, and the review queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Status

NOT_ACCEPTED = tuple(str(status) for status in Status if status is not Status.ACCEPTED)

_COUNTS_SQL = f"""
    SELECT
        date_trunc('quarter', period_end)::DATE AS quarter,
        CASE WHEN status = '{Status.ACCEPTED}' THEN method ELSE status END AS decision,
        sum(row_count)::BIGINT AS rows
    FROM decisions WHERE row_count > 0 GROUP BY ALL ORDER BY quarter
"""
# An accepted one with a suggestion is used, but a person should look at it.
_QUESTIONS_SQL = rf"""
    WITH asked AS (
        SELECT source_name AS name, * REPLACE (regexp_replace(source_name, '\s*[\r\n]+\s*', ' ', 'g') AS source_name)
        FROM decisions
        WHERE row_count > 0 AND trim(source_name) <> '' AND status <> '{Status.REJECTED}'
            AND (status <> '{Status.ACCEPTED}' OR suggestion IS NOT NULL)
    )
    SELECT
        source, source_name, supporting_columns,
        sum(row_count)::BIGINT AS row_count, min(period_end) AS first_period, max(period_end) AS last_period,
        last(COLUMNS(['status', 'suggestion', 'score', 'runner_up', 'runner_up_score', 'candidates'])
            ORDER BY period_end, name) AS "\0"
    FROM asked
    GROUP BY source, source_name, supporting_columns
    ORDER BY row_count DESC, source, source_name, supporting_columns
"""


def rows_by_decision(decisions: pd.DataFrame) -> dict[date, dict[str, int]]:
    """For each quarter (first day) of the decisions: the rows accepted by each method, then the others by status.

    Every quarter has all the methods that occur in any, so that a chart has a point for each. `decisions` is a table
    COMPANY_IDS.
    """
    counted = frames.query(_COUNTS_SQL, decisions=decisions[["period_end", "status", "method", "row_count"]])
    methods = sorted({*counted["decision"]} - {*NOT_ACCEPTED})
    counts: dict[date, dict[str, int]] = {}
    for quarter, decision, rows in counted.itertuples(index=False, name=None):
        counts.setdefault(quarter, dict.fromkeys((*methods, *NOT_ACCEPTED), 0))[decision] = int(rows)
    return counts


def share_accepted(counts: dict[str, int]) -> float:
    """The share of rows that are accepted, by whatever method."""
    return 1 - sum(counts[status] for status in NOT_ACCEPTED) / sum(counts.values())


def open_questions(decisions: pd.DataFrame, companies: pd.DataFrame) -> pd.DataFrame:
    """One row per source, name and supporting columns that are not decided, or in doubt, the most frequent first.

    `decisions` is a table COMPANY_IDS over all sources and quarters, `companies` the list with company_id and name.
    Returns those columns of IDENTITY_REVIEW that are known; status, suggestion and candidates are those of the latest
    period. Rows without a source name are left out. A line break in a name becomes a blank, so the review can name it.
    """
    names = companies.set_index("company_id")["name"].dropna().to_dict()
    found = frames.query(_QUESTIONS_SQL, decisions=decisions)
    texts = [_candidates_in_words(row, names) for row in frames.to_arrow(found).to_pylist()]
    return found.assign(
        suggestion_name=found["suggestion"].map(names).astype(frames.STRING),
        candidates=pd.Series(texts, dtype=frames.STRING),
    )


def _candidates_in_words(decision: Mapping[str, Any], names: Mapping[Any, str]) -> str | None:
    """`0000046765 HELMERICH & PAYNE INC 100; 0000047217 HEWLETT PACKARD CO 100`."""
    if decision["candidates"] is not None:
        candidates = json.loads(decision["candidates"])
    else:
        candidates = [(decision["suggestion"], decision["score"]), (decision["runner_up"], decision["runner_up_score"])]
    texts = ([c, names.get(c), None if score is None else f"{score:.4g}"] for c, score in candidates if c)
    return "; ".join(" ".join(filter(None, parts)) for parts in texts) or None
