"""Services that give a limited number of rows at once: all rows are fetched, or an error names the reason."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from extraction_sources import COLUMNS, Q1, Q4, QUARTERS, deliver, extract, pnl_mapping
from plain_servers import Plain, plain_server, write_table

from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceInvalid

DAYS = [f"2009-{month:02}-{day:02}" for month in (9, 10, 11, 12) for day in range(1, 29)]
CAPS = [{"most": 10}, {"most": 37}, {"most": 10, "rejects": True}, {"most": 37, "rejects": True}]
IDS = ["10 silently", "37 silently", "10 rejected", "37 rejected"]


def some_rows() -> list[tuple[Any, ...]]:
    """112 periods of one row, one of 130 rows, one without an end; keys twice, keys of text and number, and no key."""
    rows: list[tuple[Any, ...]] = [(number, "A", day, number, 1.5) for number, day in enumerate(DAYS)]
    rows += [(number, "B", "2009-12-31", number, None) for number in range(1_000, 1_120)]
    rows += [(key, "C", "2009-12-31", 1, 500.0) for key in ("b", "a", "a", "it's", "", 1_000, 1_000, 7.5, None, None)]
    rows += [(number, "D", None, number, "x") for number in range(2_000, 2_050)]
    return rows


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_table(tmp_path / "capped.sqlite", COLUMNS, some_rows())


def everything(server: Plain) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The inventory, the unassigned rows, the rows of all quarters, and those of one."""
    mapping = pnl_mapping(server.url)
    inventory = deliver(mapping)
    rows = [extract(mapping, inventory.periods, quarters) for quarters in (QUARTERS, [Q4])]
    assert inventory.row_count == len(some_rows())
    return inventory.periods, inventory.unassigned, *rows


@pytest.mark.parametrize("cap", CAPS, ids=IDS)
def test_rows_fetched_in_chunks_are_those_fetched_at_once(database: Path, cap: dict[str, Any]) -> None:
    with plain_server(database) as server:
        expected = everything(server)
    with plain_server(database, **cap) as server:
        found = everything(server)
    for one, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert len(found[1]) == 50
    assert len(found[2]) == len(some_rows()) - 50


def test_a_service_without_a_limit_gets_one_query_for_all_rows(database: Path) -> None:
    with plain_server(database) as server:
        mapping = pnl_mapping(server.url)
        periods = deliver(mapping).periods
        server.requests.clear()
        extract(mapping, periods)
    assert [sent.split("?")[0] for sent in server.requests] == ["/data", "/query"]


def test_a_limit_of_a_thousand_rows_takes_few_requests(tmp_path: Path) -> None:
    rows = [(number, "A", f"2009-12-{number % 28 + 1:02}", 1, 1) for number in range(10_000)]
    with plain_server(write_table(tmp_path / "many.sqlite", COLUMNS, rows), most=1_000) as server:
        mapping = pnl_mapping(server.url)
        periods = deliver(mapping).periods
        server.requests.clear()
        assert len(extract(mapping, periods)) == 10_000
    assert len(server.requests) < 20


@pytest.mark.parametrize("key", [7, None], ids=["one key", "no key"])
@pytest.mark.parametrize("cap", CAPS[::2], ids=IDS[::2])
def test_rows_that_cannot_be_distinguished_are_an_error(tmp_path: Path, cap: dict[str, Any], key: int | None) -> None:
    rows = [(key, "A", "2009-12-31", number, 1) for number in range(30)]
    with plain_server(write_table(tmp_path / "one.sqlite", COLUMNS, rows), **cap) as server:
        mapping = pnl_mapping(server.url)
        periods = deliver(mapping).periods
        with pytest.raises(SourceInvalid) as error:
            extract(mapping, periods)
    shown = str(error.value)
    assert f"Source 'pnl' at {server.url}: " in shown
    assert "defs/sources/pnl/defs.yaml" in shown
    if key is not None or not cap.get("rejects"):
        assert "the service returns " in shown
        assert "of the period '2009-12-31' have " in shown
        assert ("the same Row, 7" if key else "no Row") in shown


@pytest.mark.parametrize("cap", CAPS, ids=IDS)
def test_rows_that_are_missing_since_the_inventory_are_a_change(database: Path, cap: dict[str, Any]) -> None:
    with plain_server(database, **cap) as server:
        mapping = pnl_mapping(server.url)
        periods = deliver(mapping).periods
        before = len(extract(mapping, periods, [Q4]))
        server.database = write_table(database.with_name("other.sqlite"), COLUMNS, some_rows()[1:])
        assert len(extract(mapping, periods, [Q4])) == before
        with pytest.raises(SourceChanged, match=r"Run: finsync run"):
            extract(mapping, periods)


@pytest.mark.parametrize("most", [None, 1, 50])
def test_a_service_without_sql_is_read_page_by_page(database: Path, most: int | None) -> None:
    with plain_server(database) as server:
        expected = everything(server)
    with plain_server(database, most=most, has_sql=False) as server:
        found = everything(server)
    for one, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_service_with_neither_sql_nor_a_table_is_an_error(database: Path) -> None:
    with plain_server(database, has_sql=False) as server:
        mapping = pnl_mapping(f"{server.url}/nowhere")
        with pytest.raises(SourceInvalid, match=r"returned 404 for /query. Check url and table"):
            deliver(mapping)


def test_a_quarter_without_rows_is_empty_for_every_service(database: Path) -> None:
    for behaviour in ({}, {"most": 10}, {"has_sql": False}):
        with plain_server(database, **behaviour) as server:
            mapping = pnl_mapping(server.url)
            assert extract(mapping, deliver(mapping).periods, [Q1]).empty


def test_a_table_without_sql_is_not_mistaken_for_one_with_it(database: Path) -> None:
    with plain_server(database, has_sql=False) as server, SourceService("pnl", server.url) as service:
        assert service.table() is None  # it does not support Arrow, and may support SQL
        with pytest.raises(SourceInvalid):
            service.query("SELECT 1")
        table = service.table()
    assert table is not None
    assert table.row_count == len(some_rows())
