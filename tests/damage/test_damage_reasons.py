"""Every reason for which a row or a cell is not used, and every check of every table, fires on a damaged file."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from damage.chain import QUARTERS, Passage, mapping_of_source, pass_through, rows_of
from pandera.errors import SchemaErrors

from finsync_pipeline.identity import Review
from finsync_pipeline.identity.review import ReviewLine
from finsync_pipeline.statements import tables
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.reasons import REASONS
from finsync_pipeline.statements.tables import Field, Table

SHIPPED = mapping_of_source("pnl")
MAPPING = SourceMapping.model_validate(
    SHIPPED.model_dump()
    | {
        "company": {"column": "Company Name", "supporting_columns": {"ticker": "Ticker"}},
        "period_end": {"column": "Period Ended", "formats": ["%B %d, %Y", "%d/%m/%Y", "%m/%d/%Y"]},
        "currency": {"column": "Currency"},
        "scale": {"column": "Units", "values": {"USD thousands": "thousands"}},
        "known_since": "Filed",
        "blank_means": "withdrawn",
        "items": {"revenue": "Total Revenue", "net_income": "Net Profit", "form": "Form"},
    }
)
USUAL = {
    "Company Name": "APPLE INC",
    "Months": "12",
    "Units": "USD thousands",
    "Currency": "USD",
    "Filed": "2011-02-01",
    "Total Revenue": "1,000",
}


@dataclass(frozen=True)
class Case:
    """Rows of one quarter of which `refused` are refused or superseded for the reason, as this text or as a whole."""

    reason: str
    rows: list[dict[str, str]]
    refused: int = 1
    text: str | None = None


CASES = [
    Case("date_unreadable", [{"Period Ended": "n/a"}]),
    Case("date_ambiguous", [{"Period Ended": "03/04/2009"}]),
    Case("outside_quarters", [{"Period Ended": "December 31, 2030"}]),
    Case("repeated_row", [{"Row": "a"}, {"Row": "a"}]),
    Case("schema:row_key_present", [{"Row": " "}]),
    Case("schema:row_key_unique", [{"Row": "a"}, {"Row": "a", "Months": "3"}], refused=2),
    Case("schema:company_present", [{"Company Name": ""}]),
    Case("length_unknown", [{"Months": "5"}]),
    Case("currency_unknown", [{"Currency": "US$"}]),
    Case("scale_unknown", [{"Units": "USD dozens"}]),
    Case("known_since_unreadable", [{"Filed": "soon"}]),
    Case("known_since_after_delivery", [{"Filed": "2099-01-01"}]),
    Case("known_since_before_period_end", [{"Filed": "1999-12-31"}]),
    Case("company_unknown", [{"Company Name": "Nobody & Sons"}]),
    Case("company_ambiguous", [{"Company Name": "Chubb"}]),
    Case("company_conflict", [{"Ticker": "MMM"}]),
    Case("company_rejected", [{"Company Name": "Walt Disney Stores"}]),
    Case("company_contradicted", [{}, {"Company Name": "0000320193", "Total Revenue": "1,001"}]),
    Case("row_without_values", [{"Total Revenue": "\xa0"}]),
    Case("not_a_number", [{"Total Revenue": "1,2345"}], text="1,2345"),
    Case("schema:value_within_bounds", [{"Total Revenue": "(1e15)"}], text="(1e15)"),
    Case("conflict", [{}, {"Total Revenue": "1,001"}], refused=2),
    Case("same_value", [{}, {"Total Revenue": " 1000.0"}], text=" 1000.0"),
    Case("withdrawn", [{}, {"Filed": "2011-05-01", "Total Revenue": "", "Net Profit": "7"}], text="1,000"),
    Case("older_value", [{"Filed": "2011-05-01", "Total Revenue": "5"}, {"Total Revenue": "6"}], text="6"),
]
REJECTED = ReviewLine(None, "walt disney stores", None, "reject", None, None, "jane", date(2026, 1, 31), None)
ENDS = {case.reason: f"{date(q.year, q.month + 2, 30):%B %d, %Y}" for case, q in zip(CASES, QUARTERS, strict=False)}


@pytest.fixture(scope="module")
def passage(tmp_path_factory: pytest.TempPathFactory) -> Passage:
    file = tmp_path_factory.mktemp("reasons") / "pnl.csv"
    rows = [USUAL | {"Period Ended": ENDS[case.reason]} | row for case in CASES for row in case.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, MAPPING.columns, restval="")
    writer.writeheader()
    writer.writerows({"Row": str(number)} | row for number, row in enumerate(rows))
    file.write_text(text.getvalue(), encoding="utf-8")
    return pass_through(file, MAPPING, review=Review((REJECTED,)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_what_is_not_used_is_kept_with_its_reason_and_the_rest_is_used(passage: Passage, case: Case) -> None:
    is_of_inventory = REASONS[case.reason].stage == "inventory"
    rejects = rows_of(passage.inventory.unassigned if is_of_inventory else passage.out.rejects)
    quarter = QUARTERS[CASES.index(case)]
    assert len([line for line in rejects if line["reason"] == case.reason]) == case.refused
    found = [line for line in rejects if line["quarter"] == quarter or line["reason"] == case.reason]
    assert [line["reason"] for line in found] == [case.reason] * case.refused
    for line in found:
        assert (line["stage"], line["outcome"]) == (REASONS[case.reason].stage, REASONS[case.reason].outcome)
        if line["item"] is None:
            kept = json.loads(line["raw_text"])
            assert any(row.items() <= kept.items() for row in case.rows)
            assert list(kept) == MAPPING.columns
        else:
            assert line["raw_text"] == (case.text or line["raw_text"])
    used = [fact for fact in rows_of(passage.out.facts) if quarter_of(fact["period_end"]) == quarter]
    assert len(used) == len(case.rows) - case.refused


def test_every_reason_has_a_case(passage: Passage) -> None:
    assert {case.reason for case in CASES} == set(REASONS)
    assert passage.imbalances == []


HELD = [
    (table, field)
    for table in vars(tables).values()
    if isinstance(table, Table) and table.name != "derived"  # which is computed when asked for, and stored nowhere
    for field in table.fields
    if field.allowed is not None or field.pattern is not None or field.bound is not None
]


def usual(field: Field) -> Any:
    """A value that the field takes."""
    if field.allowed is not None:
        return field.allowed[0]
    if field.pattern is not None:
        return "USD"
    return {"string": "x", "int64": 1, "double": 1.5, "date32[day]": date(2009, 12, 31), "bool": True}[str(field.type)]


def damaged(field: Field) -> list[tuple[str, Any]]:
    """The field's checks, each with values that break it."""
    bad: list[tuple[str, Any]] = []
    if field.allowed is not None:
        bad += [(f"{field.name}_is_known", value) for value in (["x", ""] if field.type == tables.TEXT else [5, -12])]
    if field.pattern is not None:
        bad += [(f"{field.name}_is_well_formed", text) for text in ("usd", "US", "USDX", "", " USD", "USD\n")]
    if field.bound is not None:
        bad += [(f"{field.name}_within_bounds", value) for value in (1e18, -1e18, float("inf"))]
    return bad


