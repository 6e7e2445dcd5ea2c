"""Runs at the same time: limits hold, and two runs of one quarter never publish a mixture."""

import csv
import io
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from deployment.engine import needs_docker
from deployment.local_run import SAMPLE, csv_without_docker
from deployment.stack import QUARTER, SOURCES, Run, Stack, within

MOST_RUNS = 2

pytestmark = needs_docker


def most_at_once(intervals: Iterable[tuple[float, float]]) -> int:
    """How many of the intervals overlap at most."""
    turns = sorted(turn for began, ended in intervals for turn in ((began, 1), (ended, -1)))
    most = now = 0
    for _, step in turns:
        now += step
        most = max(most, now)
    return most


def in_pool(runs: Iterable[Run], *steps: str) -> int:
    """How many of these steps went on at the same time, in all runs."""
    return most_at_once(run.steps[step] for run in runs for step in steps if step in run.steps)


def test_a_run_beside_a_backfill_keeps_within_the_limits_of_queue_and_pools(stack):
    known = stack.runs().keys()
    stack.inside(
        "code", "dagster", "job", "backfill", "-j", "quarter", "--from", "2009-04-01", "--to", QUARTER, "--noprompt"
    )
    beside = stack.launch_by_graphql("quarter", {"dagster/partition": QUARTER})
    within(120, lambda: len(stack.runs().keys() - known) >= 4)
    stack.succeeded(beside)
    stack.idle()
    runs = [run for run in stack.runs().values() if run.id not in known]
    assert [run.status for run in runs] == ["SUCCESS"] * 4
    assert most_at_once((run.started, run.ended) for run in runs) == MOST_RUNS
    for source in SOURCES:
        assert in_pool(runs, f"{source}_inventory", f"{source}__raw") == 1
        assert in_pool(runs, f"{source}_statements") == 1


@pytest.fixture
def other_statements(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """Statements of which pnl has other figures in one quarter; the deployment gets its own back after the test."""
    shutil.copytree(SAMPLE, tmp_path / "statements")
    changed = tmp_path / "statements" / "pnl.csv"
    changed.write_text(with_other_figures(changed.read_text(encoding="utf-8")), encoding="utf-8")
    yield tmp_path / "statements"
    deliver(stack, SAMPLE)
    stack.idle()
    stack.succeeded(stack.launch_by_graphql("quarter", {"dagster/partition": QUARTER}))
    stack.published_anew()


def deliver(stack: Stack, statements: Path) -> None:
    """Have the service pnl serve these statements, and wait until it does."""
    newer = stack.data / ".pnl.newer"
    shutil.copyfile(statements / "pnl.csv", newer)
    newer.chmod(0o644)
    newer.replace(stack.data / "pnl.csv")


def with_other_figures(statements: str) -> str:
    """The statements with ten times the revenue in each row of the quarter."""
    header, *rows = csv.reader(io.StringIO(statements))
    ended, revenue = header.index("Period Ended"), header.index("Total Revenue")
    for row in rows:
        if re.fullmatch(r"(October|November|December) \d+, 2009", row[ended]) and row[revenue]:
            row[revenue] = "1" + row[revenue]
    changed = io.StringIO()
    csv.writer(changed).writerows([header, *rows])
    return changed.getvalue()


def test_two_runs_of_one_quarter_never_publish_a_mixture(stack, other_statements, expected_csv, tmp_path):
    (tmp_path / "local").mkdir()
    other_csv = csv_without_docker(other_statements, tmp_path / "local")
    assert other_csv != expected_csv
    known, quarter = set(stack.releases()), {"dagster/partition": QUARTER}
    first = stack.launch_by_graphql("quarter", quarter)
    stack.is_working(first)
    deliver(stack, other_statements)
    publishing = [stack.launch_by_graphql("release")]
    both = [first, stack.launch_by_graphql("quarter", quarter)]
    while not all(stack.run(run).is_finished for run in both):
        if stack.run(publishing[-1]).is_finished:
            publishing.append(stack.launch_by_graphql("release"))
        time.sleep(1)
    for run in publishing:
        done = stack.finished(run)
        assert done.status == "SUCCESS" or "Run: finsync" in stack.errors(run)
    for release in set(stack.releases()) - known:
        csv_of_it = stack.inside("code", "sh", "-c", f"cat /data/published/{release}/company_summary_*.csv").encode()
        assert csv_of_it in (expected_csv, other_csv)

    def is_in() -> bool:
        """Whether the new figures are in; if the run that asked first was the last, the sensor asks again."""
        stack.idle()
        run = stack.finished(stack.launch_by_graphql("release"))
        return run.status == "SUCCESS" and stack.release_csv() == other_csv

    assert within(180, is_in)
    asked_by_the_sensor = [run for run in stack.runs().values() if "dagster/sensor_name" in run.tags]
    assert most_at_once((run.created, run.ended) for run in asked_by_the_sensor) == 1
