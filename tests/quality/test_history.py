"""Every version of a number: which counts on which day, what changed, and which were suspect when they came."""

from datetime import date
from typing import Any

import duckdb
import pytest
from factories import FIRST_SEEN, fact

from finsync_pipeline import frames
from finsync_pipeline.quality.agreement import agreement
from finsync_pipeline.quality.history import history, make_macros
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS, VERSIONS

EARLY, LATE, LATER = date(2010, 2, 1), date(2011, 2, 1), date(2012, 2, 1)


def version(value: float | None, known_since: date | None = EARLY, **cells: Any) -> dict[str, Any]:
    return {**fact(0, known_since=known_since, **cells), "value": value}


class Versions:
    """A connection with the history of some versions."""

    def __init__(self, *versions: dict[str, Any]) -> None:
        self.connection = duckdb.connect()
        frame = frames.to_arrow(VERSIONS.frame(list(versions)))
        history(self.connection, self.connection.from_arrow(frame)).create_view("history")
        make_macros(self.connection)

    def as_of(self, day: date, suspects: str = "withhold", column: str = "value") -> list[Any]:
        """The column of the numbers as they were known on the day."""
        sql = f"SELECT {column} FROM as_of($day, suspects := $suspects) ORDER BY ALL"
        return [row[0] for row in self.connection.execute(sql, {"day": day, "suspects": suspects}).fetchall()]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(sql).fetchall()


@pytest.mark.parametrize(
    ("day", "values"), [(date(2010, 1, 31), []), (EARLY, [5]), (date(2011, 1, 31), [5]), (LATE, [6]), (LATER, [6])]
)
def test_on_each_day_the_newest_version_counts_that_was_known(day: date, values: list[float]):
    assert Versions(version(5), version(6, LATE)).as_of(day) == values


def test_versions_of_one_day_that_differ_are_disputed():
    found = Versions(version(5), version(6, LATE), version(7, LATE, row_key="2"))
    assert (found.as_of(LATE), found.as_of(LATE, column="is_disputed")) == ([None], [True])
    assert (found.as_of(EARLY), found.as_of(EARLY, column="is_disputed")) == ([5], [False])


def test_a_version_without_a_day_may_be_the_newest_from_the_day_on_which_it_was_first_seen():
    found = Versions(version(5), version(6, None, first_seen=LATE))
    assert (found.as_of(EARLY), found.as_of(LATE)) == ([5], [None])
    assert Versions(version(5), version(5, None, first_seen=LATE)).as_of(LATE) == [5]


def test_a_row_that_its_source_corrects_counts_until_the_correction_and_nothing_after_it_is_gone():
    found = Versions(version(5, first_seen=EARLY, replaced_on=LATE), version(6, first_seen=LATE))
    assert (found.as_of(EARLY), found.as_of(LATE)) == ([5], [6])
    gone = Versions(version(5, replaced_on=LATE))
    assert (gone.as_of(EARLY), gone.as_of(LATE)) == ([5], [])
    assert gone.rows("SELECT before, after, cause, known_since FROM revisions()") == [(5, None, "gone", LATE)]


def test_a_number_that_was_withdrawn_counts_no_longer():
    found = Versions(version(5), version(None, LATE))
    assert (found.as_of(EARLY), found.as_of(LATE)) == ([5], [])
    assert found.rows("SELECT after, cause FROM revisions()") == [(None, "withdrawn")]


def of_years(value: float, known_since: date = EARLY, **cells: Any) -> list[dict[str, Any]]:
    """One version for each of 2006 to 2009."""
    return [version(value + year, known_since, period_end=date(year, 12, 31), **cells) for year in range(2006, 2010)]


@pytest.mark.parametrize(("factor", "cause"), [(1e3, "unit"), (1e-3, "unit"), (1e6, "unit"), (-1, "sign")])
def test_a_newer_version_off_by_a_unit_or_sign_is_suspect_and_does_not_count(factor: float, cause: str):
    right = 5_000_000.0 + 2009
    wrong = version(right * factor, LATE, period_end=date(2009, 12, 31), row_key="late")
    found = Versions(*of_years(5_000_000), wrong)
    assert found.rows("SELECT row_key, factor FROM history WHERE why IS NOT NULL") == [("late", pytest.approx(factor))]
    assert right in found.as_of(LATE)
    assert right * factor in found.as_of(LATE, "as filed")
    [(before, after, found_cause, of, suspect)] = found.rows(
        "SELECT before, after, cause, factor, suspect FROM revisions()"
    )
    assert (before, after, found_cause, suspect) == (right, right * factor, cause, "after")
    assert of == pytest.approx(factor)


