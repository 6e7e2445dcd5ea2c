"""Rows, filings, deliveries and sources that are off as a whole: all of their values are suspects, and no others."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from agreement_facts import agreement_of, cell_of, fact, series, table_of

from benchmarks import trust_facts
from finsync_pipeline.statements.items import ITEMS

INCOME = {"revenue": 9e8, "cost_of_revenue": 6e8, "gross_profit": 3e8, "income_tax": 4e7, "net_income": 8e7}


def statement(source: str = "pnl", **other):
    return [line for item, value in INCOME.items() for line in series(value, source, item, **other)]


def times(factor: float, facts, **where):
    """The facts, those with these cells multiplied."""
    return [
        {**line, "value": line["value"] * factor} if all(line[key] == cell for key, cell in where.items()) else line
        for line in facts
    ]


def of_money(facts: pd.DataFrame) -> pd.Series:
    return facts["item"].map(lambda item: ITEMS[item].unit == "money")


def test_all_values_of_a_row_that_is_off_are_suspects_those_without_neighbours_too():
    alone = fact(2e6, item="research_and_development")
    facts = times(1000, [*statement(), alone, fact(3.1, item="eps_diluted")], period_end=date(2014, 12, 31))
    table = table_of(facts)
    assert list(table.query("is_withheld")["item"]) == sorted([*INCOME, "research_and_development"])
    cell = cell_of(table, "research_and_development")
    assert (cell["verdict"], cell["factor"]) == ("unit_suspect", 1000)
    assert "its row is off by that" in cell["why"]


def test_a_row_is_not_off_as_a_whole_for_one_wrong_value():
    facts = times(1000, [*statement(), fact(2e6, item="research_and_development")], row_key="none")
    facts[4]["value"] *= 1000
    assert list(table_of(facts).query("is_withheld")["item"]) == ["revenue"]


def test_all_values_of_a_delivery_that_is_off_are_suspects_those_of_a_new_company_too():
    companies = [line for n in range(4) for line in statement(company_id=f"c{n}")]
    new = fact(5e7, company_id="new")
    table = table_of(times(1e-6, [*companies, new], period_end=date(2014, 12, 31)))
    assert set(table.query("is_withheld")["period_end"]) == {date(2014, 12, 31)}
    assert table["is_withheld"].sum() == 4 * len(INCOME) + 1
    assert "the whole quarter of the source" in cell_of(table, company_id="new")["why"]


def test_all_values_of_a_filing_that_is_off_are_suspects():
    good = statement(known_since=date(2014, 3, 1))
    late = [fact(value, item=item, year=2015, known_since=date(2016, 3, 1)) for item, value in INCOME.items()]
    late.append(fact(1e6, item="research_and_development", year=2013, known_since=date(2016, 3, 1)))
    late = [{**line, "value": line["value"] * 1000} for line in late]
    table = table_of([*good, *late])
    assert table["is_withheld"].sum() == len(late)
    assert "since that day" in cell_of(table, "research_and_development", 2013)["why"]


@pytest.mark.parametrize("factor", [1e3, 1e-3, 1e6, 100, 0.01])
def test_a_source_that_is_off_is_replaced_where_a_third_one_proves_it(factor):
    right = [line for n in range(3) for s in ("a", "b") for line in statement(s, company_id=f"c{n}")]
    wrong = times(factor, [line for n in range(3) for line in statement("z", company_id=f"c{n}")])
    only_wrong = times(factor, [fact(2e7, "z", "depreciation", company_id="other")])
    table = table_of([*right, *wrong, *only_wrong])
    assert set(table["culprit"].dropna()) == {"z"}
    assert table["is_withheld"].sum() == 1
    assert cell_of(table, "depreciation", company_id="other")["is_withheld"]
    assert (table.query("sources == 3")["sources_used"] == 2).all()


def test_two_sources_that_differ_by_a_factor_throughout_are_both_withheld_if_nothing_proves_the_culprit():
    facts = [line for n in range(3) for line in statement("a", company_id=f"c{n}")]
    facts += times(1e-3, [line for n in range(3) for line in statement("z", company_id=f"c{n}")])
    facts += [fact(2e7, source, "depreciation", 2009, company_id=source) for source in ("a", "z")]
    table = table_of(facts)
    assert table["is_withheld"].all()
    assert table["culprit"].isna().all()


def test_a_bound_that_is_broken_proves_which_of_two_sources_is_off():
    facts = [line for n in range(3) for line in statement("a", company_id=f"c{n}")]
    big = series(4e11, "a", company_id="big")
    wrong = times(1000, [{**line, "source": "z"} for line in [*facts, *big]])
    table = table_of([*facts, *big, *wrong, fact(1e3, "z", "depreciation")])
    assert set(table["culprit"].dropna()) == {"z"}
    assert list(table.query("is_withheld")["item"]) == ["depreciation"]


def test_an_item_whose_sign_is_turned_in_one_source_is_found():
    facts = [line for n in range(4) for s in ("a", "b", "z") for line in statement(s, company_id=f"c{n}")]
    table = table_of(times(-1, facts, source="z", item="income_tax"))
    assert set(table.query("verdict == 'sign_suspect'")["item"]) == {"income_tax"}
    assert set(table["culprit"].dropna()) == {"z"}
    assert not table["is_withheld"].any()


def test_a_new_item_of_a_source_in_minor_units_is_a_suspect():
    facts = [line for n in range(3) for line in statement("a", company_id=f"c{n}", currency="GBP")]
    pence = [line for n in range(3) for line in statement("z", company_id=f"c{n}", currency="GBP")]
    pence += series(2e7, "z", "inventory", company_id="c0", currency="GBP")
    assert cell_of(table_of([*facts, *times(100, pence)]), "inventory", company_id="c0")["is_withheld"]


def test_an_item_of_one_sign_that_a_source_has_with_the_other_sign_throughout_is_a_suspect():
    facts = [line for n in range(3) for line in statement("a", company_id=f"c{n}")]
    table = table_of(times(-1, facts, item="cost_of_revenue"))
    assert set(table.query("is_withheld")["item"]) == {"cost_of_revenue"}
    cell = cell_of(table, "cost_of_revenue", company_id="c0")
    assert (cell["verdict"], cell["culprit"], cell["factor"]) == ("sign_suspect", "a", -1)
    assert "all that the source has of this item" in cell["why"]


@pytest.fixture(scope="module")
def services(shared_data: Path) -> pd.DataFrame:
    return trust_facts.services(shared_data)


def test_real_sources_without_damage_have_few_suspects(services):
    table = agreement_of(services)
    assert table["verdict"].str.endswith(("suspect", "bound")).mean() < 0.003


def test_the_real_income_statements_read_in_the_wrong_unit_are_all_withheld_or_replaced(services):
    is_wrong = (services["source"] == "pnl") & of_money(services)
    wrong = services.assign(value=services["value"].where(~is_wrong, services["value"] * 1000))
    table = agreement_of(wrong)
    keys = list(table.columns[:5])
    cells = wrong[is_wrong & (services["value"] != 0)].merge(table, on=keys, suffixes=("", "_published"))
    others = services[services["source"] == "cash_flow"].rename(columns={"value": "right"})
    published = cells[~cells["is_withheld"]].merge(others[[*keys, "right"]], on=keys)
    assert len(published) == (~cells["is_withheld"]).sum() > 2000
    assert (published["value_published"] == published["right"]).all()
    untouched = wrong[~is_wrong].merge(table[table["sources"] == 1], on=keys)
    assert untouched["is_withheld"].mean() < 0.003


def test_the_table_does_not_depend_on_order_or_threads(services):
    part = services[services["company_id"].isin(services["company_id"].unique()[:60])]
    shuffled = part.sample(frac=1, random_state=7, ignore_index=True)
    pd.testing.assert_frame_equal(agreement_of(part, threads=1), agreement_of(shuffled, threads=4))
