"""Derived periods: single quarters and trailing twelve months, from operands that are there and belong together."""

from datetime import date
from typing import Any

import pytest
from derived_rows import cell, derived, financials, operands, period, revenues, values
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline import frames
from finsync_pipeline.aggregation.derived import derived_table
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.derived import FORMULAS, exact_sum, is_additive
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS
from finsync_pipeline.statements.tables import DERIVED

YEAR_TO_DATE = revenues(m3_2009_03_31=10, m6_2009_06_30=25, m9_2009_09_30=45, m12_2009_12_31=70)
ENDS = ["03-31", "06-30", "09-30", "12-31"]


def test_a_quarter_is_the_year_to_date_less_the_one_before_it():
    rows = derived(YEAR_TO_DATE, items=["revenue"])

    assert [(str(row["period_end"]), row["months"], row["value"], row["kind"]) for row in rows] == [
        ("2009-06-30", 3, 15, "quarter"), ("2009-09-30", 3, 20, "quarter"), ("2009-12-31", 3, 25, "quarter"),
    ]  # fmt: skip
    assert operands(rows[-1]) == [(1, "2009-12-31", 12, 70), (-1, "2009-09-30", 9, 45)]
    assert {operand["item"] for row in rows for operand in row["operands"]} == {"revenue"}


def test_a_quarter_that_is_published_is_not_derived():
    rows = [*YEAR_TO_DATE, *revenues(m3_2009_09_30=19)]
    assert values(rows, "quarter") == {"2009-06-30": 15, "2009-12-31": 25}


def test_without_nine_months_the_last_quarter_is_the_year_less_three_published_quarters():
    three = revenues(m3_2009_03_31=10, m3_2009_06_30=15, m3_2009_09_30=20)
    year = revenues(m12_2009_12_31=70)
    assert values([*three, *year], "quarter") == {"2009-12-31": 25}
    assert values([*three[1:], *year], "quarter") == {}
    assert values([*three, *year, *revenues(m9_2009_09_30=46)], "quarter") == {"2009-12-31": 24}


def test_periods_that_begin_on_other_days_are_not_subtracted():
    assert values(revenues(m3_2009_06_30=10, m6_2009_06_30=25), "quarter") == {}
    assert values(revenues(m3_2009_03_31=10, m9_2009_06_30=25), "quarter") == {}
    assert values(revenues(m6_2009_06_30=10, m12_2009_12_31=25), "quarter") == {}
    assert values(revenues(m3_2008_03_31=10, m6_2009_06_30=25), "quarter") == {}


@pytest.mark.parametrize(("february", "before"), [("2009-02-28", "2008-02-29"), ("2008-02-29", "2007-02-28")])
def test_ends_of_months_are_a_quarter_apart_however_long_the_months_are(february: str, before: str):
    rows = [period(february, 3, revenue=10.0), period(f"{february[:4]}-05-31", 6, revenue=25.0)]
    assert values(rows, "quarter") == {f"{february[:4]}-05-31": 15}
    years = [period(f"{before[:4]}-11-30", 12, revenue=90.0), period(before, 3, revenue=8.0)]
    assert values([rows[0], *years], "trailing_year") == {february: 92}


def test_days_within_a_month_are_a_quarter_apart_on_the_same_day():
    rows = revenues(m3_2009_03_15=10, m6_2009_06_15=25, m9_2009_09_14=45)
    assert values(rows, "quarter") == {"2009-06-15": 15}


@pytest.mark.parametrize("other", [{"currency": "EUR"}, {"company_id": "c2"}, {"revenue": None, "net_income": 10.0}])
def test_another_company_currency_or_item_is_not_an_operand(other: dict[str, Any]):
    assert values([YEAR_TO_DATE[0] | other, YEAR_TO_DATE[1]], "quarter") == {}
    last = [row | other for row in revenues(m12_2008_12_31=90, m6_2008_06_30=40)]
    assert values([*last, YEAR_TO_DATE[1]], "trailing_year") == {}


