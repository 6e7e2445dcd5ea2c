"""Sources asked ahead: all at the same time, while each one's turn to be worked on comes later.

Nothing depends on it: who finds nothing here, or a fault, or something too old, asks the source itself.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from threading import Lock
from typing import Self

from finsync_pipeline.clients.errors import SourceFault
from finsync_pipeline.clients.responses import Answer
from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.extraction.connect import SOURCES_AT_ONCE, service_of, stock_of
from finsync_pipeline.extraction.inventory import Stock, is_whole
from finsync_pipeline.statements.mapping import SourceMapping


class AskedAhead:
    """Answers of sources that were asked ahead, each given out once. Large tables lie in files, not in memory."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(SOURCES_AT_ONCE, "asked-ahead")
        self._has_begun = Lock()
        self._stocks: dict[str, Future[Stock]] = {}
        self._tables: dict[str, Future[Answer | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Forget all; questions that are on their way end by themselves."""
        self._stocks.clear()
        self._tables.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def begin(
        self, mappings: Sequence[SourceMapping], quarters: Sequence[date], wanted: Mapping[str, Sequence[date]]
    ) -> None:
        """Take stock of each source over `quarters`; once only, whoever calls.

        For a source in `wanted`, get its whole table too, if its quarters there are all that it has rows for.
        """
        if not self._has_begun.acquire(blocking=False):
            return
        stocks = {mapping.name: self._threads.submit(stock_of, mapping, quarters) for mapping in mappings}
        self._tables = {
            mapping.name: self._threads.submit(_table, mapping, stocks[mapping.name], wanted[mapping.name])
            for mapping in mappings
            if mapping.name in wanted
        }
        self._stocks = stocks

    def stock(self, name: str) -> Stock | None:
        """What the source was found to hold, the first time; then None, as when it could not be asked."""
        asked = self._stocks.pop(name, None)
        with suppress(SourceFault, SourceInvalid):
            return asked.result() if asked else None
        return None

    def table(self, name: str) -> Answer | None:
        """The source's whole table, the first time, if it was got."""
        asked = self._tables.pop(name, None)
        with suppress(SourceFault, SourceInvalid):
            return asked.result() if asked else None
        return None


def _table(mapping: SourceMapping, stock: Future[Stock], wanted: Sequence[date]) -> Answer | None:
    if not is_whole(stock.result().delivery, wanted):
        return None
    with service_of(mapping, is_spooled=True) as service:
        return service.table()
