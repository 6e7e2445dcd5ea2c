"""Days: which one a text, a year or a quarter of a release means."""

from datetime import date
from pathlib import Path

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.serving.errors import NotInRelease
from finsync_pipeline.serving.release_tables import ReleaseTables

YEAR_DAYS, ANNUAL = 366, 12


def read_day(text: str) -> date:
    """The day of a text such as 2009-12-31. Raises QueryError for another one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryError(f"{text!r} is not a day", "write it as 2009-12-31", "period_end") from None


def chosen_day(
    release: Path,
    company_id: str,
    item: str,
    first: date,
    last: date,
    months: int | None = None,
    currency: str | None = None,
) -> date:
    """The one day from `first` to `last` on which the release has the item of the company; of a single day, that day.

    Of several in a year it is the end of the only period of 12 months. Raises NotInRelease if there are several, and
    names them. Without any it is the last day, of which a trace shows what is there instead.
    """
    if first == last:
        return first
    with ReleaseTables(release) as tables:
        rows = [
            row
            for table in ("agreement", "facts", "texts")
            for row in tables.rows(table, company_id=company_id, item=item, months=months)
            if first <= row["period_end"] <= last and currency in (None, row.get("currency", currency))
        ]
    days: list[date] = sorted({row["period_end"] for row in rows})
    annual: list[date] = sorted({row["period_end"] for row in rows if row["months"] == ANNUAL})
    if len(days) > 1 and len(annual) == 1 and (last - first).days > YEAR_DAYS - 3:
        return annual[0]
    if len(days) > 1:
        fix = f"Name one of {', '.join(map(str, days))}"
        raise NotInRelease(f"there are {len(days)} period ends of {item} from {first} to {last}", fix, "PERIOD")
    return days[0] if days else last
