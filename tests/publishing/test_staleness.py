"""Whether a stored quarter is current, why not, and which command makes it so."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from factories import Q1, Q3, Q4, inventory_frame, ledger_frame
from published_files import NOW, stored_frame

from finsync_pipeline.errors import ConfigurationError, PublicationError
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.publishing.staleness import (
    QuarterState,
    State,
    check_allow_missing,
    check_publishable,
    command_for,
    quarter_states,
    read_decisions,
    stored_quarters,
    unchecked,
)
from finsync_pipeline.statements.tables import COMPANY_IDS
from finsync_pipeline.storage.parquet import write_frame

AT_SOURCE = {Q4: "a", Q1: "b"}
VERSIONS = quarter_versions(inventory_frame(AT_SOURCE))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (VERSIONS, {Q4: "current", Q1: "current"}),
        ({**VERSIONS, Q1: "old"}, {Q4: "current", Q1: "changed"}),
        ({Q4: VERSIONS[Q4]}, {Q4: "current", Q1: "missing"}),
        ({}, {Q4: "missing", Q1: "missing"}),
        ({**VERSIONS, Q3: "gone"}, {Q3: "changed", Q4: "current", Q1: "current"}),
        ({**VERSIONS, Q3: ""}, {Q4: "current", Q1: "current"}),
    ],
    ids=["all in", "changed", "one not in", "none in", "vanished at the source", "empty there and here"],
)
def test_the_state_of_each_quarter(made: dict[date, str], expected: dict[date, str]) -> None:
    states = quarter_states(inventory_frame(AT_SOURCE), stored_frame(made), NOW)

    assert {each.quarter: str(each.state) for each in states} == expected
    assert [each.quarter for each in states] == sorted(expected)
    assert {each.quarter: each.data_version for each in states if each.data_version} == {
        quarter: made[quarter] for quarter in expected if expected[quarter] != "missing"
    }
    assert {each.rows for each in states if each.quarter in AT_SOURCE} == {1}
    assert {each.has_other_rows for each in states if each.state != "current"} <= {True}


def test_a_change_elsewhere_in_the_source_leaves_a_quarter_current() -> None:
    states = quarter_states(inventory_frame(AT_SOURCE, data_version="v2"), stored_frame(VERSIONS), NOW)
    assert {each.state for each in states} == {State.CURRENT}


@pytest.mark.parametrize(
    ("changed", "why", "command"),
    [
        ({"mapping": "m2"}, "its mapping has changed", "finsync run --quarters 2009-Q4...2010-Q1"),
        ({"rules": 2}, "another version of FinSync read it", "finsync run --quarters 2009-Q4...2010-Q1"),
        ({"reference": "r2"}, "the list of companies decides otherwise", "finsync re-resolve"),
        ({"review": "v2"}, "the review decides otherwise", "finsync re-resolve"),
        ({"mapping": "m2", "review": "v2"}, "its mapping has changed; the review", "finsync run --quarters 2009-Q4"),
    ],
)
def test_other_inputs_than_data_make_a_quarter_outdated(changed: dict[str, str], why: str, command: str) -> None:
    now = replace(NOW, **changed)  # type: ignore[arg-type]
    states = quarter_states(inventory_frame(AT_SOURCE), stored_frame(VERSIONS), now, decided_otherwise={Q4, Q1})

    assert {each.state for each in states} == {State.OUTDATED}
    assert states[0].why.startswith(why)
    assert command_for(states).startswith(command)
    assert not states[0].has_other_rows
    with pytest.raises(PublicationError) as error:
        check_publishable("pnl", states)
    assert f"has outdated quarters ({why}" in str(error.value)
    assert f": 2009-Q4, 2010-Q1. Run: {command}" in str(error.value)


def test_a_quarter_that_another_review_decided_alike_is_current_but_not_one_of_another_mapping() -> None:
    stored, other_review = stored_frame(VERSIONS), replace(NOW, review="v2")
    by_review = quarter_states(inventory_frame(AT_SOURCE), stored, other_review, {Q1})
    by_mapping = quarter_states(inventory_frame(AT_SOURCE), stored, replace(other_review, mapping="m2"), {Q1})

    assert [str(each.state) for each in by_review] == ["current", "outdated"]
    assert [str(each.state) for each in by_mapping] == ["outdated", "outdated"]


def test_a_quarter_whose_companies_were_decided_since_is_outdated_though_the_list_is_the_same() -> None:
    stored = [replace(each, decided_by=("r1", "v2")) for each in stored_frame(VERSIONS)]
    states = quarter_states(inventory_frame(AT_SOURCE), stored, replace(NOW, review="v2"))

    assert {each.state for each in states} == {State.OUTDATED}
    assert command_for(states).startswith("finsync re-resolve")


def test_what_an_older_version_wrote_is_outdated(tmp_path: Path) -> None:
    ledger = ledger_frame("pnl", VERSIONS).drop(columns=["rules", "rows_rejected"])
    for quarter in VERSIONS:
        write_frame(ledger[ledger["quarter"] == quarter], tmp_path / "pnl" / "ledger" / f"{quarter}.parquet")

    states = quarter_states(inventory_frame(AT_SOURCE), stored_quarters(tmp_path, "pnl", [Q3, Q4, Q1]), NOW)

    assert {(each.state, each.why) for each in states} == {(State.OUTDATED, "another version of FinSync read it")}
    assert command_for(states) == "finsync run --quarters 2009-Q4...2010-Q1"


def test_of_a_source_that_may_be_missing_nothing_is_called_current_or_changed() -> None:
    states = quarter_states(inventory_frame({**AT_SOURCE, Q3: "c"}), stored_frame({**VERSIONS, Q1: "old"}), NOW)
    assert {each.quarter: str(each.state) for each in unchecked(states)} == {
        Q3: "missing",
        Q4: "unchecked",
        Q1: "unchecked",
    }


def test_a_source_that_was_never_asked_is_not_published() -> None:
    with pytest.raises(PublicationError) as error:
        check_publishable("pnl", None)
    assert "Source 'pnl': was never extracted. Run: finsync run; or publish without it" in str(error.value)
    assert "finsync release --allow-missing pnl" in str(error.value)


def test_missing_quarters_are_named_four_of_them_with_the_command() -> None:
    missing = [QuarterState(date(year, 1, 1), State.MISSING, frozenset(), None, 1) for year in range(2001, 2008)]
    with pytest.raises(PublicationError) as error:
        check_publishable("pnl", missing)
    assert "(never brought in): 2001-Q1, 2002-Q1, 2003-Q1, 2004-Q1 and 3 more. " in str(error.value)
    assert "Run: finsync run --quarters 2001-Q1...2007-Q1; or publish without it" in str(error.value)


@pytest.mark.parametrize("state", [State.CURRENT, State.CHANGED, State.UNCHECKED])
def test_a_source_whose_quarters_are_in_is_published(state: State) -> None:
    check_publishable("pnl", [QuarterState(Q4, state, frozenset(), "v", 1)])


def test_a_name_that_is_not_a_source_is_refused_with_those_there_are() -> None:
    check_allow_missing(["pnl"], ["pnl", "other"])
    with pytest.raises(ConfigurationError, match=r"allow_missing: pln is not a source\. Name one of other, pnl"):
        check_allow_missing(["pln"], ["pnl", "other"])


@pytest.mark.parametrize("column", ["kind", "candidates", "review_version"])
def test_what_an_older_version_did_not_decide_is_null(tmp_path: Path, column: str) -> None:
    decision = {
        "source": "pnl",
        "source_name": "Acme",
        "kind": "name",
        "period_end": date(2009, 12, 31),
        "row_count": 1,
        "status": "unknown",
        "reference_version": "r1",
        "review_version": "v1",
    }
    frame = COMPANY_IDS.frame([decision])
    write_frame(frame.drop(columns=column), tmp_path / "pnl" / "company_ids" / f"{Q4}.parquet")
    write_frame(frame, tmp_path / "pnl" / "company_ids" / f"{Q1}.parquet")

    stored = stored_quarters(tmp_path, "pnl", [Q4, Q1])
    decisions = read_decisions(stored)

    assert stored[1].decided_by == ("r1", "v1")
    assert decisions.columns.tolist() == COMPANY_IDS.arrow.names
    assert decisions[column].isna().tolist() == [True, column == "candidates"]
    assert [each.made_from for each in stored] == [None, None]
