"""The answer to a query over the services as they are now: each source is asked for its part, and DuckDB finishes.

The query itself runs as it is written, over rows that are at least those that it needs. So the answer does not depend
on what was sent to a source, only its cost does.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError, SourceError, SourceUnavailable
from finsync_pipeline.extraction.connect import SOURCES_AT_ONCE
from finsync_pipeline.federation.aggregates import Aggregation, aggregation_of
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.cache import table_cache
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import attempt, open_engine, run, with_distinct_names
from finsync_pipeline.federation.explain_error import explained
from finsync_pipeline.federation.live_plan import LivePlan, SourceReport
from finsync_pipeline.federation.live_views import FetchedSource, create_views
from finsync_pipeline.federation.plan import Scan, is_repeatable, names_of, scans_of
from finsync_pipeline.federation.pushdown import may_read
from finsync_pipeline.federation.schema import STATEMENTS
from finsync_pipeline.federation.snapshot import financials_of
from finsync_pipeline.federation.source_answer import Progress, SourceAnswer
from finsync_pipeline.federation.source_index import Learner
from finsync_pipeline.federation.statement import Statement, unlisted_companies
from finsync_pipeline.federation.top_n import TopN, top_n_of
from finsync_pipeline.identity import Decider
from finsync_pipeline.quality.fit import LEAST_COUNT
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping

T = TypeVar("T")
Versions = Mapping[str, list[Any] | None]
LARGEST_KEPT = 1 / 8
"""An answer of a larger share of the cache is not kept: to write it takes long, and many others would go."""
WORTH_KEEPING = 0.1
"""An answer that took fewer seconds is kept in memory alone."""
OF_SOURCES = frozenset({*STATEMENTS, "facts", "texts"})
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
    SourceError or ConfigurationError. With `explain` the answer is made anew, not taken from the cache. Raises
    QueryError for SQL that cannot be answered.
    """
    began = time.monotonic()
    query = _LiveQuery(statement, deployment, partial, progress or (lambda _: None))
    table = query.kept_or_new(is_new=explain)
    query.plan.rows, query.plan.seconds = table.num_rows, time.monotonic() - began
    unlisted = unlisted_companies(statement, query.learner.decider.reference.companies["company_id"])
    return Answer(table, query.missing, query.plan, query.is_kept, (*unlisted, *query.notes))


def decider_of(deployment: Deployment) -> Decider:
    """The present list of companies and review. Raises ConfigurationError."""
    places = [place for place in (deployment.reference, deployment.review) if place]
    files = [file for place in places for file in (place.glob("*.csv") if place.is_dir() else [place])]
    times = tuple(sorted((file, file.stat().st_mtime_ns) for file in files if file.exists()))
    return _decider(times, deployment.reference, deployment.review, tuple(deployment.mappings))


@cache
def _decider(
    _: tuple[tuple[Path, int], ...], reference: Path, review: Path | None, sources: tuple[str, ...]
) -> Decider:
    """What stands in the files, read again when one of them has another time."""
    return Decider.read(reference, review, sources)


