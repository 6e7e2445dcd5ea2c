"""A soak: many clients on all routes of a service at once, as fast as it lets them, every answer checked."""

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

from benchmarks.services.processes import resident_megabytes
from benchmarks.services.progress import say

ANSWER_SECONDS = 60  # an answer that takes longer to come is a fault
BUSY_PAUSE_SECONDS = 0.05  # a client that is told to come again later does not wait until then: that is the point
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

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # (kind of question, status) -> number
    faults: list[str] = field(default_factory=list)  # answers that should not have been, and none at all
    seconds: float = 0.0
    memory: list[float] = field(default_factory=list)  # MB resident, at even intervals; empty without a process id

    @property
    def per_second(self) -> float:
        """Answers per second, of all kinds together."""
        return self.answers.total() / self.seconds

    @property
    def memory_growth(self) -> float:
        """The most memory in the last quarter of the time, as a multiple of the most in the first."""
        quarter = max(1, len(self.memory) // 4)
        return max(self.memory[-quarter:]) / max(self.memory[:quarter])


@dataclass(frozen=True)
class Question:
    """A request, and the statuses that its answer may have, beside those of a busy service."""

    kind: str
    path: str
    expected: tuple[int, ...] = (200,)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer; the body only where it is JSON."""

    status: int
    headers: http.client.HTTPMessage
    body: Any


class Fault(Exception):
    """An answer that is not what it should be."""


def soak(url: str, seconds: float, clients: int, pid: int | None = None) -> Report:
    """Let `clients` ask the service for `seconds`; with the id of its process its memory is watched too."""
    report, end, lock = Report(), time.monotonic() + seconds, threading.Lock()
    table = _Connection(url).ask(Question("schema", "/schema")).body["table"]
    threads = [
        threading.Thread(target=_client, args=(url, table, number, end, report, lock), daemon=True)
        for number in range(clients)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    _watch(report, pid, began, end)
    for thread in threads:
        thread.join(2 * ANSWER_SECONDS)
    report.seconds = time.monotonic() - began
    report.faults += [f"client {number} never ended" for number, each in enumerate(threads) if each.is_alive()]
    return report


def _watch(report: Report, pid: int | None, began: float, end: float) -> None:
    told = began
    while (now := time.monotonic()) < end:
        if pid is not None:
            report.memory.append(resident_megabytes(pid))
        if now - told >= 5:
            told, memory = now, f", {report.memory[-1]:.0f} MB" if report.memory else ""
            say(f"soak: {now - began:.0f} s, {report.answers.total():,} answers, {len(report.faults)} faults{memory}")
        time.sleep(0.25)


def _client(url: str, table: str, number: int, end: float, report: Report, lock: threading.Lock) -> None:
    connection, questions = _Connection(url), _Questions(table, number)
    while time.monotonic() < end:
        question = questions.any()
        try:
            answer = connection.ask(question)
            questions.learn(question, answer)
            fault = None
        except (Fault, OSError, http.client.HTTPException) as error:
            fault, answer = f"{question.kind}: {type(error).__name__}: {error}", None
            connection.close()
        with lock:
            if answer is not None:
                report.answers[question.kind, answer.status] += 1
            else:
                report.faults.append(str(fault))
        if answer is None or answer.status in BUSY:
            time.sleep(BUSY_PAUSE_SECONDS)
    connection.close()


class _Questions:
    """What one client asks: a mixture by weight, following the pages and tags that it was given."""

    def __init__(self, table: str, number: int) -> None:
        self._table, self._random, self._number = table, random.Random(number), number
        self._asked, self._pages, self._next, self._tag = 0, 0, "", '"none"'
        self._kinds: dict[Callable[[], Question], float] = {
            self._page: 25,
            self._small_query: 40,
            self._version: 10,
            self._unchanged: 10,
            self._bad_sql: 10,
            self._whole_table: 0.5,
            self._large_query: 0.2,
        }

    def any(self) -> Question:
        self._asked += 1
        return self._random.choices(list(self._kinds), list(self._kinds.values()))[0]()

    def learn(self, question: Question, answer: Answer) -> None:
        if question.kind == "page":
            self._pages = (self._pages + 1) % PAGES_IN_A_ROW
            is_gone = answer.status == 410 or (answer.status == 200 and not self._pages)
            self._next = "" if is_gone else (answer.body or {}).get("next") or ""
        elif question.path == "/version" and answer.status == 200:
            self._tag = answer.headers["ETag"]

    def _page(self) -> Question:
        following = f"&next={quote(self._next)}" if self._next else ""
        return Question("page", f"/data?limit=1000{following}", (200, 410) if following else (200,))

    def _small_query(self) -> Question:
        sql = f'SELECT * FROM "{self._table}" WHERE rowid = {self._random.randrange(1, 1_000_000)}'
        return Question("small query", f"/query?q={quote(sql)}")

    def _version(self) -> Question:
        return Question("version", "/version")

    def _unchanged(self) -> Question:
        return Question("unchanged", "/version", (200, 304), {"If-None-Match": self._tag})

    def _bad_sql(self) -> Question:
        sql = self._random.choice(BAD_SQL).format(table=f'"{self._table}"')
        return Question("bad SQL", f"/query?q={quote(sql)}", (400, 403, 422))

    def _whole_table(self) -> Question:
        return Question("whole table", "/data?format=arrow")

    def _large_query(self) -> Question:
        sql = f"SELECT * FROM \"{self._table}\" WHERE '{self._number} {self._asked}' <> ''"
        headers = {"Content-Type": "application/json"}
        return Question("large query", "/query?format=arrow", (200,), headers, json.dumps({"q": sql}).encode())


class _Connection:
    """A kept connection, on which every answer is read to its end and checked."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
        self._buffer = memoryview(bytearray(CHUNK_BYTES))

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: Question) -> Answer:
        """The answer to the question. Raises Fault, or what http.client raises where there is none."""
        method = "GET" if question.body is None else "POST"
        try:
            response = self._send(method, question)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()  # it may have been closed since the answer before; a new one may not
            response = self._send(method, question)
        digest, length, kept = hashlib.sha256(), 0, bytearray()
        is_json = response.headers.get_content_type() in ("application/json", "application/problem+json")
        for chunk in self._chunks(response):
            digest.update(chunk)
            length += len(chunk)
            if is_json:
                kept += chunk
        answer = Answer(response.status, response.headers, json.loads(kept) if kept else None)
        _check(question, answer, length, digest.digest())
        return answer

    def _send(self, method: str, question: Question) -> http.client.HTTPResponse:
        self._connection.request(method, question.path, question.body, question.headers)
        return self._connection.getresponse()

    def _chunks(self, response: http.client.HTTPResponse) -> Iterator[memoryview]:
        while read := response.readinto(self._buffer):
            yield self._buffer[:read]


def _check(question: Question, answer: Answer, length: int, digest: bytes) -> None:
    headers, status = answer.headers, answer.status
    if status not in (*question.expected, *BUSY):
        raise Fault(f"answered {status}: {answer.body}")
    if status in BUSY and "Retry-After" not in headers:
        raise Fault(f"answered {status} without Retry-After")
    if status >= 400 and not (headers.get_content_type() == "application/problem+json" and answer.body.get("code")):
        raise Fault(f"answered {status} without a problem: {answer.body}")
    if status != 200:
        return
    if int(headers["Content-Length"] or -1) != length:
        raise Fault(f"{length} bytes came of {headers['Content-Length']}")
    has_rows = question.path.startswith(("/data", "/query"))
    if (has_rows or "Repr-Digest" in headers) and headers["Repr-Digest"] != _told(digest):
        raise Fault(f"the digest of what came is not {headers['Repr-Digest']}")
    if question.kind in ("page", "small query"):
        counted = {int(headers["X-Row-Count"]), answer.body["row_count"], len(answer.body["rows"])}
        if len(counted) > 1:
            raise Fault(f"rows are counted differently: {sorted(counted)}")


def _told(digest: bytes) -> str:
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
