"""Errors in Dagster: a FinSyncError fails a step as a Failure, which the UI shows without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from finsync_pipeline.errors import FinSyncError, SourceUnavailable


@contextmanager
def failures_explained(**metadata: Any) -> Iterator[None]:
    """Within the block, a FinSyncError becomes a Failure with this metadata; only a source may be retried.

    Every other exception is a fault of the program and passes with its traceback.
    """
    try:
        yield
    except FinSyncError as error:
        parts = {"what": error.what, "fix": error.fix} | ({"where": str(error.where)} if error.where else {})
        is_transient = isinstance(error, SourceUnavailable)
        raise dg.Failure(str(error), metadata={**parts, **metadata}, allow_retries=is_transient) from None
