"""The comparison of answers can fail: each planted fault is found by a query, and without faults none is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from federation.compared_answers import difference
from federation.planted_faults import FAULTS
from federation.random_conditions import Samples
from federation.random_queries import QueryMaker
from federation.small_deployment import Compared, serving_small
from federation.small_sources import small_sources

RANDOM_QUERIES = 30
"""Random queries that are tried for each fault."""
FOUND_BY_THEM = 8
"""The number of faults that must be found: others need a query of their own."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    with serving_small(small_sources(1)[:4], tmp_path_factory.mktemp("faults")) as served:
        yield served


def of_its_own(compared: Compared, folder: Path) -> Compared:
    """The same, with nothing learnt yet."""
    return replace(compared, deployment=replace(compared.deployment, cache=folder / "cache"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if place % 4 else []) for place, name in enumerate(FAULTS)]
)
def test_a_planted_fault_is_found(
    name: str, compared: Compared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    assert difference(fault.query, compared) is None
    fault.plant(monkeypatch)
    assert difference(fault.query, of_its_own(compared, tmp_path) if fault.is_learnt else compared) is not None


@pytest.mark.long
def test_random_queries_find_planted_faults_too(compared: Compared, tmp_path: Path) -> None:
    samples = Samples.of(compared.reference)
    queries = [QueryMaker(Random(f"1 {number}"), samples).query() for number in range(RANDOM_QUERIES)]
    found: dict[str, int | None] = {}
    for name, fault in reversed(FAULTS.items()):
        with pytest.MonkeyPatch.context() as patch:
            fault.plant(patch)
            asked = of_its_own(compared, tmp_path / name) if fault.is_learnt else compared
            found[name] = next((number for number, query in enumerate(queries) if difference(query, asked)), None)
        if sum(number is not None for number in found.values()) == FOUND_BY_THEM:
            return
    pytest.fail(f"too few are found; each with the number of the query that finds it: {found}")
