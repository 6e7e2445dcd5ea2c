"""The small sources served by real services, and the standard tables that the pipeline's own code makes of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from federation.small_lists import write_lists
from federation.small_sources import QUARTERS, SmallSource, write_source
from local_services import answering_service
from plain_servers import plain_server, write_table

from finsync_pipeline import frames
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.extraction.deliveries import compare_deliveries, stored_deliveries, today
from finsync_pipeline.extraction.inventory import take_inventory
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import Limits
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.federation.schema import STATEMENTS
from finsync_pipeline.federation.views import statement_sql
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS, FACTS, TEXTS, raw_table
from finsync_pipeline.storage.parquet import write_frame
from source_services.settings import Limits as ServiceLimits
from source_services.settings import Service

EARLIER = {"ledger": date(2026, 1, 2), "registry": date(2012, 12, 31)}
"""When a part of the rows of these sources was delivered already."""


@dataclass(frozen=True)
class Compared:
    """A deployment, and a connection with the standard views as tables, made by the pipeline's own code."""

    deployment: Deployment
    reference: duckdb.DuckDBPyConnection


@contextmanager
def serving_small(sources: Sequence[SmallSource], folder: Path, plain: Sequence[str] = ()) -> Iterator[Compared]:
    """The sources served from the folder; those in `plain` by servers without Arrow and versions.

    Of the plain ones, one that returns a limited number of rows leaves out the others without a word, and any other
    has pages of its table alone.
    """
    reference, review = write_lists(folder)
    with ExitStack() as stack:
        urls = {
            each.mapping.name: stack.enter_context(_serving(each, folder, each.mapping.name in plain))
            for each in sources
        }
        mappings = {each.mapping.name: each.mapping.at(urls[each.mapping.name]) for each in sources}
        mappings |= {name: mappings[name].model_copy(update={"table": "pnl"}) for name in plain}
        folders = [folder / name for name in ("tables", "published", "cache")]
        deployment = Deployment(mappings, reference, review, None, QUARTERS, *folders, Limits())
        for name, day in EARLIER.items():
            if name in mappings:
                _deliver_earlier(mappings[name], folder / "tables", day)
        yield Compared(deployment, stack.enter_context(standard_tables(deployment)))


@contextmanager
def _serving(source: SmallSource, folder: Path, is_plain: bool) -> Iterator[str]:
    if is_plain:
        columns = list(dict.fromkeys(column for row in source.rows for column in row))
        rows = [tuple(_stored(row.get(column)) for column in columns) for row in source.rows]
        database = write_table(folder / f"{source.mapping.name}.sqlite", columns, rows)
        with plain_server(database, most=source.most_rows or 70, has_sql=source.most_rows is not None) as server:
            yield server.url
        return
    limits = ServiceLimits(
        requests_per_minute=10**9, **({} if source.most_rows is None else {"result_rows": source.most_rows})
    )
    with answering_service(Service(source.mapping.name, 0), write_source(source, folder / "data"), limits) as service:
        yield service.url


def _stored(cell: Any) -> Any:
    """The cell as SQLite can store it: a whole number of more than 64 bits is a text."""
    return str(cell) if isinstance(cell, int) and abs(cell) >= 2**63 else cell


def _raw_rows(mapping: SourceMapping) -> pd.DataFrame:
    with service_of(mapping) as service:
        periods = take_inventory(service, mapping, QUARTERS).periods
        return fetch_rows(service, mapping, periods, sorted(periods["quarter"].dropna().unique()))


def _deliver_earlier(mapping: SourceMapping, tables: Path, day: date) -> None:
    """Store two of three rows as delivered on this day."""
    rows = _raw_rows(mapping)
    rows = rows[pd.Series(range(len(rows)), rows.index) % 3 > 0]
    seen = rows.assign(finsync_first_seen=pd.Series(day, rows.index, pd.ArrowDtype(pa.date32())))
    for quarter, of_quarter in seen.groupby(seen["finsync_period_end"].map(quarter_of)):
        table = raw_table(mapping)
        write_frame(table.conform(of_quarter), tables / mapping.name / table.name / f"{quarter}.parquet")


@contextmanager
def standard_tables(deployment: Deployment) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the views of single sources, and companies, made by the pipeline's own code."""
    made = [_standardized(mapping, deployment) for mapping in deployment.mappings.values()]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        tables = {
            "facts": pa.concat_tables(frames.to_arrow(each.facts).cast(FACTS.arrow) for each in made),
            "texts": pa.concat_tables(frames.to_arrow(each.texts).cast(TEXTS.arrow) for each in made),
            "companies": frames.to_arrow(decider_of(deployment).reference.companies),
        }
        for name, table in tables.items():
            connection.register(f"{name}_of_arrow", table)
            connection.execute(f"CREATE TABLE {name} AS FROM {name}_of_arrow")
        for view in STATEMENTS:
            connection.execute(f"CREATE TABLE {view} AS {statement_sql(view, 'facts')}")
        yield connection


def _standardized(mapping: SourceMapping, deployment: Deployment) -> StandardizedTables:
    rows, decider = _raw_rows(mapping), decider_of(deployment)
    stored = stored_deliveries(deployment.tables, mapping, QUARTERS)
    rows, _ = compare_deliveries(rows, *stored, day=today())
    decided = COMPANY_IDS.conform(decider.decide(source_names(rows, mapping), mapping.name))
    return standardize(rows, decided, mapping)
