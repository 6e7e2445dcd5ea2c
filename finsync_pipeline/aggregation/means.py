"""The one mean of FinSync: exact sum, divided, rounded half-even to six places."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals as nw

PLACES = 6
EXACT_FLOAT = 2**53  # every whole number up to it is a float64


def mean_of(table: nw.LazyFrame[Any], keys: Sequence[str], value: str) -> nw.LazyFrame[Any]:
    """Per group of `keys`: `mean` of the column `value` (float64), and `n`, the number of values.

    The sum is of DECIMAL(38,6), and the rounding is done on whole numbers of millionths, so neither depends on the
    order of the rows. Values must be finite, not null, and below the bound of `facts.value` in `statements/tables.csv`.
    """
    millionth, money = 10**PLACES, nw.Decimal(38, PLACES)
    # Wholes and the rest apart: engines cast float64 to DECIMAL through value * 10**6, which is off from 10**11 on
    whole = nw.col(value).cast(nw.Int64)
    exact = whole.cast(money) + (nw.col(value) - whole.cast(nw.Float64)).cast(money)
    summed = table.group_by(*keys).agg(total=exact.sum(), n=nw.len().cast(nw.Int64))
    divided = summed.with_columns(total=(nw.col("total") * millionth).cast(nw.Int128)).with_columns(
        floor=nw.col("total") // nw.col("n")
    )
    rounded = divided.with_columns(rest=2 * (nw.col("total") - nw.col("floor") * nw.col("n"))).with_columns(
        floor=nw.when((nw.col("rest") > nw.col("n")) | ((nw.col("rest") == nw.col("n")) & (nw.col("floor") % 2 != 0)))
        .then(nw.col("floor") + 1)
        .otherwise(nw.col("floor"))
    )
    whole, part = nw.col("floor") // millionth, nw.col("floor") % millionth
    # -0.03 as -1 + 0.97 would be -0.030000000000000027: a sum only where millionths are no exact float64
    mean = (
        nw.when(nw.col("floor").is_between(-EXACT_FLOAT, EXACT_FLOAT))
        .then(nw.col("floor").cast(nw.Float64) / millionth)
        .otherwise(whole.cast(nw.Float64) + part.cast(nw.Float64) / millionth)
    )
    return rounded.with_columns(mean=mean).select(*keys, "mean", "n")


def pivot(
    table: nw.LazyFrame[Any],
    keys: Sequence[str],
    items: Sequence[str],
    columns: Mapping[str, str],
    counts: Collection[str] = (),
) -> nw.LazyFrame[Any]:
    """One row per group of `keys`: for each item, each column of `columns` under its name with that suffix.

    `columns` maps a column of the long table to its suffix: `{"mean": "", "n": "_n"}`. What a group lacks is null;
    in the columns that are `counts` it is 0.
    """

    def cell(item: str, column: str) -> nw.Expr:
        of_item = nw.when(nw.col("item") == item).then(nw.col(column))
        return (of_item.otherwise(0) if column in counts else of_item).max()

    return table.group_by(*keys).agg(
        *[cell(item, column).alias(f"{item}{suffix}") for item in items for column, suffix in columns.items()]
    )
