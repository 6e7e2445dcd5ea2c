"""A source whose service is plain SQL over HTTP: no /version, no headers."""

import sqlite3
from pathlib import Path

import pytest
from extraction_sources import COLUMNS, Q1, Q4, QUARTERS, deliver, extract, pnl_mapping
from plain_servers import plain_server, write_table

from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.extraction.inventory import quarter_versions


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "plain.sqlite"
    rows = [(1, "A", "2009-12-31", 1, 2), (2, "B", "2010-03-31", 3, 4), (3, "C", None, 5, 6)]
    return write_table(file, COLUMNS, rows)


def change(database: Path, sql: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(sql)


def test_a_service_without_versions_is_extracted_too(database: Path) -> None:
    with plain_server(database) as server:
        mapping = pnl_mapping(server.url)
        inventory = deliver(mapping)
        rows = extract(mapping, inventory.periods)
    assert rows["Row"].tolist() == ["1", "2"]
    assert inventory.unassigned["row_key"].tolist() == ["3"]
    assert inventory.periods["content_hash"].isna().all()


def test_without_hashes_a_quarter_changes_with_the_counts_of_the_source(database: Path) -> None:
    with plain_server(database) as server:
        before = quarter_versions(deliver(pnl_mapping(server.url)).periods)
        again = quarter_versions(deliver(pnl_mapping(server.url)).periods)
        change(database, "INSERT INTO pnl VALUES (4, 'D', '2009-12-31', 7, 8)")
        after = quarter_versions(deliver(pnl_mapping(server.url)).periods)
    assert before == again
    assert before[Q4] != after[Q4]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO pnl VALUES (4, 'D', '2009-12-31', 7, 8)",
        'DELETE FROM pnl WHERE "Row" = 1',
        'UPDATE pnl SET "Period Ended" = \'2009-12-30\' WHERE "Row" = 1',
    ],
)
def test_rows_that_changed_since_the_inventory_are_an_error(database: Path, sql: str) -> None:
    with plain_server(database) as server:
        mapping = pnl_mapping(server.url)
        periods = deliver(mapping).periods
        change(database, sql)
        for quarters in ([Q4], QUARTERS):
            with pytest.raises(SourceChanged, match=r"Run: finsync run"):
                extract(mapping, periods, quarters)
        if "UPDATE" not in sql:
            assert extract(mapping, periods, [Q1])["Row"].tolist() == ["2"]


def test_a_message_about_a_change_shows_no_password(database: Path) -> None:
    with plain_server(database) as server:
        mapping = pnl_mapping(server.url.replace("//", "//reader:s3cret@"))
        periods = deliver(mapping).periods
        change(database, "DELETE FROM pnl")
        with pytest.raises(SourceChanged) as error:
            extract(mapping, periods)
    assert "s3cret" not in str(error.value)
    assert server.url in str(error.value)
