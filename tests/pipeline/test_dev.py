"""`finsync dev` over real HTTP: the web UI answers programs and its own pages, and no other page."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from browser_requests import ALLOWED, ASK, JSON, REFUSED, REQUESTS, Asked, headers_of, status_of, version_of

PROJECT = Path(__file__).resolve().parents[2]
WEBSERVER = ["-m", "finsync_pipeline.cli.dev_server", "webserver", "--empty-workspace", "-p"]
DEV = ["-c", "import sys; from finsync_pipeline.cli import main; sys.exit(main(['dev', '--port', sys.argv[1]]))"]


@contextmanager
def serving(command: list[str], folder: Path, **settings: str) -> Iterator[int]:
    """The port on which the Python command, which gets it as its last argument, serves the web UI."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "DAGSTER_"))}
    own = {"DAGSTER_HOME": str(folder), "PYTHONPATH": str(PROJECT), "FINSYNC_HOME": str(folder / "data"), **settings}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command, str(port)],
            cwd=folder,
            env={**others, **own},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            try:
                version_of(port, {})
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text(encoding="utf-8"))
        yield port
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(WEBSERVER, tmp_path_factory.mktemp("instance")) as port:
        yield port


@pytest.mark.parametrize("asked", REQUESTS, ids=[asked.what for asked in REQUESTS])
def test_the_local_web_ui_answers_programs_and_its_own_pages_alone(port, asked):
    assert status_of(asked, port, {}) in (ALLOWED if asked.allowed else REFUSED)


def test_the_local_web_ui_can_be_shown_in_no_frame_and_read_by_no_other(port):
    headers = headers_of(port, {})
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src" in headers["content-security-policy"], "Dagster's own policy stays"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_names_and_events_from_outside_are_allowed_by_settings(tmp_path):
    settings = {"FINSYNC_WEB_HOSTS": "dagster.bank.example, Other.Example", "FINSYNC_WEB_REPORTS": "1"}
    with serving(WEBSERVER, tmp_path, **settings) as port:
        named = Asked("", "POST", "/graphql", {**JSON, "Host": "other.example:8443"}, ASK, True)
        assert status_of(named, port, {}) == 200
        assert status_of(named, port, {"Origin": "https://other.example:8443"}) == 200
        assert status_of(named, port, {"Origin": "https://dagster.bank.example"}) == 403
        report = Asked("", "POST", "/report_asset_materialization/from_outside", JSON, "{}", True)
        assert status_of(report, port, {}) == 200
        assert status_of(report, port, {"Origin": "http://evil.example"}) == 403


@pytest.mark.long
def test_finsync_dev_starts_the_web_ui_with_these_rules(tmp_path):
    with serving(DEV, tmp_path) as port:
        assert headers_of(port, {})["x-frame-options"] == "DENY"
        by_get = next(asked for asked in REQUESTS if asked.what == "a mutation by GET")
        foreign = next(asked for asked in REQUESTS if asked.what == "another page asks")
        assert [status_of(asked, port, {}) for asked in (by_get, foreign)] == [405, 403]
        assert "Find a company" in explorer_at(port + 1)


def explorer_at(port: int) -> str:
    """The first page of the explorer, once it is there."""
    for _ in range(600):
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=60).text
        except requests.ConnectionError:
            time.sleep(0.1)
    return "nothing listens"
