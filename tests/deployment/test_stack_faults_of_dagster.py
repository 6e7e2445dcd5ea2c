"""Postgres, the daemon and the code server killed: runs go on or are run once more, and nothing is lost."""

import time

import pytest
from deployment.engine import docker, needs_docker
from deployment.stack import QUARTER, SOME_QUARTERS, Run, Stack, within

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


def test_all_connections_to_postgres_are_cut_in_the_middle_of_a_run(stack, expected_csv):
    run = stack.launch_by_graphql("quarter", SOME_QUARTERS)
    stack.is_working(run)
    began = time.monotonic()
    while time.monotonic() < began + 3:  # as often as they are made anew
        stack.inside("postgres", "psql", "--username=finsync", "--dbname=finsync", "--command", CUT)
    done = ended_well(stack, run)
    assert done.status == "SUCCESS", stack.errors(done.id)
    stack.measured("connections cut for 3 s in a run: succeeds after", time.monotonic() - began)
    stack.wait_healthy("code", "webserver", "daemon")
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
