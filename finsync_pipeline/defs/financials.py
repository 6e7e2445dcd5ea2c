"""Agreement and financials: all sources compared cell by cell, over all quarters."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.metadata import column_schema, described
from finsync_pipeline.orchestration.partitions import ONE_RUN
from finsync_pipeline.publishing.consolidate import consolidate
from finsync_pipeline.quality.agreement import Vintage
from finsync_pipeline.quality.rules import read_rules
from finsync_pipeline.settings import agreement_path
from finsync_pipeline.statements.tables import AGREEMENT, FINANCIALS
from finsync_pipeline.storage.parquet import ParquetFiles


@dg.definitions
def consolidated(context: dg.ComponentLoadContext) -> dg.Definitions:
    """Two assets over the facts of every source."""
    mappings = StatementSource.all_in(context.component_tree)
    vintages: dict[str, Vintage] = {mapping.name: mapping.vintage for mapping in mappings}

    @dg.multi_asset(
        name="consolidated",
        outs={
            "agreement": dg.AssetOut(
                group_name="release",
                kinds={"duckdb"},
                description="Each cell with its sources: how far they differ, the verdict, and the value to publish.",
                metadata=column_schema(AGREEMENT),
            ),
            "financials": dg.AssetOut(
                group_name="release",
                kinds={"duckdb"},
                description="Company x period x length x currency: for each item the value to publish, how many "
                "sources it is of, and how many cells are disputed or withheld.",
                metadata=column_schema(FINANCIALS),
            ),
        },
        ins={source: dg.AssetIn([source, "facts"], dagster_type=ParquetFiles) for source in vintages},
        backfill_policy=ONE_RUN,
        pool="consolidated",
    )
    def consolidated_assets(**facts: ParquetFiles) -> Iterator[dg.Output[pd.DataFrame]]:
        with failures_explained():
            rules = read_rules(agreement_path(), list(vintages))
        made = consolidate([file for table in facts.values() for file in table.files], rules, vintages)
        cells, wide = made.agreement, made.financials
        verdicts = {str(verdict): int(count) for verdict, count in cells["verdict"].value_counts().items()}
        metadata: dict[str, Any] = {
            "verdicts": verdicts,
            "cells_withheld": int(cells["is_withheld"].sum()),
        }
        flagged = cells[~cells["verdict"].isin(["single", "agreed", "rounded"])]
        yield dg.Output(
            cells, "agreement", metadata={**described(flagged), **metadata, "dagster/row_count": len(cells)}
        )
        yield dg.Output(wide, "financials", metadata=described(wide.iloc[:, :14]))

    return dg.Definitions(assets=[consolidated_assets])
