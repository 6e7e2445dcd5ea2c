"""Queries with more conditions than a service takes in one statement."""

from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest
from federation.compared_answers import answer_and_difference
from federation.random_queries import RandomQuery
from federation.small_deployment import Compared, serving_small
from federation.small_sources import small_sources

URL_CHARACTERS = 8_000
"""What many servers take of a URL."""
SPANS = [(7 * number - 500, 7 * number - 495) for number in range(200)]
"""Four of seven whole numbers from -500 to 900."""


def one_of(spans: list[tuple[int, int]]) -> str:
    return " OR ".join(f"(revenue > {low} AND revenue < {high})" for low, high in spans)


LONG, SHORT = one_of(SPANS), one_of(SPANS[:120])
KEYS = "source, company_id, period_end, months, currency"
QUERIES = {
    "rows": f"SELECT {KEYS}, revenue FROM income_statement WHERE {LONG}",
    "rows of a company": f"SELECT {KEYS}, revenue FROM income_statement WHERE company_id = '1002' AND ({LONG})",
    "first rows": f"SELECT {KEYS}, revenue FROM income_statement WHERE {LONG} ORDER BY revenue DESC, {KEYS} LIMIT 4",
    "last rows": f"SELECT {KEYS}, revenue FROM income_statement WHERE {LONG} ORDER BY revenue, {KEYS} LIMIT 30",
    "groups": f"SELECT count(*) AS n, min(revenue) AS least, max(revenue) AS most FROM income_statement WHERE {LONG}",
    "a condition that some take": f"SELECT {KEYS}, revenue FROM income_statement WHERE {SHORT}",
    "first rows of these": f"SELECT {KEYS}, revenue FROM income_statement WHERE {SHORT} "
    f"ORDER BY revenue, {KEYS} LIMIT 9",
    "each must be true": f"SELECT {KEYS}, revenue FROM income_statement WHERE "
    + " AND ".join(f"(revenue < {low} OR revenue > {high})" for low, high in SPANS),
    "groups by period": "SELECT period_end, count(*) AS number, max(revenue) AS most FROM income_statement "
    f"WHERE company_id IN ({', '.join(repr(str(number)) for number in range(999, 2_400))}) GROUP BY period_end",
}


@pytest.fixture(scope="module", params=["with Arrow", "plain"])
def compared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    plain = ["ledger", "feed"] if request.param == "plain" else []
    with serving_small(small_sources(1)[:4], tmp_path_factory.mktemp("long"), plain=plain) as served:
        yield served


@pytest.mark.parametrize("kind", QUERIES)
def test_the_answer_does_not_depend_on_what_a_service_takes(compared: Compared, kind: str) -> None:
    answer, found = answer_and_difference(RandomQuery(QUERIES[kind], is_ordered="LIMIT" in QUERIES[kind]), compared)
    assert found is None
    assert answer is not None
    assert answer.table.num_rows
    plain = {name for name, mapping in compared.deployment.mappings.items() if mapping.table == "pnl"}
    for report in answer.plan.as_dict()["sources"]:
        if report["source"] in plain:
            assert all(len(quote_plus(sql)) < URL_CHARACTERS for sql in report["sent"])
