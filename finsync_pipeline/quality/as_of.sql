-- The numbers of each source as they were known at the end of the day: the newest version of each, by the date since which
-- it is known, then by the day on which it was first seen; without suspects, unless all are wanted `as filed`.
CREATE OR REPLACE TEMP MACRO as_of(day, suspects := 'withhold') AS TABLE
WITH known AS (
    SELECT
        *,
        known_since IS NULL OR rank() OVER (
            PARTITION BY company_id, item, period_end, months, currency, source
            ORDER BY known_since DESC NULLS LAST, first_seen <= day DESC, first_seen DESC
        ) = 1 AS may_be_newest
    FROM history
    WHERE
        coalesce(known_since, first_seen) <= day
        AND (replaced_on IS NULL OR replaced_on > day)
        AND (suspects = 'as filed' OR why IS NULL)
),
cells AS (
    SELECT
        company_id, item, period_end, months, currency, source,
        min(value) AS least, max(value) AS greatest, bool_or(value IS NULL) AS is_withdrawn,
        min_by((row_key, data_version, known_since, first_seen), (known_since, first_seen, row_key)) AS given
    FROM known
    WHERE may_be_newest
    GROUP BY ALL
)
SELECT
    company_id, item, period_end, months, currency, source,
    CASE WHEN least = greatest AND NOT is_withdrawn THEN least END AS value,
    given[1] AS row_key, given[2] AS data_version, given[3] AS known_since, given[4] AS first_seen,
    least < greatest OR is_withdrawn AS is_disputed
FROM cells
WHERE least IS NOT NULL;

-- Each version that differs from the one before it, and each number that its source gives no longer.
CREATE OR REPLACE TEMP MACRO revisions() AS TABLE
WITH ends AS (
    SELECT
        company_id, item, period_end, months, currency, source,
        max(known_since) AS last_known, max(replaced_on) AS replaced_on
    FROM history
    GROUP BY ALL
    HAVING bool_and(replaced_on IS NOT NULL)
),
given AS (
    SELECT
        company_id, item, period_end, months, currency, source, value, known_since, first_seen, factor, why, FALSE AS is_gone
    FROM history
    WHERE known_since IS NOT NULL
    UNION ALL BY NAME
    SELECT * EXCLUDE (last_known, replaced_on), replaced_on AS known_since, replaced_on AS first_seen, TRUE AS is_gone
    FROM ends
),
compared AS (
    SELECT
        *,
        lag(value) OVER cell AS before, lag(known_since) OVER cell AS before_known_since,
        lag(factor) OVER cell AS before_factor,
        row_number() OVER cell > 1 AS is_later
    FROM given
    WINDOW cell AS (
        PARTITION BY company_id, item, period_end, months, currency, source ORDER BY known_since, first_seen, is_gone, value
    )
)
SELECT
    company_id, item, period_end, months, currency, source, before, value AS after, before_known_since, known_since,
    first_seen, value - before AS change, (value - before) / nullif(abs(before), 0) AS share,
    CASE
        WHEN is_gone THEN 'gone'
        WHEN value IS NULL THEN 'withdrawn'
        WHEN before IS NULL THEN 'given_again'
        WHEN value * before < 0 AND abs(value + before) <= 0.01 * abs(value) THEN 'sign'
        WHEN known_since = before_known_since AND first_seen <= before_known_since THEN 'conflict'
        WHEN list_contains([2, 3, 6, 9], round(abs(log10(nullif(abs(value / nullif(before, 0)), 0))), 2)) THEN 'unit'
        ELSE 'restated'
    END AS cause,
    CASE WHEN why IS NOT NULL THEN factor WHEN before_factor IS NOT NULL THEN 1 / before_factor END AS factor, why
FROM compared
WHERE is_later AND value IS DISTINCT FROM before;
