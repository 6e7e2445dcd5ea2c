"""A statement as a table over time: columns by fiscal year, and what each cell says of itself."""

from datetime import date

import pytest

from finsync_pipeline.serving.open_release import OpenRelease, Releases
from finsync_pipeline.serving.statement_table import Column, statement_table
from finsync_pipeline.serving.statements import Wanted

DECEMBER, SEPTEMBER = date(2009, 12, 31), date(2009, 9, 30)


@pytest.fixture(scope="module")
def release(released) -> OpenRelease:
    return Releases(released.published).open()


@pytest.mark.parametrize(
    ("months", "quarter", "label"),
    [(12, 4, "FY 2009"), (0, 4, "FY 2009"), (3, 3, "Q3 FY 2009"), (0, 1, "Q1 FY 2009"), (3, 4, "Q4 FY 2009"),
     (9, 3, "9 months, Q3 FY 2009"), (12, 1, "12 months, Q1 FY 2009")],
)  # fmt: skip
def test_a_column_is_named_after_its_fiscal_year(months, quarter, label):
    assert Column(DECEMBER, months, 2009, quarter, False).label == label


def test_a_period_without_a_fiscal_year_is_named_after_its_length():
    assert Column(DECEMBER, 6, None, None, None).label == "6 months"
    assert Column(DECEMBER, 0, None, None, None).label == "Balance"


def test_items_are_lines_and_periods_are_columns(release):
    table = statement_table(release, Wanted("A1", "income_statement", (12,), currency="USD"))
    assert [column.period_end for column in table.columns] == [SEPTEMBER, DECEMBER]
    revenue = next(line for line in table.lines if line.item == "revenue")
    assert {place: cell.value for place, cell in revenue.cells.items()} == {
        (SEPTEMBER, 12): 1_000_000, (DECEMBER, 12): 2_000_000}  # fmt: skip
    assert "gross_profit" in table.without_values


def test_a_disputed_cell_has_its_reason_and_each_source_is_a_line_below(release):
    wanted = Wanted("A1", "income_statement", (12,), currency="USD")
    table = statement_table(release, wanted, beside=("cash_flow", "pnl"))
    net_income = [line for line in table.lines if line.item == "net_income"]
    assert [line.source for line in net_income] == [None, "cash_flow", "pnl"]
    cell = net_income[0].cells[DECEMBER, 12]
    assert cell.verdict == "disputed"
    assert "differ by more than the tolerance" in cell.why
    assert [line.cells[DECEMBER, 12].value for line in net_income[1:]] == [-60_000, -50_000]
    assert [note["item"] for note in table.notes] == ["net_income"]


def test_a_derived_value_says_what_it_is_made_of_and_is_only_where_it_is_asked_for(release):
    wanted = Wanted("A1", "balance_sheet", (0,), currency="USD")
    assert not any(line.is_formula for line in statement_table(release, wanted).lines)
    lines = [line for line in statement_table(release, wanted, ["formula"]).lines if line.is_formula]
    cells = [cell for line in lines for cell in line.cells.values()]
    assert all(cell.derived == "formula" and cell.operands for cell in cells)
    published = [line for line in statement_table(release, wanted, ["formula"]).lines if not line.is_formula]
    assert not any(cell.derived for line in published for cell in line.cells.values())


def test_a_formula_without_an_operand_has_no_cell(release):
    wanted = Wanted("A1", "balance_sheet", (0,), currency="USD")
    lines = {line.item for line in statement_table(release, wanted, ["formula"]).lines}
    assert "cash" in lines
    assert "liquid_assets" not in lines  # the release has no short-term investments


def test_nothing_is_derived_of_one_source(release):
    wanted = Wanted("A1", "balance_sheet", (0,), source="balance_sheet", currency="USD")
    table = statement_table(release, wanted, ["formula"])
    assert table.lines
    assert not any(line.is_formula for line in table.lines)
