"""Queries run in threads of their own, so many at a time, each on a connection of its own, until their time is over."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from source_services.errors import Problem
from source_services.query.connection import GuardedConnection
from source_services.query.snapshot import Snapshot
from source_services.query.time_budget import Allowance
from source_services.settings import Limits

Result = TypeVar("Result")


class Engine:
    """The threads of one service."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.connections, thread_name_prefix="query")
        self._places = asyncio.Semaphore(limits.connections)
        self.running = self.waiting = 0

    async def run(self, snapshot: Snapshot, work: Callable[[GuardedConnection], Result], seconds: float) -> Result:
        """What `work` returns, run in a thread. It is stopped after `seconds`, or when nobody waits for it any more.

        Raises Problem: busy, or what the work raises.
        """
        await self._take_place()
        connection, allowance = snapshot.take(), Allowance(seconds)
        connection.grant(allowance)
        snapshot.__enter__()

        def begin() -> Result:
            allowance.begin()
            try:
                return work(connection)
            finally:
                connection.finish()

        future = asyncio.get_running_loop().run_in_executor(self._threads, begin)
        future.add_done_callback(lambda ended: self._finish(ended, snapshot, connection))
        alarm = asyncio.create_task(_stop_in_time(connection, allowance))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            connection.stop(allowance)
            raise
        finally:
            alarm.cancel()
            # An error that is raised here holds this frame, and the future holds the error: its files would stay open
            del future

    def close(self) -> None:
        """Wait for what runs."""
        self._threads.shutdown()

    async def _take_place(self) -> None:
        self.waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), self._limits.checkout_seconds)
        except TimeoutError:
            raise Problem("busy", "all connections are in use: ask again in a second", {"Retry-After": "1"}) from None
        finally:
            self.waiting -= 1
        self.running += 1

    def _finish(self, ended: "asyncio.Future[Any]", snapshot: Snapshot, connection: GuardedConnection) -> None:
        if not ended.cancelled():
            ended.exception()  # nobody waits for that of a query whose client went away
        self.running -= 1
        snapshot.give_back(connection)
        snapshot.__exit__()
        self._places.release()


async def _stop_in_time(connection: GuardedConnection, allowance: Allowance) -> None:
    """The connection looks at the clock itself, but not within one call of a function over a long text."""
    while not allowance.is_over():
        await asyncio.sleep(allowance.left() + 0.01)
    connection.stop(allowance)
