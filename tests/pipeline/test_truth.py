"""The main job over real statements: every fact against the true cell that it was made of."""

import json
from pathlib import Path

import pandas as pd
import pytest
from shared_fixtures import made_once

from benchmarks.truth import ALIASES, compare, differing_summaries, run_main_job, write_reference
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.identity import Decider, Reference, Review, read_reference
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS
from finsync_pipeline.storage.parquet import read_frame, write_frame

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def release_with_aliases(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release with the dated alias lines added to the list."""
    folder = made_once(
        tmp_path_factory, "with_aliases", lambda folder: run_main_job(shared_data, folder, with_aliases=True)
    )
    return folder / "home" / "published" / "current"


@pytest.fixture(scope="module")
def by_list_alone(shared_data: Path, release_with_aliases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Facts and rejects of the same raw rows, decided by the list of companies alone."""
    folder = tmp_path_factory.mktemp("list_alone")
    write_reference(shared_data, folder / "reference", with_aliases=False)
    reference = read_reference(folder / "reference")
    tables = release_with_aliases.parents[1] / "tables"
    made = [_replayed(tables / mapping.name / "raw", mapping, reference) for mapping in declared_sources()]
    write_frame(pd.concat([each.facts for each in made]), folder / "facts.parquet")
    write_frame(pd.concat([each.rejects for each in made]), folder / "rejects.parquet")
    return folder


def _replayed(folder: Path, mapping: SourceMapping, reference: Reference) -> StandardizedTables:
    raw = read_frame(sorted(folder.glob("*.parquet")))
    decided = Decider(reference, Review()).decide(source_names(raw, mapping), mapping.name)
    return standardize(raw, COMPANY_IDS.conform(decided), mapping)


def test_by_the_list_alone_nearly_all_is_right_and_the_rest_is_refused(shared_data: Path, by_list_alone: Path):
    result = compare(by_list_alone, shared_data)

    assert result.cells == 103_553
    assert result.right >= 0.9895 * result.cells
    assert result.wrong_company <= 0.00007 * result.cells
    assert (result.wrong_value, result.wrong_period_or_length, result.lost) == (0, 0, 0)


def test_with_dated_aliases_none_is_wrong(shared_data: Path, release_with_aliases: Path):
    result = compare(release_with_aliases, shared_data)

    assert len(ALIASES.read_text(encoding="utf-8").splitlines()) - 1 <= 70
    assert result.right >= 0.998 * result.cells
    assert (result.wrong_company, result.wrong_value, result.wrong_period_or_length, result.lost) == (0, 0, 0, 0)


def test_the_summary_equals_one_worked_out_from_the_true_cells(shared_data: Path, release_with_aliases: Path):
    assert differing_summaries(release_with_aliases, shared_data) == 0


def test_rows_and_cells_of_every_source_add_up_exactly(release_with_aliases: Path):
    sources = json.loads((release_with_aliases / "manifest.json").read_text(encoding="utf-8"))["sources"]

    assert {name: account["row_count"] for name, account in sources.items()} == {
        "pnl": 4168,
        "balance_sheet": 1991,
        "cash_flow": 3214,
    }
    for account in sources.values():
        fates = {"rows": ("used", "rejected", "superseded"), "cells": ("used", "rejected", "superseded", "empty")}
        for kind, of_kind in fates.items():
            assert account[f"{kind}_in"] == sum(account[f"{kind}_{fate}"] for fate in of_kind)
        assert account["row_count"] == account["rows_in"] + account["unassigned_rows"]


def test_few_true_cells_are_withheld_and_none_that_two_sources_give(release_with_aliases: Path):
    cells = pd.read_parquet(release_with_aliases / "agreement.parquet")

    assert cells["is_withheld"].mean() <= 0.003
    assert set(cells.loc[cells["is_withheld"].astype(bool), "verdict"]) <= {"unit_suspect", "sign_suspect"}
    # Two statements give net income, one of them with the share of others: that is disputed, but nobody's mistake
    assert not cells.loc[cells["sources"] > 1, "is_withheld"].any()
