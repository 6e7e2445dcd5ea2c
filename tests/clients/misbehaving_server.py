"""A real HTTP server that answers as it is told to, byte for byte, and counts how often it was asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import cast

GOOD_BODY = b'{"columns": ["a", "b"], "rows": [[1, "x"], [null, 2.5]], "row_count": 2}'


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """An answer of HTTP/1.1, with the Content-Length of the body or another."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


@dataclass
class Misbehaving:
    """What a server says to one request after the other, the last answer for ever.

    `seconds` pass in the middle of each answer.
    """

    answers: list[bytes]
    seconds: float = 0
    asked: list[str] = field(default_factory=list)
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
        line = self.rfile.readline().decode()
        if not line:
            return
        told.asked.append(line.split()[1])
        while self.rfile.readline().strip():
            pass
        answer = told.answers[min(len(told.asked), len(told.answers)) - 1]
        middle = len(answer) // 2
        self.wfile.write(answer[:middle])
        time.sleep(told.seconds)
        self.wfile.write(answer[middle:])
