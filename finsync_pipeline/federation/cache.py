"""Tables that are kept, in a folder with a bound on its bytes and some of them in memory: each by a key of everything
that it was made from. Nothing depends on the cache: what is not in it is made again.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from uuid import uuid4

import pyarrow as pa

VERSION = version("finsync")
"""Part of every key: another version may make other tables of the same."""
MEMORY_BYTES = 256 << 20
"""Bytes of tables that are also kept in memory."""
Key = Sequence[Any]
Tables = Mapping[str, pa.Table]
T = TypeVar("T")


class TableCache:
    """Tables by their names, for each key; the least recently used are removed first."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._memory: OrderedDict[str, Tables] = OrderedDict()
        self._made: dict[str, Any] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Tables | None:
        """The tables of this key, if they are kept."""
        name = _name_of(key)
        with self._lock:
            found = self._memory.get(name) or _read(self._folder / name)
            if found is not None:
                self._remember(name, found)
        return found

    def get_as(self, key: Key, read: Callable[[Tables], T]) -> T | None:
        """What `read` makes of the tables of this key, once for those in memory; None if one of them is missing."""
        tables, name = self.get(key), _name_of(key)
        if tables is None:
            return None
        with self._lock:
            try:
                made = self._made.get(name) or read(tables)
            except KeyError:  # a file of the entry is gone
                return None
            self._made = {each: one for each, one in {**self._made, name: made}.items() if each in self._memory}
        return made

    def put(self, key: Key, tables: Tables, is_on_disk: bool = True) -> None:
        """Keep the tables; on disk, too, if they can be written and have fewer bytes than the bound."""
        name = _name_of(key)
        with self._lock:
            self._remember(name, tables)
            with suppress(OSError, pa.ArrowException):
                if is_on_disk and _bytes_of(tables) < self._most_bytes:
                    _write(self._folder / name, tables)
                    _remove_beyond(self._folder, self._most_bytes)

    def _remember(self, name: str, tables: Tables) -> None:
        self._memory[name] = tables
        self._memory.move_to_end(name)
        while sum(map(_bytes_of, self._memory.values())) > MEMORY_BYTES:
            self._memory.popitem(last=False)


@cache
def table_cache(folder: Path, most_bytes: int) -> TableCache:
    """The one cache of this folder in this process."""
    return TableCache(folder, most_bytes)


def _remove_beyond(folder: Path, most_bytes: int) -> None:
    entries = sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    sizes = {entry: sum(file.stat().st_size for file in entry.iterdir()) for entry in entries}
    while entries and sum(sizes.values()) > most_bytes:
        oldest = entries.pop(0)
        _remove(oldest)
        del sizes[oldest]


def _bytes_of(tables: Tables) -> int:
    return sum(int(table.nbytes) for table in tables.values())


def _name_of(key: Key) -> str:
    return hashlib.sha256(json.dumps([VERSION, *key], default=str).encode()).hexdigest()[:32]


def _read(folder: Path) -> Tables | None:
    """The tables in the folder, over their files; None if there are none, or they cannot be read."""
    with suppress(OSError, pa.ArrowException):
        files = sorted(folder.glob("*.arrow"))
        read = {file.stem: pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files}
        with suppress(OSError):  # on a file system that is read-only
            os.utime(folder)
        return read or None
    return None


def _write(folder: Path, tables: Tables) -> None:
    """Write the tables beside and rename them: a reader sees all of them or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name, table in tables.items():
            with pa.ipc.new_file(str(temporary / f"{name}.arrow"), table.schema) as file:
                file.write_table(table)
        _remove(folder)  # what could not be read
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove the tables in the folder: a reader sees all of them or none."""
    with suppress(FileNotFoundError):
        removed = folder.rename(folder.with_name(f".{folder.name}.{uuid4().hex}"))
        shutil.rmtree(removed, ignore_errors=True)
