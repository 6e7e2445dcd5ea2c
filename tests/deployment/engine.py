"""The Docker engine that these tests use, where there is one."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

needs_docker = pytest.mark.skipif(
    not os.environ.get("FINSYNC_TEST_DOCKER"),
    reason="builds images and starts containers: FINSYNC_TEST_DOCKER=1 and a Docker engine allow it",
)


def skip_without_engine() -> None:
    """Skip the test where no engine answers."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers")


def docker(*arguments: str, seconds: float = 120) -> str:
    """What docker prints. Raises AssertionError with what it said, if it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-4000:]}"
    return done.stdout


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
