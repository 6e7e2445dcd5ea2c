"""The gateway: who is let through to the web UI and to the source services, over real HTTP from the host."""

import base64
import http.client
import json
import subprocess
from pathlib import Path

import pytest
import requests
from browser_requests import ALLOWED, ASK, JSON, REFUSED, REQUESTS, Asked, headers_of, status_of, version_of
from deployment.engine import docker, needs_docker
from deployment.stack import SOURCES, Stack

pytestmark = needs_docker


def port_of(stack: Stack) -> int:
    return int(stack.environment["FINSYNC_PORT"])


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("asked", REQUESTS, ids=[asked.what for asked in REQUESTS])
def test_a_user_who_is_logged_in(stack, asked):
    assert status_of(asked, port_of(stack), stack.basic) in (ALLOWED if asked.allowed else REFUSED)


@pytest.mark.parametrize("asked", [asked for asked in REQUESTS if asked.allowed], ids=lambda asked: asked.what)
def test_nobody_is_let_in_without_a_password(stack, asked):
    for headers in ({}, basic("finsync", "wrong"), basic("root", stack.login), basic("finsync", "")):
        assert status_of(asked, port_of(stack), headers) == 401


def test_the_page_can_be_shown_in_no_frame_and_read_by_no_other(stack):
    headers = headers_of(port_of(stack), stack.basic)
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert headers["server"] == "nginx"


def test_events_come_through_a_websocket(stack):
    """What the UI needs it for: a subscription, which Dagster acknowledges."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(stack), timeout=30)
    websocket = next(asked for asked in REQUESTS if asked.what == "a page of the UI opens a WebSocket")
    own = f"http://127.0.0.1:{port_of(stack)}"
    connection.request("GET", "/graphql", headers={**websocket.headers, "Origin": own, **stack.basic})
    sock = connection.sock
    message = json.dumps({"type": "connection_init"}).encode()
    sock.sendall(bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message)  # a masked frame of text; the mask is 0
    received = b""
    while b"connection_ack" not in received:
        part = sock.recv(4096)
        assert part, received
        received += part
    connection.close()


def test_the_password_does_not_reach_the_web_server_and_no_log_has_it(stack):
    version_of(port_of(stack), stack.basic)
    for service in ("gateway", "webserver"):
        logs = subprocess.run(["docker", "logs", stack.container(service)], capture_output=True, text=True, check=True)
        assert stack.login not in logs.stdout + logs.stderr
        assert stack.basic["Authorization"].split()[1] not in logs.stdout + logs.stderr
        assert stack.login not in docker("inspect", stack.container(service))


def test_who_changed_something_is_in_its_log(stack):
    version_of(port_of(stack), stack.basic)
    log = docker("logs", "--tail", "200", stack.container("gateway"))
    assert " finsync POST /graphql 200" in log


@pytest.mark.parametrize("source", SOURCES)
def test_the_source_services_answer_through_it_and_ask_for_their_token(stack, source):
    url = f"http://127.0.0.1:{stack.environment[f'FINSYNC_{source.upper()}_PORT']}"
    token = (Path(stack.environment["FINSYNC_SECRETS"]) / "services_token").read_text(encoding="utf-8")
    assert requests.get(f"{url}/data", timeout=30).status_code == 401
    answer = requests.get(f"{url}/data?format=parquet", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 10_000


def test_login_and_the_closed_routes_are_open_only_on_request(stack):
    anew = ["up", "--wait", "--no-deps", "gateway"]
    report = Asked("", "POST", "/report_asset_materialization/from_outside", JSON, "{}", True)
    ask = Asked("", "POST", "/graphql", JSON, ASK, True)
    foreign = ask._replace(headers={**JSON, "Origin": "http://evil.example"})
    named = ask._replace(headers={**JSON, "Host": "dagster.bank.example"})
    settings = {"FINSYNC_WEB_LOGIN": "0", "FINSYNC_WEB_REPORTS": "1", "FINSYNC_WEB_HOSTS": "dagster.bank.example"}
    assert status_of(named, port_of(stack), stack.basic) == 421
    stack.compose(*anew, settings=settings)
    try:
        assert status_of(ask, port_of(stack), {}) == 200
        assert status_of(named, port_of(stack), {}) == 200
        assert status_of(report, port_of(stack), {}) == 200
        assert status_of(foreign, port_of(stack), {}) == 403
    finally:
        stack.compose(*anew)
    assert status_of(ask, port_of(stack), {}) == 401


@pytest.mark.parametrize(
    ("settings", "users", "error"),
    [
        ({"FINSYNC_WEB_LOGIN": "no"}, "a:b", "FINSYNC_WEB_LOGIN is 'no'"),
        ({"FINSYNC_WEB_REPORTS": "yes"}, "a:b", "FINSYNC_WEB_REPORTS is 'yes'"),
        ({"FINSYNC_WEB_HOSTS": "a.example,b; return 200"}, "a:b", "is not a host name"),
        ({"FINSYNC_API_ORIGINS": "https://a.example,b.example"}, "a:b", "'b.example' is not an origin"),
        ({"FINSYNC_API_ORIGINS": 'https://a.example" 1;'}, "a:b", "is not an origin"),
        ({"FINSYNC_API_ORIGINS": "https://a.example/page"}, "a:b", "is not an origin"),
        ({}, "", "has no user"),
        ({}, "finsync:", "has no user"),
    ],
)
def test_it_does_not_start_with_settings_that_it_does_not_understand(stack, tmp_path, settings, users, error):
    tmp_path.chmod(0o755)
    (tmp_path / "users").write_text(users, encoding="utf-8")
    (tmp_path / "users").chmod(0o644)
    options = [each for name, value in settings.items() for each in ("--env", f"{name}={value}")]
    mount = ["--volume", f"{tmp_path / 'users'}:/run/secrets/web_users:ro"]
    command = ["docker", "run", "--rm", *mount, *options, "finsync-gateway"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert error in done.stderr
