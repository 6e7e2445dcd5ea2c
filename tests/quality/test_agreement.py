"""What is published of a cell, where sources agree, differ, or one of them is wrong by a unit or by its sign."""

from datetime import date

import pytest
from agreement_facts import YEARS, cell_of, fact, near_periods_of, series, table_of

from finsync_pipeline.quality.rules import Rules


def rules_of(**default) -> Rules:
    return Rules.model_validate({"default": default})


def outcome(cell, *names):
    return tuple(cell[name] for name in names)


def test_a_cell_of_one_source_is_published_as_it_is():
    cell = cell_of(table_of([fact(100)]))
    assert outcome(cell, "verdict", "value", "sources", "sources_used", "used_sources") == ("single", 100, 1, 1, "pnl")
    assert outcome(cell, "is_withheld", "culprit", "why", "spread") == (False, None, None, 0)


@pytest.mark.parametrize(
    ("values", "verdict", "value"),
    [
        ((100, 100), "agreed", 100),
        ((100.0, 100.75), "agreed", 100.375),
        ((0, 0), "agreed", 0),
        ((122_987_654_321, 1.23e11), "rounded", 122_993_827_160.5),
        ((13_699_000_000, 13_699_123_000), "rounded", 13_699_061_500),
        ((100, 130), "disputed", 115),
        ((0, 130), "disputed", 65),
        ((100, 100, 130), "disputed", 110),
    ],
)
def test_values_of_several_sources_are_averaged_with_a_verdict(values, verdict, value):
    cell = cell_of(table_of([fact(each, f"s{n}") for n, each in enumerate(values)]))
    assert outcome(cell, "verdict", "value", "is_withheld") == (verdict, value, False)
    assert outcome(cell, "sources", "sources_used", "culprit") == (len(values), len(values), None)


@pytest.mark.parametrize(
    ("item", "values", "mean"),
    [
        ("current_liabilities", (27.987e9, 219.032e9), 123.5095e9),
        ("income_before_tax", (-0.22e9, 6.27e9), 3.025e9),
    ],
)
def test_real_providers_that_differ_are_flagged_or_withheld_by_the_rule(item, values, mean):
    facts = [fact(each, f"s{n}", item) for n, each in enumerate(values)]
    flagged = cell_of(table_of(facts), item)
    assert outcome(flagged, "verdict", "value", "is_withheld") == ("disputed", mean, False)
    withheld = cell_of(table_of(facts, rules_of(disputed="withhold")), item)
    assert outcome(withheld, "verdict", "value", "is_withheld", "used_sources") == ("disputed", None, True, None)


@pytest.mark.parametrize(
    ("rule", "value", "used"),
    [
        ({"rule": "mean"}, 150, "s0|s1|s2"),
        ({"rule": "median"}, 120, "s1"),
        ({"rule": {"prefer": ["nobody", "s2", "s0"]}}, 230, "s2"),
        ({"rule": {"prefer": ["nobody"]}}, 150, "s0|s1|s2"),
    ],
)
def test_the_rule_of_the_item_joins_the_values_and_the_cell_names_both(rule, value, used):
    facts = [fact(each, f"s{n}") for n, each in enumerate((100, 120, 230))]
    cell = cell_of(table_of(facts, Rules.model_validate({"items": {"revenue": rule}})))
    kind = "prefer" if isinstance(rule["rule"], dict) else rule["rule"]
    assert outcome(cell, "value", "used_sources", "rule") == (value, used, kind)


def test_a_tolerance_of_the_item_holds_for_it_alone():
    rules = Rules.model_validate({"items": {"revenue": {"tolerance": 0.2}}})
    facts = [fact(each, source, item) for item in ("revenue", "net_income") for source, each in (("a", 9), ("b", 10))]
    table = table_of(facts, rules)
    assert [cell_of(table, item)["verdict"] for item in ("revenue", "net_income")] == ["agreed", "disputed"]


