-- The values that are published as they are: the only ones of their cells, and not suspect.
CREATE OR REPLACE TEMP VIEW agreement_single AS
FROM agreement_observations WHERE id NOT IN (SELECT id FROM agreement_compared);

-- The values whose mean is published, by the rule of the item: all that are used, the one or two in the middle of them,
-- or those of the first of the preferred sources. A mean rounds, so single values with
-- decimal places are among them.
CREATE OR REPLACE TEMP TABLE agreement_contributions AS
WITH compared AS (
    SELECT
        compared.*, rule,
        -- Suspects are published with their flag where that is the rule or all sources agree, and none contradicts them
        CASE
            WHEN used > 0 THEN is_used
            ELSE (on_suspicion = 'flag' OR is_agreed) AND NOT differs(least, greatest, cells.tolerance)
        END AS is_published
    FROM agreement_compared AS compared
    JOIN agreement_cells AS cells USING (company_id, item, period_end, months, currency)
    JOIN agreement_items USING (item)
    WHERE used = 0 OR on_dispute = 'flag' OR NOT is_disputed_in_vintage
),
ordered AS (
    SELECT
        *,
        row_number() OVER (cell ORDER BY value, source) AS place,
        count(*) OVER cell AS places,
        min(preference) OVER cell AS best
    FROM compared
    WHERE is_published
    WINDOW cell AS (PARTITION BY company_id, item, period_end, months, currency)
)
SELECT company_id, item, period_end, months, currency, source, value
FROM ordered
WHERE
    CASE rule
        WHEN 'median' THEN place IN ((places + 1) // 2, (places + 2) // 2)
        WHEN 'prefer' THEN preference = best
        ELSE TRUE
    END
UNION ALL
SELECT company_id, item, period_end, months, currency, source, value
FROM agreement_single WHERE value <> trunc(value);
