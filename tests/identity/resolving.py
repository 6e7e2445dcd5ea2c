"""How the tests of `identity` write a list and resolve one source name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
from factories import source_names_frame

from finsync_pipeline.identity import Reference, resolve

SHARED_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

MakeReference = Callable[..., Reference]


def write_csv(file: Path, rows: Iterable[Mapping[str, str]]) -> None:
    rows = list(rows)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def decide(
    reference: Reference,
    source_name: str | None,
    day: str = "2009-12-31",
    supporting_columns: str | None = None,
    kind: str | None = None,
) -> dict[str, object]:
    """The decision about one source name, null as None."""
    asked = source_names_frame([(source_name, day, supporting_columns)])
    asked["kind"] = pd.Series([kind], dtype=pd.ArrowDtype(pa.string()))
    row = resolve(asked, reference).iloc[0]
    return {str(column): None if pd.isna(value) else value for column, value in row.items()}
