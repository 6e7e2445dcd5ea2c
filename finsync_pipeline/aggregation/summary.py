"""The summary: for each company and currency, the unweighted mean of every item over its annual periods.

The basis `annual` takes the durations of 12 months, and the instants at the ends of these periods. Lengths are never
mixed, currencies never averaged together, and what is missing is not zero.
"""

from typing import Any

import narwhals as nw

from finsync_pipeline.aggregation.financials import KEYS
from finsync_pipeline.aggregation.means import mean_of, pivot
from finsync_pipeline.statements.items import NUMERIC_ITEMS, TEXT_ITEMS

BASIS = "annual"
MONTHS = 12
COMPANY = ["company_id", "currency"]


def company_summary(
    financials: nw.LazyFrame[Any], means: nw.LazyFrame[Any], texts: nw.LazyFrame[Any], companies: nw.LazyFrame[Any]
) -> nw.LazyFrame[Any]:
    """The wide table SUMMARY.

    `financials` is a table FINANCIALS, `means` are the `financials.means_in` it, `texts` is a table TEXTS, `companies`
    has the columns company_id and name. Every company with any number has a row, also one without annual periods: its
    cells are empty. `disputed` and `withheld` are the counts over all periods of the company.
    """
    everyone = financials.group_by(*COMPANY).agg(nw.col("disputed").sum(), nw.col("withheld").sum())
    values = in_basis(means).rename({"mean": "value"})
    averages = mean_of(values, [*COMPANY, "item"], "value")
    spans = values.group_by(*COMPANY, "item").agg(first=nw.col("period_end").min(), last=nw.col("period_end").max())
    items = everyone.select(*COMPANY).join(
        averages.join(spans, on=[*COMPANY, "item"], how="inner"), on=COMPANY, how="left"
    )
    columns = {"mean": "", "n": "_n", "first": "_first", "last": "_last"}
    wide = pivot(items, COMPANY, NUMERIC_ITEMS, columns, counts={"n"})
    periods = (
        _annual_ends(means)
        .group_by(*COMPANY)
        .agg(
            periods=nw.len().cast(nw.Int64),
            first_period=nw.col("period_end").min(),
            last_period=nw.col("period_end").max(),
        )
    )
    return (
        everyone.join(periods, on=COMPANY, how="left")
        .join(_agreed_texts(texts), on="company_id", how="left")
        .join(companies.select("company_id", company_name=nw.col("name")), on="company_id", how="left")
        .with_columns(nw.lit(BASIS).alias("basis"), nw.col("periods").fill_null(0))
        .join(wide, on=COMPANY, how="left")
        .sort(*COMPANY)
    )


def in_basis(means: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Those of the `financials.means_in` a table that the summary averages."""
    durations = means.filter(nw.col("months") == MONTHS)
    instants = means.filter(nw.col("months") == 0)
    at_ends = instants.join(_annual_ends(means), on=[*COMPANY, "period_end"], how="inner")
    return nw.concat([durations, at_ends.select(*KEYS, "item", "mean", "n")])


def text_disagreements(texts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Text items on which the rows of a company differ: company_id, item, text, source, n; empty in the summary."""
    differing = _distinct_texts(texts).filter(nw.col("texts") > 1).select("company_id", "item")
    return (
        texts.join(differing, on=["company_id", "item"], how="inner")
        .group_by("company_id", "item", "text", "source")
        .agg(n=nw.len().cast(nw.Int64))
        .sort("company_id", "item", "text", "source")
    )


def _annual_ends(means: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return means.filter(nw.col("months") == MONTHS).select(*COMPANY, "period_end").unique()


def _distinct_texts(texts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return (
        texts.select("company_id", "item", "text")
        .unique()
        .group_by("company_id", "item")
        .agg(texts=nw.len(), text=nw.col("text").max())
    )


def _agreed_texts(texts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    agreed = _distinct_texts(texts).filter(nw.col("texts") == 1)
    return pivot(agreed, ["company_id"], TEXT_ITEMS, {"text": ""})
