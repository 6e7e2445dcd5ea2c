"""Old runs are forgotten, except those that made what is there now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from finsync_pipeline.ops.prune_runs import prune

QUARTERS = dg.StaticPartitionsDefinition(["2009-07-01", "2009-10-01"])


@dg.asset(partitions_def=QUARTERS)
def table(context: dg.AssetExecutionContext) -> None:
    context.log.info("made")


@dg.asset
def broken() -> None:
    raise ValueError("no")


@pytest.fixture
def instance(tmp_path: Path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def made(instance: dg.DagsterInstance, quarter: str) -> str:
    return dg.materialize([table], instance=instance, partition_key=quarter).run_id


def test_only_runs_whose_work_was_done_again_or_failed_are_forgotten(instance):
    first, second = made(instance, "2009-07-01"), made(instance, "2009-10-01")
    again = made(instance, "2009-10-01")
    failed = dg.materialize([broken], instance=instance, raise_on_error=False).run_id
    logs = Path(instance.storage_directory())
    assert list(logs.rglob(f"{second}/**/*.err"))

    assert prune(instance, datetime.now(UTC) - timedelta(days=1)) == (0, 0)
    assert prune(instance, datetime.now(UTC) + timedelta(seconds=5)) == (2, 2)

    assert {run.run_id for run in instance.get_runs()} == {first, again}
    assert not list(logs.rglob(f"{second}/**/*.err"))
    assert not instance.get_run_by_id(failed)
    assert instance.get_materialized_partitions(table.key) == {"2009-07-01", "2009-10-01"}
