"""What was decided: the stored company ids of a source, by which versions, and by which the facts were made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.statements.tables import COMPANY_IDS, LEDGER

Versions = tuple[str | None, ...]
"""Of the list of companies and of the review; null where an older FinSync did not write it."""
UNKNOWN: Versions = (None, None)


@dataclass(frozen=True)
class StoredDecisions:
    """The decisions on one quarter of a source, and when facts were last made by decisions (in ns; 0: never)."""

    quarter: date
    file: Path
    versions: Versions
    facts_versions: Versions
    facts_at: int


def stored_decisions(tables: Path, source: str, quarters: Iterable[date]) -> list[StoredDecisions]:
    """Of those of the quarters that can be decided again: there are decisions, and the raw rows are kept."""
    found = []
    for quarter in quarters:
        raw, decided, ledger = (
            tables / source / table / f"{quarter}.parquet" for table in ("raw", COMPANY_IDS.name, LEDGER.name)
        )
        if raw.exists() and decided.exists():
            facts_at = ledger.stat().st_mtime_ns if ledger.exists() else 0
            found.append(StoredDecisions(quarter, decided, _versions(decided), _versions(ledger), facts_at))
    return found


def read_decisions(files: Sequence[Path]) -> pd.DataFrame:
    """The decisions in the files, in the columns of COMPANY_IDS; what an older FinSync did not write is null."""
    tables = [pq.ParquetFile(file).read() for file in files]
    return frames.from_arrow(pa.concat_tables([COMPANY_IDS.arrow.empty_table(), *tables], promote_options="default"))


def _versions(file: Path) -> Versions:
    """Those of the first row: a quarter is decided at once. Without rows there are none, whatever is in force."""
    if not file.exists():
        return UNKNOWN
    parquet = pq.ParquetFile(file)
    names = [name for name in ("reference_version", "review_version") if name in parquet.schema_arrow.names]
    rows = parquet.read(columns=names).slice(0, 1).to_pylist()
    return (rows[0].get("reference_version"), rows[0].get("review_version")) if rows else UNKNOWN
