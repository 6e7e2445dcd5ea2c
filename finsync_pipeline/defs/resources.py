"""The resources: where the tables lie, which sources a release may lack, and what a run's sources answer."""

import dagster as dg

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.io_manager import parquet_io_manager
from finsync_pipeline.orchestration.resources import Publication, run_sources
from finsync_pipeline.settings import tables_folder


@dg.definitions
def resources(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The IO manager over FINSYNC_HOME, `publication`, `run_sources`, and steps in one process."""
    return dg.Definitions(
        resources={
            "io_manager": parquet_io_manager(str(tables_folder())),
            "publication": Publication(),
            "run_sources": run_sources(StatementSource.all_in(context.component_tree)),
        },
        executor=dg.in_process_executor,
    )
