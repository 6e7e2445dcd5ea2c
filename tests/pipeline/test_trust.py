"""What contradicts itself is not published silently: the whole job on deliveries that are wrong as a whole."""

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta

import pandas as pd
import pytest
from factories import PROJECT
from local_services import answering_services, running_services

from finsync_pipeline.publishing.as_of import as_of
from finsync_pipeline.storage.parquet import read_frame, write_frame


def run_again(deployment, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run everything on the data as it is now; the exit code and what is printed."""
    capsys.readouterr()
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        code = deployment.finsync("run", *arguments)
    return code, " ".join(capsys.readouterr().out.split())


def test_a_file_with_other_dates_stops_its_source_and_shows_examples(worked, capsys: pytest.CaptureFixture[str]):
    before, file = worked.csv(), worked.data / "pnl.csv"
    file.write_text(
        file.read_text().replace("December 31, 2009", "31.12.2009").replace("September 30, 2009", "30.9.09")
    )

    code, printed = run_again(worked, capsys)

    assert code == 1
    assert "5 of 5 period ends in column 'Period Ended' could not be read" in printed
    assert "row 1, column 'Period Ended': '30.9.09'; row 2, column 'Period Ended': '31.12.2009'" in printed
    assert "defs/sources/pnl/defs.yaml" in printed
    assert worked.csv() == before
    assert (worked.home / "tables/pnl/facts/2009-10-01.parquet").exists()


@pytest.mark.long
def test_a_file_with_only_a_header_does_not_replace_a_good_release(worked, capsys: pytest.CaptureFixture[str]):
    before, file = worked.csv(), worked.data / "pnl.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")

    code, printed = run_again(worked, capsys)

    assert code == 1
    assert "pnl has no facts any more for 2009-Q3, 2009-Q4" in printed
    assert 'finsync release --accept "the reason"' in printed
    assert worked.csv() == before

    assert worked.finsync("release", "--accept", "  ") == 1
    assert worked.finsync("release", "--accept", "pnl is discontinued") == 0
    accepted = worked.manifest()["accepted"]
    assert accepted["reason"] == "pnl is discontinued"
    assert "pnl has no facts any more for 2009-Q3, 2009-Q4" in accepted["losses"]
    assert accepted["by"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("written", "printed_as"), [('"{},000"', "10^3 times what they were"), ('"({})"', "the opposite of what they were")]
)
def test_a_source_whose_unit_or_sign_has_changed_does_not_replace_a_good_release(
    worked, capsys: pytest.CaptureFixture[str], written: str, printed_as: str
):
    before, file = worked.csv(), worked.data / "pnl.csv"
    text = file.read_text()
    for amount in ("1,000", "2,000", "7,000"):
        text = text.replace(f'"{amount}"', written.format(amount))
    file.write_text(text)

    code, printed = run_again(worked, capsys)

    assert code == 1
    assert f"pnl has 3 of 10 facts that are {printed_as}" in printed
    assert worked.csv() == before


@pytest.mark.long
def test_a_source_of_which_no_row_can_be_read_is_not_left_out_of_a_first_release(
    deployment, capsys: pytest.CaptureFixture[str]
):
    file = deployment.data / "balance_sheet.csv"
    file.write_text(file.read_text().replace(",USD,", ",US$,"))

    code, printed = run_again(deployment, capsys)

    assert code == 1
    assert "2 of 2 rows could not be read in all its quarters" in printed
    assert "column 'reportedCurrency': 'US$'" in printed
    assert not (deployment.published / "current").exists()


@pytest.mark.long
def test_a_first_release_without_a_company_is_not_published(deployment, capsys: pytest.CaptureFixture[str]):
    for name in ("pnl", "balance_sheet"):
        file = deployment.data / f"{name}.csv"
        file.write_text(file.read_text().splitlines()[0] + "\n")
    file = deployment.data / "cash_flow.jsonl"
    file.write_text(file.read_text().splitlines()[0].replace("ACME", "Nobody Knows It Ltd") + "\n")

    code, printed = run_again(deployment, capsys)

    assert code == 1
    assert "it has no company" in printed
    assert not (deployment.published / "current").exists()


@pytest.mark.long
def test_what_a_source_that_may_be_missing_loses_needs_no_acceptance(worked, capsys: pytest.CaptureFixture[str]):
    for file in (worked.home / "tables" / "cash_flow").rglob("2009-10-01.parquet"):
        file.unlink()
    assert run_again(worked, capsys, "--allow-missing", "cash_flow")[0] == 0
    assert "accepted" not in worked.manifest()


@pytest.mark.long
def test_opposite_values_of_two_sources_are_withheld_and_named(deployment, capsys: pytest.CaptureFixture[str]):
    file = deployment.data / "cash_flow.jsonl"
    file.write_text(file.read_text().replace('"Net income": -0.06', '"Net income": 0.05'))

    assert run_again(deployment, capsys)[0] == 0

    cells = deployment.table("agreement").set_index(["company_id", "item", "period_end"])
    cell = cells.loc[("A1", "net_income", pd.Timestamp("2009-12-31").date())]
    assert (cell["verdict"], bool(cell["is_withheld"]), cell["least"], cell["greatest"]) == (
        "sign_suspect",
        True,
        -50_000,
        50_000,
    )
    financials = deployment.table("financials").query("company_id == 'A1' and months == 12")
    row = financials.set_index("period_end").loc[cell.name[2]]
    assert (pd.isna(row["net_income"]), row["net_income_sources"], row["withheld"]) == (True, 0, 1)
    assert "sign_suspect" in next((deployment.published / "current").glob("disputes_*.csv")).read_text()


@pytest.mark.long
def test_values_that_differ_are_published_and_marked_or_withheld_by_the_rules(
    worked, capsys: pytest.CaptureFixture[str]
):
    december = pd.Timestamp("2009-12-31").date()
    cells = worked.table("agreement").set_index(["company_id", "item", "period_end"])
    assert cells.loc[("A1", "net_income", december), ["verdict", "value"]].tolist() == ["disputed", -55_000]
    assert worked.table("company_summary").set_index("company_id").loc["A1", "disputed"] == 1

    (worked.folder / "agreement.yaml").write_text("items: {net_income: {rule: {prefer: [cash_flow]}}}\n")
    assert worked.finsync("release") == 0
    cells = worked.table("agreement").set_index(["company_id", "item", "period_end"])
    assert cells.loc[("A1", "net_income", december), "value"] == -60_000

    (worked.folder / "agreement.yaml").write_text("default: {disputed: withhold}\n")
    assert worked.finsync("release") == 0
    assert worked.table("company_summary").set_index("company_id").loc["A1", "withheld"] == 1

    (worked.folder / "agreement.yaml").write_text("items: {net_incom: {rule: median}}\n")
    capsys.readouterr()
    assert worked.finsync("release") == 1
    assert "net_incom is not a standard item with numbers. Did you mean net_income" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.long
def test_diff_shows_what_two_releases_differ_in(worked, capsys: pytest.CaptureFixture[str]):
    first = worked.manifest()["release"]
    assert worked.finsync("diff") == 2
    assert "is the first release" in capsys.readouterr().err
    file = worked.data / "pnl.csv"
    file.write_text(file.read_text().replace('"2,000"', '"2,001"'))
    assert run_again(worked, capsys)[0] == 0

    assert worked.finsync("diff") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"Release {worked.manifest()['release']} compared with {first}" in printed
    assert "Companies: 2 before, 2 after; lost: none" in printed
    assert worked.finsync("diff", first, "--csv") == 0
    assert capsys.readouterr().out.splitlines() == [
        "source,company_id,item,period_end,months,currency,before,after,change",
        "pnl,A1,revenue,2009-12-31,12,USD,2000000.0,2001000.0,changed",
    ]
    assert worked.finsync("diff", "1999") == 2
    assert "0 releases have a name that begins with '1999'" in capsys.readouterr().err


@pytest.mark.long
def test_prune_keeps_the_newest_and_the_current_release(worked, capsys: pytest.CaptureFixture[str]):
    for _ in range(3):
        assert worked.finsync("release", "--force") == 0
    releases = sorted(path.name for path in worked.published.glob("*Z"))
    capsys.readouterr()

    assert worked.finsync("prune", "--keep", "2", "--dry-run") == 0
    assert capsys.readouterr().out.count("would remove") == 2
    assert sorted(path.name for path in worked.published.glob("*Z")) == releases
    assert worked.finsync("prune", "--keep", "2") == 0
    assert sorted(path.name for path in worked.published.glob("*Z")) == releases[2:]
    assert worked.finsync("show") == 0
    assert worked.finsync("prune", "--keep", "0") == 2


@pytest.mark.long
def test_money_in_millions_that_is_in_thousands_is_not_published(deployment):
    checkout = deployment.folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "finsync_pipeline", checkout / "finsync_pipeline", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", checkout)
    declaration = checkout / "finsync_pipeline/defs/sources/pnl/defs.yaml"
    declaration.write_text(declaration.read_text().replace("USD thousands: thousands", "USD thousands: millions"))
    environment = {key: text for key, text in os.environ.items() if key != "FINSYNC_REFERENCE"}
    with running_services(PROJECT / "source_services/sample_data") as urls:
        deployment.use(urls)
        urls_of = {f"FINSYNC_{name.upper()}_URL": url for name, url in urls.items()}
        run = subprocess.run(
            [sys.executable, "-m", "finsync_pipeline", "run"],
            cwd=checkout,
            env={**environment, **urls_of, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stdout + run.stderr

    summary = deployment.table("company_summary").set_index("company_name")
    assert not (summary["revenue"] > 2e12).any()
    assert pd.isna(summary.loc["Wal-Mart Stores", "revenue"])
    assert summary.loc["Wal-Mart Stores", "net_income"] == pytest.approx(13.7e9, rel=0.05)
    assert deployment.table("agreement").query("culprit == 'pnl'")["factor"].eq(1000).mean() > 0.99


@pytest.mark.long
def test_a_number_that_its_source_changed_is_kept_with_its_day_and_listed_as_revised(
    worked, capsys: pytest.CaptureFixture[str]
):
    file = worked.data / "pnl.csv"
    file.write_text(file.read_text().replace('"7,000"', '"7,700"'))

    code, printed = run_again(worked, capsys)

    assert code == 0
    assert "Revisions: 1 restated" in printed
    release = (worked.home / "published" / "current").resolve()
    [revised] = pd.read_csv(next(release.glob("revisions_*.csv"))).to_dict("records")
    assert (revised["item"], revised["before"], revised["after"]) == ("revenue", 7e6, 7.7e6)
    today = as_of(release, date.fromisoformat(revised["known_since"]))
    before = as_of(release, date.fromisoformat(revised["known_since"]) - timedelta(days=1))
    assert 7.7e6 in today["value"].tolist()
    assert before.empty

    assert worked.finsync("release", "--as-of", revised["known_since"]) == 0
    assert (worked.home / "published" / "current").resolve() == release
    [beside] = (worked.home / "published").glob(f"*_as_of_{revised['known_since']}")
    found = pd.read_csv(next(beside.glob("company_summary_*.csv")))
    expected = pd.read_csv(next(release.glob("company_summary_*.csv")))
    pd.testing.assert_frame_equal(found, expected)
    assert worked.finsync("release", "--as-of", "2001-01-01") == 2


@pytest.mark.parametrize(
    ("options", "fix"),
    [(["--as-filed"], "Name the day"), (["--as-of", "2010-01-01", "--force"], "Leave out --allow-missing, --force")],
)
def test_options_of_a_release_that_do_not_go_together_are_refused(
    worked, capsys: pytest.CaptureFixture[str], options: list[str], fix: str
):
    assert worked.finsync("release", *options) == 2
    assert fix in " ".join(capsys.readouterr().err.split())


def test_a_list_of_companies_that_an_older_version_stored_is_named_with_the_command_that_makes_it_anew(
    worked, capsys: pytest.CaptureFixture[str]
):
    file = worked.home / "tables" / "companies.parquet"
    write_frame(read_frame([file]).drop(columns="industry"), file)

    assert worked.finsync("release") == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "Table companies: has other columns than now" in printed
    assert "Run: finsync run" in printed
