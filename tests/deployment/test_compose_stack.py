"""The deployment for real: built, brought up, runs in containers of their own, the same CSV as without Docker."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deployment.engine import PROJECT, docker, free_port, needs_docker, skip_without_engine

NAME = "finsync-test"
VOLUMES = ("finsync_data", "finsync_postgres", "finsync_private", "finsync_services")
OURS = ("finsync-pipeline", "finsync-services")
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")
RUN_SECONDS = 300
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "finsync"}
SOURCES = {"pnl": 5001, "balance_sheet": 5002, "cash_flow": 5003}

pytestmark = needs_docker


@dataclass
class Stack:
    """The running deployment."""

    environment: dict[str, str]
    password: str
    events: Path

    def compose(self, *arguments: str, seconds: float = 120) -> str:
        command = ["docker", "compose", "--project-name", NAME, *arguments]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def launch(self, job: str, tags: dict[str, str] | None = None) -> str:
        """Launch the job as docs/deployment.md says; the id of the run."""
        known = set(self.runs())
        command = ["exec", "-T", "code", "dagster", "job", "launch", "-j", job, "--tags", json.dumps(tags or {})]
        self.compose(*command)
        (run,) = [run for run, told in self.runs().items() if run not in known and told["jobName"] == job]
        return run

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self.environment['FINSYNC_PORT']}/graphql"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def runs(self) -> dict[str, dict[str, Any]]:
        """Run id -> jobName, status, tags."""
        query = "{runsOrError{... on Runs{results{runId jobName status tags{key value}}}}}"
        found = self.ask(query)["runsOrError"]["results"]
        return {run["runId"]: {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found}

    def finished(self, run: str) -> dict[str, Any]:
        """The run when it has come to its end."""
        within(RUN_SECONDS, lambda: self.runs()[run]["status"] in FINISHED)
        return self.runs()[run]

    def release_csv(self) -> bytes:
        """The current release's CSV, taken from the volume as docs/deployment.md says."""
        command = "cat /data/published/current/company_summary_*.csv"
        return self.compose("exec", "-T", "code", "sh", "-c", command).encode()


