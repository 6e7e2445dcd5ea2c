"""The API over releases and sources, until it is stopped."""

import ipaddress
import socket
import sys

import uvicorn

from finsync_pipeline.cli.services import services_running
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.serving.api_settings import PREFIX, ApiSettings
from finsync_pipeline.serving.app import make_app
from finsync_pipeline.serving.telemetry import log_to_stderr
from finsync_pipeline.settings import api_log, api_proxies, api_settings, query_deployment

HEAD_BYTES = 262_144
"""Of the address and the headers of a request."""
IDLE_SECONDS = 20
STOP_SECONDS = 10
"""How long requests that are being answered may take once the API is stopped."""


def serve(host: str, port: int, with_services: bool) -> int:
    """Serve until a signal stops the process. Raises ConfigurationError."""
    settings = api_settings()
    with listening(host, port, "serve") as listener:
        address = f"[{host}]" if ":" in host else host
        print(f"FinSync API: http://{address}:{listener.getsockname()[1]}{PREFIX}", flush=True)
        if settings.token is None and not _is_loopback(host):
            print(f"Whoever reaches {host} can read everything: FINSYNC_API_TOKEN_FILE", file=sys.stderr, flush=True)
        return serve_app(settings, listener, with_services)


def serve_app(settings: ApiSettings, listener: socket.socket, with_services: bool) -> int:
    """Serve the API and the explorer on the socket until a signal stops the process."""
    log_to_stderr(api_log())
    app = make_app(query_deployment, settings)
    with services_running(with_services):
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",  # the one that bounds what a request may be before the gate sees it
                h11_max_incomplete_event_size=HEAD_BYTES,
                log_level="error",
                access_log=False,
                server_header=False,
                forwarded_allow_ips=api_proxies(),
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        server.run(sockets=[listener])
    return 0


def listening(host: str, port: int, command: str) -> socket.socket:
    """A socket on the port, for this command. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        other = f"finsync {command} --port {port % 65_535 + 1}"
        fix = f"Stop the program that listens there, or choose another port: {other}"
        raise ConfigurationError(f"{host}:{port} cannot be used ({error.strerror})", fix, "--port") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
