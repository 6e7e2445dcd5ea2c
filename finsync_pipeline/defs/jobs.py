"""The jobs: bring quarters in, publish the release."""

import dagster as dg

from finsync_pipeline.orchestration.retry_on_storage_loss import launched_again_if_storage_was_lost
from finsync_pipeline.publishing.build import CONSOLIDATED

RELEASE = dg.AssetSelection.assets(*CONSOLIDATED, "company_id_corrections", "company_summary")

quarter_job = dg.define_asset_job(
    "quarter",
    selection=dg.AssetSelection.all() - RELEASE,
    description="Extract, resolve and standardize quarters: all assets but the release.",
    hooks={launched_again_if_storage_was_lost},
)
release_job = dg.define_asset_job(
    "release",
    selection=RELEASE,
    description="Publish the summary over all quarters as CSV, after the sources were compared.",
    hooks={launched_again_if_storage_was_lost},
)


@dg.definitions
def jobs() -> dg.Definitions:
    """Both jobs."""
    return dg.Definitions(jobs=[quarter_job, release_job])
