"""The main job in this process: the quarters that have rows, all assets over them, the release."""

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import dagster as dg

from finsync_pipeline.cli.materialize import materialize, shown
from finsync_pipeline.cli.services import ServicesFailed, services_running
from finsync_pipeline.cli.show import console
from finsync_pipeline.cli.sources import declared_sources, refuse_unknown
from finsync_pipeline.errors import FinSyncError
from finsync_pipeline.extraction.connect import inventory_of, query_each
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.orchestration.partitions import all_quarters, spoken
from finsync_pipeline.orchestration.run_requests import range_tags
from finsync_pipeline.settings import tables_folder
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.ledgers import worked_quarters


class QuarterMistake(ValueError):
    """The text is not a valid quarter, or not one that FinSync has; the message says what to write."""


def run(quarters: str | None, allow_missing: Sequence[str], with_services: bool) -> int:
    """Materialize everything over the quarters (default: all that have rows) and publish; the exit code."""
    try:
        sources = declared_sources()
        refuse_unknown(allow_missing, sources)
        with services_running(with_services):
            asked = [mapping for mapping in sources if mapping.name not in allow_missing]
            first, last = read_range(quarters, all_quarters()) if quarters else occupied_range(asked)
            console.print(f"Quarters {spoken(first)} to {spoken(last)}")
            left_out = dg.AssetSelection.groups(*allow_missing) if allow_missing else None
            selection = dg.AssetSelection.all() - left_out if left_out else dg.AssetSelection.all()
            return shown(materialize(selection, range_tags(first, last), allow_missing))
    except (QuarterMistake, ServicesFailed, ValueError) as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2


def occupied_range(sources: Sequence[SourceMapping]) -> tuple[date, date]:
    """First and last quarter that a source has rows for or had when it was worked on; else the running quarter.

    A source that does not answer is passed over: the run will say so.
    """
    occupied: set[date] = set()
    stocks = query_each(sources, lambda mapping: inventory_of(mapping, all_quarters()))
    for mapping, stock in zip(sources, stocks, strict=True):
        occupied |= worked_quarters(tables_folder(), mapping.name, all_quarters()).keys()
        with suppress(FinSyncError):
            occupied |= quarter_versions(stock.result().periods).keys()
    return (min(occupied), max(occupied)) if occupied else (all_quarters()[-1], all_quarters()[-1])


def read_range(text: str, calendar: Sequence[date]) -> tuple[date, date]:
    """First and last quarter of `2009-Q4`, `2009-Q1...2009-Q4`, or the same with first days (2009-10-01).

    Raises QuarterMistake.
    """
    first, _, last = text.partition("...")
    start, end = _read_quarter(first, calendar), _read_quarter(last or first, calendar)
    if start > end:
        raise QuarterMistake(f"{text}: the first quarter is after the last; turn them round")
    return start, end


def _read_quarter(text: str, calendar: Sequence[date]) -> date:
    if found := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip()):
        day = date(int(found[1]), 3 * int(found[2]) - 2, 1)
    else:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            told = f"{text!r} is not a valid quarter; write it like 2009-Q4, a range like 2009-Q1...2009-Q4"
            raise QuarterMistake(told) from None
    if day != quarter_of(day):
        raise QuarterMistake(f"{text} is no first day of a quarter; {quarter_of(day)} is that of its quarter")
    if day not in calendar:
        known = f"from {calendar[0]} to {calendar[-1]}"
        raise QuarterMistake(f"{text} is not among the quarters {known}; FINSYNC_FIRST_QUARTER sets the first")
    return day
