"""The override for development: services and runs work with the code of a folder, not with that of the images."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment.engine import PROJECT, needs_docker
from deployment.stack import LOCATION, Stack, within

pytestmark = needs_docker


@pytest.fixture(scope="module")
def checkout(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project whose code the deployment has mounted."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("docker-compose.yml", "docker-compose.dev.yml"):
        shutil.copy(PROJECT / name, folder)
    for name in ("finsync_pipeline", "source_services"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    change(folder / "finsync_pipeline" / "defs" / "companies.py", '"read_from":', '"read_from_the_checkout":')
    for package in ("finsync_pipeline", "source_services"):
        change(folder / package / "__init__.py", '"""', '"""Of the checkout. ')
    stack.compose("up", "--wait", override="docker-compose.dev.yml", folder=folder, seconds=300)
    yield folder
    stack.compose("up", "--wait", seconds=300)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def descriptions(stack: Stack) -> dict[str, str]:
    """What the web UI says of each job."""
    query = """query($location: RepositorySelector!) {repositoryOrError(repositorySelector: $location) {
        ... on Repository {jobs {name description}}}}"""
    jobs = stack.ask(query, location=LOCATION)["repositoryOrError"]["jobs"]
    return {job["name"]: job["description"] for job in jobs}


def test_a_run_works_with_the_mounted_code(stack, checkout):
    run = stack.launch_by_graphql("quarter", keys=["companies", "company_aliases"])
    stack.succeeded(run)
    query = """query($run: ID!) {runOrError(runId: $run) {... on Run {assetMaterializations {
        metadataEntries {label}}}}}"""
    made = stack.ask(query, run=run)["runOrError"]["assetMaterializations"]
    assert "read_from_the_checkout" in {entry["label"] for each in made for entry in each["metadataEntries"]}


def test_a_change_counts_after_the_code_location_is_reloaded(stack, checkout):
    change(checkout / "finsync_pipeline" / "defs" / "jobs.py", "Publish the summary", "Just changed: publish it")
    assert "Just changed" not in descriptions(stack)["release"]
    reload = """mutation($name: String!) {reloadRepositoryLocation(repositoryLocationName: $name) {__typename}}"""
    stack.ask(reload, name="finsync")
    assert within(60, lambda: "Just changed" in descriptions(stack)["release"])


@pytest.mark.parametrize(("service", "package"), [("pnl", "source_services"), ("api", "finsync_pipeline")])
def test_source_services_and_the_api_work_with_the_mounted_code(stack, checkout, service, package):
    description = stack.inside(service, "python", "-c", f"import {package}; print({package}.__doc__)")
    assert description.startswith("Of the checkout.")