@pytest.mark.parametrize("months", [3, 6, 9])
def test_trailing_twelve_months_are_the_year_before_and_this_year_to_date_less_the_last(months: int):
    end = ENDS[months // 3 - 1]
    rows = [
        period("2008-12-31", 12, revenue=100.0),
        period(f"2008-{end}", months, revenue=50.0),
        period(f"2009-{end}", months, revenue=60.0),
    ]
    [row] = [row for row in derived(rows) if row["kind"] == "trailing_year"]
    assert (row["value"], row["months"]) == (110, 12)
    assert operands(row) == [
        (1, "2008-12-31", 12, 100),
        (1, f"2009-{end}", months, 60),
        (-1, f"2008-{end}", months, 50),
    ]
    for absent in range(3):
        assert values([row for place, row in enumerate(rows) if place != absent], "trailing_year") == {}


def test_trailing_twelve_months_are_else_four_quarters_published_or_derived():
    rows = [*YEAR_TO_DATE[:2], *revenues(m3_2008_12_31=9, m3_2008_09_30=8)]
    [row] = [row for row in derived(rows) if row["kind"] == "trailing_year"]
    assert row["value"] == 15 + 10 + 9 + 8
    assert operands(row) == [
        (1, "2009-06-30", 3, 15), (1, "2009-03-31", 3, 10), (1, "2008-12-31", 3, 9), (1, "2008-09-30", 3, 8),
    ]  # fmt: skip


def test_twelve_months_that_are_published_are_not_derived():
    quarters = revenues(m3_2009_03_31=1, m3_2009_06_30=2, m3_2009_09_30=3, m3_2009_12_31=4)
    assert values(quarters, "trailing_year") == {"2009-12-31": 10}
    assert values([*quarters, *revenues(m12_2009_12_31=11)], "trailing_year") == {}


def test_what_does_not_grow_with_the_period_is_not_derived():
    cells = {item: 10.0 for item in NUMERIC_ITEMS if not is_additive(item)}
    rows = [period(f"2009-{end}", months, **cells) for end, months in zip(ENDS, (3, 6, 9, 12), strict=True)]
    rows += [period(f"2008-{end}", months, **cells) for end, months in zip(ENDS, (3, 6, 9, 12), strict=True)]
    assert {row["kind"] for row in derived(rows)} == {"formula"}
    assert {"eps_basic", "ending_cash", "cash"} < set(cells)


def test_a_formula_has_a_row_for_each_row_of_its_kind():
    rows = [period("2009-12-31", 12, debt_issued=10.0, debt_repaid=12.5), period("2009-12-31", 0, cash=3.0)]
    found = {(row["item"], row["months"]): row for row in derived(rows) if row["kind"] == "formula"}

    assert set(found) == {(name, 0 if formula.kind == "instant" else 12) for name, formula in FORMULAS.items()}
    debt, liquid = found["cash_raised_spent_on_debt", 12], found["liquid_assets", 0]
    assert (debt["value"], debt["missing"]) == (-2.5, [])
    assert [(each["sign"], each["item"], each["value"]) for each in debt["operands"]] == [
        (1, "debt_issued", 10), (-1, "debt_repaid", 12.5),
    ]  # fmt: skip
    assert (liquid["value"], liquid["missing"]) == (None, ["short_term_investments"])
    assert [each["item"] for each in liquid["operands"]] == ["cash"]
    assert found["non_cash_items", 12]["missing"] == [*FORMULAS["non_cash_items"].items]


def test_a_formula_is_derived_for_other_lengths_like_an_item():
    rows = [
        period("2009-03-31", 3, stock_issued=5.0, stock_repurchased=1.0),
        period("2009-06-30", 6, stock_issued=7.0, stock_repurchased=9.0),
        period("2009-09-30", 9, stock_issued=7.0),
    ]
    [row] = [row for row in derived(rows) if row["kind"] == "quarter" and row["item"] == "cash_raised_spent_on_equity"]
    assert (str(row["period_end"]), row["value"]) == ("2009-06-30", -6)
    assert operands(row) == [(1, "2009-06-30", 6, -2), (-1, "2009-03-31", 3, 4)]
    assert {each["item"] for each in row["operands"]} == {"cash_raised_spent_on_equity"}


def test_a_disputed_operand_makes_what_is_derived_from_it_disputed():
    cells = [cell("revenue", "2009-06-30", 6, "disputed"), cell("net_income", "2009-09-30", 9, "disputed")]
    disputed = {
        str(row["period_end"]): row["is_disputed"] for row in derived(YEAR_TO_DATE, cells) if row["kind"] == "quarter"
    }
    assert disputed == {"2009-06-30": True, "2009-09-30": True, "2009-12-31": False}


def test_a_quarter_that_is_disputed_makes_the_twelve_months_of_it_disputed():
    rows = [*YEAR_TO_DATE[:2], *revenues(m3_2008_12_31=9, m3_2008_09_30=8)]
    for months, end in ((6, "2009-06-30"), (3, "2008-12-31")):
        [row] = [row for row in derived(rows, [cell("revenue", end, months, "unit_suspect")]) if row["months"] == 12]
        assert row["is_disputed"] is True


def test_an_operand_that_is_withheld_is_missing_and_disputed():
    rows = [period("2009-12-31", 0, cash=3.0, withheld=1)]
    cells = [cell("short_term_investments", "2009-12-31", 0, "unit_suspect", is_withheld=True)]
    [row] = derived(rows, cells, items=["liquid_assets"])
    assert (row["missing"], row["is_disputed"]) == (["short_term_investments"], True)
    [row] = derived(rows, [], items=["liquid_assets"])
    assert row["is_disputed"] is False


def test_without_agreement_a_row_with_disputed_cells_leaves_it_open():
    rows = [YEAR_TO_DATE[0], YEAR_TO_DATE[1] | {"disputed": 1}, *YEAR_TO_DATE[2:]]
    disputed = {str(row["period_end"]): row["is_disputed"] for row in derived(rows) if row["kind"] == "quarter"}
    assert disputed == {"2009-06-30": None, "2009-09-30": None, "2009-12-31": False}


def test_items_can_be_chosen_and_must_be_known():
    rows = [
        period(f"2009-{end}", 3 * place, revenue=1.0, net_income=1.0, cash=1.0) for place, end in enumerate(ENDS, 1)
    ]
    assert {row["item"] for row in derived(rows, items=["revenue", "taxes"])} == {"revenue", "taxes"}
    assert {row["item"] for row in derived(rows, items=["taxes"])} == {"taxes"}
    assert derived(rows, items=["cash"]) == []
    with pytest.raises(ConfigurationError, match="turnover"):
        derived(rows, items=["turnover"])


def test_the_table_is_valid_and_the_same_in_any_order():
    rows = [*YEAR_TO_DATE, period("2009-12-31", 0, cash=3.0, equity=4.0)]
    made = derived_table(financials(rows))
    DERIVED.validate(frames.from_arrow(made))
    assert made.equals(derived_table(financials(rows[::-1])))
    assert derived_table(financials([])).equals(DERIVED.arrow.empty_table())


WHOLE = st.integers(-(10**15), 10**15).map(float)
MILLIONTHS = st.integers(-(2**51), 2**51).map(lambda millionths: millionths / 10**6)  # sums of two are exact, too
AMOUNTS = st.one_of(WHOLE, MILLIONTHS)
few_examples = settings(max_examples=40, deadline=None)


@few_examples
@given(st.one_of(st.lists(kind, min_size=4, max_size=4) for kind in (WHOLE, MILLIONTHS)))
def test_the_four_quarters_make_the_year_exactly(amounts: list[float]):
    rows = [period(f"2009-{end}", 3 * place, revenue=amounts[place - 1]) for place, end in enumerate(ENDS, 1)]
    quarters = values(rows, "quarter")
    assert exact_sum([(1, amounts[0]), *((1, quarter) for quarter in quarters.values())]) == amounts[-1]
    assert len(quarters) == 3


PERIODS = st.tuples(
    st.sampled_from([(f"{year}-{end}", place) for year in (2008, 2009) for place, end in enumerate(ENDS)]),
    st.sampled_from([3, 6, 9, 12]),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["USD", "EUR"]),
)


