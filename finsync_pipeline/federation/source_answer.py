"""What one source has for a query: its index, learnt or kept, and the rows of its part, fetched and made readable."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.extraction.cell_text import table_as_text
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.extraction.deliveries import today
from finsync_pipeline.extraction.raw_rows import place_rows
from finsync_pipeline.federation.aggregates import Aggregation
from finsync_pipeline.federation.cache import TableCache
from finsync_pipeline.federation.fetch import Fetch
from finsync_pipeline.federation.groups import Inexact, cells_of, groups_of
from finsync_pipeline.federation.live_plan import SourceReport
from finsync_pipeline.federation.live_views import FetchedSource
from finsync_pipeline.federation.plan import Scan
from finsync_pipeline.federation.pushdown import Part, part_of
from finsync_pipeline.federation.reading import readable
from finsync_pipeline.federation.snapshot import standardized_now
from finsync_pipeline.federation.source_index import Learner, SourceIndex
from finsync_pipeline.federation.top_n import TopN, source_order
from finsync_pipeline.quality.fit import count_cells
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.standardize import StandardizedTables

T = TypeVar("T")
Progress = Callable[[str], object]


@dataclass(frozen=True)
class FirstRows:
    """The first rows of a source in an order, and the number in the last one (None: it has no further rows)."""

    source: FetchedSource
    last: float | None


@dataclass(frozen=True)
class Groups:
    """What a source has for an aggregation: lines of `partials` (None: none), and rows that are not in these."""

    source: FetchedSource
    partials: pa.Table | None


@dataclass
class SourceAnswer:
    """Asks one source."""

    mapping: SourceMapping
    learner: Learner
    cache: TableCache
    report: SourceReport
    progress: Progress
    bounds: Bounds = field(default_factory=Bounds)
    _services: list[Service] = field(default_factory=list)

    def cancel(self) -> None:
        """Stop the work of the source."""
        for service in self._services:
            service.cancel()

    def version(self) -> list[Any] | None:
        """Everything that an answer of the source is made from; None if its data have no version."""
        with self._service() as service:
            return self._version(service)

    def rows(self, scans: Sequence[Scan], version: list[Any] | None) -> FetchedSource | None:
        """The rows of the source for the scans; None if none of it can be in them. Raises SourceError."""
        return self._twice(version, lambda service, index: self._rows(service, index, scans))

    def first_rows(self, scans: Sequence[Scan], top: TopN, version: list[Any] | None) -> FirstRows | None:
        """The first rows of the source, or all where it cannot tell. Raises SourceError."""
        return self._twice(version, lambda service, index: self._first_rows(service, index, scans, top))

    def groups(self, scans: Sequence[Scan], aggregation: Aggregation, version: list[Any] | None) -> Groups | None:
        """The groups of the source, or its rows where these are not exact; None for nothing. Raises SourceError."""
        return self._twice(version, lambda service, index: self._groups(service, index, scans, aggregation))

    def standardized(self) -> StandardizedTables:
        """The tables of all rows, made by the pipeline's own code. Raises SourceError."""
        self.report.how = "all rows were standardized by the pipeline's own code"
        self.progress(f"{self.mapping.name}: fetching and standardizing all rows")
        with self._service() as service:
            return standardized_now(service, self.mapping, self.learner)

    @contextmanager
    def _service(self) -> Iterator[Service]:
        began = time.monotonic()
        with service_of(self.mapping, is_spooled=True, bounds=self.bounds) as service:
            self._services.append(service)
            try:
                yield service
            finally:
                self.report.seconds += time.monotonic() - began

    def _twice(self, version: list[Any] | None, ask: Callable[[Service, SourceIndex], T]) -> T:
        """What `ask` returns; once more if the source has changed since it was learnt."""
        with self._service() as service:
            try:
                return ask(service, self._index(service, version))
            except SourceChanged:
                return ask(service, self._index(service, self._version(service)))

    def _version(self, service: Service) -> list[Any] | None:
        version = service.version()
        return None if version is None else self._key(version.data_version)

    def _key(self, data_version: str) -> list[Any]:
        stored = sorted((self.learner.tables / self.mapping.name).glob("*raw/*.parquet"))
        deliveries = [max((file.stat().st_mtime_ns for file in stored), default=0), len(stored), today()]
        quarters = [min(self.learner.quarters, default=None), max(self.learner.quarters, default=None)]
        of_mapping = [self.mapping.name, self.mapping.url, self.mapping.hash, SourceMapping.RULES]
        return [*of_mapping, data_version, *self.learner.decider.versions, *deliveries, *quarters]

    def _index(self, service: Service, version: list[Any] | None) -> SourceIndex:
        index = self.cache.get_as(["index", *version], SourceIndex.of_tables) if version else None
        if index is not None:
            service.supports_arrow = index.supports_arrow
            return index
        self.progress(f"{self.mapping.name}: reading its names and period ends")
        began = time.monotonic()
        index = self.learner.learn(service, self.mapping)
        self.report.local.append(f"names and period ends of all rows were read first: {time.monotonic() - began:.2f} s")
        if index.data_version is not None:
            self.cache.put(["index", *self._key(index.data_version)], index.tables)
        return index

    def _rows(self, service: Service, index: SourceIndex, scans: Sequence[Scan]) -> FetchedSource | None:
        part = part_of(scans, self.mapping, index)
        source = self._source(index, part)
        if part is None or source is None or index.is_dependent:
            return source
        with self._fetching(service, index) as fetch:
            return self._fetched(fetch, part, source)

    def _first_rows(self, service: Service, index: SourceIndex, scans: Sequence[Scan], top: TopN) -> FirstRows | None:
        part = part_of(scans, self.mapping, index)
        source = self._source(index, part)
        if part is None or source is None:
            return None
        is_empty = top.column not in (None, "value") and top.column not in self.mapping.items
        if index.is_dependent or is_empty:  # rows in which the column is empty come last
            return FirstRows(source, None)
        with self._fetching(service, index) as fetch:
            order = None if part.needs_first_seen else source_order(top, self.mapping, part.items)
            found = fetch.first_rows(part, order, top.rows_asked) if order else None
            if found is None:
                self.report.local.append("ORDER BY, LIMIT: the source may order its rows otherwise")
                return FirstRows(self._fetched(fetch, part, source), None)
            rows, last = found
            return FirstRows(replace(source, rows=readable([rows.table], source.mapping)), last)

    def _groups(
        self, service: Service, index: SourceIndex, scans: Sequence[Scan], aggregation: Aggregation
    ) -> Groups | None:
        part = part_of(scans, self.mapping, index)
        source = self._source(index, part)
        if part is None or source is None or index.is_dependent:
            return None if source is None else Groups(source, None)
        with self._fetching(service, index) as fetch:
            try:
                groups = groups_of(aggregation, self.mapping, index, part)
                self.report.how = "grouped by the source"
                partials = groups.partials(fetch.whole_result(groups.sql()))
                return Groups(replace(source, cells=_both(source.cells, cells_of(partials, aggregation))), partials)
            except Inexact as why:
                self.report.how = "read by SQL"
                self.report.local.append(f"aggregates: {why}")
                return Groups(self._fetched(fetch, part, source), None)

    @contextmanager
    def _fetching(self, service: Service, index: SourceIndex) -> Iterator[Fetch]:
        self.progress(f"{self.mapping.name}: fetching rows")
        fetch = Fetch(service, self.mapping, index, self.report.sent, self.report.local)
        try:
            yield fetch
        finally:
            self.report.rows += fetch.row_count
            self.report.bytes += fetch.byte_count

    def _source(self, index: SourceIndex, part: Part | None) -> FetchedSource | None:
        """The source without rows; its report says how it is read."""
        if part is None:
            return None
        by_pipeline = index.is_dependent or part.needs_first_seen
        self.report.how = "standardized by the pipeline's own code" if by_pipeline else "read by SQL"
        if index.is_dependent:
            self.report.how += ": most rows have a meaning only together with others"
        elif len(index.dependent):
            part = replace(part, local=(*part.local, f"{len(index.dependent):,} rows that others may supersede"))
        self.report.local = list(dict.fromkeys((*self.report.local, *part.local)))
        items = frozenset(self.mapping.items)
        return FetchedSource(self.mapping.only(part.items), items, index, None, index.facts, index.texts, index.cells)

    def _fetched(self, fetch: Fetch, part: Part, source: FetchedSource) -> FetchedSource:
        if not part.needs_first_seen:
            tables = [rows.table for rows in fetch.part(part)]
            return replace(source, rows=readable(tables, source.mapping))
        self.report.local.append("first_seen: needs the whole rows and what is stored of earlier deliveries")
        tables = [rows.table for rows in fetch.part(replace(part, items=tuple(self.mapping.items)))]
        texts = frames.from_arrow(pa.concat_tables([table_as_text(table, self.mapping) for table in tables]))
        raw = _without_dependent(place_rows(texts, source.index.periods, self.mapping), source.index, self.mapping)
        made = self.learner.standardized(raw, self.mapping)
        facts, texts = _both(source.facts, made.facts), _both(source.texts, made.texts)
        return replace(source, facts=facts, texts=texts, cells=_both(source.cells, count_cells(made)))


def _without_dependent(raw: pd.DataFrame, index: SourceIndex, mapping: SourceMapping) -> pd.DataFrame:
    return frames.query(
        f"""
        SELECT raw.* FROM raw
        ANTI JOIN (FROM dependent JOIN periods USING (literal)) AS dependent
            ON raw.{frames.quoted(mapping.row_key)} IS NOT DISTINCT FROM dependent.row_key
            AND raw.finsync_period_end = dependent.period_end
        """,
        raw=raw,
        dependent=index.dependent,
        periods=index.periods[["literal", "period_end"]],
    )


def _both(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([one, other], ignore_index=True)
