"""The process of a mediator: it reads a line of JSON for each query from stdin, and writes one for each answer.

What is asked, and what comes, is in `mediator`.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa

from benchmarks.federation import dataset
from benchmarks.federation.mediator import Answered, Way
from benchmarks.services.processes import CLEAR_PEAK, peak_of_this_process
from finsync_pipeline.clients import http
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.federation import live, query, source_answer
from finsync_pipeline.federation.cache import table_cache
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import Limits, open_engine, run
from finsync_pipeline.federation.live_views import FetchedSource, create_views
from finsync_pipeline.federation.pushdown import Part
from finsync_pipeline.federation.reading import readable
from finsync_pipeline.federation.statement import read_statement
from finsync_pipeline.orchestration.partitions import all_quarters

LIMITS = Limits(seconds=600, rows=100_000_000, memory=2 << 30)
SHOWN = 20


def deployment(urls: Mapping[str, str], reference: Path, folder: Path) -> Deployment:
    """The sources at these urls, with nothing stored of earlier deliveries."""
    mappings = {name: dataset.mapping(name, url) for name, url in urls.items()}
    places = (folder / "tables", folder / "published", folder / "cache")
    return Deployment(mappings, reference, None, None, all_quarters(), *places, LIMITS)


def answer(sql: str, way: Way, asked: Deployment) -> tuple[pa.Table, bool]:
    """The table of the answer, and whether it was kept."""
    if way == "plain client":
        return _by_plain_client(sql, asked), False
    with ExitStack() as stack:
        if way == "everything":
            stack.enter_context(patch.object(source_answer, "part_of", _everything))
            stack.enter_context(patch.object(live, "top_n_of", lambda *_: None))
            stack.enter_context(patch.object(live, "aggregation_of", lambda *_: None))
        found = query.query(sql, asked, explain=way != "kept")
    return found.to_arrow(), found.from_cache


def _everything(_scans: object, mapping: Any, _index: object) -> Part:
    """Pushdown switched off: the part is the whole source."""
    return Part(tuple(mapping.items))


def _by_plain_client(sql: str, asked: Deployment) -> pa.Table:
    """The table is downloaded, and the same rules read it."""
    statement, decider = read_statement(sql), live.decider_of(asked)
    cache = table_cache(asked.cache, asked.limits.cache)
    learner = live.Learner(decider, asked.tables, asked.quarters)
    fetched = []
    for mapping in asked.mappings.values():
        report = live.SourceReport(mapping.name)
        source = source_answer.SourceAnswer(mapping, learner, cache, report, lambda _: None)
        with service_of(mapping, is_spooled=True) as service:
            index = source._index(service, source._version(service))
            rows = service.table()
        assert rows is not None, "our service has Arrow"
        made = FetchedSource(mapping, frozenset(mapping.items), index, None, index.facts, index.texts, index.cells)
        fetched.append(replace(made, rows=readable([rows.table], mapping)))
    with open_engine(asked.limits) as engine:
        create_views(engine, fetched, decider.reference.companies, None)
        return run(engine, statement.sql, asked.limits, statement.views)


def _digest(table: pa.Table) -> str:
    with duckdb.connect() as connection:
        connection.register("answer", table)
        return str(connection.execute("SELECT count(*), sum(hash(answer)::HUGEINT) FROM answer").fetchall())


def _shown(table: pa.Table) -> list[list[Any]]:
    return [list(row.values()) for row in table.slice(0, SHOWN).to_pylist()]


def _main() -> None:
    received = 0
    read_body = http._read_body

    def counted(*arguments: Any) -> memoryview:
        nonlocal received
        body = read_body(*arguments)
        received += len(body)
        return body

    http._read_body = counted
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        made = deployment(asked["urls"], Path(asked["reference"]), Path(asked["folder"]))
        received = 0
        Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)
        began = time.perf_counter()
        table, is_kept = answer(asked["sql"], asked["way"], made)
        seconds, peak = time.perf_counter() - began, peak_of_this_process()
        taken = Answered(seconds, received, peak, table.num_rows, _digest(table), _shown(table), is_kept)
        print(json.dumps(asdict(taken), default=str), file=answers, flush=True)
        del table


if __name__ == "__main__":
    _main()
