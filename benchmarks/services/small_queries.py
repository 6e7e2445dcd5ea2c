"""Small queries: one row by its key, a different one each time, over kept connections, as fast as the server can."""

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from benchmarks.services.dataset import PERIODS, TABLE, company_id

CONNECTIONS = 8
SCRIPT = Path(__file__).with_suffix(".lua")


@dataclass(frozen=True)
class Rate:
    """Answers per second, and the ms within which half and 99 % of them came (None where not measured)."""

    per_second: float
    median_ms: float | None = None
    slow_ms: float | None = None


def by_row_id(row: int) -> str:
    """SQL for a row, counted from 0, by SQLite's own key."""
    return f"SELECT * FROM {TABLE} WHERE rowid = {row + 1}"


def by_company_and_period(row: int) -> str:
    """SQL for a row, counted from 0, by the columns of the table's index."""
    company, period = company_id(row // len(PERIODS)), PERIODS[row % len(PERIODS)]
    return f"SELECT * FROM {TABLE} WHERE company_id = '{company}' AND period = '{period}'"


KEYS = {"row id": by_row_id, "company and period": by_company_and_period}


def rows_of(url: str, statement: str) -> list[list[str | float | None]]:
    """The rows of the response to `url` + statement."""
    with urlopen(f"{url}{quote(statement)}") as response:
        rows: list[list[str | float | None]] = json.load(response)["rows"]
    return rows


def rate(url: str, statements: Sequence[str], seconds: float) -> Rate:
    """Ask for `url` + statement, one after the other, for `seconds`: with wrk, or from here where there is none."""
    split = urlsplit(url)
    paths = [f"{split.path}?{split.query}{quote(statement)}" for statement in statements]
    if has_wrk():
        return _with_wrk(url, paths, seconds)
    return Rate(asyncio.run(_from_here(split.hostname or "", split.port or 80, cycle(paths), seconds)))


def has_wrk() -> bool:
    """Whether the load generator is installed."""
    return shutil.which("wrk") is not None


def _with_wrk(url: str, paths: list[str], seconds: float) -> Rate:
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds:g}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", prefix="finsync-bench-") as file:
        file.write("\n".join(paths))
        file.flush()
        command = ["wrk", *options, "--script", str(SCRIPT), url, "--", file.name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"not every small query got a response from {url}:\n{output}")
    return Rate(float(_found(r"Requests/sec:\s+([\d.]+)", output)[0]), _latency(output, 50), _latency(output, 99))


def _latency(output: str, percent: int) -> float:
    number, unit = _found(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)$", output)
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _found(pattern: str, text: str) -> Sequence[str]:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(f"the output of wrk does not have {pattern}:\n{text}")
    return match.groups()


async def _from_here(host: str, port: int, paths: Iterator[str], seconds: float) -> float:
    """Answers per second over plain asyncio connections: fewer than with wrk, but alike for every server."""
    end = time.monotonic() + seconds
    counts = await asyncio.gather(*(_one_connection(host, port, paths, end) for _ in range(CONNECTIONS)))
    return sum(counts) / seconds


async def _one_connection(host: str, port: int, paths: Iterator[str], end: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.monotonic() < end:
        writer.write(f"GET {next(paths)} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)
        if not head.startswith("HTTP/1.1 200 "):
            raise RuntimeError(f"a small query got the response:\n{head}")
        if length:
            await reader.readexactly(int(length.group(1)))
        else:
            await _read_chunks(reader)
        count += 1
    writer.close()
    return count


async def _read_chunks(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
