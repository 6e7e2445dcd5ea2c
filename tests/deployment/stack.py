"""The running deployment, driven as docs/deployment.md says: compose, GraphQL, the `dagster` command."""

import base64
import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browser_requests import NAMED_ORIGIN
from deployment.engine import PROJECT, docker

NAME = "finsync-test"
SOURCES = {"pnl": 5001, "balance_sheet": 5002, "cash_flow": 5003}
OWN_VOLUMES = ("api", *SOURCES)
VOLUMES = ("finsync_data", "finsync_postgres", "finsync_private", *(f"finsync_{name}" for name in OWN_VOLUMES))
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "finsync"}
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")
TABLES = (
    "inventory", "unassigned", "raw", "earlier_raw", "company_ids", "facts", "versions", "texts", "rejects", "ledger",
)  # fmt: skip
QUARTER = "2009-10-01"
SOME_QUARTERS = {"dagster/asset_partition_range_start": "2009-07-01", "dagster/asset_partition_range_end": "2010-04-01"}
RUN_SECONDS = 300
API_SETTINGS = {"FINSYNC_API_ORIGINS": NAMED_ORIGIN, "FINSYNC_API_LOG": "info"}

RUN = """runId jobName status creationTime startTime endTime tags {key value}
    stepStats {stepKey startTime endTime}"""


@dataclass(frozen=True)
class Run:
    """A run as Dagster tells of it; times are in seconds since 1970."""

    id: str
    job: str
    status: str
    tags: dict[str, str]
    created: float
    started: float | None
    ended: float | None
    steps: dict[str, tuple[float, float]]

    @property
    def container(self) -> str:
        """The id of its container."""
        return self.tags["docker/container_id"]

    @property
    def is_finished(self) -> bool:
        """Whether it has come to its end."""
        return self.status in FINISHED