@few_examples
@given(
    st.dictionaries(
        PERIODS, st.fixed_dictionaries({"revenue": AMOUNTS, "net_income": st.one_of(st.none(), AMOUNTS)}), max_size=24
    )
)
def test_operands_are_there_and_cover_the_period_exactly(cells: dict[Any, dict[str, float | None]]):
    rows = [
        period(end, months, company_id=company, currency=currency, **amounts)
        for ((end, _), months, company, currency), amounts in cells.items()
    ]
    made = derived(rows, items=["revenue", "net_income"])
    there = {key(row, item): row[item] for row in rows for item in ("revenue", "net_income") if row[item] is not None}
    assert {key(row, row["item"]) for row in made} & set(there) == set()
    quarters = {key(row, row["item"]): row["value"] for row in made if row["kind"] == "quarter"}
    for row in made:
        known = there if row["kind"] == "quarter" else there | quarters
        for operand in row["operands"]:
            of_row = {"company_id": row["company_id"], "currency": row["currency"]}
            assert known[key(operand | of_row, operand["item"])] == operand["value"]
            assert operand["item"] == row["item"]
        assert row["value"] == exact_sum((each["sign"], each["value"]) for each in row["operands"])
        assert covered(row["operands"]) == covered([row | {"sign": 1}])


def key(row: dict[str, Any], item: str) -> tuple[Any, ...]:
    return (row["company_id"], row["currency"], item, row["period_end"], row["months"])


def covered(parts: list[dict[str, Any]]) -> dict[int, int]:
    """How often each month is covered, those left out that are not."""
    months: dict[int, int] = {}
    for part in parts:
        end = 12 * part["period_end"].year + part["period_end"].month
        for month in range(end - part["months"] + 1, end + 1):
            months[month] = months.get(month, 0) + part["sign"]
    return {month: times for month, times in months.items() if times}


@few_examples
@given(st.dictionaries(st.sampled_from([name for name in NUMERIC_ITEMS if ITEMS[name].unit == "money"]), AMOUNTS))
def test_formulas_in_the_table_give_what_they_give_in_python(cells: dict[str, float]):
    rows = [period("2009-12-31", 0, **cells), period("2009-12-31", 12, **cells)]
    for row in derived(rows):
        formula = FORMULAS[row["item"]]
        assert (row["value"], row["missing"]) == (formula.value(cells), formula.missing(cells))
        assert row["period_end"] == date(2009, 12, 31)
