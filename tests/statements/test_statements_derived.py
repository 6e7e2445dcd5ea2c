"""The formulas of derived items: what they may be, and that SQL and Python give the same sum."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.derived import FORMULAS, Formula, exact_sum, exact_sum_sql, is_additive, read_formulas
from finsync_pipeline.statements.items import ITEMS

WHOLE = st.integers(-(10**15), 10**15).map(float)
CENTS = st.integers(-(10**11), 10**11).map(lambda cents: cents / 100)
MILLIONTHS = st.integers(-(10**12), 10**12).map(lambda millionths: millionths / 10**6)
VALUES = st.one_of(WHOLE, CENTS, MILLIONTHS)


def read(formula: str, name: str = "sum_of_items", unit: str = "money") -> Formula:
    row = {"name": name, "formula": formula, "unit": unit, "description": "Why"}
    return read_formulas([row])[name]


def in_duckdb(expression: str, **columns: float | None) -> float | None:
    with frames.empty_database() as connection:
        names = ", ".join(f"?::DOUBLE AS {name}" for name in columns)
        [(value,)] = connection.execute(f"SELECT {expression} FROM (SELECT {names})", [*columns.values()]).fetchall()
    return value


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS.keys())
def test_a_formula_is_described_and_its_operands_are_of_its_kind_and_unit(formula: Formula):
    assert formula.description[0].isupper()
    assert not formula.description.endswith(".")
    assert {ITEMS[item].kind for item in formula.items} == {formula.kind}
    assert {ITEMS[item].unit for item in formula.items} == {formula.unit}
    assert formula.is_additive == (formula.kind == "duration")


def test_the_signs_are_those_of_the_formula():
    assert read("revenue - income_tax + net_income").operands == ((1, "revenue"), (-1, "income_tax"), (1, "net_income"))
    assert read("cash").is_other_name
    assert not read("cash + equity").is_other_name


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"formula": "revenue * 2"}, "is not a sum"),
        ({"formula": "__import__('os')"}, "is not a sum"),
        ({"formula": "- revenue"}, "is not a sum"),
        ({"formula": ""}, "is not a sum"),
        ({"formula": "revenue - turnover"}, "turnover is not a standard item with numbers"),
        ({"formula": "revenue + sector"}, "sector is not a standard item with numbers"),
        ({"formula": "revenue - revenue"}, "has an item twice"),
        ({"formula": "revenue - cash"}, "has items of a period and of its end"),
        ({"formula": "revenue - eps_basic"}, "its operands are money, per_share"),
        ({"formula": "eps_basic"}, "its operands are per_share"),
        ({"formula": "revenue", "name": "cash"}, "the name is taken"),
    ],
)
def test_a_formula_that_cannot_be_used_is_refused_by_name(row: dict[str, str], message: str):
    with pytest.raises(ConfigurationError, match=message) as raised:
        read(**row)
    assert row.get("name", "sum_of_items") in str(raised.value)


def test_amounts_that_do_not_grow_with_the_period_are_not_additive():
    names = [name for name in ITEMS if is_additive(name)]
    assert {"revenue", "net_income", "debt_issued", "net_change_in_cash"} <= set(names)
    assert {"eps_basic", "beginning_cash", "ending_cash", "cash", "sector"} & set(names) == set()
    assert not read("ending_cash - net_change_in_cash").is_additive


def test_an_operand_that_is_missing_makes_the_sum_missing_and_is_named():
    formula = FORMULAS["non_cash_items"]
    values = {"depreciation_amortization": 5.0, "share_based_compensation": 0.0, "deferred_income_tax": None}
    assert formula.value(values) is None
    assert formula.missing(values) == ["deferred_income_tax"]
    assert in_duckdb(formula.sql(), **values) is None
    assert formula.value(values | {"deferred_income_tax": -7.0}) == -2


def test_money_that_floats_would_lose_is_not_lost():
    assert exact_sum([(1, 1e15), (1, 0.1), (-1, 1e15)]) == 0.1
    assert exact_sum([(1, 0.1), (1, 0.2)]) == 0.3


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, -1]), st.one_of(VALUES, st.none())), min_size=1, max_size=4))
def test_sql_gives_what_python_gives(terms: list[tuple[int, float | None]]):
    columns = {f"c{place}": value for place, (_, value) in enumerate(terms)}
    sql = exact_sum_sql([(sign, f"c{place}") for place, (sign, _) in enumerate(terms)])
    assert in_duckdb(sql, **columns) == exact_sum(terms)


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=4))
def test_a_sum_of_millionths_is_the_nearest_number(millionths: list[int]):
    values = [(1, number / 10**6) for number in millionths]
    assert exact_sum(values) == float(Decimal(sum(millionths)) / 10**6)
