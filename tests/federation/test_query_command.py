"""`finsync query`: the formats of an answer, the options instead of SQL, errors, and Ctrl-C."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories import PROJECT
from rich.console import Console

from finsync_pipeline.cli import answer_output, main, terminal
from finsync_pipeline.cli import query as query_command
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.request import read_condition
from finsync_pipeline.federation.schema import VIEWS

VALUES = """
    SELECT '=1+1' AS formula, 'é' AS letter, 0.1::DOUBLE AS tenth, 1.50::DECIMAL(5,2) AS exact, 1e20::HUGEINT AS large,
        '2009-12-31'::DATE AS day, NULL AS nothing, 1 / 0 AS endless, [1.5, NULL] AS many, true AS is_so
"""


@pytest.fixture(autouse=True)
def settings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment of the releases as that of the settings; tests work in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("FINSYNC_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FINSYNC_HOME", str(folder))
    monkeypatch.setenv("FINSYNC_REFERENCE", str(folder / "companies.csv"))


def over_release(*arguments: str) -> int:
    return main(["query", *arguments, "--release", "current"])


def test_json_is_a_list_of_objects_with_exact_numbers_and_days_in_iso(capsys: pytest.CaptureFixture[str]):
    assert over_release(VALUES, "--format", "json") == 0

    assert json.loads(capsys.readouterr().out) == [
        {
            "formula": "=1+1", "letter": "é", "tenth": 0.1, "exact": 1.5, "large": 10**20, "day": "2009-12-31",
            "nothing": None, "endless": "inf", "many": [1.5, None], "is_so": True,
        }
    ]  # fmt: skip


BYTES_AND_SPANS = r"""
    SELECT '\xAA\x00b'::BLOB AS bytes, INTERVAL '14 months 3 days 00:00:04.5' AS span, [INTERVAL 1 DAY] AS spans
