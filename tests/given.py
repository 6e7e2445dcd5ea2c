"""What tests are given: frames made of a few rows, and running source services."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping

PROJECT = Path(__file__).resolve().parents[1]


def text_frame(rows: list[dict[str, str | None]], columns: list[str]) -> pd.DataFrame:
    """A frame of texts with these columns; what a row does not name is null."""
    return frames.frame_of(
        [{column: row.get(column) for column in columns} for row in rows],
        pa.schema([(column, pa.string()) for column in columns]),
    )


def raw_frame(
    rows: list[dict[str, Any]], mapping: SourceMapping, period_end: date = date(2009, 12, 31), version: str = "v1"
) -> pd.DataFrame:
    """Rows as the asset `raw` holds them: the mapping's columns as text, and FinSync's own.

    A row may name its own `period_end` (a date).
    """
    days = [row.get("period_end", period_end) for row in rows]
    texts = [{key: cell for key, cell in row.items() if key != "period_end"} for row in rows]
    return text_frame(texts, mapping.columns).assign(
        finsync_period_end=pd.Series(days, dtype=pd.ArrowDtype(pa.date32())),
        finsync_data_version=pd.Series([version] * len(rows), dtype=frames.STRING),
    )


@contextmanager
def running_services(data: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """Real source services over the folder on free ports: name -> url."""
    process = subprocess.Popen(
        [sys.executable, "-m", "source_services", "--data", str(data), *(arguments or ("--base-port", "0"))],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield _listening(process, 1 if arguments else len([*data.glob("*.csv*"), *data.glob("*.jsonl*")]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _listening(process: "subprocess.Popen[str]", count: int) -> dict[str, str]:
    """The urls that the process says it listens on, read until it has said so many."""
    assert process.stdout is not None
    urls: dict[str, str] = {}
    for line in process.stdout:
        if found := re.match(r"(\S+)\s+(http://\S+)", line):
            urls[found[1]] = found[2]
        if len(urls) == count or process.poll() is not None:
            return urls
    return urls
