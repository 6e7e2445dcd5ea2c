"""The watch on what sources hold."""

from datetime import date

import dagster as dg

from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.defs.jobs import quarter_job
from finsync_pipeline.errors import FinSyncError
from finsync_pipeline.extraction.connect import inventory_of, query_each
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.orchestration.run_requests import UNFINISHED, range_requests
from finsync_pipeline.settings import is_deployed, tables_folder
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.ledgers import worked_quarters

WATCHING = RetryPolicy(read=45, attempts=1)
"""How long the sensor waits for a source. Dagster ends a tick after 60 s, also for the sources that have answered."""


@dg.definitions
def watch(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The sensor over all sources that there are."""
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
        for mapping, asked in zip(sources, query_each(sources, changed_quarters), strict=True):
            try:
                for quarter, change in asked.result().items():
                    concerned.setdefault(quarter, []).append(f"{mapping.name}: {change}")
            except FinSyncError as error:
                context.log.warning(str(error))
                silent.append(mapping.name)
        if concerned:
            return dg.SensorResult(run_requests=list(range_requests(concerned)))
        told = f"; no answer from {', '.join(silent)}" if silent else ""
        return dg.SensorResult(skip_reason=f"No quarter has changed{told}.")

    return dg.Definitions(sensors=[delivery_changed])


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
    now = quarter_versions(inventory_of(mapping, all_quarters(), WATCHING).periods)
    worked = worked_quarters(tables_folder(), mapping.name, all_quarters())
    changed = {}
    for quarter in sorted({*now, *worked}):
        before = worked.get(quarter)
        if now.get(quarter) != (before.data_version if before else None):
            changed[quarter] = f"{before} to {now.get(quarter)}"
    return changed
