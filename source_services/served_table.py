"""The table that a service serves: its current version, and the watch for a newer data file."""

import asyncio
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import gettempdir

from source_services.data.loader import load, load_in_time
from source_services.data.table_metadata import TableMetadata
from source_services.errors import DataFileError
from source_services.query.snapshot import Snapshot
from source_services.settings import Limits, Service, variable

LOG = logging.getLogger("source_services")

LONGEST_TEMPORARY_PATH = 70
"""Characters of the temporary folder's path: the forkserver's socket is below it, and its path may have about 100."""


class ServedTable:
    """One table: `current` is the version that is served, `load_error` is set if a newer one could not be loaded."""

    def __init__(self, service: Service, data_file: Path, folder: Path, limits: Limits) -> None:
        self.service, self._data_file, self.folder, self.limits = service, data_file, folder, limits
        self._loaded = self._seen = _identity(data_file)
        self.current = Snapshot(load(service, data_file, folder, limits), limits)
        self.published, self.rejected = 0, 0
        self.load_error: str | None = None

    async def watch(self, seconds: float) -> None:
        """Look at the data file at this interval, in seconds."""
        while True:
            await asyncio.sleep(seconds)
            await self.look()

    async def look(self) -> None:
        """Load a data file that is the same at two looks in a row, so is no longer being written, and publish it."""
        found, before = _identity(self._data_file), self._seen
        self._seen = found
        if found is not None and found == before and found != self._loaded:
            self._loaded = found
            await self._publish()

    async def _publish(self) -> None:
        fields = {"service": self.service.name, "data_version": self.current.version}
        try:
            metadata = await self._load_in_process()
            if metadata.data_version == self.current.version:
                LOG.info("the new data file has the same contents", extra={"fields": fields})
                self.load_error = None
                return
            snapshot = await asyncio.to_thread(Snapshot, metadata, self.limits)
        except Exception as error:  # the old version is still served, and the watch goes on
            self.rejected += 1
            self.load_error = "a newer data file could not be loaded; the log has the cause"
            LOG.error("%s", error, extra={"fields": fields})
            return
        before, self.current = self.current, snapshot
        before.retire()
        self.published, self.load_error = self.published + 1, None
        LOG.info("a new version is served", extra={"fields": {**fields, "data_version": snapshot.version}})

    async def _load_in_process(self) -> TableMetadata:
        """Load the data file in a separate process, so that responses don't wait."""
        context = multiprocessing.get_context("forkserver" if len(gettempdir()) <= LONGEST_TEMPORARY_PATH else "spawn")
        # Forked from a process that has imported what a load needs (pyarrow looks for pandas): half a second less
        context.set_forkserver_preload(["__main__", load.__module__, "pandas"])
        process = ProcessPoolExecutor(1, mp_context=context)
        loop, arguments = asyncio.get_running_loop(), (self.service, self._data_file, self.folder, self.limits)
        try:
            return await loop.run_in_executor(process, load_in_time, *arguments)
        except BrokenProcessPool:
            what = f"the process that loads it was killed, for want of memory or after {self.limits.load_seconds:g} s"
            fix = f"make the file smaller, or set {variable('load_seconds')}"
            raise DataFileError(what, fix, self._data_file) from None
        finally:
            process.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Serve nothing any more."""
        self.current.retire()


def _identity(data_file: Path) -> tuple[int, int, int] | None:
    """Inode, size and modification time: what distinguishes two files at the same path; None if there is no file."""
    try:
        status = data_file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