@dataclass
class _LiveQuery:
    statement: Statement
    deployment: Deployment
    is_partial: bool
    progress: Progress
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_kept: bool = False

    def __post_init__(self) -> None:
        self.learner = Learner(decider_of(self.deployment), self.deployment.tables, self.deployment.quarters)
        self.cache = table_cache(self.deployment.cache, self.deployment.limits.cache)
        self.scans = self._scans()
        bounds = self.deployment.bounds
        self.sources = {
            name: SourceAnswer(mapping, self.learner, self.cache, SourceReport(name), self.progress, bounds)
            for name, mapping in self.deployment.mappings.items()
            if _concerns(mapping, self.scans)
        }
        self.plan = LivePlan(self.statement.sql, [source.report for source in self.sources.values()])

    def kept_or_new(self, is_new: bool) -> pa.Table:
        """The answer, kept or made; kept if all of it has versions, and if it is the same whenever it is asked."""
        versions = self._each(self.sources, SourceAnswer.version)
        made_from = [sorted(versions.items()), self.learner.decider.versions, _digest(self.deployment.agreement)]
        key = ["answer", self.statement.sql, *made_from]
        is_lasting = None not in versions.values() and is_repeatable(self.statement.tree)
        kept = self.cache.get(key) if is_lasting and not self.missing and not is_new else None
        if kept is not None:
            self.is_kept = True
            self.plan.finish.append("the answer was kept: no source has changed since")
            return kept["answer"]
        began = time.monotonic()
        table = self._answer(versions)
        is_small = table.nbytes <= LARGEST_KEPT * self.deployment.limits.cache
        if is_lasting and is_small and not self.missing and not self.notes:
            self.cache.put(key, {"answer": table}, is_on_disk=time.monotonic() - began > WORTH_KEEPING)
        return table

    def _scans(self) -> list[Scan]:
        try:
            scans = scans_of(self.statement.sql)
        except duckdb.Error as error:
            raise explained(error, self.statement.sql, self.statement.views) from None
        return [scan for scan in scans if scan.view in self.statement.views]

    def _answer(self, versions: Versions) -> pa.Table:
        of_sources = [scan for scan in self.scans if scan.view in OF_SOURCES]
        financials = self._financials(versions) if len(of_sources) < len(self.scans) else None
        top = top_n_of(self.statement, of_sources) if len(of_sources) == len(self.scans) else None
        if top is not None:
            return self._first_rows(top, of_sources, versions)
        aggregation = aggregation_of(self.statement, self.scans)
        if aggregation is not None:
            return self._aggregated(aggregation, versions)
        return self._finish(self._rows(of_sources, versions), financials)

    def _present(self, versions: Versions) -> dict[str, SourceAnswer]:
        """The sources that have not failed yet."""
        return {name: self.sources[name] for name in versions if name not in self.missing}

    def _rows(self, scans: Sequence[Scan], versions: Versions) -> list[FetchedSource]:
        """What each source has for the scans."""
        present = self._present(versions) if scans else {}
        fetched = self._each(present, lambda source: source.rows(scans, versions[source.mapping.name]))
        return [each for each in fetched.values() if each is not None]

    def _first_rows(self, top: TopN, scans: Sequence[Scan], versions: Versions) -> pa.Table:
        """The answer from the first rows of each source, or from those within the bound that these give."""
        asked = self._each(
            self._present(versions), lambda source: source.first_rows(scans, top, versions[source.mapping.name])
        )
        first = [each for each in asked.values() if each is not None]
        fetched, lasts = [each.source for each in first], [each.last for each in first if each.last is not None]
        with self._views(fetched) as engine:
            found = attempt(engine, top.bound_sql(), replace(self.deployment.limits, rows=top.count))
        if found is None:  # an error of a row
            return self._finish(self._rows(scans, versions))
        bound = found["bound"][-1].as_py() if len(found) == top.count else None
        # Rows in which the column is empty are not among the first ones of a source: the query may need them
        is_all = top.column is None and not lasts
        if is_all or (bound is not None and top.is_proven(bound, lasts)):
            self.plan.finish.append(f"the first rows of each source hold the first {top.count:,} of the query")
            return self._finish(fetched)
        if bound is not None:
            self.plan.finish.append(f"the first rows of each source give a bound: {bound:,}")
            scans = [replace(scan, conditions=(*scan.conditions, top.within(bound))) for scan in scans]
        return self._finish(self._rows(scans, versions))

    def _aggregated(self, aggregation: Aggregation, versions: Versions) -> pa.Table:
        """The answer from the groups of each source, and the rows of those that cannot group them exactly."""
        asked = self._each(
            self._present(versions), lambda each: each.groups(self.scans, aggregation, versions[each.mapping.name])
        )
        found = [each for each in asked.values() if each is not None]
        grouped = [each.partials for each in found if each.partials is not None]
        self.plan.finish.append(f"{sum(map(len, grouped)):,} groups of {len(grouped)} sources are merged")
        with self._views([each.source for each in found]) as engine:
            engine.register("grouped", pa.concat_tables([aggregation.schema.empty_table(), *grouped]))
            rows = f"{aggregation.rows_sql()} UNION ALL BY NAME FROM grouped"
            engine.execute(f"CREATE TEMP VIEW partials AS {rows}")
            self._note_unreadable(engine, [each.source for each in found])
            table = attempt(engine, aggregation.merged_sql(), self.deployment.limits)
        if table is None:  # an error of a group
            return self._finish(self._rows(self.scans, versions))
        return with_distinct_names(table.rename_columns(names_of(self.statement.sql)))

    def _financials(self, versions: Versions) -> pd.DataFrame | None:
        """The table FINANCIALS of now, made again only if something that it is made from has changed."""
        if not any(scan.view == "financials" for scan in self.scans):
            return None
        key = ["financials", sorted(versions.items()), _digest(self.deployment.agreement)]
        is_lasting = None not in versions.values() and not self.missing
        kept = self.cache.get(key) if is_lasting else None
        if kept is not None:
            self.plan.finish.append("financials were kept: no source has changed since")
            return frames.from_arrow(kept["financials"])
        self.plan.finish.append("financials compare all rows of all sources, so all were fetched")
        made = self._each(self._present(versions), SourceAnswer.standardized)
        self.progress("comparing the sources")
        companies = self.learner.decider.reference.companies
        found = financials_of(made, self.deployment.mappings, self.deployment.agreement, companies)
        if is_lasting and not self.missing:
            self.cache.put(key, {"financials": frames.to_arrow(found)})
        return found

    def _finish(self, fetched: Sequence[FetchedSource], financials: pd.DataFrame | None = None) -> pa.Table:
        with self._views(fetched, financials) as engine:
            self._note_unreadable(engine, fetched)
            return run(engine, self.statement.sql, self.deployment.limits, self.statement.views)

    def _note_unreadable(self, engine: duckdb.DuckDBPyConnection, fetched: Sequence[FetchedSource]) -> None:
        self.notes = [note for source in fetched if (note := _unreadable(engine, source))]

    def _views(
        self, fetched: Sequence[FetchedSource], financials: pd.DataFrame | None = None
    ) -> duckdb.DuckDBPyConnection:
        engine = open_engine(self.deployment.limits)
        companies = self.learner.decider.reference.companies
        create_views(engine, fetched, companies, financials, self.statement.views)
        return engine

    def _each(self, sources: Mapping[str, SourceAnswer], ask: Callable[[SourceAnswer], T]) -> dict[str, T]:
        """What `ask` returns of each source, all at once. Raises the first error, or notes it in `missing`."""
        results: dict[str, T] = {}
        for name, result in ask_all(sources, ask, self.deployment.limits.seconds).items():
            try:
                results[name] = result.result()
            except (SourceError, ConfigurationError) as error:
                if not self.is_partial:
                    raise
                self.missing[name] = str(error)
                sources[name].report.how = f"missing: {error}"
                if len(self.missing) == len(self.sources):
                    raise  # of nothing there is no part
        return results


