"""What was worked on: the versions that the stored ledgers of a source record."""

from datetime import date
from pathlib import Path

from finsync_pipeline.statements.tables import LEDGER
from finsync_pipeline.storage.parquet import read_frame


def worked_versions(tables: Path, source: str) -> dict[date, str]:
    """The data version of each quarter of the source that was worked on and had rows."""
    files = sorted((tables / source / LEDGER.name).glob("*.parquet"))
    if not files:
        return {}
    ledger = read_frame(files)
    worked = ledger[ledger["rows_in"] > 0]
    return dict(zip(worked["quarter"], worked["data_version"], strict=True))
