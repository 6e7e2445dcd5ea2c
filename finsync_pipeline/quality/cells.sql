-- The one verdict on each suspect value: what is proven comes before what is not, a known factor before an unknown one.
CREATE OR REPLACE TEMP TABLE agreement_judged AS
FROM agreement_suspects
QUALIFY row_number() OVER (
    PARTITION BY id ORDER BY proof = 'unproven', exponent IS NULL, proof, exponent, is_turned, scope
) = 1;

-- The values of cells that more than one source has, or that are suspect: all others are published as they are.
CREATE OR REPLACE TEMP TABLE agreement_compared AS
WITH chosen AS (
    FROM agreement_observations
    WHERE
        id IN (SELECT id FROM agreement_judged)
        OR (company_id, item, period_end, months, currency)
        IN (SELECT (company_id, item, period_end, months, currency) FROM agreement_shared)
        OR (company_id, item, period_end, months, currency)
        IN (SELECT (company_id, item, period_end, months, currency) FROM agreement_older_used)
),
marked AS (
    SELECT
        chosen.*, judged.exponent, judged.is_turned, judged.proof, judged.scope,
        judged.id IS NOT NULL AS is_suspect,
        coalesce(vintages.rank, 0) AS vintage,
        coalesce(preferences.rank, 1000) AS preference
    FROM chosen
    LEFT JOIN agreement_judged AS judged USING (id)
    LEFT JOIN agreement_vintages AS vintages USING (source)
    LEFT JOIN agreement_preferences AS preferences USING (item, source)
),
placed AS (
    SELECT *, min(vintage) FILTER (NOT is_suspect) OVER cell AS best_vintage
    FROM marked
    WINDOW cell AS (PARTITION BY company_id, item, period_end, months, currency)
)
SELECT *, NOT is_suspect AND vintage = best_vintage AS is_used, largest_unit(value) AS unit
FROM placed;

CREATE OR REPLACE TEMP TABLE agreement_cells AS
WITH counted AS (
    SELECT
        company_id, item, period_end, months, currency, any_value(tolerance) AS tolerance,
        count(*) AS sources,
        min(value) AS least, max(value) AS greatest,
        min(value) FILTER (NOT is_suspect) AS trusted_least, max(value) FILTER (NOT is_suspect) AS trusted_greatest,
        min(value) FILTER (is_used) AS used_least, max(value) FILTER (is_used) AS used_greatest,
        count(*) FILTER (is_used) AS used,
        list(source ORDER BY source) FILTER (is_used) AS used_sources,
        list(source ORDER BY source) FILTER (is_suspect AND proof <> 'unproven') AS culprits,
        list(source ORDER BY source) FILTER (is_suspect) AS suspects,
        bool_or(proof = 'bound' OR is_beyond) FILTER (is_suspect) AS is_beyond,
        coalesce(bool_and(scope = 'agreed'), FALSE) AS is_agreed,
        bool_or(exponent <> 0) FILTER (is_suspect) AS is_off_by_unit,
        arg_min((exponent, is_turned, proof, scope), (proof = 'unproven', source)) FILTER (is_suspect) AS case_of,
        arg_min(value, (unit, source)) FILTER (NOT is_suspect) AS finest,
        list((value, unit)) FILTER (NOT is_suspect) AS trusted
    FROM agreement_compared
    GROUP BY company_id, item, period_end, months, currency
)
SELECT
    *,
    differs(trusted_least, trusted_greatest, tolerance) AS is_disputed,
    differs(used_least, used_greatest, tolerance) AS is_disputed_in_vintage,
    len(list_filter(trusted, lambda one: one[1] <> finest AND abs(one[1] - finest) > one[2] / 2 * (1 + 1e-9))) = 0
        AS is_rounded
FROM counted;
