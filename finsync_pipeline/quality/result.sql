CREATE OR REPLACE TEMP MACRO factor_in_words(exponent, is_turned) AS
    CASE
        WHEN exponent IS NULL THEN 'beyond any amount that a company has reached'
        WHEN exponent = 0 THEN 'the right value with the other sign'
        WHEN exponent > 0 THEN format('{:,}', (10::BIGINT ** exponent)::BIGINT) || ' times the right value'
        ELSE 'the right value divided by ' || format('{:,}', (10::BIGINT ** -exponent)::BIGINT)
    END
    || CASE WHEN is_turned AND exponent <> 0 THEN ', with the other sign' ELSE '' END;

CREATE OR REPLACE TEMP MACRO proof_in_words(proof, scope, others) AS CASE proof
    WHEN 'bound' THEN 'it is beyond the bound of the item'
    WHEN 'source' THEN 'more sources agree with ' || others
    WHEN 'time' THEN 'its neighbours in time ' || coalesce('agree with ' || others, 'differ by that')
    WHEN 'accounts' THEN 'its accounting identities hold with the right one'
    ELSE CASE scope
        WHEN 'row' THEN 'its row'
        WHEN 'filing' THEN 'all that the source has of this company since that day'
        WHEN 'delivery' THEN 'the whole quarter of the source'
        WHEN 'company' THEN 'all that the source has of this company'
        WHEN 'item' THEN 'all that the source has of this item'
        ELSE 'the whole source'
    END || ' is off by that'
END;

CREATE OR REPLACE TEMP TABLE agreement_result AS
WITH published AS (FROM agreement_means),
used AS (
    SELECT company_id, item, period_end, months, currency, string_agg(source, '|' ORDER BY source) AS used_sources
    FROM agreement_contributions
    GROUP BY ALL
),
older AS (
    SELECT
        company_id, item, period_end, months, currency,
        string_agg(source, '|' ORDER BY source) AS older_culprit,
        arg_min(factor, source) AS older_factor,
        string_agg(
            source || ' since ' || known_since || ' is '
            || factor_in_words(round(log10(abs(factor)))::BIGINT, factor < 0) || '; ' || why
            || ': the version since ' || used_since || ' is used',
            '; ' ORDER BY source
        ) AS older_why
    FROM agreement_older_used
    GROUP BY ALL
),
compared AS (
    SELECT
        company_id, item, period_end, months, currency, sources, least, greatest, tolerance,
        CASE
            WHEN is_beyond THEN 'beyond_bound'
            WHEN is_off_by_unit THEN 'unit_suspect'
            WHEN suspects IS NOT NULL OR older_factor = -1 THEN 'sign_suspect'
            WHEN older_factor IS NOT NULL THEN 'unit_suspect'
            WHEN sources = 1 THEN 'single'
            WHEN is_disputed_in_vintage THEN 'disputed'
            WHEN is_disputed THEN 'other_vintage'
            WHEN least = greatest OR NOT is_rounded THEN 'agreed'
            ELSE 'rounded'
        END AS verdict,
        coalesce(array_to_string(culprits, '|'), older_culprit) AS culprit,
        CASE
            WHEN culprits IS NOT NULL
                THEN 10.0::DOUBLE ** struct_extract(case_of, 1) * CASE WHEN struct_extract(case_of, 2) THEN -1 ELSE 1 END
            ELSE older_factor
        END AS factor,
        CASE
            WHEN culprits IS NOT NULL
                THEN array_to_string(culprits, ' and ')
                || CASE WHEN struct_extract(case_of, 3) = 'time' AND sources = 1 THEN ' is probably ' ELSE ' is ' END
                || factor_in_words(struct_extract(case_of, 1), struct_extract(case_of, 2)) || '; '
                || proof_in_words(
                    struct_extract(case_of, 3), struct_extract(case_of, 4), array_to_string(used_sources, ' and ')
                )
            WHEN struct_extract(case_of, 4) = 'agreed'
                THEN array_to_string(suspects, ' and ') || ' agree, but their neighbours in time differ by a factor of about '
                || format('{:,}', (10::BIGINT ** abs(struct_extract(case_of, 1)))::BIGINT)
            WHEN struct_extract(case_of, 4) = 'series'
                THEN array_to_string(suspects, ' and ') || ' differs by a factor of about '
                || format('{:,}', (10::BIGINT ** abs(struct_extract(case_of, 1)))::BIGINT)
                || ' from its only neighbour in time, and nothing proves which is right'
            WHEN suspects IS NOT NULL
                THEN array_to_string(suspects, ' and ') || ' contradict another source by a factor or sign, '
                || 'and nothing proves which is right'
            ELSE older_why
        END AS why
    FROM agreement_cells
    LEFT JOIN older USING (company_id, item, period_end, months, currency)
)
SELECT
    company_id, item, period_end, months, currency, sources, least, greatest,
    CASE WHEN greatest = least THEN 0 ELSE (greatest - least) / greatest(abs(least), abs(greatest)) END AS spread,
    verdict, mean AS value, coalesce(n, 0) AS sources_used, used_sources, rule,
    mean IS NULL AS is_withheld, culprit, factor, why
FROM compared
JOIN agreement_items USING (item)
LEFT JOIN published USING (company_id, item, period_end, months, currency)
LEFT JOIN used USING (company_id, item, period_end, months, currency)
UNION ALL
SELECT
    company_id, item, period_end, months, currency, 1, value, value, 0, 'single',
    CASE WHEN value = trunc(value) THEN value ELSE mean END, 1, source, rule, FALSE, NULL, NULL, NULL
FROM agreement_single
JOIN agreement_items USING (item)
LEFT JOIN published USING (company_id, item, period_end, months, currency);
