"""The servers that are measured: the API, Datasette over the same tables, and one route in two frameworks."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.api.dataset import Dataset
from benchmarks.services.peers import DATASETTE_SETTINGS, ENVIRONMENT
from benchmarks.services.processes import Server, free_port, serving

NO_LIMIT = "1000000000"


@contextmanager
def api(dataset: Dataset) -> Iterator[Server]:
    """`finsync serve` over the release, without a rate limit in effect."""
    port = free_port()
    command = [sys.executable, "-m", "finsync_pipeline", "serve", "--port", str(port)]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FINSYNC_")},
        "FINSYNC_HOME": str(dataset.home),
        "FINSYNC_REFERENCE": str(dataset.reference),
        "FINSYNC_API_REQUESTS_PER_MINUTE": NO_LIMIT,
    }
    with _serving("the API", command, port, "/ready", environment) as server:
        yield server


@contextmanager
def datasette(dataset: Dataset) -> Iterator[Server]:
    """Datasette over the SQLite file, which it may take to be immutable and keep in memory."""
    port = free_port()
    of_ours = {**DATASETTE_SETTINGS, "default_facet_size": 1, "cache_size_kb": 500_000}
    settings = [word for name, value in of_ours.items() for word in ("--setting", name, str(value))]
    program = str(ENVIRONMENT / "bin" / "datasette")
    command = [program, "serve", "--immutable", str(dataset.database), "--port", str(port), *settings]
    with _serving("Datasette", command, port, "/-/versions.json") as server:
        yield server


@contextmanager
def framework(name: str) -> Iterator[Server]:
    """The one route of `framework_process`."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.api.framework_process", name, str(port)]
    with _serving(name, command, port, "/") as server:
        yield server


@contextmanager
def _serving(
    name: str, command: list[str], port: int, path: str, environment: dict[str, str] | None = None
) -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder,
        serving(name, command, port, path, Path(folder), environment) as server,
    ):
        yield server
