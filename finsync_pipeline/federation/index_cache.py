"""What is known of sources, kept in a folder with a bound on its bytes, and in memory while the process runs."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from finsync_pipeline.errors import DataError
from finsync_pipeline.federation.source_index import SourceIndex
from finsync_pipeline.storage.parquet import read_frame, write_frame

IN_MEMORY = 16
"""Indexes that are also kept in memory."""
_META = "index.json"
_FRAMES = ("periods", "names", "dependent", "facts", "texts")


class IndexCache:
    """Indexes, each by a key of all that it is made from; the least recently used ones are removed first."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._memory: OrderedDict[str, SourceIndex] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Sequence[Any]) -> SourceIndex | None:
        """The index of this key, if it is kept."""
        name = _name_of(key)
        with self._lock:
            found = self._memory.get(name) or _read(self._folder / name)
            if found is not None:
                self._remember(name, found)
        return found

    def put(self, key: Sequence[Any], index: SourceIndex) -> None:
        """Keep the index. Where it cannot be written it is learnt again: nothing depends on it."""
        name = _name_of(key)
        with self._lock:
            self._remember(name, index)
            with suppress(OSError, DataError):
                _write(self._folder / name, index)
                remove_beyond(self._folder, self._most_bytes)

    def _remember(self, name: str, index: SourceIndex) -> None:
        self._memory[name] = index
        self._memory.move_to_end(name)
        while len(self._memory) > IN_MEMORY:
            self._memory.popitem(last=False)


@cache
def index_cache(folder: Path, most_bytes: int) -> IndexCache:
    """The one cache of this folder in this process."""
    return IndexCache(folder, most_bytes)


def remove_beyond(folder: Path, most_bytes: int) -> None:
    """Remove the entries (folders) that were not used for the longest time, until the others have fewer bytes."""
    entries = sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    sizes = [sum(file.stat().st_size for file in each.iterdir()) for each in entries]
    for entry, size in zip(entries, sizes, strict=True):
        if sum(sizes) <= most_bytes:
            return
        shutil.rmtree(entry, ignore_errors=True)
        sizes[sizes.index(size)] = 0


def _name_of(key: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(list(key), default=str).encode()).hexdigest()[:32]


def _read(folder: Path) -> SourceIndex | None:
    """The index in the folder; None if there is none, or it cannot be read."""
    with suppress(OSError, ValueError, KeyError):
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
        read = {name: read_frame([folder / f"{name}.parquet"]) for name in _FRAMES}
        os.utime(folder)
        return SourceIndex(**read, **meta | {"filled": frozenset(meta["filled"])})
    return None


def _write(folder: Path, index: SourceIndex) -> None:
    """Write the index beside and rename it: a reader sees all of it or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name in _FRAMES:
            write_frame(getattr(index, name), temporary / f"{name}.parquet")
        meta = {"data_version": index.data_version, "is_dependent": index.is_dependent, "filled": sorted(index.filled)}
        (temporary / _META).write_text(json.dumps(meta), encoding="utf-8")
        if not folder.exists():
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
