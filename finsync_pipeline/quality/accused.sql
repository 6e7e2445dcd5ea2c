-- Values that are proven wrong by themselves: by a third source or by neighbours in time, unless another source agrees.
CREATE OR REPLACE TEMP TABLE agreement_accused AS
WITH alone AS (
    SELECT value.id, exponent, value.has_one_sign AND periods >= 2 AND common_sign = -own_sign AS is_turned
    FROM agreement_neighbours AS neighbours
    JOIN agreement_observations AS value USING (id)
    LEFT JOIN agreement_observations AS other
        ON
            other.company_id = value.company_id AND other.item = value.item AND other.period_end = value.period_end
            AND other.months = value.months AND other.currency = value.currency AND other.source <> value.source
            AND abs(other.value - value.value) <= value.tolerance * greatest(abs(other.value), abs(value.value))
    WHERE
        (exponent <> 0 OR exponent = 0 AND value.has_one_sign AND common_sign = -own_sign)
        AND other.id IS NULL
),
pairs AS (
    SELECT
        pairs.*, own.distance, other.distance AS other_distance,
        own.own_sign, own.common_sign, own.periods
    FROM agreement_pairs AS pairs
    LEFT JOIN agreement_neighbours AS own USING (id)
    LEFT JOIN agreement_neighbours AS other ON other.id = other_id
    WHERE pairs.exponent <> 0 OR is_opposite
),
proven AS (
    SELECT id, exponent, is_turned OR is_opposite AS is_turned, 'source' AS proof
    FROM pairs WHERE other_support > support
    UNION ALL
    SELECT id, exponent, is_turned, 'time'
    FROM pairs
    WHERE
        other_support = support AND exponent <> 0
        AND abs(other_distance) <= 1 AND abs(distance) >= abs(other_distance) + 1.5
    UNION ALL
    SELECT id, 0, TRUE, 'time'
    FROM pairs
    WHERE other_support = support AND is_opposite AND periods >= 2 AND common_sign = -own_sign
    UNION ALL
    SELECT id, exponent, coalesce(is_turned, FALSE), 'time'
    FROM alone
    WHERE id NOT IN (SELECT id FROM pairs)
)
SELECT id, exponent, is_turned, proof, NULL::VARCHAR AS scope
FROM proven
QUALIFY row_number() OVER (PARTITION BY id ORDER BY proof, abs(exponent) DESC, exponent, is_turned) = 1;
