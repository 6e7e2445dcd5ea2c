"""Which of several rows of one source counts for the same company, item, period, length and currency.

First the names (`contradicted`): where two names of the source lead to one company and contradict each other, the less
certain match is most likely another company, and none of its rows counts. Then each fact by itself (`supersede`).
"""

from importlib.resources import files

import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Method


def certainty(method: str) -> int:
    """How certain a match by this method is compared with others: the higher the more certain.

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
    pairs = _query("contradictions.sql", readings)
    for less_certain, more_certain, _ in pairs.itertuples(index=False, name=None):
        if more_certain not in found:
            found.add(less_certain)
    return found


def supersede(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings with the `reason` of each that another one supersedes, or that is in conflict with others.

    Equal values keep the lowest row key, different values the newest `known_since`; still tied, or without a day of
    which nobody knows whether it is newer, all are in conflict. `other_row_key` and `other_raw_text` have the row that
    counts instead, or one of those in conflict. Rows are numbered in the order of their keys, so the lowest key is the
    lowest `finsync_row`.
    """
    return _query("supersede.sql", readings)


def withdraw(decided: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The decided readings (of `supersede`), those withdrawn that a newer one of the usable `rows` leaves blank.

    `withdrawn_since` and `withdrawn_seen` have the days of the newer row: since when it is known, and first delivered.
    """
    return frames.query(_sql("withdrawn.sql"), decided=decided, rows=rows)


def _sql(file: str) -> str:
    return files(__package__).joinpath(file).read_text(encoding="utf-8")


def _query(file: str, readings: pd.DataFrame) -> pd.DataFrame:
    """The answer of the SQL in the file on the readings, and on those without a reason in comparable form."""
    usable = frames.query(
        """
        SELECT
            *,
            CASE WHEN is_text THEN text ELSE CAST(value AS VARCHAR) END AS reading,
            CASE WHEN is_text THEN '' ELSE currency END AS money,
            coalesce(known_since, DATE '0001-01-01') AS known
        FROM readings
        WHERE reason IS NULL
        """,
        readings=readings,
    )
    return frames.query(_sql(file), readings=readings, usable=usable)
