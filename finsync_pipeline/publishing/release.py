"""Writing a release: in a staging folder, then renamed, then `current` points to it; nothing is overwritten."""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

import pandas as pd

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.changes import Limits, check_losses, losses
from finsync_pipeline.publishing.csv_files import write_csv
from finsync_pipeline.storage.parquet import write_frame
from finsync_pipeline.storage.whole_files import not_written

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


@dataclass(frozen=True)
class ReleaseOptions:
    """How to publish.

    `published` is the folder of the releases, `allow_missing` names the sources that may be missing, `force` publishes
    also if nothing has changed, `accept` is the reason why a release that lost more than `limits` is right, `with_mark`
    begins each CSV with a byte order mark, `not_compared` names the sources whose losses are meant.
    """

    published: Path
    allow_missing: Sequence[str] = ()
    force: bool = False
    accept: str = ""
    limits: Limits = field(default_factory=Limits)
    with_mark: bool = False
    not_compared: Collection[str] = ()


def publish(
    csvs: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    content: Mapping[str, Any],
    options: ReleaseOptions,
) -> Release:
    """Publish tables as Parquet, and those of `csvs` as CSV named after them and the time; returns the release.

    The first of `csvs` is the release's own. `content` goes into the manifest: what went in, by source and quarter. The
    manifest adds the time (UTC), for each file its rows and SHA-256, and what was accepted. The same tables give the
    same bytes. If all is as in the current release, that one is returned and none is written, unless forced.

    Raises PublicationError if it lost more than the limits and is not accepted, or if `current` is not a link, and
    DataError if it cannot be written; the release before it stays current.
    """
    published = options.published
    _check_link(published / CURRENT)
    with _staging(published) as (stamp, staging):
        manifest = {"release": stamp, **_write(csvs, tables, stamp, staging, options.with_mark), **content}
        before = current_folder(published)
        if not options.force and before and _is_same(manifest, before):
            remove_release(staging)
            return read_release(before, is_new=False)
        manifest |= _accepted(before, staging, options)
        folder = _finish(manifest, staging, published / stamp)
    _point_to(folder)
    return read_release(folder)


def publish_beside(
    csvs: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    content: Mapping[str, Any],
    options: ReleaseOptions,
    suffix: str,
) -> Release:
    """Publish tables as `publish` does, in a folder named after the time and the suffix, which is never current."""
    with _staging(options.published) as (stamp, staging):
        manifest = {"release": stamp + suffix, **_write(csvs, tables, stamp, staging, options.with_mark), **content}
        return read_release(_finish(manifest, staging, options.published / f"{stamp}{suffix}"))


def releases(published: Path) -> list[Path]:
    """The folders of all releases, the oldest first."""
    return sorted(folder for folder in published.glob("*Z") if re.fullmatch(STAMPED, folder.name))


def current_folder(published: Path) -> Path | None:
    """The folder of the current release; None if there is none. Raises OSError if the folder cannot be read."""
    with suppress(FileNotFoundError):
        published.stat()
    folder = Path(os.path.realpath(published / CURRENT))  # Path.resolve() fails for a link that leads to itself
    return folder if (folder / MANIFEST).exists() else None


def read_release(folder: Path, is_new: bool = True) -> Release:
    """The release in the folder, as its manifest describes it. Raises PublicationError."""
    manifest = _read_manifest(folder)
    return Release(folder, folder / manifest["csv"], manifest, is_new)


def all_folders(published: Path) -> list[Path]:
    """The folders of all releases, also of those of what was known on an earlier day, the oldest first."""
    return sorted(folder for folder in published.glob("[0-9]*Z*") if folder.is_dir())


def remove_release(folder: Path) -> None:
    """Remove a release, whose folder nobody may write into."""
    folder.chmod(0o755)
    shutil.rmtree(folder)


