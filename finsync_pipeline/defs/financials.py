"""Agreement, accounting checks, financials and history: all sources compared, over all quarters."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.metadata import described, table_outs
from finsync_pipeline.orchestration.partitions import ONE_RUN
from finsync_pipeline.publishing.consolidate import consolidate
from finsync_pipeline.quality.agreement import Vintage
from finsync_pipeline.quality.rules import read_rules
from finsync_pipeline.settings import agreement_path
from finsync_pipeline.statements.tables import (
    ACCOUNTING_CHECKS,
    ACCOUNTING_GRADES,
    AGREEMENT,
    COMPANIES,
    FINANCIALS,
    HISTORY,
    REVISIONS,
)
from finsync_pipeline.storage.parquet import ParquetFiles

TABLES = (
    (AGREEMENT, "Each cell with its sources: how far they differ, the verdict, and the value to publish."),
    (ACCOUNTING_CHECKS, "Each accounting identity that does not hold: by how much, and the likely culprit."),
    (ACCOUNTING_GRADES, "Source x item x year: values, missing ones, and the share of accounting checks that hold."),
    (
        FINANCIALS,
        "Company x period x length x currency: for each item the value to publish, how many sources it is of, and how "
        "many cells are disputed or withheld.",
    ),
    (HISTORY, "Every version of each number, and which were suspect when they became known."),
    (REVISIONS, "Each number that its source changed: when, by how much, and the probable cause."),
)


@dg.definitions
def consolidated(context: dg.ComponentLoadContext) -> dg.Definitions:
    """Six assets over the facts and versions of every source."""
    mappings = StatementSource.all_in(context.component_tree)
    vintages: dict[str, Vintage] = {mapping.name: mapping.vintage for mapping in mappings}

    @dg.multi_asset(
        name="consolidated",
        outs=table_outs(TABLES, "release", "duckdb"),
        ins={
            f"{source}__{table}": dg.AssetIn([source, table], dagster_type=ParquetFiles)
            for source in vintages
            for table in ("facts", "versions")
        },
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
    def consolidated_assets(companies: pd.DataFrame, **tables: ParquetFiles) -> Iterator[Any]:
        with failures_explained():
            rules = read_rules(agreement_path(), list(vintages))
            listed = COMPANIES.checked(companies)
        facts, versions = (
            [file for source in vintages for file in tables[f"{source}__{table}"].files]
            for table in ("facts", "versions")
        )
        made = consolidate(facts, versions, rules, vintages, listed)
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
        suspect = made.history[made.history["why"].notna()]
        yield dg.Output(
            made.history, "history", metadata={**described(suspect), "dagster/row_count": len(made.history)}
        )
        yield dg.Output(made.revisions, "revisions", metadata=described(made.revisions))
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
