-- Sources that are off as a whole, altogether, for one company or in one item, against another source: 80 % of the
-- series that both have, weighted by their periods, differ by one factor or in sign; at least three companies, or three
-- periods of one company.
CREATE OR REPLACE TEMP TABLE agreement_series AS
WITH shared AS (
    SELECT company_id, item, currency FROM agreement_observations GROUP BY ALL HAVING min(source) < max(source)
)
SELECT
    source, company_id, item, currency, any_value(is_money) AS is_money,
    median(size) AS size, count(*) AS periods, bool_or(is_beyond) AS is_beyond,
    CASE WHEN min(sign(value)) = max(sign(value)) THEN min(sign(value)) END AS common_sign
FROM agreement_observations
SEMI JOIN shared USING (company_id, item, currency)
WHERE size IS NOT NULL AND id NOT IN (SELECT id FROM agreement_suspects WHERE proof <> 'bound')
GROUP BY source, company_id, item, currency;

CREATE OR REPLACE TEMP TABLE agreement_source_pairs AS
WITH compared AS (
    SELECT
        one.source, other.source AS other, one.company_id, one.item, one.is_money,
        least(one.periods, other.periods) AS weight,
        one.size - other.size AS difference,
        CASE WHEN one.is_money THEN series_exponent(one.size - other.size) ELSE 0 END AS exponent,
        coalesce(one.common_sign = -other.common_sign AND abs(one.size - other.size) <= 0.7, FALSE) AS is_turned
    FROM agreement_series AS one
    JOIN agreement_series AS other USING (company_id, item, currency)
    WHERE one.source <> other.source
),
keyed AS (
    SELECT 'source' AS scope, '' AS key, * FROM compared
    UNION ALL
    SELECT 'company', company_id, * FROM compared
    UNION ALL
    SELECT 'item', item, * FROM compared
),
votes AS (
    SELECT
        scope, key, source, other, exponent, is_turned,
        sum(weight) AS weight, median(difference) AS difference, count(DISTINCT company_id) AS companies
    FROM keyed GROUP BY scope, key, source, other, exponent, is_turned
)
SELECT
    *, sum(weight) OVER pair AS total,
    weight >= 0.8 * sum(weight) OVER pair
    AND CASE scope WHEN 'company' THEN sum(weight) OVER pair ELSE companies END >= 3 AS is_one,
    (exponent <> 0 AND abs(difference - exponent) <= 0.5) OR is_turned AS is_off
FROM votes
WINDOW pair AS (PARTITION BY scope, key, source, other)
QUALIFY is_one;

