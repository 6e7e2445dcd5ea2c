"""Small tables to publish, made by hand, and a check that a release is whole."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.publishing.build import SourceTables
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, INVENTORY, LEDGER, REJECTS, SUMMARY
from finsync_pipeline.storage.parquet import write_frame

Q3, Q4, Q1 = date(2009, 7, 1), date(2009, 10, 1), date(2010, 1, 1)
ENDS = {Q3: date(2009, 9, 30), Q4: date(2009, 12, 31), Q1: date(2010, 3, 31)}


def summary_frame(name: str | None = "One", value: float = 1.5) -> pd.DataFrame:
    row = {"company_id": "c1", "company_name": name, "basis": "annual", "currency": "USD", "periods": 1}
    counts = {f"{item}_n": 0 for item in NUMERIC_ITEMS}
    return SUMMARY.frame([{**row, **counts, "revenue": value, "revenue_n": 1, "revenue_first": ENDS[Q4]}])


def big_frame(rows: int) -> pd.DataFrame:
    return frames.query(f"SELECT range AS number FROM range({rows})")


def inventory_frame(hashes: dict[date, str], data_version: str = "v1") -> pd.DataFrame:
    """One row at the source for each quarter, with the hash of its content."""
    return INVENTORY.frame(
        {
            "period_end_text": str(ENDS[quarter]),
            "literal": f"'{ENDS[quarter]}'",
            "row_count": 1,
            "content_hash": content,
            "period_end": ENDS[quarter],
            "quarter": quarter,
            "data_version": data_version,
        }
        for quarter, content in hashes.items()
    )


def ledger_frame(source: str, versions: dict[date, str]) -> pd.DataFrame:
    """One row used for each quarter; none where the version is empty."""
    names = [name for name in LEDGER.arrow.names if name.startswith(("rows_", "cells_"))]
    return LEDGER.frame(
        {
            **dict.fromkeys(names, 0),
            "source": source,
            "quarter": quarter,
            "data_version": version,
            "mapping_hash": "m1",
            "reference_version": "r1",
            "review_version": "v1",
            **(dict.fromkeys(("rows_in", "rows_used", "cells_in", "cells_used"), 1) if version else {}),
        }
        for quarter, version in versions.items()
    )


def fact(source: str, period_end: date, value: float) -> dict[str, Any]:
    return {
        "company_id": "c1",
        "item": "revenue",
        "period_end": period_end,
        "months": 12,
        "currency": "USD",
        "value": value,
        "source": source,
        "row_key": "1",
        "data_version": "v1",
    }


def source_tables(folder: Path, source: str, hashes: dict[date, str], value: float = 10) -> SourceTables:
    """The files of a source of which every quarter was worked on as it is delivered."""
    inventory = inventory_frame(hashes)
    versions = quarter_versions(inventory)
    tables = {
        "inventory": inventory,
        "facts": FACTS.frame(
            {**fact(source, ENDS[quarter], value), "data_version": version} for quarter, version in versions.items()
        ),
        "unassigned": REJECTS.frame(),
        "ledger": ledger_frame(source, versions),
    }
    for name, frame in tables.items():
        write_frame(frame, folder / source / f"{name}.parquet")
    files = {name: [folder / source / f"{name}.parquet"] for name in tables}
    return SourceTables(**files, texts=[], rejects=[], company_ids=[])


def no_tables() -> SourceTables:
    return SourceTables([], [], [], [], [], [], [])


def financials_files(folder: Path, sources: Sequence[SourceTables]) -> list[Path]:
    """One file of financials for each quarter of the facts."""
    with DuckDBEngine() as engine:
        facts = engine.scan([file for tables in sources for file in tables.facts], FACTS.arrow)
        wide = engine.collect(financials(source_means(facts)), FINANCIALS.arrow)
    quarters = wide["period_end"].map(quarter_of)
    for quarter in quarters.unique():
        write_frame(wide[quarters == quarter], folder / "financials" / f"{quarter}.parquet")
    return sorted((folder / "financials").glob("*.parquet"))


def companies_frame() -> pd.DataFrame:
    schema = pa.schema([("company_id", pa.string()), ("name", pa.string())])
    return frames.frame_of([{"company_id": "c1", "name": "One"}], schema)


def releases(published: Path) -> list[Path]:
    """The folders that a reader sees."""
    return sorted(path for path in published.iterdir() if not path.name.startswith(".") and not path.is_symlink())


def leftovers(published: Path) -> list[str]:
    return [path.name for path in published.iterdir() if path.name.startswith(".")]


def assert_whole(release: Path) -> dict[str, Any]:
    """Check every file of the release against its manifest; returns the manifest."""
    manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["release"] == release.name
    assert manifest["csv"] == f"company_summary_{release.name}.csv"
    assert {path.name for path in release.iterdir()} == {*manifest["files"], "manifest.json"}
    for name, told in manifest["files"].items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == told["sha256"]
    return manifest
