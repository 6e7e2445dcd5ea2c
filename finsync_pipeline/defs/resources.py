"""The resources: where the tables lie, and which sources a release may lack."""

import dagster as dg

from finsync_pipeline.components.publication import Publication
from finsync_pipeline.settings import tables_folder
from finsync_pipeline.storage.io_manager import ParquetIOManager


@dg.definitions
def resources() -> dg.Definitions:
    """The IO manager over FINSYNC_HOME, `publication`, and steps in one process."""
    return dg.Definitions(
        resources={
            "io_manager": ParquetIOManager(folder=str(tables_folder())),
            "publication": Publication(),
        },
        executor=dg.in_process_executor,
    )
