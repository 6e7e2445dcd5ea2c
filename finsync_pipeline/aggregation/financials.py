"""Financials: for each company, period, length and currency, the published value of every item, and its sources."""

from typing import Any

import narwhals as nw

from finsync_pipeline.aggregation.means import pivot, unpivot
from finsync_pipeline.statements.items import NUMERIC_ITEMS

KEYS = ("company_id", "period_end", "months", "currency")
UNDISPUTED = ("single", "agreed", "rounded", "other_vintage")
"""Verdicts of cells that no source contradicts."""


def financials(cells: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The table AGREEMENT as the wide table FINANCIALS, without the versions.

    `disputed` and `withheld` count the cells of the row with such a verdict or without a published value.
    """
    is_disputed, is_withheld = ~nw.col("verdict").is_in(UNDISPUTED), nw.col("is_withheld")
    counts = cells.group_by(*KEYS).agg(
        disputed=nw.when(is_disputed).then(1).otherwise(0).sum().cast(nw.Int64),
        withheld=nw.when(is_withheld).then(1).otherwise(0).sum().cast(nw.Int64),
    )
    columns = {"value": "", "sources_used": "_sources"}
    wide = pivot(cells, KEYS, NUMERIC_ITEMS, columns, counts={"sources_used"})
    return wide.join(counts, on=list(KEYS), how="inner").sort(*KEYS)


def means_in(financials: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The published values of the wide table FINANCIALS: KEYS, item, mean (float64), n (how many sources)."""
    return unpivot(financials, KEYS, NUMERIC_ITEMS, {"mean": "", "n": "_sources"}).filter(~nw.col("mean").is_null())
