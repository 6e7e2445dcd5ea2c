"""A run whose row in the database asks for another container starts in the configured one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._core.launcher.base import WorkerStatus
from deployment.engine import PROJECT, docker, needs_docker
from deployment.stack import Stack, within

from finsync_pipeline.orchestration.run_launcher import ConfiguredRunLauncher

LAUNCHER: dict[str, Any] = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))["run_launcher"]
WANTED = LAUNCHER["config"]["container_kwargs"]
HOSTILE = {
    "container_image": "finsync-services",
    "entry_point": ["touch", "/data/was_here"],
    "container_context": {
        "env_vars": ["ALSO=1"],
        "docker": {
            "env_vars": ["MORE=1"],
            "networks": ["finsync_web"],
            "container_kwargs": {
                "volumes": ["/:/host", "/var/run/docker.sock:/var/run/docker.sock"],
                "user": "0:0",
                "entrypoint": ["sleep", "60"],
                "privileged": True,
                "cap_add": ["ALL"],
                "cap_drop": [],
                "security_opt": [],
                "read_only": False,
            },
        },
    },
}
REWRITE = """
import json, sys
import psycopg2
run, asked = sys.argv[1], json.loads(sys.argv[2])
with psycopg2.connect(host="postgres", dbname="finsync", user="finsync", passfile="/private/pgpass") as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT run_body FROM runs WHERE run_id = %s", [run])
    body = json.loads(cursor.fetchone()[0])
    body["pipeline_code_origin"]["repository_origin"].update(asked)
    cursor.execute("UPDATE runs SET run_body = %s WHERE run_id = %s", [json.dumps(body), run])
"""

pytestmark = needs_docker


@pytest.fixture(scope="module")
def rewritten(stack: Stack) -> dict[str, Any]:
    """What the engine knows of the container of a run whose row was rewritten while the run was queued."""
    stack.idle()
    docker("pause", stack.container("daemon"))
    try:
        run = stack.work_on("pnl")
        stack.inside("code", "python", "-c", REWRITE, run, json.dumps(HOSTILE))
    finally:
        docker("unpause", stack.container("daemon"))
    find = ["ps", "--all", "--quiet", "--filter", f"label=dagster/run_id={run}"]
    container = within(120, lambda: docker(*find).strip())
    description: dict[str, Any] = json.loads(docker("inspect", container))[0]
    stack.succeeded(run)
    return description


def test_image_user_entrypoint_and_command_are_the_configured_ones(rewritten):
    config = rewritten["Config"]
    assert config["Image"] == "finsync-pipeline"
    assert config["User"] == WANTED["user"]
    assert not config["Entrypoint"]
    assert config["Cmd"][:5] == ["python", "-m", "dagster", "api", "execute_run"]
    assert not {"ALSO=1", "MORE=1"} & set(config["Env"])


def test_mounts_and_networks_are_the_configured_ones(rewritten):
    named = {mount["Destination"]: mount.get("Name") for mount in rewritten["Mounts"]}
    assert named.keys() == {"/data", "/private", "/tmp"}
    assert (named["/data"], named["/private"]) == ("finsync_data", "finsync_private")
    assert sorted(rewritten["NetworkSettings"]["Networks"]) == sorted(LAUNCHER["config"]["networks"])


def test_rights_are_the_configured_ones(rewritten):
    host = rewritten["HostConfig"]
    assert host["Privileged"] is False
    assert not host["CapAdd"]
    assert host["CapDrop"] == WANTED["cap_drop"]
    assert host["SecurityOpt"] == WANTED["security_opt"]
    assert host["ReadonlyRootfs"] is True


ENGINE = """
import http.client, json, sys
def status(method, path):
    connection = http.client.HTTPConnection("engine.engine", 2375, timeout=30)
    connection.request(method, path, "{}", {"Content-Type": "application/json"})
    return connection.getresponse().status
print(json.dumps([status(*each) for each in json.loads(sys.argv[1])]))
"""


def test_the_webserver_can_look_at_a_container_and_stop_it_but_not_make_list_or_enter_one(stack):
    postgres = stack.inspect("postgres")["Id"]
    allowed = [("GET", "/version"), ("GET", f"/v1.41/containers/{postgres}/json")]
    refused = [
        ("POST", "/v1.41/containers/create"),
        ("POST", "/containers/create?name=x"),
        ("POST", f"/v1.41/containers/create/../{postgres}/json"),
        ("GET", f"/v1.41/containers/{postgres}/stop"),
        ("POST", f"/v1.41/containers/{postgres}/start"),
        ("POST", f"/v1.41/containers/{postgres}/exec"),
        ("POST", f"/v1.41/containers/{postgres}/kill"),
        ("DELETE", f"/v1.41/containers/{postgres}/json"),
        ("POST", f"/v1.41/containers/{postgres}/stop%0a/../../create"),
        ("GET", f"/v1.41/containers/{postgres}/archive?path=/"),
        ("GET", "/v1.41/containers/json"),
        ("GET", "/v1.41/images/json"),
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/version"),
        ("GET", "/info"),
        ("GET", "/"),
    ]
    answers = json.loads(stack.inside("webserver", "python", "-c", ENGINE, json.dumps([*allowed, *refused])))
    assert answers == [200] * len(allowed) + [403] * len(refused)
    assert "docker.sock" not in json.dumps(stack.inspect("webserver")["Mounts"])
    assert stack.inspect("postgres")["State"]["Running"]


def test_a_run_that_names_the_container_of_another_gets_no_hold_of_it(stack):
    launcher = ConfiguredRunLauncher(**LAUNCHER["config"])
    postgres = stack.inspect("postgres")["Id"]
    run = DagsterRun(job_name="quarter", tags={"docker/container_id": postgres})
    assert launcher.check_run_worker_health(run).status == WorkerStatus.NOT_FOUND


def test_a_run_and_the_code_location_hold_no_secret_but_those_that_they_use(stack, rewritten):
    """The password of the database, and the token of the services: as files that others cannot read."""
    listed = stack.inside("code", "sh", "-c", "ls -ln /private /run/secrets").splitlines()
    assert {Path(line.split()[-1]).name for line in listed if line.startswith("-")} == {
        "pgpass", "services_token", "postgres_password"
    }  # fmt: skip
    assert all(line.startswith("-rw-------") for line in listed if line.endswith("pgpass"))
    assert "docker.sock" not in json.dumps(rewritten["Mounts"])
