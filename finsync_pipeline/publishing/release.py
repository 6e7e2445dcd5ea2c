"""Writing a release: in a staging folder, then renamed, then `current` points to it; nothing is overwritten."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.storage.parquet import not_written, write_frame

CURRENT = "current"
MANIFEST = "manifest.json"
STAMP, STAMPED = "%Y%m%dT%H%M%SZ", r"\d{8}T\d{6}Z"
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Release:
    """A published release: its folder, its CSV, its manifest, and whether it is new or nothing had changed."""

    folder: Path
    csv: Path
    manifest: dict[str, Any]
    is_new: bool = True


def publish(
    summary: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    content: Mapping[str, Any],
    published: Path,
    force: bool = False,
) -> Release:
    """Publish the summary (table SUMMARY) with the tables that it was made of.

    `content` goes into the manifest: what went in, by source and quarter. The manifest adds the time (UTC) and for each
    file its rows and SHA-256. The same summary gives the same bytes of CSV. If all is as in the current release, that
    one is returned and none is written, unless forced. Raises DataError if the release cannot be written; the one
    before it stays current.
    """
    published.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(published)
    stamp, staging = _claim(published)
    try:
        csv = staging / f"company_summary_{stamp}.csv"
        write_csv(summary, csv)
        for name, frame in {"company_summary": summary, **tables}.items():
            write_frame(frame, staging / f"{name}.parquet")
        rows = {csv.name: len(summary), "company_summary.parquet": len(summary)}
        rows |= {f"{name}.parquet": len(frame) for name, frame in tables.items()}
        files = {name: {"rows": rows[name], "sha256": _sha256(staging / name)} for name in sorted(rows)}
        manifest = {"release": stamp, "csv": csv.name, "files": files, **content}
        if not force and (same := _current_if_same(manifest, published)):
            shutil.rmtree(staging)
            return same
        (staging / MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n", encoding="utf-8")
        folder = staging.rename(published / stamp)
    except BaseException:  # not `finally`: after the rename the name may be another release's staging folder
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _point_to(folder)
    return Release(folder, folder / csv.name, manifest)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame as CSV in UTF-8: a header, shortest exact numbers, empty cells for null.

    Raises DataError if it cannot be written.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("frame", frames.to_arrow(frame))
        target = str(path).replace("'", "''")
        try:
            connection.execute(f"COPY (SELECT * FROM frame) TO '{target}' (FORMAT csv, HEADER, NULLSTR '')")
        except duckdb.IOException as error:
            raise not_written(path, error) from error


def _current_if_same(manifest: dict[str, Any], published: Path) -> Release | None:
    """The current release, if its manifest is the same but for the time."""
    folder = (published / CURRENT).resolve()
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    same_time = json.dumps(manifest, default=str).replace(manifest["release"], folder.name)
    current = json.loads(text)
    return Release(folder, folder / current["csv"], current, is_new=False) if json.loads(same_time) == current else None


def _claim(published: Path) -> tuple[str, Path]:
    """A time of publication, to the second, that no other release has or gets, and the folder to write it in."""
    while True:
        stamp = datetime.now(UTC).strftime(STAMP)
        staging = published / f".staging-{stamp}"
        try:
            staging.mkdir()
        except FileExistsError:
            time.sleep(0.2)
            continue
        if not (published / stamp).exists():
            return stamp, staging
        staging.rmdir()
        time.sleep(0.2)


def _remove_leftovers(published: Path) -> None:
    """Folders of releases that were killed while they were written, a day ago or more."""
    for staging in published.glob(".staging-*"):
        try:
            age = time.time() - staging.stat().st_mtime
        except FileNotFoundError:  # a release that another process has just finished
            continue
        if age > DAY_SECONDS:
            shutil.rmtree(staging, ignore_errors=True)


def _point_to(folder: Path) -> None:
    """Make `current` a link to the folder in one step; an older release never takes it from a newer one.

    Whoever replaces the link looks again at what is published, so of two that publish at once the newest stays.
    """
    link, beside = folder.parent / CURRENT, folder.parent / f".{CURRENT}-{folder.name}"
    while True:
        newest = max(other.name for other in folder.parent.glob("*Z") if re.fullmatch(STAMPED, other.name))
        if link.is_symlink() and link.readlink().name >= newest:
            return
        beside.symlink_to(newest)
        beside.replace(link)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
