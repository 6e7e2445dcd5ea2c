-- The readings with a reason for each that does not count, and the row that counts instead: all are kept.
WITH compared AS (
    SELECT
        *,
        min(reading) OVER fact = max(reading) OVER fact AS all_are_equal,
        -- One without a day may be newer than all others
        known_since IS NULL OR known_since = max(known_since) OVER fact AS may_be_newest
    FROM usable
    WINDOW fact AS (PARTITION BY company_id, item, period_end, months, money)
),
winners AS (
    SELECT
        company_id, item, period_end, months, money,
        min(finsync_row) AS winner, min(reading) AS lowest, max(reading) AS highest,
        arg_min({'key': row_key, 'text': raw_text}, finsync_row) AS first_row,
        arg_max({'key': row_key, 'text': raw_text}, (reading, -finsync_row)) AS highest_row,
        arg_min({'key': row_key, 'text': raw_text}, (reading, finsync_row)) AS lowest_row
    FROM compared
    WHERE all_are_equal OR may_be_newest
    GROUP BY ALL
),
decided AS (
    SELECT
        * REPLACE (
            CASE
                WHEN lowest < highest THEN 'conflict'
                WHEN finsync_row = winner THEN NULL
                WHEN all_are_equal OR may_be_newest THEN 'same_value'
                ELSE 'older_value'
            END AS reason
        ),
        CASE
            WHEN lowest = highest THEN first_row WHEN reading = lowest THEN highest_row ELSE lowest_row
        END AS other
    FROM compared
    JOIN winners USING (company_id, item, period_end, months, money)
)
SELECT * FROM readings WHERE reason IS NOT NULL
UNION ALL BY NAME
SELECT
    * EXCLUDE (
        reading, money, known, all_are_equal, may_be_newest,
        winner, lowest, highest, first_row, highest_row, lowest_row, other
    ) REPLACE (
        CASE WHEN reason IS NOT NULL THEN other.key END AS other_row_key,
        CASE WHEN reason IS NOT NULL THEN other.text END AS other_raw_text
    )
FROM decided
