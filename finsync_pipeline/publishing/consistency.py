"""Consistency: whether the stored tables belong to each other. A release refuses tables of different runs."""

from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.staleness import labels, run_command

# A sum of hashes: the order of the facts does not matter. DuckDB's own hash is ten times as fast as MD5; should another
# DuckDB have another one, the financials count as outdated.
_QUARTER = "date_trunc('quarter', period_end)::DATE"
_VERSION = "count(*) || '-' || sum(hash(company_id, item, period_end, months, currency, value, source))"

_MIXED_SQL = """
    WITH used AS (
        SELECT source, period_end, data_version FROM facts
        UNION ALL
        SELECT source, period_end, data_version FROM texts
    ),
    used_counts AS (
        SELECT
            source, date_trunc('quarter', period_end)::DATE AS quarter,
            count(*) AS used, min(data_version) AS lowest, max(data_version) AS highest
        FROM used GROUP BY ALL
    ),
    unused_counts AS (
        SELECT source, quarter, sum(cells) AS unused FROM rejects WHERE quarter IS NOT NULL GROUP BY ALL
    ),
    decided AS (
        SELECT
            source, date_trunc('quarter', period_end)::DATE AS quarter,
            any_value((reference_version, review_version)) AS versions
        FROM company_ids WHERE row_count > 0 GROUP BY ALL
    )
    SELECT source, quarter
    FROM ledger
    FULL JOIN used_counts USING (source, quarter)
    FULL JOIN unused_counts USING (source, quarter)
    LEFT JOIN decided USING (source, quarter)
    WHERE coalesce(used, 0) <> coalesce(cells_used, 0)
        OR coalesce(unused, 0) <> coalesce(cells_rejected + cells_superseded, 0)
        OR lowest <> data_version OR highest <> data_version
        OR versions <> (reference_version, review_version)
    ORDER BY source, quarter
"""


def facts_versions(facts: nw.LazyFrame[Any]) -> dict[date, str]:
    """A version of the facts (table FACTS, of all sources) of each quarter that has any."""
    return dict(facts.to_native().aggregate(f"{_QUARTER}, {_VERSION}", _QUARTER).fetchall())


def check_of_one_run(
    ledger: pd.DataFrame, facts: pd.DataFrame, texts: pd.DataFrame, rejects: pd.DataFrame, company_ids: pd.DataFrame
) -> None:
    """Raise PublicationError if facts, texts and rejects (of all sources) are not those that the ledger counted.

    Nor may companies have been decided again since.
    """
    decided = company_ids[["source", "period_end", "row_count", "reference_version", "review_version"]]
    tables = {"ledger": ledger, "facts": facts, "texts": texts, "rejects": rejects, "company_ids": decided}
    mixed = frames.query(_MIXED_SQL, **tables)
    if found := list(zip(mixed["source"], mixed["quarter"], strict=True)):
        named = ", ".join(f"{source} {labels([quarter])}" for source, quarter in found[:4])
        raise PublicationError(
            f"company_ids, facts, rejects and ledger are not of one run for {named}",
            f"Run: {run_command([quarter for _, quarter in found])}",
        )


def check_all_rows(source: str, rows_in: int, unassigned: int, row_count: int) -> None:
    """Raise PublicationError if the rows of all quarters and the unassigned are not those that the source counts."""
    if rows_in + unassigned != row_count:
        raise PublicationError(
            f"has {row_count:,} rows, but {rows_in:,} are in its quarters and {unassigned:,} are unassigned: it "
            "changed after some of them were brought in",
            "Run: finsync run",
            f"Source {source!r}",
        )


def check_financials(financials: pd.DataFrame, facts: nw.LazyFrame[Any]) -> None:
    """Raise PublicationError if the financials (table FINANCIALS) were not made from these facts (table FACTS)."""
    made_from = frames.query(
        "SELECT DISTINCT date_trunc('quarter', period_end)::DATE AS quarter, facts_version FROM financials",
        financials=financials[["period_end", "facts_version"]],
    )
    now = facts_versions(facts)
    stored = set(zip(made_from["quarter"], made_from["facts_version"], strict=True))
    if other := sorted({quarter for quarter, _ in stored ^ set(now.items())}):
        raise PublicationError(
            f"the financials of {labels(other)} were made from other facts than there are now",
            "Run: finsync release (in the UI: the job release)",
        )
