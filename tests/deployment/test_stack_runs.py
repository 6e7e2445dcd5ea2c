"""Runs launched in every way: each in a container of its own, and the same CSV as without Docker."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deployment.engine import PROJECT, docker, needs_docker
from deployment.stack import NAME, QUARTER, RUN_SECONDS, SOME_QUARTERS, SOURCES, Run, Stack, within

from finsync_pipeline.statements.dates import quarter_of

IMAGES = ("finsync-pipeline", "finsync-services", "finsync-gateway")
PYTHONS = {"finsync-pipeline": "/opt/venv/bin/python", "finsync-services": "python"}
LISTED = "from importlib.metadata import distributions\nfor each in distributions(): print(each.name, each.version)"

pytestmark = needs_docker


def had_a_container_of_its_own(stack: Stack, run: Run) -> bool:
    """Whether the engine saw one container for the run, of the pipeline's image, which ended well and is gone."""
    told = [event for event in stack.engine_events() if event["Actor"]["Attributes"]["dagster/run_id"] == run.id]
    (started,) = [event for event in told if event["status"] == "start"]
    ends = [event for event in told if event["status"] == "die"]
    if not ends:  # the run tells that it is done before its container ends
        return False
    (ended,) = ends
    assert run.container == started["id"] == ended["id"]
    assert started["from"] == "finsync-pipeline"
    assert ended["Actor"]["Attributes"]["exitCode"] == "0"
    return run.container not in stack.run_containers()


def backfilled(stack: Stack) -> list[Run]:
    """The runs of backfills."""
    return [run for run in stack.runs().values() if "dagster/backfill" in run.tags]


def most_memory(stack: Stack, run: str) -> float:
    """The most MiB that the run's container was seen to have, from now to its end."""
    alone = ["--filter", f"label=dagster/run_id={run}"]
    within(RUN_SECONDS, lambda: docker("ps", "--quiet", *alone).strip())
    most = 0.0
    while container := docker("ps", "--quiet", *alone).strip():
        try:
            told = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container)
        except AssertionError:  # it has just ended
            break
        if found := re.match(r"([\d.]+)MiB /", told):
            most = max(most, float(found[1]))
    return most


def test_schedules_and_sensor_are_switched_on_from_the_start(switched_on):
    assert switched_on.keys() >= {"quarter_close", "release_after_close", "source_changed"}
    assert set(switched_on.values()) == {"RUNNING"}


def test_the_sensor_brings_in_what_the_sources_hold(stack, first_run):
    assert first_run.tags["dagster/sensor_name"] == "source_changed"
    assert first_run.tags["dagster/asset_partition_range_start"] == "2007-04-01"
    assert within(60, lambda: had_a_container_of_its_own(stack, first_run))
    stack.measured("run over 13 quarters of all sources, asked for by the sensor", first_run.ended - first_run.created)


def test_the_schedule_brings_in_the_quarter_that_has_ended(stack, scheduled_run):
    assert scheduled_run.tags["dagster/schedule_name"] == "quarter_close"
    ended = quarter_of(quarter_of(datetime.now(UTC).date()) - timedelta(days=1))
    assert scheduled_run.tags["dagster/partition"] == ended.isoformat()
    assert within(60, lambda: had_a_container_of_its_own(stack, scheduled_run))


def test_a_run_launched_over_graphql_has_a_container_within_its_limit_of_memory(stack):
    run = stack.launch_by_graphql("quarter", {"dagster/partition": QUARTER})
    most = most_memory(stack, run)
    done = stack.succeeded(run)
    assert within(60, lambda: had_a_container_of_its_own(stack, done))
    assert 0 < most < 1024
    stack.measured("run over one quarter of all sources", done.ended - done.created)
    stack.measured("its memory, at most", most, "MiB")


def test_a_backfill_from_the_command_line_has_a_run_and_a_container_for_each_quarter(stack):
    first, last = "2009-07-01", QUARTER
    stack.inside("code", "dagster", "job", "backfill", "-j", "quarter", "--from", first, "--to", last, "--noprompt")
    within(120, lambda: len(backfilled(stack)) == 2)
    done = [stack.succeeded(run.id) for run in backfilled(stack)]
    assert {run.tags["dagster/partition"] for run in done} == {first, last}
    assert len({run.container for run in done}) == 2
    for run in done:
        assert within(60, lambda run=run: had_a_container_of_its_own(stack, run))


def test_the_release_is_what_the_command_publishes_without_docker(stack, expected_csv):
    assert stack.release_csv() == expected_csv
    assert stack.published_anew() == expected_csv


def test_no_service_comes_near_its_limit_of_memory(stack):
    told = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.MemPerc}}").splitlines()
    found = [re.match(rf"{NAME}-(\S+)-1 ([\d.]+)MiB / \S+ ([\d.]+)%", line) for line in told]
    used = {each[1]: (float(each[2]), float(each[3])) for each in found if each}
    assert len(used) == 10
    assert max(percent for _, percent in used.values()) < 75
    stack.measured("memory of all ten services together", sum(amount for amount, _ in used.values()), "MiB")


def test_what_steps_print_is_on_the_volume(stack, first_run):
    assert stack.inside("code", "find", f"/data/dagster/compute_logs/{first_run.id}", "-name", "*.err").strip()


def test_a_run_can_be_stopped_in_the_ui(stack):
    """Which the webserver may ask of the engine, though it has no Docker socket."""
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS | {"dagster/asset_partition_range_start": "2007-04-01"})
    stack.is_working(run)
    mutation = "mutation($run: String!) {terminateRun(runId: $run) {__typename}}"
    assert stack.ask(mutation, run=run)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    assert stack.finished(run).status == "CANCELED"


