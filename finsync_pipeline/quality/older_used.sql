-- The facts that are compared: instead of one whose newest version is suspect, the version before it.
CREATE OR REPLACE TEMP VIEW agreement_given AS
SELECT
    facts.* REPLACE (
        coalesce(older.used_value, facts.value) AS value,
        coalesce(older.row_key, facts.row_key) AS row_key,
        coalesce(older.data_version, facts.data_version) AS data_version,
        coalesce(older.used_since, facts.known_since) AS known_since,
        coalesce(older.first_seen, facts.first_seen) AS first_seen
    )
FROM agreement_delivered AS facts
LEFT JOIN agreement_older_used AS older
    ON
        facts.company_id = older.company_id AND facts.item = older.item AND facts.period_end = older.period_end
        AND facts.months = older.months AND facts.currency = older.currency AND facts.source = older.source
        AND facts.value = older.value
