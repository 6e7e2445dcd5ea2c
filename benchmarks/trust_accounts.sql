-- One row per value of one damaged source: is_flagged: a suspect, or the culprit of a check; is_found: flagged, or in a
-- check that is not exact although its identity usually is; is_held: a term of one per cent or more of a check that was
-- exact without damage; is_large: damaged, and 1,000 times off or more.
CREATE OR REPLACE TEMP TABLE damaged_values AS
WITH named AS (
    SELECT number, id FROM accounting_proven
    UNION ALL SELECT number, id FROM accounting_likely
    UNION ALL SELECT number, unnest([id, other_id]) FROM accounting_swapped
),
flagged AS (SELECT id FROM agreement_suspects UNION SELECT id FROM named)
SELECT
    value.id, damage, true_value, value.value,
    value.id IN (FROM flagged) AS is_flagged,
    value.id IN (FROM flagged)
    OR value.id IN (SELECT id FROM accounting_parts WHERE is_usual AND is_chosen) AS is_found,
    coalesce(abs(value.value / nullif(true_value, 0)) >= 999.999, FALSE)
    OR coalesce(abs(true_value / nullif(value.value, 0)) >= 999.999, FALSE) AS is_large,
    held.item IS NOT NULL AS is_held
FROM agreement_observations AS value
JOIN damaged USING (source, company_id, item, period_end, months, currency)
LEFT JOIN held USING (company_id, item, period_end, months, currency);

-- The culprits of checks that have a damaged value.
CREATE OR REPLACE TEMP TABLE named_culprits AS
WITH named AS (
    SELECT number, id FROM accounting_proven
    UNION ALL SELECT number, id FROM accounting_likely
    UNION ALL SELECT number, unnest([id, other_id]) FROM accounting_swapped
)
SELECT number, bool_and(damage <> '') AS is_right
FROM named JOIN damaged_values USING (id)
WHERE number IN (SELECT number FROM accounting_parts JOIN damaged_values USING (id) WHERE damage <> '')
GROUP BY number;
