"""Financials: the mean over sources, counted; lengths and currencies apart; missing is not zero."""

import random
from datetime import date
from pathlib import Path

import pytest
from factories import fact
from transforming import END_2008, END_2009, financials_of, only_row, scan_of

from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.tables import FACTS
from finsync_pipeline.storage.parquet import write_frame


def test_an_item_is_the_mean_over_its_sources_which_are_counted() -> None:
    row = only_row(
        financials_of(
            [
                fact(10, "net_income", source="pnl"),
                fact(13, "net_income", source="cash_flow"),
                fact(100, "revenue", source="pnl"),
                fact(0, "goodwill", source="balance_sheet"),
            ]
        )
    )
    assert (row["net_income"], row["net_income_sources"]) == (11.5, 2)
    assert (row["revenue"], row["revenue_sources"]) == (100, 1)
    assert (row["goodwill"], row["goodwill_sources"]) == (0, 1)
    others = set(NUMERIC_ITEMS) - {"net_income", "revenue", "goodwill"}
    assert {(row[item], row[f"{item}_sources"]) for item in others} == {(None, 0)}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("company_id", ["c1", "c2"]),
        ("period_end", [END_2008, END_2009]),
        ("months", [0, 3, 6, 9, 12]),
        ("currency", ["EUR", "USD"]),
    ],
)
def test_what_differs_in_a_key_is_never_averaged_together(field: str, values: list[object]) -> None:
    facts = [fact(float(place), **{field: value}) for place, value in enumerate(values)]
    made = financials_of(random.Random(1).sample(facts, len(facts)))
    assert made[field].tolist() == values
    assert made["revenue"].tolist() == list(range(len(values)))
    assert set(made["revenue_sources"]) == {1}


def test_the_order_of_facts_does_not_show() -> None:
    facts = [
        fact(number / 7, item, company_id=f"c{number % 3}", source=f"s{number}")
        for number in range(30)
        for item in NUMERIC_ITEMS[:5]
    ]
    assert financials_of(facts).equals(financials_of(random.Random(2).sample(facts, len(facts))))


def test_no_facts_are_no_financials() -> None:
    assert len(financials_of([])) == 0


def test_the_engine_reads_several_files_as_one_table_or_none_as_empty(tmp_path: Path) -> None:
    write_frame(FACTS.frame([fact(1)]), tmp_path / "a.parquet")
    write_frame(FACTS.frame(), tmp_path / "b.parquet")
    write_frame(FACTS.frame([fact(2, period_end=date(2010, 3, 31))]), tmp_path / "c.parquet")
    files = sorted(tmp_path.iterdir())
    assert scan_of(files).equals(FACTS.frame([fact(1), fact(2, period_end=date(2010, 3, 31))]))
    assert scan_of([]).equals(FACTS.frame())


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "o'brien [1] *" / "facts.parquet"
    write_frame(FACTS.frame([fact(1)]), file)
    assert len(scan_of([file])) == 1
