-- Pairs of values of two sources of which one is wrong, and nothing proves which.
INSERT INTO agreement_suspects
SELECT DISTINCT ON (id) id, exponent, is_turned OR is_opposite, 'unproven', NULL
FROM agreement_pairs
WHERE
    (exponent <> 0 OR is_opposite) AND support <= other_support
    AND id NOT IN (SELECT id FROM agreement_suspects)
    AND other_id NOT IN (SELECT id FROM agreement_suspects WHERE proof <> 'unproven')
ORDER BY id, other_support DESC, other_id;

-- Values that differ by a factor from their neighbours in time, although another source agrees with them: published, but
-- not without a flag, since both may have it from one filing.
INSERT INTO agreement_suspects
SELECT DISTINCT id, neighbours.exponent, FALSE, 'unproven', 'agreed'
FROM agreement_neighbours AS neighbours
JOIN agreement_observations USING (id)
JOIN agreement_shared USING (company_id, item, period_end, months, currency)
LEFT JOIN agreement_pairs AS pairs USING (id)
WHERE
    neighbours.exponent <> 0
    AND (NOT is_contested OR support > 0)
    AND id NOT IN (SELECT id FROM agreement_suspects);

-- The only two periods of a series that are not suspect themselves, where they differ by a factor.
INSERT INTO agreement_suspects
SELECT id, 3 * round(distance / 3)::BIGINT, FALSE, 'unproven', 'series'
FROM agreement_neighbours
JOIN agreement_observations USING (id)
WHERE
    periods = 1
    AND (
        unit_exponent(distance, 0) IN (-6, -3, 3, 6)
        OR has_one_sign AND abs(distance) BETWEEN 2 AND 7
    )
    AND id NOT IN (SELECT id FROM agreement_suspects)
    AND (company_id, item, period_end, months, currency)
    NOT IN (SELECT (company_id, item, period_end, months, currency) FROM agreement_shared);