def within(seconds: float, ask: Callable[[], Any]) -> Any:
    """The first answer that is not empty. Raises AssertionError after the seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(1)
    raise AssertionError(f"nothing within {seconds} s")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    skip_without_engine()
    there = set(docker("volume", "ls", "--format", "{{.Name}}").split()) & set(VOLUMES)
    for volume in there:
        owner = json.loads(docker("volume", "inspect", volume))[0]["Labels"] or {}
        if owner.get("com.docker.compose.project") != NAME:
            pytest.fail(f"The volume {volume} belongs to a deployment of FinSync, which this test would destroy.")

    folder = tmp_path_factory.mktemp("secrets")
    folder.chmod(0o700)
    password = secrets.token_hex(24)
    (folder / "postgres_password").write_text(password, encoding="utf-8")
    (folder / "services_token").write_text(secrets.token_hex(24), encoding="utf-8")
    for secret in folder.iterdir():
        secret.chmod(0o644)
    ports = {f"FINSYNC_{name}PORT": str(free_port()) for name in ("", *(f"{source.upper()}_" for source in SOURCES))}
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "COMPOSE_"))}
    sample = str(PROJECT / "source_services" / "sample_data")
    settings = {"FINSYNC_SECRETS": str(folder), "FINSYNC_SERVICES_DATA": sample, "FINSYNC_DEPLOYED": "1"}
    stack = Stack({**others, **ports, **settings}, password, folder / "events")
    # Watched from the beginning: the engine itself remembers only the last few hundred
    watch = ["docker", "events", "--filter", "label=dagster/run_id", "--format", "{{json .}}"]
    with stack.events.open("w") as events, subprocess.Popen(watch, stdout=events) as watching:
        try:
            stack.compose("down", "--volumes")
            stack.compose("build", seconds=1200)
            stack.compose("up", "--wait", seconds=600)
            yield stack
        finally:
            watching.terminate()
            clear_away(stack)


def clear_away(stack: Stack) -> None:
    """Remove containers, network and volumes; the images stay."""
    for run in docker("ps", "--quiet", "--filter", "network=finsync", "--filter", "label=dagster/run_id").split():
        subprocess.run(["docker", "kill", run], capture_output=True, check=False)  # it may have ended meanwhile
    stack.compose("down", "--volumes", seconds=300)


@pytest.fixture(scope="module")
def first_run(stack: Stack) -> dict[str, Any]:
    """The run that the sensor asks for by itself, since it has seen nothing yet."""
    (run, *others) = within(RUN_SECONDS, stack.runs)
    assert others == []
    return stack.finished(run)


@pytest.fixture(scope="module")
def released(stack: Stack, first_run: dict[str, Any]) -> dict[str, Any]:
    assert first_run["status"] == "SUCCESS"
    return stack.finished(stack.launch("release"))


def test_schedules_and_sensor_are_there_and_switched_on(stack):
    query = """query($location: RepositorySelector!) {repositoryOrError(repositorySelector: $location) {
        ... on Repository {jobs {name} schedules {name scheduleState {status}} sensors {name sensorState {status}}}}}"""
    there = stack.ask(query, location=LOCATION)["repositoryOrError"]
    assert {"quarter", "release"} <= {job["name"] for job in there["jobs"]}
    schedules = {each["name"]: each["scheduleState"]["status"] for each in there["schedules"]}
    assert {"quarter_close", "release_after_close"} <= schedules.keys()
    assert set(schedules.values()) == {"RUNNING"}
    assert {each["name"]: each["sensorState"]["status"] for each in there["sensors"]}["delivery_changed"] == "RUNNING"


def test_the_sensor_brings_in_what_the_sources_hold(first_run):
    assert first_run["status"] == "SUCCESS"
    assert first_run["tags"]["dagster/sensor_name"] == "delivery_changed"


def test_a_quarter_is_launched_from_the_command_line(stack, first_run):
    run = stack.finished(stack.launch("quarter", {"dagster/partition": "2009-10-01"}))
    assert run["status"] == "SUCCESS"


def test_the_release_is_what_the_command_publishes_without_docker(stack, released, first_run, tmp_path):
    assert released["status"] == "SUCCESS"
    first, last = (first_run["tags"][f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))
    urls = {
        f"FINSYNC_{source.upper()}_URL": f"http://127.0.0.1:{stack.environment[f'FINSYNC_{source.upper()}_PORT']}"
        for source in SOURCES
    }
    urls["FINSYNC_SERVICES_TOKEN_FILE"] = f"{stack.environment['FINSYNC_SECRETS']}/services_token"
    home = {"FINSYNC_HOME": str(tmp_path / "data"), "DAGSTER_HOME": str(tmp_path / "data" / "dagster")}
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "DAGSTER_"))}
    command = "import sys; from finsync_pipeline.cli import main; sys.exit(main())"
    local = subprocess.run(
        [sys.executable, "-c", command, "run", "--quarters", f"{first}...{last}"],
        cwd=tmp_path,
        env={**others, **urls, **home, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert local.returncode == 0, local.stdout[-2000:] + local.stderr[-2000:]
    (csv,) = (tmp_path / "data" / "published" / "current").glob("company_summary_*.csv")
    assert len(csv.read_bytes()) > 10_000
    assert stack.release_csv() == csv.read_bytes()


def test_each_run_had_a_container_of_its_own_which_is_gone(stack, released):
    events = [json.loads(line) for line in stack.events.read_text(encoding="utf-8").splitlines()]
    started = {
        event["Actor"]["Attributes"]["dagster/run_id"]: event["id"] for event in events if event["status"] == "start"
    }
    ended = {event["id"]: event["Actor"]["Attributes"]["exitCode"] for event in events if event["status"] == "die"}
    succeeded = {run: told for run, told in stack.runs().items() if told["status"] == "SUCCESS"}
    assert len(succeeded) >= 2
    for run, told in succeeded.items():
        assert told["tags"]["docker/container_id"] == started[run]
        assert told["tags"]["dagster/image"] == "finsync-pipeline"
        assert ended[started[run]] == "0"
    assert len({started[run] for run in succeeded}) == len(succeeded)
    there = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=dagster/run_id").split()
    assert not {started[run] for run in succeeded} & set(there)


def test_what_steps_print_is_on_the_volume(stack, first_run):
    found = stack.compose(
        "exec", "-T", "code", "find", f"/data/dagster/compute_logs/{first_run['runId']}", "-name", "*.err"
    )
    assert found.strip()


def test_a_run_can_be_stopped_in_the_ui(stack, first_run):
    """Which takes the Docker socket in the webserver, for a user who is not root."""
    tags = {name: value for name, value in first_run["tags"].items() if "asset_partition_range" in name}
    run = stack.launch("quarter", tags)
    within(RUN_SECONDS, lambda: stack.runs()[run]["status"] in ("STARTED", *FINISHED))
    mutation = "mutation($run: String!) {terminateRun(runId: $run) {__typename}}"
    assert stack.ask(mutation, run=run)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    assert stack.finished(run)["status"] == "CANCELED"


def test_no_process_is_root_and_no_container_shows_the_password(stack, first_run):
    run = stack.launch("quarter", {"dagster/partition": "2009-10-01"})
    alone = ["--filter", f"label=dagster/run_id={run}"]
    container = within(RUN_SECONDS, lambda: docker("ps", "--quiet", *alone).strip())
    containers = [container, *stack.compose("ps", "--quiet").split()]
    assert len(containers) == 8
    for each in containers:
        users = docker("top", each, "-eo", "uid,pid,args").splitlines()[1:]
        assert users
        assert not [line for line in users if line.split()[0] == "0"]
        assert stack.password not in docker("inspect", each)
    for image in OURS:
        assert stack.password not in docker("history", "--no-trunc", image)
    assert stack.finished(run)["status"] == "SUCCESS"


def test_postgres_refuses_who_has_no_password(stack):
    command = ["exec", "-T", "code", "python", "-c"]
    ask = "import psycopg2; psycopg2.connect(host='postgres', dbname='finsync', user='finsync', passfile={!r})"
    stack.compose(*command, ask.format("/private/pgpass"))
    with pytest.raises(AssertionError, match="no password supplied"):
        stack.compose(*command, ask.format("/nowhere"))


def test_the_webserver_answers_again_after_postgres_was_away(stack, first_run):
    stack.compose("restart", "postgres")

    def answers() -> bool:
        try:
            return bool(stack.runs())
        except (urllib.error.URLError, AssertionError, KeyError):
            return False

    assert within(60, answers)
