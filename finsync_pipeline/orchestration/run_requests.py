"""Run requests: one for each range of neighbouring quarters, once for the same change."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from finsync_pipeline.orchestration.partitions import all_quarters

UNFINISHED = [dg.DagsterRunStatus[name] for name in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")]
"""The statuses of runs that have not ended."""


def range_requests(changes: dict[date, list[str]]) -> Iterator[dg.RunRequest]:
    """One run for each range of the quarters in `changes`; the same change is requested once a day, until it is in."""
    today = datetime.now(UTC).date()
    for quarters in unbroken_ranges(sorted(changes), all_quarters()):
        content = json.dumps([str(today), *([str(quarter), *sorted(changes[quarter])] for quarter in quarters)])
        tags = range_tags(quarters[0], quarters[-1])
        yield dg.RunRequest(run_key=hashlib.sha256(content.encode()).hexdigest(), tags=tags)


def unbroken_ranges(quarters: Iterable[date], calendar: Sequence[date]) -> list[list[date]]:
    """The quarters in lists of neighbours in the calendar."""
    place = {quarter: number for number, quarter in enumerate(calendar)}
    ranges: list[list[date]] = []
    for quarter in quarters:
        if ranges and place[quarter] == place[ranges[-1][-1]] + 1:
            ranges[-1].append(quarter)
        else:
            ranges.append([quarter])
    return ranges


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of a run over all quarters from the first to the last."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
