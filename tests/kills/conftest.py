"""Services over the small statements before and after a change, and a machine on which they were released."""

from collections.abc import Iterator

import pytest
from kills.killing import finsync
from kills.machine import CHANGED_PNL, Machine, empty
from local_services import running_services
from pipeline.conftest import write_sources


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The services over the small statements, and over the same after a change."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("before", "after"):
        write_sources(folder / name)
    (folder / "after" / "pnl.csv").write_text(CHANGED_PNL)
    with running_services(folder / "before") as before, running_services(folder / "after") as after:
        yield before, after


@pytest.fixture(scope="module")
def released(services: tuple[dict[str, str], dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine after one run; the data of its sources have changed since."""
    machine = empty(tmp_path_factory.mktemp("released") / "machine", services[0])
    ended = finsync(["run"], machine.folder, machine.settings)
    assert ended.code == 0, ended.output
    return Machine(machine.folder, services[1])
