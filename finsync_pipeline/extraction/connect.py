"""The services of several sources: opened as their mappings declare, and queried at the same time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Self, TypeVar

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.datasette import DatasetteService
from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import ConfigurationError, SourceError
from finsync_pipeline.extraction.inventory import Inventory, is_whole, take_inventory
from finsync_pipeline.statements.mapping import DatasetteConnection, SourceMapping

T = TypeVar("T")
SOURCES_AT_ONCE = 8
"""Sources that are queried at the same time; others wait."""


def service_of(
    mapping: SourceMapping,
    is_spooled: bool = False,
    retry: RetryPolicy | None = None,
    bounds: Bounds | None = None,
) -> Service:
    """The client of the source's service, of the kind of its connection. Raises ConfigurationError for its token."""
    name, url, token_file = mapping.name, mapping.url, mapping.token_file
    if isinstance(mapping.connection, DatasetteConnection):
        return DatasetteService(name, url, mapping.connection.database, retry, token_file, bounds)
    return SourceService(name, url, retry, token_file, is_spooled, bounds)


def inventory_of(
    mapping: SourceMapping,
    quarters: Sequence[date],
    retry: RetryPolicy | None = None,
    bounds: Bounds | None = None,
) -> Inventory:
    """The inventory of the source, as of `take_inventory`. Raises SourceError or ConfigurationError."""
    with service_of(mapping, retry=retry, bounds=bounds) as service:
        return take_inventory(service, mapping, quarters)


def query_each(mappings: Sequence[SourceMapping], query: Callable[[SourceMapping], T]) -> list[Future[T]]:
    """What `query` returns for each source, in their order: a result or an error of its own."""
    with ThreadPoolExecutor(SOURCES_AT_ONCE) as threads:
        return [threads.submit(query, mapping) for mapping in mappings]


class Prefetch:
    """Inventories and whole tables of several sources, fetched at the same time, each handed out once.

    Nothing depends on it: where it has nothing, or only an error, the caller queries the source itself. Large tables
    are kept in files, not in memory.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds
        self._threads = ThreadPoolExecutor(SOURCES_AT_ONCE, "prefetch")
        self._has_started = False
        self._inventories: dict[str, Future[Inventory]] = {}
        self._tables: dict[str, Future[Rows | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop all results; requests that were sent end by themselves."""
        self._inventories.clear()
        self._tables.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def start(
        self, mappings: Sequence[SourceMapping], quarters: Sequence[date], wanted: Mapping[str, Sequence[date]]
    ) -> None:
        """Take the inventory of each source over `quarters`; once only, however often it is called.

        Of a source in `wanted`, get the whole table too, if its quarters there are all that it has rows for.
        """
        if self._has_started:
            return
        self._has_started = True
        run = self._threads.submit
        self._inventories = {
            mapping.name: run(inventory_of, mapping, quarters, None, self._bounds) for mapping in mappings
        }
        self._tables = {
            mapping.name: run(_table, mapping, self._inventories[mapping.name], wanted[mapping.name], self._bounds)
            for mapping in mappings
            if mapping.name in wanted
        }

    def inventory(self, name: str) -> Inventory | None:
        """The inventory of the source, the first time; None later, and where it could not be taken."""
        return _result(self._inventories.pop(name, None))

    def table(self, name: str) -> Rows | None:
        """The whole table of the source, the first time, if it was fetched."""
        return _result(self._tables.pop(name, None))


def _result(future: Future[T] | None) -> T | None:
    with suppress(SourceError, ConfigurationError):
        return future.result() if future else None
    return None


def _table(
    mapping: SourceMapping, inventory: Future[Inventory], wanted: Sequence[date], bounds: Bounds | None
) -> Rows | None:
    if not is_whole(inventory.result().periods, wanted):
        return None
    with service_of(mapping, is_spooled=True, bounds=bounds) as service:
        return service.table()
