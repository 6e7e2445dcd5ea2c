"""Which of several rows of one source counts for the same company, item, period, length and currency.

First the names: where two names of the source lead to one company and contradict each other, the less certain match is
most likely another company, and none of its rows counts (`contradicted`). Then each fact by itself (`SUPERSEDE_SQL`):
equal values keep the lowest row key, different values keep the newest `known_since`; still tied, all are refused as a
conflict. Rows are numbered in the order of their keys, so the lowest key is the lowest number.
"""

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Method

_USABLE_SQL = """
        SELECT
            *,
            CASE WHEN is_text THEN text ELSE CAST(value AS VARCHAR) END AS reading,
            CASE WHEN is_text THEN '' ELSE currency END AS money,
            coalesce(known_since, DATE '0001-01-01') AS known
        FROM readings
        WHERE reason IS NULL
"""

# One says what the other does not say, of one fact and known since the same day.
_CONTRADICTIONS_SQL = f"""
    WITH usable AS ({_USABLE_SQL}),
    found_differently AS (
        SELECT company_id, period_end FROM usable GROUP BY ALL HAVING min(certainty) < max(certainty)
    ),
    compared AS (SELECT * FROM usable SEMI JOIN found_differently USING (company_id, period_end))
    SELECT DISTINCT less.decision AS less_certain, more.decision AS more_certain, less.certainty
    FROM compared AS less
    JOIN compared AS more
        USING (company_id, period_end, item, months, money, known)
    WHERE less.certainty < more.certainty AND less.name <> more.name
    GROUP BY
        less.decision, more.decision, less.certainty,
        company_id, period_end, item, months, money, known, less.reading
    HAVING NOT bool_or(less.reading = more.reading)
    ORDER BY less.certainty DESC, less_certain, more_certain
"""


def certainty(method: str) -> int:
    """How certain a match by this method is beside others: the higher the more certain.

    By the order of `Method`; with supporting columns (`ticker+name`) it is more certain than without.
    """
    base, _, support = method.partition("+")
    methods = [str(each) for each in Method]
    return 0 if base not in methods else 2 * (len(methods) - methods.index(base)) + bool(support)


def contradicted(readings: pd.DataFrame) -> set[int]:
    """The decisions on names whose rows do not count, because a more certain name gives other values.

    `readings` has name (the same for `0000310158` and `310158`), decision (a number for each decision on a name),
    certainty, company_id, period_end, item, months, currency, is_text, value, text, known_since, reason. A name that is
    itself contradicted contradicts none.
    """
    found: set[int] = set()
    pairs = frames.query(_CONTRADICTIONS_SQL, readings=readings)
    for less_certain, more_certain, _ in pairs.itertuples(index=False, name=None):
        if more_certain not in found:
            found.add(less_certain)
    return found


SUPERSEDE_SQL = f"""
    WITH usable AS ({_USABLE_SQL}),
    compared AS (
        SELECT
            *,
            min(reading) OVER fact = max(reading) OVER fact AS all_are_equal,
            known = max(known) OVER fact AS is_newest
        FROM usable
        WINDOW fact AS (PARTITION BY company_id, item, period_end, months, money)
    ),
    winners AS (
        SELECT
            company_id, item, period_end, months, money,
            min(finsync_row) AS winner,
            count(DISTINCT reading) > 1 AS is_tied
        FROM compared
        WHERE all_are_equal OR is_newest
        GROUP BY ALL
    ),
    judged AS (
        SELECT
            * REPLACE (
                CASE
                    WHEN is_tied THEN 'conflict'
                    WHEN finsync_row = winner THEN NULL
                    WHEN all_are_equal OR is_newest THEN 'same_value'
                    ELSE 'older_value'
                END AS reason
            )
        FROM compared
        JOIN winners USING (company_id, item, period_end, months, money)
    )
    SELECT * FROM readings WHERE reason IS NOT NULL
    UNION ALL BY NAME
    SELECT * EXCLUDE (reading, money, known, all_are_equal, is_newest, winner, is_tied) FROM judged
"""