def ask_all(
    sources: Mapping[str, SourceAnswer], ask: Callable[[SourceAnswer], T], seconds: float
) -> dict[str, "Future[T]"]:
    """What `ask` returns of each source, or its error; SourceUnavailable for those that take longer.

    These are stopped, and all of them at any error here, such as KeyboardInterrupt.
    """
    threads = ThreadPoolExecutor(SOURCES_AT_ONCE)
    asked = {name: threads.submit(ask, source) for name, source in sources.items()}
    try:
        _, late = wait(asked.values(), seconds)
    except BaseException:
        for source in sources.values():
            source.cancel()
        raise
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
    for name in [name for name, each in asked.items() if each in late]:
        sources[name].cancel()
        asked[name] = Future()
        fix = "Ask for less, or set FINSYNC_QUERY_SECONDS"
        what = f"did not respond within {seconds:g} s"
        asked[name].set_exception(SourceUnavailable(what, fix, f"Source {name!r}"))
    return asked


def _concerns(mapping: SourceMapping, scans: Sequence[Scan]) -> bool:
    """Whether any of the scans may have rows of the source."""
    statements = {ITEMS[item].statement for item in mapping.items}
    kinds = {"texts" if ITEMS[item].kind == "text" else "facts" for item in mapping.items}
    return any(
        scan.view == "financials"
        or ((scan.view in kinds or STATEMENTS.get(scan.view) in statements) and may_read(scan, mapping.name))
        for scan in scans
    )


def _unreadable(engine: duckdb.DuckDBPyConnection, source: FetchedSource) -> str | None:
    """What a person has to know of a source of which more cells cannot be read than a run would accept."""
    of_items = source.cells[source.cells["item"].isin(list(source.mapping.items))]
    given, unread = int(of_items["given"].sum()), int(of_items["unread"].sum())
    if source.rows is not None:
        name = source.mapping.name
        sql = f"SELECT coalesce(sum(finsync_given), 0), coalesce(sum(finsync_unread), 0) FROM rows_of_{name}"
        [read_by_sql] = engine.execute(sql).fetchall()
        given, unread = given + read_by_sql[0], unread + read_by_sql[1]
    limit = source.mapping.expect.unreadable
    if unread < LEAST_COUNT or unread <= limit * given:
        return None
    return (
        f"{source.mapping.name}: {unread:,} of {given:,} cells are not numbers in the notation of its mapping, "
        f"more than {limit:.0%}: a run would not use them; finsync run names them"
    )


def _digest(file: Path | None) -> str:
    """A version of the file's content; of a file that is not there, its path: who needs it explains that."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file and file.is_file() else str(file)
