"""Which failed runs Dagster is asked to launch again."""

from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine

from finsync_pipeline.definitions import defs
from finsync_pipeline.orchestration.retry_on_storage_loss import launched_again_if_storage_was_lost

TAG = "dagster/retry_on_asset_or_op_failure"


def storage_is_away(folder: Path) -> None:
    """As Dagster does: the error of the database is the cause of its own."""
    try:
        create_engine(f"sqlite:///{folder}/nothing/runs.db").connect()
    except Exception as error:
        raise RuntimeError("too many retries for the connection") from error


def source_is_down(folder: Path) -> None:
    raise dg.Failure(f"Source 'pnl' cannot be reached from {folder}")


@pytest.mark.parametrize(("fail", "tag"), [(storage_is_away, "true"), (source_is_down, None)])
def test_a_run_is_launched_again_only_if_it_lost_the_storage(tmp_path: Path, fail, tag: str | None):
    @dg.op
    def work() -> None:
        fail(tmp_path)

    @dg.job(hooks={launched_again_if_storage_was_lost})
    def job() -> None:
        work()

    with dg.instance_for_test() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
        assert not run.success
        assert instance.get_run_by_id(run.run_id).tags.get(TAG) == tag


def test_every_job_has_the_hook():
    jobs = [each for each in defs().jobs if each.name in ("quarter", "release", "re_resolve")]
    assert len(jobs) == 3
    assert all(launched_again_if_storage_was_lost in each.hooks for each in jobs)
