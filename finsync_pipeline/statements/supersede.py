"""Which of several rows of one source counts for the same company, item, period, length and currency.

Equal values keep the lowest row key. Different values keep the newest `known_since`; still tied, all are
refused as a conflict. Rows are numbered in the order of their keys, so the lowest key is the lowest number.
"""

SUPERSEDE_SQL = """
    WITH usable AS (
        SELECT
            *,
            CASE WHEN is_text THEN text ELSE CAST(value AS VARCHAR) END AS reading,
            CASE WHEN is_text THEN '' ELSE currency END AS money,
            coalesce(known_since, DATE '0001-01-01') AS known
        FROM readings
        WHERE reason IS NULL
    ),
    compared AS (
        SELECT
            *,
            min(reading) OVER fact = max(reading) OVER fact AS all_are_equal,
            known = max(known) OVER fact AS is_newest
        FROM usable
        WINDOW fact AS (PARTITION BY company_id, item, period_end, months, money)
    ),
    winners AS (
        SELECT
            company_id, item, period_end, months, money,
            min(finsync_row) AS winner,
            count(DISTINCT reading) > 1 AS is_tied
        FROM compared
        WHERE all_are_equal OR is_newest
        GROUP BY ALL
    ),
    judged AS (
        SELECT
            * REPLACE (
                CASE
                    WHEN is_tied THEN 'conflict'
                    WHEN finsync_row = winner THEN NULL
                    WHEN all_are_equal OR is_newest THEN 'same_value'
                    ELSE 'older_value'
                END AS reason
            )
        FROM compared
        JOIN winners USING (company_id, item, period_end, months, money)
    )
    SELECT * FROM readings WHERE reason IS NOT NULL
    UNION ALL BY NAME
    SELECT * EXCLUDE (reading, money, known, all_are_equal, is_newest, winner, is_tied) FROM judged
"""
