"""The source services as a local process beside a run."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

HEALTH_URL = "http://127.0.0.1:5001/health"
START_SECONDS = 60


class ServicesFailed(RuntimeError):
    """The source services could not be started; what they said stands above."""


@contextmanager
def services_running(wanted: bool) -> Iterator[None]:
    """Within the block, the source services listen if wanted; those that listened before are left alone.

    Raises ServicesFailed if they cannot be started.
    """
    if not wanted or _answers():
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
    while not _answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServicesFailed("The source services did not start: python -m source_services says why.")
        time.sleep(0.1)


def _answers() -> bool:
    try:
        return requests.get(HEALTH_URL, timeout=2).ok
    except requests.RequestException:
        return False
