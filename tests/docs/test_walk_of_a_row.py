"""The walk of a row in docs/architecture.md shows what the code makes of it."""

import csv
import re
from datetime import date

import pytest
from doc_pages import DOCS, Page
from factories import PROJECT, raw_frame

from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.extraction.source_query import periods_query, rows_query
from finsync_pipeline.identity import Decider
from finsync_pipeline.settings import SAMPLE_REFERENCE
from finsync_pipeline.statements.dates import quarter_label, read_period_end
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import standardize
from finsync_pipeline.statements.tables import COMPANY_IDS

WALK = Page(DOCS / "architecture.md").text.partition("## The way of one row")[2].partition("\n## ")[0]
ROW = "401"


@pytest.fixture
def pnl() -> SourceMapping:
    return next(mapping for mapping in declared_sources() if mapping.name == "pnl")


@pytest.fixture
def row() -> dict[str, str]:
    with (PROJECT / "source_services/sample_data/pnl.csv").open(newline="", encoding="utf-8") as file:
        return next(row for row in csv.DictReader(file) if row["Row"] == ROW)


def test_the_row_and_its_day_are_those_of_the_sample(pnl: SourceMapping, row: dict[str, str]):
    day = read_period_end(row["Period Ended"], pnl.period_end)

    assert f'{ROW},{row["Company Name"]},"{row["Period Ended"]}",{row["Months"]},{row["Units"]},' in WALK
    assert f"the day is {day}, and the quarter is {quarter_label(day)}" in re.sub(r"\s+", " ", WALK)


def test_the_sql_is_what_the_source_is_sent(pnl: SourceMapping, row: dict[str, str]):
    shown = [" ".join(block.split()) for block in re.findall(r"```sql\n(.*?)```", WALK, re.DOTALL)]
    beginning, end = shown[1].split("...,")
    sent = rows_query(pnl, [f"'{row['Period Ended']}'"])

    assert shown[0] == periods_query(pnl)
    assert sent.startswith(beginning.strip())
    assert sent.endswith(end.strip())


def test_company_and_values_are_what_the_code_makes(pnl: SourceMapping, row: dict[str, str]):
    raw = raw_frame([{column: row[column] or None for column in pnl.columns}], pnl, date(2009, 9, 30))
    decisions = Decider.read(SAMPLE_REFERENCE, None, ["pnl"]).decide(source_names(raw, pnl), "pnl")
    facts = standardize(raw, COMPANY_IDS.conform(decisions), pnl).facts
    [decision] = decisions.to_dict("records")
    values = dict(zip(facts["item"], facts["value"], strict=True))
    lines = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `(\w+)` \| `([\d.]+)` \|", WALK, re.MULTILINE)

    assert f"`{decision['company_id']}`, method `{decision['method']}`" in re.sub(r"\s+", " ", WALK)
    assert f"{len(facts)} facts of this row are used" in WALK
    assert lines == [(c, row[c], item, f"{values[item]:.12g}") for c, _, item, _ in lines]
    assert len(lines) == 3
