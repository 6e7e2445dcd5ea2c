"""The local web UI, and the explorer on the next port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from finsync_pipeline.cli.services import services_running
from finsync_pipeline.cli.setup import local_instance
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.settings import DAGSTER_FILE

HOST = "127.0.0.1"
STOP_SECONDS = 30
DEV_SERVER = "finsync_pipeline.cli.dev_server"
"""A module of its own, since it replaces functions of Dagster."""


def dev(port: int, with_services: bool) -> int:
    """Run `dagster dev`, with rules for browsers, and the explorer on the next port, until they are stopped.

    Raises ConfigurationError for a busy port or two instances.
    """
    _check_free(port)
    explorer = port % 65_535 + 1
    _check_free(explorer)
    instance = str(local_instance())
    if dotenv_values(DAGSTER_FILE).get("DAGSTER_HOME", instance) != instance:
        fix = f"Remove the line from {DAGSTER_FILE}, or unset DAGSTER_HOME in the environment"
        raise ConfigurationError(
            f"it is {instance}, but dagster dev would use the one in {DAGSTER_FILE}", fix, "DAGSTER_HOME"
        )
    workspace = Path("workspace.yaml")
    target = ["-w", str(workspace)] if workspace.exists() else ["-m", "finsync_pipeline.definitions"]
    command = [sys.executable, "-m", DEV_SERVER, "dev", *target, "-h", HOST, "-p", str(port)]
    with services_running(with_services), _explorer_at(explorer, f"http://{HOST}:{port}"):
        return subprocess.run(command, check=False).returncode


@contextmanager
def _explorer_at(port: int, dagster: str) -> Iterator[None]:
    """Within the block, the explorer as a process of its own, whose links lead to this web UI."""
    command = [sys.executable, "-m", "finsync_pipeline", "explore", "--no-browser", "--port", str(port)]
    environment = {"FINSYNC_DAGSTER_URL": dagster, **os.environ}
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def _check_free(port: int) -> None:
    """Dagster itself would start a daemon first, also where another web UI and its daemon run already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            fix = f"Stop the program that listens there, or choose another port: finsync dev --port {port % 65_535 + 1}"
            raise ConfigurationError(f"{HOST}:{port} cannot be used ({error.strerror})", fix, "--port") from None
