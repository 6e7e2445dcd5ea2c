"""The one mean: exact to six places, half to even, the same whatever the order of rows."""

import random
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.means import mean_of, means_of

PLACE = Decimal("0.000001")
EXACTLY = Context(prec=80, rounding=ROUND_HALF_EVEN)


def means(groups: list[list[float]], seed: int | None = None) -> list[float]:
    """`mean_of` each group, the rows in the order of the groups or shuffled; checks `n`, and that `means_of` agrees."""
    rows = [(key, value) for key, group in enumerate(groups) for value in group]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    table = pa.table({"key": [key for key, _ in rows], "value": pa.array([value for _, value in rows], pa.float64())})
    with DuckDBEngine() as engine:
        made = mean_of(engine.table(frames.from_arrow(table)), ["key"], "value").sort("key")
        found = made.to_native().to_arrow_table().to_pydict()
        wide = pa.table({**dict(zip(table.column_names, table.columns, strict=True)), "other": table["value"]})
        rows_ = nw.from_native(engine.connection.from_arrow(wide))
        both = means_of(rows_, ["key"], ["value", "other"], n=nw.len()).sort("key").to_native().to_arrow_table()
    assert both.to_pydict() == {"key": found["key"], "n": found["n"], "value": found["mean"], "other": found["mean"]}
    assert found["n"] == [len(group) for group in groups]
    return list(found["mean"])


def expected(group: list[float]) -> float:
    """The mean by Python's decimals: each value to six places, the sum exact, the quotient half to even."""
    total = sum((Fraction(Decimal(value).quantize(PLACE, context=EXACTLY)) for value in group), Fraction(0))
    millionths = total / len(group) * 10**6  # round() of a Fraction is exact, and half to even
    return float(Decimal(round(millionths)).scaleb(-6, EXACTLY))


def decimals(places: int, largest: int) -> st.SearchStrategy[float]:
    whole = st.integers(-largest * 10**places, largest * 10**places)
    return whole.map(lambda number: float(Decimal(number).scaleb(-places, EXACTLY)))


VALUES = st.one_of(
    decimals(0, 10**15),
    decimals(2, 10**9),
    decimals(3, 10**11),
    decimals(6, 100),
    decimals(6, 10**6),
)


@given(st.lists(st.lists(VALUES, min_size=1, max_size=7), min_size=1, max_size=40), st.integers(0, 9))
@settings(max_examples=12, deadline=None)
def test_the_mean_is_that_of_exact_decimals_in_any_order_of_rows(groups: list[list[float]], seed: int) -> None:
    made = means(groups)
    assert made == [expected(group) for group in groups]
    assert means(groups, seed) == made


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([-0.03], -0.03),
        ([-0.000001], -0.000001),
        ([0.1, 0.2], 0.15),
        ([1e15, -1e15, 0.000001], 0.0),
        ([123456789012345.0], 123456789012345.0),
        ([-900514294641.0], -900514294641.0),
        ([999999999999999.9] * 3, 999999999999999.9),
        ([9.9e17] * 7, 9.9e17),
        ([0.000001, 0.000002], 0.000002),
        ([0.000002, 0.000003], 0.000002),
        ([-0.000001, -0.000002], -0.000002),
        ([-0.000002, -0.000003], -0.000002),
        ([1, 1, 0], 0.666667),
        ([-1, -1, 0], -0.666667),
        ([0.0, -0.0], 0.0),
    ],
)
def test_known_means(values: list[float], mean: float) -> None:
    assert means([values]) == [mean]


def test_a_mean_of_columns_is_over_the_rows_that_have_a_value() -> None:
    columns = {"key": ["a", "a", "b"], "value": [1.0, None, None], "other": [1.0, 2.0, 0.0000015]}
    with DuckDBEngine() as engine:
        made = means_of(engine.table(frames.from_arrow(pa.table(columns))), ["key"], ["value", "other"]).sort("key")
        found = made.to_native().to_arrow_table().to_pydict()
    assert found == {"key": ["a", "b"], "value": [1.0, None], "other": [1.5, 0.000002]}
