"""Dagster's event log is kept open for the length of a run, and holds what it would hold without that."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event
from sqlalchemy.pool import Pool

from finsync_pipeline.cli.event_log import event_log_kept_open

# Making a new file and its tables opens it some times; in Dagster's own way each event opens it once more
A_FEW = 12
MANY = 40


@dg.op
def _one(context: dg.OpExecutionContext) -> int:
    for number in range(MANY):
        context.log.info(f"number {number}")
    context.log_event(dg.AssetMaterialization("numbers", metadata={"n": 1}))
    return 1


@dg.op
def _fails(one: int) -> None:
    raise ValueError(f"{one} will not do")


@dg.job
def _job() -> None:
    _fails(_one())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a local instance."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return tmp_path


def _instance(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(home))


def _stored(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.dagster_event_type.value for entry in instance.all_logs(run_id) if entry.dagster_event_type]


@contextmanager
def _openings() -> Iterator[Counter[str]]:
    """How often each SQLite file is opened within the block, by its name."""
    counted: Counter[str] = Counter()

    def count(connection, _) -> None:
        [(_, _, file)] = connection.execute("PRAGMA database_list").fetchall()
        counted[Path(file).name] += 1

    event.listen(Pool, "connect", count)
    try:
        yield counted
    finally:
        event.remove(Pool, "connect", count)


def test_every_event_is_there_for_an_ordinary_instance_during_the_run_and_after_it(home: Path):
    with _instance(home) as ordinary, _instance(home) as instance:
        with event_log_kept_open(instance) as is_kept_open, _openings() as opened:
            result = _job.execute_in_process(instance=instance, raise_on_error=False)
            happened = [each.event_type_value for each in result.all_events]
            during = _stored(ordinary, result.run_id)
        after = _stored(ordinary, result.run_id)
        logged = ordinary.all_logs(result.run_id)
        [materialized] = ordinary.fetch_materializations(dg.AssetKey("numbers"), limit=5).records

    assert is_kept_open
    assert 0 < opened[f"{result.run_id}.db"] <= A_FEW < MANY < len(logged)
    assert {"PIPELINE_START", "ASSET_MATERIALIZATION", "STEP_FAILURE", "PIPELINE_FAILURE"} <= set(happened)
    assert Counter(during) == Counter(after)
    assert not Counter(happened) - Counter(after)
    assert materialized.run_id == result.run_id


def test_the_log_is_dagsters_own_again_afterwards_and_no_file_stays_open(home: Path):
    with _instance(home) as instance:
        with event_log_kept_open(instance):
            kept = _job.execute_in_process(instance=instance, raise_on_error=False)
        assert not list(home.rglob("*-wal"))  # the last to close a file puts its write-ahead log into it
        own = _job.execute_in_process(instance=instance, raise_on_error=False)

        assert Counter(_stored(instance, own.run_id)) == Counter(_stored(instance, kept.run_id))


def test_another_way_of_connecting_is_left_to_dagster(home: Path, monkeypatch: pytest.MonkeyPatch):
    connect = SqliteEventLogStorage._connect

    def renewed(self: SqliteEventLogStorage, shard: str, *, is_written: bool = True) -> AbstractContextManager:
        return connect(self, shard)

    monkeypatch.setattr(SqliteEventLogStorage, "_connect", renewed)
    with _instance(home) as instance, event_log_kept_open(instance) as is_kept_open, _openings() as opened:
        result = _job.execute_in_process(instance=instance, raise_on_error=False)
        assert "PIPELINE_FAILURE" in _stored(instance, result.run_id)

        assert opened[f"{result.run_id}.db"] > MANY

    assert not is_kept_open


def test_another_storage_is_left_to_dagster():
    with dg.DagsterInstance.ephemeral() as instance, event_log_kept_open(instance) as is_kept_open:
        assert not is_kept_open


def test_the_command_keeps_the_log_open(worked):
    with _openings() as opened:
        assert worked.finsync("release") == 0

    with dg.DagsterInstance.from_config(str(worked.home / "dagster")) as instance:
        [run] = instance.get_runs(limit=1)
        stored = _stored(instance, run.run_id)
    assert {"PIPELINE_START", "PIPELINE_SUCCESS"} <= set(stored)
    assert 0 < opened[f"{run.run_id}.db"] <= A_FEW < len(stored)
