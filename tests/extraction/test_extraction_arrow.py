"""The same rows whichever way they come: in Arrow from a service of FinSync's own, or in plain JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from extraction_sources import Q4, QUARTERS, deliver, extract, json_lines, parquet_bytes, pnl_mapping
from local_services import answering_service
from plain_servers import passing_on

from finsync_pipeline.clients.responses import Rows, table_of
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.extraction.cell_text import as_literals, as_text, cell_as_text
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.extraction.source_query import literal
from source_services.settings import Service

REVENUES: list[Any] = [500.0, 500, 0.1, 1e-07, -0.0, 2.0**53, 12345678.25, 1e22, -3, None]
PROFITS: list[Any] = [2**60, 0.5, "n/a", "", None, True, 7, "1,5", 1e300, [1, {"a": None}]]
ENDS: list[Any] = ["2009-12-31", 20091231, 20091231.0, "31/12/2009", None, "n/a", 20100331, 2009.5, "2009-12-31", ""]


@dataclass(frozen=True)
class Served:
    """One source at two addresses."""

    in_arrow: str
    in_json: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    rows = [
        {"Row": number, "Company Name": f"Größe {number % 3}", "Period Ended": end, "Total Revenue": revenue,
         "Net Profit": profit, "Beside": number / 3}
        for number, (end, revenue, profit) in enumerate(zip(ENDS * 7, REVENUES * 7, PROFITS * 7, strict=True))
    ]  # fmt: skip
    file = tmp_path_factory.mktemp("arrow") / "pnl.jsonl"
    file.write_text(json_lines(rows), encoding="utf-8")
    with (
        answering_service(Service("pnl", 0, "Period Ended"), file) as service,
        passing_on(service.url, supports_arrow=False) as plain,
    ):
        yield Served(service.url, plain)


def mapping_at(url: str, **changes: Any) -> Any:
    period_end = {"column": "Period Ended", "formats": ["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y"]}
    return pnl_mapping(url, period_end=period_end, **changes)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("quarters", [QUARTERS, [Q4]], ids=["the whole table", "a quarter"])
def test_rows_in_arrow_and_in_json_are_the_same_bytes(
    served: Served, tmp_path: Path, quarters: Any, decimal: str
) -> None:
    found = []
    for url in (served.in_arrow, served.in_json):
        mapping = mapping_at(url, numbers={"decimal": decimal})
        inventory = deliver(mapping)
        tables = (inventory.periods, inventory.unassigned, extract(mapping, inventory.periods, quarters))
        found.append(([parquet_bytes(table, tmp_path) for table in tables], inventory.row_count, inventory.unmapped))
    assert found[0] == found[1]


def test_one_service_supports_arrow_and_the_other_does_not(served: Served) -> None:
    with SourceService("pnl", served.in_arrow) as service:
        table = service.table()
        assert table is not None
        assert table.row_count == 70
    with SourceService("pnl", served.in_json) as service:
        assert service.table() is None


def test_cells_are_written_as_the_source_writes_them(served: Served) -> None:
    mapping = mapping_at(served.in_arrow, numbers={"decimal": ","})
    inventory = deliver(mapping)
    rows = extract(mapping, inventory.periods).set_index("Row")
    texts = {number: rows["Total Revenue"][str(number)] for number in (0, 1, 2, 3)}
    assert texts == {0: "500", 1: "500", 2: "0,1", 3: "1e-07"}
    assert (rows["Net Profit"]["0"], rows["Net Profit"]["1"]) == (str(2**60), "0,5")


def test_a_prefetched_table_is_used_if_it_is_what_the_inventory_counts(served: Served) -> None:
    mapping = mapping_at(served.in_arrow)
    periods = deliver(mapping).periods
    with SourceService("pnl", served.in_arrow) as service:
        held = service.table()
        expected = fetch_rows(service, mapping, periods, QUARTERS)
        assert held is not None
        for outdated in (Rows(held.table.slice(1), held.data_version), Rows(held.table, "another")):
            assert fetch_rows(service, mapping, periods, QUARTERS, outdated).equals(expected)
    with SourceService("pnl", "http://127.0.0.1:9") as nowhere:
        assert fetch_rows(nowhere, mapping, periods, QUARTERS, held).equals(expected)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (500.0, "500"), (-0.0, "0"), (2.0**53, str(2**53)),
        (-(2.0**53), str(-(2**53))), (2.0**53 + 2, "9007199254740994;0"),
        (0.1, "0;1"), (1e22, "1e+22"), (1.5e-07, "1;5e-07"), (float("inf"), "Infinity"), (float("nan"), "NaN"),
        (500, "500"), (2**70, str(2**70)), (True, "true"), ("1.5", "1.5"), (None, None), ([1, "é"], '[1, "é"]'),
    ],
)  # fmt: skip
def test_a_cell_has_one_text(cell: Any, text: str | None) -> None:
    assert cell_as_text(cell, ";") == text


def test_columns_of_every_type_are_read_by_their_distinct_cells() -> None:
    mixed = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"x"', "1.0", "null", None, "1.0", '"Infinity"']))
    columns = {
        "text": pa.array(["x", None, "x"]),
        "encoded": pa.array(["x", None, "x"]).dictionary_encode(),
        "whole": pa.array([1, None, -(2**63)]),
        "number": pa.array([1.0, None, float("-inf")]),
        "blob": pa.array([b"\x00", None, b""]),
        "nothing": pa.nulls(3),
        "truth": pa.array([True, None, False]),
    }
    texts = {name: as_text(pa.chunked_array([each, each.slice(1)])).to_pylist() for name, each in columns.items()}
    assert texts == {
        "text": ["x", None, "x", None, "x"],
        "encoded": ["x", None, "x", None, "x"],
        "whole": ["1", None, str(-(2**63)), None, str(-(2**63))],
        "number": ["1", None, "-Infinity", None, "-Infinity"],
        "blob": ["00", None, "", None, ""],
        "nothing": [None] * 5,
        "truth": ["true", None, "false", None, "false"],
    }
    assert as_text(pa.chunked_array([mixed])).to_pylist() == ["x", "1", None, None, "1", "Infinity"]
    assert as_text(pa.chunked_array([], pa.json_())).to_pylist() == []
    literals = as_literals(pa.chunked_array([pa.array([20091231.0, None, 2009.5])])).to_pylist()
    assert literals == [literal(20091231), "NULL", "2009.5"]


def test_json_cells_get_the_type_that_a_service_of_finsync_gives_them() -> None:
    rows = [[1, 1, "a", 1, 2**60, 2**63, None], [2.5, 2**60, None, "b", 0.5, 1, None]]
    answer = Rows(table_of(list("abcdefg"), rows), None)
    kinds = [str(kind) for kind in answer.table.schema.types]
    mixed = "extension<arrow.json>"
    assert kinds == ["double", "int64", "string", mixed, mixed, mixed, "null"]
    assert answer.as_lists() == rows
