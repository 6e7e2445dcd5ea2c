"""The raw rows and mappings of a release: those that its facts were made of, also after the source delivered others."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from factories import ENDS, Q1, Q4, companies_frame, mapping_of
from published_files import assert_whole, consolidated_tables, releases, source_tables, states_of, write_raw

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.build import SourceTables, make_release
from finsync_pipeline.publishing.release import Release, ReleaseOptions
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import LEDGER
from finsync_pipeline.storage.parquet import read_frame, write_frame

MAPPING = mapping_of(name="pnl")
BOTH = {Q4: "a", Q1: "b"}


@pytest.fixture
def tables(tmp_path: Path) -> SourceTables:
    """The tables of `pnl`, made by the mapping."""
    made = source_tables(tmp_path, "pnl", BOTH)
    ledger = read_frame(made.ledger)
    write_frame(LEDGER.conform(ledger.assign(mapping_hash=MAPPING.hash)), made.ledger[0])
    return made


def publish_from(
    tables: SourceTables, folder: Path, mapping: SourceMapping = MAPPING, allow_missing: Sequence[str] = ()
) -> Release:
    files = consolidated_tables(folder, [tables])
    states = dict(zip(["pnl"], states_of(tables), strict=True))
    # Of the only source nothing is compared, which counts as no company at all
    options = ReleaseOptions(folder / "published", allow_missing, accept="its only source" if allow_missing else "")
    return make_release({"pnl": mapping}, {"pnl": tables}, states, files, companies_frame(), options)[0]


def sales_in(release: Release) -> list[str]:
    rows = read_frame([release.folder / "raw_pnl.parquet"])
    return rows.sort_values("finsync_period_end")["sales"].tolist()


def test_a_release_has_the_raw_rows_that_its_facts_were_made_of_and_their_mapping(tables, tmp_path: Path) -> None:
    release = publish_from(tables, tmp_path)

    assert sales_in(release) == ["10", "10"]
    assert {"raw_pnl.parquet", "earlier_raw_pnl.parquet"} <= assert_whole(release.folder)["files"].keys()
    source = release.manifest["sources"]["pnl"]
    assert source["raw_rows_missing"] == []
    assert SourceMapping.of_content(source["mappings"][MAPPING.hash]).items == MAPPING.items
    assert "127.0.0.1" not in (release.folder / "manifest.json").read_text()


def test_the_same_raw_rows_are_the_same_release(tables, tmp_path: Path) -> None:
    assert publish_from(tables, tmp_path).is_new
    assert not publish_from(tables, tmp_path).is_new


def test_of_a_quarter_delivered_anew_since_the_rows_are_those_of_the_release_before(tables, tmp_path: Path) -> None:
    first = publish_from(tables, tmp_path)
    write_raw(tmp_path, "pnl", Q1, "newer", sales="11")
    again = publish_from(tables, tmp_path)

    assert sales_in(again) == ["10", "10"]
    assert (again.folder, again.is_new) == (first.folder, False)


@pytest.mark.parametrize("change", ["other rows", "more rows", "no file", "a column less"])
def test_raw_rows_of_other_facts_are_refused_unless_the_source_may_be_missing(
    change: str, tables, tmp_path: Path
) -> None:
    (file,) = (file for file in tables.raw if file.stem == str(Q1))
    rows = read_frame([file])
    if change == "other rows":
        write_raw(tmp_path, "pnl", Q1, "newer")
    elif change == "more rows":
        write_frame(rows.loc[[0, 0]].reset_index(drop=True), file)
    elif change == "a column less":
        write_frame(rows.drop(columns="sales"), file)
    else:
        tables.raw.remove(file)

    with pytest.raises(
        PublicationError,
        match=r"Source 'pnl': the stored raw rows of 2010-Q1 are not .* --quarters 2010-Q1; or publish",
    ):
        publish_from(tables, tmp_path)
    assert not (tmp_path / "published").exists() or releases(tmp_path / "published") == []

    release = publish_from(tables, tmp_path, allow_missing=["pnl"])
    assert release.manifest["sources"]["pnl"]["raw_rows_missing"] == [str(Q1)]
    assert read_frame([release.folder / "raw_pnl.parquet"])["finsync_period_end"].tolist() == [ENDS[Q4]]


def test_a_mapping_of_facts_that_may_be_outdated_is_that_of_the_release_before(tables, tmp_path: Path) -> None:
    publish_from(tables, tmp_path)
    changed = mapping_of(name="pnl", items={"revenue": {"column": "sales", "sign": -1}})
    write_frame(LEDGER.conform(read_frame(tables.ledger).assign(rows_used=0)), tables.ledger[0])
    release = publish_from(tables, tmp_path, changed, ["pnl"])

    assert list(release.manifest["sources"]["pnl"]["mappings"]) == [MAPPING.hash]
