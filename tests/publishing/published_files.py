"""Small tables to publish, made by hand, and a check that a release is whole."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from factories import ENDS, fact, inventory_frame, ledger_frame, mapping_of, raw_frame

from finsync_pipeline import frames
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.publishing.build import CONSOLIDATED, ConsolidatedTables, SourceTables
from finsync_pipeline.publishing.consolidate import consolidate
from finsync_pipeline.publishing.release import Release, ReleaseOptions, publish
from finsync_pipeline.publishing.staleness import InputVersions, QuarterState, StoredQuarter, quarter_states
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS, REJECTS
from finsync_pipeline.storage.parquet import read_frame, write_frame


def big_frame(rows: int) -> pd.DataFrame:
    return frames.query(f"SELECT range AS number FROM range({rows})")


def source_tables(folder: Path, source: str, hashes: dict[date, str], value: float = 10) -> SourceTables:
    """The files of a source of which every quarter was made as it is delivered."""
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
    raw = [write_raw(folder, source, quarter, version) for quarter, version in versions.items()]
    return SourceTables(raw=raw, earlier_raw=[], **files, texts=[], rejects=[], company_ids=[])


def write_raw(folder: Path, source: str, quarter: date, version: str, sales: str = "10") -> Path:
    """The file of one quarter with its raw row."""
    file = folder / source / "raw" / f"{quarter}.parquet"
    row = {"key": "1", "who": "One", "ends": str(ENDS[quarter]), "sales": sales}
    write_frame(raw_frame([row], mapping_of(name=source), ENDS[quarter], version), file)
    return file


NOW = InputVersions(None, "m1", "r1", "v1", 1)


def stored_frame(versions: dict[date, str]) -> list[StoredQuarter]:
    """Stored quarters that were made from these data versions, and from the versions of NOW; of no rows if empty."""
    return [
        StoredQuarter(quarter, replace(NOW, data=data) if data else None, NOW.of_decisions, Path(), 1, True)
        for quarter, data in versions.items()
    ]


def states_of(*sources: SourceTables) -> list[list[QuarterState] | None]:
    """The states of the quarters, from the files of the sources."""
    found: list[list[QuarterState] | None] = []
    for tables in sources:
        if not tables.inventory:
            found.append(None)
            continue
        ledger = read_frame(tables.ledger)
        versions = dict(zip(ledger["quarter"], ledger["data_version"], strict=True))
        found.append(quarter_states(read_frame(tables.inventory), stored_frame(versions), NOW))
    return found


def no_tables() -> SourceTables:
    return SourceTables([], [], [], [], [], [], [], [], [])


def consolidated_tables(folder: Path, sources: Sequence[SourceTables]) -> ConsolidatedTables:
    """The files of the tables over the facts of all sources."""
    made = consolidate([file for tables in sources for file in tables.facts], [], Rules(), {})
    for name in CONSOLIDATED:
        write_frame(getattr(made, name), folder / f"{name}.parquet")
    return ConsolidatedTables(**{name: [folder / f"{name}.parquet"] for name in CONSOLIDATED})


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
    for name, file in manifest["files"].items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == file["sha256"]
    return manifest


def publish_frames(
    summary: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    content: dict[str, Any],
    published: Path,
    **options: Any,
) -> Release:
    """Publish the summary with these tables, and one fact."""
    facts = FACTS.frame([fact(1)])
    parquet = {"company_summary": summary, "facts": facts, **tables}
    return publish({"company_summary": summary}, parquet, content, ReleaseOptions(published, **options))
