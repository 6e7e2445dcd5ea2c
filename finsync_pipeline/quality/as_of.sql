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

-- The numbers whose newest version is suspect, with the version before it that counts instead.
CREATE OR REPLACE TEMP MACRO older_used() AS TABLE
SELECT
    company_id, item, period_end, months, currency, source,
    newest.value, newest.known_since, newest.factor, newest.why,
    older.value AS used_value, older.row_key, older.data_version, older.known_since AS used_since, older.first_seen
FROM (SELECT * FROM history WHERE why IS NOT NULL AND replaced_on IS NULL) AS newest
JOIN as_of(DATE '9999-12-31') AS older USING (company_id, item, period_end, months, currency, source)
WHERE NOT older.is_disputed AND older.known_since < newest.known_since;

-- Each version that differs from the one before it, and each number that its source gives no longer. A version of which it
-- is not known since when it is known has no place among the others.
CREATE OR REPLACE TEMP MACRO revisions() AS TABLE
WITH gone AS (
    SELECT company_id, item, period_end, months, currency, source, max(replaced_on) AS known_since
    FROM history
    GROUP BY ALL
    HAVING bool_and(replaced_on IS NOT NULL)
),
given AS (
    SELECT
        company_id, item, period_end, months, currency, source, value, known_since, first_seen, replaced_on, why,
        FALSE AS is_gone
    FROM history
    WHERE known_since IS NOT NULL
    UNION ALL BY NAME
    SELECT *, known_since AS first_seen, TRUE AS is_gone FROM gone
),
compared AS (
    SELECT
        * EXCLUDE (value), value AS after, lag(value) OVER cell AS before,
        lag(known_since) OVER cell AS before_known_since, lag(first_seen) OVER cell AS before_first_seen,
        lag(replaced_on) OVER cell AS before_replaced_on, lag(why) OVER cell AS before_why,
        round(log10(nullif(abs(after / nullif(before, 0)), 0)), 2) AS exponent
    FROM given
    WINDOW cell AS (
        PARTITION BY company_id, item, period_end, months, currency, source
        ORDER BY known_since, first_seen, is_gone, replaced_on NULLS LAST, value
    )
),
judged AS (
    SELECT
        *,
        CASE
            WHEN is_gone THEN 'gone'
            WHEN after IS NULL THEN 'withdrawn'
            WHEN before IS NULL THEN 'given_again'
            WHEN
                known_since = before_known_since AND first_seen = before_first_seen
                AND replaced_on IS NOT DISTINCT FROM before_replaced_on
                THEN 'conflict'
            WHEN list_contains([2, 3, 6, 9], abs(exponent)) THEN 'unit'
            WHEN exponent = 0 AND before * after < 0 THEN 'sign'
            ELSE 'restated'
        END AS cause
    FROM compared
    WHERE before_known_since IS NOT NULL AND after IS DISTINCT FROM before
)
SELECT
    company_id, item, period_end, months, currency, source, before, after, before_known_since, known_since, first_seen,
    after - before AS change, (after - before) / nullif(abs(before), 0) AS share, cause,
    CASE cause WHEN 'unit' THEN 10.0::DOUBLE ** exponent * sign(before * after) WHEN 'sign' THEN -1 END AS factor,
    CASE WHEN why IS NOT NULL THEN 'after' WHEN before_why IS NOT NULL THEN 'before' END AS suspect
FROM judged;
