"""Deciding company ids again in this process, by the rows that are kept, and a release of what comes out."""

import sys
from collections.abc import Sequence

import dagster as dg

from finsync_pipeline.cli.materialize import materialize, shown
from finsync_pipeline.cli.review_lines import last_decisions, unused_lines
from finsync_pipeline.cli.show import console
from finsync_pipeline.cli.sources import declared_sources, refuse_unknown
from finsync_pipeline.defs.jobs import RELEASE
from finsync_pipeline.orchestration.partitions import spoken
from finsync_pipeline.orchestration.re_resolve import LISTS_AGAIN, DecisionsKept


def decide(allow_missing: Sequence[str]) -> int:
    """Decide again the quarters in which a decision would be another now, then publish; no source is asked."""
    try:
        sources = declared_sources()
        refuse_unknown(allow_missing, sources)
        names = [mapping.name for mapping in sources]
        kept = DecisionsKept(names)
        ranges = kept.quarters_again()
    except ValueError as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    for each in ranges:
        console.print(f"Decided again: {spoken(each.quarters[0])} to {spoken(each.quarters[-1])}")
        if not materialize(dg.AssetSelection.assets(*each.asset_keys), each.tags, sorted(each.lacking)):
            return 1
    if not ranges:
        console.print("No decision would be another one.")
    for line in unused_lines(kept.decider.review, last_decisions(names)):
        console.print(line, soft_wrap=True)
    lists = dg.AssetSelection.assets(*LISTS_AGAIN)
    return shown(materialize(RELEASE if ranges else RELEASE | lists, {}, allow_missing))
