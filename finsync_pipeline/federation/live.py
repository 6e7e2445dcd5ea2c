"""The answer to a query over the services as they are now: each source is asked for its part, and DuckDB finishes.

The query itself runs as it is written, over rows that are at least those that it needs. So the answer does not depend
on what was sent to a source, only its cost does.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.errors import ConfigurationError, SourceError
from finsync_pipeline.extraction.cell_text import table_as_text
from finsync_pipeline.extraction.connect import query_each, service_of
from finsync_pipeline.extraction.deliveries import today
from finsync_pipeline.extraction.raw_rows import place_rows
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import open_engine, run
from finsync_pipeline.federation.explain_error import explained
from finsync_pipeline.federation.fetch import Fetch
from finsync_pipeline.federation.index_cache import index_cache
from finsync_pipeline.federation.live_plan import LivePlan, SourceReport
from finsync_pipeline.federation.live_views import FetchedSource, create_views
from finsync_pipeline.federation.plan import Scan, scans_of
from finsync_pipeline.federation.pushdown import Part, part_of
from finsync_pipeline.federation.reading import readable
from finsync_pipeline.federation.source_index import Learner, SourceIndex
from finsync_pipeline.federation.statement import Statement
from finsync_pipeline.federation.top_n import TopN, source_order, top_n_of
from finsync_pipeline.identity import Decider
from finsync_pipeline.statements.mapping import SourceMapping

Progress = Callable[[str], None]
OF_SOURCES = frozenset({"facts", "texts", "income_statement", "balance_sheet", "cash_flow"})
"""The views that are made of the rows of single sources."""


def query_live(
    statement: Statement,
    deployment: Deployment,
    *,
    partial: bool = False,
    explain: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """The answer over what the services have now, by the rules of a release that would be made now.

    With `partial`, sources that fail are named in `missing` and left out; else the first one's error is raised:
    SourceError or ConfigurationError. Raises QueryError for SQL that cannot be answered.
    """
    began = time.monotonic()
    query = _LiveQuery(statement, deployment, partial, progress or (lambda _: None))
    table = query.table()
    plan = query.plan
    plan.rows, plan.seconds = table.num_rows, time.monotonic() - began
    return Answer(table, query.missing, plan, not any(report.sent for report in plan.sources))


@cache
def _decider(
    files: tuple[tuple[Path, int], ...], reference: Path, review: Path | None, sources: tuple[str, ...]
) -> Decider:
    """The list and the review of these files, whose times are part of the key."""
    return Decider.read(reference, review, sources)


def decider_of(deployment: Deployment) -> Decider:
    """The present list of companies and review. Raises ConfigurationError."""
    places = [deployment.reference, deployment.review]
    files = [file for place in places if place for file in ([*place.glob("*.csv")] if place.is_dir() else [place])]
    times = tuple(sorted((file, file.stat().st_mtime_ns) for file in files if file.exists()))
    return _decider(
        times, deployment.reference, deployment.review, tuple(each.name for each in deployment.mappings.values())
    )


@dataclass
class _Fetched:
    """What came of a source, and the number of its last row in the order that it was asked in (None: it has no more)."""

    source: FetchedSource
    last: float | None = None


@dataclass
class _LiveQuery:
    statement: Statement
    deployment: Deployment
    is_partial: bool
    progress: Progress
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan = LivePlan(self.statement.sql)
        self.learner = Learner(decider_of(self.deployment), self.deployment.tables, self.deployment.quarters)
        self.cache = index_cache(self.deployment.cache, self.deployment.limits.cache)
        self.reports = {name: SourceReport(name) for name in self.deployment.mappings}

    def table(self) -> pa.Table:
        scans = [scan for scan in self._scans() if scan.view in self.statement.views]
        of_sources = [scan for scan in scans if scan.view in OF_SOURCES]
        financials = None
        self.plan.sources = list(self.reports.values())
        top = top_n_of(self.statement, of_sources) if len(of_sources) == len(scans) else None
        if top is not None:
            return self._first_rows(top, of_sources)
        return self._finish(self._fetch_each(of_sources), financials)

    def _scans(self) -> list[Scan]:
        try:
            return scans_of(self.statement.sql)
        except duckdb.Error as error:
            raise explained(error, self.statement.sql, self.statement.views) from None

    def _finish(self, fetched: Sequence[_Fetched], financials: Any = None) -> pa.Table:
        with self._views(fetched, financials) as engine:
            return run(engine, self.statement, self.deployment.limits)

    def _views(self, fetched: Sequence[_Fetched], financials: Any = None) -> duckdb.DuckDBPyConnection:
        engine = open_engine(self.deployment.limits)
        create_views(engine, [each.source for each in fetched], self.learner.decider.reference.companies, financials)
        return engine

    def _first_rows(self, top: TopN, scans: Sequence[Scan]) -> pa.Table:
        """The answer from the first rows of each source, or from those within the bound that these give."""
        first = self._fetch_each(scans, top)
        with self._views(first) as engine:
            found = engine.execute(top.bound_sql()).fetchall()
        bound = found[-1][0] if len(found) == top.count else None
        # Rows in which the column is empty are not among the first ones of a source: the query may need them
        is_all = top.column is None and all(each.last is None for each in first)
        if is_all or (bound is not None and top.is_proven(bound, _lasts(first))):
            self.plan.finish.append(f"the first rows of each source hold the first {top.count:,} of the query")
            return self._finish(first)
        if bound is not None:
            self.plan.finish.append(f"the first rows of each source give a bound: {bound:,}")
            scans = [replace(scan, conditions=(*scan.conditions, top.within(bound))) for scan in scans]
        return self._finish(self._fetch_each(scans))

    def _fetch_each(self, scans: Sequence[Scan], top: TopN | None = None) -> list[_Fetched]:
        """What each source has for the scans. Raises the first error, or notes it in `missing`."""
        mappings = (
            [each for name, each in self.deployment.mappings.items() if name not in self.missing] if scans else []
        )
        queried = query_each(mappings, lambda mapping: self._fetch(mapping, scans, top))
        return [
            found for mapping, each in zip(mappings, queried, strict=True) if (found := self._result(mapping, each))
        ]

    def _result(self, mapping: SourceMapping, fetched: "Future[_Fetched | None]") -> _Fetched | None:
        try:
            return fetched.result()
        except (SourceError, ConfigurationError) as error:
            if not self.is_partial:
                raise
            self.missing[mapping.name] = str(error)
            self.reports[mapping.name].how = f"missing: {error}"
            return None

    def _fetch(self, mapping: SourceMapping, scans: Sequence[Scan], top: TopN | None) -> _Fetched | None:
        began = time.monotonic()
        with service_of(mapping, is_spooled=True) as service:
            try:
                return self._fetch_from(service, mapping, scans, top)
            except SourceChanged:  # since it was learnt, or in between
                return self._fetch_from(service, mapping, scans, top)
            finally:
                self.reports[mapping.name].seconds += time.monotonic() - began

    def _fetch_from(
        self, service: Any, mapping: SourceMapping, scans: Sequence[Scan], top: TopN | None
    ) -> _Fetched | None:
        report = self.reports[mapping.name]
        index = self._index(service, mapping)
        part = part_of(scans, mapping, index)
        if part is None:
            return None
        report.how = "read by SQL" if not index.is_dependent else "standardized by the pipeline's own code"
        source = FetchedSource(
            mapping.only(part.items), frozenset(mapping.items), index, None, index.facts, index.texts
        )
        if index.is_dependent:
            return _Fetched(source)
        if len(index.dependent):
            report.local = [f"{len(index.dependent):,} rows that only together have a meaning are standardized here"]
        report.local = list(dict.fromkeys((*report.local, *part.local)))
        fetch = Fetch(service, mapping, index, report.sent)
        try:
            if top is not None and not part.needs_first_seen:
                found = self._first(fetch, part, source, top)
                if found is not None:
                    return found
            return _Fetched(self._whole_part(fetch, part, source))
        finally:
            report.rows += fetch.row_count
            report.bytes += fetch.byte_count

    def _whole_part(self, fetch: Fetch, part: Part, source: FetchedSource) -> FetchedSource:
        if not part.needs_first_seen:
            tables = [rows.table for rows in fetch.part(part)]
            return replace(source, rows=readable(tables, source.mapping))
        self.reports[fetch.mapping.name].how = "standardized by the pipeline's own code: first_seen is asked for"
        tables = [rows.table for rows in fetch.part(replace(part, items=tuple(fetch.mapping.items)))]
        texts = frames.from_arrow(pa.concat_tables([table_as_text(table, fetch.mapping) for table in tables]))
        raw = _without(place_rows(texts, source.index.periods, fetch.mapping), source.index, fetch.mapping)
        made = self.learner.standardized(raw, fetch.mapping)
        return replace(source, facts=_both(source.facts, made.facts), texts=_both(source.texts, made.texts))

    def _first(self, fetch: Fetch, part: Part, source: FetchedSource, top: TopN) -> _Fetched | None:
        """The first rows of the source; None where its order may be another one than that of the query."""
        if top.column is not None and top.column != "value" and top.column not in fetch.mapping.items:
            return _Fetched(source)  # here the column is always empty: such rows come last
        order = source_order(top, fetch.mapping, part.items)
        found = fetch.first_rows(part, order, top.rows_asked) if order else None
        if found is None:
            self.reports[fetch.mapping.name].local.append("ORDER BY, LIMIT: the source may order its rows otherwise")
            return None
        rows, last = found
        return _Fetched(replace(source, rows=readable([rows.table], source.mapping)), last)

    def _index(self, service: Any, mapping: SourceMapping) -> SourceIndex:
        version = service.version()
        key = None if version is None else self._key(mapping, version.data_version)
        index = self.cache.get(key) if key else None
        if index is None:
            self.progress(f"{mapping.name}: reading its names and period ends")
            index = self.learner.learn(service, mapping)
            self.reports[mapping.name].local.append("names and period ends of all rows were read first")
            if index.data_version is not None:
                self.cache.put(self._key(mapping, index.data_version), index)
        self.progress(f"{mapping.name}: asking for rows")
        return index

    def _key(self, mapping: SourceMapping, data_version: str) -> list[Any]:
        """Everything that an index is made from."""
        stored = sorted((self.deployment.tables / mapping.name).glob("*raw/*.parquet"))
        deliveries = [max((file.stat().st_mtime_ns for file in stored), default=0), len(stored), today()]
        quarters = [min(self.deployment.quarters, default=None), max(self.deployment.quarters, default=None)]
        of_mapping = [mapping.name, mapping.url, mapping.hash, SourceMapping.RULES]
        return [*of_mapping, data_version, *self.learner.decider.versions, *deliveries, *quarters]


def _lasts(fetched: Sequence[_Fetched]) -> list[float]:
    return [each.last for each in fetched if each.last is not None]


def _without(raw: pd.DataFrame, index: SourceIndex, mapping: SourceMapping) -> pd.DataFrame:
    """The raw rows but the dependent ones."""
    literals = index.periods[["literal", "period_end"]]
    dependent = index.dependent.merge(literals, on="literal")
    return frames.query(
        f"""
        SELECT raw.* FROM raw ANTI JOIN dependent
            ON raw.{frames.quoted(mapping.row_key)} IS NOT DISTINCT FROM row_key AND finsync_period_end = period_end
        """,
        raw=raw,
        dependent=dependent,
    )


def _both(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([one, other], ignore_index=True)