def test_a_contradiction_by_a_thousand_is_withheld_where_nothing_proves_the_culprit():
    cell = cell_of(table_of([fact(13.7e9, "cash_flow"), fact(13.7e12 / 10, "x", "total_assets"), fact(13.7e6, "pnl")]))
    assert outcome(cell, "verdict", "value", "is_withheld", "culprit") == ("unit_suspect", None, True, None)
    assert "cash_flow and pnl contradict" in cell["why"]


@pytest.mark.parametrize("factor", [1e3, 1e-3, 1e6, 1e-6, 100, 0.01, -1000])
def test_neighbours_in_time_prove_which_of_two_is_wrong(factor):
    facts = [*series(5e5, "a"), *series(5e5, "b")]
    facts[-1]["value"] *= factor
    cell = cell_of(table_of(facts))
    assert outcome(cell, "verdict", "culprit", "is_withheld", "sources_used") == ("unit_suspect", "b", False, 1)
    assert cell["value"] == facts[4]["value"]
    assert cell["factor"] == pytest.approx(factor)
    assert "neighbours in time agree with a" in cell["why"]


def test_opposite_signs_are_never_averaged():
    cell = cell_of(table_of([fact(1000, "a"), fact(-1000, "b")]))
    assert outcome(cell, "verdict", "value", "is_withheld", "culprit") == ("sign_suspect", None, True, None)


def test_neighbours_in_time_prove_which_sign_is_wrong():
    facts = [*series(5e5, "a"), *series(5e5, "b")]
    facts[-1]["value"] *= -1
    cell = cell_of(table_of(facts))
    assert outcome(cell, "verdict", "culprit", "factor", "value") == ("sign_suspect", "b", -1, facts[4]["value"])


@pytest.mark.parametrize("wrong", [1.37e13, -1.37e10])
def test_a_third_source_proves_which_is_wrong(wrong):
    cell = cell_of(table_of([fact(1.37e10, "a"), fact(wrong, "b"), fact(1.37e10, "c")]))
    assert outcome(cell, "culprit", "value", "sources", "sources_used") == ("b", 1.37e10, 3, 2)


@pytest.mark.parametrize("factor", [1e3, 1e6, 1e-3, 1e-6])
def test_one_source_alone_is_a_suspect_if_it_is_far_from_its_neighbours(factor):
    facts = series(5e5)
    facts[2]["value"] *= factor
    table = table_of(facts)
    cell = cell_of(table, year=2012)
    assert outcome(cell, "verdict", "value", "is_withheld", "culprit") == ("unit_suspect", None, True, "pnl")
    assert cell["factor"] == pytest.approx(factor)
    assert table["is_withheld"].sum() == 1


def test_two_wrong_values_of_one_series_are_both_found():
    facts = [*series(5e5), fact(7e5, year=2015), fact(7e5, year=2016)]
    facts[1]["value"] *= 1000
    facts[3]["value"] *= 1000
    assert list(table_of(facts).query("is_withheld")["period_end"]) == [date(2011, 12, 31), date(2013, 12, 31)]


def test_a_series_that_really_moves_is_left_alone():
    values = (4e6, -2e7, 3e4, 9e8, 5e5)
    facts = [fact(value, item="net_income", year=year) for value, year in zip(values, YEARS, strict=True)]
    assert set(table_of(facts)["verdict"]) == {"single"}


@pytest.mark.parametrize(
    ("item", "currency", "value", "verdict"),
    [
        ("revenue", "USD", 396e12, "beyond_bound"),
        ("revenue", "USD", 6.8e11, "single"),
        ("total_assets", "USD", 6.9e12, "single"),
        ("revenue", "IDR", 3e15, "single"),
        ("eps_diluted", "USD", 6e4, "single"),
        ("eps_diluted", "USD", 5e6, "beyond_bound"),
    ],
)
def test_a_value_beyond_the_bound_of_its_item_is_a_suspect_alone(item, currency, value, verdict):
    cell = cell_of(table_of([fact(value, item=item, currency=currency)]), item)
    assert outcome(cell, "verdict", "is_withheld") == (verdict, verdict != "single")


def test_a_value_beyond_the_bound_is_replaced_by_that_of_another_source():
    cell = cell_of(table_of([fact(4.1e11, "a"), fact(4.1e14, "b")]))
    assert outcome(cell, "verdict", "culprit", "value") == ("beyond_bound", "b", 4.1e11)


