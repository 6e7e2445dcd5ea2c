"""Agreement, accounting checks and financials: all sources compared, over all quarters."""

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
from finsync_pipeline.statements.tables import ACCOUNTING_CHECKS, ACCOUNTING_GRADES, AGREEMENT, FINANCIALS
from finsync_pipeline.storage.parquet import ParquetFiles


@dg.definitions
def consolidated(context: dg.ComponentLoadContext) -> dg.Definitions:
    """Four assets over the facts of every source."""
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
            "accounting_checks": dg.AssetOut(
                group_name="release",
                kinds={"duckdb"},
                description="Each accounting identity that does not hold: by how much, and the likely culprit.",
                metadata=column_schema(ACCOUNTING_CHECKS),
            ),
            "accounting_grades": dg.AssetOut(
                group_name="release",
                kinds={"duckdb"},
                description="Source x item x year: values, missing ones, and the share of accounting checks that hold.",
                metadata=column_schema(ACCOUNTING_GRADES),
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
        check_specs=[
            dg.AssetCheckSpec(
                "identities_hold",
                asset="accounting_checks",
                description="Every accounting identity holds that is usually exact for the company and source.",
            )
        ],
        backfill_policy=ONE_RUN,
        pool="consolidated",
    )
    def consolidated_assets(companies: pd.DataFrame, **facts: ParquetFiles) -> Iterator[Any]:
        with failures_explained():
            rules = read_rules(agreement_path(), list(vintages))
        listed = companies.dropna(subset=["industry"])
        industries = dict(zip(listed["company_id"], listed["industry"], strict=True))
        made = consolidate([file for table in facts.values() for file in table.files], rules, vintages, industries)
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
        checks = made.accounting_checks
        yield dg.Output(checks, "accounting_checks", metadata=described(checks[checks["is_usual"]]))
        yield dg.Output(made.accounting_grades, "accounting_grades", metadata=described(made.accounting_grades))
        yield dg.Output(wide, "financials", metadata=described(wide.iloc[:, :14]))
        yield _check_accounts(checks)

    return dg.Definitions(assets=[consolidated_assets])


def _check_accounts(checks: pd.DataFrame) -> dg.AssetCheckResult:
    usual = checks[checks["is_usual"]]
    return dg.AssetCheckResult(
        passed=usual.empty,
        check_name="identities_hold",
        asset_key="accounting_checks",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"usually_exact": len(usual), "with_culprit": int(usual["culprit"].notna().sum())},
    )
