-- Every version of a number that the rows of a source give or gave, also those that do not count, each once.
WITH known AS (
    SELECT * FROM given WHERE reason IS NULL OR reason IN ('same_value', 'older_value', 'conflict', 'withdrawn')
    UNION ALL BY NAME
    SELECT * REPLACE (
        NULL AS value, withdrawn_since AS known_since, withdrawn_seen AS first_seen, other_row_key AS row_key
    )
    FROM given WHERE reason = 'withdrawn'
)
SELECT company_id, item, period_end, months, currency, value, row_key, data_version, known_since, first_seen, replaced_on
FROM known
WHERE NOT is_text
QUALIFY row_number() OVER (
    PARTITION BY company_id, item, period_end, months, currency, value, known_since, first_seen, replaced_on
    ORDER BY row_key
) = 1
ORDER BY ALL
