"""Source services on this machine: in threads of the test's process, or in a process of their own as users run them."""

import asyncio
import os
import re
import resource
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

WAIT_SECONDS = 300
"""How long to wait for what happens soon, on a machine that is busy with other work."""


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


LINE = re.compile(r"^(\S+) +(http://\S+:\d+)   ([\d,]+) rows   data version [0-9a-f]{12}…$")
"""What a service prints when it listens: its name, its url, and the number of its rows."""


def environment(**settings: str) -> dict[str, str]:
    """The environment, without settings of the project but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINSYNC_")}
    return {**kept, "PYTHONUTF8": "1", **settings}


@contextmanager
def started(
    *arguments: object,
    count: int = 1,
    address_space: int | None = None,
    program: tuple[str, ...] = ("-m", "source_services"),
    **settings: str,
) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """`python -m source_services`, its first `count` lines read; a signal stops it at the end."""

    def limit_memory() -> None:
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    with subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=PROJECT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=limit_memory,
    ) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().rstrip("\n") for _ in range(count)]
            assert all(lines), process.communicate(timeout=WAIT_SECONDS)[1]
            yield process, lines
        finally:
            process.send_signal(signal.SIGTERM)  # not kill: the temporary folder is to go too
            process.communicate(timeout=WAIT_SECONDS)


@contextmanager
def running_services(data: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """The source services over the folder as users run them, in a process of their own, on free ports: name -> url."""
    # Each declared service has a line, even if there is no data file for it
    count = 1 if arguments else len({service.name for service in SERVICES} | find_data_files(data).keys())
    with started("--data", data, *(arguments or ("--base-port", 0)), count=count) as (_, lines):
        yield {match[1]: match[2] for match in map(LINE.match, lines) if match is not None}
