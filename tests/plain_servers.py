"""Services with less than FinSync's own: plain SQL over HTTP, limited rows, pages of a table without SQL; and servers
in between, which pass on the responses of others.
"""

import json
import sqlite3
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

RELAYED = ("Content-Type", "X-Data-Version", "X-Row-Count", "Repr-Digest")
"""Headers that are passed on."""
TOGETHER_SECONDS = 30


@dataclass
class Plain:
    """A server over one SQLite file, and the requests that it got.

    It returns at most `most` rows at once: the others are left out, or if it `rejects` more, it returns 413. Without
    `has_sql` there is only /data, in pages of `most` rows.
    """

    database: Path
    most: int | None = None
    rejects: bool = False
    has_sql: bool = True
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, parameters: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/query" and self.has_sql:
            return self._query(parameters["q"][0])
        if path == "/data" and not self.has_sql:
            return self._page(int(parameters.get("offset", ["0"])[0]))
        return 404, {}

    def _query(self, sql: str) -> tuple[int, dict[str, Any]]:
        columns, rows = self._run(sql)
        if self.most is not None and len(rows) > self.most:
            if self.rejects:
                return 413, {"detail": f"more than {self.most} rows"}
            rows = rows[: self.most]
        return 200, {"columns": columns, "rows": rows, "row_count": len(rows)}

    def _page(self, offset: int) -> tuple[int, dict[str, Any]]:
        columns, rows = self._run("SELECT * FROM pnl")
        page = rows[offset:][: self.most]
        following = offset + len(page)
        body = {"columns": columns, "rows": page, "row_count": len(rows)}
        return 200, body | {"next_offset": following if following < len(rows) else None}

    def _run(self, sql: str) -> tuple[list[str], list[Any]]:
        with closing(sqlite3.connect(self.database)) as connection:
            cursor = connection.execute(sql)
            return [column[0] for column in cursor.description], cursor.fetchall()


@contextmanager
def plain_server(database: Path, **behaviour: Any) -> Iterator[Plain]:
    """A server of `Plain`."""
    plain, one_at_a_time = Plain(database, **behaviour), Lock()

    def get(handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        with one_at_a_time:
            plain.requests.append(handler.path)
            status, body = plain.answer(url.path, parse_qs(url.query))
        answer(handler, status, json.dumps(body).encode())

    with serving(get) as plain.url:
        yield plain


@contextmanager
def passing_on(url: str, hear: Callable[[str], object] = str, supports_arrow: bool = True) -> Iterator[str]:
    """The responses of the service at `url`, once `hear` has the path; without Arrow in JSON, and of /query alone."""

    def relay(handler: BaseHTTPRequestHandler) -> None:
        hear(handler.path)
        accept = handler.headers["Accept"] if supports_arrow else "application/json"
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0))) or None
        headers = {"Accept": accept, "Accept-Encoding": "identity", "Content-Type": "application/json"}
        reply = requests.request(handler.command, f"{url}{handler.path}", data=body, headers=headers, timeout=30)
        status = reply.status_code if supports_arrow or not handler.path.startswith("/data") else 404
        answer(handler, status, reply.content, {name: reply.headers[name] for name in RELAYED if name in reply.headers})

    with serving(relay) as passing_url:
        yield passing_url


@contextmanager
def gathering(url: str, barrier: Barrier, waiting: Container[int] = (0,)) -> Iterator[str]:
    """The responses of the service at `url`, but the requests with these numbers wait for each other at the barrier."""
    numbers = count()

    def hear(_: str) -> None:
        if next(numbers) in waiting:
            barrier.wait(TOGETHER_SECONDS)

    with passing_on(url, hear) as gathering_url:
        yield gathering_url


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Send the answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that responds to each GET and POST so, at this url."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def do_GET(self) -> None:
            respond(self)

        def do_POST(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_table(database: Path, columns: list[str], rows: list[tuple[Any, ...]]) -> Path:
    """A SQLite file with the table pnl of these rows."""
    with closing(sqlite3.connect(database)) as connection, connection:
        named = ", ".join(f'"{column}"' for column in columns)
        connection.execute(f"CREATE TABLE pnl ({named})")
        connection.executemany(f"INSERT INTO pnl VALUES ({', '.join('?' * len(columns))})", rows)
    return database
