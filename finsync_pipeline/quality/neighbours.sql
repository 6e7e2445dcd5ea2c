-- For each subject the median of its neighbours in time: the other periods of its series within four years. Suspects are
-- not among them, but for those whose factor is known: these count as what they should have been.
CREATE OR REPLACE TEMP TABLE agreement_neighbours AS
WITH found AS (
    SELECT id, any_value(exponent ORDER BY proof = 'unproven', exponent) AS exponent
    FROM agreement_suspects GROUP BY id
),
points AS (
    SELECT
        company_id, item, currency, period_end, median(size - coalesce(exponent, 0)) AS size,
        CASE WHEN min(sign(value)) = max(sign(value)) THEN min(sign(value)) END AS common_sign
    FROM agreement_observations
    SEMI JOIN agreement_subjects USING (company_id, item, currency)
    LEFT JOIN found USING (id)
    WHERE size IS NOT NULL AND (found.id IS NULL OR exponent IS NOT NULL)
    GROUP BY company_id, item, currency, period_end
),
gathered AS (
    SELECT
        subject.id, any_value(subject.size) AS own, any_value(sign(subject.value)) AS own_sign,
        list(points.size) AS sizes, median(points.size) AS middle,
        CASE
            WHEN count(*) = count(common_sign) AND min(common_sign) = max(common_sign) THEN min(common_sign)
        END AS common_sign
    FROM agreement_subjects AS subject
    JOIN points USING (company_id, item, currency)
    WHERE
        points.period_end <> subject.period_end
        AND points.period_end BETWEEN subject.period_end - 1500 AND subject.period_end + 1500
    GROUP BY subject.id
),
near AS (
    SELECT
        *,
        len(sizes) AS periods,
        list_max(sizes) - list_min(sizes) AS width,
        own - list_max(sizes) AS above_all,
        own - list_min(sizes) AS above_least,
        list_filter(sizes, lambda size: abs(size - middle) <= 1) AS close_sizes
    FROM gathered
)
SELECT
    id, periods, own - middle AS distance, own_sign, common_sign,
    CASE
        -- Two thirds within a decade of the median are evidence
        WHEN periods >= 2 AND 3 * len(close_sizes) >= 2 * periods
            THEN time_exponent(own - middle, own - list_min(close_sizes), own - list_max(close_sizes))
        -- So are all, if the value is further from each of them than they are from one another
        WHEN periods >= 2 AND (above_all >= greatest(2, width) OR above_least <= -greatest(2, width))
            THEN time_exponent(own - middle, above_least, above_all)
    END AS exponent
FROM near;