@pytest.mark.parametrize(("table", "field"), HELD, ids=[f"{table.name}.{field.name}" for table, field in HELD])
def test_a_table_takes_no_value_that_breaks_a_check(table: Table, field: Field) -> None:
    row = {each.name: usual(each) for each in table.fields}
    assert len(table.conform(table.frame([row]))) == 1
    for check, value in damaged(field):
        with pytest.raises(SchemaErrors) as errors:
            table.conform(table.frame([row, row | {field.name: value}]))
        cases = errors.value.failure_cases
        assert cases[["column", "check", "index"]].values.tolist() == [[field.name, check, 1]], value


@pytest.mark.parametrize(
    "table",
    [each for each in vars(tables).values() if isinstance(each, Table) and each.name != "derived"],
    ids=lambda table: table.name,
)
def test_a_table_takes_no_row_without_what_it_must_have(table: Table) -> None:
    row = {each.name: usual(each) for each in table.fields}
    needed = [each.name for each in table.fields if not each.nullable]
    with pytest.raises(SchemaErrors) as errors:
        table.conform(table.frame([{name: cell for name, cell in row.items() if name not in needed}]))
    missing = errors.value.failure_cases
    assert set(missing["check"]) == {"not_nullable"}
    assert sorted(missing["column"]) == sorted(needed)
