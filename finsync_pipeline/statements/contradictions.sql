-- Decisions of which one gives another value than the other, for one fact and known since the same day.
WITH found_differently AS (
    SELECT company_id, period_end FROM usable GROUP BY ALL HAVING min(certainty) < max(certainty)
),
compared AS (
    SELECT * FROM usable SEMI JOIN found_differently USING (company_id, period_end)
)
SELECT DISTINCT less.decision AS less_certain, more.decision AS more_certain, less.certainty
FROM compared AS less
JOIN compared AS more
    USING (company_id, period_end, item, months, money, known)
WHERE less.certainty < more.certainty AND less.name <> more.name
GROUP BY
    less.decision, more.decision, less.certainty,
    company_id, period_end, item, months, money, known, less.reading
HAVING NOT bool_or(less.reading = more.reading)
ORDER BY less.certainty DESC, less_certain, more_certain
