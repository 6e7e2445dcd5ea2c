"""Financials: all sources side by side, one quarter at a time."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import narwhals as nw
import pandas as pd

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.errors import DataError
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.io_manager import PARTITION_COLUMN
from finsync_pipeline.orchestration.metadata import column_schema, described_by_quarter
from finsync_pipeline.orchestration.partitions import ONE_RUN, QUARTERS, days_of
from finsync_pipeline.orchestration.resources import Publication
from finsync_pipeline.publishing.consistency import facts_versions
from finsync_pipeline.publishing.staleness import labels, run_command
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.tables import FACTS, FINANCIALS
from finsync_pipeline.storage.parquet import ParquetFiles


@dg.definitions
def consolidated(context: dg.ComponentLoadContext) -> dg.Definitions:
    """One asset over the facts of every source that there is."""
    sources = [mapping.name for mapping in StatementSource.all_in(context.component_tree)]

    @dg.asset(
        name="financials",
        group_name="release",
        kinds={"duckdb"},
        description="Company x period x length x currency: for each item the mean over sources, and how many gave it.",
        partitions_def=QUARTERS,
        backfill_policy=ONE_RUN,
        pool="financials",  # so that of two runs of a quarter the last has read what the first wrote
        metadata=column_schema(FINANCIALS) | {PARTITION_COLUMN: "period_end"},
        ins={source: dg.AssetIn([source, "facts"], dagster_type=ParquetFiles) for source in sources},
    )
    def financials_asset(
        context: dg.AssetExecutionContext, publication: Publication, **facts: ParquetFiles
    ) -> pd.DataFrame:
        with failures_explained():
            publication.check(sources)
            for source, table in facts.items():
                if table.missing and source not in publication.allow_missing:
                    raise _no_facts(source, days_of(table.missing))
        frame = _financials([file for table in facts.values() for file in table.files])
        described_by_quarter(context, frame, "period_end", context.asset_key, context.partition_keys)
        return frame

    return dg.Definitions(assets=[financials_asset])


def _financials(files: Sequence[Path]) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        facts = engine.scan(files, FACTS.arrow)
        versions = facts_versions(facts)
        wide = financials(source_means(facts)).with_columns(facts_version=nw.lit(""))
        frame = engine.collect(wide, FINANCIALS.arrow)
    quarters = frame["period_end"].map(quarter_of)
    return FINANCIALS.conform(frame.assign(facts_version=quarters.map(versions)))


def _no_facts(source: str, quarters: Sequence[date]) -> DataError:
    without = f"or go on without it: publication.allow_missing: [{source}] in the run's configuration"
    return DataError(f"has no facts for {labels(quarters)}", f"Run: {run_command(quarters)}; {without}", source)
