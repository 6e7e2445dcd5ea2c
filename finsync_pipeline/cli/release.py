"""A release of what the tables hold, made in this process."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from finsync_pipeline.cli.materialize import materialize
from finsync_pipeline.cli.show import show
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console
from finsync_pipeline.defs.jobs import RELEASE
from finsync_pipeline.publishing.release import current_folder
from finsync_pipeline.publishing.staleness import check_allow_missing
from finsync_pipeline.settings import published_folder


def release(allow_missing: Sequence[str], force: bool, accept: str) -> int:
    """Publish what the tables hold; returns the exit code."""
    check_allow_missing(allow_missing, [mapping.name for mapping in declared_sources()])
    return publish(RELEASE, {}, allow_missing, force=force, accept=accept)


def publish(selection: dg.AssetSelection, tags: dict[str, str], allow_missing: Sequence[str], **options: Any) -> int:
    """Make the assets, the release among them, and show it; returns the exit code. `options` are of Publication."""
    before = current_folder(published_folder())
    if not materialize(selection, tags, allow_missing, **options):
        return 1
    show()
    if current_folder(published_folder()) == before:
        console.print("Nothing has changed since this release, so none was written; finsync release --force does.")
    return 0
