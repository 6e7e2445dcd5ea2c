"""Killing commands at random moments: processes that die with their whole group, and the figures of it.

FINSYNC_TEST_KILLS is the number of kills over all tests of this folder (20 by default), FINSYNC_TEST_KILL_SEED the seed
of their moments. The commands are forked from a process that has imported the pipeline: else half of the kills would
come before its first line runs.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from finsync_pipeline.cli import main

KILLS = int(os.environ.get("FINSYNC_TEST_KILLS") or 20)
SEED = int(os.environ.get("FINSYNC_TEST_KILL_SEED") or 15)
BEFORE, MIDDLE, AFTER = "before anything was written", "in the middle", "after the end"
COMMANDS = ("run", "release", "re-resolve", "publication of a service's data")

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(
    ["finsync_pipeline.cli.run", "finsync_pipeline.cli.re_resolve", "finsync_pipeline.cli.show"]
)


def kills_of(command: str) -> int:
    """How many of the kills are of this command."""
    each, more = divmod(KILLS, len(COMMANDS))
    return each + (COMMANDS.index(command) < more)


@dataclass
class Ended:
    """How a command ended: its exit code (-9 if it was killed), its seconds, and its output."""

    code: int
    seconds: float
    output: str


@dataclass(frozen=True)
class Moment:
    """When to kill: after this share of the usual time, counted from the start or from when `begins` is true."""

    share: float
    usual_seconds: float
    begins: Callable[[], bool] | None = None

    def wait(self, is_running: Callable[[], bool]) -> None:
        """Wait until it has come, or the process has ended."""
        while self.begins is not None and is_running() and not self.begins():
            time.sleep(0.0005)
        until = time.monotonic() + self.share * self.usual_seconds
        while is_running() and time.monotonic() < until:
            time.sleep(max(0.0, min(0.01, until - time.monotonic())))


def finsync(
    arguments: list[str],
    folder: Path,
    settings: Mapping[str, str],
    kill_at: Moment | None = None,
    longest_seconds: float = 600,
    file_bytes: int | None = None,
) -> Ended:
    """Run the command in a process group of its own in the folder, and kill the group at the moment.

    `file_bytes` is the most that it may write into one file.
    """
    output = folder / "output.txt"
    output.write_bytes(b"")
    process = _FORK.Process(target=_command, args=(arguments, folder, dict(settings), output, file_bytes))
    started = time.monotonic()
    process.start()
    if kill_at is not None:
        kill_at.wait(process.is_alive)
        _kill_group(process.pid or 0)
    process.join(longest_seconds)
    if process.is_alive():
        _kill_group(process.pid or 0)
        pytest.fail(f"finsync {' '.join(arguments)} did not end: {output.read_text(encoding='utf-8')}")
    return Ended(process.exitcode or 0, time.monotonic() - started, output.read_text(encoding="utf-8"))


def _command(
    arguments: list[str], folder: Path, settings: dict[str, str], output: Path, file_bytes: int | None
) -> None:
    import resource

    os.setsid()
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - until the process ends
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("FINSYNC_", "DAGSTER_"))}
    os.environ.clear()
    os.environ.update(kept | settings)
    os.chdir(folder)
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    sys.exit(main(arguments))


def _kill_group(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        # It has ended, or it is so young that it leads no group yet
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return


@dataclass
class Figures:
    """What the kills of one command met and left, counted."""

    command: str
    phases: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def add(self, phase: str, left: set[str]) -> None:
        """One kill more."""
        self.phases[phase] += 1
        self.left.update(left or {"nothing"})

    def __str__(self) -> str:
        """`run, seed 15: 5 kills (1 before anything was written, 4 in the middle); left behind: ...`."""
        phases = ", ".join(f"{count} {phase}" for phase, count in sorted(self.phases.items()))
        left = ", ".join(f"{what} {count}" for what, count in sorted(self.left.items()))
        return f"{self.command}, seed {SEED}: {self.phases.total()} kills ({phases}); left behind: {left}"


def randoms(command: str) -> Random:
    """The source of the moments of a command's kills."""
    return Random(f"{SEED} {command}")
