"""A release that is not as its manifest says is named, with its file; nobody may write into one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from factories import summary_frame
from published_files import big_frame, publish_frames

from finsync_pipeline.cli import main
from finsync_pipeline.publishing.release import MANIFEST, damages, remove_release


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINSYNC_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def publish_in(home: Path, name: str) -> Path:
    return publish_frames(summary_frame(name), {"big": big_frame(10)}, {}, home / "published", force=True).folder


def test_releases_that_are_as_they_were_published_are_intact(home, capsys):
    folders = [publish_in(home, "One"), publish_in(home, "Two")]
    assert main(["verify"]) == 0
    shown = capsys.readouterr().out
    assert all(f"intact   {folder.name}" in shown for folder in folders)


def _replace(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something else in the place of a file."""

    def replace(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return replace


def _link_to_the_same(file: Path) -> None:
    same = Path(shutil.copy(next(file.parent.glob("*.csv")), file.parents[2]))
    file.symlink_to(same)


def _change(folder: Path) -> None:
    file = folder / "big.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"x")


DAMAGES = {
    "big.parquet has changed": _change,
    "big.parquet is missing": lambda folder: (folder / "big.parquet").unlink(),
    "note.txt is not of the release": lambda folder: (folder / "note.txt").write_text("mine"),
    f"{MANIFEST} is missing": lambda folder: (folder / MANIFEST).unlink(),
    f"{MANIFEST} is damaged": _replace(MANIFEST, lambda file: file.write_text("[]")),
    f"{MANIFEST} is damaged (lists)": _replace(MANIFEST, lambda file: file.write_text("[" * 100_000)),
    f"{MANIFEST} is damaged (no files)": _replace(MANIFEST, lambda file: file.write_text('{"csv": "x.csv"}')),
    f"{MANIFEST} is damaged (a folder)": _replace(MANIFEST, Path.mkdir),
    f"{MANIFEST} is damaged (a pipe)": _replace(MANIFEST, os.mkfifo),
    "big.parquet is not a file (a folder)": _replace("big.parquet", Path.mkdir),
    "big.parquet is not a file (a pipe)": _replace("big.parquet", os.mkfifo),
    "big.parquet is not a file (a link)": _replace("big.parquet", _link_to_the_same),
    "big.parquet is not a file (a link to nothing)": _replace("big.parquet", lambda file: file.symlink_to("no")),
    "big.parquet is not a file (a link to itself)": _replace("big.parquet", lambda file: file.symlink_to(file)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_release_is_named_with_its_file(damage, home, capsys):
    older, newer = publish_in(home, "One"), publish_in(home, "Two")
    older.chmod(0o755)
    DAMAGES[damage](older)
    damage = damage.partition(" (")[0]
    assert main(["verify"]) == 1
    shown = capsys.readouterr().out
    assert f"damaged  {older.name}" in shown
    assert damage in shown
    assert f"intact   {newer.name}" in shown
    assert damages(newer) == []


def test_current_that_leads_nowhere_is_named(home, capsys):
    publish_in(home, "One")
    current = home / "published" / "current"
    current.unlink()
    current.symlink_to("20010101T000000Z")
    assert main(["verify"]) == 1
    assert "current does not lead to a release" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["current", "20990101T000000Z", "../elsewhere"])
def test_current_that_leads_nowhere_leads_to_the_next_release(target, home):
    publish_in(home, "One")
    current = home / "published" / "current"
    current.unlink()
    current.symlink_to(target)
    assert [main(command) for command in (["show"], ["diff"], ["prune", "--keep", "1"])] == [2, 2, 0]
    released = publish_in(home, "Two")
    assert current.resolve() == released
    assert main(["verify"]) == 0


@pytest.mark.parametrize("manifest", ["[]", "[" * 100_000, "{}", "\ud800"])
def test_a_damaged_current_release_is_an_error_with_its_fix(manifest, home, capsys):
    folder = publish_in(home, "One")
    (folder / MANIFEST).chmod(0o644)
    (folder / MANIFEST).write_text(manifest, encoding="utf-8", errors="surrogatepass")
    assert main(["show"]) == 2
    shown = capsys.readouterr().err.replace("\n", " ")
    assert f"{folder / MANIFEST}: is damaged. Restore the release from a backup" in shown


def test_without_a_release_the_next_step_is_named(home, capsys):
    assert main(["verify"]) == 2
    assert "finsync run" in capsys.readouterr().err


def test_folder_and_files_of_a_release_are_read_only_and_it_can_be_removed(home):
    folder = publish_in(home, "One")
    assert folder.stat().st_mode & 0o222 == 0
    assert all(file.stat().st_mode & 0o222 == 0 for file in folder.iterdir())
    copy = Path(shutil.copytree(folder, home / "copy"))
    remove_release(copy)
    assert not copy.exists()
