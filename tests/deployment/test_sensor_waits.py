"""The sensor asks once for what changed, however long the run takes that brings it in."""

from pathlib import Path

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from finsync_pipeline.definitions import defs

ASKED_BY_THE_SENSOR = {"dagster/sensor_name": "source_changed"}


def told_by_a_tick(instance: dg.DagsterInstance) -> str | None:
    repository = defs().get_repository_def()
    context = dg.SensorEvaluationContext(
        instance_ref=instance.get_ref(),
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=None,
        repository_name=repository.name,
        repository_def=repository,
    )
    with context:
        return repository.get_sensor_def("source_changed").evaluate_tick(context).skip_message


def test_it_waits_for_the_run_that_it_asked_for_and_for_no_other(tmp_path: Path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
        create_run_for_test(instance, status=dg.DagsterRunStatus.FAILURE, tags=ASKED_BY_THE_SENSOR)
        assert "has not ended" not in (told_by_a_tick(instance) or "")

        create_run_for_test(instance, status=dg.DagsterRunStatus.STARTING, tags=ASKED_BY_THE_SENSOR)
        assert "has not ended" in (told_by_a_tick(instance) or "")
