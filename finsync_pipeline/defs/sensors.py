"""The sensor that compares what the sources have with what the tables hold."""

from dataclasses import replace
from datetime import date

import dagster as dg

from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.defs.jobs import quarter_job
from finsync_pipeline.errors import ConfigurationError, SourceError
from finsync_pipeline.extraction.connect import inventory_of, query_each
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.orchestration.run_requests import UNFINISHED, range_requests
from finsync_pipeline.publishing.staleness import InputVersions, quarter_states, stored_quarters
from finsync_pipeline.settings import is_deployed, source_bounds, tables_folder
from finsync_pipeline.statements.mapping import SourceMapping

WATCHING = RetryPolicy(read=45, attempts=1)
"""How long the sensor waits for a source. Dagster ends a tick after 60 s, whatever other sources answered."""


@dg.definitions
def watch(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The sensor over all sources."""
    sources = StatementSource.all_in(context.component_tree)

    @dg.sensor(
        job=quarter_job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING if is_deployed() else dg.DefaultSensorStatus.STOPPED,
        description="Requests the quarters of which a source has other rows now, and no others.",
    )
    def source_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if is_own_run_unfinished(context):
            return dg.SensorResult(skip_reason="A run that it requested has not ended.")
        changes: dict[date, list[str]] = {}
        silent = []
        for mapping, queried in zip(sources, query_each(sources, changed_quarters), strict=True):
            try:
                for quarter, change in queried.result().items():
                    changes.setdefault(quarter, []).append(f"{mapping.name}: {change}")
            except (SourceError, ConfigurationError) as error:
                context.log.warning(str(error))
                silent.append(mapping.name)
        if changes:
            return dg.SensorResult(run_requests=list(range_requests(changes)))
        without = f"; no answer from {', '.join(silent)}" if silent else ""
        return dg.SensorResult(skip_reason=f"No quarter has changed{without}.")

    return dg.Definitions(sensors=[source_changed])


def is_own_run_unfinished(context: dg.SensorEvaluationContext) -> bool:
    """Whether a run that the sensor requested has not ended: it has brought in only a part of what changed."""
    if context.instance_ref is None:  # evaluated without a Dagster instance
        return False
    own = dg.RunsFilter(tags={"dagster/sensor_name": "source_changed"}, statuses=UNFINISHED)
    return context.instance.get_runs_count(own) > 0


def changed_quarters(mapping: SourceMapping) -> dict[date, str]:
    """The quarters of which the source has other rows than the tables, each with what has changed into what.

    The time of the tables is part of it, so that a source that goes back to older rows is noticed too.
    """
    bounds = source_bounds()
    bounds = replace(bounds, seconds=min(WATCHING.read, bounds.seconds))
    inventory = inventory_of(mapping, all_quarters(), WATCHING, bounds).periods
    stored = stored_quarters(tables_folder(), mapping.name, all_quarters())
    made_at = {each.quarter: each.made_at for each in stored}
    now = quarter_versions(inventory)
    return {
        each.quarter: f"{each.data_version} at {made_at.get(each.quarter)} to {now.get(each.quarter)}"
        for each in quarter_states(inventory, stored, InputVersions())
        if each.has_other_rows
    }
