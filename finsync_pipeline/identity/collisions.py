"""Values of the reference list that mean several companies: one's id and another's ticker, a name that two bear."""

from __future__ import annotations

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.reference import Reference

#: The most companies that are named of a value.
NAMED = 4

_COLLISIONS_SQL = rf"""
    WITH cells AS (
        UNPIVOT (SELECT *, company_id AS id, tickers AS ticker FROM companies)
        ON id, name, ticker, cik, lei, isin, cusip INTO NAME kind VALUE cell
    ),
    claims AS (
        SELECT company_id, kind, unnest(if(kind IN ('id', 'name'), [cell], string_split(cell, '|'))) AS text FROM cells
        UNION ALL BY NAME SELECT company_id, kind, alias AS text, valid_from, valid_to FROM aliases
    ),
    folded AS (
        SELECT *, coalesce(valid_from, valid_to) IS NOT NULL AS is_dated,
            coalesce(valid_from, DATE '0001-01-01') AS first_day, coalesce(valid_to, DATE '9999-12-31') AS last_day,
            CASE
                WHEN kind = 'ticker' THEN regexp_replace(lower(text), '[\s./_-]+', '.', 'g')
                ELSE regexp_replace(lower(text), '[^\p{{L}}\p{{N}}&]', '', 'g')
            END AS letters,
            nullif(regexp_replace(letters, '^0+([0-9]+)$', '\1'), '') AS folded
        FROM claims
    ),
    several AS (
        SELECT folded FROM folded WHERE NOT is_dated GROUP BY folded HAVING count(DISTINCT company_id) > 1
        UNION
        SELECT folded FROM folded AS one JOIN folded AS other USING (folded)
        WHERE one.is_dated AND other.is_dated AND one.company_id < other.company_id
            AND one.first_day <= other.last_day AND other.first_day <= one.last_day
    ),
    claimed AS (
        SELECT folded, company_id, min(text) AS text, list(DISTINCT kind ORDER BY kind) AS kinds,
            concat(array_to_string(kinds, ' and '), ' of ', company_id, ' (' || any_value(name) || ')') AS claim
        FROM folded SEMI JOIN several USING (folded) JOIN companies USING (company_id) GROUP BY folded, company_id
    )
    SELECT
        min(text) AS value,
        array_to_string(list(claim ORDER BY company_id)[:{NAMED}], '; ')
            || if(count(*) > {NAMED}, format('; and {{:,}} more', count(*) - {NAMED}), '') AS claims,
        len(flatten(list(kinds))) > len(list_distinct(flatten(list(kinds)))) AS is_shared  -- one kind, two companies
    FROM claimed GROUP BY folded ORDER BY value, folded
"""


def collisions(reference: Reference) -> pd.DataFrame:
    """The values that mean several companies of the list, in the order of the values.

    They are compared without case, punctuation (but for the dot in `T.PC`) and leading zeros. A dated alias settles its
    value for its days, so that it collides with dated aliases of the same days only. Columns: value (as it is listed),
    claims (text: `id of AB (Alpha Corp); ticker of QQ (Quebec Corp)`), is_shared (whether it is the same of two
    companies, such as the ticker of both).
    """
    return frames.query(_COLLISIONS_SQL, companies=reference.companies, aliases=reference.aliases)
