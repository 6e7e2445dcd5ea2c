"""Files that are written whole or not at all: beside their place, then renamed."""

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from shutil import copymode

from finsync_pipeline.errors import DataError

DAY_SECONDS = 86_400


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Within the block, the path of an empty file beside this one, which takes its place if the block succeeds.

    A reader sees the file that was there before, or the whole new one; a writer that is killed leaves the one before.
    What is not a file, such as `/dev/stdout`, is written to itself. Raises DataError if it cannot be written.
    """
    path = path.resolve()  # of a link, what it leads to
    if path.exists() and not path.is_file():
        yield path
        return
    try:
        _remove_leftovers(path)
        temporary = path.with_name(f".{path.name}.{token_hex(4)}")
        try:
            temporary.touch(exist_ok=False)
            yield temporary
            if path.exists():
                copymode(path, temporary)
            _write_through(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: Exception) -> DataError:
    """The error for a file that could not be written, to be raised from its cause."""
    reason = getattr(error, "strerror", None) or str(error)
    fix = "Make room or correct its permissions; what was there stays"
    return DataError(f"could not be written ({reason})", fix, where=path)


def _write_through(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove_leftovers(path: Path) -> None:
    """Files of writers that were killed in the middle of this one, a day ago or more."""
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*"):
        with suppress(FileNotFoundError):  # a writer that has just finished
            if time.time() - temporary.stat().st_mtime > DAY_SECONDS:
                temporary.unlink()
