-- One row per check: of the equations of an identity of which a row has all terms, the one with the least difference. Of
-- all sources together only what none of them has alone.
CREATE OR REPLACE TEMP TABLE accounting_complete AS
WITH complete AS ({equations})
SELECT row, identity, variant, difference, largest, amounts
FROM complete
QUALIFY row_number() OVER (PARTITION BY row, identity ORDER BY abs(difference), variant) = 1;

-- A difference within the rounding of its terms is none: half a unit for each, by the term with the smallest unit, or
-- where the sources are several, by each of them.
CREATE OR REPLACE TEMP TABLE accounting_judged AS
WITH measured AS (
    SELECT
        row, identity, variant, difference, largest, amounts,
        source, company_id, currency, period_end, months, began, previous_months,
        CASE
            WHEN difference <> 0 THEN list_transform(list_filter(amounts, lambda one: one <> 0), lambda one: largest_unit(one))
        END AS units
    FROM accounting_complete
    JOIN accounting_periods USING (row)
),
judged AS (
    SELECT
        * EXCLUDE (units),
        CASE
            WHEN
                abs(difference) <= 1e-9 * largest
                + CASE WHEN source = '|' THEN list_sum(units) ELSE len(amounts) * list_min(units) END / 2
                OR difference = 0
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

-- The checks that are not exact, and whether the identity is exact in all other periods of the company in the source, at
-- least three of them: then the difference is a finding, and not a line that the source does not have.
CREATE OR REPLACE TEMP TABLE accounting_differences AS
WITH usual AS (
    SELECT
        source, company_id, currency, identity,
        count(*) FILTER (verdict = 'exact') >= greatest(3, count(*) - 1) AS holds_otherwise
    FROM accounting_judged GROUP BY source, company_id, currency, identity
)
SELECT row_number() OVER () AS number, *
FROM accounting_judged
JOIN usual USING (source, company_id, currency, identity)
WHERE verdict <> 'exact';
