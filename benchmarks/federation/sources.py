"""The services of the sources: each a process of its own, over loopback HTTP, its company and period end indexed."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.services.processes import Server, free_port, serving

START_SECONDS = 600
"""A million rows of thirty columns are loaded, counted and indexed first."""


@contextmanager
def served(database: Path) -> Iterator[Server]:
    """Our service over the SQLite file, without a rate limit in effect."""
    port, name = free_port(), database.stem
    command = [sys.executable, "-m", "source_services", name, "--data", str(database), "--port", str(port)]
    command += ["--period-column", "period_end", "--index", "company"]
    environment = {**os.environ, "FINSYNC_SERVICES_REQUESTS_PER_MINUTE": "1000000000"}
    with (
        tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder,
        serving(name, command, port, "/ready", Path(folder), environment, START_SECONDS) as server,
    ):
        yield server
