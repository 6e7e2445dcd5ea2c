"""A real HTTP server that answers as it is told to, byte for byte, and keeps what it was asked."""

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import cast

import pyarrow as pa

GOOD_BODY = b'{"columns": ["a", "b"], "rows": [[1, "x"], [null, 2.5]], "row_count": 2}'
ARROW_TYPE = "application/vnd.apache.arrow.stream"


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None, is_last: bool = True) -> bytes:
    """An answer of HTTP/1.1, with the Content-Length of the body or another; the last one of its connection or not."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    head += ["Connection: close"] if is_last else []
    return "\r\n".join([*head, "", ""]).encode() + body


def arrow_stream(table: pa.Table) -> bytes:
    """The table as a stream of Arrow."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def digest_of(body: bytes) -> str:
    """The header with the body's digest."""
    return f"Repr-Digest: sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def arrow_http(body: bytes, rows: int, *headers: str, length: int | None = None, digest: str | None = None) -> bytes:
    """An answer in Arrow as a source service gives it."""
    told = [f"Content-Type: {ARROW_TYPE}", f"X-Row-Count: {rows}", digest or digest_of(body), *headers]
    return http(body, "200 OK", *told, length=length)


@dataclass
class Misbehaving:
    """What a server says to one request after the other, the last answer for ever; and what it was asked, and when.

    `seconds` pass in the middle of each answer.
    """

    answers: list[bytes]
    seconds: float = 0
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: int = 0
    url: str = ""


@contextmanager
def misbehaving(*answers: bytes, seconds: float = 0) -> Iterator[Misbehaving]:
    told = Misbehaving(list(answers), seconds)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.told = told
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield told
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 16
    told: Misbehaving

    def handle_error(self, *_: object) -> None:
        """A client that goes away before the answer is whole is part of the test."""


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        told = cast(_Server, self.server).told
        told.connections += 1
        while line := self.rfile.readline().decode():
            head = ""
            while (header := self.rfile.readline().decode()).strip():
                head += header
            length = next((each for each in head.splitlines() if each.startswith("Content-Length:")), ": 0")
            told.times.append(time.monotonic())
            told.heads.append(line + head)
            told.bodies.append(self.rfile.read(int(length.split(":")[1])))
            told.asked.append(line.split()[1])
            answer = told.answers[min(len(told.asked), len(told.answers)) - 1]
            middle = len(answer) // 2
            self.wfile.write(answer[:middle])
            time.sleep(told.seconds)
            self.wfile.write(answer[middle:])
            if b"Connection: close" in answer or not answer:
                return
