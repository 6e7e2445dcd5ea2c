"""Parquet files: written whole or not at all, read as one frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.storage.whole_files import not_written, written_whole

GROUP_ROWS = 2**17
"""Rows that are read together: who looks for one company reads only the groups that have it."""


@dataclass(frozen=True)
class ParquetFiles:
    """The files of a table that exist, and its partitions that do not.

    An asset that takes its input as ParquetFiles gets the paths instead of the rows.
    """

    files: list[Path]
    missing: list[str]


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame to the path: a reader sees the file that was there before, or the whole new one.

    Raises DataError if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(path, error) from error
    with written_whole(path) as temporary, temporary.open("wb") as file:
        pq.write_table(frames.to_arrow(frame), file, row_group_size=GROUP_ROWS)


def read_frame(files: Sequence[Path]) -> pd.DataFrame:
    """The rows of the files, in their order."""
    return frames.from_arrow(pa.concat_tables([pq.ParquetFile(file).read() for file in files]))
