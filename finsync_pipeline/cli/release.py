"""A release of what the tables hold, made in this process."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from finsync_pipeline.cli.materialize import materialize
from finsync_pipeline.cli.show import show
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console
from finsync_pipeline.defs.jobs import RELEASE
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.publishing.as_of import Suspects
from finsync_pipeline.publishing.as_of_release import release_as_of
from finsync_pipeline.publishing.release import ReleaseOptions, current_folder
from finsync_pipeline.publishing.staleness import check_allow_missing
from finsync_pipeline.quality.rules import read_rules
from finsync_pipeline.settings import agreement_path, published_folder, tables_folder
from finsync_pipeline.statements.tables import COMPANIES
from finsync_pipeline.storage.parquet import read_frame


def release(
    allow_missing: Sequence[str], force: bool, accept: str, as_of: date | None = None, as_filed: bool = False
) -> int:
    """Publish what the tables hold, or what was known on the day `as_of`; returns the exit code."""
    if as_filed and not as_of:
        raise ConfigurationError("goes with --as-of alone", "Name the day: --as-of 2015-03-31", "--as-filed")
    if as_of:
        if allow_missing or force or accept:
            fix = "Leave out --allow-missing, --force and --accept"
            raise ConfigurationError("publishes what the current release knows, all of it", fix, "--as-of")
        return _as_of(as_of, "as filed" if as_filed else "withhold")
    check_allow_missing(allow_missing, [mapping.name for mapping in declared_sources()])
    return publish(RELEASE, {}, allow_missing, force=force, accept=accept)


def _as_of(day: date, suspects: Suspects) -> int:
    mappings = declared_sources()
    companies = COMPANIES.checked(read_frame([tables_folder() / "companies.parquet"]))
    rules = read_rules(agreement_path(), [mapping.name for mapping in mappings])
    vintages = {mapping.name: mapping.vintage for mapping in mappings}
    made = release_as_of(day, suspects, companies, rules, vintages, ReleaseOptions(published_folder()))
    console.print(f"{made.manifest['facts']:,} facts were known on {day}. The current release stays as it is.")
    console.print(f"CSV: {made.csv}", soft_wrap=True)
    return 0


def publish(selection: dg.AssetSelection, tags: dict[str, str], allow_missing: Sequence[str], **options: Any) -> int:
    """Make the assets, the release among them, and show it; returns the exit code. `options` are of Publication."""
    before = current_folder(published_folder())
    if not materialize(selection, tags, allow_missing, **options):
        return 1
    show()
    if current_folder(published_folder()) == before:
        console.print("Nothing has changed since this release, so none was written; finsync release --force does.")
    return 0
