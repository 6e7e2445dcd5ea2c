"""Random queries: the live answer is DuckDB's over the tables that the pipeline makes, and sources are sent conditions.

A failure shows the seeds, by which `the_query` makes the query again, and its SQL.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from federation.compared_answers import answer_and_difference
from federation.random_conditions import Samples
from federation.random_queries import QueryMaker, RandomQuery
from federation.small_deployment import Compared, serving_small
from federation.small_sources import small_sources

from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.live_plan import LivePlan

FEW, MANY = 30, 350
LEAST_SHARE = 0.1
"""Of queries of which a source is sent a condition, and of requests for which fewer rows come than the table has."""
MODERN = ("ledger", "filings", "feed", "registry")
PLAIN = ("notes", "feed", "registry")
"""Served without Arrow and versions, and one of them without SQL: what is known of them is learnt for each query."""


@dataclass
class Tally:
    """What became of some queries."""

    queries: int = 0
    answers_with_rows: int = 0
    errors: int = 0
    with_condition: int = 0
    requests: int = 0
    narrow_requests: int = 0
    mismatches: list[str] = field(default_factory=list)

    def add(self, answer: Answer | None, sizes: dict[str, int]) -> None:
        """Count one answer; `sizes` are the numbers of rows of the sources."""
        self.queries += 1
        if answer is None:
            self.errors += 1
            return
        assert isinstance(answer.plan, LivePlan)
        asked = [report for report in answer.plan.sources if report.sent]
        self.answers_with_rows += answer.table.num_rows > 0
        self.with_condition += any(" WHERE " in report.sent[0] for report in asked)
        self.requests += len(asked)
        self.narrow_requests += sum(report.rows < 0.9 * sizes[report.source] for report in asked)


def the_query(compared: Compared, seed: int, number: int) -> RandomQuery:
    """The query of this number."""
    return QueryMaker(Random(f"{seed} {number}"), Samples.of(compared.reference)).query()


def ask(compared: Compared, data_seed: int, seed: int, count: int, sources: tuple[str, ...]) -> Tally:
    """The tally of this number of queries."""
    sizes = {each.mapping.name: len(each.rows) for each in small_sources(data_seed) if each.mapping.name in sources}
    tally, samples = Tally(), Samples.of(compared.reference)
    for number in range(count):
        query = QueryMaker(Random(f"{seed} {number}"), samples).query()
        answer, difference = answer_and_difference(query, compared)
        tally.add(answer, sizes)
        if difference:
            place = f"data {data_seed}, seed {seed}, number {number}"
            tally.mismatches.append(f"{place}: the answer {difference}\n{query.sql}")
    return tally


def served(data_seed: int, names: tuple[str, ...], folder: Path, plain: tuple[str, ...] = ()) -> "Iterator[Compared]":
    sources = [each for each in small_sources(data_seed) if each.mapping.name in names]
    with serving_small(sources, folder, plain) as compared:
        yield compared


@pytest.fixture
def modern(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Compared]:
    yield from served(request.param, MODERN, tmp_path)


@pytest.fixture
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Compared]:
    yield from served(request.param, PLAIN, tmp_path, PLAIN)


def check(tally: Tally) -> None:
    """No mismatch; and most queries have rows, and conditions that are sent."""
    print(tally)
    assert not tally.mismatches, "\n\n".join(tally.mismatches)
    assert tally.answers_with_rows > 0.6 * tally.queries
    assert tally.errors < 0.1 * tally.queries


@pytest.mark.parametrize(("modern", "seed"), [(1, 1)], indirect=["modern"])
def test_answers_of_random_queries(modern: Compared, seed: int) -> None:
    tally = ask(modern, 1, seed, FEW, MODERN)
    check(tally)
    assert tally.with_condition > LEAST_SHARE * tally.queries
    assert tally.narrow_requests > LEAST_SHARE * tally.requests


@pytest.mark.parametrize(("plain", "seed"), [(1, 1)], indirect=["plain"])
def test_answers_of_random_queries_to_sources_without_arrow_and_versions(plain: Compared, seed: int) -> None:
    check(ask(plain, 1, seed, FEW // 5, PLAIN))


@pytest.mark.long
@pytest.mark.parametrize(("modern", "seed"), [(data, data) for data in range(2, 8)], indirect=["modern"])
def test_answers_of_many_random_queries(modern: Compared, seed: int) -> None:
    tally = ask(modern, seed, seed, MANY, MODERN)
    check(tally)
    assert tally.with_condition > LEAST_SHARE * tally.queries
    assert tally.narrow_requests > LEAST_SHARE * tally.requests


@pytest.mark.long
@pytest.mark.parametrize(("plain", "seed"), [(data, data) for data in (2, 3)], indirect=["plain"])
def test_answers_of_many_random_queries_to_sources_without_arrow_and_versions(plain: Compared, seed: int) -> None:
    check(ask(plain, seed, seed, MANY // 5, PLAIN))
