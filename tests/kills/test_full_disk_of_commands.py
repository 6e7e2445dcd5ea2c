"""A disk without room: each command says so in a sentence, the release before stays, and with room it is made."""

from pathlib import Path

import pytest
from kills.killing import finsync
from kills.machine import Machine

from finsync_pipeline.publishing.release import all_folders, damages

pytestmark = pytest.mark.long

COMMANDS = {"run": ["run"], "release": ["release", "--force"], "re-resolve": ["re-resolve"]}


@pytest.mark.parametrize(("command", "file_bytes"), [("run", 60_000), ("release", 1_000_000), ("re-resolve", 200_000)])
def test_without_room_the_error_is_a_sentence_and_the_release_before_stays(
    command: str, file_bytes: int, released: Machine, tmp_path: Path
) -> None:
    """`file_bytes` is the room for one file: too little for Dagster's databases, or for the log of the run alone."""
    machine = released.copy(tmp_path / "machine")
    machine.decide_otherwise()
    before = all_folders(machine.published)

    full = finsync(COMMANDS[command], machine.folder, machine.settings, file_bytes=file_bytes)

    assert full.code in (1, 2), full.output
    assert "Traceback" not in full.output
    assert "Make room" in full.output
    assert all_folders(machine.published)[: len(before)] == before
    assert [damages(folder) for folder in all_folders(machine.published)] == [[]] * len(all_folders(machine.published))
    assert machine.current() is not None
    assert machine.hidden() == set()

    again = finsync(COMMANDS[command], machine.folder, machine.settings)
    assert again.code == 0, again.output
    assert len(all_folders(machine.published)) > len(before)