def test_suspects_are_published_with_their_flag_if_the_rule_says_so_and_none_contradicts_them():
    rules = rules_of(suspects="flag")
    facts = series(5e5)
    facts[2]["value"] *= 1000
    alone = cell_of(table_of(facts, rules), year=2012)
    assert outcome(alone, "verdict", "value", "is_withheld") == ("unit_suspect", facts[2]["value"], False)
    contradicted = cell_of(table_of([fact(1000, "a"), fact(-1000, "b")], rules))
    assert outcome(contradicted, "verdict", "is_withheld") == ("sign_suspect", True)


def test_sources_of_another_vintage_are_not_averaged():
    facts = [fact(11.91, "filed", "eps_diluted"), fact(2.98, "today", "eps_diluted"), fact(3.1, "filed", "eps_basic")]
    table = table_of(facts, vintages={"filed": "first", "today": "latest"})
    cell = cell_of(table, "eps_diluted")
    assert outcome(cell, "verdict", "value", "sources", "used_sources") == ("other_vintage", 2.98, 2, "today")
    assert outcome(cell_of(table, "eps_basic"), "verdict", "value") == ("single", 3.1)


def test_another_length_is_another_cell():
    table = table_of([fact(100, "a", months=3), fact(100_000, "b", months=9)])
    assert list(table["verdict"]) == ["single", "single"]


def test_currencies_are_never_compared():
    table = table_of([fact(100_000, "a", currency="JPY"), fact(100, "b")])
    assert list(table["verdict"]) == ["single", "single"]


def test_period_ends_that_lie_a_few_days_apart_are_reported():
    facts = [
        fact(1, "a", period_end=date(2009, 12, 26)),
        fact(1, "b", period_end=date(2009, 12, 31)),
        fact(2, "b", "net_income", period_end=date(2009, 12, 31)),
        fact(2, "a", period_end=date(2010, 12, 31)),
        fact(2, "b", period_end=date(2010, 12, 31)),
    ]
    assert near_periods_of(facts) == [
        {
            "company_id": "c1",
            "months": 12,
            "source": "a",
            "period_end": date(2009, 12, 26),
            "other_source": "b",
            "other_period_end": date(2009, 12, 31),
            "items": 1,
        }
    ]


def test_no_facts_make_an_empty_table():
    assert table_of([]).empty


def test_a_single_value_is_rounded_as_a_mean_is():
    facts = [fact(1.23456789, item="eps_diluted"), fact(2.5, item="eps_basic"), fact(1e17 + 16, item="revenue")]
    assert list(table_of(facts, rules_of(suspects="flag"))["value"]) == [2.5, 1.234568, 1e17 + 16]


def test_of_two_periods_a_thousand_times_apart_neither_is_published():
    table = table_of([fact(1.3e9, item="total_assets", year=2013), fact(1.3e12, item="total_assets", year=2014)])
    assert list(table["is_withheld"]) == [True, True]
    assert table["culprit"].isna().all()
    assert "only neighbour in time" in table["why"].iloc[0]


def test_the_sign_of_an_item_that_has_one_is_judged_by_its_neighbours():
    facts = [*series(5e5, item="total_assets"), *series(5e5, item="net_income")]
    facts = [{**line, "value": -line["value"]} if line["period_end"].year == 2012 else line for line in facts]
    table = table_of(facts)
    assert list(table.query("is_withheld")["item"]) == ["total_assets"]
    assert cell_of(table, "total_assets", 2012)["verdict"] == "sign_suspect"


def test_sources_that_agree_against_their_neighbours_in_time_are_published_with_a_flag():
    facts = [*series(5e5, "a"), *series(5e5, "b")]
    facts = [{**line, "value": line["value"] * 1000} if line["period_end"].year == 2012 else line for line in facts]
    cell = cell_of(table_of(facts), year=2012)
    assert outcome(cell, "verdict", "is_withheld", "sources_used", "culprit") == ("unit_suspect", False, 2, None)
    assert "a and b agree, but their neighbours in time differ by a factor of about 1,000" in cell["why"]
