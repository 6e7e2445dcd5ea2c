"""What each mistake in a YAML file, a list of companies or a setting is reported as: place, fix, no traceback."""

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
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.settings import first_quarter

DECLARATION = (PROJECT / "finsync_pipeline/defs/sources/pnl/defs.yaml").read_text()
PLACE = "finsync_pipeline/defs/sources/pnl/defs.yaml"
MISTAKES: list[tuple[tuple[str, str], list[str]]] = [
    (("row_key: Row", "row_kye: Row"), ["row_kye: no such key; did you mean row_key", "defs.yaml:3: row_key: missing"]),
    (("net_income: Net Profit", "net_incom: Net Profit"), ["no such standard item; did you mean net_income"]),
    (("currency: {", "currency: dollars #{"), ["currency", "three capital letters"]),
    (("thousands, USD millions: millions}}", "dozens}}"), ["pnl/defs.yaml:13: scale", "use one of ones, thousands"]),
    (("table: pnl", "table: [pnl"), ["pnl/defs.yaml:8: not valid YAML: expected ',' or ']'"]),
    (("name: pnl", "name: cash_flow"), ["two sources are named cash_flow"]),
    (
        ("env('FINSYNC_PNL_URL', 'http://127.0.0.1:5001')", "env('FINSYNC_NOWHERE')"),
        ["pnl/defs.yaml:5: url: ", "FINSYNC_NOWHERE is not set"],
    ),
    (
        ("http://127.0.0.1:5001", "127.0.0.1:5001"),
        ["pnl/defs.yaml:5: url: ", "address of a service; write it like http://"],
    ),
    (('"%B %d, %Y"', '"month day, year"'), ["'month day, year' is ", "use strptime's letters"]),
    (("  months: {column: Months}\n", ""), ["months: missing"]),
    (("components.StatementSource", "components.StatementSauce"), ["no attribute `StatementSauce`", "Correct `type`"]),
    (('url: "{{ env(', 'url: "{{ envv('), ["pnl/defs.yaml:5: url: 'envv' is undefined"]),
    (
        ("env('FINSYNC_PNL_URL', ", "env.__init__.__globals__['__builtins__'].get('x', "),
        ["pnl/defs.yaml:5: url: a template can do nothing but name variables of the environment"],
    ),
    (
        ("  table: pnl\n", "  table: pnl\n  connection: {kind: csv}\n"),
        ["pnl/defs.yaml:8: connection.kind: 'csv' is not"],
    ),
    (
        ("  row_key: Row\n", "  row_key: Row\n  connection: {kind: datasette}\n"),
        ["pnl/defs.yaml:9: connection.database: missing"],
    ),
    (
        ("  currency: {", "  connection: {kind: datasette, database: a, database: b}\n  currency: {"),
        ["pnl/defs.yaml:12: database: this key is there twice. Take one of them out."],
    ),
    (
        (
            "  months: {",
            "  url: http://127.0.0.1:8001\n  months: {",
        ),
        ["pnl/defs.yaml:11: url: this key is there twice"],
    ),
    (
        ("5001') }}\"", "5001') }}/pnl\"\n  connection: {kind: datasette, database: pnl}"),
        ["pnl/defs.yaml:5: url: ends with"],
    ),
]
CHECK_EACH = f"""
import contextlib, io, json, sys
from pathlib import Path
from finsync_pipeline.cli import main

reports = {{}}
for spoil, declaration in json.load(sys.stdin).items():
    Path("{PLACE}").write_text(declaration)
    with contextlib.redirect_stderr(io.StringIO()) as error, contextlib.redirect_stdout(io.StringIO()):
        reports[spoil] = [main(["check"]), error.getvalue()]
json.dump(reports, sys.stdout)
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


def _python(
    checkout: Path, *arguments: str, standard_input: str = "", **settings: str
) -> "subprocess.CompletedProcess[str]":
    own = {key: value for key, value in os.environ.items() if not key.startswith(("FINSYNC_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**own, "PYTHONPATH": str(checkout), "FINSYNC_HOME": str(checkout / "home"), **settings},
        input=standard_input,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def answers(checkout: Path) -> dict[str, list[Any]]:
    """What the command reports of each spoiled declaration: exit code and standard error, all in one process."""
    spoiled = {right: DECLARATION.replace(right, wrong) for (right, wrong), _ in MISTAKES}
    done = _python(checkout, "-c", CHECK_EACH, standard_input=json.dumps(spoiled))
    (checkout / PLACE).write_text(DECLARATION)
    assert done.returncode == 0, done.stderr
    reports: dict[str, list[Any]] = json.loads(done.stdout)
    return reports


@pytest.mark.parametrize(("spoil", "expected"), MISTAKES)
def test_a_mistake_in_the_yaml_of_a_source_is_reported_with_place_and_fix(
    answers: dict[str, list[Any]], spoil: tuple[str, str], expected: list[str]
):
    assert spoil[0] in DECLARATION

    code, error = answers[spoil[0]]

    assert code == 2
    for part in expected:
        assert part in error
    assert "Traceback" not in error
    assert "input_value" not in error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2009", "FINSYNC_FIRST_QUARTER: '2009' is not a valid date. Write it like 2005-01-01."),
        ("2009-02-01", "FINSYNC_FIRST_QUARTER: 2009-02-01 is not the first day of a quarter. Use 2009-01-01"),
        ("2999-01-01", "FINSYNC_FIRST_QUARTER: 2999-01-01 is in the future. Use the first day of a quarter"),
    ],
)
def test_a_mistake_in_a_setting_is_reported_with_its_name_and_fix(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: str
):
    monkeypatch.setenv("FINSYNC_FIRST_QUARTER", text)

    with pytest.raises(ConfigurationError, match=re.escape(expected)):
        first_quarter()


def test_a_mistake_in_a_setting_ends_the_command_without_a_traceback(checkout: Path):
    done = _python(checkout, "-m", "finsync_pipeline", "check", FINSYNC_FIRST_QUARTER="2009")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("finsync: FINSYNC_FIRST_QUARTER: '2009' is not a valid date")


def test_a_file_without_a_token_is_reported_with_its_name_and_fix(
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
    ("content", "expected"),
    [
        ("id,name\n1,Acme\n", "company_id"),
        ("company_id,name\nA1,Acme\nA1,Acme again\n", "A1"),
        ("company_id,name\n,Acme\n", "company_id"),
        ("company_id,name\n", "companies.csv"),
        (None, "companies.csv"),
    ],
)
def test_a_mistake_in_the_list_of_companies_is_reported_with_file_and_row(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    expected: str,
):
    if content is not None:
        (tmp_path / "companies.csv").write_text(content)
    monkeypatch.setenv("FINSYNC_REFERENCE", str(tmp_path / "companies.csv"))

    assert main(["check"]) == 2

    error = capsys.readouterr().err
    assert expected in error
    assert "companies.csv" in error
    assert "Traceback" not in error


def test_what_is_doubtful_in_the_list_is_a_warning_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    rows = ["AB,Alpha Beta Corp,XYZ,US", "QQ,Quebec Corp,AB,Kanada", "R1,Twin,,", "R2,TWIN,,"]
    rows += [f"N{number},Other {number},N{number + 1},DE" for number in range(30)]
    (tmp_path / "companies.csv").write_text("\n".join(["company_id,name,tickers,country", *rows, ""]))
    monkeypatch.setenv("FINSYNC_REFERENCE", str(tmp_path))

    assert main(["check"]) == 0

    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning ")]
    meant = (
        "warning    'AB' means several companies, id of AB (Alpha Beta Corp); ticker of QQ (Quebec Corp): declare in"
    )
    assert warnings[0].startswith(
        f"{meant} the YAML of a source what its column contains, company: {{column: ..., kind: ...}}"
    )
    assert warnings[-2] == "warning    and 11 more like these"
    assert "'Kanada', the country of QQ, is not a known country" in warnings[-1]
    assert len(warnings) == 22


def test_a_valid_configuration_is_summarized(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("FINSYNC_REFERENCE", raising=False)
    monkeypatch.delenv("FINSYNC_PNL_URL", raising=False)

    assert main(["check"]) == 0

    shown = capsys.readouterr().out
    assert "source     pnl: 12 items from table pnl at http://127.0.0.1:5001" in shown
    assert "companies  155" in shown
    assert "warning" not in shown
