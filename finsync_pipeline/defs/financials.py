"""Financials: all sources side by side, one quarter at a time."""

import dagster as dg
import pandas as pd

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.io_manager import PARTITION_COLUMN
from finsync_pipeline.orchestration.metadata import column_schema, described_by_quarter
from finsync_pipeline.orchestration.partitions import ONE_RUN, QUARTERS
from finsync_pipeline.orchestration.resources import Publication
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
        unknown = sorted(set(publication.allow_missing) - set(sources))
        if unknown:
            told = f"allow_missing: no source {', '.join(unknown)}; there are {', '.join(sources)}"
            raise dg.Failure(told, allow_retries=False)
        for source, table in facts.items():
            if table.missing and source not in publication.allow_missing:
                told = f"{source} has no facts for {', '.join(table.missing[:4])}."
                cure = f"Materialize {source} for these quarters, or allow it: publication.allow_missing: [{source}]."
                raise dg.Failure(f"{told} {cure}", allow_retries=False)
        with DuckDBEngine() as engine:
            files = [file for table in facts.values() for file in table.files]
            wide = financials(source_means(engine.scan(files, FACTS.arrow)))
            frame = FINANCIALS.validate(engine.collect(wide, FINANCIALS.arrow))
        described_by_quarter(context, frame, "period_end", context.asset_key, context.partition_keys)
        return frame

    return dg.Definitions(assets=[financials_asset])
