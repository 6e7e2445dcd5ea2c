"""Sources are queried at the same time, as are the queries of one: servers that respond only when all have requests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest
from extraction_sources import COLUMNS, Q4, QUARTERS, csv_text, pnl_mapping
from local_services import answering_service
from plain_servers import gathering, plain_server, write_table

from finsync_pipeline.clients import source_service
from finsync_pipeline.errors import SourceInvalid, SourceUnavailable
from finsync_pipeline.extraction.connect import Prefetch, inventory_of, query_each, service_of
from finsync_pipeline.extraction.fetch import fetch_periods
from finsync_pipeline.extraction.inventory import take_inventory
from finsync_pipeline.statements.mapping import SourceMapping
from source_services.settings import Service

ROWS = [(1, "A", "2009-12-31", "1", "2"), (2, "B", "2009-12-30", "3", "4"), (3, "C", "n/a", "5", "6")]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "pnl.csv"
    file.write_text(csv_text(ROWS))
    with answering_service(Service("pnl", 0, "Period Ended"), file) as service:
        yield service.url


@pytest.fixture
def together(url: str) -> Iterator[list[SourceMapping]]:
    """Three sources, none of which responds to its first request before the others have theirs."""
    barrier = Barrier(3)
    with ExitStack() as stack:
        yield [
            pnl_mapping(stack.enter_context(gathering(url, barrier)), name=f"source_{number}") for number in range(3)
        ]


def test_sources_are_queried_at_the_same_time_with_results_in_their_order(together: list[SourceMapping]) -> None:
    results = query_each(together, lambda mapping: (mapping.name, inventory_of(mapping, QUARTERS).row_count))
    assert [each.result() for each in results] == [("source_0", 3), ("source_1", 3), ("source_2", 3)]


def test_a_source_that_does_not_respond_does_not_affect_the_others(url: str) -> None:
    mappings = [pnl_mapping(url), pnl_mapping("http://127.0.0.1:9"), pnl_mapping(url, table="other")]
    good, silent, wrong = query_each(mappings, lambda mapping: inventory_of(mapping, QUARTERS))
    assert good.result().row_count == 3
    assert isinstance(silent.exception(), SourceUnavailable)
    assert isinstance(wrong.exception(), SourceInvalid)


def test_the_queries_of_an_inventory_are_sent_at_the_same_time(url: str) -> None:
    with gathering(url, Barrier(4), range(4)) as gathered:
        mapping = pnl_mapping(gathered)
        with service_of(mapping) as service:
            assert take_inventory(service, mapping, QUARTERS).row_count == 3


def test_chunks_are_fetched_at_the_same_time(tmp_path: Path) -> None:
    rows = [(number, "A", f"2009-12-{number % 20 + 1}", 1, 2) for number in range(200)]
    with plain_server(write_table(tmp_path / "capped.sqlite", COLUMNS, rows), most=50) as server:
        counts = {f"'2009-12-{day}'": 10 for day in range(1, 21)}
        with gathering(server.url, Barrier(4), range(1, 5)) as gathered, service_of(pnl_mapping(gathered)) as service:
            parts = fetch_periods(service, pnl_mapping(), counts)
    assert [part.row_count for part in parts] == [50] * 4


def test_prefetched_results_are_handed_out_once(together: list[SourceMapping]) -> None:
    with Prefetch() as prefetch:
        prefetch.start(together, QUARTERS, {})
        prefetch.start(together, QUARTERS, {})
        inventories = [prefetch.inventory(mapping.name) for mapping in together]
        assert [inventory.row_count if inventory else None for inventory in inventories] == [3, 3, 3]
        assert prefetch.inventory("source_0") is None
        assert prefetch.table("source_0") is None


def test_an_error_of_a_prefetched_source_is_not_handed_out(url: str) -> None:
    mappings = [pnl_mapping("http://127.0.0.1:9", name="silent"), pnl_mapping(url, name="good")]
    with Prefetch() as prefetch:
        prefetch.start(mappings, QUARTERS, {"silent": QUARTERS, "good": QUARTERS})
        assert prefetch.inventory("silent") is None
        assert prefetch.table("silent") is None
        assert prefetch.inventory("good") is not None
        assert prefetch.inventory("unknown") is None


@pytest.mark.parametrize(("wanted", "is_got"), [(QUARTERS, True), ([Q4], True), ([], False), (QUARTERS[:1], False)])
def test_a_whole_table_is_prefetched_into_a_file_if_the_quarters_are_all(
    url: str, monkeypatch: pytest.MonkeyPatch, wanted: list[object], is_got: bool
) -> None:
    monkeypatch.setattr(source_service, "LARGE_BYTES", 0)
    with Prefetch() as prefetch:
        prefetch.start([pnl_mapping(url)], QUARTERS, {"pnl": wanted})
        table = prefetch.table("pnl")
        assert (table is not None) is is_got
        assert table is None or table.row_count == 3
        assert prefetch.table("pnl") is None


def test_unused_results_do_not_delay_the_end(together: list[SourceMapping]) -> None:
    with Prefetch() as prefetch:
        prefetch.start(together[:2], QUARTERS, {})  # these two wait for the third
    assert prefetch.inventory("source_0") is None
    assert inventory_of(together[2], QUARTERS).row_count == 3
