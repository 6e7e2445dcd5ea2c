"""The rules of reading are counted: what they make of the sample data is kept beside the tests, to be read.

`FINSYNC_REWRITE_SNAPSHOTS=1 pytest tests/statements/test_mapping_rules.py` writes it anew.
"""

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from factories import PROJECT, decided_companies, raw_frame
from statements.standardized_rows import in_key_order

from finsync_pipeline import frames
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.identity.results import Method
from finsync_pipeline.statements.dates import read_period_end, readable_date
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from source_services.data.data_files import find_data_files, open_table
from source_services.settings import Limits

SAMPLE = find_data_files(PROJECT / "source_services" / "sample_data")
HERE = Path(__file__).parent

# An exact sum: it changes with every value, sign and scale
FACTS_SQL = """
    SELECT source, period_end, item, months, currency, count(*) AS facts, count(DISTINCT company_id) AS companies,
        sum(value::DECIMAL(38, 6)) AS total
    FROM facts GROUP BY ALL ORDER BY ALL
"""
REJECTS_SQL = "SELECT source, quarter, row_key, item, outcome, reason, cells FROM rejects ORDER BY ALL"


@pytest.fixture(scope="module")
def tables() -> StandardizedTables:
    """The sample data of all sources, read by the mappings that ship."""
    made = [standardized_sample(mapping) for mapping in declared_sources()]
    return StandardizedTables(
        *(pd.concat([getattr(each, name) for each in made]) for name in ("facts", "texts", "rejects", "versions"))
    )


@pytest.mark.parametrize(("name", "sql"), [("facts", FACTS_SQL), ("rejects", REJECTS_SQL)])
def test_other_rules_of_reading_have_another_number(tables: StandardizedTables, name: str, sql: str) -> None:
    file = HERE / f"{name}_by_rules.csv"
    made = frames.query(sql, **{name: getattr(tables, name)}).assign(rules=SourceMapping.RULES)
    if os.environ.get("FINSYNC_REWRITE_SNAPSHOTS"):
        made.to_csv(file, index=False, lineterminator="\n")
    kept = pd.read_csv(file, dtype=str, keep_default_na=False)
    as_text = made.astype(object).where(made.notna(), "").astype(str)
    changed = as_text.merge(kept, how="outer", indicator=True).query("_merge != 'both'")
    assert changed.empty, f"count up SourceMapping.RULES and write the snapshot anew:\n{changed.to_string()}"


def standardized_sample(mapping: SourceMapping) -> StandardizedTables:
    rows = [row | {"period_end": day} for row in sample_rows(mapping) if (day := period_end(row, mapping))]
    raw = in_key_order(raw_frame(rows, mapping), mapping)
    names = set(source_names(raw, mapping)["source_name"].dropna())
    return standardize(raw, decided_companies(raw, mapping, two_names_each(names)), mapping)


def two_names_each(names: set[str]) -> dict[str, str]:
    """A company for every two names, found by all methods in turn."""
    methods = [*Method]
    return {text: f"C{number // 2} {methods[number % len(methods)]}" for number, text in enumerate(sorted(names))}


def sample_rows(mapping: SourceMapping) -> list[dict[str, str | None]]:
    with open_table(SAMPLE[mapping.name], mapping.name, Limits()) as table:
        return [
            {column: None if cell is None else str(cell) for column, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ]


def period_end(row: dict[str, str | None], mapping: SourceMapping) -> date | None:
    text = row[mapping.period_end.column] or ""
    return read_period_end(text, mapping.period_end) if readable_date(text, mapping.period_end) else None
