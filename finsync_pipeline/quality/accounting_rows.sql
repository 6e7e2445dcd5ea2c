-- One row per source, company, currency, period end and length, with a column for each item of an identity. The rows of
-- the source '|' have what all sources together have, as far as these do not differ.
CREATE OR REPLACE TEMP TABLE accounting_rows AS
WITH own AS (
    SELECT source, company_id, currency, period_end, months, {amounts}
    FROM agreement_observations
    WHERE item IN ({items})
    GROUP BY source, company_id, currency, period_end, months
)
FROM own
UNION ALL
SELECT '|', company_id, currency, period_end, months, {agreed}
FROM own
SEMI JOIN (SELECT company_id FROM own GROUP BY company_id HAVING min(source) < max(source)) AS shared USING (company_id)
GROUP BY company_id, currency, period_end, months;

-- Cash at the end of a period is the same for every length of period that ends on that day.
CREATE OR REPLACE TEMP TABLE accounting_ends AS
SELECT
    source, company_id, currency, period_end, {instants},
    CASE WHEN min(ending_cash) = max(ending_cash) THEN max(ending_cash) END AS ending_cash,
    max(months) FILTER (ending_cash IS NOT NULL) AS ending_cash_months
FROM accounting_rows
GROUP BY source, company_id, currency, period_end;

-- Each period with the instants of its end and those of its beginning; instants alone have 0 months.
CREATE OR REPLACE TEMP TABLE accounting_periods AS
WITH periods AS (
    SELECT accounting_rows.* REPLACE ({instants_at_end}), last_day(period_end - to_months(months::INT)) AS began
    FROM accounting_rows
    JOIN accounting_ends AS ends USING (source, company_id, currency, period_end)
    WHERE months > 0
    UNION ALL
    SELECT *, NULL FROM accounting_rows WHERE months = 0
)
SELECT
    row_number() OVER () AS row, periods.*,
    previous.cash AS previous_cash, previous.ending_cash AS previous_ending_cash,
    previous.ending_cash_months AS previous_months
FROM periods
LEFT JOIN accounting_ends AS previous
    ON
        previous.source = periods.source AND previous.company_id = periods.company_id
        AND previous.currency = periods.currency AND previous.period_end = began;
