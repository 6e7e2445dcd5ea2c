"""Parquet files: written whole or not at all, read as one frame."""

import glob
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError

DAY_SECONDS = 86_400


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
        _remove_leftovers(path)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                pq.write_table(frames.to_arrow(frame), file)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def _remove_leftovers(path: Path) -> None:
    """Files of writers that were killed in the middle of this one, a day ago or more."""
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*"):
        with suppress(FileNotFoundError):  # a writer that has just finished
            if time.time() - temporary.stat().st_mtime > DAY_SECONDS:
                temporary.unlink()


def not_written(path: Path, error: Exception) -> DataError:
    """The error for a file that could not be written, to be raised from its cause."""
    reason = getattr(error, "strerror", None) or str(error)
    fix = "Make room or correct its permissions; what was there stays"
    return DataError(f"could not be written ({reason})", fix, where=path)


def read_frame(files: Sequence[Path]) -> pd.DataFrame:
    """The rows of the files, in their order."""
    return frames.from_arrow(pa.concat_tables([pq.ParquetFile(file).read() for file in files]))
