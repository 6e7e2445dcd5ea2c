"""The API over the release of the small statements, on a real socket, and what asks it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import problem_details
import pytest
import requests
import uvicorn
from local_services import WAIT_SECONDS
from pipeline.conftest import Deployment, again, deployment, released, running, worked

from finsync_pipeline.cli.serve import HEAD_BYTES
from finsync_pipeline.federation.deployment import Deployment as Queried
from finsync_pipeline.serving.api_settings import ApiSettings
from finsync_pipeline.serving.app import make_app
from finsync_pipeline.serving.problems import PROBLEM_TYPES
from finsync_pipeline.settings import query_deployment

__all__ = ["again", "deployment", "released", "running", "worked"]


class Client:
    """A client of the API."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **how: Any) -> requests.Response:
        """GET a path below /api/v1, or another one that begins with //."""
        return self.request("GET", path, **how)

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """A request with any method."""
        address = self.url + (path[1:] if path.startswith("//") else f"/api/v1{path}")
        return self.session.request(method, address, **{"timeout": WAIT_SECONDS, **how})

    def json(self, path: str, **parameters: Any) -> Any:
        """The JSON of a path that must succeed."""
        response = self.get(path, params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    def follow(self, address: str) -> Any:
        """The JSON of an address that the API gave."""
        response = self.session.get(self.url + address, timeout=WAIT_SECONDS)
        assert response.status_code == 200, response.text
        return response.json()


def check_problem(response: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The response is this problem of the API; returns it."""
    return problem_details.check_problem(response, status, code, PROBLEM_TYPES, "/api/v1/problems")


@contextmanager
def serving(deployment: Any, **settings: Any) -> Iterator[Client]:
    """The API over the deployment, in a thread of this process, with these settings."""
    app = make_app(deployment, replace(ApiSettings(requests_per_minute=10**9), **settings))
    config = uvicorn.Config(
        app, port=0, http="h11", h11_max_incomplete_event_size=HEAD_BYTES, log_level="error", server_header=False
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}")
        with client.session:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def queried(home: Path, reference: Path) -> Queried:
    """The deployment of a home, as `settings` would read it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("FINSYNC_HOME", str(home))
        monkeypatch.setenv("FINSYNC_REFERENCE", str(reference))
        return query_deployment()


@pytest.fixture(scope="session")
def api(released: Deployment) -> Iterator[Client]:
    """The API over a release, to be asked and not changed."""
    of_release = queried(released.home, released.folder / "companies.csv")
    with serving(lambda: of_release) as client:
        yield client


@pytest.fixture
def release_name(released: Deployment) -> str:
    """The name of the current release."""
    return str(json.loads((released.published / "current" / "manifest.json").read_text())["release"])
