"""The IO manager: an asset's frame to Parquet and back, a range of quarters as one frame.

An asset that is partitioned names in its metadata `partition_column` the column of dates whose quarter the rows belong
to.
"""

from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.storage.parquet import ParquetFiles, read_frame, write_frame

PARTITION_COLUMN = "partition_column"


def parquet_io_manager(folder: str) -> dg.IOManagerDefinition:
    """The resource. It takes nothing from the configuration of a run, which could otherwise write over a release."""
    return dg.IOManagerDefinition(lambda _: ParquetIOManager(folder), config_schema={})


class ParquetIOManager(dg.IOManager):
    """Frames as Parquet files below `folder`: `<asset>.parquet`, or `<asset>/<first day of quarter>.parquet`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | None) -> None:
        """Write the frame; a partitioned asset's, one file for each quarter of the run, also without rows."""
        if obj is None:
            return
        if not context.has_asset_partitions:
            with failures_explained():
                write_frame(obj, self._path(context.asset_key))
            return
        column = context.definition_metadata[PARTITION_COLUMN]
        with failures_explained():
            for key, rows in _by_quarter(obj, column, list(context.asset_partition_keys)).items():
                write_frame(rows, self._path(context.asset_key, key))

    def load_input(self, context: dg.InputContext) -> pd.DataFrame | ParquetFiles:
        """Read the table, or for an input of type ParquetFiles say where it is.

        Raises a Failure if a frame is asked for that was never materialized.
        """
        keys = list(context.asset_partition_keys) if context.has_asset_partitions else [None]
        paths = {key: self._path(context.asset_key, key) for key in keys}
        files = [path for path in paths.values() if path.exists()]
        missing = [str(key) for key, path in paths.items() if not path.exists()]
        if context.dagster_type.typing_type is ParquetFiles:
            return ParquetFiles(files, missing)
        if missing:
            name = context.asset_key.to_user_string()
            which = f" for {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}" if keys != [None] else ""
            fix = "Materialize it first, or in the same run; finsync run makes everything"
            with failures_explained():
                raise DataError(f"was never materialized{which}", fix, name)
        return read_frame(files)

    def _path(self, asset_key: dg.AssetKey, partition: str | None = None) -> Path:
        table = Path(self.folder).joinpath(*asset_key.path)
        return table / f"{partition}.parquet" if partition else table.with_suffix(".parquet")


def _by_quarter(frame: pd.DataFrame, column: str, keys: list[str]) -> dict[str, pd.DataFrame]:
    """The rows of each quarter. Raises ValueError if a row belongs to none of them: it would be lost."""
    quarter = frames.map_unique(frame[column].astype(frames.STRING), _quarter_key, pa.string())
    others = sorted({"no date" if pd.isna(key) else key for key in quarter.unique()} - set(keys))
    if others:
        raise ValueError(f"rows of {', '.join(others)} in a run of {keys[0]} to {keys[-1]} would be lost")
    groups = dict(list(frame.groupby(quarter, sort=False)))
    return {key: groups.get(key, frame.head(0)).reset_index(drop=True) for key in keys}


def _quarter_key(day: str) -> str:
    return quarter_of(date.fromisoformat(day)).isoformat()
