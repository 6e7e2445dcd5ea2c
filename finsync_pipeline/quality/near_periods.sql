WITH held AS (SELECT DISTINCT company_id, months, item, source, period_end FROM facts),
ends AS (SELECT DISTINCT company_id, months, source, period_end FROM facts)
SELECT
    one.company_id, one.months, one.source, one.period_end,
    other.source AS other_source, other.period_end AS other_period_end, count(*) AS items
FROM held AS one
JOIN held AS other USING (company_id, months, item)
ANTI JOIN ends AS met  -- the other source ends on the same day, too
    ON
        met.company_id = one.company_id AND met.months = one.months AND met.source = other.source
        AND met.period_end = one.period_end
WHERE
    one.source < other.source
    AND one.period_end <> other.period_end
    AND other.period_end BETWEEN one.period_end - {days} AND one.period_end + {days}
GROUP BY ALL
ORDER BY ALL
