"""A source service that is killed, silent, cut off, answers errors or half a body: the run says so, nothing is lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment.engine import docker, needs_docker
from deployment.stack import LOCATION, Stack, within

RELAY = Path(__file__).with_name("in_containers")
SILENT_SECONDS = 65
"""Longer than the 60 s that a run waits for an answer before it asks again."""

pytestmark = needs_docker


@pytest.fixture(scope="module")
def asked_while_silent(stack: Stack) -> Iterator[tuple[str, float]]:
    """A run over cash_flow, whose service is paused, and when it began; other tests go on meanwhile."""
    docker("pause", stack.container("cash_flow"))
    run = stack.work_on("cash_flow")
    stack.is_working(run)
    yield run, time.monotonic()
    if stack.inspect("cash_flow")["State"]["Paused"]:
        docker("unpause", stack.container("cash_flow"))


@pytest.fixture
def nothing_changes(stack: Stack, asked_while_silent: tuple[str, float]) -> Iterator[None]:
    """Nothing is published, and no table is another one, than before the test."""
    before = stack.tables(), stack.releases()
    assert before[0].count("\n") > 100
    yield
    assert (stack.tables(), stack.releases()) == before


def fails_with(stack: Stack, told: str, what: str) -> None:
    """A run over pnl fails and names the source, its address and what it did."""
    run = stack.finished(stack.work_on("pnl"))
    errors = stack.errors(run.id)
    assert run.status == "FAILURE"
    assert "Source 'pnl' at http://pnl:5001" in errors
    assert told in errors
    assert run.started
    assert run.ended
    stack.measured(f"{what}: run fails after", run.ended - run.started)


def test_a_service_that_is_killed(stack, nothing_changes):
    docker("kill", stack.container("pnl"))
    fails_with(stack, "cannot be reached", "service killed")
    docker("start", stack.container("pnl"))
    stack.wait_healthy("pnl")


def test_a_service_whose_process_dies_is_there_again(stack):
    stack.measured("process of a service killed: healthy again after", stack.kill("pnl"))
    stack.succeeded(stack.work_on("pnl"))


def test_a_service_that_is_cut_from_the_network(stack, nothing_changes):
    docker("network", "disconnect", "finsync_pnl", stack.container("pnl"))
    fails_with(stack, "cannot be reached", "service cut from the network")
    docker("network", "connect", "--alias", "pnl", "finsync_pnl", stack.container("pnl"))


@pytest.fixture(scope="module")
def relayed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A relay before pnl, in its container; the file says which fault it has."""
    folder = tmp_path_factory.mktemp("relay")
    folder.chmod(0o755)
    (folder / "relay.py").write_bytes((RELAY / "relay.py").read_bytes())
    (folder / "fault").touch()
    settings = {"FINSYNC_TEST_RELAY": str(folder)}
    up = ["up", "--detach", "--no-deps", "--wait", "pnl"]
    stack.compose(*up, override=str(RELAY / "relayed_pnl.yml"), settings=settings)
    yield folder / "fault"
    stack.compose(*up)


@pytest.mark.parametrize(
    ("fault", "told"), [("500", "returned 500"), ("half a body", "did not send its response to the end")]
)
def test_a_service_that_answers(stack, relayed, fault, told, nothing_changes):
    relayed.write_text(fault, encoding="utf-8")
    fails_with(stack, told, f"service answers {fault}")


def test_a_service_that_answers_again(stack, relayed):
    relayed.write_text("", encoding="utf-8")
    stack.succeeded(stack.work_on("pnl"))


def test_one_silent_service_does_not_end_the_sensor(stack, asked_while_silent):
    query = """query($sensor: SensorSelector!) {sensorOrError(sensorSelector: $sensor) {
        ... on Sensor {sensorState {ticks(limit: 20) {timestamp status skipReason}}}}}"""
    silent_since = time.time() - (time.monotonic() - asked_while_silent[1])  # faults of other tests were before

    def noticed() -> bool:
        sensor = stack.ask(query, sensor={**LOCATION, "sensorName": "source_changed"})["sensorOrError"]
        ticks = [tick for tick in sensor["sensorState"]["ticks"] if tick["timestamp"] > silent_since]
        assert not [tick for tick in ticks if tick["status"] == "FAILURE"]
        return any("no answer from cash_flow" in (tick["skipReason"] or "") for tick in ticks)

    # It looks once a minute, and waits a while for an answer
    assert within(120, noticed)


def test_a_service_that_was_silent_is_asked_again(stack, asked_while_silent, expected_csv):
    run, began = asked_while_silent
    within(60, lambda: time.monotonic() > began + SILENT_SECONDS)
    silent_for = time.monotonic() - began
    docker("unpause", stack.container("cash_flow"))
    stack.succeeded(run)
    stack.measured(f"service silent for {silent_for:.0f} s: run succeeds after", time.monotonic() - began)
    assert stack.published_anew() == expected_csv
