-- Values whose accounts prove them wrong by a unit or their sign, unless another source agrees with them.
CREATE OR REPLACE TEMP TABLE agreement_accused AS
SELECT id, any_value(exponent)::BIGINT AS exponent, any_value(is_turned) AS is_turned, 'accounts' AS proof, NULL::VARCHAR AS scope
FROM accounting_proven
JOIN agreement_observations USING (id)
LEFT JOIN agreement_shared AS shared USING (company_id, item, period_end, months, currency)
WHERE coalesce(is_contested, TRUE) AND id NOT IN (SELECT id FROM agreement_pairs WHERE support > 0)
GROUP BY id
HAVING min(exponent) = max(exponent) AND min(is_turned) = max(is_turned);
