"""Folders of the services' own files: each is locked while a process uses it, and cleared of what others left there."""

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

PREFIX, PART = "finsync-sources-", ".part"
"""How the names of temporary folders begin, and how those of unfinished loads end."""

GRACE_SECONDS = 60
"""A temporary folder without a lock that is younger may be about to be locked."""


@contextmanager
def service_folder(folder: Path) -> Iterator[Path]:
    """The folder of one service, made if need be. What loads that were killed left there is removed first."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as is_alone:
        if is_alone:
            for leftover in folder.glob(f"*{PART}"):
                _remove(leftover)
        yield folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new temporary folder. Those of processes that were killed are removed first."""
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if is_ours and time.time() - status.st_mtime > GRACE_SECONDS:
                with _locked(folder) as is_alone:
                    if is_alone:
                        _remove(folder)
    with TemporaryDirectory(prefix=PREFIX) as name, _locked(Path(name)):
        yield Path(name)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Within the block the folder is in use; whether no other process uses it. A lock ends with its process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_alone = True
        except BlockingIOError:
            is_alone = False
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield is_alone
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
