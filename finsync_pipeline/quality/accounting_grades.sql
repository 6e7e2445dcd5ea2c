-- The table ACCOUNTING_GRADES: per source, item and year the values, those missing, and what became of their checks. A
-- period of the source that has other flows (or instants) lacks this one: it is missing, or does not apply to the industry.
CREATE OR REPLACE TEMP TABLE accounting_grades AS
WITH observed AS (
    SELECT source, item, year(period_end) AS year, company_id, months = 0 AS is_instant, count(*) AS cells
    FROM agreement_observations
    GROUP BY ALL
),
periods AS (
    SELECT source, year(period_end) AS year, company_id, months = 0 AS is_instant, count(*) AS periods
    FROM (SELECT DISTINCT source, company_id, currency, period_end, months FROM agreement_observations)
    GROUP BY ALL
),
given AS (SELECT DISTINCT source, item, is_instant FROM observed),
counted AS (
    SELECT
        source, item, year,
        sum(coalesce(cells, 0))::BIGINT AS cells,
        sum(periods - coalesce(cells, 0)) FILTER (NOT does_not_apply)::BIGINT AS missing,
        sum(periods - coalesce(cells, 0)) FILTER (does_not_apply)::BIGINT AS not_applicable
    FROM (
        SELECT periods.*, item, cells, not_applicable.item IS NOT NULL AS does_not_apply
        FROM periods
        JOIN given USING (source, is_instant)
        LEFT JOIN observed USING (source, item, year, company_id, is_instant)
        LEFT JOIN accounting_industries USING (company_id)
        LEFT JOIN (VALUES {not_applicable}) AS not_applicable (item, industry) USING (item, industry)
    )
    GROUP BY source, item, year
),
checked AS (
    SELECT
        source, item, year(period_end) AS year, count(*) AS checks,
        count(*) FILTER (verdict = 'exact') AS exact,
        count(*) FILTER (verdict = 'close') AS close,
        count(*) FILTER (verdict = 'fails') AS failed
    FROM accounting_judged JOIN accounting_terms USING (variant)
    GROUP BY ALL
),
named AS (
    SELECT source, item, year, count(*) AS culprits
    FROM (
        SELECT culprit_source AS source, year(period_end) AS year, unnest(string_split(culprit, '|')) AS item
        FROM accounting_result
    )
    GROUP BY ALL
)
SELECT
    source, item, year, cells, coalesce(missing, 0) AS missing, coalesce(not_applicable, 0) AS not_applicable,
    coalesce(checks, 0) AS checks, coalesce(exact, 0) AS exact, coalesce(close, 0) AS close, coalesce(failed, 0) AS failed,
    coalesce(culprits, 0) AS culprits, (exact + close) / checks AS grade
FROM counted
LEFT JOIN checked USING (source, item, year)
LEFT JOIN named USING (source, item, year);
