-- By which power of ten two sizes differ: 3, 6 or 9, each within `width`; 0 for none.
CREATE OR REPLACE TEMP MACRO history_exponent(difference, width) AS sign(difference)::BIGINT * CASE
    WHEN abs(abs(difference) - 3) <= width THEN 3
    WHEN abs(abs(difference) - 6) <= width THEN 6
    WHEN abs(abs(difference) - 9) <= width THEN 9
    ELSE 0
END;

-- One row per version: its size is the decimal logarithm of its magnitude; null for 0 and for what was withdrawn.
CREATE OR REPLACE TEMP TABLE history_values AS
SELECT
    row_number() OVER () AS id,
    history_versions.*,
    coalesce(known_since, first_seen) AS known,
    log10(nullif(abs(value), 0)) AS size,
    is_money
FROM history_versions
JOIN history_items USING (item);

-- The versions that are looked at: of series that reach over more than 2.5 decades, or with a cell of both signs. In all
-- others no value is 1,000 times another one.
CREATE OR REPLACE TEMP TABLE history_subjects AS
WITH cells AS (
    SELECT
        company_id, item, months, currency, source,
        min(size) AS least, max(size) AS greatest, min(sign(value)) * max(sign(value)) < 0 AS has_both_signs
    FROM history_values
    GROUP BY company_id, item, period_end, months, currency, source
),
series AS (
    SELECT company_id, item, months, currency, source
    FROM cells
    GROUP BY ALL
    HAVING max(greatest) - min(least) > 2.5 OR bool_or(has_both_signs)
)
FROM history_values SEMI JOIN series USING (company_id, item, months, currency, source)
WHERE size IS NOT NULL;

-- What was known of the same cell before, and of the other periods of the series within four years: at that time, and
-- before it.
CREATE OR REPLACE TEMP TABLE history_compared AS
WITH older AS (
    SELECT subject.id, max_by(other.size, other.known) AS size, max_by(other.value, other.known) AS value
    FROM history_subjects AS subject
    JOIN history_subjects AS other USING (company_id, item, period_end, months, currency, source)
    WHERE other.known < subject.known
    GROUP BY subject.id
),
points AS (
    SELECT
        subject.id, other.period_end,
        max_by(other.size, other.known) AS size,
        max_by(sign(other.value), other.known) AS sign,
        max_by(other.size, other.known) FILTER (other.known < subject.known) AS earlier_size
    FROM history_subjects AS subject
    JOIN history_subjects AS other USING (company_id, item, months, currency, source)
    WHERE
        other.known <= subject.known
        AND other.period_end <> subject.period_end
        AND other.period_end BETWEEN subject.period_end - 1500 AND subject.period_end + 1500
    GROUP BY subject.id, other.period_end
),
near AS (
    SELECT
        id, median(size) AS middle, count(*) AS periods,
        median(earlier_size) AS earlier_middle, count(earlier_size) AS earlier_periods,
        CASE WHEN min(sign) = max(sign) THEN min(sign) END AS common_sign
    FROM points
    GROUP BY id
)
SELECT
    subject.*, older.size AS older_size, older.value AS older_value,
    middle, coalesce(periods, 0) AS periods, earlier_middle, coalesce(earlier_periods, 0) AS earlier_periods, common_sign,
    coalesce(subject.size - older.size, subject.size - earlier_middle) AS change
FROM history_subjects AS subject
LEFT JOIN older USING (id)
LEFT JOIN near USING (id);

-- Filings that are off as a whole: at least three amounts of money, and 80 % of those of which something was known
-- before, differ from it by one factor.
CREATE OR REPLACE TEMP TABLE history_filings AS
WITH votes AS (
    SELECT source, company_id, known, history_exponent(change, 0.5) AS exponent, count(*) AS amounts
    FROM history_compared
    WHERE is_money AND change IS NOT NULL
    GROUP BY ALL
),
others AS (
    SELECT source, company_id, known, count(*) AS amounts
    FROM (
        SELECT *, min(known) OVER (PARTITION BY company_id, item, months, currency, source) AS first_known
        FROM history_values
        WHERE (company_id, source) IN (SELECT (company_id, source) FROM votes WHERE exponent <> 0 AND amounts >= 3)
    )
    WHERE is_money AND known > first_known AND id NOT IN (SELECT id FROM history_subjects)
    GROUP BY ALL
)
SELECT source, company_id, known, exponent
FROM (SELECT *, sum(amounts) OVER (PARTITION BY source, company_id, known) AS compared FROM votes) AS votes
LEFT JOIN others USING (source, company_id, known)
WHERE exponent <> 0 AND votes.amounts >= 3 AND votes.amounts >= 0.8 * (compared + coalesce(others.amounts, 0));

CREATE OR REPLACE TEMP TABLE history_suspects AS
WITH judged AS (
    SELECT
        id,
        -- A new version, unless the other periods support it rather than the older one
        CASE
            WHEN middle IS NULL OR abs(older_size - middle) < abs(size - middle)
                THEN history_exponent(size - older_size, 0.3)
        END AS of_version,
        value * older_value < 0 AND abs(size - older_size) <= log10(1.01)
        AND coalesce(common_sign = sign(older_value), periods = 0) AS is_turned,
        CASE
            WHEN older_size IS NULL AND periods >= 2 THEN coalesce(
                nullif(history_exponent(size - middle, 0.3), 0),
                CASE WHEN earlier_periods >= 2 THEN history_exponent(size - earlier_middle, 0.3) END
            )
        END AS of_time
    FROM history_compared
)
SELECT
    id, 10.0::DOUBLE ** of_version AS factor, 'the version before and the other periods known by then differ by that' AS why
FROM judged WHERE of_version <> 0
UNION ALL
SELECT id, -1, 'the version before and the other periods known by then have the other sign'
FROM judged WHERE is_turned AND coalesce(of_version, 0) = 0
UNION ALL
SELECT id, 10.0::DOUBLE ** of_time, 'the other periods known by then differ by that'
FROM judged WHERE of_time <> 0
UNION ALL
SELECT id, 10.0::DOUBLE ** exponent, 'all that the source has of this company since that day is off by that'
FROM history_values JOIN history_filings USING (source, company_id, known)
WHERE is_money AND id NOT IN (SELECT id FROM judged WHERE of_version <> 0 OR is_turned OR of_time <> 0);

CREATE OR REPLACE TEMP VIEW history_result AS
SELECT history_values.* EXCLUDE (id, known, size, is_money), factor, why
FROM history_values LEFT JOIN history_suspects USING (id);
