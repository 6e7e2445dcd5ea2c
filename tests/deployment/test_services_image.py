"""The services' image for real: built, run as it should be on a network, asked, told to stop."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from deployment.engine import PROJECT, docker, free_port, needs_docker, skip_without_engine

IMAGE = "finsync-services"
SAMPLE = PROJECT / "source_services" / "sample_data"

pytestmark = needs_docker


@dataclass
class Container:
    """A running container, and a session that sends its token."""

    name: str
    url: str
    token: str
    session: requests.Session
    data: Path


def run(name: str, *options: str) -> str:
    hardened = ["--read-only", "--tmpfs", "/tmp:mode=1777,size=256m", "--cap-drop", "ALL"]
    rights = ["--security-opt", "no-new-privileges:true", "--memory", "512m", "--pids-limit", "128"]
    return docker("run", "--detach", "--name", name, *hardened, *rights, *options, IMAGE, "pnl").strip()


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    skip_without_engine()
    docker(
        "build",
        "--quiet",
        "-f",
        str(PROJECT / "source_services" / "Dockerfile"),
        "-t",
        IMAGE,
        str(PROJECT),
        seconds=900,
    )
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    token, port, data = secrets.token_hex(24), free_port(), folder / "data"
    (folder / "token").write_text(token, encoding="utf-8")
    (folder / "token").chmod(0o644)
    data.mkdir(mode=0o755)
    (data / "pnl.csv").write_bytes((SAMPLE / "pnl.csv").read_bytes())
    mounts = ["-v", f"{folder / 'token'}:/run/secrets/services_token:ro", "-v", f"{data}:/statements:ro"]
    name = f"finsync-services-test-{port}"
    run(name, *mounts, "-e", "FINSYNC_SERVICES_DATA=/statements", "-p", f"127.0.0.1:{port}:5001")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    try:
        yield wait_for(Container(name, f"http://127.0.0.1:{port}", token, session, data))
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


def wait_for(container: Container) -> Container:
    for _ in range(300):
        try:
            if container.session.get(f"{container.url}/ready", timeout=5).ok:
                return container
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(docker("logs", container.name))


def test_it_answers_who_has_the_token_and_nobody_else(container):
    rows = container.session.get(f"{container.url}/query", params={"q": "SELECT count(*) FROM pnl"}, timeout=10)
    assert rows.json()["rows"][0][0] > 500
    refused = requests.get(f"{container.url}/data", timeout=10)
    assert (refused.status_code, refused.json()["code"]) == (401, "not-authenticated")
    assert requests.get(f"{container.url}/health", timeout=10).ok


def test_it_sends_a_whole_table_from_its_read_only_file_system(container):
    answer = container.session.get(f"{container.url}/data?format=parquet", timeout=30)
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 10_000


def test_no_process_is_root_and_nothing_can_be_written_but_temporary_files(container):
    users = docker("top", container.name, "-eo", "uid,pid,args").splitlines()[1:]
    assert users
    assert {line.split()[0] for line in users} == {"10001"}
    tried = subprocess.run(
        ["docker", "exec", container.name, "touch", "/app/x", "/statements/x"], capture_output=True, check=False
    )
    assert tried.returncode != 0
    assert json.loads(docker("inspect", container.name))[0]["HostConfig"]["ReadonlyRootfs"] is True


def test_a_data_file_that_is_renamed_over_the_old_one_is_served(container):
    before = container.session.get(f"{container.url}/version", timeout=10).json()
    lines = (container.data / "pnl.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    newer = container.data / "newer.part"
    newer.write_text("".join(lines[:-1]), encoding="utf-8")
    newer.chmod(0o644)
    newer.replace(container.data / "pnl.csv")
    for _ in range(200):
        after = container.session.get(f"{container.url}/version", timeout=10).json()
        if after["data_version"] != before["data_version"]:
            break
        time.sleep(0.1)
    assert after["row_count"] == before["row_count"] - 1


def test_neither_image_nor_logs_nor_settings_show_the_token(container):
    told = [docker("logs", container.name), docker("inspect", container.name)]
    told.append(docker("history", "--no-trunc", IMAGE))
    errors = subprocess.run(["docker", "logs", container.name], capture_output=True, text=True, check=True).stderr
    assert errors.count('"route": "/version"') > 0
    assert not [text for text in (*told, errors) if container.token in text]


def test_without_a_token_it_does_not_start_and_says_why():
    skip_without_engine()
    done = subprocess.run(
        ["docker", "run", "--rm", IMAGE, "pnl"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "put the token there" in done.stderr


def test_it_stops_in_good_order_when_told(container):
    docker("stop", "--time", "20", container.name)  # then it would be killed: exit code 137
    assert json.loads(docker("inspect", container.name))[0]["State"]["ExitCode"] == 0
