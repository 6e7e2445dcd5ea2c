"""The resources of a run: which sources may be missing, and the inventories and tables of the run's sources.

All sources are queried at the same time: the first step that needs one of them starts it for all.
"""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg
from pydantic import Field

from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.extraction.connect import Prefetch, inventory_of
from finsync_pipeline.extraction.inventory import Inventory
from finsync_pipeline.orchestration.partitions import all_quarters, quarters_of_run
from finsync_pipeline.publishing.staleness import check_allow_missing
from finsync_pipeline.settings import source_bounds
from finsync_pipeline.statements.mapping import SourceMapping

ONE_PROCESS = (dg.in_process_executor.name, "execute_in_process_executor")
"""Executors under which all steps of a run share its resources; the second is that of `execute_in_process`."""


class Publication(dg.ConfigurableResource[None]):
    """`resources: {publication: {config: {allow_missing: [cash_flow]}}}` in a run's config."""

    allow_missing: list[str] = Field(
        default=[],
        description="Sources that may be missing in the financials and the release; the manifest names them.",
    )
    force: bool = Field(default=False, description="Publish a release also if nothing has changed.")
    accept: str = Field(default="", description="Why a release that lost companies or facts is right.")

    def check(self, sources: Collection[str]) -> None:
        """Raise ConfigurationError if a source that may be missing is not one of the sources."""
        check_allow_missing(self.allow_missing, sources)


class RunSources:
    """The sources of this run. Where steps are processes of their own, each queries its source alone."""

    def __init__(self, sources: Sequence[SourceMapping], prefetch: Prefetch) -> None:
        self._sources, self._prefetch = sources, prefetch

    def inventory(self, context: dg.AssetExecutionContext, mapping: SourceMapping) -> Inventory:
        """The inventory of the source. Raises SourceError or ConfigurationError."""
        steps = context.run.step_keys_to_execute or []
        together = [source for source in self._sources if f"{source.name}_inventory" in steps]
        if len(together) > 1 and context.job_def.executor_def.name in ONE_PROCESS:
            quarters = quarters_of_run(context.run.tags)
            wanted = {source.name: quarters for source in together if quarters and f"{source.name}__raw" in steps}
            self._prefetch.start(together, all_quarters(), wanted)
        return self._prefetch.inventory(mapping.name) or inventory_of(mapping, all_quarters(), bounds=source_bounds())

    def table(self, mapping: SourceMapping) -> Rows | None:
        """The whole table of the source, if it was fetched in this run and not yet used."""
        return self._prefetch.table(mapping.name)


def run_sources(sources: Sequence[SourceMapping]) -> dg.ResourceDefinition:
    """The resource of a run over these sources."""

    @dg.resource(
        config_schema={}, description="Inventories and tables of the sources of a run, queried at the same time."
    )
    def sources_of_run(_: dg.InitResourceContext) -> Iterator[RunSources]:
        with Prefetch(source_bounds()) as prefetch:
            yield RunSources(sources, prefetch)

    return sources_of_run
