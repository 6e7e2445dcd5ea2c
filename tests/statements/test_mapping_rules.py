"""The rules of reading are counted: what they make of the sample, rules by rules."""

import hashlib
from datetime import date

import pandas as pd
from factories import PROJECT, raw_frame
from statement_frames import decided_companies, in_key_order

from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.identity.results import Method
from finsync_pipeline.statements.dates import UnreadableDate, read_period_end
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import company_spellings
from finsync_pipeline.statements.standardize import harmonise
from source_services.data.data_files import find_data_files, open_table

SAMPLE = find_data_files(PROJECT / "source_services" / "sample_data")

READ = {2: "78eefbec3737d2c8"}
"""The newest rules, and the hash of what they read in the sample."""


def test_rules_that_read_otherwise_have_another_number() -> None:
    made = hashlib.sha256()
    for mapping in declared_sources():
        rows = [row | {"period_end": day} for row in sample_rows(mapping) if (day := period_end(row, mapping))]
        raw = in_key_order(raw_frame(rows, mapping), mapping)
        read = harmonise(raw, decided_companies(raw, mapping, two_names_each(spellings(raw, mapping))), mapping)
        for table in (read.facts, read.texts, read.rejects):
            made.update(table.to_csv(index=False).encode())
    assert {SourceMapping.RULES: made.hexdigest()[:16]} == READ, "count up RULES of SourceMapping, and say it here"


def two_names_each(names: set[str]) -> dict[str, str]:
    """A company for every two names, found by all methods in turn."""
    methods = [*Method]
    return {text: f"C{number // 2} {methods[number % len(methods)]}" for number, text in enumerate(sorted(names))}


def sample_rows(mapping: SourceMapping) -> list[dict[str, str | None]]:
    with open_table(SAMPLE[mapping.name], mapping.name) as table:
        return [
            {column: None if cell is None else str(cell) for column, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ]


def spellings(raw: pd.DataFrame, mapping: SourceMapping) -> set[str]:
    return set(company_spellings(raw, mapping)["spelling"].dropna())


def period_end(row: dict[str, str | None], mapping: SourceMapping) -> date | None:
    try:
        return read_period_end(row[mapping.period_end.column] or "", mapping.period_end)
    except UnreadableDate:
        return None
