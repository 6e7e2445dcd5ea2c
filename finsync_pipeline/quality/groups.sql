-- Rows, filings and deliveries that are off as a whole: 80 % of what can be compared in them, and at least two values of
-- a row or filing, three of a delivery, differ by one factor, or by the sign, from other sources or neighbours in time.
-- A filing is a company's rows of one `known_since`, a delivery a source's rows of one calendar quarter.
CREATE OR REPLACE TEMP TABLE agreement_signals AS
WITH of_pairs AS (
    SELECT
        id, exponent, is_turned, max(abs(other_support - support)) > 0 AS is_proven
    FROM agreement_pairs
    WHERE
        (exponent <> 0 OR is_opposite) AND support <= other_support
        AND other_id NOT IN (SELECT id FROM agreement_suspects)
    GROUP BY ALL
),
joined AS (
    SELECT
        coalesce(of_pairs.id, neighbours.id) AS id,
        coalesce(of_pairs.exponent, neighbours.exponent) AS exponent,
        coalesce(of_pairs.is_turned, FALSE) AS is_turned,
        coalesce(is_proven, FALSE)
        OR coalesce(neighbours.exponent <> 0, FALSE)
        OR coalesce(of_pairs.exponent = 0 AND periods >= 2 AND common_sign = -own_sign, FALSE) AS is_proven,
        coalesce(of_pairs.exponent = 0 AND common_sign = own_sign, FALSE)
        OR coalesce(neighbours.exponent = 0 AND of_pairs.exponent <> 0, FALSE) AS is_cleared
    FROM of_pairs
    FULL JOIN agreement_neighbours AS neighbours USING (id)
    WHERE of_pairs.id IS NOT NULL OR neighbours.exponent <> 0
)
SELECT id, exponent, is_turned, is_proven
FROM joined
WHERE NOT is_cleared
QUALIFY row_number() OVER (PARTITION BY id ORDER BY is_proven DESC, abs(exponent) DESC, exponent, is_turned) = 1;

-- The groups that may be off: in all others there are too many values that agree with their neighbours in time.
CREATE OR REPLACE TEMP TABLE agreement_groups AS
WITH evidence AS (
    SELECT id, exponent, is_turned, is_proven FROM agreement_signals
    UNION ALL
    SELECT id, NULL, FALSE, FALSE
    FROM agreement_neighbours WHERE exponent = 0 AND id NOT IN (SELECT id FROM agreement_signals)
),
placed AS (
    SELECT evidence.*, source, row_key, company_id, known_since, period_end
    FROM evidence JOIN agreement_observations USING (id)
    WHERE is_money OR exponent = 0
),
keyed AS (
    SELECT 'row' AS scope, source, row_key AS key, exponent, is_turned, is_proven FROM placed
    UNION ALL
    SELECT 'filing', source, company_id || ' ' || known_since, exponent, is_turned, is_proven
    FROM placed WHERE known_since IS NOT NULL
    UNION ALL
    SELECT 'delivery', source, date_trunc('quarter', period_end)::DATE::VARCHAR, exponent, is_turned, is_proven
    FROM placed
),
votes AS (
    SELECT scope, source, key, exponent, is_turned, count(*) AS differing, bool_or(is_proven) AS is_proven
    FROM keyed
    GROUP BY ALL
),
weighed AS (
    SELECT *, coalesce(sum(differing) FILTER (exponent IS NULL) OVER (PARTITION BY scope, source, key), 0) AS agreeing
    FROM votes
)
SELECT * EXCLUDE (agreeing)
FROM weighed
WHERE
    exponent IS NOT NULL
    AND differing >= CASE scope WHEN 'delivery' THEN 3 ELSE 2 END
    AND (exponent = 0 OR differing >= 0.8 * (differing + agreeing))
QUALIFY row_number() OVER (PARTITION BY scope, source, key ORDER BY differing DESC, exponent, is_turned) = 1;

CREATE OR REPLACE TEMP TABLE agreement_members AS
SELECT scope, groups.source, key, exponent, is_turned, differing, is_proven, value.*
    EXCLUDE (source)
FROM agreement_groups AS groups
JOIN agreement_observations AS value
    ON scope = 'row' AND groups.source = value.source AND key = value.row_key
UNION ALL
SELECT scope, groups.source, key, exponent, is_turned, differing, is_proven, value.*
    EXCLUDE (source)
FROM agreement_groups AS groups
JOIN agreement_observations AS value
    ON
        scope = 'filing' AND groups.source = value.source
        AND key = value.company_id || ' ' || value.known_since
UNION ALL
SELECT scope, groups.source, key, exponent, is_turned, differing, is_proven, value.*
    EXCLUDE (source)
FROM agreement_groups AS groups
JOIN agreement_observations AS value
    ON
        scope = 'delivery' AND groups.source = value.source
        AND key = date_trunc('quarter', value.period_end)::DATE::VARCHAR;

CREATE OR REPLACE TEMP TABLE agreement_off AS
WITH members AS (FROM agreement_members WHERE is_money OR exponent = 0),
sources AS (
    SELECT company_id, item, period_end, months, currency, count(*) AS sources
    FROM agreement_observations
    SEMI JOIN members USING (company_id, item, period_end, months, currency)
    GROUP BY ALL
),
periods AS (
    SELECT company_id, item, currency, count(DISTINCT period_end) AS periods
    FROM agreement_observations
    SEMI JOIN members USING (company_id, item, currency)
    GROUP BY ALL
),
compared AS (
    SELECT
        members.*,
        sources > 1
        OR (
            members.exponent <> 0
            AND CASE WHEN subjects.id IS NULL THEN periods.periods > 2 ELSE neighbours.exponent IS NOT NULL END
        ) AS is_comparable
    FROM members
    JOIN sources USING (company_id, item, period_end, months, currency)
    JOIN periods USING (company_id, item, currency)
    LEFT JOIN agreement_subjects AS subjects USING (id)
    LEFT JOIN agreement_neighbours AS neighbours USING (id)
)
SELECT scope, source, key
FROM compared
GROUP BY ALL
HAVING any_value(differing) >= 0.8 * count(*) FILTER (is_comparable);

CREATE OR REPLACE TEMP TABLE agreement_accused AS
SELECT
    id, exponent, is_turned, CASE WHEN is_proven THEN 'group' ELSE 'unproven' END AS proof, scope
FROM agreement_members
SEMI JOIN agreement_off USING (scope, source, key)
WHERE
    (is_money OR exponent = 0)
    AND id NOT IN (SELECT id FROM agreement_pairs WHERE support > 0)
QUALIFY row_number() OVER (
    PARTITION BY id ORDER BY is_proven DESC, CASE scope WHEN 'row' THEN 1 WHEN 'filing' THEN 2 ELSE 3 END, exponent
) = 1;
