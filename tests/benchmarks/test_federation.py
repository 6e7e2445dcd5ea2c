"""The benchmark of federation: what its sources hold, and that pushdown switched off gives the same answers."""

from collections import Counter
from collections.abc import Iterator

import pytest
from local_services import answering_service

from benchmarks.federation import dataset, queries
from benchmarks.federation.mediator_process import answer, deployment
from finsync_pipeline.federation import live, source_answer
from finsync_pipeline.federation.deployment import Deployment
from source_services.settings import Service

ROWS = 1_000
COMPANIES = dataset.companies(ROWS // dataset.QUARTERS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The three sources of the benchmark, with a thousand rows each."""
    folder = tmp_path_factory.mktemp("federation")
    reference = dataset.write_reference(COMPANIES, folder / "reference")
    services = {name: Service(name, 0, "period_end", (("company",),)) for name in dataset.SOURCES}
    files = {name: dataset.write_source(name, COMPANIES, ROWS, folder / name) for name in services}
    income, balance, cash_flow = (answering_service(services[name], files[name]) for name in services)
    with income as one, balance as two, cash_flow as three:
        urls = dict(zip(services, (one.url, two.url, three.url), strict=True))
        yield deployment(urls, reference, folder)


def test_the_companies_have_names_and_ids_of_their_own() -> None:
    listed = dataset.companies(20_000)
    assert len({company.id for company in listed}) == len({company.name for company in listed}) == 20_000


def test_a_company_has_three_spellings_of_which_each_source_has_its_own() -> None:
    income, balance = (dataset.spellings(COMPANIES[3], source) for source in ("income", "balance"))
    assert income == dataset.spellings(COMPANIES[3], "income")
    assert len(set(income)) == 3
    assert income[0] == balance[0] == COMPANIES[3].id
    assert income[1:] != balance[1:]


def test_a_tenth_of_the_ids_are_damaged_and_some_rows_are_restated() -> None:
    rows = list(dataset._rows("income", dataset.KINDS["income"], COMPANIES, ROWS))
    assert len(rows) == ROWS
    assert len(rows[0]) == dataset.COLUMNS
    listed = {company.id for company in COMPANIES}
    assert 0.05 < sum(row[1] not in listed for row in rows) / ROWS < 0.15
    assert max(Counter(row[3] for row in rows).values()) == len(COMPANIES) + 1


def test_texts_in_brackets_are_negative_numbers() -> None:
    rows = list(dataset._rows("bracketed", dataset.KINDS["bracketed"], COMPANIES, 100))
    cells = {cell for row in rows for cell in row[6:] if cell is not None}
    assert all(isinstance(cell, str) for cell in cells)
    assert any(cell.startswith("(") and cell.endswith(")") and "," in cell for cell in cells)


ASKED = {
    **{f"one cell, {view}": sql for view, sql in queries.one_cell(COMPANIES[6].id).items()},
    **{f"one quarter, {view}": sql for view, sql in queries.one_quarter().items()},
    **{f"top 10, {view}": sql for view, sql in queries.top_10().items()},
    **queries.three_sources(COMPANIES[6].id),
    "everything": queries.everything(),
}


@pytest.mark.parametrize("what", ASKED)
def test_all_ways_of_a_query_have_the_same_answer(small: Deployment, what: str) -> None:
    parts, everything = (answer(ASKED[what], way, small)[0] for way in ("parts", "everything"))
    assert parts.num_rows > 0
    assert sorted(map(repr, parts.to_pylist())) == sorted(map(repr, everything.to_pylist()))


def test_a_plain_download_that_is_read_has_the_same_rows(small: Deployment) -> None:
    read, asked = (answer(queries.everything(), way, small)[0] for way in ("plain client", "parts"))
    assert sorted(map(repr, read.to_pylist())) == sorted(map(repr, asked.to_pylist()))


def test_switching_pushdown_off_lasts_for_one_query(small: Deployment) -> None:
    before = source_answer.part_of, live.top_n_of, live.aggregation_of
    answer(queries.top_10()["facts"], "everything", small)
    assert (source_answer.part_of, live.top_n_of, live.aggregation_of) == before


def test_an_answer_is_taken_from_the_cache_only_if_that_is_asked(small: Deployment) -> None:
    sql = queries.top_10()["income_statement"]
    assert [answer(sql, way, small)[1] for way in ("parts", "kept", "parts")] == [False, True, False]
