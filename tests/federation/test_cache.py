"""The cache of a query: what of it is damaged is made again, and kept again."""

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest

from finsync_pipeline.federation import cache
from finsync_pipeline.federation.cache import TableCache, Tables

TABLES = {"one": pa.table({"a": [1]}), "other": pa.table({"b": [2]})}
KEY = ["index", 1]


def total(tables: Tables) -> int:
    return tables["one"]["a"][0].as_py() + tables["other"]["b"][0].as_py()


def test_what_another_version_has_kept_is_not_read(tmp_path: Path, monkeypatch):
    TableCache(tmp_path, 10_000).put(KEY, TABLES)
    assert TableCache(tmp_path, 10_000).get(KEY) is not None
    monkeypatch.setattr(cache, "VERSION", "another")
    assert TableCache(tmp_path, 10_000).get(KEY) is None


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"ARROW1")], ids=["gone", "cut"])
def test_a_damaged_entry_is_not_read_and_is_replaced(tmp_path: Path, damage):
    TableCache(tmp_path, 10_000).put(KEY, TABLES)
    [file] = tmp_path.rglob("other.arrow")
    damage(file)

    kept = TableCache(tmp_path, 10_000)
    assert kept.get_as(KEY, total) is None
    kept.put(KEY, TABLES)
    assert TableCache(tmp_path, 10_000).get_as(KEY, total) == 3
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_read_and_what_is_new_is_in_memory_alone(tmp_path: Path, monkeypatch):
    TableCache(tmp_path, 10_000).put(KEY, TABLES)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for changes in ("utime", "mkdir", "rename"):
        monkeypatch.setattr(os, changes, refuse)
    kept = TableCache(tmp_path, 10_000)
    assert kept.get_as(KEY, total) == 3
    kept.put(["index", 2], TABLES)
    assert kept.get_as(["index", 2], total) == 3
    assert TableCache(tmp_path, 10_000).get(["index", 2]) is None
