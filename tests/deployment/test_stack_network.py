"""Who reaches whom, as a table: asked from inside each container, of every address and port that another one has."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from deployment.engine import docker, needs_docker
from deployment.stack import SOME_QUARTERS, SOURCES, Stack

PORTS = {
    "gateway": (3000, 3001, 5001, 5002, 5003, 8080),
    "webserver": (3000,),
    "api": (8000,),
    "code": (4000,),
    "postgres": (5432,),
    "engine": (2375,),
    **{source: (port,) for source, port in SOURCES.items()},
}
"""What each of them listens on. The daemon and the runs listen on nothing."""

ALL_SOURCES = set(SOURCES)
REACHED: dict[str, set[str]] = {
    **{source: set() for source in SOURCES},
    "postgres": set(),
    "engine": set(),
    "gateway": {"webserver", "api", "host"} | ALL_SOURCES,
    "webserver": {"code", "postgres", "engine"},
    "api": ALL_SOURCES,
    "daemon": {"code", "postgres"},
    "code": {"postgres"} | ALL_SOURCES,
    "run": {"postgres"} | ALL_SOURCES,
}
"""The table of docs/deployment.md. `host`: what listens on all addresses of the machine."""

PROBE = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def answers(target):
    try:
        socket.create_connection((target[1], target[2]), timeout=2).close()
        return target[0]
    except OSError:
        return None
targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(sorted({name for name in pool.map(answers, targets) if name})))
"""

pytestmark = needs_docker


@pytest.fixture(scope="module")
def host_port() -> Iterator[int]:
    """A port of the host on which this process answers, on all of its addresses."""
    with ThreadingHTTPServer(("0.0.0.0", 0), BaseHTTPRequestHandler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_port
        listening.shutdown()


@pytest.fixture(scope="module")
def targets(stack: Stack, host_port: int) -> list[tuple[str, str, int]]:
    """Each name with each of its addresses and ports."""
    found = []
    for name, ports in PORTS.items():
        networks = stack.inspect(name)["NetworkSettings"]["Networks"].values()
        assert networks
        found += [(name, network["IPAddress"], port) for network in networks for port in ports]
    names = docker("network", "ls", "--quiet", "--filter", "driver=bridge").split()
    for network in json.loads(docker("network", "inspect", *names)):
        found += [("host", each["Gateway"], host_port) for each in network["IPAM"]["Config"] if "Gateway" in each]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing; it only finds the address by which this machine goes out
        found.append(("host", route.getsockname()[0], host_port))
    return found


def reached_from(container: str, targets: list[tuple[str, str, int]]) -> set[str]:
    """The names of which an address and port answers in the network of the container."""
    beside = ["--network", f"container:{container}", "--entrypoint", "python", "finsync-services"]
    return set(json.loads(docker("run", "--rm", *beside, "-c", PROBE, json.dumps(targets))))


@pytest.mark.parametrize("name", [name for name in REACHED if name != "run"])
def test_a_service_reaches_those_whom_it_needs_and_nobody_else(stack, targets, name):
    others = [target for target in targets if target[0] != name]
    assert reached_from(stack.container(name), others) == REACHED[name]


def test_a_run_reaches_the_database_and_the_sources_and_nobody_else(stack, targets):
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    assert reached_from(stack.is_working(run).container, targets) == REACHED["run"]
    stack.succeeded(run)


def test_each_name_of_a_service_leads_to_where_it_listens(stack):
    """So that a refusal above is one of the network, not of a server that does not run."""
    for name, ports in PORTS.items():
        networks = stack.inspect(name)["NetworkSettings"]["Networks"].values()
        own = [(name, network["IPAddress"], port) for network in networks for port in ports]
        own += [(name, "127.0.0.1", port) for port in ports]
        assert reached_from(stack.container(name), own) == {name}


def test_from_the_host_no_published_port_is_reached_but_on_loopback(stack):
    published = json.loads(docker("inspect", stack.container("gateway")))[0]["NetworkSettings"]["Ports"]
    addresses = {each["HostIp"] for ports in published.values() for each in ports or []}
    assert addresses == {"127.0.0.1"}
    for name in set(PORTS) - {"gateway"}:
        assert not any(stack.inspect(name)["NetworkSettings"]["Ports"].values()), name
