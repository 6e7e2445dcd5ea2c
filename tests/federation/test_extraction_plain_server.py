"""A source whose service is nothing but SQL over HTTP: no /version, no headers."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from federation_sources import Q1, Q4, QUARTERS, deliver, extract, pnl_mapping

from finsync_pipeline.clients.faults import SourceChanged
from finsync_pipeline.federation.extraction import quarter_versions


@contextmanager
def plain_server(database: Path) -> Iterator[str]:
    """A server that answers /query from the SQLite file and 404 to all else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            self.send_response(200 if asked.path == "/query" else 404)
            self.end_headers()
            if asked.path == "/query":
                with sqlite3.connect(database) as connection:
                    cursor = connection.execute(parse_qs(asked.query)["q"][0])
                    rows = cursor.fetchall()
                body = {
                    "columns": [column[0] for column in cursor.description],
                    "rows": rows,
                    "row_count": len(rows),
                }
                self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "plain.sqlite"
    rows = [(1, "A", "2009-12-31", 1, 2), (2, "B", "2010-03-31", 3, 4), (3, "C", None, 5, 6)]
    with sqlite3.connect(file) as connection:
        connection.execute('CREATE TABLE pnl ("Row", "Company Name", "Period Ended", "Total Revenue", "Net Profit")')
        connection.executemany("INSERT INTO pnl VALUES (?, ?, ?, ?, ?)", rows)
    return file


def change(database: Path, sql: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(sql)


def test_a_service_without_versions_is_extracted_too(database: Path) -> None:
    with plain_server(database) as url:
        mapping = pnl_mapping(url)
        stock = deliver(mapping)
        rows = extract(mapping, stock.delivery)
    assert rows["Row"].tolist() == ["1", "2"]
    assert stock.undated["row_key"].tolist() == ["3"]
    assert stock.delivery["content_hash"].isna().all()


def test_without_hashes_a_quarter_changes_with_the_counts_of_the_source(database: Path) -> None:
    with plain_server(database) as url:
        before = quarter_versions(deliver(pnl_mapping(url)).delivery)
        again = quarter_versions(deliver(pnl_mapping(url)).delivery)
        change(database, "INSERT INTO pnl VALUES (4, 'D', '2009-12-31', 7, 8)")
        after = quarter_versions(deliver(pnl_mapping(url)).delivery)
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
def test_rows_that_came_or_went_since_the_delivery_are_noticed(database: Path, sql: str) -> None:
    with plain_server(database) as url:
        mapping = pnl_mapping(url)
        delivery = deliver(mapping).delivery
        change(database, sql)
        for quarters in ([Q4], QUARTERS):
            with pytest.raises(SourceChanged, match=r"Materialize pnl \(all its assets\) for these quarters again"):
                extract(mapping, delivery, quarters)
        if "UPDATE" not in sql:
            assert extract(mapping, delivery, [Q1])["Row"].tolist() == ["2"]


def test_a_message_about_a_change_shows_no_password(database: Path) -> None:
    with plain_server(database) as url:
        mapping = pnl_mapping(url.replace("//", "//reader:s3cret@"))
        delivery = deliver(mapping).delivery
        change(database, "DELETE FROM pnl")
        with pytest.raises(SourceChanged) as error:
            extract(mapping, delivery)
    assert "s3cret" not in str(error.value)
    assert url in str(error.value)
