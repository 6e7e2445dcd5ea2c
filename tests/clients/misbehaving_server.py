"""A real HTTP server that sends the given responses, byte for byte or by a function, and keeps the requests."""

import base64
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import BinaryIO, cast

import pyarrow as pa

GOOD_BODY = b'{"columns": ["a", "b"], "rows": [[1, "x"], [null, 2.5]], "row_count": 2}'
Answer = bytes | Callable[[BinaryIO, str], None]
"""A response, or a function that writes one to a request (its first line)."""
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
    announced = [f"Content-Type: {ARROW_TYPE}", f"X-Row-Count: {rows}", digest or digest_of(body), *headers]
    return http(body, "200 OK", *announced, length=length)


@dataclass
class Misbehaving:
    """The responses of a server to one request after the other, the last one for ever; and the requests, with times.

    `seconds` pass in the middle of each response.
    """

    answers: list[Answer]
    seconds: float = 0
    requests: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: int = 0
    url: str = ""


@contextmanager
def misbehaving(*answers: Answer, seconds: float = 0) -> Iterator[Misbehaving]:
    behaviour = Misbehaving(list(answers), seconds)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.behaviour = behaviour
        behaviour.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield behaviour
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 16
    behaviour: Misbehaving

    def handle_error(self, *_: object) -> None:
        """A client that goes away before the answer is whole is part of the test."""


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        behaviour = cast(_Server, self.server).behaviour
        behaviour.connections += 1
        while line := self.rfile.readline().decode():
            head = ""
            while (header := self.rfile.readline().decode()).strip():
                head += header
            length = next((each for each in head.splitlines() if each.startswith("Content-Length:")), ": 0")
            behaviour.times.append(time.monotonic())
            behaviour.heads.append(line + head)
            behaviour.bodies.append(self.rfile.read(int(length.split(":")[1])))
            behaviour.requests.append(line.split()[1])
            answer = behaviour.answers[min(len(behaviour.requests), len(behaviour.answers)) - 1]
            if callable(answer):
                answer(self.wfile, line)
                return
            middle = len(answer) // 2
            self.wfile.write(answer[:middle])
            time.sleep(behaviour.seconds)
            self.wfile.write(answer[middle:])
            if b"Connection: close" in answer or not answer:
                return
