"""The release: the summary over all quarters, published."""

from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.identity import Decider, Reference, Review
from finsync_pipeline.orchestration.metadata import column_schema, described
from finsync_pipeline.orchestration.partitions import ONE_RUN
from finsync_pipeline.orchestration.resources import Publication
from finsync_pipeline.publishing.build import SourceTables, decisions_in, make_release
from finsync_pipeline.publishing.staleness import MadeBy, decided_alike
from finsync_pipeline.settings import published_folder
from finsync_pipeline.statements.tables import SUMMARY
from finsync_pipeline.storage.parquet import ParquetFiles

TABLES = ("inventory", "unassigned", "facts", "texts", "rejects", "company_ids", "ledger")


@dg.definitions
def publication(context: dg.ComponentLoadContext) -> dg.Definitions:
    """company_summary over every source that there is."""
    mappings = StatementSource.all_in(context.component_tree)
    sources = [mapping.name for mapping in mappings]

    @dg.asset(
        group_name="release",
        kinds={"csv"},
        description="The release: per company and currency, the mean of every item over its annual periods, as CSV.",
        metadata=column_schema(SUMMARY),
        backfill_policy=ONE_RUN,
        ins={
            **{
                f"{source}__{table}": dg.AssetIn([source, table], dagster_type=ParquetFiles)
                for source in sources
                for table in TABLES
            },
            "financials": dg.AssetIn("financials", dagster_type=ParquetFiles),
        },
    )
    def company_summary(
        publication: Publication,
        companies: pd.DataFrame,
        company_aliases: pd.DataFrame,
        review_lines: pd.DataFrame,
        financials: ParquetFiles,
        **inputs: ParquetFiles,
    ) -> dg.Output[pd.DataFrame]:
        tables = {
            source: SourceTables(**{table: inputs[f"{source}__{table}"].files for table in TABLES})
            for source in sources
        }
        decider = Decider(Reference(companies, company_aliases), Review.of(review_lines))
        made_by = {mapping.name: MadeBy(mapping.hash, *decider.versions) for mapping in mappings}
        try:
            alike = {source: decided_alike(decisions_in(of.company_ids), decider) for source, of in tables.items()}
            release, summary = make_release(
                tables, financials.files, companies, made_by, publication.allow_missing, published_folder(), alike
            )
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        told: dict[str, Any] = {
            "csv": dg.MetadataValue.path(str(release.csv)),
            "sha256": release.manifest["files"][release.csv.name]["sha256"],
            "manifest": dg.MetadataValue.json(release.manifest),
        }
        return dg.Output(summary, metadata={**described(summary.iloc[:, :14]), **told})

    return dg.Definitions(assets=[company_summary])
