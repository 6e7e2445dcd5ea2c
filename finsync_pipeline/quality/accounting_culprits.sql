CREATE OR REPLACE TEMP TABLE accounting_terms AS
FROM (VALUES {terms}) AS terms (variant, place, item, coefficient, is_previous, is_instant);

-- Each value in a check that is not exact, in all variants of the identity: with the value that would make it exact, and
-- the largest of the other terms.
CREATE OR REPLACE TEMP TABLE accounting_parts AS
WITH parts AS (
    SELECT
        number, complete.variant, item, coefficient, differences.source, differences.company_id, differences.currency, is_usual,
        complete.difference, differences.variant = complete.variant AS is_chosen,
        list_max(list_transform(complete.amounts, lambda one, n: CASE WHEN n = place THEN 0 ELSE abs(one) END)) AS others,
        CASE WHEN is_previous THEN began ELSE period_end END AS period_end,
        CASE WHEN is_instant THEN 0 WHEN is_previous THEN previous_months ELSE months END AS months
    FROM accounting_differences AS differences
    JOIN accounting_complete AS complete USING (row, identity)
    JOIN accounting_terms AS terms ON terms.variant = complete.variant
    WHERE (verdict = 'fails' OR is_usual) AND complete.difference <> 0
)
SELECT
    parts.*, value.id, value.value, value.size, has_one_sign, value.source AS own_source,
    value.value - difference / coefficient AS needed
FROM parts
JOIN agreement_observations AS value USING (company_id, currency, item, period_end, months)
WHERE value.value <> 0 AND parts.source IN (value.source, '|');

-- How many exact checks a value is in.
CREATE OR REPLACE TEMP TABLE accounting_exact AS
WITH involved AS (SELECT DISTINCT id, company_id, currency, item, period_end, months, own_source FROM accounting_parts),
terms AS (
    SELECT
        source, company_id, currency, item,
        CASE WHEN is_previous THEN began ELSE period_end END AS period_end,
        CASE WHEN is_instant THEN 0 WHEN is_previous THEN previous_months ELSE months END AS months
    FROM accounting_judged
    JOIN accounting_terms USING (variant)
    WHERE verdict = 'exact' AND company_id IN (SELECT company_id FROM involved)
)
SELECT id, count(*) AS checks
FROM involved JOIN terms USING (company_id, currency, item, period_end, months)
WHERE terms.source IN (own_source, '|')
GROUP BY id;

-- The history of each such value: the other periods of its series in its source.
CREATE OR REPLACE TEMP TABLE accounting_history AS
WITH involved AS (SELECT DISTINCT id, company_id, currency, item, period_end, own_source AS source FROM accounting_parts)
SELECT
    involved.id, median(other.size) AS usual_size, count(*) AS periods,
    CASE WHEN min(sign(other.value)) = max(sign(other.value)) THEN min(sign(other.value)) END AS usual_sign
FROM involved
JOIN agreement_observations AS other USING (company_id, currency, item, source)
WHERE other.period_end <> involved.period_end AND other.size IS NOT NULL
GROUP BY involved.id;

-- Values that a unit or the sign would correct: a correction counts by the checks that it repairs, less those that it
-- breaks. It must fit the history of the value, or make the check exact where there is none.
CREATE OR REPLACE TEMP TABLE accounting_corrections AS
WITH tried AS (
    SELECT
        parts.*, exponent, is_turned, usual_size, usual_sign, periods,
        value / 10.0::DOUBLE ** exponent * CASE WHEN is_turned THEN -1 ELSE 1 END AS corrected
    FROM accounting_parts AS parts
    CROSS JOIN (VALUES (3, FALSE), (-3, FALSE), (6, FALSE), (-6, FALSE), (0, TRUE)) AS kinds (exponent, is_turned)
    LEFT JOIN accounting_history USING (id)
    WHERE abs(corrected - needed) <= 0.01 * greatest(others, abs(corrected)) AND abs(corrected - value) > 0.02 * others
),
weighed AS (
    SELECT
        *,
        abs(corrected - needed) <= 1e-9 * others + 1.5 * largest_unit(corrected) AS is_exact,
        CASE
            WHEN exponent <> 0 THEN abs(size - usual_size) - abs(size - exponent - usual_size)
            WHEN has_one_sign AND periods > 1 THEN -sign(value) * usual_sign * 3
        END AS nearer
    FROM tried
),
repaired AS (
    SELECT
        id, exponent, is_turned, number, bool_or(is_exact) AS is_exact, any_value(coalesce(nearer, 0)) AS nearer,
        bool_or(is_usual) AS is_usual
    FROM weighed
    WHERE coalesce(nearer, 0) > -1 AND (is_exact OR is_usual OR nearer > 1)
    GROUP BY ALL
)
SELECT
    repaired.*, count(*) OVER (PARTITION BY id, exponent, is_turned) - coalesce(checks, 0) AS gain
FROM repaired LEFT JOIN accounting_exact USING (id);

-- The culprit of each check: the correction that gains most, then the one that fits the history; none if two are equal.
CREATE OR REPLACE TEMP TABLE accounting_proven AS
WITH best AS (
    SELECT
        *, count(*) OVER (PARTITION BY number, gain, is_exact, round(nearer)) AS equals,
        row_number() OVER (PARTITION BY number ORDER BY gain DESC, is_exact DESC, nearer DESC, id) AS place
    FROM accounting_corrections
    WHERE gain > 0
)
SELECT number, id, exponent, is_turned
FROM best WHERE place = 1 AND equals = 1;

-- Checks that the exchange of two of their values would make exact.
CREATE OR REPLACE TEMP TABLE accounting_swapped AS
SELECT one.number, min(one.id) AS id, min(other.id) AS other_id
FROM accounting_parts AS one
JOIN accounting_parts AS other USING (number, variant)
WHERE
    one.coefficient > other.coefficient AND one.value <> other.value AND one.own_source = other.own_source
    AND abs(one.difference - 2 * (one.value - other.value))
    <= 1e-9 * one.others + 1.5 * least(largest_unit(one.value), largest_unit(other.value))
    AND number NOT IN (SELECT number FROM accounting_proven)
GROUP BY one.number
HAVING count(*) = 1;

-- The culprit of the other checks: a value that no exact check has, while each other term is in an exact one, or that
-- has the same other value in more of the checks that fail.
CREATE OR REPLACE TEMP TABLE accounting_likely AS
WITH left_over AS (
    SELECT number, id, needed, coalesce(checks, 0) AS exact
    FROM accounting_parts
    LEFT JOIN accounting_exact USING (id)
    WHERE is_chosen AND is_usual AND number NOT IN (SELECT number FROM accounting_proven UNION ALL SELECT number FROM accounting_swapped)
),
agreeing AS (
    SELECT one.number, one.id, one.exact, count(*) AS checks
    FROM left_over AS one JOIN left_over AS other USING (id)
    WHERE abs(other.needed - one.needed) <= 1e-6 * abs(one.needed)
    GROUP BY ALL
),
best AS (
    SELECT
        *, count(*) OVER (PARTITION BY number, exact = 0, checks) AS equals,
        row_number() OVER (PARTITION BY number ORDER BY exact = 0 DESC, checks DESC, id) AS place
    FROM agreeing
)
SELECT number, id FROM best WHERE place = 1 AND exact = 0 AND equals = 1;
