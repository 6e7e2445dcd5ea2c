"""Deliveries over time: on which day each row was first delivered, and which rows no longer are.

A source that states no day since which its rows are known still has an order in time: that in which its rows came. The
day is stored with the row, so that tables which are made again later have the same days.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import Table, earlier_raw_table, raw_table

_RAW_SQL = """
    WITH placed AS (SELECT *, {cells} AS finsync_cells, row_number() OVER () AS finsync_place FROM rows),
    before AS (
        SELECT {cells} AS finsync_cells, min(finsync_first_seen) AS finsync_first_seen FROM stored GROUP BY ALL
    )
    SELECT * EXCLUDE (finsync_place, finsync_cells, finsync_first_seen),
        coalesce(finsync_first_seen, DATE '{day}') AS finsync_first_seen
    FROM placed LEFT JOIN before USING (finsync_cells)
    ORDER BY finsync_place
"""
# A row that is delivered again after a run was killed is not gone, though it stands among those that were
_EARLIER_SQL = """
    SELECT * FROM (
        SELECT * FROM earlier
        UNION ALL BY NAME
        SELECT *, DATE '{day}' AS finsync_replaced_on FROM stored WHERE {cells} NOT IN (SELECT {cells} FROM rows)
    )
    WHERE ({cells}, finsync_first_seen) NOT IN (SELECT ({cells}, finsync_first_seen) FROM rows)
    QUALIFY row_number() OVER (PARTITION BY {cells}, finsync_first_seen ORDER BY finsync_replaced_on) = 1
    ORDER BY finsync_period_end, {cells}, finsync_first_seen
"""


def today() -> date:
    """The day (UTC) on which a row that was never delivered before is first seen."""
    return datetime.now(UTC).date()


def stored_deliveries(
    tables: Path, mapping: SourceMapping, quarters: Sequence[date]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The raw rows of these quarters in the folder `tables`, and those that were delivered before and no longer are.

    Columns are those that all files have. Rows that an older FinSync stored have no day and are left out.
    """
    now, earlier = raw_table(mapping), earlier_raw_table(mapping)
    folder = tables / mapping.name
    return _read(folder / now.name, quarters, now), _read(folder / earlier.name, quarters, earlier)


def first_delivery(tables: Path, mapping: SourceMapping) -> date:
    """The earliest day on which a row of the source that is still stored was delivered; today if none is."""
    files = sorted((tables / mapping.name / raw_table(mapping).name).glob("*.parquet"))
    stored = [pq.ParquetFile(file) for file in files]
    days = [file.read(["finsync_first_seen"]) for file in stored if "finsync_first_seen" in file.schema_arrow.names]
    first: list[date] = [pc.min(each["finsync_first_seen"]).as_py() for each in days if len(each)]
    return min([today(), *first])


def compare_deliveries(
    rows: pd.DataFrame, stored: pd.DataFrame, earlier: pd.DataFrame, day: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows with `finsync_first_seen`, and all that were delivered before and are not among them.

    `rows` are delivered on this `day`, `stored` were by the delivery before, `earlier` by none since
    `finsync_replaced_on`. A row is the same if all of its cells are.
    """
    names = map(str, rows.columns)
    columns = [name for name in names if not name.startswith("finsync_") and name in stored and name in earlier]
    cells = f"to_json([{', '.join(map(frames.quoted, columns))}])"
    raw = frames.query(_RAW_SQL.format(cells=cells, day=day), rows=rows, stored=stored)
    gone = frames.query(_EARLIER_SQL.format(cells=cells, day=day), rows=raw, stored=stored, earlier=earlier)
    return raw, gone


def _read(folder: Path, quarters: Sequence[date], table: Table) -> pd.DataFrame:
    files = [file for quarter in quarters if (file := folder / f"{quarter}.parquet").exists()]
    read = [part for file in files if "finsync_first_seen" in (part := pq.ParquetFile(file).read()).column_names]
    read = read or [table.arrow.empty_table()]
    common = [name for name in read[0].column_names if all(name in part.column_names for part in read)]
    return frames.from_arrow(pa.concat_tables([part.select(common) for part in read]))
