"""One real file as five others published it: dates, names and digits differ, and the facts are found to be the same.

A spreadsheet has rounded 908 of its cells to three digits in all of them.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from agreement_facts import agreement_of
from factories import decided_companies, raw_frame
from pydantic import ValidationError

from benchmarks.trust_facts import nyse_declaration
from finsync_pipeline.errors import PublicationError, SourceInvalid
from finsync_pipeline.publishing.changes import Limits, check_losses, differences, losses
from finsync_pipeline.quality.fit import check_dates
from finsync_pipeline.statements.dates import read_period_end, readable_date
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.standardize import rejected_rows, standardize
from finsync_pipeline.storage.parquet import write_frame
from source_services.data.data_files import open_table
from source_services.settings import Limits as ServiceLimits

PRISTINE = "nyse_fundamentals"
MONTH_DAY_YEAR = ["%m/%d/%Y"]
SQUASHED = {"Long-Term Debt": "LongTermDebt"}
"""Names that have lost more than their blanks."""
LOST = {("COTY", date(*day)) for day in ((2003, 6, 30), (2004, 6, 30), (2006, 2, 28), (2007, 2, 28))}
"""The rows that one of the files lacks."""


@dataclass(frozen=True)
class Loaded:
    """What a mapping reads of a file: the facts, what is rejected, and the rows without a period end."""

    facts: pd.DataFrame
    rejects: pd.DataFrame
    unassigned: pd.DataFrame
    row_count: int


def mapping(name: str, formats: list[str], squash: bool = False, **parts: Any) -> SourceMapping:
    """The mapping of docs/your_own_source.md, with what a publisher of the file has changed."""
    declared = nyse_declaration()

    def column(old: str) -> str:
        return SQUASHED.get(old, old.replace(" ", "")) if squash else old

    items = {
        item: {**of, "column": column(of["column"])} if isinstance(of, dict) else column(of)
        for item, of in declared["items"].items()
    }
    changed = {
        "name": name.lower(),
        "row_key": "column_1",
        "company": {"column": column("Ticker Symbol"), "kind": "ticker"},
        "period_end": {"column": column("Period Ending"), "formats": formats},
        "numbers": {"null_words": ["0"]},
        "items": items,
    }
    return SourceMapping.model_validate(declared | {"url": "http://127.0.0.1:9"} | changed | parts)


MAPPINGS = {
    "nyse_mdY": mapping("nyse_mdY", MONTH_DAY_YEAR),
    "nyse_excel_rounded_mdY_price_col": mapping("nyse_excel", MONTH_DAY_YEAR, row_key="column_2"),
    "nyse_squashed_names": mapping("nyse_squashed_names", MONTH_DAY_YEAR, squash=True),
    "nyse_dmy_2digit_year": mapping("nyse_dmy_2digit_year", ["%d-%m-%y"]),
}


def load(file: Path, declared: SourceMapping) -> Loaded:
    """Read the file; its companies are known by their tickers."""
    with open_table(file, declared.name, ServiceLimits()) as table:
        rows = [dict(zip(table.columns, cells, strict=True)) for cells in table.rows]
    ends = [readable_date(row[declared.period_end.column], declared.period_end) for row in rows]
    dated = [
        {column: row[column] for column in declared.columns}
        | {"period_end": read_period_end(row[declared.period_end.column], declared.period_end)}
        for row, end in zip(rows, ends, strict=True)
        if end
    ]
    undated = [row for row, end in zip(rows, ends, strict=True) if not end]
    raw = raw_frame(dated, declared)
    tickers = {ticker: ticker for ticker in raw[declared.company.column].dropna()}
    out = standardize(raw, decided_companies(raw, declared, tickers), declared)
    without = raw_frame([{column: row[column] for column in declared.columns} for row in undated], declared)
    unassigned = rejected_rows(without.assign(finsync_reason="date_unreadable"), declared)
    return Loaded(out.facts, out.rejects, unassigned, len(rows))


@pytest.fixture(scope="module")
def pristine(shared_data: Path) -> Loaded:
    """The file as its publisher made it."""
    declared = SourceMapping.model_validate(nyse_declaration() | {"url": "http://127.0.0.1:9"})
    return load(shared_data / f"{PRISTINE}.csv.gz", declared)


@pytest.fixture(scope="module", params=MAPPINGS)
def drifted(request: pytest.FixtureRequest, shared_data: Path) -> Loaded:
    """The file as another publisher has it, read by the mapping for it."""
    return load(shared_data / "drift" / f"{request.param}.csv.gz", MAPPINGS[request.param])


def delivered_cells(file: Path, row_key: str) -> "pd.Series[Any]":
    """The number in each cell, by its column without blanks and the key of its row."""
    with open_table(file, "drift", ServiceLimits()) as table:
        frame = pd.DataFrame(table.rows, columns=[name.replace(" ", "") for name in table.columns])
    texts = [name for name in frame if str(name).startswith("column_")]
    numbers = frame.set_index(row_key).drop(
        columns=[*set(texts) - {row_key}, "TickerSymbol", "PeriodEnding", "Price"], errors="ignore"
    )
    return numbers.apply(pd.to_numeric).unstack()


@pytest.mark.parametrize("name", MAPPINGS)
def test_all_publishers_have_the_cells_that_a_spreadsheet_rounded(shared_data: Path, name: str) -> None:
    before = delivered_cells(shared_data / f"{PRISTINE}.csv.gz", "row")
    after = delivered_cells(shared_data / "drift" / f"{name}.csv.gz", MAPPINGS[name].row_key)
    cells = pd.DataFrame({"before": before, "after": after}).dropna()
    rounded = cells[(cells["before"] - cells["after"]).abs() > 1e-8 * cells["before"].abs()]
    changed = rounded[rounded["after"] != rounded["before"].map(lambda value: float(f"{value:.2e}"))]
    # Two names have lost their hyphens, too: Long-Term Debt, of which 17 are rounded, and Long-Term Investments, 71
    assert len(rounded) - len(changed) == (820 if name == "nyse_squashed_names" else 908)
    # What one publisher has corrected is in a column that no item is made of
    assert changed.to_dict("index") == (
        {("ForYear", "854"): {"before": 1215, "after": 2015}} if name == "nyse_dmy_2digit_year" else {}
    )


def test_drifted_files_have_the_same_facts_but_for_rounded_cells(pristine: Loaded, drifted: Loaded) -> None:
    table = agreement_of(pd.concat([pristine.facts, drifted.facts], ignore_index=True))
    differing = table[table["spread"] > 0]
    # The other 173 of 908 rounded cells are in columns that no standard item is made of, such as Other Assets
    assert (len(differing), set(differing["verdict"])) == (735, {"rounded"})
    assert differing["spread"].max() <= 0.005
    assert not table["is_withheld"][table["sources"] == 2].any()
    assert len(drifted.rejects) == len(drifted.unassigned) == 0


def test_the_rows_that_a_file_lacks_are_cells_of_one_source(pristine: Loaded, drifted: Loaded) -> None:
    table = agreement_of(pd.concat([pristine.facts, drifted.facts], ignore_index=True))
    alone = table[table["sources"] == 1]
    lost = set(zip(alone["company_id"], alone["period_end"], strict=True))
    assert lost == (LOST if drifted.row_count == 1777 else set())


def test_the_rows_that_a_file_lacks_are_lost_facts_of_the_release(
    pristine: Loaded, shared_data: Path, tmp_path: Path
) -> None:
    drifted = load(shared_data / "drift" / "nyse_dmy_2digit_year.csv.gz", MAPPINGS["nyse_dmy_2digit_year"])
    for name, loaded in (("before", pristine), ("after", drifted)):
        (tmp_path / name).mkdir()
        write_frame(loaded.facts.assign(source="nyse"), tmp_path / name / "facts.parquet")
    before, after = tmp_path / "before", tmp_path / "after"

    changes = differences(before, after)
    assert changes["change"].value_counts().to_dict() == {"changed": 735, "lost": 127}
    lost = changes[changes["change"] == "lost"]
    assert set(zip(lost["company_id"], lost["period_end"], strict=True)) == LOST
    with pytest.raises(PublicationError, match=r"nyse has no facts any more for 2003-Q2, 2004-Q2, 2006-Q1, 2007-Q1"):
        check_losses(losses(before, after), Limits())


@pytest.mark.parametrize(("formats", "unreadable"), [(MONTH_DAY_YEAR, "1,777"), (["%m-%d-%y"], "1,679")])
def test_a_file_with_the_day_first_stops_where_the_mapping_has_the_month_first(
    shared_data: Path, formats: list[str], unreadable: str
) -> None:
    declared = mapping("nyse", formats)
    loaded = load(shared_data / "drift" / "nyse_dmy_2digit_year.csv.gz", declared)
    with pytest.raises(SourceInvalid) as error:
        check_dates(declared, loaded.unassigned, loaded.row_count)
    assert f"{unreadable} of 1,777 period ends in column 'Period Ending' could not be read" in str(error.value)
    assert "row 0, column 'Period Ending': '31-12-12'; row 1, column 'Period Ending': '31-12-13'" in str(error.value)


def test_a_file_of_years_needs_a_day_on_which_they_end(pristine: Loaded, shared_data: Path) -> None:
    with pytest.raises(ValidationError, match="'%Y' reads a year alone; declare year_end"):
        mapping("nyse_years", ["%Y"])
    period_end = {"column": "Period Ending", "formats": ["%Y"], "year_end": "12-31"}
    loaded = load(shared_data / "drift" / "nyse_year_only.csv.gz", mapping("nyse_years", ["%Y"], period_end=period_end))
    assert len(loaded.unassigned) == 0
    assert {(end.month, end.day) for end in loaded.facts["period_end"]} == {(12, 31)}
    # Other fiscal years end on another day; and 2016-01-02 ends the year that is written as 2016, not as 2015
    with open_table(shared_data / f"{PRISTINE}.csv.gz", PRISTINE, ServiceLimits()) as table:
        other = {ticker for _, ticker, end, *_ in table.rows if not str(end).endswith("-12-31")}
    both = pd.concat([pristine.facts, loaded.facts], ignore_index=True)
    cells = agreement_of(both[~both["company_id"].isin(other)])
    assert cells["company_id"].nunique() > 300
    assert set(cells["sources"]) == {2}
    assert set(cells.loc[cells["spread"] > 0, "verdict"]) == {"rounded"}
