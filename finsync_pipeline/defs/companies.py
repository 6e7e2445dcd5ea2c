"""The reference list: the companies that rows can belong to, their other names, and what people decided by hand."""

from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.identity import Reference, read_reference, read_review
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.metadata import column_schema, described, table_outs
from finsync_pipeline.orchestration.partitions import ONE_RUN
from finsync_pipeline.settings import reference_path, review_path
from finsync_pipeline.statements.tables import COMPANIES, COMPANY_ALIASES, REVIEW_LINES


@dg.multi_asset(
    outs=table_outs(
        (
            (COMPANIES, "The listed companies, with their tickers and codes."),
            (COMPANY_ALIASES, "Other names and tickers, with the dates they are valid."),
        ),
        "companies",
        "csv",
    ),
    backfill_policy=ONE_RUN,
)
def reference_list(context: dg.AssetExecutionContext) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Read FINSYNC_REFERENCE anew."""
    with failures_explained():
        reference = read_reference(reference_path())
    notes: dict[str, Any] = {
        "reference_version": reference.version,
        "read_from": dg.MetadataValue.path(str(reference_path())),
    }
    return (
        dg.Output(COMPANIES.conform(reference.companies), metadata={**described(reference.companies), **notes}),
        dg.Output(COMPANY_ALIASES.conform(reference.aliases), metadata={**described(reference.aliases), **notes}),
    )


@dg.definitions
def lists(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The list, and the review, which may name every source that there is."""
    sources = [mapping.name for mapping in StatementSource.all_in(context.component_tree)]

    @dg.asset(
        group_name="companies",
        kinds={"csv"},
        description="What people decided about source names: it wins over every automatic decision.",
        metadata=column_schema(REVIEW_LINES),
        backfill_policy=ONE_RUN,
    )
    def review_lines(companies: pd.DataFrame, company_aliases: pd.DataFrame) -> dg.Output[pd.DataFrame]:
        path = review_path()
        with failures_explained():
            review = read_review(path, Reference(companies, company_aliases), sources)
        read_from = dg.MetadataValue.path(str(path)) if path else dg.MetadataValue.text("no review file")
        table = REVIEW_LINES.conform(review.table)
        notes = {"review_version": review.version, "read_from": read_from}
        return dg.Output(table, metadata={**described(table), **notes})

    return dg.Definitions(assets=[reference_list, review_lines])
