"""The query pool: each query runs in a thread, on a connection of its own, until its time budget is spent."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from source_services.errors import RequestError, busy
from source_services.query.connection import GuardedConnection
from source_services.query.execution import Execution, Result
from source_services.query.scheduling import TimeBudget
from source_services.query.shares import ClientShare, ResponseShare, Shares
from source_services.query.snapshot import Snapshot
from source_services.query.spool import Spool
from source_services.settings import Limits

LOOK_SECONDS = 0.05
"""How often to look how much a query has written: in this time it writes some 50 MB."""


class QueryPool:
    """What the queries of one service share: threads, disk space in `folder`, and the fetch lock."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._checkout_seconds = limits.checkout_seconds
        self._threads = ThreadPoolExecutor(limits.connections, thread_name_prefix="query")
        self._free = asyncio.Semaphore(limits.connections)
        self._spool, self._fetch_lock = Spool(folder, limits.disk_bytes, limits.result_bytes), Lock()
        self.shares = Shares(limits, self._spool)
        self.running = self.waiting = 0

    async def run(self, snapshot: Snapshot, execution: Execution, seconds: float, share: ResponseShare) -> Result:
        """The result of the execution, which is stopped after `seconds`, or when its client disconnects.

        It takes of its client's share. Raises RequestError.
        """
        await self._wait_for_connection(share.client)
        connection, budget = snapshot.take(), TimeBudget(seconds)
        connection.begin(budget, self._fetch_lock)
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, self._work, connection, budget, execution, share
        )
        future.add_done_callback(lambda ended: self._finish(ended, snapshot, connection, share))
        watchdog = asyncio.create_task(_stop_in_time(connection, budget, share))
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

    async def _wait_for_connection(self, client: ClientShare) -> None:
        self.waiting += 1
        what = "the client's other queries use all connections that it may have"
        try:
            async with asyncio.timeout(self._checkout_seconds):
                await client.queries.acquire()
                what = "all connections are in use"
                try:
                    await self._free.acquire()
                except BaseException:
                    client.queries.release()
                    raise
        except TimeoutError:
            raise busy(what, 1) from None
        finally:
            self.waiting -= 1
        self.running += 1

    def _work(
        self, connection: GuardedConnection, budget: TimeBudget, execution: Execution, share: ResponseShare
    ) -> Result:
        budget.start()
        try:
            return execution.run(connection, self._spool, share)
        finally:
            connection.finish()

    def _finish(
        self,
        ended: "asyncio.Future[Result]",
        snapshot: Snapshot,
        connection: GuardedConnection,
        share: ResponseShare,
    ) -> None:
        if not ended.cancelled():
            ended.exception()  # of a query whose client disconnected, it is not retrieved otherwise
        self.running -= 1
        snapshot.give_back(connection)
        share.give_back_temporary()
        share.client.queries.release()
        self._free.release()


async def _stop_in_time(connection: GuardedConnection, budget: TimeBudget, share: ResponseShare) -> None:
    """Stop the query when its time is over or its temporary files are too large.

    SQLite checks the time budget itself, but not within one call of a function over a long text.
    """
    reason = None
    while reason is None and (remaining := budget.remaining()) > 0:
        await asyncio.sleep(min(remaining + 0.01, LOOK_SECONDS))
        try:
            share.take_temporary(budget.written() - share.written)
        except RequestError as error:
            reason = error
    connection.stop(budget, reason)
