"""A disk that is full or read-only: the command says what, where and how to fix it, and what was there stays."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from factories import PROJECT

from finsync_pipeline.cli import dev, main

PLACES = ("home", "instance")
Disk = Callable[[str], Path]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own at the folder."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if not Path("/bin/mount").exists():
        pytest.skip("may not mount a small disk")
    with ExitStack() as stack:
        yield lambda options: stack.enter_context(mounted(tmp_path / "disk", options))


def finsync(
    *arguments: str, folder: Path, home: Path, instance: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    places = {"FINSYNC_HOME": str(home)} | ({"DAGSTER_HOME": str(instance)} if instance else {})
    nowhere = {f"FINSYNC_{name}_URL": "http://127.0.0.1:9" for name in ("PNL", "BALANCE_SHEET", "CASH_FLOW")}
    return subprocess.run(
        [sys.executable, "-m", "finsync_pipeline", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **places, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ("size=8k", ["setup"]),
        ("size=8m,ro", ["setup"]),
        ("size=900k", ["run", "--quarters", "2009-Q4"]),
        ("size=8m,ro", ["run", "--quarters", "2009-Q4"]),
        ("size=900k", ["dev", "--port", "3999"]),
        ("size=8m,ro", ["dev", "--port", "3999"]),
    ],
)
def test_a_disk_without_room_is_reported_before_anything_begins(
    disk: Disk, tmp_path: Path, options: str, command: list[str]
):
    home = disk(options)
    done = finsync(*command, folder=tmp_path, home=home)
    assert (done.returncode, "Traceback" in done.stderr + done.stdout) == (2, False), done.stderr
    assert done.stderr.startswith(f"finsync: FINSYNC_HOME: {home} cannot be used (")
    assert "or set FINSYNC_HOME to" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "place"), [("1200k", "home"), *(pytest.param("1600k", each, marks=pytest.mark.long) for each in PLACES)]
)
def test_a_disk_that_becomes_full_is_reported_without_a_traceback(disk: Disk, tmp_path: Path, size: str, place: str):
    small, other = disk(f"size={size}"), tmp_path / "other"
    other.mkdir()
    home, instance = (small, None) if place == "home" else (other, small)
    done = finsync("run", "--quarters", "2009-Q4", folder=tmp_path, home=home, instance=instance)
    output = done.stderr + done.stdout
    assert done.returncode == 2, output
    assert "Traceback" not in output
    assert "Make room there" in done.stderr
    assert str(small) in done.stderr


@pytest.mark.parametrize("what", ["is a directory", "is a file"])
def test_dagsters_database_that_cannot_be_opened_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
):
    instance = tmp_path / "instance"
    (instance / "history").mkdir(parents=True)
    place = instance / "history" / "runs.db"
    place.mkdir() if what == "is a directory" else place.write_bytes(b"")
    place.chmod(0o444)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(instance))
    for name in ("PNL", "BALANCE_SHEET", "CASH_FLOW"):
        monkeypatch.setenv(f"FINSYNC_{name}_URL", "http://127.0.0.1:9")
    if what == "is a file" and os.geteuid() == 0:
        pytest.skip("root may write every file")

    assert main(["run", "--quarters", "2009-Q4"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"finsync: DAGSTER_HOME, {instance}: the database of runs cannot be used (unable to open")
    assert "Make room there, or correct the permissions" in error


def test_the_web_ui_does_not_begin_on_a_full_disk(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[object] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("FINSYNC_HOME", str(disk("size=64k")))
    monkeypatch.setattr(dev, "_check_free", lambda port: None)
    monkeypatch.setattr(dev.subprocess, "run", started.append)

    assert main(["dev"]) == 2
    assert started == []
