"""What two releases differ in, and which losses a person must accept before a release is published."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from factories import fact

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.changes import (
    Limits,
    Losses,
    check_losses,
    differences,
    losses,
    shares_rejected,
)
from finsync_pipeline.statements.tables import FACTS, LEDGER, REJECTS
from finsync_pipeline.storage.parquet import write_frame

YEARS = (2008, 2009, 2010)


def facts_of(companies: int, source: str = "pnl", years: tuple[int, ...] = YEARS, **cells: Any) -> list[dict[str, Any]]:
    """A fact for each company and year: its number in the year's last quarter."""
    return [
        fact(1000.0 + company, company_id=f"c{company:03}", period_end=date(year, 12, 31), source=source, **cells)
        for company in range(companies)
        for year in years
    ]


def release(folder: Path, rows: list[dict[str, Any]]) -> Path:
    write_frame(FACTS.frame(rows), folder / "facts.parquet")
    return folder


def compare(tmp_path: Path, before: list[dict[str, Any]], after: list[dict[str, Any]], *without: str) -> Losses:
    return losses(release(tmp_path / "a", before), release(tmp_path / "b", after), without)


def test_a_release_like_the_one_before_has_lost_nothing(tmp_path: Path) -> None:
    found = compare(tmp_path, facts_of(50), facts_of(50))
    assert found.beyond(Limits()) == []
    check_losses(found, Limits())


@pytest.mark.parametrize(
    ("companies", "lost", "is_beyond"),
    [(50, 2, False), (50, 3, True), (200, 4, False), (200, 5, True), (3, 3, True)],
)
def test_companies_may_go_up_to_a_share_and_two_of_them_always(
    tmp_path: Path, companies: int, lost: int, is_beyond: bool
) -> None:
    kept = [row for row in facts_of(companies) if row["company_id"] >= f"c{lost:03}"]
    found = compare(tmp_path, facts_of(companies), kept)

    sentences = found.beyond(Limits(facts=1))
    assert (len(found.companies), found.companies_before) == (lost, companies)
    assert any(f"{lost} of {companies} companies are lost: c000" in each for each in sentences) is is_beyond


def test_a_share_of_a_sources_facts_may_go_but_not_a_whole_quarter(tmp_path: Path) -> None:
    before = facts_of(100) + facts_of(100, "other")
    few = [row for row in before if (row["source"], row["company_id"]) > ("pnl", "c004") or row["source"] != "pnl"]
    many = [row for row in before if (row["source"], row["company_id"]) > ("pnl", "c005") or row["source"] != "pnl"]
    quarter = [row for row in before if row["source"] != "pnl" or row["period_end"].year > 2008]

    assert compare(tmp_path, before, few).beyond(Limits()) == []
    assert compare(tmp_path, before, many).beyond(Limits()) == ["pnl lost 18 of 300 facts"]
    assert compare(tmp_path, before, quarter).beyond(Limits(facts=1)) == ["pnl has no facts any more for 2008-Q4"]


def test_a_fact_of_another_length_or_currency_does_not_stand_for_a_lost_one(tmp_path: Path) -> None:
    in_euro = facts_of(10, currency="EUR")
    assert compare(tmp_path, facts_of(10), in_euro).beyond(Limits()) == ["pnl lost 30 of 30 facts"]


def test_a_source_that_may_be_missing_is_not_compared(tmp_path: Path) -> None:
    before = facts_of(50) + [row | {"company_id": f"o{row['company_id']}"} for row in facts_of(50, "other")]
    found = compare(tmp_path, before, facts_of(50), "other")
    assert found.beyond(Limits()) == []
    assert [each.source for each in found.sources] == ["pnl"]


def test_a_release_without_a_company_is_stopped_also_if_it_is_the_first(tmp_path: Path) -> None:
    found = losses(None, release(tmp_path / "b", []))
    with pytest.raises(PublicationError, match="it has no company"):
        check_losses(found, Limits())
    assert losses(None, release(tmp_path / "c", facts_of(1))).beyond(Limits()) == []


def test_the_error_lists_each_loss_and_the_command_that_accepts_it(tmp_path: Path) -> None:
    found = compare(tmp_path, facts_of(50), facts_of(20, years=(2009, 2010)))
    with pytest.raises(PublicationError) as error:
        check_losses(found, Limits())
    assert "30 of 50 companies are lost: c020, c021, c022, c023, c024 and 25 more" in str(error.value)
    assert "pnl lost 110 of 150 facts; pnl has no facts any more for 2008-Q4" in str(error.value)
    assert 'finsync release --accept "the reason"' in str(error.value)


def test_differences_are_new_lost_and_changed_facts(tmp_path: Path) -> None:
    before = [fact(1), fact(2, "net_income"), fact(3, "total_assets", months=0)]
    after = [fact(1), fact(2.5, "net_income"), fact(4, "cash", months=0)]
    found = differences(release(tmp_path / "a", before), release(tmp_path / "b", after))

    rows = [(row.item, row.before, row.after, row.change) for row in found.fillna(-1).itertuples()]
    assert rows == [("cash", -1, 4, "new"), ("net_income", 2, 2.5, "changed"), ("total_assets", 3, -1, "lost")]


def test_shares_of_rejected_cells_are_by_source_and_reason(tmp_path: Path) -> None:
    counts = {name: 0 for name in LEDGER.arrow.names if name.startswith(("rows_", "cells_"))}
    line = {"source": "pnl", "quarter": date(2009, 10, 1), "data_version": "v", "mapping_hash": "m", "rules": 1}
    line |= {"reference_version": "r", "review_version": "v", **counts, "cells_in": 200}
    reject = {"source": "pnl", "row_number": 0, "outcome": "rejected", "stage": "cells", "reason": "not_a_number"}
    write_frame(LEDGER.frame([line]), tmp_path / "ledger.parquet")
    write_frame(REJECTS.frame([{**reject, "cells": 5}, {**reject, "cells": 1}]), tmp_path / "rejects.parquet")

    assert shares_rejected(tmp_path) == {"pnl": {"not_a_number": 0.03}}
