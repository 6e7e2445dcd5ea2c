"""When things run: the jobs, the close of a quarter and the release after it, and the watch on what sources hold."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from finsync_pipeline.clients.faults import SourceFault
from finsync_pipeline.clients.http import Patience
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.defs.partitions import QUARTERS, all_quarters, range_tags
from finsync_pipeline.extraction.connect import ask_each, stock_of
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.orchestration.retry_on_storage_loss import launched_again_if_storage_was_lost
from finsync_pipeline.settings import close_cron, is_deployed, release_cron, tables_folder
from finsync_pipeline.statements.delivered import DeliveryMistake
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.ledgers import worked_quarters

UNFINISHED = [dg.DagsterRunStatus[name] for name in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")]
"""Of runs that are still to do something."""

WATCHING = Patience(read=45, attempts=1)
"""How long the sensor waits for a source. Dagster ends a tick after 60 s, also for the sources that have answered."""

RELEASE = dg.AssetSelection.assets("company_id_corrections", "company_summary")

quarter_job = dg.define_asset_job(
    "quarter",
    selection=dg.AssetSelection.all() - RELEASE,
    description="Extract, correct, map and consolidate quarters: all assets but the release.",
    hooks={launched_again_if_storage_was_lost},
)
release_job = dg.define_asset_job(
    "release",
    selection=RELEASE,
    description="Publish the summary over all quarters as CSV.",
    hooks={launched_again_if_storage_was_lost},
)


@dg.schedule(
    job=quarter_job,
    cron_schedule=close_cron(),
    default_status=dg.DefaultScheduleStatus.RUNNING if is_deployed() else dg.DefaultScheduleStatus.STOPPED,
    description="The close: by default on the 20th after a quarter's end, that quarter.",
)
def quarter_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for the quarter that ended before the scheduled time."""
    at = context.scheduled_execution_time
    with dg.partition_loading_context(effective_dt=at):
        ended = [key for key in QUARTERS.get_partition_keys(current_time=at) if date.fromisoformat(key) < at.date()]
    if len(ended) < 2:  # the last one is the quarter that is running
        return dg.SkipReason("No quarter has ended since FINSYNC_FIRST_QUARTER.")
    closed = ended[-2]
    return dg.RunRequest(partition_key=closed, run_key=f"close:{closed}")


@dg.schedule(
    job=release_job,
    cron_schedule=release_cron(),
    default_status=dg.DefaultScheduleStatus.RUNNING if is_deployed() else dg.DefaultScheduleStatus.STOPPED,
    description="The release, by default two hours after the close; it refuses by itself what is not complete.",
)
def release_after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the release."""
    return dg.RunRequest(run_key=f"release:{context.scheduled_execution_time:%Y-%m-%d}")


@dg.definitions
def watch(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The jobs, the schedules, and the sensor over all sources that there are."""
    sources = StatementSource.all_in(context.component_tree)

    @dg.sensor(
        job=quarter_job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING if is_deployed() else dg.DefaultSensorStatus.STOPPED,
        description="A source's delivery changed: ask for the quarters concerned, and no others.",
    )
    def delivery_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if is_run_going_on(context):
            return dg.SensorResult(skip_reason="A run that it asked for is not at its end yet.")
        concerned: dict[date, list[str]] = {}
        silent = []
        for mapping, asked in zip(sources, ask_each(sources, changed_quarters), strict=True):
            try:
                for quarter, change in asked.result().items():
                    concerned.setdefault(quarter, []).append(f"{mapping.name}: {change}")
            except (SourceFault, DeliveryMistake) as error:
                context.log.warning(str(error))
                silent.append(mapping.name)
        if concerned:
            return dg.SensorResult(run_requests=list(range_requests(concerned)))
        told = f"; no answer from {', '.join(silent)}" if silent else ""
        return dg.SensorResult(skip_reason=f"No quarter has changed{told}.")

    return dg.Definitions(
        jobs=[quarter_job, release_job], schedules=[quarter_close, release_after_close], sensors=[delivery_changed]
    )


def is_run_going_on(context: dg.SensorEvaluationContext) -> bool:
    """Whether a run that the sensor asked for is queued or going on: it has brought in only a part of what changed."""
    if context.instance_ref is None:  # asked without Dagster around it
        return False
    asked = dg.RunsFilter(tags={"dagster/sensor_name": "delivery_changed"}, statuses=UNFINISHED)
    return context.instance.get_runs_count(asked) > 0


def changed_quarters(mapping: SourceMapping) -> dict[date, str]:
    """The quarters of which the source holds other rows than were worked on, each with what has changed into what.

    What was worked on is told with its time, so that a source that goes back to older rows is noticed too.
    """
    now = quarter_versions(stock_of(mapping, all_quarters(), WATCHING).delivery)
    worked = worked_quarters(tables_folder(), mapping.name, all_quarters())
    changed = {}
    for quarter in sorted({*now, *worked}):
        before = worked.get(quarter)
        if now.get(quarter) != (before.data_version if before else None):
            changed[quarter] = f"{before} to {now.get(quarter)}"
    return changed


def range_requests(concerned: dict[date, list[str]]) -> Iterator[dg.RunRequest]:
    """One run for each unbroken range of the quarters; the same change is asked for once a day, until it is in."""
    today = datetime.now(UTC).date()
    for quarters in unbroken_ranges(sorted(concerned), all_quarters()):
        changes = json.dumps([str(today), *([str(quarter), *sorted(concerned[quarter])] for quarter in quarters)])
        tags = range_tags(quarters[0], quarters[-1])
        yield dg.RunRequest(run_key=hashlib.sha256(changes.encode()).hexdigest(), tags=tags)


def unbroken_ranges(quarters: Iterable[date], calendar: Sequence[date]) -> list[list[date]]:
    """The quarters in runs of neighbours in the calendar."""
    place = {quarter: number for number, quarter in enumerate(calendar)}
    ranges: list[list[date]] = []
    for quarter in quarters:
        if ranges and place[quarter] == place[ranges[-1][-1]] + 1:
            ranges[-1].append(quarter)
        else:
            ranges.append([quarter])
    return ranges