def damages(folder: Path) -> list[str]:
    """The files of the release that are missing, changed or not of it, by its manifest; empty if it is intact."""
    try:
        expected = {name: file["sha256"] for name, file in _read_manifest(folder)["files"].items()}
    except PublicationError as error:
        return [f"{MANIFEST} {error.what}"]
    except (KeyError, TypeError, AttributeError):
        return [f"{MANIFEST} is damaged"]
    there = {file.name for file in folder.iterdir()} - {MANIFEST}
    missing = [f"{name} is missing" for name in sorted(expected.keys() - there)]
    others = [f"{name} is not of the release" for name in sorted(there - expected.keys())]
    kept = {name: _is_file(folder / name) for name in sorted(expected.keys() & there)}
    no_files = [f"{name} is not a file" for name, is_file in kept.items() if not is_file]
    changed = [name for name, is_file in kept.items() if is_file and _sha256(folder / name) != expected[name]]
    return [*missing, *no_files, *(f"{name} has changed" for name in changed), *others]


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the release in the folder. Raises PublicationError if it is missing or damaged."""
    path = folder / MANIFEST
    with suppress(ValueError, RecursionError):
        manifest = json.loads(path.read_text(encoding="utf-8")) if _is_file(path) else None
        if isinstance(manifest, dict) and isinstance(manifest.get("csv"), str):
            return manifest
    what = "is damaged" if os.path.lexists(path) else "is missing"
    raise PublicationError(what, "Restore the release from a backup, or move its folder away and publish anew", path)


def _is_file(path: Path) -> bool:
    """Whether it is a file: not a link, whose file may change, nor a pipe, which would be read for ever."""
    return path.is_file() and not path.is_symlink()


def _write(
    csvs: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    stamp: str,
    staging: Path,
    with_mark: bool,
) -> dict[str, Any]:
    """Write the files; returns their part of the manifest."""
    named = {f"{name}_{stamp}.csv": frame for name, frame in csvs.items()}
    for name, frame in named.items():
        write_csv(frame, staging / name, with_mark)
    for name, frame in tables.items():
        write_frame(frame, staging / f"{name}.parquet")
    rows = {name: len(frame) for name, frame in (*named.items(), *((f"{n}.parquet", f) for n, f in tables.items()))}
    files = {name: {"rows": rows[name], "sha256": _sha256(staging / name)} for name in sorted(rows)}
    return {"csv": next(iter(named)), "files": files}


def _finish(manifest: Mapping[str, Any], staging: Path, folder: Path) -> Path:
    """Write the manifest, and make the staging folder the folder of the release."""
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n", encoding="utf-8")
    for file in staging.iterdir():
        file.chmod(0o444)  # a release never changes
    staging.chmod(0o555)
    return staging.rename(folder)


def _is_same(manifest: dict[str, Any], before: Path) -> bool:
    """Whether the release in `before` has the same manifest but for the time and for what was accepted then."""
    current = _read_manifest(before)
    current.pop("accepted", None)
    same_time = json.dumps(manifest, default=str).replace(manifest["release"], before.name)
    return bool(json.loads(same_time) == current)


def _accepted(before: Path | None, staging: Path, options: ReleaseOptions) -> dict[str, Any]:
    """The part of the manifest on losses that were accepted. Raises PublicationError if they are not."""
    found = losses(before, staging, options.not_compared)
    if not options.accept.strip():
        check_losses(found, options.limits)
        return {}
    by = getuser()
    return {"accepted": {"reason": options.accept, "by": by, "losses": found.beyond(options.limits)}}


@contextmanager
def _staging(published: Path) -> Iterator[tuple[str, Path]]:
    """The time and the folder of `_claim`, which is removed if the block fails. Raises DataError for a full disk."""
    try:
        published.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(published)
        stamp, staging = _claim(published)
    except OSError as error:
        raise not_written(published, error) from error
    try:
        yield stamp, staging
    except OSError as error:
        with suppress(OSError):
            remove_release(staging)
        raise not_written(Path(error.filename or staging), error) from error
    except BaseException:  # not `finally`: after the rename the name may be another release's staging folder
        with suppress(OSError):
            remove_release(staging)
        raise


def _claim(published: Path) -> tuple[str, Path]:
    """A time of publication, to the second, that no other release has or gets, and the folder to write it in.

    It is after that of every other release, also where the clock was set back.
    """
    while True:
        last = max((folder.name for folder in releases(published)), default="")
        stamp = max(datetime.now(UTC).strftime(STAMP), _second_after(last) if last else "")
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


def _second_after(stamp: str) -> str:
    return (datetime.strptime(stamp, STAMP) + timedelta(seconds=1)).strftime(STAMP)


def _remove_leftovers(published: Path) -> None:
    """Folders of releases that were killed while they were written, and links that were to be `current`, a day old."""
    for leftover in (*published.glob(".staging-*"), *published.glob(f".{CURRENT}-*")):
        with suppress(OSError):  # that of a release which another process has just finished
            if time.time() - leftover.lstat().st_mtime > DAY_SECONDS:
                leftover.unlink() if leftover.is_symlink() else remove_release(leftover)


def _check_link(link: Path) -> None:
    """Raise PublicationError if something else has the name of the link: nothing is written, and nothing replaced."""
    if link.exists() and not link.is_symlink():
        what = f"this is a {'folder' if link.is_dir() else 'file'}, not the link to the current release"
        raise PublicationError(what, "Move it to another name; then publish again", link)


def _point_to(folder: Path) -> None:
    """Make `current` a link to the folder in one step; an older release never takes it from a newer one.

    Whoever replaces the link looks again at what is published, so of two that publish at once the newest stays.
    """
    link, beside = folder.parent / CURRENT, folder.parent / f".{CURRENT}-{folder.name}"
    while True:
        newest = releases(folder.parent)[-1].name
        now = current_folder(folder.parent)
        if now and now.name >= newest:
            return
        beside.symlink_to(newest)
        beside.replace(link)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
