"""Queries over releases: the views of one, the difference of two, and releases that cannot be had."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from factories import PROJECT, fact
from releasing import FACTS_OF_FIRST, deployment_in, release_of

from finsync_pipeline.errors import DataError
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import Limits
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.query import query
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.statements.tables import FACTS


def rows(sql: str, deployment: Deployment, **options) -> list[tuple]:
    return [tuple(row.values()) for row in query(sql, deployment, **options).to_arrow().to_pylist()]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_columns_and_types(deployment: Deployment, view: str):
    found = query(f"SELECT * FROM {view}", deployment, release="current")

    assert found.to_arrow().schema.equals(VIEWS[view].arrow)
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in found.to_pandas().dtypes)
    assert (found.missing, found.plan, found.from_cache) == ({}, None, False)


def test_a_view_of_a_statement_has_the_facts_of_a_source_side_by_side(deployment: Deployment):
    sql = """
        SELECT source, company_id, period_end::VARCHAR, months, currency, revenue, net_income, gross_profit
        FROM income_statement ORDER BY ALL
    """

    assert rows(sql, deployment, release="current") == [
        ("other", "c1", "2009-12-31", 12, "USD", 105.0, None, None),
        ("other", "c2", "2009-12-31", 12, "USD", 9.0, None, None),
        ("pnl", "c1", "2009-09-30", 12, "USD", 70.0, None, None),
        ("pnl", "c1", "2009-12-31", 3, "USD", 25.0, None, None),
        ("pnl", "c1", "2009-12-31", 12, "USD", 100.0, 11.0, None),
        ("pnl", "c2", "2009-12-31", 12, "USD", 0.1, None, None),
    ]


def test_a_view_of_a_statement_has_only_rows_with_an_item_of_it(deployment: Deployment):
    found = {view: rows(f"SELECT count(*) FROM {view}", deployment, release="current")[0][0] for view in STATEMENTS}

    assert found == {"income_statement": 6, "balance_sheet": 1, "cash_flow": 0}


def test_views_can_be_joined_with_the_list_of_companies(deployment: Deployment):
    sql = "SELECT name, max(value) FROM facts JOIN companies USING (company_id) GROUP BY name ORDER BY name"

    assert rows(sql, deployment, release="current") == [("One", 500.0), ("Two", 9.0)]


def test_a_release_is_found_by_its_name_and_by_the_beginning_of_it(folder: Path, names: list[str]):
    published = folder / "published"

    assert find_release(published, "current").name == names[1]
    assert [find_release(published, name).name for name in names] == names
    first = next(n for n in range(1, 17) if not names[1].startswith(names[0][:n]))
    assert find_release(published, names[0][:first]).name == names[0]


@pytest.mark.parametrize(
    ("name", "what"),
    [("2", "2 releases have a name that begins with '2'"), ("19990101", "no release '19990101'"), ("", "no release ''"),
     ("../published", "no release '../published'"), (".", "no release '.'")],
)  # fmt: skip
def test_a_release_that_there_is_not_is_reported_with_those_that_there_are(
    deployment: Deployment, names: list[str], name: str, what: str
):
    with pytest.raises(QueryError) as refused:
        query("SELECT * FROM facts", deployment, release=name)

    assert refused.value.what == what
    assert names[0] in refused.value.fix


def test_without_any_release_it_is_said_how_to_make_one(tmp_path: Path):
    with pytest.raises(QueryError, match="there is no release yet; make one: finsync run"):
        query("SELECT * FROM facts", deployment_in(tmp_path), release="current")


def test_a_release_of_what_was_known_on_a_day_can_be_queried(tmp_path: Path):
    folder = release_of(tmp_path / "published")
    beside = folder.rename(folder.with_name(f"{folder.name}_as_of_2015-03-31"))
    release_of(tmp_path / "published", [fact(1.0)])

    assert rows("SELECT count(*) FROM facts", deployment_in(tmp_path), release=beside.name) == [(len(FACTS_OF_FIRST),)]


def test_the_difference_has_the_rows_of_one_release_only(deployment: Deployment, names: list[str]):
    sql = "SELECT company_id, source, item, value FROM facts"
    expected = [
        (names[1], "c2", "other", "revenue", 9.0),
        (names[0], "c1", "pnl", "net_income", 10.0),
        (names[1], "c1", "pnl", "net_income", 11.0),
    ]

    assert rows(sql, deployment, release=names[0], against=names[1]) == sorted(expected, key=lambda r: (r[1:], r[0]))
    assert rows(sql, deployment, against=names[0]) == sorted(expected, key=lambda r: (r[1:], r[0]))


def test_the_difference_counts_rows_that_are_there_more_than_once(deployment: Deployment, names: list[str]):
    assert rows("SELECT source FROM facts WHERE source = 'other'", deployment, against=names[0]) == [
        (names[1], "other")
    ]
    assert rows("SELECT DISTINCT source FROM facts", deployment, against=names[0]) == []


def test_a_column_named_release_stays_beside_that_of_the_difference(deployment: Deployment, names: list[str]):
    found = query("SELECT count(*) AS release FROM facts", deployment, release=names[0], against="current").to_arrow()

    assert found.column_names == ["release", "release_1"]
    assert found.to_pydict() == {"release": names, "release_1": [7, 8]}


def test_a_release_compared_with_itself_is_refused(deployment: Deployment, names: list[str]):
    with pytest.raises(QueryError, match="is compared with itself; name another release"):
        query("SELECT * FROM facts", deployment, release="current", against=names[1])


def test_what_an_earlier_release_lacks_is_named_only_if_it_is_asked_for(tmp_path: Path):
    release = release_of(tmp_path / "published", without="texts", facts=FACTS_OF_FIRST, rejects=FACTS.frame())
    _drop_column(release / "facts.parquet", "known_since")
    deployment = deployment_in(tmp_path)

    assert rows("SELECT count(value) FROM facts", deployment, release="current") == [(len(FACTS_OF_FIRST),)]
    with pytest.raises(QueryError, match=r"release \S+ has no table texts; an earlier version made it"):
        query("SELECT * FROM texts", deployment, release="current")
    with pytest.raises(QueryError, match=r"release \S+ has no column known_since in facts; an earlier version"):
        query("SELECT f.known_since FROM facts f", deployment, release="current")
    release_of(tmp_path / "published")
    with pytest.raises(QueryError, match=r"only one of the releases has the column known_since; name the columns"):
        query("SELECT * FROM facts", deployment, release="current", against=release.name)
    _drop_column(release / "facts.parquet", "months")
    with pytest.raises(QueryError, match=r"release \S+ has no column months in facts; an earlier version"):
        query("SELECT revenue FROM income_statement", deployment, release=release.name)


def test_a_file_that_is_damaged_is_named(tmp_path: Path):
    file = release_of(tmp_path / "published") / "facts.parquet"
    file.chmod(0o644)
    file.write_text("damaged")

    with pytest.raises(DataError, match=r"facts\.parquet: it is not a Parquet file"):
        query("SELECT * FROM facts", deployment_in(tmp_path), release="current")


def _drop_column(file: Path, column: str) -> None:
    frame = pd.read_parquet(file, dtype_backend="pyarrow").drop(columns=column)
    file.chmod(0o644)
    frame.to_parquet(file, index=False)


def test_a_release_is_read_within_the_limits(folder: Path):
    with pytest.raises(QueryError, match="the answer has more than 3 rows"):
        query("SELECT * FROM facts", deployment_in(folder, Limits(rows=3)), release="current")


@pytest.mark.parametrize("options", [{"partial": True}, {"explain": True}])
def test_options_of_live_queries_are_refused_over_a_release(deployment: Deployment, options: dict[str, bool]):
    with pytest.raises(QueryError, match="over a release, no source is asked"):
        query("SELECT * FROM facts", deployment, release="current", **options)


def test_explain_over_a_release_is_refused_by_its_name(deployment: Deployment):
    with pytest.raises(QueryError, match="leave out partial, explain, and EXPLAIN before the SELECT"):
        query("EXPLAIN SELECT * FROM facts", deployment, release="current")


@pytest.mark.parametrize("before", ["-- all\n", "/* all\nfacts */ ", "\ufeff", "\ufeff -- all\n"])
def test_comments_and_a_byte_order_mark_before_the_query_are_passed_over(deployment: Deployment, before: str):
    assert rows(f"{before}SELECT count(*) FROM facts", deployment, release="current") == [(8,)]
    with pytest.raises(QueryError, match="over a release, no source is asked"):
        query(f"{before}EXPLAIN -- how\n SELECT * FROM facts", deployment, release="current")


def test_a_query_from_python_needs_no_dagster(folder: Path, tmp_path: Path):
    probe = """
import sys
import finsync_pipeline
assert not {"pandas", "duckdb", "pyarrow"} & set(sys.modules)
print(finsync_pipeline.query("SELECT count(*) AS n FROM facts", release="current").to_pandas()["n"].iloc[0])
assert "dagster" not in sys.modules
"""
    settings = {"FINSYNC_HOME": str(folder), "FINSYNC_REFERENCE": str(folder / "companies.csv")}

    done = subprocess.run(
        [sys.executable, "-c", probe], env={"PYTHONPATH": str(PROJECT), **settings}, capture_output=True, text=True,
        cwd=tmp_path,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("8\n", "")


def test_an_id_that_no_company_has_is_named_with_the_nearest(deployment):
    answer = query("SELECT value FROM facts WHERE company_id IN ('c1', '00c2')", deployment, release="current")
    assert answer.notes == ("company_id '00c2' is not in the list of companies; did you mean c2?",)
