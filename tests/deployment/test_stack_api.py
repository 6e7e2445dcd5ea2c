"""The API in its container: asked through the gateway, with its login; what it can write and whom it serves."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from browser_requests import ALLOWED, API_REQUESTS, ITEMS, NAMED_ORIGIN, OF_NAMED, PREFLIGHTS, REFUSED, status_of
from deployment.engine import PROJECT, docker, needs_docker
from deployment.stack import SOURCES, Stack, within

pytestmark = needs_docker

COUNT = "SELECT count(*) AS facts FROM facts"
TOKEN = "a-token-of-the-api"
OVERRIDE = """
services:
  api: {secrets: [api_token]}
secrets:
  api_token: {file: "${FINSYNC_SECRETS}/api_token"}
"""
"""The file of docs/deployment.md by which the API gets a token of its own."""

WRITES = """
import errno, json, os, sys
from pathlib import Path
def error_of(folder):
    try:
        (Path(folder) / "written").write_text("")
        return None
    except OSError as error:
        return errno.errorcode[error.errno]
print(json.dumps({folder: error_of(folder) for folder in sys.argv[1:]}))
"""


def port_of(stack: Stack) -> int:
    return int(stack.environment["FINSYNC_API_PORT"])


def asked(stack: Stack, path: str, **parameters: Any) -> requests.Response:
    """What the API answers to a user who is logged in."""
    url = f"http://127.0.0.1:{port_of(stack)}{path}"
    return requests.get(url, params=parameters, headers=stack.basic, timeout=300)


def answer(stack: Stack, path: str, **parameters: Any) -> Any:
    """The JSON of a path that must succeed."""
    response = asked(stack, f"/api/v1{path}", **parameters)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("request_", API_REQUESTS, ids=[each.what for each in API_REQUESTS])
def test_a_user_who_is_logged_in(stack, request_):
    assert status_of(request_, port_of(stack), stack.basic) in (ALLOWED if request_.allowed else REFUSED)


@pytest.mark.parametrize("request_", [each for each in API_REQUESTS if each.allowed], ids=lambda each: each.what)
def test_nobody_is_let_in_without_a_password(stack, request_):
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer a"}):
        assert status_of(request_, port_of(stack), headers) == 401


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/api/v1/openapi.json"])
def test_its_own_routes_ask_for_the_password_too(stack, path):
    assert asked(stack, path).status_code == 200
    assert requests.get(f"http://127.0.0.1:{port_of(stack)}{path}", timeout=60).status_code == 401


@pytest.mark.parametrize("request_", PREFLIGHTS, ids=[each.what for each in PREFLIGHTS])
def test_a_browser_learns_without_a_password_what_a_named_page_may_ask(stack, request_):
    assert status_of(request_, port_of(stack), {}) in (ALLOWED if request_.allowed else REFUSED)


def test_a_page_of_a_named_origin_may_read_the_answer_and_uses_no_other_port(stack):
    url = f"http://127.0.0.1:{port_of(stack)}{ITEMS}"
    response = requests.get(url, headers={**OF_NAMED, **stack.basic}, timeout=60)
    assert response.headers["Access-Control-Allow-Origin"] == NAMED_ORIGIN
    assert response.headers["X-Frame-Options"] == "DENY"
    web_ui = f"http://127.0.0.1:{stack.environment['FINSYNC_PORT']}/runs"
    assert requests.get(web_ui, headers={**OF_NAMED, **stack.basic}, timeout=60).status_code == 403


def test_releases_and_their_facts_are_answered(stack):
    names = [each["name"] for each in answer(stack, "/releases")["releases"]]
    assert sorted(names) == stack.releases()
    fresh = answer(stack, "/freshness")
    assert fresh["sources"].keys() == {*SOURCES}
    assert any(each["state"] == "current" for each in fresh["sources"]["pnl"])
    response = asked(stack, "/api/v1/facts", limit=1)
    assert response.headers["FinSync-Release"] == stack.releases()[-1]
    assert response.json()
    assert asked(stack, "/ready").json()["release"] == stack.releases()[-1]


def test_a_live_query_asks_the_sources_and_keeps_their_responses_on_its_own_volume(stack):
    live = answer(stack, "/query", q=COUNT)
    assert live["release"] is None
    assert not live["missing"]
    assert live["rows"] == answer(stack, "/query", q=COUNT, release="current")["rows"]
    assert live["rows"][0]["facts"] > 1000
    assert stack.inside("api", "find", "/tmp/query_cache", "-name", "*.arrow").strip()


def test_a_long_query_in_the_address_and_a_large_answer_pass(stack):
    long = COUNT + " WHERE company_id <> '" + "ä" * 7_000 + "'"  # 42 kB when it is quoted
    assert answer(stack, "/query", q=long, release="current")["row_count"] == 1
    rows = "SELECT f.*, n.period_end AS n FROM facts f, (SELECT period_end FROM facts LIMIT 20) n"
    response = asked(stack, "/api/v1/query", q=rows, release="current", format="csv")
    assert response.status_code == 200
    assert len(response.content.splitlines()) == int(response.headers["X-Row-Count"]) + 1


def test_a_release_published_while_it_is_asked_is_served_and_every_answer_names_one(stack):
    before = stack.releases()
    seen, done = [], []

    def ask_on() -> None:
        while not done:
            response = asked(stack, "/api/v1/facts", limit=5)
            seen.append((response.status_code, response.headers.get("FinSync-Release")))
            time.sleep(0.05)  # below the rate of a client

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask_on) for _ in range(2)]
        try:
            stack.succeeded(stack.launch_release())
            (new,) = set(stack.releases()) - set(before)
            within(30, lambda: asked(stack, "/ready").json()["release"] == new)
            within(30, lambda: seen[-1] == (200, new))
        finally:
            done.append(True)
        for each in asking:
            each.result()
    assert {status for status, _ in seen} == {200}
    assert {name for _, name in seen} == {before[-1], new}


def test_it_writes_nowhere_but_in_its_temporary_folder(stack):
    folders = ["/data", "/data/published", "/data/tables", "/app", "/opt/dagster", "/etc", "/tmp"]
    errors = json.loads(stack.inside("api", "python", "-c", WRITES, *folders))
    assert errors == {**dict.fromkeys(folders, "EROFS"), "/tmp": None}
    mounts = {each["Destination"]: each["RW"] for each in stack.inspect("api")["Mounts"]}
    assert mounts == {"/data": False, "/tmp": True, "/run/secrets/services_token": False}


def test_it_sees_the_token_of_the_services_and_no_password(stack):
    assert stack.inside("api", "ls", "/run/secrets").split() == ["services_token"]
    assert stack.inside("api", "ls", "-A", "/private").split() == []
    assert stack.password not in stack.inside("api", "env")


def test_temporary_files_of_a_process_that_was_killed_are_removed_and_what_sources_responded_stays(stack):
    answer(stack, "/query", q=COUNT)
    stack.inside("api", "sh", "-c", "mkdir -p /tmp/finsync_query_left/x /tmp/.tmp && touch /tmp/.tmp/left")
    stack.measured("an API whose process died is healthy again", stack.kill("api"))
    left = stack.inside("api", "ls", "-A", "/tmp").split()
    assert "query_cache" in left
    assert not {"finsync_query_left", ".tmp"} & {*left}
    assert stack.inside("api", "find", "/tmp/query_cache", "-name", "*.arrow").strip()
    assert answer(stack, "/query", q=COUNT)["row_count"] == 1


def test_clients_are_told_apart_by_the_gateway_and_cannot_say_who_they_are(stack):
    mark = "client-of-the-test"
    headers = {**stack.basic, "X-Request-Id": mark, "X-Forwarded-For": "203.0.113.7"}
    assert requests.get(f"http://127.0.0.1:{port_of(stack)}{ITEMS}", headers=headers, timeout=60).status_code == 200
    log = subprocess.run(["docker", "logs", stack.container("api")], capture_output=True, text=True, check=True)
    (line,) = [line for line in (log.stdout + log.stderr).splitlines() if mark in line]
    own = stack.inspect("gateway")["NetworkSettings"]["Networks"]["finsync_api"]["IPAddress"]
    client = json.loads(line)["client"]
    assert client not in ("203.0.113.7", own)
    (edge,) = json.loads(docker("network", "inspect", "finsync_edge"))[0]["IPAM"]["Config"]
    assert client == edge["Gateway"], "by which the ports on the host come in"


def test_metrics_are_there_for_a_container_on_its_network(stack):
    address = "http://api.api:8000/metrics"
    code = f"from urllib.request import urlopen; print(urlopen('{address}', timeout=30).read().decode())"
    beside = ["--network", "finsync_api", "--entrypoint", "python", "finsync-services"]
    assert "finsync_api_requests_total{" in docker("run", "--rm", *beside, "-c", code)


def test_a_source_that_does_not_respond_is_named_and_the_releases_are_served_on(stack):
    docker("stop", stack.container("pnl"))
    try:
        response = asked(stack, "/api/v1/query", q="SELECT count(DISTINCT company_id) AS n FROM facts")
        assert response.status_code in (502, 503)
        assert "pnl" in response.text
        assert answer(stack, "/facts", limit=1)
    finally:
        docker("start", stack.container("pnl"))
        stack.wait_healthy(*SOURCES)


def test_with_a_token_of_its_own_the_api_asks_for_that_instead_of_the_login(stack, tmp_path):
    override = tmp_path / "override.yml"
    override.write_text(OVERRIDE, encoding="utf-8")
    assert OVERRIDE.strip() in (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")
    file = Path(stack.environment["FINSYNC_SECRETS"]) / "api_token"
    file.write_text(TOKEN, encoding="utf-8")
    file.chmod(0o644)
    anew = ["up", "--wait", "--no-deps", "gateway", "api"]
    settings = {"FINSYNC_API_TOKEN_FILE": "/run/secrets/api_token"}
    stack.compose(*anew, settings=settings, override=str(override))
    url = f"http://127.0.0.1:{port_of(stack)}{ITEMS}"
    web_ui = f"http://127.0.0.1:{stack.environment['FINSYNC_PORT']}/runs"
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    try:
        assert requests.get(url, headers=bearer, timeout=60).status_code == 200
        assert requests.get(url, headers=stack.basic, timeout=60).status_code == 401
        assert requests.get(url, timeout=60).status_code == 401
        assert requests.get(url, headers={**bearer, "Origin": "http://evil.example"}, timeout=60).status_code == 403
        assert requests.get(web_ui, headers=bearer, timeout=60).status_code == 401
    finally:
        stack.compose(*anew)
    assert requests.get(url, headers=bearer, timeout=60).status_code == 401
    assert requests.get(url, headers=stack.basic, timeout=60).status_code == 200
