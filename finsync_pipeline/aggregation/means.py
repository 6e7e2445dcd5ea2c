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
    summed = table.group_by(*keys).agg(total=_exact(value).sum(), n=nw.len().cast(nw.Int64))
    return _divided(summed, {"mean": ("total", "n")}).select(*keys, "mean", "n")


def means_of(
    table: nw.LazyFrame[Any], keys: Sequence[str], values: Sequence[str], **beside: nw.Expr
) -> nw.LazyFrame[Any]:
    """Per group of `keys`: the aggregates `beside`, and the same mean of each of the columns, under its name.

    It is over the rows that have a value, and null where the group has none.
    """
    if not values:
        return table.group_by(*keys).agg(**beside)
    sums = {f"{value}_total": _exact(value).sum() for value in values}
    counts = {f"{value}_count": nw.col(value).count().cast(nw.Int64) for value in values}
    parts = {value: (f"{value}_total", f"{value}_count") for value in values}
    return _divided(table.group_by(*keys).agg(**beside, **sums, **counts), parts).select(*keys, *beside, *values)


def _exact(value: str) -> nw.Expr:
    # Wholes and the rest apart: engines cast float64 to DECIMAL through value * 10**6, which is off from 10**11 on
    whole, money = nw.col(value).cast(nw.Int64), nw.Decimal(38, PLACES)
    return whole.cast(money) + (nw.col(value) - whole.cast(nw.Float64)).cast(money)


def _divided(summed: nw.LazyFrame[Any], parts: Mapping[str, tuple[str, str]]) -> nw.LazyFrame[Any]:
    """The table with the means, each by the names of its exact sum and of its count, rounded half-even."""
    millionth, columns = 10**PLACES, parts.values()
    floors, rests = {total: f"{total}_floor" for total, _ in columns}, {total: f"{total}_rest" for total, _ in columns}
    scaled = summed.with_columns(**{total: (nw.col(total) * millionth).cast(nw.Int128) for total, _ in columns})
    divided = scaled.with_columns(**{floors[total]: nw.col(total) // nw.col(n) for total, n in columns})
    rested = divided.with_columns(
        **{rests[total]: 2 * (nw.col(total) - nw.col(floors[total]) * nw.col(n)) for total, n in columns}
    )
    rounded = rested.with_columns(
        **{floors[total]: _half_even(nw.col(floors[total]), nw.col(rests[total]), nw.col(n)) for total, n in columns}
    )
    return rounded.with_columns(**{mean: _in_ones(nw.col(floors[total])) for mean, (total, _) in parts.items()})


def _half_even(floor: nw.Expr, rest: nw.Expr, n: nw.Expr) -> nw.Expr:
    return nw.when((rest > n) | ((rest == n) & (floor % 2 != 0))).then(floor + 1).otherwise(floor)


def _in_ones(millionths: nw.Expr) -> nw.Expr:
    """Whole millionths as float64."""
    millionth = 10**PLACES
    whole, part = millionths // millionth, millionths % millionth
    # -0.03 as -1 + 0.97 would be -0.030000000000000027: a sum only where millionths are no exact float64
    return (
        nw.when(millionths.is_between(-EXACT_FLOAT, EXACT_FLOAT))
        .then(millionths.cast(nw.Float64) / millionth)
        .otherwise(whole.cast(nw.Float64) + part.cast(nw.Float64) / millionth)
    )


def unpivot(
    table: nw.LazyFrame[Any], keys: Sequence[str], items: Sequence[str], columns: Mapping[str, str]
) -> nw.LazyFrame[Any]:
    """The reverse of `pivot`: a row for each row of the wide table and item; with keys, item, those of `columns`."""
    return nw.concat(
        [
            table.select(
                *keys,
                nw.lit(item).alias("item"),
                *(nw.col(f"{item}{suffix}").alias(column) for column, suffix in columns.items()),
            )
            for item in items
        ]
    )


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
