"""The standard views over what was fetched of each source, on one connection."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd
import pyarrow as pa

from finsync_pipeline.federation.reading import facts_sql, register_rows, texts_sql
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.source_index import SourceIndex
from finsync_pipeline.federation.views import statement_sql, wide_rows_sql
from finsync_pipeline.frames import to_arrow
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import FACTS, TEXTS


@dataclass(frozen=True)
class FetchedSource:
    """What there is of a source: rows that SQL reads (`reading.readable`; None for none), and facts and texts that the
    pipeline's own code made, of `cells` (`quality.fit.count_cells`).

    `mapping` has the fetched items alone, `all_items` are those of the source.
    """

    mapping: SourceMapping
    all_items: frozenset[str]
    index: SourceIndex
    rows: pa.Table | None
    facts: pd.DataFrame
    texts: pd.DataFrame
    cells: pd.DataFrame


def create_views(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[FetchedSource],
    companies: pd.DataFrame,
    financials: pd.DataFrame | None,
    views: Collection[str] = tuple(VIEWS),
) -> None:
    """Create these standard views, but those of tables that are not given. Each costs time, read or not."""
    read = [source for source in sources if source.rows is not None]
    for source in read:
        assert source.rows is not None
        register_rows(connection, source.mapping, source.index, source.rows)
    connection.register("empty_values", FACTS.arrow.empty_table())
    connection.register("empty_texts", TEXTS.arrow.empty_table())
    connection.register("made_facts", _together(sources, "facts", FACTS.arrow))
    if "facts" in views:
        _create(connection, "facts", ["FROM made_facts", *(facts_sql(source.mapping) for source in read)])
    if "texts" in views:
        connection.register("made_texts", _together(sources, "texts", TEXTS.arrow))
        _create(connection, "texts", ["FROM made_texts", *(texts_sql(source.mapping) for source in read)])
    for view in STATEMENTS.keys() & set(views):
        _create(connection, view, [statement_sql(view, "made_facts"), *_wide_rows(view, read)])
    if "companies" in views:
        connection.register("companies", to_arrow(companies))
    if financials is not None:
        connection.register("financials", to_arrow(financials))


def _wide_rows(view: str, sources: Sequence[FetchedSource]) -> list[str]:
    parts = []
    for source in sources:
        own = {item for item in VIEWS[view].items if item in source.all_items}
        is_partial = not own <= set(source.mapping.items)
        is_certain = is_partial and view in source.index.filled
        parts.append(wide_rows_sql(view, source.mapping.name, set(source.mapping.items), is_certain))
    return [part for part in parts if part]


def _create(connection: duckdb.DuckDBPyConnection, view: str, parts: Sequence[str]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {' UNION ALL BY NAME '.join(parts)}")


def _together(sources: Sequence[FetchedSource], name: str, schema: pa.Schema) -> pa.Table:
    """The facts or texts of all sources; those of an index are kept as Arrow tables too."""
    made = [
        source.index.arrow[name] if (frame := getattr(source, name)) is getattr(source.index, name) else to_arrow(frame)
        for source in sources
    ]
    return pa.concat_tables([schema.empty_table(), *(each.cast(schema) for each in made)])
