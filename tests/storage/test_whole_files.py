"""A file is written whole or not at all, whatever writes it."""

import os
from pathlib import Path

import pytest

from finsync_pipeline.errors import DataError
from finsync_pipeline.storage.whole_files import written_whole


def test_a_block_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    file = tmp_path / "queue.csv"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError), written_whole(file) as temporary:
        print("half", "\udc80", file=temporary.open("w", encoding="utf-8"))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("queue.csv", "old")]


def test_the_new_file_has_the_permissions_of_the_old_one_and_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "queue.csv", tmp_path / "link.csv"
    file.write_text("old")
    file.chmod(0o600)
    link.symlink_to(file.name)
    with written_whole(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


def test_what_is_no_file_is_written_to_itself(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with written_whole(pipe) as temporary:
        assert temporary == pipe
    assert pipe.is_fifo()


def test_where_it_cannot_be_written_the_error_names_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"no/queue\.csv: could not be written \(No such file"),
        written_whole(tmp_path / "no" / "queue.csv"),
    ):
        pass
