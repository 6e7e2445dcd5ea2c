"""Connections that can be ended from outside: by a deadline, or because nobody waits for the response any more.

What is sent over them, and what becomes of it, belongs in `http`.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool


class Session(requests.Session):
    """A session that keeps no cookies, and looks at no redirect: requests would read all of its body to make the next.

    A length and a digest are those of the plain bytes, so it asks for no other encoding.
    """

    def __init__(self, adapter: HTTPAdapter) -> None:
        super().__init__()
        self.headers["Accept-Encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: no response makes another request."""


class Watch:
    """One request: its connection, which is ended when its time is over."""

    def __init__(self) -> None:
        self.is_over = False
        self._connection: Any = None
        self._socket: Any = None

    def uses(self, connection: Any) -> None:
        """The request is sent over this connection, whose socket may outlive it: the body is read from that."""
        self._connection = connection
        self._socket = connection.sock or self._socket
        if self.is_over:
            end(self._socket)

    def end(self) -> None:
        """End the request. What was read until then may look like a whole response."""
        self.is_over = True
        end(self._socket or getattr(self._connection, "sock", None))


class EndableAdapter(HTTPAdapter):
    """An adapter that knows the sockets of its connections, and which of them each thread uses."""

    def __init__(self, **options: Any) -> None:
        self._opened: WeakSet[Any] = WeakSet()
        self._of_thread = threading.local()
        self.is_cancelled = False
        super().__init__(**options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._recording(HTTPConnectionPool),
            "https": self._recording(HTTPSConnectionPool),
        }

    def cancel(self) -> None:
        """End all connections."""
        self.is_cancelled = True
        for opened in list(self._opened):
            end(opened)

    @contextmanager
    def watched(self, seconds: float) -> Iterator[Watch]:
        """End what this thread requests in the block, if it takes longer than that."""
        watch = self._of_thread.watch = Watch()
        timer = threading.Timer(seconds, watch.end)
        timer.daemon = True
        timer.start()
        try:
            yield watch
        finally:
            timer.cancel()
            self._of_thread.watch = None

    def _uses(self, connection: Any) -> None:
        watch: Watch | None = getattr(self._of_thread, "watch", None)
        if watch is not None:
            watch.uses(connection)
        if self.is_cancelled:
            end(connection.sock)

    def _recording(self, pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
        """The class of pools, whose connections are known here before and after they are open."""
        adapter = self

        class Connection(pool.ConnectionCls):  # type: ignore[misc, name-defined]
            def connect(self) -> None:
                adapter._uses(self)  # a proxy may be slow to answer
                super().connect()
                adapter._opened.add(self.sock)
                adapter._uses(self)

            def request(self, *arguments: Any, **options: Any) -> None:
                adapter._uses(self)
                super().request(*arguments, **options)

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def end(opened: socket.socket | None) -> None:
    """End a connection, whatever is read from it or written to it."""
    with suppress(OSError, TypeError):  # it is closed, or not open yet
        # Not the method of a TLS socket, which the thread that reads from it would stumble over
        socket.socket.shutdown(opened, socket.SHUT_RDWR)  # type: ignore[arg-type]
