"""The source services as a local process beside a run."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

URLS = ["http://127.0.0.1:5001", "http://127.0.0.1:5002", "http://127.0.0.1:5003"]
START_SECONDS = 60


class ServicesFailed(RuntimeError):
    """The source services could not be started; what they said stands above."""


@contextmanager
def services_running(wanted: bool) -> Iterator[None]:
    """Within the block, the source services listen if wanted; those that listened before are left alone.

    Raises ServicesFailed if they cannot be started, or only some of them listen.
    """
    listening = [url for url in URLS if _answers(url)] if wanted else []
    if 0 < len(listening) < len(URLS):
        raise ServicesFailed(
            f"Only {', '.join(listening)} of the services listen: stop what does, or start the others."
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
    while not all(map(_answers, URLS)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServicesFailed("The source services did not start: python -m source_services says why.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False
