"""Reading of dates: the declared formats and nothing else, and snapping of period ends to the month's end."""

from calendar import monthrange
from datetime import date, datetime, timedelta

from finsync_pipeline.statements.mapping import Dates, PeriodEnds


class UnreadableDate(ValueError):
    """The text is no date in the declared formats; `reason` is `undated` or `date_ambiguous`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_date(text: str, declared: Dates) -> date:
    """The one date that the text means in the declared formats.

    Raises UnreadableDate if no format fits, or if two fit and mean different days.
    """
    found = {day for fmt in declared.formats if (day := _in_format(text, fmt))}
    if len(found) == 1:
        return found.pop()
    raise UnreadableDate("date_ambiguous" if found else "undated")


def read_period_end(text: str, declared: PeriodEnds) -> date:
    """The date of the text, moved to the end of a month that is at most `snap_days` away."""
    day = read_date(text, declared)
    ends = (_month_end(day), day.replace(day=1) - timedelta(days=1))
    nearest = min(ends, key=lambda end: abs(end - day))
    return nearest if abs(nearest - day).days <= declared.snap_days else day


def quarter_of(day: date) -> date:
    """First day of the calendar quarter that the day is in."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def _in_format(text: str, fmt: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), fmt).date()
    except ValueError:
        return None


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
