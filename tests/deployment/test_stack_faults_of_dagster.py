"""Postgres, the daemon and the code server killed, connections cut: runs go on or are run once more, all is kept."""

import time

import pytest
from deployment.engine import docker, needs_docker
from deployment.stack import QUARTER, RUN_SECONDS, SOME_QUARTERS, Run, Stack, within

pytestmark = needs_docker


def ended_well(stack: Stack, run: str) -> Run:
    """The run, or the one that was launched in its place."""
    done = stack.finished(run)
    return done if done.status == "SUCCESS" else stack.retry_of(run)


@pytest.mark.parametrize("seconds", [3, 30])
def test_postgres_is_killed_in_the_middle_of_a_run(stack, expected_csv, seconds):
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    stack.is_working(run)
    docker("kill", stack.container("postgres"))
    time.sleep(seconds)
    docker("start", stack.container("postgres"))
    began = time.monotonic()
    done = ended_well(stack, run)
    assert done.status == "SUCCESS", stack.errors(done.id)
    how = "the run itself" if done.id == run else "its retry"
    stack.measured(f"Postgres away for {seconds} s in a run: {how} succeeds after", time.monotonic() - began)
    stack.wait_healthy("code", "webserver", "daemon")
    assert stack.published_anew() == expected_csv


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'finsync' AND pid <> pg_backend_pid()"


def cut_connections(stack: Stack, seconds: float = 3) -> None:
    """Cut all connections to Postgres, so often that none lasts for longer than the pause between two cuts."""
    pause = 0.05
    commands = [f"--command={CUT}", f"--command=SELECT pg_sleep({pause})"] * int(seconds / pause)
    stack.inside("postgres", "psql", "--quiet", "--username=postgres", "--dbname=finsync", *commands)


def is_queued(stack: Stack, run: str) -> None:
    """It is when it has been launched."""


def has_a_container(stack: Stack, run: str) -> None:
    within(RUN_SECONDS, lambda: docker("ps", "--all", "--quiet", "--filter", f"label=dagster/run_id={run}"))


def is_between_two_steps(stack: Stack, run: str) -> None:
    within(RUN_SECONDS, lambda: any(ended for _, ended in stack.run(run).steps.values()))


@pytest.mark.parametrize("moment", [is_queued, has_a_container, Stack.is_working, is_between_two_steps])
def test_all_connections_to_postgres_are_cut_and_the_run_ends_well(stack, expected_csv, moment):
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    moment(stack, run)
    began = time.monotonic()
    cut_connections(stack)
    done = ended_well(stack, run)
    assert done.status == "SUCCESS", stack.errors(done.id)
    when, how = moment.__name__.replace("_", " "), "the run itself" if done.id == run else "its retry"
    stack.measured(f"connections cut for 3 s when a run {when}: {how} succeeds after", time.monotonic() - began)
    stack.wait_healthy("code", "webserver", "daemon")
    assert stack.published_anew() == expected_csv


def test_all_connections_to_postgres_are_cut_while_a_run_is_launched_once_more(stack, expected_csv):
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    docker("kill", stack.is_working(run).container)
    assert stack.finished(run).status == "FAILURE"
    began = time.monotonic()
    cut_connections(stack, seconds=8)  # the daemon looks for failed runs every 5 s
    done = stack.retry_of(run)
    assert done.status == "SUCCESS", stack.errors(done.id)
    stack.measured("connections cut for 8 s when a run has failed: its retry succeeds after", time.monotonic() - began)
    assert stack.published_anew() == expected_csv


def test_the_daemon_is_killed_and_runs_go_on(stack):
    going_on = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    stack.is_working(going_on)
    stack.measured("daemon killed: healthy again after", stack.kill("daemon"))
    queued = stack.work_on("pnl")
    assert stack.succeeded(going_on).container
    stack.succeeded(queued)


def test_the_code_server_is_killed_and_runs_go_on(stack):
    going_on = stack.launch_by_graphql("quarter", {"dagster/partition": QUARTER})
    stack.is_working(going_on)
    stack.measured("code server killed: healthy again after", stack.kill("code"))
    stack.succeeded(going_on)

    def launched() -> str | None:
        try:
            return stack.work_on("pnl")
        except AssertionError:  # the webserver has not found it again yet
            return None

    stack.succeeded(within(60, launched))


def test_the_webserver_is_killed_and_answers_again(stack):
    stack.measured("webserver killed: healthy again after", stack.kill("webserver"))
    assert stack.runs()
