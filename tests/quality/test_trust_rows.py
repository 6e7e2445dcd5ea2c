"""What was once published without a mark, with the real values: each has the right outcome."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from agreement_facts import agreement_of, cell_of, fact, near_periods_of
from factories import mapping_of, raw_frame
from statements.standardized_rows import given_rows, run_frame

from benchmarks import trust_facts
from finsync_pipeline import frames
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.dates import read_period_end
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import FACTS

APPLE = "320193"
VERIZON = ("732712", "current_liabilities", 2014, 219.032e9)
ABBOTT = ("1800", "income_before_tax", 2012, 6.27e9)


def read(rows: list[dict[str, Any]], mapping: SourceMapping) -> list[dict[str, Any]]:
    """The facts of Acme that the mapping makes of the rows, with the period ends that it reads."""
    dated = [row | {"period_end": read_period_end(row["ends"], mapping.period_end)} for row in rows]
    facts = run_frame(raw_frame(given_rows(dated, mapping), mapping), mapping).out.facts
    return frames.to_arrow(facts).to_pylist()


@pytest.mark.parametrize(
    ("rules", "withheld"), [({}, False), ({"rule": {"prefer": ["nyse"]}}, False), ({"disputed": "withhold"}, True)]
)
@pytest.mark.parametrize(("cik", "item", "year", "other"), [VERIZON, ABBOTT])
def test_providers_that_differ_are_marked_and_joined_by_the_rule(
    shared_data: Path, cik: str, item: str, year: int, other: float, rules: dict[str, Any], withheld: bool
) -> None:
    nyse = trust_facts.nyse(shared_data)
    facts = frames.to_arrow(nyse[nyse["company_id"] == cik]).to_pylist()
    (of_nyse,) = [line for line in facts if (line["item"], line["period_end"].year) == (item, year)]
    table = FACTS.frame([*facts, fact(other, "other", item, year, company_id=cik, months=of_nyse["months"])])
    cell = cell_of(agreement_of(table, Rules.model_validate({"default": rules})), item, year, cik)
    value = of_nyse["value"]
    expected = None if withheld else value if "rule" in rules else (value + other) / 2
    assert (cell["verdict"], cell["value"], cell["is_withheld"]) == ("disputed", expected, withheld)
    assert (cell["least"], cell["greatest"]) == (value, other)


def test_earnings_per_share_before_and_after_a_split_are_not_averaged(shared_data: Path) -> None:
    first = trust_facts.as_first_filed(shared_data).assign(source="filed")
    latest = trust_facts.as_first_filed(shared_data, "latest_value").assign(source="today")
    both = pd.concat([first, latest], ignore_index=True)
    cells = agreement_of(both, vintages={"filed": "first", "today": "latest"})
    eps = cells[(cells["company_id"] == APPLE) & (cells["item"] == "eps_diluted")].set_index("period_end")
    split = eps.loc[date(2018, 9, 30)]
    assert (split["verdict"], split["value"], split["least"], split["greatest"]) == ("other_vintage", 2.98, 2.98, 11.91)
    assert split["sources_used"] == 1

    published = cells[~cells["is_withheld"]].merge(latest, on=["company_id", "item", "period_end"])
    assert len(published) > 0.98 * len(latest)
    assert (published["value_x"] == published["value_y"]).all()


def test_without_their_vintage_they_are_disputed(shared_data: Path) -> None:
    first = trust_facts.as_first_filed(shared_data).assign(source="filed")
    latest = trust_facts.as_first_filed(shared_data, "latest_value").assign(source="today")
    both = pd.concat([first, latest], ignore_index=True)
    cells = agreement_of(both[both["company_id"] == APPLE])
    split = cells[(cells["item"] == "eps_diluted") & (cells["period_end"] == date(2018, 9, 30))].iloc[0]
    assert (split["verdict"], split["value"]) == ("disputed", 7.445)


def test_a_later_filing_in_thousands_is_not_published() -> None:
    mapping = mapping_of(known_since="filed")
    years = [
        {"ends": f"{year}-12-31", "sales": str(319_066_000 + 1_000_000 * (year - 2009)), "filed": f"{year + 1}-02-01"}
        for year in range(2006, 2012)
    ]
    facts = read([*years, {"ends": "2009-12-31", "sales": "319065", "filed": "2011-02-01"}], mapping)
    cell = cell_of(agreement_of(FACTS.frame(facts)), "revenue", 2009, "ACME")
    assert (cell["verdict"], cell["is_withheld"], cell["culprit"]) == ("unit_suspect", True, "pnl")
    assert cell["factor"] == pytest.approx(0.001)


@pytest.mark.parametrize(("parts", "cells"), [({}, 1), ({"snap_days": 0}, 2)])
def test_a_week_year_meets_the_calendar_year_of_another_source(parts: dict[str, int], cells: int) -> None:
    period_end = {"column": "ends", **parts}
    one = read([{"ends": "2009-12-26", "sales": "10000"}], mapping_of(name="weeks", period_end=period_end))
    other = read([{"ends": "2009-12-31", "sales": "10000"}], mapping_of(name="calendar", period_end=period_end))
    table = agreement_of(FACTS.frame([*one, *other]))
    assert list(table["verdict"]) == (["agreed"] if cells == 1 else ["single", "single"])
    assert len(near_periods_of([*one, *other])) == cells - 1
