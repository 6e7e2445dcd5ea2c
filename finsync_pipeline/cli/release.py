"""A release of what the tables hold, made in this process."""

import sys
from collections.abc import Sequence

from finsync_pipeline.cli.materialize import materialize, shown
from finsync_pipeline.cli.sources import declared_sources, refuse_unknown
from finsync_pipeline.defs.jobs import RELEASE


def release(allow_missing: Sequence[str]) -> int:
    """Publish what the tables hold; the exit code."""
    try:
        refuse_unknown(allow_missing, declared_sources())
    except ValueError as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    return shown(materialize(RELEASE, {}, allow_missing))
