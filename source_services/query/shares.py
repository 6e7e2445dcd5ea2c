"""Shares: how many of a service's queries and how much of its disk space one client may take at the same time.

How many requests a client may send is in `web/access`, how many connections it may have open in `web/connections`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from source_services.errors import RequestError, busy
from source_services.query.spool import Spool
from source_services.settings import Limits


class ClientShare:
    """What all requests of one client may take together."""

    def __init__(self, limits: Limits) -> None:
        self.queries = asyncio.Semaphore(limits.client_queries)
        self._free, self._lock = limits.client_disk_bytes, Lock()

    def take(self, size: int) -> None:
        """Take space on the disk. Raises RequestError."""
        with self._lock:
            if size > self._free:
                raise busy("the client's other requests take all of its disk space", 10)
            self._free -= size

    def give_back(self, size: int) -> None:
        """This space is free again."""
        with self._lock:
            self._free += size


class ResponseShare:
    """What one response takes of its client's share, from its query until it is sent."""

    def __init__(self, client: ClientShare, spool: Spool, temporary_bytes: int) -> None:
        self.client, self.written = client, 0
        self._spool, self._most_temporary = spool, temporary_bytes
        self._result, self._temporary = 0, 0
        self._is_closed, self._lock = False, Lock()

    def take(self, size: int) -> None:
        """Take space for a result, or a part of it. Raises RequestError."""
        with self._lock:
            if self._is_closed:
                raise busy("the client of the result has disconnected", 1)
            self.client.take(size)
            self._result += size

    def write(self, size: int) -> None:
        """Take space for a part of a result that is written now. Raises RequestError."""
        self.take(size)
        self.written += size

    def give_back_result(self) -> None:
        """What was taken for the result is not needed any more."""
        with self._lock:
            size, self._result = self._result, 0
        self.client.give_back(size)

    def take_temporary(self, size: int) -> None:
        """Take space until it is enough for temporary files of this size. Raises RequestError."""
        if size > self._most_temporary:
            what = f"the query needs more than {self._most_temporary:,} bytes of temporary files to sort or group"
            raise RequestError("too-large", what, "select fewer rows or columns, or shorter values")
        if (more := size - self._temporary) > 0:
            self.client.take(more)
            try:
                self._spool.reserve(more)
            except RequestError:
                self.client.give_back(more)
                raise
            self._temporary += more

    def give_back_temporary(self) -> None:
        """The query has ended, and SQLite has removed its temporary files."""
        size, self._temporary = self._temporary, 0
        self.client.give_back(size)
        self._spool.release([size])

    def close(self) -> None:
        """The response is sent, or its client has disconnected."""
        self._is_closed = True
        self.give_back_result()


class Shares:
    """The shares of the clients that have requests now."""

    def __init__(self, limits: Limits, spool: Spool) -> None:
        self._limits, self._spool = limits, spool
        self._clients = WeakValueDictionary[str, ClientShare]()

    @contextmanager
    def of_response(self, client: str) -> Iterator[ResponseShare]:
        """The share of one response to the client."""
        share = self._clients.get(client) or ClientShare(self._limits)
        self._clients[client] = share
        response = ResponseShare(share, self._spool, self._limits.temporary_bytes)
        try:
            yield response
        finally:
            response.close()
