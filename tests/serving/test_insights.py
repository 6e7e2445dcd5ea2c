"""Insights over companies whose revenues are known: changes from year to year, outliers, and what is not compared."""

import shutil

import duckdb
import pytest

from finsync_pipeline.serving.insights import insights_of
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.screen import screen_of

LATEST = {f"C{number}": value for number, value in enumerate([10, 11, 12, 13, 14, 15, 16, 17, 1000])}
BEFORE = [("C0", "2008-12-31", 5), ("C1", "2008-12-31", 0), ("C2", "2008-06-30", 1), ("C3", "2008-12-31", 13)]


@pytest.fixture(scope="module")
def release(released, tmp_path_factory):
    """A copy of the release with these revenues and no others."""
    folder = tmp_path_factory.mktemp("insights") / "release"
    shutil.copytree((released.published / "current").resolve(), folder)
    rows = [*((company, "2009-12-31", value) for company, value in LATEST.items()), *BEFORE]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE revenues (company_id TEXT, period_end DATE, revenue DOUBLE)")
        connection.executemany("INSERT INTO revenues VALUES (?, ?, ?)", rows)
        for table, keys in (
            ("financials", "company_id, period_end, revenue"),
            ("company_summary", "company_id, revenue"),
        ):
            file = folder / f"{table}.parquet"
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{file}' LIMIT 0")
            given = "revenues" if table == "financials" else "(FROM revenues WHERE period_end = '2009-12-31')"
            counts = [
                row[0]
                for row in connection.execute(f"DESCRIBE {table}").fetchall()
                if row[1] == "BIGINT" and row[0] not in ("months", "finsync_row")
            ]
            months = ", 12 AS months" if table == "financials" else ""
            connection.execute(
                f"INSERT INTO {table} BY NAME SELECT {keys}, 'USD' AS currency{months}, "
                f"{', '.join(f'0 AS {name}' for name in counts)} FROM {given}"
            )
            file.chmod(0o644)
            folder.chmod(0o755)
            connection.execute(f"COPY {table} TO '{file}' (FORMAT parquet)")
    return OpenRelease(folder)


def found(release, **parameters):
    return insights_of(release, screen_of({"items": ["revenue"], **parameters}))


def test_changes_are_from_the_year_before_and_of_no_other_period(release):
    changes = found(release)
    assert [(each.company_id, each.absolute) for each in changes.absolute_changes] == [("C1", 11), ("C0", 5)]
    assert [(each.company_id, each.relative, each.before) for each in changes.relative_changes] == [("C0", 1.0, 5)]


def test_an_outlier_is_far_from_the_median_by_the_formula(release):
    [outlier] = found(release).outliers
    assert (outlier.company_id, outlier.median, outlier.values) == ("C8", 14, 9)
    assert outlier.robust_z == pytest.approx(0.6745 * 986 / 2)


def test_few_values_have_no_outliers(release):
    assert found(release, where=["revenue > 12"]).outliers == []


def test_only_companies_of_the_result_are_compared_whichever_page_is_asked_for(release):
    assert found(release, limit=1, after=3).companies == 9
    assert found(release, companies=["C0", "C3"]).companies == 2
    assert found(release, fiscal_years=[2008]).absolute_changes == []


def test_insights_and_the_page_of_a_result_agree_on_items(release):
    assert found(release, items=["book_value"]).items == ["equity"]
    assert "revenue" in insights_of(release, screen_of({})).items
