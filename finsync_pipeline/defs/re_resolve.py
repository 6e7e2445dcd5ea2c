"""Re-resolving companies when the list of companies or the review changed: from the stored raw rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.re_resolve import (
    LIST_ASSETS,
    StoredDecisions,
    assets_to_re_resolve,
    digest_of_files,
)
from finsync_pipeline.orchestration.retry_on_storage_loss import launched_again_if_storage_was_lost
from finsync_pipeline.orchestration.run_requests import UNFINISHED
from finsync_pipeline.settings import is_deployed


@dg.definitions
def re_resolve(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The job, and the sensor that requests it."""
    sources = [mapping.name for mapping in StatementSource.all_in(context.component_tree)]
    job = dg.define_asset_job(
        "re_resolve",
        selection=dg.AssetSelection.assets(*assets_to_re_resolve(sources)),
        description="Re-resolve company ids by the list and the review as they are now, from the stored raw rows. "
        "No source is asked.",
        hooks={launched_again_if_storage_was_lost},
    )

    @dg.sensor(
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING if is_deployed() else dg.DefaultSensorStatus.STOPPED,
        description="Requests the quarters in which a changed list of companies or review changes a decision.",
    )
    def decisions_outdated(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if running := _running(context.instance):
            return dg.SensorResult(skip_reason=f"{running} has not ended; the tables are compared when it has.")
        digest = digest_of_files(sources)
        if context.cursor == digest:
            return dg.SensorResult(skip_reason="Neither the lists nor the decisions have changed.")
        if requests := list(_requests(StoredDecisions(sources))):
            return dg.SensorResult(run_requests=requests)
        return dg.SensorResult(skip_reason="No decision would be another one.", cursor=digest)

    return dg.Definitions(jobs=[job], sensors=[decisions_outdated])


def _running(instance: dg.DagsterInstance) -> str | None:
    """A run that has not ended, if there is one; one that has not moved for an hour may have died unnoticed."""
    lately = datetime.now(UTC) - timedelta(hours=1)
    unfinished = dg.RunsFilter(statuses=UNFINISHED, updated_after=lately)
    runs = instance.get_runs(unfinished, limit=1)
    return f"Run {runs[0].run_id[:8]}" if runs else None


def _requests(stored: StoredDecisions) -> Iterator[dg.RunRequest]:
    """A run for each range of quarters; if there are none, one that reads the lists again where they changed."""
    ranges = stored.to_re_resolve()
    for each in ranges:
        publication = {"publication": {"config": {"allow_missing": sorted(each.missing)}}}
        yield dg.RunRequest(
            run_key=each.key, tags=each.tags, run_config={"resources": publication}, asset_selection=each.asset_keys
        )
    if not ranges and (key := stored.key_of_other_lists()):
        yield dg.RunRequest(run_key=key, asset_selection=LIST_ASSETS)
