"""Serving: every app on its own port and thread pool, in one process, until a signal stops it."""

import errno
import signal
import socket
import sys
from types import FrameType
from typing import Any

import waitress

from source_services.app import create_app
from source_services.holdings import Holdings


class PortError(Exception):
    """A service cannot listen on its port; the message says why and how to mend it."""


def stop_on_signals() -> None:
    """Let SIGINT and SIGTERM end the process in good order, with exit code 0."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def serve(all_holdings: list[Holdings], host: str) -> None:
    """Serve each of the holdings at its service's port (0: any free one) until a signal stops the process."""
    sockets = [_listen(host, holdings) for holdings in all_holdings]
    # One map of connections: one loop in the main thread, which gets the signals, drives all servers
    connections: dict[int, Any] = {}
    servers = [
        waitress.create_server(create_app(holdings), map=connections, sockets=[listening])
        for holdings, listening in zip(all_holdings, sockets, strict=True)
    ]
    width = max(len(holdings.service.name) for holdings in all_holdings)
    for holdings, listening in zip(all_holdings, sockets, strict=True):
        address = f"[{host}]" if ":" in host else host
        print(
            f"{holdings.service.name:<{width}}  http://{address}:{listening.getsockname()[1]}   "
            f"{holdings.row_count:,} rows   data version {holdings.data_version[:12]}…",
            flush=True,
        )
    servers[0].run()
    for server in servers[1:]:
        server.task_dispatcher.shutdown()


def _listen(host: str, holdings: Holdings) -> socket.socket:
    name, port = holdings.service.name, holdings.service.port
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise PortError(
                f"port {port} on {host} is in use, so {name} cannot listen there; stop the program that "
                "holds it, or choose other ports with --base-port (all services) or --port (one service)"
            ) from error
        raise PortError(f"{name} cannot listen on {host}, port {port} ({error}); check --host and the port") from error
