"""What a person gets for each mistake in a YAML file, a list of companies, or a setting: place, cure, no traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from factories import PROJECT

from finsync_pipeline.cli import main
from finsync_pipeline.settings import SettingMistake, first_quarter

DECLARATION = (PROJECT / "finsync_pipeline/defs/sources/pnl/defs.yaml").read_text()
PLACE = "finsync_pipeline/defs/sources/pnl/defs.yaml"
MISTAKES: list[tuple[tuple[str, str], list[str]]] = [
    (("row_key: Row", "row_kye: Row"), ["row_kye: no such key; did you mean row_key?", "row_key: missing"]),
    (("net_income: Net Profit", "net_incom: Net Profit"), ["no such standard item; did you mean net_income"]),
    (("currency: {", "currency: dollars #{"), ["currency", "three capital letters"]),
    (("thousands, USD millions: millions}}", "dozens}}"), ["scale", "is no scale: use one of ones, thousands"]),
    (("table: pnl", "table: [pnl"), ["fix the YAML there"]),
    (("name: pnl", "name: cash_flow"), ["two sources are named cash_flow"]),
    (("env('FINSYNC_PNL_URL', 'http://127.0.0.1:5001')", "env('FINSYNC_NOWHERE')"), ["FINSYNC_NOWHERE is not set"]),
    (("http://127.0.0.1:5001", "127.0.0.1:5001"), ["is no address of a service; write it like http://"]),
    (('"%B %d, %Y"', '"month day, year"'), ["'month day, year' is no format of a day: use strptime's letters"]),
    (("  months: {column: Months}\n", ""), ["months: missing"]),
]
CHECK_EACH = f"""
import contextlib, io, json, sys
from pathlib import Path
from finsync_pipeline.cli import main

said = {{}}
for spoil, declaration in json.load(sys.stdin).items():
    Path("{PLACE}").write_text(declaration)
    with contextlib.redirect_stderr(io.StringIO()) as error, contextlib.redirect_stdout(io.StringIO()):
        said[spoil] = [main(["check"]), error.getvalue()]
json.dump(said, sys.stdout)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pipeline in which YAML files may be spoiled."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        PROJECT / "finsync_pipeline", folder / "finsync_pipeline", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def _python(checkout: Path, *arguments: str, said: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
    own = {key: value for key, value in os.environ.items() if not key.startswith(("FINSYNC_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**own, "PYTHONPATH": str(checkout), "FINSYNC_HOME": str(checkout / "home"), **settings},
        input=said,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def answers(checkout: Path) -> dict[str, list[Any]]:
    """What the command says to each spoiled declaration: exit code and standard error, all in one process."""
    spoiled = {right: DECLARATION.replace(right, wrong) for (right, wrong), _ in MISTAKES}
    done = _python(checkout, "-c", CHECK_EACH, said=json.dumps(spoiled))
    (checkout / PLACE).write_text(DECLARATION)
    assert done.returncode == 0, done.stderr
    said: dict[str, list[Any]] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(("spoil", "told"), MISTAKES)
def test_a_mistake_in_a_sources_yaml_is_told_with_place_and_cure(
    answers: dict[str, list[Any]], spoil: tuple[str, str], told: list[str]
):
    assert spoil[0] in DECLARATION

    code, error = answers[spoil[0]]

    assert code == 2
    for part in told:
        assert part in error
    assert "Traceback" not in error
    assert "input_value" not in error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2009", "FINSYNC_FIRST_QUARTER: '2009' is no date; write it like 2005-01-01"),
        ("2009-02-01", "FINSYNC_FIRST_QUARTER: 2009-02-01 is no first day of a quarter; use 2009-01-01"),
        ("2999-01-01", "FINSYNC_FIRST_QUARTER: 2999-01-01 has not begun"),
    ],
)
def test_a_mistake_in_a_setting_is_told_with_its_name_and_cure(monkeypatch: pytest.MonkeyPatch, text: str, told: str):
    monkeypatch.setenv("FINSYNC_FIRST_QUARTER", text)

    with pytest.raises(SettingMistake, match=re.escape(told)):
        first_quarter()


def test_a_mistake_in_a_setting_ends_the_command_without_a_traceback(checkout: Path):
    done = _python(checkout, "-m", "finsync_pipeline", "check", FINSYNC_FIRST_QUARTER="2009")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("finsync: FINSYNC_FIRST_QUARTER: '2009' is no date")


def test_a_file_without_a_token_is_told_with_its_name_and_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "token"
    monkeypatch.delenv("FINSYNC_REFERENCE", raising=False)
    monkeypatch.setenv("FINSYNC_SERVICES_TOKEN_FILE", str(file))

    assert main(["check"]) == 2
    absent = capsys.readouterr()
    file.write_text("t0ken\n")
    assert main(["check"]) == 0
    present = capsys.readouterr()

    assert absent.out == ""
    assert f"token_file {file} cannot be read (No such file or directory). Put the token" in absent.err
    assert "defs/sources/balance_sheet/defs.yaml" in absent.err
    assert "t0ken" not in present.out + present.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,name\n1,Acme\n", "company_id"),
        ("company_id,name\nA1,Acme\nA1,Acme again\n", "A1"),
        ("company_id,name\n,Acme\n", "company_id"),
        ("company_id,name\n", "companies.csv"),
        (None, "companies.csv"),
    ],
)
def test_a_mistake_in_the_list_of_companies_is_told_with_file_and_row(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    told: str,
):
    if content is not None:
        (tmp_path / "companies.csv").write_text(content)
    monkeypatch.setenv("FINSYNC_REFERENCE", str(tmp_path / "companies.csv"))

    assert main(["check"]) == 2

    error = capsys.readouterr().err
    assert told in error
    assert "companies.csv" in error
    assert "Traceback" not in error


def test_what_is_doubtful_in_the_list_is_told_with_what_to_do_and_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    rows = ["AB,Alpha Beta Corp,XYZ,US", "QQ,Quebec Corp,AB,Kanada", "R1,Twin,,", "R2,TWIN,,"]
    rows += [f"N{number},Other {number},N{number + 1},DE" for number in range(30)]
    (tmp_path / "companies.csv").write_text("\n".join(["company_id,name,tickers,country", *rows, ""]))
    monkeypatch.setenv("FINSYNC_REFERENCE", str(tmp_path))

    assert main(["check"]) == 0

    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning ")]
    meant = (
        "warning    'AB' means several companies, id of AB (Alpha Beta Corp); ticker of QQ (Quebec Corp): say in the"
    )
    assert warnings[0].startswith(
        f"{meant} YAML of a source what its column holds, company: {{column: ..., kind: ...}}"
    )
    assert warnings[-2] == "warning    and 11 more like these"
    assert "'Kanada', the country of QQ, is none" in warnings[-1]
    assert len(warnings) == 22


def test_what_is_right_is_said_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("FINSYNC_REFERENCE", raising=False)
    monkeypatch.delenv("FINSYNC_PNL_URL", raising=False)

    assert main(["check"]) == 0

    said = capsys.readouterr().out
    assert "source     pnl: 12 items from table pnl at http://127.0.0.1:5001" in said
    assert "companies  155" in said
    assert "warning" not in said
