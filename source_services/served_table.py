"""The table that a service serves: its version now, and the watch for a newer data file."""

import asyncio
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import gettempdir

from source_services.data.loader import load
from source_services.data.table_metadata import Holdings
from source_services.query.snapshot import Snapshot
from source_services.services import Service
from source_services.settings import Limits

LOG = logging.getLogger("source_services")

_SHORT_PATH = 70
"""Characters of the temporary folder's path: the forkserver's socket lies below it, whose path may have about 100."""

# Forked from a process that has imported what a load needs (pyarrow looks for pandas): half a second less each time
_PROCESSES = multiprocessing.get_context("forkserver" if len(gettempdir()) <= _SHORT_PATH else "spawn")
_PROCESSES.set_forkserver_preload(["__main__", load.__module__, "pandas"])

Look = tuple[int, int, int]
"""What tells one file from another at the same place: inode, size, time of change."""


class ServedTable:
    """One table: `now` is the version that answers."""

    def __init__(self, service: Service, data_file: Path, folder: Path, limits: Limits) -> None:
        self.service, self._data_file, self._folder, self._limits = service, data_file, folder, limits
        self._loaded = _look(data_file)
        self.now = Snapshot(load(service, data_file, folder), limits)
        self.published, self.refused = 0, 0
        self.refusal: str | None = None

    @property
    def holdings(self) -> Holdings:
        """What the version that answers now holds."""
        return self.now.holdings

    async def watch(self, seconds: float) -> None:
        """Look at the data file every so many seconds, and publish another one at its place.

        A file is loaded when two looks see it the same, so not while it is being written. It is loaded by a process of
        its own, so that answers don't wait.
        """
        seen = self._loaded
        while True:
            await asyncio.sleep(seconds)
            look = _look(self._data_file)
            if look is not None and look == seen and look != self._loaded:
                self._loaded = look
                await self._publish()
            seen = look

    async def _publish(self) -> None:
        name = self.service.name
        try:
            holdings = await _load_beside(self.service, self._data_file, self._folder)
            if holdings.data_version == self.now.version:
                LOG.info("the new data file holds the same", extra={"service": name})
                self.refusal = None
                return
            snapshot = await asyncio.to_thread(Snapshot, holdings, self._limits)
        except Exception as error:  # whatever is wrong with the file: the old version goes on, and so does the watch
            self.refused += 1
            self.refusal = "a newer data file could not be loaded; the log says why"
            LOG.error("%s", error, extra={"service": name, "data_version": self.now.version})
            return
        before, self.now = self.now, snapshot
        before.retire()
        self.published, self.refusal = self.published + 1, None
        LOG.info("a new version is served", extra={"service": name, "data_version": snapshot.version})

    def close(self) -> None:
        """Nothing is served any more."""
        self.now.retire()


def _look(data_file: Path) -> Look | None:
    try:
        told = data_file.stat()
    except OSError:
        return None
    return told.st_ino, told.st_size, told.st_mtime_ns


async def _load_beside(service: Service, data_file: Path, folder: Path) -> Holdings:
    process = ProcessPoolExecutor(1, mp_context=_PROCESSES)
    try:
        return await asyncio.get_running_loop().run_in_executor(process, load, service, data_file, folder)
    finally:
        process.shutdown(wait=False, cancel_futures=True)
