-- One line per quarter: what became of its rows and cells, counted from the tables alone.
WITH placed_rows AS (
    SELECT
        finsync_row,
        finsync_data_version AS data_version,
        date_trunc('quarter', finsync_period_end)::DATE AS quarter
    FROM rows
),
delivered AS (
    SELECT quarter, count(*) AS rows_in, any_value(data_version) AS data_version
    FROM placed_rows GROUP BY quarter
),
decided AS (
    SELECT
        date_trunc('quarter', period_end)::DATE AS quarter,
        any_value(reference_version) AS reference_version,
        any_value(review_version) AS review_version
    FROM company_ids GROUP BY ALL
),
filled_cells AS (
    SELECT quarter, count(*) AS cells_filled
    FROM cells JOIN placed_rows USING (finsync_row) GROUP BY quarter
),
used_cells AS (
    SELECT date_trunc('quarter', period_end)::DATE AS quarter, row_key
    FROM (SELECT period_end, row_key FROM facts UNION ALL SELECT period_end, row_key FROM texts)
),
used AS (
    SELECT quarter, count(*) AS cells_used, count(DISTINCT row_key) AS rows_used
    FROM used_cells GROUP BY quarter
),
unused_rows AS (
    SELECT quarter, row_number, bool_or(outcome = 'rejected') AS is_rejected
    FROM rejects
    WHERE item IS NULL OR (quarter, row_key) NOT IN (SELECT (quarter, row_key) FROM used_cells)
    GROUP BY quarter, row_number
),
unused AS (
    SELECT
        quarter,
        count(*) FILTER (is_rejected) AS rows_rejected,
        count(*) FILTER (NOT is_rejected) AS rows_superseded
    FROM unused_rows GROUP BY quarter
),
unused_cells AS (
    SELECT
        quarter,
        sum(cells) FILTER (outcome = 'rejected') AS cells_rejected,
        sum(cells) FILTER (outcome = 'superseded') AS cells_superseded
    FROM rejects GROUP BY quarter
),
by_quarter AS (
    FROM quarters
    LEFT JOIN delivered USING (quarter)
    LEFT JOIN decided USING (quarter)
    LEFT JOIN filled_cells USING (quarter)
    LEFT JOIN used USING (quarter)
    LEFT JOIN unused USING (quarter)
    LEFT JOIN unused_cells USING (quarter)
)
SELECT
    quarter,
    coalesce(data_version, '') AS data_version,
    CASE WHEN rows_in > 0 THEN reference_version ELSE '' END AS reference_version,
    CASE WHEN rows_in > 0 THEN review_version ELSE '' END AS review_version,
    coalesce(COLUMNS('^(rows|cells)_'), 0)
FROM by_quarter
ORDER BY quarter
