"""The bare `dagster` commands from a checkout, in a clean environment: what a person who knows Dagster types."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from factories import PROJECT

CHECKOUT = ("finsync_pipeline", "pyproject.toml", "workspace.yaml")
BIN = Path(sys.executable).parent
MODULE = ["-m", "finsync_pipeline.definitions"]


@pytest.fixture(autouse=True)
def _checkout(deployment):
    """The deployment's folder as a checkout: the code, and the two files of settings that the set-up wrote."""
    for name in CHECKOUT:
        (deployment.folder / name).symlink_to(PROJECT / name)
    assert (deployment.folder / ".env").read_text() == f"DAGSTER_HOME={deployment.home}/dagster\n"
    assert (deployment.folder / "finsync.env").read_text() == f"FINSYNC_HOME={deployment.home}\n"


def _environment(deployment) -> dict[str, str]:
    """A clean environment but for where the services are: the rest is in `.env` and finsync.env."""
    where = {key: os.environ[key] for key in os.environ if key.endswith("_URL") or key == "FINSYNC_REFERENCE"}
    return {"PATH": os.environ["PATH"], "HOME": str(deployment.folder), **where}


def _dagster(deployment, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(BIN / "dagster"), *arguments],
        cwd=deployment.folder,
        env=_environment(deployment) | settings,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_definitions_validate_from_the_workspace_file(deployment):
    validated = _dagster(deployment, "definitions", "validate", "-w", "workspace.yaml")

    assert validated.returncode == 0, validated.stderr
    assert "All code locations passed validation" in validated.stdout + validated.stderr


@pytest.mark.long
def test_a_partition_range_is_materialized_in_one_process(running):
    made = _dagster(
        running, "asset", "materialize", "--select", "*", "--partition-range", "2009-07-01...2009-10-01", *MODULE
    )

    assert made.returncode == 0, made.stderr[-3000:]
    assert running.manifest()["sources"]["pnl"]["rows_used"] == 3


def test_one_quarter_of_one_source_is_materialized_alone(running):
    made = _dagster(
        running,
        "asset",
        "materialize",
        "--select",
        "group:pnl,group:companies",
        "--partition",
        "2009-10-01",
        *MODULE,
    )

    assert made.returncode == 0, made.stderr[-3000:]
    assert (running.home / "tables/pnl/raw/2009-10-01.parquet").exists()
    assert not (running.home / "tables/pnl/raw/2009-07-01.parquet").exists()


@pytest.mark.long
def test_an_exported_home_wins_over_the_settings_file(deployment):
    other = deployment.folder / "other"

    made = _dagster(deployment, "asset", "materialize", "--select", "group:companies", *MODULE, FINSYNC_HOME=str(other))

    assert made.returncode == 0, made.stderr[-3000:]
    assert list(other.glob("tables/companies*"))
    assert not (deployment.home / "tables").exists()


@contextmanager
def _daemon(deployment) -> Iterator[None]:
    process = subprocess.Popen(
        [str(BIN / "dagster-daemon"), "run", "-w", "workspace.yaml"],
        cwd=deployment.folder,
        env=_environment(deployment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.long
def test_a_job_backfill_goes_through_queue_and_daemon(running, monkeypatch: pytest.MonkeyPatch):
    launched = _dagster(
        running, "job", "backfill", "-j", "quarter", "-w", "workspace.yaml", "--noprompt",
        "--partitions", "2009-07-01,2009-10-01",
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr[-3000:]
    assert not (running.home / "tables/pnl/ledger").exists()

    with _daemon(running):
        wanted = [running.home / f"tables/pnl/ledger/{day}.parquet" for day in ("2009-07-01", "2009-10-01")]
        deadline = time.monotonic() + 280
        while not all(path.exists() for path in wanted) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert all(path.exists() for path in wanted)

    assert running.finsync("release") == 0
    assert running.manifest()["sources"]["pnl"]["rows_used"] == 3
