"""What a release must hold to before it is published: its tables are of one run, and a source's rows add up."""

import pandas as pd

from finsync_pipeline import frames


class TablesMixed(ValueError):
    """Tables of a source do not belong together; the message says which quarters to materialize again."""


def refuse_mixed(
    ledger: pd.DataFrame, facts: pd.DataFrame, texts: pd.DataFrame, rejects: pd.DataFrame, company_ids: pd.DataFrame
) -> None:
    """Raise TablesMixed if facts, texts and rejects (tables of all sources) are not those that the ledger counted.

    Nor may the companies have been decided by another list or review since.
    """
    mixed = frames.query(
        """
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
                any_value((reference_version, review_version)) AS by_now
            FROM company_ids GROUP BY ALL
        )
        SELECT source, quarter
        FROM ledger
        FULL JOIN used_counts USING (source, quarter)
        FULL JOIN unused_counts USING (source, quarter)
        LEFT JOIN decided USING (source, quarter)
        WHERE coalesce(used, 0) <> coalesce(cells_used, 0)
            OR coalesce(unused, 0) <> coalesce(cells_rejected + cells_superseded, 0)
            OR lowest <> data_version OR highest <> data_version
            OR by_now <> (reference_version, review_version)
        ORDER BY source, quarter
        """,
        ledger=ledger,
        facts=facts,
        texts=texts,
        rejects=rejects,
        company_ids=company_ids[["source", "period_end", "reference_version", "review_version"]],
    )
    if len(mixed):
        told = ", ".join(f"{line.source} {line.quarter}" for line in mixed.head(4).itertuples())
        raise TablesMixed(
            f"Nothing is published: company_ids, facts, rejects and ledger are not of one run for {told}. Materialize "
            "all assets of the source's group for these quarters again."
        )


def refuse_unequal(source: str, rows_in: int, unassigned: int, row_count: int) -> None:
    """Raise TablesMixed if the rows of all quarters and the undated are not the rows that the source counts."""
    if rows_in + unassigned != row_count:
        raise TablesMixed(
            f"Nothing is published: {source} holds {row_count:,} rows, but {rows_in:,} are in its quarters and "
            f"{unassigned:,} unassigned: some were processed before it changed. Materialize {source} for all quarters "
            "again."
        )
