"""The schedules: the close of a quarter, and the release after it."""

from datetime import date

import dagster as dg

from finsync_pipeline.defs.jobs import quarter_job, release_job
from finsync_pipeline.orchestration.partitions import QUARTERS
from finsync_pipeline.settings import close_cron, is_deployed, release_cron


@dg.schedule(
    job=quarter_job,
    cron_schedule=close_cron(),
    default_status=dg.DefaultScheduleStatus.RUNNING if is_deployed() else dg.DefaultScheduleStatus.STOPPED,
    description="The close: by default on the 20th after a quarter's end, that quarter.",
)
def quarter_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the quarter that ended before the scheduled time."""
    at = context.scheduled_execution_time
    with dg.partition_loading_context(effective_dt=at):
        ended = [key for key in QUARTERS.get_partition_keys(current_time=at) if date.fromisoformat(key) < at.date()]
    if len(ended) < 2:  # the last one is the current quarter
        return dg.SkipReason("No quarter has ended since FINSYNC_FIRST_QUARTER.")
    closed = ended[-2]
    return dg.RunRequest(partition_key=closed, run_key=f"close:{closed}")


@dg.schedule(
    job=release_job,
    cron_schedule=release_cron(),
    default_status=dg.DefaultScheduleStatus.RUNNING if is_deployed() else dg.DefaultScheduleStatus.STOPPED,
    description="The release, by default two hours after the close; it fails if quarters are missing or outdated.",
)
def release_after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the release."""
    return dg.RunRequest(run_key=f"release:{context.scheduled_execution_time:%Y-%m-%d}")


@dg.definitions
def schedules() -> dg.Definitions:
    """Both schedules."""
    return dg.Definitions(schedules=[quarter_close, release_after_close])
