"""Runs whose command was killed: the next command ends them and takes back their places in the pools."""

import dagster as dg
import pytest

from finsync_pipeline.cli.killed_runs import LOCK_TAG, end_killed_runs, locked_while_alive
from finsync_pipeline.cli.materialize import materialize
from finsync_pipeline.cli.setup import local_instance
from finsync_pipeline.definitions import defs

POOL, STEP = "pnl_service", "pnl_inventory"


def started_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    """A run that has started and holds a place in the pool; its id."""
    job = defs().get_repository_def().get_job("re_resolve")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, STEP).is_claimed
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_killed_run_is_ended_and_one_that_goes_on_is_left_alone(deployment):
    local_instance()
    locks, elsewhere = deployment.home / "commands", deployment.folder / "commands"
    with dg.DagsterInstance.get() as instance, locked_while_alive(locks) as lock:
        alive = started_run(instance, lock)
        killed = started_run(instance, {LOCK_TAG: str(locks / "killed.lock")})
        (locks / "killed.lock").touch()
        others = [
            instance.create_run_for_job(
                defs().get_repository_def().get_job("re_resolve"), status=dg.DagsterRunStatus.STARTED, tags=tags
            ).run_id
            for tags in ({}, {LOCK_TAG: str(elsewhere / "a.lock")})
        ]

        end_killed_runs(instance, locks)

        assert status(instance, killed) == dg.DagsterRunStatus.FAILURE
        assert [status(instance, run) for run in (alive, *others)] == [dg.DagsterRunStatus.STARTED] * 3
        holders = [slot.run_id for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots]
        assert holders == [alive]
        assert [file.name for file in locks.iterdir()] == [lock[LOCK_TAG].rpartition("/")[2]]
    assert list(locks.iterdir()) == []


@pytest.mark.long
def test_after_two_killed_runs_a_command_has_places_in_the_pools(running):
    local_instance()
    with dg.DagsterInstance.get() as instance:
        for name in ("a", "b"):
            started_run(instance, {LOCK_TAG: str(running.home / "commands" / f"{name}.lock")})

    assert materialize(dg.AssetSelection.assets(["pnl", "inventory"], ["pnl", "unassigned"]), {}, [])
