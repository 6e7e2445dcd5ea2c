-- The table ACCOUNTING_CHECKS: each check that fails, and each that is close where the identity is usually exact.
CREATE OR REPLACE TEMP TABLE accounting_result AS
WITH culprits AS (
    SELECT number, id, NULL AS other_id, exponent, is_turned, 'corrected' AS how FROM accounting_proven
    UNION ALL
    SELECT number, id, other_id, NULL, NULL, 'swapped' FROM accounting_swapped
    UNION ALL
    SELECT number, id, NULL, NULL, NULL, 'likely' FROM accounting_likely
),
same_value AS (
    -- A value without a factor may be that of another column of its row
    SELECT value.id, min(other.item) AS item
    FROM accounting_likely
    JOIN agreement_observations AS value USING (id)
    JOIN agreement_observations AS other USING (source, row_key, company_id, currency, period_end, value)
    WHERE other.id <> value.id AND value.value <> 0
    GROUP BY value.id
),
lengths AS (
    SELECT source, company_id, currency, item, period_end, value, list(months ORDER BY months) AS months
    FROM agreement_observations
    WHERE months > 0 AND value <> 0 AND item IN ({of_length})
    GROUP BY source, company_id, currency, item, period_end, value
    HAVING count(*) > 1
)
SELECT
    checks.company_id, checks.identity, equation, checks.period_end, checks.months, checks.currency,
    CASE WHEN checks.source = '|' THEN 'all' ELSE checks.source END AS source,
    checks.difference, abs(checks.difference) / checks.largest AS share, checks.verdict, is_usual,
    value.item || coalesce('|' || other.item, '') AS culprit, value.source AS culprit_source,
    10.0::DOUBLE ** exponent * CASE WHEN is_turned THEN -1 ELSE 1 END AS factor,
    CASE
        WHEN how = 'corrected' THEN value.item || ' is ' || factor_in_words(exponent, is_turned)
        WHEN how = 'swapped' THEN value.item || ' and ' || other.item || ' are in each other''s place'
        WHEN same_value.item IS NOT NULL THEN value.item || ' has the value of ' || same_value.item
        WHEN how = 'likely' THEN value.item || ' is the only value that no other check confirms'
        WHEN is_usual THEN 'one of these values is wrong, and nothing shows which'
        ELSE 'the source may lack a line of this identity, or define one in another way'
    END AS cause
FROM accounting_differences AS checks
JOIN (VALUES {equations}) AS equations (variant, equation) USING (variant)
LEFT JOIN culprits USING (number)
LEFT JOIN agreement_observations AS value USING (id)
LEFT JOIN agreement_observations AS other ON other.id = other_id
LEFT JOIN same_value ON same_value.id = value.id
WHERE checks.verdict = 'fails' OR is_usual
UNION ALL
SELECT
    company_id, 'lengths_differ', item || ' of ' || months[1] || ' months <> ' || item || ' of ' || months[-1] || ' months',
    period_end, months[-1], currency, source, value, 1, 'fails', TRUE, item, source, NULL,
    'the same amount is given for ' || array_to_string(months, ' and for ') || ' months'
FROM lengths;
