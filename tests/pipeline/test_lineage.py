"""Lineage over real statements: random cells of a release lead to the very text that stands in the data files."""

import csv
import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from shared_fixtures import made_once

from benchmarks.truth import run_main_job
from finsync_pipeline.serving.lineage import SourceValue
from finsync_pipeline.serving.trace import trace

pytestmark = pytest.mark.long

CELLS = int(os.environ.get("FINSYNC_TEST_LINEAGE") or 1_500)
SEED = 20261128
KEYS = {"pnl": "Row", "balance_sheet": "id", "cash_flow": "rec"}
SCALES = {"pnl": 3, "balance_sheet": 0, "cash_flow": 6}


@pytest.fixture(scope="module")
def release(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = made_once(
        tmp_path_factory, "with_aliases", lambda folder: run_main_job(shared_data, folder, with_aliases=True)
    )
    return folder / "home" / "published" / "current"


@pytest.fixture(scope="module")
def delivered(shared_data: Path) -> dict[str, dict[str, dict[str, str | None]]]:
    """By source and key, the rows of the data files, with each cell exactly as it stands there."""
    rows = {
        "pnl": csv_rows(shared_data / "services" / "pnl.csv.gz"),
        "balance_sheet": csv_rows(shared_data / "services" / "balance_sheet.csv.gz"),
        "cash_flow": json_rows(shared_data / "services" / "cash_flow.jsonl.gz"),
    }
    return {source: {str(row[KEYS[source]]): row for row in of_source} for source, of_source in rows.items()}


def csv_rows(file: Path) -> Iterator[dict[str, str | None]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def json_rows(file: Path) -> Iterator[dict[str, str | None]]:
    """A number of JSON has no text of its own: 51.0 is delivered as 51, and -0.0 as 0."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line, parse_float=whole_without_point, parse_int=str)
            yield {**row, **{f"lines.{name}": text for name, text in row["lines"].items()}}


def whole_without_point(number: str) -> str:
    whole = number.removesuffix(".0")
    return "0" if whole == "-0" else whole


def number(text: str, source: str, fact: SourceValue, item: str) -> float:
    """The number that the text means in the notation of the source, worked out without FinSync."""
    plain = Decimal(text.strip("()").replace(",", "")) * (-1 if text.startswith("(") else 1)
    assert fact.origin is not None
    scale = 0 if item.startswith("eps_") else SCALES[source]
    return float(plain.scaleb(scale) * fact.origin.sign)


def test_random_cells_lead_to_the_text_that_stands_in_the_data_files(
    release: Path, delivered: dict[str, dict[str, dict[str, str | None]]], record_property: Any
):
    facts = pd.read_parquet(release / "facts.parquet").sample(CELLS, random_state=SEED)
    wrong = []
    for line in facts.itertuples():
        found = trace(release, line.company_id, line.item, line.period_end, line.months, line.currency)
        (fact,) = (fact for cell in found.cells for fact in cell.facts if fact.source == line.source)
        row = delivered[line.source][line.row_key]
        origin = fact.origin
        if (
            origin is None
            or origin.raw_text != row[origin.column]
            or {name: cell for name, cell in origin.row.items() if cell}
            != {name: cell for name, cell in row.items() if cell and isinstance(cell, str)}
            or number(str(row[origin.column]), line.source, fact, line.item) != line.value
        ):
            wrong.append((line.source, line.row_key, line.item, origin and origin.raw_text))
    record_property("figures", f"lineage: {CELLS - len(wrong):,} of {CELLS:,} cells lead to the text of the data files")
    assert wrong == []
