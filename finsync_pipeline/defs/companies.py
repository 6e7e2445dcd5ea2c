"""The reference list: the companies that rows can belong to, and their other names."""

from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.metadata import column_schema, described
from finsync_pipeline.identity import ReferenceMistake, read_reference
from finsync_pipeline.settings import reference_path
from finsync_pipeline.statements.tables import COMPANIES, COMPANY_ALIASES


@dg.multi_asset(
    outs={
        "companies": dg.AssetOut(
            group_name="companies",
            kinds={"csv"},
            description="The listed companies, with their tickers and codes.",
            metadata=column_schema(COMPANIES),
        ),
        "company_aliases": dg.AssetOut(
            group_name="companies",
            kinds={"csv"},
            description="Other names and tickers, with the dates they are valid.",
            metadata=column_schema(COMPANY_ALIASES),
        ),
    },
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def reference_list(context: dg.AssetExecutionContext) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Read FINSYNC_REFERENCE anew."""
    try:
        reference = read_reference(reference_path())
    except ReferenceMistake as mistake:
        raise dg.Failure(str(mistake), allow_retries=False) from None
    notes: dict[str, Any] = {
        "reference_version": reference.version,
        "read_from": dg.MetadataValue.path(str(reference_path())),
    }
    return (
        dg.Output(COMPANIES.conform(reference.companies), metadata={**described(reference.companies), **notes}),
        dg.Output(COMPANY_ALIASES.conform(reference.aliases), metadata={**described(reference.aliases), **notes}),
    )
