"""Screens in words: what is understood of a sentence, what is not, and that nothing is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsync_pipeline.serving.free_text import MOST_CHARACTERS, ReadText, read_text
from finsync_pipeline.serving.item_words import _phrases
from finsync_pipeline.serving.text_tokens import tokens_of
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import NUMERIC_ITEMS

SENTENCES = [
    ("net income above 1 bn in 2009", {"where": ["net_income > 1000000000"], "fiscal_years": ["2009"]}, []),
    ("top 5 by cash", {"order_by": ["cash"], "descending": ["true"], "limit": ["5"]}, []),
    ("revenue over 2 crore", {"where": ["revenue > 20000000"]}, []),
    ("companies with goodwill missing", {"where": ["goodwill is null"]}, []),
    (
        "net income between 10m and 20m before the mean",
        {"where_periods": ["net_income between 10000000 and 20000000"]},
        [],
    ),
    ("top 3 most valuable", {"order_by": ["book_value"], "descending": ["true"], "limit": ["3"]}, []),
    ("highest profit in the quarter", {"order_by": ["net_income"], "descending": ["true"], "months": ["3"]}, []),
    ("highest liquid assets", {"order_by": ["liquid_assets"], "descending": ["true"]}, []),
    ("the 10 largest companies", {"order_by": ["revenue"], "descending": ["true"], "limit": ["10"]}, []),
    (
        "largest companies by total assets in 2008",
        {"order_by": ["total_assets"], "descending": ["true"], "fiscal_years": ["2008"]},
        [],
    ),
    ("sales of at least $26k", {"where": ["revenue >= 26000"], "currency": ["USD"]}, []),
    ("over 2 crore in sales", {"where": ["revenue > 20000000"]}, []),
    ("without goodwill and inventory", {"where": ["goodwill is null", "inventory is null"]}, []),
    ("revenue 1bn or more", {"where": ["revenue >= 1000000000"]}, []),
    (
        "cash >= 1,000,000 USD in calendar year 2009",
        {"where": ["cash >= 1000000"], "currency": ["USD"], "period_end": ["2009-01-01...2009-12-31"]},
        [],
    ),
    ("net_income > 1e9", {"where": ["net_income > 1000000000"]}, []),
    ("NetIncomeLoss > 5 million", {"where": ["net_income > 5000000"]}, []),
    ("R&D above 100 million", {"where": ["research_and_development > 100000000"]}, []),
    ("free cash flow above 1bn", {}, ["free", "cash flow above 1bn"]),
    ("net debt over 5 m", {}, ["net", "debt over 5 m"]),
    ("revenue growth above 10%", {}, ["revenue growth", "above 10%"]),
    ("revenue over 5%", {}, ["revenue over 5%"]),
    (
        "in the energy sector with profit over 1 m",
        {"texts": ['sector like "%energy%"'], "where": ["net_income > 1000000"]},
        [],
    ),
    ("audited by KPMG", {"texts": ['auditor like "%KPMG%"']}, []),
    ('sector is "oil and gas"', {"texts": ['sector like "%oil and gas%"']}, []),
    ("sector missing", {"texts": ["sector is null"]}, []),
    ("form 10", {"texts": ['form like "%10%"']}, []),
    ("named oil", {"texts": ['company_name like "%oil%"']}, []),
    ("revenue above 1bn or net income above 1m", {"where": ["revenue > 1000000000"]}, ["or net income above 1m"]),
    ("revenue not above 5m", {"where": ["revenue <= 5000000"]}, []),
    ("net income is not missing", {"where": ["net_income is not null"]}, []),
    ("negative net income since 2008", {"where": ["net_income < 0"], "period_end": ["2008-01-01...2100-12-31"]}, []),
    ("net income is positive", {"where": ["net_income > 0"]}, []),
    (
        "profitable companies in 2007 to 2009",
        {"where": ["net_income > 0"], "fiscal_years": ["2007", "2008", "2009"]},
        [],
    ),
    (
        "Q4 2009 net income above 1m",
        {"months": ["3"], "period_end": ["2009-10-01...2009-12-31"], "where": ["net_income > 1000000"]},
        [],
    ),
    ("2009 Q1", {"months": ["3"], "period_end": ["2009-01-01...2009-03-31"]}, []),
    ("in the third quarter of 2009", {"months": ["3"], "period_end": ["2009-07-01...2009-09-30"]}, []),
    ("Q4", {}, ["Q4"]),
    (
        "highest net income in the 4th quarter of 2009",
        {
            "order_by": ["net_income"],
            "descending": ["true"],
            "months": ["3"],
            "period_end": ["2009-10-01...2009-12-31"],
        },
        [],
    ),
    ("sorted by revenue ascending", {"order_by": ["revenue"], "descending": ["false"]}, []),
    ("ebitda above 1bn", {}, ["ebitda", "above 1bn"]),
    ("net income above lots", {}, ["net income above lots"]),
    ("top 5", {}, ["top 5"]),
    (
        "top 5 companies in 2009 by cash",
        {"descending": ["true"], "limit": ["5"], "fiscal_years": ["2009"], "order_by": ["cash"]},
        [],
    ),
    ("short-term debt under 3.5 Mio EUR", {"where": ["short_term_debt < 3500000"], "currency": ["EUR"]}, []),
    ("revenue over 3,5 Mio", {}, ["revenue over 3,5 Mio"]),
    ("cash and equivalents, revenue and eps", {"items": ["cash", "revenue", "eps_diluted"]}, []),
    ("net income of Apple in 2009", {"items": ["net_income"], "fiscal_years": ["2009"]}, ["Apple"]),
    ("between 2007 and 2009", {"fiscal_years": ["2007", "2008", "2009"]}, []),
    ("2007, 2008 and 2010", {"fiscal_years": ["2007", "2008", "2010"]}, []),
    ("before 2009", {"period_end": ["1900-01-01...2008-12-31"]}, []),
    ("FY2009 revenue under 1 lakh 10 thousand", {"fiscal_years": ["2009"], "where": ["revenue < 110000"]}, []),
    ("three smallest by sales", {"order_by": ["revenue"], "descending": ["false"], "limit": ["3"]}, []),
    ("ten companies with the most cash", {"limit": ["10"], "order_by": ["cash"], "descending": ["true"]}, []),
    (
        "quarterly revenue above 50 thousand rupees",
        {"months": ["3"], "where": ["revenue > 50000"], "currency": ["INR"]},
        [],
    ),
    ("half-year taxes at most 5m", {"months": ["6"], "where": ["taxes <= 5000000"]}, []),
    ("TOP 5 BY CASH", {"order_by": ["cash"], "descending": ["true"], "limit": ["5"]}, []),
    ("loss-making companies", {"where": ["net_income < 0"]}, []),
    ("revenue above net income", {}, ["revenue above net income"]),
    ("tax negative in every year", {"where_periods": ["income_tax < 0"]}, []),
    (
        "equity = 5 and debt exceeding €1.5bn",
        {"where": ["equity = 5", "long_term_debt > 1500000000"], "currency": ["EUR"]},
        [],
    ),
    ("revenue between 20m and 10m", {}, ["revenue between 20m and 10m"]),
    ("cash from 1m to 2m", {"where": ["cash between 1000000 and 2000000"]}, []),
    (
        "top 5 by cash top 3 by revenue",
        {"order_by": ["cash"], "descending": ["true"], "limit": ["5"]},
        ["top 3 by revenue"],
    ),
    ("in USD and in euros", {"currency": ["USD"]}, ["in euros"]),
    ("dividends paid ≤ 26k after the mean", {"where": ["dividends_paid <= 26000"]}, []),
    ("no dividends", {"where": ["dividends_paid is null"]}, []),
    ("not in 2009", {}, ["not in 2009"]),
    ("accounts receivable below 1 000", {}, ["accounts receivable below 1 000"]),
    ("deferred income tax added back above 5", {"where": ["deferred_income_tax > 5"]}, []),
]
WORDS = ["net", "income", "above", "1 bn", "in", "2009", "top", "5", "by", "cash", "not", "or", "and", "between",
         "10m", "20m", "without", "goodwill", "sector", "Q4", "$", "-", "%", '"', "before", "the", "mean", "3,5",
         "lakh", "blah",
         "highest", "sorted", "EUR", ",", "to", "calendar", "since", "missing",
         "negative"]  # fmt: skip


@pytest.mark.parametrize(("text", "parameters", "not_understood"), SENTENCES, ids=[each[0] for each in SENTENCES])
def test_a_sentence_is_read(text, parameters, not_understood):
    read = read_text(text)
    assert read.parameters == parameters
    assert [each.text for each in read.not_understood] == not_understood
    check_whole(read)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)))
def test_any_text_is_read_without_an_error_and_as_a_whole(text):
    check_whole(read_text(text))


def check_whole(read: ReadText) -> None:
    """Each token is in exactly one piece, and what is understood is a screen; of currencies the sign is in two."""
    spans = [(part.start, part.end) for part in read.parts if "currency" not in part.changes]
    spans += [*read.passed_over, *((each.start, each.end) for each in read.not_understood)]
    signs = [(part.start, part.end) for part in read.parts if "currency" in part.changes]
    for token in tokens_of(read.text[:MOST_CHARACTERS]):
        holding = [span for span in spans if span[0] <= token.start and token.end <= span[1]]
        own = [span for span in signs if span[0] <= token.start and token.end <= span[1]]
        assert len(holding) == 1 or (own and len(holding) <= 1), (read.text, token)
    assert all(each.reason for each in read.not_understood)
    assert read.screen is not None


def test_what_is_too_long_is_said_not_to_be_read():
    read = read_text("top 5 by cash" + " " * MOST_CHARACTERS + "revenue")
    assert read.parameters["order_by"] == ["cash"]
    assert read.not_understood[-1].text.strip() == "revenue"


def test_words_that_may_mean_several_items_offer_the_others():
    [part] = read_text("profit above 1 m").parts
    assert part.changes == {"where": ["net_income > 1000000"]}
    assert part.others[0].changes == {"where": ["operating_income > 1000000"]}


def test_a_year_says_which_it_is_and_offers_the_other():
    [part] = read_text("in 2009").parts
    assert "fiscal year 2009" in part.meaning
    assert [each.changes for each in part.others] == [{"period_end": ["2009-01-01...2009-12-31"]}]
    [part] = read_text("in calendar 2009").parts
    assert [each.changes for each in part.others] == [{"fiscal_years": ["2009"]}]


def test_an_item_before_a_condition_on_another_may_mean_both():
    column, condition = read_text("revenue and net income above 1 bn").parts
    assert condition.changes == {"where": ["net_income > 1000000000"]}
    assert column.changes == {"items": ["revenue"]}
    assert column.others[0].changes == {"where": ["revenue > 1000000000"]}


def test_all_words_for_items_mean_items():
    meant = {item for items in _phrases().values() for item in items}
    assert meant == {*NUMERIC_ITEMS, *FORMULAS}


@pytest.mark.parametrize("name", [*NUMERIC_ITEMS, *FORMULAS])
def test_each_item_is_understood_by_its_name(name):
    [part] = read_text(f"{name} above 5").parts
    assert part.changes == {"where": [f"{name} > 5"]}
