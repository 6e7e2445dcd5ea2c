"""Clients that ask a server over kept connections, each as fast as it is answered; and how long every answer took."""

import asyncio
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BUSY = (429, 503)
BUSY_PAUSE_SECONDS = 0.05
HEAD_BYTES = 1 << 20
EXPECTED = (200, 304)


@dataclass
class Load:
    """What came of the requests: milliseconds and bytes of each answer, how many had which status, and what was wrong.

    `invalid` are answers that are neither 200 nor 304, nor 429 or 503 with Retry-After.
    """

    seconds: float = 0
    milliseconds: list[float] = field(default_factory=list)
    bytes: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    invalid: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.statuses.total() / self.seconds

    def within(self, share: float) -> float:
        """The milliseconds within which this share of the answers came."""
        return percentile(self.milliseconds, share)


def percentile(values: list[float], share: float) -> float:
    """The least of the values that is not exceeded by this share of them."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def load(url: str, paths: Iterator[str], clients: int, *, seconds: float = math.inf, most: int = 0) -> Load:
    """Let the clients take one path after the other, for this many seconds or until `most` requests are answered."""
    return asyncio.run(_load(url, paths, clients, seconds, most or math.inf))


def all_fine(found: Load) -> Load:
    """The load, if every answer was 200. Raises RuntimeError."""
    if found.invalid or {*found.statuses} != {200}:
        raise RuntimeError(f"not every request was answered: {dict(found.statuses)}, {found.invalid[:3]}")
    return found


async def _load(url: str, paths: Iterator[str], clients: int, seconds: float, most: float) -> Load:
    found, began = Load(), time.perf_counter()

    def is_over() -> bool:
        return time.perf_counter() - began > seconds or found.statuses.total() >= most

    await asyncio.gather(*(_client(url, paths, found, is_over) for _ in range(clients)))
    found.seconds = time.perf_counter() - began
    return found


async def _client(url: str, paths: Iterator[str], found: Load, is_over: Callable[[], bool]) -> None:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port, limit=HEAD_BYTES)
    try:
        while not is_over():
            path, _, header = next(paths).partition("\n")
            began = time.perf_counter()
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", *filter(None, [header])]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(head.split(" ", 2)[1])
            body = b"" if status == 304 else await _body(reader, head)
            found.milliseconds.append(1000 * (time.perf_counter() - began))
            found.bytes += len(body)
            found.statuses[status] += 1
            if status in BUSY and "\r\nretry-after: " in head:
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
            elif status not in EXPECTED:
                found.invalid.append(f"{path}: {status} {body[:300].decode(errors='replace')}")
    finally:
        writer.close()


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    length = re.search(r"^content-length: (\d+)", head, re.MULTILINE)
    if length:
        return await reader.readexactly(int(length[1]))
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size + 2))
    await reader.readline()
    return b"".join(chunks)
