"""Reading the stored decisions of quarters that different versions of FinSync wrote."""

from datetime import date
from pathlib import Path

import pytest

from finsync_pipeline.statements.tables import COMPANY_IDS
from finsync_pipeline.storage.decisions import read_decisions
from finsync_pipeline.storage.parquet import write_frame

DECISION = {
    "source": "pnl",
    "source_name": "Acme",
    "kind": "name",
    "period_end": date(2009, 12, 31),
    "row_count": 1,
    "status": "unknown",
    "reference_version": "r1",
    "review_version": "v1",
}


@pytest.mark.parametrize("column", ["kind", "candidates", "review_version"])
def test_what_an_older_version_did_not_write_is_null(tmp_path: Path, column: str) -> None:
    now = COMPANY_IDS.frame([DECISION])
    write_frame(now.drop(columns=column), tmp_path / "old.parquet")
    write_frame(now, tmp_path / "new.parquet")

    decisions = read_decisions([tmp_path / "old.parquet", tmp_path / "new.parquet"])

    assert decisions.columns.tolist() == COMPANY_IDS.arrow.names
    assert decisions[column].isna().tolist() == [True, column == "candidates"]
