"""The home of the version before: releases stay readable, tables count as outdated, `finsync run` remakes them."""

import pytest

from finsync_pipeline.storage.parquet import read_frame, write_frame

OLD_COLUMNS = {"source_name": "spelling", "supporting_columns": "evidence"}


@pytest.fixture
def of_before(again):
    """A deployment whose tables have the names and columns of the version before."""
    tables = again.home / "tables"
    for source in ("pnl", "balance_sheet", "cash_flow"):
        (tables / source / "inventory.parquet").rename(tables / source / "delivery.parquet")
        (tables / source / "unassigned.parquet").rename(tables / source / "undated.parquet")
        for file in (tables / source / "ledger").glob("*.parquet"):
            _rewrite(file, lambda frame: frame.rename(columns={"rows_rejected": "rows_refused"}).drop(columns="rules"))
        for file in (tables / source / "company_ids").glob("*.parquet"):
            _rewrite(file, lambda frame: frame.rename(columns=OLD_COLUMNS))
    _rewrite(tables / "review_lines.parquet", lambda frame: frame.rename(columns=OLD_COLUMNS))
    return again


def _rewrite(file, change) -> None:
    write_frame(change(read_frame([file])), file)


@pytest.mark.parametrize("command", ["release", "re-resolve"])
def test_tables_of_the_version_before_are_not_published_and_the_command_is_named(
    of_before, capsys: pytest.CaptureFixture[str], command: str
):
    before = of_before.csv()

    assert of_before.finsync(command) == 1

    printed = " ".join(capsys.readouterr().out.split())
    assert "finsync run" in printed
    assert "Traceback" not in printed
    assert of_before.csv() == before


@pytest.mark.long
def test_status_calls_them_outdated_and_a_run_makes_them_current(of_before, capsys: pytest.CaptureFixture[str]):
    assert of_before.finsync("show") == 0
    capsys.readouterr()
    assert of_before.finsync("status") == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "outdated" in printed
    assert "another version of FinSync read it" in printed
    assert "Run: finsync run --quarters 2009-Q3...2009-Q4" in printed

    assert of_before.finsync("run") == 0
    assert of_before.finsync("status") == 0
