"""The main job end to end: what is used, what is refused, what is published."""

import json
from pathlib import Path

import pytest
from local_services import answering_services

WITH_PNL_ALONE = ("--allow-missing", "balance_sheet", "--allow-missing", "cash_flow")


def test_every_cell_is_used_or_refused_with_its_reason_and_the_release_says_so(released):
    sources = released.manifest()["sources"]
    pnl = sources["pnl"]
    assert (pnl["row_count"], pnl["rows_in"], pnl["rows_used"], pnl["rows_rejected"]) == (5, 4, 3, 1)
    assert pnl["unassigned_rows"] == 1
    for account in sources.values():
        assert account["rows_in"] == account["rows_used"] + account["rows_rejected"] + account["rows_superseded"]
        assert account["cells_in"] == sum(
            account[f"cells_{fate}"] for fate in ("used", "rejected", "superseded", "empty")
        )
        assert account["row_count"] == account["rows_in"] + account["unassigned_rows"]
    rejects = released.table("rejects").set_index("reason")
    assert rejects.loc["not_a_number", "raw_text"] == "n/m"
    assert "Initech" in rejects.loc["company_unknown", "raw_text"]
    assert "some day" in rejects.loc["date_unreadable", "raw_text"]


def test_the_summary_averages_over_sources_and_then_over_annual_periods(released):
    acme = released.table("company_summary").set_index("company_id").loc["A1"]
    assert acme["revenue"] == 1_500_000
    assert acme["revenue_n"] == 2
    # September: 100,000; December: the mean of -50,000 (pnl) and -60,000 (cash flow)
    assert acme["net_income"] == 22_500
    assert acme["cost_of_revenue"] == 650_000
    assert acme["capital_expenditure"] == 250_000
    assert acme["eps_diluted"] == 0.5
    assert acme["cash"] == 500_000


def test_companies_that_lack_items_stay_with_empty_cells(released):
    globex = released.table("company_summary").set_index("company_id").loc["G1"]
    assert globex["net_income"] == 4_500_000
    assert globex["cash_from_operations"] != globex["cash_from_operations"]
    assert b",,0,,," in released.csv()


def releases(deployment) -> int:
    return len([path for path in deployment.published.iterdir() if path.name.startswith("20")])


@pytest.mark.long
def test_a_second_run_of_a_quarter_writes_the_same_bytes_and_a_release_only_by_force(
    again, capsys: pytest.CaptureFixture[str]
):
    first = again.csv()
    tables = {path: path.read_bytes() for path in (again.home / "tables").rglob("*.parquet")}
    for path in (again.home / "tables").rglob("2009-10-01.parquet"):
        path.unlink()
    assert again.finsync("run", "--quarters", "2009-Q4") == 0

    assert again.csv() == first
    assert releases(again) == 1
    assert "Nothing has changed since this release" in capsys.readouterr().out
    assert again.finsync("release", "--force") == 0
    assert (again.csv(), releases(again)) == (first, 2)
    assert {path: path.read_bytes() for path in tables} == tables


def test_a_source_that_is_down_fails_alone_and_nothing_is_published_unless_allowed(
    again, capsys: pytest.CaptureFixture[str]
):
    before = again.csv()
    facts = (again.home / "tables/cash_flow/facts/2009-10-01.parquet").read_bytes()
    again.use({"cash_flow": "http://127.0.0.1:9"})

    assert again.finsync("run") == 1

    told = " ".join(capsys.readouterr().out.split())
    assert "Source 'cash_flow' at http://127.0.0.1:9: the service cannot be reached" in told
    assert "Start its service" in told
    assert "Nothing is published" in told
    assert again.csv() == before
    assert releases(again) == 1
    assert (again.home / "tables/cash_flow/facts/2009-10-01.parquet").read_bytes() == facts

    assert again.finsync("release", "--allow-missing", "cash_flow") == 0
    states = {quarter["state"] for quarter in again.manifest()["sources"]["cash_flow"]["quarters"]}
    assert states == {"unchecked"}
    assert again.csv() == before


