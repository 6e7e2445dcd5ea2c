"""The volumes: a backup brings everything back after they are gone, and a full one leaves the last release intact."""

import os
import subprocess
from pathlib import Path

import pytest
from deployment.engine import PROJECT, needs_docker
from deployment.stack import NAME, Stack

SMALL = PROJECT / "tests" / "deployment" / "in_containers" / "small_volume.yml"
FILL = "head -c 1G /dev/zero > /data/filler"

pytestmark = needs_docker


def make(stack: Stack, target: str, backup: Path) -> None:
    """Run `make` as docs/deployment.md says, for the deployment of the test with a small volume of outputs."""
    files = os.pathsep.join([str(PROJECT / "docker-compose.yml"), str(SMALL)])
    project = {"COMPOSE_PROJECT_NAME": NAME, "COMPOSE_FILE": files}
    command = ["make", target, f"BACKUP={backup}"]
    environment = {**stack.environment, **project}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def restored(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], set[str], str]:
    """Releases, runs and tables as they were before the backup, and the deployment restored from it."""
    backup = tmp_path_factory.mktemp("backup")
    stack.idle()
    before = stack.releases(), set(stack.runs()), stack.tables()
    make(stack, "backup", backup)
    stack.compose("down", "--volumes", seconds=300)
    make(stack, "restore", backup)
    return before


def test_a_backup_brings_back_runs_tables_and_releases(stack, restored, expected_csv):
    releases, runs, tables = restored
    assert len(releases) > 1
    assert len(runs) > 1
    assert (stack.releases(), stack.tables()) == (releases, tables)
    assert set(stack.runs()) >= runs
    assert stack.release_csv() == expected_csv


def test_a_restored_deployment_works_on(stack, restored, expected_csv):
    stack.succeeded(stack.launch("quarter", {"dagster/partition": "2009-10-01"}))
    assert stack.published_anew() == expected_csv


@pytest.fixture
def full_disk(stack: Stack, restored):
    """The volume of the outputs filled to the last byte."""
    stack.idle()
    with pytest.raises(AssertionError, match="No space left"):
        stack.inside("code", "sh", "-c", FILL)
    yield
    stack.inside("code", "rm", "/data/filler")


@pytest.mark.parametrize("job", ["quarter", "release"])
def test_a_full_disk_is_told_and_leaves_what_was_there(stack, full_disk, expected_csv, job):
    before = stack.releases(), stack.tables()
    tags = {"dagster/partition": "2009-10-01"} if job == "quarter" else {}
    run = stack.finished(stack.launch_by_graphql(job, tags))
    assert run.status == "FAILURE"
    errors = stack.errors(run.id)
    assert "No space left on device" in errors
    assert "Make room" in errors
    assert (stack.releases(), stack.tables()) == before
    assert stack.release_csv() == expected_csv


def test_after_room_is_made_it_works_on(stack, restored, expected_csv):
    stack.succeeded(stack.launch_by_graphql("quarter", {"dagster/partition": "2009-10-01"}))
    assert stack.published_anew() == expected_csv
