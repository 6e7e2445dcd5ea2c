"""Source services on this machine: in threads of the test's process, or in a process of their own as users run them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from factories import PROJECT

from source_services.data.data_files import find_data_files
from source_services.served_table import ServedTable
from source_services.server import listen, running
from source_services.settings import SERVICES, Limits, Service


@dataclass(frozen=True)
class Answering:
    """A source service that answers in a thread of this process: over a real socket, but started in milliseconds."""

    url: str
    table: ServedTable


@contextmanager
def answering_service(
    service: Service,
    data_file: Path,
    limits: Limits | None = None,
    token: str | None = None,
    look_seconds: float = 60,
    host: str = "127.0.0.1",
) -> Iterator[Answering]:
    """A service over the data file, on a free port; its own files lie beside the data file."""
    limits, folder = limits or Limits(), data_file.parent / "databases"
    table = ServedTable(service, data_file, folder, limits)
    listening = listen(host, replace(service, port=0))
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def answer() -> None:
        async with running(table, listening, token, look_seconds):
            await stopped.wait()

    thread = Thread(target=loop.run_until_complete, args=[answer()])
    thread.start()
    try:
        yield Answering(f"http://{host}:{listening.getsockname()[1]}", table)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


@contextmanager
def answering_services(data: Path) -> Iterator[dict[str, str]]:
    """A service over each data file of the folder, in threads of this process: name -> url."""
    period_columns = {service.name: service.period_column for service in SERVICES}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(answering_service(Service(name, 0, period_columns.get(name)), file)).url
            for name, file in find_data_files(data).items()
        }


@contextmanager
def running_services(data: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """The source services over the folder as users run them, in a process of their own, on free ports: name -> url."""
    process = subprocess.Popen(
        [sys.executable, "-m", "source_services", "--data", str(data), *(arguments or ("--base-port", "0"))],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield _listening(process, 1 if arguments else len([*data.glob("*.csv*"), *data.glob("*.jsonl*")]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _listening(process: "subprocess.Popen[str]", count: int) -> dict[str, str]:
    """The urls that the process says it listens on, read until it has said so many."""
    assert process.stdout is not None
    urls: dict[str, str] = {}
    for line in process.stdout:
        if found := re.match(r"(\S+)\s+(http://\S+)", line):
            urls[found[1]] = found[2]
        if len(urls) == count or process.poll() is not None:
            return urls
    return urls
