"""Runs of commands whose process was killed: they are ended, and give back their places in the pools.

A run in this process has nobody who watches it: if the process is killed, Dagster would show the run as going on for
ever, and after two of them the pools would have no place, so that every later command waits. So each command holds a
lock, which ends with its process however that ends, and names it in a tag of its run. In a deployment, Dagster's own
monitoring does this for the runs that the daemon launched.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg

from finsync_pipeline.orchestration.run_requests import UNFINISHED

LOCK_TAG = "finsync/lock"


@contextmanager
def locked_while_alive(folder: Path) -> Iterator[dict[str, str]]:
    """Within the block, other commands see that this one is alive; receives the tags of its run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.lock"
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists():  # another command has just taken it for one that was left
                continue
            try:
                yield {LOCK_TAG: str(path)}
            finally:
                path.unlink(missing_ok=True)
            return


def end_killed_runs(instance: dg.DagsterInstance, folder: Path) -> None:
    """End the runs of commands that were killed, free their places in the pools, and remove their locks.

    `folder` is that of `locked_while_alive`; runs with a lock in another folder are left alone.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        path = Path(run.tags.get(LOCK_TAG, ""))
        if path.parent == folder and not _is_locked(path):
            instance.report_run_failed(run, "The process of this run was killed")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    for path in folder.glob("*.lock"):
        if not _is_locked(path):
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
