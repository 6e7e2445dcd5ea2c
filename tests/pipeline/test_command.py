"""The `finsync` command: its options, how an error ends it, and what reaches the terminal."""

import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
from factories import PROJECT

from finsync_pipeline.cli import check, dev, main, show, terminal
from finsync_pipeline.cli.command import COMMANDS
from finsync_pipeline.cli.terminal import console, printable, table, write_text
from finsync_pipeline.errors import DataError

ESCAPE = "\x1b[31m"


def _finsync(*arguments: str, home: Path, **popen) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("FINSYNC_", "DAGSTER_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "finsync_pipeline", *arguments],
        cwd=home.parent,
        env={**own, "PYTHONPATH": str(PROJECT), "FINSYNC_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **popen,
    )


def test_help_lists_commands_examples_and_settings_and_imports_no_dagster(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    probe = "import sys, contextlib\nfrom finsync_pipeline.cli import main\nwith contextlib.suppress(SystemExit):\n"
    probe += "    main(['--help'])\nassert not {'dagster', 'pandas'} & set(sys.modules)"

    assert ended.value.code == 0
    for part in (*COMMANDS, "examples:", "finsync re-resolve ", "FINSYNC_HOME (folder; default: finsync_data"):
        assert part in text
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, cwd=PROJECT)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"finsync {version('finsync')}\n"


def test_the_former_name_of_a_command_is_refused_with_the_new_one(capsys: pytest.CaptureFixture[str]):
    assert main(["decide", "--allow-missing", "pnl"]) == 2
    assert capsys.readouterr().err == (
        "finsync: finsync decide: this command has a new name. Use: finsync re-resolve.\n"
    )


def test_an_error_that_finsync_explains_ends_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail() -> int:
        raise DataError(f"the table is {ESCAPE}missing", "Run [/nope]finsync run", "pnl/facts")

    monkeypatch.setattr(show, "show", fail)

    assert main(["show"]) == 2
    shown = capsys.readouterr()
    assert shown.err == "finsync: pnl/facts: the table is \\x1b[31mmissing. Run [/nope]finsync run.\n"
    assert shown.out == ""


@pytest.mark.parametrize("error", [ValueError("not a user's"), KeyError("x"), OSError(2, "No such file", "/elsewhere")])
def test_any_other_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception):
    def fail() -> int:
        raise error

    monkeypatch.setattr(show, "show", fail)

    with pytest.raises(type(error)):
        main(["show"])


def test_a_programming_error_in_a_component_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(mapping) -> str:
        raise KeyError("a fault of the program")

    monkeypatch.setattr("finsync_pipeline.statements.mapping.SourceMapping.at", fail)

    with pytest.raises(Exception, match="Error while loading component") as raised:
        main(["check"])
    assert isinstance(raised.value.__cause__, TypeError | KeyError)


def test_an_interrupted_command_ends_with_130(monkeypatch: pytest.MonkeyPatch):
    def interrupt() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupt)

    assert main(["check"]) == 128 + signal.SIGINT


@pytest.mark.parametrize("command", [["review", "--csv"], ["check"]])
def test_a_reader_who_has_enough_ends_a_command_quietly(tmp_path: Path, command: list[str]):
    process = _finsync(*command, home=tmp_path / "home")
    assert process.stdout is not None
    process.stdout.close()

    assert process.wait(timeout=300) == 128 + signal.SIGPIPE
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.parametrize("command", [["setup"], ["show"], ["run"], ["dev"]])
def test_a_home_that_cannot_be_used_is_reported_with_setting_folder_and_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
):
    (tmp_path / "file").write_text("not a folder")
    home = tmp_path / "file" / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("FINSYNC_HOME", str(home))
    for name in ("PNL", "BALANCE_SHEET", "CASH_FLOW"):
        monkeypatch.setenv(f"FINSYNC_{name}_URL", "http://127.0.0.1:9")

    monkeypatch.setattr(dev, "_check_free", lambda port: None)

    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"finsync: FINSYNC_HOME: {home} cannot be used (Not a directory: ")
    assert "Make it a folder that you may read and write, or set FINSYNC_HOME to one." in error


def test_a_busy_port_is_refused_before_anything_starts(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert main(["dev", "--port", str(port)]) == 2

    assert capsys.readouterr().err == (
        f"finsync: --port: 127.0.0.1:{port} cannot be used (Address already in use). Stop the program that listens "
        f"there, or choose another port: finsync dev --port {port + 1}.\n"
    )
    assert not list(tmp_path.iterdir())


def test_dev_refuses_an_instance_other_than_the_one_that_dagster_would_use(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "exported"))
    (tmp_path / ".env").write_text("DAGSTER_HOME=/elsewhere\n")
    monkeypatch.setattr(dev, "_check_free", lambda port: None)

    assert main(["dev"]) == 2
    assert (
        f"DAGSTER_HOME: it is {tmp_path}/exported, but dagster dev would use the one in .env" in capsys.readouterr().err
    )


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_a_port_that_cannot_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["dev", "--port", port])

    assert ended.value.code == 2
    assert "is not a port; use a whole number from 1 to 65535" in capsys.readouterr().err


def test_markup_and_control_characters_of_others_reach_the_terminal_as_plain_text(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(console, "_file", StringIO())  # to undo `file` would bind it to this test's standard output
    hostile = f"[/nope] [bold]{ESCAPE}\x07\x9b2J\u202e :smile:"
    plain = "[/nope] [bold]\\x1b[31m\\x07\\x9b2J\\u202e :smile:"
    lines = table(hostile, "source")
    lines.add_row(hostile)

    console.print(hostile, soft_wrap=True)
    console.print(terminal.marked("✗", "red", hostile), soft_wrap=True)
    console.print(lines)
    text = console.file.getvalue()

    assert text.count(plain) == 4
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Crédit\nSociété\t1", "Crédit\nSociété\t1"), ("a\u00a0b", "a\\xa0b"), ("\udc80", "\\udc80"), ("", "")],
)
def test_only_characters_that_cannot_be_seen_are_escaped(text: str, shown: str):
    assert printable(text) == shown


CSV = 'id,name\n1,"\x1b[2JAcmé"\n'


def test_a_csv_has_no_control_characters_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    screen, terminal_of_screen = os.openpty()
    with os.fdopen(terminal_of_screen, "w", encoding="utf-8") as output, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", output)
        write_text(CSV)
        output.flush()
        assert os.read(screen, 100).decode() == 'id,name\r\n1,"\\x1b[2JAcmé"\r\n'
    os.close(screen)


def test_a_csv_is_written_as_it_is_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    write_text(CSV)
    assert capsys.readouterr().out == CSV
