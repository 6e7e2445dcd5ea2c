"""The summary: annual periods only, counted and dated; texts where they agree; nobody left out."""

from datetime import date

import pytest
from factories import fact, text
from transforming import END_2008, END_2009, JUNE_2009, basis_of, disagreements_of, only_row, summary_of

MARCH_2010 = date(2010, 3, 31)


def test_an_item_is_the_mean_over_annual_periods_with_their_span() -> None:
    row = only_row(
        summary_of(
            [
                fact(10, period_end=END_2008),
                fact(20, period_end=END_2009),
                fact(21, period_end=END_2009, source="other"),
                fact(5, "net_income", period_end=END_2009),
                fact(1, period_end=JUNE_2009, months=6),
            ]
        )
    )
    assert (row["revenue"], row["revenue_n"]) == (15.25, 2)
    assert (row["revenue_first"], row["revenue_last"]) == (END_2008, END_2009)
    assert (row["net_income"], row["net_income_n"]) == (5, 1)
    assert (row["net_income_first"], row["net_income_last"]) == (END_2009, END_2009)
    assert (row["basis"], row["periods"]) == ("annual", 2)
    assert (row["first_period"], row["last_period"]) == (END_2008, END_2009)
    assert (row["goodwill"], row["goodwill_n"], row["goodwill_first"]) == (None, 0, None)


@pytest.mark.parametrize("months", [3, 6, 9])
def test_shorter_periods_are_not_in_the_basis(months: int) -> None:
    assert basis_of([fact(1), fact(2, period_end=JUNE_2009, months=months)]) == [("revenue", END_2009, 12)]


def test_instants_count_only_at_the_ends_of_annual_periods() -> None:
    facts = [
        fact(1),
        fact(10, "cash", months=0),
        fact(20, "cash", months=0, period_end=JUNE_2009),
        fact(30, "cash", months=0, currency="EUR"),
        fact(40, "cash", months=0, company_id="c2"),
    ]
    assert basis_of(facts) == [("cash", END_2009, 0), ("revenue", END_2009, 12)]
    made = summary_of(facts)
    assert made["cash"].fillna(-1).tolist() == [-1, 10, -1]


def test_a_fiscal_year_may_end_in_any_month() -> None:
    facts = [fact(8, period_end=JUNE_2009), fact(3, "cash", months=0, period_end=JUNE_2009)]
    assert basis_of(facts) == [("cash", JUNE_2009, 0), ("revenue", JUNE_2009, 12)]


def test_a_company_without_annual_periods_stays_with_empty_cells() -> None:
    row = only_row(summary_of([fact(5, period_end=MARCH_2010, months=3), fact(6, "cash", months=0)]))
    assert (row["company_id"], row["company_name"], row["periods"]) == ("c1", "One, Inc.", 0)
    assert (row["first_period"], row["last_period"]) == (None, None)
    assert (row["revenue"], row["revenue_n"], row["revenue_first"]) == (None, 0, None)
    assert (row["cash"], row["cash_n"]) == (None, 0)


def test_each_currency_of_a_company_is_a_row_of_its_own() -> None:
    made = summary_of([fact(1), fact(100, currency="JPY"), fact(3, period_end=END_2008)], [text("Tech")])
    rows = made[["company_id", "currency", "revenue", "periods", "sector"]].itertuples(index=False)
    assert [tuple(row) for row in rows] == [("c1", "JPY", 100, 1, "Tech"), ("c1", "USD", 2, 2, "Tech")]


def test_the_companies_are_those_with_numbers_named_where_they_are_listed() -> None:
    made = summary_of([fact(1), fact(2, company_id="stranger")], [text("Tech", company_id="c2")])
    assert made["company_id"].tolist() == ["c1", "stranger"]
    assert made["company_name"].fillna("-").tolist() == ["One, Inc.", "-"]


def test_a_text_is_shown_where_all_rows_of_the_company_agree() -> None:
    said = {
        "no text": [],
        "one": [text("Tech")],
        "the same": [text("Tech"), text("Tech", source="other", period_end=END_2008)],
        "another source differs": [text("Tech"), text("Energy", source="other")],
        "another period differs": [text("Tech"), text("tech", period_end=END_2008)],
        "another item": [text("Tech"), text("KPMG", "auditor")],
    }
    facts = [fact(1, company_id=company) for company in said]
    texts = [{**row, "company_id": company} for company, rows in said.items() for row in rows]
    made = summary_of(facts, texts)
    assert dict(zip(made["company_id"], made["sector"].fillna("-"), strict=True)) == {
        "no text": "-",
        "one": "Tech",
        "the same": "Tech",
        "another source differs": "-",
        "another period differs": "-",
        "another item": "Tech",
    }


def test_texts_that_differ_are_listed_with_their_sources_and_counts() -> None:
    texts = [
        text("Tech", row_key="1"),
        text("Tech", row_key="2"),
        text("Energy", source="other"),
        text("KPMG", "auditor"),
        text("KPMG", "auditor", source="other"),
        text("Tech", company_id="c2"),
    ]
    assert disagreements_of(texts) == [
        {"company_id": "c1", "item": "sector", "text": "Energy", "source": "other", "n": 1},
        {"company_id": "c1", "item": "sector", "text": "Tech", "source": "pnl", "n": 2},
    ]


def test_no_facts_are_an_empty_summary() -> None:
    assert len(summary_of([], [text("Tech")])) == 0
