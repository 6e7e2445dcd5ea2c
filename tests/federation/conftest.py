"""A deployment with two releases, to be queried and not changed."""

from pathlib import Path

import pytest
from factories import fact
from releasing import FACTS_OF_FIRST, deployment_in, release_of
from shared_fixtures import made_once

from finsync_pipeline.federation.deployment import Deployment


def _release_twice(folder: Path) -> None:
    release_of(folder / "published")
    changed = [fact(11.0, "net_income") if each["item"] == "net_income" else each for each in FACTS_OF_FIRST]
    release_of(folder / "published", [*changed, fact(9.0, company_id="c2", source="other")])
    deployment_in(folder)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the deployment."""
    return made_once(tmp_path_factory, "queried", _release_twice)


@pytest.fixture
def deployment(folder: Path) -> Deployment:
    """The deployment."""
    return deployment_in(folder)


@pytest.fixture
def names(folder: Path) -> list[str]:
    """The names of both releases, the earlier one first."""
    return sorted(each.name for each in (folder / "published").glob("*Z"))
