"""Quarters decided by another list of companies or review than now: which of them would be decided otherwise."""

from datetime import date

import pandas as pd

from finsync_pipeline.identity import Decider
from finsync_pipeline.statements.dates import quarter_of


def overtaken_quarters(decisions: pd.DataFrame, decider: Decider) -> set[date]:
    """The quarters (first days) of the decisions (columns of COMPANY_IDS) in which at least one would be another."""
    return _quarters(decider.overtaken(decisions))


def decided_alike(decisions: pd.DataFrame, decider: Decider) -> set[date]:
    """The quarters decided by another list or review in which every decision would be the same."""
    others = decider.of_other_versions(decisions)
    return _quarters(others) - overtaken_quarters(others, decider)


def _quarters(decisions: pd.DataFrame) -> set[date]:
    return {quarter_of(day) for day in decisions["period_end"].unique()}
