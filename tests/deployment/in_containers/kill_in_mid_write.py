"""Beside a run, in its container's process space: stops it when a file is half written, and then kills it.

Argument: `tables` or `release`. Prints the file that is half written, or nothing if the run ended before.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

DATA = Path("/data")


def process_of_the_run() -> int:
    """The process that works on the run: not the container's init, which can be killed only from outside."""
    while True:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if int(folder.name) > 1 and b"execute_run" in command:
                return int(folder.name)
        time.sleep(0.05)


def half_tables(known: set[Path], folders: list[Path]) -> Iterator[Path]:
    """Files of tables that are beside their place and not whole: Parquet ends with its own name."""
    for folder in folders:
        for file in folder.iterdir():
            if file.name.startswith(".") and file not in known and is_no_parquet(file):
                yield file


def is_no_parquet(file: Path) -> bool:
    try:
        return not file.read_bytes().endswith(b"PAR1")
    except OSError:  # it has just got its name
        return False


def half_releases(known: set[Path]) -> Iterator[Path]:
    """Folders of releases that have some of their files: the manifest is the last."""
    for folder in (DATA / "published").glob(".staging-*"):
        if folder not in known and any(folder.iterdir()) and not (folder / "manifest.json").exists():
            yield folder


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].startswith("T")


def main(what: str) -> int:
    folders = [folder for folder in (DATA / "tables").glob("*/*") if folder.is_dir()]
    known = {file for folder in (*folders, DATA / "published") for file in folder.glob(".*")}
    halves = (lambda: half_tables(known, folders)) if what == "tables" else (lambda: half_releases(known))
    process = process_of_the_run()
    try:
        while True:
            os.kill(process, 0)  # is it there?
            if not next(halves(), None):
                continue
            os.kill(process, signal.SIGSTOP)
            while not is_stopped(process):
                pass
            if half := next(halves(), None):
                print(half, flush=True)
                os.kill(process, signal.SIGKILL)  # and with it the container, and this process
                return 0
            os.kill(process, signal.SIGCONT)
    except (ProcessLookupError, FileNotFoundError):
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
