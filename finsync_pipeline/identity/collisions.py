"""Values of the reference list that mean several companies: one's id and another's ticker, a name that two bear."""

from __future__ import annotations

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.reference import CODES, Reference

#: So many companies of a value are named.
NAMED = 4

_LISTED = "\n".join(
    f"UNION ALL SELECT company_id, '{column.removesuffix('s')}', unnest(string_split({column}, '|')), NULL, NULL "
    "FROM companies"
    for column in CODES
)
_COLLISIONS_SQL = rf"""
    WITH claims AS (
        SELECT company_id, 'id' AS kind, company_id AS text, NULL::DATE AS valid_from, NULL::DATE AS valid_to
        FROM companies
        UNION ALL SELECT company_id, 'name', name, NULL, NULL FROM companies
        {_LISTED}
        UNION ALL SELECT company_id, kind, alias, valid_from, valid_to FROM aliases
    ),
    folded AS (
        SELECT
            *, coalesce(valid_from, valid_to) IS NOT NULL AS is_dated,
            coalesce(valid_from, DATE '0001-01-01') AS first_day, coalesce(valid_to, DATE '9999-12-31') AS last_day,
            CASE
                WHEN kind = 'ticker' THEN regexp_replace(lower(text), '[\s./_-]+', '.', 'g')
                ELSE regexp_replace(lower(text), '[^\p{{L}}\p{{N}}&]', '', 'g')
            END AS letters,
            nullif(regexp_replace(letters, '^0+([0-9]+)$', '\1'), '') AS folded
        FROM claims WHERE text IS NOT NULL
    ),
    several AS (
        SELECT folded FROM folded WHERE NOT is_dated GROUP BY folded HAVING count(DISTINCT company_id) > 1
        UNION
        SELECT folded FROM folded AS one JOIN folded AS other USING (folded)
        WHERE one.is_dated AND other.is_dated AND one.company_id < other.company_id
            AND one.first_day <= other.last_day AND other.first_day <= one.last_day
    ),
    colliding AS (
        SELECT *, count(DISTINCT company_id) OVER (PARTITION BY folded, kind) > 1 AS is_shared
        FROM folded SEMI JOIN several USING (folded)
    ),
    claimed AS (
        SELECT
            folded, company_id, min(text) AS text, string_agg(DISTINCT kind, ' and ' ORDER BY kind) AS kinds,
            bool_or(is_shared) AS is_shared
        FROM colliding GROUP BY ALL
    )
    SELECT
        min(text) AS value,
        list(kinds || ' of ' || company_id || coalesce(' (' || name || ')', '') ORDER BY company_id) AS claims,
        bool_or(is_shared) AS is_shared
    FROM claimed JOIN companies USING (company_id)
    GROUP BY folded ORDER BY value, folded
"""


def collisions(reference: Reference) -> pd.DataFrame:
    """The values that mean several companies of the list, in the order of the values.

    They are compared without case, punctuation (but for the dot in `T.PC`) and leading zeros. A dated alias settles its
    value for its days, so that it collides with dated aliases of the same days only. Columns: value (as it is listed),
    claims (text: `id of AB (Alpha Corp); ticker of QQ (Quebec Corp)`), is_shared (whether it is the same of two
    companies, such as the ticker of both).
    """
    found = frames.query(_COLLISIONS_SQL, companies=reference.companies, aliases=reference.aliases)
    told = []
    for claims in frames.to_arrow(found)["claims"].to_pylist():
        more = [f"and {len(claims) - NAMED:,} more"] if len(claims) > NAMED else []
        told.append("; ".join(claims[:NAMED] + more))
    return found.assign(claims=pd.Series(told, dtype=frames.STRING))