def users_of(container: str) -> list[str]:
    users = [line.split()[0] for line in docker("top", container, "-eo", "uid,pid,args").splitlines()[1:]]
    assert users
    return users


def test_no_process_is_root_and_no_container_shows_a_secret(stack):
    run = stack.work_on("pnl")
    container = within(RUN_SECONDS, lambda: docker("ps", "--quiet", "--filter", f"label=dagster/run_id={run}").strip())
    containers = [container, *stack.compose("ps", "--quiet").split()]
    assert len(containers) == 11
    for each in containers:
        # What changes its user at once, as a health check, may be seen as root before
        within(5, lambda each=each: "0" not in users_of(each))
        assert stack.password not in docker("inspect", each)
    for image in IMAGES:
        assert stack.password not in docker("history", "--no-trunc", image)
    stack.succeeded(run)


def test_images_are_labelled_and_hold_the_versions_of_the_lock(stack):
    lock = re.findall(r"(?m)^(\S+)==(\S+)", (PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    locked = {name.lower().replace("_", "-"): version for name, version in lock}
    version = re.findall(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    for image, python in PYTHONS.items():
        labels = json.loads(docker("inspect", image))[0]["Config"]["Labels"]
        assert labels["org.opencontainers.image.title"] == image
        assert [labels["org.opencontainers.image.version"]] == version
        listed = docker("run", "--rm", "--entrypoint", python, image, "-I", "-c", LISTED).splitlines()
        there = dict(line.lower().replace("_", "-").split() for line in listed)
        others = {"finsync"}
        assert len(there) > 10
        assert {name: there[name] for name in there.keys() - others} == {
            name: locked.get(name) for name in there.keys() - others
        }


def test_a_bill_of_materials_lists_what_is_in_each_image(stack, tmp_path):
    command = [sys.executable, str(PROJECT / ".ci" / "sbom.py"), *IMAGES]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    locked = set((PROJECT / "requirements.lock").read_text(encoding="utf-8").lower().split())
    for image, package in {"pipeline": "dagster", "services": "apsw", "gateway": "nginx"}.items():
        document = json.loads((tmp_path / "build" / "sbom" / f"finsync-{image}.json").read_text(encoding="utf-8"))
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
        names = {component["name"] for component in document["components"]}
        assert {package, "libc6"} <= names
        purls = {component["purl"] for component in document["components"]}
        assert len(purls) == len(document["components"]) > 80
        python = {purl.removeprefix("pkg:pypi/").replace("@", "==") for purl in purls if "pkg:pypi/" in purl}
        assert {each for each in python if not each.startswith("finsync==")} <= locked


@pytest.mark.parametrize("image", IMAGES)
def test_images_hold_no_installer_and_no_program_that_changes_its_user(image):
    inside = ["run", "--rm", "--user", "0:0", "--network", "none", "--entrypoint"]
    look = ["/", "-xdev", "-type", "f", "(", "-perm", "/6000", "-o", "-path", "*/bin/pip*", ")"]
    assert docker(*inside, "find", image, *look).split() == []
    for module in ("pip", "ensurepip"):
        with pytest.raises(AssertionError, match=f"No module named {module}"):
            docker(*inside, PYTHONS.get(image, "python3"), image, "-m", module)


def test_no_process_has_a_secret_in_its_environment(stack):
    token = (Path(stack.environment["FINSYNC_SECRETS"]) / "services_token").read_text(encoding="utf-8")
    for service in ("postgres", "code", "webserver", "daemon", "gateway", "engine", *SOURCES):
        user = "999:999" if service == "postgres" else "10001:10001"
        read = ["exec", "-T", "--user", user, service, "sh", "-c", "cat /proc/[0-9]*/environ || true"]
        output = stack.compose(*read)
        assert "HOSTNAME=" in output
        assert not [secret for secret in (stack.password, stack.login, token) if secret in output]


def test_who_has_the_password_of_the_database_is_no_superuser_and_runs_no_program(stack):
    ask = """
import psycopg2, sys
with psycopg2.connect(host="postgres", dbname="finsync", user="finsync", passfile="/private/pgpass") as connection:
    cursor = connection.cursor()
    cursor.execute(sys.argv[1])
    print(cursor.fetchall())
"""
    superusers = stack.inside("code", "python", "-c", ask, "SELECT rolname FROM pg_roles WHERE rolsuper")
    assert "('postgres',)" in superusers
    assert "finsync" not in superusers
    for statement in ("COPY (SELECT 1) TO PROGRAM 'id'", "SELECT pg_read_file('/etc/passwd')"):
        with pytest.raises(AssertionError, match=r"(?i)permission denied|must be superuser"):
            stack.inside("code", "python", "-c", ask, statement)
    connect = "import psycopg2; psycopg2.connect(host='postgres', dbname='finsync', user='postgres', password='{}')"
    for password in ("none", "", stack.password):
        with pytest.raises(AssertionError, match=r"authentication failed|no password supplied"):
            stack.inside("code", "python", "-c", connect.format(password))


def test_postgres_refuses_who_has_no_password(stack):
    ask = "import psycopg2; psycopg2.connect(host='postgres', dbname='finsync', user='finsync', passfile='{}')"
    stack.inside("code", "python", "-c", ask.format("/private/pgpass"))
    with pytest.raises(AssertionError, match="no password supplied"):
        stack.inside("code", "python", "-c", ask.format("/nowhere"))
