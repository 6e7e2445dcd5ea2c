"""A soak: many clients on all routes of a service at once, as fast as it responds, every response checked."""

import base64
import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.services.processes import resident_megabytes, unnamed_megabytes
from benchmarks.services.progress import say

RESPONSE_SECONDS = 60  # a response that takes longer to come is a failure
BUSY_PAUSE_SECONDS = 0.05  # clients don't wait for as long as Retry-After demands: the service must bear that
PAGES_IN_A_ROW = 20
CHUNK_BYTES = 1 << 20
BUSY = (429, 503)
BAD_SQL = (
    "SELEC 1",
    "DROP TABLE {table}",
    "SELECT * FROM sqlite_schema",
    "SELECT nothing FROM {table}",
    "SELECT 1; SELECT 2",
)


@dataclass
class Report:
    """What came of a soak."""

    responses: Counter[tuple[str, int]] = field(default_factory=Counter)  # (kind of request, status) -> number
    failures: list[str] = field(default_factory=list)  # invalid and missing responses
    seconds: float = 0.0
    memory: list[float] = field(default_factory=list)  # MB resident, at even intervals; empty without a process id
    disk: list[float] = field(default_factory=list)  # MB of open files without a name, likewise
    durations: list[float] = field(default_factory=list)  # seconds of each response

    @property
    def per_second(self) -> float:
        """Answers per second, of all kinds together."""
        return self.responses.total() / self.seconds

    @property
    def p95(self) -> float:
        """The seconds within which 95 % of the responses came."""
        return sorted(self.durations)[int(0.95 * len(self.durations))]

    @property
    def memory_growth(self) -> float:
        """The most memory in the last quarter of the time, as a multiple of the most in the first."""
        quarter = max(1, len(self.memory) // 4)
        return max(self.memory[-quarter:]) / max(self.memory[:quarter])


@dataclass(frozen=True)
class Request:
    """A request, and the statuses that its response may have, apart from those of a busy service."""

    kind: str
    path: str
    expected: tuple[int, ...] = (200,)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Response:
    """A whole response; the body only where it is JSON."""

    status: int
    headers: http.client.HTTPMessage
    body: Any


class InvalidResponse(Exception):
    """A response that breaks the contract of the service."""


def soak(url: str, seconds: float, clients: int, pid: int | None = None, have_addresses: bool = False) -> Report:
    """Let `clients` ask the service for `seconds`; with the id of its process its memory and disk are watched too.

    They have one address, or each one of its own (127.0.1.1, ...).
    """
    report, end, lock = Report(), time.monotonic() + seconds, threading.Lock()
    table = _Connection(url).send(Request("schema", "/schema")).body["table"]
    threads = [
        threading.Thread(target=_client, args=(url, table, number, end, report, lock, have_addresses), daemon=True)
        for number in range(clients)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    _watch(report, pid, began, end)
    for thread in threads:
        thread.join(2 * RESPONSE_SECONDS)
    report.seconds = time.monotonic() - began
    report.failures += [f"client {number} never ended" for number, each in enumerate(threads) if each.is_alive()]
    return report


def _watch(report: Report, pid: int | None, began: float, end: float) -> None:
    reported_at = began
    while (now := time.monotonic()) < end:
        if pid is not None:
            report.memory.append(resident_megabytes(pid))
            report.disk.append(unnamed_megabytes(pid))
        if now - reported_at >= 5:
            reported_at, memory = now, f", {report.memory[-1]:.0f} MB" if report.memory else ""
            counts = f"{report.responses.total():,} responses, {len(report.failures)} failures"
            say(f"soak: {now - began:.0f} s, {counts}{memory}")
        time.sleep(0.25)


def _client(
    url: str, table: str, number: int, end: float, report: Report, lock: threading.Lock, has_address: bool
) -> None:
    connection = _Connection(url, f"127.0.1.{number + 1}" if has_address else "")
    requests = _Requests(table, number)
    while time.monotonic() < end:
        request, began = requests.any(), time.monotonic()
        try:
            response = connection.send(request)
            requests.follow(request, response)
            failure = None
        except (InvalidResponse, OSError, http.client.HTTPException) as error:
            failure, response = f"{request.kind}: {type(error).__name__}: {error}", None
            connection.close()
        with lock:
            if response is not None:
                report.responses[request.kind, response.status] += 1
                report.durations.append(time.monotonic() - began)
            else:
                report.failures.append(str(failure))
        if response is None or response.status in BUSY:
            time.sleep(BUSY_PAUSE_SECONDS)
    connection.close()


class _Requests:
    """What one client asks: a mixture by weight, following the pages and tags that it was given."""

    def __init__(self, table: str, number: int) -> None:
        self._table, self._random, self._number = table, random.Random(number), number
        self._count, self._pages, self._next, self._tag = 0, 0, "", '"none"'
        self._kinds: dict[Callable[[], Request], float] = {
            self._page: 25,
            self._small_query: 40,
            self._version: 10,
            self._unchanged: 10,
            self._bad_sql: 10,
            self._whole_table: 0.5,
            self._large_query: 0.2,
        }

    def any(self) -> Request:
        self._count += 1
        return self._random.choices(list(self._kinds), list(self._kinds.values()))[0]()

    def follow(self, request: Request, response: Response) -> None:
        if request.kind == "page":
            self._pages = (self._pages + 1) % PAGES_IN_A_ROW
            is_gone = response.status == 410 or (response.status == 200 and not self._pages)
            self._next = "" if is_gone else (response.body or {}).get("next") or ""
        elif request.path == "/version" and response.status == 200:
            self._tag = response.headers["ETag"]

    def _page(self) -> Request:
        following = f"&next={quote(self._next)}" if self._next else ""
        return Request("page", f"/data?limit=1000{following}", (200, 410) if following else (200,))

    def _small_query(self) -> Request:
        sql = f'SELECT * FROM "{self._table}" WHERE rowid = {self._random.randrange(1, 1_000_000)}'
        return Request("small query", f"/query?q={quote(sql)}")

    def _version(self) -> Request:
        return Request("version", "/version")

    def _unchanged(self) -> Request:
        return Request("unchanged", "/version", (200, 304), {"If-None-Match": self._tag})

    def _bad_sql(self) -> Request:
        sql = self._random.choice(BAD_SQL).format(table=f'"{self._table}"')
        return Request("bad SQL", f"/query?q={quote(sql)}", (400, 403, 422))

    def _whole_table(self) -> Request:
        return Request("whole table", "/data?format=arrow")

    def _large_query(self) -> Request:
        sql = f"SELECT * FROM \"{self._table}\" WHERE '{self._number} {self._count}' <> ''"
        headers = {"Content-Type": "application/json"}
        return Request("large query", "/query?format=arrow", (200,), headers, json.dumps({"q": sql}).encode())


class _Connection:
    """A persistent connection, on which every response is read to its end and checked."""

    def __init__(self, url: str, address: str = "") -> None:
        where = {"source_address": (address, 0)} if address else {}
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=RESPONSE_SECONDS, **where)
        self._buffer = memoryview(bytearray(CHUNK_BYTES))

    def close(self) -> None:
        self._connection.close()

    def send(self, request: Request) -> Response:
        """The response to the request. Raises InvalidResponse, or what http.client raises where there is none."""
        method = "GET" if request.body is None else "POST"
        try:
            response = self._request(method, request)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()  # it may have been closed since the response before; a new one may not
            response = self._request(method, request)
        digest, length, kept = hashlib.sha256(), 0, bytearray()
        is_json = response.headers.get_content_type() in ("application/json", "application/problem+json")
        for chunk in self._chunks(response):
            digest.update(chunk)
            length += len(chunk)
            if is_json:
                kept += chunk
        response = Response(response.status, response.headers, json.loads(kept) if kept else None)
        _check(request, response, length, digest.digest())
        return response

    def _request(self, method: str, request: Request) -> http.client.HTTPResponse:
        self._connection.request(method, request.path, request.body, request.headers)
        return self._connection.getresponse()

    def _chunks(self, response: http.client.HTTPResponse) -> Iterator[memoryview]:
        while read := response.readinto(self._buffer):
            yield self._buffer[:read]


def _check(request: Request, response: Response, length: int, digest: bytes) -> None:
    headers, status = response.headers, response.status
    if status not in (*request.expected, *BUSY):
        raise InvalidResponse(f"status {status}: {response.body}")
    if status in BUSY and "Retry-After" not in headers:
        raise InvalidResponse(f"status {status} without Retry-After")
    if status >= 400 and not (headers.get_content_type() == "application/problem+json" and response.body.get("code")):
        raise InvalidResponse(f"status {status} without a problem: {response.body}")
    if status != 200:
        return
    if int(headers["Content-Length"] or -1) != length:
        raise InvalidResponse(f"received {length} bytes of {headers['Content-Length']}")
    has_rows = request.path.startswith(("/data", "/query"))
    if (has_rows or "Repr-Digest" in headers) and headers["Repr-Digest"] != _repr_digest(digest):
        raise InvalidResponse(f"the digest of the body is not {headers['Repr-Digest']}")
    if request.kind in ("page", "small query"):
        counted = {int(headers["X-Row-Count"]), response.body["row_count"], len(response.body["rows"])}
        if len(counted) > 1:
            raise InvalidResponse(f"the row counts differ: {sorted(counted)}")


def _repr_digest(digest: bytes) -> str:
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
