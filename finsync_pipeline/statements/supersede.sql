-- The readings with a reason for each that does not count: all are kept.
WITH compared AS (
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
decided AS (
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
SELECT * EXCLUDE (reading, money, known, all_are_equal, is_newest, winner, is_tied) FROM decided
