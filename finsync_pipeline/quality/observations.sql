-- One row per fact: its size is the decimal logarithm of its magnitude, of flows as if for a year; null for 0. A day on
-- which the row was first delivered is no day of a filing.
CREATE OR REPLACE TEMP TABLE agreement_observations AS
SELECT
    row_number() OVER () AS id,
    company_id, item, period_end, months, currency, source, row_key, value,
    CASE WHEN known_since < first_seen THEN known_since END AS known_since,
    log10(nullif(abs(value), 0) * CASE WHEN is_flow AND months > 0 THEN 12 / months ELSE 1 END) AS size,
    is_money,
    has_one_sign,
    tolerance,
    abs(value) > bound * coalesce(magnitude, 1) AS is_beyond
FROM agreement_facts
JOIN agreement_items USING (item)
LEFT JOIN agreement_magnitudes USING (currency);

-- Cells that more than one source has, and whether these differ by more than the tolerance.
CREATE OR REPLACE TEMP TABLE agreement_shared AS
SELECT
    company_id, item, period_end, months, currency,
    differs(min(value), max(value), any_value(tolerance)) AS is_contested
FROM agreement_observations
GROUP BY company_id, item, period_end, months, currency
HAVING count(*) > 1;

-- Each value of a contested cell with each other value of it: by which power of ten it differs, whether by its sign
-- alone, and how many other sources support the one and the other.
CREATE OR REPLACE TEMP TABLE agreement_pairs AS
WITH contested AS (
    FROM agreement_observations
    JOIN agreement_shared USING (company_id, item, period_end, months, currency)
    WHERE is_contested
),
compared AS (
    SELECT
        one.id, other.id AS other_id, one.is_money,
        one.value, other.value AS other_value,
        one.tolerance * greatest(abs(one.value), abs(other.value)) AS allowed,
        unit_exponent(one.size - other.size, one.tolerance) AS exponent
    FROM contested AS one
    JOIN contested AS other USING (company_id, item, period_end, months, currency)
    WHERE one.source <> other.source
),
support AS (SELECT id, count(*) FILTER (abs(value - other_value) <= allowed) AS sources FROM compared GROUP BY id)
SELECT
    compared.id, other_id, is_money, value, other_value,
    coalesce(exponent, 0) AS exponent,
    sign(value) * sign(other_value) < 0 AS is_turned,
    coalesce(exponent, 0) = 0 AND value * other_value < 0 AND abs(value + other_value) <= allowed AS is_opposite,
    abs(value - other_value) <= allowed AS is_close,
    own.sources AS support, others.sources AS other_support
FROM compared
JOIN support AS own USING (id)
JOIN support AS others ON others.id = other_id;

-- The values that are compared with their neighbours in time: those of series (company, item, currency) that reach over
-- more than 1.5 decades, since in all others neighbours agree, or have both signs in an item that has one, and those that
-- contradict another source.
CREATE OR REPLACE TEMP TABLE agreement_subjects AS
WITH spread AS (
    SELECT company_id, item, currency
    FROM agreement_observations
    GROUP BY ALL
    HAVING max(size) - min(size) > 1.5 OR any_value(has_one_sign) AND min(sign(value)) * max(sign(value)) < 0
)
FROM agreement_observations
WHERE
    size IS NOT NULL
    AND (
        (company_id, item, currency) IN (SELECT (company_id, item, currency) FROM spread)
        OR id IN (SELECT id FROM agreement_pairs WHERE exponent <> 0 OR is_opposite)
    );

-- What is found to be wrong: by which factor (null: unknown), how it was proven, and against which value.
CREATE OR REPLACE TEMP TABLE agreement_suspects AS
SELECT id, NULL::BIGINT AS exponent, FALSE AS is_turned, 'bound' AS proof, NULL::VARCHAR AS scope
FROM agreement_observations
WHERE is_beyond;
