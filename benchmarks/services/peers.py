"""The servers that are measured: ours, and its peers out of a virtual environment of their own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.services.dataset import TABLE
from benchmarks.services.processes import Server, free_port, serving
from benchmarks.services.progress import say

PROJECT = Path(__file__).resolve().parents[2]
REQUIREMENTS = PROJECT / "benchmarks" / "peers.txt"
ENVIRONMENT = PROJECT / ".venv-peers"

DATASETTE_SETTINGS = {  # as fast as its own settings make it
    "max_returned_rows": 50_000,
    "sql_time_limit_ms": 60_000,
    "max_csv_mb": 0,
    "suggest_facets": "off",
}


def install() -> None:
    """Make `.venv-peers` of peers.txt, unless it is there already."""
    installed = ENVIRONMENT / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if installed.is_file() and installed.read_text() == wanted:
        return
    say(f"installing the peers into {ENVIRONMENT.name}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
    pip = [_program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
    installed.write_text(wanted)


@contextmanager
def ours(database: Path) -> Iterator[Server]:
    """Our service over the SQLite file, without a rate limit in effect."""
    port = free_port()
    command = [sys.executable, "-m", "source_services", TABLE, "--data", str(database), "--port", str(port)]
    environment = {**os.environ, "FINSYNC_SERVICES_REQUESTS_PER_MINUTE": "1000000000"}
    with (
        tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder,
        serving("ours", command, port, "/ready", Path(folder), environment) as server,
    ):
        yield server


@contextmanager
def datasette(database: Path) -> Iterator[Server]:
    """Datasette over the SQLite file, which it may take to be immutable."""
    port = free_port()
    settings = [word for name, value in DATASETTE_SETTINGS.items() for word in ("--setting", name, str(value))]
    command = [_program("datasette"), "serve", "--immutable", str(database), "--port", str(port), *settings]
    with (
        tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder,
        serving("Datasette", command, port, f"/{database.stem}.json", Path(folder)) as server,
    ):
        yield server


@contextmanager
def roapi(database: Path) -> Iterator[Server]:
    """ROAPI with the same table in its memory, from the Parquet file beside the SQLite file."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        config = Path(folder) / "roapi.yml"
        config.write_text(
            f"addr: {{http: '127.0.0.1:{port}'}}\n"
            f"tables:\n"
            f"  - name: {TABLE}\n"
            f"    uri: {database.with_suffix('.parquet')}\n"
            f"    option: {{format: parquet, use_memory_table: true}}\n"
        )
        with serving("ROAPI", [_program("roapi"), "--config", str(config)], port, "/health", Path(folder)) as server:
            yield server


@contextmanager
def plain_flask(database: Path) -> Iterator[Server]:
    """The plain way (`original.py`) over the SQLite file, on the server that Flask brings."""
    port = free_port()
    program = Path(__file__).with_name("original.py")
    query = f"/query?q=SELECT+1+FROM+{TABLE}+LIMIT+1"
    with (
        tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder,
        serving(
            "plain Flask", [_program("python"), str(program), str(database), str(port)], port, query, Path(folder)
        ) as server,
    ):
        yield server


def _program(name: str) -> str:
    return str(ENVIRONMENT / "bin" / name)
