"""The rules of reading are counted: what they make of the sample, rules by rules."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from given import PROJECT, raw_frame
from statement_frames import in_key_order

from finsync_pipeline import frames
from finsync_pipeline.local.check import declared_sources
from finsync_pipeline.statements.dates import UnreadableDate, read_period_end
from finsync_pipeline.statements.harmonise import harmonise
from finsync_pipeline.statements.mapping import RULES, SourceMapping
from finsync_pipeline.statements.rows import company_spellings
from finsync_pipeline.statements.tables import COMPANY_IDS

READ = {1: "89c4f148f68a0d1e"}
"""The newest rules, and the hash of what they read in the sample."""


def test_rules_that_read_otherwise_have_another_number() -> None:
    made = hashlib.sha256()
    for mapping in declared_sources():
        rows = [row | {"period_end": day} for row in sample_rows(mapping.name) if (day := period_end(row, mapping))]
        raw = in_key_order(raw_frame(rows, mapping), mapping)
        read = harmonise(raw, each_its_own_company(raw, mapping), mapping)
        for table in (read.facts, read.texts, read.rejects):
            made.update(table.drop(columns=["reference_version"], errors="ignore").to_csv(index=False).encode())
    assert {RULES: made.hexdigest()[:16]} == READ, (
        "count up RULES in statements/mapping.py, and say here what they read"
    )


def sample_rows(name: str) -> list[dict[str, Any]]:
    [file] = (PROJECT / "source_services" / "sample_data").glob(f"{name}.*")
    return _json_rows(file) if file.suffix == ".jsonl" else _csv_rows(file)


def _csv_rows(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [{column: cell or None for column, cell in row.items()} for row in csv.DictReader(lines)]


def _json_rows(file: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    flat = [{**row, **{f"lines.{line}": cell for line, cell in row["lines"].items()}} for row in rows]
    return [{column: None if cell is None else str(cell) for column, cell in row.items()} for row in flat]


def period_end(row: dict[str, Any], mapping: SourceMapping) -> Any:
    try:
        return read_period_end(row[mapping.period_end.column] or "", mapping.period_end)
    except UnreadableDate:
        return None


def each_its_own_company(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    said = company_spellings(raw, mapping)
    accepted = pd.Series(["accepted"] * len(said), dtype=frames.STRING)
    return COMPANY_IDS.conform(
        said.assign(
            source=mapping.name, status=accepted, company_id=said["spelling"], reference_version="", review_version=""
        )
    )