-- Which of the two is wrong: the one that differs from a third source, too, or that has values beyond the bounds, or
-- whose amounts are further than the other's from those of sources that are not involved.
CREATE OR REPLACE TEMP TABLE agreement_off_sources AS
WITH whole AS (SELECT source, other FROM agreement_source_pairs WHERE is_off AND scope = 'source'),
off AS (
    -- What holds for the whole source is not judged again for each company and item of it
    FROM agreement_source_pairs
    WHERE is_off AND (scope = 'source' OR (source, other) NOT IN (SELECT (source, other) FROM whole))
),
thirds AS (
    SELECT
        off.scope, off.key, off.source, off.other,
        bool_or(mine.is_off) AND NOT bool_or(coalesce(others.is_off, FALSE)) AS is_mine,
        bool_or(others.is_off) AND NOT bool_or(coalesce(mine.is_off, FALSE)) AS is_others
    FROM off
    JOIN agreement_source_pairs AS mine
        ON mine.scope = off.scope AND mine.key = off.key AND mine.source = off.source AND mine.other <> off.other
    LEFT JOIN agreement_source_pairs AS others
        ON
            others.scope = off.scope AND others.key = off.key
            AND others.source = off.other AND others.other = mine.other
    GROUP BY ALL
),
beyond AS (
    SELECT 'source' AS scope, '' AS key, source, count(*) AS beyond
    FROM agreement_observations WHERE is_beyond GROUP BY ALL
    UNION ALL
    SELECT 'company', company_id, source, count(*) FROM agreement_observations WHERE is_beyond GROUP BY ALL
    UNION ALL
    SELECT 'item', item, source, count(*) FROM agreement_observations WHERE is_beyond GROUP BY ALL
),
sizes AS (
    SELECT source, company_id, item, median(size) AS size
    FROM agreement_observations
    WHERE is_money AND size IS NOT NULL
        AND (SELECT count(*) FROM off) > 0
    GROUP BY ALL
),
scales AS (
    SELECT
        off.scope, off.key, off.source, off.other, sizes.company_id,
        median(sizes.size) FILTER (
            sizes.source = off.source AND (off.scope <> 'item' OR sizes.item = off.key)
        ) AS mine,
        median(sizes.size) FILTER (
            sizes.source = off.other AND (off.scope <> 'item' OR sizes.item = off.key)
        ) AS others,
        median(sizes.size) FILTER (
            CASE WHEN off.scope = 'item' THEN sizes.item <> off.key ELSE sizes.source NOT IN (off.source, off.other) END
        ) AS third
    FROM off JOIN sizes ON off.scope <> 'company' OR off.key = sizes.company_id
    GROUP BY ALL
),
distances AS (
    SELECT scope, key, source, other, abs(median(mine - third)) - abs(median(others - third)) AS further
    FROM scales GROUP BY ALL
)
SELECT
    off.scope, off.key, off.source, off.other, off.exponent, off.is_turned,
    CASE
        WHEN is_mine THEN 1 WHEN is_others THEN -1
        WHEN mine.beyond > 0 AND off.exponent > 0 AND others.beyond IS NULL THEN 1
        WHEN others.beyond > 0 AND off.exponent < 0 AND mine.beyond IS NULL THEN -1
        WHEN off.exponent <> 0 AND further >= 1 THEN 1
        WHEN off.exponent <> 0 AND further <= -1 THEN -1
        ELSE 0
    END AS guilt
FROM off
LEFT JOIN thirds USING (scope, key, source, other)
LEFT JOIN beyond AS mine ON mine.scope = off.scope AND mine.key = off.key AND mine.source = off.source
LEFT JOIN beyond AS others ON others.scope = off.scope AND others.key = off.key AND others.source = off.other
LEFT JOIN distances USING (scope, key, source, other);

-- Items of one sign that a source has with the other sign in 80 % of its values, of at least three companies: none is
-- needed to compare with.
CREATE OR REPLACE TEMP TABLE agreement_turned_items AS
SELECT source, item
FROM agreement_observations
WHERE has_one_sign
GROUP BY source, item
HAVING
    count(DISTINCT company_id) FILTER (value < 0) >= 3
    AND count(*) FILTER (value < 0) >= 0.8 * count(*) FILTER (value <> 0);

CREATE OR REPLACE TEMP TABLE agreement_accused AS
WITH accused AS (
    SELECT
        value.id, off.exponent, off.is_turned,
        CASE WHEN guilt > 0 THEN 'group' ELSE 'unproven' END AS proof, off.scope, guilt, off.other
    FROM agreement_off_sources AS off
    JOIN agreement_observations AS value
        ON
            value.source = off.source
            AND (off.scope = 'source' OR off.key = CASE off.scope WHEN 'company' THEN value.company_id ELSE value.item END)
    WHERE
        guilt >= 0
        AND (is_money OR off.exponent = 0)
        AND value.id NOT IN (SELECT id FROM agreement_pairs WHERE support > 0)
    UNION ALL
    SELECT id, 0, TRUE, 'group', 'item', 1, NULL
    FROM agreement_observations
    JOIN agreement_turned_items USING (source, item)
    WHERE value < 0
)
SELECT id, exponent, is_turned, proof, scope
FROM accused
QUALIFY row_number() OVER (
    PARTITION BY id
    ORDER BY guilt DESC, CASE scope WHEN 'source' THEN 1 WHEN 'company' THEN 2 ELSE 3 END, exponent, other
) = 1;
