"""One deployment for all tests of this folder: built and brought up once, and left as it was by each of them."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from deployment.engine import docker, free_port, skip_without_engine
from deployment.local_run import SAMPLE, csv_without_docker
from deployment.stack import (
    LOCATION,
    NAME,
    RUN_SECONDS,
    SOURCES,
    VOLUMES,
    Run,
    Stack,
    made_secrets,
    settings_of_test,
    within,
)

FIGURES: list[tuple[str, float, str]] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that docs/deployment.md gives."""
    if FIGURES:
        terminalreporter.section("figures of the deployment")
        for what, value, unit in FIGURES:
            terminalreporter.line(f"{what:<100} {value:>8.1f} {unit}")


@pytest.fixture(scope="session")
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployment just brought up: nothing has been published yet."""
    skip_without_engine()
    refuse_to_destroy()
    folder = tmp_path_factory.mktemp("deployment")
    data = folder / "statements"
    shutil.copytree(SAMPLE, data)
    data.chmod(0o755)
    password, login = secrets.token_hex(24), secrets.token_hex(24)
    ports = {
        f"FINSYNC_{name}PORT": str(free_port()) for name in ("", "API_", *(f"{source.upper()}_" for source in SOURCES))
    }
    environment = settings_of_test(made_secrets(folder / "secrets", password, login), data, ports)
    stack = Stack(environment, password, login, data, folder / "events", FIGURES)
    # Watched from the beginning: the engine itself remembers only the last few hundred
    watch = ["docker", "events", "--filter", "label=dagster/run_id", "--format", "{{json .}}"]
    with stack.events.open("w") as events, subprocess.Popen(watch, stdout=events) as watching:
        try:
            stack.compose("down", "--volumes")
            bring_up(stack)
            yield stack
        finally:
            watching.terminate()
            clear_away(stack)


@pytest.fixture(scope="session")
def switched_on(fresh_stack: Stack) -> dict[str, str]:
    """Each schedule and sensor, and whether it was running when the deployment had come up."""
    query = """query($location: RepositorySelector!) {repositoryOrError(repositorySelector: $location) {
        ... on Repository {schedules {name scheduleState {status}} sensors {name sensorState {status}}}}}"""
    there = fresh_stack.ask(query, location=LOCATION)["repositoryOrError"]
    schedules = {each["name"]: each["scheduleState"]["status"] for each in there["schedules"]}
    return schedules | {each["name"]: each["sensorState"]["status"] for each in there["sensors"]}


@pytest.fixture(scope="session")
def first_run(fresh_stack: Stack) -> Run:
    """The run that the sensor asks for by itself, since it has seen nothing yet."""
    (run,) = within(RUN_SECONDS, lambda: launched_by(fresh_stack, "dagster/sensor_name"))
    return fresh_stack.succeeded(run.id)


@pytest.fixture(scope="session")
def scheduled_run(fresh_stack: Stack, switched_on: dict[str, str]) -> Run:
    """The run that the schedule `quarter_close` asks for, at the next minute."""
    *_, run = within(RUN_SECONDS, lambda: launched_by(fresh_stack, "dagster/schedule_name"))
    fresh_stack.switch_off("quarter_close")
    return fresh_stack.succeeded(run.id)


@pytest.fixture(scope="session")
def stack(fresh_stack: Stack, first_run: Run, scheduled_run: Run) -> Stack:
    """The deployment when everything that the sources hold is in, and published."""
    fresh_stack.idle()
    fresh_stack.succeeded(fresh_stack.launch("release"))
    return fresh_stack


@pytest.fixture(scope="session")
def expected_csv(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run without Docker publishes of the same statements."""
    csv = csv_without_docker(SAMPLE, tmp_path_factory.mktemp("local"))
    assert len(csv) > 10_000
    return csv


def launched_by(stack: Stack, tag: str) -> list[Run]:
    """The runs with this tag, the newest first."""
    return [run for run in stack.runs().values() if tag in run.tags]


def bring_up(stack: Stack) -> None:
    """Build all images, from nothing but the base image where FINSYNC_TEST_DOCKER=cold, and start all services."""
    cold = ["--no-cache"] if os.environ["FINSYNC_TEST_DOCKER"] == "cold" else []
    began = time.monotonic()
    stack.compose("build", *cold, seconds=1800)
    stack.measured(
        f"build of all images, {'cold' if cold else 'of which parts may be there'}", time.monotonic() - began
    )
    began = time.monotonic()
    stack.compose("up", "--wait", seconds=600)
    stack.measured("up --wait, images there, volumes empty", time.monotonic() - began)


def refuse_to_destroy() -> None:
    """Fail if there is a deployment of somebody's here."""
    for volume in set(docker("volume", "ls", "--format", "{{.Name}}").split()) & set(VOLUMES):
        owner = json.loads(docker("volume", "inspect", volume))[0]["Labels"] or {}
        if owner.get("com.docker.compose.project") != NAME:
            pytest.fail(f"The volume {volume} belongs to a deployment of FinSync, which this test would destroy.")


def clear_away(stack: Stack) -> None:
    """Remove containers, network and volumes; the images stay."""
    for run in stack.run_containers():
        subprocess.run(["docker", "rm", "--force", "--volumes", run], capture_output=True, check=False)
    stack.compose("down", "--volumes", seconds=300)
