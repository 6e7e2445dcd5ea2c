"""Deciding again when the list of companies or the review changed: by the rows that are kept, without the sources."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.orchestration.re_resolve import LISTS_AGAIN, DecisionsKept, assets_again, state_of_files
from finsync_pipeline.orchestration.retry_on_storage_loss import launched_again_if_storage_was_lost
from finsync_pipeline.orchestration.run_requests import UNFINISHED
from finsync_pipeline.settings import is_deployed


@dg.definitions
def decide_again(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The job, and the sensor that asks for it."""
    sources = [mapping.name for mapping in StatementSource.all_in(context.component_tree)]
    job = dg.define_asset_job(
        "decide_again",
        selection=dg.AssetSelection.assets(*assets_again(sources)),
        description="Decide company ids again by the list and the review as they are now, and map the rows that are "
        "kept. No source is asked.",
        hooks={launched_again_if_storage_was_lost},
    )

    @dg.sensor(
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING if is_deployed() else dg.DefaultSensorStatus.STOPPED,
        description="The list of companies or the review changed: ask for the quarters in which it changes a decision.",
    )
    def decisions_overtaken(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if told := _going_on(context.instance):
            return dg.SensorResult(skip_reason=f"{told} is going on; its tables are looked at when it has ended.")
        state = state_of_files(sources)
        if context.cursor == state:
            return dg.SensorResult(skip_reason="Neither the lists nor the decisions have changed.")
        if requests := list(_requests(DecisionsKept(sources))):
            return dg.SensorResult(run_requests=requests)
        return dg.SensorResult(skip_reason="No decision would be another one.", cursor=state)

    return dg.Definitions(jobs=[job], sensors=[decisions_overtaken])


def _going_on(instance: dg.DagsterInstance) -> str | None:
    """A run that has not ended, if there is one; one that has not moved for an hour may have died unnoticed."""
    lately = datetime.now(UTC) - timedelta(hours=1)
    unfinished = dg.RunsFilter(statuses=UNFINISHED, updated_after=lately)
    runs = instance.get_runs(unfinished, limit=1)
    return f"Run {runs[0].run_id[:8]}" if runs else None


def _requests(kept: DecisionsKept) -> Iterator[dg.RunRequest]:
    """A run for each range of quarters; if there are none, one that reads the lists again where they changed."""
    ranges = kept.quarters_again()
    for each in ranges:
        without = {"publication": {"config": {"allow_missing": sorted(each.lacking)}}}
        yield dg.RunRequest(
            run_key=each.key, tags=each.tags, run_config={"resources": without}, asset_selection=each.asset_keys
        )
    if not ranges and (key := kept.lists_again()):
        yield dg.RunRequest(run_key=key, asset_selection=LISTS_AGAIN)
