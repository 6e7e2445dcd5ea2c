"""Where a number of a release comes from: the cell as delivered, the decisions, and what was known before."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from factories import PROJECT
from local_services import running_services

import finsync_pipeline
from finsync_pipeline.cli import main
from finsync_pipeline.errors import DataError, PublicationError
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.serving.errors import NotInRelease
from finsync_pipeline.serving.lineage import Cell, Trace
from finsync_pipeline.serving.trace import trace

END = date(2009, 12, 31)
KEYS = ["company_id", "item", "period_end", "months", "currency"]


@pytest.fixture
def current(released) -> Path:
    return (released.published / "current").resolve()


def cell_of(found: Trace) -> Cell:
    (cell,) = found.cells
    return cell


def test_a_number_leads_to_its_cell_and_row_as_delivered(current: Path):
    found = trace(current, "A1", "cost_of_revenue", END, 12, "USD")
    cell = cell_of(found)
    (fact,) = cell.facts
    origin = fact.origin

    assert (found.release, found.company_name, cell.value) == (current.name, "Acme Corp", 900_000)
    assert cell.explanation == "Published: the value of pnl; no other source has it."
    assert (fact.source, fact.value, fact.is_used, fact.row_key) == ("pnl", 900_000, True, "2")
    assert origin is not None
    assert (origin.column, origin.raw_text, origin.sign, origin.power_of_ten) == ("Cost of Goods Sold", "(900)", -1, 3)
    assert (origin.unit_text, origin.period_text, origin.length_text) == ("USD thousands", "December 31, 2009", "12")
    assert origin.row["Total Revenue"] == "2,000"
    assert fact.decision is not None
    assert (fact.decision.source_name, fact.decision.method) == ("ACME CORP", "normalised")


def test_each_source_of_a_disputed_cell_is_shown_with_its_own_unit(current: Path):
    cell = cell_of(trace(current, "A1", "net_income", END))
    read = [(fact.source, fact.value, fact.is_used, fact.origin and fact.origin.raw_text) for fact in cell.facts]

    assert read == [("cash_flow", -60_000, True, "-0.06"), ("pnl", -50_000, True, "(50)")]
    assert (cell.verdict, cell.rule, cell.value) == ("disputed", "mean", -55_000)
    assert cell.explanation.startswith("Published: the mean of cash_flow and pnl; the sources differ by more than")


def test_a_cell_that_could_not_be_read_is_shown_beside_the_value_that_is_published(current: Path):
    found = trace(current, "G1", "net_income", END)
    (unused,) = found.unused

    assert [fact.source for fact in cell_of(found).facts] == ["cash_flow"]
    assert (unused.source, unused.row_key, unused.raw_text, unused.reason) == ("pnl", "3", "n/m", "not_a_number")
    assert (unused.months, unused.currency, unused.is_whole_row) == (12, "USD", False)


def test_without_a_day_the_mean_of_the_summary_and_its_periods_are_shown(current: Path):
    found = trace(current, "A1", "revenue")
    (mean,) = found.means

    assert (mean.value, mean.count) == (1_500_000, 2)
    assert [(str(period.period_end), period.value) for period in mean.periods] == [
        ("2009-09-30", 1_000_000),
        ("2009-12-31", 2_000_000),
    ]
    for period in mean.periods:
        assert cell_of(trace(current, "A1", "revenue", period.period_end, period.months)).value == period.value


def test_every_mean_of_the_summary_is_that_of_its_periods(current: Path):
    summary = pd.read_parquet(current / "company_summary.parquet")
    items = [name.removesuffix("_n") for name in summary.columns if name.endswith("_n")]
    for row in summary.to_dict("records"):
        for item in (item for item in items if row[f"{item}_n"]):
            means = trace(current, row["company_id"], item, currency=row["currency"]).means
            values = [period.value for period in means[0].periods if period.value is not None]
            assert (len(values), sum(values) / len(values)) == (row[f"{item}_n"], pytest.approx(row[item]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("A2", "revenue"), r"it has no company 'A2'\. Name one of A1 \(Acme Corp\)"),
        (("acme", "revenue"), r"it has no company 'acme'\. Name one of A1 \(Acme Corp\)"),
        (("A1", "revenu"), "'revenu' is not a standard item. Name one of revenue"),
        (("A1", "goodwill", END), "it has no goodwill. Name one of "),
        (("A1", "revenue", date(2010, 1, 1)), "it has no revenue on 2010-01-01. Name one of 2009-09-30, 2009-12-31"),
        (("A1", "revenue", END, 3), "it has no revenue of 3 months in any currency. Name one of 12 months in USD"),
        (("A1", "revenue", END, None, "EUR"), "in EUR. Name one of 12 months in USD"),
        (("A1", "sector"), "it has no sector"),
    ],
)
def test_what_the_release_does_not_have_is_named_with_the_nearest(arguments, message: str, current: Path):
    with pytest.raises(NotInRelease, match=message):
        trace(current, *arguments)


def test_from_python_a_day_may_be_a_text(current: Path):
    assert (
        finsync_pipeline.trace("A1", "revenue", str(END), release=current).cells
        == trace(current, "A1", "revenue", END).cells
    )
    with pytest.raises(QueryError, match="'2009' is not a day"):
        finsync_pipeline.trace("A1", "revenue", "2009", release=current)


def test_a_folder_without_a_release_is_named(tmp_path: Path):
    with pytest.raises(PublicationError, match=r"manifest\.json: is missing"):
        trace(tmp_path, "A1", "revenue", END)


@pytest.fixture
def copied(current: Path, tmp_path: Path) -> Path:
    """The release in a folder that may be changed."""
    folder = Path(shutil.copytree(current, tmp_path / "copied"))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


def test_of_a_release_before_raw_rows_were_kept_the_rest_is_shown(copied: Path):
    for file in copied.glob("*raw_*.parquet"):
        file.unlink()
    found = trace(copied, "A1", "revenue", END)
    (fact,) = cell_of(found).facts

    assert (fact.value, fact.row_key, fact.origin) == (2_000_000, "2", None)
    assert fact.why_no_origin == "the release was made before raw rows were kept"
    assert fact.decision is not None
    assert fact.decision.source_name == "ACME CORP"
    assert found.notes == [
        "The release was made before raw rows were kept: what is shown ends at the key of the row and its data version."
    ]


def test_of_a_release_before_sources_were_compared_the_facts_are_shown(copied: Path):
    for name in ("agreement", "history", "revisions", "accounting_checks"):
        (copied / f"{name}.parquet").unlink()
    cell = cell_of(trace(copied, "A1", "revenue", END))

    assert [fact.value for fact in cell.facts] == [2_000_000]
    assert cell.value == 2_000_000
    assert cell.verdict is None


def test_a_damaged_file_is_named_with_the_next_step(copied: Path):
    (copied / "facts.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"cannot be read .* Run: finsync verify"):
        trace(copied, "A1", "revenue", END)


def test_the_command_prints_a_tree_that_says_how_the_company_was_found(released, deployment, capsys):
    os.environ["FINSYNC_HOME"] = str(released.home)
    assert main(["trace", "ACME", "revenue", "2009-Q4"]) == 0
    printed = " ".join(capsys.readouterr().out.split())

    for part in (
        "'ACME' is A1, Acme Corp: found by normalised (",
        "revenue of Acme Corp, 12 months to 2009-12-31, USD: 2,000,000",
        "pnl: 2,000,000 (used)",
        "Delivered as '2,000' in column 'Total Revenue' of row 2",
        "Read in thousands (the row states 'USD thousands'), sign as delivered",
        "Company named 'ACME CORP': accepted, found by normalised",
    ):
        assert part in printed


def test_the_command_prints_json_of_the_same(released, deployment, capsys):
    os.environ["FINSYNC_HOME"] = str(released.home)
    assert main(["trace", "G1", "net_income", "2009", "--months", "12", "--json"]) == 0
    found = Trace.model_validate(json.loads(capsys.readouterr().out))
    assert found == trace(released.published / "current", "G1", "net_income", END, 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("A1", "revenue", "2009"), "there are 2 period ends of revenue from 2009-01-01 to 2009-12-31. Name one of "),
        (("A1", "revenue", "last year"), "PERIOD: 'last year' is not a period. Write a day, such as 2009-12-31"),
        (("A1", "revenue", "2009-02-30"), "'2009-02-30' is not a period"),
        (("Acmee Corp", "revenue", "2009-12-31"), "it is not certain which company 'Acmee Corp' means. Name it by its"),
        (("A1", "revenue", "2009-12-31", "--release", "1999"), "no release '1999'; name one of "),
    ],
)
def test_the_command_explains_what_it_cannot_find(arguments, message: str, released, deployment, capsys):
    os.environ["FINSYNC_HOME"] = str(released.home)
    assert main(["trace", *arguments]) == 2
    assert message in capsys.readouterr().err


def all_traces(release: Path) -> dict[tuple[object, ...], Trace]:
    facts = pd.read_parquet(release / "facts.parquet")[KEYS].drop_duplicates()
    return {key: trace(release, *key) for key in facts.itertuples(index=False, name=None)}


@pytest.mark.long
def test_the_lineage_of_a_release_stays_whatever_is_delivered_run_or_changed_after_it(worked):
    first = (worked.published / "current").resolve()
    before = all_traces(first)
    assert len(before) > 10
    assert all(fact.origin for found in before.values() for fact in cell_of(found).facts)

    deliver_anew(worked)
    run_with_another_mapping(worked)
    second = (worked.published / "current").resolve()
    assert first != second
    assert all_traces(first) == before

    later = all_traces(second)
    revenue, cost = (later["A1", item, END, 12, "USD"] for item in ("revenue", "cost_of_revenue"))
    assert [(version.value, version.raw_text) for version in cell_of(revenue).versions] == [
        (2_000_000, "2,000"),
        (2_100_000, "2,100"),
    ]
    assert cell_of(revenue).revisions[0].after == 2_100_000
    (fact,) = cell_of(cost).facts
    assert fact.origin is not None
    assert (fact.value, fact.origin.raw_text, fact.origin.sign) == (-900_000, "(900)", 1)
    assert [(each.row_key, each.reason, each.is_whole_row, each.raw_text) for each in revenue.unused] == [
        ("6", "same_value", False, "2,100"),
        ("7", "currency_unknown", True, "5,000"),
    ]
    assert revenue.unused[0].other_row_key == "2"

    assert worked.finsync("release", "--force", "--allow-missing", "pnl") == 0
    assert worked.finsync("prune", "--keep", "2") == 0
    assert worked.finsync("verify") == 0
    assert not first.exists()
    assert all_traces(second) == later


def deliver_anew(deployment) -> None:
    """Another revenue of Acme, the same once more in another row, and a row in a unit that nobody knows."""
    file = deployment.data / "pnl.csv"
    rows = file.read_text().replace('"2,000"', '"2,100"')
    rows += '6,Acme Corporation,"December 31, 2009",12,USD thousands,"2,100",,,,,,,,,,,\n'
    rows += '7,Acme Corporation,"December 31, 2009",12,bushels,"5,000",,,,,,,,,,,\n'
    file.write_text(rows)


def run_with_another_mapping(deployment) -> None:
    """Run everything with a mapping of `pnl` by which costs keep their sign."""
    checkout = deployment.folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "finsync_pipeline", checkout / "finsync_pipeline", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", checkout)
    declaration = checkout / "finsync_pipeline/defs/sources/pnl/defs.yaml"
    written = declaration.read_text()
    changed = written.replace(
        "cost_of_revenue: {column: Cost of Goods Sold, sign: -1}", "cost_of_revenue: Cost of Goods Sold"
    )
    assert changed != written
    declaration.write_text(changed)
    with running_services(deployment.data) as urls:
        urls_of = {f"FINSYNC_{name.upper()}_URL": url for name, url in urls.items()}
        run = subprocess.run(
            [sys.executable, "-m", "finsync_pipeline", "run", "--accept", "costs keep their sign"],
            cwd=checkout,
            env={**os.environ, **urls_of, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stdout + run.stderr
