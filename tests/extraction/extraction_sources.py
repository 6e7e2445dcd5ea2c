"""Sources to extract from: a mapping, data files, and the real services over them."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.extraction.inventory import take_inventory
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.parquet import write_frame

COLUMNS = ["Row", "Company Name", "Period Ended", "Total Revenue", "Net Profit"]
Q3, Q4, Q1 = date(2009, 7, 1), date(2009, 10, 1), date(2010, 1, 1)
QUARTERS = [Q3, Q4, Q1]


def pnl_mapping(url: str = "http://127.0.0.1:1", **changes: Any) -> SourceMapping:
    declared = {
        "name": "pnl",
        "url": url,
        "table": "pnl",
        "row_key": "Row",
        "company": "Company Name",
        "period_end": {
            "column": "Period Ended",
            "formats": ["%B %d, %Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"],
            "snap_days": 7,
        },
        "months": 12,
        "currency": "USD",
        "numbers": {"thousands": ",", "null_words": ["None"]},
        "items": {"revenue": "Total Revenue", "net_income": "Net Profit"},
    }
    return SourceMapping.model_validate(declared | changes)


def csv_text(rows: Iterable[Sequence[object]], columns: Sequence[str] = COLUMNS) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def json_lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def deliver(mapping: SourceMapping, quarters: Sequence[date] = QUARTERS) -> Any:
    with service_of(mapping) as service:
        return take_inventory(service, mapping, quarters)


def extract(mapping: SourceMapping, periods: pd.DataFrame, quarters: Sequence[date] = QUARTERS) -> pd.DataFrame:
    with service_of(mapping) as service:
        return fetch_rows(service, mapping, periods, quarters)


def parquet_bytes(frame: pd.DataFrame, folder: Path) -> bytes:
    file = folder / "frame.parquet"
    write_frame(frame.reset_index(drop=True), file)
    return file.read_bytes()
