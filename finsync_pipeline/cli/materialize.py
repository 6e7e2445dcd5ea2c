"""Assets made in this process, with a line for each step, and the error of each step that failed."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from rich.status import Status
from rich.text import Text

from finsync_pipeline.cli.event_log import event_log_kept_open
from finsync_pipeline.cli.killed_runs import end_killed_runs, locked_while_alive
from finsync_pipeline.cli.setup import local_instance
from finsync_pipeline.cli.terminal import console, marked
from finsync_pipeline.definitions import defs as load_definitions
from finsync_pipeline.settings import home


def materialize(
    selection: dg.AssetSelection, tags: dict[str, str], allow_missing: Sequence[str], **options: Any
) -> bool:
    """Make the assets over the quarters of the tags; prints each step that fails, and returns whether none did.

    `allow_missing` and `options` configure the resource `publication`.
    """
    local_instance()
    waiting = console.status("Starting")  # in a terminal: the step that is going on
    progress = logging.Logger("finsync.progress")  # one line a step, instead of Dagster's log
    progress.addHandler(_Steps(waiting))
    loggers = {"console": dg.LoggerDefinition(lambda _: progress)}
    definitions = dg.Definitions.merge(load_definitions(), dg.Definitions(loggers=loggers))
    keys = selection.resolve(definitions.resolve_asset_graph())
    job = definitions.get_repository_def().get_implicit_job_def_for_assets(keys)
    assert job is not None
    locks = home() / "commands"
    with (
        dg.DagsterInstance.get() as instance,
        locked_while_alive(locks) as lock,
        event_log_kept_open(instance),
        waiting,
    ):
        end_killed_runs(instance, locks)
        result = job.execute_in_process(
            run_config={
                "resources": {"publication": {"config": {"allow_missing": list(allow_missing), **options}}},
                "loggers": {"console": {}},
            },
            instance=instance,
            tags=tags | lock,
            asset_selection=list(keys),
            raise_on_error=False,
        )
    for failure in _failures(result):
        console.print(marked("✗", "red", failure), soft_wrap=True)
    made = {event.step_key for event in result.all_events if event.is_step_success}
    if not result.success and "company_summary" not in made:
        console.print("Nothing is published; the release before stays current.")
    return bool(result.success)


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Each step that failed: with the description of a dg.Failure, else a programming error with its traceback."""
    for event in result.all_events:
        if event.is_step_failure:
            error, failure = event.step_failure_data.error, event.step_failure_data.user_failure_data
            traceback = error.to_string() if error else ""
            yield f"{event.step_key}: {failure.description if failure and failure.description else traceback}"


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
            self._waiting.update(Text(name))
        if event.is_step_success:
            seconds = event.step_success_data.duration_ms / 1000
            console.print(marked("✓", "green", f"{name:<40} {seconds:6.1f} s"))
