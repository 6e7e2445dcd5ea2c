"""The main job in this process: the quarters that have rows, all assets over them, the release."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import dagster as dg
from rich.status import Status

from finsync_pipeline.clients.faults import SourceFault
from finsync_pipeline.definitions import defs as load_definitions
from finsync_pipeline.defs.automation import RELEASE
from finsync_pipeline.defs.partitions import all_quarters, range_tags, spoken
from finsync_pipeline.federation.extraction import quarter_versions
from finsync_pipeline.federation.sources import ask_each, stock_of
from finsync_pipeline.local import report
from finsync_pipeline.local.check import declared_sources
from finsync_pipeline.local.dev import local_instance
from finsync_pipeline.local.event_log import event_log_kept_open
from finsync_pipeline.local.quarters import QuarterMistake, read_range
from finsync_pipeline.local.report import console
from finsync_pipeline.local.services import ServicesFailed, services_running
from finsync_pipeline.settings import tables_folder
from finsync_pipeline.statements.delivered import DeliveryMistake
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.ledgers import worked_quarters


def run(quarters: str | None, allow_missing: Sequence[str], with_services: bool) -> int:
    """Materialize everything over the quarters (default: all that have rows) and publish; the exit code."""
    try:
        sources = declared_sources()
        refuse_unknown(allow_missing, sources)
        with services_running(with_services):
            asked = [mapping for mapping in sources if mapping.name not in allow_missing]
            first, last = read_range(quarters, all_quarters()) if quarters else occupied_range(asked)
            console.print(f"Quarters {spoken(first)} to {spoken(last)}")
            left_out = dg.AssetSelection.groups(*allow_missing) if allow_missing else None
            selection = dg.AssetSelection.all() - left_out if left_out else dg.AssetSelection.all()
            return shown(materialize(selection, range_tags(first, last), allow_missing))
    except (QuarterMistake, ServicesFailed, ValueError) as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2


def release(allow_missing: Sequence[str]) -> int:
    """Publish what the tables hold; the exit code."""
    try:
        refuse_unknown(allow_missing, declared_sources())
    except ValueError as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    return shown(materialize(RELEASE, {}, allow_missing))


def occupied_range(sources: Sequence[SourceMapping]) -> tuple[date, date]:
    """First and last quarter that a source has rows for or had when it was worked on; else the running quarter.

    A source that does not answer is passed over: the run will say so.
    """
    occupied: set[date] = set()
    stocks = ask_each(sources, lambda mapping: stock_of(mapping, all_quarters()))
    for mapping, stock in zip(sources, stocks, strict=True):
        occupied |= worked_quarters(tables_folder(), mapping.name, all_quarters()).keys()
        with suppress(SourceFault, DeliveryMistake):
            occupied |= quarter_versions(stock.result().delivery).keys()
    return (min(occupied), max(occupied)) if occupied else (all_quarters()[-1], all_quarters()[-1])


def shown(is_published: bool) -> int:
    """Show the release, if it is published; the exit code."""
    if is_published:
        report.show_current()
    return 0 if is_published else 1


def materialize(selection: dg.AssetSelection, tags: dict[str, str], allow_missing: Sequence[str]) -> bool:
    """Make the assets in this process, over the quarters of the tags; prints what fails, and tells if all is made."""
    local_instance()
    waiting = console.status("Starting")  # in a terminal: the step that is going on
    definitions = dg.Definitions.merge(load_definitions(), dg.Definitions(loggers={"console": _progress(waiting)}))
    keys = selection.resolve(definitions.resolve_asset_graph())
    job = definitions.get_repository_def().get_implicit_job_def_for_assets(keys)
    assert job is not None
    with dg.DagsterInstance.get() as instance, event_log_kept_open(instance), waiting:
        result = job.execute_in_process(
            run_config={
                "resources": {"publication": {"config": {"allow_missing": list(allow_missing)}}},
                "loggers": {"console": {}},
            },
            instance=instance,
            tags=tags,
            asset_selection=list(keys),
            raise_on_error=False,
        )
    if not result.success:
        for told in _failures(result):
            console.print(f"[red]✗[/red] {told}")
        if not _published(result):
            console.print("Nothing is published; a release made before stays as it is.")
    return bool(result.success)


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            failure = event.step_failure_data.user_failure_data
            cause = failure.description if failure and failure.description else None
            if cause is None and error is not None:
                cause = (error.cause or error).message.strip()
            yield f"{event.step_key}: {cause}"


def _published(result: dg.ExecuteInProcessResult) -> bool:
    return any(event.is_step_success and event.step_key == "company_summary" for event in result.all_events)


def refuse_unknown(allow_missing: Sequence[str], sources: Sequence[SourceMapping]) -> None:
    """Raise ValueError, which has the cure, if one of `allow_missing` is no source."""
    names = [mapping.name for mapping in sources]
    for name in allow_missing:
        if name not in names:
            raise ValueError(f"--allow-missing {name}: no such source; there are {', '.join(sorted(names))}")


def _progress(waiting: Status) -> dg.LoggerDefinition:
    @dg.logger
    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        """One line a step, instead of Dagster's log."""
        logger = logging.Logger("finsync.progress")
        logger.addHandler(_Steps(waiting))
        return logger

    return progress


class _Steps(logging.Handler):
    def __init__(self, waiting: Status) -> None:
        super().__init__()
        self._waiting = waiting

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = record.__dict__.get("dagster_meta", {}).get("dagster_event")
        if event is None or event.step_key is None:
            return
        name = event.step_key.replace("__", "/")
        if event.is_step_start:
            self._waiting.update(name)
        if event.is_step_success:
            console.print(f"[green]✓[/green] {name:<40} {event.step_success_data.duration_ms / 1000:6.1f} s")
