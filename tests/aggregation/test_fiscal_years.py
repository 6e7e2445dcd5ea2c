"""Fiscal years and quarters by the year end of each company."""

from datetime import date
from typing import Any

import pytest
from derived_rows import period, selected
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline.aggregation.fiscal_years import fiscal_years_sql


def years(*rows: dict[str, Any], **options: str) -> dict[str, tuple[int, int]]:
    """Fiscal year and quarter by period end."""
    found = selected(fiscal_years_sql("financials", **options), rows)
    return {str(day): (year, quarter) for _, day, year, quarter, _ in found}


def quarters(*days: str) -> list[dict[str, Any]]:
    return [period(day, 3) for day in days]


def test_quarters_count_from_the_year_end():
    found = years(
        period("2009-01-31", 12), period("2010-01-31", 12), *quarters("2009-04-30", "2009-07-31", "2009-10-31")
    )
    assert found == {
        "2009-01-31": (2009, 4), "2009-04-30": (2010, 1), "2009-07-31": (2010, 2), "2009-10-31": (2010, 3),
        "2010-01-31": (2010, 4),
    }  # fmt: skip


def test_before_the_first_and_after_the_last_year_the_year_end_is_the_same():
    found = years(period("2009-06-30", 12), *quarters("2006-09-30", "2012-03-31"))
    assert (found["2006-09-30"], found["2012-03-31"]) == ((2007, 1), (2012, 3))


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2009-12-27", (2009, 4)), ("2010-01-02", (2009, 4)), ("2010-01-07", (2009, 4)), ("2009-12-31", (2009, 4))],
)
def test_a_year_of_weeks_that_ends_in_the_first_days_of_january_belongs_to_the_year_before(
    day: str, expected: tuple[int, int]
):
    assert years(period(day, 12), period("2008-12-28", 12))[day] == expected
    assert years(period(day, 3), period("2008-12-28", 12), period("2011-01-01", 12))[day] == expected


def test_a_day_that_is_not_the_end_of_a_quarter_belongs_to_the_one_in_which_it_lies():
    found = years(period("2009-01-31", 12), period("2008-12-31", 0), period("2009-02-28", 0), period("2009-03-31", 0))
    assert [found[day] for day in ("2008-12-31", "2009-02-28", "2009-03-31")] == [(2009, 4), (2010, 1), (2010, 1)]


def test_a_company_that_changes_its_year_end_has_each_year_as_it_was():
    before = [period("2007-11-30", 12), period("2008-11-30", 12), *quarters("2008-02-29", "2008-05-31")]
    after = [period("2009-12-31", 12), period("2010-12-31", 12), *quarters("2009-03-31", "2010-09-30", "2011-03-31")]
    assert years(*before, *after) == {
        "2007-11-30": (2007, 4), "2008-02-29": (2008, 1), "2008-05-31": (2008, 2), "2008-11-30": (2008, 4),
        "2009-03-31": (2009, 1), "2009-12-31": (2009, 4), "2010-09-30": (2010, 3), "2010-12-31": (2010, 4),
        "2011-03-31": (2011, 1),
    }  # fmt: skip


def test_days_between_an_old_and_a_new_year_end_count_by_the_nearest_year():
    found = years(period("2010-12-31", 12), period("2012-06-30", 12), *quarters("2011-03-31", "2011-09-30"))
    assert (found["2011-03-31"], found["2011-09-30"]) == ((2011, 1), (2012, 1))


def test_published_trailing_twelve_months_are_not_fiscal_years():
    december = [period(f"{year}-12-31", 12) for year in (2007, 2008, 2009)]
    trailing = [period("2008-06-30", 12), period("2009-06-30", 12), period("2010-03-31", 12)]
    found = years(*december, *trailing)
    assert [found[day] for day in ("2008-06-30", "2009-06-30", "2010-03-31")] == [(2008, 2), (2009, 2), (2010, 1)]
    assert found["2009-12-31"] == (2009, 4)


def test_of_year_ends_that_are_equally_frequent_the_later_counts():
    assert years(period("2009-06-30", 12), period("2009-12-31", 12)) == {
        "2009-06-30": (2009, 2),
        "2009-12-31": (2009, 4),
    }


def test_without_a_year_the_calendar_year_is_assumed_and_marked():
    rows = [
        period("2009-04-30", 3),
        period("2009-04-30", 0, company_id="c2"),
        period("2009-04-30", 12, company_id="c2"),
    ]
    found = selected(f"FROM ({fiscal_years_sql('financials')}) ORDER BY company_id", rows)
    assert found == [("c1", date(2009, 4, 30), 2009, 2, True), ("c2", date(2009, 4, 30), 2009, 4, False)]


def test_days_of_another_table_are_those_asked_for():
    rows = [period("2009-06-30", 12), period("2009-09-30", 3)]
    days = "(SELECT 'c1' AS company_id, DATE '2010-03-31' AS period_end, 12 AS months)"
    assert years(*rows, days=days) == {"2010-03-31": (2010, 3)}


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.tuples(st.integers(2000, 2009), st.integers(1, 12)), min_size=1, max_size=8),
    st.sets(st.tuples(st.integers(1998, 2011), st.integers(1, 12)), min_size=1, max_size=8),
)
def test_each_day_has_one_year_that_ends_less_than_a_year_later(
    annual: set[tuple[int, int]], others: set[tuple[int, int]]
):
    rows = [period(f"{year}-{month:02}-28", months) for of, months in ((annual, 12), (others, 3)) for year, month in of]
    found = selected(fiscal_years_sql("financials"), rows)
    assert len(found) == len({row["period_end"] for row in rows})
    for _, day, year, quarter, is_assumed in found:
        assert 1 <= quarter <= 4
        assert year in (day.year, day.year + 1)
        assert not is_assumed
