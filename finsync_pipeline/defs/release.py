"""The release: the summary over all quarters, published."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.identity import Decider
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.metadata import column_schema, described, markdown_table
from finsync_pipeline.orchestration.partitions import ONE_RUN, all_quarters
from finsync_pipeline.orchestration.resources import Publication
from finsync_pipeline.publishing.build import CONSOLIDATED, ConsolidatedTables, SourceTables, check_fit, make_release
from finsync_pipeline.publishing.changes import Limits
from finsync_pipeline.publishing.release import ReleaseOptions
from finsync_pipeline.publishing.staleness import (
    QuarterState,
    State,
    source_states,
    stored_decider,
    stored_inventory,
    unchecked,
)
from finsync_pipeline.settings import (
    has_byte_order_mark,
    loss_of_companies,
    loss_of_facts,
    published_folder,
    tables_folder,
)
from finsync_pipeline.statements.dates import quarter_label
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import SUMMARY
from finsync_pipeline.storage.parquet import ParquetFiles

TABLES = ("raw", "earlier_raw", "inventory", "unassigned", "facts", "texts", "rejects", "company_ids", "ledger")


@dg.definitions
def publication(context: dg.ComponentLoadContext) -> dg.Definitions:
    """company_summary over every source that there is."""
    mappings = StatementSource.all_in(context.component_tree)
    inputs = {
        f"{mapping.name}__{table}": dg.AssetIn([mapping.name, table], dagster_type=ParquetFiles)
        for mapping in mappings
        for table in TABLES
    }

    @dg.asset(
        group_name="release",
        kinds={"csv"},
        description="The release: per company and currency, the mean of every item over its annual periods, as CSV.",
        metadata=column_schema(SUMMARY),
        backfill_policy=ONE_RUN,
        ins={**inputs, **{name: dg.AssetIn(name, dagster_type=ParquetFiles) for name in CONSOLIDATED}},
        check_specs=[
            dg.AssetCheckSpec(
                "quarters_are_current",
                asset="company_summary",
                description="Every published quarter is what its source holds, and would be made the same now.",
            )
        ],
    )
    def company_summary(
        publication: Publication,
        companies: pd.DataFrame,
        company_aliases: pd.DataFrame,
        review_lines: pd.DataFrame,
        **inputs: ParquetFiles,
    ) -> Iterator[Any]:
        tables = {
            mapping.name: SourceTables(**{table: inputs[f"{mapping.name}__{table}"].files for table in TABLES})
            for mapping in mappings
        }
        with failures_explained():
            publication.check(tables)
            for mapping in mappings:
                if mapping.name not in publication.allow_missing:
                    check_fit(mapping, tables[mapping.name])
            decider = stored_decider(companies, company_aliases, review_lines)
            options = _options(publication)
            states = {mapping.name: _states(mapping, decider, options) for mapping in mappings}
            consolidated = ConsolidatedTables(**{name: inputs[name].files for name in CONSOLIDATED})
            named = {mapping.name: mapping for mapping in mappings}
            release, summary = make_release(named, tables, states, consolidated, companies, options)
        metadata: dict[str, Any] = {
            "csv": dg.MetadataValue.path(str(release.csv)),
            "is_new": release.is_new,
            "sha256": release.manifest["files"][release.csv.name]["sha256"],
            "manifest": dg.MetadataValue.json(release.manifest),
        }
        yield dg.Output(summary, metadata={**described(summary.iloc[:, :14]), **metadata})
        yield _check_states(states)

    return dg.Definitions(assets=[company_summary])


def _options(publication: Publication) -> ReleaseOptions:
    return ReleaseOptions(
        published_folder(),
        publication.allow_missing,
        publication.force,
        publication.accept,
        Limits(loss_of_companies(), facts=loss_of_facts()),
        has_byte_order_mark(),
    )


def _states(mapping: SourceMapping, decider: Decider, options: ReleaseOptions) -> list[QuarterState] | None:
    inventory = stored_inventory(tables_folder(), mapping.name)
    states = source_states(tables_folder(), mapping, decider, all_quarters(), inventory)
    return unchecked(states) if states and mapping.name in options.allow_missing else states


def _check_states(states: dict[str, list[QuarterState] | None]) -> dg.AssetCheckResult:
    other = [
        (source, quarter_label(each.quarter), each.state, each.why)
        for source, of_source in states.items()
        for each in of_source or ()
        if each.state != State.CURRENT
    ]
    table = markdown_table(("source", "quarter", "state", "why"), other)
    return dg.AssetCheckResult(
        passed=not other,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"quarters_not_current": len(other), "quarters": table},
    )
