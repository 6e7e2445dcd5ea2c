-- The decided readings; of those that count, the ones that a newer row of the same company, period and currency leaves
-- blank are withdrawn.
WITH newest AS (
    SELECT company_id, period_end, months, currency, finsync_row, row_key, known_since, first_seen
    FROM rows
    QUALIFY known_since = max(known_since) OVER (PARTITION BY company_id, period_end, months, currency)
),
filled AS (SELECT DISTINCT newest.* EXCLUDE (finsync_row, row_key), item FROM newest JOIN decided USING (finsync_row)),
blank AS (
    SELECT
        decided.finsync_row, decided.item,
        min({'key': newest.row_key, 'known_since': newest.known_since, 'first_seen': newest.first_seen}) AS newer
    FROM decided
    JOIN rows USING (finsync_row)
    JOIN newest
        ON
            newest.company_id = rows.company_id AND newest.period_end = rows.period_end
            AND newest.months IS NOT DISTINCT FROM rows.months AND newest.currency = rows.currency
            AND newest.known_since > rows.known_since
    WHERE
        decided.reason IS NULL
        AND NOT EXISTS (
            FROM filled
            WHERE
                filled.company_id = rows.company_id AND filled.period_end = rows.period_end
                AND filled.months IS NOT DISTINCT FROM rows.months AND filled.currency = rows.currency
                AND filled.item = decided.item
        )
    GROUP BY ALL
)
SELECT
    decided.* REPLACE (
        CASE WHEN newer IS NOT NULL THEN 'withdrawn' ELSE reason END AS reason,
        coalesce(newer.key, other_row_key) AS other_row_key,
        newer.known_since AS withdrawn_since,
        newer.first_seen AS withdrawn_seen
    )
FROM decided LEFT JOIN blank USING (finsync_row, item)
