"""A run that lost Dagster's storage is launched once more; one that failed by itself is not.

Dagster tells the two apart where a run's process died. Where the storage was away for a moment, a step fails like any
other, and the run would not be launched again.
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.tags import RETRY_ON_ASSET_OR_OP_FAILURE_TAG
from sqlalchemy.exc import InterfaceError, OperationalError


@dg.failure_hook
def launched_again_if_storage_was_lost(context: dg.HookContext) -> None:
    """Ask Dagster to launch the run again if that is why the step failed; how often says `run_retries`."""
    if any(isinstance(error, OperationalError | InterfaceError) for error in _causes(context.op_exception)):
        context.log.warning("The step lost Dagster's storage; the run may be launched again.")
        context.instance.add_run_tags(context.run_id, {RETRY_ON_ASSET_OR_OP_FAILURE_TAG: "true"})


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
