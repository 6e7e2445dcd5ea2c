"""Financials: for each company, period, length and currency, the mean of every item over the sources that give it."""

from typing import Any

import narwhals as nw

from finsync_pipeline.aggregation.means import mean_of, pivot
from finsync_pipeline.statements.items import NUMERIC_ITEMS

KEYS = ("company_id", "period_end", "months", "currency")


def source_means(facts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Facts of all sources (table FACTS) to one value per company, period, length, currency and item.

    Columns: those of KEYS, item, mean (float64), n: a source has at most one fact for these, so n counts sources.
    """
    return mean_of(facts, [*KEYS, "item"], "value")


def financials(means: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The `source_means` as the wide table FINANCIALS."""
    return pivot(means, KEYS, NUMERIC_ITEMS, {"mean": "", "n": "_sources"}, counts={"n"}).sort(*KEYS)
