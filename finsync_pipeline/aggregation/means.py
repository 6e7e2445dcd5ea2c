"""The one mean of FinSync: exact sum, divided, rounded half-even to six places."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

PLACES = 6


def mean_of(table: nw.LazyFrame[Any], keys: Sequence[str], value: str) -> nw.LazyFrame[Any]:
    """Per group of `keys`: `mean` of the column `value` (float64), and `n`, the number of values.

    The sum is of DECIMAL(38,6), and the rounding is done on whole numbers of millionths, so neither depends on the order
    of the rows. Values must be finite, not null, and below `statements.tables.VALUE_BOUND`.
    """
    millionth = 10**PLACES
    summed = table.group_by(*keys).agg(
        total=nw.col(value).cast(nw.Decimal(38, PLACES)).sum(), n=nw.len().cast(nw.Int64)
    )
    divided = summed.with_columns(total=(nw.col("total") * millionth).cast(nw.Int128)).with_columns(
        floor=nw.col("total") // nw.col("n")
    )
    rounded = divided.with_columns(rest=2 * (nw.col("total") - nw.col("floor") * nw.col("n"))).with_columns(
        floor=nw.when(
            (nw.col("rest") > nw.col("n")) | ((nw.col("rest") == nw.col("n")) & (nw.col("floor") % 2 != 0))
        )
        .then(nw.col("floor") + 1)
        .otherwise(nw.col("floor"))
    )
    whole, part = nw.col("floor") // millionth, nw.col("floor") % millionth
    mean = whole.cast(nw.Float64) + part.cast(nw.Float64) / millionth
    return rounded.with_columns(mean=mean).select(*keys, "mean", "n")


def widened(
    table: nw.LazyFrame[Any], keys: Sequence[str], items: Sequence[str], columns: dict[str, str]
) -> nw.LazyFrame[Any]:
    """One row per group of `keys`: for each item, each column of `columns` under its name with that suffix.

    `columns` maps a column of the long table to its suffix: `{"mean": "", "n": "_n"}`. What a group has not, is null.
    """
    placed = table.with_columns(
        **{
            f"{item}{suffix}": nw.when(nw.col("item") == item).then(nw.col(column))
            for item in items
            for column, suffix in columns.items()
        }
    )
    names = [f"{item}{suffix}" for item in items for suffix in columns.values()]
    return placed.group_by(*keys).agg(*[nw.col(name).max() for name in names])
