"""The source services as a local process during a command."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from finsync_pipeline.errors import SourceUnavailable

URLS = ["http://127.0.0.1:5001", "http://127.0.0.1:5002", "http://127.0.0.1:5003"]
START_SECONDS = 60


@contextmanager
def services_running(wanted: bool) -> Iterator[None]:
    """Within the block, the source services listen if wanted; those that listened before are left alone.

    Raises SourceUnavailable if they cannot be started, or only some of them listen.
    """
    listening = [url for url in URLS if _is_healthy(url)] if wanted else []
    if 0 < len(listening) < len(URLS):
        raise SourceUnavailable(
            f"only {', '.join(listening)} of the source services listen",
            "Stop what listens there, or start the others: python -m source_services",
            "--with-services",
        )
    if listening:
        print("The services that listen already are used.")
    if listening or not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "source_services"])
    try:
        _wait_for(process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(map(_is_healthy, URLS)):
        if process.poll() is not None or time.monotonic() > deadline:
            fix = "Start them alone to see why: python -m source_services"
            raise SourceUnavailable("the source services did not start", fix, "--with-services")
        time.sleep(0.1)


def _is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False
