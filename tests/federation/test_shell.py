"""`finsync shell`: a dialogue on a real pseudo-terminal, and the lines of standard input."""

import os
import re
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from factories import PROJECT
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from finsync_pipeline.cli.shell import Dialogue, Names
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.errors import QueryError

CONTROL_C, CONTROL_D, UP, TAB = "\x03", "\x04", "\x1b[A", "\t"


class Terminal:
    """`finsync shell` on a pseudo-terminal."""

    def __init__(self, home: Path, reference: Path, *arguments: str) -> None:
        self.screen, side = os.openpty()
        self.shown, self.seen = b"", 0
        settings = {"PYTHONPATH": str(PROJECT), "FINSYNC_HOME": str(home), "FINSYNC_REFERENCE": str(reference)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "finsync_pipeline", "shell", *arguments],
            stdin=side, stdout=side, stderr=side, cwd=home, start_new_session=True,
            env={**settings, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "100", "LINES": "40"},
        )  # fmt: skip
        os.close(side)

    def send(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def until(self, text: str, seconds: float = 15) -> str:
        """What is shown from the last text on until this one is: without blanks and escape sequences.

        Blanks are left out because the cursor is moved over them.
        """
        wanted, end = "".join(text.split()), time.monotonic() + seconds
        while time.monotonic() < end:
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\s", "", self.shown.decode(errors="replace"))
            if (found := plain.find(wanted, self.seen)) >= 0:
                since, self.seen = self.seen, found + len(wanted)
                return plain[since : self.seen]
            if select.select([self.screen], [], [], 0.2)[0]:
                self.shown += os.read(self.screen, 65_536)
        raise AssertionError(f"{text!r} is not shown: {self.shown!r}")

    def ended_by(self, key: str) -> int:
        """The exit code after this key, which is lost while no prompt reads it."""
        for _ in range(40):
            self.send(key)
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout=0.3)
        raise AssertionError("the shell does not end")


@pytest.fixture
def home(folder: Path, tmp_path: Path) -> Path:
    """A home of the test's own over the releases."""
    (tmp_path / "published").symlink_to(folder / "published")
    return tmp_path


def test_a_dialogue_on_a_terminal(home: Path, folder: Path):
    terminal = Terminal(home, folder / "companies.csv", "--release", "current")

    terminal.until("current> ")
    terminal.send("\\d facts\r")
    terminal.until("Standard item")
    terminal.until("current> ")
    terminal.send("SELECT count(*) AS n\r")
    terminal.until("...> ")
    terminal.send("FROM fac" + TAB)
    terminal.until("facts")
    terminal.send(";\r")
    assert "n───81row" in terminal.until("1 row")
    terminal.until("current> ")
    terminal.send("SELECT revenu FROM income_statement;\r")
    terminal.until("did you mean revenue?")
    terminal.until("current> ")
    terminal.send("half of a query")
    terminal.until("half of a query")
    terminal.send(CONTROL_C)
    terminal.until("current> ")
    terminal.send(UP + UP)
    terminal.until("FROM facts;")
    terminal.send(CONTROL_C)
    terminal.until("current> ")

    assert terminal.ended_by(CONTROL_D) == 0
    assert "FROM facts;" in (home / "query_history").read_text()


def test_control_c_stops_a_query_and_not_the_dialogue(home: Path, folder: Path):
    terminal = Terminal(home, folder / "companies.csv", "--release", "current")

    terminal.until("current> ")
    terminal.send("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;\r")
    time.sleep(1.5)
    terminal.process.send_signal(2)
    terminal.until("stopped")
    terminal.until("current> ")
    terminal.send(".quit\r")

    assert terminal.process.wait(timeout=10) == 0


def _piped(home: Path, folder: Path, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "finsync_pipeline", "shell", *arguments],
        env={"PYTHONPATH": str(PROJECT), "FINSYNC_HOME": str(home), "FINSYNC_REFERENCE": f"{folder}/companies.csv"},
        input=text, capture_output=True, text=True, cwd=home,
    )  # fmt: skip


def test_without_a_terminal_standard_input_is_read(home: Path, folder: Path):
    text = "SELECT 1\nAS one;\n.release current\n\nSELECT count(*) AS n FROM facts"

    done = _piped(home, folder, text, "--release", "current")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"\w+", done.stdout) == [
        "one", "1", "1", "row", "over", "release", "current", "n", "8", "1", "row",
    ]  # fmt: skip
    assert not (home / "query_history").exists()


def test_an_error_in_standard_input_does_not_keep_what_follows_and_ends_with_2(home: Path, folder: Path):
    done = _piped(
        home, folder, "SELECT nope FROM facts;\nSELECT 42 AS n;\n.quit\nSELECT 43 AS n;\n", "--release", "current"
    )

    assert done.returncode == 2
    assert done.stderr.startswith("line 1, column 8: no column nope in facts")
    assert "42" in done.stdout
    assert "43" not in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".nope", "no command .nope; .help lists them"),
        ("\\d nope", "no view nope; there are income_statement"),
        (".release 1999", "no release '1999'; name one of"),
        (".explain SELECT 1;", "over a release, no source is asked"),
    ],
)
def test_a_command_that_cannot_be_done_is_explained(deployment: Deployment, text: str, message: str):
    with pytest.raises(QueryError) as refused:
        Dialogue(deployment, "current").do(text)

    assert message in str(refused.value)


def test_the_release_lasts_until_it_is_changed(deployment: Deployment, names: list[str], capsys):
    dialogue = Dialogue(deployment, "current")

    for text in (f".release {names[0]}", "SELECT count(*) AS n FROM facts;", ".release", ".release live"):
        assert dialogue.do(text)

    assert dialogue.release is None
    assert [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()] == [
        f"over release {names[0]}", "n", "───", "7", "1 row", f"over release {names[0]}", "over the sources, live",
    ]  # fmt: skip
    assert not dialogue.do(".quit")


@pytest.mark.parametrize(
    ("text", "among", "not_among"),
    [
        ("SELECT reven", ["revenue"], ["facts"]),
        ("SELECT * FROM fac", ["facts"], ["texts"]),
        ("SELECT v FROM texts WHERE va", [], ["value"]),
        ("SELECT * FROM facts WHERE va", ["value"], []),
        ("SELECT * FROM facts WHERE item = 'net_i", ["net_income"], ["SELECT"]),
        ("\\d inc", ["income_statement"], ["income_tax"]),
        ("sel", ["SELECT"], []),
    ],
)
def test_names_that_may_follow_are_completed(text: str, among: list[str], not_among: list[str]):
    found = {each.text for each in Names().get_completions(Document(text), CompleteEvent())}

    assert set(among) <= found
    assert not set(not_among) & found
