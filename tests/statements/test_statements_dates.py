"""A text is one day in the declared formats, or is refused; period ends are moved to the month's end."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsync_pipeline.statements.dates import UnreadableDate, quarter_of, read_date, read_period_end
from finsync_pipeline.statements.mapping import Dates, PeriodEnds


def dates(*formats: str) -> Dates:
    return Dates(column="d", formats=list(formats))


def snapped(text: str, days: int) -> date:
    return read_period_end(text, PeriodEnds(column="d", snap_days=days))


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("2009-12-31", ["%Y-%m-%d"]),
        (" 2009-12-31\n", ["%Y-%m-%d"]),
        ("12/31/2009", ["%m/%d/%Y"]),
        ("31.12.2009", ["%d.%m.%Y"]),
        ("31.12.09", ["%d.%m.%y"]),
        ("December 31, 2009", ["%B %d, %Y"]),
        ("31-Dec-2009", ["%d-%b-%Y"]),
        ("20091231", ["%Y%m%d"]),
        ("2009-365", ["%Y-%j"]),
        ("2009-12-31T00:00:00", ["%Y-%m-%dT%H:%M:%S"]),
        ("12/31/2009", ["%m/%d/%Y", "%d/%m/%Y"]),
        ("2009-12-31", ["%d.%m.%Y", "%Y-%m-%d"]),
    ],
)
def test_a_date_is_read_in_its_format(text: str, formats: list[str]) -> None:
    assert read_date(text, dates(*formats)) == date(2009, 12, 31)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "n/a",
        "31.12.2009",
        "2009-13-01",
        "2009-02-29",
        "2009-12",
        "2009-12-31 x",
        "09-12-31",
        "0000-12-31",
    ],
)
def test_what_is_not_a_date_in_the_format_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableDate) as raised:
        read_date(text, dates("%Y-%m-%d"))
    assert raised.value.reason == "date_unreadable"


@pytest.mark.parametrize("text", ["2009111", "200911", "2009 1 1"])
def test_digits_that_run_together_are_not_parted_by_guess(text: str) -> None:
    with pytest.raises(UnreadableDate):
        read_date(text, dates("%Y%m%d"))


def test_two_formats_that_read_different_days_are_ambiguous() -> None:
    with pytest.raises(UnreadableDate) as raised:
        read_date("03/04/2010", dates("%m/%d/%Y", "%d/%m/%Y"))
    assert raised.value.reason == "date_ambiguous"


def test_two_formats_that_read_the_same_day_are_not() -> None:
    assert read_date("03/03/2010", dates("%m/%d/%Y", "%d/%m/%Y")) == date(2010, 3, 3)


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("2009-12-26", 7, date(2009, 12, 31)),  # years of 52 or 53 weeks
        ("2010-01-02", 7, date(2009, 12, 31)),
        ("2010-01-03", 3, date(2009, 12, 31)),
        ("2010-01-04", 3, date(2010, 1, 4)),
        ("2009-12-28", 3, date(2009, 12, 31)),
        ("2009-12-27", 3, date(2009, 12, 27)),
        ("2009-12-31", 7, date(2009, 12, 31)),
        ("2009-12-30", 0, date(2009, 12, 30)),
        ("2012-02-26", 7, date(2012, 2, 29)),
        ("2011-02-26", 7, date(2011, 2, 28)),
        ("2012-02-29", 0, date(2012, 2, 29)),
        ("2012-03-01", 1, date(2012, 2, 29)),
        ("2012-02-15", 10, date(2012, 2, 15)),
        ("0001-01-02", 7, date(1, 1, 2)),
        ("9999-12-30", 7, date(9999, 12, 31)),
    ],
)
def test_a_period_end_is_moved_to_a_months_end_nearby(text: str, days: int, expected: date) -> None:
    assert snapped(text, days) == expected


def test_a_week_year_that_ends_in_january_belongs_to_the_quarter_before() -> None:
    assert quarter_of(snapped("2010-01-02", 7)) == date(2009, 10, 1)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), st.integers(0, 10))
def test_snapping_moves_no_further_than_declared_and_only_to_a_months_end(day: date, days: int) -> None:
    moved = snapped(day.isoformat(), days)
    assert abs((moved - day).days) <= days
    assert moved == day or (moved + timedelta(days=1)).day == 1
    assert snapped(moved.isoformat(), days) == moved


@pytest.mark.parametrize("month", range(1, 13))
def test_the_quarter_of_a_day_is_the_first_day_of_its_three_months(month: int) -> None:
    assert quarter_of(date(2012, month, 29)) == date(2012, {0: 1, 1: 4, 2: 7, 3: 10}[(month - 1) // 3], 1)
