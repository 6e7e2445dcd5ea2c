"""Upkeep, by the commands of docs/deployment.md: a new image, old runs, old containers, logs."""

import json
import secrets
import shlex
import subprocess
import time
from pathlib import Path

from deployment.engine import PROJECT, docker, needs_docker
from deployment.stack import RUN_SECONDS, SOME_QUARTERS, Stack, within

IMAGE = "finsync-pipeline"

pytestmark = needs_docker


def image_of(container: str) -> str:
    return docker("container", "inspect", "--format", "{{.Image}}", container).strip()


def newest_image() -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", IMAGE).strip()


def container_of(run: str) -> str:
    return within(RUN_SECONDS, lambda: docker("ps", "--quiet", "--filter", f"label=dagster/run_id={run}").strip())


def documented(command: str) -> str:
    """The command, which must stand in the documentation word by word."""
    assert command in (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")
    return command


def materialized(stack: Stack) -> dict[str, int]:
    """For each asset with quarters, how many of them the web UI shows as materialized."""
    query = "{assetNodes {assetKey {path} partitionStats {numMaterialized}}}"
    nodes = stack.ask(query)["assetNodes"]
    return {"/".join(node["assetKey"]["path"]): (node["partitionStats"] or {}).get("numMaterialized") for node in nodes}


def test_a_new_image_takes_over_while_a_run_goes_on_with_the_old_one(stack, tmp_path, expected_csv):
    old, known = newest_image(), stack.runs().keys()
    going_on = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    assert image_of(container_of(going_on)) == old
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL finsync.test=newer\n", encoding="utf-8")
    docker("build", "--quiet", "--tag", IMAGE, str(tmp_path))
    new = newest_image()
    assert new != old
    stack.compose("up", "--wait", seconds=300)
    stack.succeeded(going_on)
    assert {image_of(stack.container(service)) for service in ("code", "webserver", "daemon")} == {new}
    stack.inside("code", "dagster", "instance", "migrate")
    assert stack.runs().keys() >= known
    run = stack.launch_by_graphql("release")
    assert image_of(container_of(run)) == new
    stack.succeeded(run)
    assert stack.release_csv() == expected_csv


def test_old_runs_are_forgotten_and_what_they_made_is_not(stack, first_run):
    stack.idle()
    before, there = stack.runs(), materialized(stack)
    assert there["pnl/facts"] >= 13
    command = shlex.split(documented("docker compose exec code python -m finsync_pipeline.ops.prune_runs --days 90"))
    told = stack.inside("code", *command[4:-1], "0")
    after = stack.runs()
    assert f"{len(before) - len(after)} runs deleted; {len(after)} as old are kept" in told
    assert 0 < len(after) < len(before)
    assert materialized(stack) == there
    logs = set(stack.inside("code", "ls", "/data/dagster/compute_logs").split())
    assert logs & before.keys() == logs & after.keys()
    ticks = "find /data/dagster/compute_logs -path '*/__repository__/*' -type f -mtime +90 -delete"
    stack.inside("code", *shlex.split(documented(f"docker compose exec code {ticks}"))[4:])


def test_containers_of_runs_that_were_left_behind_are_removed_and_others_go_on(stack):
    going_on = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    working = container_of(going_on)
    # What remains of a daemon that dies after it has made a run's container, and before it starts it
    left = docker("create", "--label", "dagster/run_id=never-started", IMAGE).strip()
    command = documented(
        "docker rm --volumes $(docker ps --all --quiet --filter label=dagster/run_id --filter status=created "
        "--filter status=exited)"
    )
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert left not in stack.run_containers()
    assert docker("inspect", working)
    stack.succeeded(going_on)


def test_logs_of_all_containers_turn_over(stack):
    run = stack.work_on("pnl")
    containers = [container_of(run), *stack.compose("ps", "--quiet").split()]
    assert len(containers) == 11
    for container in containers:
        assert json.loads(docker("inspect", container))[0]["HostConfig"]["LogConfig"]["Type"] == "local"
    stack.succeeded(run)


def test_all_releases_are_copied_in_one_line(stack, tmp_path: Path):
    documented("docker compose cp code:/data/published ./published")
    stack.compose("cp", "code:/data/published", str(tmp_path / "published"))
    copied = sorted(folder.name for folder in (tmp_path / "published").glob("*Z"))
    assert copied == stack.releases()
    assert (tmp_path / "published" / "current").resolve().name == copied[-1]


def test_all_is_there_after_down_and_up_with_new_secrets(stack, expected_csv):
    stack.idle()
    there = stack.tables(), stack.releases(), stack.runs().keys()
    password, folder = secrets.token_hex(24), Path(stack.environment["FINSYNC_SECRETS"])
    statement = f"ALTER USER finsync PASSWORD '{password}'"
    stack.inside("postgres", "psql", "-U", "finsync", "-c", statement)
    stack.password = password
    (folder / "postgres_password").write_text(password, encoding="utf-8")
    (folder / "services_token").write_text(secrets.token_hex(24), encoding="utf-8")
    stack.compose("down")
    began = time.monotonic()
    stack.compose("up", "--wait", seconds=300)
    stack.measured("up --wait with all data there", time.monotonic() - began)
    assert (stack.tables(), stack.releases(), stack.runs().keys()) == there
    stack.succeeded(stack.work_on("pnl"))
    assert stack.published_anew() == expected_csv
