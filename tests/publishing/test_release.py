"""A release: whole or not there, never overwritten, the newest current; the same summary the same CSV."""

import csv
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import summary_frame
from published_files import assert_whole, big_frame, leftovers, publish_frames, releases

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError, PublicationError
from finsync_pipeline.publishing.csv_files import write_csv

PUBLISHING = f"""
    import resource, sys
    from pathlib import Path
    sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1])!r}]
    from published_files import big_frame, publish_frames
    from factories import summary_frame
    from finsync_pipeline.errors import DataError
    published, rows, room = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        summary = summary_frame("One" if rows else "é" * 150_000)
        publish_frames(summary, {{"big": big_frame(rows)}}, {{}}, published, force=True)
    except DataError as error:
        print(error)
"""


def publishing(published: Path, rows: int, room: int = 0) -> "subprocess.Popen[str]":
    """A process that publishes a table with this number of rows; no file may have more bytes than `room`."""
    command = [sys.executable, "-c", textwrap.dedent(PUBLISHING), str(published), str(rows), str(room)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_release_has_the_csv_the_tables_and_a_manifest_that_is_right(tmp_path: Path) -> None:
    release = publish_frames(summary_frame(), {"big": big_frame(3)}, {"facts": 3}, tmp_path / "published")
    assert release.folder == releases(tmp_path / "published")[0]
    manifest = assert_whole(release.folder)
    assert manifest == release.manifest
    assert manifest["facts"] == 3
    rows = {name: told["rows"] for name, told in manifest["files"].items()}
    assert rows == {release.csv.name: 1, "company_summary.parquet": 1, "big.parquet": 3, "facts.parquet": 1}
    assert pq.read_table(release.folder / "big.parquet")["number"].to_pylist() == [0, 1, 2]
    assert leftovers(tmp_path / "published") == []


def test_releases_within_one_second_get_two_stamps_and_overwrite_nothing(tmp_path: Path) -> None:
    first = publish_frames(summary_frame(), {}, {}, tmp_path)
    before = contents(first.folder)
    second = publish_frames(summary_frame(), {}, {}, tmp_path, force=True)
    assert [path.name for path in releases(tmp_path)] == [first.folder.name, second.folder.name]
    assert first.folder.name < second.folder.name
    assert contents(first.folder) == before
    assert second.csv.read_bytes() == first.csv.read_bytes()
    assert (tmp_path / "current").resolve() == second.folder


def test_a_release_like_the_current_one_is_not_written_unless_forced(tmp_path: Path) -> None:
    tables, content = {"big": big_frame(3)}, {"facts": 3}
    first = publish_frames(summary_frame(), tables, content, tmp_path)

    same = publish_frames(summary_frame(), tables, content, tmp_path)
    assert (same.is_new, same.folder, same.csv, same.manifest) == (False, first.folder, first.csv, first.manifest)
    assert releases(tmp_path) == [first.folder]
    assert leftovers(tmp_path) == []

    others = [
        publish_frames(summary_frame(value=2), tables, content, tmp_path),
        publish_frames(summary_frame(value=2), {"big": big_frame(4)}, content, tmp_path),
        publish_frames(summary_frame(value=2), {"big": big_frame(4)}, {"facts": 4}, tmp_path),
        publish_frames(summary_frame(value=2), {"big": big_frame(4)}, {"facts": 4}, tmp_path, force=True),
    ]
    assert [other.is_new for other in others] == [True] * 4
    assert releases(tmp_path) == [first.folder, *(other.folder for other in others)]


def test_current_is_a_link_that_moves_with_the_folder(tmp_path: Path) -> None:
    release = publish_frames(summary_frame(), {}, {}, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert (tmp_path / "there" / "current" / release.csv.name).is_file()


def test_after_the_clock_was_set_back_the_newest_release_is_current(tmp_path: Path) -> None:
    (tmp_path / "29991231T235959Z").mkdir()
    (tmp_path / "current").symlink_to("29991231T235959Z")
    publish_frames(summary_frame(), {}, {}, tmp_path)
    assert (tmp_path / "current").readlink() == Path("30000101T000000Z")


def test_a_release_that_was_killed_before_it_became_current_does_not_hide_the_next(tmp_path: Path) -> None:
    (tmp_path / "20200101T000000Z").mkdir()
    (tmp_path / "20200102T000000Z").mkdir()
    (tmp_path / "20990101T000000Z-notes").mkdir()
    (tmp_path / "current").symlink_to("20200101T000000Z")
    release = publish_frames(summary_frame(), {}, {}, tmp_path)
    assert (tmp_path / "current").resolve() == release.folder


def test_processes_that_publish_at_once_both_land_whole(tmp_path: Path) -> None:
    processes = [publishing(tmp_path, rows=1000) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in processes] == [""] * 2
    assert [process.returncode for process in processes] == [0] * 2
    assert len(releases(tmp_path)) == 2
    for release in releases(tmp_path):
        assert_whole(release)
    assert (tmp_path / "current").resolve() == releases(tmp_path)[-1]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("rows", "file"), [(0, "company_summary_"), (100_000, "big.parquet")])
def test_without_room_the_old_release_stays_current_and_nothing_is_beside_it(
    tmp_path: Path, rows: int, file: str
) -> None:
    old = publish_frames(summary_frame(), {}, {}, tmp_path)
    with publishing(tmp_path, rows, room=200_000) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert file in said
    assert "could not be written" in said
    assert "Make room" in said
    assert releases(tmp_path) == [old.folder]
    assert (tmp_path / "current").resolve() == old.folder
    assert leftovers(tmp_path) == []


def test_a_table_that_cannot_be_written_leaves_the_old_release_current(tmp_path: Path) -> None:
    old = publish_frames(summary_frame(), {}, {}, tmp_path)
    with pytest.raises(pa.ArrowException):
        publish_frames(summary_frame(), {"mixed": pd.DataFrame({"a": [1, "x", object()]})}, {}, tmp_path)
    assert releases(tmp_path) == [old.folder]
    assert (tmp_path / "current").resolve() == old.folder
    assert leftovers(tmp_path) == []


def test_killed_while_writing_nothing_half_is_seen_and_the_leftover_goes_after_a_day(tmp_path: Path) -> None:
    old = publish_frames(summary_frame(), {}, {}, tmp_path)
    with publishing(tmp_path, rows=10_000_000) as process:
        wait_for(lambda: any(tmp_path.glob(".staging-*/.big*")))
        process.kill()
    assert releases(tmp_path) == [old.folder]
    assert (tmp_path / "current").resolve() == old.folder
    (left,) = leftovers(tmp_path)
    assert left.startswith(".staging-")

    publish_frames(summary_frame(), {}, {}, tmp_path, force=True)
    assert leftovers(tmp_path) == [left]
    yesterday = time.time() - 86_401
    os.utime(tmp_path / left, (yesterday, yesterday))
    publish_frames(summary_frame(), {}, {}, tmp_path, force=True)
    assert leftovers(tmp_path) == []


def wait_for(there: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("One", "One"),
        ("One, Inc.", '"One, Inc."'),
        ('The "One"', '"The ""One"""'),
        ("One\nTwo", '"One\nTwo"'),
        ("One\rTwo", '"One\rTwo"'),
        ("Größe 大 🏦", "Größe 大 🏦"),
        ("O'Brien; \\", "O'Brien; \\"),
        ("NULL", "NULL"),
        ("=1+1", "'=1+1"),
        ("+49 89 1", "'+49 89 1"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("A=B", "A=B"),
        ("'t Hart", "'t Hart"),
        ("", '""'),
        (None, ""),
    ],
)
def test_a_cell_of_the_csv_is_quoted_where_it_must_be(tmp_path: Path, name: str | None, cell: str) -> None:
    file = tmp_path / "o'brien" / "x.csv"
    file.parent.mkdir()
    schema = pa.schema([("id", pa.string()), ("name", pa.string()), ("value", pa.float64())])
    write_csv(frames.frame_of([{"id": "c1", "name": name, "value": 0.1}], schema), file)
    assert file.read_bytes().decode() == f"id,name,value\nc1,{cell},0.1\n"
    with file.open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines))[1] == ["c1", cell.removeprefix('"').removesuffix('"').replace('""', '"'), "0.1"]


