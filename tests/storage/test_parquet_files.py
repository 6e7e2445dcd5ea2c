"""Parquet files are written whole or not at all: on a full disk, when killed, and by several at once."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.storage.parquet import read_frame, write_frame

ENDLESS_WRITES = """
    import sys, itertools
    from pathlib import Path
    import pyarrow as pa
    from finsync_pipeline import frames
    from finsync_pipeline.storage.parquet import write_frame
    for number in itertools.count():
        column = pa.array([number % 7] * 50_000 + list(range(50_000)))
        write_frame(frames.from_arrow(pa.table({"number": column})), Path(sys.argv[1]))
        if number == 0:
            print("ready", flush=True)
"""
ONE_WRITE_INTO_LITTLE_ROOM = """
    import resource, sys
    from pathlib import Path
    import pyarrow as pa
    from finsync_pipeline import frames
    from finsync_pipeline.errors import DataError
    from finsync_pipeline.storage.parquet import write_frame
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        write_frame(frames.from_arrow(pa.table({"number": pa.array(range(100_000))})), Path(sys.argv[1]))
    except DataError as error:
        print(type(error).__name__, error.__cause__.errno, error)
"""


def numbers(*values: int) -> pd.DataFrame:
    return frames.from_arrow(pa.table({"number": pa.array(values, pa.int64())}))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def started(program: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_frame_comes_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folders" / "frame.parquet"
    frame = frames.from_arrow(
        pa.table({"day": pa.array([None, 1], pa.date32()), "text": ["é", None], "value": [0.1, None]})
    )
    write_frame(frame, file)
    pd.testing.assert_frame_equal(read_frame([file]), frame)
    assert file.stat().st_mode & 0o777 == 0o644
    assert names(file.parent) == ["frame.parquet"]


def test_several_files_are_one_frame_in_their_order(tmp_path: Path) -> None:
    for name, frame in {"b": numbers(3), "a": numbers(1, 2), "none": numbers()}.items():
        write_frame(frame, tmp_path / name)
    assert read_frame([tmp_path / "b", tmp_path / "none", tmp_path / "a"])["number"].tolist() == [3, 1, 2]


def test_without_room_the_old_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "frame.parquet"
    write_frame(numbers(1), file)
    with started(ONE_WRITE_INTO_LITTLE_ROOM, file) as process:
        said, _ = process.communicate(timeout=30)
    assert said.startswith("DataError 27 ")
    assert f"{file}: could not be written (File too large). Make room" in said
    assert "what was there stays" in said
    assert read_frame([file])["number"].tolist() == [1]
    assert names(tmp_path) == ["frame.parquet"]


def test_where_no_folder_can_be_the_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="could not be written") as error:
        write_frame(numbers(1), tmp_path / "file" / "frame.parquet")
    assert str(tmp_path / "file" / "frame.parquet") in str(error.value)
    assert "Make room or correct its permissions" in str(error.value)


def test_a_frame_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "frame.parquet"
    write_frame(numbers(1), file)
    with pytest.raises(pa.ArrowException):
        write_frame(pd.DataFrame({"mixed": [1, "x", object()]}), file)
    assert read_frame([file])["number"].tolist() == [1]
    assert names(tmp_path) == ["frame.parquet"]


def test_killed_while_writing_the_file_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "frame.parquet"
    for pause in (0.03, 0.11):
        with started(ENDLESS_WRITES, file) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        assert len(read_frame([file])) == 100_000


def test_of_several_writers_at_once_one_whole_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "frame.parquet"
    writers = [started(ENDLESS_WRITES, file) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for _ in range(100):
        assert len(read_frame([file])) == 100_000
    for writer in writers:
        assert writer.poll() is None
        writer.kill()
        writer.communicate()
    assert len(read_frame([file])) == 100_000


def test_a_write_removes_what_a_killed_writer_left_a_day_ago(tmp_path):
    path = tmp_path / "facts.parquet"
    old, young, other = (tmp_path / name for name in (".facts.parquet.a1", ".facts.parquet.b2", ".texts.parquet.a1"))
    for leftover in (old, young, other):
        leftover.write_bytes(b"half")
    for leftover in (old, other):
        os.utime(leftover, (time.time() - 90_000,) * 2)

    write_frame(numbers(1), path)

    assert sorted(names(tmp_path)) == [".facts.parquet.b2", ".texts.parquet.a1", "facts.parquet"]
