"""A text is one day in the declared formats, or is refused; period ends are moved to the month's end."""

from calendar import monthrange
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


@pytest.mark.parametrize(
    ("text", "month_end"),
    [
        ("2016-09-24", date(2016, 9, 30)),  # Apple: the last Saturday of September, here 6 days before its end
        ("2015-09-26", date(2015, 9, 30)),
        ("2017-09-30", date(2017, 9, 30)),
        ("2015-12-26", date(2015, 12, 31)),  # Intel: the last Saturday of December
        ("2016-12-31", date(2016, 12, 31)),
        ("2016-01-02", date(2015, 12, 31)),  # HanesBrands: the Saturday nearest to the end of December
        ("2015-01-03", date(2014, 12, 31)),
        ("2013-12-28", date(2013, 12, 31)),
        ("2015-10-03", date(2015, 9, 30)),  # Walt Disney: the Saturday nearest to the end of September
        ("2014-09-27", date(2014, 9, 30)),
        ("2014-02-01", date(2014, 1, 31)),  # Target: the Saturday nearest to the end of January
        ("2013-02-03", date(2013, 1, 31)),  # Home Depot: the Sunday nearest to it
        ("2016-01-31", date(2016, 1, 31)),  # Wal-Mart: the last day of January
        ("2015-07-25", date(2015, 7, 31)),  # Cisco: the last Saturday of July
        ("2014-08-03", date(2014, 7, 31)),  # Campbell Soup: the Sunday nearest to the end of July
        ("2015-05-31", date(2015, 5, 31)),  # General Mills: the last Sunday of May
        ("2016-02-29", date(2016, 2, 29)),
        ("2015-06-13", date(2015, 6, 13)),  # PepsiCo: a quarter of 12 weeks
        ("2015-06-15", date(2015, 6, 15)),
        ("2015-06-22", date(2015, 6, 22)),  # 8 days before the end of June
        ("2015-06-08", date(2015, 6, 8)),  # 8 days after the end of May
    ],
)
def test_without_a_declaration_fiscal_years_of_weeks_end_with_a_month(text: str, month_end: date) -> None:
    assert read_period_end(text, PeriodEnds(column="d")) == month_end


@given(st.integers(1990, 2040), st.integers(1, 12), st.integers(0, 6))
def test_the_last_and_the_nearest_weekday_of_every_month_end_with_it(year: int, month: int, weekday: int) -> None:
    end = date(year, month, monthrange(year, month)[1])
    last = end - timedelta(days=(end.weekday() - weekday) % 7)
    nearest = last if (end - last).days <= 3 else last + timedelta(days=7)
    assert {read_period_end(day.isoformat(), PeriodEnds(column="d")) for day in (last, nearest)} == {end}


@pytest.mark.parametrize(
    ("text", "year_end", "expected"),
    [
        ("2012", "12-31", date(2012, 12, 31)),
        (" 2012 ", "06-30", date(2012, 6, 30)),
        ("2012", "01-31", date(2012, 1, 31)),
        ("2012", "02-28", date(2012, 2, 29)),
        ("2011", "02-28", date(2011, 2, 28)),
        ("2012", "02-29", date(2012, 2, 29)),
        ("2011", "02-29", date(2011, 2, 28)),
        ("2012", "04-05", date(2012, 4, 5)),
    ],
)
def test_a_fiscal_year_ends_on_the_declared_day(text: str, year_end: str, expected: date) -> None:
    declared = PeriodEnds(column="For Year", formats=["%Y"], year_end=year_end, snap_days=0)
    assert read_period_end(text, declared) == expected


def test_a_year_alone_may_stand_beside_whole_dates() -> None:
    declared = PeriodEnds(column="d", formats=["FY%y", "%Y-%m-%d"], year_end="06-30")
    days = [read_period_end(text, declared) for text in ("FY12", "2012-03-31")]
    assert days == [date(2012, 6, 30), date(2012, 3, 31)]


@pytest.mark.parametrize("text", ["12", "2012.0", "2012-12", "0000", "FY2012"])
def test_what_is_not_a_year_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableDate):
        read_period_end(text, PeriodEnds(column="d", formats=["%Y"], year_end="12-31"))


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