def test_a_csv_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_csv(summary_frame("Größe"), tmp_path / "x.csv", with_mark=True)
    assert (tmp_path / "x.csv").read_bytes().startswith(b"\xef\xbb\xbfcompany_id,")
    assert pd.read_csv(tmp_path / "x.csv")["company_name"].tolist() == ["Größe"]


@pytest.mark.parametrize("value", [0.1, -0.03, 1e15, 123456789.123456, 1e-6, 12345678901234.5, 0.0, None])
def test_a_number_of_the_csv_reads_as_the_same_number(tmp_path: Path, value: float | None) -> None:
    schema = pa.schema([("id", pa.string()), ("value", pa.float64())])
    write_csv(frames.frame_of([{"id": "c1", "value": value}], schema), tmp_path / "x.csv")
    cell = (tmp_path / "x.csv").read_text().splitlines()[1].removeprefix("c1,")
    assert cell == "" if value is None else float(cell) == value


@pytest.mark.parametrize("kind", ["folder", "copied release", "file"])
def test_something_else_in_the_place_of_current_is_named_and_kept(tmp_path: Path, kind: str) -> None:
    published = tmp_path / "published"
    first = publish_frames(summary_frame(), {}, {}, published)
    (published / "current").unlink()
    if kind == "file":
        (published / "current").write_text(first.folder.name)
    elif kind == "copied release":
        shutil.copytree(first.folder, published / "current")
    else:
        (published / "current").mkdir()
        (published / "current" / "mine.txt").write_text("mine")
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}

    with pytest.raises(
        PublicationError, match=r"current: this is a fi?o?l.*, not the link to the current release\. Move"
    ):
        publish_frames(summary_frame(value=2.5), {}, {}, published)

    assert {path: path.read_bytes() for path in published.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"published: could not be written \(Not a directory\)"):
        publish_frames(summary_frame(), {}, {}, tmp_path / "file" / "published")
