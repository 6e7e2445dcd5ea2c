"""A hostile client beside a soak: slow queries, slow readers, half-open connections, large sorts and long names."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SLOW_QUERIES, SLOW_READERS, HALF_OPEN, SORTS, LONG_NAMES = 4, 8, 60, 2, 2  # how many do each at the same time
HEAD_START_SECONDS = 5  # of the readers, else the client's own queries leave them no result to read
READ_BYTES, READ_PAUSE_SECONDS = 1_000, 0.5  # of a slow reader
PAUSE_SECONDS = 0.1  # a hundredth of what Retry-After demands
STOPPED = 504  # what a query gets that runs too long
TOO_LARGE = 413


@dataclass
class Hostile:
    """What a hostile client does from its address until `end`; `statuses` and `faults` are what it gets."""

    url: str
    table: str
    address: str
    end: float
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)  # (what it did, status) -> number
    faults: list[str] = field(default_factory=list)  # a status that it must not get, or one without Retry-After
    closed: int = 0  # connections that the service closed without a response

    def start(self) -> list[threading.Thread]:
        """Begin, in threads that end some seconds after `end`."""
        kinds = {
            self._slow_query: SLOW_QUERIES,
            self._slow_reader: SLOW_READERS,
            self._half_open: HALF_OPEN,
            self._sort: SORTS,
            self._long_names: LONG_NAMES,
        }
        threads = [
            threading.Thread(target=self._repeat, args=(kind, number), daemon=True)
            for kind, count in kinds.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _repeat(self, kind: Callable[[socket.socket, int], None], number: int) -> None:
        if kind != self._slow_reader:
            time.sleep(HEAD_START_SECONDS)
        while time.monotonic() < self.end:
            number += 1_000
            try:
                with self._connect() as connection:
                    kind(connection, number)
            except OSError:
                self.closed += 1
            time.sleep(PAUSE_SECONDS)

    def _connect(self) -> socket.socket:
        address = urlsplit(self.url)
        return socket.create_connection((address.hostname, address.port), 60, (self.address, 0))

    def _slow_query(self, connection: socket.socket, number: int) -> None:
        few = f'(SELECT 1 FROM "{self.table}" LIMIT {400 + number % 7})'
        self._post(connection, "slow query", f'SELECT count(*), {number} FROM "{self.table}" a, {few} b', "json")

    def _sort(self, connection: socket.socket, number: int) -> None:
        sql = f'SELECT count(*) FROM (SELECT DISTINCT text || :x || {number} FROM "{self.table}")'
        self._post(connection, "sort", sql, "json", x="x" * 20_000)

    def _long_names(self, connection: socket.socket, number: int) -> None:
        length = 60_000 if number % 2 else 900
        names = ", ".join(f'value AS "{place:0>{length}}"' for place in range(4))
        self._post(connection, "long names", f'SELECT {names}, {number} FROM "{self.table}"', "ndjson")

    def _slow_reader(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._post(connection, "slow reader", f'SELECT *, {number} FROM "{self.table}"', "csv")
        while time.monotonic() < self.end and connection.recv(READ_BYTES):
            time.sleep(READ_PAUSE_SECONDS)

    def _half_open(self, connection: socket.socket, number: int) -> None:
        connection.sendall(b"POST /query HTTP/1.1\r\nHost: local"[: number % 40])
        connection.settimeout(max(0.1, self.end - time.monotonic()))
        with suppress(TimeoutError):
            is_closed = not connection.recv(1)
            self.closed += is_closed

    def _post(self, connection: socket.socket, kind: str, sql: str, format_: str, **parameters: str) -> None:
        body = json.dumps({"q": sql, "parameters": parameters}).encode()
        head = (
            f"POST /query?format={format_} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        received = b""
        while b"\r\n\r\n" not in received and (piece := connection.recv(READ_BYTES)):
            received += piece
        if not received:
            raise ConnectionResetError
        status = int(received[9:12])
        self.statuses[kind, status] += 1
        may_retry = b"\r\nretry-after: " in received.lower()
        if status not in (200, 429, 503, STOPPED, TOO_LARGE) or (status in (429, 503) and not may_retry):
            self.faults.append(f"{kind}: {received[:300]!r}")
