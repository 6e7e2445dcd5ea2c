"""A run that is killed while it writes: no half file is seen, it is run once more, the result is the same."""

import subprocess
from pathlib import Path

from deployment.engine import docker, needs_docker
from deployment.stack import RUN_SECONDS, SOME_QUARTERS, Stack, within

SCRIPT = Path(__file__).with_name("in_containers") / "kill_in_mid_write.py"
READ_ALL = """
import pathlib, pyarrow.parquet as parquet
files = [file for file in pathlib.Path("/data").rglob("*.parquet") if not file.name.startswith(".")]
print(len(files), sum(parquet.ParquetFile(file).read().num_rows for file in files))
"""

pytestmark = needs_docker


def killed_in_mid_write(stack: Stack, launch, what: str) -> tuple[str, str]:
    """A run whose process was killed when a file was half written, and the name of the file."""
    for _ in range(5):  # it may end before it is caught
        run = launch()
        alone = ["--filter", f"label=dagster/run_id={run}"]
        container = within(RUN_SECONDS, lambda alone=alone: docker("ps", "--quiet", *alone).strip())
        beside = ["--pid", f"container:{container}", "--volume", "finsync_data:/data:ro", "--user", "10001:10001"]
        script = ["--volume", f"{SCRIPT}:/kill.py:ro", "--entrypoint", "python", "finsync-pipeline", "/kill.py", what]
        watching = subprocess.run(
            ["docker", "run", "--rm", *beside, *script],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if half := watching.stdout.strip():
            return run, half
        stack.finished(run)
    raise AssertionError(f"never caught in mid-write: {watching.stderr}")


def test_killed_while_it_writes_tables(stack, expected_csv):
    files_and_rows = stack.inside("code", "python", "-c", READ_ALL)
    # So that there is something to be made
    stack.inside("code", "sh", "-c", "cd /data/tables/pnl/facts && rm 2009-07-01.parquet 2009-10-01.parquet")
    launch = lambda: stack.launch_by_graphql("quarter", SOME_QUARTERS)  # noqa: E731
    run, half = killed_in_mid_write(stack, launch, "tables")
    stack.inside("code", "test", "-e", half)
    stack.inside("code", "python", "-c", READ_ALL)  # all others are whole
    failed = stack.finished(run)
    assert failed.status == "FAILURE"
    retry = stack.retry_of(run)
    assert retry.status == "SUCCESS", stack.errors(retry.id)
    stack.measured("run killed in mid-write: from its end to that of its retry", retry.ended - failed.ended)
    assert stack.inside("code", "python", "-c", READ_ALL) == files_and_rows
    assert stack.published_anew() == expected_csv


def test_killed_while_it_writes_a_release(stack, expected_csv):
    before = stack.releases()
    run, half = killed_in_mid_write(stack, stack.launch_release, "release")
    assert Path(half).name.startswith(".staging-")
    since = stack.releases()
    assert stack.release_csv() == expected_csv
    retry = stack.retry_of(run)
    assert retry.status == "SUCCESS", stack.errors(retry.id)
    assert len(stack.releases()) == len(since) + 1 > len(before)
    assert stack.release_csv() == expected_csv
    stack.inside("code", "rm", "-r", half)
