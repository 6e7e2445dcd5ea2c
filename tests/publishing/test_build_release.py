"""Making a release from Parquet tables: what is refused, and what the manifest says of each source."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from factories import ENDS, Q1, Q4, companies_frame, fact, inventory_frame, mapping_of
from published_files import assert_whole, consolidated_tables, no_tables, releases, source_tables, states_of

from finsync_pipeline.errors import DataError, PublicationError
from finsync_pipeline.publishing.build import CONSOLIDATED, ConsolidatedTables, SourceTables, make_release
from finsync_pipeline.publishing.release import Release, ReleaseOptions
from finsync_pipeline.statements.tables import COMPANY_IDS, FACTS
from finsync_pipeline.storage.parquet import read_frame, write_frame

BOTH = {Q4: "a", Q1: "b"}


def publish_from(
    sources: dict[str, SourceTables], files: ConsolidatedTables, published: Path, allow_missing: Sequence[str] = ()
) -> tuple[Release, pd.DataFrame]:
    states = dict(zip(sources, states_of(*sources.values()), strict=True))
    mappings = {name: mapping_of(name=name) for name in sources}
    return make_release(mappings, sources, states, files, companies_frame(), ReleaseOptions(published, allow_missing))


def test_a_release_holds_the_summary_and_an_account_of_each_source(tmp_path: Path) -> None:
    sources = {
        "pnl": source_tables(tmp_path, "pnl", BOTH, value=10),
        "other": source_tables(tmp_path, "other", {Q4: "c"}, value=20),
    }
    files = consolidated_tables(tmp_path, list(sources.values()))
    release, summary = publish_from(sources, files, tmp_path / "published")

    manifest = assert_whole(release.folder)
    assert read_frame([release.folder / "company_summary.parquet"]).equals(summary)
    assert (summary["revenue"].tolist(), summary["company_name"].tolist()) == ([12.5], ["One"])
    assert pd.read_csv(release.csv)["revenue"].tolist() == [12.5]
    assert read_frame([release.folder / "financials.parquet"])["revenue"].tolist() == [15, 10]
    assert len(read_frame([release.folder / "facts.parquet"])) == manifest["facts"] == 3
    assert manifest["allow_missing"] == []
    pnl = manifest["sources"]["pnl"]
    assert [(line["quarter"], line["state"], line["rows_used"]) for line in pnl["quarters"]] == [
        ("2009-10-01", "current", 1),
        ("2010-01-01", "current", 1),
    ]
    told = {key: pnl[key] for key in ("row_count", "rows_in", "cells_used", "data_version", "mapping_hash")}
    assert told == {"row_count": 2, "rows_in": 2, "cells_used": 2, "data_version": "v1", "mapping_hash": "m1"}


def test_the_same_tables_give_the_same_csv_whatever_the_order_of_sources(tmp_path: Path) -> None:
    one, two = (
        source_tables(tmp_path, "one", BOTH, value=0.1),
        source_tables(tmp_path, "two", BOTH, value=0.2),
    )
    files = consolidated_tables(tmp_path, [one, two])
    bodies = {
        publish_from(sources, files, tmp_path / "published")[0].csv.read_bytes()
        for sources in ({"one": one, "two": two}, {"two": two, "one": one})
    }
    assert len(bodies) == 1


def test_a_quarter_that_the_source_published_anew_is_in_the_release_as_changed(tmp_path: Path) -> None:
    tables = source_tables(tmp_path, "pnl", BOTH)
    write_frame(inventory_frame({Q4: "a", Q1: "new"}, "v2"), tables.inventory[0])
    release, _ = publish_from({"pnl": tables}, consolidated_tables(tmp_path, [tables]), tmp_path / "published")
    lines = release.manifest["sources"]["pnl"]["quarters"]
    assert [line["state"] for line in lines] == ["current", "changed"]


def test_a_source_that_was_never_extracted_is_refused_unless_it_may_be_missing(tmp_path: Path) -> None:
    sources = {"pnl": source_tables(tmp_path, "pnl", BOTH), "other": no_tables()}
    files = consolidated_tables(tmp_path, [sources["pnl"]])
    with pytest.raises(PublicationError, match=r"Source 'other': was never extracted\. Run: finsync run"):
        publish_from(sources, files, tmp_path / "published")
    assert not (tmp_path / "published").exists()

    release, _ = publish_from(sources, files, tmp_path / "published", ["other"])
    assert release.manifest["allow_missing"] == ["other"]
    assert release.manifest["sources"]["other"]["quarters"] == []
    assert release.manifest["sources"]["other"]["data_version"] is None
    assert release.manifest["sources"]["pnl"]["quarters"][0]["state"] == "current"


def test_a_quarter_that_is_not_in_yet_is_refused(tmp_path: Path) -> None:
    tables = source_tables(tmp_path, "pnl", {Q4: "a"})
    write_frame(inventory_frame(BOTH), tables.inventory[0])
    with pytest.raises(
        PublicationError, match=r"missing quarters \(never brought in\): 2010-Q1. Run: finsync run --quarters 2010-Q1;"
    ):
        publish_from({"pnl": tables}, ConsolidatedTables(*[[] for _ in CONSOLIDATED]), tmp_path / "published")


@pytest.mark.parametrize("change", ["a value", "a fact more", "a quarter of financials less"])
def test_financials_of_other_facts_are_refused_and_their_periods_named(tmp_path: Path, change: str) -> None:
    tables = source_tables(tmp_path, "pnl", BOTH)
    files = consolidated_tables(tmp_path, [tables])
    if change == "a quarter of financials less":
        wide = read_frame(files.financials)
        write_frame(wide[wide["period_end"] < ENDS[Q1]], files.financials[0])
    else:
        later = [fact(11 if change == "a value" else 10, period_end=ENDS[Q1])]
        more = [{**later[0], "item": "net_income"}] if change == "a fact more" else []
        write_frame(FACTS.frame([fact(10), *later, *more]), tables.facts[0])
    with pytest.raises(PublicationError) as error:
        publish_from({"pnl": tables}, files, tmp_path / "published")
    assert str(error.value).startswith("the financials of 2010-Q1 were made from other facts than there are now. ")
    assert str(error.value).endswith("Run: finsync release (in the UI: the job release).")
    assert not (tmp_path / "published").exists() or releases(tmp_path / "published") == []


def test_tables_of_different_runs_are_refused_and_their_quarters_named(tmp_path: Path) -> None:
    tables = source_tables(tmp_path, "pnl", BOTH)
    facts = read_frame(tables.facts)
    write_frame(facts[facts["period_end"] != ENDS[Q1]], tables.facts[0])
    with pytest.raises(PublicationError, match=r"not of one run for pnl 2010-Q1\. Run: finsync run --quarters 2010-Q1"):
        publish_from({"pnl": tables}, consolidated_tables(tmp_path, [tables]), tmp_path / "published")


def test_facts_of_companies_that_were_decided_again_since_are_refused(tmp_path: Path) -> None:
    tables = replace(source_tables(tmp_path, "pnl", BOTH), company_ids=[tmp_path / "company_ids.parquet"])
    decided = {"source": "pnl", "source_name": "One", "row_count": 1, "status": "accepted", "reference_version": "r1"}
    versions = {Q4: "v1", Q1: "v2"}
    rows = [{**decided, "period_end": ENDS[quarter], "review_version": told} for quarter, told in versions.items()]
    write_frame(COMPANY_IDS.frame(rows), tables.company_ids[0])
    files = consolidated_tables(tmp_path, [tables])
    with pytest.raises(PublicationError, match=r"not of one run for pnl 2010-Q1\."):
        publish_from({"pnl": tables}, files, tmp_path / "published")


def test_a_table_that_another_version_wrote_is_refused_with_its_name(tmp_path: Path) -> None:
    tables = source_tables(tmp_path, "pnl", BOTH)
    write_frame(read_frame(tables.ledger).drop(columns="review_version"), tables.ledger[0])
    with pytest.raises(DataError, match=r"Table ledger: has other columns than now.* Run: finsync run\."):
        publish_from({"pnl": tables}, ConsolidatedTables(*[[] for _ in CONSOLIDATED]), tmp_path / "published")


def test_rows_that_a_source_no_longer_counts_are_not_published(tmp_path: Path) -> None:
    tables = source_tables(tmp_path, "pnl", BOTH)
    write_frame(inventory_frame({Q4: "a"}, "v2"), tables.inventory[0])
    with pytest.raises(PublicationError, match="Source 'pnl': has 1 rows, but 2 are in its quarters"):
        publish_from({"pnl": tables}, consolidated_tables(tmp_path, [tables]), tmp_path / "published")
