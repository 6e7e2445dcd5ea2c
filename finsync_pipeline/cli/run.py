"""The main job in this process: the quarters that have rows, all assets over them, the release."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import dagster as dg

from finsync_pipeline.cli.release import publish
from finsync_pipeline.cli.services import services_running
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console
from finsync_pipeline.errors import ConfigurationError, SourceError
from finsync_pipeline.extraction.connect import inventory_of, query_each
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.orchestration.run_requests import range_tags
from finsync_pipeline.publishing.staleness import check_allow_missing, stored_quarters
from finsync_pipeline.settings import source_bounds, tables_folder
from finsync_pipeline.statements.dates import quarter_label, quarter_of
from finsync_pipeline.statements.mapping import SourceMapping


def run(quarters: str | None, allow_missing: Sequence[str], with_services: bool, accept: str) -> int:
    """Materialize everything over the quarters (default: all that have rows) and publish; the exit code."""
    sources = declared_sources()
    check_allow_missing(allow_missing, [mapping.name for mapping in sources])
    with services_running(with_services):
        to_query = [mapping for mapping in sources if mapping.name not in allow_missing]
        first, last = read_range(quarters, all_quarters()) if quarters else occupied_range(to_query)
        console.print(f"Quarters {quarter_label(first)} to {quarter_label(last)}")
        selection: dg.AssetSelection = dg.AssetSelection.all()
        if allow_missing:
            selection = selection - dg.AssetSelection.groups(*allow_missing)
        return publish(selection, range_tags(first, last), allow_missing, accept=accept)


def occupied_range(sources: Sequence[SourceMapping]) -> tuple[date, date]:
    """First and last quarter that a source has rows for, now or in the tables; without any, the current quarter.

    A source that does not answer is left out: the run reports it.
    """
    occupied: set[date] = set()
    bounds = source_bounds()
    queried = query_each(sources, lambda mapping: inventory_of(mapping, all_quarters(), bounds=bounds))
    for mapping, found in zip(sources, queried, strict=True):
        stored = stored_quarters(tables_folder(), mapping.name, all_quarters())
        occupied |= {each.quarter for each in stored if each.made_from is not None}
        with suppress(SourceError, ConfigurationError):
            occupied |= quarter_versions(found.result().periods).keys()
    return (min(occupied), max(occupied)) if occupied else (all_quarters()[-1], all_quarters()[-1])


def read_range(text: str, calendar: Sequence[date]) -> tuple[date, date]:
    """First and last quarter of `2009-Q4`, `2009-Q1...2009-Q4`, or the same with first days (2009-10-01).

    Raises ConfigurationError.
    """
    first, _, last = text.partition("...")
    start, end = _read_quarter(first, calendar), _read_quarter(last or first, calendar)
    if start > end:
        raise ConfigurationError("the first quarter is after the last", "Write the earlier one first", text)
    return start, end


def _read_quarter(text: str, calendar: Sequence[date]) -> date:
    if found := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip()):
        day = date(int(found[1]), 3 * int(found[2]) - 2, 1)
    else:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            fix = "Write it like 2009-Q4, a range like 2009-Q1...2009-Q4"
            raise ConfigurationError(f"{text!r} is not a valid quarter", fix, "--quarters") from None
    if day != quarter_of(day):
        fix = f"Write {quarter_of(day)} or {quarter_label(day)}"
        raise ConfigurationError(f"{text} is not the first day of a quarter", fix, "--quarters")
    if day not in calendar:
        what = f"{text} is not one of the quarters from {quarter_label(calendar[0])} to {quarter_label(calendar[-1])}"
        raise ConfigurationError(what, "FINSYNC_FIRST_QUARTER sets the first one", "--quarters")
    return day