@pytest.mark.long
def test_allow_missing_publishes_without_a_source_that_was_never_there_and_the_manifest_says_it(running):
    running.use({"cash_flow": "http://127.0.0.1:9"})
    assert running.finsync("run") == 1
    assert not running.published.exists()

    assert running.finsync("run", "--allow-missing", "cash_flow") == 0

    manifest = running.manifest()
    assert manifest["allow_missing"] == ["cash_flow"]
    assert manifest["sources"]["cash_flow"]["allowed_missing"] is True
    assert manifest["sources"]["cash_flow"]["rows_used"] == 0
    assert running.table("company_summary").set_index("company_id").loc["A1", "net_income"] == 25_000


def test_a_source_without_a_mapped_column_fails_with_the_name_of_the_column(
    deployment, capsys: pytest.CaptureFixture[str]
):
    file = deployment.data / "pnl.csv"
    file.write_text(file.read_text().replace("Net Profit", "Net Profits"))
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        assert deployment.finsync("run", *WITH_PNL_ALONE) == 1

    told = " ".join(capsys.readouterr().out.split())
    assert "column 'Net Profit' of table 'pnl' is not delivered; it may now be called 'Net Profits'" in told


@pytest.mark.long
def test_rows_that_a_source_withdrew_leave_the_release(worked):
    file = worked.data / "pnl.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("1,")))
    with answering_services(worked.data) as urls:
        worked.use(urls)
        assert worked.finsync("run") == 1
        assert worked.finsync("release", "--accept", "withdrawn by the source") == 0

    assert worked.table("company_summary").set_index("company_id").loc["A1", "revenue"] == 2_000_000


@pytest.mark.long
def test_quarters_decided_by_another_list_of_companies_are_not_mixed(again, capsys: pytest.CaptureFixture[str]):
    before = again.csv()
    list_of_companies = again.folder / "companies.csv"
    list_of_companies.write_text(list_of_companies.read_text().replace("A1,", "A2,"))

    assert again.finsync("run", "--quarters", "2009-Q4") == 1

    told = " ".join(capsys.readouterr().out.split())
    assert "has outdated quarters (the list of companies decides otherwise): 2009-Q3" in told
    assert "Run: finsync re-resolve" in told
    assert again.csv() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--quarters", "2009-Q5"], "--quarters: '2009-Q5' is not a valid quarter. Write it like 2009-Q4"),
        (
            ["run", "--quarters", "2009-02-01"],
            "2009-02-01 is not the first day of a quarter. Write 2009-01-01 or 2009-Q1",
        ),
        (["run", "--quarters", "1999-Q1"], "FINSYNC_FIRST_QUARTER sets the first"),
        (
            ["run", "--quarters", "2009-Q4...2009-Q1"],
            "the first quarter is after the last. Write the earlier one first",
        ),
        (["run", "--allow-missing", "cashflow"], "cashflow is not a source. Name one of balance_sheet, cash_flow, pnl"),
        (
            ["release", "--allow-missing", "cashflow"],
            "cashflow is not a source. Name one of balance_sheet, cash_flow, pnl",
        ),
        (["show"], "there is no release yet. Make one: finsync run"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_with_its_cure(
    deployment, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
):
    assert deployment.finsync(*arguments) in (1, 2)

    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_a_mistake_in_the_list_of_companies_fails_with_file_and_cure(running, capsys: pytest.CaptureFixture[str]):
    Path(running.folder / "companies.csv").write_text("id,name\n1,Acme\n")

    assert running.finsync("run", *WITH_PNL_ALONE) == 1

    told = " ".join(capsys.readouterr().out.split())
    assert "companies.csv" in told
    assert "company_id" in told
    assert "Traceback" not in told


def test_a_release_keeps_the_tables_that_it_was_made_of(released):
    files = json.loads((released.published / "current/manifest.json").read_text())["files"]

    assert {"facts.parquet", "rejects.parquet", "company_ids.parquet", "ledger.parquet"} < files.keys()
    assert files["facts.parquet"]["rows"] == len(released.table("facts"))
