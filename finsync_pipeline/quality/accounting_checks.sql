-- Each equation of which a row has all terms.
CREATE OR REPLACE TEMP TABLE accounting_complete AS
{equations};

-- One row per check: of the variants of an identity, the one with the least difference. A difference within the rounding
-- of its terms is none: half a unit for each, by the term with the smallest unit, or where the sources are several, by
-- each of them. Of all sources together only what none of them has alone.
CREATE OR REPLACE TEMP TABLE accounting_judged AS
WITH chosen AS (
    SELECT row, identity, unnest(
        arg_min(
            {{variant: variant, difference: difference, largest: largest, amounts: amounts}}, (abs(difference), variant)
        )
    )
    FROM accounting_complete
    GROUP BY row, identity
),
measured AS (
    SELECT
        chosen.*, source, company_id, currency, period_end, months, began, previous_months,
        CASE
            WHEN difference <> 0 AND abs(difference) <= 0.01 * largest
                THEN list_transform(list_filter(amounts, lambda one: one <> 0), lambda one: largest_unit(one))
        END AS units
    FROM chosen JOIN accounting_periods USING (row)
),
judged AS (
    SELECT
        * EXCLUDE (units),
        CASE
            WHEN difference = 0 THEN 'exact'
            WHEN
                abs(difference) <= 1e-9 * largest
                + CASE WHEN source = '|' THEN list_sum(units) ELSE len(amounts) * list_min(units) END / 2
                THEN 'exact'
            WHEN abs(difference) <= 0.01 * largest THEN 'close'
            ELSE 'fails'
        END AS verdict
    FROM measured
),
alone AS (SELECT company_id, currency, period_end, months, identity FROM judged WHERE source <> '|')
FROM judged WHERE source <> '|'
UNION ALL
FROM judged
ANTI JOIN alone USING (company_id, currency, period_end, months, identity)
WHERE source = '|';

-- The checks that are not exact, and whether the identity usually is: in the other periods of the company, and in the
-- source, which counts as much as two periods. Otherwise the source may lack a line, or define it in another way.
CREATE OR REPLACE TEMP TABLE accounting_differences AS
WITH of_source AS (
    SELECT source, identity, avg((verdict = 'exact')::INT) AS share FROM accounting_judged GROUP BY ALL
),
of_company AS (
    SELECT source, company_id, currency, identity, count(*) AS checks, count(*) FILTER (verdict = 'exact') AS exact
    FROM accounting_judged GROUP BY ALL
)
SELECT
    row_number() OVER () AS number, accounting_judged.*, (exact + 2 * share) / (checks - 1 + 2) >= 0.85 AS is_usual
FROM accounting_judged
JOIN of_source USING (source, identity)
JOIN of_company USING (source, company_id, currency, identity)
WHERE verdict <> 'exact';
