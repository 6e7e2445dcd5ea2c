"""Reading of dates: the declared formats and nothing else, and snapping of period ends to the month's end."""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta

from finsync_pipeline.statements.mapping import Dates, PeriodEnds, is_year_alone


class UnreadableDate(ValueError):
    """The text is not one date in the declared formats; `reason` is `date_unreadable` or `date_ambiguous`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_date(text: str, declared: Dates) -> date:
    """The one date that the text means in the declared formats.

    Raises UnreadableDate if no format fits, or if two fit and mean different days.
    """
    year_end = declared.year_end if isinstance(declared, PeriodEnds) else None
    found = {day for fmt in declared.formats if (day := _in_format(text, fmt, year_end))}
    if len(found) == 1:
        return found.pop()
    raise UnreadableDate("date_ambiguous" if found else "date_unreadable")


def readable_date(text: str, declared: Dates) -> date | None:
    """As `read_date`, but None where that raises."""
    try:
        return read_date(text, declared)
    except UnreadableDate:
        return None


def read_period_end(text: str, declared: PeriodEnds) -> date:
    """The date of the text, moved to the end of a month that is at most `snap_days` away."""
    day = read_date(text, declared)
    ahead, behind = monthrange(day.year, day.month)[1] - day.day, day.day
    nearest = ahead if ahead <= behind else -behind
    if abs(nearest) > declared.snap_days or day < date(1, 2, 1):  # no month before the first of the calendar
        return day
    return day + timedelta(days=nearest)


def quarter_of(day: date) -> date:
    """First day of the calendar quarter that the day is in."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def quarter_label(day: date) -> str:
    """The quarter of the day as people write it: `2009-Q4`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _in_format(text: str, fmt: str, year_end: str | None) -> date | None:
    text = text.strip()
    try:
        day = datetime.strptime(text, fmt)
    except ValueError:
        return None
    if year_end and is_year_alone(fmt):
        month, last = map(int, year_end.split("-"))
        is_end_of_february = month == 2 and last >= 28
        return date(day.year, month, monthrange(day.year, 2)[1] if is_end_of_february else last)
    # Nothing separates the digits of 2009111: strptime finds a November in it, but it may be any month or day.
    return day.date() if not _RUN_TOGETHER.search(fmt) or day.strftime(fmt) == text else None


_RUN_TOGETHER = re.compile(r"%[YymdjHMS]%[YymdjHMS]")