@dataclass
class Stack:
    """The running deployment."""

    environment: dict[str, str]
    password: str
    login: str
    data: Path
    events: Path
    figures: list[tuple[str, float, str]] = field(default_factory=list)

    def compose(
        self,
        *arguments: str,
        seconds: float = 180,
        settings: dict[str, str] | None = None,
        override: str = "",
        folder: Path = PROJECT,
    ) -> str:
        """What docker compose prints in the folder. `override` is a second compose file.

        Raises AssertionError if it fails.
        """
        files = ("-f", "docker-compose.yml", "-f", override) if override else ()
        command = ["docker", "compose", "--project-name", NAME, *files, *arguments]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**self.environment, "PWD": str(folder), **(settings or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    @property
    def basic(self) -> dict[str, str]:
        """The header of a user who is logged in."""
        return {"Authorization": "Basic " + base64.b64encode(f"finsync:{self.login}".encode()).decode()}

    def inside(self, service: str, *command: str) -> str:
        """What the command prints in the service's container."""
        return self.compose("exec", "-T", service, *command)

    def container(self, service: str) -> str:
        """The name of the service's container."""
        return f"{NAME}-{service}-1"

    def kill(self, service: str) -> float:
        """Kill the service's process, so that its restart policy acts; the seconds until it is healthy again."""
        began, before = time.monotonic(), self.inspect(service)["State"]
        # As the user that it has, from outside of its container: there it could not be killed
        beside = ["--pid", "host", "--user", "10001:10001", "--entrypoint", "python", "finsync-services"]
        docker("run", "--rm", *beside, "-c", f"import os; os.kill({before['Pid']}, 9)")
        within(120, lambda: self.inspect(service)["State"]["StartedAt"] != before["StartedAt"])
        self.wait_healthy(service)
        return time.monotonic() - began

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of the service's container."""
        told: dict[str, Any] = json.loads(docker("inspect", self.container(service)))[0]
        return told

    def wait_healthy(self, *services: str) -> None:
        """Wait until all of them answer their health checks."""
        for service in services:
            within(180, lambda service=service: self.inspect(service)["State"]["Health"]["Status"] == "healthy")

    def ask(self, query: str, **variables: Any) -> Any:
        """What GraphQL answers. The webserver gives an error for each connection that a database's end has cut."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self.environment['FINSYNC_PORT']}/graphql"
        headers = {"Content-Type": "application/json", **self.basic}
        request = urllib.request.Request(url, body, headers)
        for _ in range(60):
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    answer = json.load(response)
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(1)
        else:
            raise AssertionError("the webserver does not answer")
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def launch(self, job: str, tags: dict[str, str] | None = None) -> str:
        """Launch the job from the command line; the id of the run."""
        known = set(self.runs())
        self.inside("code", "dagster", "job", "launch", "-j", job, "--tags", json.dumps(tags or {}))
        (run,) = [run.id for run in self.runs().values() if run.id not in known and run.job == job]
        return run

    def launch_release(self) -> str:
        """Launch a release that is written also if nothing has changed; the id of the run."""
        return self.launch_by_graphql("release", config={"resources": {"publication": {"config": {"force": True}}}})

    def launch_by_graphql(
        self,
        job: str,
        tags: dict[str, str] | None = None,
        keys: Iterable[str] = (),
        config: dict[str, Any] | None = None,
    ) -> str:
        """Launch the job, or of it just the assets with these keys, as the web UI does; the id of the run."""
        selected = {"assetSelection": [{"path": key.split("/")} for key in keys]} if keys else {}
        told = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        mutation = """mutation($params: ExecutionParams!) {launchRun(executionParams: $params) {
            __typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}}"""
        params = {
            "selector": {**LOCATION, "jobName": job, **selected},
            "runConfigData": config or {},
            "executionMetadata": {"tags": told},
        }
        answer = self.ask(mutation, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def work_on(self, *sources: str, quarter: str = QUARTER) -> str:
        """Launch a run over one quarter of the sources; its id."""
        keys = [f"{source}/{table}" for source in sources for table in TABLES]
        return self.launch_by_graphql("quarter", {"dagster/partition": quarter}, keys)

    def switch_off(self, schedule: str) -> None:
        """Switch the schedule off, as in the web UI."""
        query = """query($schedule: ScheduleSelector!) {scheduleOrError(scheduleSelector: $schedule) {
            ... on Schedule {scheduleState {id}}}}"""
        state = self.ask(query, schedule={**LOCATION, "scheduleName": schedule})["scheduleOrError"]["scheduleState"]
        mutation = "mutation($id: String!) {stopRunningSchedule(id: $id) {__typename}}"
        told = self.ask(mutation, id=state["id"])["stopRunningSchedule"]["__typename"]
        assert told == "ScheduleStateResult", told

    def runs(self) -> dict[str, Run]:
        """All runs by their ids, the newest first."""
        found = self.ask(f"{{runsOrError {{... on Runs {{results {{{RUN}}}}}}}}}")["runsOrError"]["results"]
        return {each["runId"]: _run(each) for each in found}

    def run(self, run: str) -> Run:
        """What Dagster says of the run now."""
        query = f"query($run: ID!) {{runOrError(runId: $run) {{... on Run {{{RUN}}}}}}}"
        return _run(self.ask(query, run=run)["runOrError"])

    def finished(self, run: str, seconds: float = RUN_SECONDS) -> Run:
        """The run when it has come to its end."""
        within(seconds, lambda: self.run(run).is_finished)
        return self.run(run)

    def succeeded(self, run: str) -> Run:
        """The run, which must end well."""
        done = self.finished(run)
        assert done.status == "SUCCESS", f"{done}: {self.errors(run)}"
        return done

    def is_working(self, run: str) -> Run:
        """The run when its container has begun with it."""
        return within(RUN_SECONDS, lambda: (told := self.run(run)).started and told)

    def retry_of(self, run: str, seconds: float = 120) -> Run:
        """The run that Dagster launched because this one's container died, when it has come to its end."""
        asked = lambda: [each for each in self.runs().values() if each.tags.get("dagster/parent_run_id") == run]  # noqa: E731
        (retry,) = within(seconds, asked)
        assert retry.tags["dagster/retry_number"] == "1"
        return self.finished(retry.id)

    def idle(self) -> None:
        """Wait until no run is queued or going on."""
        within(RUN_SECONDS, lambda: all(run.is_finished for run in self.runs().values()))

    def errors(self, run: str) -> str:
        """What went wrong in the run, as the web UI tells it."""
        query = """query($run: ID!) {logsForRun(runId: $run) {... on EventConnection {events {
            ... on MessageEvent {message level}
            ... on ExecutionStepFailureEvent {error {message causes {message}}}
            ... on ExecutionStepUpForRetryEvent {error {message causes {message}}}
            ... on RunFailureEvent {error {message}}}}}}"""
        events = self.ask(query, run=run)["logsForRun"]["events"]
        told = [event["error"]["message"] for event in events if event.get("error")]
        told += [cause["message"] for event in events for cause in (event.get("error") or {}).get("causes", [])]
        return "\n".join(
            [*told, *(event["message"] for event in events if event.get("level") in ("ERROR", "CRITICAL"))]
        )

    def releases(self) -> list[str]:
        """The releases on the volume, the oldest first."""
        return self.inside("code", "sh", "-c", "cd /data/published && ls -d *Z").split()

    def release_csv(self) -> bytes:
        """The current release's CSV, taken from the volume as docs/deployment.md says."""
        return self.inside("code", "sh", "-c", "cat /data/published/current/company_summary_*.csv").encode()

    def published_anew(self) -> bytes:
        """The CSV of a release that is made now of the tables on the volume."""
        before = self.releases()
        self.succeeded(self.launch_release())
        assert len(self.releases()) == len(before) + 1
        return self.release_csv()

    def tables(self) -> str:
        """A digest of each file of the tables."""
        find = "find /data/tables -type f ! -name '.*' -exec sha256sum {} + | sort -k 2"
        return self.inside("code", "sh", "-c", find)

    def run_containers(self) -> list[str]:
        """The ids of the containers of runs that there are."""
        return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=dagster/run_id").split()

    def engine_events(self) -> list[dict[str, Any]]:
        """What the engine told of the containers of runs since the beginning."""
        return [json.loads(line) for line in self.events.read_text(encoding="utf-8").splitlines()]

    def measured(self, what: str, value: float, unit: str = "s") -> None:
        """Keep a figure for the summary of the test run."""
        self.figures.append((what, value, unit))


def within(seconds: float, ask: Callable[[], Any]) -> Any:
    """The first answer that is not empty. Raises AssertionError after the seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.5)
    raise AssertionError(f"nothing within {seconds} s")


def made_secrets(folder: Path, password: str, login: str = "unused") -> Path:
    """A folder of secrets as `make secrets` makes it."""
    folder.mkdir(mode=0o700)
    users = f"finsync:{{PLAIN}}{login}\n"
    texts = {"postgres_password": password, "services_token": secrets.token_hex(24), "web_users": users}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)
    return folder


def settings_of_test(secrets_folder: Path, data: Path, ports: dict[str, str]) -> dict[str, str]:
    """The environment of docker compose: this process's, without settings of a deployment that may be in it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "COMPOSE_"))}
    own = {"FINSYNC_SECRETS": str(secrets_folder), "FINSYNC_SERVICES_DATA": str(data), "FINSYNC_DEPLOYED": "1"}
    # The close comes at the next minute, not in the next quarter
    return {**others, **ports, **own, "FINSYNC_CLOSE_CRON": "* * * * *", **API_SETTINGS}


def _run(told: dict[str, Any]) -> Run:
    steps = {each["stepKey"]: (each["startTime"] or 0.0, each["endTime"] or 0.0) for each in told["stepStats"]}
    tags = {tag["key"]: tag["value"] for tag in told["tags"]}
    times = (told["creationTime"], told["startTime"], told["endTime"])
    return Run(told["runId"], told["jobName"], told["status"], tags, *times, steps)
