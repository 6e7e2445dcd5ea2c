"""What was worked on: the versions that the stored ledgers of a source record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from finsync_pipeline.statements.tables import LEDGER
from finsync_pipeline.storage.parquet import read_frame


@dataclass(frozen=True)
class Worked:
    """The data version that a quarter was worked on with, and when, in nanoseconds: it tells runs apart."""

    data_version: str
    at: int


def worked_quarters(tables: Path, source: str, quarters: Iterable[date]) -> dict[date, Worked]:
    """Those of the quarters of the source that were worked on and had rows."""
    worked = {}
    for quarter in quarters:
        file = tables / source / LEDGER.name / f"{quarter}.parquet"
        if not file.exists():
            continue
        ledger = read_frame([file])
        if ledger["rows_in"].sum() > 0:
            worked[quarter] = Worked(ledger["data_version"].iloc[0], file.stat().st_mtime_ns)
    return worked
