"""The query pool: each query runs in a thread, on a connection of its own, until its time budget is spent."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from source_services.errors import busy
from source_services.query.connection import GuardedConnection
from source_services.query.execution import Execution, Result
from source_services.query.scheduling import TimeBudget
from source_services.query.snapshot import Snapshot
from source_services.query.spool import Spool
from source_services.settings import Limits


class QueryPool:
    """What the queries of one service share: threads, disk space in `folder`, and the fetch lock."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._checkout_seconds = limits.checkout_seconds
        self._threads = ThreadPoolExecutor(limits.connections, thread_name_prefix="query")
        self._free = asyncio.Semaphore(limits.connections)
        self._spool, self._fetch_lock = Spool(folder, limits.disk_bytes, limits.result_bytes), Lock()
        self.running = self.waiting = 0

    async def run(self, snapshot: Snapshot, execution: Execution, seconds: float) -> Result:
        """The result of the execution, which is stopped after `seconds`, or when its client disconnects.

        Raises RequestError.
        """
        await self._wait_for_connection()
        connection, budget = snapshot.take(), TimeBudget(seconds)
        connection.begin(budget, self._fetch_lock)
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._work, connection, budget, execution)
        future.add_done_callback(lambda ended: self._finish(ended, snapshot, connection))
        watchdog = asyncio.create_task(_stop_in_time(connection, budget))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            connection.stop(budget)
            raise
        finally:
            watchdog.cancel()
            # An error that is raised here refers to this frame, and the future to the error: its files would stay open
            del future

    def close(self) -> None:
        """Wait for the queries that run."""
        self._threads.shutdown()

    async def _wait_for_connection(self) -> None:
        self.waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), self._checkout_seconds)
        except TimeoutError:
            raise busy("all connections are in use", 1) from None
        finally:
            self.waiting -= 1
        self.running += 1

    def _work(self, connection: GuardedConnection, budget: TimeBudget, execution: Execution) -> Result:
        budget.start()
        try:
            return execution.run(connection, self._spool)
        finally:
            connection.finish()

    def _finish(self, ended: "asyncio.Future[Result]", snapshot: Snapshot, connection: GuardedConnection) -> None:
        if not ended.cancelled():
            ended.exception()  # of a query whose client disconnected, it is not retrieved otherwise
        self.running -= 1
        snapshot.give_back(connection)
        self._free.release()


async def _stop_in_time(connection: GuardedConnection, budget: TimeBudget) -> None:
    """SQLite checks the time budget itself, but not within one call of a function over a long text."""
    while (remaining := budget.remaining()) > 0:
        await asyncio.sleep(remaining + 0.01)
    connection.stop(budget)
