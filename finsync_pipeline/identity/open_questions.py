"""What is left to people: the spellings whose rows are refused, those with the most rows first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from finsync_pipeline import frames

QUESTIONS_SQL = """
    SELECT
        source, spelling, evidence,
        sum(row_count)::BIGINT AS row_count, min(period_end) AS first_period, max(period_end) AS last_period,
        last(status ORDER BY period_end) AS status,
        last(suggestion ORDER BY period_end) AS suggestion, last(score ORDER BY period_end) AS score,
        last(runner_up ORDER BY period_end) AS runner_up, last(runner_up_score ORDER BY period_end) AS runner_up_score,
        last(candidates ORDER BY period_end) AS candidates
    FROM decisions
    WHERE status IN ('ambiguous', 'unknown', 'conflict') AND trim(spelling) <> ''
    GROUP BY source, spelling, evidence
    ORDER BY row_count DESC, source, spelling, evidence
"""


def open_questions(decisions: pd.DataFrame, companies: pd.DataFrame) -> pd.DataFrame:
    """One row per source, spelling and evidence that is not decided: the columns of IDENTITY_REVIEW that are known.

    `decisions` is a table COMPANY_IDS over all sources and quarters, `companies` the list with company_id and name.
    Status, suggestion and candidates are those of the latest period. Rows without any spelling are no question.
    """
    listed = companies[companies["name"].notna()]
    names = dict(zip(listed["company_id"], listed["name"], strict=True))
    found = frames.query(QUESTIONS_SQL, decisions=decisions)
    told = [_candidates_told(row, names) for row in frames.to_arrow(found).to_pylist()]
    return found.assign(
        suggestion_name=found["suggestion"].map(names).astype(frames.STRING),
        candidates=pd.Series(told, dtype=frames.STRING),
    )


def _candidates_told(decision: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """`0000046765 HELMERICH & PAYNE INC 100; 0000047217 HEWLETT PACKARD CO 100`."""
    if decision["candidates"] is not None:
        candidates = json.loads(decision["candidates"])
    else:
        pairs = (("suggestion", "score"), ("runner_up", "runner_up_score"))
        candidates = [(decision[company], decision[score]) for company, score in pairs if decision[company]]
    return "; ".join(_told(company, score, names) for company, score in candidates) or None


def _told(company: str, score: float | None, names: Mapping[str, str]) -> str:
    parts = [company, names.get(company), None if score is None else f"{score:.4g}"]
    return " ".join(part for part in parts if part)
