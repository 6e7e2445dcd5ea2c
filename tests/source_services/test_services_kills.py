"""A source service that is killed while it loads a newer data file: the next one serves that data or the old, whole.

The services of one test use the same folders one after the other, so that what killed ones leave there would be seen to
grow.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from factories import PROJECT
from kills.killing import AFTER, BEFORE, MIDDLE, SEED, Figures, Moment, kills_of, randoms
from local_services import WAIT_SECONDS, environment
from service_client import Client, until

pytestmark = pytest.mark.long

NAME = "publication of a service's data"
SHARE_RESTORED = 0.3
"""The share of the kills after which the old data file is put back before the service is started again."""
SHARE_LOADING = 0.8
"""The share of the kills that come after the load has begun."""


@dataclass(frozen=True)
class Served:
    """What a service says of its table."""

    version: str
    rows: int
    digest: str


@dataclass
class Process:
    """A service in a process group of its own."""

    process: "subprocess.Popen[str]"
    client: Client

    def served(self) -> Served:
        """What it serves now; the rows are those that it sent, and the digest is of all of them."""
        whole = self.client.get("/query", params={"q": "SELECT * FROM numbers", "format": "csv"})
        assert whole.status_code == 200, whole.text
        return Served(whole.headers["X-Data-Version"], whole.text.count("\n") - 1, whole.headers["Repr-Digest"])

    def kill(self) -> None:
        """Kill it and all that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=WAIT_SECONDS)


@dataclass(frozen=True)
class Place:
    """The folders of a service: its data, its own files if it has a lasting folder, and the temporary one."""

    folder: Path
    is_lasting: bool

    @property
    def data_file(self) -> Path:
        """What it serves."""
        return self.folder / "data" / "numbers.csv"

    @property
    def files(self) -> Path:
        """Where its own files are."""
        return self.folder / ("databases" if self.is_lasting else "temporary")

    def parts(self) -> set[Path]:
        """What is being loaded, or was left by a load that was killed."""
        return {part for folder in self.folders() for part in folder.rglob("*.part")}

    def folders(self) -> list[Path]:
        """The folders that the services made: the lasting one, or those of each process."""
        return [self.files] if self.is_lasting else [*self.files.glob("finsync-*")]

    def replace(self, content: Path) -> None:
        """Put another data file in the place of the one that is served."""
        beside = self.data_file.with_suffix(".new")
        shutil.copy(content, beside)
        beside.replace(self.data_file)

    def left(self) -> list[str]:
        """Its own files, without their versions."""
        found = [file for folder in self.folders() for file in (folder, *folder.rglob("*"))]
        return sorted(re.sub(r"-[0-9a-f]{16}(?=\.)|-[a-z0-9_]{8}(?=\.part$|$)", "", file.name) for file in found)

    def age(self) -> None:
        """Let what is there be an hour old: a young folder may be that of a service which is just starting."""
        for folder in self.folders():
            os.utime(folder, (time.time() - 3600,) * 2)

    @contextmanager
    def serving(self, kilobytes: int | None = None) -> Iterator[Process]:
        """A service over the data file, which may write so much into one file."""

        def limit_files() -> None:
            if kilobytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

        own = ["--databases", self.files] if self.is_lasting else []
        arguments = ["numbers", "--data", self.data_file, "--port", 0, "--look-seconds", 0.05, *own]
        with subprocess.Popen(
            [sys.executable, "-m", "source_services", *map(str, arguments)],
            cwd=PROJECT,
            env=environment(TMPDIR=str(self.folder / "temporary")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=limit_files,
        ) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                assert line, process.communicate(timeout=WAIT_SECONDS)[1]
                yield Process(process, Client(re.findall(r"http://\S+", line)[0]))
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.communicate(timeout=WAIT_SECONDS)


def write_numbers(file: Path, rows: int, factor: int) -> Path:
    """A data file whose rows take about a second to load."""
    file.write_text("n,text,value\n" + "".join(f"{n},text {n},{n * factor}\n" for n in range(rows)))
    return file


def test_publication(tmp_path: Path, record_property) -> None:
    old, new = write_numbers(tmp_path / "old.csv", 60_000, 2), write_numbers(tmp_path / "new.csv", 61_000, 3)
    for name in ("data", "temporary"):
        (tmp_path / name).mkdir()
    lasting, passing = Place(tmp_path, is_lasting=True), Place(tmp_path, is_lasting=False)
    lasting.replace(old)
    with lasting.serving() as service:
        versions = {old: service.served()}
        lasting.replace(new)
        until(lasting.parts)
        started = time.monotonic()
        until(lambda: service.client.get("/health").headers["X-Data-Version"] != versions[old].version)
        seconds = time.monotonic() - started
        versions[new] = service.served()
    assert [versions[old].rows, versions[new].rows] == [60_000, 61_000]
    usual = {place: place.left() for place in (lasting,)}

    figures, random = Figures(NAME), randoms(NAME)
    for number in range(kills_of(NAME)):
        place = (lasting, passing)[number % 2]
        place.replace(old)
        with place.serving() as service:
            assert service.served() == versions[old]
            usual.setdefault(place, place.left())
            known = place.parts()
            place.replace(new)
            begins = partial(_loads, place, known) if random.random() < SHARE_LOADING else None
            moment = Moment(random.random(), seconds, begins)
            moment.wait(lambda: True)
            version = service.client.get("/health").headers["X-Data-Version"]
            is_loading = bool(place.parts() - known)
            service.kill()
        context = f"{NAME}, seed {SEED}, kill {number}: {moment}"
        phase = AFTER if version == versions[new].version else MIDDLE if is_loading else BEFORE
        figures.add(phase, {"a half loaded table"} if place.parts() else set())
        file = old if random.random() < SHARE_RESTORED else new
        if file == old:
            place.replace(old)
        place.age()
        with place.serving() as service:
            assert service.served() == versions[file], context
            assert place.left() == usual[place], context
    record_property("figures", str(figures))


def _loads(place: Place, known: set[Path]) -> bool:
    return bool(place.parts() - known)


@pytest.mark.parametrize("kilobytes", [100, 570])
def test_without_room_a_service_names_its_folder_and_goes_on_with_the_version_before(
    kilobytes: int, tmp_path: Path
) -> None:
    """The larger file needs 552 kB for its database and 593 for its Arrow file."""
    for name in ("data", "temporary"):
        (tmp_path / name).mkdir()
    place, large = Place(tmp_path, is_lasting=True), write_numbers(tmp_path / "large.csv", 20_000, 1)
    place.replace(large)
    with pytest.raises(AssertionError, match="cannot be written") as error, place.serving(kilobytes):
        pass
    assert "Traceback" not in str(error.value)
    assert f"{place.files}/numbers: the files of the service cannot be written (" in str(error.value)
    assert "make room there" in str(error.value)

    place.replace(write_numbers(tmp_path / "small.csv", 10, 1))
    with place.serving(kilobytes) as service:
        before, left = service.served(), place.left()
        place.replace(large)
        until(lambda: service.client.metric("finsync_versions_refused") == 1)
        assert service.served() == before
        assert place.left() == left
