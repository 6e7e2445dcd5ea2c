"""Re-resolving companies in this process, from the stored raw rows, and a release of the result."""

from collections.abc import Sequence

import dagster as dg

from finsync_pipeline.cli.materialize import materialize
from finsync_pipeline.cli.release import publish
from finsync_pipeline.cli.review import last_decisions, unused_lines
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console
from finsync_pipeline.defs.jobs import RELEASE
from finsync_pipeline.orchestration.re_resolve import LIST_ASSETS, StoredDecisions
from finsync_pipeline.publishing.staleness import check_allow_missing
from finsync_pipeline.statements.dates import quarter_label


def re_resolve(allow_missing: Sequence[str], accept: str) -> int:
    """Re-resolve the quarters in which a decision would be another now, then publish; returns the exit code.

    No source is asked.
    """
    names = [mapping.name for mapping in declared_sources()]
    check_allow_missing(allow_missing, names)
    stored = StoredDecisions(names)
    ranges = stored.to_re_resolve()
    for each in ranges:
        console.print(f"Re-resolved: {quarter_label(each.quarters[0])} to {quarter_label(each.quarters[-1])}")
        if not materialize(dg.AssetSelection.assets(*each.asset_keys), each.tags, sorted(each.missing)):
            return 1
    if not ranges:
        console.print("No decision would be another one.")
    for line in unused_lines(stored.decider.review, last_decisions(names)):
        console.print(line, soft_wrap=True)
    return publish(
        RELEASE if ranges else RELEASE | dg.AssetSelection.assets(*LIST_ASSETS), {}, allow_missing, accept=accept
    )
