"""When things run: the close of a quarter, the release after it, and the watch on what sources hold."""

import os
from datetime import UTC, date, datetime

import dagster as dg
import pytest
from local_services import answering_services

from finsync_pipeline.definitions import defs
from finsync_pipeline.defs.schedules import quarter_close, release_after_close
from finsync_pipeline.orchestration.run_requests import unbroken_ranges

START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.mark.parametrize(
    ("at", "quarter"),
    [
        (datetime(2010, 1, 20, 6, tzinfo=UTC), "2009-10-01"),
        (datetime(2010, 4, 20, 6, tzinfo=UTC), "2010-01-01"),
        (datetime(2010, 10, 20, 6, tzinfo=UTC), "2010-07-01"),
    ],
)
def test_the_close_asks_for_the_quarter_that_has_ended(at: datetime, quarter: str):
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        request = quarter_close(context)

    assert request.partition_key == quarter


def test_the_release_comes_two_hours_after_the_close_and_once():
    at = datetime(2010, 1, 20, 8, tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        request = release_after_close(context)

    assert request.run_key == "release:2010-01-20"
    assert quarter_close.cron_schedule == "0 6 20 1,4,7,10 *"
    assert release_after_close.cron_schedule == "0 8 20 1,4,7,10 *"


def test_quarters_are_asked_for_in_unbroken_ranges():
    calendar = [date(2009, 1, 1), date(2009, 4, 1), date(2009, 7, 1), date(2009, 10, 1)]

    assert unbroken_ranges([calendar[0], calendar[2], calendar[3]], calendar) == [[calendar[0]], calendar[2:]]
    assert unbroken_ranges([], calendar) == []


def _tick() -> dg.SensorResult:
    sensor = defs().get_repository_def().get_sensor_def("delivery_changed")
    with dg.build_sensor_context() as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def _asked(result: dg.SensorResult) -> list[tuple[str, str]]:
    return [(request.tags[START], request.tags[END]) for request in result.run_requests or []]


def _run_keys(result: dg.SensorResult) -> list[str | None]:
    return [request.run_key for request in result.run_requests or []]


def test_the_sensor_asks_for_all_quarters_that_were_never_worked_on(running):
    assert _asked(_tick()) == [("2009-07-01", "2009-10-01")]


def test_the_sensor_asks_for_the_quarters_whose_rows_changed_and_for_no_others(worked):
    with answering_services(worked.data) as urls:
        worked.use(urls)
        nothing = _tick()
        assert not nothing.run_requests
        assert "No quarter has changed" in str(nothing.skip_reason)

    file = worked.data / "pnl.csv"
    file.write_text(file.read_text().replace('"1,000"', '"1,001"'))
    with answering_services(worked.data) as urls:
        worked.use(urls)
        today = datetime.now(UTC).date()
        changed = _tick()
        assert _asked(changed) == [("2009-07-01", "2009-07-01")]
        again = _tick()
        assert _run_keys(again) == _run_keys(changed) or today != datetime.now(UTC).date()
        os.utime(worked.home / "tables/pnl/ledger/2009-07-01.parquet")  # as if worked on in between
        assert _run_keys(_tick()) != _run_keys(changed)

    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("1,")))
    with answering_services(worked.data) as urls:
        worked.use(urls)
        assert _asked(_tick()) == [("2009-07-01", "2009-07-01")]


def test_the_sensor_says_which_source_does_not_answer(deployment):
    with answering_services(deployment.data) as urls:
        deployment.use({**urls, "pnl": "http://127.0.0.1:9"})
        assert _asked(_tick()) == [("2009-10-01", "2009-10-01")]
    deployment.use(dict.fromkeys(("pnl", "balance_sheet", "cash_flow"), "http://127.0.0.1:9"))

    assert "no answer from balance_sheet, cash_flow, pnl" in str(_tick().skip_reason)


def test_schedules_and_the_sensor_start_switched_off_unless_deployed():
    repository = defs().get_repository_def()

    assert {schedule.name: schedule.default_status.value for schedule in repository.schedule_defs} == {
        "quarter_close": "STOPPED",
        "release_after_close": "STOPPED",
    }
    assert {sensor.name: sensor.default_status.value for sensor in repository.sensor_defs} == {
        "delivery_changed": "STOPPED",
        "decisions_overtaken": "STOPPED",
    }
