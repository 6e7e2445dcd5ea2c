"""Decisions are added to the review file: nothing in it is lost, whoever else writes it."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import Reference, read_reference, read_review
from finsync_pipeline.identity.review import ReviewLine
from finsync_pipeline.serving.review_file import DecidedMeanwhile, ReviewFile, as_written

LINE = ReviewLine("pnl", "Initech", None, "A1", None, None, "jane", date(2026, 1, 31), None)
SOURCES = ("pnl", "balance_sheet")
DECISIONS = 50


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    (tmp_path / "companies.csv").write_text("company_id,name\nA1,Acme Corp\nG1,Globex Inc\n")
    return read_reference(tmp_path / "companies.csv")


@pytest.fixture
def file(tmp_path: Path, reference: Reference) -> ReviewFile:
    return ReviewFile(tmp_path / "review.csv", reference, SOURCES)


def add(file: ReviewFile, line: ReviewLine) -> None:
    file.add(line, file.version(line.source_name))


def test_the_first_decision_creates_the_file(file):
    assert file.read().lines == ()
    add(file, LINE)
    header = "source,source_name,supporting_columns,company_id,valid_from,valid_to,who,when,note\n"
    assert file.path.read_text() == f"{header}pnl,Initech,,A1,,,jane,2026-01-31,\n"
    assert file.read().lines == (LINE,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\ufeffsource_name,company_id,who,when\r\nHP,G1,joe,2025-01-01\r\n", "Initech,A1,jane,2026-01-31\r\n"),
        ("Who;,source_name,When,company_id,WHO,source\n,HP,2025-01-01,G1,joe,\n", ",Initech,2026-01-31,A1,jane,pnl\n"),
        ("spelling,company_id,who,when,my own\nHP,G1,joe,2025-01-01,x", "\nInitech,A1,jane,2026-01-31,\n"),
        (' source_name , "company_id",who,when\n\nHP,reject,joe,2025-01-01\n\n\n', "Initech,A1,jane,2026-01-31\n"),
    ],
)
def test_columns_order_mark_and_line_ends_stay_as_they_are(file, before, after):
    file.path.write_bytes(before.encode())
    line = LINE if "source" in before.split("\n")[0].split(",") else replace(LINE, source=None)
    kept = before.rstrip("\n") + "\n" if before.endswith("\n\n") else before
    add(file, line)
    assert file.path.read_bytes().decode() == kept + after
    assert len(file.read().lines) == 2


def test_columns_that_the_file_lacks_are_added_where_the_line_needs_them(file):
    file.path.write_text(
        'source_name,company_id,who,when,mine\n"HP, Inc",G1,joe,2025-01-01,x\n\nZ,reject,joe,2025-01-01,\n'
    )
    line = replace(LINE, note='so "it" is, really', supporting_columns='{"name": "Init"}', valid_from=date(2009, 1, 1))
    add(file, line)
    assert line in file.read().lines
    assert len(file.read().lines) == 3
    assert file.path.read_text().startswith(
        "source_name,company_id,who,when,mine,source,supporting_columns,valid_from,note\n"
        '"HP, Inc",G1,joe,2025-01-01,x,,,,\n'
    )


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "@x", "-x", 'a "b', "a,b", "<script>alert(1)</script>", "'x"])
def test_a_text_that_a_spreadsheet_would_run_is_written_as_text_and_read_as_it_was(file, text):
    line = replace(LINE, source_name=text, who=text, note=text)
    add(file, line)
    assert file.read().lines == (line,)
    assert not any(cell.startswith(("=", "+", "@", "-")) for cell in as_written(line).split(","))


def test_what_would_read_otherwise_or_contradict_is_not_written(file):
    add(file, LINE)
    before = file.path.read_bytes()
    for wrong in (
        replace(LINE, company_id="G1"),
        replace(LINE, source_name="'=1"),
        replace(LINE, source_name="b", company_id="X9"),
        replace(LINE, source_name="two\nlines"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            add(file, wrong)
        assert "review.csv" in str(raised.value)
        assert ".review.csv." not in str(raised.value)
    assert file.path.read_bytes() == before
    assert sorted(each.name for each in file.path.parent.iterdir()) == ["companies.csv", "review.csv"]


def test_a_file_with_a_mistake_is_left_alone(file):
    file.path.write_text("source_name,company_id,who,when\nHP,X9,joe,2025-01-01\n")
    with pytest.raises(ConfigurationError, match="X9"):
        file.version("Initech")


def test_a_decision_about_another_name_is_merged_and_one_about_the_same_name_is_refused(file):
    version, other = file.version("Initech"), file.version("Umbrella")
    add(file, replace(LINE, source_name="initech", who="joe", note="the pump maker"))
    file.add(replace(LINE, source_name="Umbrella"), other)
    with pytest.raises(DecidedMeanwhile, match="joe, 2026-01-31: the pump maker"):
        file.add(LINE, version)
    assert [line.source_name for line in file.read().lines] == ["initech", "Umbrella"]
    file.path.write_text(file.path.read_text().replace("the pump maker", "the printer"))
    with pytest.raises(DecidedMeanwhile, match="the printer"):
        file.add(LINE, version)


def decide_many(folder: Path, who: str) -> int:
    """Fifty decisions, each by a page that was made before the first one."""
    file = ReviewFile(folder / "review.csv", read_reference(folder / "companies.csv"), SOURCES)
    lines = [replace(LINE, source_name=f"{who} {number}", who=who) for number in range(DECISIONS)]
    versions = [file.version(line.source_name) for line in lines]
    for line, version in zip(lines, versions, strict=True):
        file.add(line, version)
    return len(lines)


@pytest.mark.parametrize("pool", [ProcessPoolExecutor, ThreadPoolExecutor])
def test_two_that_decide_at_once_lose_nothing(file, pool):
    with pool(2) as executor:
        written = list(executor.map(decide_many, [file.path.parent] * 2, ["jane", "joe"]))
    assert written == [DECISIONS] * 2
    names = pd.Series([line.source_name for line in read_review(file.path, file.reference, SOURCES).lines])
    assert len(names) == names.nunique() == 2 * DECISIONS


def test_the_same_name_is_decided_once_by_two_at_once(file):
    version = file.version("Initech")

    def decide(company_id: str) -> str:
        try:
            file.add(replace(LINE, company_id=company_id, who=company_id), version)
        except DecidedMeanwhile as error:
            return error.lines[0].who
        return "written"

    with ThreadPoolExecutor(2) as executor:
        found = list(executor.map(decide, ["A1", "G1"]))
    [line] = file.read().lines
    assert sorted(found) == sorted([line.who, "written"])
