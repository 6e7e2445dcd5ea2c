"""The settings of the API, and what all of its routes share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.serving.open_release import Releases
from finsync_pipeline.serving.telemetry import Telemetry

PREFIX = "/api/v1"
"""Where the routes of this version begin."""


@dataclass(frozen=True)
class ApiSettings:
    """Who may ask, and how much.

    `token` is what callers must send, if there is one; `write_token` is what gives a browser the right to write:
    without it the explorer is read-only. `hosts` are names under which the API may be called besides
    those of this machine, `origins` those of pages of other sites that may ask. `requests_at_once` are answered or
    wait: of them `threads` are answered, and `queries` of these run one query each. `memory` (bytes) is for all open
    releases. `dagster` is the address of Dagster's web UI, for links to it.
    """

    token: str | None = None
    write_token: str | None = None
    hosts: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()
    requests_per_minute: int = 6_000
    requests_at_once: int = 64
    threads: int = 8
    queries: int = 2
    body_bytes: int = 2**18
    memory: int = 768 * 2**20
    dagster: str = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Context:
    """The deployment that is served, its releases, and what counts the requests.

    `deployment` reads the settings, mappings and lists anew, since they may change while the API runs.
    """

    settings: ApiSettings
    deployment: Callable[[], Deployment]
    published: Path
    releases: Releases
    telemetry: Telemetry
