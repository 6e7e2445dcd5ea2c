"""The benchmark of the API: what its release holds, what is asked of both servers, and how a load is summed up."""

import sqlite3
from contextlib import closing
from itertools import islice

import pytest

from benchmarks.api import dataset
from benchmarks.api.dataset import QUARTERS, Dataset
from benchmarks.api.load import Load, all_fine, percentile
from benchmarks.api.measures import growth
from benchmarks.api.requests import Asking
from finsync_pipeline.publishing.release import damages
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.statements import Wanted, rows_of

COMPANIES = 3
ROWS = QUARTERS + QUARTERS + QUARTERS // 4
"""Of a company: balances, quarters and years."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The release of the benchmark, of a few companies."""
    return dataset.write(COMPANIES, tmp_path_factory.mktemp("api"))


def test_the_release_is_whole_and_each_company_has_all_periods(small: Dataset) -> None:
    assert damages(small.release) == []
    release = OpenRelease(small.release)
    assert {company: len(rows_of(release, Wanted(company))) for company in small.company_ids} == dict.fromkeys(
        small.company_ids, ROWS
    )


def test_what_is_withheld_is_not_in_the_financials(small: Dataset) -> None:
    release = OpenRelease(small.release)
    cells = release.query("SELECT company_id, item, period_end, months FROM agreement WHERE is_withheld").rows
    assert cells
    for company, item, period_end, months in cells:
        [row] = [
            each
            for each in rows_of(release, Wanted(company))
            if (each["period_end"], each["months"]) == (period_end, months)
        ]
        assert row["items"][item] is None
        assert row["withheld"] > 0


def test_the_other_server_has_the_same_rows(small: Dataset) -> None:
    with closing(sqlite3.connect(small.database)) as database:
        assert database.execute("SELECT count(*) FROM financials").fetchone() == (COMPANIES * ROWS,)
        assert database.execute("SELECT count(*) FROM company_summary").fetchone() == (COMPANIES,)


def test_another_release_of_the_same_files_becomes_current(small: Dataset) -> None:
    before = small.release
    name = dataset.publish_again(small)
    assert (small.published / "current").resolve().name == name > before.name


def test_the_same_is_asked_in_every_run(small: Dataset) -> None:
    first, second = ([*islice(Asking(small).everything(), 50)] for _ in range(2))
    assert first == second
    assert len({*first}) > 20


def test_growth_compares_the_last_third_with_the_first() -> None:
    assert growth([90, 100, 100, *[300] * 3, 110, 90, 110]) == 1.1


def test_a_load_that_was_not_answered_is_an_error() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.95) == 3.0
    fine = Load(seconds=2, milliseconds=[1.0])
    fine.statuses[200] += 1
    assert all_fine(fine).per_second == 0.5
    fine.statuses[503] += 1
    with pytest.raises(RuntimeError, match="503"):
        all_fine(fine)