"""


@pytest.mark.parametrize(
    ("format", "cells"),
    [
        ("json", [r'"bytes": "\\xAA\\x00b"', '"span": "P14M3DT4.5S"', '"spans": ["P0M1DT0S"]']),
        ("csv", [r"\xAA\x00b", "1 year 2 months 3 days 00:00:04.5", "[1 day]"]),
        ("table", [r"\xAA\x00b", "P14M3DT4.5S", '["P0M1DT0S"]']),
    ],
)
def test_bytes_and_intervals_can_be_read_again(capsys: pytest.CaptureFixture[str], format: str, cells: list[str]):
    assert over_release(BYTES_AND_SPANS, "--format", format) == 0
    shown = capsys.readouterr().out
    assert all(cell in shown for cell in cells), shown


@pytest.mark.parametrize("format", ["json", "csv", "table"])
@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 340282366920938463463374607431768211455::UHUGEINT AS x", "UHUGEINT"),
        ("SELECT '10101'::BIT AS x", "BIT"),
        ("SELECT [{'a': '10101'::BIT}] AS x", "BIT"),
        ("SELECT TIMETZ '10:00:00+02' AS x", "TIME WITH TIME ZONE"),
    ],
)
def test_a_type_that_an_answer_does_not_have_is_named(
    capsys: pytest.CaptureFixture[str], format: str, sql: str, kind: str
):
    assert over_release(sql, "--format", format) == 2
    assert f"column x has values of type {kind}, which an answer does not have; cast it" in capsys.readouterr().err


@pytest.mark.parametrize("format", ["json", "table"])
def test_a_day_that_there_is_not_is_no_traceback(capsys: pytest.CaptureFixture[str], format: str):
    assert over_release("SELECT 'infinity'::DATE AS x", "--format", format) == 2
    assert "not in the years 1 to 9999" in capsys.readouterr().err


def test_of_no_rows_json_is_an_empty_list(capsys: pytest.CaptureFixture[str]):
    assert over_release("SELECT * FROM facts LIMIT 0", "--format", "json") == 0
    assert capsys.readouterr().out == "[]\n"


def test_a_csv_has_no_formulas_and_shortest_exact_numbers(capsys: pytest.CaptureFixture[str]):
    assert over_release(VALUES, "--format", "csv") == 0

    assert list(csv.reader(StringIO(capsys.readouterr().out))) == [
        ["formula", "letter", "tenth", "exact", "large", "day", "nothing", "endless", "many", "is_so"],
        ["'=1+1", "é", "0.1", "1.50", "100000000000000000000", "2009-12-31", "", "inf", "[1.5, NULL]", "true"],
    ]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_has_the_format_of_its_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str):
    file = tmp_path / f"facts.{ending}"

    assert over_release("SELECT company_id, value FROM facts ORDER BY ALL", "--output", str(file)) == 0

    shown = capsys.readouterr()
    assert (shown.out, " ".join(shown.err.split())) == ("", f"8 rows in {file}")
    match ending:
        case "csv":
            assert file.read_text().splitlines()[:2] == ["company_id,value", "c1,11.0"]
        case "json":
            assert json.loads(file.read_text())[0] == {"company_id": "c1", "value": 11.0}
        case "parquet":
            assert pq.read_table(file).to_pylist()[0] == {"company_id": "c1", "value": 11.0}


def test_a_type_that_parquet_does_not_have_is_named_before_the_file_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "spans.parquet"
    file.write_text("kept")

    assert over_release("SELECT 1 AS a, INTERVAL 3 MONTH AS span", "--output", str(file)) == 2

    assert "Parquet has no type for the column span" in capsys.readouterr().err
    assert file.read_text() == "kept"


def test_a_table_shows_what_there_is_room_for_and_how_much_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(answer_output, "ROWS_OF_A_FILE", 3)

    assert over_release("SELECT * FROM facts ORDER BY value DESC") == 0

    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert [line.split()[5] for line in lines[3:6]] == ["500", "105", "100"]
    assert lines[-1] == "8 rows, 3 shown; 11 columns, 8 shown (--format csv has all)"
    assert "…" not in shown
    assert max(map(len, lines)) <= terminal.console.width


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e9, "1,000,000,000"), (0.1, "0.1"), (-1234.5, "-1,234.5"), (12, "12"), (1e300, "1e+300"), (True, "True"),
     (None, ""), ("a", "a")],
)  # fmt: skip
def test_numbers_of_a_table_are_read_in_groups_of_three(value: object, text: str):
    assert answer_output._cell(value) == text


def test_the_options_stand_for_a_select(capsys: pytest.CaptureFixture[str]):
    options = [
        "--view",
        "income_statement",
        "--item",
        "revenue",
        "--company",
        "c1",
        "--period",
        "2009-01-01...2009-12-31",
    ]
    conditions = ["--where", "source in pnl, 'other'", "--where", "revenue >= 1e2", "--top", "5", "--format", "json"]

    assert over_release(*options, *conditions) == 0

    assert [row["revenue"] for row in json.loads(capsys.readouterr().out)] == [105.0, 100.0]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("revenue>=1e9", ("revenue", ">=", "1e9")),
        ("name like 'A%'", ("name", "like", "A%")),
        ("revenue IS NOT NULL", ("revenue", "is_not_null", None)),
        ("revenue is null", ("revenue", "is_null", None)),
        ("revenue between 1 and 2", ("revenue", "between", ["1", "2"])),
        ("currency in USD,EUR", ("currency", "in", ["USD", "EUR"])),
        ("currency <> USD", ("currency", "!=", "USD")),
    ],
)
def test_a_condition_is_read_into_its_parts(text: str, parts: tuple[str, str, object]):
    found = read_condition(text)

    assert (found["item"], found["op"], found.get("value")) == parts


def test_sql_is_read_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", StringIO("SELECT count(*) AS n\nFROM facts;\n"))

    assert over_release("-", "--format", "csv") == 0
    assert capsys.readouterr().out == "n\n8\n"


def test_the_rows_that_two_releases_differ_in(names: list[str], capsys: pytest.CaptureFixture[str]):
    sql = "SELECT value FROM facts WHERE item = 'net_income'"

    assert main(["query", sql, "--release", names[0], "--against", "current", "--format", "csv"]) == 0
    assert capsys.readouterr().out == f"release,value\n{names[0]},10.0\n{names[1]},11.0\n"


def test_all_views_and_columns_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["query", "--views"]) == 0

    shown = capsys.readouterr().out
    for view in VIEWS.values():
        part = shown.partition(f"{view.name}: ")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in part.splitlines()[1:]] == view.columns


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["SELECT revenu FROM income_statement"],
         "finsync: line 1, column 8: no column revenu in income_statement; did you mean revenue?\n"
         "  SELECT revenu FROM income_statement\n         ^\n"),
        (["DROP TABLE facts"], "finsync: line 1, column 1: this is a DROP, not a SELECT; write one SELECT"),
        ([], "finsync: finsync query: there is no query. Write one: finsync query"),
        (["SELECT 1", "--item", "revenue"], "--item cannot stand beside SQL. Write the condition in the SQL."),
        (["--item", "revenue", "--where", "revenue"], "finsync: where: 'revenue' is not a condition;"),
        (["--top", "3"], "finsync: --top: it is not clear by which item."),
        (["SELECT 1", "--format", "parquet"], "Parquet is not written to a terminal. Name a file: --output FILE."),
        (["SELECT 1", "--output", "x.xls"], "finsync: --output: x.xls is of no format. Name one for a file:"),
        (["SELECT 1", "--output", "x.csv", "--format", "table"], "finsync: --output: a table is for the terminal."),
        (["SELECT 1", "--output", "no/x.csv"], "no/x.csv: could not be written"),
        (["SELECT 1", "--output", "no/x.json"], "no/x.json: could not be written (No such file or directory)"),
        (["SELECT '\x1b[31m' FROM nope"], "no view nope"),
    ],
)  # fmt: skip
def test_errors_end_the_command_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str):
    assert over_release(*arguments) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert "\x1b" not in shown.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SECONDS", "0"), ("SECONDS", "9" * 12), ("ROWS", "many"), ("MEMORY", "-1"), ("MEMORY", "9" * 26),
        ("CACHE", "1.5"),
    ],
)  # fmt: skip
def test_a_limit_that_is_not_a_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, text: str
):
    monkeypatch.setenv(f"FINSYNC_QUERY_{name}", text)

    assert over_release("SELECT 1") == 2
    assert f"FINSYNC_QUERY_{name}: '{text}' is not a whole number from" in capsys.readouterr().err


def test_sources_that_are_missing_are_named_on_standard_error(capsys: pytest.CaptureFixture[str]):
    answer_output.write_answer(Answer(VIEWS["facts"].arrow.empty_table(), {"pnl": "does not respond"}), "csv", None)

    assert capsys.readouterr().err == "missing: pnl: does not respond\n"


@pytest.mark.parametrize(("patience", "is_shown"), [(0.01, True), (60, False)])
def test_what_is_being_done_is_shown_once_it_takes_a_moment(
    monkeypatch: pytest.MonkeyPatch, patience: float, is_shown: bool
):
    shown = StringIO()
    monkeypatch.setattr(query_command, "PATIENCE", patience)
    monkeypatch.setattr(query_command, "to_standard_error", lambda: Console(file=shown, force_terminal=True))
    monkeypatch.setattr(sys, "stderr", StringIO())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    with query_command.progress_shown() as progress:
        progress("pnl: fetching rows")
        time.sleep(0.5)

    assert ("pnl: fetching rows" in shown.getvalue()) == is_shown


def test_control_c_ends_a_query_at_once(folder: Path, tmp_path: Path):
    endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; print('begun', flush=True)\n{COMMAND}", endless, "--release", "current"],
        env={"PYTHONPATH": str(PROJECT), "FINSYNC_HOME": str(folder), "FINSYNC_REFERENCE": f"{folder}/companies.csv"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == "asked\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=20) == 130
    assert process.communicate()[1] == ""


COMMAND = """
from finsync_pipeline.cli import main, query
ask = query.answer_of
query.answer_of = lambda *given, **options: (print("asked", flush=True), ask(*given, **options))[1]
code = main(["query", *sys.argv[1:]])
assert "dagster" not in sys.modules
sys.exit(code)
"""
