"""The reference list: the companies that rows can belong to, and their other names."""

from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.metadata import described
from finsync_pipeline.identity import ReferenceMistake, read_reference
from finsync_pipeline.settings import reference_path


@dg.multi_asset(
    outs={
        "companies": dg.AssetOut(
            group_name="companies", kinds={"csv"}, description="The listed companies, with their tickers and codes."
        ),
        "company_aliases": dg.AssetOut(
            group_name="companies", kinds={"csv"}, description="Other names and tickers, with the dates they are valid."
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
        dg.Output(reference.companies, metadata={**described(reference.companies), **notes}),
        dg.Output(reference.aliases, metadata={**described(reference.aliases), **notes}),
    )
