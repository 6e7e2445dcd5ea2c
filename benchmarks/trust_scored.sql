-- What became of each damaged fact: is_large: 1,000 times off or more; is_shared: another source has the cell, undamaged;
-- is_near: two or more other periods of the series (company, item, currency) within four years are undamaged, and all of
-- these lie within a factor of 10 of the true value. A 0 has no factor.
CREATE TEMP TABLE compared AS
SELECT
    damaged.*, verdict, culprit, agreement_result.value AS published,
    verdict LIKE '%suspect' OR verdict = 'beyond_bound' AS is_suspect,
    list_contains(string_split(culprit, '|'), source) AS is_named,
    count(*) FILTER (damage = '') OVER cell AS undamaged,
    count(*) FILTER (damage <> '') OVER cell AS wrong,
    row_number() OVER () AS number,
    log10(
        nullif(abs(true_value), 0)
        * CASE WHEN months > 0 AND item NOT IN ('beginning_cash', 'ending_cash') THEN 12 / months ELSE 1 END
    ) AS true_size
FROM damaged
JOIN agreement_result USING (company_id, item, period_end, months, currency)
WINDOW cell AS (PARTITION BY company_id, item, period_end, months, currency);

CREATE TEMP TABLE damages AS
WITH near AS (
    SELECT one.number, count(DISTINCT other.period_end) AS periods, max(abs(other.true_size - one.true_size)) AS width
    FROM compared AS one
    JOIN compared AS other USING (company_id, item, currency)
    WHERE
        one.damage <> '' AND other.damage = '' AND other.true_size IS NOT NULL AND other.period_end <> one.period_end
        AND other.period_end BETWEEN one.period_end - 1500 AND one.period_end + 1500
    GROUP BY one.number
)
SELECT
    *,
    is_suspect OR verdict = 'disputed' AS is_flagged,
    undamaged > 0 AS is_shared,
    coalesce(periods >= 2 AND width <= 1, FALSE) AS is_near,
    value <> 0 AND true_value <> 0
    AND (abs(value / true_value) >= 999.999 OR abs(value / true_value) <= 0.001000001) AS is_large
FROM compared
LEFT JOIN near USING (number)
WHERE damage <> '';

CREATE TEMP TABLE undamaged AS FROM compared WHERE wrong = 0;

-- The cells with one damage in which a culprit is named.
CREATE TEMP TABLE named AS
SELECT company_id, item, period_end, months, currency, bool_and(is_named = (damage <> '')) AS is_right
FROM compared
WHERE wrong = 1 AND culprit IS NOT NULL
GROUP BY ALL;
