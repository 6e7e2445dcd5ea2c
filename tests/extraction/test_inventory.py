"""What a source holds: every period end assigned or rejected, unassigned rows kept, columns compared."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest
from extraction_sources import (
    COLUMNS,
    Q1,
    Q4,
    QUARTERS,
    csv_text,
    deliver,
    extract,
    json_lines,
    pnl_mapping,
)
from local_services import running_services

from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.extraction.inventory import Inventory
from finsync_pipeline.statements.tables import INVENTORY, REJECTS

ROWS = [
    (1, "A", "December 31, 2009", "1,000", "5", ""),
    (2, "B", "2009-12-31", "2,000", "6", ""),
    (3, "C", "December 27, 2009", "3,000", "None", ""),
    (4, "D", "January 3, 2010", "4,000", "7", ""),
    (5, "E", "January 31, 2010", "5,000", "8", ""),
    (6, "F", "", "6,000", "9", ""),
    (7, "G", "n/a", "7,000", "None", "seen"),
    (8, "H", "01/02/2010", "8,000", " ", ""),
    (9, "I", "December 31, 1990", "9,000", "10", ""),
    (10, "", "n/a", "", "", ""),
]
JSON_ROWS: list[dict[str, Any]] = [
    {"Row": 1, "Company Name": "A", "Period Ended": 20091231, "Total Revenue": 1234.5, "Net Profit": -7},
    {"Row": 2, "Company Name": "B", "Period Ended": 20091231.0, "Total Revenue": 0.1, "Net Profit": 1e-07},
    {"Row": 3, "Company Name": "C", "Period Ended": "20091231", "Total Revenue": "12", "Net Profit": 2**60},
    {"Row": 4, "Company Name": "D", "Period Ended": 20100331, "Total Revenue": True},
    {"Row": 5, "Company Name": "E", "Total Revenue": 5},
    {"Row": 6, "Company Name": "F", "Period Ended": 2009.5, "Total Revenue": 6, "Net Profit": 6},
]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("delivery")
    (folder / "pnl.csv").write_text(csv_text(ROWS, [*COLUMNS, "Remark"]), encoding="utf-8")
    (folder / "numbers.jsonl").write_text(json_lines(JSON_ROWS))
    renamed = [column.replace("Total Revenue", "Total Revenues") for column in COLUMNS]
    (folder / "renamed.csv").write_text(csv_text([row[:5] for row in ROWS], renamed))
    (folder / "empty.csv").write_text(csv_text([]))
    many = [(number, "A", "x" * 300 + str(number), 1, 2) for number in range(1_000)]
    (folder / "many.csv").write_text(csv_text(many))
    with running_services(folder) as urls:
        yield urls


@pytest.fixture(scope="module")
def inventory(urls: dict[str, str]) -> Inventory:
    return deliver(pnl_mapping(urls["pnl"]))


def by_key(frame: pd.DataFrame, key: str) -> dict[str, dict[str, Any]]:
    return {line[key]: line for line in frame.to_dict("records")}


@pytest.mark.parametrize(
    ("text", "period_end", "quarter", "reason", "rows"),
    [
        ("December 31, 2009", date(2009, 12, 31), Q4, None, 1),
        ("2009-12-31", date(2009, 12, 31), Q4, None, 1),
        ("December 27, 2009", date(2009, 12, 31), Q4, None, 1),
        ("January 3, 2010", date(2009, 12, 31), Q4, None, 1),
        ("January 31, 2010", date(2010, 1, 31), Q1, None, 1),
        ("", None, None, "date_unreadable", 1),
        ("n/a", None, None, "date_unreadable", 2),
        ("01/02/2010", None, None, "date_ambiguous", 1),
        ("December 31, 1990", date(1990, 12, 31), None, "outside_quarters", 1),
    ],
)
def test_each_period_end_is_assigned_or_has_a_reason(
    inventory: Inventory, text: str, period_end: date, quarter: date, reason: str, rows: int
) -> None:
    found = by_key(inventory.periods.astype(object), "period_end_text")[text]
    shown = {key: None if pd.isna(found[key]) else found[key] for key in ("period_end", "quarter", "reason")}
    assert shown == {"period_end": period_end, "quarter": quarter, "reason": reason}
    assert found["row_count"] == rows
    assert re.fullmatch("[0-9a-f]{64}", found["content_hash"])


def test_the_rows_of_quarters_and_the_unassigned_are_all_rows(urls: dict[str, str], inventory: Inventory) -> None:
    rows = extract(pnl_mapping(urls["pnl"]), inventory.periods)
    assert sorted([*rows["Row"], *inventory.unassigned["row_key"]], key=int) == [str(row[0]) for row in ROWS]
    assert len(rows) + len(inventory.unassigned) == inventory.row_count == len(ROWS)


def test_unassigned_rows_are_rejected_with_their_reason_and_their_cells_counted(inventory: Inventory) -> None:
    unassigned = by_key(inventory.unassigned, "row_key")
    shown = {key: (line["reason"], line["stage"], line["outcome"], line["cells"]) for key, line in unassigned.items()}
    assert shown == {
        "6": ("date_unreadable", "inventory", "rejected", 2),
        "7": ("date_unreadable", "inventory", "rejected", 1),
        "8": ("date_ambiguous", "inventory", "rejected", 1),
        "9": ("outside_quarters", "inventory", "rejected", 2),
        "10": ("date_unreadable", "inventory", "rejected", 0),
    }
    assert json.loads(unassigned["7"]["raw_text"]) == dict(zip(COLUMNS, map(str, ROWS[6]), strict=False))


def test_columns_that_the_mapping_does_not_name_are_listed(inventory: Inventory) -> None:
    assert inventory.unmapped == ["Remark"]


def test_a_renamed_column_is_an_error_that_names_the_similar_one(urls: dict[str, str]) -> None:
    with pytest.raises(SourceInvalid) as error:
        deliver(pnl_mapping(urls["renamed"], table="renamed"))
    assert "'Total Revenue' of table 'renamed' is not delivered" in str(error.value)
    assert "it may now be called 'Total Revenues'" in str(error.value)
    assert "defs/sources/pnl/defs.yaml" in str(error.value)


def test_an_empty_source_has_an_empty_inventory_and_no_rows(urls: dict[str, str]) -> None:
    mapping = pnl_mapping(urls["empty"], table="empty")
    inventory = deliver(mapping)
    assert (len(inventory.periods), len(inventory.unassigned), inventory.row_count) == (0, 0, 0)
    assert extract(mapping, inventory.periods)["Row"].tolist() == []


def test_any_number_of_unassigned_period_ends_fits_into_urls(
    urls: dict[str, str],
) -> None:
    inventory = deliver(pnl_mapping(urls["many"], table="many"))
    assert inventory.unassigned["row_key"].tolist() == [str(number) for number in range(1_000)]
    assert set(inventory.unassigned["reason"]) == {"date_unreadable"}


@pytest.mark.parametrize("decimal", [".", ","])
def test_json_numbers_keep_their_text_in_the_notation_of_the_source(urls: dict[str, str], decimal: str) -> None:
    mapping = json_mapping(urls, numbers={"decimal": decimal})
    rows = by_key(extract(mapping, deliver(mapping).periods), "Row")
    cells = {key: (line["Total Revenue"], line["Net Profit"]) for key, line in rows.items()}
    assert cells == {
        "1": (f"1234{decimal}5", "-7"),
        "2": (f"0{decimal}1", "1e-07"),
        "3": ("12", str(2**60)),
        "4": ("true", None),
    }


def test_periods_that_are_json_numbers_are_read_by_their_digits(urls: dict[str, str]) -> None:
    mapping = json_mapping(urls)
    inventory = deliver(mapping)
    counts = dict(zip(inventory.periods["literal"], inventory.periods["row_count"], strict=True))
    assert counts == {"20091231": 2, "'20091231'": 1, "20100331": 1, "NULL": 1, "2009.5": 1}
    rows = by_key(extract(mapping, inventory.periods), "Row")
    assert {key: line["finsync_period_end"] for key, line in rows.items()} == {
        **dict.fromkeys("123", date(2009, 12, 31)),
        "4": date(2010, 3, 31),
    }
    assert inventory.unassigned["row_key"].tolist() == ["5", "6"]


def test_inventory_and_unassigned_rows_have_their_schemas(urls: dict[str, str]) -> None:
    for mapping in (pnl_mapping(urls["pnl"]), json_mapping(urls), pnl_mapping(urls["empty"], table="empty")):
        inventory = deliver(mapping, QUARTERS)
        INVENTORY.validate(inventory.periods)
        REJECTS.validate(inventory.unassigned)


def json_mapping(urls: dict[str, str], **changes: Any) -> Any:
    period_end = {"column": "Period Ended", "formats": ["%Y%m%d"]}
    return pnl_mapping(urls["numbers"], table="numbers", period_end=period_end, **changes)
