"""Files of small tables to publish, and a check that a release is whole."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from factories import ENDS, fact, inventory_frame, ledger_frame

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.publishing.build import SourceTables
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, REJECTS
from finsync_pipeline.storage.parquet import write_frame


def big_frame(rows: int) -> pd.DataFrame:
    return frames.query(f"SELECT range AS number FROM range({rows})")


def source_tables(folder: Path, source: str, hashes: dict[date, str], value: float = 10) -> SourceTables:
    """The files of a source of which every quarter was worked on as it is delivered."""
    inventory = inventory_frame(hashes)
    versions = quarter_versions(inventory)
    tables = {
        "inventory": inventory,
        "facts": FACTS.frame(
            fact(value, source=source, period_end=ENDS[quarter], data_version=version)
            for quarter, version in versions.items()
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
