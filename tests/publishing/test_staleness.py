"""Whether a quarter is what the source holds now, and what is said when a source is missing."""

from datetime import date

import pytest
from factories import Q1, Q3, Q4, inventory_frame, ledger_frame

from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.publishing.staleness import (
    MadeBy,
    QuarterStatus,
    SourceMissing,
    quarter_statuses,
    refuse_missing,
)

NOW = {Q4: "a", Q1: "b"}
MADE_BY = MadeBy("m1", "r1", "v1")
VERSIONS = quarter_versions(inventory_frame(NOW))


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (VERSIONS, {Q4: "fresh", Q1: "fresh"}),
        ({**VERSIONS, Q1: "old"}, {Q4: "fresh", Q1: "stale"}),
        ({Q4: VERSIONS[Q4]}, {Q4: "fresh", Q1: "missing"}),
        ({}, {Q4: "missing", Q1: "missing"}),
        ({**VERSIONS, Q3: "gone"}, {Q3: "stale", Q4: "fresh", Q1: "fresh"}),
        ({**VERSIONS, Q3: ""}, {Q4: "fresh", Q1: "fresh"}),
    ],
    ids=["all in", "changed", "one not in", "none in", "vanished at the source", "empty there and here"],
)
def test_the_status_of_each_quarter(done: dict[date, str], expected: dict[date, str]) -> None:
    statuses = quarter_statuses(inventory_frame(NOW), ledger_frame("pnl", done), MADE_BY)
    assert {status.quarter: status.status for status in statuses} == expected
    assert [status.quarter for status in statuses] == sorted(expected)
    assert {status.quarter: status.data_version for status in statuses if status.status != "missing"} == {
        quarter: done[quarter] for quarter in expected if expected[quarter] != "missing"
    }
    assert {status.rows for status in statuses if status.quarter in NOW} == {1}


def test_a_change_elsewhere_in_the_source_leaves_a_quarter_fresh() -> None:
    statuses = quarter_statuses(inventory_frame(NOW, data_version="v2"), ledger_frame("pnl", VERSIONS), MADE_BY)
    assert {status.status for status in statuses} == {"fresh"}


@pytest.mark.parametrize(
    "made_by",
    [MadeBy("m2", "r1", "v1"), MadeBy("m1", "r2", "v1"), MadeBy("m1", "r1", "v2")],
    ids=["mapping", "companies", "review"],
)
def test_work_by_another_mapping_list_of_companies_or_review_is_outdated_and_refused(made_by: MadeBy) -> None:
    statuses = quarter_statuses(inventory_frame(NOW), ledger_frame("pnl", VERSIONS), made_by)
    assert {status.status for status in statuses} == {"outdated"}
    with pytest.raises(SourceMissing, match="another mapping, list of companies or review than now: 2009-10-01"):
        refuse_missing("pnl", statuses, [])
    refuse_missing("pnl", statuses, ["pnl"])


def test_a_quarter_that_another_review_decided_alike_is_fresh_but_not_one_of_another_mapping() -> None:
    ledger = ledger_frame("pnl", VERSIONS)
    by_review = quarter_statuses(inventory_frame(NOW), ledger, MadeBy("m1", "r1", "v2"), {Q4})
    by_mapping = quarter_statuses(inventory_frame(NOW), ledger, MadeBy("m2", "r1", "v2"), {Q4})

    assert [status.status for status in by_review] == ["fresh", "outdated"]
    assert [status.status for status in by_mapping] == ["outdated", "outdated"]


def test_of_a_source_that_may_be_missing_nothing_is_called_fresh() -> None:
    ledger = ledger_frame("pnl", VERSIONS)
    for inventory in (inventory_frame(NOW), None):
        statuses = quarter_statuses(inventory, ledger, None)
        assert {status.quarter: status.status for status in statuses} == {Q4: "stale", Q1: "stale"}


def test_a_source_that_was_never_asked_is_refused_with_the_cure() -> None:
    with pytest.raises(SourceMissing) as error:
        refuse_missing("pnl", None, [])
    assert "source 'pnl' was never extracted" in str(error.value)
    assert "materialize pnl, or allow it: finsync release --allow-missing pnl" in str(error.value)


def test_missing_quarters_are_named_four_of_them_with_the_cure() -> None:
    missing = [QuarterStatus(date(year, 1, 1), "missing", None, 1) for year in range(2001, 2008)]
    with pytest.raises(SourceMissing) as error:
        refuse_missing("pnl", missing, ["cash_flow"])
    assert "not in yet: 2001-01-01, 2002-01-01, 2003-01-01, 2004-01-01 and 3 more. " in str(error.value)
    assert "finsync release --allow-missing pnl" in str(error.value)


@pytest.mark.parametrize("statuses", [None, [QuarterStatus(Q4, "missing", None, 1)]])
def test_a_source_that_may_be_missing_is_not_refused(statuses: list[QuarterStatus] | None) -> None:
    refuse_missing("pnl", statuses, ["pnl"])


@pytest.mark.parametrize("status", ["fresh", "stale"])
def test_a_source_that_is_in_is_not_refused(status: str) -> None:
    refuse_missing("pnl", [QuarterStatus(Q4, status, "v", 1)], [])  # type: ignore[arg-type]
