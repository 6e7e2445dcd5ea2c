"""Quarters as people write them on a command line."""

import re
from collections.abc import Sequence
from datetime import date

from finsync_pipeline.statements.dates import quarter_of


class QuarterMistake(ValueError):
    """What was written is no quarter, or none that FinSync has; the message says what to write."""


def read_range(text: str, calendar: Sequence[date]) -> tuple[date, date]:
    """First and last quarter of `2009-Q4`, `2009-Q1...2009-Q4`, or the same with first days (2009-10-01).

    Raises QuarterMistake.
    """
    first, _, last = text.partition("...")
    start, end = _read(first, calendar), _read(last or first, calendar)
    if start > end:
        raise QuarterMistake(f"{text}: the first quarter is after the last; turn them round")
    return start, end


def _read(text: str, calendar: Sequence[date]) -> date:
    if found := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip()):
        day = date(int(found[1]), 3 * int(found[2]) - 2, 1)
    else:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            told = f"{text!r} is no quarter; write it like 2009-Q4, a range like 2009-Q1...2009-Q4"
            raise QuarterMistake(told) from None
    if day != quarter_of(day):
        raise QuarterMistake(f"{text} is no first day of a quarter; {quarter_of(day)} is that of its quarter")
    if day not in calendar:
        known = f"from {calendar[0]} to {calendar[-1]}"
        raise QuarterMistake(f"{text} is not among the quarters {known}; FINSYNC_FIRST_QUARTER sets the first")
    return day
