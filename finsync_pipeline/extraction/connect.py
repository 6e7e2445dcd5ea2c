"""The services of several sources: opened as their mappings say, and asked at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TypeVar

from finsync_pipeline.clients.http import Patience
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.extraction.inventory import Stock, take_stock
from finsync_pipeline.statements.mapping import SourceMapping

T = TypeVar("T")
SOURCES_AT_ONCE = 8
"""Sources that are asked at the same time; others wait their turn."""


def service_of(mapping: SourceMapping, is_spooled: bool = False, patience: Patience | None = None) -> SourceService:
    """The client of the source's service. Raises TokenMistake."""
    return SourceService(mapping.name, mapping.url, patience, mapping.token_file, is_spooled)


def stock_of(mapping: SourceMapping, quarters: Sequence[date], patience: Patience | None = None) -> Stock:
    """What the source holds, as `take_stock` says. Raises a SourceFault or SourceInvalid."""
    with service_of(mapping, patience=patience) as service:
        return take_stock(service, mapping, quarters)


def ask_each(mappings: Sequence[SourceMapping], ask: Callable[[SourceMapping], T]) -> list[Future[T]]:
    """What `ask` answers for each source, in their order: a result or an error of its own."""
    with ThreadPoolExecutor(SOURCES_AT_ONCE) as threads:
        return [threads.submit(ask, mapping) for mapping in mappings]
