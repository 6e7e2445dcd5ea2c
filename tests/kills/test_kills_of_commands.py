"""`finsync run`, `release` and `re-resolve`, killed at random moments: nothing half is published.

After each kill every release is intact and `current` leads to one of them. The same command, run once more, succeeds
without anything being repaired, and leaves the same bytes as if it had never been killed.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from kills.killing import AFTER, BEFORE, MIDDLE, SEED, Figures, Moment, finsync, kills_of, randoms
from kills.machine import Machine, empty

from finsync_pipeline.orchestration.run_requests import UNFINISHED
from finsync_pipeline.publishing.release import STAMPED, all_folders, remove_release

pytestmark = pytest.mark.long

SHARE_PUBLISHING, PUBLISHING_SECONDS = 0.4, 0.4
"""The share of the kills that come while the release is written, and about how many seconds that takes."""
SHARE_KILLED_AGAIN = 0.5
"""The share of the kills after which the command is killed once more before it may end."""


@dataclass(frozen=True)
class Uninterrupted:
    """What a command leaves that is not killed, and its seconds."""

    seconds: float
    releases: list[dict[str, bytes]]
    tables: dict[str, str]


def uninterrupted(arguments: list[str], machine: Machine) -> Uninterrupted:
    """Run the command to its end. `releases` has those that may be current while it runs: the one before, the new."""
    before = machine.current()
    ended = finsync(arguments, machine.folder, machine.settings)
    assert ended.code == 0, ended.output
    after = machine.current()
    assert after is not None
    return Uninterrupted(ended.seconds, [*([before] if before else []), after], machine.tables())


def check_kills(name: str, arguments: list[str], starts: list[Machine], folder: Path) -> Figures:
    """Kill the command at random moments, from each of the starts in turn; what is there after is right each time."""
    figures, random = Figures(name), randoms(name)
    expected = [uninterrupted(arguments, start.copy(folder / f"whole-{at}")) for at, start in enumerate(starts)]
    machine, at = None, -1
    for number in range(kills_of(name)):
        if machine is None:
            at = (at + 1) % len(starts)
            machine = starts[at].copy(folder / f"killed-{number}")
        known, written = set(machine.published.glob(".staging-*")), machine.written()
        if random.random() < SHARE_PUBLISHING:
            begins = partial(publishes, machine, known)
            moment = Moment(random.random(), PUBLISHING_SECONDS, begins)
        else:
            moment = Moment(random.random(), expected[at].seconds)
        ended = finsync(arguments, machine.folder, machine.settings, moment)
        context = f"{name}, seed {SEED}, kill {number}: {moment}\n{ended.output}"
        assert ended.code in (-9, 0), context
        is_written = machine.written() != written
        figures.add(
            AFTER if ended.code == 0 else MIDDLE if is_written else BEFORE, machine.hidden() if is_written else set()
        )
        check_releases(machine, expected[at].releases, context)
        if random.random() < SHARE_KILLED_AGAIN and number + 1 < kills_of(name):
            continue
        again = finsync(arguments, machine.folder, machine.settings)
        assert again.code == 0, context + again.output
        check_releases(machine, expected[at].releases, context)
        assert machine.current() == expected[at].releases[-1], context
        assert machine.tables() == expected[at].tables, context
        with dg.DagsterInstance.from_config(str(machine.home / "dagster")) as instance:
            assert instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) == [], context
        machine.remove()
        machine = None
    return figures


def check_releases(machine: Machine, expected: list[dict[str, bytes]], context: str) -> None:
    """Each release is intact and has what one of the expected has; `current` leads to one, if there was one."""
    verified = finsync(["verify"], machine.folder, machine.settings)
    folders = all_folders(machine.published)
    assert [folder.name for folder in folders if not re.fullmatch(STAMPED, folder.name)] == [], context
    assert "damaged" not in verified.output, context + verified.output
    assert verified.output.count("intact") == len(folders), context + verified.output
    assert [folder.name for folder in folders if machine.content(folder) not in expected] == [], context
    if machine.current() is not None:
        assert verified.code == 0, context + verified.output
    else:
        assert len(expected) == 1, context


def publishes(machine: Machine, known: set[Path]) -> bool:
    """Whether the machine has begun to write a release."""
    return bool(set(machine.published.glob(".staging-*")) - known)


def test_run(released: Machine, services, tmp_path: Path, record_property) -> None:
    starts = [released, empty(tmp_path / "empty", services[1])]
    record_property("figures", str(check_kills("run", ["run"], starts, tmp_path)))


def test_release(released: Machine, tmp_path: Path, record_property) -> None:
    first = released.copy(tmp_path / "first")
    for folder in all_folders(first.published):
        remove_release(folder)
    (first.published / "current").unlink()
    record_property("figures", str(check_kills("release", ["release", "--force"], [released, first], tmp_path)))


def test_re_resolve(released: Machine, tmp_path: Path, record_property) -> None:
    changed = released.copy(tmp_path / "changed")
    changed.decide_otherwise()
    record_property("figures", str(check_kills("re-resolve", ["re-resolve"], [changed], tmp_path)))