def test_a_version_that_corrects_a_unit_is_not_suspect_but_the_one_before_it():
    wrong = version(5e9, LATE, period_end=date(2010, 12, 31))
    found = Versions(*of_years(5_000_000), wrong, version(5e6, LATER, period_end=date(2010, 12, 31)))
    assert found.rows("SELECT value FROM history WHERE why IS NOT NULL") == [(5e9,)]
    assert (5e9 in found.as_of(LATE), 5e6 in found.as_of(LATER)) == (False, True)
    assert found.rows("SELECT cause, suspect FROM revisions()") == [("unit", "before")]


def test_all_money_of_a_filing_that_is_off_is_suspect_new_items_too():
    items = ("revenue", "net_income", "income_tax", "gross_profit")
    good = [line for item in items for line in of_years(5_000_000, item=item)]
    late = [version(5e9, LATE, item=item, period_end=date(2010, 12, 31)) for item in (*items, "interest_expense")]
    found = Versions(*good, *late, version(3.5, LATE, item="eps_basic", period_end=date(2010, 12, 31)))
    suspects = found.rows("SELECT item FROM history WHERE why IS NOT NULL ORDER BY item")
    assert [item for (item,) in suspects] == sorted([*items, "interest_expense"])


def test_restatements_are_listed_with_their_amount_and_are_not_suspect():
    found = Versions(*of_years(100), version(2119, LATE, period_end=date(2009, 12, 31)))
    [(change, share, cause, suspect)] = found.rows("SELECT change, share, cause, suspect FROM revisions()")
    assert (change, share, cause, suspect) == (10, pytest.approx(10 / 2109), "restated", None)
    assert found.rows("SELECT * FROM history WHERE why IS NOT NULL") == []


def test_the_day_of_the_first_delivery_is_as_good_as_any():
    found = Versions(
        version(5, FIRST_SEEN, replaced_on=date(2026, 2, 1)), version(6, date(2026, 2, 1), first_seen=date(2026, 2, 1))
    )
    assert found.as_of(date(2026, 1, 31)) == [5]
    assert found.as_of(date(2026, 2, 1)) == [6]


def test_of_two_deliveries_on_one_day_the_later_one_counts():
    found = Versions(version(9, FIRST_SEEN, replaced_on=FIRST_SEEN), version(6, FIRST_SEEN))
    assert found.as_of(FIRST_SEEN) == [6]
    assert found.rows("SELECT before, after, cause FROM revisions()") == [(9, 6, "restated")]


@pytest.mark.parametrize(("factor", "verdict"), [(1000, "unit_suspect"), (-1, "sign_suspect")])
def test_the_version_before_a_suspect_one_is_published_and_the_source_is_named(factor: float, verdict: str):
    right = 5_000_000.0 + 2009
    wrong = version(right * factor, LATE, period_end=date(2009, 12, 31), row_key="late")
    found = Versions(*of_years(5_000_000), wrong)
    facts = FACTS.frame([{**line, "replaced_on": None} for line in [*of_years(5_000_000)[:-1], wrong]])
    used = found.connection.table_function("older_used").to_arrow_table()
    with duckdb.connect() as connection:
        given = connection.from_arrow(frames.to_arrow(facts))
        table = agreement(connection, given, Rules(), older_used=used)
        [(value, withheld, of, culprit, by, why)] = (
            table.filter("year(period_end) = 2009")
            .project("value, is_withheld, verdict, culprit, factor, why")
            .fetchall()
        )
    assert (value, withheld, of, culprit, by) == (right, False, verdict, "pnl", pytest.approx(factor))
    assert why.startswith("pnl since 2011-02-01 is ")
    assert why.endswith("the version since 2010-02-01 is used")
